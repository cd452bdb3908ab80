"""Moving a row to the trash with its children, bringing exactly that cohort back, and removing it for good."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import Conflict, FieldError, ForeignKey, NotFound, NotUnique
from growbase.core.facts import delete_facts
from growbase.core.holds import Held, hold_of, lock_holds, require_free
from growbase.core.model import Root, is_trashable, rule_of, table_of
from growbase.core.resource import Resource, reference_to
from growbase.core.statements import Plan, equality, mark, plan_of
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text

CHUNK = 500
"""Ids in one statement."""


def trash(tx: Transaction, model: type[Root], id: UUID) -> UUID:
    """Move a live row and its declared children to the trash and return the deletion id they share.

    The row is locked before its children. Raises NotFound.
    """
    tx.get(model, id, lock=True)
    deletion_id = clock.new_id()
    level: list[tuple[type[Root], list[UUID]]] = [(model, _mark(tx, model, "id", [id], deletion_id))]
    while level:
        found: list[tuple[type[Root], list[UUID]]] = []
        for parent, ids in level:
            for attached, column in _attached(tx, parent):
                _mark(tx, attached, column, ids, deletion_id)
            for child in _children(tx, parent):
                column = reference_to(child, str(parent.__tablename__)).name
                marked = _mark(tx, child, column, ids, deletion_id)
                if marked:
                    found.append((child, marked))
        level = found
    return deletion_id


def restore(tx: Transaction, model: type[Root], id: UUID) -> int:
    """Bring back a trashed row with all that was deleted by the same call and return how many rows came back.

    Raises NotFound if the row is not in the trash, Conflict if its parent is in the trash or was deleted by another
    call, NotUnique naming the live row that has taken its place.
    """
    row = tx.get(model, id, lock=True, trash=True)
    deletion_id = row.__dict__["deletion_id"]
    if deletion_id is None or row.__dict__["purged_at"] is not None:
        raise NotFound(what=f"{tx.noun(model)} in the trash")
    _require_live_parent(tx, row)
    members = _cohort_models(tx, model)
    for cohort in members:
        _require_free(tx, cohort, deletion_id)
    return sum(len(_unmark(tx, cohort, deletion_id)) for cohort in members)


def purge(tx: Transaction, model: type[Root], id: UUID, *, keep: bool = False) -> bool:
    """Remove a trashed row for good, its children first, and return True.

    Rows that must be preserved (analytics of a campaign) refuse it with ForeignKey; with ``keep`` the row then stays
    as a tombstone, its personal and payload columns emptied, and False is returned. Raises Held where a legal hold
    keeps the row or one that would go with it.
    """
    lock_holds(tx, share=True)
    row = tx.get(model, id, lock=True, trash=True)
    if row.__dict__["deleted_at"] is None:
        raise Conflict("Only rows in the trash can be purged: delete it first.")
    return _purge(tx, row, keep=keep)


def _children(tx: Transaction, model: type[Root]) -> list[type[Root]]:
    resource = tx.context.catalog.of(model)
    models = tx.context.catalog.models
    return [models[name] for name in resource.children if is_trashable(models[name])] if resource else []


def _attached(tx: Transaction, model: type[Root]) -> list[tuple[type[Root], str]]:
    """Return the tables whose rows may be attached to rows of ``model``, each with the column that holds the id."""
    if tx.context.catalog.of(model) is None or model.__attached__ is not None:
        return []
    return [(found, found.__attached__[1]) for found in tx.context.catalog.attached if found.__attached__ is not None]


def _mark(tx: Transaction, model: type[Root], column: str, ids: Sequence[UUID], deletion_id: UUID) -> list[UUID]:
    """Soft-delete live rows where ``column`` is one of ``ids``, and return their ids."""
    values = {"deleted_at": tx.now, "deleted_by": tx.actor.id, "deletion_id": deletion_id}
    marked: list[UUID] = []
    for start in range(0, len(ids), CHUNK):
        chunk = list(ids[start : start + CHUNK])
        marked += _set(tx, model, values, {column: chunk, "deleted_at": None}, "trash", deletion_id)
    return marked


def _unmark(tx: Transaction, model: type[Root], deletion_id: UUID) -> list[UUID]:
    values = {"deleted_at": None, "deleted_by": None, "deletion_id": None}
    return _set(tx, model, values, {"deletion_id": deletion_id, "purged_at": None}, "restore", deletion_id)


def _set(
    tx: Transaction,
    model: type[Root],
    values: dict[str, Any],
    keys: dict[str, Any],
    action: str,
    deletion_id: UUID | None,
) -> list[UUID]:
    """Update many rows in one statement, leave a change row each, and return their ids.

    For ``update`` the ``keys`` hold the old values.
    """
    plan = plan_of(model, tx.engine)
    terms, params = tx.scope_terms(plan, anywhere=False)
    for name, value in keys.items():
        term, bound = equality(plan, name, value)
        terms.append(term)
        params.extend(bound)
    stamped = {**values, "updated_at": tx.now, "updated_by": tx.actor.id}
    sets = ", ".join(f"{name} = {mark(tx.engine)}" for name in stamped)
    sql = (
        f"UPDATE {plan.table} AS t SET {sets}, version = version + 1 WHERE {' AND '.join(terms)} RETURNING id, version"
    )
    rows = tx.execute(sql, [*(plan.fields[name].bound(value) for name, value in stamped.items()), *params]).fetchall()
    moment = moment_text(tx.now)
    diff: dict[str, list[object]] = (
        {"deleted_at": [None, moment]} if action == "trash" else {"deleted_at": [moment, None]}
    )
    if action == "update":
        fields = plan.fields
        diff = {name: [fields[name].shown(keys[name]), fields[name].shown(new)] for name, new in values.items()}
    read = plan.fields["id"].read
    ids = [read(row[0]) if read else row[0] for row in rows]
    for identity, row in zip(ids, rows, strict=True):
        owner = identity if plan.scope == "id" else tx.actor.organization_id
        tx.log_row(plan, action, owner, identity, row[1], diff, deletion_id)
    if action != "update":
        tx.meter(plan, len(ids) if action == "restore" else -len(ids))
    return ids


def _cohort_models(tx: Transaction, model: type[Root]) -> list[type[Root]]:
    """Return the model and its descendants, parents first."""
    found = [model]
    for parent in found:
        found += [child for child in _children(tx, parent) if child not in found]
    return [*found, *(attached for attached, _ in _attached(tx, model))]


def _require_live_parent(tx: Transaction, row: Root) -> None:
    model = type(row)
    deletion_id = row.__dict__["deletion_id"]
    if model.__attached__ is not None:
        _require_live_holder(tx, row, *model.__attached__)
    for parent in tx.context.catalog.parents.get(str(model.__tablename__), []):
        parent_id = row.__dict__[reference_to(model, parent.table.name).name]
        if parent_id is None:
            continue
        above = tx.find(parent.model, parent_id, trash=True, share=True)
        if above is not None and above.__dict__["deleted_at"] is not None:
            same = above.__dict__["deletion_id"] == deletion_id
            message = (
                "It was deleted with its {parent}: restore that."
                if same
                else "Its {parent} is in the trash: restore that first."
            )
            raise Conflict(message, parent=parent.noun, parent_id=str(parent_id))


def _require_live_holder(tx: Transaction, row: Root, name: str, column: str) -> None:
    """Raise Conflict unless the row that a row is attached to is there and live."""
    resource = tx.context.catalog.by_name.get(row.__dict__[name])
    if resource is None or tx.find(resource.model, row.__dict__[column], share=True) is None:
        noun = resource.noun if resource else "row"
        raise Conflict("Its {parent} is in the trash: restore that first.", parent=noun)


def _require_free(tx: Transaction, model: type[Root], deletion_id: UUID) -> None:
    """Raise NotUnique if a live row holds a unique key of a row about to come back."""
    plan = plan_of(model, tx.engine)
    for index in table_of(model).indexes:
        where = index.dialect_options["sqlite"]["where"]
        columns = [getattr(column, "name", None) for column in index.columns]
        if not index.unique or where is None or "deleted_at" not in str(where):
            continue
        extra = str(where).replace("deleted_at IS NULL", "1 = 1")
        for name in plan.fields:
            extra = re.sub(rf"\b{name}\b", f"t.{name}", extra)
        there = re.sub(r"\bt\.", "live.", extra)
        joined = " AND ".join(f"live.{name} = t.{name}" for name in columns)
        terms, params = tx.scope_terms(plan, anywhere=False)
        terms.append(f"t.deletion_id = {mark(tx.engine)}")
        params.append(plan.fields["deletion_id"].bound(deletion_id))
        sql = (
            f"SELECT live.id FROM {plan.table} t JOIN {plan.table} live ON {joined} AND live.deleted_at IS NULL "
            f"WHERE {' AND '.join(terms)} AND {extra} AND {there} LIMIT 1"
        )
        blocking = tx.execute(sql, params).fetchone()
        if blocking is not None:
            fields = index.info["fields"]
            message = "the live row {blocked_by} has this value"
            error = FieldError(fields[-1], "unique", message, {"blocked_by": str(blocking[0])})
            raise NotUnique(fields=(error,), blocked_by=str(blocking[0]))


def _purge(tx: Transaction, row: Root, *, keep: bool) -> bool:
    model = type(row)
    resource = tx.context.catalog.of(model)
    assert resource is not None
    require_free(tx, row)
    preserved: list[str] = []
    for attached, column_name in _attached(tx, model):
        _purge_children(tx, attached, column_name, row, keep=keep)
    for other in tx.context.catalog.models.values():
        for column in table_of(other).columns:
            rule = rule_of(column)
            if rule.target != resource.table.name or rule.member:
                continue
            owned = str(other.__tablename__) in resource.children
            if owned or rule.on_purge == "cascade":
                if not _purge_children(tx, other, column.name, row, keep=keep):
                    preserved.append(str(other.__tablename__))
            elif rule.on_purge == "null":
                _cut(tx, other, column.name, row)
            elif _refers(tx, other, column.name, row):
                preserved.append(str(other.__tablename__))
    if preserved and not keep:
        names = ", ".join(sorted(set(preserved)))
        raise ForeignKey("It is still needed by preserved rows: {dependants}.", dependants=names)
    if resource.purged is not None:
        resource.purged(tx, row)
    if not preserved:
        tx.remove(row, action="purge")
        return True
    _tombstone(tx, resource, row)
    return False


def _purge_children(tx: Transaction, model: type[Root], column: str, row: Root, *, keep: bool) -> bool:
    if not model.__logged__:
        kept = hold_of(tx, model, {column: row.__dict__["id"]})
        if kept is not None:
            raise Held(what=tx.noun(model), reason=kept.reason, hold_id=str(kept.id))
        delete_facts(tx, model, {column: row.__dict__["id"]})
        return True
    removed = True
    for child in tx.rows(model, trash=True, lock=True, **{column: row.__dict__["id"]}):
        values = child.__dict__
        if "deleted_at" in values and values["deleted_at"] is None:
            raise Conflict("It still has live children: delete them first.")
        if tx.context.catalog.of(model) is None:
            require_free(tx, child)
            tx.remove(child, action="purge")
        elif values.get("purged_at") is None or not keep:
            removed = _purge(tx, child, keep=keep) and removed
        else:
            removed = False
    return removed


def _refers(tx: Transaction, model: type[Root], column: str, row: Root) -> bool:
    return tx.find(model, trash=True, **{column: row.__dict__["id"]}) is not None


def _cut(tx: Transaction, model: type[Root], column: str, row: Root) -> None:
    """Set null what refers to a row about to go."""
    plan: Plan = plan_of(model, tx.engine)
    if plan.versioned:
        _set(tx, model, {column: None}, {column: row.__dict__["id"]}, "update", None)
    else:
        tx.set_facts(model, {column: row.__dict__["id"]}, {column: None})


def _tombstone(tx: Transaction, resource: Resource, row: Root) -> None:
    plan = plan_of(resource.model, tx.engine)
    cleared: dict[str, object] = {}
    for name in resource.tombstone:
        field = plan.fields[name]
        empty = plan.defaults.get(name, lambda least=field.rule.min_length or 0: "-" * least)
        cleared[name] = None if field.nullable else empty()
    tx.change(row, {**cleared, "purged_at": tx.now}, action="purge")
