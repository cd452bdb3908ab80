"""The documentation is run: what it shows is what happens, and what it names is there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from docs import generate
from growbase import wiring
from growbase.core import ddl
from tests.processes import HOST, free_port, running

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))
NOT_YET: set[str] = set()
"""Commands that the documentation names before they are there; a test asks for their removal from this list."""
DOCUMENTS_COMMANDS = (
    *("npm install", "docker-compose up -d", "prisma migrate dev --name init", "prisma migrate dev --create-only"),
    *("prisma migrate deploy", "prisma migrate reset", "prisma migrate resolve --applied", "prisma generate"),
    *("prisma migrate resolve --rolled-back", "prisma db pull", "prisma studio", "pg_dump", "EXPLAIN ANALYZE"),
    *(f"npm run db:{name}" for name in ("migrate", "migrate:prod", "seed", "reset", "generate", "studio", "push")),
    *("npm run prisma:seed", *(f"make db-{name}" for name in ("init", "status", "upgrade", "backup", "reset"))),
)
MARK = "--8<-- "

Step = tuple[str, str]
"""A command and what it prints, where ``...`` stands for anything."""


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def steps(block: str) -> list[Step]:
    """Return the commands of a console block with what they print."""
    found = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(command, output.strip()) for command, _, output in (text.partition("\n") for text in found)]


def run(commands: list[str], *, folder: Path, **env: str) -> list[str]:
    """Run commands in one shell and return what each printed."""
    script = "".join(f'{name}() {{ "$PYTHON" -m {name} "$@"; }}\n' for name in ("growbase", "pytest"))
    script += "".join(f"echo '{MARK}'\n{command}\n" for command in commands)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GROWBASE_")}
    done = subprocess.run(
        ["bash", "-u"],
        input=script,
        cwd=folder,
        env={**inherited, "PYTHON": sys.executable, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return [text.strip() for text in done.stdout.split(MARK)[1:]]


def assert_shown(shown: list[Step], printed: list[str]) -> None:
    """Compare what the page shows with what was printed."""
    for (command, expected), output in zip(shown, printed, strict=True):
        pattern = ".*".join(re.escape(part) for part in expected.split("..."))
        assert re.fullmatch(pattern, output, re.DOTALL), f"$ {command}\n{output}\n\nbut the page shows:\n{expected}"


@contextmanager
def demo_server(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve new demo data and give the server's address and the administrator's password."""
    port, log = free_port(), folder / "up.log"
    env = {"GROWBASE_PORT": str(port), "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "growbase", "up"]
    url = f"http://{HOST}:{port}/api/health"
    with log.open("wb") as output, running(command, url=url, env=env, cwd=folder, output=output):
        said = log.read_text(encoding="utf-8")
        password = re.search(r"^admin@example\.com  password: (\S+)$", said, re.MULTILINE)
        assert password is not None, said
        yield f"{HOST}:{port}", password[1]


def access_token(address: str, password: str) -> str:
    """Log the administrator in."""
    body = {"email": "admin@example.com", "password": password}
    answer = httpx.post(f"http://{address}/api/auth/login", json=body)
    token: str = answer.json()["access_token"]
    return token


def source(tmp_path: Path) -> Path:
    """Return a folder that holds a copy of the package, for guides that change it."""
    copy = tmp_path / "source" / "growbase"
    shutil.copytree(ROOT / "src" / "growbase", copy)
    return copy


def apply(diff: str, path: Path) -> None:
    """Apply a diff block to a file, which must hold its old lines exactly once."""
    old = "".join(f"{line[1:]}\n" for line in diff.splitlines() if line[0] in " -")
    new = "".join(f"{line[1:]}\n" for line in diff.splitlines() if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has these lines {text.count(old)} times:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


# -- examples ---------------------------------------------------------------------------------------------------------


def test_the_tour_of_the_readme_is_true(tmp_path: Path) -> None:
    start, *tour = [step for block in blocks(ROOT / "README.md", "console") for step in steps(block)]
    assert start[0] == "make up"
    with demo_server(tmp_path) as (address, password):
        said = (tmp_path / "up.log").read_text(encoding="utf-8")
        commands = [text.replace("the password shown for admin@example.com", password) for text, _ in tour]
        printed = run([text.replace("localhost:8000", address) for text in commands], folder=tmp_path)
    port = address.rpartition(":")[2]
    assert_shown([("make up", start[1].replace("8000", str(port)).removeprefix("...\n"))], [said.strip()])
    assert_shown(tour, printed)


@pytest.mark.parametrize("domain", wiring.DOMAINS)
def test_the_worked_example_of_a_domain_works(domain: str, tmp_path: Path) -> None:
    shown = [step for block in blocks(ROOT / "docs" / "domains" / f"{domain}.md", "console") for step in steps(block)]
    assert shown
    with demo_server(tmp_path) as (address, password):
        token = access_token(address, password)
        commands = [text.replace("localhost:8000", address) for text, _ in shown]
        assert_shown(shown, run(commands, folder=tmp_path, TOKEN=token))


def test_the_guides_add_a_table_and_then_an_index(tmp_path: Path) -> None:
    table, an_index = (ROOT / "docs" / "tasks" / name for name in ("add-a-table.md", "add-an-index.md"))
    package = source(tmp_path)
    env = {"PYTHONPATH": str(package.parent)}
    assert "Installed" in run(["growbase db init", "growbase seed"], folder=tmp_path, **env)[0]

    (model,) = blocks(table, "python")
    models = package / "domains" / "marketing" / "models_offers.py"
    models.write_text(model, encoding="utf-8")
    for diff in blocks(table, "diff"):
        apply(diff, package / "domains" / "marketing" / "resources.py")
    shown = [step for block in blocks(table, "console") for step in steps(block)]
    assert_shown(shown, run([text for text, _ in shown], folder=tmp_path, **env))

    for diff in blocks(an_index, "diff"):
        apply(diff, models)
    shown = [step for block in blocks(an_index, "console") for step in steps(block)]
    assert_shown(shown, run([text for text, _ in shown], folder=tmp_path, **env))


def test_the_guide_adds_a_domain_of_ones_own(tmp_path: Path) -> None:
    page = ROOT / "docs" / "tasks" / "add-your-own-domain.md"
    env = {"PYTHONPATH": str(ROOT / "src"), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    begin, tests, migration, use = (steps(block) for block in blocks(page, "console"))
    assert_shown(begin, run([text for text, _ in begin], folder=tmp_path, **env))

    files = re.findall(r"^`(loyalty/\w+\.py)`", page.read_text(encoding="utf-8"), re.MULTILINE)
    written = blocks(page, "python")
    assert sum(len(text.splitlines()) for text in written) < 80
    for name, text in zip(files, written, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    for shown in (tests, migration):
        assert_shown(shown, run([text for text, _ in shown], folder=tmp_path, **env))

    port = free_port()
    env |= {"GROWBASE_PORT": str(port)}
    command, url = [sys.executable, "-m", "growbase", "up"], f"http://{HOST}:{port}/api/health"
    with (tmp_path / "log").open("wb") as output, running(command, url=url, env=env, cwd=tmp_path, output=output):
        commands = [text.replace("localhost:8000", f"{HOST}:{port}") for text, _ in use]
        assert_shown(use, run(commands, folder=tmp_path, **env))


def test_the_plan_of_the_guide_is_the_plan(tmp_path: Path) -> None:
    shown = [step for block in blocks(ROOT / "docs" / "tasks" / "read-a-plan.md", "console") for step in steps(block)]
    commands = ["growbase db init", "growbase seed", *(text for text, _ in shown)]
    assert_shown(shown, run(commands, folder=tmp_path, PYTHONPATH=str(ROOT / "src"))[2:])


def test_the_plan_on_the_page_about_migrations_is_the_plan(tmp_path: Path) -> None:
    page = ROOT / "docs" / "operations" / "migrations.md"
    shown = [step for block in blocks(page, "console") for step in steps(block)]
    assert_shown(shown, run([text for text, _ in shown], folder=tmp_path, PYTHONPATH=str(ROOT / "src")))


# -- what is generated ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    wiring.catalog()
    return generate.files()


@pytest.mark.parametrize(
    "name",
    [
        *(".env.example", "README.md", "docs/configuration.md", "docs/commands.md", "docs/overview.md"),
        *(f"docs/domains/{name}.md" for name in wiring.DOMAINS),
        *("docs/seed-data.md", *(f"src/growbase/migrations/schema.{engine}.sql" for engine in ddl.ENGINES)),
    ],
)
def test_generated_parts_are_current(generated: dict[str, str], name: str) -> None:
    """`make docs` writes them."""
    assert (ROOT / name).read_text(encoding="utf-8") == generated[name]


def test_every_generated_file_is_compared(generated: dict[str, str]) -> None:
    (mark,) = (one for one in test_generated_parts_are_current.pytestmark if one.name == "parametrize")
    assert list(generated) == mark.args[1]


# -- what is named ----------------------------------------------------------------------------------------------------


def known_commands() -> set[str]:
    from typer.main import get_command

    from growbase.cli.app import app

    return {path for path, _ in generate.leaves("growbase", get_command(app))}


def named(page: Path, program: str) -> Iterator[str]:
    """Yield the commands of a program that a page names in code."""
    text = page.read_text(encoding="utf-8")
    code = [*re.findall(r"`([^`\n]+)`", text), *"\n".join(re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)).split("\n")]
    for piece in code:
        yield from re.findall(rf"(?:^|[\s;(])((?:{program}) [a-z].*)", piece)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_growbase_command_that_is_named_is_there(page: Path) -> None:
    known = known_commands() | NOT_YET
    groups = {" ".join(path.split()[:2]) for path in known if len(path.split()) == 3}
    for text in named(page, "growbase"):
        words = text.split()
        path = " ".join(words[:3]) if " ".join(words[:2]) in groups else " ".join(words[:2])
        assert path in known, f"{page.name}: {text}"


def test_no_command_is_waited_for_that_is_there() -> None:
    assert NOT_YET & known_commands() == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for text in named(page, "make"):
        assert shlex.split(text)[1] in targets, f"{page.name}: {text}"


@pytest.mark.parametrize("command", DOCUMENTS_COMMANDS)
def test_every_command_of_the_documents_has_its_place(command: str) -> None:
    rows = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if row.startswith("| ") and command in row.split("|")[1]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_named_is_there(page: Path) -> None:
    known = set(re.findall(r"GROWBASE_[A-Z_]+", (ROOT / ".env.example").read_text(encoding="utf-8")))
    found = set(re.findall(r"GROWBASE_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
    assert {name for name in found if name.removesuffix("_FILE") not in known} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    names = re.findall(r"`((?:src|docs|tests|bench|deploy)/[\w./-]+)`", page.read_text(encoding="utf-8"))
    made_by_a_guide = {"src/growbase/domains/marketing/models_offers.py"}
    assert [name for name in names if name not in made_by_a_guide and not (ROOT / name).exists()] == []


# -- form -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ADRS, ids=lambda page: page.name)
def test_a_decision_is_short_and_complete(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 50
    assert re.fullmatch(rf"# {page.name[:4]} .+", lines[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d, (accepted|replaced by \d{4})", lines[2])
    heads = [line for line in lines if line.startswith("## ")]
    assert heads == ["## Context", "## Decision", "## Consequences", "## Alternatives"]


def test_decisions_are_numbered_without_gaps() -> None:
    assert [page.name[:4] for page in ADRS] == [f"{number:04}" for number in range(1, len(ADRS) + 1)]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 250


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_prose_is_plain(page: Path) -> None:
    """Straight quotes and no long dashes, and lines that fit but for tables and output."""
    fenced = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fenced ^= line.startswith("```")
        assert not re.search(r"[\u2013\u2014\u201c\u201d\u2018\u2019]", line), f"{page.name}:{number}"
        assert len(line) <= 125 or line.startswith("|") or fenced, f"{page.name}:{number}"
