"""Running a workload on several systems in turn, so that whatever else the machine does hits all of them alike."""

import http.client
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Protocol

from bench import load
from bench.load import Result

SETTLE_SECONDS = 0.3
"""What was on its way when a run ended is done by then, so that the next one knows every row's version."""


class System(Protocol):
    """A running server under test."""

    name: str
    engine: str
    port: int
    pid: int

    def requests(self, workload: str) -> list[bytes]:
        """Return the requests of one run, none if the workload is not for this system."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of work; ``rows`` is what every answer must hold."""

    key: str
    title: str
    rows: int = 0
    each: int = 1
    seconds: float | None = None
    connections: tuple[int, ...] = (16, 64)


WORKLOADS = (
    Workload("W1", "get by id"),
    Workload("W2", "list 20: filter, sort, 2 counts", rows=20),
    Workload("W2t", "the same with the total of all pages", rows=20, connections=(16,)),
    Workload("W2b", "list 20: filter, sort", rows=20),
    Workload("W6", "dashboard of a campaign over 30 days", rows=30),
    Workload("W3", "durable create with change row"),
    Workload("W4", "update one field with version check and change row"),
    Workload("W5", "ingest events, 500 a request (events/s)", each=500, seconds=5.0, connections=(16,)),
    Workload("W7", "trash with cascade (1 campaign, 2 journeys, 6 contents)", seconds=2.0, connections=(16,)),
)


@dataclass(slots=True)
class Series:
    """The rounds of one workload at one number of connections, by system."""

    workload: Workload
    connections: int
    rounds: dict[str, list[Result]] = field(default_factory=dict)

    def rate(self, name: str) -> float:
        """Return the median of the rounds, in the workload's unit."""
        return median(result.rate for result in self.rounds[name]) * self.workload.each

    def spread(self, name: str) -> float:
        """Return half of what lies between the best and the worst round, as a share of the median."""
        rates = [result.rate for result in self.rounds[name]]
        return (max(rates) - min(rates)) / 2 / median(rates)

    def errors(self, name: str) -> int:
        """Return how many answers were no success; then the run does not count."""
        return sum(result.errors for result in self.rounds[name])

    def ratio(self, name: str, other: str) -> float | None:
        """Return the median of the ratios round by round; None where one has errors or did not run."""
        if name not in self.rounds or other not in self.rounds or self.errors(name) or self.errors(other):
            return None
        pairs = zip(self.rounds[name], self.rounds[other], strict=True)
        return median(one.rate / two.rate for one, two in pairs)


def answer(port: int, request: bytes) -> tuple[int, bytes]:
    """Send one request and return status and body."""
    with socket.create_connection((load.HOST, port), timeout=30) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def require_right_answer(system: System, workload: Workload, request: bytes) -> None:
    """Ask once, so that no system is fast because it answers nothing. Raises RuntimeError."""
    status, body = answer(system.port, request)
    if not 200 <= status < 300:
        raise RuntimeError(f"{system.name} answers {workload.key} with {status}: {body[:500]!r}")
    if workload.rows:
        found = json.loads(body)
        rows = found if isinstance(found, list) else found.get("data") or found.get("items") or found.get("series")
        if len(rows) < workload.rows or (len(rows) > workload.rows + 1 and workload.key.startswith("W2")):
            raise RuntimeError(f"{system.name} answers {workload.key} with {len(rows)} rows: {body[:500]!r}")


def measure(
    folder: Path, systems: Sequence[System], workload: Workload, connections: int, *, rounds: int, seconds: float
) -> Series:
    """Warm every system up, then let them run in turn."""
    series = Series(workload, connections)
    taking_part = []
    for system in systems:
        requests = system.requests(workload.key)
        if requests:
            require_right_answer(system, workload, requests[0])
            load.run(folder, system.port, requests[1:], connections=connections, seconds=1)
            taking_part.append(system)
    for _ in range(rounds):
        for system in taking_part:
            time.sleep(SETTLE_SECONDS)
            requests = system.requests(workload.key)
            length = workload.seconds or seconds
            found = load.run(folder, system.port, requests, connections=connections, seconds=length)
            series.rounds.setdefault(system.name, []).append(found)
    return series
