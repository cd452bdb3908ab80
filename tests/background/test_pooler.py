"""Behind PgBouncer in transaction mode: server and workers do their work, and find out what it swallows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from growbase.core.actor import Actor, system
from growbase.core.tables import JobStatus
from growbase.domains.marketing.models import Brand
from growbase.ops.accounts import create_key
from tests.background.serving import serving
from tests.background.site import Site, open_site
from tests.domains.marketing.factories import make_campaign
from tests.fixtures import make_tenant
from tests.postgres import PostgresServer
from tests.servers import pooler

JOBS = 40
LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'growbase-listen' AND datname = %s"


@pytest.fixture(scope="module")
def urls(postgresql: str, postgres: PostgresServer, installed_template: str) -> Iterator[tuple[str, str]]:
    """Give the URL of an installed database through the pooler, and the one past it."""
    direct = postgres.create_database(template=installed_template)
    with pooler(direct) as pooled:
        yield f"{pooled}?pgbouncer=true", direct
    postgres.drop_database(direct)


def put(site: Site, start: int) -> None:
    for number in range(start, start + JOBS):
        site.db.write(system(), lambda tx, n=number: tx.enqueue("chore", {"number": n}, queue="default"))  # type: ignore[misc]


def test_without_a_direct_url_workers_hear_nothing_say_so_and_look_by_themselves(
    urls: tuple[str, str], tmp_path: Path
) -> None:
    with open_site(tmp_path, urls[0]) as site:
        workers = [site.worker(), site.worker()]
        site.wait(lambda: site.log.count("wake.deaf") == len(workers), "both finding out")
        put(site, 0)
        site.wait(lambda: len(site.jobs("chore", status=JobStatus.SUCCEEDED)) == JOBS, "the jobs")
        assert all(worker.is_alive() for worker in workers)


def test_with_a_direct_url_workers_listen_past_the_pooler_and_a_server_writes_through_it(
    urls: tuple[str, str], tmp_path: Path
) -> None:
    with open_site(tmp_path, urls[0], GROWBASE_DIRECT_URL=urls[1]) as site:
        actor: Actor = make_tenant(site.db, "Acme").owner
        campaign_id = site.db.write(actor, make_campaign)
        key = create_key(site.db, organization="acme", name="test", scopes=["write"])
        name = urls[1].rpartition("/")[2]
        workers = [site.worker(), site.worker()]
        site.wait(lambda: site.db.query(LISTENING, (name,))[0][0] == len(workers), "both listening")
        with serving(site, tmp_path, key) as server:
            wanted = {"campaign_id": str(campaign_id), "type": "idea", "count": 1}
            for number in range(10):
                server.post("/brands", {"name": f"Own {number}"})
                server.post("/generated-contents/generate", wanted)
        site.wait(lambda: len(site.jobs("generate_content", status=JobStatus.SUCCEEDED)) == 10, "the jobs")
        with site.db.read(actor) as reads:
            assert reads.count(Brand, name=[f"Own {number}" for number in range(10)]) == 10
        assert "wake.deaf" not in site.log
