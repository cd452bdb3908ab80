"""The dashboards say what the API says: of seeded rows, of one organization, for those who may see it."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.reads import Context, Execute, Reads
from growbase.core.tables import BackupRun, Drill
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_stores import REFRESH
from growbase.domains.commerce.demo import seed_commerce
from growbase.domains.commerce.metrics import METRICS
from growbase.domains.identity.actions_billing import subscribe
from growbase.domains.identity.models import Organization
from growbase.domains.identity.plans import install_plans
from growbase.domains.identity.usage import Metric, consume
from growbase.domains.marketing.demo import seed_marketing
from growbase.domains.outreach.demo import seed_outreach
from growbase.domains.social.demo import seed_social
from growbase.studio.home import watched
from growbase.studio.words import Words
from tests.api.factories import Client, Factory
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn

PATHS = ("", "/overview", "/content-performance", "/outreach", "/social", "/store-desk", "/usage")
WORDS = Words("en")


def fill(db: Database, tenant: Tenant) -> None:
    """Seed the demo data of every domain."""

    def unit(tx: Transaction) -> None:
        tx.update(Organization, tenant.owner.organization_id, {"timezone": "Europe/Paris"})
        for seed in (seed_marketing, seed_outreach, seed_social, seed_commerce):
            seed(tx, users=[UUID(str(tenant.owner.id))])

    db.write(tenant.owner, unit)


def api(browser: Browser, path: str) -> Any:  # noqa: ANN401 -- a JSON document
    answer = browser.client.get(f"/api/{path}", headers=browser.api_headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def tiles(page: str) -> dict[str, str]:
    """Return name and text of each figure."""
    found = re.findall(r'figure-name">([^<]+)</span>\s*<span class="figure-big[^"]*">([^<]+)<', page)
    return dict(found)


def lines(page: str, title: str) -> dict[str, list[str]]:
    """Return the cells of each line of a table."""
    table = page.partition(f'aria-label="{title}"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
    found = [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row)] for row in rows]
    return {line[0]: line[1:] for line in found if line}


def span() -> str:
    """Return the range of the API that the last 30 days of the organization's time zone are."""
    first, last = (Words("en", "Europe/Paris").day_bounds(day, end=end) for day, end in days())
    return f"from={first}&to={last}"


def days() -> list[tuple[str, bool]]:
    today = datetime.fromisoformat(Words("en", "Europe/Paris").typed_moment(clock.now().isoformat())).date()
    return [((today - timedelta(days=29)).isoformat(), False), (today.isoformat(), True)]


def test_the_figures_of_every_dashboard_are_those_of_the_api(
    db: Database, tenant: Tenant, other_tenant: Tenant, browser: Browser, sign_in: SignIn
) -> None:
    fill(db, tenant)
    events = {row["event_type"]: row["count"] for row in api(browser, f"analytics?{span()}")["totals"]}
    shown = tiles(browser.get("/overview"))
    assert shown["Impressions"] == WORDS.number(events["impression"])
    assert shown["Conversions"] == WORDS.number(events["conversion"])
    messages = api(browser, f"outreach/figures?{span()}")
    assert shown["Messages sent"] == WORDS.number(messages["totals"]["sent"])
    assert shown["New prospects"] == WORDS.number(
        api(browser, "prospects/aggregate?aggregate=count()")["data"][0]["count"]
    )
    _campaigns_agree(browser)
    _messages_agree(browser, messages["totals"])
    _posts_agree(browser)
    _desk_agrees(browser)
    used = {row["metric"]: row for row in api(browser, "usage")["data"]}
    rows = lines(browser.get("/usage"), "What is left")
    assert rows["Prospects"][0] == str(used["prospects"]["used"]) == "24"
    by_day = api(browser, f"usage/daily?metric=prospects&{span()}")["data"]
    assert [row["used"] for row in by_day] == [24]
    assert lines(browser.get("/usage?metric=prospects"), "Prospects by day")[WORDS.day(by_day[0]["day"])] == ["24"]
    stranger = sign_in(other_tenant.owner)
    for path in PATHS:
        page = stranger.get(path)
        assert tiles(page).get("Impressions", "0") == "0"
        assert not re.search("Northwind|Winter roast|Spring introduction|Bergen", page), path


def _campaigns_agree(browser: Browser) -> None:
    [campaign, *_] = api(browser, "campaigns?name=Winter roast launch")["data"]
    asked = f"campaign_id={campaign['id']}&{span()}"
    page = browser.get(f"/campaigns/{campaign['id']}/dashboard")
    totals = {row["event_type"]: row["count"] for row in api(browser, f"analytics?{asked}")["totals"]}
    assert (tiles(page)["Impressions"], tiles(page)["Clicks"]) == (
        WORDS.number(totals["impression"]),
        WORDS.number(totals["click"]),
    )
    for step in api(browser, f"analytics/funnel?{asked}&steps=impression,click,conversion")["steps"]:
        assert f'value="{step["subjects"]}"' in page
    compared = [
        one for content in api(browser, f"analytics/variants?{asked}")["contents"] for one in content["variants"]
    ]
    assert compared
    for one in compared:
        assert WORDS.percent(one["rate"], 2) in page
    performance = api(browser, f"views/content-performance?campaign_id={campaign['id']}&source=content")["data"]
    rows = lines(browser.get("/content-performance"), "Content performance")
    for one in performance:
        if one["impressions"] is not None:
            assert WORDS.number(one["impressions"]) in rows[one["title"]]
    assert f"/studio/campaigns/{campaign['id']}/dashboard" in browser.get(f"/campaigns/{campaign['id']}")


def _messages_agree(browser: Browser, totals: dict[str, int]) -> None:
    page = browser.get("/outreach")
    shown = tiles(page)
    assert shown["Sent"] == str(totals["sent"])
    assert shown["Replied"] == WORDS.percent(totals["replied"] / totals["sent"])
    assert lines(page, "By campaign")["Spring introduction"][0] == str(totals["sent"])
    steps = api(browser, f"outreach/figures?group_by=step&{span()}")["groups"]
    assert sorted(cells[0] for cells in lines(page, "By step").values()) == sorted(str(one["sent"]) for one in steps)
    [campaign] = api(browser, "outreach-campaigns?name=Spring introduction")["data"]
    assert tiles(browser.get(f"/outreach-campaigns/{campaign['id']}/dashboard"))["Sent"] == str(totals["sent"])


def _posts_agree(browser: Browser) -> None:
    [growth] = api(browser, f"social/metrics?group_by=platform&{span()}")["growth"][:1]
    page = browser.get("/social")
    whole = sum(row["impressions"] or 0 for row in api(browser, f"social/metrics?{span()}")["growth"])
    assert tiles(page)["Impressions"] == WORDS.number(whole)
    assert WORDS.number(growth["impressions"]) in lines(page, "By platform")[WORDS.label(growth["platform"])]
    best = max(api(browser, f"social/metrics?group_by=post&{span()}")["growth"], key=lambda row: row["likes"] or 0)
    assert WORDS.number(best["likes"]) in next(iter(lines(browser.get("/social?metric=likes"), "Best posts").values()))


def _desk_agrees(browser: Browser) -> None:
    for store in api(browser, "stores")["data"]:
        page = browser.get(f"/store-desk?store_id={store['id']}")
        today = days()[1][0]
        first = days()[0][0]
        kpi = api(browser, f"stores/{store['id']}/kpis?metric=open_flags&from={first}&to={today}")
        if kpi["data"] is not None:
            assert tiles(page)["Open flags"] == WORDS.number(kpi["data"]["total"])
        waiting = api(browser, f"tickets?store_id={store['id']}&waiting_since=not.is.null")["data"]
        assert sum(int(cells[-1]) for cells in lines(page, "Customers waiting for an answer").values()) == len(waiting)
        out = api(browser, f"product-velocity?store_id={store['id']}&current_inventory=lte.0")["data"]
        assert {row["product_title"] for row in out} <= {
            name.removesuffix(f" {row['sku']}") for name in lines(page, "What runs out") for row in out
        }
        browser.get(f"/stores/{store['id']}/dashboard", status=303)


def test_an_empty_organization_is_told_what_to_do(browser: Browser, factory: Factory) -> None:
    for path, hint in (
        ("/overview", "Begin a campaign"),
        ("/content-performance", "Write a content"),
        ("/outreach", "Launch an outreach campaign"),
        ("/social", "Connect an account"),
        ("/store-desk", "Connect a store"),
        ("/usage", "has no plan"),
    ):
        assert hint in browser.get(path), path
    id = factory.create("campaigns")["id"]
    assert "Send what people do" in browser.get(f"/campaigns/{id}/dashboard")
    browser.get(f"/campaigns/{uuid4()}/dashboard", status=404)
    browser.get(f"/brands/{uuid4()}/dashboard", status=404)


def test_days_are_chosen_in_the_address_and_nonsense_is_named(browser: Browser) -> None:
    assert 'value="2026-01-01"' in browser.get("/overview?from=2026-01-01&to=2026-02-01")
    for wrong in ("days=8", "from=yesterday", "from=2026-02-01&to=2026-01-01", "from=2000-01-01&to=2026-01-01"):
        assert 'role="alert"' in browser.get(f"/overview?{wrong}", status=400)
    assert "days=7" in browser.get("/outreach?from=2026-01-01&to=2026-02-01")


def test_home_watches_filters_that_the_resources_know(browser: Browser, factory: Factory) -> None:
    for _, name, query, _ in watched(WORDS):
        assert name in factory.catalog.by_name
        answer = browser.client.get(f"/api/{name}?{query}", headers=browser.api_headers)
        assert answer.status_code == 200, (name, query, answer.text)


def test_home_tells_of_limits_and_admins_of_backups(
    db: Database, tenant: Tenant, browser: Browser, sign_in: SignIn
) -> None:
    db.write(system(), install_plans)
    db.write(tenant.owner, lambda tx: subscribe(tx, plan_code="free"))
    db.write(tenant.owner, lambda tx: consume(tx, Metric.POSTS_GENERATED, 20))
    old = clock.now() - timedelta(days=9)
    run = {"started_at": old, "finished_at": old}

    def note(tx: Transaction) -> None:
        tx.insert_facts(BackupRun, [{"id": "one", "status": "succeeded", "size_bytes": 1, **run}])
        tx.insert_facts(Drill, [{"id": clock.new_id(), "status": "failed", **run}])

    db.write(tenant.owner, note)
    home = browser.get("")
    for text in ("Nothing is left of the plan: Posts generated", "The last good backup is old", "drill failed"):
        assert text in home
    viewer = sign_in(tenant.viewer).get("")
    assert "Nothing is left" in viewer
    assert "backup" not in viewer
    assert "Used up" in browser.get("/usage")


def test_key_figures_nobody_has_computed_are_asked_for_once(
    db: Database, tenant: Tenant, browser: Browser, sign_in: SignIn, factory: Factory
) -> None:
    factory.create("stores", name="Corner shop")
    viewer = sign_in(tenant.viewer)
    for _ in range(2):
        page = viewer.get("/store-desk")
        assert "Corner shop" in page
        assert page.count("Being computed<") == len(METRICS)
        assert 'hx-trigger="load delay:4s"' in page
        assert db.query(f"SELECT count(*) FROM jobs WHERE kind = '{REFRESH}'")[0][0] == len(METRICS)
    assert "Draft an order" not in page


def test_a_page_costs_as_many_statements_however_many_rows_there_are(
    db: Database, tenant: Tenant, browser: Browser, factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(db, tenant)
    counted = [0]
    _count_statements(monkeypatch, db, counted)

    def cost() -> dict[str, int]:
        return {path: min(visit(path) for _ in range(3)) for path in (*PATHS, f"/campaigns/{campaign}/dashboard")}

    def visit(path: str) -> int:
        # Now and then a visit also asks who it is.
        counted[0] = 0
        browser.get(path)
        return counted[0]

    [campaign, *_] = [row["id"] for row in api(browser, "campaigns?name=Winter roast launch")["data"]]
    before = cost()
    store = api(browser, "stores")["data"][0]["id"]
    for _ in range(4):
        factory.create("contents", campaign_id=campaign)
        factory.create("tickets", store_id=store)
        factory.create("campaigns")
        factory.create("prospects")
    after = cost()
    assert {path: count - before[path] for path, count in after.items() if count > before[path] + 1} == {}
    assert max(after.values()) < 80


def _count_statements(monkeypatch: pytest.MonkeyPatch, db: Database, counted: list[int]) -> None:
    make, query = Reads.__init__, type(db).query

    def made(self: Reads, context: Context, actor: Actor, execute: Execute) -> None:
        def run(sql: str, params: Any = ()) -> Any:  # noqa: ANN401 -- a driver's
            counted[0] += 1
            return execute(sql, params)

        make(self, context, actor, run)

    def asked(self: Database, *args: Any, **options: Any) -> list[Any]:  # noqa: ANN401 -- as it is called
        counted[0] += 1
        return query(self, *args, **options)

    monkeypatch.setattr(Reads, "__init__", made)
    monkeypatch.setattr(type(db), "query", asked)


@pytest.mark.parametrize("path", PATHS)
def test_whoever_is_not_signed_in_sees_no_figures(path: str, client: Client, browser: Browser) -> None:
    del browser
    assert client.get(f"/studio{path}", follow_redirects=False).status_code == 303
