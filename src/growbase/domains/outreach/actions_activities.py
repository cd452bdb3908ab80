"""What was done with prospects: activities of people, and the traces that changes of a prospect leave."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from growbase.core.actor import ActorKind
from growbase.core.errors import Invalid
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.outreach.models_messages import Activity, ActivityType


def create_activity(tx: Transaction, **values: Any) -> UUID:  # noqa: ANN401 -- the columns
    """Note an activity. Raises Invalid if it was completed in the future."""
    _require_past(tx, values.get("completed_at"))
    return tx.insert(Activity, **values)


def update_activity(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change an activity. Raises Invalid if it was completed in the future."""
    _require_past(tx, changes.get("completed_at"))
    return tx.update(Activity, id, changes, version=version)


def complete_activity(tx: Transaction, *, id: UUID) -> UUID:
    """Note that an activity was done now; one that was done before stays as it is."""
    activity = tx.get(Activity, id, lock=True)
    if activity.completed_at is None:
        tx.change(activity, {"completed_at": tx.now})
    return id


def leave_trace(
    tx: Transaction, prospect_id: UUID, kind: ActivityType, title: str, metadata: Mapping[str, Any] | None = None
) -> None:
    """Note by itself what has happened to a live prospect."""
    values = {"metadata": dict(metadata) if metadata else None, "completed_at": tx.now}
    tx.insert(Activity, prospect_id=prospect_id, user_id=acting_user(tx), type=kind, title=title, **values)


def acting_user(reads: Reads) -> UUID | None:
    """Return the person who acts, None where a key or the program does."""
    return reads.actor.id if reads.actor.kind is ActorKind.USER else None


def _require_past(tx: Transaction, completed_at: datetime | None) -> None:
    if completed_at is not None and completed_at > tx.now:
        raise Invalid.at("completed_at", "future", "must not be in the future")
