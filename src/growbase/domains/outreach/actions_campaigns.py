"""Running outreach campaigns: who is in one, and when it starts, waits and ends."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import Conflict, ForeignKey, Invalid, TooLate
from growbase.core.model import Root, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.statements import mark, select_sql
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.outreach.actions_delivery import ADDRESS
from growbase.domains.outreach.actions_enrollments import QUEUE
from growbase.domains.outreach.actions_suppressions import suppressed_among
from growbase.domains.outreach.models import Icp, Prospect
from growbase.domains.outreach.models_sequences import (
    OPEN,
    Channel,
    Enrollment,
    OutreachCampaign,
    OutreachStatus,
    SequenceStep,
)
from growbase.domains.outreach.models_sequences import Sequence as StepSequence

COPY = re.compile(r" \(copy \d+\)$")
LONGEST_NAME = 200
CHUNK = 500
MOST_ENROLLED = 20_000
"""People of one profile that a single request enrolls."""
SHOWN = 1_000
"""Skipped prospects that a report lists; ``skipped_count`` counts them all."""
OPEN_STATES = (OutreachStatus.DRAFT, OutreachStatus.SCHEDULED, OutreachStatus.ACTIVE, OutreachStatus.PAUSED)


# -- the campaign itself ----------------------------------------------------------------------------------------------


def update_campaign(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a campaign. Raises TooLate for another sequence once it has left the draft."""
    row = tx.get(OutreachCampaign, id, lock=True)
    another = changes.get("sequence_id", row.sequence_id) != row.sequence_id
    if another and row.status is not OutreachStatus.DRAFT:
        raise TooLate("Only a draft can take another sequence: duplicate the campaign instead.")
    new_version = tx.change(row, changes, version=version)
    start_at = changes.get("start_at")
    if row.status is OutreachStatus.SCHEDULED and start_at is not None and start_at != row.start_at:
        _start_later(tx, id, start_at)
    return new_version


def remove_campaign(tx: Transaction, *, id: UUID) -> UUID:
    """Move a campaign to the trash. Raises Conflict while it runs."""
    row = tx.get(OutreachCampaign, id, lock=True)
    if row.status in {OutreachStatus.ACTIVE, OutreachStatus.SCHEDULED}:
        raise Conflict("The campaign is running: pause or complete it first.")
    return trash(tx, OutreachCampaign, id)


def guard_campaign(tx: Transaction, row: Root, to: OutreachStatus) -> dict[str, object]:
    """Refuse to start what has nothing to send, or what is scheduled for the past; ending stops who is still in it."""
    assert isinstance(row, OutreachCampaign)
    if to is OutreachStatus.ACTIVE:
        _require_steps(tx, row)
        return {"started_at": row.started_at or tx.now, "paused_at": None}
    if to is OutreachStatus.SCHEDULED:
        _require_steps(tx, row)
        if row.start_at is None or row.start_at <= tx.now:
            raise Invalid.at("start_at", "past", "must be in the future")
        _start_later(tx, row.id, row.start_at)
        return {}
    if to is OutreachStatus.PAUSED:
        return {"paused_at": tx.now}
    if to in {OutreachStatus.COMPLETED, OutreachStatus.ARCHIVED}:
        tx.enqueue("stop_enrollments", {"outreach_campaign_id": str(row.id)}, queue=QUEUE)
        return {"completed_at": row.completed_at or tx.now} if to is OutreachStatus.COMPLETED else {}
    return {}


def _start_later(tx: Transaction, id: UUID, start_at: Any) -> None:  # noqa: ANN401 -- a moment
    tx.enqueue("start_outreach_campaign", {"outreach_campaign_id": str(id)}, queue=QUEUE, run_at=start_at)


def _require_steps(tx: Transaction, row: OutreachCampaign) -> None:
    sequence = tx.find(StepSequence, row.sequence_id, share=True)
    if sequence is None or not sequence.is_active:
        raise Conflict("The sequence of the campaign is in the trash or not active.")
    if tx.find(SequenceStep, sequence_id=sequence.id, superseded_at=None, is_active=True) is None:
        raise Conflict("The sequence has no active step: add one before the campaign starts.")


def launch_campaign(tx: Transaction, *, id: UUID) -> UUID:
    """Start a campaign, or schedule it where its start lies in the future."""
    row = tx.get(OutreachCampaign, id, lock=True)
    is_later = row.start_at is not None and row.start_at > tx.now
    tx.transition(OutreachCampaign, id, OutreachStatus.SCHEDULED if is_later else OutreachStatus.ACTIVE)
    return id


def start_if_due(tx: Transaction, *, id: UUID) -> bool:
    """Start a scheduled campaign whose time has come; False for one that was moved, stopped or deleted."""
    row = tx.find(OutreachCampaign, id, lock=True)
    if row is None or row.status is not OutreachStatus.SCHEDULED or row.start_at is None or row.start_at > tx.now:
        return False
    try:
        tx.transition(OutreachCampaign, id, OutreachStatus.ACTIVE)
    except Conflict:
        # Its steps have gone meanwhile: somebody has to look at it.
        tx.transition(OutreachCampaign, id, OutreachStatus.DRAFT)
        return False
    return True


def pause_campaign(tx: Transaction, *, id: UUID) -> UUID:
    """Send nothing more from now on: no message is claimed once this has committed."""
    tx.transition(OutreachCampaign, id, OutreachStatus.PAUSED)
    return id


def resume_campaign(tx: Transaction, *, id: UUID) -> UUID:
    """Go on where the campaign was paused; what was sent is not sent again."""
    if tx.get(OutreachCampaign, id, lock=True).status in {OutreachStatus.DRAFT, OutreachStatus.SCHEDULED}:
        raise Conflict("The campaign has not started yet: launch it.")
    tx.transition(OutreachCampaign, id, OutreachStatus.ACTIVE)
    return id


def complete_campaign(tx: Transaction, *, id: UUID) -> UUID:
    """End a campaign for good; who is still in it is stopped."""
    tx.transition(OutreachCampaign, id, OutreachStatus.COMPLETED)
    return id


def duplicate_campaign(tx: Transaction, *, id: UUID, name: str | None = None) -> UUID:
    """Copy a campaign as a draft, without its prospects and dates. Without a name the copy is called "X (copy n)"."""
    source = tx.get(OutreachCampaign, id, lock=True)
    columns = [column.name for column in table_of(OutreachCampaign).columns if rule_of(column).writable != "never"]
    values = {column: source.__dict__[column] for column in columns}
    return tx.insert(OutreachCampaign, **{**values, "name": name or _copy_name(tx, source.name), "start_at": None})


def _copy_name(tx: Reads, name: str) -> str:
    """Return "X (copy n)" with the first n that no live campaign has."""
    base = COPY.sub("", name)[: LONGEST_NAME - len(" (copy 9999)")]
    plan, sign = tx.plan(OutreachCampaign), mark(tx.engine)
    terms, params = tx.scope_terms(plan, anywhere=False)
    terms += [f"t.name >= {sign}", f"t.name < {sign}", "t.deleted_at IS NULL"]
    sql = select_sql(plan, "t.name", tuple(terms))
    taken = {row[0] for row in tx.execute(sql, [*params, f"{base} (copy ", f"{base} (copy!"]).fetchall()}
    number = next(number for number in range(1, len(taken) + 2) if f"{base} (copy {number})" not in taken)
    return f"{base} (copy {number})"


# -- enrolling --------------------------------------------------------------------------------------------------------


def enroll(
    tx: Transaction,
    *,
    id: UUID,
    prospect_ids: Sequence[UUID] | None = None,
    icp_id: UUID | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Put prospects, or all of a profile, into a campaign and report who was left out and why.

    Left out are those who have opted out, are suppressed, have no address on the campaign's channel, or are in it
    already; who went through it before is enrolled anew only with ``again``. The prospects are held, so that an opt-out
    and two enrolments at once can't pass each other.
    """
    campaign = tx.get(OutreachCampaign, id)
    ids = sorted(set(prospect_ids)) if prospect_ids is not None else _of_profile(tx, icp_id)
    found: dict[UUID, Prospect] = {}
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        found |= {row.id: row for row in tx.rows(Prospect, id=chunk, lock=True, order="id")}
    held = tx.find(OutreachCampaign, id, share=True)
    if held is None or held.status not in OPEN_STATES:
        raise TooLate("The campaign is over: duplicate it to reach more people.")
    sequence = tx.find(StepSequence, campaign.sequence_id, trash=True)
    channel = sequence.channel if sequence else Channel.EMAIL
    reasons = _reasons(tx, ids, found, channel)
    rotations = _rotations(tx, id, [key for key in ids if key not in reasons], reasons, again=again)
    rows = [
        {"id": clock.new_id(), "outreach_campaign_id": id, "prospect_id": key, "rotation": rotation}
        for key, rotation in rotations.items()
    ]
    for start in range(0, len(rows), CHUNK):
        tx.insert_many(Enrollment, rows[start : start + CHUNK])
    skipped = [{"prospect_id": str(key), "reason": reason} for key, reason in sorted(reasons.items())]
    return {"enrolled": len(rows), "skipped": skipped[:SHOWN], "skipped_count": len(skipped)}


def _of_profile(tx: Transaction, icp_id: UUID | None) -> list[UUID]:
    if icp_id is None or tx.find(Icp, icp_id) is None:
        raise ForeignKey.at("icp_id", "foreign_key", "must be the id of an existing {what}", what="icp")
    plan, sign = tx.plan(Prospect), mark(tx.engine)
    terms, params = tx.scope_terms(plan, anywhere=False)
    terms += [f"t.icp_id = {sign}", "t.deleted_at IS NULL"]
    sql = select_sql(plan, "t.id", tuple(terms), f" ORDER BY t.id LIMIT {MOST_ENROLLED + 1}")
    rows = tx.execute(sql, [*params, plan.fields["icp_id"].bound(icp_id)]).fetchall()
    if len(rows) > MOST_ENROLLED:
        raise Invalid.at("icp_id", "too_long", "has more than {max} prospects: name them in parts", max=MOST_ENROLLED)
    read = plan.fields["id"].read
    return [row[0] if read is None else read(row[0]) for row in rows]


def _reasons(tx: Transaction, ids: Sequence[UUID], found: Mapping[UUID, Prospect], channel: Channel) -> dict[UUID, str]:
    """Return why prospects can't be reached."""
    reasons: dict[UUID, str] = {}
    addresses: dict[UUID, str] = {}
    for key in ids:
        row = found.get(key)
        if row is None:
            reasons[key] = "not_found"
        elif row.opted_out_at is not None:
            reasons[key] = "opted_out"
        elif not (address := row.__dict__[ADDRESS[channel]]):
            reasons[key] = "no_address"
        else:
            addresses[key] = address
    blocked = suppressed_among(tx, set(addresses.values()), channel)
    return {**reasons, **{key: "suppressed" for key, address in addresses.items() if address in blocked}}


def _rotations(
    tx: Transaction, campaign_id: UUID, ids: Sequence[UUID], reasons: dict[UUID, str], *, again: bool
) -> dict[UUID, int]:
    """Return how often each will have gone through the campaign; who can't again gets a reason."""
    before: dict[UUID, list[Enrollment]] = {}
    for start in range(0, len(ids), CHUNK):
        chunk = list(ids[start : start + CHUNK])
        for row in tx.rows(Enrollment, outreach_campaign_id=campaign_id, prospect_id=chunk):
            before.setdefault(row.prospect_id, []).append(row)
    for key, rows in before.items():
        if any(row.status in OPEN for row in rows):
            reasons[key] = "already_enrolled"
        elif not again:
            reasons[key] = "enrolled_before"
    return {key: max((row.rotation for row in before.get(key, ())), default=0) + 1 for key in ids if key not in reasons}
