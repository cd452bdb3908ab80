"""One action on many rows of a list: first what it would do, found out by a dry run, then for good."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.api.crud import remove_row, require_owner
from growbase.core.errors import Conflict, GrowbaseError, Invalid
from growbase.core.query import MAX_LIMIT
from growbase.core.resource import Resource
from growbase.core.transaction import Transaction
from growbase.core.trash import restore
from growbase.studio.acts import companions, flash_error, state_named
from growbase.studio.lists import bulk_actions
from growbase.studio.render import page
from growbase.studio.rows import title_of
from growbase.studio.visit import Visit, local

SHOWN: Final = 12
"""Names of rows that the question lists."""


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
    ids = [identity(text) for text in dict.fromkeys(visit.form.get("id", []))]
    if not ids:
        visit.flash(visit.words.say("Choose some rows first."), kind="error")
        return visit.go(back)
    if len(ids) > MAX_LIMIT:
        raise Invalid.at("id", "too_long", "must have at most {max_length} items", max_length=MAX_LIMIT)
    trashed = action == "restore"
    offered = dict(bulk_actions(visit, resource, in_trash=trashed))
    if action not in offered:
        raise Invalid.at("action", "choice", "must be one of {expected}", expected=", ".join(offered))
    unit = _unit(visit, resource, action, ids)
    confirmed = bool(visit.sent("confirmed"))
    try:
        report = await visit.write(unit, dry_run=not confirmed)
    except (Conflict, Invalid) as error:
        flash_error(visit, error)
        return visit.go(back)
    if confirmed:
        visit.flash(visit.words.say("Rows changed: {count}.", count=len(report.changed)))
        return visit.go(back)
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
    )


def _unit(visit: Visit, resource: Resource, action: str, ids: list[UUID]) -> Callable[[Transaction], Report]:
    words = visit.words

    def unit(tx: Transaction) -> Report:
        report = Report()
        for id in ids:
            row = tx.find(resource.model, id, trash=True)
            if row is None:
                continue
            title = title_of(words, resource, row.__dict__)
            try:
                is_done = _act(tx, visit, resource, action, row, report)
            except GrowbaseError as error:
                error.params.setdefault("row", title)
                error.message = f"{title}: {words.say(error.message, **error.params)}"
                raise
            (report.changed if is_done else report.left).append(title)
        return report

    return unit


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
