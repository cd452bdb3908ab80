"""What outreach asks a model in the background: scores of prospects.

Without a model a prospect is measured against the ideal customer, the seniority of a title and the signs of interest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.folding import fold
from growbase.core.generation import Ask, data_section, prompt_of
from growbase.core.outside import Outside
from growbase.core.reads import Reads
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_prospects import record_score
from growbase.domains.outreach.models import Icp, Prospect
from growbase.domains.outreach.models_messages import (
    Direction,
    Message,
)
from growbase.jobs.asking import answered, telling_failure
from growbase.jobs.queue import complete
from growbase.jobs.worker import Task

SCORE: Final = "score_prospect"
FACTS: Final = (
    *("job_title", "company_name", "company_industry", "company_size", "company_revenue", "company_location"),
    *("company_description", "notes", "stage", "source"),
)
"""What a prompt holds of a prospect: not the name, no address, no number."""
WEIGHTS: Final = {"budget": 20, "authority": 25, "need": 30, "timing": 15, "signals": 10}
"""How much of a hundred each part counts in the score."""
SHOWN_MESSAGES: Final = 10
EXCERPT: Final = 500

Points = Annotated[int, Field(ge=0, le=100)]
Sentence = Annotated[str, Field(max_length=2_000)]


class ProspectReading(BaseModel):
    """How promising a prospect is, part by part from 0 to 100, with a sentence on each."""

    budget: Points
    authority: Points
    need: Points
    timing: Points
    signals: Points
    reasoning: dict[str, Sentence] = {}
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.5

    def breakdown(self) -> dict[str, int]:
        """Return the parts alone."""
        return {name: getattr(self, name) for name in WEIGHTS}

    def score(self) -> int:
        """Return the weighted mean of the parts."""
        return round(sum(self.breakdown()[name] * weight for name, weight in WEIGHTS.items()) / 100)


# -- scores -----------------------------------------------------------------------------------------------------------

SCORER: Final = (
    "You qualify prospects of a sales team by budget, authority, need, timing and signals of interest, each from 0 to "
    "100, 50 where nothing is known. Measure against the ideal customer if there is one. Give a sentence on each."
)
SENIORITY: Final[tuple[tuple[int, frozenset[str]], ...]] = (
    (95, frozenset(("chief", "ceo", "cto", "cmo", "cfo", "coo", "cro", "founder", "cofounder", "owner", "president"))),
    (80, frozenset(("vp", "vice", "partner", "director", "managing"))),
    (65, frozenset(("head", "lead", "principal"))),
    (55, frozenset(("manager", "senior"))),
    (20, frozenset(("intern", "trainee", "student", "assistant", "junior"))),
)
"""What words of a title say of who decides; the first that fits counts."""
REVENUE: Final = {"under_1m": 25, "one_to_ten_m": 45, "ten_to_fifty_m": 65, "fifty_to_hundred_m": 80, "over_100m": 90}
SIZE: Final = {"startup": 35, "small": 45, "medium": 60, "large": 75, "enterprise": 85}
STAGES: Final = {"new": 40, "contacted": 50, "meeting": 75, "negotiation": 90, "won": 100, "lost": 10}
UNKNOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What is known of a prospect when it is scored."""

    prospect: Prospect
    icp: Icp | None
    messages: Sequence[Message]

    @classmethod
    def read(cls, reads: Reads, prospect: Prospect) -> "Acquaintance":
        """Read it, the newest messages first."""
        icp = reads.find(Icp, prospect.icp_id) if prospect.icp_id else None
        rows = reads.rows(Message, prospect_id=prospect.id, order="-created_at, -id", limit=SHOWN_MESSAGES)
        return cls(prospect, icp, rows)

    def sections(self) -> list[str]:
        """Return it as the sections of a prompt."""
        found = [data_section("prospect", {name: getattr(self.prospect, name) for name in FACTS})]
        if self.icp is not None:
            icp = {"name": self.icp.name, "description": self.icp.description, "criteria": self.icp.criteria}
            found.append(data_section("ideal customer", icp))
        seen = [
            {
                "direction": row.direction.value,
                "opened": row.open_count,
                "clicked": row.click_count,
                "replied": row.replied_at is not None,
                "text": row.content[:EXCERPT] if row.direction is Direction.INBOUND else None,
            }
            for row in self.messages
        ]
        return [*found, data_section("messages", {"newest_first": seen})]


def score_prospect(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Score a prospect and copy the score to it, in the unit that ends the job."""
    prospect_id = UUID(str(job.payload["prospect_id"]))
    with telling_failure(database, actor, job, lambda _tx, _reason: None):
        with database.read(actor) as reads:
            prospect = reads.find(Prospect, prospect_id)
            if prospect is None:
                return
            known = Acquaintance.read(reads, prospect)
        prompt = prompt_of("Qualify this prospect.", *known.sections())
        rules = partial(_score_by_rules, known)
        answer = answered(outside, Ask(SCORE, SCORER, prompt, ProspectReading, rules, temperature=0.2))
        found = answer.value

        def keep(tx: Transaction) -> None:
            about = {"breakdown": found.breakdown(), "reasoning": found.reasoning, "confidence": found.confidence}
            if tx.find(Prospect, prospect_id, lock=True) is not None:
                score = found.score()
                record_score(tx, prospect_id=prospect_id, score=score, job_id=job.id, **about, **answer.provenance())
            complete(tx, job)

        database.write(actor, keep)


def _score_by_rules(known: Acquaintance) -> ProspectReading:
    prospect = known.prospect
    authority, title = _authority(prospect.job_title)
    matched, missed = _criteria(known)
    measured = len(matched) + len(missed)
    need = round(20 + 75 * len(matched) / measured) if measured else UNKNOWN
    money = [REVENUE[prospect.company_revenue]] if prospect.company_revenue else []
    money += [SIZE[prospect.company_size]] if prospect.company_size else []
    signals, signs = _signals(known.messages)
    timing = STAGES[prospect.stage.value]
    facts = (prospect.job_title, money, measured, known.messages)
    return ProspectReading(
        budget=round(sum(money) / len(money)) if money else UNKNOWN,
        authority=authority,
        need=need,
        timing=timing,
        signals=signals,
        reasoning={
            "budget": "Told by the size and revenue of the company."
            if money
            else "Nothing is known of the company's size.",
            "authority": title,
            "need": f"Fits in {', '.join(matched) or 'nothing'}; differs in {', '.join(missed) or 'nothing'}."
            if measured
            else "There is no ideal customer to measure against.",
            "timing": f"The prospect is at the stage {prospect.stage.value}.",
            "signals": signs,
        },
        confidence=0.2 + 0.15 * sum(map(bool, facts)),
    )


def _authority(title: str | None) -> tuple[int, str]:
    words = set(fold(title or "").replace("-", "").replace("/", " ").replace(",", " ").split())
    for points, known in SENIORITY:
        found = sorted(words & known)
        if found:
            return points, f"The title has the word {found[0]}."
    return (45, "The title names no rank.") if words else (UNKNOWN, "There is no title.")


def _criteria(known: Acquaintance) -> tuple[list[str], list[str]]:
    """Return which criteria of the ideal customer a prospect meets and which it misses; what is unknown is neither."""
    prospect = known.prospect
    criteria: Mapping[str, Any] = known.icp.criteria if known.icp else {}
    about = " ".join(filter(None, (prospect.company_description, prospect.notes, prospect.company_industry)))
    facts = {
        "industries": prospect.company_industry,
        "company_sizes": prospect.company_size and prospect.company_size.value,
        "revenue": prospect.company_revenue and prospect.company_revenue.value,
        "locations": prospect.company_location,
        "job_titles": prospect.job_title,
        "keywords": about,
        "technologies": about,
    }
    exact = {"company_sizes", "revenue"}
    matched: list[str] = []
    missed: list[str] = []
    for name, fact in facts.items():
        wanted = [fold(str(item)) for item in criteria.get(name) or ()]
        if not wanted or not fact:
            continue
        is_met = fold(fact) in wanted if name in exact else any(item in fold(fact) for item in wanted)
        (matched if is_met else missed).append(name.replace("_", " "))
    return matched, missed


def _signals(messages: Sequence[Message]) -> tuple[int, str]:
    if any(row.replied_at or row.direction is Direction.INBOUND for row in messages):
        return 90, "The prospect has replied."
    if any(row.click_count for row in messages):
        return 70, "The prospect has clicked a link."
    if any(row.open_count for row in messages):
        return 55, "The prospect has opened a message."
    return (30, "Nothing has come back yet.") if messages else (40, "Nobody has written yet.")


TASKS: Final[dict[str, Task]] = {SCORE: score_prospect}
