"""References of rows that are written: what they point at is held live until the unit ends."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from growbase.core.errors import ForeignKey
from growbase.core.reads import Reads
from growbase.core.statements import Field, Plan, equality, lock_tail, plan_of, select_sql

Held = set[tuple[str, object]]
"""Tables and ids of rows that a unit of work holds live."""
CHUNK: Final = 500
"""Targets that one statement looks for."""


def hold_targets(tx: Reads, held: Held, plan: Plan, rows: Iterable[Mapping[str, Any]]) -> None:
    """Hold the targets of the rows' references live until the unit ends, and note them in ``held``.

    A foreign key alone lets a child slip under a parent that is being trashed at the same moment. Raises ForeignKey.
    """
    for field in plan.references:
        target = "memberships" if field.rule.member else str(field.rule.target)
        wanted: dict[object, dict[object, None]] = {}
        for row in rows:
            id = row.get(field.name)
            if id is not None and (target, id) not in held:
                wanted.setdefault(row.get("organization_id"), {})[id] = None
        for owner, ids in wanted.items():
            _hold(tx, field, target, owner or tx.actor.organization_id, [*ids])
            held.update((target, id) for id in ids)


def _hold(tx: Reads, field: Field, target: str, owner: object, ids: Sequence[object]) -> None:
    there = plan_of(tx.context.catalog.models[target], tx.engine)
    key = "user_id" if field.rule.member else "id"
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        conditions = [equality(there, key, some if len(some) > 1 else some[0])]
        if there.scope == "organization_id" and not field.rule.shared:
            conditions.insert(0, equality(there, "organization_id", owner))
        terms = [term for term, _ in conditions]
        if there.trashable:
            terms.append("t.deleted_at IS NULL")
        if field.rule.member:
            terms.append("t.status <> 'disabled'")
        sql = select_sql(there, "1", tuple(terms), lock_tail(tx.engine, lock=False, share=True))
        found = tx.execute(sql, [value for _, values in conditions for value in values]).fetchall()
        if len(found) < len(some):
            noun = tx.noun(tx.context.catalog.models[str(field.rule.target)])
            raise ForeignKey.at(field.name, "foreign_key", "must be the id of an existing {what}", what=noun)
