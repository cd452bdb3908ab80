"""What contents, pieces and candidates achieved: a table to sort, and the best of them beside each other."""

import json
from typing import Any, Final

from growbase.api.call import Answer
from growbase.core.errors import InvalidQuery
from growbase.core.query import parse
from growbase.domains.marketing.models import ContentType
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.marketing.models_performance import ContentSource
from growbase.domains.social.models import PieceType
from growbase.studio import lists
from growbase.studio.figures import NOTHING
from growbase.studio.lookup import rows_like
from growbase.studio.periods import Period, addressed, kept, period_of
from growbase.studio.render import page
from growbase.studio.visit import Visit, with_query

SORTED: Final = (
    *("impressions", "reach", "clicks", "likes", "comments", "shares", "conversions", "engagement_rate", "ctr"),
    *("title", "created_at"),
)
RATES: Final = frozenset({"engagement_rate", "ctr"})
COLUMNS: Final = SORTED[:9]
FIELDS: Final = (
    *("id", "source", "content_id", "campaign_id", "campaign_name", "content_type", "platform"),
    *("title", "status", "is_selected", "created_at", *COLUMNS),
)
"""What is read: each figure that is not shown is one that nobody waits for."""
COMPARED: Final = 100
"""Rows that are compared: the newest that match."""
SHOWN: Final = 50
BEST: Final = 10
HOMES: Final = {"content": "contents", "generated": "generated-contents", "piece": "content-pieces"}
Row = dict[str, Any]


async def show(visit: Visit) -> Answer:
    """Show what contents achieved."""
    resource = visit.api.catalog.by_name["content-performance"]
    visit.require(resource.read)
    query, words = visit.query, visit.words
    source = query.get("source", "content")
    source = source if source in set(ContentSource) else "content"
    ever = not {"days", "from", "to"} & query.keys()
    period = await period_of(visit, default=90)
    chosen = {name: query.get(name, "") for name in ("campaign_id", "content_type", "platform")}
    refusal: InvalidQuery | None = None
    rows: list[Row] = []
    more = False
    try:
        rows, more = await _rows(visit, source, chosen, None if ever else period)
    except InvalidQuery as error:
        refusal = error
    sort = query.get("sort", "-impressions")
    name = sort.removeprefix("-")
    name, descending = (name, sort.startswith("-")) if name in SORTED else ("impressions", True)
    rows = ordered(rows, name, descending=descending)
    measured = name if name in COLUMNS else "impressions"
    best = [row for row in ordered(rows, measured, descending=True) if row[measured]][:BEST]
    campaigns = visit.api.catalog.by_name.get("campaigns")
    options = await visit.api.database.aread(lambda: rows_like(visit, campaigns, "", 200)) if campaigns else []
    return page(
        visit,
        "content_performance.html",
        400 if refusal or period.refusal else 200,
        period=period,
        ever=ever,
        address=lambda **changes: addressed(visit, **changes),
        kept=kept(visit),
        refusal=refusal,
        source=source,
        sources=[("content", words.label("contents")), ("piece", words.label("content_pieces")),
                 ("generated", words.label("generated_contents"))],
        chosen=chosen,
        campaigns=options,
        types=PieceType if source == "piece" else ContentType,
        platforms=Platform,
        rows=rows[:SHOWN],
        count=len(rows),
        more=more,
        sort=(name, descending),
        columns=[one for one in COLUMNS if one in {name, "impressions", "clicks"} or any(row[one] for row in rows)],
        measured=measured,
        best=[(title_of(visit, row), row[measured], said(visit, measured, row[measured]), home_of(row))
              for row in best],
        said=lambda column, value: said(visit, column, value),
        home=home_of,
        titled=lambda row: title_of(visit, row),
        is_filtered=any(chosen.values()) or not ever,
    )  # fmt: skip


async def _rows(visit: Visit, source: str, chosen: dict[str, str], period: Period | None) -> tuple[list[Row], bool]:
    """Return the newest rows that match, and whether there are more. Raises InvalidQuery."""
    resource = visit.api.catalog.by_name["content-performance"]
    pairs = [("source", source), *((name, value) for name, value in chosen.items() if value), ("limit", str(COMPARED))]
    pairs.append(("fields", ",".join(FIELDS)))
    pairs += period.within("created_at") if period else []
    query = parse(visit.api.catalog, resource, with_query("", pairs).removeprefix("?"))
    found = await visit.api.database.aread(lambda: visit.api.reader.page(visit.by, resource, query))
    return [json.loads(row) for row in found.rows], found.next_cursor is not None


def ordered(rows: list[Row], name: str, *, descending: bool) -> list[Row]:
    """Return rows by one column; those without a value come last either way."""
    some = [row for row in rows if row[name] is not None]
    some.sort(key=lambda row: row[name].casefold() if name == "title" else row[name], reverse=descending)
    return some + [row for row in rows if row[name] is None]


def said(visit: Visit, name: str, value: float | None) -> str:
    """Return a figure as people read it."""
    if value is None:
        return NOTHING
    return visit.words.percent(value) if name in RATES else visit.words.number(value)


def home_of(row: Row) -> str:
    """Return the address of the row that a line speaks of."""
    return f"/studio/{HOMES[row['source']]}/{row['content_id']}"


def title_of(visit: Visit, row: Row) -> str:
    """Return what a line is called."""
    return row["title"] or f"{visit.words.label(row['content_type'])} {row['content_id'][-6:]}"


async def as_list(visit: Visit) -> Answer:
    """Show the rows as the list of a resource, with all its filters."""
    return await lists.show(visit, visit.api.catalog.by_name["content-performance"])
