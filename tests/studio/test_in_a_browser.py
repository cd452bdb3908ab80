"""Studio in Chromium as people use it, in both languages: nothing foreign, no error, and nothing axe calls serious."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.studio.conftest import Say, Studio


def test_somebody_signs_in_finds_a_row_and_works_with_it(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    context = studio.open(language)
    page = context.new_page()
    page.goto("/studio")
    check(page)
    page.close()
    page = studio.sign_in(context)
    check(page)
    page.click(f".side >> text={say('Campaigns')} >> nth=0")
    page.wait_for_url("**/studio/campaigns")
    check(page)
    page.click(f"summary:text-is('{say('Filter')}')")
    check(page)
    page.check(f".filters >> text={say('Active')}")
    page.click(".filters button")
    page.wait_for_url("**/campaigns?status=active")
    expect(page.locator(".chip")).to_contain_text(say("Active"))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/*-*")
    check(page)
    page.click("[data-back]")
    page.wait_for_url("**/campaigns?status=active")
    expect(page.locator(".chip")).to_contain_text(say("Active"))
    page.goto("/studio")
    page.keyboard.press("Control+k")
    page.keyboard.type("lumen")
    page.locator("#palette-found a", has_text="Lumen Bikes").first.click()
    page.wait_for_url("**/brands/*")
    expect(page.locator("h1")).to_contain_text("Lumen Bikes")
    context.close()


def test_somebody_makes_changes_and_undoes(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    context = studio.open(language)
    page = studio.sign_in(context)
    page.goto("/studio/brands/new")
    check(page)
    page.click(f"button:text-is('{say('Create')}')")
    expect(page.locator(".error").first).to_be_visible()
    check(page)
    page.fill("[name=name]", f"Aurora {language}")
    page.click(f"button:text-is('{say('Create')}')")
    page.wait_for_url(re.compile(r"/brands/[0-9a-f-]{36}$"))
    id = page.url.rpartition("/")[2]
    expect(page.locator(".note")).to_contain_text(say("Created"))
    page.click("[data-key=e]")
    page.wait_for_url("**/edit")
    studio.api("PATCH", f"/api/brands/{id}", {"name": f"Aurora by a program {language}"})
    page.fill("[name=name]", f"Aurora by me {language}")
    page.click(f"button:text-is('{say('Save')}')")
    expect(page.locator("h1")).to_have_text(say("Two changes at once"))
    check(page)
    page.click(f"button:text-is('{say('Save')}')")
    expect(page.locator("h1")).to_contain_text("Aurora by me")
    page.click(f".tabs >> text={say('History')}")
    expect(page.locator(".diff").first).to_contain_text("Aurora by a program")
    check(page)
    page.locator("summary", has_text=say("More")).last.click()
    page.click(f"text={say('Move to trash')}")
    page.wait_for_url("**/trash")
    check(page)
    page.click("button.danger")
    page.wait_for_url("**/studio/brands")
    page.click(f".note >> text={say('Undo')}")
    page.wait_for_url(f"**/brands/{id}")
    expect(page.locator("h1")).to_contain_text("Aurora by me")
    page.goto(f"/studio/brands/{id}/edit")
    page.fill("[name=name]", "Not saved")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.click(f".side >> text={say('Campaigns')} >> nth=0")
    assert asked == [say("Your changes are not saved.")]
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
