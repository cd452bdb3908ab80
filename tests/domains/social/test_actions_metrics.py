from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Invalid, InvalidQuery
from growbase.domains.identity.models import Organization
from growbase.domains.social.actions_metrics import record_account_day, record_snapshot
from growbase.domains.social.actions_summaries import (
    accept_summary,
    fail_summary,
    fill_summary,
    generate_summary,
    last_monday,
    week_figures,
)
from growbase.domains.social.models import SummaryStatus, WeeklySummary
from growbase.domains.social.models_metrics import AccountMetricDaily, PostMetricSnapshot
from growbase.domains.social.models_publishing import ScheduledPost, SocialAccount
from growbase.domains.social.queries import social_metrics
from growbase.domains.social.tasks import thinned_snapshots
from tests.domains.social.factories import make_account, make_post, post_of, publish

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def post_id(db: Database, actor: Actor) -> UUID:
    return published(db, actor)


def published(db: Database, actor: Actor, **over: Any) -> UUID:  # noqa: ANN401 -- arguments of make_post
    id = db.write(actor, lambda tx: make_post(tx, **over))
    publish(db, actor, id)
    return id


def record(db: Database, actor: Actor, post_id: UUID, at: datetime, **metrics: int | None) -> None:
    db.write(actor, lambda tx: record_snapshot(tx, scheduled_post_id=post_id, metrics=metrics, collected_at=at))


def snapshots(db: Database, actor: Actor) -> list[PostMetricSnapshot]:
    with db.read(actor) as reads:
        return reads.rows(PostMetricSnapshot, order="bucket_at, id")


def metrics_of(db: Database, actor: Actor, start: datetime, end: datetime, *group_by: str) -> dict[str, Any]:
    with db.read(actor) as reads:
        return social_metrics(reads, start=start, end=end, group_by=group_by)


def totals(db: Database, actor: Actor, end: datetime = NOON + 30 * DAY) -> tuple[int | None, ...]:
    [found] = metrics_of(db, actor, NOON - 30 * DAY, end)["totals"]
    return found["posts"], found["impressions"], found["likes"], found["saves"]


def test_collecting_again_changes_no_totals(db: Database, actor: Actor, post_id: UUID) -> None:
    for _ in range(3):
        record(db, actor, post_id, NOON, impressions=100, likes=7)
    assert totals(db, actor) == (1, 100, 7, None)
    record(db, actor, post_id, NOON + timedelta(minutes=30), impressions=110, likes=7)
    record(db, actor, post_id, NOON + timedelta(minutes=20), impressions=105, likes=7)
    [row] = snapshots(db, actor)
    assert (row.impressions, row.bucket_at) == (110, NOON)
    record(db, actor, post_id, NOON + DAY, impressions=200, likes=0)
    assert totals(db, actor) == (1, 200, 0, None)


def test_what_is_not_reported_is_not_zero(db: Database, actor: Actor, post_id: UUID) -> None:
    record(db, actor, post_id, NOON, impressions=50, likes=5, clicks=0)
    [row] = snapshots(db, actor)
    assert (row.saves, row.clicks, row.engagement_rate, row.ctr) == (None, 0, 0.1, 0.0)
    record(db, actor, post_id, NOON + DAY, likes=5)
    assert snapshots(db, actor)[1].engagement_rate is None


def test_totals_are_the_newest_of_each_post_and_growth_is_what_came(db: Database, actor: Actor, post_id: UUID) -> None:
    other = published(db, actor)
    for place, (first, second) in enumerate([(10, 1), (30, 2), (25, 5)]):
        record(db, actor, post_id, NOON + place * DAY, impressions=first)
        record(db, actor, other, NOON + place * DAY, impressions=second, likes=place)
    found = metrics_of(db, actor, NOON + DAY, NOON + 9 * DAY, "day")
    assert [(row["posts"], row["impressions"], row["likes"], row["saves"]) for row in found["totals"]] == [
        (2, 30, 2, None)
    ]
    assert [(row["day"], row["impressions"], row["decreased"]) for row in found["growth"]] == [
        ("2026-03-11", 21, []),
        ("2026-03-12", -2, ["impressions"]),
    ]
    assert sum(row["impressions"] for row in found["growth"]) == 30 - 11
    assert totals(db, actor, end=NOON + DAY) == (2, 11, 0, None)


def test_figures_are_grouped_by_platform_account_piece_and_day(db: Database, actor: Actor, post_id: UUID) -> None:
    row = post_of(db, actor, post_id)
    other = published(db, actor, account_id=row.social_account_id)
    for id in (post_id, other):
        record(db, actor, id, NOON, impressions=10)
    span = (NOON - DAY, NOON + DAY)
    [found] = metrics_of(db, actor, *span, "account", "platform")["totals"]
    assert (found["social_account_id"], found["platform"], found["impressions"]) == (
        str(row.social_account_id),
        "mastodon",
        20,
    )
    pieces = metrics_of(db, actor, *span, "piece")["totals"]
    assert {found["content_piece_id"] for found in pieces} == {
        str(post_of(db, actor, id).content_piece_id) for id in (post_id, other)
    }
    with pytest.raises(InvalidQuery):
        metrics_of(db, actor, *span, "colour")


def test_a_day_is_one_of_the_organizations_time_zone(db: Database, actor: Actor, post_id: UUID) -> None:
    zone = {"timezone": "Pacific/Auckland"}
    db.write(actor, lambda tx: tx.update(Organization, actor.organization_id, zone))
    record(db, actor, post_id, NOON, impressions=10)
    found = metrics_of(db, actor, NOON - DAY, NOON + DAY, "day")
    assert (found["timezone"], [row["day"] for row in found["growth"]]) == ("Pacific/Auckland", ["2026-03-11"])


def test_old_hours_are_thinned_to_days_and_the_last_snapshot_stays(db: Database, actor: Actor, post_id: UUID) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    old, young = today - 9 * DAY, today - 3 * DAY
    for number, hour in enumerate((1, 5, 23)):
        for day in (old, young):
            record(db, actor, post_id, day + timedelta(hours=hour), impressions=number)
    lonely = published(db, actor)
    record(db, actor, lonely, old + timedelta(hours=1), impressions=4)
    assert thinned_snapshots(db) == 2
    kept = [(row.scheduled_post_id, row.bucket_at) for row in snapshots(db, actor)]
    assert sorted(kept, key=lambda item: item[1]) == [
        (lonely, old + timedelta(hours=1)),
        (post_id, old + timedelta(hours=23)),
        *((post_id, young + timedelta(hours=hour)) for hour in (1, 5, 23)),
    ]
    assert thinned_snapshots(db) == 0


def test_an_account_has_one_row_a_day_and_shows_the_newest(db: Database, actor: Actor) -> None:
    account_id = db.write(actor, make_account)

    def follow(at: datetime, followers: int) -> None:
        values: dict[str, Any] = {"day": at.date(), "followers": followers, "collected_at": at}
        db.write(actor, lambda tx: record_account_day(tx, social_account_id=account_id, **values))

    follow(NOON, 10)
    follow(NOON + timedelta(hours=2), 12)
    follow(NOON + timedelta(hours=1), 11)
    follow(NOON - DAY, 5)
    with db.read(actor) as reads:
        rows = [(row.day, row.followers) for row in reads.rows(AccountMetricDaily, order="day")]
        assert reads.get(SocialAccount, account_id).followers_count == 12
    assert rows == [(date(2026, 3, 9), 5), (date(2026, 3, 10), 12)]


# -- weekly summaries -------------------------------------------------------------------------------------------------


def summaries(db: Database, actor: Actor) -> Iterator[WeeklySummary]:
    with db.read(actor) as reads:
        yield from reads.rows(WeeklySummary, order="week_start")


def test_a_week_has_one_summary(db: Database, actor: Actor) -> None:
    first = db.write(actor, generate_summary)
    assert db.write(actor, generate_summary) == first
    [row] = summaries(db, actor)
    assert (row.week_start.weekday(), row.week_end - row.week_start) == (0, timedelta(days=6))
    assert row.week_end < datetime.now(UTC).date()
    for wrong in (row.week_start + DAY, row.week_start + 14 * DAY):
        with pytest.raises(Invalid):
            db.write(actor, lambda tx, wrong=wrong: generate_summary(tx, week_start=wrong))
    db.write(actor, lambda tx: fail_summary(tx, id=first, reason="No answer"))
    assert db.write(actor, generate_summary) == first
    db.write(actor, lambda tx: fill_summary(tx, id=first, report_md="# A week"))
    db.write(actor, lambda tx: accept_summary(tx, id=first))
    [row] = summaries(db, actor)
    assert (row.status, row.total_posts) == (SummaryStatus.ACCEPTED, 0)
    assert row.accepted_at is not None


def test_weeks_begin_on_the_organizations_monday(db: Database, actor: Actor) -> None:
    sunday_evening = datetime(2026, 3, 8, 20, tzinfo=UTC)
    for zone, expected in (("UTC", date(2026, 3, 2)), ("Asia/Tokyo", date(2026, 3, 9))):
        db.write(actor, lambda tx, zone=zone: tx.update(Organization, actor.organization_id, {"timezone": zone}))
        with db.read(actor) as reads:
            assert last_monday(reads, sunday_evening) == expected


def test_the_figures_of_a_week_are_those_of_its_posts(db: Database, actor: Actor) -> None:
    monday = date(2026, 3, 2)
    ids = [published(db, actor) for _ in range(4)]
    hours = (-1, 1, 24, 7 * 24 + 1)
    for id, hour in zip(ids, hours, strict=True):
        at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)
        db.write(actor, lambda tx, id=id, at=at: tx.update(ScheduledPost, id, {"published_at": at}))
    record(db, actor, ids[1], NOON, impressions=100, likes=10)
    record(db, actor, ids[2], NOON, impressions=100, likes=30)
    record(db, actor, ids[3], NOON, impressions=100, likes=90)
    with db.read(actor) as reads:
        found = week_figures(reads, monday)
    assert found == {"total_posts": 2, "avg_engagement": 0.2, "top_post_id": ids[2]}
