"""What goes by itself: the rules of all tables carried out in small units, on from where a killed run has stopped."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid, Unavailable
from growbase.core.holds import Held, held_term, lock_holds
from growbase.core.model import Retention, Root, View, table_of
from growbase.core.partitions import Layout, drop_old
from growbase.core.reads import Reads
from growbase.core.resource import Catalog
from growbase.core.statements import POSTGRESQL, mark, plan_of
from growbase.core.tables import Change, InstanceFact, RetentionRun
from growbase.core.transaction import Transaction
from growbase.core.trash import purge
from growbase.jobs.retention_log import drop_arrived, drop_span

CHUNK: Final = 500
"""Rows in one unit, so that retention delays nobody's write."""
KEPT: Final[Mapping[str, int]] = {"trash_days": 30, "log_days": 400, "analytics_days": 0}
"""Days of the settings that rules name, as they are unless set; 0 is for ever."""
DEFAULT: Final = timedelta(days=30)
"""A resource's retention where it names none: then the setting holds."""
SINCE: Final = "kept_since:"
"""Instance facts that begin so tell from when on a rule has left everything."""
LOG: Final = "changes"

Days = Mapping[str, int]
Progress = Callable[[str, int], None]
"""Told the name of a rule and how many of its rows are done."""


class TakenOver(Conflict):
    """Another run has begun and goes on with what this one did."""

    code = "taken_over"


@dataclass(frozen=True, slots=True)
class Due:
    """A rule as it is carried out: rows whose moment ``since`` lies ``days`` back are deleted, emptied or purged."""

    name: str
    model: type[Root]
    does: Literal["delete", "empty", "purge", "log"]
    days: int
    rule: Retention

    def before(self, now: datetime) -> datetime:
        """Return the moment before which rows are due."""
        return now - timedelta(days=self.days)

    def terms(self) -> list[str]:
        """Return what besides its age makes a row due, over ``t``."""
        found = ["t.purged_at IS NULL"] if self.does == "purge" else []
        return [*found, self.rule.where] if self.rule.where else found

    def free(self) -> str:
        """Return the term that is true of rows which no legal hold keeps."""
        return f"NOT {held_term(self.model)}" if self.rule.holdable else "1 = 1"


def rules(catalog: Catalog, days: Days = KEPT) -> Iterator[Due]:
    """Yield what is to be done, by table; the trash after it, and the log last. What is kept for ever is left out."""
    for name, model in sorted(catalog.models.items()):
        for rule in () if issubclass(model, View) else model.__retention__:
            kept = days[rule.days] if isinstance(rule.days, str) else rule.days
            if kept or not isinstance(rule.days, str):
                does: Literal["empty", "delete"] = "empty" if rule.empties else "delete"
                yield Due(f"{name}/{rule.part}" if rule.part else name, model, does, kept, rule)
    for resource in catalog.resources:
        if resource.trashable and resource.retention is not None:
            kept = resource.retention.days if resource.retention != DEFAULT else days["trash_days"]
            yield Due(f"{resource.table.name}/trash", resource.model, "purge", kept, Retention("deleted_at", kept))
    if days["log_days"]:
        yield Due(LOG, Change, "log", days["log_days"], Retention("occurred_at", "log_days"))


def chosen(catalog: Catalog, days: Days, table: str | None) -> list[Due]:
    """Return the rules, or those of one table. Raises Invalid for a table without any."""
    found = [rule for rule in rules(catalog, days) if table in {None, str(rule.model.__tablename__)}]
    if not found:
        names = ", ".join(sorted({str(rule.model.__tablename__) for rule in rules(catalog, days)}))
        raise Invalid.at("resource", "choice", "must be one of {expected}", expected=names)
    return found


# -- running ----------------------------------------------------------------------------------------------------------


def retain(
    database: Database, days: Days = KEPT, *, table: str | None = None, progress: Progress = lambda *_: None
) -> RetentionRun:
    """Carry out the rules, of one table or of all, and return the run with what went by each.

    What a run that was killed has done counts as done by this one. Raises TakenOver where another one begins meanwhile.
    """
    due = chosen(database.catalog, days, table)
    run = _Run(database, progress)
    for rule in due:
        try:
            _carry_out(run, rule)
        except TakenOver:
            raise
        except Exception as error:
            run.end(f"{rule.name}: {type(error).__name__}: {error}")
            raise
    return run.end(None)


def run_daily(database: Database, *, days: Days) -> int:
    """Carry out all rules and return how many rows went; a run that another one has taken over is no failure."""
    try:
        run = retain(database, days)
    except TakenOver:
        return 0
    telemetry.instrument("retention.ended", rows=run.rows, held=run.held)
    return run.rows


class _Run:
    """The row of a run: each unit adds what it does in its own commit, so that a crash loses no count."""

    def __init__(self, database: Database, progress: Progress) -> None:
        self.database = database
        self.progress = progress
        self.token = clock.new_id()
        self.row: RetentionRun = database.write(system("retention"), self._begin)

    def _begin(self, tx: Transaction) -> RetentionRun:
        open_runs = tx.rows(RetentionRun, finished_at=None, order="-started_at", limit=1, lock=True)
        if open_runs:
            tx.set_facts(RetentionRun, {"id": open_runs[0].id}, {"token": self.token, "updated_at": tx.now})
            return open_runs[0]
        id, times = clock.new_id(), {"started_at": tx.now, "updated_at": tx.now}
        tx.insert_facts(RetentionRun, [{"id": id, "token": self.token, **times, "rows": 0, "held": 0, "rules": {}}])
        made = tx.find(RetentionRun, id)
        assert made is not None
        return made

    def step(self, rule: Due, unit: Callable[[Transaction], int]) -> int:
        """Run a unit that returns how many rows it has handled, and count them with it."""

        def counted(tx: Transaction) -> tuple[int, RetentionRun | None]:
            lock_holds(tx, share=True)
            count = unit(tx)
            return count, self.count(tx, {rule.name: count}) if count else None

        count, row = self.database.write(system("retention"), counted)
        self.row = row or self.row
        self.progress(rule.name, self.row.rules.get(rule.name, 0))
        return count

    def count(self, tx: Transaction, done: Mapping[str, int], held: int = 0) -> RetentionRun:
        """Add to the run's figures. Raises TakenOver."""
        row = tx.find(RetentionRun, self.row.id, lock=True)
        if row is None or row.token != self.token:
            raise TakenOver
        counts = {**row.rules}
        for name, count in done.items():
            counts[name] = counts.get(name, 0) + count
        values = {"rules": counts, "rows": row.rows + sum(done.values()), "held": row.held + held}
        tx.set_facts(RetentionRun, {"id": row.id}, {**values, "updated_at": tx.now})
        found = tx.find(RetentionRun, row.id)
        assert found is not None
        return found

    def end(self, error: str | None) -> RetentionRun:
        """Close the run's row and return it."""

        def unit(tx: Transaction) -> RetentionRun:
            reason = error.replace("\x00", "")[:2_000] if error else None
            keys = {"id": self.row.id, "token": self.token}
            tx.set_facts(RetentionRun, keys, {"finished_at": tx.now, "updated_at": tx.now, "error": reason})
            found = tx.find(RetentionRun, self.row.id)
            assert found is not None
            return found

        return self.database.write(system("retention"), unit)


def _carry_out(run: _Run, rule: Due) -> None:
    now = clock.now()
    if rule.does == "purge":
        _purge_due(run, rule, now)
        return
    if rule.does == "log":
        for drop in (drop_arrived, drop_span):
            while run.step(rule, partial(drop, before=rule.before(now))):
                pass
        return
    run.database.write(system("retention"), partial(_note_since, rule=rule, before=rule.before(now)))
    _drop_months(run, rule, rule.before(now))
    while run.step(rule, partial(_batch, rule=rule, before=rule.before(now))) == CHUNK:
        pass


def _drop_months(run: _Run, rule: Due, before: datetime) -> None:
    """Drop whole months of which every row is due; a month that is in use just now goes row by row, or tomorrow."""
    if rule.does != "delete" or rule.model.__monthly__ is None:
        return
    layout = Layout(str(rule.model.__tablename__), rule.model.__monthly__)
    moment = plan_of(rule.model, run.database.engine).fields[rule.rule.since].bound(before)
    for unit in drop_old(run.database, layout, " AND ".join(_terms(rule, run.database.engine)), [moment], before):
        with suppress(Unavailable):
            run.step(rule, unit)


def _terms(rule: Due, engine: str) -> list[str]:
    """Return what is true of a row that goes; the parameter is the moment before which rows are due."""
    return [f"t.{rule.rule.since} < {mark(engine)}", *rule.terms(), rule.free()]


def _note_since(tx: Transaction, *, rule: Due, before: datetime) -> None:
    """Note from when on all rows are there, before the first one goes: sums of older days can't be made anew."""
    if rule.does != "delete" or not isinstance(rule.rule.days, str):
        return
    fact = {"name": SINCE + rule.name}
    if not tx.set_facts(InstanceFact, fact, {"value": before.isoformat()}):
        tx.insert_facts(InstanceFact, [{**fact, "value": before.isoformat()}], ignore=True)


def _batch(tx: Transaction, *, rule: Due, before: datetime) -> int:
    """Delete or empty some rows that are due; one that somebody else is at waits for the next run."""
    plan = plan_of(rule.model, tx.engine)
    terms = _terms(rule, tx.engine)
    tail = " FOR UPDATE OF t SKIP LOCKED" if tx.engine == POSTGRESQL else ""
    bound = [plan.fields[rule.rule.since].bound(before)]
    if rule.does == "delete" and not plan.logged:
        key = ", ".join(found.name for found in table_of(rule.model).primary_key.columns)
        own = ", ".join(f"t.{found.name}" for found in table_of(rule.model).primary_key.columns)
        # Materialized, or PostgreSQL may look for the rows again for each one it deletes, past the limit.
        old = f"SELECT {own} FROM {plan.table} t WHERE {' AND '.join(terms)} LIMIT {CHUNK}{tail}"
        sql = f"WITH due AS MATERIALIZED ({old}) DELETE FROM {plan.table} WHERE ({key}) IN (SELECT {key} FROM due)"
        tx.touched.add(plan.table)
        return tx.execute(sql, bound).rowcount
    names = ", ".join(f"t.{name}" for name in plan.fields)
    sql = f"SELECT {names} FROM {plan.table} t WHERE {' AND '.join(terms)} LIMIT {CHUNK}{tail}"
    rows = [plan.instance(row) for row in tx.execute(sql, bound).fetchall()]
    for row in rows:
        _one(tx, rule, row)
    return len(rows)


def _one(tx: Transaction, rule: Due, row: Root) -> None:
    values: dict[str, Any] = {**rule.rule.empties, **({rule.rule.stamp: tx.now} if rule.rule.stamp else {})}
    plan = plan_of(rule.model, tx.engine)
    if not plan.logged:
        tx.set_facts(rule.model, {"id": row.__dict__["id"]}, values)
        return
    owner = row.__dict__.get(plan.scope or "organization_id")
    inside = tx.for_organization(owner) if owner is not None else tx
    if rule.does == "delete":
        inside.remove(row, action="purge")
    else:
        inside.change(row, values, action="scrub")


def _purge_due(run: _Run, rule: Due, now: datetime) -> None:
    """Purge the rows that were long enough in the trash, one a unit with all that goes with it."""
    database, last = run.database, UUID(int=0)
    plan = plan_of(rule.model, database.engine)
    terms = [f"t.deleted_at < {mark(database.engine)}", *rule.terms(), rule.free(), f"t.id > {mark(database.engine)}"]
    sql = (
        f"SELECT t.{plan.scope or 'id'}, t.id FROM {plan.table} t WHERE {' AND '.join(terms)} "
        f"ORDER BY t.id LIMIT {CHUNK}"
    )
    read = plan.fields["id"].read
    while True:
        params = (plan.fields["deleted_at"].bound(rule.before(now)), plan.fields["id"].bound(last))
        rows = [tuple(read(value) if read else value for value in row) for row in database.query(sql, params)]
        for owner, id in rows:
            try:
                run.step(rule, partial(_purge_one, rule=rule, owner=owner, id=id))
            except Held:
                run.row = database.write(system("retention"), lambda tx: run.count(tx, {}, held=1))
        if len(rows) < CHUNK:
            return
        last = rows[-1][1]


def _purge_one(tx: Transaction, *, rule: Due, owner: UUID, id: UUID) -> int:
    inside = tx.for_organization(owner)
    row = inside.find(rule.model, id, trash=True)
    if row is None or row.__dict__["purged_at"] is not None or row.__dict__["deleted_at"] is None:
        return 0
    purge(inside, rule.model, id, keep=True)
    return 1


def all_kept_since(reads: Reads, table: str) -> datetime:
    """Return from when on all rows of a table are there whose retention is a setting."""
    fact = reads.find(InstanceFact, name=SINCE + table)
    return datetime.fromisoformat(fact.value) if fact is not None else datetime.min.replace(tzinfo=UTC)


# -- what was done ----------------------------------------------------------------------------------------------------


def last_run(database: Database) -> RetentionRun | None:
    """Return the newest run, None before the first."""
    with database.read(system("retention")) as reads:
        rows = reads.rows(RetentionRun, order="-started_at", limit=1)
    return rows[0] if rows else None


def observe(database: Database) -> None:
    """Bring the gauges of the last run that has ended up to date."""
    with database.read(system("retention")) as reads:
        rows = reads.rows(RetentionRun, order="-started_at", limit=2)
    ended = next((row for row in rows if row.finished_at is not None), None)
    if ended is not None and ended.finished_at is not None:
        telemetry.observe_retention(ended.finished_at.timestamp(), ended.rules, ended.held, failed=bool(ended.error))
