"""A person is handed out whole and erased for good: also from the log, from jobs, and from a restored backup."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from growbase.cli.app import app
from growbase.core import clock
from growbase.core.actor import Actor, ActorKind, system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import Conflict
from growbase.core.feed import BEGINNING, read_changes
from growbase.core.files import open_files
from growbase.core.holds import Held, add_hold, release_hold
from growbase.core.log import as_of, history, undo
from growbase.core.model import View, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.seals import seal_log
from growbase.core.statements import mark
from growbase.core.tables import Change, Job, SubjectKey
from growbase.core.transaction import Transaction
from growbase.domains.commerce.models_tickets import Ticket
from growbase.domains.identity.actions_sessions import record_failed_login
from growbase.domains.identity.models import Membership, Session, User
from growbase.domains.marketing.models import Brand
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.outreach.actions_suppressions import is_suppressed
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import Activity, Message
from growbase.ops import privacy
from growbase.ops.audit import Filter, newest_entries, verify
from growbase.ops.privacy import Replayed, erase, erase_queued, find_person, queue_erasure, replay_erasures
from growbase.ops.privacy_export import export_person
from tests.domains.commerce.factories import make_store, write_in
from tests.domains.outreach.factories import make_prospect
from tests.fixtures import Tenant

EMAIL = "ada@example.com"
NO_FILES = open_files(Settings(data_dir=Path("nowhere")))
SECRETS = ("ada@example.com", "lovelace", "difference engine", "555-1815")


def meet(tx: Transaction) -> UUID:
    """Make a prospect with what belongs to one, and a job that names her."""
    id = make_prospect(tx, email="Ada@Example.com", first_name="Ada", last_name="Lovelace", phone="+44 555-1815")
    tx.update(Prospect, id, {"notes": "Builds the difference engine", "job_title": "Countess"})
    message = tx.insert(Message, prospect_id=id, content="Dear Ada Lovelace,", subject="For Lovelace")
    tx.insert(Activity, prospect_id=id, type="note", title="Met Lovelace", message_id=message)
    tx.enqueue("noop", {"to": EMAIL}, queue="default")
    return id


@pytest.fixture
def prospect(db: Database, actor: Actor) -> UUID:
    """Give a prospect of whom more is known."""
    return db.write(actor, meet)


def stored(db: Database, table: str = "changes") -> str:
    """Return all that a table holds as text."""
    return "\n".join(map(str, db.query(f"SELECT * FROM {table}"))).lower()


def changes_of(db: Database, id: UUID) -> list[Change]:
    with db.read(system()) as reads:
        return [found for found in read_changes(reads, BEGINNING, 1_000).changes if found.entity_id == id]


def test_the_log_holds_nothing_of_a_person_that_can_be_read_without_their_key(
    db: Database, actor: Actor, prospect: UUID
) -> None:
    assert not [secret for secret in SECRETS if secret in stored(db)]
    made, changed = changes_of(db, prospect)
    assert made.changes is not None
    assert made.changes["email"] == [None, "Ada@Example.com"]
    assert made.changes["stage"] == [None, "new"]
    assert (changed.changes or {})["notes"] == [None, "Builds the difference engine"]
    resource = db.catalog.by_table["prospects"]
    with db.read(actor) as reads:
        assert history(reads, resource, prospect)[0]["changes"]["job_title"] == [None, "Countess"]
        assert as_of(reads, resource, prospect, made.occurred_at)["first_name"] == "Ada"
    db.write(actor, lambda tx: undo(tx, resource, prospect, changed.seq))
    with db.read(actor) as reads:
        assert reads.get(Prospect, prospect).notes is None
        # The person has one key, under which rows of other tables are sealed, too.
        assert reads.count(SubjectKey, id=[found.id for found in reads.rows(Message)]) == 0
        assert reads.count(SubjectKey, id=prospect) == 1


def test_keys_are_made_once_however_many_write_at_once(db: Database, actor: Actor, prospect: UUID) -> None:
    from concurrent.futures import ThreadPoolExecutor

    db.write(system(), lambda tx: tx.execute(f"DELETE FROM subject_keys WHERE id = {mark(tx.engine)}", [str(prospect)]))

    def note(number: int) -> None:
        db.write(actor, lambda tx: tx.insert(Activity, prospect_id=prospect, type="note", title=f"Title {number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(note, range(12)))
    with db.read(system()) as reads:
        found = [row.changes for row in read_changes(reads, BEGINNING, 1_000, entities=["activities"]).changes]
    titles = {row["title"][1] for row in found if row}
    assert {f"Title {number}" for number in range(12)} <= titles


def test_every_personal_column_belongs_to_somebody(db: Database) -> None:
    for name, model in db.catalog.models.items():
        columns = [column.name for column in table_of(model).columns if rule_of(column).personal]
        if not issubclass(model, View) and columns:
            assert model.__subject__ is not None, name
        if model.__subject__ is not None:
            wanted = {model.__subject__.of, model.__subject__.address} - {None}
            assert wanted <= {*table_of(model).columns.keys()}, name


# -- export -----------------------------------------------------------------------------------------------------------


def exported(db: Database, email: str, organization_id: UUID | None = None) -> dict[str, list[dict[str, Any]]]:
    file = io.BytesIO()
    export_person(db, find_person(db, email, organization_id), file, NO_FILES)
    with ZipFile(file) as archive:
        return {
            name.removesuffix(".jsonl"): [json.loads(line) for line in archive.read(name).decode().splitlines()]
            for name in archive.namelist()
            if name.endswith(".jsonl")
        }


def test_an_export_has_all_that_is_known_of_a_person_and_nothing_of_others(
    db: Database, actor: Actor, prospect: UUID, other_tenant: Tenant
) -> None:
    db.write(other_tenant.owner, meet)
    store = db.write(actor, make_store)
    db.write(actor, lambda tx: write_in(tx, store, customer_email=EMAIL))
    db.write(actor, lambda tx: write_in(tx, store, customer_email="bob@example.com"))
    found = exported(db, " ADA@example.com", actor.organization_id)
    assert [row["id"] for row in found["prospects"]] == [str(prospect)]
    assert found["messages"][0]["content"] == "Dear Ada Lovelace,"
    assert len(found["activities"]) >= 1
    assert [row["customer_email"] for row in found["tickets"]] == [EMAIL]
    assert len(found["ticket_messages"]) == 1
    assert found["jobs"][0]["payload"] == {"to": EMAIL}
    assert {row["entity"] for row in found["changes"]} >= {"prospects", "messages", "activities", "tickets"}
    assert any((row["changes"] or {}).get("last_name") == [None, "Lovelace"] for row in found["changes"])
    assert str(other_tenant.organization_id) not in json.dumps(found)
    assert "recipient_hash" not in found["messages"][0]
    assert len(exported(db, EMAIL)["prospects"]) == 2


def test_an_export_of_a_user_has_sessions_memberships_and_where_they_are_named(
    db: Database, actor: Actor, tenant: Tenant
) -> None:
    now = clock.now()
    session = {"id": clock.new_id(), "user_id": actor.id, "organization_id": actor.organization_id, "token_hash": "t"}
    session |= {"refresh_hash": "r", "family_id": clock.new_id(), "ip": "192.0.2.7", "created_at": now}
    session |= {"expires_at": now + timedelta(days=1), "last_activity_at": now}
    db.write(system(), lambda tx: tx.insert_facts(Session, [session]))
    prospect = db.write(actor, lambda tx: make_prospect(tx, owner_user_id=actor.id))
    found = exported(db, "owner@acme.example")
    assert [row["full_name"] for row in found["users"]] == ["Owner of Acme"]
    assert found["sessions"][0]["ip"] == "192.0.2.7"
    assert "token_hash" not in found["sessions"][0]
    assert len(found["memberships"]) == 1
    assert {"table": "prospects", "id": str(prospect), "column": "owner_user_id"} in found["named_in"]


# -- erasing ----------------------------------------------------------------------------------------------------------


def test_who_is_erased_is_gone_everywhere_and_the_log_stays_provable(
    db: Database, actor: Actor, prospect: UUID, other_tenant: Tenant, tmp_path: Path
) -> None:
    theirs = db.write(other_tenant.owner, meet)
    store = db.write(actor, make_store)
    ticket = db.write(actor, lambda tx: write_in(tx, store, customer_email=EMAIL)).ticket_id
    seal_log(db)
    before = {table: len(db.query(f"SELECT 1 FROM {table}")) for table in ("prospects", "messages", "tickets")}
    (_, changed) = changes_of(db, prospect)
    done = erase(db, find_person(db, EMAIL, actor.organization_id), folder=tmp_path)
    assert done.counts["prospects"] == 1
    assert done.counts["jobs"] == 1
    assert {table: len(db.query(f"SELECT 1 FROM {table}")) for table in before} == before
    own = f"organization_id = '{actor.organization_id}'"
    for table in ("prospects", "messages", "activities", "tickets", "ticket_messages", "jobs", "suppressions"):
        text = "\n".join(map(str, db.query(f"SELECT * FROM {table} WHERE {own}"))).lower()
        assert not [secret for secret in SECRETS if secret in text], table
    seal_log(db)
    assert verify(db).faults == []
    resource = db.catalog.by_table["prospects"]
    with db.read(actor) as reads:
        row = reads.get(Prospect, prospect)
        assert (row.email, row.first_name, row.stage.value) == (None, None, "new")
        assert reads.get(Ticket, ticket).customer_email is None  # type: ignore[arg-type]
        assert as_of(reads, resource, prospect, changed.occurred_at)["first_name"] == "[erased]"
        shown = [change["changes"] for change in history(reads, resource, prospect)]
        assert shown[-1]["email"] == ["[erased]", "[erased]"]
        assert shown[-1]["stage"] == [None, "new"]
        (job,) = reads.rows(Job, kind="noop")
        assert (job.payload, job.status.value) == ({}, "cancelled")
    with pytest.raises(Conflict, match="erased"):
        db.write(actor, lambda tx: undo(tx, resource, prospect, changed.seq))
    assert db.write(actor, lambda tx: is_suppressed(tx, EMAIL))
    # Another organization knows her still, and what is written of her from now on is readable.
    assert changes_of(db, theirs)[0].changes["first_name"] == [None, "Ada"]  # type: ignore[index]
    db.write(actor, lambda tx: tx.update(Prospect, prospect, {"notes": "new"}))
    assert changes_of(db, prospect)[-1].changes == {"notes": [None, "new"]}
    assert find_person(db, EMAIL, actor.organization_id).count == 0
    assert EMAIL not in (tmp_path / "erasures.jsonl").read_text()
    assert EMAIL not in stored(db, "erasures")


def test_an_erasure_that_was_stopped_is_gone_on_with(
    db: Database, actor: Actor, prospect: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = find_person(db, EMAIL)
    monkeypatch.setattr(privacy, "CHUNK", 1)

    def stop(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        erase(db, person, progress=stop)
    erase(db, find_person(db, EMAIL))
    with db.read(actor) as reads:
        assert reads.get(Prospect, prospect).email is None
        assert {row.content for row in reads.rows(Message)} <= {"", "[erased]"}
    assert not [secret for secret in SECRETS if secret in stored(db, "messages")]


def test_what_is_held_is_not_erased(db: Database, actor: Actor, prospect: UUID) -> None:
    with db.read(actor) as reads:
        (message,) = reads.rows(Message)
    hold = db.write(actor, lambda tx: add_hold(tx, reason="Case 1", entity="messages", entity_id=message.id))
    with pytest.raises(Held, match="Case 1"):
        erase(db, find_person(db, EMAIL))
    with db.read(actor) as reads:
        assert reads.get(Prospect, prospect).first_name == "Ada"
    db.write(actor, lambda tx: release_hold(tx, id=hold))
    erase(db, find_person(db, EMAIL))


def test_a_user_who_is_erased_has_no_account_any_more(db: Database, tenant: Tenant) -> None:
    person = find_person(db, "member@acme.example")
    done = erase(db, person)
    with db.read(system()) as reads:
        user = reads.find(User, tenant.member.id, trash=True, anywhere=True)
        assert user is not None
        assert (user.email, user.full_name) == (f"deleted+{user.id}", None)
        (membership,) = reads.rows(Membership, user_id=user.id, anywhere=True)
        assert membership.status.value == "disabled"
        made = next(row for row in read_changes(reads, BEGINNING, 1_000).changes if row.entity_id == user.id)
        assert (made.changes or {})["email"] == ["[erased]", "[erased]"]
    assert done.id
    assert find_person(db, "member@acme.example").count == 0


def test_who_acted_is_forgotten_with_the_user_and_the_log_stays_provable(
    db: Database, tenant: Tenant, tmp_path: Path
) -> None:
    place = {"ip": "192.0.2.17", "user_agent": "Mozilla/5.0 (Tests)"}
    secrets = ["member@acme.example", "member of acme", *map(str.lower, place.values())]
    member = replace(tenant.member, **place)
    brand = db.write(member, lambda tx: tx.insert(Brand, name="Theirs"))
    db.write(member, lambda tx: tx.record("looked", "requests", None))
    db.write(replace(tenant.admin, **place), lambda tx: tx.update(Brand, brand, {"name": "Ours"}))
    db.write(replace(system("growbase"), ip="192.0.2.99"), lambda tx: tx.record("looked", "requests", None))
    anonymous = Actor(ActorKind.SYSTEM, "anonymous", **place)
    tried = partial(record_failed_login, user_id=member.id, max_failures=9, lock_for=timedelta(minutes=15))
    db.write(anonymous, tried)
    seal_log(db)
    assert not [secret for secret in secrets if secret in stored(db)]
    by_address = newest_entries(db, Filter(actor="Member@Acme.Example"), 10)
    assert {(row["actor_label"], row["ip"]) for row in by_address} == {("member@acme.example", "192.0.2.17")}
    assert [row["ip"] for row in exported(db, "member@acme.example")["changes"] if row["action"] == "looked"] == [
        "192.0.2.17"
    ]
    erase(db, find_person(db, "member@acme.example"), folder=tmp_path)
    with db.read(system()) as reads:
        assert reads.find(SubjectKey, tenant.member.id) is None
    seal_log(db)
    assert verify(db).faults == []
    assert not [secret for secret in secrets if secret in stored(db)]
    mine = newest_entries(db, Filter(actor=str(tenant.member.id)), 10)
    assert len(mine) > len(by_address)
    assert {(row["actor_label"], row["ip"], row["user_agent"]) for row in mine} == {("[erased]", None, None)}
    assert newest_entries(db, Filter(actor="member@acme.example"), 10) == []
    with db.read(tenant.owner) as reads:
        last, first = history(reads, db.catalog.by_table["brands"], brand)
    assert (first["actor"]["label"], first["actor"]["id"]) == ("[erased]", str(tenant.member.id))
    assert first["changes"]["name"] == [None, "Theirs"]
    assert last["actor"]["label"] == "admin@acme.example"
    assert [row["ip"] for row in newest_entries(db, Filter(actor="growbase", action="looked"), 9)] == ["192.0.2.99"]


def test_a_restored_backup_forgets_again_who_acted(db: Database, tenant: Tenant, tmp_path: Path) -> None:
    brand = db.write(tenant.member, lambda tx: tx.insert(Brand, name="Theirs"))
    with db.read(system()) as reads:
        key, user = reads.rows(SubjectKey, id=tenant.member.id)[0], reads.rows(User, id=tenant.member.id)[0]
    erase(db, find_person(db, user.email), folder=tmp_path)
    resource = db.catalog.by_table["brands"]

    # As a backup from before has it: the account, its key, and no record of the erasure.
    def back(tx: Transaction) -> None:
        tx.execute("DELETE FROM erasures")
        tx.insert_facts(SubjectKey, [key.__dict__])
        values = (user.email, user.email_norm, str(user.id))
        signs = [mark(tx.engine)] * 2
        sets = f"email = {signs[0]}, email_norm = {signs[1]}, deleted_at = NULL, deletion_id = NULL"
        tx.execute(f"UPDATE users SET {sets} WHERE id = {signs[0]}", values)

    def label(reads: Reads) -> str:
        found: str = history(reads, resource, brand)[0]["actor"]["label"]
        return found

    db.write(system(), back)
    with db.read(tenant.owner) as reads:
        assert label(reads) == "member@acme.example"
    assert replay_erasures(db, tmp_path).again == 1
    with db.read(tenant.owner) as reads:
        assert label(reads) == "[erased]"
    assert replay_erasures(db, tmp_path).again == 0


def test_a_restored_backup_forgets_again_whom_it_remembers(
    db: Database, actor: Actor, prospect: UUID, tmp_path: Path
) -> None:
    erase(db, find_person(db, EMAIL, actor.organization_id), folder=tmp_path)
    assert replay_erasures(db, tmp_path).again == 0

    # As a backup from before has it: the row with its data, no record of the erasure, and a row that was purged since.
    def back(tx: Transaction) -> UUID:
        tx.change(tx.get(Prospect, prospect, lock=True), {"first_name": "Ada", "last_name": "Lovelace"})
        tx.execute("DELETE FROM erasures")
        return make_prospect(tx, email="ADA@example.com", first_name="Ada")

    again = db.write(actor, back)
    assert replay_erasures(db, tmp_path).again == 1
    with db.read(actor) as reads:
        assert [reads.get(Prospect, id).first_name for id in (prospect, again)] == [None, None]
    assert replay_erasures(db, tmp_path).again == 0


def test_a_hold_of_a_restored_backup_keeps_whom_it_holds_until_it_is_released(
    db: Database, actor: Actor, prospect: UUID, tmp_path: Path
) -> None:
    erase(db, find_person(db, EMAIL, actor.organization_id), folder=tmp_path)

    # As a backup from before has it, when there was a dispute.
    def back(tx: Transaction) -> UUID:
        tx.change(tx.get(Prospect, prospect, lock=True), {"first_name": "Ada"})
        tx.execute("DELETE FROM erasures")
        return add_hold(tx, reason="Case 1", entity="prospects", entity_id=prospect)

    hold = db.write(actor, back)
    assert (replay_erasures(db, tmp_path).again, replay_erasures(db, tmp_path).held) == (0, 1)
    with db.read(actor) as reads:
        assert reads.get(Prospect, prospect).first_name == "Ada"
    db.write(actor, lambda tx: release_hold(tx, id=hold))
    assert replay_erasures(db, tmp_path) == Replayed(again=1)
    with db.read(actor) as reads:
        assert reads.get(Prospect, prospect).first_name is None


def test_a_large_erasure_is_a_job_that_knows_the_person_by_ids_alone(
    db: Database, actor: Actor, prospect: UUID, tmp_path: Path
) -> None:
    id = db.write(actor, lambda tx: queue_erasure(tx, find_person(db, EMAIL, actor.organization_id)))
    with db.read(system()) as reads:
        job = reads.get(Job, id)
    assert EMAIL not in json.dumps(job.payload)
    erase_queued(db, system("job", actor.organization_id), job, folder=tmp_path)
    assert db.write(actor, lambda tx: is_suppressed(tx, EMAIL))
    assert find_person(db, EMAIL, actor.organization_id).count == 0


def test_the_commands_show_hand_out_and_erase(
    db: Database, actor: Actor, prospect: UUID, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROWBASE_DATA_DIR", str(data))
    monkeypatch.setenv("GROWBASE_DATABASE_URL", installed_url.replace("sqlite:///", "file:"))
    monkeypatch.setenv("GROWBASE_ENCRYPTION_KEYS", db.context.keyring.serialise())
    monkeypatch.setattr("growbase.ops.migrate.require_current", lambda _: None)

    def call(*words: str) -> str:
        done = CliRunner().invoke(app, ["privacy", *words, "--email", EMAIL, "--organization", "acme"])
        assert done.exit_code == 0, done.output
        return done.stdout

    def keep(tx: Transaction, key: str, **rest: object) -> UUID:
        row = {"original_filename": "a.txt", "mime_type": "text/plain", "size_bytes": 1, "sha256": "0" * 64}
        return tx.insert(Asset, storage_provider="local", storage_key=key, **row, **rest)

    shown, copy = (db.write(actor, lambda tx, id=id: keep(tx, str(id), subject_id=id)) for id in (prospect, None))
    assert "prospects" in call("export", "--output", "ada.zip")
    assert (tmp_path / "ada.zip").stat().st_mode & 0o077 == 0
    planned = call("erase")
    assert "Nothing was changed" in planned
    assert "said to show nobody" in planned
    assert str(copy) in planned
    assert str(shown) not in planned
    assert find_person(db, EMAIL).count > 0
    assert "Backups hold the data until 20" in call("erase", "--yes")
    assert (data / "erasures.jsonl").exists()
    assert find_person(db, EMAIL).count == 0


def test_a_row_that_comes_back_under_its_old_id_keeps_its_history(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=EMAIL, first_name="Ada"))

    def again(tx: Transaction) -> None:
        tx.remove(tx.get(Prospect, id, lock=True), action="purge")
        make_prospect(tx, id=id, email=EMAIL, first_name="Augusta")

    db.write(actor, again)
    assert [(change.changes or {})["first_name"] for change in changes_of(db, id)] == [
        [None, "Ada"],
        ["Ada", None],
        [None, "Augusta"],
    ]
