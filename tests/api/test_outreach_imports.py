"""Importing prospects over HTTP: small and large files, options, and what is refused."""

from typing import Any

from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.domains.outreach.tasks import TASKS
from growbase.jobs.worker import Worker
from tests.api.conftest import Factory, LoginAs
from tests.api.factories import dump
from tests.fixtures import Tenant

FILE = "E-mail;Firm;Phone\nann@a.example;A;+33 1\nno address;B;\nann@a.example;again;\n"
PATH = "/api/prospects/import"


def send(factory: Factory, text: str | bytes = FILE, query: str = "", **headers: str) -> Any:  # noqa: ANN401 -- an answer
    given = {**factory.headers, "Content-Type": "text/csv", **headers}
    content = text if isinstance(text, bytes) else text.encode()
    return factory.client.post(f"{PATH}{query}", content=content, headers=given)


def test_a_small_file_is_answered_with_its_report(factory: Factory) -> None:
    answer = send(factory, query="?map=Firm:company_name")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    listed = report.pop("errors")
    assert report == {
        "rows": 3, "created": 1, "updated": 0, "unchanged": 0, "suppressed": 0, "skipped": 2, "error_count": 2,
        "ignored_columns": [], "dry_run": False,
    }  # fmt: skip
    assert [(item["line"], item["field"], item["code"]) for item in listed] == [
        (3, "email", "pattern"),
        (4, "email", "duplicate"),
    ]
    assert listed[1]["message"] == "is the same as in line 2"
    [row] = factory.client.get("/api/prospects", headers=factory.headers).json()["data"]
    assert (row["company_name"], row["phone"], row["source"]) == ("A", "+33 1", "csv_import")
    again = send(factory, query="?map=Firm:company_name").json()
    assert (again["created"], again["unchanged"]) == (0, 1)


def test_one_wrong_line_refuses_the_file_where_that_is_asked(factory: Factory, db: Database, tenant: Tenant) -> None:
    before = dump(db, tenant.organization_id)
    answer = send(factory, query="?on_error=reject")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["lines.3.email", "lines.4.email"]
    assert dump(db, tenant.organization_id) == before


def test_a_dry_run_keeps_nothing(factory: Factory, db: Database, tenant: Tenant) -> None:
    before = dump(db, tenant.organization_id)
    assert send(factory, query="?dry_run=true").json()["created"] == 1
    preferred = send(factory, Prefer="tx=rollback")
    assert (preferred.json()["created"], preferred.headers["preference-applied"]) == (1, "tx=rollback")
    assert dump(db, tenant.organization_id) == before


def test_a_large_file_is_a_job_with_a_report_to_look_at(factory: Factory) -> None:
    text = "email\n" + "".join(f"p{number}@x.example\n" for number in range(2_001))
    answer = send(factory, text, **{"Idempotency-Key": "the file"})
    assert answer.status_code == 202, answer.text
    place = answer.headers["location"]
    assert place == f"/api/imports/{answer.json()['import_id']}"
    replayed = send(factory, text, **{"Idempotency-Key": "the file"})
    assert (replayed.json(), replayed.headers["idempotency-replayed"]) == (answer.json(), "true")
    assert send(factory, "email\n", **{"Idempotency-Key": "the file"}).json()["code"] == "idempotency_mismatch"
    waiting = factory.client.get(place, headers=factory.headers).json()
    assert (waiting["status"], waiting["row_count"], waiting["job_id"]) == ("queued", 2_001, answer.json()["job_id"])
    assert Worker(factory.db, TASKS).run_one()
    done = factory.client.get(place, headers=factory.headers).json()
    assert (done["status"], done["created_count"], done["done_count"]) == ("succeeded", 2_001, 2_001)


def test_a_file_may_be_larger_than_other_requests(factory: Factory, settings: Settings) -> None:
    text = "email,notes\n" + "".join(f"p{number}@x.example,{'x' * 19_000}\n" for number in range(480))
    assert len(text) > settings.request_body_max_bytes
    answer = send(factory, text, "?dry_run=true")
    assert (answer.status_code, answer.json()["created"]) == (200, 480)


def test_what_is_no_import_is_refused(factory: Factory, tenant: Tenant, login_as: LoginAs) -> None:
    cases = [
        ("?on_error=maybe", "text/csv", 400, "on_error"),
        ("?dry_run=1", "text/csv", 400, "dry_run"),
        ("?colour=red", "text/csv", 400, "colour"),
        ("?map=Firm", "text/csv", 400, "map"),
        ("?map=Firm:stage", "text/csv", 422, "map"),
        ("?icp_id=x", "text/csv", 400, "icp_id"),
        ("?icp_id=00000000-0000-7000-8000-000000000000", "text/csv", 409, "icp_id"),
        ("", "application/json", 415, ""),
    ]
    for query, kind, status, field in cases:
        answer = send(factory, query=query, **{"Content-Type": kind})
        named = [error["field"] for error in answer.json().get("errors", [])]
        assert (answer.status_code, named) == (status, [field] if field else []), (query, answer.text)
    assert send(factory, b"").status_code == 422
    viewer = {**login_as(tenant.viewer), "Content-Type": "text/csv"}
    assert factory.client.post(PATH, content=b"", headers=viewer).status_code == 403
    assert factory.client.post(PATH, content=b"").status_code == 401


def test_exported_prospects_run_nothing_and_come_back_unchanged(factory: Factory) -> None:
    factory.create("prospects", email="ann@a.example", phone="+33 1", notes='=HYPERLINK("x")', last_name="@x")
    names = "email,phone,notes,last_name,company_name"
    answer = factory.client.get(f"/api/prospects/export?format=csv&fields={names}", headers=factory.headers)
    cells = answer.text.splitlines()[1]
    assert "'+33 1" in cells
    assert "'@x" in cells
    assert "\"'=HYPERLINK" in cells
    report = send(factory, answer.content).json()
    assert (report["unchanged"], report["errors"]) == (1, [])
