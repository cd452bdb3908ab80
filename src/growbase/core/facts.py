"""Writing facts in bulk: rows of ``logged=False`` tables, deduplicated or added up in one statement."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from growbase.core.model import Root
from growbase.core.statements import POSTGRESQL, Field, Plan, equality, mark, plan_of
from growbase.core.transaction import Transaction

ARRAYS = {
    "identifier": "uuid",
    "reference": "uuid",
    "moment": "timestamptz",
    "day": "date",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
}
"""PostgreSQL's type of one value of a kind; the other kinds travel as text."""

FactRows = Sequence[Mapping[str, Any]]


def insert_new_facts(tx: Transaction, model: type[Root], rows: FactRows, *, key: str) -> set[Any]:
    """Insert the rows whose text column ``key`` is new in the organization and return the inserted keys.

    The table has a unique key over organization and ``key``; rows have one shape and differ in ``key``. Concurrent
    units that bring the same key insert it once.
    """
    plan = _plan(tx, model)
    if not rows:
        return set()
    if tx.engine == POSTGRESQL:
        # In key order, or two units with the same keys could wait for each other.
        ordered = sorted(rows, key=lambda row: row[key])
        tail = f" ON CONFLICT ({plan.scope}, {key}) DO NOTHING RETURNING {key}"
        return {found[0] for found in _insert_arrays(tx, plan, ordered, tail)}
    known = _known(tx, plan, key, [row[key] for row in rows])
    fresh = [row for row in rows if row[key] not in known] if known else rows
    _insert_rows(tx, plan, fresh, "")
    return {row[key] for row in fresh}


def upsert_facts(
    tx: Transaction,
    model: type[Root],
    rows: FactRows,
    *,
    conflict: tuple[str, ...],
    add: tuple[str, ...],
    latest: tuple[str, ...] = (),
) -> None:
    """Insert rows or, where one with the same key exists, add up the columns ``add`` and keep the greater ``latest``.

    ``conflict`` are the terms of a unique index, columns or expressions. Rows of one shape, sorted by that key so that
    concurrent units take locks in one order; no two of them have the same key.
    """
    plan = _plan(tx, model)
    if not rows:
        return
    greater = "greatest" if tx.engine == POSTGRESQL else "max"
    sets = [f"{name} = {plan.table}.{name} + excluded.{name}" for name in add]
    sets += [f"{name} = {greater}({plan.table}.{name}, excluded.{name})" for name in latest]
    tail = f" ON CONFLICT ({', '.join(conflict)}) DO UPDATE SET {', '.join(sets)}"
    if tx.engine == POSTGRESQL:
        _insert_arrays(tx, plan, rows, tail)
    else:
        _insert_rows(tx, plan, rows, tail)


def delete_facts(tx: Transaction, model: type[Root], keys: Mapping[str, object]) -> int:
    """Delete the rows of a ``logged=False`` table where ``keys`` hold and return how many."""
    plan = _plan(tx, model)
    terms, params = tx.scope_terms(plan, anywhere=False)
    for name, value in keys.items():
        term, bound = equality(plan, name, value)
        terms.append(term)
        params.extend(bound)
    done = tx.execute(f"DELETE FROM {plan.table} AS t WHERE {' AND '.join(terms)}", params)
    return done.rowcount


def hold(tx: Transaction, name: str, *, share: bool = False) -> None:
    """Hold a lock by name inside the organization until the unit ends; SQLite's one writer needs none."""
    if tx.engine == POSTGRESQL:
        function = "pg_advisory_xact_lock_shared" if share else "pg_advisory_xact_lock"
        tx.execute(f"SELECT {function}(hashtextextended(%s, 0))", (f"{tx.actor.organization_id}/{name}",))


def _plan(tx: Transaction, model: type[Root]) -> Plan:
    plan = plan_of(model, tx.engine)
    assert not plan.logged, plan.table
    tx.touched.add(plan.table)
    return plan


def _known(tx: Transaction, plan: Plan, key: str, values: list[str]) -> set[str]:
    """Return which keys the organization has already; looked up in one statement."""
    terms, params = tx.scope_terms(plan, anywhere=False)
    term, bound = equality(plan, key, values)
    sql = f"SELECT t.{key} FROM {plan.table} t WHERE {' AND '.join([*terms, term])}"
    return {found[0] for found in tx.execute(sql, [*params, *bound]).fetchall()}


def _insert_rows(tx: Transaction, plan: Plan, rows: FactRows, tail: str) -> None:
    if not rows:
        return
    names = tuple(rows[0])
    marks = ", ".join([mark(tx.engine)] * len(names))
    sql = f"INSERT INTO {plan.table} ({', '.join(names)}) VALUES ({marks}){tail}"
    columns = [_bound(plan.fields[name], [row[name] for row in rows]) for name in names]
    tx.execute_many(sql, list(zip(*columns, strict=True)))


def _insert_arrays(tx: Transaction, plan: Plan, rows: FactRows, tail: str) -> list[Any]:
    """Insert by one statement that takes an array for each column, and return what ``tail`` returns."""
    names = tuple(rows[0])
    fields = [plan.fields[name] for name in names]
    arrays = ", ".join(f"%s::{ARRAYS.get(field.rule.kind, 'text')}[]" for field in fields)
    values = ", ".join(f"a.{field.name}{'::json' if field.rule.kind == 'document' else ''}" for field in fields)
    listed = ", ".join(names)
    sql = f"INSERT INTO {plan.table} ({listed}) SELECT {values} FROM unnest({arrays}) AS a({listed}){tail}"
    done = tx.execute(sql, [_bound(field, [row[field.name] for row in rows]) for field in fields])
    return done.fetchall() if "RETURNING" in tail else []


def _bound(field: Field, values: list[Any]) -> list[Any]:
    """Return a column's values as the driver takes them; ids and moments repeat a lot, so each is converted once."""
    bind = field.bind
    if bind is None:
        return values
    if field.rule.kind == "document":
        return [None if value is None else "{}" if value == {} else bind(value) for value in values]
    return _converted(bind, values)


def _converted(bind: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    seen: dict[Any, Any] = {None: None}
    found = []
    for value in values:
        if value not in seen:
            seen[value] = bind(value)
        found.append(seen[value])
    return found
