"""The pages that run an organization and the installation, without scripts: who sees what, and what they do."""

import json
import re

import pytest
from pydantic import SecretStr

from growbase.core.actor import Actor, Role, system
from growbase.core.clock import new_id, now
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.tables import Alert, AlertState, DoctorReport, Job, JobQueue, JobSchedule
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Membership, Organization, User
from growbase.domains.identity.plans import install_plans
from growbase.jobs import queue
from growbase.jobs.claim import install_queues
from growbase.jobs.errors import Permanent
from growbase.jobs.queue import Outcome
from growbase.jobs.schedule import Schedule, Timetable
from growbase.ops.backup_record import recorded_backup, recorded_verify
from growbase.ops.vault import open_vault
from tests.api.factories import Factory
from tests.fixtures import Tenant
from tests.jobs.conftest import claimed
from tests.studio.conftest import Browser, SignIn

OPERATING = ("/schedules", "/backups", "/health", "/settings/installation")
FOR_ADMINS = ("/queues", "/webhooks", "/webhooks/new", "/keys", "/keys/new", "/audit", "/settings", "/team/invite")
FOR_ALL = ("/team", "/plan", "/account", "")


@pytest.fixture
def operators() -> tuple[str, ...]:
    """Give the addresses of operators; a test names its own."""
    return ()


@pytest.fixture
def settings(settings: Settings, operators: tuple[str, ...]) -> Settings:
    """Give the test's settings with its operators."""
    return settings.model_copy(update={"operators": operators, "smtp_url": SecretStr("smtp://me:hush@127.0.0.1:25")})


def failed(db: Database, actor: Actor, text: str = "no such template") -> str:
    """Make a job that has failed for good, and return its id."""
    payload = {"to": "a@example.com", "sealed_token": "only-the-link-knows", "inner": [{"password": "hush"}]}
    db.write(actor, lambda tx: tx.enqueue("send_email", payload, queue="email_notifications"))
    (job,) = claimed(db)
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(job, error=Permanent(text))]))
    return str(job.id)


# -- who sees what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [*Role])
def test_each_page_is_for_its_roles(role: Role, tenant: Tenant, sign_in: SignIn) -> None:
    browser = sign_in(getattr(tenant, role))
    for path in FOR_ALL:
        browser.get(path)
    for path in FOR_ADMINS:
        browser.get(path, status=200 if role.covers(Role.ADMIN) else 403)
    for path in OPERATING:
        browser.get(path, status=200 if role is Role.OWNER else 403)
    shown = browser.get("")
    assert ("/studio/backups" in shown) == (role is Role.OWNER)
    assert ("/studio/audit" in shown) == role.covers(Role.ADMIN)


def test_an_owner_among_others_sees_nothing_of_the_installation(
    db: Database, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn
) -> None:
    db.write(system(), install_queues)
    theirs = failed(db, other_tenant.owner, "the rival's own trouble")
    nobodys = failed(db, system(), "the program's own trouble")
    mine = failed(db, tenant.owner, "my own trouble")
    browser = sign_in(tenant.owner)
    for path in OPERATING:
        browser.get(path, status=403)
    for path, form in (
        ("/backups", {"action": "backup"}),
        ("/health", {}),
        ("/audit", {}),
        ("/schedules", {"action": "run", "name": "ops/backup"}),
        ("/queues", {"action": "pause", "queue": "publishing"}),
    ):
        browser.post(path, form, status=403)
    shown = browser.get("/queues")
    assert "my own trouble" in shown
    assert "rival" not in shown
    assert "the program" not in shown
    browser.get(f"/queues/jobs/{mine}")
    for id in (theirs, nobodys):
        browser.get(f"/queues/jobs/{id}", status=404)
        browser.post(f"/queues/jobs/{id}", {"action": "retry"}, status=404)
    browser.post("/queues", {"action": "discard", "id": [theirs]}, status=404)
    browser.post("/queues", {"action": "discard-all"})
    with db.read(system()) as reads:
        left = {str(job.id) for job in reads.rows(Job, status=("failed", "dead"))}
    assert left == {theirs, nobodys}
    audit = browser.get("/audit?all=1&entity=memberships")
    assert "of Rival" not in audit
    browser.get(f"/audit/export?format=csv&all=1&id={other_tenant.organization_id}")


@pytest.mark.parametrize("operators", [("viewer@acme.example",)])
def test_an_operator_by_address_sees_all_organizations(
    db: Database, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn
) -> None:
    viewer = tenant.viewer
    assert viewer.id is not None
    me = viewer.id
    db.write(system(), lambda tx: tx.update(User, me, {"email_verified_at": now()}))
    failed(db, other_tenant.owner)
    browser = sign_in(viewer)
    for path in OPERATING:
        browser.get(path)
    assert "Rival" in browser.get("/queues")
    assert "of Rival" in browser.get("/audit?all=1&entity=users")
    assert all(f"/studio/{name}" in browser.get("") for name in ("queues", "audit", "health"))
    browser.get("/keys", status=403)
    sign_in(tenant.admin).get("/backups", status=403)


# -- jobs and schedules -----------------------------------------------------------------------------------------------


def test_failed_jobs_are_tried_again_and_given_up(browser: Browser, db: Database, tenant: Tenant) -> None:
    db.write(system(), install_queues)
    one, two, three = (failed(db, tenant.owner, f"trouble {number}") for number in range(3))
    shown = browser.get("/queues?queue=email_notifications")
    assert all(f"trouble {number}" in shown for number in range(3))
    page = browser.get(f"/queues/jobs/{one}")
    assert "a@example.com" in page
    assert "only-the-link-knows" not in page
    assert "hush" not in page
    browser.post("/queues", {"action": "retry", "id": [one]})
    browser.post("/queues", {"action": "discard", "id": [two]})
    browser.post(f"/queues/jobs/{three}", {"action": "retry"})
    browser.post(f"/queues/jobs/{one}", {"action": "cancel"})
    with db.read(system()) as reads:
        states = {str(job.id): job.status.value for job in reads.rows(Job)}
    assert states == {one: "cancelled", two: "cancelled", three: "queued"}
    browser.post("/queues", {"action": "fly"}, status=422)
    browser.get("/queues/jobs/none", status=404)


def test_an_operator_pauses_a_queue_and_the_log_names_who(browser: Browser, db: Database) -> None:
    db.write(system(), install_queues)
    browser.post("/queues", {"action": "pause", "queue": "publishing"})
    assert "Paused" in browser.get("/queues")
    with db.read(system()) as reads:
        assert reads.find(JobQueue, name="publishing", paused_at=None) is None
    assert "owner@acme.example" in browser.get("/audit?all=1&action=pause")
    browser.post("/queues", {"action": "resume", "queue": "publishing"})
    browser.post("/queues", {"action": "pause", "queue": "none"}, status=404)


def test_a_schedule_is_paused_resumed_and_run(browser: Browser, db: Database) -> None:
    db.write(system(), Timetable([Schedule("ops/test", lambda _: 0, weekly="mon 08:00")]).install)
    assert "weekly, Mon at 08:00 (UTC)" in browser.get("/schedules")
    browser.post("/schedules", {"action": "pause", "name": "ops/test"})
    browser.post("/schedules", {"action": "run", "name": "ops/test"})
    with db.read(system()) as reads:
        row = reads.find(JobSchedule, name="ops/test")
        assert row is not None
        assert row.paused_at is not None
        assert row.next_run_at > now(), "a paused one is not run"
    browser.post("/schedules", {"action": "resume", "name": "ops/test"})
    browser.post("/schedules", {"action": "run", "name": "ops/test"})
    with db.read(system()) as reads:
        row = reads.find(JobSchedule, name="ops/test")
        assert row is not None
        assert row.next_run_at <= now()


def test_backups_drills_doctor_and_proofs_are_jobs(browser: Browser, db: Database) -> None:
    for path, form, kind in (
        ("/backups", {"action": "backup"}, "back_up"),
        ("/backups", {"action": "drill"}, "drill_restore"),
        ("/backups", {"action": "verify", "backup": "20260101T000000000000"}, "verify_backup"),
        ("/health", {}, "examine"),
        ("/audit", {}, "prove_log"),
    ):
        place = browser.post(path, form).removeprefix("/studio")
        assert "Growbase itself" in browser.get(place)
        with db.read(system()) as reads:
            job = reads.find(Job, kind=kind)
        assert job is not None
        assert job.organization_id is None
    assert "A backup is being taken." in browser.get("/backups")
    browser.post("/backups", {"action": "delete"}, status=422)


# -- webhooks, keys, people -------------------------------------------------------------------------------------------


def test_an_endpoint_is_made_tested_and_its_secret_shown_once(browser: Browser) -> None:
    wrong = browser.post("/webhooks/new", {"url": "ftp://x", "events": "*"}, status=422)
    assert 'aria-invalid="true"' in wrong
    form = {"url": "https://example.com/hook", "events": "campaigns.*\nbrands.insert", "description": "Ours"}
    shown = browser.post("/webhooks/new", form, status=200)
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", shown.replace("&#43;", "+"))
    id = re.findall(r"/studio/webhooks/([0-9a-f-]{36})", shown)[0]
    assert found is not None
    assert found[0] not in browser.get(f"/webhooks/{id}")
    browser.post(f"/webhooks/{id}", {"action": "test"})
    delivery = re.findall(r"/studio/webhooks/deliveries/([0-9a-f-]{36})", browser.get(f"/webhooks/{id}"))[0]
    assert "ping" in browser.get(f"/webhooks/deliveries/{delivery}")
    browser.post(f"/webhooks/deliveries/{delivery}")
    browser.post(f"/webhooks/{id}", {"action": "disable"})
    assert "Disabled" in browser.get("/webhooks?status=queued")
    browser.post(f"/webhooks/{id}", {"action": "enable"})
    again = browser.post(f"/webhooks/{id}", {"action": "rotate"}, status=200)
    assert "whsec_" in again
    browser.post(f"/webhooks/{id}", {"action": "fly"}, status=422)


def test_another_organizations_endpoint_is_not_there(browser: Browser, sign_in: SignIn, other_tenant: Tenant) -> None:
    form = {"url": "https://example.com/hook", "events": "*"}
    shown = sign_in(other_tenant.owner).post("/webhooks/new", form, status=200)
    id = re.findall(r"/studio/webhooks/([0-9a-f-]{36})", shown)[0]
    assert "example.com" not in browser.get("/webhooks")
    browser.get(f"/webhooks/{id}", status=404)
    browser.post(f"/webhooks/{id}", {"action": "rotate"}, status=404)


def test_a_key_is_shown_once_works_and_is_revoked(browser: Browser) -> None:
    browser.post("/keys/new", {"name": "", "may": "read", "expires": "never"}, status=422)
    shown = browser.post("/keys/new", {"name": "Shop", "may": "read", "expires": "in_90_days"}, status=200)
    found = re.search(r"gb_[A-Za-z0-9_-]+", shown)
    assert found is not None
    headers = {"authorization": f"Bearer {found[0]}"}
    assert browser.client.get("/api/brands", headers=headers).status_code == 200
    assert browser.client.post("/api/brands", json={"name": "No"}, headers=headers).status_code == 403
    listed = browser.get("/keys")
    assert found[0] not in listed
    id = re.findall(r"/studio/keys/([0-9a-f-]{36})/revoke", listed)[0]
    browser.post("/keys/new", {"name": "Shop", "may": "read", "expires": "never"}, status=422)
    browser.post(f"/keys/{id}/revoke")
    assert browser.client.get("/api/brands", headers=headers).status_code == 401
    assert "Revoked" in browser.get("/keys")


def membership(db: Database, actor: Actor) -> str:
    with db.read(actor) as reads:
        found = reads.find(Membership, user_id=actor.id)
        assert found is not None
        return str(found.id)


def role_of(db: Database, actor: Actor) -> str:
    with db.read(actor) as reads:
        found = reads.find(Membership, user_id=actor.id)
        assert found is not None
        return f"{found.role.value} {found.status.value}"


def test_people_are_invited_changed_and_removed_by_the_rules(
    browser: Browser, db: Database, tenant: Tenant, sign_in: SignIn
) -> None:
    browser.post("/team/invite", {"email": "anna", "role": "member"}, status=422)
    browser.post("/team/invite", {"email": "anna@example.com", "role": "member", "full_name": "Anna"})
    team = browser.get("/team")
    assert "anna@example.com" in team
    browser.post("/team/invite", {"email": "member@acme.example", "role": "member"}, status=422)
    browser.post(f"/team/{membership(db, tenant.member)}", {"action": "role", "role": "admin"})
    assert role_of(db, tenant.member) == "admin active"
    browser.post(f"/team/{membership(db, tenant.viewer)}", {"action": "remove"})
    assert role_of(db, tenant.viewer) == "viewer disabled"
    browser.post(f"/team/{membership(db, tenant.owner)}", {"action": "role", "role": "viewer"})
    assert role_of(db, tenant.owner) == "owner active", "the last owner stays"
    admin = sign_in(tenant.admin)
    assert 'value="owner"' not in admin.get("/team")
    admin.post(f"/team/{membership(db, tenant.owner)}", {"action": "remove"}, status=403)
    admin.post("/team/invite", {"email": "bob@example.com", "role": "owner"}, status=403)
    browser.post(f"/team/{membership(db, tenant.admin)}", {"action": "transfer"})
    assert (role_of(db, tenant.admin), role_of(db, tenant.owner)) == ("owner active", "admin active")


def test_another_organizations_member_is_out_of_reach(browser: Browser, db: Database, other_tenant: Tenant) -> None:
    assert "rival" not in browser.get("/team")
    browser.post(f"/team/{membership(db, other_tenant.member)}", {"action": "remove"}, status=404)
    assert role_of(db, other_tenant.member) == "member active"


def test_ones_account_is_changed_and_other_logins_end(browser: Browser, tenant: Tenant, sign_in: SignIn) -> None:
    other = sign_in(tenant.owner)
    form = {"full_name": "Anna Ek", "username": "", "language": "fr", "timezone": "Europe/Paris"}
    browser.post("/account", form)
    me = browser.client.get("/api/auth/me", headers=browser.api_headers).json()["user"]
    assert (me["full_name"], me["language"], me["timezone"]) == ("Anna Ek", "fr", "Europe/Paris")
    browser.post("/account", {**form, "timezone": "Mars"}, status=422)
    wrong = {"current_password": "wrong", "new_password": "a long enough password"}
    browser.post("/account/password", wrong, status=422)
    other.get("/account")
    browser.post("/account/sessions", {"id": "others"})
    other.get("/account", status=303)
    browser.post("/account/delete", {"password": "wrong"}, status=422)


# -- audit, settings, plan --------------------------------------------------------------------------------------------


def test_the_audit_log_is_searched_and_exported(browser: Browser, factory: Factory) -> None:
    id = factory.create("campaigns", name="Watched", purpose="=1+1")["id"]
    browser.client.patch(f"/api/campaigns/{id}", json={"name": "Renamed"}, headers=browser.api_headers)
    page = browser.get(f"/audit?entity=campaigns&id={id}&action=update&who=owner@acme.example")
    assert "Watched</" in page
    assert "Renamed</" in page
    assert f"/studio/campaigns/{id}?as_of=" in page
    assert "Renamed" not in browser.get(f"/audit?id={id}&to=2020-01-01")
    assert "Write days" in browser.get("/audit?from=yesterday")
    csv = browser.get(f"/audit/export?format=csv&id={id}")
    assert csv.startswith("seq,occurred_at")
    lines = browser.get(f"/audit/export?format=ndjson&id={id}").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["insert", "update"]
    browser.get("/audit/export?format=xml", status=422)
    assert "Exported" in browser.get("/audit?action=export")


def test_the_audit_log_keeps_what_is_nobodys_business(
    browser: Browser, db: Database, tenant: Tenant, sign_in: SignIn
) -> None:
    sign_in(tenant.member).post(
        "/account", {"full_name": "Max", "username": "", "language": "en", "timezone": "Asia/Tokyo"}
    )
    assert tenant.member.id is not None
    for text in (
        browser.get(f"/audit?id={tenant.member.id}"),
        browser.get(f"/audit/export?format=ndjson&id={tenant.member.id}"),
    ):
        assert "Max" in text
        assert "Tokyo" not in text


def test_the_organization_is_edited_and_the_installation_only_shown(
    browser: Browser, db: Database, tenant: Tenant, settings: Settings
) -> None:
    form = {"name": "Acme & Co", "timezone": "Europe/Paris", "languages": "en\nfr", "version": "1"}
    browser.post("/settings", form)
    with db.read(tenant.owner) as reads:
        row = reads.find(Organization, tenant.owner.organization_id)
    assert row is not None
    assert (row.name, row.timezone, row.languages) == ("Acme & Co", "Europe/Paris", ["en", "fr"])
    assert row.settings["require_brand"] is False  # type: ignore[index]
    browser.post("/settings", {**form, "name": "Too late"}, status=422)
    browser.post("/settings", {**form, "name": "", "version": "2"}, status=422)
    shown = browser.get("/settings/installation")
    assert "GROWBASE_BACKUP_URL" in shown
    assert str(settings.data_dir) in shown
    assert "smtp://" in shown
    assert "hush" not in shown
    assert "GROWBASE_BACKUP_URL" not in browser.get("/settings/installation?q=log_level")


def test_an_owner_chooses_the_plan_and_sees_its_use(
    browser: Browser, db: Database, tenant: Tenant, sign_in: SignIn
) -> None:
    assert "nothing is limited" in browser.get("/plan")
    db.write(system(), install_plans)
    browser.post("/plan", {"action": "change", "plan": "growth"}, status=404)
    db.write(tenant.owner, lambda tx: tx.context.catalog.founders[0](tx))
    browser.post("/plan", {"action": "change", "plan": "growth"})
    page = browser.get("/plan")
    assert "your plan" in page
    assert "/ 20,000" in page
    browser.post("/plan", {"action": "change", "plan": "none"})
    browser.post("/plan", {"action": "cancel"})
    assert "It was cancelled" in browser.get("/plan")
    admin = sign_in(tenant.admin)
    assert "Choose Free" not in admin.get("/plan")
    admin.post("/plan", {"action": "cancel"}, status=403)


# -- the first steps --------------------------------------------------------------------------------------------------


def test_an_empty_organization_is_led_and_filled_with_demo_data(
    browser: Browser, factory: Factory, sign_in: SignIn, tenant: Tenant, other_tenant: Tenant
) -> None:
    home = browser.get("")
    assert "First steps" in home
    assert "Fill in demo data" in home
    assert "First steps" not in sign_in(tenant.viewer).get("")
    sign_in(tenant.member).get("/first-steps/demo", status=403)
    browser.get("/first-steps/demo")
    browser.post("/first-steps/demo", {"action": "fill"})
    home = browser.get("")
    assert "Remove it" in home
    assert "Lumen Bikes" in browser.get("/brands")
    assert "Lumen Bikes" not in sign_in(other_tenant.owner).get("/brands")
    browser.post("/first-steps/demo", {"action": "remove"})
    assert "Lumen Bikes" not in browser.get("/brands")
    browser.post("/first-steps/hide")
    assert "First steps" not in browser.get("")


def test_health_tells_of_alerts_and_what_doctor_found(browser: Browser, db: Database) -> None:
    assert "Doctor has not looked yet." in browser.get("/health")
    finding = {
        "check": "jobs",
        "severity": "error",
        "what": "3 jobs have <failed>.",
        "where": "queue publishing",
        "fix": "Look at them.",
        "repairable": True,
    }

    def unit(tx: Transaction) -> None:
        counts = {"errors": 1, "warnings": 0, "findings": [finding]}
        tx.insert_facts(DoctorReport, [{"id": new_id(), "finished_at": tx.now, **counts}])
        alert = {"name": "disk", "state": AlertState.RAISED, "message": "Nearly full.", "since": tx.now}
        tx.insert_facts(Alert, [{**alert, "told_at": tx.now}])

    db.write(system(), unit)
    shown = browser.get("/health")
    assert all(text in shown for text in ("needs attention", "3 jobs have &lt;failed&gt;.", "Nearly full."))
    assert "growbase doctor --repair" in shown


def test_a_backup_is_listed_with_its_proof(browser: Browser, db: Database, settings: Settings, engine: str) -> None:
    if engine != "sqlite":
        assert "There is no backup yet" in browser.get("/backups")
        return
    vault = open_vault(settings, db.context.keyring)
    manifest = recorded_backup(settings, vault, db)
    shown = browser.get("/backups")
    assert "not yet" in shown
    assert f"growbase restore {manifest.id}" in shown
    recorded_verify(settings, vault, db, manifest)
    assert "verified" in browser.get("/backups")
