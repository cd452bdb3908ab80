"""How valid rows and requests of identity are made where no schema says it; see ``tests.api.factories``."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

LATER = datetime(2099, 1, 1, tzinfo=UTC)

OVERRIDES: Mapping[str, Mapping[str, Callable[[int], Any] | str | None]] = {
    "comments": {"resource": lambda _: "brands", "row_id": "brands"},
    "review-requests": {"resource": lambda _: "contents", "row_id": "contents"},
    "legal-holds": {"entity": None, "entity_id": None},
    "saved-views": {"resource": lambda _: "campaigns"},
    "webhook-endpoints": {"events": lambda _: ["campaigns.*"]},
}
WANTED: Mapping[str, tuple[str, ...]] = {}
STORED: Mapping[str, Mapping[str, Any]] = {
    "api-keys": {"scopes": ["read"], "prefix": "{number:08}", "key_hash": "{number:064}"},
    "jobs": {"queue": "default", "kind": "noop", "run_at": LATER, "due": False, "created_at": LATER},
    "subscriptions": {
        "current_period_start": datetime(2026, 1, 1, tzinfo=UTC),
        "current_period_end": datetime(2026, 2, 1, tzinfo=UTC),
    },
    "webhook-endpoints": {"secret": "whsec_MTIz", "secret_cipher": None},
}
BODIES: Mapping[str, dict[str, Any]] = {}
