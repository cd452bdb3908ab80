"""The units of connecting an account: beginning a round trip, ending it once, and keeping what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from growbase.core.errors import Forbidden
from growbase.core.facts import delete_facts, hold
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.social.actions_accounts import connect_account
from growbase.domains.social.connecting import App, BadState, Connected
from growbase.domains.social.models_connecting import ConnectionAttempt, PlatformApp
from growbase.domains.social.models_publishing import SocialAccount

OPEN_FOR: Final = timedelta(minutes=10)
"""How long a round trip may take."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A round trip that has come back: where from, and what proves that it began here."""

    platform: str
    instance_url: str
    redirect_uri: str
    app_id: UUID
    app: App
    founder_id: UUID | None
    verifier: str = field(repr=False)


def find_app(reads: Reads, platform: str, instance_url: str, redirect_uri: str) -> tuple[UUID, App] | None:
    """Return what a server knows this one by, None if it does not."""
    found = reads.find(PlatformApp, platform=platform, instance_url=instance_url, redirect_uri=redirect_uri)
    return None if found is None else (found.id, _app(reads, found))


def app_of(reads: Reads, app_id: UUID | None) -> App | None:
    """Return the app an account was connected by, None if it was connected by none."""
    found = reads.find(PlatformApp, app_id) if app_id is not None else None
    return None if found is None else _app(reads, found)


def keep_app(tx: Transaction, *, platform: str, instance_url: str, redirect_uri: str, app: App) -> UUID:
    """Keep an app that was registered and return its id; of two registered at once the first is kept."""
    hold(tx, f"app {platform} {instance_url} {redirect_uri}")
    known = find_app(tx, platform, instance_url, redirect_uri)
    if known is not None:
        return known[0]
    where = {"platform": platform, "instance_url": instance_url, "redirect_uri": redirect_uri}
    return tx.insert(PlatformApp, **where, client_id=app.client_id, client_secret=app.client_secret)


def forget_app(tx: Transaction, *, id: UUID) -> None:
    """Forget an app that its server no longer knows, so that the next round trip registers another."""
    for account in tx.rows(SocialAccount, app_id=id, order="id", lock=True, trash=True):
        tx.change(account, {"app_id": None})
    delete_facts(tx, ConnectionAttempt, {"app_id": id})
    delete_facts(tx, PlatformApp, {"id": id})


def begin_attempt(tx: Transaction, *, platform: str, app_id: UUID, founder_id: UUID | None, verifier: str) -> UUID:
    """Note that the actor sets out to a platform, and return the id to come back with."""
    return tx.insert(
        ConnectionAttempt,
        actor_id=tx.actor.id,
        platform=platform,
        app_id=app_id,
        founder_id=founder_id,
        verifier=verifier,
        expires_at=tx.now + OPEN_FOR,
    )


def end_attempt(tx: Transaction, *, id: UUID, platform: str) -> Attempt:
    """Return the round trip of an id, which then can't be ended again.

    Raises BadState for one that is over or of another organization, Forbidden for one that another user has begun.
    """
    found = tx.find(ConnectionAttempt, id, lock=True)
    if found is None or found.platform != platform or found.used_at is not None or found.expires_at <= tx.now:
        raise BadState
    if found.actor_id != tx.actor.id:
        raise Forbidden("Another user has begun this connection: end it as that user, or begin your own.")
    app = tx.get(PlatformApp, found.app_id)
    verifier = tx.secret(found, "verifier")
    assert verifier is not None
    tx.set_facts(ConnectionAttempt, {"id": id}, {"used_at": tx.now})
    where = (platform, app.instance_url, app.redirect_uri)
    return Attempt(*where, app.id, _app(tx, app), found.founder_id, verifier)


def keep_connected(
    tx: Transaction, *, platform: str, found: Connected, app_id: UUID | None = None, founder_id: UUID | None = None
) -> UUID:
    """Connect an account with what its platform gave and return its id: the one that is there gets the new tokens."""
    on = found.platform or platform
    values: dict[str, Any] = {"platform": on, **_values(found), "app_id": app_id}
    if founder_id is not None:
        values["founder_id"] = founder_id
    # Connected by hand, it may be known by the id that its own server has for it.
    bare = found.profile.provider_account_id
    known = tx.find(SocialAccount, platform=on, provider_account_id=bare, instance_url=found.instance_url)
    return connect_account(
        tx,
        provider_account_id=known.provider_account_id if known else found.account_id,
        access_token=found.tokens.access_token,
        refresh_token=found.tokens.refresh_token,
        **values,
    )


def _values(found: Connected) -> Mapping[str, object]:
    profile, tokens = found.profile, found.tokens
    told = {
        "display_name": profile.display_name,
        "profile_url": profile.profile_url,
        "followers_count": profile.followers,
        "following_count": profile.following,
        "posts_count": profile.posts,
        "scope": tokens.scope,
    }
    always = {
        "handle": profile.handle,
        "instance_url": found.instance_url,
        "token_type": tokens.token_type,
        "token_expires_at": tokens.expires_at,
    }
    return always | {name: value for name, value in told.items() if value is not None}


def _app(reads: Reads, row: PlatformApp) -> App:
    return App(row.client_id, reads.secret(row, "client_secret") or "")
