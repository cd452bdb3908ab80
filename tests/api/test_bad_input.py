"""Whatever is sent, the answer says what is wrong with it, and nothing is written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
from litestar.testing import TestClient

from growbase.api.app import build_app
from growbase.core.config import Settings
from growbase.core.database import Database
from tests.api.conftest import Factory
from tests.api.factories import NOWHERE, Row, dump, tables
from tests.fixtures import SECRET, Tenant


@dataclass(frozen=True)
class Case:
    """A request and what is wrong with it."""

    name: str
    body: bytes | str
    status: int = 422
    code: str = "invalid"
    fields: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    path: str = "/api/brands"


def brand(**over: object) -> str:
    return json.dumps({"name": "A brand", **over})


def raw(value: str, name: str = "guidelines") -> str:
    return f'{{"name":"A brand","{name}":{value}}}'


def content(value: str) -> str:
    return f'{{"items":[{{"name":"First"}},{raw(value)}]}}'


DEEP = '{"a":' * 5_000 + "1" + "}" * 5_000
BROKEN = {"": "json"}
CASES = [
    Case("no body", "", 400, "invalid_json", BROKEN),
    Case("half a body", '{"name":', 400, "invalid_json", BROKEN),
    Case("no JSON", "name=A", 400, "invalid_json", BROKEN),
    Case("two documents", "{} {}", 400, "invalid_json", BROKEN),
    Case("a trailing comma", '{"name":"A",}', 400, "invalid_json", BROKEN),
    Case("no UTF-8", b'{"name":"\xff\xfe"}', 400, "invalid_json", BROKEN),
    Case("UTF-16", '{"name":"A"}'.encode("utf-16"), 400, "invalid_json", BROKEN),
    Case("half a surrogate pair", r'{"name":"\ud800"}', 400, "invalid_json", BROKEN),
    Case("half a pair in a document", raw(r'{"a":"\udc00"}'), 400, "invalid_json", BROKEN),
    Case("a deep document", raw(DEEP), 400, "invalid_json", BROKEN),
    Case("a list", "[]", fields={"": "type"}),
    Case("a number", "3", fields={"": "type"}),
    Case("null", "null", fields={"": "type"}),
    Case("NUL in a text", brand(name="a\x00b"), fields={"name": "nul"}),
    Case("NUL in a document", raw(r'{"a":["b",{"c":"\u0000"}]}'), fields={"guidelines": "nul"}),
    Case("NUL in a document's key", raw(r'{"a\u0000":1}'), fields={"guidelines": "nul"}),
    Case("nothing but white space", brand(name="  \t "), fields={"name": "too_short"}),
    Case("NaN in a document", raw('{"a":[NaN]}'), fields={"guidelines": "type"}),
    Case("Infinity in a document", raw('{"a":-Infinity}'), fields={"guidelines": "type"}),
    Case("more than a float holds in a document", raw('{"a":1e999}'), fields={"guidelines": "type"}),
    Case("a name twice", '{"name":"A","name":"B"}', fields={"name": "duplicate"}),
    Case("a name twice in a document", raw('{"a":1,"b":{"c":1,"c":2}}'), fields={"c": "duplicate"}),
    Case(
        "a name in both spellings",
        f'{{"name":"A","ownerUserId":null,"owner_user_id":"{NOWHERE}"}}',
        fields={"owner_user_id": "unknown"},
    ),
    Case("another content type", brand(), 415, "unsupported_media_type", content_type="text/plain"),
    Case("a form", "name=A", 415, "unsupported_media_type", content_type="application/x-www-form-urlencoded"),
    Case("what the server sets", brand(id=NOWHERE, version=3), fields={"id": "unknown", "version": "unknown"}),
    Case("another organization", brand(organization_id=NOWHERE), fields={"organization_id": "unknown"}),
    Case("no such owner", brand(owner_user_id=NOWHERE), 409, "foreign_key", {"owner_user_id": "foreign_key"}),
    Case("no id", brand(owner_user_id="me"), fields={"owner_user_id": "type"}),
    Case("a wrong item of a list", brand(brand_values=["a", 1]), fields={"brand_values.1": "type"}),
    Case("no web address", brand(website="javascript:alert(1)"), fields={"website": "pattern"}),
    Case(
        "beyond 64 bits",
        '{"name":"A","purpose":"B","creativity_level":18446744073709551616,"budget_minor":9223372036854775808}',
        fields={"creativity_level": "too_large", "budget_minor": "too_large"},
        path="/api/campaigns",
    ),
    Case(
        "no whole number",
        '{"name":"A","purpose":"B","creativity_level":1.5,"budget_minor":NaN}',
        fields={"creativity_level": "type", "budget_minor": "type"},
        path="/api/campaigns",
    ),
    Case(
        "no time, and a time without zone",
        '{"name":"A","purpose":"B","start_at":"soon","end_at":"2026-01-01T00:00:00"}',
        fields={"start_at": "type", "end_at": "type"},
        path="/api/campaigns",
    ),
    Case(
        "the last moment of all, far in the west",
        '{"name":"A","purpose":"B","start_at":"9999-12-31T23:59:59-12:00"}',
        fields={"start_at": "type"},
        path="/api/campaigns",
    ),
    Case("an empty batch", '{"items":[]}', fields={"items": "type"}, path="/api/brands/batch"),
    Case("no batch", '{"items":{}}', fields={"items": "type"}, path="/api/brands/batch"),
    Case("a batch of nulls", '{"items":[null]}', fields={"items.0": "type"}, path="/api/brands/batch"),
    Case("NaN in a batch", content('{"a":NaN}'), fields={"items.1.guidelines": "type"}, path="/api/brands/batch"),
    Case("NUL in a batch", content(r'{"a":"\u0000"}'), fields={"items.1.guidelines": "nul"}, path="/api/brands/batch"),
    Case("a deep batch", content(DEEP), 400, "invalid_json", path="/api/brands/batch"),
    Case(
        "names twice in a batch",
        '{"items":[{"name":"A","name":"B"}]}',
        fields={"name": "duplicate"},
        path="/api/brands/batch",
    ),
    Case("an empty key", brand(**{"": 1}), fields={"": "unknown"}),
]


@pytest.fixture
def campaign_ready(factory: Factory) -> Factory:
    organization = factory.client.get("/api/organizations", headers=factory.headers).json()["data"][0]
    settings = {"settings": {"require_brand": False}}
    done = factory.client.patch(f"/api/organizations/{organization['id']}", json=settings, headers=factory.headers)
    assert done.status_code == 200
    return factory


def test_every_wrong_body_is_explained_and_nothing_is_written(
    campaign_ready: Factory, db: Database, tenant: Tenant
) -> None:
    before = dump(db, tenant.organization_id)
    wrong = []
    for case in CASES:
        headers = {**campaign_ready.headers, "Content-Type": case.content_type}
        sent = case.body if isinstance(case.body, bytes) else case.body.encode()
        answer = campaign_ready.client.post(case.path, content=sent, headers=headers)
        problem = answer.json()
        found = {error["field"]: error["code"] for error in problem.get("errors", [])}
        kind = answer.headers["content-type"]
        got = (answer.status_code, problem.get("code"), found if case.fields else {}, kind)
        if got != (case.status, case.code, case.fields, "application/problem+json"):
            wrong.append((case.name, got))
        assert all(error["message"] for error in problem.get("errors", [])), case.name
    assert not wrong, "\n".join(map(str, wrong))
    assert dump(db, tenant.organization_id) == before


QUERIES = [
    ("nonsense=1", "nonsense"),
    ("name=in.a", "name"),
    ("name=in.()", "name"),
    ('name=in.("a)', "name"),
    ("name=is.maybe", "name"),
    ("name.first=a", "name.first"),
    ("created_at=gte.yesterday", "created_at"),
    ("created_at=like.2026", "created_at"),
    ("version=x", "version"),
    ("version=9223372036854775808", "version"),
    ("version=" + "9" * 1_999, "version"),
    ("id=abc", "id"),
    ("name=" + "x" * 2_001, "name"),
    ("name=a%00b", "name"),
    ("goals.a%00b=1", "goals.a%00b"),
    ("name=%ff", ""),
    ("goals=a", "goals"),
    ("status=eq.unknown", "status"),
    ("brand.secret=1", "brand.secret"),
    ("owner.password_hash=like.*", "owner.password_hash"),
    ("owner.email_norm=a", "owner.email_norm"),
    ("name_norm=a", "name_norm"),
    ("purged_at=is.null", "purged_at"),
    ("or=status.eq.draft", "or"),
    ("or=()", "or"),
    ("or=(status)", "or"),
    ("or=(and(or(and(name.eq.a))))", "or"),
    ("&".join(f"name=neq.{number}" for number in range(51)), "name"),
    ("sort=purpose", "sort"),
    ("sort=" + ",".join(["name"] * 6), "sort"),
    ("sortBy=name&sortOrder=sideways", "sortOrder"),
    ("limit=0", "limit"),
    ("limit=201", "limit"),
    ("limit=-1", "limit"),
    ("limit=ten", "limit"),
    ("limit=1&limit=2", "limit"),
    ("page=0", "page"),
    ("page=100000&limit=200", "page"),
    ("cursor=abc", "cursor"),
    ("cursor=" + "A" * 1_900, "cursor"),
    ("expand=secret", "expand"),
    ("counts=users", "counts"),
    ("fields=id,password", "fields"),
    ("trash=everything", "trash"),
]


def test_every_wrong_query_names_its_parameter(factory: Factory) -> None:
    wrong = []
    for query, parameter in QUERIES:
        answer = factory.client.get(f"/api/campaigns?{query}", headers=factory.headers)
        named = [error["field"] for error in answer.json().get("errors", [])]
        if (answer.status_code, answer.json().get("code"), named) != (
            400,
            "invalid_query",
            [parameter.replace("%00", "\x00")],
        ):
            wrong.append((query[:60], answer.status_code, named))
    assert not wrong, "\n".join(map(str, wrong))


def test_odd_paths_into_documents_match_nothing_and_break_nothing(factory: Factory) -> None:
    factory.create("campaigns", goals={"a": "1", "b": [1, {"c": 2}], 'q"uote': "x", "": "empty"})
    odd = ["a", "b.0", "b.1.c", "b.9", "b.-1", "b.#", 'q"uote', "", "$", "a[0]", "..", "*", "a'b", "\\", "é", "x" * 500]
    for path in odd:
        for operator in ("eq.1", "gt.0", "is.null", "in.(1,2)", "like.*", "neq.1", "contains.1"):
            name = quote(f"goals.{path}", safe="")
            answer = factory.client.get(f"/api/campaigns?{name}={quote(operator)}", headers=factory.headers)
            assert answer.status_code in {200, 400}, (path, operator, answer.text)
    assert found(factory, "goals.a=eq.1") == 1
    assert found(factory, "goals.b.1.c=gt.1") == 1


def test_odd_patterns_match_what_they_say(factory: Factory) -> None:
    for name in ("100% true", "under_score", "back\\slash", "star*", "[brackets]", "Élan"):
        factory.create("brands", name=name)
    expected = {
        "like.*%25 true": 1, "like.under_score": 1, "like.[brackets]": 1, "ilike.Élan": 1, "like.*": 6, "eq.star*": 1,
        "contains.%25": 1, "contains.[": 1, "eq.back\\slash": 1, "contains.\\": 1, "like.\\": 0, "ilike.\\": 0,
    }  # fmt: skip
    got = {}
    for pattern in expected:
        answer = factory.client.get(f"/api/brands?name={pattern}", headers=factory.headers)
        got[pattern] = len(answer.json()["data"]) if answer.status_code == 200 else answer.text
    assert got == expected


def found(factory: Factory, query: str, resource: str = "campaigns") -> int:
    answer = factory.client.get(f"/api/{resource}?{query}", headers=factory.headers)
    assert answer.status_code == 200, (query, answer.text)
    return len(answer.json()["data"])


def test_ids_that_are_none_name_no_row(factory: Factory) -> None:
    for resource in tables(factory.catalog):
        for id in ("1", "abc", "%00", "..%2f..", "null", NOWHERE, NOWHERE.upper(), "{" + NOWHERE + "}", "é"):
            for method in ("GET", "PATCH", "DELETE"):
                answer = factory.client.request(
                    method,
                    f"/api/{resource.name}/{id}",
                    json={} if method == "PATCH" else None,
                    headers=factory.headers,
                )
                assert answer.status_code in {404, 405}, (resource.name, method, id)
                assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/api/nothing", "/api/nothing/1", "/api/nothing/1/2", "/nothing", "/api", "/api/views/nothing"):
        answer = factory.client.get(path, headers=factory.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert answer.headers["content-type"] == "application/problem+json"


ANALYTICS: list[tuple[str, bytes, str, int, str]] = [
    ("empty", b"", "application/json", 400, ""),
    ("no event", b"[]", "application/json", 422, ""),
    ("no object", b"[3]", "application/json", 422, "events.0"),
    ("unknown field", b'{"event_type":"click","colour":"red"}', "application/json", 422, "events.0.colour"),
    ("unknown type", b'[{"event_type":"click"},{"event_type":"wave"}]', "application/json", 422, "events.1.event_type"),
    ("NaN", b'{"event_type":"click","metrics":{"a":NaN}}', "application/json", 400, ""),
    ("more than a float", b'{"event_type":"click","metrics":{"a":1e999}}', "application/json", 400, ""),
    ("NUL", b'{"event_type":"click","source":"a\\u0000"}', "application/json", 422, "events.0.source"),
    ("NUL inside", b'{"event_type":"click","dims":{"a":"\\u0000"}}', "application/json", 422, "events.0.dims.a"),
    ("surrogate", b'{"event_type":"click","source":"\\ud800"}', "application/json", 400, ""),
    ("surrogate inside", b'{"event_type":"click","dims":{"a":"\\ud800"}}', "application/json", 400, ""),
    ("no UTF-8", b'{"event_type":"click","source":"\xff"}', "application/json", 400, ""),
    ("a broken line", b'{"event_type":"click"}\n{"event', "application/x-ndjson", 400, ""),
    ("deep", DEEP.encode(), "application/json", 400, ""),
    ("wrong type", b'{"event_type":"click"}', "text/html", 415, ""),
    (
        "huge value",
        b'{"event_type":"click","value_minor":9223372036854775808}',
        "application/json",
        422,
        "events.0.value_minor",
    ),
    (
        "no campaign",
        f'{{"event_type":"click","campaign_id":"{NOWHERE}"}}'.encode(),
        "application/json",
        422,
        "events.0.campaign_id",
    ),
]


def test_wrong_events_are_named_and_none_is_kept(factory: Factory, db: Database, tenant: Tenant) -> None:
    before = dump(db, tenant.organization_id)
    wrong = []
    for name, body, kind, status, field_name in ANALYTICS:
        headers = {**factory.headers, "Content-Type": kind}
        answer = factory.client.post("/api/analytics", content=body, headers=headers)
        named = [error["field"] for error in answer.json().get("errors", [])]
        if answer.status_code != status or (field_name and named != [field_name]):
            wrong.append((name, answer.status_code, named, answer.text[:300]))
    assert not wrong, "\n".join(map(str, wrong))
    assert dump(db, tenant.organization_id) == before


VERBS: list[tuple[str, Row, str]] = [
    ("/api/campaigns/{campaign}/transition", {"to": "flying"}, "to"),
    ("/api/campaigns/{campaign}/transition", {}, "to"),
    ("/api/campaigns/{campaign}/transition", {"to": 3}, "to"),
    ("/api/campaigns/{campaign}/undo", {"seq": "x"}, "seq"),
    ("/api/campaigns/{campaign}/duplicate", {"nam": "x"}, "nam"),
    ("/api/campaigns/{campaign}/duplicate", {"name": "a\x00"}, "name"),
    (
        "/api/contents/{content}/variants",
        {"variants": [{"key": "a b", "body": "x", "weight_percent": 100}]},
        "variants.0.key",
    ),
    (
        "/api/contents/{content}/variants",
        {"variants": [{"key": "a", "body": "\x00", "weight_percent": 100}]},
        "variants.0.body",
    ),
    ("/api/contents/{content}/assign", {"subject_key": "\x00"}, "subject_key"),
    ("/api/contents/{content}/reject", {"reason": "\x00"}, "reason"),
    ("/api/memberships/invite", {"email": "a\x00@b.c"}, "email"),
    ("/api/api-keys", {"name": "a\x00", "scopes": ["read"]}, "name"),
    ("/api/organizations", {"name": "a\x00"}, "name"),
    ("/api/auth/register", {"email": "a@b.c", "password": "correct horse", "full_name": "a\x00"}, "full_name"),
]


def test_verbs_name_what_is_wrong_in_their_bodies(factory: Factory) -> None:
    row = factory.create("contents")
    ids = {"campaign": row["campaign_id"], "content": row["id"]}
    wrong = []
    for path, body, name in VERBS:
        answer = factory.client.post(path.format(**ids), json=body, headers=factory.headers)
        named = [error["field"] for error in answer.json().get("errors", [])]
        if (answer.status_code, named) != (422, [name]):
            wrong.append((path, body, answer.status_code, answer.text[:300]))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_huge_body_is_refused_by_its_length_or_as_it_comes(
    factory: Factory, settings: Settings, db: Database
) -> None:
    small = settings.model_copy(update={"request_body_max_bytes": 10_000})
    with TestClient(build_app(small, db, SECRET)) as client:
        body = brand(description="x" * 20_000).encode()

        def pieces() -> Iterator[bytes]:
            yield from (body[start : start + 1_000] for start in range(0, len(body), 1_000))

        headers = {**factory.headers, "Content-Type": "application/json"}
        for path in ("/api/brands", "/api/brands/batch", "/api/batch", "/api/analytics", "/api/auth/login"):
            for sent in (body, pieces()):
                answer = client.post(path, content=sent, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), (path, answer.text)
                assert answer.json()["limit"] == 10_000
        assert found(factory, "", "brands") == 0
