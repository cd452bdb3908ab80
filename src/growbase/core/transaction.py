"""The one way to write a row: a few verbs that apply tenancy, versions, sealing, soft delete and the change log."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from growbase.core import clock
from growbase.core.acting import who_acts
from growbase.core.actor import Actor
from growbase.core.crypto import seal
from growbase.core.errors import InvalidTransition, NotFound, Stale
from growbase.core.folding import fold, fold_email
from growbase.core.model import Root
from growbase.core.position import LogPosition
from growbase.core.reads import Context, Execute, ExecuteMany, Reads, secret_context
from growbase.core.references import Held, hold_targets
from growbase.core.statements import (
    POSTGRESQL,
    Columns,
    Plan,
    delete_sql,
    equality,
    insert_sql,
    mark,
    plan_of,
    update_sql,
)
from growbase.core.subject_keys import Ring, seal_changes
from growbase.core.tables import Job, SearchDocument, SubjectKey
from growbase.core.types import Convert, compact_json, moment_text

M = TypeVar("M", bound=Root)


class Transaction(Reads):
    """One unit of work on one connection, for one actor.

    The database that runs it begins and commits; nothing here does. ``flush`` writes the collected change rows.
    """

    def __init__(
        self, context: Context, actor: Actor, execute: Execute, execute_many: ExecuteMany, log_position: LogPosition
    ) -> None:
        super().__init__(context, actor, execute)
        self.execute_many = execute_many
        self.log_position = log_position
        self.now = clock.now()
        self.touched: set[str] = set()
        self.woken: set[str] = set()
        self.xid: int | None = None
        self._changes: list[tuple[object, ...]] = []
        self._held: Held = set()
        self._ring = Ring()

    def acting(self, actor: Actor) -> "Transaction":
        """Return this unit of work for another actor: the same connection, time and change log."""
        twin = object.__new__(Transaction)
        twin.__dict__.update(self.__dict__)
        twin.actor = actor
        return twin

    def for_organization(self, organization_id: UUID) -> "Transaction":
        """Return this unit of work scoped to another organization (registration, the program's own tasks)."""
        return self.acting(self.actor.for_organization(organization_id))

    # -- writing --------------------------------------------------------------------------------------------------

    def insert(self, model: type[Root], /, **values: object) -> UUID:
        """Insert a row and return its id.

        Raises ForeignKey if a reference points at nothing live in this organization; a broken unique key or CHECK
        surfaces as NotUnique or Invalid when the statement runs.
        """
        plan = plan_of(model, self.engine)
        row = self._prepared(plan, values)
        hold_targets(self, self._held, plan, [row])
        stored = {name: [plan.fields[name].bound(value)] for name, value in row.items()}
        self.execute(insert_sql(plan, tuple(stored)), [value for (value,) in stored.values()])
        self._log_inserts(plan, [row], stored)
        self._index_new(plan, [row], stored)
        self.meter(plan, 1)
        identity: UUID = row["id"]
        return identity

    def insert_many(self, model: type[Root], rows: Sequence[Mapping[str, object]]) -> list[UUID]:
        """Insert rows of one shape (same columns) with one statement and return their ids in order."""
        plan = plan_of(model, self.engine)
        prepared = [self._prepared(plan, values) for values in rows]
        if not prepared:
            return []
        hold_targets(self, self._held, plan, prepared)
        stored = plan.stored(prepared)
        self._insert_stored(plan, stored)
        self._log_inserts(plan, prepared, stored)
        self._index_new(plan, prepared, stored)
        self.meter(plan, len(prepared))
        return [row["id"] for row in prepared]

    def insert_facts(self, model: type[Root], rows: Sequence[Mapping[str, object]], *, ignore: bool = False) -> None:
        """Insert rows of a ``logged=False`` table as they are; ``ignore`` leaves out those whose key exists."""
        plan = plan_of(model, self.engine)
        assert not plan.logged, plan.table
        if rows:
            self._insert_stored(plan, plan.stored(rows), ignore=ignore)
            self.touched.add(plan.table)

    def update(self, model: type[M], id: UUID, changes: Mapping[str, object], *, version: int | None = None) -> int:
        """Change a live row and return its version; nothing is written if nothing differs.

        Raises NotFound, and Stale if ``version`` is given and is not the row's.
        """
        row = self.get(model, id, lock=True)
        return self.change(row, changes, version=version)

    def change(
        self, row: Root, changes: Mapping[str, object], *, version: int | None = None, action: str = "update"
    ) -> int:
        """Change a row that this unit has read under lock; see ``update``."""
        plan = plan_of(type(row), self.engine)
        old = row.__dict__
        current: int = old["version"]
        if version is not None and version != current:
            raise Stale(what=self.noun(type(row)), current_version=current)
        new = self._with_derived(plan, {**changes}, old)
        differing = {name: value for name, value in new.items() if old[name] != value}
        if not differing:
            return current
        hold_targets(self, self._held, plan, [{**differing, "organization_id": old.get("organization_id")}])
        self._write(plan, old, differing, current)
        diff = self._diff(plan, differing, old)
        self._log(plan, action, old, diff, version=current + 1)
        self._index_words(plan, {**old, **differing}, differing)
        return current + 1

    def transition(self, model: type[M], id: UUID, to: StrEnum, /, **changes: object) -> M:
        """Move a row to the state ``to`` by its resource's state machine and return it as it was before.

        Raises InvalidTransition, which names the allowed states. Moving to the current state changes nothing.
        """
        row = self.get(model, id, lock=True)
        resource = self.context.catalog.of(model)
        assert resource is not None
        current = row.__dict__[resource.state]
        allowed = resource.transitions.get(current, frozenset())
        if to != current:
            if to not in allowed:
                names = sorted(str(state) for state in allowed)
                raise InvalidTransition(what=resource.noun, current=str(current), to=str(to), allowed=names)
            along = resource.guard(self, row, to) if resource.guard else {}
            self.change(row, {resource.state: to, **along, **changes}, action="transition")
        return row

    def increment(self, model: type[Root], id: UUID, column: str, by: int = 1, **along: object) -> None:
        """Add to a counter of one row atomically, without version and without a change row; ``along`` is set with it.

        For what is counted, such as downloads and when the last one was: nobody undoes it or waits for its version.
        """
        plan = plan_of(model, self.engine)
        terms, params = self.scope_terms(plan, anywhere=False)
        sign = mark(self.engine)
        where = " AND ".join([*(term.replace("t.", "") for term in terms), f"id = {sign}"])
        sets = ", ".join([f"{column} = {column} + {sign}", *(f"{name} = {sign}" for name in along)])
        bound = [plan.fields[name].bound(value) for name, value in along.items()]
        sql = f"UPDATE {plan.table} SET {sets} WHERE {where}"
        done = self.execute(sql, [by, *bound, *params, plan.fields["id"].bound(id)])
        if done.rowcount == 0:
            raise NotFound(what=self.noun(model))

    def set_facts(self, model: type[Root], keys: Mapping[str, object], values: Mapping[str, object]) -> int:
        """Update rows of a ``logged=False`` table where ``keys`` hold and return how many; a lease is taken so."""
        plan = plan_of(model, self.engine)
        assert not plan.logged, plan.table
        terms, params = self.scope_terms(plan, anywhere=plan.scope is None)
        for name, value in keys.items():
            term, bound = equality(plan, name, value)
            terms.append(term)
            params.extend(bound)
        sets = ", ".join(f"{name} = {mark(self.engine)}" for name in values)
        sql = f"UPDATE {plan.table} AS t SET {sets} WHERE {' AND '.join(terms)}"
        done = self.execute(sql, [*(plan.fields[name].bound(value) for name, value in values.items()), *params])
        self.touched.add(plan.table)
        return done.rowcount

    def delete(self, model: type[Root], id: UUID, /) -> None:
        """Delete a row of a table without trash, leaving a change row with its last values. Raises NotFound."""
        row = self.get(model, id, lock=True)
        self.remove(row, action="delete")

    def remove(self, row: Root, *, action: str) -> None:
        """Delete a row that this unit holds under lock; the log keeps its last values."""
        plan = plan_of(type(row), self.engine)
        old = row.__dict__
        keys = tuple(dict.fromkeys(filter(None, (plan.scope, "id"))))
        self.execute(delete_sql(plan, keys), [plan.fields[key].bound(old[key]) for key in keys])
        last = {name: [show(old[name]), None] for name, show in plan.kept.items() if old[name] is not None}
        self._log(plan, action, old, last, version=old.get("version"))
        self._forget_words(plan, old)
        if old.get("deleted_at") is None:
            self.meter(plan, -1)

    def enqueue(
        self,
        kind: str,
        payload: Mapping[str, object],
        *,
        queue: str,
        dedupe_key: str | None = None,
        run_at: datetime | None = None,
        max_attempts: int | None = None,
        backoff: Sequence[float] | None = None,
        priority: int = 100,
        parent_id: UUID | None = None,
    ) -> UUID:
        """Insert a job row, run by a worker once this unit has committed, and return its id.

        While a job of this organization with the same ``dedupe_key`` is queued or running in ``queue``, nothing is
        inserted and that job's id is returned. Without ``max_attempts`` and ``backoff`` (seconds before each further
        attempt) the queue's own hold.
        """
        job_id = clock.new_id()
        job: dict[str, object] = {
            "id": job_id,
            "queue": queue,
            "kind": kind,
            "organization_id": self.actor.organization_id,
            "payload": dict(payload),
            "priority": priority,
            "status": "queued",
            "run_at": run_at or self.now,
            "due": run_at is None or run_at <= self.now,
            "attempts": 0,
            "max_attempts": max_attempts,
            "backoff": None if backoff is None else list(backoff),
            "dedupe_key": dedupe_key,
            "progress": 0,
            "parent_id": parent_id,
            "created_at": self.now,
        }
        plan = plan_of(Job, self.engine)
        sql = insert_sql(plan, tuple(job), ignore=dedupe_key is not None)
        done = self.execute(sql, [plan.fields[name].bound(value) for name, value in job.items()])
        if done.rowcount == 0:
            return self._live_job(queue, dedupe_key) or job_id
        self.touched.add(plan.table)
        self.woken.add(queue)
        return job_id

    def _live_job(self, queue: str, dedupe_key: str | None) -> UUID | None:
        """Return the job that stands for another one with the same key, None if it has ended this very moment."""
        owner = self.actor.organization_id
        found = self.find(Job, queue=queue, dedupe_key=dedupe_key, status=("queued", "running"), organization_id=owner)
        return found.id if found else None

    def record(
        self,
        action: str,
        entity: str,
        entity_id: UUID | None,
        changes: Mapping[str, object] | None = None,
        *,
        organization_id: UUID | None = None,
    ) -> None:
        """Leave a row in the change log for what is no write: a login, a refusal, an export."""
        owner = organization_id or self.actor.organization_id
        self._append(action, entity, entity_id, owner, None, None, dict(changes) if changes else None)

    def flush(self) -> None:
        """Write the collected change rows (called by the database before it commits)."""
        if self._ring.made:
            sql = insert_sql(plan_of(SubjectKey, self.engine), ("id", "key_cipher"))
            if len(self._ring.made) == 1:
                self.execute(sql, self._ring.made[0])
            else:
                self.execute_many(sql, self._ring.made)
            self._ring.made.clear()
        if self._changes:
            self.xid = self.log_position.write(self.execute, self.execute_many, self._changes)
            self._changes.clear()

    @contextmanager
    def part(self) -> Iterator[None]:
        """Undo what was written inside where it raises; the unit itself may go on after it."""
        count, held, keys = len(self._changes), set(self._held), self._ring.mark()
        self.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK TO SAVEPOINT part")
            self.execute("RELEASE SAVEPOINT part")
            del self._changes[count:]
            self._held &= held
            self._ring.back_to(keys)
            raise
        self.execute("RELEASE SAVEPOINT part")

    # -- shared with trash, log and retention ---------------------------------------------------------------------

    def log_row(
        self,
        plan: Plan,
        action: str,
        owner: UUID | None,
        entity_id: UUID,
        version: int | None,
        changes: Mapping[str, object] | None,
        deletion_id: UUID | None = None,
    ) -> None:
        """Leave the change row of a write that a statement has done for several rows at once."""
        self.touched.add(plan.table)
        if plan.logged:
            self._append(action, plan.table, entity_id, owner, version, deletion_id, changes)

    def meter(self, plan: Plan, by: int) -> None:
        """Tell the resource's meter by how many its live rows have grown or shrunk."""
        resource = self.context.catalog.by_table.get(plan.table)
        if resource is not None and resource.meter is not None and by:
            resource.meter(self, by)

    # -- internal -------------------------------------------------------------------------------------------------

    def _prepared(self, plan: Plan, values: Mapping[str, object]) -> dict[str, Any]:
        """Return a row ready to insert: id, tenant, defaults, times, norms and sealed secrets filled in."""
        row: dict[str, Any] = dict(values)
        fields = plan.fields
        if "id" in fields and "id" not in row:
            row["id"] = clock.new_id()
            if plan.private:
                self._ring.fresh.add(row["id"])
        if plan.scope == "organization_id":
            row.setdefault("organization_id", self.actor.organization_id)
        for name, default in plan.defaults.items():
            if name not in row:
                row[name] = default()
        if plan.versioned:
            row["created_at"] = row["updated_at"] = self.now
            row["created_by"] = row["updated_by"] = self.actor.id
            row["version"] = 1
        return self._with_derived(plan, row, row)

    def _with_derived(self, plan: Plan, row: dict[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
        """Replace secrets by their seals and set the folded forms of changed texts."""
        for name, column in plan.secrets.items():
            if name in row:
                plaintext = row.pop(name)
                context = secret_context(plan, {**key}, name)
                row[column] = (
                    None if plaintext is None else seal(self.context.keyring, str(plaintext).encode(), context=context)
                )
        for source, column in plan.norms.items():
            if source in row:
                fold_as = fold_email if source.endswith("email") else fold
                row[column] = None if row[source] is None else fold_as(str(row[source]))
        return row

    def _insert_stored(self, plan: Plan, stored: Columns, *, ignore: bool = False) -> None:
        self.execute_many(insert_sql(plan, tuple(stored), ignore=ignore), list(zip(*stored.values(), strict=True)))

    def _log_inserts(self, plan: Plan, rows: Sequence[Mapping[str, Any]], stored: Columns) -> None:
        """Leave the change rows of new rows, which are ``stored`` so."""
        self.touched.add(plan.table)
        if not plan.logged:
            return
        diffs: list[dict[str, object]] = [{} for _ in rows]
        for name, show in plan.kept.items():
            if name not in stored:
                continue
            # Ids and times are shown as they are stored, where that is text.
            shown = stored[name] if show is plan.fields[name].bind else _shown(show, [row.get(name) for row in rows])
            for diff, value in zip(diffs, shown, strict=True):
                if value is not None:
                    diff[name] = [None, value]
        if plan.private:
            diffs = self._sealed(plan, rows, diffs)
        owners = stored[plan.scope] if plan.scope else [self._stored_id(self.actor.organization_id)] * len(rows)
        self._append_all("insert", plan.table, owners, stored["id"], diffs, version=1)

    def _sealed(
        self, plan: Plan, rows: Sequence[Mapping[str, Any]], diffs: Sequence[dict[str, object]]
    ) -> list[dict[str, object]]:
        """Return the changes of new rows with what tells of people sealed under their keys."""
        subjects = [found for row in rows if (found := row.get(plan.subject or "id")) is not None]
        self._ring.load(self, [subject for subject in subjects if subject not in self._ring.fresh])
        if plan.subject in {None, "id"}:
            # Rows that are only now inserted are nobody else's, so that nobody else makes keys for them.
            self._ring.fresh.update(subjects)
        return [{**seal_changes(self, self._ring, plan, row, diff)} for row, diff in zip(rows, diffs, strict=True)]

    def _diff(self, plan: Plan, differing: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, list[object]]:
        return {
            name: [field.shown(old[name]), field.shown(value)]
            for name, value in differing.items()
            if not (field := plan.fields[name]).rule.norm_of
        }

    def _write(self, plan: Plan, old: Mapping[str, Any], differing: Mapping[str, Any], current: int) -> None:
        row = {**differing, "updated_at": self.now, "updated_by": self.actor.id, "version": current + 1}
        keys = (*dict.fromkeys(filter(None, (plan.scope, "id"))), "version")
        values = [plan.fields[name].bound(value) for name, value in row.items()]
        where = [plan.fields[key].bound(old[key]) for key in keys]
        done = self.execute(update_sql(plan, tuple(row), keys), [*values, *where])
        if done.rowcount != 1:
            raise Stale(what=self.noun(plan.model), current_version=None)

    def _log(
        self, plan: Plan, action: str, row: Mapping[str, Any], changes: Mapping[str, object], version: int | None
    ) -> None:
        owner = row.get(plan.scope) if plan.scope else self.actor.organization_id
        if plan.private and plan.logged:
            changes = seal_changes(self, self._ring, plan, row, changes)
        self.log_row(plan, action, owner, row["id"], version, changes)

    def _append(
        self,
        action: str,
        entity: str,
        entity_id: UUID | None,
        owner: UUID | None,
        version: int | None,
        deletion_id: UUID | None,
        changes: Mapping[str, object] | None,
    ) -> None:
        owners, ids = [self._stored_id(owner)], [self._stored_id(entity_id)]
        self._append_all(action, entity, owners, ids, [changes], version=version, deletion_id=deletion_id)

    def _append_all(
        self,
        action: str,
        entity: str,
        owners: Sequence[object],
        ids: Sequence[object],
        diffs: Sequence[Mapping[str, object] | None],
        *,
        version: int | None,
        deletion_id: UUID | None = None,
    ) -> None:
        """Collect change rows of one action; ``owners`` and ``ids`` are as they are stored."""
        actor = self.actor
        now = self.now if self.engine == POSTGRESQL else moment_text(self.now)
        who = who_acts(self, self._ring)
        by = (actor.request_id, actor.kind.value, self._stored_id(actor.id), who.label)
        deletion, place = self._stored_id(deletion_id), (who.ip, who.user_agent)
        self._changes += [
            (
                owner,
                now,
                *by,
                action,
                entity,
                id,
                version,
                deletion,
                who.within(None if diff is None else compact_json(diff)),
                *place,
            )
            for owner, id, diff in zip(owners, ids, diffs, strict=True)
        ]

    def _stored_id(self, value: UUID | None) -> object:
        return value if value is None or self.engine == POSTGRESQL else str(value)

    def _index_new(self, plan: Plan, rows: Sequence[Mapping[str, Any]], stored: Columns) -> None:
        """Put the folded words of new rows into the search table."""
        resource = self.context.catalog.by_table.get(plan.table)
        if resource is None or not resource.search:
            return
        documents = {
            "organization_id": stored[plan.scope or "organization_id"],
            "entity": [plan.table] * len(rows),
            "entity_id": stored["id"],
            "words": [resource.words(row) for row in rows],
        }
        self._insert_stored(plan_of(SearchDocument, self.engine), documents)
        self.touched.add("search_documents")

    def _index_words(self, plan: Plan, row: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
        """Keep a changed row's folded words in the search table."""
        resource = self.context.catalog.by_table.get(plan.table)
        if resource is None or not any(name in changed for name in resource.search):
            return
        key, words = self._words_key(plan, row), {"words": resource.words(row)}
        if not self.set_facts(SearchDocument, key, words):
            self.insert_facts(SearchDocument, [{**key, **words}])

    def _forget_words(self, plan: Plan, row: Mapping[str, Any]) -> None:
        resource = self.context.catalog.by_table.get(plan.table)
        if resource is not None and resource.search:
            documents = plan_of(SearchDocument, self.engine)
            where = self._words_key(plan, row)
            values = [documents.fields[name].bound(value) for name, value in where.items()]
            self.execute(delete_sql(documents, tuple(where)), values)

    def _words_key(self, plan: Plan, row: Mapping[str, Any]) -> dict[str, object]:
        return {"organization_id": row[plan.scope or "organization_id"], "entity": plan.table, "entity_id": row["id"]}


def _shown(show: Convert, values: Sequence[Any]) -> list[Any]:
    return [None if value is None else show(value) for value in values]
