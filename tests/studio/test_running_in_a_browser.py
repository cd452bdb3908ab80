"""The pages that run an organization and the installation in Chromium: in both languages, on a phone, in the dark."""

import re
from collections.abc import Callable
from contextlib import suppress

from playwright.sync_api import Page, expect

from tests.studio.conftest import Say, Studio

PAGES = (
    *("account", "audit", "backups", "health", "keys", "plan", "queues", "schedules", "settings"),
    *("settings/installation", "team", "webhooks", "first-steps/demo"),
)


def test_an_operator_runs_the_installation(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    context = studio.open(language)
    page = studio.sign_in(context)
    page.click(f".side >> text={say('Backups and drills')}")
    page.wait_for_url("**/studio/backups")
    page.click(f"text={say('Back up now')}")
    page.wait_for_url("**/queues/jobs/*")
    # The page keeps itself up to date.
    expect(page.locator("h1 .badge")).to_have_text(say("Succeeded"), timeout=20_000)
    check(page)
    page.click(f".crumbs >> text={say('Backups and drills')}")
    page.wait_for_url("**/studio/backups")
    expect(page.locator("table").first).to_contain_text(say("not yet"))
    check(page)
    page.click(f"button:text-is('{say('Verify')}')")
    page.wait_for_url("**/queues/jobs/*")
    expect(page.locator("h1 .badge")).to_have_text(say("Succeeded"), timeout=20_000)
    page.goto("/studio/queues")
    row = page.locator("tr", has_text=say("Strategies"))
    row.locator("button").click()
    expect(row.locator(".badge")).to_have_text(say("Paused"))
    row.locator("button").click()
    expect(row.locator(".badge")).to_have_text(say("Open"))
    page.goto("/studio/schedules")
    row = page.locator("tr", has_text="marketing/orphaned_files")
    row.locator(f"text={say('Pause')}").click()
    expect(row).to_contain_text(say("Paused"))
    row.locator(f"text={say('Resume')}").click()
    expect(row).not_to_contain_text(say("Paused"))
    check(page)
    page.goto("/studio/audit?action=pause&all=1")
    page.locator("td summary").first.click()
    expect(page.locator("td .diff").first).to_be_visible()
    check(page)
    context.close()


def test_an_admin_looks_after_the_organization(
    studio: Studio, check: Callable[[Page], None], language: str, say: Say
) -> None:
    context = studio.open(language)
    page = studio.sign_in(context)
    page.goto("/studio/keys/new")
    page.click("main button.primary")
    expect(page.locator(".error").first).to_be_visible()
    page.fill("[name=name]", f"Shop {language}")
    page.click("main button.primary")
    expect(page.locator("#secret")).to_contain_text("gb_")
    check(page)
    page.click(f"text={say('I have kept it')}")
    page.wait_for_url("**/studio/keys")
    page.locator("tr", has_text=f"Shop {language}").locator("summary").click()
    check(page)
    page.click(f"text={say('Revoke {name}', name=f'Shop {language}')}")
    expect(page.locator("tr", has_text=f"Shop {language}")).to_contain_text(say("Revoked"))
    page.goto("/studio/webhooks/new")
    page.fill("[name=url]", "http://127.0.0.1:9/hook")
    page.click("main button.primary")
    expect(page.locator("#secret")).to_contain_text("whsec_")
    page.click(f"text={say('I have kept it')}")
    page.wait_for_url(re.compile(r"/webhooks/[0-9a-f-]{36}$"))
    page.click(f"text={say('Send a test')}")
    expect(page.locator("td .badge").first).to_have_text(say("Dead"), timeout=20_000)
    check(page)
    page.click("td a:text-is('ping')")
    expect(page.locator(".problem")).to_be_visible()
    check(page)
    page.goto("/studio/team/invite")
    page.fill("[name=email]", f"anna-{language[:2]}@example.com")
    page.click("main button.primary")
    page.wait_for_url("**/studio/team")
    expect(page.locator("main")).to_contain_text(f"anna-{language[:2]}@example.com")
    page.locator(f"summary:text-is('{say('Manage')}')").last.click()
    check(page)
    page.keyboard.press("Escape")
    page.click(f"button:text-is('{say('Withdraw')}')")
    expect(page.locator("main")).to_contain_text(say("Former members"))
    page.goto("/studio/webhooks")
    page.locator("main td.title a").first.click()
    page.wait_for_url(re.compile(r"/webhooks/[0-9a-f-]{36}$"))
    id = page.url.rpartition("/")[2]
    with suppress(ValueError):
        studio.api("DELETE", f"/api/webhook-endpoints/{id}", {})
    context.close()


def test_each_page_is_there_in_french_in_the_dark_and_on_a_phone(studio: Studio, check: Callable[[Page], None]) -> None:
    context = studio.open("fr-FR", width=390, dark=True)
    page = studio.sign_in(context)
    for path in PAGES:
        page.goto(f"/studio/{path}")
        assert page.locator("html").get_attribute("lang") == "fr"
        check(page)
    context.close()
