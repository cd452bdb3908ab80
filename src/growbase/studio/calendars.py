"""The calendar: what is planned by day, in a month, a week or a day, and posts that are moved by hand."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.core import clock
from growbase.core.errors import Conflict, GrowbaseError, Invalid, LimitExceeded, Stale
from growbase.core.reads import Reads
from growbase.core.schema import parse_with
from growbase.core.types import compact_json
from growbase.domains.social.models_publishing import PostStatus
from growbase.domains.social.states import QUEUED, SENT
from growbase.studio.acts import flash_error
from growbase.studio.edit import current_row
from growbase.studio.lookup import called
from growbase.studio.moments import POSTS, Day, Wanted, account_names, fill, kinds_of, moment_of
from growbase.studio.render import page
from growbase.studio.visit import Visit, local, with_query

VIEWS: Final = ("month", "week", "day")
MOST: Final = {"month": 4, "week": 40, "day": 200}
"""Moments listed of one day."""
STAYS: Final = frozenset(state.value for state in (*SENT, PostStatus.CANCELLED))
"""States in which a post can't be moved."""
MOVES: Final = frozenset(state.value for state in (PostStatus.DRAFT, PostStatus.ON_HOLD, *QUEUED))
"""States that a post keeps when it is moved."""
RESOURCE: Final = "scheduled-posts"
VERB: Final = "reschedule"


async def show(visit: Visit) -> Answer:
    """Show what is planned in the month, week or day an address names."""
    words, readable = visit.words, {one.name: one for one in visit.readable()}
    kinds = kinds_of(words, readable.__contains__)
    view = visit.query.get("view", "month")
    view = view if view in VIEWS else "month"
    at = _day(visit.query.get("at", "")) or today(visit)
    days = _days(visit, view, at)
    wanted = _wanted(visit, kinds, view)

    def read(reads: Reads) -> list[tuple[str, str, str]]:
        fill(reads, words, readable, days, wanted)
        return account_names(reads) if "social-accounts" in readable else []

    accounts = await visit.read(read)
    kept = [(name, value) for name, value in visit.pairs if name not in {"at", "view", "lang"} and value]
    before, after = _neighbours(view, at)
    verb = readable[RESOURCE].verbs[VERB] if RESOURCE in readable else None
    return page(
        visit,
        "calendar.html",
        days=days,
        weeks=[days[start : start + 7] for start in range(0, len(days), 7)] if view != "day" else [days],
        view=view,
        at=at,
        today=today(visit),
        heading=_heading(visit, view, at, days),
        before=before,
        after=after,
        kinds=kinds,
        wanted=wanted,
        accounts=accounts,
        platforms=sorted({platform for _, platform, _ in accounts}),
        states=[state.value for state in PostStatus],
        kept=kept,
        address=lambda **changes: _address(kept, changes),
        may_move=verb is not None and visit.may(verb.role),
        stays=STAYS,
        is_filtered=any(name in {"account", "platform", "state", "show"} for name, _ in kept),
    )


def today(visit: Visit) -> date:
    """Return the day it is on the visitor's clocks."""
    return date.fromisoformat(visit.words.typed_moment(clock.now().isoformat())[:10])


def _address(kept: list[tuple[str, str]], changes: dict[str, object]) -> str:
    rest = [(name, value) for name, value in kept if name not in changes]
    return with_query("/studio/calendar", [*rest, *((name, str(value)) for name, value in changes.items())])


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text[:10] if len(text) != len("2026-01") else f"{text}-01")
    except ValueError:
        return None
    # A calendar needs the weeks before and after it.
    return found if date(2, 1, 1) < found < date(9998, 1, 1) else None


def _days(visit: Visit, view: str, at: date) -> list[Day]:
    """Return the days a view shows: whole weeks from Monday on, or one day."""
    if view == "day":
        first, count = at, 1
    elif view == "week":
        first, count = at - timedelta(days=at.weekday()), 7
    else:
        start = at.replace(day=1)
        first = start - timedelta(days=start.weekday())
        last = (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        count = -(-((last - first).days + 1) // 7) * 7
    found = []
    for place in range(count):
        day = first + timedelta(days=place)
        start_at, end_at = (
            datetime.fromisoformat(visit.words.day_bounds(day.isoformat(), end=end)) for end in (False, True)
        )
        found.append(Day(day, start_at, end_at))
    return found


def _neighbours(view: str, at: date) -> tuple[date, date]:
    if view == "month":
        start = at.replace(day=1)
        return (start - timedelta(days=1)).replace(day=1), (start + timedelta(days=31)).replace(day=1)
    step = timedelta(days=7 if view == "week" else 1)
    return at - step, at + step


def _heading(visit: Visit, view: str, at: date, days: list[Day]) -> str:
    words = visit.words
    if view == "month":
        return words.month(at)
    if view == "day":
        return f"{words.weekday(at)}, {words.day(at.isoformat())}"
    first, last = (words.day(one.day.isoformat()) for one in (days[0], days[-1]))
    return words.say("{first} to {last}", first=first, last=last)


def _wanted(visit: Visit, kinds: dict[str, str], view: str) -> Wanted:
    """Return what the address asks for; posts where it names no kind."""
    asked = _given(visit, "show")
    chosen = frozenset(kinds) if "all" in asked else frozenset(asked) & frozenset(kinds)
    states = tuple(state for state in _given(visit, "state") if state in {one.value for one in PostStatus})
    accounts = tuple(id for text in _given(visit, "account") if (id := _id(text)) is not None)
    return Wanted(
        chosen or frozenset({POSTS}) & frozenset(kinds), accounts, tuple(_given(visit, "platform")), states, MOST[view]
    )


def _given(visit: Visit, name: str) -> list[str]:
    """Return what an address says under a name, once or with commas."""
    return [part for key, text in visit.pairs if key == name for part in text.split(",") if part][:50]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# -- moving a post ----------------------------------------------------------------------------------------------------


async def ask_move(visit: Visit) -> Answer:
    """Show the form that gives a post another time."""
    return await _form(visit, visit.query.get("id", ""), visit.query.get("back", ""))


async def _form(visit: Visit, id: str, back: str, typed: str = "", refusal: GrowbaseError | None = None) -> Answer:
    resource = visit.api.catalog.by_name[RESOURCE]
    visit.require(resource.verbs[VERB].role)
    row = await current_row(visit, resource, identity(id))
    words = visit.words
    said = [words.say(one.message, **one.params) for one in refusal.fields] if refusal else []
    return page(
        visit,
        "calendar_move.html",
        422 if refusal else 200,
        row=row,
        title=await called(visit, resource, row),
        typed=typed or words.typed_moment(row["scheduled_at"]),
        back=local(back or "/studio/calendar"),
        refusal=words.say(refusal.message, **refusal.params) if refusal else "",
        errors=said,
    )


async def move(visit: Visit) -> Answer:
    """Give a post another time: the moment a form names, or the same time on the day it was dropped on."""
    resource = visit.api.catalog.by_name[RESOURCE]
    verb = resource.verbs[VERB]
    visit.require(verb.role)
    id, back = _field(visit, "id"), local(_field(visit, "back") or "/studio/calendar")
    row = await current_row(visit, resource, identity(id))
    words, dropped = visit.words, _field(visit, "day")
    day = _day(dropped) if dropped else None
    typed = _field(visit, "when")
    text = moment_of(words, row["scheduled_at"], day) if day else words.read_moment(typed)
    version = _field(visit, "version")
    body: dict[str, Any] = {"scheduled_at": text, "version": int(version) if version.isdecimal() else None}
    try:
        assert verb.body is not None
        parsed = parse_with(verb.body.model_validate_json, compact_json(body).encode())
        values = {name: getattr(parsed, name) for name in type(parsed).model_fields}
        await visit.write(lambda tx: verb.run(tx, id=identity(id), **values))
    except (Conflict, Invalid, LimitExceeded, Stale) as error:
        if not dropped and isinstance(error, Invalid):
            return await _form(visit, id, back, typed, error)
        flash_error(visit, error)
        return visit.go(back)
    # What was failed or missed is queued again: there is no way back to that.
    old = [("id", id), ("when", str(row["scheduled_at"])), ("back", back)]
    undo = with_query("/studio/calendar/move", old) if row["status"] in MOVES else ""
    visit.flash(words.say("Moved to {moment}.", moment=words.short_moment(text)), undo=undo)
    return visit.go(back)


def _field(visit: Visit, name: str) -> str:
    """Return what a form sent, else what its address says, as the button of a note does."""
    return visit.sent(name) or visit.query.get(name, "")


PAGES: Final = [
    ("calendar", "GET", show),
    ("calendar/move", "GET", ask_move),
    ("calendar/move", "POST", move),
]
