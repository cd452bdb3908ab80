"""Importing CSV files in Studio, without scripts: what its columns are, what would happen, and what is wrong where."""

import re
from datetime import timedelta

from growbase.core import clock
from growbase.core.database import Database
from tests.api.factories import Factory
from tests.domains.social.factories import make_account
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn

SOON = f"{clock.now() + timedelta(days=2):%Y-%m-%d} 09:00"


def choose(browser: Browser, resource: str, text: str, status: int = 200) -> str:
    """Send a file as the first step does."""
    files = [("csrf", (None, browser.token)), ("file", ("rows.csv", text.encode()))]
    answer = browser.client.post(f"/studio/{resource}/import", files=files, headers=browser.cookie)
    assert answer.status_code == status, answer.text[-2_000:]
    return answer.text


def go_on(browser: Browser, resource: str, page: str, step: str, status: int = 200, **over: str) -> str:
    """Send the second step's form."""
    sent = {"csv": page.partition('<textarea name="csv" hidden>\n')[2].partition("</textarea>")[0]}
    for name, options in re.findall(r'<select name="(map\.\d+)".*?>(.*?)</select>', page, re.DOTALL):
        found = re.search(r'value="([^"]*)" selected', options)
        sent[name] = found[1] if found else ""
    sent = {name: value.replace("&#34;", '"') for name, value in sent.items()}
    return browser.post(f"/{resource}/import", {**sent, "step": step, **over}, status=status)


def counts(page: str) -> dict[str, int]:
    found = re.findall(r'<span class="figure-big">([\d,]+)</span> ([^<]+)</li>', page)
    return {name.strip(): int(number.replace(",", "")) for number, name in found}


def rows_of(browser: Browser, resource: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = browser.client.get(
        f"/api/{resource}?limit=100", headers=browser.api_headers
    ).json()["data"]
    return found


def test_rows_are_looked_at_before_they_are_made(browser: Browser, factory: Factory) -> None:
    brand = factory.create("brands", name="Aurora")
    text = "Name;Purpose;Brand;Budget;Status note\nOne;To sell;aurora;1250,50;x\n\nTwo;To give;Nobody;much;y\n"
    page = choose(browser, "campaigns", text)
    assert counts(page) == {"Created": 1, "Wrong lines": 1}
    assert rows_of(browser, "campaigns") == []
    assert 'k-number figure" data-label="Line">4' in page
    assert "Nobody is not known here" in page

    assert "nothing was written" in go_on(browser, "campaigns", page, "run", 422)
    assert rows_of(browser, "campaigns") == []
    done = go_on(browser, "campaigns", page, "run", skip="1")
    assert "The import is done." in done
    [row] = rows_of(browser, "campaigns")
    assert (row["name"], row["brand_id"], row["budget_minor"]) == ("One", brand["id"], 125_050)


def test_people_are_named_by_their_address(browser: Browser, tenant: Tenant) -> None:
    me = browser.client.get("/api/auth/me", headers=browser.api_headers).json()["user"]
    page = choose(browser, "brands", f"name,owner\nAurora,{me['email']}\nBorealis,nobody@example.com\n")
    assert counts(page) == {"Created": 1, "Wrong lines": 1}
    go_on(browser, "brands", page, "run", skip="1")
    assert [row["owner_user_id"] for row in rows_of(browser, "brands")] == [str(tenant.owner.id)]


def test_columns_may_be_mapped_otherwise(browser: Browser) -> None:
    page = choose(browser, "brands", "Firm,About\nAurora,Light\n", 422)
    assert "Choose the column for Name" in page
    twice = go_on(browser, "brands", page, "check", 422, **{"map.0": "name", "map.1": "name"})
    assert "Two columns go to Name" in twice
    page = go_on(browser, "brands", page, "check", **{"map.0": "name", "map.1": "description"})
    assert counts(page)["Created"] == 1
    go_on(browser, "brands", page, "run")
    [row] = rows_of(browser, "brands")
    assert (row["name"], row["description"]) == ("Aurora", "Light")


def test_what_the_database_refuses_is_said_by_its_line_too(browser: Browser, factory: Factory) -> None:
    factory.create("brands", name="Aurora")
    page = choose(browser, "brands", "name\nBorealis\nAurora\nBorealis\n")
    assert counts(page) == {"Created": 1, "Wrong lines": 2}
    go_on(browser, "brands", page, "run", skip="1")
    assert sorted(str(row["name"]) for row in rows_of(browser, "brands")) == ["Aurora", "Borealis"]


def test_prospects_are_made_and_brought_up_to_date_by_their_address(browser: Browser, factory: Factory) -> None:
    factory.create("prospects", email="old@example.com", company_name="Old")
    text = "E-mail,Company,Nom\nold@example.com,New name,A\nnew@example.com,Fresh,B\nnowhere,Wrong,C\n"
    page = choose(browser, "prospects", text)
    assert counts(page) == {"Created": 1, "Updated": 1, "Unchanged": 0, "Suppressed": 0, "Skipped": 1}
    assert 'data-label="Line">4' in page
    go_on(browser, "prospects", page, "run", 422)
    go_on(browser, "prospects", page, "run", skip="1", **{"map.2": "custom_fields."})
    assert [row["custom_fields"] for row in rows_of(browser, "prospects")] == [{"Nom": "B"}, {"Nom": "A"}]
    names = {row["email"]: row["company_name"] for row in rows_of(browser, "prospects")}
    assert names == {"old@example.com": "New name", "new@example.com": "Fresh"}


def test_more_prospects_than_fit_one_request_are_imported_by_a_job(browser: Browser) -> None:
    lines = "".join(f"person{number}@example.com,Aurora\n" for number in range(2_001))
    page = choose(browser, "prospects", f"email,company\n{lines}")
    assert counts(page)["Created"] == 2_001
    done = go_on(browser, "prospects", page, "run")
    [found] = re.findall(r"/studio(/imports/[0-9a-f-]{36})", done)
    assert "Queued" in browser.get(found)


def test_many_posts_are_scheduled_by_a_file(browser: Browser, db: Database, tenant: Tenant) -> None:
    db.write(tenant.owner, lambda tx: make_account(tx, handle="@us"))
    text = f'when,handle,text,tags\n{SOON},@us,"First, of all",a;b\n{SOON},@nobody,Second,\nsoon,@us,Third,\n'
    page = choose(browser, "calendar", text)
    assert counts(page) == {"Scheduled": 0, "Planned only": 1, "There already": 0, "Wrong lines": 2}
    assert "@nobody is no account here" in page
    page = go_on(browser, "calendar", page, "check", approve="1")
    assert counts(page)["Scheduled"] == 1
    assert rows_of(browser, "scheduled-posts") == []
    go_on(browser, "calendar", page, "run", approve="1", skip="1")
    [post] = rows_of(browser, "scheduled-posts")
    assert (post["status"], str(post["scheduled_at"])[:16]) == ("scheduled", SOON.replace(" ", "T"))
    [piece] = rows_of(browser, "content-pieces")
    assert (piece["body"], piece["hashtags"]) == ("First, of all", ["a", "b"])
    assert 'type="file"' in browser.get("/scheduled-posts/do/schedule-many")


def test_what_is_no_file_and_who_may_not_is_refused(browser: Browser, sign_in: SignIn, tenant: Tenant) -> None:
    assert "Choose a file first." in choose(browser, "brands", "", 422)
    assert "This is no CSV file." in choose(browser, "brands", "name\nA\x00B\n", 422)
    assert "more than 5000 rows" in choose(browser, "brands", "name\n" + "x\n" * 5_001, 422).replace(",", "")
    assert browser.client.get("/studio/brands/import?template=1", headers=browser.cookie).text.startswith("name,")
    browser.get("/jobs/import", status=404)
    viewer = sign_in(tenant.viewer)
    viewer.get("/brands/import", status=403)
    choose(viewer, "brands", "name\nA\n", 403)
    assert "/brands/import" not in viewer.get("/brands")
    assert "/brands/import" in browser.get("/brands")
