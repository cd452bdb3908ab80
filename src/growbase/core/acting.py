"""Who acted, as the change log keeps it: label, address and browser of a person are sealed under the person's key.

They stand in the entry under ``$actor``: whose key, and the ciphertext. Erasing the person makes them unreadable, while
the entry itself and ``actor_id`` stay as they are.
"""

import json
import time
from typing import Any, Final, NamedTuple
from uuid import UUID

from growbase.core.actor import PEOPLE, Actor, ActorKind
from growbase.core.reads import Reads
from growbase.core.statements import SEALED, mark, plan_of
from growbase.core.subject import GONE
from growbase.core.subject_keys import ACTING, Ring, acting_context, made_key, sealed_values
from growbase.core.tables import Change
from growbase.core.types import compact_json

KEPT: Final = 4_096
"""Sealed forms that a process keeps."""
KEPT_SECONDS: Final = 60.0
"""How long: a database that was restored meanwhile may not have the key any more."""


class Who(NamedTuple):
    """What an entry keeps of who acted: three columns, and what stands in its document, as JSON."""

    label: str
    ip: str | None
    user_agent: str | None
    sealed: str = ""

    def columns(self, document: dict[str, Any] | None) -> dict[str, Any]:
        """Return the columns of an entry that has ``document``, with what is sealed of who acted."""
        text = self.within(None if document is None else compact_json(document))
        named = {"actor_label": self.label, "ip": self.ip, "user_agent": self.user_agent}
        return {**named, "changes": None if text is None else json.loads(text)}

    def within(self, document: str | None) -> str | None:
        """Return an entry's document, which is JSON, with what is sealed of who acted."""
        if not self.sealed:
            return document
        if document is None:
            return f'{{"{ACTING}":[{self.sealed},null]}}'
        comma = "" if document == "{}" else ","
        return f'{document[:-1]}{comma}"{ACTING}":[{self.sealed}]}}'


def who_acts(tx: Reads, ring: Ring) -> Who:
    """Return what the log keeps of the actor.

    Costs a look into a dict for who has acted here within a minute. A key that is destroyed meanwhile, by whichever
    process, makes what is still written with it as unreadable as the rest.
    """
    actor = tx.actor
    subject = actor.subject_id
    if subject is None:
        return Who(actor.label, actor.ip, actor.user_agent)
    found = actor.id, actor.about, actor.label, actor.ip, actor.user_agent
    kept: tuple[float, Who] | None = tx.context.acting.get(found)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    who = sealed_who(tx, ring, actor)
    if who is None:
        return Who(GONE if actor.kind is ActorKind.USER else actor.label, None, None)
    # A key of this unit's own is gone again if the unit is undone: what was sealed with it would never open.
    if subject not in ring.own:
        if len(tx.context.acting) >= KEPT:
            tx.context.acting.clear()
        tx.context.acting[found] = (time.monotonic() + KEPT_SECONDS, who)
    return who


def sealed_who(tx: Reads, ring: Ring, actor: Actor) -> Who | None:
    """Seal what tells of an actor; None without a key, which nobody has who was erased.

    Only a user who is there is given one, having acted last before there were keys.
    """
    subject = actor.subject_id
    assert subject is not None
    ring.load(tx, [subject])
    # Held, or the key would be made behind the back of an erasure that destroys it at this moment.
    if subject not in ring.known and not tx.find(tx.context.catalog.models["users"], subject, share=True):
        return None
    is_user = actor.kind in PEOPLE
    if not is_user and actor.ip is None and actor.user_agent is None:
        return Who(actor.label, None, None)
    values = actor.label, actor.ip, actor.user_agent
    sealed = sealed_values(made_key(tx, ring, subject), values, acting_context(subject))
    return Who(SEALED if is_user else actor.label, None, None, f'"{subject}","{sealed}"')


_NEXT = "SELECT c.organization_id FROM changes c WHERE {} ORDER BY c.organization_id LIMIT 1"
_HOMES: Final = (
    f"WITH RECURSIVE homes (id) AS (SELECT ({_NEXT.format('c.organization_id IS NOT NULL')}) UNION ALL "
    f"SELECT ({_NEXT.format('c.organization_id > h.id')}) FROM homes h WHERE h.id IS NOT NULL) "
)
"""The organizations of the log, from each straight to the next: no index begins with who acted."""


def acts_in_log(reads: Reads, user_id: UUID) -> bool:
    """Return whether the log of any organization says that a user acted."""
    plan, sign = plan_of(Change, reads.engine), mark(reads.engine)
    acts = f"SELECT 1 FROM changes t WHERE t.organization_id = h.id AND t.actor_id = {sign}"
    sql = f"{_HOMES} SELECT 1 FROM homes h WHERE h.id IS NOT NULL AND EXISTS ({acts}) LIMIT 1"
    return reads.execute(sql, [plan.fields["actor_id"].bound(user_id)]).fetchone() is not None


def is_named_after(reads: Reads, user_id: UUID, after: tuple[int, int]) -> bool:
    """Return whether the log has entries by or about a user after a position, in any organization or in none."""
    plan, sign = plan_of(Change, reads.engine), mark(reads.engine)
    id, later = plan.fields["actor_id"].bound(user_id), f"(t.tx, t.seq) > ({sign}, {sign})"

    def named(home: str) -> str:
        return " OR ".join(
            f"EXISTS (SELECT 1 FROM changes t WHERE {home} AND {term} = {sign} AND {later})"
            for term in ("t.actor_id", "t.entity = 'users' AND t.entity_id")
        )

    anywhere = f"EXISTS (SELECT 1 FROM homes h WHERE h.id IS NOT NULL AND ({named('t.organization_id = h.id')}))"
    sql = f"{_HOMES} SELECT {named('t.organization_id IS NULL')} OR {anywhere}"
    return bool(reads.execute(sql, [id, *after] * 4).fetchone()[0])
