"""How valid rows and requests of outreach are made where no schema says it; see ``tests.api.factories``."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
NOWHERE = "00000000-0000-7000-8000-000000000000"

OVERRIDES: Mapping[str, Mapping[str, Callable[[int], Any] | None]] = {
    "sequences": {"steps": lambda number: [{"step_key": f"step-{number}", "content": "Hello"}]},
    "suppressions": {
        "address": lambda number: f"person{number}@example.com",
        "channel": lambda _: "email",
        "scope": lambda _: "address",
    },
}
WANTED: Mapping[str, tuple[str, ...]] = {}
STORED: Mapping[str, Mapping[str, Any]] = {
    "message-events": {"occurred_at": WHEN, "received_at": WHEN, "provider_event_id": "event-{number}"}
}
BODIES: Mapping[str, dict[str, Any]] = {
    "/api/outreach-campaigns/{id}/enroll": {"prospect_ids": [NOWHERE]},
    "/api/messages/{id}/events": {"type": "open", "provider": "test", "provider_event_id": "1"},
}
