"""How valid rows and requests of social are made where no schema says it; see ``tests.api.factories``."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from growbase.core.transaction import Transaction
from growbase.domains.social.actions_accounts import disconnect_account
from growbase.domains.social.actions_connecting import begin_attempt, keep_app, keep_connected
from growbase.domains.social.actions_renewals import begin_renewal
from growbase.domains.social.connecting import App, Connected, Tokens
from growbase.domains.social.publisher import Profile

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
HERE: Mapping[str, Callable[[int], Any] | None] = {"platform": lambda _: "mastodon"}
NOWHERE = "00000000-0000-7000-8000-000000000000"
TIME = "2026-01-01T00:00:00Z"

OVERRIDES: Mapping[str, Mapping[str, Callable[[int], Any] | None]] = {
    "content-pieces": HERE,
    "series": {
        **HERE,
        "start_at": lambda _: "2026-01-01T00:00:00.000000Z",
        "end_at": lambda _: "2026-02-01T00:00:00.000000Z",
    },
    "social-accounts": HERE,
}
WANTED: Mapping[str, tuple[str, ...]] = {"brand-rules": ("brand_id",)}
STORED: Mapping[str, Mapping[str, Any]] = {
    "account-metric-daily": {"day": date(2026, 1, 1), "collected_at": MOMENT},
    "ai-strategies": {"version_number": 1},
    "post-metric-snapshots": {"bucket_at": MOMENT, "collected_at": MOMENT},
    "publish-attempts": {"started_at": MOMENT, "worker_id": "worker {number}"},
    "scheduled-posts": {"idempotency_key": "key {number}", "scheduled_at": MOMENT},
    "weekly-summaries": {"week_start": date(2026, 1, 5), "week_end": date(2026, 1, 11)},
}
BODIES: Mapping[str, dict[str, Any]] = {
    "/api/content-pieces/{id}/assets": {"assets": []},
    "/api/content-pieces/{id}/schedule": {"social_account_id": NOWHERE, "scheduled_at": TIME},
    "/api/scheduled-posts/{id}/reschedule": {"scheduled_at": TIME},
}


def make_facts(factory: Any) -> None:  # noqa: ANN401 -- the factory imports this module
    """Make what connecting an account leaves, which no resource offers: an app, a round trip, a renewal."""

    def unit(tx: Transaction) -> None:
        server = "https://mastodon.example"
        where = {"platform": "mastodon", "instance_url": server, "redirect_uri": "https://a.example/"}
        app_id = keep_app(tx, **where, app=App("client", "secret"))
        begin_attempt(tx, platform="mastodon", app_id=app_id, founder_id=None, verifier="v")
        for number in ("one", "two"):
            found = Connected(number, Profile(number, number), Tokens("access", "refresh"), server)
            account_id: UUID = keep_connected(tx, platform="mastodon", found=found, app_id=app_id)
            begin_renewal(tx, id=account_id, stale="access")
        disconnect_account(tx, id=account_id)

    factory.db.write(factory.actor, unit)
