import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, ActorKind, system
from growbase.core.database import Database
from growbase.core.errors import Conflict, Forbidden, Invalid
from growbase.core.feed import newest, reader_position
from growbase.core.tables import Change, Job
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity import actions_webhooks, tasks_webhooks
from growbase.domains.identity.actions_webhooks import (
    BACKOFF_SECONDS,
    FAILURES,
    MAX_ATTEMPTS,
    MAX_ENDPOINTS,
    READER,
    checked_events,
    checked_url,
    create_webhook_endpoint,
    enable_webhook_endpoint,
    new_secret,
    ping_webhook_endpoint,
    resend_webhook_delivery,
    rotate_webhook_secret,
    update_webhook_endpoint,
)
from growbase.domains.identity.models import Organization
from growbase.domains.identity.models_personal import Notification
from growbase.domains.identity.models_webhooks import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from growbase.domains.identity.tasks_webhooks import deliver_webhook, fan_out_webhooks, stuck_deliveries
from growbase.jobs import queue
from growbase.jobs.claim import Claimant, claim, due_queues
from growbase.jobs.retention import retain
from growbase.jobs.worker import Worker
from tests.domains.identity.receiver import Receiver, Reply, answer, receiver, status
from tests.fixtures import Tenant, open_at
from tests.outside import OUTSIDE

DOCS = Path(__file__).resolve().parents[3] / "docs" / "operations" / "webhooks.md"


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def verify() -> Callable[[str, Mapping[str, str], bytes], bool]:
    """Give the function that the documentation shows."""
    [source] = re.findall(r"^```python\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(source, str(DOCS), "exec"), names)  # noqa: S102 -- it is our own page
    found: Callable[[str, Mapping[str, str], bytes], bool] = names["verify"]
    return found


def add_endpoint(db: Database, actor: Actor, url: str, secret: str | None = None, **over: Any) -> UUID:  # noqa: ANN401
    text = secret or new_secret()
    return db.write(actor, lambda tx: create_webhook_endpoint(tx, url=url, secret=text, **over))


def rename(db: Database, actor: Actor, name: str) -> None:
    db.write(actor, lambda tx: tx.update(Organization, actor.organization_id, {"name": name}))


def work(db: Database, *, early: bool = False) -> int:
    """Run the deliveries that are due, or all that wait, and return how many jobs ran."""
    worker = Worker(db, {"deliver_webhook": partial(deliver_webhook, outside=OUTSIDE)}, queues=["webhooks"])
    ran = 0
    while True:
        if early:
            db.write(
                system(), lambda tx: tx.set_facts(Job, {"status": "queued", "queue": "webhooks"}, {"run_at": tx.now})
            )
        if not worker.run_one():
            return ran
        ran += 1


def deliver(db: Database) -> int:
    fan_out_webhooks(db)
    return work(db)


def deliveries(db: Database, actor: Actor) -> list[WebhookDelivery]:
    with db.read(actor) as reads:
        return reads.rows(WebhookDelivery, order="id")


def endpoint(db: Database, actor: Actor, id: UUID) -> WebhookEndpoint:
    with db.read(actor) as reads:
        return reads.get(WebhookEndpoint, id)


# -- from a change to a request ---------------------------------------------------------------------------------------


def test_a_change_is_posted_once_and_signed(
    db: Database, actor: Actor, hooks: Receiver, verify: Callable[..., bool]
) -> None:
    secret = new_secret()
    id = add_endpoint(db, actor, hooks.url, secret, events=["organizations.*"])
    rename(db, actor, "Acme Ltd")
    assert deliver(db) == 1
    [request] = hooks.take()
    [delivery] = deliveries(db, actor)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == request.json["id"] == str(delivery.id)
    assert verify(secret, request.headers, request.body)
    assert request.json["type"] == "organizations.update"
    assert request.json["organization_id"] == str(actor.organization_id)
    assert request.json["data"] == {
        "entity": "organizations",
        "entity_id": str(actor.organization_id),
        "action": "update",
        "version": 2,
        "changes": {"name": ["Acme", "Acme Ltd"]},
    }
    found = (delivery.endpoint_id, delivery.status, delivery.attempts, delivery.last_status, delivery.next_attempt_at)
    assert found == (id, DeliveryStatus.DELIVERED, 1, 200, None)
    assert delivery.delivered_at is not None
    assert delivery.response_ms is not None
    assert (fan_out_webhooks(db), work(db), hooks.take()) == (0, 0, [])


def test_a_signature_holds_for_one_body_one_time_and_one_secret(
    db: Database, actor: Actor, hooks: Receiver, verify: Callable[..., bool]
) -> None:
    secret = new_secret()
    add_endpoint(db, actor, hooks.url, secret)
    rename(db, actor, "B")
    deliver(db)
    [request] = hooks.take()
    assert verify(secret, request.headers, request.body)
    old = str(int(request.headers["webhook-timestamp"]) - 301)
    assert not verify(secret, request.headers, request.body + b" ")
    assert not verify(new_secret(), request.headers, request.body)
    assert not verify(secret, {**request.headers, "webhook-timestamp": old}, request.body)
    assert not verify(secret, {**request.headers, "webhook-id": "other"}, request.body)


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(
    db: Database, actor: Actor, hooks: Receiver, verify: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = new_secret()
    id = add_endpoint(db, actor, hooks.url, old)
    shown = db.write(actor, lambda tx: rotate_webhook_secret(tx, id=id))
    new = str(shown["secret"])
    rename(db, actor, "B")
    deliver(db)
    for request in hooks.take():
        assert verify(new, request.headers, request.body)
        assert verify(old, request.headers, request.body)
    later = clock.now() + timedelta(hours=25)
    with db.read(actor) as reads:
        sent = reads.rows(WebhookDelivery, order="id")[-1]
    db.write(actor, lambda tx: resend_webhook_delivery(tx, id=sent.id))
    with db.read(actor) as reads:
        monkeypatch.setattr(clock, "now", lambda: later)
        letter = actions_webhooks.letter_of(reads, sent.id, 0)
        monkeypatch.undo()
    assert letter is not None
    assert letter.secrets == (new,)
    with db.read(actor) as reads:
        kept = repr([change.changes for change in reads.rows(Change)])
    assert old not in kept
    assert new not in kept


def test_an_endpoint_gets_the_events_it_names_and_never_anothers(
    db: Database, tenant: Tenant, other_tenant: Tenant, hooks: Receiver
) -> None:
    everything = add_endpoint(db, tenant.owner, hooks.url)
    add_endpoint(db, tenant.owner, hooks.url, events=["memberships.*", "organizations.trash"])
    with receiver() as theirs:
        add_endpoint(db, other_tenant.owner, theirs.url)
        rename(db, tenant.owner, "B")
        deliver(db)
        assert [request.json["type"] for request in hooks.take()] == ["organizations.update"]
        assert theirs.take() == []
        rename(db, other_tenant.owner, "C")
        deliver(db)
        assert hooks.take() == []
        assert [request.json["data"]["changes"]["name"] for request in theirs.take()] == [["Rival", "C"]]
    assert {delivery.endpoint_id for delivery in deliveries(db, tenant.owner)} == {everything}


def test_what_is_no_write_of_a_resource_and_an_endpoints_own_changes_are_not_sent(
    db: Database, actor: Actor, hooks: Receiver
) -> None:
    id = add_endpoint(db, actor, hooks.url)
    db.write(actor, lambda tx: tx.record("login", "users", actor.id))
    db.write(actor, lambda tx: tx.record("export", "organizations", None, {"query": ""}))
    db.write(actor, lambda tx: update_webhook_endpoint(tx, id=id, changes={"description": "mine"}))
    assert deliver(db) == 0
    with db.read(system()) as reads:
        assert reader_position(reads, READER) == newest(reads)


def test_what_happened_before_an_endpoint_was_made_or_while_it_was_disabled_is_not_sent(
    db: Database, actor: Actor, hooks: Receiver
) -> None:
    first = add_endpoint(db, actor, hooks.url, events=["memberships.*"])
    rename(db, actor, "Before")
    id = add_endpoint(db, actor, hooks.url)
    rename(db, actor, "After")
    deliver(db)
    db.write(actor, lambda tx: tx.transition(WebhookEndpoint, id, EndpointStatus.DISABLED))
    rename(db, actor, "Disabled")
    deliver(db)
    db.write(actor, lambda tx: enable_webhook_endpoint(tx, id=id))
    rename(db, actor, "Enabled")
    deliver(db)
    names = [request.json["data"]["changes"]["name"][1] for request in hooks.take()]
    assert names == ["After", "Enabled"]
    found = endpoint(db, actor, id)
    assert (found.status, found.disabled_at, found.disabled_reason) == (EndpointStatus.ACTIVE, None, None)
    assert first != id


def test_many_changes_for_many_endpoints_are_stored_in_small_units(
    db: Database, actor: Actor, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_webhooks, "DELIVERIES", 10)
    for _ in range(3):
        add_endpoint(db, actor, hooks.url, events=["organizations.*"])
    for number in range(20):
        rename(db, actor, f"Name {number}")
    sizes: list[int] = []
    spread = tasks_webhooks._spread
    monkeypatch.setattr(tasks_webhooks, "_spread", lambda *args: sizes.append(spread(*args)) or sizes[-1])
    assert fan_out_webhooks(db) == 60
    assert max(sizes) <= 12
    assert work(db) == 60
    for one in {request.headers["webhook-signature"] for request in hooks.received}:
        assert one.startswith("v1,")
    versions: dict[UUID, list[int]] = {}
    for delivery in deliveries(db, actor):
        versions.setdefault(delivery.endpoint_id, []).append(delivery.payload["data"]["version"])
    assert [sorted(found) for found in versions.values()] == [list(range(2, 22))] * 3


def test_several_processes_make_each_delivery_once(
    db: Database, actor: Actor, hooks: Receiver, installed_url: str
) -> None:
    add_endpoint(db, actor, hooks.url, events=["organizations.*"])
    with closing(open_at(installed_url)) as second, ThreadPoolExecutor(5) as pool:
        stop = threading.Event()

        def fan(database: Database) -> int:
            made = 0
            while not stop.is_set():
                made += fan_out_webhooks(database)
            return made + fan_out_webhooks(database)

        running = [pool.submit(fan, database) for database in (db, second, db)]
        for number in range(30):
            rename(second if number % 2 else db, actor, f"Name {number}")
        stop.set()
        counts = [found.result() for found in running]
    assert sum(counts) + fan_out_webhooks(db) == 30
    versions = [delivery.payload["data"]["version"] for delivery in deliveries(db, actor)]
    assert sorted(versions) == list(range(2, 32))


# -- what answers ------------------------------------------------------------------------------------------------------


def test_a_failure_is_tried_again_until_it_is_received(db: Database, actor: Actor, hooks: Receiver) -> None:
    id = add_endpoint(db, actor, hooks.url)
    hooks.replies = [status(500, b"no\x00 room"), status(503, retry_after="1000"), status(302, location="/other")]
    rename(db, actor, "B")
    began = clock.now()
    assert deliver(db) == 1
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.last_status, delivery.last_error) == ("failed", 500, "HTTP 500: no room")
    pause = delivery.next_attempt_at - began
    assert timedelta(seconds=BACKOFF_SECONDS[0] * 0.8) < pause < timedelta(seconds=BACKOFF_SECONDS[0] * 3)
    assert endpoint(db, actor, id).failure_count == 1
    assert work(db) == 0
    with db.read(actor) as reads:
        [_, waiting] = reads.rows(Job, kind="deliver_webhook", order="id")
    assert waiting.run_at == delivery.next_attempt_at
    assert work(db, early=True) == 3
    requests = hooks.take()
    assert len({request.headers["webhook-id"] for request in requests}) == 1
    assert len({request.body for request in requests}) == 1
    assert len(requests) == 4
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.attempts, delivery.last_error) == ("delivered", 4, None)
    found = endpoint(db, actor, id)
    assert (found.failure_count, found.failing_since, found.status) == (0, None, EndpointStatus.ACTIVE)


@pytest.mark.parametrize(
    ("asked", "least"),
    [("1000", timedelta(seconds=1000)), ("9999999", timedelta(days=1)), ("nonsense", timedelta(seconds=4))],
)
def test_the_pause_a_server_asks_for_is_kept_up_to_a_day(
    db: Database, actor: Actor, hooks: Receiver, asked: str, least: timedelta
) -> None:
    add_endpoint(db, actor, hooks.url)
    hooks.reply = status(429, retry_after=asked)
    rename(db, actor, "B")
    began = clock.now()
    deliver(db)
    [delivery] = deliveries(db, actor)
    assert least <= delivery.next_attempt_at - began < least + timedelta(seconds=20)


def test_a_date_to_retry_after_is_understood() -> None:
    until = (clock.now() + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    found = tasks_webhooks._retry_after(until)
    assert found is not None
    assert timedelta(minutes=59) < found < timedelta(minutes=61)
    assert tasks_webhooks._retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == timedelta()
    assert tasks_webhooks._retry_after("") is None


def test_after_its_last_attempt_a_delivery_is_dead_and_can_be_sent_again(
    db: Database, actor: Actor, hooks: Receiver
) -> None:
    add_endpoint(db, actor, hooks.url)
    hooks.reply = status(500)
    rename(db, actor, "B")
    fan_out_webhooks(db)
    assert work(db, early=True) == MAX_ATTEMPTS == 8
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.attempts, delivery.next_attempt_at) == (DeliveryStatus.DEAD, 8, None)
    hooks.reply = status(204)
    db.write(actor, lambda tx: resend_webhook_delivery(tx, id=delivery.id))
    assert work(db) == 1
    assert {request.headers["webhook-id"] for request in hooks.take()} == {str(delivery.id)}
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)


def test_gone_disables_at_once_and_the_admins_are_told(db: Database, tenant: Tenant, hooks: Receiver) -> None:
    actor = tenant.owner
    id = add_endpoint(db, actor, hooks.url)
    hooks.reply = status(410)
    rename(db, actor, "B")
    rename(db, actor, "C")
    deliver(db)
    found = endpoint(db, actor, id)
    assert (found.status, found.disabled_reason) == (EndpointStatus.DISABLED, "It answered 410 Gone.")
    assert len(hooks.take()) == 1
    assert work(db, early=True) == 1
    assert hooks.take() == []
    assert {delivery.status for delivery in deliveries(db, actor)} == {DeliveryStatus.DEAD}
    with db.read(system("test", actor.organization_id)) as reads:
        told = reads.rows(Notification, order="id")
        mails = reads.rows(Job, kind="send_email")
    assert {notification.user_id for notification in told} == {tenant.owner.id, tenant.admin.id}
    assert {notification.kind for notification in told} == {"webhook_disabled"}
    assert {str(mail.payload["to"]) for mail in mails} == {tenant.owner.label, tenant.admin.label}


def test_an_endpoint_that_only_fails_is_disabled_after_a_hundred_times(
    db: Database, actor: Actor, hooks: Receiver
) -> None:
    id = add_endpoint(db, actor, hooks.url)
    hooks.reply = status(500)
    rename(db, actor, "B")
    deliver(db)
    db.write(actor, lambda tx: tx.increment(WebhookEndpoint, id, "failure_count", FAILURES - 2))
    rename(db, actor, "C")
    deliver(db)
    found = endpoint(db, actor, id)
    assert (found.status, found.disabled_reason) == (EndpointStatus.DISABLED, "It failed 100 times in a row.")


def test_an_endpoint_that_only_fails_is_disabled_after_five_days(db: Database, actor: Actor, hooks: Receiver) -> None:
    id = add_endpoint(db, actor, hooks.url)
    hooks.replies = [status(500), status(500), status(200), status(500)]

    def age(tx: Transaction) -> None:
        row = tx.get(WebhookEndpoint, id, lock=True)
        tx.change(row, {"failing_since": tx.now - timedelta(days=5, minutes=1)})

    for name in ("B", "C"):
        rename(db, actor, name)
        deliver(db)
    db.write(actor, age)
    rename(db, actor, "D")
    deliver(db)
    assert endpoint(db, actor, id).failing_since is None
    rename(db, actor, "E")
    deliver(db)
    assert endpoint(db, actor, id).status is EndpointStatus.ACTIVE
    db.write(actor, age)
    hooks.reply = status(500)
    rename(db, actor, "F")
    deliver(db)
    found = endpoint(db, actor, id)
    assert (found.status, found.disabled_reason) == (EndpointStatus.DISABLED, "It failed for 5 days.")


def slowly(request: BaseHTTPRequestHandler) -> None:
    threading.Event().wait(0.6)
    answer(request, 200)


def endlessly(request: BaseHTTPRequestHandler) -> None:
    request.send_response(500)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65_536)


def endlessly_well(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65_536)


def abruptly(request: BaseHTTPRequestHandler) -> None:
    request.connection.close()
    raise OSError


@pytest.mark.parametrize(
    ("reply", "expected", "error"),
    [
        (slowly, "failed", "ReadTimeout"),
        (endlessly, "failed", "HTTP 500: xxx"),
        (endlessly_well, "delivered", ""),
        (abruptly, "failed", "Error"),
        (status(301, location="http://127.0.0.1:1/"), "failed", "HTTP 301"),
        (status(404, b"<html>\r\n</html>"), "failed", "HTTP 404: <html> </html>"),
    ],
    ids=["slow", "endless", "endless success", "abrupt", "redirect", "not found"],
)
def test_no_answer_holds_up_or_fills_the_worker(
    db: Database,
    actor: Actor,
    hooks: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
    expected: str,
    error: str,
) -> None:
    monkeypatch.setattr(tasks_webhooks, "safe_client", partial(tasks_webhooks.safe_client, seconds=0.3))
    add_endpoint(db, actor, hooks.url)
    hooks.reply = reply
    rename(db, actor, "B")
    deliver(db)
    [delivery] = deliveries(db, actor)
    assert delivery.status == expected
    assert error in (delivery.last_error or "")
    assert len(delivery.last_error or "") <= 500


def test_a_private_address_is_never_asked_unless_it_is_allowed(db: Database, actor: Actor, hooks: Receiver) -> None:
    add_endpoint(db, actor, hooks.url)
    rename(db, actor, "B")
    fan_out_webhooks(db)
    assert Worker(
        db, {"deliver_webhook": partial(deliver_webhook, outside=replace(OUTSIDE, allow_private=False))}
    ).run_one()
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.last_status, hooks.take()) == (DeliveryStatus.FAILED, None, [])
    assert "leads into a private network" in str(delivery.last_error)


# -- crashes -----------------------------------------------------------------------------------------------------------


def claimed(db: Database) -> Job:
    claimant = Claimant("test", timedelta(minutes=1), ["webhooks"])
    [job] = db.write(system(), lambda tx: claim(tx, claimant, due_queues(db, claimant), 1))
    return job


def job_actor(job: Job) -> Actor:
    return Actor(ActorKind.JOB, job.kind, id=job.id, organization_id=job.organization_id)


def test_a_worker_that_dies_after_sending_sends_again_under_the_same_id(
    db: Database, actor: Actor, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(db, actor, hooks.url)
    rename(db, actor, "B")
    fan_out_webhooks(db)
    job = claimed(db)
    with monkeypatch.context() as dying:
        dying.setattr(tasks_webhooks, "record_attempt", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            deliver_webhook(db, job_actor(job), job, outside=OUTSIDE)
    assert work(db) == 0
    past = clock.now() - timedelta(seconds=1)
    db.write(system(), lambda tx: tx.set_facts(Job, {"id": job.id}, {"lease_until": past}))
    assert len(db.write(system(), queue.reap)) == 1
    assert work(db, early=True) == 1
    first, second = hooks.take()
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)


def test_a_job_that_runs_again_after_it_has_noted_its_attempt_sends_nothing(
    db: Database, actor: Actor, hooks: Receiver
) -> None:
    add_endpoint(db, actor, hooks.url)
    hooks.replies = [status(500)]
    rename(db, actor, "B")
    fan_out_webhooks(db)
    job = claimed(db)
    for _ in range(3):
        deliver_webhook(db, job_actor(job), job, outside=OUTSIDE)
    assert len(hooks.take()) == 1
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, 1)
    assert work(db, early=True) == 1
    deliver_webhook(db, job_actor(job), job, outside=OUTSIDE)
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 2)


def test_a_crash_while_deliveries_are_stored_loses_and_repeats_none(
    db: Database, actor: Actor, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(db, actor, hooks.url)
    rename(db, actor, "B")
    with monkeypatch.context() as dying:
        dying.setattr(tasks_webhooks, "enqueue_delivery", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fan_out_webhooks(db)
    assert deliveries(db, actor) == []
    assert deliver(db) == 1
    assert len(hooks.take()) == 1


def test_a_delivery_whose_job_got_lost_is_found_again(db: Database, actor: Actor, hooks: Receiver) -> None:
    add_endpoint(db, actor, hooks.url)
    rename(db, actor, "B")
    fan_out_webhooks(db)
    assert stuck_deliveries(db) == 0
    db.write(system(), lambda tx: tx.set_facts(Job, {"kind": "deliver_webhook"}, {"status": "dead"}))
    past = clock.now() - timedelta(hours=2)
    [delivery] = deliveries(db, actor)
    inside = system("test", actor.organization_id)
    db.write(inside, lambda tx: tx.set_facts(WebhookDelivery, {"id": delivery.id}, {"next_attempt_at": past}))
    assert (stuck_deliveries(db), stuck_deliveries(db)) == (1, 1)
    assert work(db) == 1
    assert len(hooks.take()) == 1
    assert stuck_deliveries(db) == 0


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_a_ping_is_tried_once_also_where_the_endpoint_is_disabled(db: Database, actor: Actor, hooks: Receiver) -> None:
    id = add_endpoint(db, actor, hooks.url)
    db.write(actor, lambda tx: tx.transition(WebhookEndpoint, id, EndpointStatus.DISABLED))
    hooks.replies = [status(500)]
    for expected in (DeliveryStatus.DEAD, DeliveryStatus.DELIVERED):
        shown = db.write(actor, lambda tx: ping_webhook_endpoint(tx, id=id))
        assert work(db) == 1
        with db.read(actor) as reads:
            delivery = reads.get(WebhookDelivery, UUID(str(shown["delivery_id"])))
        assert (delivery.status, delivery.event) == (expected, "ping")
    assert [request.json["type"] for request in hooks.take()] == ["ping", "ping"]
    assert endpoint(db, actor, id).failure_count == 0


def test_a_deleted_endpoint_is_not_sent_to(db: Database, actor: Actor, hooks: Receiver) -> None:
    id = add_endpoint(db, actor, hooks.url)
    rename(db, actor, "B")
    fan_out_webhooks(db)
    db.write(actor, lambda tx: trash(tx, WebhookEndpoint, id))
    rename(db, actor, "C")
    assert fan_out_webhooks(db) == 0
    work(db)
    assert hooks.take() == []
    [delivery] = deliveries(db, actor)
    assert (delivery.status, delivery.last_error) == (DeliveryStatus.DEAD, "The endpoint is disabled or deleted.")


def test_deliveries_are_deleted_after_30_days(
    db: Database, actor: Actor, other_tenant: Tenant, hooks: Receiver
) -> None:
    for owner in (actor, other_tenant.owner):
        add_endpoint(db, owner, hooks.url)
        rename(db, owner, "B")
        rename(db, owner, "C")
    deliver(db)
    old = clock.now() - timedelta(days=31)
    for owner in (actor, other_tenant.owner):
        id = deliveries(db, owner)[0].id
        inside = system("test", owner.organization_id)
        db.write(inside, lambda tx, id=id: tx.set_facts(WebhookDelivery, {"id": id}, {"created_at": old}))
    # One that somebody sends again now is not done with.
    again = deliveries(db, actor)[0].id
    db.write(actor, lambda tx: resend_webhook_delivery(tx, id=again))
    assert retain(db, table="webhook_deliveries").rows == 1
    deliver(db)
    assert retain(db, table="webhook_deliveries").rows == 1
    assert retain(db, table="webhook_deliveries").rows == 0
    assert [len(deliveries(db, owner)) for owner in (actor, other_tenant.owner)] == [1, 1]


def test_only_admins_make_endpoints_and_only_so_many(db: Database, tenant: Tenant, hooks: Receiver) -> None:
    with pytest.raises(Forbidden):
        add_endpoint(db, tenant.member, hooks.url)
    for _ in range(MAX_ENDPOINTS):
        add_endpoint(db, tenant.admin, hooks.url)
    with pytest.raises(Conflict, match="at most 20 webhook endpoints"):
        add_endpoint(db, tenant.admin, hooks.url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com", "ftp://example.com", "https://", "https:///path", "http://[::1", "http://a:99999/"),
        *("https://user:secret@example.com/", "https://example.com/#part", "https://exa mple.com", "http://a:0/"),
        *("https://example.com/\n", "javascript:alert(1)"),
    ],
)
def test_an_address_that_can_not_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        checked_url(url)


def test_event_patterns_are_checked_and_take_the_names_of_tables(db: Database) -> None:
    found = checked_events(db.catalog, ["campaigns.*", "journey-stages.update", "journey_stages.update", "*"])
    assert found == ["campaigns.*", "journey_stages.update", "*"]
    for wrong in ("", "campaigns", "nothing.*", "campaigns.", "*.insert", "saved_views.*", "users.*", "campaigns.A"):
        with pytest.raises(Invalid) as refused:
            checked_events(db.catalog, ["*", wrong])
        assert refused.value.fields[0].field == "events.1"
    for unsent in ("webhook_endpoints.*", "webhook-deliveries.insert", "notifications.*"):
        with pytest.raises(Invalid):
            checked_events(db.catalog, [unsent])
    with pytest.raises(Invalid):
        checked_events(db.catalog, [])
