"""The application over a test database, and callers who are logged in."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from growbase.api.app import build_app
from growbase.api.direct import Direct
from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.crypto import password_hash
from growbase.core.database import Database
from growbase.core.tables import Job
from growbase.domains.identity.actions_keys import create_api_key
from growbase.domains.identity.actions_sessions import open_session
from growbase.domains.identity.models import User
from growbase.domains.identity.tokens import ApiKeyText, SessionTokens, open_mailed_token
from tests.api.factories import Client, Factory, Headers
from tests.fixtures import SECRET, Tenant

__all__ = ["Client", "Factory", "Headers"]
LoginAs = Callable[[Actor], Headers]
PASSWORD = "correct horse battery"


@pytest.fixture
def app(settings: Settings, db: Database) -> Direct:
    """Give the application."""
    return build_app(settings, db, SECRET)


@pytest.fixture
def client(app: Direct) -> Iterator[Client]:
    """Give a client of the application."""
    with TestClient(app) as found:
        yield found


@pytest.fixture
def login_as(app: Direct, db: Database) -> LoginAs:
    """Give a function that logs an actor in, without a password, and returns the headers of its requests."""

    def login(actor: Actor) -> Headers:
        assert actor.id is not None
        user_id, here = actor.id, actor.organization_id
        tokens, end = SessionTokens.new(), clock.now() + timedelta(days=1)
        session_id = db.write(
            actor,
            lambda tx: open_session(tx, user_id=user_id, organization_id=here, tokens=tokens, expires_at=end),
        )
        return bearer(app.api.authenticator.issue_access_token(user_id, session_id, here, actor.role))

    return login


@pytest.fixture
def key_of(db: Database) -> Callable[..., Headers]:
    """Give a function that makes an API key with some scopes and returns the headers of its requests."""

    def make(admin: Actor, *scopes: str) -> Headers:
        text = ApiKeyText.new()
        named = {"name": " ".join(scopes), "scopes": scopes}
        db.write(admin, lambda tx: create_api_key(tx, prefix=text.prefix, key_hash=text.key_hash, **named))
        return bearer(text.plaintext)

    return make


@pytest.fixture
def with_password(db: Database) -> Callable[[Actor], str]:
    """Give a function that sets a user's password and returns the address to log in with."""

    def set_password(actor: Actor) -> str:
        hashed = password_hash(PASSWORD)
        db.write(system(), lambda tx: tx.update(User, actor.id, {"password_hash": hashed}))
        return actor.label

    return set_password


@pytest.fixture
def mailed(db: Database) -> Callable[[str], list[str]]:
    """Give a function that returns the tokens mailed with a template, the oldest first."""

    def tokens(template: str) -> list[str]:
        with db.read(system()) as reads:
            payloads: list[dict[str, Any]] = [job.payload for job in reads.rows(Job, kind="send_email", order="id")]
        return [
            open_mailed_token(db.context.keyring, payload) for payload in payloads if payload["template"] == template
        ]

    return tokens


def bearer(token: str) -> Headers:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def factory(client: Client, db: Database, tenant: Tenant, login_as: LoginAs) -> Factory:
    """Give a maker of rows: the owner of an organization."""
    return Factory(client, db, tenant.owner, login_as(tenant.owner))
