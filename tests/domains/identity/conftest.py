"""Accounts to log in with, and threads that act at the same moment."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.resource import Resource
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.identity import accounts
from growbase.domains.identity.accounts import Grant
from growbase.domains.identity.actions_billing import subscribe
from growbase.domains.identity.authenticate import Authenticator
from growbase.domains.identity.models_billing import Plan
from growbase.domains.identity.plans import install_plans
from growbase.domains.identity.tokens import open_mailed_token
from growbase.domains.identity.usage import Metric, meter

PASSWORD = "correct horse battery"
SECRET = b"a secret of the tests, long enough"


@pytest.fixture
def authenticator(db: Database) -> Authenticator:
    """Give an authenticator that allows many tries."""
    return Authenticator(db, Settings(login_rate_per_minute=1_000, login_max_failures=5), SECRET)


@pytest.fixture
def register(authenticator: Authenticator) -> Callable[..., Grant]:
    """Give a function that registers an address and logs it in."""

    def make(email: str = "ada@example.com", **over: Any) -> Grant:  # noqa: ANN401
        return accounts.register(
            authenticator, accounts.anonymous(ip="192.0.2.1"), email=email, password=PASSWORD, **over
        )

    return make


@pytest.fixture
def mailed(db: Database) -> Callable[..., list[str]]:
    """Give a function that returns the tokens mailed with a template, the oldest first."""

    def tokens(template: str, to: str | None = None) -> list[str]:
        with db.read(system()) as reads:
            payloads = [job.payload for job in reads.rows(Job, kind="send_email", order="id")]
        return [
            open_mailed_token(db.context.keyring, payload)
            for payload in payloads
            if payload["template"] == template and to in {None, payload["to"]}
        ]

    return tokens


@pytest.fixture
def log(db: Database) -> Callable[..., list[tuple[Any, ...]]]:
    """Give a function that returns columns of the change log, in order."""

    def rows(columns: str = "action", where: str = "1 = 1") -> list[tuple[Any, ...]]:
        return [tuple(row) for row in db.query(f"SELECT {columns} FROM changes WHERE {where} ORDER BY seq")]

    return rows


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Give a function that runs calls in threads that start together and returns their results or errors."""

    def run(calls: Sequence[Callable[[], Any]]) -> list[Any]:
        barrier = threading.Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:  # noqa: ANN401
            barrier.wait()
            try:
                return call()
            except Exception as error:  # noqa: BLE001
                return error

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls))

    return run


@pytest.fixture
def plans(db: Database) -> None:
    """Install the plans that come with the program."""
    db.write(system(), install_plans)


@pytest.fixture
def limited(db: Database) -> Callable[..., UUID]:
    """Give a function that subscribes an actor's organization to a plan with some limits and returns its id."""

    def make(actor: Actor, code: str = "small", **limits: int) -> UUID:
        def unit(tx: Transaction) -> UUID:
            values = {"name": code, "price_month_minor": 0, "currency": "EUR", "limits": limits}
            tx.insert(Plan, code=code, **values)
            return subscribe(tx, plan_code=code)

        return db.write(actor, unit)

    return make


@pytest.fixture
def metered_brands(db: Database) -> Iterator[Resource]:
    """Let brands count as icps."""
    resource = db.catalog.by_name["brands"]
    before = resource.meter
    object.__setattr__(resource, "meter", meter(Metric.ICPS))
    yield resource
    object.__setattr__(resource, "meter", before)
