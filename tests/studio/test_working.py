"""Working with rows in Studio, without scripts: forms, conflicts, trash, states, many at once, and who may do it."""

import json
import re

import pytest

from growbase.api.call import COOKIE
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Membership
from tests.api.factories import Client, Factory
from tests.fixtures import Tenant
from tests.studio.conftest import CSRF, Browser, SignIn


def base_form(page: str) -> dict[str, object]:
    """Return what a form would send as it is."""
    fields = dict(re.findall(r'<input type="(?:hidden|text)"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    areas = re.findall(r'<textarea id="[^"]*" name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    chosen = re.findall(r'<select id="[^"]*" name="([^"]+)".*?</select>', page, re.DOTALL)
    selects = {}
    for name in chosen:
        block = page[page.index(f'name="{name}"') :].partition("</select>")[0]
        found = re.search(r'<option value="([^"]*)" selected', block)
        selects[name] = found[1] if found else ""
    unescaped = {name: value.replace("&#34;", '"') for name, value in {**fields, **dict(areas), **selects}.items()}
    return {name: value for name, value in unescaped.items() if name != "csrf"}


def row_of(browser: Browser, name: str, id: str) -> dict[str, object]:
    found: dict[str, object] = browser.client.get(f"/api/{name}/{id}", headers=browser.api_headers).json()
    return found


def test_a_row_is_made_changed_and_seen_in_its_history(browser: Browser) -> None:
    wrong = browser.post("/brands/new", {"name": ""}, status=422)
    assert 'aria-invalid="true"' in wrong
    place = browser.post("/brands/new", {"name": "Aurora", "description": "<b>Light</b>"}).removeprefix("/studio")
    assert "&lt;b&gt;Light&lt;/b&gt;" in browser.get(place)
    form = base_form(browser.get(f"{place}/edit"))
    browser.post(f"{place}/edit", {**form, "name": "Aurora Borealis"})
    history = browser.get(f"{place}?tab=history")
    assert "Aurora</span>" in history
    assert "Aurora Borealis" in history


def test_money_is_typed_as_decimals_and_times_in_the_visitors_zone(browser: Browser, factory: Factory) -> None:
    me = browser.client.patch("/api/auth/me", json={"timezone": "Asia/Tokyo"}, headers=browser.api_headers)
    assert me.status_code == 200
    id = factory.create("campaigns", budget_minor=125_000, currency="EUR", start_at="2026-01-31T00:00:00Z")["id"]
    form = base_form(browser.get(f"/campaigns/{id}/edit"))
    assert (form["budget_minor"], form["start_at"]) == ("1250.00", "2026-01-31 09:00")
    browser.post(f"/campaigns/{id}/edit", {**form, "budget_minor": "1250,50", "start_at": "2026-02-01 08:30"})
    row = row_of(browser, "campaigns", str(id))
    assert (row["budget_minor"], row["start_at"]) == (125_050, "2026-01-31T23:30:00.000000Z")
    wrong = browser.post(f"/campaigns/{id}/edit", {**form, "budget_minor": "a lot", "goals": "{"}, status=422)
    assert "line 1" in wrong
    wrong = browser.post(f"/campaigns/{id}/edit", {**form, "budget_minor": "a lot"}, status=422)
    assert "a lot" in wrong


def test_changes_of_two_people_are_merged_where_they_touch_different_fields(browser: Browser, factory: Factory) -> None:
    id = factory.create("campaigns", name="Before", purpose="Before")["id"]
    form = base_form(browser.get(f"/campaigns/{id}/edit"))
    browser.client.patch(f"/api/campaigns/{id}", json={"purpose": "Theirs"}, headers=browser.api_headers)
    browser.post(f"/campaigns/{id}/edit", {**form, "name": "Mine"})
    row = row_of(browser, "campaigns", str(id))
    assert (row["name"], row["purpose"]) == ("Mine", "Theirs")


@pytest.mark.parametrize(("pick", "result"), [("theirs", "Theirs"), ("yours", "Mine")])
def test_a_conflict_shows_both_sides_and_nothing_is_lost(
    pick: str, result: str, browser: Browser, factory: Factory
) -> None:
    id = factory.create("campaigns", name="Before", purpose="Before")["id"]
    form = base_form(browser.get(f"/campaigns/{id}/edit"))
    theirs = {"name": "Theirs", "purpose": "Changed by them"}
    browser.client.patch(f"/api/campaigns/{id}", json=theirs, headers=browser.api_headers)
    page = browser.post(f"/campaigns/{id}/edit", {**form, "name": "Mine", "creativity_level": "9"}, status=412)
    assert all(text in page for text in ("Before", "Theirs", "Mine"))
    browser.post(f"/campaigns/{id}/edit", {**base_form(page), "pick.name": pick})
    row = row_of(browser, "campaigns", str(id))
    assert (row["name"], row["purpose"], row["creativity_level"]) == (result, "Changed by them", 9)


def test_what_goes_to_the_trash_together_comes_back_together(browser: Browser, factory: Factory) -> None:
    campaign = factory.create("campaigns", name="Doomed")
    factory.create("contents", campaign_id=campaign["id"], title="Goes along")
    path = f"/campaigns/{campaign['id']}"
    assert "Goes along" in browser.get(f"{path}/trash")
    assert row_of(browser, "campaigns", campaign["id"])["deleted_at"] is None
    assert browser.post(f"{path}/trash") == "/studio/campaigns"
    assert "Doomed" in browser.get("/campaigns?trash=only")
    assert "Goes along" in browser.get(path)
    browser.post(f"{path}/restore")
    assert "Doomed" in browser.get("/campaigns")
    assert "Goes along" in browser.get("/contents")
    browser.post(f"{path}/trash")
    browser.post(f"{path}/purge")
    browser.get(path, status=404)


def test_a_state_moves_and_a_change_is_undone(browser: Browser, factory: Factory) -> None:
    id = factory.create("campaigns")["id"]
    browser.post(f"/campaigns/{id}/transition", {"to": "active"})
    assert row_of(browser, "campaigns", id)["status"] == "active"
    browser.post(f"/campaigns/{id}/transition", {"to": "draft"})
    assert row_of(browser, "campaigns", id)["status"] == "active"
    browser.client.patch(f"/api/campaigns/{id}", json={"name": "Other"}, headers=browser.api_headers)
    seq = re.findall(r'name="seq" value="(\d+)"', browser.get(f"/campaigns/{id}?tab=history"))[0]
    browser.post(f"/campaigns/{id}/undo", {"seq": seq})
    assert row_of(browser, "campaigns", id)["name"] != "Other"


def test_many_rows_are_asked_about_before_they_change(browser: Browser, factory: Factory) -> None:
    ids = [factory.create("campaigns", name=f"Row {number}")["id"] for number in range(3)]
    browser.post(f"/campaigns/{ids[0]}/transition", {"to": "active"})
    asked = browser.post("/campaigns/bulk", {"action": "to:active", "id": ids}, status=200)
    assert "Would change: 2" in asked
    assert row_of(browser, "campaigns", ids[1])["status"] == "draft"
    browser.post("/campaigns/bulk", {"action": "to:active", "id": ids, "confirmed": "1"})
    assert {row_of(browser, "campaigns", id)["status"] for id in ids} == {"active"}
    browser.post("/campaigns/bulk", {"action": "trash", "id": ids, "confirmed": "1"})
    assert "Row 1" not in browser.get("/campaigns")
    browser.post("/campaigns/bulk", {"action": "restore", "id": ids, "confirmed": "1"})
    assert "Row 1" in browser.get("/campaigns")


def test_a_verb_has_its_form_and_its_errors(browser: Browser, factory: Factory) -> None:
    campaign = factory.create("campaigns")
    row = factory.create("generated-contents", campaign_id=campaign["id"])
    path = f"/generated-contents/{row['id']}/do/rate"
    browser.post(path, {"rating": "6"}, status=422)
    browser.post(path, {"rating": "5"})
    assert row_of(browser, "generated-contents", row["id"])["user_rating"] == 5


def test_an_export_holds_no_formula(browser: Browser, factory: Factory) -> None:
    factory.create("brands", name="=1+1")
    assert ",'=1+1," in browser.get("/brands/export?format=csv")


# -- who it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "wrong"])
def test_no_form_counts_without_its_token(token: str, browser: Browser, factory: Factory) -> None:
    id = factory.create("campaigns", name="Safe")["id"]
    for path in (f"/campaigns/{id}/trash", f"/campaigns/{id}/edit", "/campaigns/new", "/campaigns/bulk", "/logout"):
        browser.post(path, {"id": id, "action": "trash", "confirmed": "1", "name": "x"}, status=403, token=token)
    assert row_of(browser, "campaigns", id)["deleted_at"] is None


def test_a_token_of_one_session_is_none_of_another(browser: Browser, sign_in: SignIn, tenant: Tenant) -> None:
    other = sign_in(tenant.member)
    browser.post("/brands/new", {"name": "x"}, status=403, token=other.token)


def test_a_password_opens_a_session_and_logout_ends_it(client: Client, browser: Browser) -> None:
    del browser
    account = {"email": "new@example.com", "password": "correct horse battery", "full_name": "New Person"}
    made = client.post("/api/auth/register", json={**account, "organization_name": "Newcomers"})
    assert made.status_code == 201, made.text
    client.cookies.clear()
    gate = client.get("/studio/campaigns?q=a", follow_redirects=False)
    assert (gate.status_code, gate.headers["location"]) == (303, "/studio/login?next=%2Fstudio%2Fcampaigns%3Fq%3Da")
    page = client.get(gate.headers["location"])
    form = {"csrf": CSRF.findall(page.text)[0], "next": "https://evil.example/", **account}
    assert client.post("/studio/login", data={**form, "csrf": "wrong"}).status_code == 401
    assert client.post("/studio/login", data={**form, "password": "wrong"}).status_code == 401
    done = client.post("/studio/login", data=form, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/studio")
    home = client.get("/studio")
    assert "New Person" in home.text
    assert home.headers["content-security-policy"].startswith("default-src 'self'")
    client.post("/studio/logout", data={"csrf": CSRF.findall(home.text)[0]})
    assert "login" in str(client.get("/studio").url)


def test_the_language_is_the_asked_one_then_the_kept_one_then_the_browsers(browser: Browser) -> None:
    assert '<html lang="fr"' in browser.get("/brands", **{"accept-language": "fr-FR,fr;q=0.9,en;q=0.5"})
    assert '<html lang="en"' in browser.get("/brands", **{"accept-language": "de"})
    assert '<html lang="fr"' in browser.get("/brands?lang=fr", **{"accept-language": "en"})


# -- the pages themselves ---------------------------------------------------------------------------------------------


def test_a_page_holds_nothing_inline_and_is_light(browser: Browser, factory: Factory) -> None:
    for number in range(30):
        factory.create("contents", title=f"Title {number}", body="x" * 5_000)
    for path in ("", "/contents", "/contents/new", "/search?q=title"):
        page = browser.get(path)
        assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=|javascript:", page), path
        assert len(page.encode()) < 200_000
    assert "Title 29" in browser.get("/contents")
    following = re.findall(r'href="([^"]*cursor=[^"]*)"', browser.get("/contents"))[0].replace("&amp;", "&")
    assert "Title 0<" in browser.get(following.removeprefix("/studio"))


def test_files_are_kept_by_browsers_under_the_name_of_their_content(client: Client, browser: Browser) -> None:
    for address in re.findall(r'(?:src|href)="(/studio/static/[^"]+)"', browser.get("")):
        answer = client.get(address)
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True), address
    assert client.get("/studio/static/0/%2e%2e/app.py").status_code == 404


def test_a_filter_becomes_a_short_address_and_a_chip(browser: Browser, factory: Factory) -> None:
    factory.create("campaigns", name="Found")
    place = browser.client.get(
        "/studio/campaigns?f.status=draft&f.status=active&f.created_at.from=2026-01-31&sort=name",
        headers=browser.cookie,
        follow_redirects=False,
    ).headers["location"]
    assert place.endswith("?sort=name&status=in.(draft,active)&created_at=gte.2026-01-31T00:00:00Z")
    page = browser.get(place.removeprefix("/studio"))
    assert "Draft, Active" in page
    assert browser.get("/campaigns?nonsense=1", status=400)


def test_the_palette_finds_resources_and_rows(browser: Browser, factory: Factory) -> None:
    factory.create("brands", name="Lumen Bikes")
    page = browser.get("/search?q=lum")
    assert "Lumen Bikes" in page
    assert "/studio/campaigns" in browser.get("/search?q=campai")
    assert json.loads(browser.get("/brands/options?q=lum"))[0]["name"] == "Lumen Bikes"


def test_somebody_of_two_organizations_switches(
    browser: Browser, db: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    def join(tx: Transaction) -> None:
        tx.acting(other_tenant.owner).insert(Membership, user_id=tenant.owner.id, role="viewer", status="active")

    db.write(system(), join)
    page = browser.get("")
    assert "Rival" in page
    sent = {"csrf": browser.token, "organization_id": str(other_tenant.organization_id)}
    answer = browser.client.post("/studio/switch", data=sent, headers=browser.cookie, follow_redirects=False)
    session = answer.cookies[COOKIE]
    home = browser.client.get("/studio", headers={"cookie": f"{COOKIE}={session}"}).text
    assert "<h1>Rival</h1>" in home
    assert "/new" not in home


def test_what_is_nearly_used_up_needs_attention(browser: Browser, factory: Factory) -> None:
    for _ in range(3):
        factory.create("brands")
    assert "Needs attention" in browser.get("")


def test_a_viewer_deletes_nothing_here_that_the_api_would_not_let_them(
    browser: Browser, sign_in: SignIn, tenant: Tenant, factory: Factory
) -> None:
    viewer = sign_in(tenant.viewer)
    for resource in factory.catalog.resources:
        if not (resource.creatable and resource.deletable):
            continue
        id = factory.any(resource.name)["id"]
        answer = browser.client.delete(f"/api/{resource.name}/{id}", headers=viewer.api_headers)
        assert answer.status_code in {403, 404}, resource.name
        viewer.post(f"/{resource.name}/{id}/trash", status=answer.status_code)
