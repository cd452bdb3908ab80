"""What is in deploy/: that the parts fit each other and the program, judged by the tools that are there."""

import configparser
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from growbase import __version__
from growbase.core.config import Settings, load_settings
from growbase.core.config_sources import variable_of
from tests.pooler import run_pooler
from tests.postgres import PostgresServer
from tests.processes import HOST, free_port
from tests.test_docs import blocks, known_commands

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.rglob("Dockerfile"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAM = "/opt/growbase/bin/growbase"
SECRETS = {variable_of(name) for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
VARIABLES = {variable_of(name) for name in Settings.model_fields} | {f"{name}_FILE" for name in SECRETS}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VERSIONED = re.compile(r"[a-z][a-z/-]*:(?!latest)[\w.-]*\d[\w.-]*|debian:trixie-slim")
"""An image without a registry, with a version; of Debian the release is the version."""


def instructions(path: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each on one line."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    found = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return [(name, " ".join(rest.split())) for name, rest in found]


def of(path: Path, name: str) -> list[str]:
    return [rest for found, rest in instructions(path) if found == name]


# -- images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_has_nothing_to_say(path: Path) -> None:
    program = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([program, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_is_made_of_known_versions_and_runs_as_nobody(path: Path) -> None:
    assert all(VERSIONED.fullmatch(image.split()[0]) for image in of(path, "FROM"))
    (user,) = of(path, "USER")
    uid, gid = map(int, user.split(":"))
    assert min(uid, gid) >= 1_000
    (healthcheck,) = of(path, "HEALTHCHECK")
    run_forms = [*of(path, "ENTRYPOINT"), *of(path, "CMD"), healthcheck.partition("CMD ")[2]]
    assert all(isinstance(json.loads(form), list) for form in run_forms), "a shell would swallow the signals"


def test_the_image_copies_what_is_there_and_may_be_sent() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    named = [source for copied in of(DEPLOY / "Dockerfile", "COPY") for source in copied.split()[:-1]]
    sources = [source for source in named if "opt/growbase" not in source and not source.startswith("--")]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert {source.partition("/")[0] for source in sources} == allowed
    assert (DEPLOY / "pgbouncer" / "pgbouncer.ini").exists()
    assert all("--require-hashes" in run for run in of(DEPLOY / "Dockerfile", "RUN") if "base.txt" in run)


def test_the_image_speaks_of_settings_and_commands_that_are_there() -> None:
    path = DEPLOY / "Dockerfile"
    (last,) = of(path, "ENV")[1:]
    assert set(re.findall(r"(GROWBASE_\w+)=", last)) <= VARIABLES
    (healthcheck,), (command,) = of(path, "HEALTHCHECK"), of(path, "CMD")
    assert " ".join(json.loads(healthcheck.partition("CMD ")[2])) in known_commands()
    assert f"growbase {json.loads(command)[0]}" in known_commands()
    assert json.loads(of(path, "ENTRYPOINT")[0]) == ["tini", "--", "growbase"]


# -- recipes ----------------------------------------------------------------------------------------------------------


def test_the_recipes_name_settings_and_files_that_are_there() -> None:
    page = ROOT / "docs" / "operations" / "deploy.md"
    (fly,), (render,) = blocks(page, "toml"), blocks(page, "yaml")
    machine, services = tomllib.loads(fly), yaml.safe_load(render)["services"]
    assert machine["env"].keys() <= VARIABLES
    assert {one["key"] for service in services for one in service["envVars"]} <= VARIABLES
    for path in (machine["build"]["dockerfile"], *(service["dockerfilePath"] for service in services)):
        assert (ROOT / path).exists()
    commands = [service[key] for service in services for key in ("preDeployCommand", "dockerCommand") if key in service]
    assert set(commands) <= known_commands()


# -- compose ----------------------------------------------------------------------------------------------------------


def test_compose_has_every_part() -> None:
    assert set(SERVICES) == {"app", "worker", "migrate", "postgres", "pgbouncer", "redis", "s3", "bucket"}
    program = shutil.which("docker")
    if program and subprocess.run([program, "compose", "version"], capture_output=True, check=False).returncode == 0:
        command = [program, "compose", "--file", DEPLOY / "compose.yaml", "config", "--quiet"]
        subprocess.run(command, env={"GROWBASE_PUBLIC_URL": "https://x.example"}, check=True)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_confined_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert VERSIONED.fullmatch(service["image"].removeprefix("chrislusf/")), service["image"]
    if service["image"].startswith("growbase"):
        assert service["image"].endswith(f":{__version__}")
        folder = DEPLOY / service["build"]["context"]
        dockerfile = folder / service["build"].get("dockerfile", "Dockerfile")
        assert dockerfile.resolve() in DOCKERFILES
    limits = service["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    is_watched = "healthcheck" in service or service["image"].startswith("growbase:")
    assert is_watched
    assert (service["restart"] == "no") == (name in {"migrate", "bucket"})
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_names_what_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
    assert set(service["networks"]) <= COMPOSE["networks"].keys()
    assert {volume.partition(":")[0] for volume in service.get("volumes", ())} <= COMPOSE["volumes"].keys()
    for other, how in service.get("depends_on", {}).items():
        is_once = SERVICES[other]["restart"] == "no"
        assert how["condition"] == ("service_completed_successfully" if is_once else "service_healthy")
    read = {value for value in map(str, service.get("environment", {}).values()) if value.startswith("/run/secrets/")}
    assert {value.removeprefix("/run/secrets/") for value in read} <= set(service["secrets"] if read else ())


def test_only_the_program_reaches_outside_and_only_this_machine_reaches_it() -> None:
    assert COMPOSE["networks"]["back"]["internal"] is True
    assert {name for name, service in SERVICES.items() if "front" in service["networks"]} == {
        "app",
        "worker",
        "migrate",
    }
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports == [f"{HOST}:8000:8000"]
    (subnet,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert SERVICES["app"]["environment"]["GROWBASE_TRUSTED_PROXIES"] == subnet["subnet"]


def test_the_services_run_commands_that_are_there() -> None:
    known = known_commands()
    for name in ("app", "worker", "migrate"):
        assert " ".join(["growbase", *SERVICES[name]["command"]]) in known
    assert SERVICES["worker"]["healthcheck"]["test"][1:3] == ["growbase", "health"]


def test_compose_holds_no_secret() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEYS|URL_FILE", variable):
                assert str(value).startswith("/run/secrets/") or variable.endswith("ACCESS_KEY_ID"), variable
    assert "BEGIN" not in text
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of secrets as the script makes them."""
    folder = tmp_path_factory.mktemp("made") / "secrets"
    subprocess.run(["sh", DEPLOY / "make-secrets.sh", folder], check=True, capture_output=True)
    return folder


def test_the_secrets_are_made_once(secrets: Path) -> None:
    made = {path.name: path.read_text() for path in secrets.iterdir()}
    declared = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert made.keys() == COMPOSE["secrets"].keys() == declared
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    again = subprocess.run(["sh", DEPLOY / "make-secrets.sh", secrets], check=True, capture_output=True)
    assert again.stdout == b""
    assert {path.name: path.read_text() for path in secrets.iterdir()} == made
    assert (
        json.loads(made["s3_identities"])["identities"][0]["credentials"][0]["secretKey"]
        == made["s3_secret_access_key"].strip()
    )


def test_the_settings_of_compose_are_fit_for_production(secrets: Path, tmp_path: Path) -> None:
    (image,) = of(DEPLOY / "Dockerfile", "ENV")[1:]
    environment = dict(pair.split("=", 1) for pair in shlex.split(image) if pair.startswith("GROWBASE_"))
    chosen = SERVICES["app"]["environment"]
    assert chosen.keys() <= VARIABLES
    environment |= {name: str(value).replace("/run/secrets", str(secrets)) for name, value in chosen.items()}
    environment["GROWBASE_PUBLIC_URL"] = "https://app.example.com"
    environment |= {name: "" for name, value in environment.items() if value.startswith("${")}
    settings = load_settings(environment, tmp_path)
    assert settings.is_production
    assert settings.problems() == ([], [])
    assert settings.uses_pgbouncer
    assert "@postgres:5432/growbase" in settings.direct_database


def test_pgbouncer_is_told_what_the_program_relies_on() -> None:
    found = configparser.ConfigParser()
    found.read(DEPLOY / "pgbouncer" / "pgbouncer.ini")
    section = found["pgbouncer"]
    assert section["pool_mode"] == "transaction"
    assert section["auth_file"] == f"/run/secrets/{SERVICES['pgbouncer']['secrets'][0]}"
    assert dict(found["databases"]) == {"growbase": "host=postgres port=5432"}
    most = next(int(word.partition("=")[2]) for word in SERVICES["postgres"]["command"] if "max_connections" in word)
    assert int(section["default_pool_size"]) + int(section["reserve_pool_size"]) < most


def test_pgbouncer_takes_its_file_and_the_secrets(secrets: Path, postgres: PostgresServer, tmp_path: Path) -> None:
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    port, folder = free_port(), tmp_path / "pooler"
    folder.mkdir()
    text = (DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text(encoding="utf-8")
    here = {
        "host=postgres port=5432": f"host={HOST} port={postgres.port} dbname=postgres",
        "0.0.0.0": HOST,  # noqa: S104 -- what a container listens on
        "6432": str(port),
        "/run/secrets/pgbouncer_users": str(folder / "users"),
    }
    for there, instead in here.items():
        assert there in text
        text = text.replace(there, instead)
    made = (secrets / "postgres_password").read_text().strip()
    users = (secrets / "pgbouncer_users").read_text().replace(made, postgres.password)
    with run_pooler(program, folder, port, text, users):
        url = (secrets / "database_url").read_text().strip().replace(made, postgres.password)
        with psycopg.connect(url.replace("pgbouncer:6432", f"{HOST}:{port}"), prepare_threshold=None) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("growbase",)


# -- systemd ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_valid_and_well_confined(path: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    # It looks for the program, which is not installed here.
    unit = tmp_path / path.name
    unit.write_text(path.read_text(encoding="utf-8").replace(PROGRAM, str(shutil.which("true"))))
    done = subprocess.run([program, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    judged = [program, "security", "--offline=true", "--threshold=20", unit]
    exposure = subprocess.run(judged, capture_output=True, text=True, check=False)
    assert exposure.returncode == 0, exposure.stdout


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_commands_and_settings_that_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    runs = re.findall(rf"^Exec\w+={PROGRAM} (.+)$", text, re.MULTILINE)
    assert runs
    assert {f"growbase {command}" for command in runs} <= known_commands()
    assert set(re.findall(r"(GROWBASE_\w+)=", text)) <= VARIABLES


def test_both_units_share_user_and_folder() -> None:
    shared = ("DynamicUser", "User", "StateDirectory", "EnvironmentFile", "Environment")
    found = [
        [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(shared)] for path in UNITS
    ]
    assert len(UNITS) == 2
    assert found[0] == found[1] != []
