"""One action on many rows of a list: first what it would do, found out by a dry run, then for good."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.api.crud import change_row, remove_row, require_owner
from growbase.core.errors import Conflict, GrowbaseError, Invalid
from growbase.core.query import parse
from growbase.core.resource import Resource
from growbase.core.schema import update_schema
from growbase.core.transaction import Transaction
from growbase.core.trash import restore
from growbase.studio import filters
from growbase.studio.acts import companions, flash_error, state_named
from growbase.studio.forms import Input, Texts, inputs_of, parse_form, shown, typed
from growbase.studio.lists import EDIT, bulk_actions
from growbase.studio.render import page
from growbase.studio.rows import title_of
from growbase.studio.visit import Visit, local

SHOWN: Final = 12
"""Names of rows that the question lists."""
MOST: Final = 1_000
"""Rows that one action changes."""
SIMPLE: Final = frozenset(
    {"choice", "boolean", "reference", "text", "long", "integer", "number", "money", "moment", "day", "lines"}
)
"""The kinds of fields that many rows can be given at once."""


@dataclass(slots=True)
class Report:
    """What an action does, or would do."""

    changed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    along: dict[str, int] = field(default_factory=dict)


async def run(visit: Visit, resource: Resource) -> Answer:
    """Ask what an action on the chosen rows would do, or do it once that is confirmed."""
    back = local(visit.sent("back") or f"/studio/{resource.name}")
    action = visit.sent("action")
    ids = await _chosen(visit, resource, back)
    if not ids:
        visit.flash(visit.words.say("Choose some rows first."), kind="error")
        return visit.go(back)
    if len(ids) > MOST:
        visit.flash(visit.words.say("Narrow the list: at most {count} rows at once.", count=MOST), kind="error")
        return visit.go(back)
    trashed = action == "restore"
    offered = dict(bulk_actions(visit, resource, in_trash=trashed))
    if action not in offered:
        raise Invalid.at("action", "choice", "must be one of {expected}", expected=", ".join(offered))
    values: dict[str, Any] = {}
    inputs = _inputs(visit, resource) if action == EDIT else []
    texts = typed(visit, inputs)
    if action == EDIT:
        edited = [one for one in inputs if texts[one.name]]
        try:
            schema = update_schema(resource.name, resource.model)
            values = parse_form(visit.words, edited, texts, schema.parse, keep_empty=True) if edited else {}
        except Invalid as error:
            return await _ask_fields(visit, resource, ids, back, inputs, texts, error)
        if not edited:
            return await _ask_fields(visit, resource, ids, back, inputs, texts)
    unit = _unit(visit, resource, action, ids, values)
    confirmed = bool(visit.sent("confirmed"))
    try:
        report = await visit.write(unit, dry_run=not confirmed)
    except (Conflict, Invalid) as error:
        flash_error(visit, error)
        return visit.go(back)
    if confirmed:
        visit.flash(visit.words.say("Rows changed: {count}.", count=len(report.changed)))
        return visit.go(back)
    sent = [one for one in await shown(visit, inputs, texts) if one.text]
    return page(
        visit,
        "bulk.html",
        resource=resource,
        action=action,
        said=offered[action],
        report=report,
        ids=ids,
        back=back,
        most=SHOWN,
        fields=sent,
    )


async def _chosen(visit: Visit, resource: Resource, back: str) -> list[UUID]:
    """Return the rows that were picked, or all that match the list's address; one more than may be."""
    if not visit.sent("all"):
        return [identity(text) for text in dict.fromkeys(visit.form.get("id", []))]
    pairs = filters.for_reader(parse_qsl(back.partition("?")[2], keep_blank_values=True))
    kept = [(name, value) for name, value in pairs if name not in {"cursor", "page", "limit", "fields"}]
    query = parse(visit.api.catalog, resource, urlencode([*kept, ("fields", resource.key)]))

    def read() -> list[UUID]:
        found: list[UUID] = []
        for rows in visit.api.reader.export(visit.by, resource, query):
            found += [UUID(json.loads(row)[resource.key]) for row in rows]
            if len(found) > MOST:
                break
        return found

    return await visit.api.database.aread(read)


def _inputs(visit: Visit, resource: Resource) -> list[Input]:
    """Return the fields that many rows can be given at once; none of them must be filled in."""
    model = update_schema(resource.name, resource.model).model
    found = inputs_of(visit.api.catalog, model, resource)
    return [replace(one, required=False, nullable=True) for one in found if one.kind in SIMPLE]


async def _ask_fields(
    visit: Visit,
    resource: Resource,
    ids: list[UUID],
    back: str,
    inputs: list[Input],
    texts: Texts,
    refusal: Invalid | None = None,
) -> Answer:
    """Ask what the chosen rows are to be given."""
    fields = await shown(visit, inputs, texts, refusal)
    status = 422 if refusal else 200
    return page(visit, "bulk_edit.html", status, resource=resource, ids=ids, back=back, fields=fields, action=EDIT)


def _unit(
    visit: Visit, resource: Resource, action: str, ids: list[UUID], values: dict[str, Any]
) -> Callable[[Transaction], Report]:
    words = visit.words

    def unit(tx: Transaction) -> Report:
        report = Report()
        for id in ids:
            row = tx.find(resource.model, id, trash=True)
            if row is None:
                continue
            title = title_of(words, resource, row.__dict__)
            try:
                if action == EDIT:
                    is_done = _give(tx, resource, row, values)
                else:
                    is_done = _act(tx, visit, resource, action, row, report)
            except GrowbaseError as error:
                error.params.setdefault("row", title)
                error.message = f"{title}: {words.say(error.message, **error.params)}"
                raise
            (report.changed if is_done else report.left).append(title)
        return report

    return unit


def _give(tx: Transaction, resource: Resource, row: Any, values: dict[str, Any]) -> bool:  # noqa: ANN401 -- any model's row
    old = row.__dict__
    if old.get("deleted_at") is not None or all(old.get(name) == value for name, value in values.items()):
        return False
    change_row(tx, resource, old["id"], dict(values), None)
    return True


def _act(tx: Transaction, visit: Visit, resource: Resource, action: str, row: Any, report: Report) -> bool:  # noqa: ANN401 -- any model's row
    values = row.__dict__
    is_trashed = values.get("deleted_at") is not None
    if action == "restore":
        if is_trashed:
            restore(tx, resource.model, values["id"])
        return is_trashed
    if is_trashed:
        return False
    if action == "trash":
        require_owner(tx, resource, values["id"])
        deletion_id = remove_row(tx, resource, values["id"], {})
        for found in companions(tx, visit, resource, deletion_id) if deletion_id else []:
            name = visit.words.title(found.resource)
            others = found.count - (found.resource is resource)
            if others:
                report.along[name] = report.along.get(name, 0) + others
        return True
    to = state_named(resource, action.removeprefix("to:"))
    if to not in resource.transitions.get(values[resource.state], ()):
        return False
    tx.transition(resource.model, values["id"], to)
    return True
