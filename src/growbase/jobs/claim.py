"""Which jobs a worker gets: organizations take turns, the most urgent job of each first, as many as a queue allows.

A claim looks at as many organizations as it wants jobs, whatever their number and that of the jobs: each step is one
look into the index of due jobs.
"""

from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heapify, heapreplace
from typing import Any, cast

from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.gate import DRAIN
from growbase.core.statements import POSTGRESQL, mark, plan_of
from growbase.core.tables import OWNER, Job, JobQueue
from growbase.core.transaction import Transaction
from growbase.jobs.policies import POLICIES, policy_of
from growbase.jobs.queue import among_sql

READY = "status = 'queued' AND due"
FIRST = "00000000-0000-0000-0000-000000000000"
QUEUES = (
    f"WITH RECURSIVE found(name) AS (SELECT (SELECT queue FROM jobs WHERE {READY} ORDER BY queue LIMIT 1) UNION ALL "
    f"SELECT (SELECT queue FROM jobs WHERE {READY} AND queue > found.name ORDER BY queue LIMIT 1) FROM found "
    "WHERE found.name IS NOT NULL) SELECT name FROM found WHERE name IS NOT NULL "
    f"AND NOT EXISTS (SELECT 1 FROM instance_facts WHERE name = '{DRAIN}')"
)
"""The queues that have due jobs, by one look into the index for each; none while the workers are drained."""


@dataclass(slots=True)
class Claimant:
    """Who claims: its name, how long it may be silent, which queues it serves, and whose turn is over in each."""

    name: str
    lease: timedelta
    queues: Collection[str] | None = None
    turns: MutableMapping[str, Any] = field(default_factory=dict)


def install_queues(tx: Transaction) -> None:
    """Make the rows of the known queues, which can then be paused before they have had a job."""
    tx.insert_facts(JobQueue, [{"name": name} for name in POLICIES], ignore=True)


def due_queues(database: Database, claimant: Claimant) -> list[str]:
    """Return the queues in which something waits for this claimant."""
    found = [str(row[0]) for row in database.query(QUEUES)]
    return [name for name in found if claimant.queues is None or name in claimant.queues]


def claim(tx: Transaction, claimant: Claimant, queues: Sequence[str], limit: int) -> list[Job]:
    """Lease up to ``limit`` due jobs of these queues and return them.

    The queues' rows are locked until the unit ends, so that all workers together keep to the concurrency of each.
    """
    found: list[Job] = []
    open_queues = _open(tx, sorted(queues))
    for place, queue in enumerate(open_queues):
        # Each queue gets its share of what is left, so that a full one can't hold the others up.
        share = -(-(limit - len(found)) // (len(open_queues) - place))
        if share > 0:
            found += _claim_in(tx, claimant, queue, share)
    return found


def _open(tx: Transaction, names: Sequence[str]) -> list[str]:
    """Lock the queues' rows, making those that are missing, and return the names of those that are not paused."""
    if not names:
        return []
    sign = mark(tx.engine)
    lock = " FOR UPDATE" if tx.engine == POSTGRESQL else ""
    marks = ", ".join([sign] * len(names))
    sql = f"SELECT name, paused_at IS NULL FROM queues WHERE name IN ({marks}) ORDER BY name{lock}"
    rows = tx.execute(sql, names).fetchall()
    if len(rows) < len(names):
        known = {row[0] for row in rows}
        tx.insert_facts(JobQueue, [{"name": name} for name in names if name not in known], ignore=True)
        rows = tx.execute(sql, names).fetchall()
    return [str(name) for name, is_open in rows if is_open]


def _claim_in(tx: Transaction, claimant: Claimant, queue: str, limit: int) -> list[Job]:
    sign = mark(tx.engine)
    running: dict[Any, int] = dict(
        tx.execute(
            f"SELECT {OWNER}, count(*) FROM jobs WHERE queue = {sign} AND status = 'running' GROUP BY 1", [queue]
        ).fetchall()
    )
    room = min(limit, policy_of(queue).concurrency - sum(running.values()))
    if room <= 0:
        return []
    owners = _next_owners(tx, queue, claimant.turns.get(queue, FIRST), room + len(running))
    shares = _shares(owners, running, room)
    if not shares:
        return []
    claimant.turns[queue] = max(shares, key=owners.index)
    return _lease(tx, claimant, queue, shares)


def _next_owners(tx: Transaction, queue: str, last: object, count: int) -> list[Any]:
    """Return up to ``count`` organizations with due jobs, those after ``last`` first, then from the beginning."""
    sign = mark(tx.engine)
    due = f"SELECT {OWNER} FROM jobs WHERE queue = {sign} AND {READY}"
    first = f"({due} ORDER BY {OWNER} LIMIT 1)"
    following = f"coalesce(({due} AND {OWNER} > {{}} ORDER BY {OWNER} LIMIT 1), {first})"
    sql = (
        f"WITH RECURSIVE start(owner) AS (SELECT {following.format(sign)}), turn(owner, n) AS ("
        f"SELECT owner, 1 FROM start UNION ALL SELECT {following.format('turn.owner')}, n + 1 FROM turn "
        f"WHERE n < {sign} AND owner IS NOT NULL AND (n = 1 OR owner <> (SELECT owner FROM start))) "
        "SELECT owner FROM turn WHERE owner IS NOT NULL"
    )
    rows = tx.execute(sql, [queue, last, queue, queue, queue, count + 1]).fetchall()
    # The round ends with the one it began with.
    return list(dict.fromkeys(row[0] for row in rows))[:count]


def _shares(owners: Sequence[Any], running: Mapping[Any, int], room: int) -> dict[Any, int]:
    """Share places out: always to the organization that has the fewest jobs at work, in the order of turns."""
    shares: dict[Any, int] = {}
    waiting = [(running.get(owner, 0), turn, owner) for turn, owner in enumerate(owners)]
    heapify(waiting)
    for _ in range(room if waiting else 0):
        busy, turn, owner = waiting[0]
        shares[owner] = shares.get(owner, 0) + 1
        heapreplace(waiting, (busy + 1, turn, owner))
    return shares


def _lease(tx: Transaction, claimant: Claimant, queue: str, shares: Mapping[Any, int]) -> list[Job]:
    plan = plan_of(Job, tx.engine)
    sign = mark(tx.engine)
    skip = " FOR UPDATE SKIP LOCKED" if tx.engine == POSTGRESQL else ""
    part = (
        f"SELECT id FROM (SELECT id FROM jobs WHERE queue = {sign} AND {OWNER} = {sign} AND {READY} "
        f"ORDER BY priority, id LIMIT {sign}{skip}) p"
    )
    values = {
        "status": "running",
        "lease_until": tx.now + claimant.lease,
        "lease_token": new_id(),
        "heartbeat_at": tx.now,
        "started_at": tx.now,
        "worker": claimant.name,
    }
    sets = ", ".join(f"{name} = {sign}" for name in values)
    chosen = " UNION ALL ".join([part] * len(shares))
    among = among_sql(tx.engine, chosen)
    sql = f"UPDATE jobs SET attempts = attempts + 1, {sets} WHERE {among} RETURNING {plan.columns}"
    params = [plan.fields[name].bound(value) for name, value in values.items()]
    params += [value for owner, share in shares.items() for value in (queue, owner, share)]
    jobs = [cast("Job", plan.instance(row)) for row in tx.execute(sql, params).fetchall()]
    return sorted(jobs, key=lambda job: (job.priority, job.id))
