import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.errors import Invalid
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import Organization
from growbase.domains.marketing.actions_analytics import derived_key, ingest_events, prepare_events, rebuild_day
from growbase.domains.marketing.models import Campaign, Content, ContentVariant
from growbase.domains.marketing.models_analytics import AnalyticsDaily, AnalyticsEvent
from tests.domains.marketing.factories import event, make_campaign, make_content, make_variants
from tests.fixtures import Tenant


def sums(db: Database) -> list[tuple[Any, ...]]:
    found = db.query("SELECT event_type, currency, sum(count), sum(value_minor) FROM analytics_daily GROUP BY 1, 2")
    return sorted((kind, currency, int(count), int(value)) for kind, currency, count, value in found)


def test_a_batch_sent_twice_counts_once(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    batch = [event(content_id=content_id, event_type=kind) for kind in ("impression", "impression", "click")]
    assert db.write(actor, lambda tx: ingest_events(tx, events=batch)) == {"accepted": 3, "duplicates": 0}
    before = sums(db)
    assert db.write(actor, lambda tx: ingest_events(tx, events=batch)) == {"accepted": 0, "duplicates": 3}
    more = [*batch, event(content_id=content_id)]
    assert db.write(actor, lambda tx: ingest_events(tx, events=more)) == {"accepted": 1, "duplicates": 3}
    assert before == [("click", None, 1, 0), ("impression", None, 2, 0)]
    assert sums(db) == [("click", None, 1, 0), ("impression", None, 3, 0)]


def test_twins_inside_a_batch_count_once(db: Database, actor: Actor) -> None:
    twin = event()
    assert db.write(actor, lambda tx: ingest_events(tx, events=[twin, twin])) == {"accepted": 1, "duplicates": 1}


def test_the_same_events_sent_at_once_by_many_count_once(db: Database, actor: Actor) -> None:
    campaign_id = db.write(actor, make_campaign)
    batch = [event(campaign_id=campaign_id, subject_key=f"s{number}") for number in range(60)]
    reports: list[dict[str, Any]] = []

    def send(offset: int) -> None:
        part = [*batch[offset:], *batch[:offset]][:40]
        reports.append(db.write(actor, lambda tx: ingest_events(tx, events=part)))

    threads = [threading.Thread(target=send, args=(offset * 10,)) for offset in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report["accepted"] for report in reports) == 60
    assert sum(report["duplicates"] for report in reports) == 180
    assert sums(db) == [("impression", None, 60, 0)]
    assert db.query("SELECT count(*) FROM analytics_events") == [(60,)]


def test_another_organization_may_use_the_same_keys(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    batch = [event()]
    for who in (actor, other_tenant.owner):
        assert db.write(who, lambda tx: ingest_events(tx, events=batch))["accepted"] == 1


def test_an_event_without_key_gets_one_and_is_never_a_duplicate_unless_derived(db: Database, actor: Actor) -> None:
    raw = {"event_type": "view", "occurred_at": datetime.now(UTC).isoformat()}
    for _ in range(2):
        assert db.write(actor, lambda tx: ingest_events(tx, events=[raw]))["accepted"] == 1
    batch = prepare_events([raw, dict(reversed(raw.items()))], derive_keys=True)
    assert batch.events[0]["event_key"] == derived_key(raw)
    assert db.write(actor, lambda tx: ingest_events(tx, events=batch)) == {"accepted": 1, "duplicates": 1}


def test_references_are_completed_and_names_are_kept(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> tuple[UUID, UUID, UUID]:
        campaign_id = make_campaign(tx, name="Named")
        content_id = make_content(tx, campaign_id, title="Titled")
        make_variants(tx, content_id, 100)
        return campaign_id, content_id, tx.find(ContentVariant, content_id=content_id).id

    campaign_id, content_id, variant_id = db.write(actor, make)
    db.write(actor, lambda tx: ingest_events(tx, events=[event(variant_id=str(variant_id).upper())]))
    with db.read(actor) as reads:
        (found,) = reads.rows(AnalyticsEvent)
        (daily,) = reads.rows(AnalyticsDaily)
    assert (found.campaign_id, found.content_id, found.variant_id) == (campaign_id, content_id, variant_id)
    assert (found.campaign_label, found.content_label) == ("Named", "Titled")
    assert (daily.campaign_id, daily.variant_id, daily.count) == (campaign_id, variant_id, 1)


def test_events_of_a_trashed_campaign_still_count(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    with db.read(actor) as reads:
        campaign_id = reads.get(Content, content_id).campaign_id
    db.write(actor, lambda tx: trash(tx, Campaign, campaign_id))
    assert db.write(actor, lambda tx: ingest_events(tx, events=[event(content_id=content_id)]))["accepted"] == 1


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"campaign_id": str(new_id())}, "campaign_id", "foreign_key"),
        ({"journey_id": str(new_id())}, "journey_id", "foreign_key"),
        ({"content_id": str(new_id())}, "content_id", "foreign_key"),
        ({"variant_id": str(new_id())}, "variant_id", "foreign_key"),
        ({"event_type": "stare"}, "event_type", "choice"),
        ({"occurred_at": "yesterday"}, "occurred_at", "type"),
        ({"occurred_at": "2001-01-01T00:00:00Z"}, "occurred_at", "too_late"),
        ({"event_key": "a\0b"}, "event_key", "pattern"),
        ({"colour": "red"}, "colour", "unknown"),
    ],
)
def test_one_wrong_event_refuses_all_by_its_index_or_is_skipped(
    db: Database, actor: Actor, wrong: dict[str, str], field: str, code: str
) -> None:
    batch = [event(), event(**wrong), event()]
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: ingest_events(tx, events=batch))
    assert [(error.field, error.code) for error in refused.value.fields] == [(f"events.1.{field}", code)]
    assert sums(db) == []
    report = db.write(actor, lambda tx: ingest_events(tx, events=batch, on_error="skip"))
    assert (report["accepted"], report["duplicates"]) == (2, 0)
    assert [(error["field"], error["code"]) for error in report["errors"]] == [(f"events.1.{field}", code)]


def test_a_content_of_another_campaign_is_refused(db: Database, actor: Actor) -> None:
    campaign_id, content_id = db.write(actor, lambda tx: (make_campaign(tx), make_content(tx)))
    wrong = [event(campaign_id=campaign_id, content_id=content_id)]
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: ingest_events(tx, events=wrong))
    assert refused.value.fields[0].code == "mismatch"


def test_another_organizations_campaign_is_unknown(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    foreign = db.write(other_tenant.owner, make_campaign)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: ingest_events(tx, events=[event(campaign_id=foreign)]))


def test_an_event_of_the_future_is_moved_to_now_and_says_so(db: Database, actor: Actor) -> None:
    ahead = datetime.now(UTC) + timedelta(days=3)
    batch = [event(occurred_at=ahead.isoformat(), dims={"page": "/"})]
    db.write(actor, lambda tx: ingest_events(tx, events=batch))
    with db.read(actor) as reads:
        (found,) = reads.rows(AnalyticsEvent)
    assert found.occurred_at == found.received_at
    assert found.dims == {"page": "/", "clamped_from": ahead.isoformat().replace("+00:00", "Z")}


def test_old_events_can_be_imported_on_purpose(db: Database, actor: Actor) -> None:
    batch = [event(occurred_at="2001-01-01T00:00:00Z")]
    assert db.write(actor, lambda tx: ingest_events(tx, events=batch, late_limit=None))["accepted"] == 1


def test_earlier_spellings_of_an_event_are_understood(db: Database, actor: Actor) -> None:
    db.write(actor, lambda tx: ingest_events(tx, events=[event(event_type="CLICK")]))
    assert sums(db) == [("click", None, 1, 0)]


def test_text_survives_the_way_in(db: Database, actor: Actor) -> None:
    odd = 'a "b" \\ {c},\n\té NULL'
    batch = [event(event_key=odd, source=odd, dims={"x": odd, "n": None}, metrics={"y": [1.5, "z"]})]
    db.write(actor, lambda tx: ingest_events(tx, events=batch))
    with db.read(actor) as reads:
        (found,) = reads.rows(AnalyticsEvent)
    assert (found.event_key, found.source) == (odd, odd)
    assert (found.dims, found.metrics) == ({"x": odd, "n": None}, {"y": [1.5, "z"]})


def test_a_day_is_a_day_of_the_organizations_time_zone(db: Database, actor: Actor) -> None:
    db.write(actor, lambda tx: tx.update(Organization, actor.organization_id, {"timezone": "Asia/Kathmandu"}))
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    # Midnight in Kathmandu is 18:15 UTC.
    batch = [event(occurred_at=f"{yesterday}T18:{minute}:00Z") for minute in ("14", "15")]
    db.write(actor, lambda tx: ingest_events(tx, events=batch))
    with db.read(actor) as reads:
        days = [row.day for row in reads.rows(AnalyticsDaily, order="day")]
    assert days == [yesterday, yesterday + timedelta(days=1)]


def test_money_is_added_up_per_currency_and_a_reversal_takes_it_back(db: Database, actor: Actor) -> None:
    batch = [
        event(event_key="first", event_type="purchase", value_minor=500, currency="EUR"),
        event(event_type="purchase", value_minor=700, currency="EUR"),
        event(event_type="purchase", value_minor=900, currency="USD"),
    ]
    db.write(actor, lambda tx: ingest_events(tx, events=batch))
    back = event(event_type="purchase", value_minor=500, currency="EUR", reverses_key="first")
    db.write(actor, lambda tx: ingest_events(tx, events=[back]))
    expected = [("purchase", "EUR", 1, 700), ("purchase", "USD", 1, 900)]
    assert sums(db) == expected
    today = datetime.now(UTC).date()
    db.write(actor, lambda tx: rebuild_day(tx, day=today))
    assert sums(db) == expected


def test_rebuilding_a_day_repairs_it_and_makes_its_subjects_exact(db: Database, actor: Actor) -> None:
    campaign_id, content_id = db.write(actor, lambda tx: (make_campaign(tx), make_content(tx)))

    def batch() -> list[dict[str, Any]]:
        events = [event(campaign_id=campaign_id, subject_key=f"s{n}", value_minor=n, currency="EUR") for n in range(3)]
        return [*events, event(content_id=content_id, event_type="click"), event()]

    for _ in range(2):
        db.write(actor, lambda tx: ingest_events(tx, events=batch()))
    day = datetime.now(UTC).date()

    def rows() -> list[tuple[Any, ...]]:
        with db.read(actor) as reads:
            found = reads.rows(AnalyticsDaily, order="event_type")
        keys = ("day", "campaign_id", "content_id", "event_type", "currency", "count", "value_minor", "last_event_at")
        return sorted(tuple(str(getattr(row, key)) for key in keys) for row in found)

    before = rows()
    assert db.query("SELECT max(unique_subjects) FROM analytics_daily") == [(6,)]
    for _ in range(2):
        assert db.write(actor, lambda tx: rebuild_day(tx, day=day)) == 3
        assert rows() == before
    assert db.query("SELECT max(unique_subjects) FROM analytics_daily") == [(3,)]
    db.write(actor, lambda tx: tx.set_facts(AnalyticsDaily, {"campaign_id": campaign_id}, {"count": 99}))
    db.write(actor, lambda tx: rebuild_day(tx, day=day))
    assert rows() == before


def test_a_day_without_events_keeps_its_sums(db: Database, actor: Actor) -> None:
    assert db.write(actor, lambda tx: rebuild_day(tx, day=date(2020, 1, 1))) == 0


def test_sums_are_right_when_a_day_is_rebuilt_while_events_come_in(db: Database, actor: Actor) -> None:
    campaign_id = db.write(actor, make_campaign)
    day = datetime.now(UTC).date()

    def send() -> None:
        for _ in range(15):
            db.write(actor, lambda tx: ingest_events(tx, events=[event(campaign_id=campaign_id) for _ in range(4)]))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        db.write(actor, lambda tx: rebuild_day(tx, day=day))
    assert sums(db) == [("impression", None, 180, 0)]
