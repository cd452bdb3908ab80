"""What the organization has used of its plan: how much is left, what was used on each day, and what a limit stops."""

from typing import Any, Final

from growbase.api.call import Answer
from growbase.core import clock
from growbase.core.reads import Reads
from growbase.domains.identity.models_billing import Metric
from growbase.domains.identity.queries_usage import usage_by_day
from growbase.domains.identity.terms import find_terms
from growbase.domains.identity.usage import list_usage
from growbase.studio.figures import Series, by_day
from growbase.studio.periods import Period, addressed, kept, period_of
from growbase.studio.render import page
from growbase.studio.visit import Visit
from growbase.studio.words import Words

MEGABYTE: Final = 1_024**2
NEAR: Final = 0.8
"""The part of a limit from which on its use needs attention."""
BEHIND: Final = {
    Metric.POSTS_GENERATED: "content-pieces",
    Metric.POSTS_PUBLISHED: "scheduled-posts?status=published",
    Metric.STRATEGIES_GENERATED: "ai-strategies",
    Metric.CONTENT_GENERATED: "generated-contents",
    Metric.PROSPECTS: "prospects",
    Metric.ICPS: "icps",
    Metric.SEQUENCES: "sequences",
    Metric.MESSAGES_SENT: "messages?direction=outbound&sent_at=not.is.null",
    Metric.TEAM_MEMBERS: "memberships",
    Metric.STORAGE_BYTES: "assets",
}
"""The list of what a metric counts."""
Row = dict[str, Any]


async def show(visit: Visit) -> Answer:
    """Show the use of the plan."""
    period = await period_of(visit)
    usage, days, plan = await visit.read(lambda reads: _read(reads, period))
    words = visit.words
    used = {row["metric"] for row in days}
    asked = visit.query.get("metric", "")
    fullest = sorted(usage, key=lambda row: -((row["used"] + row["reserved"]) / row["limit"] if row["limit"] else 0))
    metric = next((one for one in (asked, *(row["metric"] for row in fullest if row["metric"] in used)) if one in
                   set(Metric)), Metric.API_CALLS.value)  # fmt: skip
    return page(
        visit,
        "usage.html",
        400 if period.refusal else 200,
        period=period,
        address=lambda **changes: addressed(visit, **changes),
        kept=kept(visit),
        plan=plan,
        rows=[meter_of(words, row) for row in usage],
        metric=metric,
        metrics=[(one.value, name_of(words, one)) for one in Metric],
        chart=_series(words, days, period, metric),
        table=_table(words, days),
        name=name_of(words, metric),
        may_plan="plans" in visit.api.catalog.by_name,
    )


def _read(reads: Reads, period: Period) -> tuple[list[Row], list[Row], str]:
    now = clock.now()
    days = usage_by_day(reads, start=period.start, end=period.end, zone=period.zone)["data"]
    plan = find_terms(reads, now).plan
    return list_usage(reads, now), days, plan.name if plan else ""


def meter_of(words: Words, row: Row) -> Row:
    """Return one metric as its meter shows it: how much, of how much, and what happens at the end of it."""
    metric, limit = Metric(row["metric"]), row["limit"]
    total = row["used"] + row["reserved"]
    part = None if limit is None else (total / limit if limit else 1.0)
    tone = "over" if row["over_limit"] else "full" if part is not None and total >= (limit or 0) else ""
    tone = tone or ("near" if part is not None and part >= NEAR else "")
    return {
        "metric": metric.value,
        "name": name_of(words, metric),
        "used": amount(words, metric, row["used"]),
        "reserved": amount(words, metric, row["reserved"]) if row["reserved"] else "",
        "limit": None if limit is None else amount(words, metric, limit),
        "left": None if limit is None else amount(words, metric, max(0, limit - total)),
        "part": part,
        "tone": tone,
        "until": words.day(row["period_end"]) if row["period_end"] else "",
        "href": f"/studio/{BEHIND[metric]}" if metric in BEHIND else "",
        "then": at_the_limit(words, metric),
    }


def name_of(words: Words, metric: str) -> str:
    """Return what a metric is called."""
    return words.say("Storage") if metric == Metric.STORAGE_BYTES else words.label(metric)


def amount(words: Words, metric: str, value: int) -> str:
    """Return how much of a metric, bytes in the unit that fits them."""
    return words.number(value) if metric != Metric.STORAGE_BYTES else words.size(value)


def at_the_limit(words: Words, metric: Metric) -> str:
    """Return what a used-up limit stops."""
    refused = words.say("No more are written by a model until the period ends.")
    added = words.say("No more are added until some are removed.")
    return {
        Metric.POSTS_GENERATED: refused,
        Metric.POSTS_PUBLISHED: words.say("Posts that are due are put on hold, and nothing is lost."),
        Metric.STRATEGIES_GENERATED: refused,
        Metric.CONTENT_GENERATED: refused,
        Metric.MESSAGES_SENT: words.say("Messages wait, and go out when the next period begins."),
        Metric.TEAM_MEMBERS: words.say("Nobody else can be invited or join."),
        Metric.API_CALLS: words.say("Nothing stops: calls are counted and shown, never refused."),
        Metric.STORAGE_BYTES: words.say("No file is taken until some are removed for good."),
    }.get(metric, added)


def _series(words: Words, days: list[Row], period: Period, metric: str) -> Series:
    rows = [row for row in days if row["metric"] == metric]
    name = name_of(words, metric)
    if metric != Metric.STORAGE_BYTES or not rows:
        return by_day(rows, period, names={metric: name}, at="day", of="metric", value="used")
    [line] = by_day(
        rows, period, names={metric: words.say("{name} in MB", name=name)}, at="day", of="metric", value="used"
    )
    return [{**line, "values": [round(value / MEGABYTE, 3) for value in line["values"]]}]


def _table(words: Words, days: list[Row]) -> list[Row]:
    """Return how much of each metric was used in all of these days."""
    sums: dict[str, int] = {}
    for row in days:
        sums[row["metric"]] = sums.get(row["metric"], 0) + row["used"]
    return [
        {"metric": one.value, "name": name_of(words, one), "text": amount(words, one, sums[one])}
        for one in Metric
        if one in sums
    ]
