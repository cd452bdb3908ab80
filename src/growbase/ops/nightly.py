"""What the program does for its own health: a light look over every night, and alerts every minute."""

from datetime import timedelta
from functools import partial
from typing import Final

from growbase.core import clock, telemetry
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.outside import Outside
from growbase.core.tables import DoctorReport
from growbase.core.transaction import Transaction
from growbase.jobs.schedule import Schedule
from growbase.ops import alerts
from growbase.ops.checks.finding import Patient
from growbase.ops.doctor import Progress, examine

STORED: Final = 100
"""Findings that a report keeps; it counts all."""


def schedules(settings: Settings, outside: Outside) -> list[Schedule]:
    """Return what is done for the installation's own sake."""
    return [
        Schedule("doctor/examine", partial(examine_lightly, settings=settings, outside=outside), daily="04:10"),
        Schedule(
            "doctor/alerts", partial(look_for_troubles, settings=settings, outside=outside), every=timedelta(minutes=1)
        ),
    ]


def examine_lightly(database: Database, *, settings: Settings, outside: Outside) -> int:
    """Run the cheap part of every check, store what it found, and return how much that was."""
    return sum(examine_and_keep(Patient(settings, database, outside.files, deep=False)))


def examine_and_keep(patient: Patient, progress: Progress = lambda *_: None) -> tuple[int, int]:
    """Run every check, store what was found as a report, and return how many errors and warnings that were."""
    found = [*examine(patient, progress=progress)]
    errors = sum(finding.severity == "error" for finding in found)
    shown = sorted((finding.as_json() for finding in found), key=lambda one: str(one["severity"]))[:STORED]

    def unit(tx: Transaction) -> None:
        counts = {"errors": errors, "warnings": len(found) - errors}
        tx.insert_facts(DoctorReport, [{"id": clock.new_id(), "finished_at": tx.now, **counts, "findings": shown}])

    patient.database.write(system("doctor"), unit)
    telemetry.instrument("doctor.examined", errors=errors, warnings=len(found) - errors)
    return errors, len(found) - errors


def look_for_troubles(database: Database, *, settings: Settings, outside: Outside) -> int:
    """Note troubles that have come and gone, and return how many notices that makes."""
    return alerts.look(database, Patient(settings, database, outside.files, deep=False))
