"""Rows for tests of outreach, each with what it needs; any column can be given."""

import io
from collections.abc import Sequence as Rows
from itertools import count
from typing import Any
from uuid import UUID

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_campaigns import enroll, launch_campaign
from growbase.domains.outreach.actions_prospects import create_prospect
from growbase.domains.outreach.actions_sending import Claim, begin_dispatch, claim_message, mark_sent
from growbase.domains.outreach.actions_sequences import create_sequence
from growbase.domains.outreach.actions_steps import queue_step_message
from growbase.domains.outreach.models import Icp
from growbase.domains.outreach.models_messages import Message
from growbase.domains.outreach.models_sequences import Enrollment, OutreachCampaign
from growbase.domains.outreach.prospect_csv import ParsedFile, read_prospects

_number = count(1)
STEPS = (
    {"step_key": "hello", "subject": "Hello {{first_name|there}}", "content": "We help {{company_name}}."},
    {"step_key": "again", "subject": "Again", "content": "Still there?", "delay_days": 3},
    {"step_key": "bye", "subject": "Bye", "content": "Last one.", "delay_days": 4},
)


def make_icp(tx: Transaction, **over: object) -> UUID:
    """Insert an ideal customer profile."""
    return tx.insert(Icp, **{"name": f"Profile {next(_number)}", **over})


def make_prospect(tx: Transaction, **over: object) -> UUID:
    """Add a prospect with an address of its own."""
    number = next(_number)
    values = {"email": f"person{number}@firm{number}.example", "company_name": f"Firm {number}", "first_name": "Ann"}
    return create_prospect(tx, **{**values, **over})


def make_sequence(tx: Transaction, steps: Rows[dict[str, Any]] = STEPS, **over: object) -> UUID:
    """Make a sequence of three steps: now, after 3 days, after 4 more."""
    return create_sequence(tx, **{"name": f"Sequence {next(_number)}", "steps": steps, **over})


def make_campaign(tx: Transaction, **over: object) -> UUID:
    """Insert a campaign, with a sequence of its own unless one is given."""
    values = {"name": f"Campaign {next(_number)}", "sender": {"name": "Sam", "email": "sam@us.example"}, **over}
    if "sequence_id" not in values:
        values["sequence_id"] = make_sequence(tx)
    return tx.insert(OutreachCampaign, **values)


def make_running(tx: Transaction, *prospect_ids: UUID, **over: object) -> UUID:
    """Start a campaign with these prospects in it."""
    campaign_id = make_campaign(tx, **over)
    if prospect_ids:
        enroll(tx, id=campaign_id, prospect_ids=prospect_ids)
    launch_campaign(tx, id=campaign_id)
    return campaign_id


def make_queued(tx: Transaction, prospect_id: UUID | None = None, **over: object) -> UUID:
    """Queue the first message of a running campaign and return its id."""
    prospect_id = prospect_id or make_prospect(tx)
    campaign_id = make_running(tx, prospect_id, **over)
    enrollment = tx.find(Enrollment, outreach_campaign_id=campaign_id, prospect_id=prospect_id)
    assert enrollment is not None
    message_id = queue_step_message(tx, enrollment_id=enrollment.id)
    assert message_id is not None
    return message_id


def claimed(tx: Transaction, message_id: UUID) -> Claim:
    """Claim a message that can be claimed."""
    claim = claim_message(tx, message_id=message_id)
    assert claim is not None
    return claim


def dispatched(tx: Transaction, message_id: UUID) -> Claim:
    """Claim a message and begin to send it."""
    claim = claimed(tx, message_id)
    assert begin_dispatch(tx, claim=claim)
    return claim


def make_sent(tx: Transaction, prospect_id: UUID | None = None, **over: object) -> UUID:
    """Send the first message of a running campaign and return its id."""
    message_id = make_queued(tx, prospect_id, **over)
    claim = dispatched(tx, message_id)
    mark_sent(tx, message_id=message_id, claim_token=claim.token, provider="smtp", provider_message_id=str(message_id))
    return message_id


def message_of(db: Database, actor: Actor, message_id: UUID) -> Message:
    """Read a message."""
    with db.read(actor) as reads:
        return reads.get(Message, message_id)


def enrollment_of(db: Database, actor: Actor, **where: Any) -> Enrollment:  # noqa: ANN401 -- columns and values
    """Read the one enrolment that matches."""
    with db.read(actor) as reads:
        [found] = reads.rows(Enrollment, **where)
    return found


def parsed(text: str | bytes, **mapping: str) -> ParsedFile:
    """Read a CSV text."""
    return read_prospects(io.BytesIO(text if isinstance(text, bytes) else text.encode()), mapping)
