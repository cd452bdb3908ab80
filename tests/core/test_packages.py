"""Domains of one's own are found in the current folder, and what is wrong with one is said in a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from growbase import wiring
from growbase.core.config import Settings
from growbase.core.errors import ConfigError
from growbase.core.packages import find_module, package_folder, require_apart

SRC = Path(wiring.__file__).parents[1]
MODEL = '''"""Tables."""

from sqlalchemy.orm import Mapped

from growbase.core.model import {base}, text


class Thing({base}):
    """A thing."""

    __tablename__ = "{table}"
    __sql__ = {{"*": "SELECT 1"}}

    name: Mapped[str] = text()
'''
RESOURCES = """from growbase.core.resource import Resource
from things.models import Thing

RESOURCES = (Resource(Thing, sortable=(), sort="name"),)
"""
LOAD = """
from growbase import wiring
from growbase.core.config import Settings
from growbase.core.errors import ConfigError

try:
    print(*wiring.catalog(["things"]).resources[-1].name)
    print("count_things" in wiring.tasks(Settings(domains=("things",))))
except ConfigError as error:
    print(error)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    return tmp_path


def load(here: Path) -> str:
    """Return what a new process says of the package ``things``: a model is declared once in a process."""
    command = [sys.executable, "-P", "-c", LOAD]
    ran = subprocess.run(command, cwd=here, env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def write(here: Path, table: str = "things", base: str = "Owned", resources: str = RESOURCES) -> None:
    (here / "things").mkdir()
    (here / "things" / "__init__.py").touch()
    (here / "things" / "models.py").write_text(MODEL.format(table=table, base=base))
    (here / "things" / "resources.py").write_text(resources)


def test_a_package_is_found_in_the_current_folder(here: Path) -> None:
    (here / "shop" / "vouchers").mkdir(parents=True)
    assert package_folder("shop.vouchers") == here / "shop" / "vouchers"
    assert sys.path[0] == str(here)
    assert find_module("shop.vouchers", "tasks") is None


def test_a_package_is_loaded_whose_folder_is_not_on_the_path(here: Path) -> None:
    write(here)
    (here / "things" / "tasks.py").write_text("TASKS = {'count_things': print}\nSWEEPS = ()\n")
    assert load(here).split("\n") == ["t h i n g s", "True"]


@pytest.mark.parametrize("name", ["missing", "missing.inner", "json.inner", "string", "./missing", "a-b"])
def test_a_missing_package_is_told_with_the_setting(here: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"GROWBASE_DOMAINS names {name}, but there is no such package"):
        package_folder(name)


def test_a_package_that_fails_says_so_itself(here: Path) -> None:
    (here / "failing").mkdir()
    (here / "failing" / "__init__.py").write_text("import no_such_library\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        package_folder("failing.inner")


def test_a_package_without_resources_is_told_where_they_go(here: Path) -> None:
    (here / "bare").mkdir()
    with pytest.raises(ConfigError, match=r"declare RESOURCES in .*bare/resources\.py"):
        wiring.catalog(["bare"])


@pytest.mark.parametrize("packages", [("loyalty", "loyalty"), ("shop", "shop.vouchers"), ("shop.vouchers", "shop")])
def test_a_package_in_another_one_is_refused(packages: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="name one of them"):
        require_apart(packages)
    require_apart(("shop", "shopping", "loyalty"))


def test_a_table_that_is_there_already_is_refused(here: Path) -> None:
    write(here, table="campaigns")
    assert "names things, whose table campaigns is there already: give it another name" in load(here)


def test_a_table_with_the_name_of_a_view_is_refused(here: Path) -> None:
    write(here, table="campaign_summary")
    assert "The table campaign_summary is declared by growbase.domains.marketing.models_views" in load(here)


def test_a_task_that_is_there_already_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here)
    (here / "things" / "tasks.py").write_text("TASKS = {'once': print}\nSWEEPS = ()\n")
    (here / "more").mkdir()
    (here / "more" / "tasks.py").write_text("TASKS = {'once': print}\nSWEEPS = ()\n")
    package_folder("more")
    with pytest.raises(ConfigError, match=r"more\.tasks has a task once, which is there already"):
        wiring.tasks(Settings(data_dir=here, domains=("things", "more")))
