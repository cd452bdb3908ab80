"""Keeping the ledger of use short: what nobody asks about line by line any more becomes one line with the same sum."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from growbase.core import clock
from growbase.core.facts import delete_facts
from growbase.core.reads import Reads, Where
from growbase.core.statements import mark
from growbase.core.transaction import Transaction
from growbase.domains.identity.counters import ALWAYS, STOCK
from growbase.domains.identity.models_billing import UsageCounter, UsageEvent, UsageKind

KEPT: Final = timedelta(days=400)
"""How long the lines of a period stay after it has ended; those of a metric without periods after they were written."""
CHUNK: Final = 1_000


def long_ledgers(reads: Reads, *, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Return organization and id of counters with lines to roll up. Reads the whole ledger: for once in a while."""
    sign, plan = mark(reads.engine), reads.plan(UsageEvent)
    before = plan.fields["occurred_at"].bound(clock.now() - KEPT)
    always = reads.plan(UsageCounter).fields["period_end"].bound(ALWAYS[1])
    sql = (
        "SELECT e.organization_id, e.counter_id FROM usage_events e JOIN usage_counters c "
        "ON c.organization_id = e.organization_id AND c.id = e.counter_id "
        f"WHERE e.occurred_at < {sign} AND (c.period_end < {sign} OR c.period_end = {sign} AND e.subject_id IS NULL) "
        f"GROUP BY e.organization_id, e.counter_id HAVING count(*) > 1 LIMIT {int(limit)}"
    )
    read = plan.fields["id"].read or (lambda value: value)
    return [(read(row[0]), read(row[1])) for row in reads.execute(sql, [before, before, always]).fetchall()]


def roll_up(tx: Transaction, *, counter_id: UUID) -> int:
    """Turn old lines of a counter into one of the same sum and return how many went, some at most at once.

    The sum of the ledger is at no moment another one. A line of a metric without periods that says what it was used for
    stays: who gives that back looks it up.
    """
    counter = tx.find(UsageCounter, counter_id, lock=True)
    before = tx.now - KEPT
    if counter is None or (counter.metric not in STOCK and counter.period_end >= before):
        return 0
    some: dict[str, Any] = {"subject_id": None} if counter.metric in STOCK else {}
    old = Where("occurred_at", "<", before)
    lines = tx.rows(UsageEvent, old, counter_id=counter_id, order="occurred_at, id", limit=CHUNK, **some)
    if len(lines) < 2:  # noqa: PLR2004 -- one is what they become
        return 0
    delete_facts(tx, UsageEvent, {"id": [line.id for line in lines]})
    total = sum(line.quantity for line in lines)
    rest: dict[str, object] = {
        "organization_id": counter.organization_id,
        "id": clock.new_id(),
        "counter_id": counter_id,
        "kind": UsageKind.ROLLED_UP,
        "quantity": total,
        "occurred_at": lines[-1].occurred_at,
    }
    if total:
        tx.insert_facts(UsageEvent, [rest])
    return len(lines)
