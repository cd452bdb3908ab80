"""Importing a CSV file, in steps: choose it, say what its columns are, look at what would happen, do it."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from growbase.api.call import Answer
from growbase.core.errors import Conflict, GrowbaseError, Invalid, LimitExceeded, NotFound, TooLarge
from growbase.core.resource import Resource
from growbase.studio.import_kinds import importer_of
from growbase.studio.importers import MOST_BYTES, Choices, Importer, Report, RowsRefused, Sheet, read_sheet
from growbase.studio.render import page
from growbase.studio.visit import Visit

POSTS: Final = "scheduled-posts"
SAMPLES: Final = 3


async def ask(visit: Visit, resource: Resource) -> Answer:
    """Show what a file may hold, and ask for one; or give a file with the heading only."""
    importer = _importer(visit, resource)
    if visit.query.get("template"):
        text = io.StringIO()
        csv.writer(text).writerow([one.name for one in importer.targets if not one.many])
        name = f'attachment; filename="{resource.name}.csv"'
        return Answer(
            200, text.getvalue().encode(), {"content-disposition": name}, content_type="text/csv; charset=utf-8"
        )
    return _page(visit, resource, importer)


async def run(visit: Visit, resource: Resource) -> Answer:
    """Read a file and show what importing it would do, or do it once that is confirmed."""
    importer = _importer(visit, resource)
    try:
        content = await _content(visit)
        sheet = await asyncio.to_thread(read_sheet, content, importer.most)
    except (Invalid, TooLarge) as error:
        return _page(visit, resource, importer, refusal=error)
    known = {one.name for one in importer.targets}
    guessed = importer.guess(sheet.heading)
    if visit.sent("step"):
        targets = [name if (name := visit.sent(f"map.{place}")) in known else "" for place in range(len(guessed))]
    else:
        targets = guessed
    choices = Choices(
        skip=bool(visit.sent("skip")), dry=visit.sent("step") != "run", approve=bool(visit.sent("approve"))
    )
    report: Report | None = None
    refusal: GrowbaseError | None = _wrong_mapping(importer, targets)
    if refusal is None:
        try:
            report = await importer.run(visit, sheet, targets, choices)
        except RowsRefused as error:
            report, refusal = error.report, error
        except (Invalid, Conflict, LimitExceeded) as error:
            refusal = error
    is_done = report is not None and refusal is None and not choices.dry
    return _page(visit, resource, importer, sheet, targets, choices, report, refusal, is_done=is_done)


def _importer(visit: Visit, resource: Resource) -> Importer:
    found = importer_of(visit, resource)
    if found is None:
        raise NotFound(what="page")
    visit.require(resource.write)
    return found


async def _content(visit: Visit) -> bytes:
    """Return the file's bytes: sent as a file, or kept by the page before. Raises Invalid or TooLarge."""
    if visit.parts is None:
        return visit.sent("csv").encode()
    parts: list[bytes] = []

    async def store(pieces: AsyncIterator[bytes]) -> None:
        parts.extend([piece async for piece in pieces])

    await visit.read_file(store, limit=MOST_BYTES)
    content = b"".join(parts)
    if not content:
        raise Invalid("Choose a file first.")
    return content


def _wrong_mapping(importer: Importer, targets: list[str]) -> Invalid | None:
    """Return what is wrong with where the columns go."""
    chosen = [name for name in targets if name]
    single = {one.name for one in importer.targets if not one.many}
    twice = next((name for name in chosen if name in single and chosen.count(name) > 1), None)
    labels = {one.name: one.label for one in importer.targets}
    if twice is not None:
        return Invalid("Two columns go to {name}: choose one.", name=labels[twice])
    missing = [one.label for one in importer.targets if one.required and one.name not in chosen]
    if missing:
        return Invalid("Choose the column for {names}.", names=", ".join(missing))
    return None


def _page(
    visit: Visit,
    resource: Resource,
    importer: Importer,
    sheet: Sheet | None = None,
    targets: list[str] | None = None,
    choices: Choices | None = None,
    report: Report | None = None,
    refusal: GrowbaseError | None = None,
    *,
    is_done: bool = False,
) -> Answer:
    words = visit.words
    back = "/studio/calendar" if resource.name == POSTS else f"/studio/{resource.name}"
    details = [words.say(one.message, **one.params) for one in refusal.fields] if refusal else []
    return page(
        visit,
        "import.html",
        422 if refusal else 200,
        resource=resource,
        importer=importer,
        sheet=sheet,
        columns=list(zip(sheet.heading, targets, _samples(sheet), strict=True)) if sheet and targets else [],
        choices=choices or Choices(),
        report=report,
        refusal=words.say(refusal.message, **refusal.params) if refusal else "",
        details=details[:20],
        back=back,
        action="/studio/calendar/import" if resource.name == POSTS else f"/studio/{resource.name}/import",
        is_done=is_done,
        most_bytes=MOST_BYTES,
    )


def _samples(sheet: Sheet) -> list[str]:
    """Return some cells of each column."""
    return [
        " · ".join(
            cells[place].strip()[:60] for _, cells in sheet.rows[:SAMPLES] if place < len(cells) and cells[place]
        )
        for place in range(len(sheet.heading))
    ]


async def ask_posts(visit: Visit) -> Answer:
    """Ask for a file of posts."""
    return await ask(visit, visit.api.catalog.by_name[POSTS])


async def run_posts(visit: Visit) -> Answer:
    """Schedule the posts of a file."""
    return await run(visit, visit.api.catalog.by_name[POSTS])


PAGES: Final[list[tuple[str, str, Callable[..., Awaitable[Answer]]]]] = [
    ("calendar/import", "GET", ask_posts),
    ("calendar/import", "POST", run_posts),
    # The action's plain form would ask for JSON.
    ("scheduled-posts/do/schedule-many", "GET", ask_posts),
    ("<resource>/import", "GET", ask),
    ("<resource>/import", "POST", run),
]
