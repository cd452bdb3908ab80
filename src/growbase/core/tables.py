"""The tables the core itself writes: the change log and its seals, jobs, search documents, alerts, instance facts."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.actor import ActorKind
from growbase.core.model import (
    Fact,
    Owned,
    Retention,
    Rule,
    Shared,
    boolean,
    choice,
    document,
    identifier,
    index,
    integer,
    moment,
    secret,
    text,
    unique,
)


def _sequence() -> Any:  # noqa: ANN401 -- a column declaration
    """Declare a key the database counts up."""
    return mapped_column(
        types.Integer(), sa.Identity(), primary_key=True, autoincrement=True, info={"rule": Rule("integer")}
    )


class Change(Fact):
    """One write, as the change log keeps it: never updated, never deleted but by retention."""

    __tablename__ = "changes"
    __scope__ = "organization_id"

    seq: Mapped[int] = _sequence()
    tx: Mapped[int] = integer()
    organization_id: Mapped[UUID | None] = identifier()
    occurred_at: Mapped[datetime] = moment()
    request_id: Mapped[str | None] = text(max_length=200)
    actor_type: Mapped[ActorKind] = choice(ActorKind)
    actor_id: Mapped[UUID | None] = identifier()
    actor_label: Mapped[str] = text(max_length=320)
    action: Mapped[str] = text(max_length=40)
    entity: Mapped[str] = text(max_length=63)
    entity_id: Mapped[UUID | None] = identifier()
    version: Mapped[int | None] = integer()
    deletion_id: Mapped[UUID | None] = identifier()
    changes: Mapped[dict[str, Any] | None] = document()
    ai_model: Mapped[str | None] = text(max_length=200)
    ai_prompt_hash: Mapped[str | None] = text(max_length=64)
    ip: Mapped[str | None] = text(max_length=45)
    user_agent: Mapped[str | None] = text(max_length=400)

    __indexes__ = (
        index("organization_id", "tx", "seq"),
        index("organization_id", "entity", "entity_id", "tx", "seq"),
        index("organization_id", "actor_id", "tx", "seq"),
        # For what reads the log of all organizations: webhooks, event streams, seals.
        unique("tx", "seq", across=True),
    )


class SealKey(Shared):
    """A key under which the log is sealed: random, and itself sealed under the keyring, so that rotating moves it."""

    __tablename__ = "seal_keys"
    __logged__ = False

    key_cipher: Mapped[bytes] = secret()


class SealKind(StrEnum):
    """What a seal stands for: a span of the log, or all that retention has dropped from its beginning."""

    SPAN = "span"
    ANCHOR = "anchor"


class Seal(Fact):
    """Proof of what a span of the change log holds, chained to the one before it; never updated."""

    __tablename__ = "seals"

    number: Mapped[int] = mapped_column(
        types.Integer(), primary_key=True, autoincrement=False, info={"rule": Rule("integer")}
    )
    kind: Mapped[SealKind] = choice(SealKind)
    from_tx: Mapped[int] = integer()
    from_seq: Mapped[int] = integer()
    to_tx: Mapped[int] = integer()
    to_seq: Mapped[int] = integer()
    row_count: Mapped[int] = integer(ge=0)
    row_hashes: Mapped[str] = text(max_length=100_000, help="seq:hash of each row, by commas.")
    previous: Mapped[str] = text(max_length=64, help="What the next seal of the one before is chained to.")
    digest: Mapped[str] = text(max_length=64)
    key_id: Mapped[UUID] = identifier()
    sealed_at: Mapped[datetime] = moment()


class LogReader(Fact):
    """Up to where a consumer of the change log has come: webhooks, seals."""

    __tablename__ = "readers"

    name: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=63)})
    position_tx: Mapped[int] = integer()
    position_seq: Mapped[int] = integer()
    updated_at: Mapped[datetime] = moment()


class ProcessKind(StrEnum):
    """What a process of the program does."""

    SERVER = "server"
    WORKER = "worker"


class Process(Fact):
    """A process that works on this database: a row from its start to its end, refreshed all the time."""

    __tablename__ = "processes"

    id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    kind: Mapped[ProcessKind] = choice(ProcessKind)
    name: Mapped[str] = text(max_length=200, help="Host and process id.")
    version: Mapped[str] = text(max_length=40, help="Of the program.")
    started_at: Mapped[datetime] = moment()
    seen_at: Mapped[datetime] = moment()


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Its task said that trying again is of no use."""
    DEAD = "dead"
    """All its attempts are used up."""
    CANCELLED = "cancelled"


NOBODY = "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
OWNER = f"coalesce(organization_id, {NOBODY})"
"""Whose turn a job takes: organizations are served in turns, and the program itself like one of them."""


class Job(Fact):
    """Work to do after the transaction that asked for it has committed."""

    __tablename__ = "jobs"
    __scope__ = "organization_id"

    id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    queue: Mapped[str] = text(max_length=63)
    kind: Mapped[str] = text(max_length=100)
    organization_id: Mapped[UUID | None] = identifier()
    payload: Mapped[dict[str, Any]] = document(default=dict)
    priority: Mapped[int] = integer(default=100, help="Among jobs of one organization the lower comes first.")
    status: Mapped[JobStatus] = choice(JobStatus, default=JobStatus.QUEUED)
    run_at: Mapped[datetime] = moment()
    due: Mapped[bool] = boolean(default=True)
    attempts: Mapped[int] = integer(ge=0, default=0)
    max_attempts: Mapped[int | None] = integer(ge=1, help="Empty: as many as its queue allows.")
    backoff: Mapped[list[float] | None] = document()
    dedupe_key: Mapped[str | None] = text(max_length=200)
    lease_until: Mapped[datetime | None] = moment()
    lease_token: Mapped[UUID | None] = identifier(hidden=True)
    heartbeat_at: Mapped[datetime | None] = moment()
    worker: Mapped[str | None] = text(max_length=200, help="Host and process that ran it last.")
    cancel_requested_at: Mapped[datetime | None] = moment()
    progress: Mapped[int] = integer(ge=0, le=100, default=0)
    result: Mapped[dict[str, Any] | None] = document()
    error: Mapped[dict[str, Any] | None] = document()
    parent_id: Mapped[UUID | None] = identifier()
    created_at: Mapped[datetime] = moment()
    started_at: Mapped[datetime | None] = moment()
    finished_at: Mapped[datetime | None] = moment()

    # Each change of state is an entry in every index whose condition still holds, so there are few without one. Due
    # jobs have but one: with a second that begins with the queue, PostgreSQL's planner takes the wrong one at times.
    __indexes__ = (
        unique(
            "queue",
            OWNER,
            "dedupe_key",
            where="dedupe_key IS NOT NULL AND status IN ('queued', 'running')",
            across=True,
        ),
        index("queue", OWNER, "priority", "id", where="status = 'queued' AND due", across=True),
        index("run_at", where="status = 'queued' AND NOT due", across=True),
        index("queue", where="status = 'running'", across=True),
        index("queue", "finished_at", where="status IN ('failed', 'dead')", across=True),
        index("finished_at", where="status IN ('succeeded', 'cancelled')", across=True),
        index("created_at", "id"),
    )
    __copies__ = ("payload", "result", "error")
    __retention__ = (Retention("finished_at", 7, where="t.status IN ('succeeded', 'cancelled')"),)


class JobQueue(Fact):
    """A queue that has had jobs, and whether it is paused."""

    __tablename__ = "queues"

    name: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=63)})
    paused_at: Mapped[datetime | None] = moment()
    paused_by: Mapped[UUID | None] = identifier()


class JobSchedule(Fact):
    """Something that is done again and again: when it is due next, and how it went last."""

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=200)})
    rule: Mapped[str] = text(max_length=200, help="Such as: every 15s, daily 03:00 Europe/Paris.")
    next_run_at: Mapped[datetime] = moment()
    paused_at: Mapped[datetime | None] = moment()
    last_run_at: Mapped[datetime | None] = moment()
    last_status: Mapped[str | None] = text(max_length=20, help="succeeded or failed.")
    last_error: Mapped[str | None] = text(max_length=2_000)
    last_rows: Mapped[int | None] = integer(help="Rows the last run has handled.")

    __indexes__ = (index("next_run_at"),)


class DoctorReport(Fact):
    """What the nightly look over the installation has found."""

    __tablename__ = "doctor_reports"

    id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    finished_at: Mapped[datetime] = moment()
    errors: Mapped[int] = integer(ge=0)
    warnings: Mapped[int] = integer(ge=0)
    findings: Mapped[list[dict[str, Any]]] = document(default=list)

    __indexes__ = (index("finished_at"),)
    __retention__ = (Retention("finished_at", 30, holdable=False),)


class AlertState(StrEnum):
    """Whether a trouble is there."""

    RAISED = "raised"
    RESOLVED = "resolved"


class Alert(Fact):
    """A trouble that people are told of: once when it comes, once a day while it stays, once when it is over."""

    __tablename__ = "alerts"

    name: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=300)})
    state: Mapped[AlertState] = choice(AlertState)
    message: Mapped[str] = text(max_length=2_000)
    since: Mapped[datetime] = moment()
    told_at: Mapped[datetime] = moment()

    __indexes__ = (index("state", "name"),)
    __retention__ = (Retention("since", 30, where="t.state = 'resolved'", holdable=False),)


class NoticeStatus(StrEnum):
    """Where a notice stands: one that is ``sending`` while nobody sends it may have arrived, and is not sent again."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class AlertNotice(Fact):
    """One message about one alert by one way, ``email`` or ``url``."""

    __tablename__ = "alert_notices"

    id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    alert: Mapped[str] = text(max_length=300)
    state: Mapped[AlertState] = choice(AlertState)
    message: Mapped[str] = text(max_length=2_000)
    way: Mapped[str] = text(max_length=10)
    status: Mapped[NoticeStatus] = choice(NoticeStatus, default=NoticeStatus.QUEUED)
    error: Mapped[str | None] = text(max_length=500)
    created_at: Mapped[datetime] = moment()

    __indexes__ = (index("created_at"),)
    __retention__ = (Retention("created_at", 30, holdable=False),)


class IdempotencyKey(Fact):
    """The stored answer to a request that may be sent twice."""

    __tablename__ = "idempotency_keys"

    organization_id: Mapped[UUID] = mapped_column(
        types.Identifier(), primary_key=True, info={"rule": Rule("identifier")}
    )
    actor_id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    key: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=255)})
    request_hash: Mapped[str] = text(max_length=64)
    status: Mapped[int | None] = integer()
    headers: Mapped[dict[str, str] | None] = document()
    body: Mapped[str | None] = text(max_length=16_777_216)
    expires_at: Mapped[datetime] = moment()

    __indexes__ = (index("expires_at"),)
    __copies__ = ("body",)
    __retention__ = (Retention("expires_at", 0, holdable=False),)


class SearchDocument(Fact):
    """The folded words of one searchable row; SQLite indexes them by FTS5, PostgreSQL by GIN."""

    __tablename__ = "search_documents"
    __scope__ = "organization_id"

    rid: Mapped[int] = _sequence()
    organization_id: Mapped[UUID] = identifier()
    entity: Mapped[str] = text(max_length=63)
    entity_id: Mapped[UUID] = identifier()
    words: Mapped[str] = text(max_length=4_000)

    __indexes__ = (unique("organization_id", "entity", "entity_id"),)


class InstanceFact(Fact):
    """A fact of this database as a whole: its id, whether it is production, the base of log positions."""

    __tablename__ = "instance_facts"

    name: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=63)})
    value: Mapped[str] = text(max_length=4_000)


class BackupRun(Fact):
    """A backup that was taken, or why it was not; the manifests beside the backups are the truth."""

    __tablename__ = "backups"

    id: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=63)})
    started_at: Mapped[datetime] = moment()
    finished_at: Mapped[datetime] = moment()
    status: Mapped[str] = text(max_length=20, help="succeeded or failed.")
    error: Mapped[str | None] = text(max_length=2_000)
    size_bytes: Mapped[int | None] = integer(help="Of the backup as it is stored, files apart.")
    row_count: Mapped[int | None] = integer()
    file_count: Mapped[int | None] = integer()
    key_id: Mapped[str | None] = text(max_length=32)
    verified_at: Mapped[datetime | None] = moment()

    __indexes__ = (index("finished_at"),)


class Drill(Fact):
    """A restore of the newest backup that was tried, and how long it took and how much it would have lost."""

    __tablename__ = "drills"

    id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    started_at: Mapped[datetime] = moment()
    finished_at: Mapped[datetime] = moment()
    status: Mapped[str] = text(max_length=20, help="passed or failed.")
    error: Mapped[str | None] = text(max_length=2_000)
    backup_id: Mapped[str | None] = text(max_length=63)
    recovery_point_ms: Mapped[int | None] = integer(help="How much of the newest work was not in what was restored.")
    recovery_time_ms: Mapped[int | None] = integer(help="How long it took until the restored data was checked.")
    row_count: Mapped[int | None] = integer()

    __indexes__ = (index("finished_at"),)


class SubjectKey(Fact):
    """The key of one person, by the id of the row that is about them: without it the log shows nothing of theirs."""

    __tablename__ = "subject_keys"

    id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    key_cipher: Mapped[bytes] = secret()


class Erasure(Fact):
    """A person who was erased, by keyed hash and ids alone: a restored backup must not bring them back.

    ``subjects`` are the ids of the rows about the person by table, ``counts`` says what was emptied.
    """

    __tablename__ = "erasures"

    id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    organization_id: Mapped[UUID | None] = identifier()
    address_hash: Mapped[str] = text(max_length=64, hidden=True)
    key_id: Mapped[str] = text(max_length=32, help="Key of the keyring from which that of the hash is derived.")
    subjects: Mapped[dict[str, list[str]]] = document(default=dict)
    counts: Mapped[dict[str, int]] = document(default=dict)
    erased_by: Mapped[str] = text(max_length=320)
    created_at: Mapped[datetime] = moment()
    finished_at: Mapped[datetime | None] = moment()

    __indexes__ = (index("created_at"),)


class LegalHold(Owned):
    """What must not go while a dispute lasts: one row, or without one all that the organization has."""

    __tablename__ = "legal_holds"

    entity: Mapped[str | None] = text(max_length=63, writable="create", help="Table of the row, such as prospects.")
    entity_id: Mapped[UUID | None] = identifier(writable="create")
    reason: Mapped[str] = text(max_length=500, min_length=1)
    released_at: Mapped[datetime | None] = moment(writable="never")
    released_by: Mapped[UUID | None] = identifier()

    __indexes__ = (index("entity", "entity_id", where="released_at IS NULL"),)
    __checks__: ClassVar[dict[str, str]] = {"entity_and_id": "(entity IS NULL) = (entity_id IS NULL)"}


class RetentionRun(Fact):
    """One time that retention was carried out: what went by each rule, and whether it came to its end."""

    __tablename__ = "retention_runs"

    id: Mapped[UUID] = mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier")})
    token: Mapped[UUID] = identifier(hidden=True)
    started_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime] = moment()
    finished_at: Mapped[datetime | None] = moment()
    rows: Mapped[int] = integer(default=0)
    held: Mapped[int] = integer(default=0, help="Rows that a legal hold has kept.")
    rules: Mapped[dict[str, int]] = document(default=dict)
    error: Mapped[str | None] = text(max_length=2_000)

    __indexes__ = (index("started_at"),)
    __retention__ = (Retention("started_at", 400, holdable=False),)


class RegionEntry(Fact):
    """Whether something lives in a region, as that region says: a keyed hash, and nothing of whom it is."""

    __tablename__ = "region_directory"

    hash: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=64)})
    region: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=16)})
    is_there: Mapped[bool] = boolean(default=True)
    number: Mapped[int] = integer(help="The region counts its entries up; who has the greatest has all of them.")
    subject_id: Mapped[UUID | None] = identifier()
    """The row it speaks of, in the region's own database only."""

    __indexes__ = (index("region", "number"), index("subject_id", where="subject_id IS NOT NULL"))


class RegionArrival(Fact):
    """A sealed piece of an organization that is moving here from another region."""

    __tablename__ = "region_arrivals"

    organization_id: Mapped[UUID] = mapped_column(
        types.Identifier(), primary_key=True, info={"rule": Rule("identifier")}
    )
    name: Mapped[str] = mapped_column(types.Text(), primary_key=True, info={"rule": Rule("text", max_length=200)})
    number: Mapped[int] = mapped_column(types.Integer(), primary_key=True, info={"rule": Rule("integer")})
    body: Mapped[str] = text(max_length=67_108_864)
    created_at: Mapped[datetime] = moment()
