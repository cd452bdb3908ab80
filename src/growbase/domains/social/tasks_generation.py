"""What social asks a model in the background: strategies, and the reports of weeks.

Without a model a strategy follows from what the organization has written of itself. The figures of a report are always
counted here: a model only tells what they mean.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.generation import Ask, data_section, prompt_of
from growbase.core.outside import Outside
from growbase.core.reads import Reads, Where
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.identity.queries import list_organizations
from growbase.domains.marketing.background import BRAND, keywords
from growbase.domains.marketing.models import Brand, Campaign, CampaignStatus
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.social.actions_strategies import fail_strategy, fill_strategy
from growbase.domains.social.actions_summaries import (
    ENGAGED,
    WEEK,
    fail_summary,
    fill_summary,
    generate_summary,
    last_monday,
)
from growbase.domains.social.models import (
    AiStrategy,
    BrandRule,
    ContentPiece,
    ContentPillar,
    Founder,
    StrategyStatus,
    SummaryStatus,
    WeeklySummary,
)
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.queries import latest_snapshots
from growbase.jobs.asking import answered, is_abandoned, telling_failure
from growbase.jobs.queue import complete
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

STRATEGY: Final = "generate_strategy"
SUMMARY: Final = "weekly_summary"
RULES: Final = ("tone", "voice", "allowed_phrases", "forbidden_phrases", "claims_to_avoid", "compliance_notes")
ABANDONED: Final = timedelta(minutes=10)
BROKEN_OFF: Final = "The work on it was broken off: ask for it again."
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKS: Final = 4
"""Weeks that a calendar without a model plans."""
SHOWN_POSTS: Final = 50
EXCERPT: Final = 200

Line = Annotated[str, Field(min_length=1, max_length=300)]
Paragraph = Annotated[str, Field(min_length=1, max_length=5_000)]


class Positioning(BaseModel):
    """What the organization stands for, and why anybody should believe it."""

    statement: Paragraph
    promise: Paragraph | None = None
    proof: list[Line] = []


class Segment(BaseModel):
    """People to speak to."""

    name: Line
    description: Paragraph | None = None
    needs: list[Line] = []


class Pillar(BaseModel):
    """A theme to return to."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Paragraph | None = None


class Channel(BaseModel):
    """What one platform is used for."""

    role: Line
    formats: list[Line] = []
    posts_per_week: Annotated[int, Field(ge=0, le=100)] = 3


class CadencePlan(BaseModel):
    """How often something is said, and on which days."""

    posts_per_week: Annotated[int, Field(ge=0, le=700)]
    days: list[Line] = []


class CalendarEntry(BaseModel):
    """One planned piece."""

    week: Annotated[int, Field(ge=1, le=52)]
    day: Line
    platform: Line
    pillar: Line
    idea: Paragraph


class Strategy(BaseModel):
    """A strategy for some weeks."""

    positioning: Positioning
    audience_segments: Annotated[list[Segment], Field(min_length=1, max_length=10)]
    content_pillars: Annotated[list[Pillar], Field(min_length=1, max_length=10)]
    channel_plan: dict[str, Channel]
    cadence: CadencePlan
    calendar_skeleton: Annotated[list[CalendarEntry], Field(max_length=200)]
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


class WeekStory(BaseModel):
    """What the figures of a week mean."""

    story: Annotated[str, Field(min_length=1, max_length=20_000)]
    key_insights: Annotated[list[Line], Field(max_length=10)]
    recommendations: Annotated[list[Line], Field(max_length=10)]


# -- strategies -------------------------------------------------------------------------------------------------------

STRATEGIST: Final = (
    "You plan what an organization says on social platforms in the next four weeks. Plan for the platforms it is on, "
    "keep existing pillars that still fit, follow its rules, and invent no fact. Write in the language of its texts."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What an organization has written of itself."""

    brands: Sequence[Brand]
    campaigns: Sequence[Campaign]
    pillars: Sequence[ContentPillar]
    founders: Sequence[Founder]
    rules: BrandRule | None
    platforms: Sequence[str]

    @classmethod
    def read(cls, reads: Reads) -> "Standing":
        """Read it, the oldest rows first."""
        accounts = reads.rows(SocialAccount, status=AccountStatus.ACTIVE, order="created_at, id")
        return cls(
            brands=reads.rows(Brand, order="created_at, id", limit=5),
            campaigns=reads.rows(Campaign, status=CampaignStatus.ACTIVE, order="created_at, id", limit=10),
            pillars=reads.rows(ContentPillar, is_active=True, order="sort_order, id", limit=10),
            founders=reads.rows(Founder, order="name, id", limit=5),
            rules=reads.find(BrandRule, brand_id=None),
            platforms=list(dict.fromkeys(account.platform.value for account in accounts)),
        )

    def sections(self) -> list[str]:
        """Return it as the sections of a prompt."""
        rows: list[tuple[str, Sequence[object], tuple[str, ...]]] = [
            ("brand", self.brands, BRAND),
            ("active campaign", self.campaigns, ("name", "purpose", "target_audience", "goals")),
            ("existing pillar", self.pillars, ("name", "description")),
            ("founder", self.founders, ("name", "role", "bio")),
            ("rules", [self.rules] if self.rules else [], RULES),
        ]
        found = [data_section(name, {key: getattr(row, key) for key in keys}) for name, of, keys in rows for row in of]
        return [*found, data_section("platforms", {"platforms": self.platforms})]


def generate_strategy(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Write the strategy whose row is waiting for it; one that fails costs the plan nothing."""
    strategy_id = UUID(str(job.payload["strategy_id"]))
    notes = job.payload.get("notes")
    with telling_failure(database, actor, job, partial(_fail_strategy, id=strategy_id)):
        with database.read(actor) as reads:
            if reads.get(AiStrategy, strategy_id).status is not StrategyStatus.GENERATING:
                return
            standing = Standing.read(reads)
        wishes = data_section("wishes of the person who asks", {"notes": notes}) if notes else ""
        prompt = prompt_of("Write a strategy.", *standing.sections(), wishes)
        answer = answered(outside, Ask(STRATEGY, STRATEGIST, prompt, Strategy, partial(_plan_by_rules, standing)))
        parts = answer.value.model_dump(exclude_none=True) | answer.provenance()

        def keep(tx: Transaction) -> None:
            fill_strategy(tx, id=strategy_id, generated_by=answer.model, **parts)
            complete(tx, job, {"strategy_id": str(strategy_id)})

        database.write(actor, keep)


def _fail_strategy(tx: Transaction, reason: str, *, id: UUID) -> None:
    found = tx.find(AiStrategy, id, lock=True)
    if found is not None and found.status is StrategyStatus.GENERATING:
        fail_strategy(tx, id=id, reason=reason)


def _plan_by_rules(standing: Standing) -> Strategy:
    brand = standing.brands[0] if standing.brands else None
    name = brand.name if brand else "We"
    said = (brand.mission or brand.description or brand.tagline) if brand else None
    said = said or (standing.campaigns[0].purpose if standing.campaigns else None)
    statement = f"{name}: {said.strip()}" if said else f"{name} speak plainly of what they make and for whom."
    pillars = _pillars(standing)
    platforms = list(standing.platforms) or ["linkedin"]
    per_week = 3
    days = [DAYS[0], DAYS[2], DAYS[4]]
    calendar = [
        CalendarEntry(week=week + 1, day=day, platform=platform, pillar=pillar.name, idea=f"{pillar.name}: {hint}")
        for week in range(WEEKS)
        for place, day in enumerate(days)
        for spot, platform in enumerate(platforms)
        for pillar, hint in [(pillars[(week * len(days) + place + spot) % len(pillars)], HINTS[(week + place) % 4])]
    ]
    channels = {
        platform: Channel(role="Reach and conversation", formats=["post"], posts_per_week=per_week)
        for platform in platforms
    }
    return Strategy(
        positioning=Positioning(
            statement=statement[:5_000],
            promise=brand.tagline if brand else None,
            proof=[value[:300] for value in (brand.brand_values or ()) if value] if brand else [],
        ),
        audience_segments=_segments(standing),
        content_pillars=pillars,
        channel_plan=channels,
        cadence=CadencePlan(posts_per_week=per_week * len(platforms), days=days),
        calendar_skeleton=calendar[:200],
    )


HINTS: Final = (
    "answer a question that customers ask",
    "show how it is made",
    "tell the story of one person",
    "share one thing you have learned",
)


def _pillars(standing: Standing) -> list[Pillar]:
    if standing.pillars:
        return [
            Pillar(name=row.name, description=row.description and row.description[:5_000]) for row in standing.pillars
        ]
    texts = [text for brand in standing.brands for text in (brand.description, brand.mission, brand.tagline) if text]
    texts += [campaign.purpose for campaign in standing.campaigns]
    words = [word.capitalize() for word in keywords("\n".join(texts), 4)]
    return [Pillar(name=word) for word in words] or [Pillar(name="Behind the scenes"), Pillar(name="Customer stories")]


def _segments(standing: Standing) -> list[Segment]:
    wanted = dict.fromkeys(row.target_audience.strip() for row in standing.campaigns if row.target_audience)
    found = [Segment(name=text[:300], description=text[:5_000]) for text in wanted if text][:10]
    return found or [Segment(name="People who know us already"), Segment(name="People with the problem we solve")]


# -- weeks ------------------------------------------------------------------------------------------------------------

REPORTER: Final = (
    "You tell a small team in Markdown what came of its social posts in a week: what worked, what did not, and what to "
    "do next week. The figures are shown above your text already: repeat only those that matter and change none."
)


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
    with telling_failure(database, actor, job, partial(_fail_summary, id=summary_id)):
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


def _fail_summary(tx: Transaction, reason: str, *, id: UUID) -> None:
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
    advice.append(f"Keep to {DAYS[best.published_at.weekday()].capitalize()} around {best.published_at:%H}:00.")
    parts = ["## What it means", "", *(f"- {_escaped(text)}" for text in insights), "", "## Next week", ""]
    story = "\n".join([*parts, *(f"- {_escaped(text)}" for text in advice)])
    return WeekStory(story=story, key_insights=insights, recommendations=advice)


# -- schedules --------------------------------------------------------------------------------------------------------


def due_summaries(database: Database) -> int:
    """Ask for the summary of the last week in organizations whose Monday has begun, once, if they have published then."""
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


def abandoned_generations(database: Database) -> int:
    """Fail strategies and summaries on which nobody works any more, and return how many."""
    silent = Where("updated_at", "<", clock.now() - ABANDONED)
    with database.read(system("sweep")) as reads:
        strategies = reads.rows(AiStrategy, silent, status=StrategyStatus.GENERATING, anywhere=True)
        summaries = reads.rows(WeeklySummary, silent, status=SummaryStatus.GENERATING, anywhere=True)
    units: list[tuple[UUID, UUID | None, Any]] = []
    units += [(row.organization_id, row.job_id, partial(_fail_strategy, id=row.id)) for row in strategies]
    units += [(row.organization_id, row.job_id, partial(_fail_summary, id=row.id)) for row in summaries]
    return sum(
        database.write(system("sweep", owner), partial(_fail_abandoned, job_id=job_id, fail=fail))
        for owner, job_id, fail in units
    )


def _fail_abandoned(tx: Transaction, *, job_id: UUID | None, fail: Any) -> bool:  # noqa: ANN401 -- a unit
    if not is_abandoned(tx, job_id):
        return False
    fail(tx, BROKEN_OFF)
    return True


TASKS: Final[dict[str, Task]] = {STRATEGY: generate_strategy, SUMMARY: weekly_summary}
SWEEPS: Final = (abandoned_generations,)
SCHEDULES: Final = (Schedule("social/due_summaries", due_summaries, every=timedelta(hours=1)),)
