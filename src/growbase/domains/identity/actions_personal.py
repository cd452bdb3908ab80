"""What belongs to one user: notifications, which the program writes, and saved views."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core.actor import ActorKind, Role, system
from growbase.core.errors import Invalid
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Membership, MembershipStatus, User
from growbase.domains.identity.models_personal import Notification, SavedView
from growbase.domains.identity.tokens import MAIL_QUEUE


def notify(
    tx: Transaction,
    *,
    user_id: UUID,
    kind: str,
    title: str,
    body: str | None = None,
    link: str | None = None,
    dedupe_key: str | None = None,
) -> bool:
    """Tell a member something; False if the user was told the same (by ``dedupe_key``) before."""
    # Whoever acts does not see another user's notifications; the program does.
    inside = tx.acting(system("notifications", tx.actor.organization_id))
    if dedupe_key is not None and inside.find(Notification, user_id=user_id, dedupe_key=dedupe_key) is not None:
        return False
    row = {"kind": kind, "title": title, "body": body, "link": link, "dedupe_key": dedupe_key}
    inside.insert(Notification, user_id=user_id, **row)
    return True


def notify_admins(
    tx: Transaction, *, kind: str, title: str, body: str, link: str | None = None, dedupe_key: str | None = None
) -> int:
    """Tell every owner and admin, in the product and by mail, and return how many; called by the program itself."""
    roles = [Role.OWNER, Role.ADMIN]
    told = 0
    for membership in tx.rows(Membership, status=MembershipStatus.ACTIVE, role=roles):
        user = tx.find(User, membership.user_id)
        if user is None or not notify(
            tx, user_id=user.id, kind=kind, title=title, body=body, link=link, dedupe_key=dedupe_key
        ):
            continue
        told += 1
        data = {"title": title, "body": body, "link": link}
        mail = {"template": kind, "to": user.email, "language": user.language, "data": data}
        tx.enqueue("send_email", mail, queue=MAIL_QUEUE, max_attempts=5)
    return told


def read_notification(tx: Transaction, *, id: UUID) -> UUID:
    """Note that one's notification has been read."""
    row = tx.get(Notification, id, lock=True)
    if row.read_at is None:
        tx.change(row, {"read_at": tx.now})
    return id


def read_all_notifications(tx: Transaction) -> dict[str, object]:
    """Note that one's notifications, the newest 1,000 of them, have been read."""
    unread = tx.rows(Notification, read_at=None, order="-created_at", limit=1_000, lock=True)
    for row in unread:
        tx.change(row, {"read_at": tx.now})
    return {"read": len(unread)}


def create_saved_view(tx: Transaction, *, resource: str, name: str, shared: bool = False, **values: Any) -> UUID:  # noqa: ANN401 -- values of columns
    """Keep a query under a name, for oneself or, ``shared``, for the organization. Raises Invalid, NotUnique."""
    _require_resource(tx, resource)
    own = tx.actor.id if tx.actor.kind is ActorKind.USER and not shared else None
    return tx.insert(SavedView, user_id=own, resource=resource, name=name, **values)


def update_saved_view(tx: Transaction, *, id: UUID, changes: Mapping[str, object], version: int | None = None) -> None:
    """Change a saved view of one's own or of the organization. Raises Invalid, NotFound, NotUnique, Stale."""
    if "resource" in changes:
        _require_resource(tx, str(changes["resource"]))
    tx.update(SavedView, id, changes, version=version)


def share_saved_view(tx: Transaction, *, id: UUID) -> UUID:
    """Give a saved view to the whole organization."""
    tx.update(SavedView, id, {"user_id": None})
    return id


def _require_resource(tx: Transaction, name: str) -> None:
    if name not in tx.context.catalog.by_name:
        raise Invalid.at("resource", "unknown", "is not a resource")
