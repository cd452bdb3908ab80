"""Taking in analytics events, each once, and keeping their daily sums."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, cast
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
from growbase.core.types import moment_text
from growbase.domains.marketing.models import Campaign, Content, ContentVariant, Journey
from growbase.domains.marketing.models_analytics import DAILY_KEY, AnalyticsDaily, AnalyticsEvent
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.marketing.schemas import EVENTS, EventInput

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
    except ValidationError as error:
        problems = invalid(error, "events").fields
        wrong = {int(problem["loc"][0]) for problem in error.errors(include_url=False) if problem["loc"]}
        places = [place for place in range(len(events)) if place not in wrong]
        batch = Batch([], places, on_error)
        batch.refuse(problems)
        batch.events = EVENTS.validate_python([events[place] for place in places])
    if derive_keys:
        for place, event in zip(batch.places, batch.events, strict=True):
            if not event.get("event_key"):
                event["event_key"] = derived_key(events[place])
    return batch


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
    targets = _Targets.of(tx, batch.events)
    oldest = tx.now - late_limit if late_limit is not None else None
    rows: dict[str, dict[str, Any]] = {}
    twins = 0
    errors: list[FieldError] = []
    for place, event in zip(batch.places, batch.events, strict=True):
        row = _row(tx, event)
        wrong = targets.complete(row) or _too_late(row, oldest)
        if wrong:
            errors.append(wrong.under(f"events.{place}"))
        elif row["event_key"] in rows:
            twins += 1
        else:
            rows[row["event_key"]] = row
    batch.refuse(errors)
    inserted = insert_new_facts(tx, AnalyticsEvent, list(rows.values()), key="event_key")
    _add_up(tx, [row for key, row in rows.items() if key in inserted])
    report: dict[str, Any] = {"accepted": len(inserted), "duplicates": len(rows) - len(inserted) + twins}
    if batch.on_error == "skip":
        report["errors"] = [{"field": e.field, "code": e.code, "message": e.text()} for e in batch.errors]
    return report


def rebuild_day(tx: Transaction, *, day: date) -> int:
    """Make the sums of a day anew from its events and return how many there are; also makes its subjects exact.

    A day without events is left as it is: its events may be past their retention, its sums are for ever.
    """
    hold(tx, LOCK)
    zone = organization_zone(tx)
    start, end = (_midnight(moment, zone) for moment in (day, day + timedelta(days=1)))
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


@dataclass(slots=True)
class _Targets:
    """What the events of a batch refer to; trashed rows count too, since their people still click."""

    campaigns: dict[UUID, tuple[Any, ...]]
    journeys: dict[UUID, tuple[Any, ...]]
    contents: dict[UUID, tuple[Any, ...]]
    variants: dict[UUID, tuple[Any, ...]]

    @classmethod
    def of(cls, tx: Reads, events: Sequence[EventInput]) -> "_Targets":
        variants = _look_up(tx, ContentVariant, ("content_id",), {event.get("variant_id") for event in events})
        wanted = {event.get("content_id") for event in events} | {row[0] for row in variants.values()}
        contents = _look_up(tx, Content, ("campaign_id", "journey_id", "title"), wanted)
        journeys = _look_up(tx, Journey, ("campaign_id",), {event.get("journey_id") for event in events})
        wanted = {event.get("campaign_id") for event in events}
        wanted |= {row[0] for row in (*contents.values(), *journeys.values())}
        return cls(_look_up(tx, Campaign, ("name",), wanted), journeys, contents, variants)

    def complete(self, row: dict[str, Any]) -> FieldError | None:
        """Fill in what follows from the references given and return the error of a wrong one."""
        steps = (
            ("variant_id", self.variants, ("content_id",)),
            ("content_id", self.contents, ("campaign_id", "journey_id")),
            ("journey_id", self.journeys, ("campaign_id",)),
            ("campaign_id", self.campaigns, ()),
        )
        for name, known, above in steps:
            identity = row[name]
            if identity is None:
                continue
            found = known.get(identity)
            if found is None:
                return FieldError(name, "foreign_key", "must be the id of an existing {what}", {"what": name[:-3]})
            for parent, value in zip(above, found, strict=False):
                if row[parent] is None:
                    row[parent] = value
                elif parent != "journey_id" and row[parent] != value:
                    return FieldError(name, "mismatch", "belongs to another {what}", {"what": parent[:-3]})
        if row["campaign_id"] is not None:
            row["campaign_label"] = self.campaigns[row["campaign_id"]][0]
        if row["content_id"] is not None:
            row["content_label"] = self.contents[row["content_id"]][2]
        return None


def _look_up(tx: Reads, model: type[Root], names: tuple[str, ...], ids: set[Any]) -> dict[UUID, tuple[Any, ...]]:
    """Return the named columns of rows by id, in one statement."""
    ids = ids - {None}
    if not ids:
        return {}
    plan = tx.plan(model)
    terms, params = tx.scope_terms(plan, anywhere=False)
    term, bound = equality(plan, "id", ids)
    sql = select_sql(plan, ", ".join(f"t.{name}" for name in ("id", *names)), (*terms, term))
    readers = [plan.fields[name].read for name in ("id", *names)]
    found: dict[UUID, tuple[Any, ...]] = {}
    for row in tx.execute(sql, [*params, *bound]).fetchall():
        key, *values = (
            value if read is None or value is None else read(value) for read, value in zip(readers, row, strict=True)
        )
        found[key] = tuple(values)
    return found


def _row(tx: Transaction, event: EventInput) -> dict[str, Any]:
    """Return an event as a row, moved to now if it claims to be of the future."""
    identity = clock.new_id()
    get = cast("dict[str, Any]", event).get
    occurred_at, dims = get("occurred_at") or tx.now, get("dims")
    if occurred_at > tx.now:
        dims = {**(dims or {}), "clamped_from": moment_text(occurred_at)}
        occurred_at = tx.now
    return {
        "organization_id": tx.actor.organization_id,
        "id": identity,
        "event_key": get("event_key") or str(identity),
        "campaign_id": get("campaign_id"),
        "journey_id": get("journey_id"),
        "content_id": get("content_id"),
        "variant_id": get("variant_id"),
        "event_type": event["event_type"].value,
        "occurred_at": occurred_at,
        "received_at": tx.now,
        "session_id": get("session_id"),
        "subject_key": get("subject_key"),
        "source": get("source"),
        "value_minor": get("value_minor"),
        "currency": get("currency"),
        "metrics": get("metrics") or {},
        "dims": dims,
        "campaign_label": None,
        "content_label": None,
        "reverses_key": get("reverses_key"),
    }


def _too_late(row: Mapping[str, Any], oldest: datetime | None) -> FieldError | None:
    if oldest is None or row["occurred_at"] >= oldest:
        return None
    return FieldError("occurred_at", "too_late", "is too long ago: it must be after {oldest}", {"oldest": str(oldest)})


def _add_up(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add events to the sums of their days."""
    if not rows:
        return
    zone = organization_zone(tx)
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        value = row["value_minor"]
        occurred_at = row["occurred_at"]
        key = (
            occurred_at.astimezone(zone).date(),
            row["campaign_id"],
            row["content_id"],
            row["variant_id"],
            row["event_type"],
            row["currency"] if value is not None else None,
        )
        group = groups.get(key)
        if group is None:
            group = groups[key] = [0, 0, set(), occurred_at]
        direction = 1 if row["reverses_key"] is None else -1
        group[0] += direction
        group[1] += (value or 0) * direction
        if row["subject_key"] is not None and direction == 1:
            group[2].add(row["subject_key"])
        group[3] = max(group[3], occurred_at)
    names = ("day", "campaign_id", "content_id", "variant_id", "event_type", "currency")
    sums = [
        {
            "organization_id": tx.actor.organization_id,
            "id": clock.new_id(),
            **dict(zip(names, key, strict=True)),
            "count": count,
            "unique_subjects": len(subjects),
            "value_minor": value,
            "last_event_at": last,
        }
        # In one order in every unit, so that two of them never wait for each other.
        for key, (count, value, subjects, last) in sorted(groups.items(), key=lambda item: tuple(map(str, item[0])))
    ]
    upsert_facts(
        tx,
        AnalyticsDaily,
        sums,
        conflict=DAILY_KEY,
        add=("count", "unique_subjects", "value_minor"),
        latest=("last_event_at",),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
