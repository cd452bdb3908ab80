"""Reading and writing on the condition that nobody was quicker."""

from growbase.core.database import Database
from tests.api.factories import Factory, dump, tables
from tests.fixtures import Tenant


def test_a_stale_version_writes_nothing_and_names_the_current_one(
    factory: Factory, db: Database, tenant: Tenant
) -> None:
    client, headers = factory.client, factory.headers
    for resource in tables(factory.catalog):
        if not (resource.creatable and resource.editable):
            continue
        row = factory.create(resource.name)
        path = f"/api/{resource.name}/{row['id']}"
        change = factory.body(resource.name, full=True, schema_kind="Update")
        field = next((name for name in resource.search if name in change), None)
        change = {field: change[field]} if field else change
        first = client.patch(path, json=change, headers={**headers, "If-Match": '"1"'})
        assert (first.status_code, first.headers["etag"]) == (200, '"2"'), (resource.name, first.text)
        before = dump(db, tenant.organization_id)
        for method, body, condition in [
            ("PATCH", {}, {"If-Match": '"1"'}),
            ("PUT", {"version": 1}, {}),
            ("PATCH", change, {"If-Match": 'W/"3"'}),
            *([("DELETE", None, {"If-Match": '"1"'})] if resource.deletable else []),
        ]:
            answer = client.request(method, path, json=body, headers={**headers, **condition})
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (412, "stale"), (resource.name, method, problem)
            assert problem["current_version"] == 2, (resource.name, method)
        assert dump(db, tenant.organization_id) == before, resource.name
        current = {**headers, "If-Match": '"2"'}
        assert client.patch(path, json={"version": 2}, headers=headers).status_code == 200
        if resource.deletable:
            assert client.delete(path, headers=current).status_code == 204, resource.name


def test_an_unchanged_row_is_not_sent_again(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    row = factory.create("campaigns")
    path = f"/api/campaigns/{row['id']}"
    for query in ("", "?counts=journeys", "?expand=brand,owner", "?fields=id,name"):
        tag = client.get(path + query, headers=headers).headers["etag"]
        assert tag.startswith('"' if not query else 'W/"')
        for asked in (tag, f'"other", {tag}', "*"):
            again = client.get(path + query, headers={**headers, "If-None-Match": asked})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), (query, asked)
        assert client.get(path + query, headers={**headers, "If-None-Match": '"other"'}).status_code == 200
    counted = client.get(f"{path}?counts=contents", headers=headers).headers["etag"]
    factory.create("contents", campaign_id=row["id"])
    changed = client.get(f"{path}?counts=contents", headers={**headers, "If-None-Match": counted})
    assert (changed.status_code, changed.json()["counts"]) == (200, {"contents": 1})
    client.patch(path, json={"name": "Renamed"}, headers=headers)
    assert client.get(path, headers={**headers, "If-None-Match": '"1"'}).headers["etag"] == '"2"'


def test_a_condition_that_is_no_version_is_named(factory: Factory) -> None:
    row = factory.create("brands")
    path = f"/api/brands/{row['id']}"
    for tag in ("abc", '"x"', '""', '"1.5"', '"' + "9" * 5_000 + '"'):
        answer = factory.client.patch(path, json={"name": "New"}, headers={**factory.headers, "If-Match": tag})
        assert answer.status_code == 422, tag
        assert [error["field"] for error in answer.json()["errors"]] == ["If-Match"], tag
    assert factory.client.get(path, headers=factory.headers).json() == row
    anything = {**factory.headers, "If-Match": "*"}
    assert factory.client.patch(path, json={"name": "New"}, headers=anything).status_code == 200
    for version in (0, -1, "1", 1.5, None, True):
        answer = factory.client.patch(path, json={"name": "Newer", "version": version}, headers=factory.headers)
        assert answer.status_code == 422, version
        assert [error["field"] for error in answer.json()["errors"]] == ["version"], version


def test_two_writers_with_one_version_do_not_both_win(factory: Factory) -> None:
    from concurrent.futures import ThreadPoolExecutor

    row = factory.create("brands")
    path = f"/api/brands/{row['id']}"

    def rename(number: int) -> int:
        answer = factory.client.patch(path, json={"name": f"Writer {number}", "version": 1}, headers=factory.headers)
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(rename, range(8))) == [200] + [412] * 7
    assert factory.client.get(path, headers=factory.headers).json()["version"] == 2


def test_documents_are_replaced_whole_or_merged_as_preferred(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    row = factory.create("campaigns", goals={"reach": 10, "clicks": {"a": 1, "b": 2}})
    path = f"/api/campaigns/{row['id']}"
    merged = client.patch(path, json={"goals": {"clicks": {"c": 3}}}, headers={**headers, "Prefer": "merge"})
    assert merged.json()["goals"] == {"reach": 10, "clicks": {"c": 3}}
    replaced = client.patch(path, json={"goals": {"views": 1}}, headers=headers)
    assert replaced.json()["goals"] == {"views": 1}
    stale = client.patch(path, json={"goals": {"x": 1}, "version": 1}, headers={**headers, "Prefer": "merge"})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 3)
