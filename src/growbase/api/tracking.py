"""What mails and their providers tell back: opens, clicks, bounces, complaints and replies."""

import base64
from functools import partial
from typing import Any

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.core import telemetry
from growbase.core.actor import Role, system
from growbase.core.errors import GrowbaseError
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_mail import record_mail_event, told_ticket_message_id
from growbase.domains.outreach.actions_events import record_message_event, told_message_id
from growbase.domains.outreach.schemas import ProviderEvent, ProviderEvents
from growbase.domains.outreach.tracking import CLICK, OPEN, Tracked, read_tracking_token, record_hit

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A picture of one transparent point."""
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


@endpoint("/o/{token:str}", "GET", "HEAD", public=True, media_type="image/gif")
async def opened(call: Call) -> Answer:
    """Answer the picture by which a mail tells that it was opened; only a sequence that says so has it."""
    await _hit(call, OPEN)
    return Answer(200, PIXEL, dict(HEADERS), content_type="image/gif")


@endpoint("/c/{token:str}", "GET", "HEAD", public=True)
async def clicked(call: Call) -> Answer:
    """Note the click on a link of a mail and lead to its address, which is signed in the token: no other is."""
    tracked = await _hit(call, CLICK)
    return Answer(302, b"", {**HEADERS, "location": tracked.url})


async def _hit(call: Call, purpose: str) -> Tracked:
    """Note what a link tells; whatever the database says, its reader gets what it was opened for. Raises Invalid."""
    tracked = read_tracking_token(call.api.secret, str(call.scope["path_params"]["token"]), purpose)
    if call.method == "HEAD":
        return tracked
    # Of the reader nothing is kept: neither the address nor the program.
    actor = system("tracking", tracked.organization_id)
    try:
        await call.api.database.awrite(actor, partial(record_hit, tracked=tracked, purpose=purpose))
    except GrowbaseError as error:
        telemetry.instrument("hit_not_recorded", level="warning", reason=str(error))
    return tracked


@endpoint("/api/webhooks/mail/{provider:str}", "POST", body=ProviderEvents)
async def mail_events(call: Call) -> Answer:
    """Take in what a mail provider tells of messages: deliveries, bounces, complaints, replies.

    Each event counts once, by its ``provider_event_id``. Ids that are no message's are listed in ``unknown``.
    """
    actor = await call.require(Role.MEMBER)
    provider = str(call.scope["path_params"]["provider"])[:60]
    given = await call.parse(ProviderEvents)
    dry_run = call.prefer.get("tx") == "rollback"
    answer: dict[str, Any] = {"recorded": 0, "duplicates": 0, "unknown": []}
    for event in given["events"]:
        # Each in a unit of its own: several providers telling of the same people in another order would block.
        word = await call.api.database.awrite(actor, partial(_record, provider=provider, event=event), dry_run=dry_run)
        if word == "unknown":
            answer["unknown"].append(event.message_id)
        else:
            answer[word] += 1
    return json_answer(answer, headers={"preference-applied": "tx=rollback"} if dry_run else None)


def _record(tx: Transaction, *, provider: str, event: ProviderEvent) -> str:
    message_id = told_message_id(tx, event.message_id, provider)
    if message_id is None:
        return _record_reply(tx, event)
    told = {name: getattr(event, name) for name in ("type", "provider_event_id", "occurred_at", "data")}
    return "recorded" if record_message_event(tx, provider=provider, message_id=message_id, **told) else "duplicates"


def _record_reply(tx: Transaction, event: ProviderEvent) -> str:
    """Note what is told of a ticket's reply, of which only matters whether it has arrived."""
    message_id = told_ticket_message_id(tx, event.message_id)
    if message_id is None or event.type not in {"delivered", "bounce_hard", "failed"}:
        return "unknown"
    told = {name: getattr(event, name) for name in ("type", "occurred_at", "data")}
    return "recorded" if record_mail_event(tx, message_id=message_id, **told) else "duplicates"


ROUTES = [opened, clicked, mail_events]
