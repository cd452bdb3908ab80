"""Who acted, as the change log keeps it: label, address and browser of a person are sealed under the person's key.

They stand in the entry under ``$actor``: whose key, and the ciphertext. Erasing the person makes them unreadable, while
the entry itself and ``actor_id`` stay as they are.
"""

import time
from typing import Final, NamedTuple
from uuid import UUID

from growbase.core.actor import ActorKind
from growbase.core.reads import Reads
from growbase.core.statements import SEALED
from growbase.core.subject_keys import ACTING, ERASED, Ring, acting_context, made_key, sealed_values
from growbase.core.types import compact_json

KEPT: Final = 4_096
"""Sealed forms that a process keeps."""
KEPT_SECONDS: Final = 60.0
"""How long: a database that was restored meanwhile may not have the key any more."""


class Who(NamedTuple):
    """What an entry keeps of who acted: three columns, and what stands in its document."""

    label: str
    ip: str | None
    user_agent: str | None
    sealed: str = ""

    def with_sealed(self, document: str | None) -> str | None:
        """Return an entry's document, JSON text, with what is sealed of who acted."""
        if not self.sealed:
            return document
        if document is None or document == "{}":
            return f"{{{self.sealed}}}"
        return f"{document[:-1]},{self.sealed}}}"


def who_acts(tx: Reads, ring: Ring) -> Who:
    """Return what the log keeps of the actor.

    Costs a look into a dict for who has acted here within a minute; a key that is destroyed meanwhile, by whichever
    process, makes what is still written with it as unreadable as the rest.
    """
    actor = tx.actor
    subject = actor.subject_id
    if subject is None:
        return Who(actor.label, actor.ip, actor.user_agent)
    found = actor.kind, subject, actor.label, actor.ip, actor.user_agent
    kept: tuple[float, Who] | None = tx.context.acting.get(found)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    who = _sealed(tx, ring, subject)
    # A key of this unit's own is gone again if the unit is undone: what was sealed with it would never open.
    if who.sealed and subject not in ring.own:
        if len(tx.context.acting) >= KEPT:
            tx.context.acting.clear()
        tx.context.acting[found] = (time.monotonic() + KEPT_SECONDS, who)
    return who


def _sealed(tx: Reads, ring: Ring, subject: UUID) -> Who:
    """Seal what tells of the actor.

    Without a key nothing of it is kept: who has none was erased. Only a user who is there gets one, having acted last
    before there were keys.
    """
    actor = tx.actor
    is_user = actor.kind in {ActorKind.USER, ActorKind.AGENT}
    ring.load(tx, [subject])
    if subject not in ring.known:
        # Held, or a key could be made behind the back of an erasure that destroys it at this moment.
        row = tx.find(tx.context.catalog.models["users"], subject, share=True, trash=True)
        if row is None and actor.kind is ActorKind.AGENT:
            return Who(actor.label, actor.ip, actor.user_agent)
        if row is None or row.__dict__["deleted_at"] is not None:
            return Who(ERASED if is_user else actor.label, None, None)
    values = {"actor_label": actor.label} if is_user else {}
    values |= {name: value for name in ("ip", "user_agent") if (value := getattr(actor, name)) is not None}
    if not values:
        return Who(actor.label, None, None)
    sealed = sealed_values(made_key(tx, ring, subject), values, acting_context(subject))
    document = compact_json({ACTING: [str(subject), sealed]})
    return Who(SEALED if is_user else actor.label, None, None, document[1:-1])
