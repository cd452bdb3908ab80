"""What is done for accounts in the background: checking them, renewing their tokens in time, revoking what is left."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from random import uniform
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.facts import delete_facts
from growbase.core.outbound import PrivateAddress, safe_client
from growbase.core.outside import Outside
from growbase.core.reads import Where
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.social.actions_accounts import QUEUE, REVOKE, note_account_error, note_profile
from growbase.domains.social.actions_connecting import app_of
from growbase.domains.social.actions_metrics import record_account_day
from growbase.domains.social.connecting import Revocable
from growbase.domains.social.models_connecting import ConnectionAttempt, TokenRevocation
from growbase.domains.social.models_publishing import AccountStatus, SocialAccount
from growbase.domains.social.publisher import (
    Account,
    AccountRefused,
    PublishDeferred,
    Publisher,
    PublishRejected,
    publisher_of,
)
from growbase.domains.social.publishing import ErrorClass
from growbase.domains.social.renewing import calling, is_renewable, open_account, renewed
from growbase.jobs.errors import Permanent, RateLimited, Transient
from growbase.jobs.policies import attempts_of
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

T = TypeVar("T")

VERIFY: Final = "verify_account"
RENEW: Final = "renew_tokens"
CALL_SECONDS: Final = 30.0
AHEAD: Final = timedelta(hours=24)
"""Tokens that end within this time are renewed."""
EVERY: Final = timedelta(hours=1)
CHUNK: Final = 200


def verify_account(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Read an account from its platform: its figures are kept, a refused token is noted."""
    account_id = UUID(str(job.payload["account_id"]))
    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        profile = asked(database, actor, account_id, client, lambda on, account: on.profile(account))

    def keep(tx: Transaction) -> None:
        known: dict[str, Any] = {"followers": profile.followers, "following": profile.following, "posts": profile.posts}
        note_profile(tx, id=account_id, handle=profile.handle, display_name=profile.display_name, **known)
        day = tx.now.astimezone(organization_zone(tx)).date()
        record_account_day(tx, social_account_id=account_id, day=day, **known)

    database.write(actor, keep)


def asked(
    database: Database, actor: Actor, account_id: UUID, client: httpx.Client, call: Callable[[Publisher, Account], T]
) -> T:
    """Call a platform for something that changes nothing there; its refusals say what the job does next."""
    try:
        return calling(database, actor, account_id, client, call)
    except AccountRefused as error:
        about = {"kind": ErrorClass.AUTH, "code": error.code, "message": str(error)}
        database.write(actor, lambda tx: note_account_error(tx, id=account_id, **about))
        raise Permanent(str(error)) from error
    except PublishDeferred as error:
        raise _later(error) from error
    except (PublishRejected, PrivateAddress) as error:
        raise Permanent(str(error)) from error


def _later(error: PublishDeferred) -> Transient | RateLimited:
    if error.retry_after is not None:
        return RateLimited(str(error), retry_after=error.retry_after)
    return Transient(str(error))


def account_figures(database: Database) -> int:
    """Ask for a reading of every active account and return how many there are."""
    with database.read(system("publisher")) as reads:
        found = reads.rows(SocialAccount, status=AccountStatus.ACTIVE, anywhere=True)
    for account in found:
        payload, key = {"account_id": str(account.id)}, f"verify {account.id}"
        actor = system("publisher", account.organization_id)
        database.write(actor, partial(_enqueue_check, payload=payload, key=key))
    return len(found)


def _enqueue_check(tx: Transaction, *, payload: Mapping[str, object], key: str) -> None:
    tx.enqueue(VERIFY, payload, queue="analytics_collection", dedupe_key=key)


# -- tokens -----------------------------------------------------------------------------------------------------------


def ending_tokens(database: Database) -> int:
    """Ask for the renewal of tokens that end within a day, spread over the hour, and return how many."""
    with database.read(system("publisher")) as reads:
        soon = Where("token_expires_at", "<", clock.now() + AHEAD)
        rows = reads.rows(SocialAccount, soon, status=AccountStatus.ACTIVE, order="token_expires_at", anywhere=True)
    found = [row for row in rows if row.refresh_token_cipher is not None]
    for account in found:
        database.write(system("publisher", account.organization_id), partial(_enqueue_renewal, account=account))
    return len(found)


def _enqueue_renewal(tx: Transaction, *, account: SocialAccount) -> None:
    # What ends before the next look has no time to wait.
    is_urgent = account.token_expires_at is None or account.token_expires_at < tx.now + 2 * EVERY
    spread = timedelta() if is_urgent else EVERY * uniform(0, 0.9)  # noqa: S311 -- jitter
    payload = {"account_id": str(account.id)}
    tx.enqueue(RENEW, payload, queue=QUEUE, dedupe_key=f"renew {account.id}", run_at=tx.now + spread)


def renew_tokens(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Renew the tokens of an account, if they still end soon and no other worker is at it."""
    account_id = UUID(str(job.payload["account_id"]))
    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        account, publisher = open_account(database, actor, account_id, client)
        is_due = account.expires_at is not None and account.expires_at < clock.now() + AHEAD
        if not is_due or not is_renewable(account, publisher):
            return
        try:
            renewed(database, actor, account_id, client, stale=account.token)
        except PublishDeferred as error:
            raise _later(error) from error
        except (AccountRefused, PrivateAddress) as error:
            raise Permanent(str(error)) from error


def revoke_tokens(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Tell a platform to accept tokens no longer, and forget them then, or when it can't be told."""
    revocation_id = UUID(str(job.payload["revocation_id"]))
    with database.read(actor) as reads:
        found = reads.find(TokenRevocation, revocation_id)
        if found is None:
            return
        token, refresh_token = reads.secret(found, "access_token") or "", reads.secret(found, "refresh_token")
        app = app_of(reads, found.app_id)
    account = Account(found.provider_account_id, found.handle, found.instance_url, token, refresh_token)
    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        publisher = publisher_of(found.platform, None, client)
        try:
            if isinstance(publisher, Revocable):
                publisher.revoke(account, app)
        except PublishDeferred as error:
            if job.attempts < attempts_of(job):
                raise Transient(str(error)) from error
        except (PublishRejected, PrivateAddress):
            # It does not accept them any more, which is what was wanted, or never will.
            pass
    database.write(actor, lambda tx: delete_facts(tx, TokenRevocation, {"id": revocation_id}))


def old_connections(database: Database) -> int:
    """Forget round trips that have ended and tokens that no platform was told of in a day; return how many."""
    now = clock.now()
    with database.read(system("sweep")) as reads:
        ended = reads.rows(ConnectionAttempt, Where("expires_at", "<", now), limit=CHUNK, anywhere=True)
        left = reads.rows(TokenRevocation, Where("created_at", "<", now - AHEAD), limit=CHUNK, anywhere=True)
    for row in (*ended, *left):
        keys, kind = {"id": row.id}, type(row)
        database.write(system("sweep", row.organization_id), partial(delete_facts, model=kind, keys=keys))
    return len(ended) + len(left)


TASKS: Final[dict[str, Task]] = {VERIFY: verify_account, RENEW: renew_tokens, REVOKE: revoke_tokens}
SWEEPS: Final = (old_connections,)
SCHEDULES: Final = (
    Schedule("social/account_figures", account_figures, daily="04:10"),
    Schedule("social/ending_tokens", ending_tokens, every=EVERY),
)
