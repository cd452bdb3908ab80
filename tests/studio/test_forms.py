"""Forms: documents by the fields of their schema, what is wrong while one types, one field alone, and many rows."""

import json
import re

import pytest

from growbase.studio.documents import plain
from tests.api.factories import Factory
from tests.studio.conftest import Browser


def test_a_document_has_an_input_for_each_field_of_its_schema(factory: Factory, browser: Browser) -> None:
    created = browser.post(
        "/sequences/new",
        {
            "name": "Welcome",
            "settings.stop_on_reply": "true",
            "settings.daily_cap": "40",
            "steps.0.step_key": "hello",
            "steps.0.subject": "Hello",
            "steps.0.content": "Hello {{ first_name }}",
            "steps.0.delay_days": "2",
            "steps.1.subject": "",
        },
    )
    id = created.rpartition("/")[2]
    row = factory.client.get(f"/api/sequences/{id}", headers=browser.api_headers).json()
    assert row["settings"]["daily_cap"] == 40
    assert row["settings"]["stop_on_reply"] is True
    steps = factory.client.get(f"/api/sequence-steps?sequence_id={id}", headers=browser.api_headers).json()["data"]
    assert [(step["subject"], step["delay_days"]) for step in steps] == [("Hello", 2)]
    form = browser.get(f"/sequences/{id}/edit")
    assert re.search(r'name="settings.daily_cap" value="40"', form) or 'value="40"' in form


def test_what_was_not_touched_of_a_document_is_not_a_change(factory: Factory, browser: Browser) -> None:
    id = factory.create("sequences", name="Quiet", settings={"daily_cap": 7})["id"]
    before = factory.client.get(f"/api/sequences/{id}", headers=browser.api_headers).json()
    page = browser.get(f"/sequences/{id}/edit")
    sent = {name: value for name, value in inputs_on(page) if name != "csrf"}
    browser.post(f"/sequences/{id}/edit", sent)
    after = factory.client.get(f"/api/sequences/{id}", headers=browser.api_headers).json()
    assert after == before


def inputs_on(page: str) -> list[tuple[str, str]]:
    """Return what a browser sends of a page's form when nobody touches it."""
    from html.parser import HTMLParser

    class Form(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[tuple[str, str]] = []
            self.area = self.select = ""
            self.inside = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = {name: value or "" for name, value in attrs}
            if tag == "form":
                self.inside = "data-guard" in given
            if not self.inside:
                return
            name = given.get("name", "")
            if tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
                self.found.append((name, given.get("value", "")))
            self.area = name if tag == "textarea" else self.area
            self.select = name if tag == "select" else self.select
            if tag == "textarea":
                self.found.append((name, ""))
            if tag == "option" and "selected" in given and self.select:
                self.found.append((self.select, given.get("value", "")))

        def handle_endtag(self, tag: str) -> None:
            self.area = "" if tag == "textarea" else self.area
            self.select = "" if tag == "select" else self.select
            self.inside = self.inside and tag != "form"

        def handle_data(self, data: str) -> None:
            if self.area and self.found and self.found[-1][0] == self.area:
                # A browser drops the line break behind the tag.
                self.found[-1] = (self.area, self.found[-1][1] + data.removeprefix("\n"))

    form = Form()
    form.feed(page)
    return form.found


def test_what_is_wrong_with_a_part_stands_beside_it(browser: Browser) -> None:
    page = browser.post("/sequences/new", {"name": "Wrong", "settings.daily_cap": "many"}, status=422)
    field = page[page.index('name="settings.daily_cap"') :]
    assert 'aria-invalid="true"' in field[:400]
    assert 'value="many"' in field[:400]


def test_a_form_says_what_is_wrong_before_it_is_sent(factory: Factory, browser: Browser) -> None:
    wrong = json.loads(browser.post("/campaigns/check", {"name": "", "creativity_level": "11"}, status=200))
    assert set(wrong) >= {"creativity_level"}
    id = factory.create("campaigns")["id"]
    sent = {"version": "1", "name": "A name", "creativity_level": "5"}
    assert json.loads(browser.post("/campaigns/check", {**sent, "only": "name,creativity_level"}, status=200)) == {}
    browser.get(f"/campaigns/{id}")


def test_one_field_is_changed_from_the_list_and_leads_back_to_it(factory: Factory, browser: Browser) -> None:
    row = factory.create("brands", name="Aurora", voice="calm")
    page = browser.get(f"/brands/{row['id']}/edit?only=name&back=/studio/brands?q=aur")
    assert 'name="name"' in page
    assert 'name="voice"' not in page
    sent = {"only": "name", "back": "/studio/brands?q=aur", "version": row["version"], "name": "Aurora 2"}
    assert browser.post(f"/brands/{row['id']}/edit", {**sent, "base.name": "Aurora"}) == "/studio/brands?q=aur"
    after = factory.client.get(f"/api/brands/{row['id']}", headers=browser.api_headers).json()
    assert (after["name"], after["voice"]) == ("Aurora 2", "calm")
    created = browser.post("/brands/new", {"only": "required", "back": "https://elsewhere.example", "name": "Borea"})
    assert created == "/studio"


def test_many_rows_are_given_the_same_values_once_that_is_confirmed(factory: Factory, browser: Browser) -> None:
    ids = [factory.create("campaigns", name=f"Spring {number}")["id"] for number in range(3)]
    asked = browser.post("/campaigns/bulk", {"action": "edit", "id": ids}, status=200)
    assert 'name="creativity_level"' in asked
    wrong = browser.post("/campaigns/bulk", {"action": "edit", "id": ids, "creativity_level": "99"}, status=422)
    assert 'aria-invalid="true"' in wrong
    sent = {"action": "edit", "id": ids, "creativity_level": "9"}
    assert "3" in browser.post("/campaigns/bulk", sent, status=200)
    rows = factory.client.get("/api/campaigns", headers=browser.api_headers).json()["data"]
    assert all(row["creativity_level"] != 9 for row in rows)
    browser.post("/campaigns/bulk", {**sent, "confirmed": "1"})
    rows = factory.client.get("/api/campaigns", headers=browser.api_headers).json()["data"]
    assert [row["creativity_level"] for row in rows if row["id"] in ids] == [9, 9, 9]


def test_all_rows_that_match_are_more_than_the_page_shows(
    factory: Factory, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        factory.create("brands", name=f"Coast {number}")
    factory.create("brands", name="Hill")
    back = "/studio/brands?q=coast&limit=2"
    asked = browser.post("/brands/bulk", {"action": "trash", "all": "1", "back": back}, status=200)
    assert len(set(re.findall(r'name="id" value="([^"]+)"', asked))) == 4
    monkeypatch.setattr("growbase.studio.bulk.MOST", 3)
    assert browser.post("/brands/bulk", {"action": "trash", "all": "1", "back": back}) == back


def test_a_document_is_the_same_whatever_says_nothing_in_it() -> None:
    assert plain({"b": None, "a": {"c": ""}, "d": [{}, {"x": 0}], "e": False}) == {"d": [{"x": 0}], "e": False}
