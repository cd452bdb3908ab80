"""A chat completions endpoint over a real socket whose answers are prepared, and workers that ask it or nobody."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest

from growbase import wiring
from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.tables import Job
from growbase.jobs.worker import Worker


class Endpoint(ThreadingHTTPServer):
    """A chat completions endpoint whose answers are prepared."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[dict[str, Any], str]] = []

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def will_say(self, text: str, **usage: int) -> None:
        """Prepare an answer of the model."""
        body = {"model": "m-2", "choices": [{"message": {"content": text}}], "usage": usage}
        self.replies.append((200, {}, json.dumps(body).encode()))


class Handler(BaseHTTPRequestHandler):
    """Answers with what is prepared."""

    server: Endpoint

    def do_POST(self) -> None:
        """Note what is asked and answer."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((body, self.headers.get("authorization", "")))
        status, headers, content = self.server.replies.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Give an endpoint without answers yet."""
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def offline_worker(db: Database, settings: Settings) -> Worker:
    """Give a worker of a server without a model."""
    return Worker(db, wiring.tasks(settings))


@pytest.fixture
def asking_worker(db: Database, settings: Settings, endpoint: Endpoint) -> Worker:
    """Give a worker of a server whose model is the endpoint."""
    return Worker(db, wiring.tasks(settings.model_copy(update={"ai_base_url": endpoint.url, "ai_model": "m"})))


def hurry(db: Database) -> None:
    """Let the pauses of all waiting jobs be over."""
    db.write(system(), lambda tx: tx.set_facts(Job, {"status": "queued"}, {"run_at": tx.now, "due": True}))


def job_of(db: Database, actor: Actor, job_id: UUID | str) -> Job:
    """Return a job as it is now."""
    with db.read(actor) as reads:
        return reads.get(Job, UUID(str(job_id)))
