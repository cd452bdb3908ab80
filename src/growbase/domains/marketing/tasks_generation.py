"""What marketing asks a model to write in the background: candidates for campaigns.

Without a model they are rendered from the organization's templates, or from built-in ones.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from growbase.core.actor import Actor
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.generation import Answered, Ask, data_section, prompt_of
from growbase.core.outside import Outside
from growbase.core.reads import Reads
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_generated import CONTENT_TYPES, GENERATE, add_candidates, free_use, hold_use
from growbase.domains.marketing.actions_templates import render, used_variables
from growbase.domains.marketing.background import Background, hashtag
from growbase.domains.marketing.models import ContentTemplate
from growbase.domains.marketing.models_generated import GeneratedType
from growbase.domains.marketing.schemas import GenerationRequest
from growbase.jobs.asking import answered, telling_failure
from growbase.jobs.queue import complete
from growbase.jobs.worker import Task

Line = Annotated[str, Field(min_length=1, max_length=300)]
Paragraph = Annotated[str, Field(min_length=1, max_length=20_000)]


class Candidate(BaseModel):
    """One proposed text."""

    title: Annotated[str, Field(max_length=300)] | None = None
    text: Paragraph
    hashtags: Annotated[list[Line], Field(max_length=30)] = []
    mentions: Annotated[list[Line], Field(max_length=30)] = []
    engagement_score: Annotated[float, Field(ge=0, le=1)] | None = None


class Candidates(BaseModel):
    """Proposed texts, each unlike the others."""

    candidates: Annotated[list[Candidate], Field(min_length=1)]


# -- candidates -------------------------------------------------------------------------------------------------------

WRITER: Final = (
    "You write marketing texts for the campaign described in the data, in the voice of its brand and in the language "
    "of its texts. Keep to the facts given and invent no figure, quote, price or link. Never use a restricted term."
)
BUILT_IN: Final[Mapping[GeneratedType, str]] = {
    GeneratedType.IDEA: "{{ theme }}: a story on {{ campaign }}. {{ purpose }}",
    GeneratedType.SOCIAL_POST: "{{ theme }}. {{ purpose }}{{ called }}{{ tags }}",
    GeneratedType.VIDEO_PROMPT: "A short video on {{ theme }}: a first picture, three scenes, a call. {{ purpose }}",
    GeneratedType.HASHTAGS: "{{ tags | trim }}",
    GeneratedType.SUMMARY: "{{ campaign }}: {{ purpose }}",
    GeneratedType.TEXT_IMAGE: "{{ theme }}\n{{ campaign }}",
    GeneratedType.EMAIL: "Hello,\n\n{{ theme }}: that is {{ campaign }}. {{ purpose }}{{ called }}\n\nKind regards",
    GeneratedType.OTHER: "{{ theme }}\n\n{{ purpose }}",
}
"""What is written by rules where the organization has no fitting template."""


def generate_content(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Write candidates for a campaign; they are kept, and counted against the plan, in the unit that ends the job."""
    wanted = GenerationRequest.model_validate(job.payload)
    with telling_failure(database, actor, job, lambda tx, _: free_use(tx, job.id)):
        reservation_id = database.write(actor, lambda tx: hold_use(tx, job.id, wanted.count))
        crash_point("generate:held")
        with database.read(actor) as reads:
            question = candidates_question(reads, wanted)
        answer = answered(outside, question)
        rows = _candidate_rows(question, wanted, answer)

        def keep(tx: Transaction) -> None:
            about = {"campaign_id": wanted.campaign_id, "job_id": job.id, "reservation_id": reservation_id}
            ids = add_candidates(tx, candidates=rows, **about)
            complete(tx, job, {"generated_content_ids": [str(id) for id in ids]})

        database.write(actor, keep)


def candidates_question(reads: Reads, wanted: GenerationRequest) -> Ask[Candidates]:
    """Return what a model is asked for a request. Raises NotFound."""
    background = Background.read(reads, wanted.campaign_id)
    template = reads.get(ContentTemplate, wanted.template_id) if wanted.template_id else None
    templates = [template] if template else _fitting_templates(reads, background, wanted)
    kind = wanted.type.value.replace("_", " ")
    place = f" for {wanted.platform.value}" if wanted.platform else ""
    task = f"Write {wanted.count} candidates of the type {kind}{place}, each unlike the others."
    level = background.campaign.creativity_level
    sections = background.sections()
    if wanted.instructions:
        sections.append(data_section("wishes of the person who asks", {"instructions": wanted.instructions}))
    if template:
        sections.append(data_section("template to write by", {"template": template.template, **wanted.variables}))
    return Ask(
        GENERATE,
        WRITER,
        prompt_of(task, *sections),
        Candidates,
        partial(_candidates_by_rules, background, wanted, templates),
        temperature=round(0.2 + 0.1 * level, 1),
    )


def _fitting_templates(reads: Reads, background: Background, wanted: GenerationRequest) -> list[ContentTemplate]:
    """Return the organization's active templates of a type whose every variable is known."""
    known = {*_values(background, wanted, 0)}
    rows = reads.rows(ContentTemplate, type=CONTENT_TYPES[wanted.type], is_active=True, order="name, id")
    return [row for row in rows if _needed(row) <= known]


def _needed(template: ContentTemplate) -> set[str]:
    described = {item["name"]: item for item in template.variables}
    free = {
        name for name, item in described.items() if not item.get("required", True) or item.get("default") is not None
    }
    return used_variables(template.template) - free


def _values(background: Background, wanted: GenerationRequest, place: int) -> dict[str, Any]:
    themes, tags = background.themes(), background.tags()
    values: dict[str, Any] = {**background.variables(), "theme": themes[place % len(themes)], "number": str(place + 1)}
    values["tags"] = " ".join(f"#{tag}" for tag in tags)
    if wanted.platform:
        values["platform"] = wanted.platform.value
    if wanted.instructions:
        values["instructions"] = wanted.instructions
    return values | {name: value for name, value in wanted.variables.items() if value is not None}


def _candidates_by_rules(
    background: Background, wanted: GenerationRequest, templates: Sequence[ContentTemplate]
) -> Candidates:
    """Render templates in turn, for one theme after the other. Raises Invalid naming each variable without a value."""
    found = []
    for place in range(wanted.count):
        values = _values(background, wanted, place)
        if templates:
            template = templates[place % len(templates)]
            text = render(template.template, template.variables, values)
        else:
            url = values.get("product_url") or values.get("website")
            more = {"called": f" More: {url}" if url else "", "tags": f"\n\n{values['tags']}" if values["tags"] else ""}
            text = render(BUILT_IN[wanted.type], (), values | more)
        title = f"{background.campaign.name}: {values['theme']}"[:300]
        found.append(Candidate(title=title, text=text[:20_000].strip() or title, hashtags=background.tags()))
    return Candidates(candidates=found)


def _candidate_rows(
    question: Ask[Candidates], wanted: GenerationRequest, answer: Answered[Candidates]
) -> list[dict[str, Any]]:
    """Return the columns of each candidate; the tokens of the one question are shared out among them."""
    kept = answer.value.candidates[: wanted.count]
    provenance = answer.provenance()
    del provenance["prompt_hash"]  # That of a candidate is of its prompt alone.
    parameters = wanted.model_dump(mode="json", exclude={"campaign_id", "type", "platform"}, exclude_defaults=True)
    rows = []
    for place, candidate in enumerate(kept):
        tokens = {
            name: _share(value, place, len(kept))
            for name in ("input_tokens", "output_tokens")
            if (value := getattr(answer, name)) is not None
        }
        values = candidate.model_dump() | {"hashtags": [tag for tag in map(hashtag, candidate.hashtags) if tag]}
        about = {"type": wanted.type, "platform": wanted.platform, "prompt": question.prompt, "parameters": parameters}
        rows.append({**values, **about, **provenance, **tokens})
    return rows


def _share(total: int, place: int, count: int) -> int:
    return total // count + (place < total % count)


TASKS: Final[dict[str, Task]] = {GENERATE: generate_content}
