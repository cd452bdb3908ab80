"""Two regions, each a server with a database of its own: who lives where, and moving between them."""

import os
import signal
import subprocess
import sys
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from growbase import wiring
from growbase.core.actor import Role, system
from growbase.core.config import Settings, load_settings
from growbase.core.errors import Conflict, Forbidden, Unavailable
from growbase.core.files import open_files
from growbase.core.holds import add_hold
from growbase.core.region import Regions
from growbase.core.seals import seal_log
from growbase.core.subject_keys import destroy_keys
from growbase.core.tables import Change, Erasure, Job, LegalHold, SubjectKey
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_members import end_membership
from growbase.domains.identity.actions_organizations import add_member
from growbase.domains.identity.models import User
from growbase.domains.identity.regions import announce
from growbase.ops import move_organization, regions
from growbase.ops.audit import verify
from growbase.ops.drift import find_drift
from growbase.ops.move_organization import Moved
from growbase.ops.privacy import erase, find_person
from tests.postgres import PostgresServer
from tests.processes import free_port, wait_until
from tests.test_server import EMAIL, PASSWORD, Server, server

SECRET = "the secret of the tests' regions, long enough"


@dataclass
class Place:
    """A region: its server, and its settings for commands."""

    server: Server
    settings: Settings

    def call(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
        return self.server.request(method, path, body, token)

    def check(self) -> list[str]:
        with closing(wiring.open_database(self.settings)) as database:
            return regions.check(self.settings, database, open_files(self.settings))

    def announce(self, *others: "Place") -> None:
        """Bring the directory up to date now, and wait until the others have it."""
        with closing(wiring.open_database(self.settings)) as database:
            announce(database, wiring.outside(self.settings))
        names = [other.settings.region for other in others]
        wait_until(lambda: not any(self.status()[name].behind for name in names), "the directory")

    def status(self) -> dict[str, regions.RegionStatus]:
        with closing(wiring.open_database(self.settings)) as database:
            return {row.name: row for row in regions.status(self.settings, database)}


@dataclass
class World:
    """Both regions."""

    eu: Place
    us: Place


@pytest.fixture(scope="module")
def world(engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give two running servers on two databases."""
    ports = {"eu": free_port(), "us": free_port()}
    urls = ",".join(f"{name}=http://127.0.0.1:{port}" for name, port in ports.items())
    with ExitStack() as stack:
        places = {}
        for name, port in ports.items():
            folder = tmp_path_factory.mktemp(name)
            env = {"GROWBASE_REGION": name, "GROWBASE_REGIONS": urls, "GROWBASE_REGION_SECRET": SECRET}
            env |= {"GROWBASE_DEMO_DATA": "false", "GROWBASE_LOGIN_RATE_PER_MINUTE": "1000"}
            if engine == "postgres":
                postgres: PostgresServer = request.getfixturevalue("postgres")
                url = postgres.create_database()
                stack.callback(postgres.drop_database, url)
                env["GROWBASE_DATABASE_URL"] = url
            running = stack.enter_context(server(folder, port=port, **env))
            places[name] = Place(running, load_settings(running.env, folder))
        yield World(**places)


def registered(place: Place, email: str, **more: object) -> dict[str, Any]:
    body = {"email": email, "password": PASSWORD, "organization_name": f"Org of {email}", **more}
    status, answer = place.call("POST", "/api/auth/register", body)
    assert status == 201, answer
    return answer


def command(place: Place, *words: str) -> str:
    line = [sys.executable, "-m", "growbase", "regions", *words]
    env = {**os.environ, **place.server.env}
    return subprocess.run(line, env=env, cwd=place.server.folder, capture_output=True, text=True, check=True).stdout


def created(place: Place, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
    status, answer = place.call("POST", path, body, token)
    assert status in {200, 201}, str(answer)
    found: dict[str, Any] = answer
    return found


def login(place: Place, email: str, **more: object) -> tuple[int, Any]:
    return place.call("POST", "/api/auth/login", {"email": email, "password": PASSWORD, **more})


def test_a_login_a_registration_a_switch_and_a_key_are_sent_to_the_region_where_they_belong(world: World) -> None:
    eu, us = world.eu, world.us
    email = f"ann.{uuid4().hex}@example.com"
    ann = registered(eu, email)
    eu.announce(us)
    home = eu.settings.region_urls["eu"]
    status, answer = login(us, email.upper())
    assert (status, answer["base_url"], answer["region"]) == (421, home, "eu")
    again = {"email": email, "password": PASSWORD}
    assert us.call("POST", "/api/auth/register", again)[0] == 421
    assert us.call("POST", "/api/auth/register", {**again, "data_region": "eu"})[0] == 421
    assert us.call("POST", "/api/auth/forgot-password", {"email": email})[0] == 421
    assert login(us, f"nobody.{uuid4().hex}@example.com")[0] == 401
    assert us.call("GET", "/api/auth/me", token=ann["access_token"])[0] == 421
    mine = us.server.login()
    organization_id = ann["organization"]["id"]
    status, answer = us.call("POST", "/api/auth/switch", {"organization_id": organization_id}, mine)
    assert (status, answer["base_url"]) == (421, home)
    assert login(us, EMAIL, organization_id=organization_id)[0] == 421
    for method, id, expected in (("GET", organization_id, 421), ("PATCH", organization_id, 421), ("GET", uuid4(), 404)):
        assert us.call(method, f"/api/organizations/{id}", {"name": "x"}, mine)[0] == expected
    status, key = eu.call("POST", "/api/api-keys", {"name": "k", "scopes": ["admin"]}, ann["access_token"])
    assert status == 201, key
    assert us.call("GET", "/api/campaigns", token=key["key"])[0] == 421
    # Who asks for it by name lives in both.
    registered(us, email, data_region="us")
    assert login(us, email)[0] == login(eu, email)[0] == 200


def test_status_tells_of_each_region_and_check_finds_nothing(world: World) -> None:
    registered(world.eu, f"ben.{uuid4().hex}@example.com")
    world.eu.announce(world.us)
    found = world.eu.status()
    assert found["us"].version == found["eu"].version
    assert found["us"].organizations >= 1
    assert found["us"].problem == ""
    assert world.eu.check() == world.us.check() == []
    assert "127.0.0.1" in command(world.eu, "status")
    assert command(world.eu, "check") == "Everything here belongs to eu.\n"


def test_only_a_server_with_the_secret_is_heard(world: World) -> None:
    path = "/api/regions/entries"
    assert world.eu.call("POST", path, {"entries": []})[0] == 403
    stranger = Regions("us", world.eu.settings.region_urls, b"another secret, which is as long as the right one")
    with pytest.raises(Exception, match="Only servers"):
        stranger.ask("eu", path, {"entries": []})
    own = Regions.required(world.us.settings)
    with pytest.raises(Forbidden):
        Regions.required(world.eu.settings).require_call(own.signature("us", "eu", path, b"", 1), path, b"")


def test_a_region_that_does_not_answer_is_shown_and_named(world: World) -> None:
    settings = world.eu.settings.model_copy(
        update={"regions": f"{world.eu.settings.regions},ca=http://127.0.0.1:{free_port()}"}
    )
    with closing(wiring.open_database(settings)) as database:
        found = {row.name: row for row in regions.status(settings, database)}
    assert "does not answer" in found["ca"].problem


POINTS = ("frozen", "sending", "copied", "sent", "arrived", "left")


def moved(place: Place, organization_id: str, to: str) -> Moved:
    with closing(wiring.open_database(place.settings)) as database:
        files = open_files(place.settings)
        return move_organization.move_organization(place.settings, database, files, UUID(organization_id), to)


def dies_at(point: str, run: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:
        os.environ["CRASH_AT"] = f"region.{point}"
        try:
            run()
        except BaseException:  # noqa: BLE001 -- a child that goes on would be a second test run
            traceback.print_exc()
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{point} was not reached"
    assert os.WTERMSIG(status) == signal.SIGKILL


def upload(place: Place, token: str, content: bytes) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{place.server.port}/api/assets",
        data=b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n'
        + content
        + b"\r\n--b--\r\n",
        headers={"authorization": f"Bearer {token}", "content-type": "multipart/form-data; boundary=b"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- the test's own server
        import json

        found: str = json.loads(answer.read())["id"]
        return found


def downloaded(place: Place, token: str, asset: str) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{place.server.port}/api/assets/{asset}/content", headers={"authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- the same
        content: bytes = answer.read()
        return content


def joins(place: Place, email: str, organization_id: UUID) -> None:
    """Make a user a member of a second organization, in which a job waits for tomorrow."""
    registered(place, email)

    def unit(tx: Transaction) -> None:
        user = tx.find(User, email_norm=email)
        assert user is not None
        inside = tx.for_organization(organization_id)
        add_member(inside, user_id=user.id, role=Role.MEMBER)
        inside.enqueue("send_email", {"x": 1}, queue="email_notifications", run_at=tx.now + timedelta(days=1))

    with closing(wiring.open_database(place.settings)) as database:
        database.write(system(), unit)


def assert_sent_elsewhere(place: Place, email: str, organization_id: str, token: str, key: str) -> None:
    assert login(place, email)[0] == 421
    assert login(place, EMAIL, organization_id=organization_id)[0] == 421
    assert place.call("GET", "/api/auth/me", token=token)[0] == 421
    assert place.call("GET", "/api/campaigns", token=key)[0] == 421


def moved_though_killed(place: Place, home: str, campaign: str, token: str) -> None:
    """Move an organization by movers that die one after the other."""
    for point in POINTS:
        dies_at(point, lambda: moved(place, home, "us"))
        if point == "sending":
            assert place.call("GET", f"/api/campaigns/{campaign}", token=token)[0] == 200
            status, answer = place.call("PATCH", f"/api/campaigns/{campaign}", {"name": "Late"}, token)
            assert status == 503, answer
            assert "moving" in answer["detail"]
            # Others are not concerned.
            assert created(place, "/api/brands", {"name": f"Other {uuid4()}"}, place.server.login())
    done = moved(place, home, "us")
    assert done.copy is not None
    assert "Kept" not in done.copy.read_text()


def test_an_organization_moves_with_all_it_has_whoever_is_killed_when(world: World) -> None:
    eu, us = world.eu, world.us
    email = f"cleo.{uuid4().hex}@example.com"
    cleo = registered(eu, email)
    token, home = cleo["access_token"], cleo["organization"]["id"]
    brand = created(eu, "/api/brands", {"name": "Cleo"}, token)
    kept = created(eu, "/api/campaigns", {"name": "Kept é", "purpose": "awareness", "brand_id": brand["id"]}, token)
    created(eu, f"/api/campaigns/{kept['id']}/duplicate", {}, token)
    gone = created(eu, "/api/campaigns", {"name": "Gone", "purpose": "awareness", "brand_id": brand["id"]}, token)
    assert eu.call("DELETE", f"/api/campaigns/{gone['id']}", token=token)[0] in {200, 204}
    hook = {"url": "https://hooks.example.com/x", "events": ["campaigns.update"]}
    assert eu.call("POST", "/api/webhook-endpoints", hook, token)[0] == 201
    key = eu.call("POST", "/api/api-keys", {"name": "k", "scopes": ["admin"]}, token)[1]["key"]
    asset = upload(eu, token, b"the content of a file")
    helper = f"dan.{uuid4().hex}@example.com"
    registered(us, helper, data_region="us")
    joins(eu, helper, UUID(home))
    history = eu.call("GET", f"/api/campaigns/{kept['id']}/history", token=token)[1]["data"]
    listed = eu.call("GET", "/api/campaigns?sort=name", token=token)[1]["data"]

    moved_though_killed(eu, home, kept["id"], token)

    status, answer = login(us, email)
    assert status == 200, answer
    there = answer["access_token"]
    rows = us.call("GET", "/api/campaigns?sort=name", token=there)[1]["data"]
    assert rows == listed
    assert us.call("GET", f"/api/organizations/{home}", token=there)[1]["data_region"] == "us"
    moved_history = us.call("GET", f"/api/campaigns/{kept['id']}/history", token=there)[1]["data"]
    assert [{**row, "seq": 0} for row in moved_history] == [{**row, "seq": 0} for row in history]
    assert us.call("GET", "/api/campaigns?q=kept", token=there)[1]["data"]
    assert us.call("PATCH", f"/api/campaigns/{kept['id']}", {"name": "Kept there"}, there)[0] == 200
    assert us.call("POST", f"/api/campaigns/{gone['id']}/restore", {}, there)[0] in {200, 204}
    assert downloaded(us, there, asset) == b"the content of a file"
    assert us.call("GET", "/api/campaigns", token=key)[0] == 200
    # Who has a user in both regions keeps both.
    assert login(us, helper, organization_id=home)[0] == 200
    assert login(eu, helper, organization_id=home)[0] == 421
    assert login(eu, helper)[0] == 200
    with closing(wiring.open_database(us.settings)) as database, database.read(system("t", UUID(home))) as reads:
        assert reads.count(Job, queue="email_notifications", status="queued") == 1
        assert reads.count(Change, action="arrive") == 1
    us.announce(eu)
    assert_sent_elsewhere(eu, email, home, token, key)
    assert eu.check() == us.check() == []
    assert find_drift(eu.settings) == find_drift(us.settings) == []


def acts_once(place: Place, email: str, organization_id: UUID, prospect: str) -> None:
    joins(place, email, organization_id)
    token = login(place, email, organization_id=str(organization_id))[1]["access_token"]
    assert place.call("PATCH", f"/api/prospects/{prospect}", {"notes": f"Seen by {email}"}, token)[0] == 200


def test_what_the_log_says_of_people_moves_along_and_of_those_erased_does_not(world: World) -> None:
    eu, us = world.eu, world.us
    email = f"gus.{uuid4().hex}@example.com"
    gus = registered(eu, email)
    token, home = gus["access_token"], UUID(gus["organization"]["id"])
    ids = [
        created(
            eu, "/api/prospects", {"email": f"{name}@example.com", "first_name": name, "company_name": "Acme"}, token
        )["id"]
        for name in ("Ada", "Bob")
    ]
    # Ida has left before the move, Hal has a user in both regions.
    ida, hal = (f"{name}.{uuid4().hex}@example.com" for name in ("ida", "hal"))
    registered(us, hal, data_region="us")
    with closing(wiring.open_database(eu.settings)) as database:
        acts_once(eu, ida, home, ids[0])
        with database.read(system()) as reads:
            users = {row.email: row.id for row in reads.rows(User, email_norm=[email, ida])}
        database.write(system("t", home), lambda tx: end_membership(tx, user_id=users[ida]))
        acts_once(eu, hal, home, ids[0])
        person = find_person(database, "bob@example.com", home)
        erase(database, person, folder=eu.settings.data_dir)
        hold = {"reason": "Case 7", "entity": "prospects", "entity_id": UUID(ids[0])}
        database.write(system("t", home), lambda tx: add_hold(tx, **hold))
        seal_log(database)
        assert verify(database).faults == []
    moved(eu, str(home), "us")
    there = login(us, email)[1]["access_token"]
    shown = [us.call("GET", f"/api/prospects/{id}/history", token=there)[1]["data"][-1]["changes"] for id in ids]
    assert shown[0]["first_name"] == [None, "Ada"]
    assert shown[1]["first_name"] == ["[erased]", "[erased]"]
    by = [row["actor"]["label"] for row in us.call("GET", f"/api/prospects/{ids[0]}/history", token=there)[1]["data"]]
    assert by == [hal, ida, email]
    with closing(wiring.open_database(us.settings)) as database:
        with database.read(system("t", home)) as reads:
            assert reads.rows(LegalHold)[0].reason == "Case 7"
            assert reads.count(Erasure, organization_id=home) == 1
            (user,) = reads.rows(User, email_norm=hal)
        assert hal not in str(database.query("SELECT actor_label, changes FROM changes WHERE entity = 'prospects'"))
        database.write(system(), lambda tx: destroy_keys(tx, [user.id]))
    by = [row["actor"]["label"] for row in us.call("GET", f"/api/prospects/{ids[0]}/history", token=there)[1]["data"]]
    assert by == ["[erased]", ida, email]
    with closing(wiring.open_database(eu.settings)) as database:
        with database.read(system()) as reads:
            assert reads.count(SubjectKey, id=[*map(UUID, ids), users[email]]) == 0
        seal_log(database)
        assert verify(database).faults == []


def test_a_move_that_is_ended_leaves_the_organization_where_it_was(world: World) -> None:
    eu = world.eu
    dora = registered(eu, f"dora.{uuid4().hex}@example.com")
    token, home = dora["access_token"], dora["organization"]["id"]
    dies_at("sending", lambda: moved(eu, home, "us"))
    assert any("is not finished" in line for line in eu.check())
    with pytest.raises(Conflict, match="on its way to us"):
        moved(eu, home, "ca")
    with closing(wiring.open_database(eu.settings)) as database:
        move_organization.cancel(eu.settings, database, UUID(home))
    assert created(eu, "/api/brands", {"name": "Again"}, token)
    assert find_drift(eu.settings) == []


def test_an_organization_whose_name_is_taken_there_stays_as_it_is(world: World) -> None:
    eu, us = world.eu, world.us
    slug = f"taken-{uuid4().hex[:8]}"
    tokens = [registered(place, f"eve.{uuid4().hex}@example.com") for place in (eu, us)]
    for place, made in zip((eu, us), tokens, strict=True):
        path = f"/api/organizations/{made['organization']['id']}"
        assert place.call("PATCH", path, {"slug": slug}, made["access_token"])[0] == 200
    with pytest.raises(Exception, match="has the slug"):
        moved(eu, tokens[0]["organization"]["id"], "us")
    assert created(eu, "/api/brands", {"name": "Fine"}, tokens[0]["access_token"])
    with pytest.raises(Unavailable):
        Regions("eu", {"eu": "", "us": "http://127.0.0.1:1"}, b"x" * 40).ask("us", "/api/regions/status")


def test_what_lies_in_the_wrong_region_is_named(world: World) -> None:
    eu, us = world.eu, world.us
    email = f"fay.{uuid4().hex}@example.com"
    home = UUID(registered(us, email)["organization"]["id"])
    us.announce(eu)
    files = open_files(eu.settings)
    files.write(f"{home}/2026/11/x", b"left behind")

    def lose(tx: Transaction) -> None:
        tx.insert(User, email=email)
        tx.for_organization(home).record("look", "brands", None)

    with closing(wiring.open_database(eu.settings)) as database:
        database.write(system(), lose)
        found = "\n".join(regions.check(eu.settings, database, files, {"one": "eu", "two": "us", "old": ""}))
    assert f"1 rows of changes belong to organization {home}, which lives in us" in found
    assert "is in no organization here, and lives in us" in found
    assert f"1 files belong to organization {home}, which lives in us" in found
    assert "backup two is of the region us" in found
    assert "backup old" not in found
    files.delete(f"{home}/2026/11/x")
