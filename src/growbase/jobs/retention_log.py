"""Letting go of the beginning of the change log: whole sealed spans, which an anchor in their place stands for.

What came with an organization from another region stands before the beginning, in no span, and goes by its own age.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final
from uuid import UUID

from growbase.core.acting import is_named_after
from growbase.core.actor import PEOPLE
from growbase.core.feed import BEGINNING, Position, undelivered_since
from growbase.core.model import Root
from growbase.core.reads import Reads, Where
from growbase.core.seals import close_guard, drop_through, open_guard
from growbase.core.statements import equality, mark, plan_of
from growbase.core.subject_keys import destroy_keys
from growbase.core.tables import Change, Seal, SealKind
from growbase.core.transaction import Transaction

_HELD = (
    "EXISTS (SELECT 1 FROM legal_holds h WHERE h.released_at IS NULL AND h.organization_id = t.organization_id "
    "AND (h.entity IS NULL OR h.entity = t.entity AND h.entity_id = t.entity_id))"
)
"""True of an entry of the log that tells of what a legal hold keeps."""
USERS: Final = "users"
EARLIEST: Final = Position(-(2**62), 0)
ARRIVED: Final = 2_000
"""Entries from another region that go in one unit."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the log can't be let go of any further: not old enough, needed by a reader, held, not sealed, the newest."""

    reason: str
    detail: str = ""


def drop_span(tx: Transaction, *, before: datetime) -> int:
    """Delete the oldest sealed span, if all of it may go, and return how many entries it had.

    Everything in it is older than ``before``, every reader is past it, no legal hold keeps any of it, and it has not
    the newest entry, from which a SQLite file counts on.
    """
    seal, stop = next_span(tx, before)
    if seal is None or stop is not None:
        return 0
    start = _start(tx, seal)
    _forget_gone(tx, start, Position(seal.to_tx, seal.to_seq))
    open_guard(tx)
    end = drop_through(tx, seal.number)
    sign = mark(tx.engine)
    sql = f"DELETE FROM changes WHERE (tx, seq) > ({sign}, {sign}) AND (tx, seq) <= ({sign}, {sign})"
    count = tx.execute(sql, [*start, *end]).rowcount
    close_guard(tx)
    tx.touched.add("changes")
    return count


def drop_arrived(tx: Transaction, *, before: datetime) -> int:
    """Delete the oldest entries that came with an organization from another region, and return how many."""
    sign = mark(tx.engine)
    for owner, places in arrived(tx, before, limit=ARRIVED):
        if not places:
            continue
        start, end = Position(places[0].tx, places[0].seq - 1), places[-1]
        _forget_gone(tx, start, end)
        open_guard(tx)
        sql = f"DELETE FROM changes WHERE organization_id = {sign} AND (tx, seq) > ({sign}, {sign}) "
        tx.execute(f"{sql}AND (tx, seq) <= ({sign}, {sign})", [owner, *start, *end])
        close_guard(tx)
        tx.touched.add("changes")
        return len(places)
    return 0


def arrived(reads: Reads, before: datetime, *, limit: int) -> Iterator[tuple[Any, list[Position]]]:
    """Yield each organization that came from another region, and its oldest entries that may go, up to ``limit``."""
    plan, sign = plan_of(Change, reads.engine), mark(reads.engine)
    young = plan.fields["occurred_at"].bound(before)
    next_home = f"SELECT t.organization_id FROM changes t WHERE (t.tx, t.seq) > ({sign}, {sign}) AND t.tx < 0 "
    last_of = f"SELECT t.tx, t.seq FROM changes t WHERE t.organization_id = {sign} AND t.tx < 0 "
    oldest = (
        f"SELECT t.tx, t.seq, (t.occurred_at >= {sign} OR {_HELD}) FROM changes t "
        f"WHERE t.organization_id = {sign} AND t.tx < 0 ORDER BY t.tx, t.seq LIMIT {limit}"
    )
    place = EARLIEST
    while home := reads.execute(f"{next_home}ORDER BY t.tx, t.seq LIMIT 1", place).fetchone():
        rows = reads.execute(oldest, [young, *home]).fetchall()
        yield home[0], [Position(tx, seq) for tx, seq, _ in takewhile(lambda row: not row[2], rows)]
        place = Position(*reads.execute(f"{last_of}ORDER BY t.tx DESC, t.seq DESC LIMIT 1", home).fetchone())


def _forget_gone(tx: Transaction, start: Position, end: Position) -> None:
    """Destroy the keys of people whose rows are gone, with the last entries of a span that can tell of them.

    What removed a row is the last that was logged of it and of what belonged to it. Of users also what they did is
    sealed under their key, in whichever organization, at times by a request that ended after their row was removed.
    """
    sign, plan, models = mark(tx.engine), plan_of(Change, tx.engine), tx.context.catalog.models
    about = [name for name, model in sorted(models.items()) if model.__subject__ is not None and name != USERS]
    sql = (
        "SELECT DISTINCT t.organization_id, t.entity, t.entity_id FROM changes t "
        f"WHERE (t.tx, t.seq) > ({sign}, {sign}) AND (t.tx, t.seq) <= ({sign}, {sign}) "
        f"AND t.action IN ('purge', 'delete') AND t.entity IN ({', '.join([sign] * len(about))}) "
        "AND EXISTS (SELECT 1 FROM subject_keys k WHERE k.id = t.entity_id)"
    )
    read = plan.fields["entity_id"].read or (lambda value: value)
    gone = []
    for owner, entity, id in tx.execute(sql, [*start, *end, *about]).fetchall():
        whose, bound = ("t.organization_id IS NULL", []) if owner is None else (f"t.organization_id = {sign}", [owner])
        later = f"SELECT 1 FROM changes t WHERE {whose} AND t.entity = {sign} AND t.entity_id = {sign} "
        later += f"AND (t.tx, t.seq) > ({sign}, {sign}) LIMIT 1"
        is_told = tx.execute(later, [*bound, entity, id, *end]).fetchone() is not None
        if not is_told and not _is_alive(tx, models[entity], read(id), owner):
            gone.append(read(id))
    destroy_keys(tx, [*gone, *_users_gone(tx, start, end)])


def _users_gone(tx: Transaction, start: Position, end: Position) -> Iterator[UUID]:
    """Find the users of a span whose rows are gone and whom no later entry names, as who acted or was acted upon."""
    plan, sign = plan_of(Change, tx.engine), mark(tx.engine)
    people, bound = equality(plan, "actor_type", sorted(PEOPLE))
    span = f"FROM changes t WHERE (t.tx, t.seq) > ({sign}, {sign}) AND (t.tx, t.seq) <= ({sign}, {sign})"
    sql = (
        f"SELECT k.id FROM subject_keys k WHERE k.id IN (SELECT t.actor_id {span} AND {people} UNION "
        f"SELECT t.entity_id {span} AND t.entity = {sign} AND t.action IN ('purge', 'delete'))"
    )
    read = plan.fields["actor_id"].read or (lambda value: value)
    rows = tx.execute(sql, [*start, *end, *bound, *start, *end, USERS]).fetchall()
    for user_id in (read(id) for (id,) in rows):
        is_alive = _is_alive(tx, tx.context.catalog.models[USERS], user_id, None)
        if not is_alive and not is_named_after(tx, user_id, end):
            yield user_id


def _is_alive(tx: Transaction, model: type[Root], id: UUID, owner: Any) -> bool:  # noqa: ANN401 -- as the driver has it
    """Return whether a row is there, as more than what reports need of it."""
    is_owned = model.__scope__ == "organization_id" and owner is not None
    keys: dict[str, Any] = {"organization_id": UUID(str(owner))} if is_owned else {}
    row = tx.find(model, id, trash=True, anywhere=True, **keys)
    return row is not None and row.__dict__.get("purged_at") is None


def next_span(reads: Reads, before: datetime, after: int = 0) -> tuple[Seal | None, Stop | None]:
    """Return the oldest span with a seal above ``after``, and why it must stay, None if it may go."""
    rows = reads.rows(Seal, Where("number", ">", after), kind=SealKind.SPAN, order="number", limit=1)
    if not rows:
        return None, Stop("not_sealed")
    seal = rows[0]
    end = Position(seal.to_tx, seal.to_seq)
    needed = undelivered_since(reads)
    if needed is not None and needed < end:
        return seal, Stop("reader", _slowest(reads))
    plan, sign = plan_of(Change, reads.engine), mark(reads.engine)
    span = f"(t.tx, t.seq) > ({sign}, {sign}) AND (t.tx, t.seq) <= ({sign}, {sign})"
    bounds: list[Any] = [*_start(reads, seal), *end]
    young = plan.fields["occurred_at"].bound(before)
    if reads.execute(f"SELECT 1 FROM changes t WHERE {span} AND t.occurred_at >= {sign}", [*bounds, young]).fetchone():
        return seal, Stop("young")
    held = reads.execute(f"SELECT t.entity FROM changes t WHERE {span} AND {_HELD} LIMIT 1", bounds).fetchone()
    if held is not None:
        return seal, Stop("held", str(held[0]))
    later = f"SELECT 1 FROM changes t WHERE (t.tx, t.seq) > ({sign}, {sign}) LIMIT 1"
    return seal, None if reads.execute(later, end).fetchone() else Stop("newest")


def _start(reads: Reads, seal: Seal) -> Position:
    """Return where a span begins; the oldest one takes along what stands before it."""
    is_oldest = reads.find(Seal, kind=SealKind.SPAN, number=seal.number - 1) is None
    return BEGINNING if is_oldest else Position(seal.from_tx, seal.from_seq)


def _slowest(reads: Reads) -> str:
    row = reads.execute("SELECT name FROM readers ORDER BY position_tx, position_seq LIMIT 1").fetchone()
    return str(row[0])
