"""``growbase serve`` for the tests of background work, and a key to it."""

import json
import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.background.site import PATIENCE, Site
from tests.processes import HOST, free_port, start, wait_for_url

ROOT = Path(__file__).parents[2]


class Server:
    """A server process and a key to it."""

    def __init__(self, site: Site, folder: Path, key: str) -> None:
        self.port = free_port()
        self.key = key
        env = {"GROWBASE_PORT": str(self.port), "GROWBASE_PROCESSES": "1", "GROWBASE_EMBEDDED_WORKER": "false"}
        command = [sys.executable, "-m", "growbase", "serve"]
        options = {"cwd": ROOT, "start_new_session": True}
        with (folder / "server.log").open("ab") as output:
            self.process = start(command, env={**site.env, **env}, output=output, **options)

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401
        """Send a request and return the answer. Raises OSError for anything but success."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.key}"}
        address = f"http://{HOST}:{self.port}/api{path}"
        request = urllib.request.Request(address, data=json.dumps(body).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)


@contextmanager
def serving(site: Site, folder: Path, key: str) -> Iterator[Server]:
    server = Server(site, folder, key)
    try:
        wait_for_url(f"http://{HOST}:{server.port}/api/health", server.process, timeout=PATIENCE)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
