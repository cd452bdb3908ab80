"""Each trouble is told once when it comes, daily while it stays and once when it is over, whoever is killed."""

import hmac
import json
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from growbase.core.actor import system
from growbase.core.clock import now
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.files import open_files
from growbase.core.outside import Outside
from growbase.core.tables import Alert, AlertNotice, AlertState, DoctorReport, Job, NoticeStatus
from growbase.core.telemetry import render_metrics
from growbase.jobs import figures
from growbase.jobs.retention import retain
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Worker
from growbase.ops import nightly
from growbase.ops.alerts import KIND, note_replication, note_troubles, send_notice, signing_secret, troubles
from growbase.ops.checks.finding import Patient
from growbase.ops.status import database_status
from tests.fixtures import open_at
from tests.outside import OUTSIDE
from tests.smtp import post_office, world

TROUBLE = {"disk /data": "12 MB are free."}


class Receiver(BaseHTTPRequestHandler):
    """Keeps what is posted and answers as a test wants it to."""

    got: ClassVar[list[tuple[dict[str, str], bytes]]] = []
    status: ClassVar[int] = 204

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[type[Receiver]]:
    Receiver.got.clear()
    Receiver.status = 204
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    Receiver.url = f"http://127.0.0.1:{server.server_port}/alerts"  # type: ignore[attr-defined]
    yield Receiver
    server.shutdown()
    server.server_close()


def told(settings: Settings, **ways: str) -> Settings:
    return Settings(data_dir=settings.data_dir, database_url=settings.database_url, **ways)


def worker(db: Database, settings: Settings, outside: Outside) -> Worker:
    return Worker(db, {KIND: partial(send_notice, settings=settings, outside=outside)})


def alert(db: Database, name: str = "disk /data") -> Alert | None:
    with db.read(system()) as reads:
        return reads.find(Alert, name=name)


def notices(db: Database) -> list[tuple[str, str, str]]:
    with db.read(system()) as reads:
        return [(row.state.value, row.way, row.status.value) for row in reads.rows(AlertNotice, order="created_at, id")]


def set_told(db: Database, back: timedelta) -> None:
    db.write(system(), lambda tx: tx.set_facts(Alert, {"name": "disk /data"}, {"told_at": now() - back}))


def test_a_trouble_is_told_when_it_comes_daily_and_when_it_is_over(db: Database, settings: Settings) -> None:
    by_mail = told(settings, alert_email="ops@example.com")
    assert note_troubles(db, by_mail, {}) == 0
    assert note_troubles(db, by_mail, TROUBLE) == 1
    assert note_troubles(db, by_mail, {"disk /data": "11 MB are free."}) == 0
    raised = alert(db)
    assert raised is not None
    assert (raised.state, raised.message) == (AlertState.RAISED, "12 MB are free.")
    set_told(db, timedelta(hours=25))
    assert note_troubles(db, by_mail, TROUBLE) == 1
    assert note_troubles(db, by_mail, TROUBLE) == 0
    assert note_troubles(db, by_mail, {}) == 1
    set_told(db, timedelta(days=3))
    assert note_troubles(db, by_mail, {}) == 0
    assert note_troubles(db, by_mail, TROUBLE) == 1
    assert [state for state, *_ in notices(db)] == ["raised", "raised", "resolved", "raised"]


def test_of_many_that_look_at_once_one_tells(db: Database, installed_url: str, settings: Settings) -> None:
    by_mail = told(settings, alert_email="ops@example.com")
    others = [open_at(installed_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda other: note_troubles(other, by_mail, TROUBLE), others)) == 1
    for other in others:
        other.close()
    assert len(notices(db)) == 1


def test_without_a_way_to_tell_troubles_are_noted_all_the_same(db: Database, settings: Settings) -> None:
    assert note_troubles(db, settings, TROUBLE) == 0
    assert alert(db) is not None
    status = database_status(settings)
    assert status.alerts == {"disk /data": "12 MB are free."}


def test_a_mail_is_sent_once(db: Database, settings: Settings) -> None:
    by_mail = told(settings, alert_email="ops@example.com")
    with post_office() as (post, mailer):
        outside = world(mailer)
        note_troubles(db, by_mail, TROUBLE)
        post.rcpt_reply = "451 later"
        assert worker(db, by_mail, outside).run_one()
        assert notices(db) == [("raised", "email", "queued")]
        post.rcpt_reply = "250 OK"
        db.write(system(), lambda tx: tx.set_facts(Job, {"kind": KIND}, {"run_at": now() - timedelta(seconds=1)}))
        assert worker(db, by_mail, outside).run_all() == 1
        db.write(system(), lambda tx: tx.set_facts(Job, {"kind": KIND}, {"status": "queued"}))
        worker(db, by_mail, outside).run_all()
    assert [mail["Subject"] for mail in post.mails] == ["[Growbase] raised: disk /data"]
    assert "12 MB are free." in str(post.mails[0].get_content())
    assert notices(db) == [("raised", "email", "sent")]


def test_an_address_is_told_by_a_signed_request(db: Database, settings: Settings, receiver: type[Receiver]) -> None:
    by_url = told(settings, alert_url=receiver.url)  # type: ignore[attr-defined]
    outside = replace(OUTSIDE, secret=b"the server's secret", allow_private=False)
    note_troubles(db, by_url, TROUBLE)
    worker(db, by_url, outside).run_all()
    ((headers, body),) = receiver.got
    key = b64decode(signing_secret(outside.secret).removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == f"v1,{b64encode(hmac.digest(key, text, 'sha256')).decode()}"
    assert json.loads(body)["data"]["alert"] == "disk /data"
    receiver.status = 500  # type: ignore[misc]
    note_troubles(db, by_url, {})
    worker(db, by_url, outside).run_all()
    assert notices(db) == [("raised", "url", "sent"), ("resolved", "url", "failed")]


KILLED = """
import os, sys
from pathlib import Path
from growbase.core.config import Settings
from tests.fixtures import open_at
from tests.ops.test_alerts import worker
from tests.outside import OUTSIDE
url, folder, address = sys.argv[1:]
database = open_at(url)
settings = Settings(data_dir=Path(folder), database_url=url, alert_url=address)
worker(database, settings, OUTSIDE).run_all()
"""


@pytest.mark.parametrize(("place", "arrived"), [("alert.claimed", 0), ("alert.sent", 1)])
def test_a_killed_process_makes_no_second_message(
    db: Database, settings: Settings, installed_url: str, receiver: type[Receiver], place: str, arrived: int
) -> None:
    address: str = receiver.url  # type: ignore[attr-defined]
    by_url = told(settings, alert_url=address)
    note_troubles(db, by_url, TROUBLE)
    root = Path(__file__).resolve().parents[2]
    environment = {"PYTHONPATH": f"{root / 'src'}:{root}", "CRASH_AT": place, "PATH": "/usr/bin"}
    command = [sys.executable, "-c", KILLED, installed_url, str(settings.data_dir), address]
    assert subprocess.run(command, env=environment, cwd=root, check=False).returncode == -9
    db.write(system(), lambda tx: tx.set_facts(Job, {"kind": KIND}, {"status": "queued", "lease_until": None}))
    worker(db, by_url, OUTSIDE).run_all()
    assert len(receiver.got) == arrived
    assert notices(db) == [("raised", "url", "sending")]


def test_what_is_looked_at_becomes_a_trouble(db: Database, settings: Settings) -> None:
    full = Settings(data_dir=settings.data_dir, database_url=settings.database_url, disk_free_min_mb=10**9)

    def plant(tx: Any) -> None:  # noqa: ANN401 -- a transaction
        found = [{"severity": "error", "where": "brands", "what": "The table is damaged."}]
        report = {"id": tx.enqueue("noop", {}, queue="dead"), "finished_at": tx.now, "errors": 1, "warnings": 0}
        tx.insert_facts(DoctorReport, [{**report, "findings": found}])
        tx.set_facts(Job, {"queue": "dead"}, {"status": "dead", "finished_at": tx.now})

    db.write(system(), plant)
    for reason in ("no disk", "litestream has exited"):
        note_replication(db, reason)
    patient = Patient(full, db, open_files(full), deep=False)
    found = troubles(patient)
    assert {name.split()[0] for name in found} == {"disk", "jobs", "doctor", "replication"}
    assert "brands: The table is damaged." in found["doctor"]
    assert found["replication"] == "The continuous backup is down: litestream has exited"
    note_replication(db, None)
    assert "replication" not in troubles(patient)


def test_the_nightly_look_is_stored_and_shown(db: Database, settings: Settings) -> None:
    outside = replace(OUTSIDE, files=open_files(settings))
    schedules = {schedule.name: schedule for schedule in nightly.schedules(settings, outside)}
    run: Callable[[Schedule], int] = lambda schedule: schedule.run(db)  # noqa: E731
    run(schedules["doctor/examine"])
    with db.read(system()) as reads:
        (report,) = reads.rows(DoctorReport)
    assert {one["check"] for one in report.findings} >= {"migrations"}
    assert report.errors == sum(one["severity"] == "error" for one in report.findings)
    run(schedules["doctor/alerts"])
    figures.observe(db)
    metrics = render_metrics()[0].decode()
    assert f'growbase_doctor_findings{{severity="error"}} {report.errors}.0' in metrics
    assert "growbase_alerts 1.0" in metrics
    assert database_status(settings).doctor["errors"] == report.errors


def test_old_notices_go(db: Database, settings: Settings) -> None:
    note_troubles(db, told(settings, alert_email="ops@example.com"), TROUBLE)
    note_troubles(db, settings, {})
    old = now() - timedelta(days=31)
    db.write(system(), lambda tx: tx.set_facts(AlertNotice, {"status": NoticeStatus.QUEUED}, {"created_at": old}))
    db.write(system(), lambda tx: tx.set_facts(Alert, {"name": "disk /data"}, {"since": old}))
    assert retain(db).rules == {"alert_notices": 1, "alerts": 1}
    assert (alert(db), notices(db)) == (None, [])


def test_the_addresses_are_checked() -> None:
    for wrong in ({"alert_email": "nobody"}, {"alert_url": "ftp://example.com"}):
        with pytest.raises(ValueError, match="must be"):
            Settings(**wrong)
