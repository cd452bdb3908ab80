"""Rows as people see them: what a row is called, the names behind its references, and the columns worth showing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

from growbase.core.model import Root, Rule, View, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.statements import mark, plan_of, select_sql
from growbase.studio.words import Words

Row = Mapping[str, Any]

FIRST: Final = ("name", "title", "subject", "full_name", "display_name", "headline", "handle", "label")
NEXT: Final = (
    *("company_name", "vendor_name", "product_title", "original_filename", "email", "url", "reference_code"),
    *("hook", "key", "code", "slug", "kind", "event_type", "metric", "text", "prompt", "keyword", "value"),
)
USERS: Final = frozenset({"created_by", "updated_by", "deleted_by"})
STAMPS: Final = frozenset({"id", "organization_id", "version", "created_by", "updated_by", "deleted_by", "deletion_id"})
DULL: Final = STAMPS | {"created_at", "updated_at", "deleted_at", "is_active", "is_archived", "language", "timezone"}
MOST_COLUMNS: Final = 6
LONG: Final = 160
"""Characters of a text that a list shows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as pages show it; ``kind`` chooses how."""

    name: str
    kind: str
    rule: Rule
    is_sortable: bool = False

    @property
    def target(self) -> str | None:
        """The table it refers to."""
        return "users" if self.name in USERS else self.rule.target


@cache
def title_columns(model: type[Root]) -> tuple[str, ...]:
    """Return the columns that name a row; none where only its references do."""
    columns = {column.name: rule_of(column) for column in table_of(model).columns if not rule_of(column).hidden}
    if {"first_name", "last_name"} <= columns.keys():
        return ("first_name", "last_name")
    for name in FIRST:
        if name in columns:
            return (name,)
    own = f"{table_of(model).name.removesuffix('s')}_name"
    texts = [name for name in (own, *NEXT) if name in columns and columns[name].kind in {"text", "choice"}]
    return tuple(texts[:1])


def title_of(words: Words, resource: Resource, row: Row, names: Mapping[str, str] | None = None) -> str:
    """Return what a row is called; one without a name of its own is called after what it refers to, by ``names``."""
    parts = [str(row[name]) for name in title_columns(resource.model) if row.get(name)]
    text = " ".join(parts).strip()
    if text:
        return " ".join(text.split())[:LONG]
    if row.get("email"):
        return str(row["email"])
    for name in ("number", "step_number", "version_number", "position"):
        if row.get(name) is not None:
            return f"{words.named(resource)} {row[name]}"
    for name in resource.expand:
        found = (names or {}).get(str(row.get(resource.expand_column(name).name)))
        if found:
            return found
    return f"{words.named(resource)} {str(row.get(resource.key, ''))[-6:]}"


@cache
def columns_of(resource: Resource) -> tuple[Column, ...]:
    """Return every column a page may show, in the model's order."""
    return tuple(
        Column(column.name, kind_of(resource, column.name, rule_of(column)), rule_of(column), is_sortable=sorts)
        for column in resource.public
        for sorts in (column.name in resource.sortable,)
        if column.name not in {"organization_id", "deletion_id"}
    )


def kind_of(resource: Resource, name: str, rule: Rule) -> str:
    """Return how a column is shown."""
    if name.endswith("_minor"):
        return "money"
    if rule.kind == "choice":
        return "state" if name in (resource.state, "status") else "choice"
    if rule.target or name in USERS:
        return "reference"
    return rule.kind


@cache
def chosen(resource: Resource) -> tuple[str, ...]:
    """Return the columns a list shows unless others are asked for: its state, what it refers to, what is decided by."""
    known = {column.name: column for column in columns_of(resource)}
    titles = title_columns(resource.model)
    found = [name for name in known if known[name].kind == "state"][:1]
    references = [resource.expand_column(name).name for name in resource.expand]
    found += [name for name in references if name in known][: 2 if titles else 3]
    kinds = ("choice", "money", "moment", "day", "integer", "number", "boolean", "text")
    limits = {"choice": 2, "text": 1}
    for kind in kinds:
        rest = [name for name in known if known[name].kind == kind and name not in {*found, *titles, *DULL}]
        short = [name for name in rest if kind != "text" or (known[name].rule.max_length or 0) <= 320]
        found += short[: limits.get(kind, 2)]
    last = next((name for name in ("updated_at", "created_at") if name in known), None)
    return (*found[: MOST_COLUMNS - 1], *([last] if last else []))


def shown_fields(resource: Resource, columns: Collection[str]) -> list[str]:
    """Return the fields a list must read to show some columns."""
    public = [column.name for column in resource.public]
    wanted = {resource.key, "version", "deleted_at", *title_columns(resource.model), *columns}
    wanted |= {"email", "number", "step_number", "version_number", "position"}
    if any(name.endswith("_minor") for name in columns):
        wanted |= {name for name in public if name.endswith("currency")}
    return [name for name in public if name in wanted]


def names_in(reads: Reads, rows: Iterable[Row], columns: Iterable[Column]) -> dict[str, str]:
    """Return the name of each row that these rows refer to, by its id; one statement a table."""
    wanted: dict[str, set[str]] = {}
    listed = list(rows)
    for column in columns:
        if column.target:
            found = {str(row[column.name]) for row in listed if row.get(column.name)}
            wanted.setdefault(column.target, set()).update(found)
    names: dict[str, str] = {}
    for table, ids in wanted.items():
        names |= names_by_id(reads, table, ids)
    return names


def names_by_id(reads: Reads, table: str, ids: Collection[str]) -> dict[str, str]:
    """Return the names of rows of one table, as far as the actor may read it."""
    model = reads.context.catalog.models.get(table)
    resource = reads.context.catalog.by_table.get(table)
    may = resource is None or reads.actor.has_role(resource.read)
    if not ids or model is None or not may or issubclass(model, View):
        return {}
    columns = ("full_name", "email") if table == "users" else title_columns(model)
    if not columns or (resource is None and table != "users"):
        return {}
    plan = plan_of(model, reads.engine)
    terms, params = reads.scope_terms(plan, anywhere=False)
    if table == "users":
        sign = mark(reads.engine)
        terms.append(f"EXISTS (SELECT 1 FROM memberships m WHERE m.organization_id = {sign} AND m.user_id = t.id)")
        params.append(
            plan_of(reads.context.catalog.models["memberships"], reads.engine)
            .fields["organization_id"]
            .bound(reads.actor.organization_id)
        )
    key = plan.fields["id"]
    signs = ", ".join([mark(reads.engine)] * len(ids))
    sql = select_sql(plan, ", ".join(f"t.{name}" for name in ("id", *columns)), (*terms, f"t.id IN ({signs})"))
    found = reads.execute(sql, [*params, *(key.bound(UUID(id)) for id in ids)]).fetchall()
    if table == "users":
        return {str(id): full_name or email for id, full_name, email in found}
    joined = {str(row[0]): " ".join(str(part) for part in row[1:] if part)[:LONG] for row in found}
    return {id: text for id, text in joined.items() if text}


def shortened(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose long texts are cut for a list."""
    return {
        name: f"{value[:LONG]}…" if isinstance(value, str) and len(value) > LONG else value
        for name, value in row.items()
    }
