"""Keeping what platforms report of posts and accounts, and thinning it out when it grows old."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from growbase.core import clock
from growbase.core.facts import delete_facts
from growbase.core.model import Root
from growbase.core.statements import POSTGRESQL, mark
from growbase.core.transaction import Transaction
from growbase.domains.social.models_metrics import GAUGES, AccountMetricDaily, PostMetricSnapshot
from growbase.domains.social.models_publishing import ScheduledPost, SocialAccount

ENGAGED = ("likes", "comments", "shares", "saves", "clicks")
HOURLY = timedelta(days=7)
"""Snapshots this young are kept hour by hour; of older days the last one."""
LOOK_BACK = timedelta(days=60)
"""How far back thinning looks for days that are not thinned yet."""
CHUNK = 500


def record_snapshot(
    tx: Transaction,
    *,
    scheduled_post_id: UUID,
    metrics: Mapping[str, int | None],
    collected_at: datetime | None = None,
    bucket: Literal["hour", "day"] = "hour",
    followers_total: int | None = None,
    engagement_rate: float | None = None,
    ctr: float | None = None,
    raw: Mapping[str, Any] | None = None,
) -> None:
    """Keep a post's running totals for the hour or day they were collected in; collected again, the newer ones stay.

    ``metrics`` are the totals by name, those left out were not reported. Rates are worked out where none is given.
    """
    post = tx.get(ScheduledPost, scheduled_post_id)
    account = tx.find(SocialAccount, post.social_account_id, trash=True)
    assert account is not None
    at = collected_at or tx.now
    totals = {name: metrics.get(name) for name in GAUGES}
    values: dict[str, Any] = {
        "collected_at": at,
        **totals,
        "followers_total": followers_total,
        "engagement_rate": engagement_rate if engagement_rate is not None else _rate(totals, ENGAGED),
        "ctr": ctr if ctr is not None else _rate(totals, ("clicks",)),
        "raw": dict(raw) if raw is not None else None,
    }
    hour = at.replace(minute=0, second=0, microsecond=0)
    key = {"scheduled_post_id": post.id, "bucket_at": hour if bucket == "hour" else hour.replace(hour=0)}
    about = {
        "social_account_id": post.social_account_id,
        "content_piece_id": post.content_piece_id,
        "platform": account.platform,
    }
    _keep_newest(tx, PostMetricSnapshot, key, {**about, **values})


def record_account_day(
    tx: Transaction,
    *,
    social_account_id: UUID,
    day: date,
    followers: int | None = None,
    following: int | None = None,
    posts: int | None = None,
    collected_at: datetime | None = None,
) -> None:
    """Keep an account's totals of a day; collected again, the newer ones stay. The account shows the newest."""
    at = collected_at or tx.now
    account = tx.get(SocialAccount, social_account_id, lock=True)
    values = {"followers": followers, "following": following, "posts": posts, "collected_at": at}
    _keep_newest(tx, AccountMetricDaily, {"social_account_id": social_account_id, "day": day}, values)
    if account.last_sync_at is None or account.last_sync_at <= at:
        totals = {"followers_count": followers, "following_count": following, "posts_count": posts}
        known = {name: value for name, value in totals.items() if value is not None}
        tx.change(account, {**known, "last_sync_at": at})


def thin_snapshots(tx: Transaction) -> int:
    """Delete snapshots older than a week that a later one of the same post and UTC day replaces; 500 at most.

    The last snapshot of a post has no later one, so it is never deleted.
    """
    plan = tx.plan(PostMetricSnapshot)
    sign = mark(tx.engine)
    same_day = (
        "(later.bucket_at AT TIME ZONE 'UTC')::date = (t.bucket_at AT TIME ZONE 'UTC')::date"
        if tx.engine == POSTGRESQL
        else "substr(later.bucket_at, 1, 10) = substr(t.bucket_at, 1, 10)"
    )
    later = (
        "SELECT 1 FROM post_metric_snapshots later WHERE later.organization_id = t.organization_id "
        f"AND later.scheduled_post_id = t.scheduled_post_id AND later.bucket_at > t.bucket_at AND {same_day}"
    )
    terms, params = tx.scope_terms(plan, anywhere=False)
    terms += [f"t.bucket_at >= {sign}", f"t.bucket_at < {sign}", f"EXISTS ({later})"]
    bucket = plan.fields["bucket_at"]
    # Whole days only, or the last snapshot of a day would go before the day is over.
    end = (tx.now - HOURLY).replace(hour=0, minute=0, second=0, microsecond=0)
    params += [bucket.bound(end - LOOK_BACK), bucket.bound(end)]
    sql = f"SELECT t.id FROM post_metric_snapshots t WHERE {' AND '.join(terms)} LIMIT {CHUNK}"
    read = plan.fields["id"].read
    ids = [row[0] if read is None else read(row[0]) for row in tx.execute(sql, params).fetchall()]
    return delete_facts(tx, PostMetricSnapshot, {"id": ids}) if ids else 0


def _keep_newest(tx: Transaction, model: type[Root], key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Write a fact by its key, unless one that was collected later is there."""
    row = {"organization_id": tx.actor.organization_id, "id": clock.new_id(), **key, **values}
    tx.insert_facts(model, [row], ignore=True)
    found = tx.find(model, lock=True, **key)
    assert found is not None
    if found.__dict__["id"] != row["id"] and found.__dict__["collected_at"] <= values["collected_at"]:
        tx.set_facts(model, key, values)


def _rate(totals: Mapping[str, int | None], names: tuple[str, ...]) -> float | None:
    """Return the share of impressions that did something; None where the platform reports too little."""
    reported = [value for name in names if (value := totals[name]) is not None]
    impressions = totals["impressions"]
    return sum(reported) / impressions if reported and impressions else None
