"""What webhooks need in the background: deliveries made of the change log, sent, and deleted after 30 days."""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from uuid import UUID

import httpx

from growbase import __version__
from growbase.core import clock
from growbase.core.actor import Actor, Role, system
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.feed import (
    Batch,
    Position,
    advance_reader,
    needed_role,
    newest,
    position_of,
    read_changes,
    reader_position,
    shown_change,
    start_reader,
)
from growbase.core.outbound import safe_client
from growbase.core.outside import Outside
from growbase.core.reads import Reads, Where
from growbase.core.statements import mark
from growbase.core.tables import Change, Job
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_webhooks import (
    READER,
    Attempt,
    Letter,
    enqueue_delivery,
    give_up,
    letter_of,
    record_attempt,
    wants,
)
from growbase.domains.identity.models_webhooks import EndpointStatus, WebhookDelivery, WebhookEndpoint
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Sweep, Task

FAN_OUT_EVERY: Final = timedelta(seconds=1)
CHANGES: Final = 200
DELIVERIES: Final = 400
"""Made in one unit, about, so that it delays nobody's write."""
STUCK: Final = timedelta(hours=1)
CHUNK: Final = 500
ERROR_BYTES: Final = 2_000
"""Read of an answer that is no success."""


# -- from the log to deliveries ---------------------------------------------------------------------------------------


def fan_out_webhooks(database: Database) -> int:
    """Make the deliveries of what has changed, each exactly once, and return how many; cheap where nothing has."""
    made = 0
    while (done := _fan_out_some(database)) is not None:
        made += done
    return made


def _fan_out_some(database: Database) -> int | None:
    actor = system("webhooks")
    # One snapshot: an endpoint that is older than a change is seen with it.
    with database.read(actor, snapshot=True) as reads:
        start = reader_position(reads, READER)
        if start is None or start == newest(reads):
            batch = None
        elif organizations := _subscribed(reads):
            batch = read_changes(reads, start, CHANGES, organizations=organizations)
        else:
            batch = Batch([], newest(reads), has_more=False)
    if start is None:
        database.write(actor, lambda tx: start_reader(tx, READER))
        return None
    if batch is None or batch.position == start:
        return None
    found, at = batch, start
    return database.write(actor, lambda tx: _spread(tx, at, found))


def _subscribed(reads: Reads) -> list[UUID]:
    """Return the organizations that have an active endpoint."""
    plan = reads.plan(WebhookEndpoint)
    sql = (
        f"SELECT DISTINCT t.organization_id FROM {plan.table} t "
        f"WHERE t.status = {mark(reads.engine)} AND t.deleted_at IS NULL"
    )
    read = plan.fields["organization_id"].read
    rows = reads.execute(sql, [EndpointStatus.ACTIVE.value]).fetchall()
    return [row[0] if read is None else read(row[0]) for row in rows]


def _spread(tx: Transaction, start: Position, batch: Batch) -> int:
    """Store the deliveries of a batch and move the reader on, both or neither."""
    rows: list[dict[str, Any]] = []
    position = batch.position
    endpoints = _endpoints(tx, {change.organization_id for change in batch.changes if change.organization_id})
    for change in batch.changes:
        rows += _deliveries(tx, change, endpoints.get(change.organization_id, []))
        if len(rows) >= DELIVERIES:
            position = position_of(change)
            break
    if not advance_reader(tx, READER, start, position):
        return 0
    for row, delivery_id in zip(rows, tx.insert_many(WebhookDelivery, rows), strict=True):
        enqueue_delivery(tx.for_organization(row["organization_id"]), delivery_id)
    return len(rows)


def _endpoints(tx: Transaction, organizations: Iterable[UUID]) -> dict[UUID | None, list[WebhookEndpoint]]:
    found: dict[UUID | None, list[WebhookEndpoint]] = {}
    wanted = list(organizations)
    for row in tx.rows(WebhookEndpoint, status=EndpointStatus.ACTIVE, organization_id=wanted, anywhere=True):
        found.setdefault(row.organization_id, []).append(row)
    return found


def _deliveries(tx: Transaction, change: Change, endpoints: Sequence[WebhookEndpoint]) -> list[dict[str, Any]]:
    role = needed_role(tx.context.catalog, change)
    if role is None or not Role.ADMIN.covers(role):
        return []
    event = f"{change.entity}.{change.action}"
    shown = shown_change(tx.context.catalog, change)
    payload = {
        "type": event,
        "occurred_at": shown["occurred_at"],
        "organization_id": str(change.organization_id),
        "data": {name: shown[name] for name in ("entity", "entity_id", "action", "version", "changes")},
    }
    return [
        {
            "organization_id": change.organization_id,
            "endpoint_id": endpoint.id,
            "event": event,
            "change_tx": change.tx,
            "change_seq": change.seq,
            "payload": payload,
            "next_attempt_at": tx.now,
        }
        for endpoint in endpoints
        # What is older than an endpoint may be read from the feed.
        if endpoint.created_at <= change.occurred_at and wants(endpoint.events, change.entity, change.action)
    ]


# -- sending ----------------------------------------------------------------------------------------------------------


def deliver_webhook(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Make one attempt at a delivery and note what came of it; whoever runs it again sends under the same id."""
    delivery_id, attempts = UUID(str(job.payload["delivery_id"])), int(str(job.payload["attempts"]))
    with database.read(actor) as reads:
        letter = letter_of(reads, delivery_id, attempts)
    if letter is None:
        database.write(actor, lambda tx: give_up(tx, delivery_id, attempts))
        return
    attempt = _sent(letter, allow_private=outside.allow_private)
    database.write(actor, lambda tx: record_attempt(tx, letter, attempt))


def _sent(letter: Letter, *, allow_private: bool) -> Attempt:
    """Post a letter. 2xx is success whatever else comes; of anything else the beginning is kept for people to read."""
    headers = {
        "content-type": "application/json",
        "user-agent": f"Growbase/{__version__}",
        "accept-encoding": "identity",
        **letter.headers(int(clock.now().timestamp())),
    }
    started = time.perf_counter()
    status: int | None = None
    error, retry_after = None, None
    try:
        with (
            safe_client(allow_private=allow_private) as client,
            client.stream("POST", letter.url, content=letter.body.encode(), headers=headers) as answer,
        ):
            status = answer.status_code
            if not answer.is_success:
                retry_after = _retry_after(answer.headers.get("retry-after", ""))
                error = f"HTTP {status}"
                error += f": {_beginning(answer)}"
    except (httpx.HTTPError, httpx.InvalidURL, GrowbaseError) as failure:
        error = error or f"{type(failure).__name__}: {failure}"
    spent = int((time.perf_counter() - started) * 1_000)
    return Attempt(status, _readable(error) if error else None, spent, retry_after)


def _beginning(answer: httpx.Response) -> str:
    found = b""
    for chunk in answer.iter_raw():
        found += chunk[:ERROR_BYTES]
        if len(found) >= ERROR_BYTES:
            break
    return found[:ERROR_BYTES].decode(errors="replace")


def _readable(text: str) -> str:
    """Return text on one line that any column and page can hold."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:500]


def _retry_after(text: str) -> timedelta | None:
    """Return the pause a server asks for, in seconds or until a date (RFC 9110, 10.2.3)."""
    if text.isdecimal():
        return timedelta(seconds=min(int(text), 10_000_000))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(timedelta(), aware - clock.now())


# -- sweeps -----------------------------------------------------------------------------------------------------------


def stuck_deliveries(database: Database) -> int:
    """Ask again for attempts whose job got lost, an hour after they were due, and return how many."""
    due = Where("next_attempt_at", "<", clock.now() - STUCK)
    with database.read(system("webhooks")) as reads:
        rows = reads.rows(WebhookDelivery, due, order="next_attempt_at", limit=CHUNK, anywhere=True)

    def ask(tx: Transaction) -> None:
        for row in rows:
            enqueue_delivery(tx.for_organization(row.organization_id), row.id, attempts=row.attempts)

    if rows:
        database.write(system("webhooks"), ask)
    return len(rows)


TASKS: Final[dict[str, Task]] = {"deliver_webhook": deliver_webhook}
SCHEDULES: Final = (Schedule("identity/webhooks", fan_out_webhooks, every=FAN_OUT_EVERY),)
SWEEPS: Final[tuple[Sweep, ...]] = (stuck_deliveries,)
