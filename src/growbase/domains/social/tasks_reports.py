"""The reports of weeks: asked for on Mondays, their figures counted here, what they mean told by a model.

Without a model the report says what the figures say.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.generation import Ask, data_section, prompt_of
from growbase.core.outside import Outside
from growbase.core.reads import Reads, Where
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.identity.queries import list_organizations
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.social.actions_summaries import (
    ENGAGED,
    WEEK,
    fail_summary,
    fill_summary,
    generate_summary,
    last_monday,
)
from growbase.domains.social.models import (
    ContentPiece,
    SummaryStatus,
    WeeklySummary,
)
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost
from growbase.domains.social.queries import latest_snapshots
from growbase.jobs.asking import answered, telling_failure
from growbase.jobs.queue import complete
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

SUMMARY: Final = "weekly_summary"
SHOWN_POSTS: Final = 50
EXCERPT: Final = 200
REPORTER: Final = (
    "You tell a small team in Markdown what came of its social posts in a week: what worked, what did not, and what to "
    "do next week. The figures are shown above your text already: repeat only those that matter and change none."
)


DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Line = Annotated[str, Field(min_length=1, max_length=300)]


class WeekStory(BaseModel):
    """What the figures of a week mean."""

    story: Annotated[str, Field(min_length=1, max_length=20_000)]
    key_insights: Annotated[list[Line], Field(max_length=10)]
    recommendations: Annotated[list[Line], Field(max_length=10)]


@dataclass(frozen=True, slots=True)
class Posted:
    """A published post and what came of it; None where the platform reports nothing."""

    platform: str
    title: str
    published_at: datetime
    impressions: int | None
    engaged: int | None
    rate: float | None

    def facts(self) -> dict[str, object]:
        """Return it for a prompt."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}


@dataclass(frozen=True, slots=True)
class Week:
    """The posts of a week, and those of the week before to compare with."""

    monday: date
    posts: Sequence[Posted]
    before: Sequence[Posted]


def weekly_summary(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Write the report of a week from the figures of its posts."""
    summary_id = UUID(str(job.payload["summary_id"]))
    with telling_failure(database, actor, job, partial(fail_if_waiting, id=summary_id)):
        with database.read(actor) as reads:
            summary = reads.get(WeeklySummary, summary_id)
            if summary.status is not SummaryStatus.GENERATING:
                return
            monday = summary.week_start
            week = Week(monday, _posted(reads, monday), _posted(reads, monday - WEEK))
        figures = figures_of(week)
        facts = {"figures": figures, "posts": [post.facts() for post in week.posts[:SHOWN_POSTS]]}
        prompt = prompt_of("Tell what this week brought.", data_section("week", facts))
        rules = partial(_story_by_rules, week)
        answer = answered(outside, Ask(SUMMARY, REPORTER, prompt, WeekStory, rules, temperature=0.4))
        told = answer.value
        report = f"{figures}\n\n{told.story.strip()}"
        advice = {"key_insights": told.key_insights, "recommendations": told.recommendations}

        def keep(tx: Transaction) -> None:
            fill_summary(tx, id=summary_id, report_md=report, job_id=job.id, **advice, **answer.provenance())
            complete(tx, job, {"summary_id": str(summary_id)})

        database.write(actor, keep)


def fail_if_waiting(tx: Transaction, reason: str, *, id: UUID) -> None:
    """Note that a summary could not be written, if it is still waited for."""
    found = tx.find(WeeklySummary, id, lock=True)
    if found is not None and found.status is SummaryStatus.GENERATING:
        fail_summary(tx, id=id, reason=reason)


def _posted(reads: Reads, monday: date) -> list[Posted]:
    """Return the posts published in the week, the most engaging first."""
    zone = organization_zone(reads)
    start, end = (datetime.combine(monday + days, time(), zone).astimezone(UTC) for days in (timedelta(), WEEK))
    inside = Where("published_at", ">=", start), Where("published_at", "<", end)
    posts = reads.rows(ScheduledPost, *inside, status=PostStatus.PUBLISHED, order="published_at, id")
    if not posts:
        return []
    newest = latest_snapshots(reads, [post.id for post in posts])
    pieces = {row.id: row for row in reads.rows(ContentPiece, id=[post.content_piece_id for post in posts], trash=True)}
    found = []
    for post in posts:
        piece, shot = pieces[post.content_piece_id], newest.get(post.id)
        reported = [value for name in ENGAGED if shot and (value := getattr(shot, name)) is not None]
        assert post.published_at is not None
        found.append(
            Posted(
                platform=piece.platform.value,
                title=" ".join((piece.title or piece.body).split())[:EXCERPT],
                published_at=post.published_at.astimezone(zone),
                impressions=shot.impressions if shot else None,
                engaged=sum(reported) if reported else None,
                rate=shot.engagement_rate if shot else None,
            )
        )
    return sorted(found, key=lambda post: -(post.engaged or 0))


def figures_of(week: Week) -> str:
    """Return the figures of a week in Markdown: totals beside those of the week before, platforms, the best posts."""
    end = week.monday + timedelta(days=6)
    rows = [
        ("Posts", len(week.posts), len(week.before)),
        ("Impressions", _total(week.posts, "impressions"), _total(week.before, "impressions")),
        ("Engagements", _total(week.posts, "engaged"), _total(week.before, "engaged")),
    ]
    lines = [f"# Week of {week.monday} to {end}", "", "| | This week | Week before |", "|---|---:|---:|"]
    lines += [f"| {name} | {_shown(now)} | {_shown(then)} |" for name, now, then in rows]
    rates = [_percent(_mean(posts)) for posts in (week.posts, week.before)]
    lines.append(f"| Mean engagement rate | {rates[0]} | {rates[1]} |")
    if week.posts:
        platforms = Counter(post.platform for post in week.posts)
        lines += ["", "## Platforms", "", "| Platform | Posts | Impressions | Engagements |", "|---|---:|---:|---:|"]
        for platform, count in sorted(platforms.items()):
            own = [post for post in week.posts if post.platform == platform]
            shown = (_shown(_total(own, "impressions")), _shown(_total(own, "engaged")))
            lines.append(f"| {platform} | {count} | {shown[0]} | {shown[1]} |")
        lines += ["", "## Best posts", ""]
        lines += [
            f"{place}. {_escaped(post.title)} ({post.platform}, {post.published_at:%Y-%m-%d %H:%M}): "
            f"{_shown(post.engaged)} engagements"
            for place, post in enumerate(week.posts[:3], 1)
        ]
    return "\n".join(lines)


def _total(posts: Sequence[Posted], name: str) -> int | None:
    """Return a sum over what platforms report; None if none does, which is not zero."""
    reported = [value for post in posts if (value := getattr(post, name)) is not None]
    return sum(reported) if reported else None


def _mean(posts: Sequence[Posted]) -> float | None:
    rates = [post.rate for post in posts if post.rate is not None]
    return sum(rates) / len(rates) if rates else None


def _shown(value: int | None) -> str:
    return "not reported" if value is None else f"{value:,}"


def _percent(value: float | None) -> str:
    return "not reported" if value is None else f"{value:.1%}"


def _escaped(text: str) -> str:
    """Return what people wrote so that it stays text inside Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in text)


def _story_by_rules(week: Week) -> WeekStory:
    posts, before = len(week.posts), len(week.before)
    if not posts:
        return WeekStory(
            story="## What it means\n\nNothing was published this week.",
            key_insights=["Nothing was published."],
            recommendations=["Plan at least one post for each account next week."],
        )
    insights = [f"{posts} posts were published, {before} in the week before."]
    advice = []
    best = week.posts[0]
    if best.engaged:
        insights.append(
            f"The best post came on {best.platform}, on a {best.published_at:%A}: {best.engaged:,} engagements."[:300]
        )
        advice.append(f"Write again on the subject of the best post: {best.title}"[:300])
    now, then = _mean(week.posts), _mean(week.before)
    if now is not None and then is not None:
        word = "rose" if now > then else "fell" if now < then else "stayed"
        insights.append(f"The mean engagement rate {word}: {_percent(then)} before, {_percent(now)} this week.")
    silent = sum(post.engaged is None for post in week.posts)
    if silent:
        insights.append(f"Of {silent} posts the platform has reported no engagement yet.")
    if posts < before:
        advice.append(f"Publish as often as the week before: {before} posts.")
    advice.append(f"Keep to {DAYS[best.published_at.weekday()]} around {best.published_at:%H}:00.")
    parts = ["## What it means", "", *(f"- {_escaped(text)}" for text in insights), "", "## Next week", ""]
    story = "\n".join([*parts, *(f"- {_escaped(text)}" for text in advice)])
    return WeekStory(story=story, key_insights=insights, recommendations=advice)


def due_summaries(database: Database) -> int:
    """Ask once for the summary of the last week wherever Monday has begun and something was published."""
    with database.read(system("summaries")) as reads:
        found = list_organizations(reads)
    return sum(database.write(system("summaries", id), _ask_for_summary) for id in found)


def _ask_for_summary(tx: Transaction) -> bool:
    monday = last_monday(tx, tx.now) - WEEK
    # One that has failed is asked for again by a person only.
    if tx.find(WeeklySummary, week_start=monday) is not None or not _has_posts(tx, monday):
        return False
    generate_summary(tx, week_start=monday)
    return True


def _has_posts(reads: Reads, monday: date) -> bool:
    zone = organization_zone(reads)
    start, end = (datetime.combine(monday + days, time(), zone).astimezone(UTC) for days in (timedelta(), WEEK))
    inside = Where("published_at", ">=", start), Where("published_at", "<", end)
    return reads.find(ScheduledPost, None, *inside, status=PostStatus.PUBLISHED) is not None


TASKS: Final[dict[str, Task]] = {SUMMARY: weekly_summary}
SCHEDULES: Final = (Schedule("social/due_summaries", due_summaries, every=timedelta(hours=1)),)
