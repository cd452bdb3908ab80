"""``Prefer: tx=rollback`` answers what would happen and keeps nothing of it."""

from growbase.core.database import Database
from tests.api.conftest import Factory
from tests.api.factories import Row, dump, tables
from tests.fixtures import Tenant


def test_a_dry_run_answers_in_full_and_keeps_nothing(factory: Factory, db: Database, tenant: Tenant) -> None:
    client = factory.client
    dry = {**factory.headers, "Prefer": "tx=rollback"}
    woken: list[object] = []
    for resource in tables(factory.catalog):
        if not resource.creatable:
            continue
        row, body = factory.create(resource.name), factory.body(resource.name)
        base = f"/api/{resource.name}"
        path = f"{base}/{row['id']}"
        before = dump(db, tenant.organization_id)
        is_whole = resource.editable and not resource.expand
        change = factory.body(resource.name, full=True, schema_kind="Update") if is_whole else {}
        before = dump(db, tenant.organization_id)
        db.listeners.append(lambda touched, queues: woken.append((touched, queues)))
        attempts: list[tuple[str, str, Row | None, int]] = [
            ("POST", base, body, 201),
            ("POST", f"{base}/batch", {"items": [body]}, 201),
            (
                "POST",
                "/api/batch",
                {"operations": [{"method": "create", "resource": resource.name, "body": body}]},
                200,
            ),
            *([("PATCH", path, change, 200)] if resource.editable else []),
            *([("DELETE", path, None, 204)] if resource.deletable else []),
        ]
        for method, place, content, status in attempts:
            answer = client.request(method, place, json=content, headers=dry)
            assert (answer.status_code, answer.headers["preference-applied"]) == (status, "tx=rollback"), answer.text
            if place == base:
                made = answer.headers["location"]
                assert client.get(made, headers=factory.headers).status_code == 404
        db.listeners.pop()
        assert dump(db, tenant.organization_id) == before, resource.name
    assert not woken


def test_a_dry_run_is_refused_like_the_real_request(factory: Factory) -> None:
    factory.create("brands", name="Taken")
    for body, status in (({"name": "taken"}, 409), ({"name": ""}, 422), ({"name": "Free"}, 201)):
        answer = factory.client.post("/api/brands", json=body, headers={**factory.headers, "Prefer": "tx=rollback"})
        assert answer.status_code == status, body


def test_preferences_come_in_several_headers_and_spellings(factory: Factory, db: Database) -> None:
    spellings = [
        [("Prefer", "tx=rollback"), ("Prefer", "return=minimal")],
        [("Prefer", "return=minimal"), ("Prefer", "tx=rollback")],
        [("Prefer", 'return=minimal , tx="rollback"')],
        [("Prefer", "TX=rollback;strict, Return=minimal")],
    ]
    for prefer in spellings:
        headers = [*factory.headers.items(), *prefer]
        answer = factory.client.post("/api/brands", json={"name": "A"}, headers=headers)
        assert (answer.status_code, answer.content) == (201, b""), prefer
    assert db.query("SELECT count(*) FROM brands")[0][0] == 0
