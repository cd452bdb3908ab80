"""What is done in the inbox: answering, saying that one writes, taking over, putting off and settling."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from html import escape
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from growbase.api.call import Answer, identity, json_answer
from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.errors import Conflict, Forbidden, Invalid, LimitExceeded, NotFound, Stale
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_desk import Overtaken, note_writing, require_seen
from growbase.domains.commerce.actions_drafts import approve_draft, ask_for_draft, reject_draft, send_draft
from growbase.domains.commerce.actions_messages import post_message
from growbase.domains.commerce.actions_tickets import assign_ticket, resolve_ticket, snooze_ticket
from growbase.domains.commerce.models_tickets import AiDraft, DraftStatus, Ticket
from growbase.domains.outreach.actions_messages import create_message, settle_message, snooze_message
from growbase.domains.outreach.actions_outgoing import send_message
from growbase.domains.outreach.actions_prospects import update_prospect
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import Message
from growbase.studio.acts import flash_error
from growbase.studio.inbox import KINDS, address, shown, waiting
from growbase.studio.visit import Visit

REFUSED: Final = (Invalid, Conflict, Forbidden, LimitExceeded, Stale)
NINE: Final = time(9)


async def act(visit: Visit, kind: str, id: str) -> Answer:
    """Do what a button of a conversation says, and go on to the next one where this one is done with."""
    visit.require(Role.MEMBER)
    if kind not in KINDS:
        raise NotFound(what="page")
    key, do, words = identity(id), visit.sent("do"), visit.words
    here = address(visit, f"/studio/inbox/{kind}/{id}")
    if do == "reply":
        return await _answer(visit, kind, key)
    done: dict[str, tuple[Callable[[Transaction], object], str, bool]] = {
        "assign": (lambda tx: _assign(tx, kind, key, tx.actor.id), words.say("It is yours now."), False),
        "release": (lambda tx: _assign(tx, kind, key, None), words.say("It is free for anybody now."), False),
        "snooze": (lambda tx: _snooze(tx, kind, key, moment_of(words.timezone, visit.sent("until"))), "", True),
        "settle": (lambda tx: _settle(tx, kind, key), words.say("Settled."), True),
        "draft": (lambda tx: ask_for_draft(tx, id=key), words.say("An answer is being written."), False),
        "reject": (
            lambda tx: reject_draft(tx, id=identity(visit.sent("draft"))),
            words.say("The proposed answer is dropped."),
            False,
        ),
    }
    if do not in done or (kind != "tickets" and do in {"draft", "reject"}):
        raise NotFound(what="verb")
    unit, said, goes_on = done[do]
    try:
        await visit.write(unit)
    except REFUSED as error:
        flash_error(visit, error)
        return visit.go(here)
    if do == "draft":
        # What was typed so far stays in the field.
        note = {"text": said, "kind": "done", "undo": "", "fields": {}}
        return await shown(visit, kind, id, note=note, text=visit.sent("text"))
    visit.flash(said or words.say("Put off."))
    return visit.go(await _next(visit, id) if goes_on else here)


async def _next(visit: Visit, id: str) -> str:
    """Return the address of whoever waits longest besides."""
    following = next((one for one in await waiting(visit) if one.id != id), None)
    return address(visit, f"/studio/inbox/{following.kind}/{following.id}" if following else "/studio/inbox")


# -- answering --------------------------------------------------------------------------------------------------------


async def _answer(visit: Visit, kind: str, key: UUID) -> Answer:
    """Send an answer; where somebody else has written meanwhile, show that and ask."""
    text, words = visit.sent("text").strip(), visit.words
    seen = int(visit.sent("seen")) if visit.sent("seen").isdecimal() else None
    is_note, then = visit.sent("note") == "true", visit.sent("then")
    kept = {"text": text, "kept": {"draft": visit.sent("draft"), "note": is_note}}
    if not text:
        return await shown(visit, kind, str(key), 422, refusal=words.say("Write something first."), **kept)

    def unit(tx: Transaction) -> None:
        if kind == "tickets":
            draft = visit.sent("draft")
            _reply_to_ticket(tx, key, text, seen, None if is_note or not draft else identity(draft), is_note=is_note)
            note_writing(tx, id=key, writing=False)
        else:
            _reply_to_prospect(tx, key, text, seen)
        if then == "settle" and not is_note:
            _settle(tx, kind, key)

    try:
        await visit.write(unit)
    except Overtaken as error:
        fresh = int(str(error.params["message_count"])) - int(str(error.params["seen_count"]))
        return await shown(visit, kind, str(key), 412, overtaken=fresh, **kept)
    except REFUSED as error:
        details = "; ".join(f"{words.label(one.field)} {words.say(one.message, **one.params)}" for one in error.fields)
        refusal = f"{words.say(error.message, **error.params)} {details}".strip()
        return await shown(visit, kind, str(key), 422, refusal=refusal, **kept)
    visit.flash(words.say("Noted.") if is_note else words.say("Sent."))
    if is_note:
        return visit.go(address(visit, f"/studio/inbox/{kind}/{key}"))
    return visit.go(await _next(visit, str(key)))


def _reply_to_ticket(
    tx: Transaction, key: UUID, text: str, seen: int | None, draft_id: UUID | None, *, is_note: bool
) -> None:
    """Write a reply by hand, or by the draft it was made of, with the approval that sending it takes."""
    draft = tx.find(AiDraft, draft_id) if draft_id is not None else None
    if draft is not None and draft.ticket_id == key and draft.status is DraftStatus.PROPOSED:
        tx.get(Ticket, key, lock=True)
        require_seen(tx, key, seen)
        approve_draft(tx, id=draft.id, edit=text)
        send_draft(tx, id=draft.id)
        return
    is_as_approved = draft is not None and text == (draft.human_edit or draft.content)
    if draft is not None and draft.ticket_id == key and is_as_approved:
        send_draft(tx, id=draft.id, seen_count=seen)
        return
    rich = escape(text, quote=False).replace("\n", "<br>")
    post_message(tx, ticket_id=key, body_rich=rich, body_plain=text, is_internal_note=is_note, seen_count=seen)


def _reply_to_prospect(tx: Transaction, key: UUID, text: str, seen: int | None) -> None:
    told = tx.get(Message, key, lock=True)
    tx.get(Prospect, told.prospect_id, lock=True)
    count = tx.count(Message, prospect_id=told.prospect_id)
    if seen is not None and count > seen:
        raise Overtaken(seen_count=seen, message_count=count)
    subject = told.subject or ""
    id = create_message(
        tx,
        prospect_id=told.prospect_id,
        channel=told.channel,
        subject=(subject if subject.lower().startswith("re:") else f"Re: {subject}")[:300] if subject else None,
        content=text,
        thread_key=told.thread_key,
        in_reply_to_id=told.id,
    )
    send_message(tx, id=id)


async def writing(visit: Visit, id: str) -> Answer:
    """Note that the visitor is writing in a ticket, or has stopped, and return who else is, as JSON."""
    visit.require(Role.MEMBER)
    key, words = identity(id), visit.words
    is_writing = visit.sent("writing") == "1"
    found = await visit.write(lambda tx: note_writing(tx, id=key, writing=is_writing))
    said = [
        f"{words.say('{name} is writing', name=one['name'])} ({words.ago(one['seen_at'])})" for one in found["writers"]
    ]
    return json_answer({"writers": said}, headers={"cache-control": "no-store"})


# -- the rest ---------------------------------------------------------------------------------------------------------


def _assign(tx: Transaction, kind: str, key: UUID, user_id: UUID | None) -> None:
    if kind == "tickets":
        assign_ticket(tx, id=key, user_id=user_id)
    else:
        prospect_id = tx.get(Message, key).prospect_id
        update_prospect(tx, id=prospect_id, changes={"owner_user_id": user_id})


def _snooze(tx: Transaction, kind: str, key: UUID, until: datetime) -> None:
    (snooze_ticket if kind == "tickets" else snooze_message)(tx, id=key, until=until)


def _settle(tx: Transaction, kind: str, key: UUID) -> None:
    (resolve_ticket if kind == "tickets" else settle_message)(tx, id=key)


def moment_of(timezone: str, name: str) -> datetime:
    """Return when to come back: in an hour, tomorrow or on Monday at nine, by the visitor's clock."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    now = clock.now()
    local = now.astimezone(zone)
    if name == "tomorrow":
        return datetime.combine(local.date() + timedelta(days=1), NINE, zone).astimezone(now.tzinfo)
    if name == "week":
        days = 7 - local.weekday()
        return datetime.combine(local.date() + timedelta(days=days), NINE, zone).astimezone(now.tzinfo)
    return now + timedelta(hours=1)


PAGES: Final[list[tuple[str, str, Callable[..., Awaitable[Answer]]]]] = [
    ("inbox/<kind>/<id>", "POST", act),
    ("inbox/tickets/<id>/writing", "POST", writing),
]
