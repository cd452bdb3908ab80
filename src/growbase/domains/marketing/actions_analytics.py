"""Taking in analytics events, each once, and keeping their daily sums."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from growbase.core import clock
from growbase.core.errors import FieldError, Invalid
from growbase.core.facts import delete_facts, hold, insert_new_facts, upsert_facts
from growbase.core.model import Root
from growbase.core.reads import Reads
from growbase.core.schema import invalid
from growbase.core.statements import equality, mark, select_sql
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text, parse_moment
from growbase.domains.marketing.models import Campaign, Content, ContentVariant, Journey
from growbase.domains.marketing.models_analytics import DAILY_KEY, AnalyticsDaily, AnalyticsEvent
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.marketing.schemas import EVENTS, EventInput
from growbase.jobs.retention import all_kept_since

LATE_LIMIT = timedelta(days=90)
"""How old an event may be when it arrives."""

OnError = Literal["reject", "skip"]
Raw = Sequence[Mapping[str, Any]]
LOCK = "analytics"


@dataclass(slots=True)
class Batch:
    """Events checked for their form, with their places in the request; what was left out is in ``errors``."""

    events: list[EventInput]
    places: Sequence[int]
    on_error: OnError = "reject"
    errors: list[FieldError] = field(default_factory=list)
    refused: int = 0

    def refuse(self, errors: Iterable[FieldError]) -> None:
        """Raise Invalid for wrong events, or keep the errors for the report if they are to be skipped."""
        found = tuple(errors)
        if found and self.on_error == "reject":
            raise Invalid(fields=found)
        self.errors += found


def prepare_events(events: Raw, *, on_error: OnError = "reject", derive_keys: bool = False) -> Batch:
    """Check the form of raw events, which needs no database, so it is done before the unit.

    ``derive_keys`` gives an event without key one made from its content: sent twice, it counts once.
    Raises Invalid naming index and field of every wrong event.
    """
    try:
        batch = Batch(EVENTS.validate_python(events), range(len(events)), on_error)
    except ValidationError:
        batch = _prepared_slowly(events, on_error)
    if derive_keys:
        for place, event in zip(batch.places, batch.events, strict=True):
            if not event.get("event_key"):
                event["event_key"] = derived_key(events[place])
    return batch


def _prepared_slowly(events: Raw, on_error: OnError) -> Batch:
    """Check events of which one at least is wrong, or has its type in capitals as earlier systems wrote it."""
    lowered = [_lowered(event) for event in events]
    try:
        return Batch(EVENTS.validate_python(lowered), range(len(events)), on_error)
    except ValidationError as error:
        wrong = {int(problem["loc"][0]) for problem in error.errors(include_url=False) if problem["loc"]}
        batch = Batch([], [place for place in range(len(events)) if place not in wrong], on_error)
        batch.refuse(invalid(error, "events").fields)
        batch.events = EVENTS.validate_python([lowered[place] for place in batch.places])
        return batch


def _lowered(event: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = event.get("event_type") if hasattr(event, "get") else None
    return {**event, "event_type": kind.lower()} if isinstance(kind, str) else event


def derived_key(event: Mapping[str, Any]) -> str:
    """Return a key made from an event's content."""
    text = json.dumps(event, sort_keys=True, separators=(",", ":"), default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def ingest_events(
    tx: Transaction,
    *,
    events: Raw | Batch,
    on_error: OnError = "reject",
    late_limit: timedelta | None = LATE_LIMIT,
) -> dict[str, Any]:
    """Store events and add them to the daily sums; an event whose key the organization has already changes nothing.

    An event of the future is moved to now and says so in ``dims.clamped_from``. A content names its campaign, a
    variant its content. One wrong event refuses all with Invalid naming its index, unless ``on_error`` is "skip".
    """
    batch = events if isinstance(events, Batch) else prepare_events(events, on_error=on_error)
    # Rebuilding a day must see either all of a batch or nothing of it.
    hold(tx, LOCK, share=True)
    rows = _rows(tx, batch, tx.now - late_limit if late_limit is not None else None)
    inserted = insert_new_facts(tx, AnalyticsEvent, _columns(tx, rows), key="event_key")
    _add_up(tx, rows if len(inserted) == len(rows) else [row for row in rows if row.key in inserted])
    report: dict[str, Any] = {
        "accepted": len(inserted),
        "duplicates": len(batch.events) - batch.refused - len(inserted),
    }
    if batch.on_error == "skip":
        report["errors"] = [{"field": e.field, "code": e.code, "message": e.text()} for e in batch.errors]
    return report


def rebuild_day(tx: Transaction, *, day: date) -> int:
    """Make the sums of a day anew from its events and return how many there are; also makes its subjects exact.

    A day without events, or of which some are past their retention, is left as it is: its sums are for ever.
    """
    hold(tx, LOCK)
    zone = organization_zone(tx)
    start, end = (_midnight(moment, zone) for moment in (day, day + timedelta(days=1)))
    if start < all_kept_since(tx, "analytics_events"):
        return 0
    sign = mark(tx.engine)
    plan = tx.plan(AnalyticsEvent)
    terms, params = tx.scope_terms(plan, anywhere=False)
    terms += [f"t.occurred_at >= {sign}", f"t.occurred_at < {sign}"]
    params += [plan.fields["occurred_at"].bound(moment) for moment in (start, end)]
    group = "campaign_id, content_id, variant_id, event_type, CASE WHEN value_minor IS NULL THEN NULL ELSE currency END"
    direction = "CASE WHEN reverses_key IS NULL THEN 1 ELSE -1 END"
    what = (
        f"{group}, sum({direction}), count(DISTINCT CASE WHEN reverses_key IS NULL THEN subject_key END), "
        f"sum(coalesce(value_minor, 0) * {direction}), max(occurred_at)"
    )
    found = tx.execute(select_sql(plan, what, tuple(terms), f" GROUP BY {group}"), params).fetchall()
    if not found:
        return 0
    fields = [plan.fields[name] for name in ("campaign_id", "content_id", "variant_id")]
    read = plan.fields["occurred_at"].read
    rows = []
    for row in found:
        ids = {f.name: f.read(value) if f.read and value else value for f, value in zip(fields, row, strict=False)}
        kind, currency, count, subjects, value, last = row[3:]
        sums = {"count": int(count), "unique_subjects": int(subjects), "value_minor": int(value)}
        last_event_at = read(last) if read else last
        identity = {"organization_id": tx.actor.organization_id, "id": clock.new_id(), "day": day}
        row_values = {**identity, **ids, "event_type": kind, "currency": currency, **sums}
        rows.append({**row_values, "last_event_at": last_event_at})
    delete_facts(tx, AnalyticsDaily, {"day": day})
    tx.insert_facts(AnalyticsDaily, rows)
    return len(rows)


class _Row(NamedTuple):
    """One event on its way into the table."""

    id: str
    key: str
    event: dict[str, Any]
    target: "_Target"
    at: str
    dims: dict[str, Any] | None


class _Target(NamedTuple):
    """What an event refers to, with the names of that time; ids as text."""

    campaign_id: str | None
    journey_id: str | None
    content_id: str | None
    variant_id: str | None
    campaign_label: str | None = None
    content_label: str | None = None


class _Targets:
    """The targets of a batch, each resolved once; trashed rows count too, since their people still click."""

    def __init__(self, tx: Reads, events: Iterable[Mapping[str, Any]]) -> None:
        self.given = {_given(event) for event in events}
        campaigns, journeys, contents, variants = (
            {target[place] for target in self.given} - {None} for place in range(4)
        )
        self.variants = _look_up(tx, ContentVariant, ("content_id",), variants)
        contents |= {row[0] for row in self.variants.values()}
        self.contents = _look_up(tx, Content, ("campaign_id", "journey_id", "title"), contents)
        self.journeys = _look_up(tx, Journey, ("campaign_id",), journeys)
        campaigns |= {row[0] for row in (*self.contents.values(), *self.journeys.values())}
        self.campaigns = _look_up(tx, Campaign, ("name",), campaigns)
        self.resolved = {given: self._resolve(*given) for given in self.given}

    def _resolve(
        self, campaign_id: str | None, journey_id: str | None, content_id: str | None, variant_id: str | None
    ) -> _Target | FieldError:
        campaign_label = content_label = None
        if variant_id is not None:
            if variant_id not in self.variants:
                return _unknown("variant")
            of_variant = self.variants[variant_id][0]
            if content_id not in {None, of_variant}:
                return _mismatch("variant", "content")
            content_id = of_variant
        if content_id is not None:
            if content_id not in self.contents:
                return _unknown("content")
            of_content, its_journey, content_label = self.contents[content_id]
            if campaign_id not in {None, of_content}:
                return _mismatch("content", "campaign")
            campaign_id = of_content
            journey_id = journey_id or its_journey
        if journey_id is not None and journey_id in self.journeys:
            of_journey = self.journeys[journey_id][0]
            if campaign_id not in {None, of_journey}:
                return _mismatch("journey", "campaign")
            campaign_id = of_journey
        elif journey_id is not None and (content_id is None or journey_id != self.contents[content_id][1]):
            return _unknown("journey")
        if campaign_id is not None:
            if campaign_id not in self.campaigns:
                return _unknown("campaign")
            campaign_label = self.campaigns[campaign_id][0]
        return _Target(campaign_id, journey_id, content_id, variant_id, campaign_label, content_label)


def _given(event: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    get = event.get
    return get("campaign_id"), get("journey_id"), get("content_id"), get("variant_id")


def _unknown(noun: str) -> FieldError:
    return FieldError(f"{noun}_id", "foreign_key", "must be the id of an existing {what}", {"what": noun})


def _mismatch(noun: str, parent: str) -> FieldError:
    return FieldError(f"{noun}_id", "mismatch", "belongs to another {what}", {"what": parent})


def _look_up(tx: Reads, model: type[Root], names: tuple[str, ...], ids: set[Any]) -> dict[str, tuple[Any, ...]]:
    """Return the named columns of rows by id, in one statement, ids as text."""
    if not ids:
        return {}
    plan = tx.plan(model)
    terms, params = tx.scope_terms(plan, anywhere=False)
    term, bound = equality(plan, "id", sorted(ids))
    sql = select_sql(plan, ", ".join(f"t.{name}" for name in ("id", *names)), (*terms, term))
    found = tx.execute(sql, [*params, *bound]).fetchall()
    return {str(key): tuple(str(v) if isinstance(v, UUID) else v for v in values) for key, *values in found}


def _rows(tx: Transaction, batch: Batch, oldest: datetime | None) -> list[_Row]:
    """Return the events that count, each once, moved to now where they claim to be of the future."""
    resolved = _Targets(tx, cast("list[dict[str, Any]]", batch.events)).resolved
    now = tx.now
    now_text = moment_text(now)
    rows: dict[str, _Row] = {}
    errors: list[FieldError] = []
    ids = clock.new_ids(len(batch.events))
    for place, event, identity in zip(batch.places, cast("list[dict[str, Any]]", batch.events), ids, strict=True):
        target = resolved[_given(event)]
        at, dims = event.get("occurred_at") or now, event.get("dims")
        if not isinstance(target, _Target):
            errors.append(target.under(f"events.{place}"))
            continue
        if at > now:
            dims = {**(dims or {}), "clamped_from": moment_text(at)}
            at = now
        elif oldest is not None and at < oldest:
            errors.append(_too_late(oldest).under(f"events.{place}"))
            continue
        key = event.get("event_key") or identity
        if key not in rows:
            at_text = now_text if at is now else moment_text(at)
            rows[key] = _Row(identity, key, event, target, at_text, dims)
    batch.refused = len(errors)
    batch.refuse(errors)
    return list(rows.values())


def _too_late(oldest: datetime) -> FieldError:
    return FieldError("occurred_at", "too_late", "is too long ago: it must be after {oldest}", {"oldest": str(oldest)})


PLAIN = ("event_type", "session_id", "subject_key", "source", "value_minor", "currency", "reverses_key")
"""Columns that are stored as they were sent."""


def _columns(tx: Transaction, rows: Sequence[_Row]) -> dict[str, Sequence[Any]]:
    """Return the rows as columns of the table."""
    count = len(rows)
    columns: dict[str, Sequence[Any]] = {
        "organization_id": [str(tx.actor.organization_id)] * count,
        "id": [row.id for row in rows],
        "event_key": [row.key for row in rows],
        "occurred_at": [row.at for row in rows],
        "received_at": [moment_text(tx.now)] * count,
        "dims": [row.dims for row in rows],
        "metrics": [row.event.get("metrics") or {} for row in rows],
    }
    events = [row.event for row in rows]
    columns |= {name: [event.get(name) for event in events] for name in PLAIN}
    targets = [row.target for row in rows]
    return columns | dict(zip(_Target._fields, zip(*targets, strict=True), strict=False))


def _add_up(tx: Transaction, rows: Sequence[_Row]) -> None:
    """Add events to the sums of their days."""
    if not rows:
        return
    zone = organization_zone(tx)
    days: dict[str, date] = {}
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for _, _, event, target, at, _ in rows:
        get = event.get
        # No time zone changes its day inside a minute.
        minute = at[:16]
        day = days.get(minute)
        if day is None:
            day = days[minute] = parse_moment(at).astimezone(zone).date()
        value = get("value_minor")
        currency = get("currency") if value is not None else None
        key = (day, target.campaign_id, target.content_id, target.variant_id, event["event_type"], currency)
        group = groups.get(key)
        if group is None:
            group = groups[key] = [0, 0, set(), at]
        direction = -1 if get("reverses_key") else 1
        group[0] += direction
        group[1] += (value or 0) * direction
        if direction == 1:
            group[2].add(get("subject_key"))
        group[3] = max(group[3], at)
    names = ("day", "campaign_id", "content_id", "variant_id", "event_type", "currency")
    sums = [
        {
            "organization_id": str(tx.actor.organization_id),
            "id": identity,
            **dict(zip(names, key, strict=True)),
            "count": count,
            "unique_subjects": len(subjects - {None}),
            "value_minor": value,
            "last_event_at": last,
        }
        # In one order in every unit, so that two of them never wait for each other.
        for identity, (key, (count, value, subjects, last)) in zip(
            clock.new_ids(len(groups)),
            sorted(groups.items(), key=lambda item: tuple(map(str, item[0]))),
            strict=True,
        )
    ]
    add = ("count", "unique_subjects", "value_minor")
    upsert_facts(tx, AnalyticsDaily, sums, conflict=DAILY_KEY, add=add, latest=("last_event_at",))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
