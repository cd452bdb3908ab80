"""Redis and PostgreSQL that go and come back under load: nothing acknowledged is lost, nothing is done twice."""

import signal
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import pytest
import redis as redis_client

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.tables import InstanceFact, Job, JobStatus
from growbase.domains.marketing.models import Brand
from growbase.domains.marketing.models_generated import GeneratedContent
from growbase.jobs.wake import CHANNEL
from growbase.ops.accounts import create_key
from tests.background.conftest import installed
from tests.background.serving import serving
from tests.background.site import PATIENCE, Site, open_site
from tests.domains.marketing.factories import make_campaign
from tests.fixtures import make_tenant
from tests.postgres import SETTINGS, PostgresServer, find_programs, postgres_server
from tests.processes import wait_until
from tests.servers import redis_server

WORKERS = 2
LOAD = 60
PAUSE = 0.01
"""Between two deeds, so that the machine has time for those who do the work."""


@pytest.fixture(scope="module")
def durable(postgresql: str) -> Iterator[PostgresServer]:
    """Give a server of one's own to stop, which keeps what it has confirmed."""
    programs = find_programs()
    assert programs is not None
    with postgres_server(programs, {**SETTINGS, "synchronous_commit": "on"}) as server:
        yield server


class Load:
    """Threads that do something again and again, and what was acknowledged of it."""

    def __init__(self, **deeds: Callable[[int], Any]) -> None:
        self.acknowledged: dict[str, list[Any]] = {name: [] for name in deeds}
        self.refused = 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=item, daemon=True) for item in deeds.items()]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def more(self, by: int = LOAD) -> None:
        """Return when so many more of each have been acknowledged."""
        wanted = {name: len(done) + by for name, done in self.acknowledged.items()}
        wait_until(
            lambda: all(len(self.acknowledged[name]) >= n for name, n in wanted.items()), "load", timeout=PATIENCE
        )

    def _repeat(self, name: str, deed: Callable[[int], Any]) -> None:
        for number in count():
            if self._stopping.wait(PAUSE):
                return
            try:
                self.acknowledged[name].append(deed(number))
            except (GrowbaseError, OSError):
                self.refused += 1


def enqueue(db: Database, number: int) -> UUID:
    return db.write(system(), lambda tx: tx.enqueue("chore", {"number": number}, queue="default"))


def count_done(site: Site, ids: list[UUID]) -> int:
    with site.db.read(system()) as reads:
        return reads.count(Job, id=ids, status=JobStatus.SUCCEEDED)


def require_each_done_once(site: Site) -> None:
    """Of all chores that were ever put, acknowledged or not, each has left one trace."""
    site.wait(lambda: not site.jobs("chore", status=["queued", "running"]), "the chores")
    done = site.jobs("chore")
    assert {job.status for job in done} == {JobStatus.SUCCEEDED}
    with site.db.read(system()) as reads:
        traces = [row.name for row in reads.rows(InstanceFact) if row.name.startswith("chore/")]
    assert len(traces) == len(done)


def test_work_goes_on_while_redis_is_gone_and_nothing_is_lost_or_done_twice(
    postgresql: str, postgres: PostgresServer, installed_template: str, tmp_path: Path
) -> None:
    url = postgres.create_database(template=installed_template)
    with redis_server() as redis, open_site(tmp_path, url, GROWBASE_REDIS_URL=redis.url) as site:
        workers = [site.worker(lease=10) for _ in range(WORKERS)]
        with Load(chores=lambda number: enqueue(site.db, number)) as load:
            load.more()
            redis.kill()
            load.more()
            before = list(load.acknowledged["chores"])
            site.wait(lambda: count_done(site, before) == len(before), "what was put before and after Redis had gone")
            redis.start()
            load.more()
        require_each_done_once(site)
        assert load.refused == 0
        with redis_client.Redis.from_url(redis.url) as client:
            heard = f"PUBSUB NUMSUB {CHANNEL}"
            site.wait(lambda: client.execute_command(heard)[1] == WORKERS, "every worker listening again")
        assert all(worker.is_alive() for worker in workers), site.log
    postgres.drop_database(url)


def listeners(site: Site) -> int:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'growbase-listen'"
    return int(site.db.query(f"{sql} AND datname = current_database()")[0][0])


def test_nothing_acknowledged_is_lost_while_postgresql_is_restarted(durable: PostgresServer, tmp_path: Path) -> None:
    url = installed(tmp_path / "data", durable.create_database())
    with open_site(tmp_path, url) as site:
        actor = make_tenant(site.db, "Acme").owner
        campaign_id = site.db.write(actor, make_campaign)
        key = create_key(site.db, organization="acme", name="test", scopes=["write"])
        workers = [site.worker(lease=10) for _ in range(WORKERS)]
        with serving(site, tmp_path, key) as server:
            wanted = {"campaign_id": str(campaign_id), "type": "idea", "count": 1}
            with Load(
                chores=lambda number: enqueue(site.db, number),
                brands=lambda number: server.post("/brands", {"name": f"Own {number}"})["id"],
                texts=lambda _: server.post("/generated-contents/generate", wanted)["job_id"],
            ) as load:
                load.more(10)
                for request in (signal.SIGINT, signal.SIGQUIT):
                    durable.restart(request)
                    load.more(10)
            assert server.process.poll() is None
        site.wait(lambda: not site.jobs("generate_content", status=["queued", "running"]), "the texts")
        require_each_done_once(site)
        assert count_done(site, load.acknowledged["chores"]) == len(load.acknowledged["chores"])
        assert count_done(site, texts := [UUID(id) for id in load.acknowledged["texts"]]) == len(texts)
        with site.db.read(actor) as reads:
            brands = [UUID(id) for id in load.acknowledged["brands"]]
            assert reads.count(Brand, id=brands) == len(brands)
            written = [row.job_id for row in reads.rows(GeneratedContent)]
            assert set(texts) <= set(written)
            assert len(written) == len(set(written))
        assert all(worker.is_alive() for worker in workers), site.log
        site.wait(lambda: listeners(site) == WORKERS, "every worker listening again")
