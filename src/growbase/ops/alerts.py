"""Telling people of troubles, by mail or to an address: when one comes, daily while it stays, and when it is over.

A trouble is a finding of one of the cheap checks. Its row in ``alerts`` changes in the same unit that queues the
notices, so each change is told once, whoever looks and however often. A notice is claimed before it is sent: if its
process dies in between, it is not sent again; the daily repetition makes up for it.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from typing import Final
from uuid import UUID

import httpx

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.crash import crash_point
from growbase.core.crypto import derive_key
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.facts import delete_facts, hold
from growbase.core.mail import message_id_of
from growbase.core.outbound import safe_client
from growbase.core.outside import Outside
from growbase.core.tables import Alert, AlertNotice, AlertState, DoctorReport, InstanceFact, Job, NoticeStatus
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.domains.identity.actions_webhooks import Letter
from growbase.jobs.errors import Permanent, Transient, UnknownOutcome
from growbase.jobs.mailing import send_as_task
from growbase.jobs.policies import MAINTENANCE
from growbase.ops.checks import background, installation
from growbase.ops.checks.finding import Check, Patient
from growbase.ops.doctor import examine

WATCHED: Final[tuple[Check, ...]] = (installation.disk, background.jobs, background.webhooks, background.backups)
KIND: Final = "send_alert"
AGAIN: Final = timedelta(days=1)
REPLICATION: Final = "replication_down"
"""The instance fact by which whoever supervises litestream or pg_receivewal tells that it is down, and why."""
ERRORS: Final = 3
"""Errors of doctor that an alert names."""
TRY_LATER: Final = frozenset({429, 503})


def troubles(patient: Patient) -> dict[str, str]:
    """Return the troubles there are now, by name."""
    found = {f"{one.check} {one.where}"[:300]: f"{one.what} {one.fix}"[:2_000] for one in examine(patient, WATCHED)}
    with patient.database.read(system("alerts")) as reads:
        for report in reads.rows(DoctorReport, order="-finished_at", limit=1):
            if report.errors:
                first = [f"{one['where']}: {one['what']}" for one in report.findings if one["severity"] == "error"]
                text = f"{report.errors} errors, see growbase doctor: {'; '.join(first[:ERRORS])}"
                found["doctor"] = text[:2_000]
        down = reads.find(InstanceFact, name=REPLICATION)
        if down is not None:
            found["replication"] = down.value[:2_000] or "The replication of the database is down."
    return found


def look(database: Database, patient: Patient) -> int:
    """Note which troubles have come, stayed and gone, and return how many notices that makes."""
    return note_troubles(database, patient.settings, troubles(patient))


def note_troubles(database: Database, settings: Settings, found: Mapping[str, str]) -> int:
    """Bring the alerts in line with what was found and queue a notice for each that has changed."""
    ways = [way for way in ("email", "url") if getattr(settings, f"alert_{way}")]

    def unit(tx: Transaction) -> int:
        hold(tx, "alerts")
        known = {row.name: row for row in tx.rows(Alert)}
        notices = 0
        for name in sorted({*found, *(row.name for row in known.values() if row.state is AlertState.RAISED)}):
            notices += _note(tx, name, known.get(name), found.get(name), ways)
        return notices

    return database.write(system("alerts"), unit)


def _note(tx: Transaction, name: str, row: Alert | None, text: str | None, ways: Iterable[str]) -> int:
    """Write one alert's state and return how many notices were queued."""
    state = AlertState.RAISED if text is not None else AlertState.RESOLVED
    has_changed = row is None or row.state is not state
    if not has_changed and row is not None and (row.told_at > tx.now - AGAIN or state is AlertState.RESOLVED):
        return 0
    said = text if text is not None else row.message if row else ""
    values = {"state": state, "message": said, "told_at": tx.now, **({"since": tx.now} if has_changed else {})}
    if row is None:
        tx.insert_facts(Alert, [{"name": name, **values}])
    else:
        tx.set_facts(Alert, {"name": name}, values)
    count = 0
    for way in ways:
        notice_id = clock.new_id()
        notice = {"id": notice_id, "alert": name, "state": state, "message": said, "way": way}
        tx.insert_facts(AlertNotice, [{**notice, "status": NoticeStatus.QUEUED, "created_at": tx.now}])
        tx.enqueue(KIND, {"notice_id": str(notice_id)}, queue=MAINTENANCE, dedupe_key=str(notice_id))
        count += 1
    return count


def note_replication(database: Database, reason: str | None) -> None:
    """Note that the continuous backup is down and why, or with None that it runs again."""

    def unit(tx: Transaction) -> None:
        delete_facts(tx, InstanceFact, {"name": REPLICATION})
        if reason is not None:
            tx.insert_facts(InstanceFact, [{"name": REPLICATION, "value": f"The continuous backup is down: {reason}"}])

    database.write(system("backup"), unit)


# -- sending ----------------------------------------------------------------------------------------------------------


def send_notice(database: Database, actor: Actor, job: Job, *, settings: Settings, outside: Outside) -> None:
    """Send one notice, unless somebody has begun to already. Raises Transient where it surely did not arrive."""
    notice_id = UUID(str(job.payload["notice_id"]))
    notice = database.write(actor, partial(_claim, id=notice_id))
    if notice is None:
        return
    crash_point("alert.claimed")
    end = partial(_end, id=notice_id)
    try:
        _send_mail(notice, settings, outside) if notice.way == "email" else _post(notice, settings, outside)
    except Transient:
        database.write(actor, partial(end, status=NoticeStatus.QUEUED))
        raise
    except GrowbaseError as error:
        database.write(actor, partial(end, status=NoticeStatus.FAILED, error=str(error)[:500]))
        raise
    crash_point("alert.sent")
    database.write(actor, partial(end, status=NoticeStatus.SENT))


def _claim(tx: Transaction, *, id: UUID) -> AlertNotice | None:
    queued = {"id": id, "status": NoticeStatus.QUEUED}
    return tx.find(AlertNotice, id) if tx.set_facts(AlertNotice, queued, {"status": NoticeStatus.SENDING}) else None


def _end(tx: Transaction, *, id: UUID, status: NoticeStatus, error: str | None = None) -> None:
    tx.set_facts(AlertNotice, {"id": id, "status": NoticeStatus.SENDING}, {"status": status, "error": error})


def _send_mail(notice: AlertNotice, settings: Settings, outside: Outside) -> None:
    message = EmailMessage()
    message["From"] = outside.sender
    message["To"] = settings.alert_email
    message["Subject"] = f"[Growbase] {notice.state.value}: {notice.alert}"[:200]
    message["Message-ID"] = message_id_of(notice.id, outside.sender)
    message.set_content(f"{notice.message}\n\n{outside.base_url}, {moment_text(notice.created_at)}\n")
    send_as_task(outside.mailer, message)


def _post(notice: AlertNotice, settings: Settings, outside: Outside) -> None:
    """Post a notice as the webhooks are, signed by Standard Webhooks."""
    names = {"alert": notice.alert, "state": notice.state.value, "text": notice.message, "server": outside.base_url}
    body = json.dumps(
        {"type": f"alert.{notice.state.value}", "timestamp": moment_text(notice.created_at), "data": names}
    )
    url = settings.alert_url or ""
    letter = Letter(notice.id, 0, url, body, (signing_secret(outside.secret),))
    headers = {"content-type": "application/json", **letter.headers(int(clock.now().timestamp()))}
    try:
        # Where to is the operator's own choice, so it may be an address inside.
        with safe_client(allow_private=True) as client:
            answer = client.post(url, content=body.encode(), headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Transient(str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnknownOutcome(str(error)) from error
    if answer.status_code in TRY_LATER:
        raise Transient(f"the address answered {answer.status_code}")
    if not answer.is_success:
        raise Permanent(f"the address answered {answer.status_code}")


def signing_secret(secret: bytes) -> str:
    """Return the secret of alerts, made from the server's, as a receiver's library takes it."""
    return "whsec_" + base64.b64encode(derive_key(secret, "alerts")).decode()
