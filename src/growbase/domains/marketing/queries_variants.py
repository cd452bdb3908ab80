"""Comparing the variants of contents: how often each was shown, what came of it, and whether that can be chance."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from growbase.core.reads import Reads
from growbase.core.statements import mark, select_sql
from growbase.domains.marketing.models import ContentVariant
from growbase.domains.marketing.models_analytics import AnalyticsDaily
from growbase.domains.marketing.queries import day_terms, known_type, organization_zone, require_range

MOST = 500
"""Variants one question compares."""
Z = 1.959964
"""Standard deviations around the middle within which 95 % of a normal distribution lie."""
SIGNIFICANT = 0.05
"""The chance of so large a difference without any cause, below which it counts as significant."""


def variant_figures(
    reads: Reads,
    *,
    campaign_id: UUID | None = None,
    content_id: UUID | None = None,
    start: datetime,
    end: datetime,
    shown: str = "impression",
    goal: str = "conversion",
) -> dict[str, Any]:
    """Return for each live variant how often it was ``shown`` and led to the ``goal``, by content, controls first.

    Counts come from the daily sums, so whole days of the organization's time zone are counted. ``rate`` is goal by
    shown, ``low`` and ``high`` are its 95 % interval (Wilson). Each variant is compared with the control by a
    two-sided z-test of two proportions: ``p_value``, and ``is_significant`` where that is below 0.05. Raises
    InvalidQuery.
    """
    require_range(start, end)
    types = [known_type("shown", shown), known_type("goal", goal)]
    zone = organization_zone(reads)
    contents: dict[UUID, list[ContentVariant]] = {}
    for variant in _variants(reads, campaign_id, content_id):
        contents.setdefault(variant.content_id, []).append(variant)
    counts = _counts(reads, campaign_id, content_id, (start, end), types, zone) if contents else {}
    return {
        "from": start.astimezone(UTC).isoformat(),
        "to": end.astimezone(UTC).isoformat(),
        "timezone": zone.key,
        "shown": shown,
        "goal": goal,
        "contents": [
            {"content_id": str(id), "variants": _compared(variants, counts, shown, goal)}
            for id, variants in contents.items()
        ],
    }


def _compared(
    variants: Sequence[ContentVariant], counts: Mapping[tuple[UUID, str], int], shown: str, goal: str
) -> list[dict[str, Any]]:
    found = []
    control: tuple[int, int] | None = None
    for variant in sorted(variants, key=lambda one: (not one.is_control, one.key)):
        pair = counts.get((variant.id, goal), 0), counts.get((variant.id, shown), 0)
        control = pair if variant.is_control else control
        against = None if variant.is_control or control is None else control
        p = p_value(*pair, *against) if against else None
        low, high = interval(*pair)
        found.append(
            {
                "variant_id": str(variant.id),
                "key": variant.key,
                "is_control": variant.is_control,
                "status": variant.status.value,
                "weight_percent": variant.weight_percent,
                "shown": pair[1],
                "reached": pair[0],
                "rate": _share(*pair),
                "low": low,
                "high": high,
                "uplift": _uplift(pair, against) if against else None,
                "p_value": p,
                "is_significant": None if p is None else p < SIGNIFICANT,
            }
        )
    return found


def interval(part: int, whole: int) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a share (Wilson score), None where nothing, or not a share, was counted."""
    if not 0 <= part <= whole or whole == 0:
        return None, None
    share = part / whole
    middle = (share + Z * Z / (2 * whole)) / (1 + Z * Z / whole)
    half = Z / (1 + Z * Z / whole) * math.sqrt(share * (1 - share) / whole + Z * Z / (4 * whole * whole))
    return round(max(0.0, middle - half), 6), round(min(1.0, middle + half), 6)


def p_value(part: int, whole: int, other_part: int, other_whole: int) -> float | None:
    """Return the chance that two shares of one population differ at least so much; None where none can be told."""
    if not (0 <= part <= whole and 0 <= other_part <= other_whole and whole and other_whole):
        return None
    pooled = (part + other_part) / (whole + other_whole)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / other_whole))
    if deviation == 0:
        return None
    return round(math.erfc(abs(part / whole - other_part / other_whole) / deviation / math.sqrt(2)), 6)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _uplift(pair: tuple[int, int], control: tuple[int, int]) -> float | None:
    """Return by how much a rate differs from the control's, as a part of that."""
    own, base = _share(*pair), _share(*control)
    return round(own / base - 1, 6) if own is not None and base else None


def _variants(reads: Reads, campaign_id: UUID | None, content_id: UUID | None) -> list[ContentVariant]:
    plan, sign = reads.plan(ContentVariant), mark(reads.engine)
    terms, params = reads.scope_terms(plan, anywhere=False)
    terms += ["t.deleted_at IS NULL", "c.deleted_at IS NULL"]
    for column, value in (("c.campaign_id", campaign_id), ("c.id", content_id)):
        if value is not None:
            terms.append(f"{column} = {sign}")
            params.append(plan.fields["content_id"].bound(value))
    sql = (
        f"SELECT {', '.join(f't.{name}' for name in plan.fields)} FROM content_variants t "
        "JOIN contents c ON c.organization_id = t.organization_id AND c.id = t.content_id "
        f"WHERE {' AND '.join(terms)} ORDER BY t.content_id, t.key LIMIT {MOST}"
    )
    found = [plan.instance(row) for row in reads.execute(sql, params).fetchall()]
    return [one for one in found if isinstance(one, ContentVariant)]


def _counts(
    reads: Reads,
    campaign_id: UUID | None,
    content_id: UUID | None,
    span: tuple[datetime, datetime],
    types: Sequence[str],
    zone: ZoneInfo,
) -> dict[tuple[UUID, str], int]:
    plan = reads.plan(AnalyticsDaily)
    terms, params = day_terms(reads, campaign_id, span, types, zone)
    terms.append("t.variant_id IS NOT NULL")
    if content_id is not None:
        terms.append(f"t.content_id = {mark(reads.engine)}")
        params.append(plan.fields["content_id"].bound(content_id))
    sql = select_sql(
        plan, "t.variant_id, t.event_type, sum(t.count)", tuple(terms), " GROUP BY t.variant_id, t.event_type"
    )
    read = plan.fields["variant_id"].read
    return {(read(id) if read else id, kind): int(count) for id, kind, count in reads.execute(sql, params).fetchall()}
