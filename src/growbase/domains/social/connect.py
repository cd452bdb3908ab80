"""Connecting an account end to end: the calls of its platform, and between them the units that keep what they said."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel

from growbase.core.actor import Actor
from growbase.core.crypto import BadSignature, sign, verify
from growbase.core.database import Database
from growbase.core.errors import Invalid, NotFound
from growbase.core.outbound import safe_client
from growbase.domains.social.actions_connecting import (
    begin_attempt,
    end_attempt,
    find_app,
    forget_app,
    keep_app,
    keep_connected,
)
from growbase.domains.social.connecting import (
    BadState,
    ByConsent,
    ByCredentials,
    Connected,
    ConnectionRefused,
    PlatformUnavailable,
)
from growbase.domains.social.publisher import (
    AccountRefused,
    PublishDeferred,
    Publisher,
    PublishRejected,
    PublishUnknown,
    class_of,
    publisher_of,
)

T = TypeVar("T")
PURPOSE: Final = "connect social account"
CALL_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Way:
    """By whom and how a platform is reached; ``actor`` is who will own what is connected."""

    database: Database
    actor: Actor
    platform: str
    secret: bytes = field(repr=False)
    allow_private: bool = False


def start(way: Way, *, instance_url: str, redirect_uri: str, founder_id: UUID | None = None) -> str:
    """Return where to send the user, whom the platform sends on to ``redirect_uri`` with a code and the state.

    The state is signed, ends after ten minutes, and is good once, for this user of this organization. The first time a
    server is connected to, this one registers there. Raises NotFound, ConnectionRefused, PlatformUnavailable.
    """
    database, actor = way.database, way.actor
    with _publisher(way) as publisher:
        if not isinstance(publisher, ByConsent):
            raise NotFound(what="platform to ask for consent")
        if publisher.has_servers and not instance_url:
            raise Invalid.at("instance", "required", "must name the account's server")
        with database.read(actor) as reads:
            known = find_app(reads, way.platform, instance_url, redirect_uri)
        if known is None:
            app = _asked(partial(publisher.register, instance_url, redirect_uri))
            where = {"platform": way.platform, "instance_url": instance_url, "redirect_uri": redirect_uri}
            database.write(actor, partial(keep_app, **where, app=app))
            with database.read(actor) as reads:
                known = find_app(reads, way.platform, instance_url, redirect_uri)
            assert known is not None
        app_id, app = known
        verifier = secrets.token_urlsafe(48)
        about = {"platform": way.platform, "app_id": app_id, "founder_id": founder_id, "verifier": verifier}
        attempt_id: UUID = database.write(actor, partial(begin_attempt, **about))
        state = sign(way.secret, attempt_id.bytes, PURPOSE)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return publisher.consent_url(instance_url, app, redirect_uri=redirect_uri, state=state, challenge=challenge)


def finish(way: Way, *, state: str, code: str | None, error: str | None = None) -> UUID:
    """Take the tokens for what the user came back with, connect the account and return its id.

    Raises BadState, Forbidden for another user, ConnectionRefused, PlatformUnavailable.
    """
    database, actor = way.database, way.actor
    try:
        attempt_id = UUID(bytes=verify(way.secret, state, PURPOSE))
    except (BadSignature, ValueError):
        raise BadState from None
    attempt = database.write(actor, lambda tx: end_attempt(tx, id=attempt_id, platform=way.platform))
    if not code:
        raise ConnectionRefused(reason=(error or "it sent no code")[:300])
    with _publisher(way) as publisher:
        if not isinstance(publisher, ByConsent):
            raise NotFound(what="platform to ask for consent")
        given = {"redirect_uri": attempt.redirect_uri, "code": code, "verifier": attempt.verifier}
        try:
            found: Connected = _asked(partial(publisher.redeem, attempt.instance_url, attempt.app, **given))
        except ConnectionRefused as refused:
            if refused.params.get("word") == "invalid_client":
                database.write(actor, lambda tx: forget_app(tx, id=attempt.app_id))
            raise
    about = {"platform": way.platform, "app_id": attempt.app_id, "founder_id": attempt.founder_id}
    account_id: UUID = database.write(actor, partial(keep_connected, found=found, **about))
    return account_id


def credentials_of(platform: str) -> type[BaseModel]:
    """Return the schema of what a platform is connected to by. Raises NotFound."""
    found = getattr(class_of(platform), "credentials", None)
    if found is None:
        raise NotFound(what="platform to connect to by credentials")
    schema: type[BaseModel] = found
    return schema


def connect_by_credentials(way: Way, given: Mapping[str, Any]) -> tuple[UUID, str | None]:
    """Connect an account by what somebody typed in; return its id and a secret to be shown once, if there is one.

    Raises NotFound, ConnectionRefused, PlatformUnavailable.
    """
    typed = {**given}
    founder_id = typed.pop("founder_id", None)
    with _publisher(way) as publisher:
        if not isinstance(publisher, ByCredentials):
            raise NotFound(what="platform to connect to by credentials")
        found: Connected = _asked(partial(publisher.connect, typed))
    about = {"platform": way.platform, "founder_id": founder_id}
    account_id: UUID = way.database.write(way.actor, partial(keep_connected, found=found, **about))
    return account_id, found.secret


@contextmanager
def _publisher(way: Way) -> Iterator[Publisher | None]:
    with safe_client(allow_private=way.allow_private, seconds=CALL_SECONDS) as client:
        yield publisher_of(way.platform, None, client)


def _asked(call: Callable[[], T]) -> T:
    """Ask a platform; its refusals are those of a request then, not of a post."""
    try:
        return call()
    except (PublishDeferred, PublishUnknown) as error:
        raise PlatformUnavailable(reason=error.params.get("reason")) from error
    except (AccountRefused, PublishRejected) as error:
        raise ConnectionRefused(reason=error.params.get("reason"), word=error.params.get("word")) from error
    except (KeyError, TypeError, AttributeError) as error:
        # An address that is no such server answers something else.
        raise ConnectionRefused(reason="its answer is not what such a platform says") from error
