"""Sealing stored secrets anew under the newest key, a batch at a time, beside everybody else's writes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core.crypto import open_sealed, seal
from growbase.core.model import Root
from growbase.core.reads import secret_context
from growbase.core.statements import Plan, mark, plan_of
from growbase.core.transaction import Transaction


def header(key_id: str) -> bytes:
    """Return how every value sealed with a key begins."""
    return bytes((1, len(key_id))) + key_id.encode("ascii")


def sealed_with(tx: Transaction, model: type[Root], column: str) -> Mapping[str, int]:
    """Count a column's values in all organizations by the key that sealed them; ``?`` is what no known key did."""
    plan, sign = plan_of(model, tx.engine), mark(tx.engine)
    ids = tx.context.keyring.ids
    starts = [header(key_id) for key_id in ids]
    sums = [f"coalesce(sum(CASE WHEN substr({column}, 1, {len(start)}) = {sign} THEN 1 END), 0)" for start in starts]
    sql = f"SELECT count({column}), {', '.join(sums)} FROM {plan.table} WHERE {column} IS NOT NULL"
    total, *counts = (int(value) for value in tx.execute(sql, starts).fetchone())
    found = {key_id: count for key_id, count in zip(ids, counts, strict=True) if count}
    unknown = total - sum(counts)
    return {**found, "?": unknown} if unknown else found


def reseal(tx: Transaction, model: type[Root], column: str, *, limit: int) -> int:
    """Seal up to ``limit`` values of a column under the newest key and return how many were still under another.

    A value that somebody writes meanwhile is left to them: it is under the newest key already. The plain values don't
    change, so neither do versions. One change row says what was done. Raises UnknownKey, BrokenSeal.
    """
    plan, sign = plan_of(model, tx.engine), mark(tx.engine)
    newest = header(tx.context.keyring.current_id)
    keys = tuple(dict.fromkeys(name for name in (plan.scope, "id") if name))
    locked = " FOR UPDATE SKIP LOCKED" if tx.engine == "postgresql" else ""
    sql = (
        f"SELECT {', '.join(keys)}, {column} FROM {plan.table} WHERE {column} IS NOT NULL "
        f"AND substr({column}, 1, {len(newest)}) <> {sign} LIMIT {limit}{locked}"
    )
    rows = tx.execute(sql, [newest]).fetchall()
    for row in rows:
        values = {name: _read(plan, name, value) for name, value in zip((*keys, column), row, strict=True)}
        _reseal_one(tx, plan, column, keys, values)
    if rows:
        tx.record("reseal", plan.table, None, {column: len(rows)})
    return len(rows)


def _read(plan: Plan, name: str, value: object) -> Any:  # noqa: ANN401 -- a column's value
    read = plan.fields[name].read
    return value if read is None else read(value)


def _reseal_one(
    tx: Transaction, plan: Plan, column: str, keys: tuple[str, ...], values: Mapping[str, UUID | bytes]
) -> None:
    old, sign = values[column], mark(tx.engine)
    assert isinstance(old, bytes)
    context = secret_context(plan, {**values}, column.removesuffix("_cipher"))
    new = seal(tx.context.keyring, open_sealed(tx.context.keyring, old, context=context), context=context)
    where = " AND ".join(f"{name} = {sign}" for name in (*keys, column))
    bound = [plan.fields[name].bound(values[name]) for name in (*keys, column)]
    tx.execute(f"UPDATE {plan.table} SET {column} = {sign} WHERE {where}", [new, *bound])
