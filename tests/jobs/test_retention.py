"""What is past its time goes, once, in small units; what a hold or a reader needs stays, and the log stays provable."""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from growbase.cli.app import app
from growbase.core import clock, telemetry
from growbase.core.actor import Actor, ActorKind, system
from growbase.core.database import Database
from growbase.core.errors import Gone, Invalid, NotFound
from growbase.core.feed import BEGINNING, Position, newest, read_changes, require_kept
from growbase.core.holds import Held, add_hold, release_hold
from growbase.core.log import as_of, history
from growbase.core.model import View
from growbase.core.position import LOG_COLUMNS
from growbase.core.reads import Where
from growbase.core.seals import SPAN, seal_log
from growbase.core.subject_keys import open_changes
from growbase.core.tables import Change, Job, LogReader, RetentionRun, Seal, SubjectKey
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, trash
from growbase.domains.identity.models import User
from growbase.domains.marketing.actions_analytics import ingest_events, prepare_events, rebuild_day
from growbase.domains.marketing.models import Brand, Campaign, Content
from growbase.domains.marketing.models_analytics import AnalyticsEvent
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import Activity
from growbase.jobs import retention
from growbase.jobs.retention import KEPT, TakenOver, last_run, retain, rules
from growbase.jobs.retention_log import drop_span
from growbase.jobs.retention_plan import Planned, plan
from growbase.ops.audit import verify
from tests.domains.marketing.factories import event, make_brand, make_campaign, make_content
from tests.domains.outreach.factories import make_prospect
from tests.fixtures import Tenant
from tests.processes import start

ROOT = Path(__file__).parents[2]
NOW = {**KEPT, "trash_days": -1, "log_days": -1}
"""Everything is past its time."""


def old_jobs(db: Database, count: int, *, organization_id: UUID | None = None) -> None:
    past = clock.now() - timedelta(days=8)
    job = {"queue": "default", "kind": "noop", "payload": {}, "priority": 1, "status": "succeeded", "run_at": past}
    times = {"created_at": past, "finished_at": past, "organization_id": organization_id}
    rest = {"due": True, "attempts": 1, "progress": 100}
    rows = [{"id": clock.new_id(), **job, **times, **rest} for _ in range(count)]
    db.write(system(), lambda tx: tx.insert_facts(Job, rows))


def trashed(db: Database, actor: Actor, **over: object) -> UUID:
    def unit(tx: Transaction) -> UUID:
        id = make_brand(tx, **over)
        trash(tx, Brand, id)
        return id

    return db.write(actor, unit)


def planned(db: Database, name: str, days: dict[str, int] = NOW) -> Planned:
    return next(rule for rule in plan(db, days) if rule.name == name)


def jobs_left(db: Database) -> int:
    with db.read(system()) as reads:
        return reads.count(Job)


def test_every_rule_can_be_planned_and_carried_out_on_an_empty_database(db: Database) -> None:
    everything = {**NOW, "analytics_days": 1}
    names = {rule.name for rule in rules(db.catalog, everything)}
    assert {"sessions", "jobs", "ai_drafts", "webhook_events", "brands/trash", "analytics_events", "changes"} <= names
    assert "analytics_events" not in {rule.name for rule in rules(db.catalog)}
    assert "changes" not in {rule.name for rule in rules(db.catalog, {**KEPT, "log_days": 0})}
    assert all(not issubclass(rule.model, View) for rule in rules(db.catalog, everything))
    assert {rule.rows for rule in plan(db, everything)} == {0}
    run = retain(db, everything)
    assert (run.rows, run.error, run.finished_at is None) == (0, None, False)
    with pytest.raises(Invalid, match="sessions"):
        retain(db, table="nothing")


def test_a_plan_tells_what_a_run_then_does(db: Database, actor: Actor) -> None:
    old_jobs(db, 3)
    trashed(db, actor)
    found = planned(db, "jobs")
    assert (found.rows, found.days, found.does, found.held) == (3, 7, "delete", 0)
    assert found.oldest is not None
    assert found.oldest < clock.now() - timedelta(days=7)
    assert 3 * 50 < found.bytes < 3 * 1_000
    assert planned(db, "brands/trash").rows == 1
    assert planned(db, "brands/trash", {**KEPT}).rows == 0
    assert jobs_left(db) == 3
    run = retain(db, {**KEPT, "trash_days": -1})
    assert run.rules == {"jobs": 3, "brands/trash": 1}
    assert retain(db, NOW, table="jobs").rows == 0


def test_a_run_goes_in_small_units_and_shows_how_far_it_is(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    old_jobs(db, 5)
    seen: list[tuple[str, int]] = []
    retain(db, table="jobs", progress=lambda name, count: seen.append((name, count)))
    assert seen == [("jobs", 2), ("jobs", 4), ("jobs", 5)]
    retention.observe(db)
    body = telemetry.render_metrics()[0].decode()
    assert 'growbase_retention_rows{rule="jobs"} 5.0' in body
    assert "growbase_retention_last_run_timestamp_seconds 1." in body


def test_a_run_that_is_killed_is_gone_on_with_and_counts_each_row_once(db: Database, installed_url: str) -> None:
    old_jobs(db, 10)
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    process = start([sys.executable, "-m", "tests.jobs.retaining", installed_url, "3", "2"], env=env, cwd=ROOT)
    assert process.wait(60) == -signal.SIGKILL
    assert 0 < jobs_left(db) < 10
    killed = last_run(db)
    assert killed is not None
    assert (killed.finished_at, killed.rows) == (None, 10 - jobs_left(db))
    run = retain(db)
    assert (run.id, run.rows, run.error) == (killed.id, 10, None)
    assert jobs_left(db) == 0


def test_of_two_runs_the_later_one_goes_on_with_what_the_first_did(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    old_jobs(db, 6)
    inner: list[RetentionRun] = []

    def meanwhile(*_: object) -> None:
        if not inner:
            inner.append(retain(db, table="jobs"))

    outer = retain(db, table="jobs", progress=meanwhile)
    assert (outer.id, outer.rows, inner[0].rows, jobs_left(db)) == (inner[0].id, 6, 6, 0)
    old_jobs(db, 6)

    def overtake(*_: object) -> None:
        db.write(system(), lambda tx: tx.set_facts(RetentionRun, {"finished_at": None}, {"token": clock.new_id()}))

    with pytest.raises(TakenOver):
        retain(db, table="jobs", progress=overtake)
    assert jobs_left(db) == 4
    assert retain(db, table="jobs").rows == 6


def test_a_failure_is_told_of(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    old_jobs(db, 1)

    def broken(*_: object, **__: object) -> int:
        raise RuntimeError("no")

    monkeypatch.setattr(retention, "_batch", broken)
    with pytest.raises(RuntimeError):
        retain(db, table="jobs")
    run = last_run(db)
    assert run is not None
    assert (run.error, run.finished_at is None) == ("jobs: RuntimeError: no", False)


# -- legal holds ------------------------------------------------------------------------------------------------------


def test_a_held_row_is_neither_purged_nor_does_it_go_with_another(db: Database, actor: Actor, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> tuple[UUID, UUID]:
        campaign = make_campaign(tx)
        content = make_content(tx, campaign)
        trash(tx, Campaign, campaign)
        return campaign, content

    campaign, content = db.write(actor, unit)
    hold = db.write(actor, lambda tx: add_hold(tx, reason="Case 7", entity="contents", entity_id=content))
    for model, id in ((Content, content), (Campaign, campaign)):
        with pytest.raises(Held, match="Case 7"):
            db.write(actor, lambda tx, model=model, id=id: purge(tx, model, id, keep=True))
    assert planned(db, "contents/trash").held == 1
    assert "Case 7" in planned(db, "contents/trash").kept_by[0]
    run = retain(db, NOW)
    assert run.held == 1
    with db.read(actor) as reads:
        assert reads.get(Content, content, trash=True).purged_at is None
        assert reads.get(Campaign, campaign, trash=True).purged_at is None
    db.write(actor, lambda tx: release_hold(tx, id=hold))
    assert retain(db, NOW).held == 0
    with db.read(actor) as reads:
        assert reads.find(Content, content, trash=True) is None


def test_all_that_an_organization_has_can_be_held(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    assert actor.organization_id is not None
    for who in (actor, other_tenant.owner):
        old_jobs(db, 2, organization_id=who.organization_id)
        trashed(db, who)
    old_jobs(db, 1)
    db.write(actor, lambda tx: add_hold(tx, reason="All of it"))
    found = planned(db, "jobs")
    assert (found.rows, found.held) == (3, 2)
    assert retain(db, NOW).rules == {"jobs": 3, "brands/trash": 1}
    with db.read(actor) as reads:
        assert (reads.count(Job), reads.count(Brand, trash=True)) == (2, 1)


def test_only_what_the_organization_has_can_be_held(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    theirs = trashed(db, other_tenant.owner)
    for entity, id, error in (
        ("brands", theirs, NotFound),
        ("nothing", theirs, Invalid),
        ("users", actor.id, Invalid),
        ("campaign_summary", theirs, Invalid),
        ("brands", None, Invalid),
    ):
        wanted: dict[str, Any] = {"entity": entity, "entity_id": id}
        with pytest.raises(error):
            db.write(actor, lambda tx, wanted=wanted: add_hold(tx, reason="x", **wanted))
    assert retain(db, NOW).rules["brands/trash"] == 1


# -- the log ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged(db: Database, actor: Actor) -> list[UUID]:
    """Give brands whose changes are two sealed spans of the log, and one change that is not sealed."""
    named = [{"name": f"Brand {number}"} for number in range(SPAN + 20)]
    ids = db.write(actor, lambda tx: tx.insert_many(Brand, named))
    seal_log(db)
    db.write(actor, lambda tx: tx.update(Brand, ids[0], {"tagline": "new"}))
    return ids


def first(db: Database) -> Change:
    with db.read(system()) as reads:
        return reads.rows(Change, order="tx, seq", limit=1)[0]


def test_whole_sealed_spans_go_from_the_beginning_and_the_rest_is_proved(
    db: Database, actor: Actor, logged: list[UUID]
) -> None:
    with db.read(system()) as reads:
        before, sealed = reads.count(Change), sum(seal.row_count for seal in reads.rows(Seal))
    assert planned(db, "changes").rows == sealed
    run = retain(db, NOW, table="changes")
    assert run.rules == {"changes": sealed}
    with db.read(system()) as reads:
        assert reads.count(Change) == before - sealed == 1
    assert verify(db).faults == []
    db.write(actor, lambda tx: tx.update(Brand, logged[1], {"tagline": "newer"}))
    seal_log(db)
    assert verify(db).faults == []
    # All is sealed now; the newest entry stays, since a file counts on from it.
    assert retain(db, NOW, table="changes").rows == 0
    assert planned(db, "changes").kept_by == ["the newest entry, which stays"]


def test_what_came_from_another_region_goes_by_its_own_age(db: Database, actor: Actor, logged: list[UUID]) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    columns = ", ".join(name for name in LOG_COLUMNS if name not in {"tx", "occurred_at"})
    late = "'2999-01-01T00:00:00.000000Z'" + ("::timestamptz" if db.engine == "postgresql" else "")
    when = f"CASE WHEN seq < (SELECT min(seq) + 30 FROM changes) THEN occurred_at ELSE {late} END"
    arrival = (
        f"INSERT INTO changes (seq, tx, occurred_at, {columns}) "
        f"SELECT seq - 100000, seq - 100000, {when}, {columns} FROM changes "
        "WHERE entity = 'brands' ORDER BY seq LIMIT 50"
    )
    db.write(actor, lambda tx: tx.execute(arrival))
    with db.read(system()) as reads:
        early = reads.count(Change, Where("tx", "<", 0), Where("occurred_at", "<", tomorrow))
        sealed = sum(seal.row_count for seal in reads.rows(Seal))
    assert 0 < early < 50
    assert planned(db, "changes").rows == sealed + early
    retain(db, NOW, table="changes")
    with db.read(system()) as reads:
        assert reads.count(Change, Where("tx", "<", 0)) == 50 - early
        assert reads.count(Change, Where("tx", "<", 0), Where("occurred_at", "<", tomorrow)) == 0
    assert verify(db).faults == []


def test_the_key_of_a_person_goes_with_the_last_entry_about_them(db: Database, actor: Actor) -> None:
    def come(tx: Transaction, name: str) -> UUID:
        id = make_prospect(tx, email=f"{name}@example.com", first_name=name)
        tx.insert(Activity, prospect_id=id, type="note", title=f"Met {name}")
        return id

    def go(tx: Transaction, id: UUID) -> None:
        for row in tx.rows(Activity, prospect_id=id, lock=True):
            tx.remove(row, action="purge")
        tx.remove(tx.get(Prospect, id, lock=True), action="purge")

    names = ("gone", "stays", "back", "gone later", "trashed")
    people = {name: db.write(actor, lambda tx, name=name: come(tx, name.replace(" ", ""))) for name in names}
    for name in ("gone", "back", "gone later"):
        db.write(actor, lambda tx, name=name: go(tx, people[name]))
    db.write(actor, lambda tx: trash(tx, Prospect, people["trashed"]))
    for name in ("back", "gone later"):
        db.write(actor, lambda tx, name=name: make_prospect(tx, id=people[name], email=f"{name[0]}@b.example"))
    seal_log(db)
    db.write(actor, lambda tx: go(tx, people["gone later"]))
    assert keys_of(db, people) == {*names}
    retain(db, NOW, table="changes")
    assert keys_of(db, people) == {*names} - {"gone"}
    seal_log(db)
    db.write(actor, lambda tx: purge(tx, Prospect, people["trashed"], keep=True))
    db.write(actor, make_brand)
    retain(db, NOW, table="changes")
    assert keys_of(db, people) == {"stays", "back", "trashed"}
    seal_log(db)
    db.write(actor, make_brand)
    retain(db, NOW, table="changes")
    assert keys_of(db, people) == {"stays", "back"}
    assert verify(db).faults == []


def test_the_key_of_a_user_goes_with_the_last_entry_of_what_they_did(
    db: Database, actor: Actor, other_tenant: Tenant
) -> None:
    names = ("gone", "late", "elsewhere", "there")
    ids = {name: clock.new_id() for name in names}

    def act(name: str, organization_id: object = actor.organization_id) -> None:
        user = Actor(ActorKind.USER, name, id=ids[name], organization_id=organization_id)  # type: ignore[arg-type]
        db.write(user, lambda tx: tx.record("looked", "requests", None))

    for name in names:
        db.write(system(), lambda tx, name=name: tx.insert(User, id=ids[name], email=f"{name}@example.com"))  # type: ignore[misc]
        act(name)
    for name in names[:3]:
        db.write(system(), lambda tx, name=name: tx.remove(tx.get(User, ids[name], lock=True), action="purge"))  # type: ignore[misc]
    seal_log(db)
    act("late")
    act("elsewhere", other_tenant.organization_id)
    seal_log(db)
    db.write(actor, make_brand)
    # The first span goes alone: what users did late is in the second.
    with db.read(system()) as reads:
        young = reads.rows(Change, action="looked", order="-tx, -seq", limit=1)[0].occurred_at
    assert db.write(system(), lambda tx: drop_span(tx, before=young))
    assert keys_of(db, ids) == {"late", "elsewhere", "there"}
    with db.read(system()) as reads:
        left = open_changes(reads, reads.rows(Change, action="looked", order="tx, seq"))
    assert [row.actor_label for row in left] == ["late", "elsewhere"]
    retain(db, NOW, table="changes")
    assert keys_of(db, ids) == {"there"}
    assert verify(db).faults == []


def keys_of(db: Database, people: Mapping[str, UUID]) -> set[str]:
    with db.read(system()) as reads:
        found = {row.id for row in reads.rows(SubjectKey)}
    return {name for name, id in people.items() if id in found}


def test_what_a_reader_has_not_read_stays(db: Database, logged: list[UUID]) -> None:
    at = first(db)
    slow = {"name": "slow", "position_tx": at.tx, "position_seq": at.seq, "updated_at": clock.now()}
    db.write(system(), lambda tx: tx.insert_facts(LogReader, [slow]))
    assert planned(db, "changes").kept_by == ["the reader slow, which has not come further"]
    assert retain(db, NOW, table="changes").rows == 0
    with db.read(system()) as reads:
        end = newest(reads)
        require_kept(reads, Position(at.tx, at.seq))
    there = {"position_tx": end.tx, "position_seq": end.seq}
    db.write(system(), lambda tx: tx.set_facts(LogReader, {"name": "slow"}, there))
    assert retain(db, NOW, table="changes").rows > SPAN
    with db.read(system()) as reads:
        with pytest.raises(Gone):
            require_kept(reads, Position(at.tx, at.seq))
        assert len(read_changes(reads, BEGINNING, 10).changes) == 1


def test_what_tells_of_a_held_row_stays_in_the_log(db: Database, actor: Actor, logged: list[UUID]) -> None:
    hold = db.write(actor, lambda tx: add_hold(tx, reason="Case 8", entity="brands", entity_id=logged[-1]))
    with db.read(system()) as reads:
        spans = reads.rows(Seal, order="number")
    # The brand is told of in the second span.
    assert retain(db, NOW, table="changes").rows == spans[0].row_count
    assert "Case 8" in planned(db, "changes").kept_by[0]
    db.write(actor, lambda tx: release_hold(tx, id=hold))
    assert retain(db, NOW, table="changes").rows >= spans[1].row_count
    assert verify(db).faults == []


def test_history_beyond_the_log_is_gone_and_says_since_when_it_is_kept(
    db: Database, actor: Actor, logged: list[UUID]
) -> None:
    resource = db.catalog.by_table["brands"]
    with db.read(actor) as reads:
        made = reads.get(Brand, logged[5])
    retain(db, NOW, table="changes")
    kept = first(db).occurred_at
    with db.read(actor) as reads:
        for id in logged[:2]:
            with pytest.raises(Gone) as gone:
                as_of(reads, resource, id, made.created_at - timedelta(seconds=1))
            assert datetime.fromisoformat(str(gone.value.params["since"])) == kept
        with pytest.raises(Gone):
            history(reads, resource, logged[1])
        (change,) = history(reads, resource, logged[0])
        with pytest.raises(Gone):
            history(reads, resource, logged[0], before=change["seq"])
        assert as_of(reads, resource, logged[5], clock.now())["name"] == made.name
        with pytest.raises(NotFound):
            history(reads, resource, clock.new_id())


# -- analytics --------------------------------------------------------------------------------------------------------


def test_events_go_and_their_sums_are_not_made_anew_from_what_is_left(db: Database, actor: Actor) -> None:
    at = clock.now() - timedelta(days=40)
    events = prepare_events([event(occurred_at=at.replace(hour=hour).isoformat()) for hour in (2, 23)])
    db.write(actor, lambda tx: ingest_events(tx, events=events, late_limit=None))
    assert db.write(actor, lambda tx: rebuild_day(tx, day=at.date())) > 0
    days = (clock.now() - at.replace(hour=12, minute=0)).days + 1
    cut = {**KEPT, "analytics_days": days - 1}
    retain(db, cut, table="analytics_events")
    with db.read(actor) as reads:
        assert reads.count(AnalyticsEvent) < 2
    assert db.write(actor, lambda tx: rebuild_day(tx, day=at.date())) == 0


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_commands_plan_run_and_hold(
    db: Database, actor: Actor, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_jobs(db, 2)
    old_jobs(db, 1, organization_id=actor.organization_id)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROWBASE_DATABASE_URL", installed_url.replace("sqlite:///", "file:"))
    monkeypatch.setenv("GROWBASE_ENCRYPTION_KEYS", db.context.keyring.serialise())
    monkeypatch.setattr("growbase.ops.migrate.require_current", lambda _: None)
    call: Callable[..., Any] = lambda *words: CliRunner().invoke(app, words, catch_exceptions=False)  # noqa: E731
    assert call("hold", "add", "--reason", "Case 9").exit_code == 0
    (rule,) = json.loads(call("retention", "plan", "--resource", "jobs", "--json").stdout)
    assert (rule["rows"], rule["held"]) == (2, 1)
    assert "Case 9" in call("retention", "plan", "--resource", "jobs").stdout
    assert json.loads(call("retention", "run", "--resource", "jobs", "--json").stdout)["rows"] == 2
    (hold,) = json.loads(call("hold", "ls", "--json").stdout)
    assert call("hold", "release", hold["id"]).exit_code == 0
    assert call("hold", "ls", "--json").stdout.strip() == "[]"
    assert json.loads(call("retention", "run", "--resource", "jobs", "--json").stdout)["rows"] == 1
