"""The calendar, imports, previews and the media library in Chromium, in both languages, on a phone and in the dark."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect

from growbase.core import clock
from tests.studio.conftest import Say, Studio
from tests.studio.test_media import picture

# Far from what the demo has planned, and every day of its week in one row.
MONDAY = clock.now().date() + timedelta(days=63 - clock.now().weekday())


def plan_a_post(studio: Studio, text: str) -> str:
    """Schedule new words on an account of the demo and return the post's id."""
    account: Any = studio.api("GET", "/api/social-accounts", None)["data"][0]
    row = {"account": account["id"], "scheduled_at": f"{MONDAY}T09:00:00Z", "text": text}
    made: Any = studio.api("POST", "/api/scheduled-posts/schedule-many", {"rows": [row]})
    id: str = made["posts"][0]["id"]
    return id


def test_a_post_is_dragged_put_back_and_moved_by_keys(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    id = plan_a_post(studio, f"A post to drag {language} #moving https://example.com/a")
    context = studio.open(language)
    page = studio.sign_in(context)
    page.click(f".side >> text={say('Calendar')}")
    page.wait_for_url("**/studio/calendar")
    check(page)
    page.click("a[rel=next]")
    page.wait_for_url(re.compile(r"at="))
    page.goto(f"/studio/calendar?view=week&at={MONDAY}")
    check(page)
    post, thursday = page.locator(f"[data-post='{id}']"), page.locator(f"[data-day='{MONDAY + timedelta(days=3)}']")
    post.drag_to(thursday)
    expect(page.locator(".note")).to_be_visible()
    expect(thursday.locator(f"[data-post='{id}']")).to_be_visible()
    page.click(f".note >> text={say('Undo')}")
    monday = page.locator(f"[data-day='{MONDAY}']")
    expect(monday.locator(f"[data-post='{id}']")).to_be_visible()
    link = monday.locator(f"[data-post='{id}'] .plan-move")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/calendar/move?**")
    check(page)
    page.fill("[name=when]", "never")
    page.keyboard.press("Enter")
    expect(page.locator(".error")).to_be_visible()
    check(page)
    page.fill("[name=when]", f"{MONDAY + timedelta(days=1)} 16:45")
    page.keyboard.press("Enter")
    page.wait_for_url("**/studio/calendar?**")
    expect(page.locator(f"[data-day='{MONDAY + timedelta(days=1)}'] [data-post='{id}'] time")).to_have_text(
        re.compile("4:45.PM|16:45")
    )
    page.click(f"[data-post='{id}'] a >> nth=0")
    page.wait_for_url(f"**/scheduled-posts/{id}")
    page.click(f".tabs >> text={say('Preview')}")
    expect(page.locator(".mock-link").last).to_have_text("https://example.com/a")
    check(page)
    context.close()


def test_a_file_is_uploaded_and_a_csv_with_a_wrong_line_is_imported(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    context = studio.open(language)
    page = studio.sign_in(context)
    page.goto("/studio/media")
    check(page)
    files = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": picture(9)}
        for name in (f"sky-{language}", f"again-{language}")
    ]
    page.set_input_files("[name=file]", files)  # type: ignore[arg-type]
    page.click("[data-send]")
    expect(page.locator("[data-uploads] li")).to_have_count(2)
    expect(page.locator("[data-uploads] li").last).to_contain_text(say("The same file is here already."))
    expect(page.locator(".tile", has_text=f"sky-{language}.png").locator("img")).to_have_js_property("naturalWidth", 2)
    check(page)
    page.locator(".tile", has_text=f"sky-{language}.png").click()
    page.wait_for_url("**/media/*-*")
    expect(page.locator("main")).to_contain_text(f"again-{language}.png")
    check(page)

    page.goto("/studio/brands")
    page.click(f".actions >> text={say('Import')}")
    page.wait_for_url("**/brands/import")
    check(page)
    content = f"Name,Tagline\nImported brand {language},Short\n,No name\n".encode()
    page.set_input_files("[name=file]", {"name": "brands.csv", "mimeType": "text/csv", "buffer": content})
    page.click(f"button:text-is('{say('Go on')}')")
    expect(page.locator(".import-errors tbody tr")).to_contain_text("3")
    check(page)
    page.click(f"button:text-is('{say('Import')}')")
    expect(page.locator("[role=alert]")).to_contain_text(say("Some rows are wrong, so nothing was written."))
    page.check("[name=skip]")
    page.click(f"button:text-is('{say('Import')}')")
    expect(page.locator(".import-done")).to_be_visible()
    check(page)
    page.click(".import-done a")
    page.wait_for_url("**/studio/brands")
    expect(page.locator("main")).to_contain_text(f"Imported brand {language}")
    context.close()


def test_planning_is_there_in_french_in_the_dark_and_on_a_phone(studio: Studio, check: Callable[[Page], None]) -> None:
    id = plan_a_post(studio, "Des mots pour un petit écran")
    context = studio.open("fr-FR", width=390, dark=True)
    page = studio.sign_in(context)
    month = f"at={MONDAY}"
    for path in (
        *(
            "/calendar?show=all",
            f"/calendar?view=day&{month}",
            "/calendar/import",
            f"/scheduled-posts/{id}?tab=preview",
        ),
    ):
        page.goto(f"/studio{path}")
        check(page)
    page.goto(f"/studio/calendar?{month}")
    expect(page.locator(f"[data-post='{id}'] .plan-move")).to_be_visible()
    page.locator("summary.button").nth(1).click()
    check(page)
    page.goto("/studio/media")
    check(page)
    page.locator(".tile").first.click()
    page.wait_for_url("**/media/*-*")
    check(page)
    context.close()
