"""The raw limit as a server: the same SQL behind a bare granian application."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import data
from bench.load import http
from bench.servers import KEPT_SHARE, PLACES, SAMPLE, Growbase, environment, served
from bench.statements import statements
from tests.processes import free_port


class Raw:
    """The same SQL behind a bare granian application: no account, no validation, no log."""

    def __init__(self, growbase: Growbase, folder: Path) -> None:
        self.growbase, self.folder, self.size = growbase, folder, growbase.size
        self.engine = growbase.engine
        self.name = f"raw limit, {growbase.name.partition(', ')[2]}"
        self.port, self.pid = free_port(), 0

    @contextmanager
    def serving(self) -> Iterator["Raw"]:
        """Serve while the block runs."""
        plan = self.folder / f"raw-{self.engine}.json"
        where = str(self.growbase.path) if self.engine == "sqlite" else self.growbase.url
        plan.write_text(json.dumps({"engine": self.engine, "where": where, "work": statements(self.engine)}))
        command = [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "rsgi",
            "--factory",
            "--workers",
            str(self.growbase.processes),
        ]
        command += ["--loop", "uvloop", "--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"]
        command += ["--workers-kill-timeout", "3", "bench.raw:app"]
        env = {**environment(), "BENCH_RAW": str(plan)}
        with served(command, self.folder / f"raw-{self.engine}.log", env=env, port=self.port) as pid:
            self.pid = pid
            yield self

    def requests(self, workload: str) -> list[bytes]:
        """Return the requests of a run; none for a workload that writes."""
        size, kept = self.size, range(int(self.size.campaigns * KEPT_SHARE))
        if workload == "W1":
            picked = PLACES.sample(kept, min(SAMPLE, len(kept)))
            return [self._get("W1", n % size.organizations, data.campaign_id(n)) for n in picked]
        if workload in {"W2", "W2b"}:
            return [
                self._get(workload, organization, status)
                for organization in range(size.organizations)
                for status in data.STATUSES
            ]
        if workload == "W6":
            return [self._get("W6", n % size.organizations, data.campaign_id(n)) for n in range(data.RUNNING)]
        return []

    def _get(self, workload: str, organization: int, what: object) -> bytes:
        return http("GET", f"/{workload}/{data.organization_id(organization)}/{what}")
