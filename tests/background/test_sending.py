"""Sending while its workers are killed at every step and people opt out: nobody gets a mail twice, or one too late."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.tables import JobSchedule
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_outgoing import enqueue_sending
from growbase.domains.outreach.actions_suppressions import opt_out
from growbase.domains.outreach.models import OptOutReason
from growbase.domains.outreach.models_messages import Message
from tests.background.site import PATIENCE, Site
from tests.domains.outreach.factories import make_prospect, make_queued
from tests.fixtures import make_tenant
from tests.processes import wait_until
from tests.smtp import Post, post_office

POINTS = ("send_message:begun", "send:claimed", "send:dispatching", "send:sent", "send_message:done")
PEOPLE = 30
EARLY = 4
UNDER_WAY = {"dispatching", "sent", "delivered", "unconfirmed", "failed", "bounced"}
ENDED = {"sent", "delivered", "unconfirmed", "failed", "bounced", "suppressed", "cancelled"}


@dataclass
class Outcome:
    """Who was written to, and how each message stood when its recipient's opt-out committed."""

    site: Site
    actor: Actor
    post: Post
    addresses: dict[UUID, str] = field(default_factory=dict)
    opted_out: dict[UUID, str] = field(default_factory=dict)

    @property
    def messages(self) -> list[Message]:
        with self.site.db.read(self.actor) as reads:
            return reads.rows(Message, order="id")

    @property
    def arrived(self) -> Counter[str]:
        return Counter(self.post.recipients)


def put(outcome: Outcome) -> None:
    """Queue a message to each of some people."""

    def unit(tx: Transaction) -> None:
        for number in range(PEOPLE):
            address = f"person{number}@crash.example"
            prospect_id = make_prospect(tx, email=address)
            enqueue_sending(tx, make_queued(tx, prospect_id))
            outcome.addresses[prospect_id] = address

    outcome.site.db.write(outcome.actor, unit)


def leave(outcome: Outcome, people: list[UUID]) -> None:
    """Let people opt out, noting in the same unit how far their message was."""
    for id in people:

        def unit(tx: Transaction, id: UUID = id) -> str:
            opt_out(tx, id=id, reason=OptOutReason.UNSUBSCRIBE)
            (message,) = tx.rows(Message, prospect_id=id)
            return str(message.status.value)

        outcome.opted_out[id] = outcome.site.db.write(outcome.actor, unit)


def leave_meanwhile(outcome: Outcome, people: list[UUID]) -> None:
    wait_until(lambda: bool(outcome.post.recipients), "the first mail", timeout=PATIENCE)
    leave(outcome, people)


def settle(outcome: Outcome) -> None:
    """Let a worker that lives do what is left, and the time pass that leases last."""
    site = outcome.site
    site.worker()
    with site.db.read(system()) as reads:
        names = [row.name for row in reads.rows(JobSchedule) if row.name.startswith("outreach/")]
    for _ in range(6):
        site.age("messages", "claimed_until")
        site.age("jobs", "run_at", where="status = 'queued' AND kind = 'send_message'")
        site.hurry(*(name for name in names if "insight" not in name))
        if {message.status.value for message in outcome.messages} <= ENDED:
            return
    raise AssertionError([(message.id, message.status, message.last_error) for message in outcome.messages])


@pytest.fixture(scope="module")
def outcome(whole_site: Site) -> Iterator[Outcome]:
    """Send under fire."""
    actor = make_tenant(whole_site.db, "Sender").owner
    with post_office() as (post, _):
        whole_site.env["GROWBASE_SMTP_URL"] = f"smtp://127.0.0.1:{post.port}"
        found = Outcome(whole_site, actor, post)
        put(found)
        people = list(found.addresses)
        leave(found, people[:EARLY])
        leaver = threading.Thread(target=leave_meanwhile, args=[found, people[EARLY::2]])
        leaver.start()
        whole_site.die(*POINTS, arguments=("--concurrency", "2"))
        leaver.join()
        settle(found)
        whole_site.stop()
        yield found


def test_nobody_is_written_to_twice_wherever_workers_die(outcome: Outcome) -> None:
    assert outcome.arrived
    assert set(outcome.arrived.values()) == {1}


def test_nothing_is_sent_that_was_not_on_its_way_when_its_recipient_opted_out(outcome: Outcome) -> None:
    in_time = {outcome.addresses[id] for id, status in outcome.opted_out.items() if status not in UNDER_WAY}
    assert len(in_time) >= EARLY
    assert not in_time & set(outcome.arrived)


def test_every_message_ends_and_what_counts_as_sent_has_arrived(outcome: Outcome) -> None:
    told = {message.status.value: set[str]() for message in outcome.messages}
    for message in outcome.messages:
        told[message.status.value].add(outcome.addresses[message.prospect_id])
    assert told["sent"] <= set(outcome.arrived)
    assert set(outcome.arrived) <= told["sent"] | told.get("unconfirmed", set())
    assert not told.keys() & {"failed", "bounced"}
    assert len(told.get("unconfirmed", set())) <= len(POINTS) * 2
