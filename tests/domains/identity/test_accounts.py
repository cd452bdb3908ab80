from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from growbase.core import clock
from growbase.core.actor import Role, system
from growbase.core.config import Settings
from growbase.core.crypto import password_hash
from growbase.core.database import Database
from growbase.core.errors import Invalid, NotFound, NotUnique, RateLimited, Stale, Unauthenticated, WrongRegion
from growbase.core.feed import BEGINNING, read_changes
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.identity import accounts, actions, actions_sessions
from growbase.domains.identity.accounts import Grant
from growbase.domains.identity.actions_organizations import delete_organization
from growbase.domains.identity.authenticate import Authenticator
from growbase.domains.identity.models import (
    DataRegion,
    Membership,
    OneTimeToken,
    Organization,
    Session,
    User,
    UserStatus,
)
from growbase.domains.identity.queries import get_profile, list_sessions
from growbase.domains.identity.roles import LastOwner
from growbase.jobs.retention import retain

PASSWORD = "correct horse battery"
NEW = "a password never used"
Register = Callable[..., Grant]
Log = Callable[..., list[tuple[Any, ...]]]
Mailed = Callable[..., list[str]]
CALLER = accounts.anonymous(ip="192.0.2.1", user_agent="tests")


def login(
    authenticator: Authenticator, email: str = "ada@example.com", password: str = PASSWORD, **over: object
) -> Grant:
    return accounts.login(authenticator, CALLER, email=email, password=password, **over)


def user_of(db: Database, user_id: object) -> User:
    with db.read(system()) as reads:
        found = reads.find(User, user_id, trash=True)
    assert found is not None
    return found


def test_registering_makes_a_user_an_organization_an_owner_and_a_session(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    grant = register("Ada@Example.com ", full_name="Ada Lovelace")
    actor = authenticator.resolve(grant.access_token)
    with db.read(actor) as reads:
        organization = reads.get(Organization, grant.organization_id)
        membership = reads.find(Membership, user_id=grant.user_id)
    assert (organization.name, organization.slug) == ("Ada Lovelace", "ada-lovelace")
    assert membership.role is Role.OWNER
    assert (actor.id, actor.role, actor.label) == (grant.user_id, Role.OWNER, "Ada Lovelace")
    assert user_of(db, grant.user_id).email == "Ada@Example.com"


def test_an_address_is_taken_however_it_is_written(register: Register) -> None:
    register("ada@example.com")
    with pytest.raises(NotUnique):
        register("ADA@example.com")


def test_two_organizations_of_one_name_get_different_slugs(db: Database, register: Register) -> None:
    register("a@example.com", organization_name="Café Zürich")
    register("b@example.com", organization_name="Café Zürich")
    slugs = sorted(row[0] for row in db.query("SELECT slug FROM organizations"))
    assert slugs[0] == "cafe-zurich"
    assert slugs[1].startswith("cafe-zurich-")


def test_registering_for_another_region_names_its_address(db: Database) -> None:
    settings = Settings(region="eu", regions="eu=https://eu.example.com,us=https://us.example.com")
    authenticator = Authenticator(db, settings, b"secret of the tests")
    with pytest.raises(WrongRegion) as error:
        accounts.register(authenticator, CALLER, email="a@example.com", password=PASSWORD, data_region=DataRegion.US)
    assert error.value.params["base_url"] == "https://us.example.com"


def test_no_password_or_hash_of_one_is_in_the_log(register: Register, log: Log) -> None:
    register()
    text = str(log("changes"))
    assert "argon2" not in text
    assert "password_hash" in text
    assert "[sealed]" in text


def test_a_login_opens_a_session_and_leaves_a_row(
    db: Database, authenticator: Authenticator, register: Register, log: Log
) -> None:
    first = register()
    grant = login(authenticator, "ADA@example.com")
    assert grant.organization_id == first.organization_id
    assert grant.session_id != first.session_id
    assert log("actor_label, ip, user_agent", "action = 'login'")[-1] == ("[sealed]", None, None)
    with db.read(system()) as reads:
        seen = [row for row in read_changes(reads, BEGINNING, 100).changes if row.action == "login"][-1]
        assert (seen.actor_label, seen.ip, seen.user_agent) == ("ada@example.com", "192.0.2.1", "tests")
    with pytest.raises(Unauthenticated):
        login(authenticator, password="wrong")
    assert log("action, ip")[-1] == ("login_failed", None)
    assert "ada@example.com" not in str(log("*"))
    with pytest.raises(Unauthenticated):
        login(authenticator, "nobody@example.com")
    assert log("action, ip")[-1] == ("login_failed", "192.0.2.1")
    with db.read(system()) as reads:
        assert len(list_sessions(reads, grant.user_id, clock.now())) == 2


def test_every_failed_login_says_the_same_and_leaves_a_row(
    db: Database, authenticator: Authenticator, register: Register, log: Log
) -> None:
    grant = register()
    db.write(system(), lambda tx: tx.update(User, grant.user_id, {"status": UserStatus.DISABLED}))
    register("other@example.com")
    messages = set()
    for email, password in (
        ("nobody@example.com", PASSWORD),
        ("ada@example.com", PASSWORD),
        ("other@example.com", "wrong"),
    ):
        with pytest.raises(Unauthenticated) as error:
            login(authenticator, email, password)
        messages.add(str(error.value))
    assert len(messages) == 1
    assert len(log("seq", "action = 'login_failed'")) == 3


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_an_address_is_locked_after_too_many_failures_whether_it_exists_or_not(
    authenticator: Authenticator, register: Register, email: str
) -> None:
    register()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            login(authenticator, email, "wrong")
    with pytest.raises(RateLimited) as error:
        login(authenticator, email)
    assert 890 <= error.value.params["retry_after"] <= 900


def test_a_lock_ends_by_itself_and_leaves_open_sessions_alone(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    grant = register()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            login(authenticator, password="wrong")
    assert authenticator.resolve(grant.access_token).id == grant.user_id
    db.write(system(), lambda tx: tx.update(User, grant.user_id, {"locked_until": clock.now()}))
    login(authenticator)
    assert user_of(db, grant.user_id).status is UserStatus.ACTIVE


def test_failures_at_once_are_all_counted(
    db: Database, register: Register, at_once: Callable[..., list[Any]], log: Log
) -> None:
    grant = register()

    def fail(limit: int) -> Callable[[], object]:
        return lambda: db.write(
            system(),
            lambda tx: actions_sessions.record_failed_login(
                tx, user_id=grant.user_id, max_failures=limit, lock_for=actions.RESET_PAUSE
            ),
        )

    assert at_once([fail(100)] * 12) == [None] * 12
    assert user_of(db, grant.user_id).failed_login_count == 12
    locked = at_once([fail(20)] * 12)
    assert len([until for until in locked if until is not None]) == 5
    assert len(log("seq", "action = 'lock'")) == 1


def test_a_login_is_refused_if_the_password_changes_while_it_is_checked(db: Database, register: Register) -> None:
    grant = register()
    done = db.write(
        system(), lambda tx: actions_sessions.record_login(tx, user_id=grant.user_id, verified_hash="an older one")
    )
    assert done is False


def test_too_many_tries_from_one_address_are_limited(db: Database, register: Register) -> None:
    register()
    strict = Authenticator(db, Settings(login_rate_per_minute=2), b"secret of the tests")
    login(strict)
    login(strict)
    with pytest.raises(RateLimited):
        login(strict)


def test_logging_into_an_organization_of_others_is_not_found(authenticator: Authenticator, register: Register) -> None:
    register()
    other = register("other@example.com")
    with pytest.raises(NotFound):
        login(authenticator, organization_id=other.organization_id)


def test_changing_the_password_ends_every_other_login(authenticator: Authenticator, register: Register) -> None:
    first = register()
    second = login(authenticator)
    actor = authenticator.resolve(second.access_token)
    with pytest.raises(Invalid):
        accounts.change_password(authenticator, actor, current="wrong", password=NEW)
    assert user_of(authenticator.database, first.user_id).failed_login_count == 1
    accounts.change_password(authenticator, actor, current=PASSWORD, password=NEW)
    assert authenticator.resolve(second.access_token).id == first.user_id
    with pytest.raises(Unauthenticated):
        authenticator.resolve(first.access_token)
    with pytest.raises(Unauthenticated):
        login(authenticator)
    login(authenticator, password=NEW)


def test_a_mailed_link_resets_the_password_once_and_ends_every_login(
    db: Database, authenticator: Authenticator, register: Register, mailed: Mailed
) -> None:
    grant = register()
    accounts.forgot_password(authenticator, CALLER, email="ada@example.com")
    (token,) = mailed("reset_password")
    accounts.reset_password(authenticator, CALLER, token=token, password=NEW)
    with pytest.raises(Unauthenticated):
        authenticator.resolve(grant.access_token)
    with pytest.raises(Invalid):
        accounts.reset_password(authenticator, CALLER, token=token, password=PASSWORD)
    assert user_of(db, grant.user_id).email_verified_at is not None
    login(authenticator, password=NEW)


def test_of_two_uses_of_a_link_at_once_one_wins(
    db: Database,
    authenticator: Authenticator,
    register: Register,
    mailed: Mailed,
    at_once: Callable[..., list[Any]],
) -> None:
    register()
    accounts.forgot_password(authenticator, CALLER, email="ada@example.com")
    (token,) = mailed("reset_password")
    hashes = [password_hash(f"password number {number}") for number in range(4)]

    def use(hashed: str) -> Callable[[], object]:
        return lambda: db.write(CALLER, lambda tx: actions.reset_password(tx, token=token, password_hash=hashed))

    results = at_once([use(hashed) for hashed in hashes])
    assert len([result for result in results if isinstance(result, Invalid)]) == 3


def test_a_second_request_within_a_minute_and_an_unknown_address_mail_nothing(
    authenticator: Authenticator, register: Register, mailed: Mailed
) -> None:
    register()
    for email in ("ada@example.com", "ada@example.com", "nobody@example.com"):
        accounts.forgot_password(authenticator, CALLER, email=email)
    assert len(mailed("reset_password")) == 1


def test_an_expired_link_is_refused(
    db: Database, authenticator: Authenticator, register: Register, mailed: Mailed
) -> None:
    register()
    (token,) = mailed("verify_email")

    def expire(tx: Transaction) -> None:
        for row in tx.rows(OneTimeToken):
            tx.set_facts(
                OneTimeToken,
                {"id": row.id},
                {"created_at": row.created_at.replace(year=2000), "expires_at": row.created_at},
            )

    db.write(system(), expire)
    with pytest.raises(Invalid):
        db.write(CALLER, lambda tx: actions.verify_email(tx, token=token))


def test_a_mailed_link_verifies_the_address(db: Database, register: Register, mailed: Mailed) -> None:
    grant = register()
    (token,) = mailed("verify_email")
    db.write(CALLER, lambda tx: actions.verify_email(tx, token=token))
    assert user_of(db, grant.user_id).email_verified_at is not None


def test_no_mailed_token_can_be_read_in_the_jobs_or_the_log(
    db: Database, register: Register, mailed: Mailed, log: Log
) -> None:
    register()
    (token,) = mailed("verify_email")
    with db.read(system()) as reads:
        assert token not in str([job.payload for job in reads.rows(Job)])
    assert token not in str(log("changes"))


def test_the_profile_merges_preferences_and_refuses_other_fields(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    actor = authenticator.resolve(register().access_token)

    def update(**changes: object) -> int:
        return db.write(actor, lambda tx: actions.update_profile(tx, changes=changes))

    update(preferences={"theme": "dark", "tips": True})
    update(preferences={"tips": None, "font": "large"}, timezone="Europe/Paris")
    with db.read(actor) as reads:
        profile = get_profile(reads, actor.id)
    assert profile["preferences"] == {"theme": "dark", "font": "large"}
    assert profile["timezone"] == "Europe/Paris"
    assert profile["memberships"][0]["role"] == "owner"
    assert "password_hash" not in profile
    with pytest.raises(Invalid):
        update(role="admin")
    with pytest.raises(Stale):
        db.write(actor, lambda tx: actions.update_profile(tx, changes={"full_name": "X"}, version=1))


def test_the_only_owner_of_a_live_organization_cannot_delete_the_account(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    grant = register()
    actor = authenticator.resolve(grant.access_token)
    with pytest.raises(LastOwner):
        accounts.delete_account(authenticator, actor, password=PASSWORD)
    assert user_of(db, grant.user_id).deleted_at is None


def test_a_deleted_account_keeps_nothing_personal_and_frees_its_address(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    grant = register(full_name="Ada Lovelace")
    actor = authenticator.resolve(grant.access_token)
    db.write(actor, lambda tx: delete_organization(tx, id=grant.organization_id))
    accounts.delete_account(authenticator, actor, password=PASSWORD)
    gone = user_of(db, grant.user_id)
    assert gone.email == f"deleted+{grant.user_id}"
    assert (gone.full_name, gone.password_hash, gone.status) == (None, None, UserStatus.DISABLED)
    assert gone.deleted_at is not None
    assert register().user_id != grant.user_id


def test_expired_sessions_go_but_the_newest_of_each_member_stays_without_its_traces(
    db: Database, register: Register
) -> None:
    grant = register()
    actor = system("test", grant.organization_id)
    old = clock.now() - timedelta(days=10)
    with db.read(system()) as reads:
        (session,) = reads.rows(Session, user_id=grant.user_id)

    def again(tx: Transaction) -> None:
        past = {"created_at": old - timedelta(days=30), "expires_at": old, "last_activity_at": old}
        tx.set_facts(Session, {"id": session.id}, {**past, "ip": "192.0.2.1"})
        other = {"id": clock.new_id(), "token_hash": "1", "refresh_hash": "2", "ip": "192.0.2.2"}
        newer = {"last_activity_at": old + timedelta(hours=1)}
        tx.insert_facts(Session, [{**session.__dict__, **past, **other, **newer}])

    db.write(actor, again)
    assert retain(db, table="sessions").rules == {"sessions": 1, "sessions/traces": 1}
    assert retain(db, table="sessions").rows == 0
    with db.read(system()) as reads:
        (left,) = reads.rows(Session, user_id=grant.user_id)
    assert (left.last_activity_at, left.ip) == (old + timedelta(hours=1), None)
