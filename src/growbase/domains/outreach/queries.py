"""Reading what came of messages: how many were sent, arrived, were opened, answered or came back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from growbase.core.errors import InvalidQuery
from growbase.core.reads import Reads
from growbase.core.statements import mark, quarter_moment, quarter_sql
from growbase.domains.marketing.queries import organization_zone, require_range
from growbase.domains.outreach.models_messages import Direction, Message

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "day": ("day",),
    "campaign": ("outreach_campaign_id",),
    "step": ("sequence_id", "step_key"),
}
MOMENTS: Final[Mapping[str, str]] = {
    "sent": "sent_at",
    "delivered": "delivered_at",
    "opened": "first_opened_at",
    "clicked": "first_clicked_at",
    "replied": "replied_at",
    "bounced": "bounced_at",
}
"""Each figure, and the moment a message has where it counts."""
LONGEST: Final = timedelta(days=366)
MOST_GROUPS: Final = 1_000


def message_figures(
    reads: Reads,
    *,
    start: datetime,
    end: datetime,
    group_by: Sequence[str] = ("day",),
    outreach_campaign_id: UUID | None = None,
) -> dict[str, Any]:
    """Return what came of the messages sent from ``start`` to before ``end``, by day, campaign or step, and in all.

    A message counts on the day it was sent, whenever it was opened or answered, so that each figure is a part of
    ``sent``. Days are of the organization's time zone; messages written by hand belong to no campaign, and to no step.
    Raises InvalidQuery.
    """
    require_range(start, end)
    unknown = next((name for name in group_by if name not in GROUPS), None)
    if unknown is not None:
        choices = ", ".join(GROUPS)
        raise InvalidQuery.at(
            "group_by", "invalid_query", "{name} is not one of {choices}", name=unknown, choices=choices
        )
    if end - start > LONGEST and "day" in group_by:
        raise InvalidQuery.at("to", "invalid_query", "must be after from, by at most {days} days", days=LONGEST.days)
    zone = organization_zone(reads)
    wanted = tuple(dict.fromkeys(group_by))
    columns = tuple(column for name in wanted for column in GROUPS[name])
    cells: dict[tuple[str | None, ...], list[int]] = {}
    totals = [0] * len(MOMENTS)
    for *parts, counts in _counted(reads, (start, end), outreach_campaign_id, columns, zone):
        cell = cells.setdefault(tuple(parts), [0] * len(MOMENTS))
        for place, count in enumerate(counts):
            cell[place] += count
            totals[place] += count
    if len(cells) > MOST_GROUPS:
        raise InvalidQuery.at("group_by", "invalid_query", "makes more than {max} groups", max=MOST_GROUPS)
    ordered = sorted(cells, key=lambda key: tuple((part is not None, part or "") for part in key))
    return {
        "from": start.astimezone(UTC).isoformat(),
        "to": end.astimezone(UTC).isoformat(),
        "timezone": zone.key,
        "groups": [{**dict(zip(columns, key, strict=True)), **_named(cells[key])} for key in ordered],
        "totals": _named(totals),
    }


def _named(counts: Sequence[int]) -> dict[str, int]:
    return dict(zip(MOMENTS, counts, strict=True))


def _counted(
    reads: Reads, span: tuple[datetime, datetime], campaign_id: UUID | None, columns: Sequence[str], zone: ZoneInfo
) -> list[tuple[Any, ...]]:
    """Return the parts of each group and its counts, summed up by quarters of an hour where days are asked for."""
    plan, sign = reads.plan(Message), mark(reads.engine)
    terms, params = reads.scope_terms(plan, anywhere=False)
    bound = plan.fields["sent_at"].bound
    terms += [f"t.sent_at >= {sign}", f"t.sent_at < {sign}", f"t.direction = {sign}"]
    params += [*map(bound, span), Direction.OUTBOUND.value]
    if campaign_id is not None:
        terms.append(f"t.outreach_campaign_id = {sign}")
        params.append(plan.fields["outreach_campaign_id"].bound(campaign_id))
    sources = {"day": quarter_sql(reads.engine, "t.sent_at"), "sequence_id": "s.sequence_id"}
    parts = [sources.get(column, f"t.{column}") for column in columns]
    step = ""
    if "sequence_id" in columns:
        step = "JOIN sequence_steps s ON s.organization_id = t.organization_id AND s.id = t.sequence_step_id "
    counts = [f"count(t.{column})" for column in MOMENTS.values()]
    group = f" GROUP BY {', '.join(str(place + 1) for place in range(len(parts)))}" if parts else ""
    sql = f"SELECT {', '.join([*parts, *counts])} FROM messages t {step}WHERE {' AND '.join(terms)}{group}"
    found = []
    for row in reads.execute(sql, params).fetchall():
        key = [
            str(quarter_moment(value).astimezone(zone).date())
            if column == "day"
            else None
            if value is None
            else str(value)
            for column, value in zip(columns, row[: len(columns)], strict=True)
        ]
        found.append((*key, [int(count) for count in row[len(columns) :]]))
    return found
