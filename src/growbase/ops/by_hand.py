"""What an operator starts by hand and a worker does: a backup, its proof, a drill, doctor, and the proof of the log."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from growbase.core.actor import Actor
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.facts import delete_facts
from growbase.core.outside import Outside
from growbase.core.tables import InstanceFact, Job
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json, moment_text
from growbase.jobs.policies import MAINTENANCE
from growbase.jobs.queue import checkpoint
from growbase.ops.audit import verify as prove
from growbase.ops.backup_copy import copy_to
from growbase.ops.backup_record import recorded_backup, recorded_verify
from growbase.ops.checks.finding import Patient
from growbase.ops.drill import drill
from growbase.ops.nightly import examine_and_keep
from growbase.ops.restore import Opener
from growbase.ops.vault import open_vault

BACK_UP: Final = "back_up"
VERIFY: Final = "verify_backup"
DRILL: Final = "drill_restore"
EXAMINE: Final = "examine"
PROVE: Final = "prove_log"
PROOF: Final = "log_proof"
"""The fact that says how the last proof of the log by hand went."""
KINDS: Final = (BACK_UP, VERIFY, DRILL, EXAMINE, PROVE)
EVERY: Final = 1.0
"""Seconds between two notes of how far a job has come."""
FAULTS: Final = 50
"""Faults of the log that a job's result names; it counts all."""


def start(tx: Transaction, kind: str, payload: Mapping[str, object] | None = None) -> str:
    """Queue one of KINDS for the installation and return the job's id; while the same one waits or runs, that one's.

    It is tried once: whoever started it looks at what became of it.
    """
    assert kind in KINDS, kind
    given = dict(payload or {})
    key = "/".join([kind, *map(str, given.values())])
    job_id = tx.enqueue(kind, given, queue=MAINTENANCE, dedupe_key=key, max_attempts=1, priority=10)
    tx.record("start", "jobs", job_id, {"kind": kind, **given})
    return str(job_id)


def tasks(settings: Settings, outside: Outside, opener: Opener) -> dict[str, Callable[..., Mapping[str, object]]]:
    """Return the tasks by their kind."""
    return {
        BACK_UP: partial(_back_up, settings=settings),
        VERIFY: partial(_verify, settings=settings),
        DRILL: partial(_drill, settings=settings, opener=opener),
        EXAMINE: partial(_examine, settings=settings, outside=outside),
        PROVE: _prove,
    }


def _noting(database: Database, actor: Actor, job: Job) -> Callable[[int, int], None]:
    """Return what notes in the job how much is done; it ends the work when the job is cancelled."""
    last, share = time.monotonic(), 0

    def note(done: int, total: int) -> None:
        nonlocal last, share
        now, percent = time.monotonic(), min(99, 100 * done // max(total, 1))
        if now - last >= EVERY and percent != share:
            last, share = now, percent
            database.write(actor, partial(checkpoint, job=job, progress=percent))

    return note


def _back_up(database: Database, actor: Actor, job: Job, *, settings: Settings) -> dict[str, object]:
    vault = open_vault(settings, database.context.keyring)
    manifest = recorded_backup(settings, vault, database, _noting(database, actor, job))
    result = {"backup": manifest.id, "size_bytes": manifest.stored, "rows": sum(manifest.rows.values())}
    if settings.backup_copy_url is not None:
        other = open_vault(settings, vault.keyring, settings.backup_copy_url.get_secret_value())
        result["copied"] = copy_to(vault, other)
    return result


def _verify(database: Database, actor: Actor, job: Job, *, settings: Settings) -> dict[str, object]:
    del actor
    vault = open_vault(settings, database.context.keyring)
    manifest = vault.find(str(job.payload["backup"]))
    found = recorded_verify(settings, vault, database, manifest)
    return {"backup": manifest.id, "rows": sum(found.rows.values()), "files": manifest.files}


def _drill(database: Database, actor: Actor, job: Job, *, settings: Settings, opener: Opener) -> dict[str, object]:
    del actor, job
    done = drill(settings, open_vault(settings, database.context.keyring), opener, database)
    point, took = round(done.recovery_point, 3), round(done.recovery_time, 3)
    measured = {"recovery_point_seconds": point, "recovery_time_seconds": took}
    return {"backup": done.backup, "rows": done.rows, **measured}


def _examine(database: Database, actor: Actor, job: Job, *, settings: Settings, outside: Outside) -> dict[str, object]:
    note = _noting(database, actor, job)
    patient = Patient(settings, database, outside.files)
    errors, warnings = examine_and_keep(patient, lambda _, done, total: note(done, total))
    return {"errors": errors, "warnings": warnings}


def _prove(database: Database, actor: Actor, job: Job) -> dict[str, object]:
    found = prove(database, progress=_noting(database, actor, job))

    def unit(tx: Transaction) -> None:
        counts = {"faults": len(found.faults), "seals": found.seals, "rows": found.rows}
        value = compact_json({"at": moment_text(tx.now), "job": str(job.id), **counts})
        delete_facts(tx, InstanceFact, {"name": PROOF})
        tx.insert_facts(InstanceFact, [{"name": PROOF, "value": value}])

    database.write(actor, unit)
    return {**found.as_json(), "faults": len(found.faults), "first": [one.as_json() for one in found.faults[:FAULTS]]}
