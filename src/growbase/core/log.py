"""Readers of the change log: a row's history, the row as it was, and undo."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict, Forbidden, Gone, NotFound
from growbase.core.feed import kept_since
from growbase.core.model import Root
from growbase.core.query import literal
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.statements import SEALED, Plan, mark
from growbase.core.subject import GONE
from growbase.core.subject_keys import open_changes
from growbase.core.tables import Change
from growbase.core.transaction import Transaction
from growbase.core.trash import restore, trash
from growbase.core.types import moment_text

PAGE = 200


def history(
    reads: Reads, resource: Resource, id: UUID, *, limit: int = 50, before: int | None = None
) -> list[dict[str, Any]]:
    """Return the changes of a row, newest first; ``before`` is the ``seq`` where the previous page ended.

    Raises NotFound if there is no such row of this organization, and Gone where the log has let go of what is asked.
    """
    _require_seen(reads, resource, id)
    changes = _changes(reads, resource, id, limit=min(limit, PAGE), before=before)
    if not changes:
        _require_kept(reads, resource, id)
    return [
        {
            "seq": change.seq,
            "occurred_at": moment_text(change.occurred_at),
            "actor": {"type": change.actor_type, "id": _text(change.actor_id), "label": change.actor_label},
            "action": change.action,
            "version": change.version,
            "deletion_id": _text(change.deletion_id),
            "request_id": change.request_id,
            "changes": change.changes or {},
        }
        for change in changes
    ]


def as_of(reads: Reads, resource: Resource, id: UUID, moment: datetime) -> dict[str, Any]:
    """Return a row as it was at a moment, by walking its diffs back from now; secret fields are absent.

    Raises NotFound if it did not exist (or was in the trash) then, and Gone if the log does not reach back.
    """
    _require_seen(reads, resource, id)
    current = reads.find(resource.model, id, trash=True)
    changes = _changes(reads, resource, id, limit=None, before=None)
    if current is None and (not changes or changes[0].occurred_at <= moment):
        raise NotFound(what=resource.noun)
    if not changes and current is not None and current.__dict__.get("updated_at", moment) > moment:
        raise Gone(since=moment_text(kept_since(reads)))
    values: dict[str, Any] = _shown(reads, resource, current) if current else {}
    for change in changes:
        if change.occurred_at <= moment:
            break
        if change.action == "insert":
            raise NotFound(what=resource.noun)
        for name, (old, _) in (change.changes or {}).items():
            values[name] = old
        values["version"] = (change.version or 1) - 1
    else:
        if changes:
            raise Gone(since=moment_text(changes[-1].occurred_at))
    for change in changes:
        if change.occurred_at <= moment:
            values["updated_at"] = moment_text(change.occurred_at)
            values["updated_by"] = _text(change.actor_id)
            break
    if values.get("deleted_at") is not None:
        raise NotFound(what=resource.noun)
    # The log keeps of these what deleted_at says already.
    values |= {name: None for name in ("deleted_by", "deletion_id") if name in values}
    hidden = {name for name, field in reads.plan(resource.model).fields.items() if field.rule.hidden}
    return {"id": str(id), **{name: value for name, value in values.items() if name not in hidden and value != SEALED}}


def _require_kept(reads: Reads, resource: Resource, id: UUID) -> None:
    """Raise Gone where older changes of a row were let go of, NotFound if there is no such row."""
    oldest = _changes(reads, resource, id, limit=None, before=None)[-1:]
    if not oldest and reads.find(resource.model, id, trash=True) is None:
        raise NotFound(what=resource.noun)
    if not oldest or oldest[0].action != "insert":
        raise Gone(since=moment_text(oldest[0].occurred_at if oldest else kept_since(reads)))


def undo(tx: Transaction, resource: Resource, id: UUID, seq: int) -> None:
    """Apply the inverse of one change as a new write.

    Raises NotFound, and Conflict where a touched field no longer has the value that change wrote, where the change
    can't be undone (an insert, a purge, what only the program writes), or where a status would need a transition
    nobody declared. Raises Forbidden where it would delete or restore and the actor may not.
    """
    change = tx.find(Change, seq=seq, entity=resource.table.name, entity_id=id)
    if change is None:
        raise NotFound(what="change")
    open_changes(tx, [change])
    if change.action in {"trash", "restore"} and not (resource.deletable and tx.actor.has_role(resource.delete)):
        raise Forbidden
    if change.action == "trash":
        row = tx.get(resource.model, id, lock=True, trash=True)
        if row.__dict__["deletion_id"] not in {None, change.deletion_id}:
            raise Conflict("{field} has been changed since.", field="deletion_id")
        restore(tx, resource.model, id)
    elif change.action == "restore":
        trash(tx, resource.model, id)
    elif change.action in {"update", "transition"} and resource.editable:
        _require_writable(tx, resource, change)
        _undo_update(tx, resource, id, change.changes or {})
    else:
        raise Conflict("A change of the kind {action} can't be undone.", action=change.action)


def _require_seen(reads: Reads, resource: Resource, id: UUID) -> None:
    """Raise NotFound for a row of a personal table that the actor does not see: the log does not know whose it was."""
    personal = reads.plan(resource.model).personal
    if personal is not None and reads.find(resource.model, id, trash=True) is None:
        raise NotFound(what=resource.noun)


def _require_writable(tx: Transaction, resource: Resource, change: Change) -> None:
    """Raise Conflict for what no request could write, such as the revocation of a key: undoing it would."""
    fields = tx.plan(resource.model).fields
    for name in change.changes or {}:
        by_transition = change.action == "transition" or (name == resource.state and resource.transitions)
        if fields[name].rule.writable == "never" and not by_transition:
            raise Conflict("A change of {field} can't be undone.", field=name)


def _undo_update(tx: Transaction, resource: Resource, identity: UUID, diff: Mapping[str, list[Any]]) -> None:
    row = tx.get(resource.model, identity, lock=True)
    plan = tx.plan(resource.model)
    back: dict[str, object] = {}
    for name, (old, new) in diff.items():
        field = plan.fields[name]
        if (old, new) == (GONE, GONE):
            raise Conflict("A change of {field} can't be undone: whom it tells of was erased.", field=name)
        if SEALED in {str(old), str(new)}:
            raise Conflict("A change of the secret {field} can't be undone.", field=name)
        if field.shown(row.__dict__[name]) != new:
            raise Conflict("{field} has been changed since.", field=name)
        back[name] = _python(plan, name, old)
    if resource.state in back and resource.transitions:
        tx.transition(resource.model, identity, back.pop(resource.state), **back)  # type: ignore[arg-type]
    elif resource.update is not None:
        resource.update(tx, id=identity, changes=back, version=None)
    else:
        tx.change(row, back)


def _python(plan: Plan, name: str, value: Any) -> object:  # noqa: ANN401 -- a JSON value
    field = plan.fields[name]
    if value is None or field.rule.kind == "document" or not isinstance(value, str):
        return value
    found = literal(name, field.rule, value)
    return field.rule.enum(str(found)) if field.rule.enum is not None else found


def _changes(
    reads: Reads, resource: Resource, identity: UUID, *, limit: int | None, before: int | None
) -> list[Change]:
    """Return changes of a row, newest first.

    Writes of one row wait for each other, so their ``seq`` tells their order; on PostgreSQL ``tx`` does not, since a
    transaction has its number before it waits.
    """
    plan = reads.plan(Change)
    sign = mark(reads.engine)
    terms, params = reads.scope_terms(plan, anywhere=False)
    terms += [f"t.entity = {sign}", f"t.entity_id = {sign}"]
    params += [resource.table.name, plan.fields["entity_id"].bound(identity)]
    if before is not None:
        terms.append(f"t.seq < {sign}")
        params.append(before)
    sql = f"SELECT {plan.columns} FROM changes t WHERE {' AND '.join(terms)} ORDER BY t.seq DESC"
    if limit is not None:
        sql += f" LIMIT {int(limit)}"
    rows = reads.execute(sql, params).fetchall()
    return open_changes(reads, (found for row in rows if isinstance(found := plan.instance(row), Change)))


def _shown(reads: Reads, resource: Resource, row: Root) -> dict[str, Any]:
    """Return the row's values as the log shows them."""
    plan = reads.plan(resource.model)
    return {
        name: field.shown(row.__dict__[name])
        for name, field in plan.fields.items()
        if not field.rule.norm_of and field.rule.kind != "secret"
    }


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
