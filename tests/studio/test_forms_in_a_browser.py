"""Forms and rows in Chromium: quick changes over a list, errors while one types, looking back, next and before."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.studio.conftest import Say, Studio


def test_a_list_is_worked_through_without_leaving_it(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    context = studio.open(language)
    page = studio.sign_in(context)
    page.goto("/studio/brands")
    page.click(f"text={say('Quick add')}")
    expect(page.locator("#form-box .form")).to_be_visible()
    check(page)
    page.fill("#form-box [name=name]", f"Delta Coffee {language}")
    page.click(f"#form-box button:text-is('{say('Create')}')")
    expect(page.locator(".note")).to_contain_text(say("Created"))
    assert page.url.endswith("/studio/brands")
    page.goto("/studio/campaigns?sort=name")
    page.locator("td.k-moment[data-edit], td.k-money[data-edit]").first.dblclick()
    expect(page.locator("#form-box .form")).to_be_visible()
    page.click("#form-box [data-cancel]")
    expect(page.locator("#form-box")).to_be_hidden()
    page.locator("[data-open]").first.click()
    page.wait_for_url(re.compile("campaigns/[0-9a-f-]{36}$"))
    first = page.url
    expect(page.locator("[rel=prev]")).to_be_hidden()
    page.locator("[data-neighbours] [rel=next]").click()
    page.wait_for_url(lambda url: url != first)
    check(page)
    expect(page.locator("[data-neighbours] [rel=prev]")).to_be_visible()
    page.keyboard.press("k")
    page.wait_for_url(first)
    context.close()


def test_a_form_helps_while_it_is_filled_in(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    context = studio.open(language, dark=True)
    page = studio.sign_in(context)
    page.goto("/studio/sequences/new")
    check(page)
    page.fill("[name='settings.daily_cap']", "beaucoup")
    page.press("[name='settings.daily_cap']", "Tab")
    expect(page.locator(".field.wrong")).to_be_visible()
    page.fill("[name='settings.daily_cap']", "20")
    page.press("[name='settings.daily_cap']", "Tab")
    expect(page.locator(".field.wrong")).to_have_count(0)
    page.fill("[name=name]", "x" * 190 + language)
    before = page.locator(".item").count()
    page.click("[data-add-line]")
    expect(page.locator(".item")).to_have_count(before + 1)
    page.fill(f"[name='steps.{before - 1}.step_key']", "bonjour")
    page.fill(f"[name='steps.{before - 1}.content']", "Bonjour")
    check(page)
    page.click(".form .primary")
    page.wait_for_url(re.compile("/sequences/[0-9a-f-]{36}$"))
    check(page)
    context.close()


def test_a_row_is_looked_back_at_step_by_step(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    made = studio.api("POST", "/api/brands", {"name": f"First name {language}"})
    for name in (f"Second name {language}", f"Third name {language}"):
        studio.api("PATCH", f"/api/brands/{made['id']}", {"name": name})
    context = studio.open(language, width=390)
    page = studio.sign_in(context)
    page.goto(f"/studio/brands/{made['id']}?tab=history")
    check(page)
    slider = page.locator("#looked-back")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**as_of=2*")
    expect(page.locator("h1")).to_contain_text("First name")
    check(page)
    page.locator("#looked-back").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("h1")).to_contain_text("Second name")
    context.close()
