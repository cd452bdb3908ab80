"""Who acted is kept under the key of the person, at no cost, and can be read until the key is destroyed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from growbase.core import acting
from growbase.core.acting import acts_in_log, is_named_after
from growbase.core.actor import Actor, ActorKind, system
from growbase.core.database import Database
from growbase.core.feed import BEGINNING, newest, read_changes
from growbase.core.reads import Cursor, Reads
from growbase.core.statements import plan_of
from growbase.core.subject_keys import destroy_keys, open_changes
from growbase.core.tables import Change, SubjectKey
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import User
from tests.core.specimens import make_shelf
from tests.fixtures import Tenant

IP = "192.0.2.17"
AGENT = "Mozilla/5.0 (Tests)"
CLEAR = ("member@acme.example", IP, AGENT)


@pytest.fixture
def member(tenant: Tenant) -> Actor:
    """Give a user who calls from somewhere."""
    return replace(tenant.member, ip=IP, user_agent=AGENT)


def note(db: Database, actor: Actor, action: str, changes: dict[str, object] | None = None) -> None:
    db.write(actor, lambda tx: tx.record(action, "requests", None, changes))


def entry(db: Database, action: str) -> Change:
    with db.read(system()) as reads:
        return [found for found in read_changes(reads, BEGINNING, 1_000).changes if found.action == action][-1]


def who(db: Database, action: str) -> tuple[str, str | None, str | None]:
    found = entry(db, action)
    return found.actor_label, found.ip, found.user_agent


def stored(db: Database) -> str:
    return str([tuple(row) for row in db.query("SELECT * FROM changes")])


def forget(db: Database, user_id: UUID | None) -> None:
    """End a user as an erasure does, in another process: this one's sealed forms stay as they are."""
    assert user_id is not None
    db.write(system(), lambda tx: (trash(tx, User, user_id), destroy_keys(tx, [user_id])))


def without_keys(db: Database) -> None:
    """Leave a database as it was before there were keys."""
    db.write(system(), lambda tx: tx.execute("DELETE FROM subject_keys"))
    db.context.acting.clear()


def test_who_acted_is_read_by_those_who_open_the_log_alone(db: Database, member: Actor) -> None:
    note(db, member, "looked")
    note(db, member, "asked", {"rows": 5})
    shelf = db.write(member, make_shelf)
    assert not [text for text in CLEAR if text in stored(db)]
    assert (who(db, "looked"), who(db, "asked")) == (CLEAR, CLEAR)
    assert (entry(db, "looked").changes, entry(db, "asked").changes) == (None, {"rows": 5})
    with db.read(member) as reads:
        (made,) = open_changes(reads, reads.rows(Change, entity_id=shelf))
    assert (made.actor_id, made.actor_label, made.ip) == (member.id, member.label, IP)
    assert "$actor" not in (made.changes or {})


def test_a_program_and_a_key_stand_in_the_log_as_they_are(db: Database, member: Actor) -> None:
    for kind in (ActorKind.API_KEY, ActorKind.SYSTEM, ActorKind.JOB):
        note(db, replace(member, kind=kind, label="shop (gb_1)"), kind.value)
        assert who(db, kind.value) == ("shop (gb_1)", IP, AGENT)
    assert stored(db).count("shop (gb_1)") == 3


def test_an_empty_document_and_none_come_back_as_they_were(db: Database, member: Actor) -> None:
    def unit(tx: Transaction) -> None:
        plan = plan_of(User, tx.engine)
        tx.log_row(plan, "empty", None, uuid4(), 1, {})
        tx.log_row(plan, "nothing", None, uuid4(), 1, None)

    for actor in (member, system()):
        db.write(actor, unit)
        assert (entry(db, "empty").changes, entry(db, "nothing").changes) == ({}, None)


def test_without_the_key_nobody_is_told_and_others_stay(db: Database, tenant: Tenant, member: Actor) -> None:
    note(db, member, "looked", {"rows": 5})
    note(db, tenant.admin, "looked on")
    forget(db, member.id)
    assert who(db, "looked") == ("[erased]", None, None)
    assert (entry(db, "looked").changes, entry(db, "looked").actor_id) == ({"rows": 5}, member.id)
    assert who(db, "looked on")[0] == "admin@acme.example"


def test_what_is_written_late_for_who_was_erased_tells_nothing_of_them(db: Database, member: Actor) -> None:
    note(db, member, "looked")
    note(db, member, "looked")
    forget(db, member.id)
    note(db, member, "by what was kept")
    db.context.acting.clear()
    note(db, member, "without")
    assert who(db, "by what was kept") == who(db, "without") == ("[erased]", None, None)
    assert not [text for text in CLEAR if text in stored(db)]
    with db.read(system()) as reads:
        assert reads.find(SubjectKey, member.id) is None


def test_no_key_is_left_of_who_is_erased_while_acting(db: Database, member: Actor) -> None:
    without_keys(db)
    with ThreadPoolExecutor(4) as pool:
        acts = [pool.submit(note, db, member, f"look {number}") for number in range(12)]
        pool.submit(forget, db, member.id).result()
        for act in acts:
            act.result()
    with db.read(system()) as reads:
        assert reads.find(SubjectKey, member.id) is None
    assert {who(db, f"look {number}") for number in range(12)} == {("[erased]", None, None)}


def test_a_user_of_before_there_were_keys_is_given_one_and_only_one(db: Database, member: Actor) -> None:
    without_keys(db)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: note(db, member, f"look {number}"), range(8)))
    assert {who(db, f"look {number}") for number in range(8)} == {CLEAR}


def test_a_key_that_was_undone_seals_nothing_later(db: Database, member: Actor) -> None:
    without_keys(db)

    def fail(tx: Transaction) -> None:
        tx.record("undone", "requests", None)
        raise KeyError

    def fail_in_part(tx: Transaction) -> None:
        with pytest.raises(KeyError), tx.part():
            fail(tx)
        tx.record("done", "requests", None)

    with pytest.raises(KeyError):
        db.write(member, fail)
    assert not db.context.acting
    db.write(member, fail_in_part)
    note(db, member, "looked")
    assert who(db, "done") == who(db, "looked") == CLEAR


def test_who_is_new_in_a_unit_acts_in_it(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        user_id = tx.insert(User, email="ada@example.com", status="active")
        tx.acting(Actor(ActorKind.USER, "ada@example.com", id=user_id, ip=IP)).record("came", "requests", None)

    db.write(system(), unit)
    assert who(db, "came") == ("ada@example.com", IP, None)
    assert not db.context.acting
    assert IP not in stored(db)


def test_a_caller_who_is_known_but_not_logged_in_keeps_the_label_alone(db: Database, member: Actor) -> None:
    caller = Actor(ActorKind.SYSTEM, "anonymous", ip=IP, user_agent=AGENT, about=member.id)
    note(db, caller, "tried")
    note(db, replace(caller, about=uuid4()), "stranger")
    assert who(db, "tried") == ("anonymous", IP, AGENT)
    assert who(db, "stranger") == ("anonymous", None, None)
    assert not [text for text in (IP, AGENT) if text in stored(db)]
    forget(db, member.id)
    assert who(db, "tried") == ("anonymous", None, None)


class Counted:
    """Counts the statements that a piece of work runs."""

    def __init__(self, reads: Reads) -> None:
        self.statements: list[str] = []
        self.inner = reads.execute

    def __call__(self, sql: str, params: Sequence[object] = ()) -> Cursor:
        self.statements.append(sql)
        return self.inner(sql, params)


def test_a_unit_of_who_has_acted_before_runs_no_more_statements(db: Database, member: Actor) -> None:
    def unit(tx: Transaction) -> list[str]:
        tx.execute = counted = Counted(tx)
        tx.record("looked", "requests", None)
        tx.record("looked again", "requests", None)
        return counted.statements

    first, second = db.write(member, unit), db.write(member, unit)
    assert len([sql for sql in first if "INTO changes" not in sql]) == 1
    assert not [sql for sql in second if "INTO changes" not in sql]
    assert who(db, "looked again") == CLEAR


def test_the_keys_of_all_who_acted_are_read_at_once(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    for found in (tenant.member, tenant.admin, other_tenant.owner):
        for _ in range(3):
            note(db, found, "looked")
    with db.read(system()) as reads:
        rows = reads.rows(Change, action="looked")
        reads.execute = counted = Counted(reads)
        open_changes(reads, rows)
        assert len(counted.statements) == 1
    assert len({row.actor_label for row in rows}) == 3


def test_what_is_kept_is_bounded(db: Database, member: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "KEPT", 3)
    for number in range(8):
        note(db, replace(member, ip=f"192.0.2.{number}"), f"look {number}")
        assert len(db.context.acting) <= 3
    assert {who(db, f"look {number}")[1] for number in range(8)} == {f"192.0.2.{number}" for number in range(8)}


def test_the_log_is_asked_for_who_acted_in_any_organization(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    stranger = Actor(ActorKind.USER, "x", id=uuid4())
    with db.read(system()) as reads:
        start = newest(reads)
    note(db, replace(tenant.member, organization_id=other_tenant.organization_id), "looked")
    note(db, replace(tenant.admin, organization_id=None), "looked")
    with db.read(system()) as reads:
        end = newest(reads)
        ids = {name: getattr(tenant, name).id for name in ("owner", "admin", "member")}
        assert {name for name, id in ids.items() if is_named_after(reads, id, start)} == {"admin", "member"}
        assert {name for name, id in ids.items() if is_named_after(reads, id, BEGINNING)} == {*ids}
        assert not [id for id in ids.values() if is_named_after(reads, id, end)]
        assert {name for name, id in ids.items() if acts_in_log(reads, id)} == {"member"}
        assert stranger.id is not None
        assert not acts_in_log(reads, stranger.id)
