"""A new domain works as it is written, and its name is one that can be loaded."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from growbase.core.errors import Invalid
from growbase.ops.scaffold import LONGEST, write_domain

SRC = Path(__file__).parents[2] / "src"
FILES = ["__init__.py", "actions.py", "migrations/__init__.py", "models.py", "resources.py", "tasks.py"]


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give an empty folder: a domain is loaded once in a process, so its commands run in their own."""
    return tmp_path


def run(folder: Path, *command: str) -> Ran:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GROWBASE_")}
    env["PYTHONPATH"] = str(SRC)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout)


def test_a_new_domain_works_by_the_commands_that_are_printed(home: Path) -> None:
    made = run(home, "growbase", "new", "domain", "gift_cards")
    assert made.code == 0, made.out
    files = [*FILES, "test_gift_cards.py"]
    assert re.findall(r"^Written: gift_cards/(.+)$", made.out, re.MULTILINE) == files
    assert sorted(str(path.relative_to(home / "gift_cards")) for path in home.rglob("*.py")) == files
    setting = re.search(r"GROWBASE_DOMAINS=\S+", made.out)
    assert setting is not None
    (home / ".env").write_text(f"{setting[0]}\nGROWBASE_DEMO_DATA=false\n")

    tests, revision, upgrade, up = re.findall(r"^  (.+)$", made.out, re.MULTILINE)
    assert (tests, upgrade, up) == ("pytest gift_cards", "growbase db upgrade", "growbase up")
    assert revision == 'growbase db revision -m "Begin gift_cards" --domain gift_cards'
    tested = run(home, "pytest", "gift_cards", "-p", "no:cacheprovider", "-W", "error")
    assert (tested.code, "2 passed" in tested.out) == (0, True), tested.out
    written = run(home, "growbase", "db", "revision", "-m", "Begin gift_cards", "--domain", "gift_cards")
    assert written.code == 0, written.out
    assert (home / "gift_cards" / "migrations" / "0001_begin_gift_cards.py").exists()
    assert "gift_cards 0001." in run(home, "growbase", "db", "upgrade").out
    assert run(home, "growbase", "db", "check").out == "The schema is what the models declare.\n"


def test_a_domain_is_looked_at_changed_and_undone(home: Path) -> None:
    run(home, "growbase", "new", "domain", "gift_cards")
    (home / ".env").write_text("GROWBASE_DOMAINS=gift_cards\nGROWBASE_DEMO_DATA=false\n")
    found = run(home, "growbase", "db", "revision", "-m", "Begin")
    assert "gift_cards/migrations/0001_begin.py" in found.out
    assert "CREATE TABLE gift_cards_items" in run(home, "growbase", "db", "plan").out
    assert "CREATE TABLE gift_cards_items" in run(home, "growbase", "db", "schema").out
    assert "gift_cards 0001" in run(home, "growbase", "db", "init").out
    assert re.search(r"gift_cards version +0001", run(home, "growbase", "db", "status").out)
    assert "/api/gift-cards-items/{id}/add" in run(home, "growbase", "openapi").out

    undone = run(home, "growbase", "db", "downgrade", "--domain", "gift_cards", "--yes", "growbase.db")
    assert undone.out == "Undone: gift_cards 0001.\n"
    assert re.search(r"pending migrations +gift_cards 0001", run(home, "growbase", "db", "status").out)
    assert "gift_cards nothing; this program needs gift_cards 0001" in run(home, "growbase", "serve").out
    assert "is marked as gift_cards 0001" in run(home, "growbase", "db", "stamp", "--domain", "gift_cards").out
    refused = run(home, "growbase", "db", "upgrade", "--domain", "shop")
    assert (refused.code, "no domain shop, only growbase, gift_cards" in refused.out) == (2, True)


def test_a_new_domain_is_laid_out_as_the_tools_want_it(home: Path) -> None:
    write_domain("loyalty", home)
    rules = "I,F,E,W,UP,B,ANN,RUF"
    for arguments in (("check", "--select", rules), ("format", "--check", "--diff")):
        checked = run(home, "ruff", *arguments, "--isolated", "--line-length", "120", ".")
        assert checked.code == 0, checked.out


def test_several_domains_are_all_in_the_setting(home: Path) -> None:
    run(home, "growbase", "new", "domain", "loyalty")
    (home / ".env").write_text("GROWBASE_DOMAINS=loyalty\n")
    assert "GROWBASE_DOMAINS=loyalty,vouchers into .env" in run(home, "growbase", "new", "domain", "vouchers").out


@pytest.mark.parametrize("name", ["Loyalty", "1st", "class", "gift-cards", "shop.cards", "", "a" * (LONGEST + 1)])
def test_a_name_that_can_not_be_imported_is_refused(home: Path, name: str) -> None:
    with pytest.raises(Invalid, match="a name that Python can import"):
        write_domain(name, home)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["json", "growbase", "marketing", "pytest"])
def test_the_name_of_a_package_that_is_there_is_refused(home: Path, name: str) -> None:
    with pytest.raises(Invalid, match="the name of a package that is there already"):
        write_domain(name, home)


def test_a_package_is_never_written_over(home: Path) -> None:
    write_domain("loyalty", home)
    (home / "loyalty" / "models.py").write_text("mine")
    refused = run(home, "growbase", "new", "domain", "loyalty")
    assert refused.code == 2
    assert "name is taken by" in refused.out
    assert (home / "loyalty" / "models.py").read_text() == "mine"
