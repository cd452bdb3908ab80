"""Merging two prospects that are one person; whoever of them had opted out, the one that stays has."""

from typing import Any
from uuid import UUID

from growbase.core.errors import ForeignKey, Invalid
from growbase.core.model import rule_of, table_of
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import Membership, MembershipStatus
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.outreach.actions_activities import leave_trace
from growbase.domains.outreach.actions_enrollments import end_enrollment
from growbase.domains.outreach.actions_suppressions import opt_out, wish_behind
from growbase.domains.outreach.models import Icp, OptOutReason, Prospect, ProspectScore
from growbase.domains.outreach.models_messages import Activity, ActivityType, Message
from growbase.domains.outreach.models_sequences import OPEN, Enrollment, EnrollmentStatus

KEPT = frozenset({"notes", "custom_fields", "email_status", "source"})
"""Fields that are not simply taken over where they are empty."""


def merge_prospects(tx: Transaction, *, id: UUID, into_id: UUID) -> UUID:
    """Move everything of a prospect to another one, fill in what that lacks, and trash the first.

    If either has opted out, or asked for it at either address, both have from now on: restoring the merged row revives
    nothing. In a campaign that both are in, the merged one's enrolment ends.
    """
    if id == into_id:
        raise Invalid.at("into_id", "same", "must be another prospect")
    first, second = sorted((id, into_id))
    locked = {key: tx.find(Prospect, key, lock=True) for key in (first, second)}
    source = locked[id] or tx.get(Prospect, id)
    target = locked[into_id]
    if target is None:
        raise ForeignKey.at("into_id", "foreign_key", "must be the id of an existing {what}", what="prospect")
    reason = _stricter(tx, source, target)
    _move_enrollments(tx, id, into_id)
    for model in (Message, ProspectScore):
        for row in tx.rows(model, prospect_id=id, lock=True, order="id"):
            tx.change(row, {"prospect_id": into_id})
    for asset in tx.rows(Asset, subject_id=id, lock=True, trash=True, order="id"):
        tx.change(asset, {"subject_id": into_id})
    for activity in tx.rows(Activity, prospect_id=id, lock=True, trash=True, order="id"):
        tx.change(activity, {"prospect_id": into_id})
    if reason is not None:
        opt_out(tx, id=id, reason=reason)
    tx.update(Prospect, id, {"merged_into_id": into_id})
    trash(tx, Prospect, id)
    tx.change(target, _filled_in(tx, source, target))
    if reason is not None:
        opt_out(tx, id=into_id, reason=reason)
    title = f"Merged with {source.email or source.company_name}"
    leave_trace(tx, into_id, ActivityType.SYSTEM, title[:300], {"merged_id": str(id)})
    return into_id


def _stricter(tx: Transaction, source: Prospect, target: Prospect) -> OptOutReason | None:
    """Return why the person must not be written to, None if nothing speaks against it."""
    for row in sorted((source, target), key=lambda row: (row.opted_out_at is None, row.opted_out_at or tx.now)):
        if row.opt_out_reason is not None:
            return row.opt_out_reason
    addresses = [row.email_norm for row in (source, target) if row.email_norm]
    return next(filter(None, (wish_behind(tx, address) for address in addresses)), None)


def _move_enrollments(tx: Transaction, id: UUID, into_id: UUID) -> None:
    for row in tx.rows(Enrollment, prospect_id=id, lock=True, order="id"):
        theirs = tx.rows(Enrollment, prospect_id=into_id, outreach_campaign_id=row.outreach_campaign_id, lock=True)
        if row.status in OPEN and any(other.status in OPEN for other in theirs):
            end_enrollment(tx, row, EnrollmentStatus.STOPPED, "merged")
        rotation = max([row.rotation, *(other.rotation + 1 for other in theirs)])
        tx.update(Enrollment, row.id, {"prospect_id": into_id, "rotation": rotation})


def _filled_in(tx: Transaction, source: Prospect, target: Prospect) -> dict[str, Any]:
    """Return what the one that stays takes over."""
    ours, theirs = target.__dict__, source.__dict__
    names = [column.name for column in table_of(Prospect).columns if rule_of(column).writable != "never"]
    values = {name: theirs[name] for name in names if name not in KEPT and ours[name] is None}
    if values.get("icp_id") and tx.find(Icp, values["icp_id"]) is None:
        del values["icp_id"]
    if values.get("owner_user_id"):
        owner = tx.find(Membership, user_id=values["owner_user_id"])
        values["owner_user_id"] = owner.user_id if owner and owner.status is not MembershipStatus.DISABLED else None
    notes = [text for text in (target.notes, source.notes) if text]
    values["notes"] = "\n\n".join(dict.fromkeys(notes))[:20_000] or None
    values["custom_fields"] = {**source.custom_fields, **target.custom_fields}
    moments = [row.last_contacted_at for row in (source, target) if row.last_contacted_at]
    values["last_contacted_at"] = max(moments, default=None)
    return values
