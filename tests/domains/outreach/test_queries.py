from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import InvalidQuery
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Organization
from growbase.domains.outreach.models_messages import Direction, Message
from growbase.domains.outreach.models_sequences import SequenceStep
from growbase.domains.outreach.queries import message_figures
from tests.domains.outreach.factories import make_campaign, make_prospect, make_sequence
from tests.fixtures import Tenant

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
LATE = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)


def figures(db: Database, actor: Actor, *group_by: str, start: datetime = START, end: datetime = END) -> dict[str, Any]:
    with db.read(actor) as reads:
        return message_figures(reads, start=start, end=end, group_by=group_by)


def test_messages_count_on_the_day_they_were_sent_by_campaign_and_by_step(
    db: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    actor = tenant.owner

    def unit(tx: Transaction) -> tuple[str, str]:
        tx.update(Organization, actor.organization_id, {"timezone": "Europe/Berlin"})
        prospect, sequence = make_prospect(tx), make_sequence(tx)
        campaign = make_campaign(tx, sequence_id=sequence)
        step = tx.rows(SequenceStep, sequence_id=sequence, order="step_number")[0]
        common = {"prospect_id": prospect, "content": "Hello"}
        of_step = {"outreach_campaign_id": campaign, "sequence_step_id": step.id, "step_key": step.step_key}
        came = {"delivered_at": LATE, "first_opened_at": LATE + timedelta(days=3), "replied_at": LATE}
        tx.insert(Message, **common, **of_step, sent_at=LATE, **came)
        tx.insert(Message, **common, **of_step, sent_at=LATE - timedelta(hours=1), bounced_at=LATE)
        tx.insert(Message, **common, sent_at=LATE, delivered_at=LATE)
        tx.insert(Message, **common)
        tx.insert(Message, **common, direction=Direction.INBOUND, sent_at=LATE)
        tx.insert(Message, **common, sent_at=END)
        return str(campaign), str(sequence)

    campaign, sequence = db.write(actor, unit)
    by_day = figures(db, actor, "day")
    assert by_day["timezone"] == "Europe/Berlin"
    assert [(row["day"], row["sent"], row["bounced"]) for row in by_day["groups"]] == [
        ("2026-03-09", 1, 1),
        ("2026-03-10", 2, 0),
    ]
    whole = {"sent": 3, "delivered": 2, "opened": 1, "clicked": 0, "replied": 1, "bounced": 1}
    assert by_day["totals"] == figures(db, actor, "campaign")["totals"] == figures(db, actor)["totals"] == whole
    by_campaign = {row["outreach_campaign_id"]: row["sent"] for row in figures(db, actor, "campaign")["groups"]}
    assert by_campaign == {None: 1, campaign: 2}
    [step] = figures(db, actor, "step")["groups"]
    assert (step["sequence_id"], step["step_key"], step["sent"], step["opened"]) == (sequence, "hello", 2, 1)
    assert figures(db, other_tenant.owner, "day")["totals"]["sent"] == 0


def test_a_question_that_makes_no_sense_is_refused(db: Database, actor: Actor) -> None:
    with pytest.raises(InvalidQuery):
        figures(db, actor, "weather")
    with pytest.raises(InvalidQuery):
        figures(db, actor, start=END, end=START)
    with pytest.raises(InvalidQuery):
        figures(db, actor, "day", end=START + timedelta(days=367))
