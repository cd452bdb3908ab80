"""Typed reads, always scoped to the actor's organization; shared by the transaction and by read-only snapshots."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from growbase.core.actor import Actor
from growbase.core.crypto import Keyring, open_sealed
from growbase.core.errors import NotFound
from growbase.core.model import Root
from growbase.core.resource import Catalog
from growbase.core.statements import Plan, equality, lock_tail, mark, plan_of, select_sql

M = TypeVar("M", bound=Root)
Row = tuple[Any, ...]

OPERATORS = {"<", "<=", ">", ">=", "<>"}


class Where(NamedTuple):
    """A condition other than equality: ``Where("expires_at", "<", now)``."""

    column: str
    operator: str
    value: object


class Cursor(Protocol):
    """What both drivers' cursors have in common."""

    @property
    def rowcount(self) -> int:
        """Rows touched by the last statement."""

    def fetchone(self) -> Any:  # noqa: ANN401 -- the drivers' rows
        """Return the next row."""

    def fetchall(self) -> list[Any]:
        """Return the remaining rows."""


class Execute(Protocol):
    """Runs one statement on the unit's connection."""

    def __call__(self, sql: str, params: Sequence[object] = ()) -> Cursor:
        """Run ``sql`` with positional parameters."""


class ExecuteMany(Protocol):
    """Runs one statement for many rows."""

    def __call__(self, sql: str, rows: Sequence[Sequence[object]]) -> object:
        """Run ``sql`` once for each row of parameters."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a unit of work stands on: the engine's name, the resources, the keys, what log positions begin at."""

    engine: str
    catalog: Catalog
    keyring: Keyring
    log_base: int = 0
    acting: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)
    """Sealed forms of who acts, kept for a while by ``core.acting``."""


class Reads:
    """Reads by model. Rows come as read-only instances; trashed rows are left out unless ``trash=True``.

    Every method is scoped to the actor's organization; ``anywhere=True`` lifts that for the program's own look-ups
    (a login must find a person's organizations) and is refused where the actor is a caller from outside.
    """

    def __init__(self, context: Context, actor: Actor, execute: Execute) -> None:
        self.context = context
        self.engine = context.engine
        self.actor = actor
        self.execute = execute

    def plan(self, model: type[Root]) -> Plan:
        """Return the model's plan on this engine."""
        return plan_of(model, self.engine)

    def find(
        self,
        model: type[M],
        id: UUID | None = None,
        *where: Where,
        lock: bool = False,
        share: bool = False,
        trash: bool = False,
        anywhere: bool = False,
        **equals: object,
    ) -> M | None:
        """Return the one row that matches, None if there is none; ``lock`` holds it until the unit ends."""
        if id is not None:
            equals["id"] = id
        tail = " LIMIT 1" + lock_tail(self.engine, lock=lock, share=share)
        rows = self._select(model, where, equals, tail, trash=trash, anywhere=anywhere)
        return rows[0] if rows else None

    def get(
        self,
        model: type[M],
        id: UUID,
        *,
        lock: bool = False,
        trash: bool = False,
    ) -> M:
        """Return the row with this id. Raises NotFound, for another organization's row too."""
        found = self.find(model, id, lock=lock, trash=trash)
        if found is None:
            raise NotFound(what=self.noun(model))
        return found

    def rows(
        self,
        model: type[M],
        *where: Where,
        order: str = "",
        limit: int | None = None,
        lock: bool = False,
        trash: bool = False,
        anywhere: bool = False,
        **equals: object,
    ) -> list[M]:
        """Return the rows that match, ``order`` being column names such as ``position, -created_at``."""
        terms = [term.strip() for term in order.split(",") if term.strip()]
        fields = self.plan(model).fields
        assert all(term.lstrip("-") in fields for term in terms), order
        sort = ", ".join(f"t.{term.lstrip('-')}{' DESC' if term.startswith('-') else ''}" for term in terms)
        tail = f" ORDER BY {sort}" if sort else ""
        tail += f" LIMIT {int(limit)}" if limit is not None else ""
        tail += lock_tail(self.engine, lock=lock)
        return self._select(model, where, equals, tail, trash=trash, anywhere=anywhere)

    def count(self, model: type[Root], *where: Where, trash: bool = False, **equals: object) -> int:
        """Return how many rows match."""
        sql, params = self._sql(model, "count(*)", where, equals, "", trash=trash, anywhere=False)
        return int(self.execute(sql, params).fetchone()[0])

    def secret(self, row: Root, name: str) -> str | None:
        """Return the plaintext of a row's secret field."""
        plan = self.plan(type(row))
        sealed = row.__dict__[plan.secrets[name]]
        if sealed is None:
            return None
        return open_sealed(self.context.keyring, sealed, context=secret_context(plan, row.__dict__, name)).decode()

    def noun(self, model: type[Root]) -> str:
        """Return the model's name in messages."""
        resource = self.context.catalog.of(model)
        return resource.noun if resource else str(model.__tablename__)

    def scope_terms(self, plan: Plan, *, anywhere: bool) -> tuple[list[str], list[object]]:
        """Return the terms and parameters that keep a statement to what the actor may see.

        That is the actor's organization, and of personal rows those of the actor and those of nobody. Where rows may
        belong to no organization (the log, jobs), the program itself sees all of them when it acts for none.
        """
        if plan.scope is None or anywhere:
            return [], []
        if self.actor.organization_id is None:
            return ([] if self.actor.is_program and plan.fields[plan.scope].nullable else ["1 = 0"]), []
        bound = plan.fields[plan.scope].bound(self.actor.organization_id)
        terms, params = [f"t.{plan.scope} = {mark(self.engine)}"], [bound]
        if plan.personal is not None and not self.actor.is_program:
            terms.append(plan.personal_term())
            params.append(plan.fields[plan.personal].bound(self.actor.id))
        return terms, params

    def _select(
        self,
        model: type[M],
        where: tuple[Where, ...],
        equals: dict[str, object],
        tail: str,
        *,
        trash: bool,
        anywhere: bool,
    ) -> list[M]:
        plan = self.plan(model)
        sql, params = self._sql(model, plan.columns, where, equals, tail, trash=trash, anywhere=anywhere)
        return [cast("M", plan.instance(row)) for row in self.execute(sql, params).fetchall()]

    def _sql(
        self,
        model: type[Root],
        what: str,
        where: tuple[Where, ...],
        equals: dict[str, object],
        tail: str,
        *,
        trash: bool,
        anywhere: bool,
    ) -> tuple[str, list[object]]:
        plan = self.plan(model)
        terms, params = self.scope_terms(plan, anywhere=anywhere)
        for name, value in equals.items():
            term, values = equality(plan, name, value)
            terms.append(term)
            params.extend(values)
        for condition in where:
            assert condition.operator in OPERATORS, condition
            terms.append(f"t.{condition.column} {condition.operator} {mark(self.engine)}")
            params.append(plan.fields[condition.column].bound(condition.value))
        if plan.trashable and not trash:
            terms.append("t.deleted_at IS NULL")
        return select_sql(plan, what, tuple(terms), tail), params


def secret_context(plan: Plan, values: dict[str, Any], name: str) -> str:
    """Return the associated data of a secret: it opens only in its own organization, table, column and row."""
    owner = values.get(plan.scope) if plan.scope else None
    return f"{owner or ''}/{plan.table}/{plan.secrets[name]}/{values['id']}"
