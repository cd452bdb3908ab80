"""The campaign platform from the first login to the report, as its users go through it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from growbase.core.database import Database
from tests.api.conftest import Factory, LoginAs
from tests.api.factories import Row
from tests.fixtures import Tenant


class Caller:
    """Sends requests as one person and checks what they are answered with."""

    def __init__(self, factory: Factory, headers: dict[str, str]) -> None:
        self.factory = factory
        self.headers = headers

    def send(self, method: str, path: str, body: object = None, status: int = 200) -> Any:  # noqa: ANN401 -- JSON
        """Return the JSON of an answer, or its headers where it has no body."""
        answer = self.factory.client.request(method, path, json=body, headers=self.headers)
        assert answer.status_code == status, (method, path, answer.text)
        return answer.json() if answer.content else answer.headers

    def get(self, path: str, status: int = 200) -> Any:  # noqa: ANN401 -- JSON
        """Read."""
        return self.send("GET", path, status=status)

    def post(self, path: str, body: object = None, status: int = 201) -> Any:  # noqa: ANN401 -- JSON
        """Make, or do."""
        return self.send("POST", path, body, status)


@pytest.fixture
def member(factory: Factory, tenant: Tenant, login_as: LoginAs) -> Caller:
    return Caller(factory, login_as(tenant.member))


@pytest.fixture
def brand(member: Caller) -> Row:
    row: Row = member.post("/api/brands", {"name": "Northwind", "voice": "calm"})
    return row


def make_campaign(member: Caller, brand: Row, **over: object) -> Row:
    body = {"name": "Spring", "purpose": "Sell seeds", "brandId": brand["id"]}
    row: Row = member.post("/api/campaigns", {**body, **over})
    return row


def test_a_new_campaign_is_a_draft_with_its_journey_and_a_list_with_counts(member: Caller, brand: Row) -> None:
    wrong = member.post("/api/campaigns", {"status": "ACTIVE"}, 422)
    assert {error["field"] for error in wrong["errors"]} == {"name", "purpose", "status"}
    unbranded = member.post("/api/campaigns", {"name": "Spring", "purpose": "Sell"}, 422)
    assert [error["field"] for error in unbranded["errors"]] == ["brand_id"]
    campaign = make_campaign(member, brand, brief={"objective": "Grow"})
    assert (campaign["status"], campaign["version"]) == ("draft", 1)
    assert campaign["owner_user_id"] == campaign["created_by"] == campaign["updated_by"]
    listed = member.get(
        "/api/campaigns?status=DRAFT&sortBy=createdAt&sortOrder=desc&page=1&counts=journeys,contents&expand=brand"
    )
    assert (listed["pagination"]["total"], listed["pagination"]["pages"]) == (1, 1)
    [row] = listed["data"]
    assert (row["counts"], row["brand"]["name"]) == ({"journeys": 1, "contents": 0}, "Northwind")
    [journey] = member.get(f"/api/journeys?campaign_id={campaign['id']}&counts=journey_stages")["data"]
    assert journey["counts"]["journey_stages"] == 4
    stages = member.get(f"/api/journey-stages?journey_id={journey['id']}")["data"]
    assert [stage["key"] for stage in stages] == ["awareness", "consideration", "conversion", "retention"]
    [brief] = member.get(f"/api/campaign-briefs?campaign_id={campaign['id']}")["data"]
    assert brief["objective"] == "Grow"


def test_a_campaign_made_from_a_template_has_its_journeys_and_counts_its_use(member: Caller, brand: Row) -> None:
    stages = [{"key": "tease", "name": "Tease", "kind": "awareness", "config": {"frequency_cap": 2}}]
    contents = [{"type": "email", "body": "Hello", "stage": "tease"}]
    data = {"journeys": [{"name": "Launch", "stages": stages, "contents": contents}]}
    template = member.post("/api/campaign-templates", {"name": "Launch", "template_data": data})
    campaign = make_campaign(member, brand, template_id=template["id"])
    assert member.get(f"/api/campaign-templates/{template['id']}")["usage_count"] == 1
    [journey] = member.get(f"/api/journeys?campaign_id={campaign['id']}")["data"]
    [content] = member.get(f"/api/contents?campaign_id={campaign['id']}&expand=stage")["data"]
    assert (content["journey_id"], content["stage"]["key"]) == (journey["id"], "tease")
    member.send("DELETE", f"/api/campaign-templates/{template['id']}", status=204)
    assert member.get(f"/api/campaigns/{campaign['id']}")["template_id"] == template["id"]
    wrong = [{"key": "tease", "name": "Tease", "kind": "awareness", "config": {"offer": "x"}}]
    refused = member.post("/api/journeys", {"campaign_id": campaign["id"], "name": "N", "stages": wrong}, 422)
    assert [error["field"] for error in refused["errors"]] == ["stages.0.config.offer"]


def test_a_content_goes_from_draft_to_published_and_tests_its_variants(
    member: Caller, brand: Row, tenant: Tenant
) -> None:
    campaign = make_campaign(member, brand)
    content = member.post("/api/contents", {"campaignId": campaign["id"], "type": "EMAIL", "body": "Buy seeds"})
    path = f"/api/contents/{content['id']}"
    weights = [("a", 50, True), ("b", 40, False)]
    variants = [{"key": k, "body": f"Text {k}", "weight_percent": w, "is_control": c} for k, w, c in weights]
    short = member.post(f"{path}/variants", {"variants": variants}, 422)
    assert [error["field"] for error in short["errors"]] == ["variants"]
    variants[1]["weight_percent"] = 50
    member.post(f"{path}/variants", {"variants": variants}, 200)
    assigned = {member.post(f"{path}/assign", {"subject_key": f"person {n}"}, 200)["variant_id"] for n in range(20)}
    assert len(assigned) == 2
    same = [member.post(f"{path}/assign", {"subject_key": "person 1"}, 200)["variant_id"] for _ in range(2)]
    assert same[0] == same[1]
    early = member.post(f"{path}/publish", status=409)
    assert (early["code"], early["allowed"]) == ("invalid_transition", ["review"])
    for verb, status in (("submit", "review"), ("approve", "approved")):
        assert member.post(f"{path}/{verb}", status=200)["status"] == status
    approved = member.get(path)
    assert (approved["approved_by"], approved["content_hash"] is not None) == (str(tenant.member.id), True)
    changed = member.send("PATCH", path, {"body": "Buy more seeds"})
    assert (changed["status"], changed["approved_by"]) == ("draft", None)
    published = [member.post(f"{path}/{verb}", status=200) for verb in ("submit", "approve", "publish")][-1]
    assert published["published_at"] is not None
    assert member.send("PATCH", path, {"body": "Too late"}, 409)["code"] == "conflict"
    member.post(f"{path}/winner", {"key": "b"}, 200)
    found = member.get(f"/api/content-variants?content_id={content['id']}&sort=created_at")["data"]
    assert {row["key"]: (row["status"], row["weight_percent"]) for row in found} == {
        "a": ("loser", 0),
        "b": ("winner", 100),
    }


def test_a_campaign_moves_through_its_states_only(member: Caller, brand: Row) -> None:
    path = f"/api/campaigns/{make_campaign(member, brand)['id']}"
    assert member.send("PATCH", path, {"status": "active"}, 422)["errors"][0]["code"] == "unknown"
    moves = [("PAUSED", 409), ("ACTIVE", 200), ("ACTIVE", 200), ("paused", 200), ("active", 200), ("completed", 200)]
    for to, status in [*moves, ("active", 409), ("archived", 200), ("draft", 409)]:
        found = member.post(f"{path}/transition", {"to": to}, status)
        assert found["status"] == (to.lower() if status == 200 else 409)
    assert member.get(path)["completed_at"] is not None
    actions = [change["action"] for change in member.get(f"{path}/history")["data"]]
    assert actions == ["transition"] * 5 + ["insert"]


def events(campaign: Row, content: Row) -> list[Row]:
    base = {"campaign_id": campaign["id"], "content_id": content["id"], "source": "newsletter"}
    people = [{"subject_key": f"person {number}", **base} for number in range(10)]
    kinds = [("impression", 10), ("click", 4), ("conversion", 1)]
    return [
        {**person, "event_type": kind, "event_key": f"{kind} {number}"}
        for kind, count in kinds
        for number, person in enumerate(people[:count])
    ]


def test_analytics_are_counted_once_and_outlive_the_campaign(member: Caller, brand: Row) -> None:
    campaign = make_campaign(member, brand)
    content = member.post("/api/contents", {"campaign_id": campaign["id"], "type": "email", "body": "Buy"})
    sent = events(campaign, content)
    assert member.post("/api/analytics", sent, 202) == {"accepted": 15, "duplicates": 0}
    assert member.post("/api/analytics", sent[:3], 202) == {"accepted": 0, "duplicates": 3}
    money = {"event_type": "PURCHASE", "campaign_id": campaign["id"], "value_minor": 1999, "currency": "EUR"}
    assert member.post("/api/analytics", money, 202)["accepted"] == 1

    def totals() -> dict[str, int]:
        found = member.get(f"/api/analytics?campaign_id={campaign['id']}")
        return {row["event_type"]: row["count"] for row in found["totals"]}

    assert totals() == {"impression": 10, "click": 4, "conversion": 1, "purchase": 1}
    funnel = member.get(f"/api/analytics/funnel?campaign_id={campaign['id']}")
    assert [step["subjects"] for step in funnel["steps"]] == [10, 4, 1]
    [summary] = member.get(f"/api/views/campaign-summary?campaign_id={campaign['id']}")["data"]
    assert {key: summary[key] for key in ("impressions", "clicks", "conversions", "ctr", "revenue_minor")} == {
        "impressions": 10,
        "clicks": 4,
        "conversions": 1,
        "ctr": 0.4,
        "revenue_minor": 1999,
    }
    [performance] = member.get(f"/api/views/content-performance?content_id={content['id']}")["data"]
    assert (performance["impressions"], performance["clicks"], performance["ctr"]) == (10, 4, 0.4)
    member.send("DELETE", f"/api/campaigns/{campaign['id']}", status=204)
    assert totals() == {"impression": 10, "click": 4, "conversion": 1, "purchase": 1}
    assert member.get(f"/api/views/campaign-summary?campaign_id={campaign['id']}")["data"] == []


def live(member: Caller, campaign: Row) -> dict[str, set[str]]:
    """Return the ids of what a campaign has, live."""
    found: dict[str, set[str]] = {}
    for resource in ("journeys", "contents", "campaign-briefs"):
        rows = member.get(f"/api/{resource}?campaign_id={campaign['id']}&limit=200")["data"]
        found[resource] = {row["id"] for row in rows}
    stages = [member.get(f"/api/journey-stages?journey_id={id}&limit=200")["data"] for id in found["journeys"]]
    found["journey-stages"] = {row["id"] for rows in stages for row in rows}
    return found


def test_deleting_takes_what_belongs_along_and_restoring_brings_back_exactly_that(
    member: Caller, brand: Row, factory: Factory, db: Database
) -> None:
    campaign = make_campaign(member, brand, brief={})
    path = f"/api/campaigns/{campaign['id']}"
    contents = [
        member.post("/api/contents", {"campaign_id": campaign["id"], "type": "email", "body": f"Body {n}"})
        for n in range(3)
    ]
    member.post(
        f"/api/contents/{contents[0]['id']}/variants",
        {"variants": [{"key": "a", "body": "A", "weight_percent": 100}]},
        200,
    )
    member.post("/api/analytics", events(campaign, contents[0]), 202)
    member.send("DELETE", f"/api/contents/{contents[2]['id']}", status=204)
    before = live(member, campaign)
    counted = [db.query(f"SELECT count(*) FROM analytics_{table}") for table in ("events", "daily")]
    deletion = member.send("DELETE", path, status=204)["deletion-id"]
    assert all(ids == set() for ids in live(member, campaign).values())
    assert [db.query(f"SELECT count(*) FROM analytics_{table}") for table in ("events", "daily")] == counted
    alone = member.post(f"/api/contents/{contents[0]['id']}/restore", status=409)
    assert "restore that" in alone["detail"]
    refused = member.post("/api/journeys", {"campaign_id": campaign["id"], "name": "Late"}, 409)
    assert refused["errors"][0]["field"] == "campaign_id"
    [trashed] = member.get("/api/campaigns?trash=only")["data"]
    assert (trashed["deletion_id"], trashed["deleted_by"]) == (deletion, campaign["created_by"])
    member.post(f"{path}/restore", status=200)
    assert live(member, campaign) == before
    assert member.get(f"/api/contents/{contents[2]['id']}?trash=include")["deleted_at"] is not None
    member.send("DELETE", path, status=204)
    owner = Caller(factory, factory.headers)
    kept = owner.post(f"{path}/purge", status=409)
    assert (kept["code"], kept["dependants"]) == ("foreign_key", "analytics_events")
    assert member.post(f"{path}/purge", status=403)["code"] == "forbidden"


def test_a_duplicate_is_a_draft_with_its_own_parts(member: Caller, brand: Row) -> None:
    campaign = make_campaign(member, brand, brief={"objective": "Grow"}, goals={"reach": 9})
    path = f"/api/campaigns/{campaign['id']}"
    [journey] = member.get(f"/api/journeys?campaign_id={campaign['id']}")["data"]
    [stage, *_] = member.get(f"/api/journey-stages?journey_id={journey['id']}")["data"]
    member.post("/api/contents", {"campaign_id": campaign["id"], "stage_id": stage["id"], "type": "email", "body": "B"})
    member.post(f"{path}/transition", {"to": "active"}, 200)
    member.post("/api/analytics", {"event_type": "click", "campaign_id": campaign["id"]}, 202)
    before = live(member, campaign)
    copies = [member.post(f"{path}/duplicate", {}) for _ in range(2)]
    assert [copy["name"] for copy in copies] == ["Spring (copy 1)", "Spring (copy 2)"]
    copy = member.post(f"{path}/duplicate", {"name": "Autumn"})
    assert {key: copy[key] for key in ("name", "status", "purpose", "goals", "duplicated_from_id")} == {
        "name": "Autumn",
        "status": "draft",
        "purpose": "Sell seeds",
        "goals": {"reach": 9},
        "duplicated_from_id": campaign["id"],
    }
    own = live(member, copy)
    assert {key: len(ids) for key, ids in own.items()} == {key: len(ids) for key, ids in before.items()}
    assert not [key for key in own if own[key] & before[key]]
    [content] = member.get(f"/api/contents?campaign_id={copy['id']}&expand=stage,journey")["data"]
    assert (content["stage"]["key"], content["journey"]["campaign_id"]) == ("awareness", copy["id"])
    assert member.get(f"/api/analytics?campaign_id={copy['id']}")["totals"] == []
    assert live(member, campaign) == before


def test_a_brand_with_campaigns_is_deleted_only_on_purpose(member: Caller, brand: Row) -> None:
    campaign = make_campaign(member, brand)
    path = f"/api/brands/{brand['id']}"
    assert member.send("DELETE", path, status=409)["code"] == "conflict"
    member.send("DELETE", f"{path}?cascade=true", status=204)
    assert member.get(f"/api/campaigns/{campaign['id']}", 404)["code"] == "not_found"
    member.post(f"{path}/restore", status=200)
    assert member.get(f"/api/campaigns/{campaign['id']}")["brand_id"] == brand["id"]


def test_a_failure_in_the_middle_leaves_nothing_behind(member: Caller, brand: Row, db: Database) -> None:
    stages = [{"key": "a", "name": "A", "position": 1}, {"key": "b", "name": "B", "position": 1}]
    campaign = make_campaign(member, brand)
    tables = ("campaigns", "journeys", "journey_stages", "campaign_briefs", "changes")
    before = [db.query(f"SELECT count(*) FROM {table}") for table in tables]
    answer = member.factory.client.post(
        "/api/journeys",
        json={"campaign_id": campaign["id"], "name": "N", "stages": stages},
        headers=member.headers,
    )
    assert answer.status_code in {409, 422}
    assert [db.query(f"SELECT count(*) FROM {table}") for table in tables] == before
    bad = {"name": "A", "purpose": "B", "brand_id": brand["id"], "brief": {"website": "nowhere"}}
    assert member.post("/api/campaigns", bad, 422)["errors"][0]["field"] == "brief.website"
    assert [db.query(f"SELECT count(*) FROM {table}") for table in tables] == before


def test_many_people_at_once_lose_nothing(member: Caller, brand: Row) -> None:
    campaign = make_campaign(member, brand)
    path = f"/api/campaigns/{campaign['id']}"

    def work(number: int) -> str:
        body = {"campaign_id": campaign["id"], "type": "email", "body": f"Text {number}"}
        content: Row = member.post("/api/contents", body)
        member.send("PATCH", path, {"goals": {"last": number}})
        member.send("DELETE", f"/api/contents/{content['id']}", status=204)
        member.post(f"/api/contents/{content['id']}/restore", status=200)
        return str(content["id"])

    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(work, range(24)))
    found = member.get(f"{path}?counts=contents")
    assert (len(made), found["counts"]["contents"], found["version"]) == (24, 24, 25)
    changes = member.get(f"{path}/history?limit=200")["data"]
    assert [change["version"] for change in changes] == list(range(25, 0, -1))


def test_words_are_found_without_regard_to_case_and_accents(member: Caller, brand: Row) -> None:
    make_campaign(member, brand, name="Café au lait")
    make_campaign(member, brand, name="Tea time", purpose="No coffee")
    for words, count in (("cafe", 1), ("CAFÉ LAIT", 1), ("coff", 1), ("tea coffee", 1), ("milk", 0), ("'\"*()&|!:", 0)):
        answer = member.factory.client.get("/api/campaigns", params={"q": words}, headers=member.headers)
        assert (answer.status_code, len(answer.json()["data"])) == (200, count), words
