"""The change feed over HTTP: pages, and events from one tail for all streams."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from growbase.api import changes, tail
from growbase.api.direct import Direct
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.feed import Position, cursor_of, newest
from growbase.domains.identity.models import Membership, MembershipStatus
from growbase.domains.marketing.models import Brand
from tests.api.conftest import Client, Factory, Headers, LoginAs
from tests.api.factories import Row
from tests.fixtures import Tenant
from tests.processes import wait_until
from tests.test_server import server


def feed(client: Client, headers: Headers, query: str = "") -> Row:
    answer = client.get(f"/api/changes{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: Row = answer.json()
    return found


def now(client: Client, headers: Headers) -> str:
    page = feed(client, headers, "?since=now")
    assert (page["data"], page["has_more"]) == ([], False)
    cursor: str = page["next_cursor"]
    return cursor


def names(data: list[Row]) -> list[str]:
    return [change["changes"]["name"][1] for change in data if "name" in change["changes"]]


# -- pages ------------------------------------------------------------------------------------------------------------


def test_pages_follow_each_other_without_gap_to_the_end(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    cursor = now(client, headers)
    rows = [factory.create("brands", name=f"Brand {number}") for number in range(5)]
    found: list[Row] = []
    has_more = True
    while has_more:
        page = feed(client, headers, f"?since={cursor}&limit=2")
        assert len(page["data"]) <= 2
        found += page["data"]
        cursor, has_more = page["next_cursor"], page["has_more"]
    assert names(found) == [f"Brand {number}" for number in range(5)]
    first = found[0]
    assert set(first) == {
        *("cursor", "seq", "occurred_at", "actor", "action", "entity", "entity_id", "version", "changes")
    }
    assert (first["entity"], first["action"], first["version"]) == ("brands", "insert", 1)
    assert (first["entity_id"], first["actor"]["id"]) == (rows[0]["id"], str(factory.actor.id))
    assert feed(client, headers, f"?since={found[2]['cursor']}")["data"] == found[3:]
    assert feed(client, headers, f"?since={cursor}") == {"data": [], "next_cursor": cursor, "has_more": False}
    assert names(feed(client, headers)["data"])[-5:] == names(found)


def test_entities_are_named_as_resources_or_tables(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    cursor = now(client, headers)
    campaign = factory.create("campaigns")
    client.patch(f"/api/campaigns/{campaign['id']}", json={"name": "New"}, headers=headers)
    everything = {change["entity"] for change in feed(client, headers, f"?since={cursor}")["data"]}
    assert everything >= {"brands", "campaigns", "journeys", "journey_stages"}
    for name in ("journey-stages", "journey_stages"):
        found = feed(client, headers, f"?since={cursor}&entity={name}")
        assert {change["entity"] for change in found["data"]} == {"journey_stages"}
    found = feed(client, headers, f"?since={cursor}&entity=campaigns,brands")
    assert {change["entity"] for change in found["data"]} == {"campaigns", "brands"}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        *(("since=", "since"), ("since=x", "since"), ("since=-1", "since"), ("limit=0", "limit")),
        *(("limit=201", "limit"), ("limit=x", "limit"), ("limit=%D9%A3", "limit"), ("entity=", "entity")),
        *(("entity=nothing", "entity"), ("entity=users", "entity"), ("entity=saved-views", "entity")),
        *(("entity=notifications", "entity"), ("entity=campaigns,", "entity"), ("name=x", "name")),
        *(("limit=1&limit=2", "limit"), ("entity=campaign-summary", "entity")),
    ],
)
def test_a_wrong_parameter_is_named(factory: Factory, query: str, parameter: str) -> None:
    for accept in ("application/json", "text/event-stream"):
        answer = factory.client.get(f"/api/changes?{query}", headers={**factory.headers, "Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query"), answer.text
        assert [error["field"] for error in answer.json()["errors"]] == [parameter]


def test_a_position_the_log_does_not_have_is_gone(factory: Factory, db: Database) -> None:
    with db.read(system()) as reads:
        position = newest(reads)
    lost = cursor_of(Position(position.tx + 7, position.seq + 7))
    for headers in ({}, {"Accept": "text/event-stream"}):
        answer = factory.client.get(f"/api/changes?since={lost}", headers={**factory.headers, **headers})
        assert (answer.status_code, answer.json()["code"]) == (410, "gone"), answer.text
    resumed = {**factory.headers, "Accept": "text/event-stream", "Last-Event-ID": lost}
    assert factory.client.get("/api/changes", headers=resumed).status_code == 410


def test_nobody_reads_without_a_role_or_beyond_it(
    factory: Factory, tenant: Tenant, login_as: LoginAs, key_of: Callable[..., Headers]
) -> None:
    client = factory.client
    assert client.get("/api/changes").status_code == 401
    publishable = key_of(tenant.admin, "analytics:write")
    assert client.get("/api/changes", headers=publishable).status_code == 403
    viewer, admin = login_as(tenant.viewer), login_as(tenant.admin)
    cursor = now(client, viewer)
    key_of(tenant.admin, "read")
    factory.create("brands", name="Seen")
    made = client.post("/api/webhook-endpoints", json={"url": "https://example.com"}, headers=admin).json()
    entities = {
        who: {change["entity"] for change in feed(client, headers, f"?since={cursor}")["data"]}
        for who, headers in (("viewer", viewer), ("admin", admin), ("key", key_of(tenant.owner, "read", "write")))
    }
    assert entities["viewer"] == {"brands"}
    assert entities["admin"] == {"brands", "api_keys", "webhook_endpoints"}
    assert entities["key"] == {"brands"}
    assert client.get("/api/changes?entity=api-keys", headers=viewer).status_code == 403
    shown = feed(client, admin, f"?since={cursor}&entity=webhook-endpoints")["data"]
    assert made["secret"] not in json.dumps(shown)
    assert not any("secret" in name for change in shown for name in change["changes"])


def test_logins_exports_and_what_belongs_to_one_user_are_not_told(
    factory: Factory, tenant: Tenant, login_as: LoginAs
) -> None:
    client, headers = factory.client, factory.headers
    cursor = now(client, headers)
    factory.create("saved-views", shared=True)
    factory.create("saved-views", shared=False)
    client.get("/api/brands/export", headers=headers)
    client.post("/api/brands", json={"name": "No"}, headers=login_as(tenant.viewer))
    assert feed(client, headers, f"?since={cursor}")["data"] == []


def test_another_organization_is_told_nothing(
    factory: Factory, db: Database, other_tenant: Tenant, login_as: LoginAs
) -> None:
    theirs = login_as(other_tenant.owner)
    cursor = now(factory.client, theirs)
    row = factory.create("brands")
    page = feed(factory.client, theirs, f"?since={cursor}")
    assert (page["data"], page["has_more"]) == ([], False)
    assert row["id"] not in json.dumps(feed(factory.client, theirs, "?limit=200"))


# -- events -----------------------------------------------------------------------------------------------------------


@dataclass
class Stream:
    """An open stream of events, as an ASGI server would hold it."""

    start: dict[str, Any] = field(default_factory=dict)
    parts: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)
    buffer: bytes = b""

    async def block(self) -> dict[str, str] | None:
        """Return the fields of the next block, None at the end of the stream."""
        while b"\n\n" not in self.buffer:
            part = await asyncio.wait_for(self.parts.get(), 10)
            if part is None:
                return None
            self.buffer += part
        text, _, self.buffer = self.buffer.partition(b"\n\n")
        pairs = (line.partition(": ") for line in text.decode().split("\n"))
        return {name: value for name, _, value in pairs}

    async def event(self) -> Row:
        """Return the data of the next event, passing over signs of life."""
        while True:
            block = await self.block()
            assert block is not None, "the stream has ended"
            if "data" in block:
                found: Row = json.loads(block["data"])
                assert found["cursor"] == block["id"]
                return found


@asynccontextmanager
async def opened(app: Direct, headers: Headers, query: str = "") -> AsyncIterator[Stream]:
    """Hold a stream open while the block runs, then go away as a client does."""
    stream, gone = Stream(), asyncio.Event()
    asked = {"accept": "text/event-stream", **{name.lower(): value for name, value in headers.items()}}
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/changes",
        "raw_path": b"/api/changes",
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in asked.items()],
        "client": ("192.0.2.1", 1),
        "server": ("testserver", 80),
        "state": {},
        "extensions": {},
    }
    first = True

    async def receive() -> Any:  # noqa: ANN401 -- a message
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 -- a message
        if message["type"] == "http.response.start":
            stream.start = message
        else:
            stream.parts.put_nowait(message["body"])
            if not message.get("more_body"):
                stream.parts.put_nowait(None)

    serving = asyncio.create_task(app(scope, receive, send))
    try:
        yield stream
    finally:
        gone.set()
        await asyncio.wait_for(serving, 10)


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 30))  # type: ignore[arg-type]


def add_brand(db: Database, actor: Actor, name: str) -> UUID:
    return db.write(actor, lambda tx: tx.insert(Brand, name=name))


async def brand(db: Database, actor: Actor, name: str) -> UUID:
    return await asyncio.to_thread(add_brand, db, actor, name)


def test_events_come_as_they_are_committed_to_every_stream_of_the_organization(
    app: Direct, db: Database, tenant: Tenant, other_tenant: Tenant, login_as: LoginAs
) -> None:
    ours, theirs = login_as(tenant.viewer), login_as(other_tenant.viewer)

    async def work() -> None:
        async with opened(app, ours) as first, opened(app, ours) as second, opened(app, theirs) as other:
            for stream in (first, second, other):
                hello = await stream.block()
                assert hello is not None
                assert hello["retry"] == "2000"
            headers = dict(first.start["headers"])
            assert headers[b"content-type"].startswith(b"text/event-stream")
            assert headers[b"cache-control"] == b"no-store"
            for name in ("A", "B"):
                await brand(db, tenant.member, name)
                for stream in (first, second):
                    assert names([await stream.event()]) == [name]
            await brand(db, other_tenant.member, "C")
            assert names([await other.event()]) == ["C"]
            assert len(app.api.tail._rings) == 2
        assert app.api.tail._rings == {}

    run(work)


def test_a_stream_resumes_where_it_ended_and_leaves_out_what_is_not_asked_for(
    app: Direct, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    headers = login_as(tenant.admin)

    async def work() -> None:
        async with opened(app, headers, "entity=brands") as stream:
            await stream.block()
            await brand(db, tenant.member, "A")
            first = await stream.event()
        for name in ("B", "C"):
            await brand(db, tenant.member, name)
        resumed = {**headers, "Last-Event-ID": first["cursor"]}
        # The place it was first asked for is older: the browser repeats it.
        async with opened(app, resumed, f"since={cursor_of(Position(0, 0))}") as stream:
            assert names([await stream.event(), await stream.event()]) == ["B", "C"]
            await brand(db, tenant.member, "D")
            assert names([await stream.event()]) == ["D"]
        async with opened(app, headers, f"since={first['cursor']}&entity=campaigns") as stream:
            hello = await stream.block()
            assert hello is not None
            assert hello["id"] == first["cursor"]

    run(work)


def test_roles_see_their_own_part_of_one_tail(
    app: Direct, db: Database, tenant: Tenant, login_as: LoginAs, key_of: Callable[..., Headers]
) -> None:
    viewer, admin = login_as(tenant.viewer), login_as(tenant.admin)

    async def work() -> None:
        async with opened(app, viewer) as low, opened(app, admin) as high:
            await low.block()
            await high.block()
            await asyncio.to_thread(key_of, tenant.admin, "read")
            await brand(db, tenant.member, "A")
            assert [(await high.event())["entity"], (await high.event())["entity"]] == ["api_keys", "brands"]
            assert (await low.event())["entity"] == "brands"

    run(work)


def test_who_falls_behind_what_is_in_memory_reads_the_database(
    app: Direct, db: Database, tenant: Tenant, login_as: LoginAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = login_as(tenant.viewer)
    monkeypatch.setattr(tail, "KEPT", 3)

    async def work() -> None:
        async with opened(app, headers) as stream:
            await stream.block()
            await brand(db, tenant.member, "first")
            assert names([await stream.event()]) == ["first"]
            many = [{"name": f"Brand {number}"} for number in range(600)]
            await asyncio.to_thread(db.write, tenant.member, lambda tx: tx.insert_many(Brand, many))
            found = [await stream.event() for _ in many]
            assert names(found) == [row["name"] for row in many]
            [ring] = app.api.tail._rings.values()
            assert len(ring.entries) == 3

    run(work)


def test_nothing_is_missed_or_repeated_while_many_write_and_come_and_go(
    app: Direct, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    headers = login_as(tenant.viewer)

    async def follow(since: str, count: int, stop_after: int) -> list[str]:
        """Read ``count`` names, coming back after every ``stop_after``."""
        found: list[str] = []
        cursor = since
        while len(found) < count:
            async with opened(app, {**headers, "Last-Event-ID": cursor}) as stream:
                for _ in range(min(stop_after, count - len(found))):
                    event = await stream.event()
                    found += names([event])
                    cursor = event["cursor"]
        return found

    async def work() -> None:
        with db.read(system()) as reads:
            since = cursor_of(newest(reads))
        followers = [asyncio.create_task(follow(since, 60, part)) for part in (60, 60, 7, 23)]
        for start in (0, 20, 40):
            await asyncio.gather(*(brand(db, tenant.member, f"{start + number}") for number in range(20)))
        found = [await follower for follower in followers]
        assert found[1:] == found[:-1]
        assert sorted(found[0]) == sorted(str(number) for number in range(60))

    run(work)


def test_another_processs_changes_are_noticed_by_the_poll(
    app: Direct, db: Database, tenant: Tenant, login_as: LoginAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = login_as(tenant.viewer)
    monkeypatch.setattr(tail, "POLL_SECONDS", 0.1)

    async def work() -> None:
        async with opened(app, headers) as stream:
            await stream.block()
            await asyncio.sleep(0.2)
            db.listeners.remove(app.api.tail._on_commit)
            await brand(db, tenant.member, "A")
            assert names([await stream.event()]) == ["A"]

    run(work)


def test_a_quiet_stream_shows_that_it_lives_and_ends_when_the_login_does(
    app: Direct, db: Database, tenant: Tenant, login_as: LoginAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = login_as(tenant.viewer)
    monkeypatch.setattr(changes, "HEARTBEAT_SECONDS", 0.1)

    def leave() -> None:
        def unit(tx: Any) -> None:  # noqa: ANN401 -- a transaction
            row = tx.find(Membership, user_id=tenant.viewer.id)
            tx.update(Membership, row.id, {"status": MembershipStatus.DISABLED})

        db.write(tenant.owner, unit)

    async def work() -> None:
        async with opened(app, headers) as stream:
            await stream.block()
            await brand(db, tenant.member, "A")
            event = await stream.event()
            beat = await stream.block()
            assert beat == {"": "heartbeat", "id": event["cursor"]}
            await asyncio.to_thread(leave)
            while (block := await stream.block()) is not None:
                assert block.get("") == "heartbeat" or json.loads(block["data"])["entity"] == "memberships"
        assert app.api.tail._rings == {}

    run(work)


def test_every_stream_ends_when_the_application_stops(
    app: Direct, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    headers = login_as(tenant.viewer)

    async def work() -> None:
        async with opened(app, headers) as first, opened(app, headers) as second:
            for stream in (first, second):
                await stream.block()
            app.api.tail.close()
            for stream in (first, second):
                assert await stream.block() is None
        async with opened(app, headers) as late:
            await late.block()
            assert await late.block() is None

    run(work)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an empty folder to start in."""
    return tmp_path


@contextmanager
def curls(port: int, token: str, count: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Hold streams open from processes of their own while the block runs."""
    command = ["curl", "-sSN", "-H", "Accept: text/event-stream", "-H", f"Authorization: Bearer {token}"]
    command.append(f"http://127.0.0.1:{port}/api/changes")
    found = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for stream in found:
            assert line_of(stream) == b"retry: 2000\n"
        yield found
    finally:
        for stream in found:
            stream.kill()
            stream.communicate()


def line_of(stream: "subprocess.Popen[bytes]") -> bytes:
    assert stream.stdout is not None
    line: bytes = stream.stdout.readline()
    return line


def test_a_real_server_tells_changes_of_all_its_processes_and_ends_its_streams(folder: Path, database_url: str) -> None:
    with server(folder, GROWBASE_DATABASE_URL=database_url, GROWBASE_PROCESSES="2") as running:
        token = running.login()
        with curls(running.port, token, 4) as streams:
            for number in range(6):
                assert running.request("POST", "/api/brands", {"name": f"Brand {number}"}, token)[0] == 201
            for stream in streams:
                found: list[str] = []
                while len(found) < 6:
                    line = line_of(stream)
                    assert line, "the stream has ended"
                    if line.startswith(b"data: "):
                        found += names([json.loads(line[6:])])
                assert found == [f"Brand {number}" for number in range(6)]
            running.stop()
            # A stream that is cut off instead of ended is an error to curl.
            assert [stream.wait(10) for stream in streams] == [0] * 4
    assert b"refused to gracefully stop" not in (folder / "server.log").read_bytes()


def test_processes_whose_parent_was_killed_end_though_streams_are_open(folder: Path) -> None:
    with server(folder, GROWBASE_PROCESSES="2") as running, curls(running.port, running.login(), 4) as streams:
        os.kill(running.process.pid, signal.SIGKILL)
        assert [stream.wait(20) for stream in streams] == [0] * 4
        wait_until(lambda: not is_open(running.port), "the end of every process")


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
