"""What marketing reads with a model in the background: the briefs of campaigns, and files.

Without a model rules read: words are counted, sizes looked up.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.facts import hold
from growbase.core.generation import OFFLINE, Answered, Ask, data_section, prompt_of
from growbase.core.outside import Outside
from growbase.core.reads import Where
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions import ANALYSE_CAMPAIGN
from growbase.domains.marketing.actions_assets import ANALYSE_ASSET, analysis_key
from growbase.domains.marketing.background import Background, hashtag, keywords
from growbase.domains.marketing.models import Campaign, CampaignBrief
from growbase.domains.marketing.models_assets import AnalysisStatus, Asset
from growbase.jobs.asking import LIVE, answered, telling_failure
from growbase.jobs.errors import Permanent
from growbase.jobs.queue import complete
from growbase.jobs.worker import Task

ABANDONED: Final = timedelta(minutes=10)
TEXT_BYTES: Final = 1024 * 1024
"""Bytes that are read of a text file."""
TEXT_TYPES: Final = ("text/", "application/json", "application/xml", "image/svg+xml")
MOST_WORDS: Final = 8


Line = Annotated[str, Field(min_length=1, max_length=300)]
Paragraph = Annotated[str, Field(min_length=1, max_length=20_000)]


class BusinessContext(BaseModel):
    """What the business is, as far as the campaign matters."""

    offer: str | None = None
    audience: str | None = None
    objective: str | None = None
    tone: str | None = None


class CampaignReading(BaseModel):
    """What a campaign is about."""

    summary: Paragraph
    business_context: BusinessContext
    themes: Annotated[list[Line], Field(max_length=20)]
    tags: Annotated[list[Line], Field(max_length=20)]


class AssetReading(BaseModel):
    """What is in a file."""

    summary: Annotated[str, Field(max_length=20_000)]
    keywords: Annotated[list[Line], Field(max_length=20)] = []


# -- campaigns --------------------------------------------------------------------------------------------------------

ANALYST: Final = (
    "You read the brief of a marketing campaign. Say in a short paragraph what it is about, what the business offers "
    "and to whom, and suggest themes to write on and tags. Keep to the facts given, in the language of the texts."
)


def analyse_campaign(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Fill in what a model reads from a campaign's brief; a campaign without brief gets one."""
    campaign_id = UUID(str(job.payload["campaign_id"]))
    with telling_failure(database, actor, job, lambda _tx, _reason: None):
        with database.read(actor) as reads:
            background = Background.read(reads, campaign_id)
        prompt = prompt_of("Analyse this campaign.", *background.sections())
        rules = partial(_campaign_by_rules, background)
        answer = answered(outside, Ask(ANALYSE_CAMPAIGN, ANALYST, prompt, CampaignReading, rules, temperature=0.3))
        database.write(actor, partial(_keep_reading, campaign_id=campaign_id, job=job, answer=answer))


def _keep_reading(tx: Transaction, *, campaign_id: UUID, job: Job, answer: Answered[CampaignReading]) -> None:
    tx.get(Campaign, campaign_id, lock=True)
    found = answer.value
    values = {
        "ai_summary": found.summary,
        "business_context": {
            **found.business_context.model_dump(exclude_none=True),
            "provenance": _origin(answer, job),
        },
        "suggested_themes": found.themes,
        "suggested_tags": list(dict.fromkeys(filter(None, map(hashtag, found.tags)))),
    }
    brief = tx.find(CampaignBrief, campaign_id=campaign_id, lock=True)
    if brief is None:
        tx.insert(CampaignBrief, campaign_id=campaign_id, **values)
    else:
        tx.change(brief, values)
    complete(tx, job, {"campaign_id": str(campaign_id)})


def _origin(answer: Answered[Any], job: Job) -> dict[str, object]:
    """Return where an answer comes from, for rows without columns of their own for it."""
    return {name: value for name, value in answer.provenance().items() if value is not None} | {"job_id": str(job.id)}


def _campaign_by_rules(background: Background) -> CampaignReading:
    campaign, brief, brand = background.campaign, background.brief, background.brand
    audience = f" It speaks to {campaign.target_audience.rstrip('.')}." if campaign.target_audience else ""
    by = f" of {brand.name}" if brand else ""
    objective = brief.objective if brief else None
    goal = f" Its objective: {objective.rstrip('.')}." if objective else ""
    purpose = campaign.purpose.strip().rstrip(".")
    summary = f"{campaign.name} is a {campaign.campaign_type.value} campaign{by}: {purpose}.{audience}{goal}"
    words = keywords(background.text(), MOST_WORDS)
    context = BusinessContext(
        offer=(brief.business_description if brief else None) or (brand.description if brand else None),
        audience=campaign.target_audience,
        objective=objective,
        tone=(brief.brand_voice if brief else None) or (", ".join(brand.tone or ()) if brand else None),
    )
    themes = [word.capitalize() for word in words[:5]] or [campaign.name]
    return CampaignReading(summary=summary[:20_000], business_context=context, themes=themes, tags=words)


# -- files ------------------------------------------------------------------------------------------------------------

READER: Final = "You read a file of a marketing team. Say in a few sentences what is in it, and name its keywords."


def analyse_asset(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Read what is in a file: its text, a picture's facts, and of texts what a model makes of them.

    Nobody can say what a picture shows who sees its facts only, so of pictures no model is asked.
    """
    asset_id = UUID(str(job.payload["asset_id"]))
    with telling_failure(database, actor, job, partial(_fail_analysis, asset_id=asset_id)):
        asset = database.write(actor, partial(_begin_analysis, asset_id=asset_id))
        if asset is None:
            return
        text = _read_text(outside, asset)
        values: dict[str, object] = {"extracted_text": text, "image_analysis": picture_facts(asset)}
        results: dict[str, object] = {"format": asset.mime_type, "size_bytes": asset.size_bytes}
        if text:
            about = {"filename": asset.original_filename, "mime_type": asset.mime_type, "text": text}
            prompt = prompt_of("Read this file.", data_section("file", about))
            rules = partial(_text_by_rules, text)
            answer = answered(outside, Ask(ANALYSE_ASSET, READER, prompt, AssetReading, rules, temperature=0.2))
            results |= answer.value.model_dump() | {"provenance": _origin(answer, job)}
        else:
            results["provenance"] = {"model": OFFLINE, "job_id": str(job.id)}
        values["analysis_results"] = results
        database.write(actor, partial(_end_analysis, asset_id=asset_id, job=job, values=values))


def _begin_analysis(tx: Transaction, *, asset_id: UUID) -> Asset | None:
    """Return the file to read: the one that was named, or another with its bytes that waits; None if none does."""
    waiting = _waiting(tx, asset_id)
    found = next((row for row in waiting if row.id == asset_id), waiting[0] if waiting else None)
    if found is not None:
        tx.transition(Asset, found.id, AnalysisStatus.PROCESSING)
    return found


def _end_analysis(tx: Transaction, *, asset_id: UUID, job: Job, values: Mapping[str, object]) -> None:
    # Somebody may have put it in the trash, or have done without an analysis.
    for row in _waiting(tx, asset_id):
        tx.change(row, {**values, "analysis_status": AnalysisStatus.COMPLETED}, action="transition")
    complete(tx, job)


def _fail_analysis(tx: Transaction, reason: str, *, asset_id: UUID) -> None:
    failed = {"analysis_status": AnalysisStatus.FAILED, "analysis_results": {"error": reason[:2_000]}}
    for row in _waiting(tx, asset_id):
        tx.change(row, failed, action="transition")


def _waiting(tx: Transaction, asset_id: UUID) -> list[Asset]:
    """Return the files with the bytes of one whose analysis is not done, locked; nobody adds another meanwhile."""
    named = tx.find(Asset, asset_id, trash=True)
    if named is None:
        return []
    hold(tx, analysis_key(named.sha256))
    status = [AnalysisStatus.PENDING, AnalysisStatus.PROCESSING]
    return tx.rows(Asset, sha256=named.sha256, analysis_status=status, order="id", lock=True)


def _read_text(outside: Outside, asset: Asset) -> str | None:
    if not asset.mime_type.startswith(TEXT_TYPES):
        return None
    if not outside.files.holds(asset.storage_provider, asset.storage_bucket):
        raise Permanent("The file is in another storage than this server's.")
    content = b"".join(outside.files.read(asset.storage_key, 0, min(asset.size_bytes, TEXT_BYTES)))
    return content.decode("utf-8-sig", "replace").replace("\x00", "")[:1_000_000]


def picture_facts(asset: Asset) -> dict[str, object] | None:
    """Return what the size of a picture says, None for what is no picture."""
    if not asset.mime_type.startswith("image/"):
        return None
    facts: dict[str, object] = {"format": asset.mime_type.removeprefix("image/").partition("+")[0]}
    if asset.width and asset.height:
        width, height = asset.width, asset.height
        orientation = "square" if width == height else "landscape" if width > height else "portrait"
        facts |= {"width": width, "height": height, "orientation": orientation}
        facts |= {"aspect_ratio": round(width / height, 3), "megapixels": round(width * height / 1_000_000, 2)}
    return facts


def _text_by_rules(text: str) -> AssetReading:
    start = " ".join(text.split())[:2_000]
    sentences = re.split(r"(?<=[.!?])\s", start)
    return AssetReading(summary=" ".join(sentences[:2])[:500], keywords=keywords(text, MOST_WORDS))


def abandoned_analyses(database: Database) -> int:
    """Fail analyses whose worker died for the last time, or whose job was cancelled, and return how many."""
    with database.read(system("sweep")) as reads:
        silent = Where("updated_at", "<", clock.now() - ABANDONED)
        rows = reads.rows(Asset, silent, analysis_status=AnalysisStatus.PROCESSING, anywhere=True)
        keys = [analysis_key(row.sha256) for row in rows]
        jobs = reads.rows(Job, dedupe_key=keys, status=LIVE, anywhere=True) if keys else []
        alive = {(job.organization_id, job.dedupe_key) for job in jobs}
    dead = [row for row, key in zip(rows, keys, strict=True) if (row.organization_id, key) not in alive]
    for row in dead:
        unit = partial(_fail_analysis, reason="The work on it was broken off.", asset_id=row.id)
        database.write(system("sweep", row.organization_id), unit)
    return len(dead)


TASKS: Final[dict[str, Task]] = {ANALYSE_CAMPAIGN: analyse_campaign, ANALYSE_ASSET: analyse_asset}
SWEEPS: Final = (abandoned_analyses,)
