"""Studio over a test database, and browsers that are signed in: one without scripts, and Chromium on a real server."""

import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from litestar.testing import TestClient
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from growbase.api.app import build_app
from growbase.api.call import COOKIE
from growbase.api.direct import Direct
from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.domains.identity.actions_sessions import open_session
from growbase.domains.identity.tokens import SessionTokens
from growbase.studio import app as studio_app
from growbase.studio import fetch_assets
from growbase.studio.words import Words
from tests.api.conftest import bearer
from tests.api.factories import Client, Factory
from tests.fixtures import SECRET, Tenant
from tests.processes import HOST, find_chromium, free_port, running

CSRF = re.compile(r'name="csrf" value="([^"]+)"')
EMAIL, PASSWORD = "owner@example.com", "correct horse battery staple"
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
EXPECTED = re.compile(r"the server responded with a status of (401|412|422)")
"""What Chromium says of answers that a person's own input deserves."""


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
        assert answer.status_code == status, (
            path,
            answer.status_code,
            answer.text[answer.text.find('class="error') :][:300],
            re.findall(r'<p class="error">([^<]*)', answer.text),
            answer.text[-3_000:],
        )
        return str(answer.headers["location"]) if status == 303 else answer.text


SignIn = Callable[[Actor], Browser]
Say = Callable[..., str]
"""Gives a text of the pages in the language of the test."""


@pytest.fixture(scope="session", autouse=True)
def assets() -> None:
    """Fetch the browser libraries where the build has not."""
    fetch_assets.fetch()


@pytest.fixture
def app(settings: Settings, db: Database) -> Direct:
    """Give the application with Studio."""
    return build_app(settings, db, SECRET, pages=studio_app.ROUTES)


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


@dataclass
class Studio:
    """A running server with demo data, and a browser on it."""

    address: str
    browser: Chromium
    faults: list[str] = field(default_factory=list)

    def open(self, language: str, *, width: int = 1440, dark: bool = False) -> BrowserContext:
        """Open a browser window of somebody who reads a language."""
        context = self.browser.new_context(
            locale=language,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            base_url=self.address,
        )
        context.set_default_timeout(10_000)
        context.on("request", self._note_request)
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        return context

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.faults.append(f"asked {request.url}")

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.search(message.text):
            self.faults.append(f"{message.page.url if message.page else ''}: {message.text}")

    def sign_in(self, context: BrowserContext, email: str = EMAIL) -> Page:
        """Sign in and return the page."""
        page = context.new_page()
        page.goto("/studio")
        page.fill("[name=email]", email)
        page.fill("[name=password]", PASSWORD)
        page.click("button.primary")
        page.wait_for_url("**/studio")
        return page

    def api(self, method: str, path: str, body: object) -> dict[str, str]:
        """Do something as a program."""
        if not hasattr(self, "_token"):
            self._token = ""
            account = {"email": EMAIL, "password": PASSWORD}
            self._token = self.api("POST", "/api/auth/login", account)["access_token"]
        headers = {"content-type": "application/json"}
        headers |= {"authorization": f"Bearer {self._token}"} if self._token else {}
        address, data = f"{self.address}{path}", json.dumps(body).encode()
        request = urllib.request.Request(address, data=data, headers=headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- the test's own server
            found: dict[str, str] = json.loads(answer.read())
            return found


@pytest.fixture(scope="session")
def served(assets: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of Studio over the demo data."""
    folder: Path = tmp_path_factory.mktemp("studio")
    port = free_port()
    env = {
        "GROWBASE_DATA_DIR": str(folder / "data"),
        "GROWBASE_PORT": str(port),
        "GROWBASE_ADMIN_EMAIL": EMAIL,
        "GROWBASE_ADMIN_PASSWORD": PASSWORD,
        "GROWBASE_DEMO_PASSWORD": PASSWORD,
        "GROWBASE_PROCESSES": "1",
    }
    address = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "growbase", "up"]
    with (
        (folder / "server.log").open("ab") as output,
        running(command, url=f"{address}/ready", env=env, cwd=folder, output=output, timeout=90),
    ):
        yield address


# Playwright runs an event loop in this thread as long as it is open: tests that come later run their own.
@pytest.fixture(scope="module")
def studio(served: str) -> Iterator[Studio]:
    """Give Studio over the demo data, in a browser without a network."""
    program = find_chromium()
    if program is None:
        pytest.fail("Chromium is missing: run tests/install_chromium.sh", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield Studio(served, browser)
        browser.close()


@pytest.fixture
def check(studio: Studio) -> Iterator[Callable[[Page], None]]:
    """Give a function that looks for what is wrong with a page, and look for it at the end too."""
    studio.faults.clear()
    axe = Axe()

    def look(page: Page) -> None:
        expect(page.locator("main.htmx-request")).to_have_count(0)
        violations = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [
            (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
            for one in violations
            if one["impact"] in {"serious", "critical"}
        ]
        assert serious == [], page.url
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

    yield look
    assert studio.faults == []


@pytest.fixture(params=["en-US", "fr-FR"])
def language(request: pytest.FixtureRequest) -> str:
    """Give each language of a visitor in turn."""
    return str(request.param)


@pytest.fixture
def say(language: str) -> Say:
    """Give a function that says a text in the language."""
    return Words(language[:2]).say
