from datetime import timedelta

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.crypto import sealed_key_id
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid, InvalidTransition, NotUnique, TooLate
from growbase.core.reads import Context
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.commerce.actions_kpis import kpi_key, request_refresh
from growbase.domains.commerce.actions_stores import (
    connect_store,
    create_secret,
    create_store,
    disconnect_store,
    next_number,
    reseal_secrets,
    revoke_secret,
    rotate_secret,
    store_secret,
    update_store,
)
from growbase.domains.commerce.models import Store, StoreSecret, StoreSettings, StoreStatus
from tests.domains.commerce.factories import AtOnce, make_store

SHOP = "blue.myshopify.com"


def test_a_store_has_settings_from_the_start_and_is_active_once_it_has_a_token(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: create_store(tx, domain="blue.example.com", shop_domain=SHOP))
    with db.read(actor) as reads:
        assert reads.get(Store, id).status is StoreStatus.ONBOARDING
        assert reads.count(StoreSettings, store_id=id) == 1
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: tx.transition(Store, id, StoreStatus.ACTIVE))
    db.write(actor, lambda tx: update_store(tx, id=id, changes={"access_token": "shpat_1"}))
    with db.read(actor) as reads:
        store = reads.get(Store, id)
        assert (store.status, reads.secret(store, "access_token")) == (StoreStatus.ACTIVE, "shpat_1")
        assert store.connected_at is not None
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: update_store(tx, id=id, changes={"access_token": None}))


def test_a_time_zone_that_is_none_is_refused(db: Database, actor: Actor) -> None:
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(Invalid):
            db.write(actor, lambda tx, name=name: make_store(tx, timezone=name))


def test_disconnecting_wipes_the_token_cancels_what_is_queued_and_keeps_the_data(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_store)
    other = db.write(actor, make_store)
    today = clock.now().date()
    for store_id in (id, other):
        db.write(
            actor,
            lambda tx, store_id=store_id: request_refresh(
                tx, kpi_key(tx.get(Store, store_id), "open_flags", today, today)
            ),
        )
    db.write(actor, lambda tx: disconnect_store(tx, id=id))
    with db.read(actor) as reads:
        store = reads.get(Store, id)
        assert (store.status, store.access_token_cipher) == (StoreStatus.DISCONNECTED, None)
        assert store.disconnected_at is not None
        states = {job.payload["store_id"]: job.status for job in reads.rows(Job, kind="refresh_kpi")}
        assert states == {str(id): JobStatus.CANCELLED, str(other): JobStatus.QUEUED}
        today_key = kpi_key(store, "open_flags", today, today)
    assert not db.write(actor, lambda tx: request_refresh(tx, today_key))


@pytest.mark.parametrize("fate", ["live", "disconnected", "trashed", "suspended"])
def test_a_shop_that_comes_back_is_the_same_row(db: Database, actor: Actor, fate: str) -> None:
    def connect(token: str) -> object:
        return db.write(actor, lambda tx: connect_store(tx, shop_domain=SHOP, access_token=token, name="Blue"))

    id = connect("first")
    if fate == "trashed":
        db.write(actor, lambda tx: trash(tx, Store, id))
    elif fate != "live":
        db.write(actor, lambda tx: tx.transition(Store, id, StoreStatus(fate)))
    assert connect("second") == id
    with db.read(actor) as reads:
        store = reads.get(Store, id)
        assert reads.secret(store, "access_token") == "second"
        expected = StoreStatus.SUSPENDED if fate == "suspended" else StoreStatus.ACTIVE
        assert (store.status, store.name, store.disconnected_at) == (expected, "Blue", None)
        assert reads.count(Store, trash=True) == 1


def test_an_archived_store_stays_archived_until_its_shop_connects_again(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: connect_store(tx, shop_domain=SHOP, access_token="a"))
    db.write(actor, lambda tx: tx.transition(Store, id, StoreStatus.ARCHIVED))
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: tx.transition(Store, id, StoreStatus.ACTIVE))
    assert db.write(actor, lambda tx: connect_store(tx, shop_domain=SHOP, access_token="b")) == id


def test_two_organizations_may_have_the_same_shop(db: Database, actor: Actor, other_tenant: object) -> None:
    ids = {
        db.write(who, lambda tx: connect_store(tx, shop_domain=SHOP, access_token="a"))
        for who in (actor, other_tenant.owner)
    }
    assert len(ids) == 2
    with pytest.raises(NotUnique):
        db.write(actor, lambda tx: make_store(tx, shop_domain=SHOP))


def test_numbers_are_given_out_once_under_parallel_asking(db: Database, actor: Actor, at_once: AtOnce) -> None:
    id = db.write(actor, make_store)
    found = at_once([lambda: db.write(actor, lambda tx: next_number(tx, id, "tickets"))] * 6)
    assert sorted(found) == [1, 2, 3, 4, 5, 6]


def test_a_secret_is_rotated_revoked_and_never_shown(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, make_store)
    key = {"store_id": store_id, "provider": "ga4", "label": "token"}
    id = db.write(actor, lambda tx: create_secret(tx, secret="very-secret-1", **key))
    with pytest.raises(NotUnique):
        db.write(actor, lambda tx: create_secret(tx, secret="x", **key))
    db.write(actor, lambda tx: rotate_secret(tx, id=id, secret="very-secret-2"))
    with db.read(actor) as reads:
        assert store_secret(reads, store_id, "ga4") == "very-secret-2"
        row = reads.get(StoreSecret, id)
        assert row.rotated_at is not None
        assert "secret-2" not in repr(row)
        settings = reads.find(StoreSettings, store_id=store_id)
        assert settings is not None
        assert settings.last_rotation_at == row.rotated_at
    db.write(actor, lambda tx: revoke_secret(tx, id=id))
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: rotate_secret(tx, id=id, secret="x"))
    with db.read(actor) as reads:
        assert store_secret(reads, store_id, "ga4") is None
        assert reads.get(StoreSecret, id).secret_cipher is None
    db.write(actor, lambda tx: create_secret(tx, secret="very-secret-3", **key))
    log = str(db.query("SELECT changes FROM changes"))
    assert "very-secret" not in log
    assert "shpat_test" not in log


def test_an_expired_secret_and_the_secret_of_webhooks_open_nothing(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, make_store)
    past = clock.now() - timedelta(minutes=1)
    for label, expires_at in (("webhook_secret", None), ("old", past)):
        db.write(
            actor,
            lambda tx, label=label, expires_at=expires_at: create_secret(
                tx, store_id=store_id, provider="bing", label=label, secret=label, expires_at=expires_at
            ),
        )
    with db.read(actor) as reads:
        assert store_secret(reads, store_id, "bing") is None
        assert store_secret(reads, store_id, "bing", "webhook_secret") == "webhook_secret"


def test_secrets_move_to_the_newest_key_and_open_as_before(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, make_store)
    id = db.write(actor, lambda tx: create_secret(tx, store_id=store_id, provider="ga4", label="token", secret="kept"))
    assert db.write(actor, reseal_secrets) == 0
    newer = db.context.keyring.rotated()

    def reseal(tx: Transaction) -> int:
        tx.context = Context(db.engine, db.catalog, newer)
        return reseal_secrets(tx)

    assert db.write(actor, reseal) == 1
    assert db.write(actor, reseal) == 0
    with db.read(actor) as reads:
        reads.context = Context(db.engine, db.catalog, newer)
        row = reads.get(StoreSecret, id)
        assert row.secret_cipher is not None
        assert row.key_id == sealed_key_id(row.secret_cipher) == newer.current_id
        assert reads.secret(row, "secret") == "kept"
