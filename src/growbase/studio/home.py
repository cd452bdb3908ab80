"""The first page: what waits for somebody, how the organization stands, and where to begin."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from growbase.api.call import Answer
from growbase.core import clock
from growbase.core.errors import GrowbaseError
from growbase.core.query import parse
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.domains.identity.usage import list_usage
from growbase.ops.backup_record import figures as backup_figures
from growbase.ops.checks.background import STALE
from growbase.studio import overview
from growbase.studio.periods import period_of
from growbase.studio.render import is_main, page
from growbase.studio.rows import title_of
from growbase.studio.running import first_run
from growbase.studio.usage_page import meter_of
from growbase.studio.visit import Visit
from growbase.studio.words import Words

MOST_METERS: Final = 6
MOST_TILES: Final = 6


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something somebody should look at; ``href`` leads to it, and ``badge`` says how much of it there is."""

    text: str
    badge: str
    tone: str
    href: str = ""


def watched(words: Words) -> list[tuple[str, str, str, str]]:
    """Return the rows that need attention: their sentence, the resource, the filter, and how bad it is."""
    return [
        (words.say("Posts that failed"), "scheduled-posts", "status=failed", "bad"),
        (words.say("Posts whose publication is not confirmed"), "scheduled-posts", "status=unconfirmed", "bad"),
        (words.say("Jobs that failed for good"), "jobs", "status=in.(dead,failed)", "bad"),
        (words.say("Messages whose sending is not confirmed"), "messages", "status=unconfirmed", "bad"),
        (words.say("Webhook endpoints that are switched off"), "webhook-endpoints", "status=disabled", "bad"),
        (words.say("Accounts that must be connected again"), "social-accounts", _BROKEN, "bad"),
        (words.say("Tickets waiting for an answer"), "tickets", "waiting_since=not.is.null", "warn"),
        (words.say("Order flags that are open"), "order-flags", "status=open", "warn"),
        (words.say("Reviews that wait for you"), "review-requests", "reviewer_user_id=$me&status=requested", "warn"),
        (words.say("Drafts to review"), "ai-drafts", "status=in.(proposed,edited)", "warn"),
        (words.say("Content in review"), "contents", "status=review", "warn"),
        (words.say("Pieces in review"), "content-pieces", "status=pending_review", "warn"),
    ]


_BROKEN: Final = "status=in.(refresh_needed,revoked)"


async def show(visit: Visit) -> Answer:
    """Show the first page."""
    nothing: dict[str, Any] = {"waiting": [], "usage": [], "counts": [], "recent": [], "start": []}
    if visit.by.organization_id is None:
        return page(visit, "home.html", figures=[], chart=[], period=None, first_run=None, **nothing)
    period = await period_of(visit)
    found = await overview.read_figures(visit, period)
    figures = await overview.figures(visit, period, found)
    usage = await visit.read(lambda reads: _usage(reads, visit.words))
    waiting = await visit.api.database.aread(lambda: _waiting(visit))
    waiting = [*await visit.read(lambda reads: _instance(reads, visit)), *_limits(visit.words, usage), *waiting]
    recent = await visit.read(lambda reads: _recent(reads, visit))
    start = [
        one
        for one in (visit.api.catalog.by_name.get(name) for name in ("brands", "campaigns", "contents", "prospects"))
        if one is not None and one.creatable and visit.may(one.write)
    ]
    return page(
        visit,
        "home.html",
        waiting=waiting,
        usage=usage[:MOST_METERS],
        figures=figures[:MOST_TILES],
        counts=[] if figures else await visit.api.database.aread(lambda: _counts(visit)),
        chart=overview.events_by_day(visit, period, found, seen=False)
        or overview.messages_by_day(visit, period, found),
        period=period,
        recent=recent,
        start=start,
        first_run=await first_run.look(visit),
    )


def _waiting(visit: Visit) -> list[Waiting]:
    found = []
    for text, name, query, tone in watched(visit.words):
        resource = visit.api.catalog.by_name.get(name)
        if resource is None or not visit.may(resource.read):
            continue
        count = _count(visit, resource, query)
        if count:
            found.append(Waiting(text, visit.words.number(count), tone, f"/studio/{resource.name}?{query}"))
    return found


def _count(visit: Visit, resource: Resource, query: str) -> int:
    """Return how many rows match; none where they can't be counted now, which must not hide the rest of the page."""
    try:
        parsed = parse(visit.api.catalog, resource, f"{query}&aggregate=count()" if query else "aggregate=count()")
        return int(visit.api.reader.aggregate(visit.by, resource, parsed)[0]["count"])
    except GrowbaseError:
        return 0


def _instance(reads: Reads, visit: Visit) -> list[Waiting]:
    """Return what is wrong with backups and drills, for who runs the installation."""
    if not visit.person.is_operator:
        return []
    words = visit.words
    found = backup_figures(lambda sql: reads.execute(sql).fetchall())
    troubles, href = [], "/studio/backups"
    age = found.get("backup_age_seconds")
    if age is None and visit.api.settings.is_production:
        troubles.append(Waiting(words.say("There is no backup yet"), words.say("none"), "bad", href))
    elif age is not None and age > STALE["backups"].total_seconds():
        troubles.append(Waiting(words.say("The last good backup is old"), _ago(words, age), "bad", href))
    if found.get("drill_passed", 1.0) != 1.0:
        text = words.say("The last restore drill failed or is too old")
        troubles.append(Waiting(text, _ago(words, found["drill_age_seconds"]), "bad", href))
    return troubles


def _ago(words: Words, seconds: float) -> str:
    return words.ago((clock.now() - timedelta(seconds=seconds)).isoformat())


def _limits(words: Words, usage: list[dict[str, Any]]) -> list[Waiting]:
    """Return the limits of the plan that are reached, or nearly."""
    found = []
    for row in usage:
        if row["tone"] in {"over", "full"}:
            text, tone = words.say("Nothing is left of the plan: {metric}", metric=row["name"]), "bad"
        elif row["tone"] == "near":
            text, tone = words.say("Little is left of the plan: {metric}", metric=row["name"]), "warn"
        else:
            continue
        found.append(Waiting(text, f"{row['used']} / {row['limit']}", tone, "/studio/usage"))
    return found


def _counts(visit: Visit) -> list[tuple[Resource, int]]:
    """Return how many rows the resources with the most to tell have."""
    names = ("campaigns", "contents", "prospects", "scheduled-posts", "tickets", "orders", "assets", "messages")
    found = (visit.api.catalog.by_name.get(name) for name in names)
    shown = [one for one in found if one is not None and visit.may(one.read) and is_main(visit, one)]
    return [(one, _count(visit, one, "")) for one in shown[:6]]


def _usage(reads: Reads, words: Words) -> list[dict[str, Any]]:
    """Return the meters of what is limited, the fullest first."""
    found = [meter_of(words, row) for row in list_usage(reads, clock.now()) if row["limit"] is not None]
    return sorted(found, key=lambda row: float(row["part"]), reverse=True)


def _recent(reads: Reads, visit: Visit) -> list[dict[str, Any]]:
    """Return the rows changed last, each once, as far as the visitor may read them."""
    catalog = visit.api.catalog
    model = catalog.models["changes"]
    found: dict[str, dict[str, Any]] = {}
    for change in reads.rows(model, order="-seq", limit=200):
        values = change.__dict__
        resource = catalog.by_table.get(values["entity"])
        is_shown = resource is not None and visit.may(resource.read) and is_main(visit, resource)
        if resource is None or values["entity_id"] is None or not is_shown:
            continue
        key = str(values["entity_id"])
        if key in found or values["action"] not in {"insert", "update", "transition", "restore"}:
            continue
        row = reads.find(resource.model, values["entity_id"])
        if row is not None:
            found[key] = {
                "resource": resource,
                "id": key,
                "title": title_of(visit.words, resource, row.__dict__),
                "at": values["occurred_at"].isoformat(),
                "action": values["action"],
            }
        if len(found) == 8:
            break
    return list(found.values())
