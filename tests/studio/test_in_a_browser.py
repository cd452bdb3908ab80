"""Studio in Chromium as people use it, in both languages: nothing foreign, no error, and nothing axe calls serious."""

import json
import re
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from growbase.studio import fetch_assets
from tests.processes import HOST, free_port, running

EMAIL, PASSWORD = "owner@example.com", "correct horse battery staple"
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
EXPECTED = re.compile(r"the server responded with a status of (401|412|422)")
"""What Chromium says of answers that a person's own input deserves."""


@dataclass
class Studio:
    """A running server with demo data, and a browser on it."""

    address: str
    browser: Browser
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

    def sign_in(self, context: BrowserContext) -> Page:
        """Sign in and return the page."""
        page = context.new_page()
        page.goto("/studio")
        page.fill("[name=email]", EMAIL)
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


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Give Studio over the demo data, in a browser without a network."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing: run tests/install_chromium.sh", pytrace=False)
    fetch_assets.fetch()
    folder: Path = tmp_path_factory.mktemp("studio")
    port = free_port()
    env = {
        "GROWBASE_DATA_DIR": str(folder / "data"),
        "GROWBASE_PORT": str(port),
        "GROWBASE_ADMIN_EMAIL": EMAIL,
        "GROWBASE_ADMIN_PASSWORD": PASSWORD,
        "GROWBASE_PROCESSES": "1",
    }
    address = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "growbase", "up"]
    with (
        (folder / "server.log").open("ab") as output,
        running(command, url=f"{address}/ready", env=env, cwd=folder, output=output, timeout=90),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield Studio(address, browser)
        browser.close()


@pytest.fixture
def check(studio: Studio) -> Iterator[Callable[[Page], None]]:
    """Give a function that looks for what is wrong with a page, and look for it at the end too."""
    studio.faults.clear()
    axe = Axe()

    def look(page: Page) -> None:
        expect(page.locator("main.htmx-request")).to_have_count(0)
        violations = axe.run(page).response["violations"]
        serious = [
            (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
            for one in violations
            if one["impact"] in {"serious", "critical"}
        ]
        assert serious == [], page.url
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

    yield look
    assert studio.faults == []


def test_somebody_signs_in_finds_a_row_and_works_with_it(studio: Studio, check: Callable[[Page], None]) -> None:
    context = studio.open("en-US")
    page = context.new_page()
    page.goto("/studio")
    check(page)
    page.close()
    page = studio.sign_in(context)
    check(page)
    page.click(".side >> text=Campaigns >> nth=0")
    page.wait_for_url("**/studio/campaigns")
    check(page)
    page.click("summary:text-is('Filter')")
    check(page)
    page.check(".filters >> text=Active")
    page.click(".filters button")
    page.wait_for_url("**/campaigns?status=active")
    expect(page.locator(".chip")).to_contain_text("Active")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/*-*")
    check(page)
    page.click("[data-back]")
    page.wait_for_url("**/campaigns?status=active")
    expect(page.locator(".chip")).to_contain_text("Active")
    page.goto("/studio")
    page.keyboard.press("Control+k")
    page.keyboard.type("lumen")
    page.locator("#palette-found a", has_text="Lumen Bikes").first.click()
    page.wait_for_url("**/brands/*")
    expect(page.locator("h1")).to_contain_text("Lumen Bikes")
    context.close()


def test_somebody_makes_changes_and_undoes(studio: Studio, check: Callable[[Page], None]) -> None:
    context = studio.open("en-US")
    page = studio.sign_in(context)
    page.goto("/studio/brands/new")
    check(page)
    page.click("button:text-is('Create')")
    expect(page.locator(".error").first).to_be_visible()
    check(page)
    page.fill("[name=name]", "Aurora")
    page.click("button:text-is('Create')")
    page.wait_for_url(re.compile(r"/brands/[0-9a-f-]{36}$"))
    id = page.url.rpartition("/")[2]
    expect(page.locator(".note")).to_contain_text("Created")
    page.click("text=Edit")
    page.wait_for_url("**/edit")
    studio.api("PATCH", f"/api/brands/{id}", {"name": "Aurora by a program"})
    page.fill("[name=name]", "Aurora by me")
    page.click("button:text-is('Save')")
    expect(page.locator("h1")).to_have_text("Two changes at once")
    check(page)
    page.click("button:text-is('Save')")
    expect(page.locator("h1")).to_contain_text("Aurora by me")
    page.click("text=History")
    expect(page.locator(".diff").first).to_contain_text("Aurora by a program")
    check(page)
    page.locator("summary", has_text="More").last.click()
    page.click("text=Move to trash")
    page.wait_for_url("**/trash")
    check(page)
    page.click("button.danger")
    page.wait_for_url("**/studio/brands")
    page.click(".note >> text=Undo")
    page.wait_for_url(f"**/brands/{id}")
    expect(page.locator("h1")).to_contain_text("Aurora by me")
    page.goto(f"/studio/brands/{id}/edit")
    page.fill("[name=name]", "Not saved")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.click(".side >> text=Campaigns >> nth=0")
    assert asked == ["Your changes are not saved."]
    assert page.url.endswith("/edit")
    context.close()


def test_everything_is_there_in_french_in_the_dark_and_on_a_phone(
    studio: Studio, check: Callable[[Page], None]
) -> None:
    context = studio.open("fr-FR", width=390, dark=True)
    page = studio.sign_in(context)
    assert page.locator("html").get_attribute("lang") == "fr"
    check(page)
    for path in ("/campaigns", "/campaigns/new", "/prospects", "/scheduled-posts", "/campaigns?trash=only"):
        page.goto(f"/studio{path}")
        check(page)
    page.goto("/studio/campaigns")
    page.locator("[data-open]").first.click()
    page.wait_for_url("**/campaigns/*-*")
    check(page)
    page.locator(".tabs a").last.click()
    check(page)
    page.click(".bar .burger summary")
    page.locator(".drawer a[href='/studio/brands']").click()
    page.wait_for_url("**/studio/brands")
    check(page)
    context.close()
