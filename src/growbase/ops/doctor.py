"""Looking the whole installation over: every check in turn, and mending what can be mended without a guess."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from growbase.core.errors import GrowbaseError
from growbase.ops.checks import background, engine, installation, rows
from growbase.ops.checks.finding import Check, Finding, Patient, error
from growbase.ops.connections import translated

CHECKS: Final[tuple[Check, ...]] = (
    installation.settings,
    installation.disk,
    installation.permissions,
    engine.integrity,
    engine.postgresql_settings,
    engine.connections,
    installation.migrations,
    installation.drift,
    installation.keys,
    engine.clock_skew,
    engine.long_transactions,
    engine.foreign_keys,
    engine.partitions,
    rows.logical_references,
    rows.files,
    rows.usage,
    rows.order_totals,
    rows.one_subscription,
    rows.rollups,
    rows.search,
    background.jobs,
    background.schedules,
    background.readers,
    background.seals,
    background.webhooks,
    background.backups,
)
MOST: Final = 1_000
"""Findings of one check that are kept; the rest is found once these are mended."""
Progress = Callable[[str, int, int], None]
"""Told which check begins, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What a repair did: the finding, and why it failed if it did."""

    finding: Finding
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a mapping."""
        return {**self.finding.as_json(), "problem": self.problem}


def examine(
    patient: Patient, checks: Iterable[Check] = CHECKS, progress: Progress = lambda *_: None
) -> Iterator[Finding]:
    """Run the checks and yield what they find; one that can't be done is an error of its own, and the others go on."""
    chosen = [*checks]
    for done, check in enumerate(chosen):
        name = name_of(check)
        progress(name, done, len(chosen))
        count = 0
        try:
            for finding in check(patient):
                count += 1
                if count <= MOST:
                    yield replace(finding, check=name)
        except Exception as failure:  # noqa: BLE001 -- whatever is broken, the other checks still tell of it
            plain = translated(failure)
            reason = str(plain) if isinstance(plain, GrowbaseError) else f"{type(plain).__name__}: {plain}"
            unfit = error(f"This could not be checked: {reason}", name, "Correct that, then run growbase doctor again.")
            yield replace(unfit, check=name)
        if count > MOST:
            more = error(f"{count - MOST} more of the same kind.", name, "Mend these first, then look again.")
            yield replace(more, check=name)
    progress("", len(chosen), len(chosen))


def mend(findings: Iterable[Finding]) -> Iterator[Mended]:
    """Mend what can be, one after the other, and yield what was done; stopped anywhere it can be run again."""
    for finding in findings:
        if finding.repair is None:
            continue
        try:
            finding.repair()
        except (GrowbaseError, OSError) as problem:
            yield Mended(finding, str(problem))
        else:
            yield Mended(finding)


def name_of(check: Check) -> str:
    """Return the name a check goes by."""
    return str(getattr(check, "__name__", check))
