"""Writing facts in bulk: rows of ``logged=False`` tables, deduplicated or added up in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from growbase.core.model import Root
from growbase.core.reads import OPERATORS, Cursor, Where
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

M = TypeVar("M", bound=Root)
FactRows = Sequence[Mapping[str, Any]]
FactColumns = Mapping[str, Sequence[Any]]
"""Values by column, of one length; ids and moments may be the text they are stored as."""


def insert_new_facts(tx: Transaction, model: type[Root], columns: FactColumns, *, key: str) -> set[Any]:
    """Insert the rows whose text column ``key`` is new in the organization and return the inserted keys.

    The table has a unique key over organization and ``key``, and an id; the rows differ in both. Concurrent units that
    bring the same key insert it once. Where the table is divided by month, the key is its table of keys' (see
    ``partitions``), which is why the statement can't name it.
    """
    plan = _plan(tx, model)
    keys = columns[key]
    if not keys:
        return set()
    tail = " ON CONFLICT DO NOTHING"
    if tx.engine == POSTGRESQL:
        # In key order, or two units with the same keys could wait for each other.
        order = sorted(range(len(keys)), key=keys.__getitem__)
        ordered = {name: [values[place] for place in order] for name, values in columns.items()}
        return {found[0] for found in _insert_arrays(tx, plan, ordered, f"{tail} RETURNING {key}")}
    done = _insert_rows(tx, plan, columns, tail)
    if done.rowcount == len(keys):
        return set(keys)
    # Some were known: those that are new have the ids they were given just now.
    terms, params = tx.scope_terms(plan, anywhere=False)
    term, bound = equality(plan, "id", list(columns["id"]))
    sql = f"SELECT t.{key} FROM {plan.table} t WHERE {' AND '.join([*terms, term])}"
    return {found[0] for found in tx.execute(sql, [*params, *bound]).fetchall()}


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
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    if tx.engine == POSTGRESQL:
        _insert_arrays(tx, plan, columns, tail)
    else:
        _insert_rows(tx, plan, columns, tail)


def add_facts(
    tx: Transaction,
    model: type[M],
    keys: Mapping[str, object],
    add: Mapping[str, int],
    *where: Where,
    when: str = "",
    params: Sequence[object] = (),
) -> list[M]:
    """Add to number columns of the rows that match, in one statement, and return the rows as they are then.

    ``when`` is one more term over ``t``, with its ``params``, such as that a sum stays below a limit: of units at the
    same moment each one is judged by what the others have added.
    """
    plan = _plan(tx, model)
    terms, bound = tx.scope_terms(plan, anywhere=False)
    for name, value in keys.items():
        term, values = equality(plan, name, value)
        terms.append(term)
        bound.extend(values)
    for condition in where:
        assert condition.operator in OPERATORS, condition
        terms.append(f"t.{condition.column} {condition.operator} {mark(tx.engine)}")
        bound.append(plan.fields[condition.column].bound(condition.value))
    terms += [f"({when})"] if when else []
    sets = ", ".join(f"{name} = t.{name} + {mark(tx.engine)}" for name in add)
    sql = f"UPDATE {plan.table} AS t SET {sets} WHERE {' AND '.join(terms)} RETURNING {plan.columns}"
    rows = tx.execute(sql, [*add.values(), *bound, *params]).fetchall()
    return [cast("M", plan.instance(row)) for row in rows]


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


def gather_statistics(tx: Transaction, *models: type[Root]) -> None:
    """Let PostgreSQL know what tables hold that were just filled, so that queries are planned for their rows at once.

    By itself it looks a minute later, and until then a search may read a whole table. SQLite plans without statistics.
    """
    if tx.engine == POSTGRESQL:
        for model in models:
            tx.execute(f"ANALYZE {plan_of(model, tx.engine).table}")


def _plan(tx: Transaction, model: type[Root]) -> Plan:
    plan = plan_of(model, tx.engine)
    assert not plan.logged, plan.table
    tx.touched.add(plan.table)
    return plan


def _insert_rows(tx: Transaction, plan: Plan, columns: FactColumns, tail: str) -> Cursor:
    names = ", ".join(columns)
    marks = ", ".join([mark(tx.engine)] * len(columns))
    bound = [plan.fields[name].bound_all(values) for name, values in columns.items()]
    sql = f"INSERT INTO {plan.table} ({names}) VALUES ({marks}){tail}"
    return cast("Cursor", tx.execute_many(sql, list(zip(*bound, strict=True))))


def _insert_arrays(tx: Transaction, plan: Plan, columns: FactColumns, tail: str) -> list[Any]:
    """Insert by one statement that takes an array for each column, and return what ``tail`` returns."""
    fields = [plan.fields[name] for name in columns]
    arrays = ", ".join(f"%s::{ARRAYS.get(field.rule.kind, 'text')}[]" for field in fields)
    values = ", ".join(f"a.{field.name}{'::json' if field.rule.kind == 'document' else ''}" for field in fields)
    names = ", ".join(columns)
    sql = f"INSERT INTO {plan.table} ({names}) SELECT {values} FROM unnest({arrays}) AS a({names}){tail}"
    done = tx.execute(sql, [_array(field, columns[field.name]) for field in fields])
    return done.fetchall() if "RETURNING" in tail else []


def _array(field: Field, values: Sequence[Any]) -> str:
    """Return a column as an array literal: the driver's own lists cost more than the insert."""
    bound = field.bound_all(values)
    if field.rule.kind in ARRAYS:
        parts = ["NULL" if value is None else str(value) for value in bound]
    else:
        parts = ["NULL" if value is None else _quoted(value) for value in bound]
    return f"{{{','.join(parts)}}}"


def _quoted(value: str) -> str:
    text = value.replace("\\", "\\\\").replace('"', '\\"') if '"' in value or "\\" in value else value
    return f'"{text}"'
