"""The dashboards in Chromium: charts that follow the page's colours and width, and every page in both languages."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.processes import wait_until
from tests.studio.conftest import Studio

PATHS = ("", "/overview", "/content-performance?sort=-clicks", "/outreach", "/social", "/store-desk", "/usage")
SWATCH = "getComputedStyle(document.querySelector('.chart-legend i')).backgroundColor"
PLOT = "document.querySelector('[data-plot] .uplot').clientWidth"


def row(studio: Studio, path: str) -> str:
    [first, *_] = studio.api("GET", f"/api/{path}", None)["data"]
    return str(first["id"])  # type: ignore[index]


def test_a_chart_follows_colours_and_width_and_hides_series(studio: Studio, check: Callable[[Page], None]) -> None:
    campaign = row(studio, "campaigns?name=Winter%20roast%20launch")
    context = studio.open("en-US")
    page = studio.sign_in(context)
    page.goto(f"/studio/campaigns/{campaign}")
    page.click(".tabs >> text=Dashboard")
    page.wait_for_url("**/dashboard")
    expect(page.locator(".chart .uplot canvas")).to_have_count(2)
    check(page)
    light, wide = page.evaluate(SWATCH), page.evaluate(PLOT)
    page.emulate_media(color_scheme="dark")
    wait_until(lambda: bool(page.evaluate(f"{SWATCH} !== '{light}'")), "the chart")
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    wait_until(lambda: bool(page.evaluate(f"{SWATCH} === '{light}'")), "the chart")
    page.set_viewport_size({"width": 800, "height": 900})
    wait_until(lambda: bool(page.evaluate(f"{PLOT} !== {wide} && {PLOT} <= 800")), "the chart")
    button = page.locator(".chart-legend button", has_text="Clicks")
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    page.locator(".chart .u-over").first.hover()
    expect(page.locator(".chart-day").first).not_to_be_empty()
    page.locator(".chart summary").first.click()
    expect(page.locator(".chart table").first).to_contain_text("Impressions")
    page.click("text=7 days")
    page.wait_for_url("**days=7")
    expect(page.locator(".chart .uplot canvas")).to_have_count(2)
    assert page.locator(".chart").first.locator("tbody tr").count() == 7
    context.close()


def test_every_dashboard_is_sound_in_english(studio: Studio, check: Callable[[Page], None]) -> None:
    context = studio.open("en-US")
    page = studio.sign_in(context)
    for path in PATHS:
        page.goto(f"/studio{path}")
        expect(page.locator("h1")).to_be_visible()
        check(page)
    page.goto("/studio/store-desk")
    page.click(".matrix a >> nth=0")
    page.wait_for_url("**/studio/tickets?*waiting_since*")
    page.goto("/studio/outreach")
    page.click("td.title a >> text=Spring introduction")
    page.wait_for_url("**/dashboard")
    check(page)
    context.close()


def test_every_dashboard_is_sound_in_french_in_the_dark_and_on_a_phone(
    studio: Studio, check: Callable[[Page], None]
) -> None:
    campaign = row(studio, "campaigns?name=Winter%20roast%20launch")
    context = studio.open("fr-FR", width=390, dark=True)
    page = studio.sign_in(context)
    for path in (*PATHS, f"/campaigns/{campaign}/dashboard"):
        page.goto(f"/studio{path}")
        assert page.locator("html").get_attribute("lang") == "fr"
        check(page)
    page.goto("/studio/social")
    expect(page.locator(".chart .uplot canvas").first).to_be_visible()
    assert "\u202f" in page.locator(".figure-big").first.inner_text()
    context.close()


def test_without_scripts_the_figures_are_tables(studio: Studio) -> None:
    context = studio.browser.new_context(java_script_enabled=False, base_url=studio.address)
    page = studio.sign_in(context)
    page.goto("/studio/overview")
    expect(page.locator("[data-plot]").first).to_be_hidden()
    page.locator(".chart summary").first.click()
    expect(page.locator(".chart table").first).to_be_visible()
    page.click("text=90 days")
    page.wait_for_url("**days=90")
    context.close()
