"""Looking the installation over."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from growbase.cli.exits import WRONG
from growbase.cli.opening import load
from growbase.cli.output import say, say_json, warn

if TYPE_CHECKING:
    from growbase.core.config import Settings
    from growbase.core.database import Database
    from growbase.ops.checks.finding import Finding
    from growbase.ops.doctor import Mended, Progress

FIRST = 20
"""Findings of one check that are printed."""


def doctor(
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended without a guess.")] = False,
    light: Annotated[bool, typer.Option("--light", help="Only what is cheap, as every night.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look over database, files, keys, settings, jobs and disk; exit 2 if there are errors."""
    settings = load()
    from contextlib import closing

    from growbase import wiring
    from growbase.core.files import open_files
    from growbase.ops.checks.finding import Patient
    from growbase.ops.doctor import CHECKS, examine, mend

    with closing(wiring.open_database(settings)) as database:
        _enter(settings, database)
        patient = Patient(settings, database, open_files(settings), deep=not light)
        with _progress() as progress:
            findings = list(examine(patient, CHECKS, progress))
        mended = []
        for done in mend(findings) if repair else ():
            mended.append(done)
            if not as_json:
                _tell(done)
        if any(done.problem is None for done in mended):
            with _progress() as progress:
                findings = list(examine(patient, CHECKS, progress))
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        shown = [finding.as_json() for finding in findings]
        say_json({"checks": len(CHECKS), "findings": shown, "mended": [done.as_json() for done in mended]})
    else:
        _say(findings)
        say(f"{len(CHECKS)} checks: {len(errors)} errors, {len(findings) - len(errors)} warnings.")
    if errors:
        raise typer.Exit(WRONG)


def _enter(settings: "Settings", database: "Database") -> None:
    """Let the proofs and repairs through a gate that is closed for maintenance. Raises Unavailable without a file."""
    from growbase.core.errors import GrowbaseError, Unavailable
    from growbase.core.gate import Mode, gate_of

    if settings.sqlite_path is not None and not settings.sqlite_path.exists():
        raise Unavailable(reason="there is no database yet: run growbase db init")
    # A damaged database does not tell: the checks will.
    with suppress(GrowbaseError):
        if gate_of(database).mode is Mode.READ_ONLY:
            database.pass_gate()


def _tell(done: "Mended") -> None:
    """Print what a repair did, at once: who interrupts the next one knows of it."""
    if done.problem:
        warn(f"{done.finding.where} could not be mended: {done.problem}")
    else:
        say(f"mended   {done.finding.where}: {done.finding.fix}")


def _say(findings: "Sequence[Finding]") -> None:
    """Print the first findings of each check, and how many more there are."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.check] += 1
        if counts[finding.check] <= FIRST:
            can = " (growbase doctor --repair does)" if finding.repair else ""
            say(f"{finding.severity:<8} {finding.check}: {finding.where}")
            say(f"         {finding.what}\n         {finding.fix}{can}")
    for check, count in counts.items():
        if count > FIRST:
            say(f"         {check}: {count - FIRST} more; --json shows all.")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Give a function that shows which check is at work: a bar on a terminal, nothing in a pipe."""
    from rich.progress import Progress as Bar

    with Bar(disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task("Checking", total=None)
        yield lambda name, done, total: shown.update(task, description=name or "Done", completed=done, total=total)
