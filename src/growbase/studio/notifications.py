"""What the visitor was told: the page of notifications, and the count beside the bell."""

import json
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from growbase.api.call import Answer, identity, json_answer
from growbase.core.query import parse
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_personal import read_all_notifications, read_notification
from growbase.domains.identity.models_personal import Notification
from growbase.domains.identity.queries import count_unread
from growbase.studio.render import page
from growbase.studio.visit import UNREAD, Visit, local, with_query

SHOWN: Final = 50
PATH: Final = "/studio/notifications"


async def show(visit: Visit) -> Answer:
    """Show what the visitor was told, the newest first."""
    resource = visit.api.catalog.by_name["notifications"]
    unread = visit.query.get("show") == "unread"
    pairs = [("sort", "-created_at"), ("limit", str(SHOWN)), *([("read_at", "is.null")] if unread else [])]
    pairs += [("cursor", visit.query["cursor"])] if visit.query.get("cursor") else []
    query = parse(visit.api.catalog, resource, urlencode(pairs))
    found = await visit.api.database.aread(lambda: visit.api.reader.page(visit.by, resource, query))
    following = found.next_cursor
    kept = [("show", "unread" if unread else "")]
    return page(
        visit,
        "notifications.html",
        rows=[json.loads(row) for row in found.rows],
        unread=unread,
        following=with_query(PATH, [*kept, ("cursor", following)]) if following else "",
    )


async def count(visit: Visit) -> Answer:
    """Return how many notifications are unread, as JSON."""
    found = await visit.read(lambda reads: count_unread(reads, UNREAD), snapshot=False)
    return json_answer({"unread": found}, headers={"cache-control": "no-store"})


async def open_one(visit: Visit, id: str) -> Answer:
    """Note that a notification has been read, and go where it leads."""
    key = identity(id)

    def unit(tx: Transaction) -> str:
        read_notification(tx, id=key)
        return tx.get(Notification, key).link or PATH

    return visit.go(local(await visit.write(unit)))


async def read_all(visit: Visit) -> Answer:
    """Note that all have been read."""
    found = await visit.write(read_all_notifications)
    visit.flash(visit.words.say("Marked as read: {count}.", count=found["read"]))
    return visit.go(PATH)


PAGES: Final[list[tuple[str, str, Callable[..., Awaitable[Answer]]]]] = [
    ("notifications", "GET", show),
    ("notifications/unread", "GET", count),
    ("notifications/read-all", "POST", read_all),
    ("notifications/<id>/open", "POST", open_one),
]
