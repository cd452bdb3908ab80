"""A person's data handed out and erased over HTTP, legal holds, and history that the log has let go of."""

import io
import json
from zipfile import ZipFile

import pytest

from growbase.api import privacy
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.seals import seal_log
from growbase.core.tables import Job
from growbase.jobs.retention import KEPT, retain
from growbase.ops.privacy import ERASE
from growbase.wiring import tasks
from tests.api.conftest import Client, LoginAs
from tests.api.factories import Factory
from tests.fixtures import Tenant

WHOM = {"email": "Ada@example.com"}


def make(factory: Factory) -> str:
    return str(factory.create("prospects", email="ada@example.com", first_name="Ada")["id"])


def test_a_person_is_handed_out_and_erased_by_admins_only(
    factory: Factory, client: Client, tenant: Tenant, other_tenant: Tenant, login_as: LoginAs, settings: Settings
) -> None:
    id = make(factory)
    admin, member, stranger = (login_as(who) for who in (tenant.admin, tenant.member, other_tenant.admin))
    for path in ("/api/privacy/export", "/api/privacy/erase"):
        assert client.post(path, json=WHOM).status_code == 401
        assert client.post(path, json=WHOM, headers=member).status_code == 403
        assert client.post(path, json=WHOM, headers=stranger).status_code == 404
        assert client.post(path, json={}, headers=admin).status_code == 422
    answer = client.post("/api/privacy/export", json=WHOM, headers=admin)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert json.loads(archive.read("prospects.jsonl"))["first_name"] == "Ada"
    done = client.post("/api/privacy/erase", json=WHOM, headers=admin)
    assert done.status_code == 200, done.text
    assert done.json()["tables"]["prospects"] == 1
    row = client.get(f"/api/prospects/{id}", headers=admin).json()
    assert (row["email"], row["first_name"], row["opt_out_reason"]) == (None, None, "legal")
    changes = client.get(f"/api/prospects/{id}/history", headers=admin).json()["data"]
    assert changes[-1]["changes"]["first_name"] == ["[erased]", "[erased]"]
    feed = client.get("/api/changes?entity=prospects", headers=admin).json()["data"]
    assert feed[0]["changes"]["first_name"] == ["[erased]", "[erased]"]
    back = client.post("/api/prospects/import", content="email,company_name\nada@example.com,X\n", headers=admin)
    assert back.status_code in {200, 415}
    assert (settings.data_dir / "erasures.jsonl").exists()
    assert client.post("/api/privacy/erase", json=WHOM, headers=admin).status_code in {200, 404}


def test_a_large_erasure_is_left_to_a_job(
    factory: Factory, client: Client, db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = make(factory)
    monkeypatch.setattr(privacy, "INLINE", 0)
    queued = client.post("/api/privacy/erase", json=WHOM, headers=factory.headers)
    assert (queued.status_code, queued.json()["kind"]) == (202, ERASE)
    with db.read(factory.actor) as reads:
        (job,) = reads.rows(Job, kind=ERASE)
    tasks(settings)[ERASE](db, factory.actor, job)
    assert client.get(f"/api/prospects/{id}", headers=factory.headers).json()["email"] is None


def test_what_is_held_is_not_purged_and_the_hold_is_released(factory: Factory, client: Client) -> None:
    row, headers = factory.create("brands"), factory.headers
    wanted = {"entity": "brands", "entity_id": row["id"], "reason": "Case 7"}
    hold = client.post("/api/legal-holds", json=wanted, headers=headers)
    assert hold.status_code == 201, hold.text
    path = f"/api/brands/{row['id']}"
    client.delete(path, headers=headers)
    refused = client.post(f"{path}/purge", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "held")
    assert "Case 7" in refused.json()["detail"]
    released = client.post(f"/api/legal-holds/{hold.json()['id']}/release", headers=headers)
    assert released.json()["released_at"] is not None
    assert client.post(f"{path}/purge", headers=headers).status_code == 204
    for body in ({"entity": "brands"}, {"entity": "nothing", "entity_id": row["id"]}):
        assert client.post("/api/legal-holds", json={**body, "reason": "x"}, headers=headers).status_code == 422


def test_history_that_the_log_has_let_go_of_is_gone(factory: Factory, client: Client, db: Database) -> None:
    row = factory.create("brands")
    seal_log(db)
    factory.create("brands")
    assert retain(db, {**KEPT, "log_days": -1}, table="changes").rows > 0
    path, headers = f"/api/brands/{row['id']}", factory.headers
    for query in ("/history", "?as_of=2020-01-01T00:00:00Z"):
        answer = client.get(f"{path}{query}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (410, "gone"), query
        assert answer.json()["since"][:2] == "20"


def test_files_that_show_the_person_are_handed_out_and_erased(
    factory: Factory, client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = factory.headers

    def upload(**fields: str) -> str:
        answer = client.post("/api/assets", files={"file": ("a.txt", b"a face")}, data=fields, headers=headers)
        return str(answer.json()["id"])

    id, copy = upload(subject_id=make(factory)), upload()
    answer = client.post("/api/privacy/export", json=WHOM, headers=headers)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read(f"files/{id}-a.txt") == b"a face"
    with monkeypatch.context() as small:
        small.setattr(privacy, "LARGEST_FILES", 5)
        assert client.post("/api/privacy/export", json=WHOM, headers=headers).status_code == 413
    done = client.post("/api/privacy/erase", json=WHOM, headers=headers).json()
    assert (done["tables"]["assets"], done["copies"]) == (1, [copy])
    # At once, before the job that would do it.
    assert len([path for path in (settings.data_dir / "assets").rglob("*") if path.is_file()]) == 1
    assert client.get(f"/api/assets/{copy}/content", headers=headers).content == b"a face"
