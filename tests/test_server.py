"""The server as a user runs it: `growbase up` and `serve` in processes of their own."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pysqlite3
import pytest

from tests.processes import free_port, start, wait_for_url, wait_until

EMAIL = "owner@example.com"
PASSWORD = "correct horse battery staple"
STOP_SECONDS = 5
STARTS = 7


@dataclass
class Server:
    """A running server and how to talk to it."""

    process: subprocess.Popen[bytes]
    port: int
    env: dict[str, str]
    folder: Path

    def request(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
        """Send a request and return status and JSON."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- the same
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def login(self) -> str:
        """Return an access token of the owner."""
        status, answer = self.request("POST", "/api/auth/login", {"email": EMAIL, "password": PASSWORD})
        assert status == 200, answer
        token: str = answer["access_token"]
        return token

    def stop(self) -> float:
        """Send SIGTERM and return how long the server took to end."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        return time.monotonic() - began

    def kill(self) -> None:
        """Kill the server and its worker processes at once."""
        kill_group(self.process)


@contextmanager
def server(folder: Path, command: str = "up", port: int | None = None, **env: str) -> Iterator[Server]:
    """Run a server while the block runs; whatever is left of it is killed by its process group."""
    port = port or free_port()
    settings = {
        "GROWBASE_DATA_DIR": str(folder / "data"),
        "GROWBASE_PORT": str(port),
        "GROWBASE_ADMIN_EMAIL": EMAIL,
        "GROWBASE_ADMIN_PASSWORD": PASSWORD,
        "GROWBASE_PROCESSES": "1",
        **env,
    }
    with (folder / "server.log").open("ab") as output:
        process = start(
            [sys.executable, "-m", "growbase", command], env=settings, cwd=folder, output=output, start_new_session=True
        )
    try:
        wait_for_url(f"http://127.0.0.1:{port}/api/health", process, timeout=60)
        yield Server(process, port, settings, folder)
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the server and its worker processes at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@contextmanager
def writing(server: Server, token: str, acknowledged: list[str]) -> Iterator[None]:
    """Write with four clients while the block runs, and note the id of every row that was confirmed."""
    ended = threading.Event()

    def write() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            body = {"name": f"{server.process.pid}-{threading.get_ident()}-{number}"}
            try:
                status, answer = server.request("POST", "/api/brands", body, token)
            except (OSError, HTTPException):
                time.sleep(0.02)  # the process was killed before it had answered
                continue
            assert status == 201, answer
            acknowledged.append(answer["id"])

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        ended.set()
        for writer in writers:
            writer.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an empty folder to start in."""
    return tmp_path


def test_up_installs_seeds_once_and_keeps_the_data(folder: Path, database_url: str) -> None:
    with server(folder, GROWBASE_DATABASE_URL=database_url) as first:
        token = first.login()
        status, campaigns = first.request("GET", "/api/campaigns?counts=journeys,contents", token=token)
        assert status == 200
        assert len(campaigns["data"]) == 5
        assert all(row["counts"]["journeys"] for row in campaigns["data"])
        assert first.request("POST", "/api/brands", {"name": "Kept"}, token)[0] == 201
        assert first.stop() < STOP_SECONDS
    with server(folder, GROWBASE_DATABASE_URL=database_url) as second:
        token = second.login()
        assert len(second.request("GET", "/api/campaigns", token=token)[1]["data"]) == 5
        assert [row["name"] for row in second.request("GET", "/api/brands?name=Kept", token=token)[1]["data"]] == [
            "Kept"
        ]


def test_the_server_stops_in_time_with_open_connections_and_a_busy_writer(folder: Path, database_url: str) -> None:
    with server(folder, GROWBASE_DATABASE_URL=database_url) as running:
        token = running.login()
        idle = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(20)]
        stopping = threading.Event()

        def write() -> None:
            number = 0
            while not stopping.is_set():
                number += 1
                try:
                    running.request("POST", "/api/brands", {"name": f"{threading.get_ident()}-{number}"}, token)
                except OSError:
                    return

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        try:
            wait_until(
                lambda: len(running.request("GET", "/api/brands?limit=50", token=token)[1]["data"]) > 10, "some writes"
            )
            assert running.stop() < STOP_SECONDS
        finally:
            stopping.set()
            for writer in writers:
                writer.join()
            for connection in idle:
                connection.close()


def test_ctrl_c_which_reaches_every_process_stops_them_cleanly(folder: Path) -> None:
    with server(folder, GROWBASE_PROCESSES="2") as running:
        running.login()
        began = time.monotonic()
        os.killpg(running.process.pid, signal.SIGINT)
        running.process.wait(30)
        assert time.monotonic() - began < STOP_SECONDS
    assert "refused to gracefully stop" not in (folder / "server.log").read_text()


def test_a_second_server_on_one_data_folder_is_refused_unless_it_is_asked_for(folder: Path) -> None:
    with server(folder) as first:
        port = str(free_port())
        refused = subprocess.run(
            [sys.executable, "-m", "growbase", "serve"],
            env={**os.environ, **first.env, "GROWBASE_PORT": port},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert refused.returncode != 0
        assert "GROWBASE_ALLOW_SECOND_SERVER" in refused.stderr
        with server(folder, "serve", GROWBASE_ALLOW_SECOND_SERVER="true") as second:
            token = first.login()
            assert second.request("POST", "/api/brands", {"name": "From the second"}, token)[0] == 201
            assert first.request("POST", "/api/brands", {"name": "From the first"}, token)[0] == 201
            names = {row["name"] for row in first.request("GET", "/api/brands", token=token)[1]["data"]}
            assert {"From the first", "From the second"} <= names


def test_a_taken_port_is_a_clear_error(folder: Path) -> None:
    with server(folder) as first:
        refused = subprocess.run(
            [sys.executable, "-m", "growbase", "serve"],
            env={**os.environ, **first.env, "GROWBASE_ALLOW_SECOND_SERVER": "true"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert refused.returncode != 0
        assert f"Port {first.port} is in use" in refused.stderr


def test_every_acknowledged_write_survives_twenty_kills(folder: Path) -> None:
    acknowledged: list[str] = []
    kills = 0
    with server(folder) as running:
        token = running.login()
        assert running.stop() < STOP_SECONDS
    for turn in range(STARTS):
        with server(folder, "serve", GROWBASE_PROCESSES="2") as running, writing(running, token, acknowledged):
            main = running.process.pid
            workers = [int(pid) for pid in Path(f"/proc/{main}/task/{main}/children").read_text().split()]
            assert len(workers) == 2
            # One process after the other, each of which is started anew, then all that there are at once.
            for kill in (*(partial(os.kill, pid, signal.SIGKILL) for pid in workers), running.kill):
                enough = len(acknowledged) + 10 + turn
                wait_until(lambda enough=enough: len(acknowledged) >= enough, "some writes")
                kill()
                kills += 1
    assert kills >= 20
    with pysqlite3.connect(folder / "data" / "growbase.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        stored = {row[0] for row in connection.execute("SELECT id FROM brands")}
        logged = {row[0] for row in connection.execute("SELECT entity_id FROM changes WHERE action = 'insert'")}
    connection.close()
    assert set(acknowledged) <= stored
    assert stored <= logged
