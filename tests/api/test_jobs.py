"""Jobs and queues over the API: who sees them, and what one may do about them."""

from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.tables import JobQueue
from growbase.jobs import queue
from growbase.jobs.claim import install_queues
from growbase.jobs.errors import Permanent
from growbase.jobs.queue import Outcome
from growbase.jobs.schedule import Schedule, Timetable
from tests.api.conftest import Client, LoginAs
from tests.fixtures import Tenant, make_tenant
from tests.jobs.conftest import claimed, job_of


def put(db: Database, actor: Actor, **options: Any) -> UUID:  # noqa: ANN401 -- what enqueue takes
    options.setdefault("queue", "email_notifications")
    return db.write(actor, lambda tx: tx.enqueue("send_email", {"to": "a@example.com"}, **options))


def failed(db: Database, actor: Actor) -> UUID:
    id = put(db, actor)
    (job,) = claimed(db)
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(job, error=Permanent("no such template"))]))
    return id


def test_an_admin_finds_the_organizations_jobs_by_state_and_queue(
    client: Client, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    headers = login_as(tenant.admin)
    dead, waiting = failed(db, tenant.owner), put(db, tenant.owner, priority=7)
    other = put(db, tenant.owner, queue="publishing")
    put(db, system(), queue="publishing")

    def found(query: str = "") -> list[str]:
        answer = client.get(f"/api/jobs{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["data"]]

    assert found() == [str(other), str(waiting), str(dead)]
    assert found("?status=in.(failed,dead)") == [str(dead)]
    assert found("?queue=publishing&kind=send_email") == [str(other)]
    page = client.get("/api/jobs?limit=2", headers=headers).json()
    rest = client.get(f"/api/jobs?limit=2&cursor={page['pagination']['next_cursor']}", headers=headers).json()
    assert [row["id"] for row in rest["data"]] == [str(dead)]
    row = client.get(f"/api/jobs/{dead}", headers=headers).json()
    assert (row["status"], row["error"]["message"], row["payload"]) == (
        "failed",
        "no such template",
        {"to": "a@example.com"},
    )
    assert "lease_token" not in row


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("member", 403), ("admin", 200), ("owner", 200)])
def test_jobs_and_queues_are_for_admins(
    client: Client, db: Database, tenant: Tenant, login_as: LoginAs, who: str, status: int
) -> None:
    headers = login_as(getattr(tenant, who))
    id = put(db, tenant.owner)
    assert client.get("/api/jobs", headers=headers).status_code == status
    assert client.get("/api/queues", headers=headers).status_code == status
    assert client.post(f"/api/jobs/{id}/cancel", headers=headers).status_code == status
    assert client.get("/api/jobs").status_code == 401


def test_a_job_is_cancelled_retried_and_discarded(
    client: Client, db: Database, tenant: Tenant, other_tenant: Tenant, login_as: LoginAs
) -> None:
    headers, stranger = login_as(tenant.admin), login_as(other_tenant.owner)
    waiting, dead = put(db, tenant.owner), None
    answer = client.post(f"/api/jobs/{waiting}/cancel", headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    again = client.post(f"/api/jobs/{waiting}/cancel", headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "too_late")
    dead = failed(db, tenant.owner)
    for verb in ("retry", "cancel", "discard"):
        assert client.post(f"/api/jobs/{dead}/{verb}", headers=stranger).status_code == 404
    answer = client.post(f"/api/jobs/{dead}/retry", headers=headers)
    assert (answer.status_code, answer.json()["status"], answer.json()["attempts"]) == (200, "queued", 0)
    refused = client.post(f"/api/jobs/{dead}/discard", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    (job,) = claimed(db)
    running = client.post(f"/api/jobs/{dead}/cancel", headers=headers).json()
    assert (running["status"], running["cancel_requested_at"] is not None) == ("running", True)
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(job, error=Permanent())]))
    assert job_of(db, dead).status == "cancelled"
    gone = failed(db, tenant.owner)
    assert client.post(f"/api/jobs/{gone}/discard", headers=headers).json()["status"] == "cancelled"


def test_jobs_are_made_and_changed_by_nobody(client: Client, db: Database, tenant: Tenant, login_as: LoginAs) -> None:
    headers, id = login_as(tenant.owner), put(db, tenant.owner)
    assert client.post("/api/jobs", json={"kind": "x"}, headers=headers).status_code == 405
    assert client.patch(f"/api/jobs/{id}", json={"status": "succeeded"}, headers=headers).status_code == 405
    assert client.delete(f"/api/jobs/{id}", headers=headers).status_code == 405


def test_the_queues_show_what_the_organization_has_in_them(
    client: Client, db: Database, tenant: Tenant, other_tenant: Tenant, login_as: LoginAs
) -> None:
    db.write(system(), install_queues)
    put(db, tenant.owner)
    for _ in range(3):
        put(db, other_tenant.owner)
    rows = client.get("/api/queues", headers=login_as(tenant.admin)).json()["data"]
    (mail,) = [row for row in rows if row["name"] == "email_notifications"]
    oldest = mail.pop("oldest_run_at")
    assert oldest.endswith("Z")
    assert mail == {
        "name": "email_notifications",
        "paused_at": None,
        "concurrency": 10,
        "queued": 1,
        "running": 0,
        "dead": 0,
    }


def test_the_owner_of_the_only_organization_may_pause_a_queue(
    client: Client, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    db.write(system(), install_queues)
    path, headers = "/api/queues/email_notifications", login_as(tenant.owner)
    assert client.post(f"{path}/pause", headers=login_as(tenant.admin)).status_code == 403
    answer = client.post(f"{path}/pause", headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "email_notifications")
    assert answer.json()["paused_at"] is not None
    put(db, tenant.owner)
    assert claimed(db) == []
    assert client.post(f"{path}/resume", headers=headers).json()["paused_at"] is None
    assert len(claimed(db)) == 1
    assert client.post("/api/queues/no_such_queue/pause", headers=headers).status_code == 404


def test_an_owner_among_others_may_not_stop_their_work(
    client: Client, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    db.write(system(), install_queues)
    make_tenant(db, "Second")
    answer = client.post("/api/queues/email_notifications/pause", headers=login_as(tenant.owner))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    with db.read(system()) as reads:
        assert reads.find(JobQueue, name="email_notifications", paused_at=None) is not None


def test_operators_list_pause_and_run_schedules(
    client: Client, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    timetable = Timetable([Schedule("ops/test", lambda _: 0, daily="03:00")])
    db.write(system(), timetable.install)
    headers, body = login_as(tenant.owner), {"name": "ops/test"}
    assert client.get("/api/schedules", headers=login_as(tenant.admin)).status_code == 403
    assert client.post("/api/schedules/run", json=body, headers=login_as(tenant.admin)).status_code == 403
    (row,) = client.get("/api/schedules", headers=headers).json()["data"]
    assert (row["name"], row["rule"], row["paused_at"]) == ("ops/test", "daily 03:00 UTC", None)
    assert client.post("/api/schedules/pause", json=body, headers=headers).status_code == 200
    assert client.post("/api/schedules/run", json=body, headers=headers).status_code == 409
    assert client.get("/api/schedules", headers=headers).json()["data"][0]["paused_at"] is not None
    client.post("/api/schedules/resume", json=body, headers=headers)
    assert client.post("/api/schedules/run", json=body, headers=headers).status_code == 200
    assert timetable.tick(db) == 1
    assert client.post("/api/schedules/run", json={"name": "none"}, headers=headers).status_code == 404
