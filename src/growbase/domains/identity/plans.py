"""The plans that come with Growbase.

A row is never edited once it was released: set ``is_active`` of the old one to False and add a new row of the same
code after it, with an id of its own and ``supersedes_id``.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from growbase.core.transaction import Transaction
from growbase.domains.identity.models_billing import Metric, Plan

FREE: Final = "free"
"""The plan an organization has if it pays for none."""
STARTER: Final = "starter"

_MIB: Final = 1024**2
_GIB: Final = 1024**3


def _limits(*values: int | None) -> dict[str, int | None]:
    return {metric.value: value for metric, value in zip(Metric, values, strict=True)}


PLANS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "id": UUID("0197a000-0000-7000-8000-000000000101"),
        "code": FREE,
        "name": "Free",
        "price_month_minor": 0,
        "price_year_minor": 0,
        "currency": "EUR",
        "limits": _limits(20, 10, 2, 50, 100, 1, 1, 100, 1, 2, 10_000, 100 * _MIB),
        "features": ["campaigns", "analytics"],
        "sort_order": 0,
    },
    {
        "id": UUID("0197a000-0000-7000-8000-000000000102"),
        "code": STARTER,
        "name": "Starter",
        "price_month_minor": 2_900,
        "price_year_minor": 29_000,
        "currency": "EUR",
        "limits": _limits(200, 100, 20, 500, 2_000, 5, 5, 2_000, 3, 5, 100_000, 5 * _GIB),
        "features": ["campaigns", "analytics", "sequences", "publishing"],
        "sort_order": 10,
    },
    {
        "id": UUID("0197a000-0000-7000-8000-000000000103"),
        "code": "growth",
        "name": "Growth",
        "price_month_minor": 9_900,
        "price_year_minor": 99_000,
        "currency": "EUR",
        "limits": _limits(1_000, 500, 100, 3_000, 20_000, 25, 25, 20_000, 10, 20, 1_000_000, 50 * _GIB),
        "features": ["campaigns", "analytics", "sequences", "publishing", "stores"],
        "sort_order": 20,
    },
    {
        "id": UUID("0197a000-0000-7000-8000-000000000104"),
        "code": "scale",
        "name": "Scale",
        "price_month_minor": 29_900,
        "price_year_minor": 299_000,
        "currency": "EUR",
        "limits": _limits(None, None, None, 30_000, 250_000, None, None, 250_000, None, None, None, 500 * _GIB),
        "features": ["campaigns", "analytics", "sequences", "publishing", "stores", "priority support"],
        "sort_order": 30,
    },
)


def install_plans(tx: Transaction) -> int:
    """Insert the plans that are not there and return how many; the others stay as they are."""
    there = {plan.id for plan in tx.rows(Plan, id=[row["id"] for row in PLANS])}
    missing = [row for row in PLANS if row["id"] not in there]
    for row in missing:
        tx.insert(Plan, **row)
    return len(missing)
