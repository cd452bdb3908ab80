from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import InvalidQuery
from growbase.domains.identity.models import Organization
from growbase.domains.marketing import queries
from growbase.domains.marketing.actions_analytics import ingest_events
from tests.domains.marketing.factories import event, make_campaign

START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def campaign_id(db: Database, actor: Actor) -> UUID:
    """Give a campaign of an organization in Berlin."""
    db.write(actor, lambda tx: tx.update(Organization, actor.organization_id, {"timezone": "Europe/Berlin"}))
    return db.write(actor, make_campaign)


def record(db: Database, actor: Actor, *events: dict[str, Any]) -> None:
    db.write(actor, lambda tx: ingest_events(tx, events=[event(**item) for item in events], late_limit=None))


def series(db: Database, actor: Actor, **over: object) -> dict[str, Any]:
    with db.read(actor) as reads:
        return queries.campaign_series(reads, **{"start": START, "end": END, **over})


def test_days_weeks_and_months_are_the_organizations(db: Database, actor: Actor, campaign_id: UUID) -> None:
    record(
        db,
        actor,
        {"campaign_id": campaign_id, "occurred_at": "2026-03-01T22:59:00Z"},
        {"campaign_id": campaign_id, "occurred_at": "2026-03-01T23:01:00Z"},
        {"campaign_id": campaign_id, "occurred_at": "2026-03-10T12:00:00Z", "event_type": "click"},
        {"occurred_at": "2026-03-10T12:00:00Z", "event_type": "click"},
    )

    def counts(interval: str, **over: object) -> list[tuple[str, int]]:
        found = series(db, actor, campaign_id=campaign_id, interval=interval, group_by=(), **over)
        return [(row["at"], row["count"]) for row in found["series"]]

    assert counts("day") == [("2026-03-01", 1), ("2026-03-02", 1), ("2026-03-10", 1)]
    assert counts("week") == [("2026-02-23", 1), ("2026-03-02", 1), ("2026-03-09", 1)]
    assert counts("month") == [("2026-03-01", 3)]
    assert counts("day", event_types=["click"]) == [("2026-03-10", 1)]
    everything = series(db, actor)
    assert everything["timezone"] == "Europe/Berlin"
    assert [(row["event_type"], row["count"]) for row in everything["totals"]] == [("click", 2), ("impression", 2)]


def test_hours_and_sources_come_from_the_events_with_the_same_counts(
    db: Database, actor: Actor, campaign_id: UUID
) -> None:
    items = [
        {"campaign_id": campaign_id, "occurred_at": f"2026-03-0{day}T{hour:02}:{minute}:30Z", "source": source}
        for day, hour, minute, source in (
            (1, 9, "00", "web"),
            (1, 9, "59", "web"),
            (1, 10, "15", "app"),
            (2, 23, "05", None),
        )
    ]
    record(db, actor, *items)
    hours = series(db, actor, campaign_id=campaign_id, interval="hour", group_by=())
    assert [(row["at"], row["count"]) for row in hours["series"]] == [
        ("2026-03-01T10:00:00+01:00", 2),
        ("2026-03-01T11:00:00+01:00", 1),
        ("2026-03-03T00:00:00+01:00", 1),
    ]
    sources = series(db, actor, campaign_id=campaign_id, group_by=("source",))
    assert {row["source"]: row["count"] for row in sources["totals"]} == {None: 1, "app": 1, "web": 2}
    days = series(db, actor, campaign_id=campaign_id, group_by=())
    assert [row["count"] for row in days["series"]] == [3, 1]
    assert [row["at"] for row in sources["series"]] == ["2026-03-01", "2026-03-01", "2026-03-03"]


def test_money_in_two_currencies_is_not_added_up(db: Database, actor: Actor, campaign_id: UUID) -> None:
    paid = {"campaign_id": campaign_id, "event_type": "purchase", "value_minor": 100}
    record(
        db,
        actor,
        {**paid, "occurred_at": "2026-03-05T10:00:00Z", "currency": "EUR"},
        {**paid, "occurred_at": "2026-03-06T10:00:00Z", "currency": "USD"},
    )
    found = series(db, actor, campaign_id=campaign_id)
    assert [(row["value_minor"], row["currency"]) for row in found["series"]] == [(100, "EUR"), (100, "USD")]
    assert [(row["value_minor"], row["currency"]) for row in found["totals"]] == [(None, None)]


def test_a_funnel_counts_people_who_took_the_steps_in_order(db: Database, actor: Actor, campaign_id: UUID) -> None:
    walks = {
        "ann": ["impression", "click", "conversion"],
        "ben": ["impression", "click"],
        "cat": ["click", "impression"],
        "dan": ["impression", "conversion"],
        "eve": ["click", "impression", "click", "impression"],
    }
    items = [
        {
            "campaign_id": campaign_id,
            "event_type": kind,
            "subject_key": person,
            "occurred_at": (START + timedelta(hours=hour)).isoformat(),
        }
        for person, kinds in walks.items()
        for hour, kind in enumerate(kinds)
    ]
    record(db, actor, *items, {"campaign_id": campaign_id, "occurred_at": "2026-03-02T00:00:00Z"})
    with db.read(actor) as reads:
        found = queries.funnel(
            reads, campaign_id=campaign_id, steps=["impression", "click", "conversion"], start=START, end=END
        )
        people = queries.unique_subjects(reads, campaign_id=campaign_id, start=START, end=END)
    assert [step["subjects"] for step in found["steps"]] == [5, 3, 1]
    assert found["steps"][1]["of_previous"] == 0.6
    assert people == 5


def test_too_many_events_are_refused(
    db: Database, actor: Actor, campaign_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "EVENT_CAP", 2)
    record(db, actor, *[{"campaign_id": campaign_id, "occurred_at": "2026-03-02T00:00:00Z"}] * 3)
    with pytest.raises(InvalidQuery):
        series(db, actor, interval="hour")
    assert series(db, actor)["totals"][0]["count"] == 3


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"interval": "year"}, "interval"),
        ({"group_by": ("colour",)}, "group_by"),
        ({"end": START}, "to"),
        ({"event_types": ["stare"]}, "event_type"),
    ],
)
def test_a_wrong_question_is_named(db: Database, actor: Actor, over: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        series(db, actor, **over)
    assert refused.value.fields[0].field == field
