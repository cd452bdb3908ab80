"""Running a unit of work for a request: idempotency keys, dry runs, and the row that is answered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from growbase.api.call import Answer, Call, etag
from growbase.core.actor import Actor
from growbase.core.errors import IdempotencyMismatch, Invalid, NotFound
from growbase.core.resource import Resource
from growbase.core.select import row_sql
from growbase.core.tables import IdempotencyKey
from growbase.core.transaction import Transaction

KEPT = timedelta(hours=24)
Write = Callable[[Transaction], Answer]


@dataclass(frozen=True, slots=True)
class Repeatable:
    """The Idempotency-Key of a request and what it was used for."""

    key: str
    request_hash: str


def repeatable(call: Call, body: bytes) -> Repeatable | None:
    """Return the request's Idempotency-Key, None without one. Raises Invalid."""
    key = call.headers.get("idempotency-key")
    if key is None or call.method != "POST":
        return None
    if not 1 <= len(key) <= 255:
        raise Invalid.at("Idempotency-Key", "too_long", "must have 1 to {max_length} characters", max_length=255)
    digest = sha256(f"{call.method} {call.path}?{call.query}\n".encode() + body).hexdigest()
    return Repeatable(key, digest)


async def write(call: Call, actor: Actor, unit: Write, body: bytes = b"", *, large: bool = False) -> Answer:
    """Run a unit for a request.

    With an Idempotency-Key the answer is stored in the unit's own transaction: a twin waits for it, then gets the
    same answer. ``Prefer: tx=rollback`` keeps nothing and stores no answer.
    """
    dry_run = call.prefer.get("tx") == "rollback"
    again = None if dry_run else repeatable(call, body)
    run = unit if again is None else _stored(actor, again, unit)
    answer = await call.api.database.awrite(actor, run, dry_run=dry_run, large=large)
    if dry_run:
        answer.headers["preference-applied"] = "tx=rollback"
    if call.prefer.get("return") == "minimal" and answer.status in {200, 201}:
        answer.body = b""
        answer.headers["preference-applied"] = "return=minimal"
    return answer


def _stored(actor: Actor, again: Repeatable, unit: Write) -> Write:
    def run(tx: Transaction) -> Answer:
        keys: dict[str, Any] = {"organization_id": actor.organization_id, "actor_id": actor.id, "key": again.key}
        fresh = {**keys, "request_hash": again.request_hash, "expires_at": tx.now + KEPT}
        tx.insert_facts(IdempotencyKey, [fresh], ignore=True)
        found = tx.find(IdempotencyKey, lock=True, **keys)
        assert found is not None
        if found.expires_at <= tx.now:
            tx.set_facts(IdempotencyKey, keys, {"status": None, "body": None, **fresh})
        elif found.request_hash != again.request_hash:
            raise IdempotencyMismatch
        elif found.status is not None:
            headers = {**(found.headers or {}), "idempotency-replayed": "true"}
            return Answer(found.status, (found.body or "").encode(), headers)
        answer = unit(tx)
        stored = {"status": answer.status, "headers": answer.headers, "body": answer.body.decode()}
        tx.set_facts(IdempotencyKey, keys, stored)
        return answer

    return run


def row_in(tx: Transaction, resource: Resource, id: UUID, *, trash: bool = False) -> tuple[str, int]:
    """Return a row's JSON and version as this unit sees it. Raises NotFound."""
    plan = tx.plan(resource.model)
    sql = row_sql(tx.context.catalog, resource.name, tx.engine, None, trash)
    params: list[Any] = []
    if plan.scope:
        params.append(plan.fields[plan.scope].bound(tx.actor.organization_id))
    if plan.personal:
        params.append(plan.fields[plan.personal].bound(tx.actor.id))
    params.append(plan.fields["id"].bound(id))
    found = tx.execute(sql, params).fetchone()
    if found is None:
        raise NotFound(what=resource.noun)
    return found[0], found[1]


def row_answer(tx: Transaction, resource: Resource, id: UUID, status: int = 200) -> Answer:
    """Answer a row after it was written."""
    text, version = row_in(tx, resource, id)
    headers = {"etag": etag(version)}
    if status == 201:
        headers["location"] = f"/api/{resource.name}/{id}"
    return Answer(status, text.encode(), headers)
