"""Campaign templates, the gallery they are shared through, and texts with variables."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from growbase.core.errors import Conflict, FieldError, Invalid
from growbase.core.facts import hold
from growbase.core.folding import fold
from growbase.core.reads import Reads
from growbase.core.schema import invalid
from growbase.core.transaction import Transaction
from growbase.domains.marketing.gallery import GALLERY_TEMPLATES
from growbase.domains.marketing.models import CampaignTemplate, ContentTemplate, GalleryTemplate, Visibility
from growbase.domains.marketing.schemas import Variable, checked_template

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

RECIPE = ("name", "description", "category", "template_data", "default_settings", "prompt_templates")
"""What the gallery and an organization's templates have in common."""

FILTERS = frozenset({"upper", "lower", "title", "capitalize", "trim", "round"})
TEXT_TYPES: Mapping[str, type | tuple[type, ...]] = {"text": str, "number": (int, float), "boolean": bool}

_VARIABLES = TypeAdapter(list[Variable])


# -- campaign templates and the gallery -------------------------------------------------------------------------------


def create_campaign_template(
    tx: Transaction, *, template_data: Mapping[str, Any] | None = None, **rest: object
) -> UUID:
    """Make a template of one's own. Raises Invalid naming what is wrong in its data."""
    return tx.insert(CampaignTemplate, template_data=checked_template(template_data or {}), **rest)


def update_campaign_template(
    tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None
) -> int:
    """Change a template; campaigns made from it stay as they are."""
    values = dict(changes)
    if "template_data" in values:
        values["template_data"] = checked_template(values["template_data"] or {})
    return tx.update(CampaignTemplate, id, values, version=version)


def publish_template(tx: Transaction, *, id: UUID) -> UUID:
    """Offer a template to every organization: the gallery gets a copy, a new one each time it is published anew."""
    template = tx.get(CampaignTemplate, id, lock=True)
    code = f"published-{id}"
    recipe = {name: template.__dict__[name] for name in RECIPE}
    shared = tx.find(GalleryTemplate, code=code, lock=True)
    if shared is None:
        tx.insert(GalleryTemplate, code=code, **recipe)
    else:
        tx.change(shared, recipe)
    tx.change(template, {"visibility": Visibility.PUBLIC})
    return id


def list_gallery(reads: Reads) -> list[dict[str, Any]]:
    """Return the gallery, the most used first, as JSON-ready rows."""
    shown = ("id", "code", *RECIPE, "is_system", "usage_count")
    rows = reads.rows(GalleryTemplate, order="-usage_count, id", limit=200)
    return [{name: str(row.id) if name == "id" else row.__dict__[name] for name in shown} for row in rows]


def use_gallery_template(tx: Transaction, *, id: UUID, name: str | None = None) -> UUID:
    """Copy a gallery template into the organization and return the copy's id.

    Raises NotUnique if the organization has a template of that name; give the copy another one then.
    """
    shared = tx.get(GalleryTemplate, id)
    copy_id = _copy_shared(tx, shared, name or shared.name)
    tx.increment(GalleryTemplate, id, "usage_count")
    return copy_id


def copy_gallery(tx: Transaction) -> list[UUID]:
    """Give the organization its own copies of the templates that come with Growbase, those it does not have yet."""
    hold(tx, "copy_gallery")
    known = {row.origin_code for row in tx.rows(CampaignTemplate, trash=True)}
    names = {row.name_norm for row in tx.rows(CampaignTemplate)}
    shared = tx.rows(GalleryTemplate, is_system=True, order="id")
    return [_copy_shared(tx, row, row.name) for row in shared if row.code not in known and fold(row.name) not in names]


def install_gallery(tx: Transaction) -> int:
    """Insert the templates that come with Growbase where they are missing and return how many were."""
    present = {row.code for row in tx.rows(GalleryTemplate, code=[row["code"] for row in GALLERY_TEMPLATES])}
    missing = [row for row in GALLERY_TEMPLATES if row["code"] not in present]
    for row in missing:
        tx.insert(GalleryTemplate, **row)
    return len(missing)


def _copy_shared(tx: Transaction, shared: GalleryTemplate, name: str) -> UUID:
    recipe = {column: shared.__dict__[column] for column in RECIPE}
    values = {**recipe, "name": name, "origin_code": shared.code, "visibility": Visibility.ORGANIZATION}
    return tx.insert(CampaignTemplate, **values)


# -- content templates ------------------------------------------------------------------------------------------------


def create_content_template(
    tx: Transaction, *, template: str, variables: Sequence[Mapping[str, Any]] = (), **rest: object
) -> UUID:
    """Write a text with variables; a variable that is used but not described is a required text."""
    described = describe_variables(template, variables)
    return tx.insert(ContentTemplate, template=template, variables=described, **rest)


def update_content_template(
    tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None
) -> int:
    """Change a text with variables; new variables are described as in a new one."""
    row = tx.get(ContentTemplate, id, lock=True)
    values = dict(changes)
    if "template" in values or "variables" in values:
        template = values.get("template", row.template)
        values["variables"] = describe_variables(template, values.get("variables", row.variables) or ())
    return tx.change(row, values, version=version)


def render_content_template(tx: Reads, *, id: UUID, variables: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the text with every variable filled in. Raises Invalid naming each that is missing or of a wrong type."""
    row = tx.get(ContentTemplate, id)
    if not row.is_active:
        raise Conflict("The template is not active.")
    return {"text": render(row.template, row.variables, variables or {})}


def describe_variables(template: str, variables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the descriptions of all variables a template uses, given ones first. Raises Invalid."""
    try:
        described = _VARIABLES.validate_python([dict(item) for item in variables])
    except ValidationError as error:
        raise invalid(error, "variables") from error
    names = [variable.name for variable in described]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise Invalid.at(f"variables.{place}.name", "unique", "is the same as another variable's")
    described += [Variable(name=name) for name in sorted(used_variables(template) - set(names))]
    return [variable.model_dump(mode="json") for variable in described]


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)


def used_variables(template: str) -> set[str]:
    """Return the names a template uses. Raises Invalid if it is more than text, {{names}} and simple filters."""
    from jinja2 import TemplateError, meta, nodes

    # Loops could run for ever and attributes could reach code, so neither is allowed.
    allowed = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Keyword)
    try:
        tree = _environment().parse(template)
    except TemplateError as error:
        raise Invalid.at("template", "syntax", "{reason}", reason=error.message or "is not a template") from error
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, allowed) or (isinstance(node, nodes.Filter) and node.name not in FILTERS):
            message = "may hold text and {{{{variables}}}} with simple filters only (line {line})"
            raise Invalid.at("template", "not_simple", message, line=node.lineno)
    return meta.find_undeclared_variables(tree)


def render(template: str, variables: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> str:
    """Return a template's text. Raises Invalid for a required variable without a value, never leaves it empty."""
    described = _VARIABLES.validate_python([dict(item) for item in describe_variables(template, variables)])
    context: dict[str, Any] = {}
    errors: list[FieldError] = []
    for variable in described:
        value = values.get(variable.name)
        value = variable.default if value is None else value
        errors += _wrong(variable, value)
        context[variable.name] = "" if value is None else str(value).lower() if isinstance(value, bool) else value
    if errors:
        raise Invalid(fields=tuple(errors))
    from jinja2 import TemplateError

    try:
        return _environment().from_string(template).render(context)
    except TemplateError as error:
        raise Invalid.at("template", "render", "{reason}", reason=error.message or "can't be rendered") from error


def _wrong(variable: Variable, value: object) -> Iterator[FieldError]:
    path = f"variables.{variable.name}"
    if value is None:
        if variable.required:
            yield FieldError(path, "required", "is required")
        return
    is_bool = isinstance(value, bool)
    if not isinstance(value, TEXT_TYPES[variable.type]) or (is_bool and variable.type != "boolean"):
        yield FieldError(path, "type", "must be of the type {kind}", {"kind": variable.type})
