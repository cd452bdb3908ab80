"""Every page in Chromium, in both languages: none says something foreign, weighs too much or is cut off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response

from growbase import wiring
from growbase.core.model import View
from growbase.studio.places import places
from growbase.studio.words import Words
from tests.studio.conftest import Studio

CATALOG = wiring.catalog()
PLACES = [place.path for place in places(Words())]
HEAVIEST = 300_000
"""Bytes that the first visit of a page may take."""


@pytest.mark.parametrize("language", ["en-US", "fr-FR"])
def test_every_place_of_the_navigation_is_whole(studio: Studio, check: Callable[[Page], None], language: str) -> None:
    context = studio.open(language, dark=language == "fr-FR")
    page = studio.sign_in(context)
    check(page)
    for path in PLACES:
        page.goto(f"/studio/{path}")
        assert page.locator("h1").count() == 1, path
        assert page.locator("html").get_attribute("lang") == language[:2]
        check(page)
    context.close()


def test_every_resource_has_a_list_and_a_form_in_the_language_of_the_visitor(
    studio: Studio, check: Callable[[Page], None]
) -> None:
    contexts = [studio.open("en-US"), studio.open("fr-FR", width=390)]
    pages = [studio.sign_in(context) for context in contexts]
    for place, resource in enumerate(CATALOG.resources):
        # Its list is opened in both languages, its form and what axe says of the list in one after the other.
        for turn, page in enumerate(pages):
            mine = place % 2 == turn
            paths = [f"{resource.name}/new", resource.name] if resource.creatable and mine else [resource.name]
            for path in paths:
                answer = page.goto(f"/studio/{path}")
                assert answer is not None
                assert answer.ok, path
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            if mine and not issubclass(resource.model, View):
                check(page)
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", ["campaigns", "overview", "calendar", "inbox", "media"])
def test_the_first_visit_of_a_page_is_light(studio: Studio, path: str) -> None:
    context = studio.open("en-US")
    studio.sign_in(context).close()
    state = context.storage_state()
    context.close()
    fresh = studio.browser.new_context(storage_state=state, base_url=studio.address)
    page, sizes = fresh.new_page(), {}

    def weigh(response: Response) -> None:
        if "/static/" in response.url or response.request.resource_type == "document":
            sizes[response.url] = len(response.body())

    page.on("response", weigh)
    page.goto(f"/studio/{path}")
    page.wait_for_load_state("networkidle")
    assert sum(sizes.values()) < HEAVIEST, sizes
    fresh.close()
