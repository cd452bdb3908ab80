"""The desk of a store: who waits, what is flagged, what runs out, what is on its way, and its key figures."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from growbase.api.call import Answer, identity
from growbase.api.commerce import read_kpis
from growbase.core import clock
from growbase.core.reads import Reads, Where
from growbase.core.resource import Resource
from growbase.core.types import moment_text
from growbase.domains.commerce.actions_kpis import KpiReading, kpi_key
from growbase.domains.commerce.actions_velocity import newest
from growbase.domains.commerce.metrics import METRICS
from growbase.domains.commerce.models import Store
from growbase.domains.commerce.models_flags import Urgency
from growbase.domains.commerce.models_insights import ProductVelocity
from growbase.domains.commerce.models_tickets import Ticket
from growbase.studio import lists
from growbase.studio.figures import NOTHING, counted, listed
from growbase.studio.periods import addressed, kept, period_of
from growbase.studio.render import page
from growbase.studio.rows import names_by_id
from growbase.studio.visit import Visit
from growbase.studio.words import Words

UNDER_WAY: Final = "in.(submitted,approved,partially_received)"
LONGEST_WAITING: Final = 8
RUNNING_OUT: Final = 12
ORDERS: Final = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure as the cache has it."""

    name: str
    text: str
    state: str
    note: str
    href: str


async def show(visit: Visit) -> Answer:
    """Show the desk of the store that the address names, else of the first."""
    visit.require(visit.api.catalog.by_name["stores"].read)
    found = await visit.read(lambda reads: reads.rows(Store, order="id", limit=200))
    stores = sorted(found, key=lambda one: (one.name or one.domain).casefold())
    asked = visit.query.get("store_id", "")
    if not stores:
        return page(visit, "store_desk.html", store=None, stores=[], period=None)
    store = next((one for one in stores if str(one.id) == asked), None)
    if asked and store is None:
        identity(asked)
        store = await visit.read(lambda reads: reads.get(Store, identity(asked)))
    return await _show(visit, store or stores[0], stores)


async def show_store(visit: Visit, resource: Resource, id: UUID) -> Answer:
    """Lead from a store to its desk."""
    del resource
    return visit.go(f"/studio/store-desk?store_id={id}")


async def _show(visit: Visit, store: Store, stores: list[Store]) -> Answer:
    period = await period_of(visit)
    actor, words = visit.by, visit.words
    keys = [kpi_key(store, metric, period.first, period.last) for metric in METRICS]
    readings = await read_kpis(visit.api, actor, keys)
    waiting, articles, owners = await visit.read(lambda reads: _read(reads, store.id))
    of = ("store_id", str(store.id))
    flags = await counted(visit, "order-flags", of, ("status", "open"), group_by="severity")
    pairs = [of, ("status", UNDER_WAY), ("sort", "-created_at"), ("columns", "number,status,total_minor,expected_at")]
    orders = visit.api.catalog.by_name["purchase-orders"]
    today = clock.now().astimezone(ZoneInfo(store.timezone)).date()
    return page(
        visit,
        "store_desk.html",
        400 if period.refusal else 200,
        store=store,
        stores=stores,
        period=period,
        address=lambda **changes: addressed(visit, **changes),
        kept=kept(visit),
        tiles=[_tile(words, store, one) for one in readings],
        is_waiting=any(one.state != "fresh" for one in readings),
        ages=[name for name, _, _ in _ages(words)],
        matrix=await _matrix(visit, store),
        longest=[_ticket(words, row, owners) for row in waiting],
        flags=_flags(words, store, flags),
        articles=[_article(words, row, today) for row in _soonest(articles)],
        article_count=len(articles),
        orders=orders,
        listing=await lists.load(visit, orders, pairs, limit=ORDERS),
        order_list=listed("purchase-orders", of, ("status", UNDER_WAY)),
        suggest=visit.may(visit.api.catalog.by_name["product-velocity"].verbs["suggest"].role),
    )


def _read(reads: Reads, store_id: UUID) -> tuple[list[Ticket], list[ProductVelocity], dict[str, str]]:
    since = Where("waiting_since", "<=", clock.now())
    tickets = reads.rows(Ticket, since, store_id=store_id, order="waiting_since, id", limit=LONGEST_WAITING)
    owners = names_by_id(reads, "users", sorted({str(one.assignee_user_id) for one in tickets if one.assignee_user_id}))
    return tickets, newest(reads, store_id), owners


# -- key figures ------------------------------------------------------------------------------------------------------


def _tile(words: Words, store: Store, reading: KpiReading) -> Tile:
    metric, payload = reading.key.metric, reading.payload or {}
    of = ("store_id", str(store.id))
    ends = ("gte", reading.key.start), ("lt", reading.key.end)
    within = [(_COLUMNS.get(metric, "created_at"), f"{sign}.{moment_text(at)}") for sign, at in ends]
    hrefs = {
        "tickets_waiting": listed("tickets", of, *within),
        "first_response_median": listed("tickets", of, *within, ("first_response_at", "not.is.null")),
        "open_flags": listed("order-flags", of, ("status", "open"), *within),
        "purchase_order_value": listed("purchase-orders", of, ("status", "neq.cancelled"), *within),
        "stock_outs": listed("product-velocity", of, ("current_inventory", "lte.0")),
    }
    said = {"fresh": words.say("Up to date"), "stale": words.say("Being computed anew"),
            "pending": words.say("Being computed")}[reading.state]  # fmt: skip
    if reading.state == "stale" and reading.refreshed_at is not None:
        said = words.say("From {moment}, being computed anew", moment=words.ago(moment_text(reading.refreshed_at)))
    return Tile(words.label(metric), _value(words, metric, payload), reading.state, said, hrefs.get(metric, ""))


_COLUMNS: Final = {"tickets_waiting": "waiting_since", "purchase_order_value": "submitted_at"}


def _value(words: Words, metric: str, payload: Any) -> str:  # noqa: ANN401 -- a figure's own document
    total = payload.get("total")
    if metric == "purchase_order_value" and payload.get("by_currency"):
        return ", ".join(words.money(value, currency) for currency, value in payload["by_currency"].items())
    if total is None:
        return NOTHING
    if metric == "first_response_median":
        return words.span(total)
    if metric == "stock_outs" and payload.get("running_out"):
        return words.say("{out}, soon {more}", out=words.number(total), more=words.number(payload["running_out"]))
    return words.number(total)


# -- the desk ---------------------------------------------------------------------------------------------------------


def _ages(words: Words) -> list[tuple[str, timedelta | None, timedelta | None]]:
    """Return how long tickets wait, each from and to."""
    return [
        (words.say("under 4 h"), None, timedelta(hours=4)),
        (words.say("4 to 24 h"), timedelta(hours=4), timedelta(days=1)),
        (words.say("1 to 3 days"), timedelta(days=1), timedelta(days=3)),
        (words.say("over 3 days"), timedelta(days=3), None),
    ]


async def _matrix(visit: Visit, store: Store) -> list[dict[str, Any]]:
    """Return how many tickets wait, by priority and by how long; the most urgent first."""
    now = clock.now()
    cells: dict[str, list[tuple[int, str]]] = {urgency.value: [] for urgency in reversed(Urgency)}
    for _, least, most in _ages(visit.words):
        pairs = [("store_id", str(store.id)), ("waiting_since", f"lte.{moment_text(now - (least or timedelta()))}")]
        pairs += [("waiting_since", f"gt.{moment_text(now - most)}")] if most else []
        found = {row["priority"]: row["count"] for row in await counted(visit, "tickets", *pairs, group_by="priority")}
        for urgency, line in cells.items():
            line.append((found.get(urgency, 0), listed("tickets", *pairs, ("priority", urgency))))
    return [
        {"name": visit.words.label(urgency), "cells": line, "sum": sum(count for count, _ in line)}
        for urgency, line in cells.items()
        if any(count for count, _ in line)
    ]


def _ticket(words: Words, row: Ticket, owners: dict[str, str]) -> dict[str, Any]:
    assert row.waiting_since is not None
    return {
        "href": f"/studio/tickets/{row.id}",
        "name": f"#{row.number} {row.subject}",
        "who": row.customer_name or row.customer_email or "",
        "since": moment_text(row.waiting_since),
        "ago": words.span((clock.now() - row.waiting_since).total_seconds()),
        "priority": row.priority.value,
        "owner": owners.get(str(row.assignee_user_id), ""),
    }


def _flags(words: Words, store: Store, rows: list[dict[str, Any]]) -> list[tuple[str, int, str, str]]:
    counts = {row["severity"]: row["count"] for row in rows}
    of = (("store_id", str(store.id)), ("status", "open"))
    return [
        (words.label(one.value), counts[one.value], words.number(counts[one.value]),
         listed("order-flags", *of, ("severity", one.value)))
        for one in reversed(Urgency)
        if counts.get(one.value)
    ]  # fmt: skip


def _soonest(articles: list[ProductVelocity]) -> list[ProductVelocity]:
    """Return the articles that are out of stock or run out first."""
    some = [row for row in articles if row.current_inventory <= 0 or row.projected_stockout_date is not None]
    return sorted(some, key=lambda row: (row.current_inventory > 0, row.projected_stockout_date or date.max))[
        :RUNNING_OUT
    ]


def _article(words: Words, row: ProductVelocity, today: date) -> dict[str, Any]:
    left = None if row.projected_stockout_date is None else (row.projected_stockout_date - today).days
    is_out = row.current_inventory <= 0
    tone = (
        "bad" if is_out or (left is not None and left <= 7) else "warn" if left is not None and left <= 21 else "good"
    )
    return {
        "href": f"/studio/product-velocity/{row.id}",
        "name": row.product_title or row.sku,
        "sku": row.sku,
        "stock": words.number(row.current_inventory),
        "sales": words.number(round(row.average_daily_sales, 2)),
        "left": words.say("Out of stock") if is_out else NOTHING if left is None
        else words.say("{count} days", count=words.number(max(0, left))),
        "tone": tone,
        "until": None if row.projected_stockout_date is None else words.day(row.projected_stockout_date.isoformat()),
        "order": None if row.recommended_reorder_qty is None else words.number(row.recommended_reorder_qty),
        "as_of": words.day(row.recorded_for.isoformat()),
    }  # fmt: skip
