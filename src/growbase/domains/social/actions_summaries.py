"""Weekly summaries: asking for one, filling it in with the figures of its week, accepting it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict, Invalid
from growbase.core.facts import hold
from growbase.core.model import Root
from growbase.core.reads import Reads, Where
from growbase.core.transaction import Transaction
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.social.actions_strategies import QUEUE
from growbase.domains.social.models import SummaryStatus, WeeklySummary
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost
from growbase.domains.social.queries import latest_snapshots

WEEK = timedelta(days=7)
ENGAGED = ("likes", "comments", "shares", "saves", "clicks")


def generate_summary(tx: Transaction, *, week_start: date | None = None) -> UUID:
    """Ask for the summary of a week, the last whole one unless its Monday is given; a week has one summary.

    Asking again answers the same summary; one that failed is tried again. Raises Invalid.
    """
    monday = week_start or last_monday(tx, tx.now) - WEEK
    if monday.weekday() != 0:
        raise Invalid.at("week_start", "monday", "must be a Monday")
    if monday > last_monday(tx, tx.now):
        raise Invalid.at("week_start", "future", "must not be a week to come")
    hold(tx, "weekly summaries")
    known = tx.find(WeeklySummary, lock=True, week_start=monday)
    if known is not None and known.status is not SummaryStatus.FAILED:
        return known.id
    values: dict[str, object] = {"status": SummaryStatus.GENERATING, "error": None}
    identity = known.id if known else tx.insert(WeeklySummary, week_start=monday, week_end=monday + timedelta(days=6))
    key = f"{tx.actor.organization_id} {monday}"
    job_id = tx.enqueue("weekly_summary", {"summary_id": str(identity)}, queue=QUEUE, dedupe_key=key, max_attempts=2)
    tx.update(WeeklySummary, identity, {**values, "job_id": job_id})
    return identity


def fill_summary(tx: Transaction, *, id: UUID, report_md: str, **parts: Any) -> None:  # noqa: ANN401 -- columns
    """Put a model's report into a summary with the figures of its week as they are now. Raises Conflict."""
    summary = _generating(tx, id)
    values = {"report_md": report_md, **week_figures(tx, summary.week_start), **parts}
    tx.change(summary, {**values, "status": SummaryStatus.READY, "error": None}, action="transition")


def fail_summary(tx: Transaction, *, id: UUID, reason: str) -> None:
    """Note that a summary could not be written."""
    changes = {"status": SummaryStatus.FAILED, "error": reason[:2_000]}
    tx.change(_generating(tx, id), changes, action="transition")


def accept_summary(tx: Transaction, *, id: UUID) -> UUID:
    """Take a summary's advice."""
    tx.transition(WeeklySummary, id, SummaryStatus.ACCEPTED)
    return id


def dismiss_summary(tx: Transaction, *, id: UUID) -> UUID:
    """Put a summary aside."""
    tx.transition(WeeklySummary, id, SummaryStatus.DISMISSED)
    return id


def guard_summary(tx: Transaction, row: Root, to: SummaryStatus) -> dict[str, object]:
    """Record when a summary was accepted."""
    del row
    return {"accepted_at": tx.now} if to == SummaryStatus.ACCEPTED else {}


def last_monday(reads: Reads, now: datetime) -> date:
    """Return the Monday of the week it is now in the organization's time zone."""
    today = now.astimezone(organization_zone(reads)).date()
    return today - timedelta(days=today.weekday())


def week_figures(reads: Reads, monday: date) -> dict[str, object]:
    """Return how many posts were published in a week, their mean engagement rate and the most engaging one."""
    zone = organization_zone(reads)
    start, end = (datetime.combine(monday + days, time(), zone).astimezone(UTC) for days in (timedelta(), WEEK))
    in_week = Where("published_at", ">=", start), Where("published_at", "<", end)
    posts = reads.rows(ScheduledPost, *in_week, status=PostStatus.PUBLISHED, order="published_at, id")
    newest = latest_snapshots(reads, [post.id for post in posts])
    rates = [found.engagement_rate for found in newest.values() if found.engagement_rate is not None]
    engaged = {id: sum(getattr(found, name) or 0 for name in ENGAGED) for id, found in newest.items()}
    return {
        "total_posts": len(posts),
        "avg_engagement": sum(rates) / len(rates) if rates else None,
        "top_post_id": max(engaged, key=lambda id: (engaged[id], id)) if engaged else None,
    }


def _generating(tx: Transaction, id: UUID) -> WeeklySummary:
    summary = tx.get(WeeklySummary, id, lock=True)
    if summary.status is not SummaryStatus.GENERATING:
        raise Conflict("The summary is {status}: what it says is settled.", status=summary.status)
    return summary
