"""Leaving people alone: suppressed addresses and domains, and prospects who have opted out."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from growbase.core.errors import Invalid, NotUnique
from growbase.core.facts import hold
from growbase.core.folding import fold_email
from growbase.core.model import Root
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_activities import leave_trace
from growbase.domains.outreach.actions_enrollments import stop_outreach
from growbase.domains.outreach.addresses import address_hash, address_key, all_hashes, hash_of, known_key
from growbase.domains.outreach.models import (
    OptOutReason,
    Prospect,
    SuppressedChannel,
    Suppression,
    SuppressionReason,
    SuppressionScope,
)
from growbase.domains.outreach.models_messages import ActivityType, Message
from growbase.domains.outreach.models_sequences import Channel, EnrollmentStatus

CHUNK = 500
REASONS: Mapping[OptOutReason, SuppressionReason] = {
    OptOutReason.UNSUBSCRIBE: SuppressionReason.UNSUBSCRIBE,
    OptOutReason.REPLY: SuppressionReason.UNSUBSCRIBE,
    OptOutReason.COMPLAINT: SuppressionReason.COMPLAINT,
    OptOutReason.MANUAL: SuppressionReason.MANUAL,
    OptOutReason.LEGAL: SuppressionReason.LEGAL,
}

WISHES = {reason: wish for wish, reason in REASONS.items() if wish is not OptOutReason.REPLY}


# -- asking -----------------------------------------------------------------------------------------------------------


def is_suppressed(reads: Reads, address: str, channel: Channel | SuppressedChannel = Channel.EMAIL) -> bool:
    """Return whether an address, or its domain, is left alone on a channel: one look-up by index."""
    key = known_key(reads)
    return key is not None and bool(_live(reads, channel, all_hashes(key, address)))


def suppressed_among(reads: Reads, addresses: Iterable[str], channel: Channel = Channel.EMAIL) -> set[str]:
    """Return which of many addresses are left alone; they come back as they were given."""
    key = known_key(reads)
    if key is None:
        return set()
    hashes = {address: all_hashes(key, address) for address in addresses}
    wanted = list(dict.fromkeys(found for known in hashes.values() for found in known))
    live: set[str] = set()
    for start in range(0, len(wanted), CHUNK):
        live |= _live(reads, channel, wanted[start : start + CHUNK])
    return {address for address, known in hashes.items() if live.intersection(known)}


def wish_behind(reads: Reads, address: str) -> OptOutReason | None:
    """Return why the person behind a suppressed address wants to be left alone; a bounce is no wish."""
    key = known_key(reads)
    hashed = None if key is None else address_hash(key, address)
    for row in reads.rows(Suppression, address_hash=hashed, lifted_at=None, order="created_at") if hashed else ():
        if row.reason in WISHES:
            return WISHES[row.reason]
    return None


def _live(reads: Reads, channel: Channel | SuppressedChannel, hashes: list[str]) -> set[str]:
    channels = {channel.value, SuppressedChannel.ALL.value}
    found = reads.rows(
        Suppression, channel=sorted(channels), scope=list(SuppressionScope), address_hash=hashes, lifted_at=None
    )
    return {row.address_hash for row in found}


# -- suppressing ------------------------------------------------------------------------------------------------------


def create_suppression(
    tx: Transaction,
    *,
    address: str,
    channel: SuppressedChannel = SuppressedChannel.EMAIL,
    scope: SuppressionScope = SuppressionScope.ADDRESS,
    reason: SuppressionReason = SuppressionReason.MANUAL,
) -> UUID:
    """Leave an address or a domain alone from now on; whoever has the address is taken out of every campaign.

    Raises NotUnique naming the suppression that is there already.
    """
    channel, scope = SuppressedChannel(channel), SuppressionScope(scope)
    plain = _checked(address, channel, scope)
    by_mail = channel in {SuppressedChannel.EMAIL, SuppressedChannel.ALL}
    if scope is SuppressionScope.ADDRESS and by_mail:
        prospect = tx.find(Prospect, email_norm=plain, lock=True)
        if prospect is not None:
            stop_outreach(tx, prospect.id, EnrollmentStatus.STOPPED, "suppressed")
    hashed = hash_of(address_key(tx), scope, plain)
    hold(tx, f"suppression {hashed}")
    known = tx.find(Suppression, channel=channel, scope=scope, address_hash=hashed, lifted_at=None)
    if known is not None:
        message = "the live row {blocked_by} has this value"
        raise NotUnique.at("address", "unique", message, blocked_by=str(known.id))
    values = {"channel": channel, "scope": scope, "reason": SuppressionReason(reason)}
    return tx.insert(Suppression, address=plain, address_hash=hashed, **values)


def _checked(address: str, channel: SuppressedChannel, scope: SuppressionScope) -> str:
    plain = fold_email(address)
    if "\x00" in plain:
        raise Invalid.at("address", "nul", "must not contain the character NUL")
    if scope is SuppressionScope.DOMAIN:
        plain = plain.rpartition("@")[2].strip(".")
        if "." not in plain or " " in plain:
            raise Invalid.at("address", "pattern", "must be a domain such as example.com")
    elif channel is SuppressedChannel.EMAIL and not ("@" in plain and " " not in plain):
        raise Invalid.at("address", "pattern", "must be an e-mail address")
    return plain


def suppress_hash(
    tx: Transaction,
    hashed: str,
    reason: SuppressionReason,
    *,
    address: str | None = None,
    source_message_id: UUID | None = None,
) -> None:
    """Leave the e-mail address of this hash alone; done again, by however many at once, it changes nothing."""
    hold(tx, f"suppression {hashed}")
    where: dict[str, Any] = {
        "channel": SuppressedChannel.EMAIL,
        "scope": SuppressionScope.ADDRESS,
        "address_hash": hashed,
    }
    if tx.find(Suppression, lifted_at=None, **where) is None:
        tx.insert(Suppression, address=address, reason=reason, source_message_id=source_message_id, **where)


def lift_suppression(tx: Transaction, *, id: UUID, reason: str) -> UUID:
    """Allow an address to be written to again; the prospect who has it counts as opted in again.

    Only a person does this, with a reason; no import and no restored row ever does.
    """
    found = tx.get(Suppression, id)
    prospect = None
    if found.scope is SuppressionScope.ADDRESS and found.address is not None:
        prospect = tx.find(Prospect, email_norm=found.address, lock=True)
    row = tx.get(Suppression, id, lock=True)
    if row.lifted_at is not None:
        return id
    tx.change(row, {"lifted_at": tx.now, "lifted_by": tx.actor.id, "lift_reason": reason})
    if prospect is not None and prospect.opted_out_at is not None and not is_suppressed(tx, row.address or ""):
        tx.change(prospect, {"opted_out_at": None, "opt_out_reason": None})
        leave_trace(tx, prospect.id, ActivityType.SYSTEM, "May be written to again", {"reason": reason})
    return id


# -- opting out -------------------------------------------------------------------------------------------------------


def opt_out(
    tx: Transaction,
    *,
    id: UUID,
    reason: OptOutReason = OptOutReason.MANUAL,
    source_message_id: UUID | None = None,
) -> UUID:
    """Never write to a prospect again: stamp the row, suppress the address, stop enrolments, cancel what waits.

    Holds the prospect's row, as a claim does, so that no sending begins once this has committed. A prospect in the
    trash opts out too, or restoring it would undo that; so does the one it was merged into. Done again it changes
    nothing.
    """
    done: set[UUID] = set()
    following: UUID | None = id
    while following is not None and following not in done:
        done.add(following)
        following = _leave(tx, following, OptOutReason(reason), source_message_id)
    return id


def _leave(tx: Transaction, id: UUID, reason: OptOutReason, source_message_id: UUID | None) -> UUID | None:
    """Let one prospect opt out and return the one it was merged into."""
    prospect = tx.get(Prospect, id, lock=True, trash=True)
    if prospect.opted_out_at is None:
        tx.change(prospect, {"opted_out_at": tx.now, "opt_out_reason": reason})
        if prospect.deleted_at is None:
            leave_trace(tx, id, ActivityType.SYSTEM, "Opted out", {"reason": reason.value})
    stop_outreach(tx, id, EnrollmentStatus.UNSUBSCRIBED, reason.value)
    hashes: dict[str, str | None] = {}
    message = tx.find(Message, source_message_id) if source_message_id else None
    if message is not None and message.recipient_hash:
        hashes[message.recipient_hash] = None
    if prospect.email_norm:
        hashes[address_hash(address_key(tx), prospect.email_norm)] = prospect.email_norm
    for hashed, address in sorted(hashes.items()):
        suppress_hash(tx, hashed, REASONS[reason], address=address, source_message_id=source_message_id)
    return prospect.merged_into_id


def forget_addresses(tx: Transaction, row: Root) -> None:
    """Erase the readable address of a prospect about to go for good; the hash keeps it from being written to."""
    assert isinstance(row, Prospect)
    key = known_key(tx)
    if key is not None and row.email_norm:
        hashed = address_hash(key, row.email_norm)
        for found in tx.rows(Suppression, address_hash=hashed, lock=True, order="id"):
            tx.change(found, {"address": None})
    for message in tx.rows(Message, prospect_id=row.id, lock=True, order="id"):
        tx.change(message, {"subject": None, "content": "", "metadata": None})
