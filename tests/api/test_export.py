"""Every row of a list as a file."""

import csv
import io
import json

from growbase.core.database import Database
from tests.api.conftest import Factory, LoginAs
from tests.api.factories import tables
from tests.fixtures import Tenant


def test_an_export_holds_the_rows_of_the_list(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    for resource in tables(factory.catalog):
        for _ in range(2 if resource.creatable else 0):
            factory.create(resource.name)
        factory.any(resource.name)
        base = f"/api/{resource.name}"
        rows = client.get(f"{base}?limit=200", headers=headers).json()["data"]
        lines = client.get(f"{base}/export", headers=headers)
        assert lines.headers["content-type"].startswith("application/x-ndjson")
        assert lines.headers["content-disposition"] == f'attachment; filename="{resource.name}.ndjson"'
        assert [json.loads(line) for line in lines.text.splitlines()] == rows, resource.name
        table = client.get(f"{base}/export?format=csv", headers=headers)
        assert table.headers["content-type"].startswith("text/csv")
        read = list(csv.DictReader(io.StringIO(table.text)))
        assert [row["id"] for row in read] == [row["id"] for row in rows], resource.name
        assert set(read[0]) == set(rows[0]), resource.name
        some = client.get(f"{base}/export?format=csv&fields=id&id={rows[0]['id']}", headers=headers)
        assert some.text == f"id\r\n{rows[0]['id']}\r\n", resource.name


def test_an_export_goes_on_beyond_a_page(factory: Factory) -> None:
    items = [{"name": f"Brand {number:04}"} for number in range(1_000)]
    factory.client.post("/api/brands/batch", json={"items": items}, headers=factory.headers)
    factory.create("brands", name="Brand 1000")
    answer = factory.client.get("/api/brands/export?sort=name&fields=name", headers=factory.headers)
    names = [json.loads(line)["name"] for line in answer.text.splitlines()]
    assert names == [f"Brand {number:04}" for number in range(1_001)]


def test_no_cell_of_an_export_is_a_formula(factory: Factory) -> None:
    for name in ("=1+1", "+1", "-1", "@SUM(A1)", 'quo"te', "new\nline", "comma,"):
        factory.create("brands", name=name)
    answer = factory.client.get("/api/brands/export?format=csv&fields=name&sort=name", headers=factory.headers)
    names = [row["name"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))]
    assert sorted(names) == sorted(["'=1+1", "'+1", "'-1", "'@SUM(A1)", 'quo"te', "new\nline", "comma,"])


def test_an_export_is_logged_and_a_wrong_one_refused(factory: Factory, db: Database) -> None:
    factory.client.get("/api/brands/export?name=like.A*", headers=factory.headers)
    logged = db.query("SELECT entity, changes FROM changes WHERE action = 'export'")
    assert len(logged) == 1
    assert "like.A*" in str(logged[0][1])
    for query in ("format=xlsx", "nonsense=1", "fields=secret"):
        answer = factory.client.get(f"/api/brands/export?{query}", headers=factory.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query"), query


def test_aggregates_add_up_the_rows_of_the_list(factory: Factory, tenant: Tenant, login_as: LoginAs) -> None:
    for level, budget in ((1, 100), (1, 200), (9, None)):
        factory.create("campaigns", creativity_level=level, budget_minor=budget)
    measures = "count(),sum(budget_minor),avg(budgetMinor),min(name),max(creativity_level),count_distinct(brand_id)"
    path = f"/api/campaigns/aggregate?aggregate={measures}&group_by=creativity_level"
    found = factory.client.get(path, headers=login_as(tenant.viewer)).json()["data"]
    assert [(row["creativity_level"], row["count"], row["sum_budget_minor"]) for row in found] == [
        (1, 2, 300),
        (9, 1, None),
    ]
    assert [row["avg_budget_minor"] for row in found] == [150, None]
    assert [row["count_distinct_brand_id"] for row in found] == [2, 1]
    filtered = factory.client.get("/api/campaigns/aggregate?creativity_level=gte.5", headers=factory.headers).json()
    assert filtered == {"data": [{"count": 1}]}
    for query in ("aggregate=drop(name)", "aggregate=sum(name)", "aggregate=count(", "group_by=goals", "group_by=x"):
        answer = factory.client.get(f"/api/campaigns/aggregate?{query}", headers=factory.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query"), query
