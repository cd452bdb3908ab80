"""The inbox: who waits for an answer, the longest first, and the conversation with each of them."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from growbase.api.call import Answer, identity, json_answer
from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.errors import GrowbaseError, NotFound
from growbase.core.query import parse
from growbase.core.reads import Reads
from growbase.core.types import moment_text
from growbase.domains.commerce.actions_desk import render_canned_reply, writers_of
from growbase.studio.edit import current_row
from growbase.studio.render import page
from growbase.studio.rows import names_by_id
from growbase.studio.visit import Visit, with_query

Row = dict[str, Any]
Pairs = list[tuple[str, str]]
LISTED: Final = 50
SHOWN: Final = 50
"""Messages of a conversation; what is older is in the list of messages."""
REPLIES: Final = 100
COUNTED: Final = 100_000
KINDS: Final = {"tickets": "tickets", "replies": "messages"}
"""The kinds of conversations, as an address names them, and the resource each is of."""
FILTERS: Final = ("show", "who", "store", "channel")
CHANNELS: Final = ("email", "chat", "form", "api", "inbox")
"""Where tickets come in; replies of prospects are a channel of their own."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waits, as the list shows them."""

    kind: str
    id: str
    who: str
    about: str
    since: str
    person: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation; ``side`` is theirs, ours, or inner: a note among colleagues."""

    id: str
    side: str
    who: str
    text: str
    at: str
    delivery: str | None


async def show(visit: Visit) -> Answer:
    """Show who waits for an answer."""
    visit.require(Role.VIEWER)
    return await shown(visit, None, None)


async def show_one(visit: Visit, kind: str, id: str) -> Answer:
    """Show a conversation beside the list."""
    return await shown(visit, kind, id)


async def shown(visit: Visit, kind: str | None, id: str | None, status: int = 200, **more: Any) -> Answer:  # noqa: ANN401 -- a template's values
    """Answer with the inbox; ``more`` is what a form that was refused says."""
    items, words = await waiting(visit), visit.words
    stores = await visit.api.database.aread(lambda: _rows(visit, "stores", [("sort", "name"), ("limit", "200")]))
    talk = await conversation(visit, kind, identity(id)) if kind is not None and id is not None else None
    names = await visit.read(lambda reads: names_by_id(reads, "users", {one.person for one in items if one.person}))
    following = next((one for one in items if one.id != id), None)
    return page(
        visit,
        "inbox.html",
        status,
        items=items,
        names=names,
        talk=talk,
        stores=[("", words.say("All stores")), *((row["id"], row["name"] or row["domain"]) for row in stores)],
        channels=[
            ("", words.say("All channels")),
            *((name, words.label(name)) for name in CHANNELS),
            ("replies", words.say("Replies of prospects")),
        ],
        chosen={name: visit.query.get(name, "") for name in FILTERS},
        following=following,
        may=visit.may(Role.MEMBER),
        link=lambda one: address(visit, f"/studio/inbox/{one.kind}/{one.id}"),
        home=address(visit, "/studio/inbox"),
        self_url=address(visit, f"/studio/inbox/{kind}/{id}"),
        **{"refusal": "", "overtaken": 0, "kept": None, "text": await _prefilled(visit, talk), **more},
    )


def address(visit: Visit, path: str) -> str:
    """Return an address that keeps the filters."""
    return with_query(path, [(name, visit.query.get(name, "")) for name in FILTERS])


# -- the list ---------------------------------------------------------------------------------------------------------


async def waiting(visit: Visit) -> list[Waiting]:
    """Return who waits by the filters of the address, the longest first."""
    channel, found = visit.query.get("channel", ""), []
    if channel != "replies":
        found += await visit.api.database.aread(lambda: _tickets(visit))
    if channel in {"", "replies"} and not visit.query.get("store"):
        found += await visit.api.database.aread(lambda: _replies(visit))
    return sorted(found, key=lambda one: one.since)[:LISTED]


def _person(visit: Visit, column: str) -> Pairs:
    who = {"me": str(visit.by.id), "nobody": "is.null"}.get(visit.query.get("who", ""))
    return [(column, who)] if who else []


def _tickets(visit: Visit) -> list[Waiting]:
    pairs = _person(visit, "assignee_user_id")
    if visit.query.get("show") == "snoozed":
        pairs += [("status", "snoozed")]
    else:
        pairs += [("status", "open"), ("waiting_since", "not.is.null")]
    pairs += [(name, value) for name, value in (("store_id", visit.query.get("store")),) if value]
    if visit.query.get("channel") in CHANNELS:
        pairs.append(("source", visit.query["channel"]))
    rows = _rows(visit, "tickets", [*pairs, ("sort", "waiting_since"), ("expand", "store"), ("limit", str(LISTED))])
    return [
        Waiting(
            "tickets",
            row["id"],
            row["customer_name"] or row["customer_email"] or f"#{row['number']}",
            row["subject"],
            row["waiting_since"] or row["last_message_at"] or row["created_at"],
            row["assignee_user_id"],
            (row.get("store") or {}).get("name") or "",
        )
        for row in rows
    ]


def _replies(visit: Visit) -> list[Waiting]:
    now = moment_text(clock.now())
    pairs = [("direction", "inbound"), ("answered_at", "is.null"), *_person(visit, "prospect.owner_user_id")]
    if visit.query.get("show") == "snoozed":
        pairs += [("snoozed_until", f"gt.{now}")]
    else:
        pairs += [("or", f"(snoozed_until.is.null,snoozed_until.lte.{now})")]
    asked = [*pairs, ("sort", "created_at"), ("expand", "prospect"), ("limit", str(LISTED))]
    found = []
    for row in _rows(visit, "messages", asked):
        prospect = row.get("prospect") or {}
        detail = prospect.get("company_name") or ""
        about = row["subject"] or row["content"][:80]
        owner = prospect.get("owner_user_id")
        found.append(Waiting("replies", row["id"], _called(prospect), about, row["created_at"], owner, detail))
    return found


def _called(prospect: Row) -> str:
    parts = (prospect.get("first_name"), prospect.get("last_name"))
    return " ".join(part for part in parts if part) or prospect.get("email") or "?"


def _rows(visit: Visit, name: str, pairs: Pairs) -> list[Row]:
    """Return rows of a resource as the API lists them; a filter of the address that is none finds nothing."""
    resource = visit.api.catalog.by_name[name]
    try:
        query = parse(visit.api.catalog, resource, urlencode(pairs))
    except GrowbaseError:
        return []
    return [json.loads(row) for row in visit.api.reader.page(visit.by, resource, query).rows]


def _count(visit: Visit, name: str, pairs: Pairs) -> int:
    resource = visit.api.catalog.by_name[name]
    return visit.api.reader.count(visit.by, resource, parse(visit.api.catalog, resource, urlencode(pairs)), cap=COUNTED)


# -- a conversation ---------------------------------------------------------------------------------------------------


async def conversation(visit: Visit, kind: str, id: UUID) -> dict[str, Any]:
    """Return a conversation with all that answering it takes. Raises NotFound."""
    if kind not in KINDS:
        raise NotFound(what="page")
    resource = visit.api.catalog.by_name[KINDS[kind]]
    row = await current_row(visit, resource, id)
    if kind == "tickets":
        return await visit.api.database.aread(lambda: _ticket(visit, row))
    if row["direction"] != "inbound":
        raise NotFound(what="page")
    return await visit.api.database.aread(lambda: _reply(visit, row))


def _ticket(visit: Visit, row: Row) -> dict[str, Any]:
    of_ticket = [("ticket_id", row["id"])]
    # Counted before it is read: what comes in between is one too many rather than unseen.
    seen = _count(visit, "ticket-messages", [*of_ticket, ("is_draft", "false")])
    messages = _rows(visit, "ticket-messages", [*of_ticket, ("is_draft", "false"), *_NEWEST])
    drafts = _rows(visit, "ai-drafts", [*of_ticket, ("status", "in.(proposed,approved,edited)"), *_NEWEST])
    canned = _rows(visit, "canned-replies", [("sort", "name"), ("limit", str(REPLIES))])
    stores = _rows(visit, "stores", [("id", row["store_id"])])
    with visit.api.database.read(visit.by) as reads:
        writers = writers_of(reads, UUID(row["id"]))
        people = names_by_id(reads, "users", {one for one in (row["assignee_user_id"],) if one})
    said = []
    for one in reversed(messages):
        theirs = one["author_type"] == "customer"
        side = "inner" if one["is_internal_note"] else "theirs" if theirs else "ours"
        who = one["author_label"] or (row["customer_name"] if theirs else "") or visit.words.label(one["author_type"])
        text = one["body_plain"] or one["body_rich"]
        delivery = one["delivery"] if side == "ours" else None
        said.append(Said(one["id"], side, who, text, one["created_at"], delivery))
    return {
        "kind": "tickets",
        "row": row,
        "title": row["subject"],
        "who": row["customer_name"] or row["customer_email"] or f"#{row['number']}",
        "address": row["customer_email"],
        "state": row["status"],
        "link": f"/studio/tickets/{row['id']}",
        "store": stores[0]["name"] if stores else "",
        "person": row["assignee_user_id"],
        "person_name": people.get(row["assignee_user_id"] or "", ""),
        "said": said,
        "seen": seen,
        "draft": drafts[0] if drafts else None,
        "canned": canned,
        "writers": writers,
        "is_open": row["status"] not in {"closed", "archived"},
        "waits": row["status"] in {"open", "pending", "snoozed"},
    }


_NEWEST: Final = [("sort", "-created_at"), ("limit", str(SHOWN))]


def _reply(visit: Visit, row: Row) -> dict[str, Any]:
    prospects = _rows(visit, "prospects", [("id", row["prospect_id"])])
    prospect = prospects[0] if prospects else {}
    seen = _count(visit, "messages", [("prospect_id", row["prospect_id"])])
    messages = _rows(visit, "messages", [("prospect_id", row["prospect_id"]), *_NEWEST])
    owner = prospect.get("owner_user_id")
    with visit.api.database.read(visit.by) as reads:
        people = names_by_id(reads, "users", {owner} if owner else set())
    said = []
    for one in reversed(messages):
        theirs = one["direction"] == "inbound"
        who = _called(prospect) if theirs else visit.words.say("We")
        text = "\n\n".join(part for part in (one["subject"], one["content"]) if part)
        at = one["sent_at"] or one["created_at"]
        said.append(Said(one["id"], "theirs" if theirs else "ours", who, text, at, None if theirs else one["status"]))
    return {
        "kind": "replies",
        "row": row,
        "title": row["subject"] or visit.words.say("Reply"),
        "who": _called(prospect),
        "address": prospect.get("email"),
        "state": prospect.get("stage"),
        "link": f"/studio/prospects/{row['prospect_id']}",
        "store": prospect.get("company_name") or "",
        "person": owner,
        "person_name": people.get(owner or "", ""),
        "said": said,
        "seen": seen,
        "draft": None,
        "canned": [],
        "writers": [],
        "is_open": bool(prospect),
        "waits": row["answered_at"] is None,
    }


# -- replies that are kept ready --------------------------------------------------------------------------------------


async def _prefilled(visit: Visit, talk: dict[str, Any] | None) -> str:
    """Return what the answer begins with: a reply that is kept ready or the proposed one, where the address asks."""
    if talk is None or talk["kind"] != "tickets":
        return ""
    if visit.query.get("canned"):
        return await _filled(visit, talk["row"]["id"], visit.query["canned"])
    draft = talk["draft"]
    return draft["human_edit"] or draft["content"] if draft and visit.query.get("draft") == draft["id"] else ""


async def canned(visit: Visit, id: str, reply: str) -> Answer:
    """Return a reply that is kept ready, filled in for a ticket, as JSON."""
    return json_answer({"text": await _filled(visit, id, reply)}, headers={"cache-control": "no-store"})


async def _filled(visit: Visit, ticket_id: str, reply_id: str) -> str:
    key, ticket = identity(reply_id), identity(ticket_id)

    def read(reads: Reads) -> str:
        return render_canned_reply(reads, id=key, ticket_id=ticket)["text"]

    return await visit.read(read)


PAGES: Final[list[tuple[str, str, Callable[..., Awaitable[Answer]]]]] = [
    ("inbox", "GET", show),
    ("inbox/tickets/<id>/canned/<reply>", "GET", canned),
    ("inbox/<kind>/<id>", "GET", show_one),
]
