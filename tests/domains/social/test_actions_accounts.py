from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid
from growbase.core.tables import Job
from growbase.core.trash import purge
from growbase.domains.social.actions_accounts import (
    connect_account,
    disconnect_account,
    note_account_error,
    remove_account,
    verify_account,
)
from growbase.domains.social.models import PieceStatus
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, SocialAccount
from tests.domains.social.factories import (
    SOON,
    claim_of,
    make_account,
    make_post,
    piece_of,
    post_of,
    publish,
    status_of,
)

SAME: dict[str, Any] = {"platform": "mastodon", "provider_account_id": "42", "handle": "@old"}


def account_of(db: Database, actor: Actor, id: UUID) -> tuple[SocialAccount, str | None, str | None]:
    with db.read(actor) as reads:
        account = reads.get(SocialAccount, id)
        return account, reads.secret(account, "access_token"), reads.secret(account, "refresh_token")


def test_an_account_is_active_once_it_has_a_token(db: Database, actor: Actor) -> None:
    open_id = db.write(actor, lambda tx: connect_account(tx, **SAME))
    assert account_of(db, actor, open_id)[0].status is AccountStatus.CONNECTING
    done = db.write(actor, lambda tx: connect_account(tx, **SAME, access_token="a", refresh_token="r"))
    assert done == open_id
    account, access, refresh = account_of(db, actor, done)
    assert (account.status, access, refresh) == (AccountStatus.ACTIVE, "a", "r")
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: connect_account(tx, **SAME | {"platform": "general"}))


def test_connecting_again_keeps_the_row_and_a_refresh_token_that_is_not_given(db: Database, actor: Actor) -> None:
    first = db.write(actor, lambda tx: connect_account(tx, **SAME, access_token="a", refresh_token="r"))
    post_id = db.write(actor, lambda tx: make_post(tx, account_id=first, at=SOON))
    db.write(actor, lambda tx: note_account_error(tx, id=first, kind="auth", code="expired", message="Expired"))
    for empty in ("", None):
        values = {**SAME, "handle": "@new", "access_token": "b", "refresh_token": empty}
        assert db.write(actor, lambda tx, values=values: connect_account(tx, **values)) == first
    account, access, refresh = account_of(db, actor, first)
    assert (account.handle, account.status, account.last_error) == ("@new", AccountStatus.ACTIVE, None)
    assert (access, refresh) == ("b", "r")
    assert post_of(db, actor, post_id).social_account_id == first


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("auth", AccountStatus.REFRESH_NEEDED),
        ("transient", AccountStatus.ACTIVE),
        ("rate_limited", AccountStatus.ACTIVE),
    ],
)
def test_only_an_auth_error_asks_for_a_new_connection(
    db: Database, actor: Actor, kind: str, expected: AccountStatus
) -> None:
    account_id = db.write(actor, make_account)
    db.write(actor, lambda tx: note_account_error(tx, id=account_id, kind=kind, code="c", message="m"))
    account = account_of(db, actor, account_id)[0]
    assert (account.status, account.last_error) == (expected, {"class": kind, "code": "c", "message": "m"})
    db.write(actor, lambda tx: disconnect_account(tx, id=account_id))
    db.write(actor, lambda tx: note_account_error(tx, id=account_id, kind="auth", code="c", message="m"))
    assert account_of(db, actor, account_id)[0].status is AccountStatus.REVOKED


def test_disconnecting_asks_what_becomes_of_queued_posts(db: Database, actor: Actor) -> None:
    account_id = db.write(actor, make_account)
    done = db.write(actor, lambda tx: make_post(tx, account_id=account_id))
    publish(db, actor, done)
    post_id = db.write(actor, lambda tx: make_post(tx, account_id=account_id, at=SOON))
    with pytest.raises(Conflict, match="1 queued posts"):
        db.write(actor, lambda tx: disconnect_account(tx, id=account_id))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: remove_account(tx, id=account_id))
    db.write(actor, lambda tx: disconnect_account(tx, id=account_id, queued="hold"))
    account, access, refresh = account_of(db, actor, account_id)
    assert (account.status, access, refresh) == (AccountStatus.REVOKED, None, None)
    assert [status_of(db, actor, id) for id in (done, post_id)] == [PostStatus.PUBLISHED, PostStatus.ON_HOLD]
    assert piece_of(db, actor, post_of(db, actor, post_id).content_piece_id).status is PieceStatus.SCHEDULED


def test_an_account_is_not_disconnected_under_a_post_that_is_being_published(db: Database, actor: Actor) -> None:
    post_id = db.write(actor, make_post)
    claim = claim_of(db, actor, post_id)
    with pytest.raises(Conflict, match="being published"):
        db.write(actor, lambda tx: disconnect_account(tx, id=claim.account_id, queued="hold"))


def test_an_account_without_token_is_neither_enabled_nor_verified(db: Database, actor: Actor) -> None:
    account_id = db.write(actor, lambda tx: make_account(tx, access_token=None))
    db.write(actor, lambda tx: tx.transition(SocialAccount, account_id, AccountStatus.DISABLED))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: tx.transition(SocialAccount, account_id, AccountStatus.ACTIVE))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: verify_account(tx, id=account_id))


def test_verifying_twice_asks_once(db: Database, actor: Actor) -> None:
    account_id = db.write(actor, make_account)
    for _ in range(2):
        db.write(actor, lambda tx: verify_account(tx, id=account_id))
    with db.read(actor) as reads:
        [job] = reads.rows(Job, kind="verify_account")
    assert (job.queue, job.payload) == ("publishing", {"account_id": str(account_id)})


def test_an_account_that_has_published_leaves_a_tombstone_without_tokens(db: Database, actor: Actor) -> None:
    account_id = db.write(actor, lambda tx: make_account(tx, handle="@gone", access_token="secret-one"))
    publish(db, actor, db.write(actor, lambda tx: make_post(tx, account_id=account_id)))
    db.write(actor, lambda tx: remove_account(tx, id=account_id))
    assert not db.write(actor, lambda tx: purge(tx, SocialAccount, account_id, keep=True))
    [row] = db.query("SELECT access_token_cipher, handle FROM social_accounts")
    assert tuple(row) == (None, "-")
