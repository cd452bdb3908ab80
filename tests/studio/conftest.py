"""Studio over a test database, and browsers that are signed in."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from litestar.testing import TestClient

from growbase.api.app import build_app
from growbase.api.call import COOKIE
from growbase.api.direct import Direct
from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.domains.identity.actions_sessions import open_session
from growbase.domains.identity.tokens import SessionTokens
from growbase.studio import app as studio
from growbase.studio import fetch_assets
from tests.api.conftest import bearer
from tests.api.factories import Client, Factory
from tests.fixtures import SECRET, Tenant

CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Browser:
    """A browser without scripts: it keeps its session and sends the token of the page it is on."""

    def __init__(self, client: Client, api_headers: dict[str, str], session: str, token: str) -> None:
        self.client = client
        self.api_headers = api_headers
        self.cookie = {"cookie": f"{COOKIE}={session}"}
        self.token = token

    def get(self, path: str, status: int = 200, **headers: str) -> str:
        """Return a page."""
        answer = self.client.get(f"/studio{path}", headers={**self.cookie, **headers}, follow_redirects=False)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:2_000])
        return answer.text

    def post(
        self, path: str, form: dict[str, object] | None = None, status: int = 303, token: str | None = None
    ) -> str:
        """Send a form and return where it leads, or the page that answers."""
        sent = {"csrf": self.token if token is None else token, **(form or {})}
        answer = self.client.post(f"/studio{path}", data=sent, headers=self.cookie, follow_redirects=False)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-3_000:])
        return str(answer.headers["location"]) if status == 303 else answer.text


SignIn = Callable[[Actor], Browser]


@pytest.fixture(scope="session", autouse=True)
def assets() -> None:
    """Fetch the browser libraries where the build has not."""
    fetch_assets.fetch()


@pytest.fixture
def app(settings: Settings, db: Database) -> Direct:
    """Give the application with Studio."""
    return build_app(settings, db, SECRET, pages=studio.ROUTES)


@pytest.fixture
def client(app: Direct) -> Iterator[Client]:
    """Give a client of the application."""
    with TestClient(app) as found:
        yield found


@pytest.fixture
def sign_in(app: Direct, db: Database, client: Client) -> SignIn:
    """Give a function that signs an actor in."""

    def open_browser(actor: Actor) -> Browser:
        assert actor.id is not None
        user_id, here = actor.id, actor.organization_id
        tokens, end = SessionTokens.new(), clock.now() + timedelta(days=1)
        session_id = db.write(
            actor,
            lambda tx: open_session(tx, user_id=user_id, organization_id=here, tokens=tokens, expires_at=end),
        )
        access = app.api.authenticator.issue_access_token(user_id, session_id, here, actor.role)
        session = tokens.session
        return Browser(client, bearer(access), session, app.api.csrf_token(session))

    return open_browser


@pytest.fixture
def browser(sign_in: SignIn, tenant: Tenant) -> Browser:
    """Give the browser of an organization's owner."""
    return sign_in(tenant.owner)


@pytest.fixture
def factory(client: Client, db: Database, tenant: Tenant, browser: Browser) -> Factory:
    """Give a maker of rows: the owner of an organization."""
    return Factory(client, db, tenant.owner, browser.api_headers)
