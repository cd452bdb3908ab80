"""The change log for auditors: proved against its seals, listed and exported."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import IO, Any, Final
from uuid import UUID

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.feed import Position, newest, reader_position
from growbase.core.folding import fold_email
from growbase.core.reads import Reads
from growbase.core.seals import READER, Fault, Head, head, numbers, verify_seals
from growbase.core.statements import Plan, equality, mark
from growbase.core.subject_keys import open_changes
from growbase.core.tables import Change
from growbase.core.types import moment_text
from growbase.domains.identity.models import User

STEP: Final = 20
"""Seals that are proved in one snapshot."""
PAGE: Final = 500
FIELDS: Final = (
    *("seq", "occurred_at", "organization_id", "actor_type", "actor_id", "actor_label", "action", "entity"),
    *("entity_id", "version", "deletion_id", "request_id", "ip", "user_agent", "changes"),
)
Progress = Callable[[int, int], None]
"""Told how many seals are proved, of how many."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a proof has found: faults, how many seals and rows it covered, and the seal to compare with next time."""

    faults: list[Fault]
    seals: int
    rows: int
    unsealed: int
    head: Head | None

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON-ready mapping."""
        last = {"number": self.head.number, "digest": self.head.digest} if self.head else None
        counts = {"seals": self.seals, "rows": self.rows, "unsealed": self.unsealed}
        return {**counts, "head": last, "faults": [fault.as_json() for fault in self.faults]}


def verify(
    database: Database,
    *,
    since: datetime | None = None,
    newest_only: int | None = None,
    expect: str | None = None,
    progress: Progress = lambda *_: None,
) -> Verified:
    """Prove the log against its seals: all, those made ``since`` a moment, or the ``newest_only`` ones.

    ``expect`` is a head that an earlier proof has told (``number:digest``): it must be there still.
    """
    actor = system("audit")
    with database.read(actor, snapshot=True) as reads:
        last = head(reads)
        first, end = _range(reads, since, newest_only)
        faults = [*_cut_off(reads, last), *_expected(reads, expect)]
        unsealed = _count(reads, last.position if last else Position(0, 0))
        rows = _sealed_rows(reads, first, end)
    for start in range(first, end + 1, STEP):
        with database.read(actor, snapshot=True) as reads:
            # Retention may have moved the beginning meanwhile.
            lowest = max(start, numbers(reads)[0])
            faults += verify_seals(reads, lowest, min(start + STEP - 1, end))
        progress(min(start + STEP, end + 1) - first, end + 1 - first)
    return Verified(faults, end + 1 - first, rows, unsealed, last)


def _range(reads: Reads, since: datetime | None, newest_only: int | None) -> tuple[int, int]:
    first, last = numbers(reads)
    if newest_only is not None:
        first = max(first, last - newest_only + 1)
    if since is not None:
        bound = since if reads.engine == "postgresql" else moment_text(since)
        sql = f"SELECT min(number) FROM seals WHERE sealed_at >= {mark(reads.engine)}"
        found = reads.execute(sql, [bound]).fetchone()[0]
        first = last + 1 if found is None else max(first, found)
    return first, last


def _cut_off(reads: Reads, last: Head | None) -> Iterator[Fault]:
    """Find seals that were taken away at the end: the reader has come further than they go."""
    reached = reader_position(reads, READER)
    if reached is not None and (last is None or reached > last.position):
        yield Fault("seal_missing", last.number + 1 if last else 1, "The newest seals are gone.")


def _expected(reads: Reads, expect: str | None) -> Iterator[Fault]:
    if expect is None:
        return
    number, _, digest = expect.partition(":")
    lowest = numbers(reads)[0]
    place = int(number) if number.isdecimal() else 0
    # An anchor carries on what the last seal it stands for was chained to.
    sql = f"SELECT CASE WHEN kind = 'span' THEN digest ELSE previous END FROM seals WHERE number = {mark(reads.engine)}"
    row = reads.execute(sql, [place]).fetchone()
    if (row is None and place >= lowest) or (row is not None and row[0] != digest) or not place:
        yield Fault("seal_missing", place, "The seal that was expected is not there.")


def _count(reads: Reads, after: Position) -> int:
    sign, end = mark(reads.engine), newest(reads)
    sql = f"SELECT count(*) FROM changes WHERE (tx, seq) > ({sign}, {sign}) AND (tx, seq) <= ({sign}, {sign})"
    return int(reads.execute(sql, [*after, *end]).fetchone()[0])


def _sealed_rows(reads: Reads, first: int, last: int) -> int:
    sign = mark(reads.engine)
    sql = f"SELECT coalesce(sum(row_count), 0) FROM seals WHERE kind = 'span' AND number BETWEEN {sign} AND {sign}"
    return int(reads.execute(sql, [first, last]).fetchone()[0])


# -- entries ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; ``actor`` is an id, a user's mail address or name, or another label."""

    entity: str | None = None
    entity_id: UUID | None = None
    actor: str | None = None
    action: str | None = None
    organization_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def terms(self, reads: Reads) -> tuple[list[str], list[object]]:
        """Return the terms and parameters of SQL over ``changes t``."""
        plan, sign = reads.plan(Change), mark(reads.engine)
        equal = {name: getattr(self, name) for name in ("entity", "entity_id", "action", "organization_id")}
        found = [(f"t.{name} = {sign}", name, value) for name, value in equal.items() if value is not None]
        if self.since is not None:
            found.append((f"t.occurred_at >= {sign}", "occurred_at", self.since))
        if self.until is not None:
            found.append((f"t.occurred_at < {sign}", "occurred_at", self.until))
        terms, params = [term for term, *_ in found], [plan.fields[name].bound(value) for _, name, value in found]
        if self.actor is not None:
            term, bound = _actor(reads, plan, self.actor)
            return [*terms, term], [*params, *bound]
        return terms, params


def _actor(reads: Reads, plan: Plan, actor: str) -> tuple[str, tuple[object, ...]]:
    """Return the term of who acted: users are found by their ids, since their labels are sealed."""
    try:
        return equality(plan, "actor_id", UUID(actor))
    except ValueError:
        pass
    address = "@" in actor
    whose: dict[str, Any] = {"email_norm": fold_email(actor)} if address else {"full_name": actor}
    ids = [user.id for user in reads.rows(User, trash=True, anywhere=True, **whose)]
    term, bound = equality(plan, "actor_id", ids)
    if ids and address:
        return term, bound
    return f"(t.actor_label = {mark(reads.engine)} OR {term})", (actor, *bound)


def newest_entries(database: Database, wanted: Filter, limit: int) -> list[dict[str, Any]]:
    """Return the newest entries, the newest first."""
    return [shown(row) for row in newest_changes(database, wanted, limit)]


def newest_changes(database: Database, wanted: Filter, limit: int, before: Position | None = None) -> list[Change]:
    """Return the newest rows of the log, the newest first; ``before`` is where the page before ended."""
    with database.read(system("audit")) as reads:
        terms, params = wanted.terms(reads)
        if before is not None:
            sign = mark(reads.engine)
            terms.append(f"(t.tx, t.seq) < ({sign}, {sign})")
            params += before
        return _page(reads, terms, params, "DESC", limit)


def entries(database: Database, wanted: Filter) -> Iterator[dict[str, Any]]:
    """Yield all entries, the oldest first, a page at a time: a long export holds nothing back."""
    for row in all_changes(database, wanted):
        yield shown(row)


def all_changes(database: Database, wanted: Filter) -> Iterator[Change]:
    """Yield all rows of the log that are wanted, the oldest first, a page at a time."""
    after: Position | None = None
    while True:
        with database.read(system("audit")) as reads:
            terms, params = wanted.terms(reads)
            sign = mark(reads.engine)
            if after is not None:
                terms.append(f"(t.tx, t.seq) > ({sign}, {sign})")
                params += after
            rows = _page(reads, terms, params, "ASC", PAGE)
        yield from rows
        if len(rows) < PAGE:
            return
        after = Position(rows[-1].tx, rows[-1].seq)


def _page(reads: Reads, terms: list[str], params: list[object], way: str, limit: int) -> list[Change]:
    plan = reads.plan(Change)
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    sql = f"SELECT {plan.columns} FROM changes t{where} ORDER BY t.tx {way}, t.seq {way} LIMIT {int(limit)}"
    rows = reads.execute(sql, params).fetchall()
    return open_changes(reads, (found for row in rows if isinstance(found := plan.instance(row), Change)))


def shown(row: Change) -> dict[str, Any]:
    """Return an entry as it is listed and exported."""
    values = {name: getattr(row, name) for name in FIELDS}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 -- any column's value
    if isinstance(value, datetime):
        return moment_text(value)
    return str(value) if isinstance(value, UUID) else value


def write_lines(rows: Iterator[dict[str, Any]], file: IO[str]) -> int:
    """Write entries as JSON lines and return how many."""
    count = 0
    for line in json_lines(rows):
        file.write(line)
        count += 1
    return count


def json_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield entries as JSON, one a line."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, default=str) + "\n"


def write_csv(rows: Iterator[dict[str, Any]], file: IO[str]) -> int:
    """Write entries as CSV with a heading, the changes as JSON, and return how many.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    count = -1
    for line in csv_lines(rows):
        file.write(line)
        count += 1
    return count


def csv_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a heading and then each entry as a line of CSV."""
    out = StringIO()
    writer = csv.DictWriter(out, FIELDS)
    writer.writeheader()
    yield out.getvalue()
    for row in rows:
        out.seek(0)
        out.truncate()
        changes = json.dumps(row["changes"], ensure_ascii=False) if row["changes"] is not None else ""
        writer.writerow({name: _cell(value) for name, value in {**row, "changes": changes}.items()})
        yield out.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
