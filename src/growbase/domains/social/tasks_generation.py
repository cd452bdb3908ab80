"""What social asks a model in the background: strategies.

Without a model a strategy follows from what the organization has written of itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
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
from growbase.domains.marketing.background import BRAND, keywords
from growbase.domains.marketing.models import Brand, Campaign, CampaignStatus
from growbase.domains.social.actions_strategies import fail_strategy, fill_strategy
from growbase.domains.social.models import (
    AiStrategy,
    BrandRule,
    ContentPillar,
    Founder,
    StrategyStatus,
    SummaryStatus,
    WeeklySummary,
)
from growbase.domains.social.models_publishing import AccountStatus, SocialAccount
from growbase.domains.social.tasks_reports import fail_if_waiting
from growbase.jobs.asking import answered, is_abandoned, telling_failure
from growbase.jobs.queue import complete
from growbase.jobs.worker import Task

STRATEGY: Final = "generate_strategy"
RULES: Final = ("tone", "voice", "allowed_phrases", "forbidden_phrases", "claims_to_avoid", "compliance_notes")
ABANDONED: Final = timedelta(minutes=10)
BROKEN_OFF: Final = "The work on it was broken off: ask for it again."
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKS: Final = 4
"""Weeks that a calendar without a model plans."""

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


# -- schedules --------------------------------------------------------------------------------------------------------


def abandoned_generations(database: Database) -> int:
    """Fail strategies and summaries on which nobody works any more, and return how many."""
    silent = Where("updated_at", "<", clock.now() - ABANDONED)
    with database.read(system("sweep")) as reads:
        strategies = reads.rows(AiStrategy, silent, status=StrategyStatus.GENERATING, anywhere=True)
        summaries = reads.rows(WeeklySummary, silent, status=SummaryStatus.GENERATING, anywhere=True)
    units: list[tuple[UUID, UUID | None, Any]] = []
    units += [(row.organization_id, row.job_id, partial(_fail_strategy, id=row.id)) for row in strategies]
    units += [(row.organization_id, row.job_id, partial(fail_if_waiting, id=row.id)) for row in summaries]
    return sum(
        database.write(system("sweep", owner), partial(_fail_abandoned, job_id=job_id, fail=fail))
        for owner, job_id, fail in units
    )


def _fail_abandoned(tx: Transaction, *, job_id: UUID | None, fail: Any) -> bool:  # noqa: ANN401 -- a unit
    if not is_abandoned(tx, job_id):
        return False
    fail(tx, BROKEN_OFF)
    return True


TASKS: Final[dict[str, Task]] = {STRATEGY: generate_strategy}
SWEEPS: Final = (abandoned_generations,)
