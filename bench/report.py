"""The results as Markdown: what ran where, every rate with its spread, and each target with pass or miss."""

import platform
import sqlite3
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pysqlite3

from bench.data import Size
from bench.series import Series
from growbase import __version__

# Workload, engine, "raw" or "peer", and the least ratio.
TARGETS = (
    ("W1", "sqlite", "peer", 2.0),
    ("W1", "sqlite", "raw", 0.4),
    ("W2", "sqlite", "peer", 4.0),
    ("W2", "sqlite", "raw", 0.6),
    ("W2b", "sqlite", "peer", 2.5),
    ("W3", "sqlite", "peer", 1.5),
    ("W4", "sqlite", "peer", 1.2),
    ("W5", "sqlite", "peer", 2.0),
    ("W6", "sqlite", "peer", 3.0),
    ("W7", "sqlite", "peer", 2.0),
    ("W1", "postgresql", "raw", 0.6),
    ("W2", "postgresql", "raw", 0.6),
)
PACKAGES = ("growbase", "granian", "litestar", "sqlalchemy", "psycopg", "pydantic", "uvloop")


@dataclass(slots=True)
class Results:
    """Everything one run of the bench has found."""

    conditions: dict[str, str]
    size: Size
    series: dict[str, list[Series]] = field(default_factory=dict)
    measures: dict[str, dict[str, str]] = field(default_factory=dict)
    seconds: float = 0.0


def conditions(wrk: str) -> dict[str, str]:
    """Return the machine and the versions."""
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    made = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": made.stdout.strip() or "unknown",
        "machine": f"{len(cpu)} x {cpu[0] if cpu else platform.machine()}, {platform.system()} {platform.release()}",
        "Growbase": __version__,
        "Python": platform.python_version(),
        "SQLite": f"{pysqlite3.sqlite_version} (Growbase, raw limit), {sqlite3.sqlite_version} (Python's own)",
        **{name: version(name) for name in PACKAGES[1:]},
        "load": f"{wrk}, one thread, on the same machine",
    }


def line(series: Series) -> str:
    """Return one line for the terminal."""
    parts = []
    for name, rounds in series.rounds.items():
        failed = f" {series.errors(name)} ERRORS" if series.errors(name) else ""
        parts.append(f"{name} {series.rate(name):,.0f}/s p50 {rounds[-1].p50:.1f} p99 {rounds[-1].p99:.1f} ms{failed}")
    return f"{series.workload.key} at {series.connections}: " + "; ".join(parts)


def render(results: Results) -> str:
    """Return the whole report."""
    lines = ["# Results of the bench", ""]
    lines += ["Written by `make bench`. Ratios travel between machines, absolute figures do not.", ""]
    lines += ["| condition | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in results.conditions.items()]
    size = results.size
    lines.append(
        f"| data | {size.organizations} organizations, {size.campaigns:,} campaigns, {size.journeys:,} journeys, "
        f"{size.contents:,} contents, {size.events:,} events |"
    )
    lines += [f"| took | {results.seconds:.0f} s |", ""]
    lines += _targets(results)
    for engine, found in results.series.items():
        lines += [f"## Rates on {'SQLite' if engine == 'sqlite' else 'PostgreSQL'}", "", *_rates(found), ""]
    for engine, measures in results.measures.items():
        lines += [f"## Measures on {'SQLite' if engine == 'sqlite' else 'PostgreSQL'}", "", "| what | |", "|---|---|"]
        lines += [*(f"| {name} | {value} |" for name, value in measures.items()), ""]
    return "\n".join([*lines, *NOTES])


def _rates(found: list[Series]) -> list[str]:
    lines = ["| workload | connections | system | per second | spread | p50 ms | p99 ms | worst ms | errors |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for series in found:
        for name, rounds in series.rounds.items():
            middle = sorted(rounds, key=lambda result: result.rate)[len(rounds) // 2]
            rate = f"{series.rate(name):,.0f}" if not series.errors(name) else "does not count"
            lines.append(
                f"| {series.workload.key} {series.workload.title} | {series.connections} | {name} | {rate} "
                f"| ±{series.spread(name):.0%} | {middle.p50:.1f} | {middle.p99:.1f} "
                f"| {max(result.worst for result in rounds):.0f} | {series.errors(name)} |"
            )
    return lines


def _targets(results: Results) -> list[str]:
    lines = ["## Targets (16 connections)", "", "| workload | engine | beside | target | measured | |"]
    lines.append("|---|---|---|---|---|---|")
    for key, engine, beside, least in TARGETS:
        for series in results.series.get(engine, []):
            if series.workload.key != key or series.connections != 16:
                continue
            names = list(series.rounds)
            start = "raw" if beside == "raw" else "PocketBase"
            other = next((name for name in names if name.startswith(start)), "")
            ratio = series.ratio(names[0], other)
            shown = "not measured" if ratio is None else f"{ratio:.2f}"
            verdict = "-" if ratio is None else "pass" if ratio >= least else "**miss**"
            what = f"{key} {series.workload.title}"
            lines.append(f"| {what} | {engine} | {other or beside} | {least} | {shown} | {verdict} |")
    return [*lines, ""]


NOTES = [
    "## How",
    "",
    "- Every system was warmed up for a second; then rounds went over the systems in turn. A rate is the median of",
    "  its rounds, a ratio the median of the ratios round by round. A run with errors (no success, broken connection)",
    "  does not count.",
    "- Growbase checks an API key, the organization and the role on every request; a write leaves its change row and",
    "  is on disk when it is answered (SQLite `synchronous=FULL`, PostgreSQL `fsync` and `synchronous_commit` on).",
    "- The raw limit runs the very statements of Growbase and answers their rows: no account, validation or log.",
    "- PocketBase runs with organization rules, an indexed copy of the data and its request log off. It commits with",
    "  `synchronous=NORMAL`, keeps no audit row, checks no version (W4) and adds no sums up (W5). Counts come from a",
    "  view collection, the dashboard from a JavaScript hook over sums that are made beforehand. Lists skip the total",
    "  but in W2t.",
    "",
]
