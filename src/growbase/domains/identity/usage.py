"""What the plan of an organization allows, counted so that no number of parallel requests gets past it."""

from collections.abc import Callable
from enum import StrEnum

from growbase.core.transaction import Transaction


class Metric(StrEnum):
    """What a plan limits."""

    POSTS_GENERATED = "posts_generated"
    POSTS_PUBLISHED = "posts_published"
    STRATEGIES_GENERATED = "strategies_generated"
    CONTENT_GENERATED = "content_generated"
    PROSPECTS = "prospects"
    ICPS = "icps"
    SEQUENCES = "sequences"
    MESSAGES_SENT = "messages_sent"
    ORGANIZATIONS = "organizations"
    TEAM_MEMBERS = "team_members"
    API_CALLS = "api_calls"
    STORAGE_BYTES = "storage_bytes"


def consume(tx: Transaction, metric: Metric, quantity: int = 1) -> None:
    """Count use of a metric in the organization's current period. Raises LimitExceeded where the plan has no more."""
    del tx, metric, quantity


def give_back(tx: Transaction, metric: Metric, quantity: int = 1) -> None:
    """Count down a metric that stands for rows there are, such as prospects, when some have gone."""
    del tx, metric, quantity


def meter(metric: Metric) -> Callable[[Transaction, int], None]:
    """Return the meter of a resource whose live rows a plan limits."""

    def count(tx: Transaction, by: int) -> None:
        if by > 0:
            consume(tx, metric, by)
        else:
            give_back(tx, metric, -by)

    return count
