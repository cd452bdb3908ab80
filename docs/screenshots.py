"""Taking the pictures of Studio that the documentation shows: `make docs`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.processes import HOST, find_chromium, free_port, running

FOLDER: Final = Path(__file__).resolve().parent / "images"
EMAIL, PASSWORD = "owner@example.com", "correct horse battery staple"


@dataclass(frozen=True)
class Picture:
    """A page as somebody sees it; a path that ends in ``*`` is the first row of that list."""

    name: str
    path: str
    language: str = "en-US"
    dark: bool = False
    width: int = 1280
    height: int = 800


PICTURES: Final = (
    Picture("home", "/studio"),
    Picture("list", "/studio/campaigns"),
    Picture("row", "/studio/campaigns/*"),
    Picture("campaign", "/studio/campaigns/*/dashboard"),
    Picture("calendar", "/studio/calendar"),
    Picture("board", "/studio/prospects/board"),
    Picture("inbox", "/studio/inbox"),
    Picture("media", "/studio/media"),
    Picture("store-desk", "/studio/store-desk"),
    Picture("queues", "/studio/queues"),
    Picture("dark", "/studio/content-performance", "fr-FR", dark=True),
    Picture("phone", "/studio/overview", width=390, height=760),
)


def take(browser: Browser, address: str, picture: Picture) -> None:
    """Take one picture."""
    context = browser.new_context(
        locale=picture.language,
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.dark else "light",
        base_url=address,
    )
    page = context.new_page()
    page.goto("/studio")
    page.fill("[name=email]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_url("**/studio")
    _open(page, picture.path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"studio-{picture.name}.png", animations="disabled")
    context.close()


def _open(page: Page, path: str) -> None:
    before, star, behind = path.partition("/*")
    page.goto(before)
    if star:
        found = page.locator("[data-open]").first.get_attribute("href")
        page.goto(f"{found}{behind}")


def main() -> None:
    """Serve the demo data and take every picture."""
    program = find_chromium()
    if program is None:
        sys.exit("Chromium is missing: run tests/install_chromium.sh")
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        address = f"http://{HOST}:{port}"
        env = {
            "GROWBASE_DATA_DIR": str(folder / "data"),
            "GROWBASE_PORT": str(port),
            "GROWBASE_ADMIN_EMAIL": EMAIL,
            "GROWBASE_ADMIN_PASSWORD": PASSWORD,
            "GROWBASE_PROCESSES": "1",
        }
        command = [sys.executable, "-m", "growbase", "up"]
        with (
            (folder / "server.log").open("ab") as output,
            running(command, url=f"{address}/ready", env=env, cwd=folder, output=output, timeout=90),
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            for picture in PICTURES:
                take(browser, address, picture)
            browser.close()


if __name__ == "__main__":
    main()
