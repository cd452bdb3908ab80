"""Imports that are more than rows: prospects by their address, and posts with their pieces."""

import asyncio
import io
from collections.abc import Callable, Sequence
from typing import Any, Final

from growbase.core.errors import FieldError, Invalid, NotUnique
from growbase.core.resource import Resource
from growbase.core.schema import parse_with
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json
from growbase.domains.outreach.actions_imports import COUNTS, IN_ONE_UNIT, import_later, import_now, packed
from growbase.domains.outreach.prospect_csv import ALIASES, CUSTOM, FIELDS, FULL_NAME, read_prospects
from growbase.domains.social.actions_scheduling import schedule_rows
from growbase.domains.social.models_publishing import PostStatus
from growbase.domains.social.schemas import MOST_ROWS, ScheduleRow
from growbase.studio import import_rows
from growbase.studio.import_rows import TRUE
from growbase.studio.importers import Choices, Importer, Report, RowsRefused, Sheet, Target, narrow
from growbase.studio.visit import Visit

MOST_PROSPECTS: Final = 20_000
TRIES: Final = 3
POST_ALIASES: Final = {
    **dict.fromkeys(("when", "date", "time", "at", "scheduled", "publish at", "quand"), "scheduled_at"),
    **dict.fromkeys(("piece", "piece id", "content piece"), "content_piece_id"),
    **dict.fromkeys(("body", "post", "words", "message", "texte"), "text"),
    **dict.fromkeys(("media", "files", "images", "file", "asset", "fichiers"), "assets"),
    **dict.fromkeys(("tags",), "hashtags"),
    **dict.fromkeys(("handle", "compte"), "account"),
}


def importer_of(visit: Visit, resource: Resource) -> Importer | None:
    """Return the import of a resource, None where it has none."""
    if resource.name == "prospects":
        return _prospects(visit)
    if resource.name == "scheduled-posts":
        return _posts(visit)
    return import_rows.importer_of(visit, resource) if resource.creatable else None


# -- prospects --------------------------------------------------------------------------------------------------------


def _prospects(visit: Visit) -> Importer:
    words = visit.words
    targets = [Target(name, words.label(name), name == "email") for name in (*FIELDS, FULL_NAME)]
    own = Target(CUSTOM, words.say("Custom field"), help=words.say("Kept under the name of its column."), many=True)
    return Importer([*targets, own], _import_prospects, MOST_PROSPECTS, ALIASES)


async def _import_prospects(visit: Visit, sheet: Sheet, targets: Sequence[str], choices: Choices) -> Report:
    words, report = visit.words, Report()
    pairs = zip(targets, sheet.heading, strict=True)
    fields = [f"{CUSTOM}{heading}" if name == CUSTOM else name for name, heading in pairs]
    mapping = {name: name for name in fields if name and name != CUSTOM}
    file = await asyncio.to_thread(lambda: read_prospects(io.BytesIO(sheet.renamed(fields)), mapping))
    for line, error in file.refused:
        report.refuse(words, line, error)
    refused = [(words.say("Skipped"), file.skipped)]
    if file.errors and not (choices.skip or choices.dry):
        report.counts = refused
        raise RowsRefused.of(report)
    if file.row_count > IN_ONE_UNIT and not choices.dry:
        chunks = await asyncio.to_thread(packed, file.rows)
        made = await visit.write(lambda tx: import_later(tx, file=file, chunks=chunks, icp_id=None))
        report.link = f"/studio/imports/{made['import_id']}"
        report.counts = [(words.say("Waiting to be imported"), len(file.rows)), *refused]
        return report

    def unit(tx: Transaction) -> dict[str, Any]:
        return import_now(tx, file=file, icp_id=None, dry_run=choices.dry)

    found = await _written(visit, unit, dry=choices.dry)
    said = {
        "created": words.say("Created"),
        "updated": words.say("Updated"),
        "unchanged": words.say("Unchanged"),
        "suppressed": words.say("Suppressed"),
    }
    report.counts = [(said[name], int(found[name])) for name in COUNTS] + refused
    report.link = "/studio/prospects"
    return report


async def _written(visit: Visit, unit: Callable[[Transaction], dict[str, Any]], *, dry: bool) -> dict[str, Any]:
    """Run the unit again where somebody else has made one of the prospects meanwhile: then it updates that one."""
    for _ in range(TRIES - 1):
        try:
            return await visit.write(unit, dry_run=dry)
        except NotUnique:
            continue
    return await visit.write(unit, dry_run=dry)


# -- posts ------------------------------------------------------------------------------------------------------------


def _posts(visit: Visit) -> Importer:
    say = visit.words.say
    targets = [
        Target(
            "account", say("Account"), required=True, help=say("Its handle, such as @us or mastodon:@us, or its id.")
        ),
        Target(
            "scheduled_at",
            say("When"),
            required=True,
            help=say("Such as 2026-01-31 09:00, in the time zone {zone}.", zone=visit.words.timezone),
        ),
        Target("text", say("Text"), help=say("The words of a new piece.")),
        Target("content_piece_id", say("Content piece"), help=say("The id of a piece, instead of a text.")),
        Target("title", say("Title")),
        Target("hashtags", say("Hashtags"), help=say("Several with a semicolon between them.")),
        Target("assets", say("Media"), help=say("Names or ids of files, several with a semicolon between them.")),
        Target("draft", say("Draft"), help=say("Planned only, where it says yes.")),
    ]
    return Importer(targets, _import_posts, MOST_ROWS, POST_ALIASES, may_approve=True)


async def _import_posts(visit: Visit, sheet: Sheet, targets: Sequence[str], choices: Choices) -> Report:
    words, report = visit.words, Report()
    narrow(sheet, report, words)
    rows: list[tuple[int, ScheduleRow]] = []
    for line, texts in sheet.filled(targets):
        if line in report.wrong_lines:
            continue
        try:
            rows.append((line, _row(visit, texts)))
        except Invalid as error:
            report.refuse_all(words, line, error)
    lines = [line for line, _ in rows]

    def unit(tx: Transaction) -> Report:
        found = Report(errors=list(report.errors), wrong_lines=set(report.wrong_lines))
        done = schedule_rows(tx, [row for _, row in rows], approve=choices.approve)
        for place, error in done.errors:
            found.refuse(words, lines[place], error)
        planned = sum(status is PostStatus.DRAFT for _, _, status in done.posts)
        found.counts = [
            (words.say("Scheduled"), len(done.posts) - planned),
            (words.say("Planned only"), planned),
            (words.say("There already"), done.known),
            (words.say("Wrong lines"), len(found.wrong_lines)),
        ]
        if found.wrong_lines and not (choices.skip or choices.dry):
            raise RowsRefused.of(found)
        return found

    found = await visit.write(unit, dry_run=choices.dry)
    found.link = "/studio/calendar"
    return found


def _row(visit: Visit, texts: dict[str, str]) -> ScheduleRow:
    """Return a row as the API takes it. Raises Invalid."""
    body: dict[str, Any] = dict(texts)
    if "scheduled_at" in texts:
        body["scheduled_at"] = visit.words.read_moment(texts["scheduled_at"])
    for name in ("hashtags", "assets"):
        if name in texts:
            parts = texts[name].replace("\n", ";").split(";")
            body[name] = [
                part.strip().lstrip("#") if name == "hashtags" else part.strip() for part in parts if part.strip()
            ]
    if "draft" in texts:
        body["draft"] = texts["draft"].casefold() in TRUE
    missing = [name for name in ("account", "scheduled_at") if name not in texts]
    if missing:
        raise Invalid(fields=tuple(FieldError(name, "required", "is required") for name in missing))
    row: ScheduleRow = parse_with(ScheduleRow.model_validate_json, compact_json(body).encode())
    return row
