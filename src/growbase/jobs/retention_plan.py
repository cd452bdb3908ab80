"""What retention would do now, and what keeps rows whose time is up; nothing is written."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.holds import held_term, holds_among, live_holds
from growbase.core.reads import Reads
from growbase.core.statements import POSTGRESQL, mark, plan_of
from growbase.core.tables import LegalHold
from growbase.jobs.retention import KEPT, Days, Due, chosen
from growbase.jobs.retention_log import Stop, arrived, next_span

SAMPLE: Final = 1_000
"""Rows whose size is looked at to tell that of all."""
SPANS: Final = 10_000


@dataclass(slots=True)
class Planned:
    """What a rule would do: rows that go, the oldest one's time, their approximate bytes, and what is kept by what."""

    name: str
    table: str
    does: str
    days: int
    rows: int = 0
    oldest: datetime | None = None
    bytes: int = 0
    held: int = 0
    kept_by: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return everything as a mapping."""
        return asdict(self)


def plan(database: Database, days: Days = KEPT, *, table: str | None = None) -> list[Planned]:
    """Return what each rule would do now, of one table or of all. Raises Invalid for a table without rules."""
    due, now = chosen(database.catalog, days, table), clock.now()
    with database.read(system("retention"), snapshot=True) as reads:
        holds = live_holds(reads)
        found = [_planned(reads, rule, now, holds) for rule in due if rule.does != "log"]
        log = [_log(reads, rule, now, holds) for rule in due if rule.does == "log"]
    return [*found, *log]


def _planned(reads: Reads, rule: Due, now: datetime, holds: list[LegalHold]) -> Planned:
    model = plan_of(rule.model, reads.engine)
    found = Planned(rule.name, model.table, rule.does, rule.days)
    since = rule.rule.since
    terms = [f"t.{since} < {mark(reads.engine)}", *rule.terms()]
    bound = [model.fields[since].bound(rule.before(now))]
    what = f"FROM {model.table} t WHERE {' AND '.join([*terms, rule.free()])}"
    count, oldest = reads.execute(f"SELECT count(*), min(t.{since}) {what}", bound).fetchone()
    found.rows, found.oldest = count, _moment(model.fields[since].read, oldest)
    found.bytes = _bytes(reads, rule, what, bound, count)
    candidates = holds_among(holds, model.table) if rule.rule.holdable else []
    if candidates:
        kept = f"FROM {model.table} t WHERE {' AND '.join([*terms, held_term(rule.model)])}"
        found.held = reads.execute(f"SELECT count(*) {kept}", bound).fetchone()[0]
        found.kept_by = [_named(hold) for hold in candidates] if found.held else []
    return found


def _log(reads: Reads, rule: Due, now: datetime, holds: list[LegalHold]) -> Planned:
    """Walk the sealed spans from the beginning of the log until one has to stay."""
    found = Planned(rule.name, rule.name, "drop sealed spans", rule.days)
    model = plan_of(rule.model, reads.engine)
    before = rule.before(now)
    oldest = reads.execute("SELECT occurred_at FROM changes ORDER BY tx, seq LIMIT 1").fetchone()
    found.rows = sum(len(places) for _, places in arrived(reads, before, limit=SPANS))
    after, stop = 0, None
    for _ in range(SPANS):
        seal, stop = next_span(reads, before, after)
        if seal is None or stop is not None:
            break
        found.rows += seal.row_count
        after = seal.number
    if oldest is not None and found.rows:
        found.oldest = _moment(model.fields["occurred_at"].read, oldest[0])
        found.bytes = _bytes(reads, rule, "FROM changes t WHERE 1 = 1", [], found.rows)
    sql = f"SELECT count(*) FROM changes WHERE occurred_at < {mark(reads.engine)}"
    past = reads.execute(sql, [model.fields["occurred_at"].bound(before)]).fetchone()[0]
    found.held = max(0, past - found.rows)
    if found.held and stop is not None:
        found.kept_by = _why(stop, holds)
    return found


def _why(stop: Stop, holds: list[LegalHold]) -> list[str]:
    texts = {
        "reader": f"the reader {stop.detail}, which has not come further",
        "young": "younger entries under the same seal",
        "not_sealed": "not sealed yet",
        "newest": "the newest entry, which stays",
    }
    return [_named(hold) for hold in holds] if stop.reason == "held" else [texts[stop.reason]]


def _named(hold: LegalHold) -> str:
    what = "everything" if hold.entity is None else f"{hold.entity} {hold.entity_id}"
    return f"legal hold {hold.id} of {hold.organization_id} on {what}: {hold.reason}"


def _bytes(reads: Reads, rule: Due, what: str, bound: list[object], count: int) -> int:
    """Return about how large rows are, from some of them; of what is emptied the columns count that are."""
    model = plan_of(rule.model, reads.engine)
    columns = [name for name in rule.rule.empties if name in model.fields] or [*model.fields]
    if reads.engine == POSTGRESQL:
        size = " + ".join(f"coalesce(pg_column_size(t.{name}), 0)" for name in columns)
    else:
        size = " + ".join(f"coalesce(length(CAST(t.{name} AS BLOB)), 0)" for name in columns)
    sql = f"SELECT coalesce(avg(s.size), 0) FROM (SELECT {size} AS size {what} LIMIT {SAMPLE}) s"
    return int(float(reads.execute(sql, bound).fetchone()[0]) * count)


def _moment(read: Any, value: Any) -> datetime | None:  # noqa: ANN401 -- the driver's value and its converter
    found: datetime | None = read(value) if read and value is not None else value
    return found
