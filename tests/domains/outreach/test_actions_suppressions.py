from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.crypto import Keyring
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid, NotUnique
from growbase.core.log import undo
from growbase.core.tables import Change
from growbase.core.transaction import Transaction
from growbase.core.trash import restore, trash
from growbase.domains.outreach.actions_campaigns import enroll
from growbase.domains.outreach.actions_imports import import_rows
from growbase.domains.outreach.actions_suppressions import (
    create_suppression,
    is_suppressed,
    lift_suppression,
    opt_out,
    suppressed_among,
)
from growbase.domains.outreach.models import (
    OptOutReason,
    Prospect,
    SuppressedChannel,
    Suppression,
    SuppressionReason,
    SuppressionScope,
)
from growbase.domains.outreach.models_messages import Message, MessageStatus
from growbase.domains.outreach.models_sequences import Channel, Enrollment, EnrollmentStatus
from tests.domains.outreach.factories import make_campaign, make_prospect, make_queued, make_running
from tests.fixtures import KEYRING, Tenant

ANN = "ann@firm.example"


def is_left_alone(db: Database, actor: Actor, address: str, channel: Channel = Channel.EMAIL) -> bool:
    with db.read(actor) as reads:
        return is_suppressed(reads, address, channel)


def test_an_address_is_left_alone_however_it_is_spelt_and_only_in_its_organization(
    db: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    actor = tenant.owner
    assert not is_left_alone(db, actor, ANN)
    db.write(actor, lambda tx: create_suppression(tx, address=" Ann@FIRM.example "))
    assert is_left_alone(db, actor, "ANN@firm.example")
    assert not is_left_alone(db, actor, "bob@firm.example")
    assert not is_left_alone(db, actor, ANN, Channel.SMS)
    assert not is_left_alone(db, other_tenant.owner, ANN)
    with db.read(actor) as reads:
        assert suppressed_among(reads, [ANN, "bob@firm.example", "ANN@firm.example"]) == {ANN, "ANN@firm.example"}
        assert suppressed_among(reads, []) == set()


def test_a_domain_is_left_alone_with_all_below_it(db: Database, actor: Actor) -> None:
    domain = partial(create_suppression, scope=SuppressionScope.DOMAIN, channel=SuppressedChannel.ALL)
    db.write(actor, lambda tx: domain(tx, address="@Firm.Example"))
    for address, expected in {
        ANN: True,
        "bob@mail.firm.example": True,
        "ann@otherfirm.example": False,
        "ann@example": False,
        "firm.example": False,
    }.items():
        assert is_left_alone(db, actor, address) is expected, address


def test_a_number_is_left_alone_on_its_channel(db: Database, actor: Actor) -> None:
    db.write(actor, lambda tx: create_suppression(tx, address="+33 1", channel=SuppressedChannel.SMS))
    assert is_left_alone(db, actor, "+33 1", Channel.SMS)
    assert not is_left_alone(db, actor, "+33 1", Channel.WHATSAPP)


@pytest.mark.parametrize(
    ("address", "scope"), [("no address", "address"), ("a b@c", "address"), ("com", "domain"), ("a\x00@b", "address")]
)
def test_what_is_no_address_can_not_be_suppressed(db: Database, actor: Actor, address: str, scope: str) -> None:
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: create_suppression(tx, address=address, scope=SuppressionScope(scope)))


def test_an_address_is_suppressed_once(db: Database, actor: Actor) -> None:
    first = db.write(actor, lambda tx: create_suppression(tx, address=ANN))
    with pytest.raises(NotUnique) as refused:
        db.write(actor, lambda tx: create_suppression(tx, address="ANN@firm.example"))
    assert refused.value.params["blocked_by"] == str(first)


def test_suppressing_an_address_takes_its_prospect_out_of_every_campaign(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    waiting = db.write(actor, lambda tx: make_queued(tx, id))
    db.write(actor, lambda tx: create_suppression(tx, address=ANN, reason=SuppressionReason.LEGAL))
    with db.read(actor) as reads:
        assert reads.get(Message, waiting).status is MessageStatus.CANCELLED
        assert [row.status for row in reads.rows(Enrollment)] == [EnrollmentStatus.STOPPED]


def test_the_hash_survives_a_new_encryption_key(db: Database, actor: Actor) -> None:
    db.write(actor, lambda tx: create_suppression(tx, address=ANN))
    rotated = Keyring(Keyring.generate().keys + KEYRING.keys)

    def look(tx: Transaction) -> bool:
        tx.context = replace(tx.context, keyring=rotated)
        return is_suppressed(tx, ANN)

    assert db.write(actor, look)


def test_the_address_itself_is_not_what_is_looked_up(db: Database, actor: Actor) -> None:
    db.write(actor, lambda tx: create_suppression(tx, address=ANN))
    with db.read(actor) as reads:
        [row] = reads.rows(Suppression)
        db.write(actor, lambda tx: tx.update(Suppression, row.id, {"address": None}))
    assert is_left_alone(db, actor, ANN)
    assert "ann" not in row.address_hash


# -- opting out -------------------------------------------------------------------------------------------------------


def test_opting_out_stops_everything_and_is_done_once(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    waiting = db.write(actor, lambda tx: make_queued(tx, id))
    draft = db.write(actor, lambda tx: tx.insert(Message, prospect_id=id, content="Hello"))
    db.write(actor, lambda tx: opt_out(tx, id=id, reason=OptOutReason.UNSUBSCRIBE))
    before = db.query("SELECT count(*) FROM changes")
    db.write(actor, lambda tx: opt_out(tx, id=id, reason=OptOutReason.LEGAL))
    assert db.query("SELECT count(*) FROM changes") == before
    with db.read(actor) as reads:
        found = reads.get(Prospect, id)
        assert (found.opt_out_reason, found.opted_out_at is not None) == (OptOutReason.UNSUBSCRIBE, True)
        assert {reads.get(Message, key).status for key in (waiting, draft)} == {MessageStatus.CANCELLED}
        [enrollment] = reads.rows(Enrollment)
        [suppression] = reads.rows(Suppression)
    assert (enrollment.status, enrollment.stop_reason) == (EnrollmentStatus.UNSUBSCRIBED, "unsubscribe")
    assert (suppression.reason, suppression.address) == (SuppressionReason.UNSUBSCRIBE, ANN)


def test_a_prospect_in_the_trash_opts_out_for_good(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    db.write(actor, lambda tx: trash(tx, Prospect, id))
    db.write(actor, lambda tx: opt_out(tx, id=id))
    db.write(actor, lambda tx: restore(tx, Prospect, id))
    with db.read(actor) as reads:
        assert reads.get(Prospect, id).opted_out_at is not None


def test_nothing_but_a_lift_revives_who_has_opted_out(db: Database, tenant: Tenant) -> None:
    """Re-import, trash and restore, a new row and another user of the organization: none of them does."""
    id = db.write(tenant.member, lambda tx: make_prospect(tx, email=ANN))
    db.write(tenant.member, lambda tx: opt_out(tx, id=id))
    rows = [(2, {"email": "ANN@firm.example", "company_name": "Other", "first_name": "X"})]
    assert db.write(tenant.admin, lambda tx: import_rows(tx, rows))["suppressed"] == 1
    db.write(tenant.admin, lambda tx: trash(tx, Prospect, id))
    assert db.write(tenant.admin, lambda tx: import_rows(tx, rows)) == {
        "created": 0, "updated": 0, "unchanged": 0, "suppressed": 1,
    }  # fmt: skip
    fresh = db.write(tenant.owner, lambda tx: make_prospect(tx, email=ANN))
    campaign_id = db.write(tenant.owner, make_campaign)
    report = db.write(tenant.owner, lambda tx: enroll(tx, id=campaign_id, prospect_ids=[fresh]))
    assert report["skipped"] == [{"prospect_id": str(fresh), "reason": "suppressed"}]
    db.write(tenant.owner, lambda tx: trash(tx, Prospect, fresh))
    db.write(tenant.owner, lambda tx: restore(tx, Prospect, id))
    report = db.write(tenant.owner, lambda tx: enroll(tx, id=campaign_id, prospect_ids=[id]))
    assert report["skipped"] == [{"prospect_id": str(id), "reason": "opted_out"}]


def test_an_opt_out_can_not_be_undone_from_the_history(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    db.write(actor, lambda tx: opt_out(tx, id=id))
    resource = db.catalog.by_name["prospects"]
    with db.read(actor) as reads:
        [change] = [row for row in reads.rows(Change, entity="prospects", entity_id=id) if row.action == "update"]
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: undo(tx, resource, id, change.seq))


def test_a_lift_needs_a_reason_and_allows_to_write_again(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    db.write(actor, lambda tx: opt_out(tx, id=id))
    with db.read(actor) as reads:
        [row] = reads.rows(Suppression)

    def lift(tx: Transaction) -> UUID:
        return lift_suppression(tx, id=row.id, reason="Asked to be written to")

    assert db.write(actor, lift) == db.write(actor, lift)
    with db.read(actor) as reads:
        lifted, prospect = reads.get(Suppression, row.id), reads.get(Prospect, id)
    assert (lifted.lifted_by, lifted.lift_reason) == (actor.id, "Asked to be written to")
    assert prospect.opted_out_at is None
    assert not is_left_alone(db, actor, ANN)
    campaign_id = db.write(actor, make_running)
    assert db.write(actor, lambda tx: enroll(tx, id=campaign_id, prospect_ids=[id]))["enrolled"] == 1
    db.write(actor, lambda tx: opt_out(tx, id=id))
    assert is_left_alone(db, actor, ANN)
