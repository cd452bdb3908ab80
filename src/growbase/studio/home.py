"""The first page: what waits for somebody, how the organization stands, and where to begin."""

from dataclasses import dataclass
from typing import Any, Final

from growbase.api.call import Answer
from growbase.core import clock
from growbase.core.errors import GrowbaseError
from growbase.core.query import parse
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.domains.identity.usage import list_usage
from growbase.studio.render import is_main, page
from growbase.studio.rows import title_of
from growbase.studio.running import first_run
from growbase.studio.visit import Visit
from growbase.studio.words import Words

NEAR: Final = 0.8
"""The part of a limit from which on its use needs attention."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows somebody should look at."""

    text: str
    resource: Resource
    query: str
    count: int
    tone: str


def _watched(words: Words) -> list[tuple[str, str, str, str]]:
    """Return what needs attention: its sentence, the resource, the filter, and how bad it is."""
    return [
        (words.say("Posts that failed"), "scheduled-posts", "status=failed", "bad"),
        (words.say("Posts whose publication is not confirmed"), "scheduled-posts", "status=unconfirmed", "bad"),
        (words.say("Jobs that failed for good"), "jobs", "status=in.(dead,failed)", "bad"),
        (words.say("Messages whose sending is not confirmed"), "messages", "status=unconfirmed", "bad"),
        (words.say("Webhook endpoints that are switched off"), "webhook-endpoints", "status=disabled", "bad"),
        (words.say("Accounts that must be connected again"), "social-accounts", "status=in.(expired,error)", "bad"),
        (words.say("Tickets waiting for an answer"), "tickets", "status=open", "warn"),
        (words.say("Order flags that are open"), "order-flags", "status=open", "warn"),
        (words.say("Drafts to review"), "ai-drafts", "status=in.(proposed,edited)", "warn"),
        (words.say("Content in review"), "contents", "status=review", "warn"),
        (words.say("Pieces in review"), "content-pieces", "status=pending_review", "warn"),
    ]


async def show(visit: Visit) -> Answer:
    """Show the first page."""
    if visit.by.organization_id is None:
        return page(visit, "home.html", waiting=[], usage=[], figures=[], recent=[], start=[], first_run=None)
    waiting = await visit.api.database.aread(lambda: _waiting(visit))
    usage = await visit.read(_usage)
    figures = await visit.api.database.aread(lambda: _figures(visit))
    recent = await visit.read(lambda reads: _recent(reads, visit))
    start = [
        one
        for one in (visit.api.catalog.by_name.get(name) for name in ("brands", "campaigns", "contents", "prospects"))
        if one is not None and one.creatable and visit.may(one.write)
    ]
    begun = await first_run.look(visit)
    values = {"waiting": waiting, "usage": usage, "figures": figures, "recent": recent}
    return page(visit, "home.html", **values, start=start, first_run=begun)


def _waiting(visit: Visit) -> list[Waiting]:
    found = []
    for text, name, query, tone in _watched(visit.words):
        resource = visit.api.catalog.by_name.get(name)
        if resource is None or not visit.may(resource.read):
            continue
        count = _count(visit, resource, query)
        if count:
            found.append(Waiting(text, resource, query, count, tone))
    return found


def _count(visit: Visit, resource: Resource, query: str) -> int:
    """Return how many rows match; none where the state a filter names is not one of this resource's."""
    try:
        parsed = parse(visit.api.catalog, resource, f"{query}&aggregate=count()" if query else "aggregate=count()")
        return int(visit.api.reader.aggregate(visit.by, resource, parsed)[0]["count"])
    except GrowbaseError:
        return 0


def _figures(visit: Visit) -> list[tuple[Resource, int]]:
    """Return how many rows the resources with the most to tell have."""
    names = ("campaigns", "contents", "prospects", "scheduled-posts", "tickets", "orders", "assets", "messages")
    found = (visit.api.catalog.by_name.get(name) for name in names)
    shown = [one for one in found if one is not None and visit.may(one.read) and is_main(visit, one)]
    return [(one, _count(visit, one, "")) for one in shown[:6]]


def _usage(reads: Reads) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in list_usage(reads, clock.now()):
        limit, used = row.get("limit"), row.get("used") or 0
        if isinstance(limit, int) and limit > 0 and isinstance(used, int):
            found.append({**row, "part": used / limit, "near": used >= NEAR * limit})
    return sorted(found, key=lambda row: float(row["part"]), reverse=True)[:6]


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
                "who": values["actor_label"],
                "at": values["occurred_at"].isoformat(),
                "action": values["action"],
            }
        if len(found) == 8:
            break
    return list(found.values())
