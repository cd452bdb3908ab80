"""What operators start by hand is done by a worker's tasks, once, and tells how it went."""

from typing import Any

import pytest

from growbase import wiring
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import NotFound
from growbase.core.seals import seal_log
from growbase.core.tables import DoctorReport, Drill, Job
from growbase.jobs.errors import Cancelled
from growbase.jobs.queue import complete
from growbase.ops import by_hand
from tests.backups import Site
from tests.fixtures import Tenant
from tests.jobs.conftest import claimed


def started(database: Database, kind: str, **payload: object) -> Job:
    """Start something as an operator and return its claimed job."""
    job_id = database.write(system("anna"), lambda tx: by_hand.start(tx, kind, payload))
    assert database.write(system("anna"), lambda tx: by_hand.start(tx, kind, payload)) == job_id, "one at a time"
    (job,) = claimed(database)
    assert (str(job.id), job.organization_id, job.max_attempts) == (job_id, None, 1)
    return job


def done(database: Database, settings: Settings, kind: str, **payload: object) -> dict[str, Any]:
    tasks = by_hand.tasks(settings, wiring.outside(settings), wiring.open_database)
    job = started(database, kind, **payload)
    try:
        return dict(tasks[kind](database, system("job"), job))
    finally:
        database.write(system(), lambda tx: complete(tx, job))


def test_a_backup_is_taken_verified_and_restored(sqlite_shop: Site) -> None:
    shop = sqlite_shop
    shop.add("one")
    backup = done(shop.database, shop.settings, by_hand.BACK_UP)["backup"]
    assert shop.vault.find().id == backup
    assert done(shop.database, shop.settings, by_hand.VERIFY, backup=backup)["backup"] == backup
    with pytest.raises(NotFound):
        done(shop.database, shop.settings, by_hand.VERIFY, backup="none")
    assert done(shop.database, shop.settings, by_hand.DRILL)["recovery_time_seconds"] > 0
    with shop.database.read(system()) as reads:
        (drilled,) = reads.rows(Drill)
    assert (drilled.backup_id, drilled.status) == (backup, "passed")


def test_the_log_is_proved_and_doctor_leaves_a_report(db: Database, settings: Settings, tenant: Tenant) -> None:
    assert tenant.owner
    seal_log(db)
    found = done(db, settings, by_hand.PROVE)
    assert (found["faults"], found["seals"]) == (0, 1)
    counts = done(db, settings, by_hand.EXAMINE)
    with db.read(system()) as reads:
        (report,) = reads.rows(DoctorReport)
    assert (report.errors, report.warnings) == (counts["errors"], counts["warnings"])


def test_progress_is_noted_and_a_cancelled_job_ends_there(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hand, "EVERY", 0.0)
    job = started(db, by_hand.BACK_UP)
    note = by_hand._noting(db, system("job"), job)
    note(1, 4)
    with db.read(system()) as reads:
        assert reads.get(Job, job.id).progress == 25
    db.write(system(), lambda tx: tx.set_facts(Job, {"id": job.id}, {"cancel_requested_at": tx.now}))
    with pytest.raises(Cancelled):
        note(2, 4)
