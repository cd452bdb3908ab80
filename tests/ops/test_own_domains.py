"""The migrations of a domain of one's own: in its package, after the program's, with a version table of their own."""

import sys
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest
from pydantic import SecretStr

from growbase import wiring
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.errors import ConfigError
from growbase.core.model import Root
from growbase.domains.identity.models import Organization
from growbase.ops import migrate, rebuild
from growbase.ops.catalogs import Catalog, read_catalog
from growbase.ops.connections import database_name, engine_name, reader
from growbase.ops.difference import wanted
from growbase.ops.drift import find_drift
from growbase.ops.generate import chosen_history, try_out, write_revision
from growbase.ops.history import CORE, History, declared, history_of, revisions
from growbase.ops.plan import plan
from growbase.ops.status import database_status

MODELS = '''"""Cards."""

from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import Owned, Trashable, View, integer, reference, text


class Card(Owned, Trashable):
    """A customer's card."""

    __tablename__ = "{name}_cards"

    brand_id: Mapped[UUID | None] = reference("brands")
    number: Mapped[str] = text(max_length=20)
    note: Mapped[str | None] = text()
    points: Mapped[int] = integer(ge=0, default=0)


class Full(View):
    """A card with points on it."""

    __tablename__ = "{name}_full_cards"
    __sql__ = {{"*": "SELECT organization_id, id, number FROM {name}_cards WHERE points > 0"}}

    number: Mapped[str] = text()
'''
RESOURCES = '''"""What the API offers."""

from growbase.core.resource import Resource
from {name}.models import Card

RESOURCES = (Resource(Card, expand=("brand",)),)
'''
REVISION = '''"""Break."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    raise ValueError("broken")
'''
CORE_IDS = [revision.id for revision in revisions()]
_numbers = count(1)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give the settings of an empty database and of a new domain in the current folder."""
    # A model is declared once in a process, so every test has a domain of its own.
    name = f"loyalty{next(_numbers)}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text('"""Loyalty."""\n')
    (tmp_path / name / "models.py").write_text(MODELS.format(name=name))
    (tmp_path / name / "resources.py").write_text(RESOURCES.format(name=name))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    wiring.catalog([name])
    return Settings(data_dir=tmp_path, database_url=SecretStr(database_url), domains=(name,))


@pytest.fixture
def history(settings: Settings) -> History:
    """Give the history of the domain, with its first revision written."""
    found = history_of(settings, settings.domains[0])
    assert write_revision("Begin", history=found) is not None
    return found


@pytest.fixture
def new_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], str]:
    def create() -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path / 'other.db'}"
        url: str = request.getfixturevalue("new_postgres_database")()
        return url

    return create


def execute(settings: Settings, *statements: str) -> None:
    connection: Any
    if settings.sqlite_path:
        connection = pysqlite3.connect(str(settings.sqlite_path), isolation_level=None)
    else:
        connection = psycopg.connect(settings.database, autocommit=True)
    with closing(connection):
        for statement in statements:
            connection.execute(statement)


def catalog(settings: Settings) -> Catalog:
    with reader(settings) as rows:
        return read_catalog(engine_name(settings), rows)


def query(settings: Settings, sql: str) -> list[Any]:
    with reader(settings) as rows:
        return [tuple(row) for row in rows(sql)]


def test_a_domain_is_upgraded_after_the_program_and_goes_back_alone(settings: Settings, history: History) -> None:
    name = history.package
    assert history.folder == Path.cwd() / name / "migrations"
    assert [path.name for path in history.folder.iterdir()] == ["0001_begin.py"]
    assert migrate.pending(settings) == [*CORE_IDS, f"{name} 0001"]
    assert migrate.upgrade(settings) == [*CORE_IDS, f"{name} 0001"]
    assert query(settings, f"SELECT version_num FROM alembic_version_{name}") == [("0001",)]
    assert find_drift(settings) == []
    migrate.require_current(settings)
    assert migrate.upgrade(settings) == []
    whole = catalog(settings)

    assert migrate.downgrade(settings, history=history) == [f"{name} 0001"]
    assert migrate.current(settings) == CORE_IDS[-1]
    assert migrate.pending(settings) == [f"{name} 0001"]
    assert f"table {name}_cards is missing" in {drift.what for drift in find_drift(settings)}
    with pytest.raises(migrate.SchemaOutdated, match=f"at {name} nothing; this program needs {name} 0001"):
        migrate.require_current(settings)
    assert migrate.upgrade(settings) == [f"{name} 0001"]
    assert catalog(settings) == whole


def test_the_revisions_of_the_program_and_of_a_domain_never_mix(settings: Settings, history: History) -> None:
    own = {f"{history.package}_cards"}
    assert declared(history).tables.keys() == own
    assert {extra.name for extra in declared(history).extras["sqlite"]} == {f"{history.package}_full_cards"}
    assert not own & wanted().tables.keys()
    assert not own & wiring.catalog().models.keys()
    assert own < wiring.catalog(settings.domains).models.keys()
    assert write_revision("Nothing", history=history) is None


def test_a_revision_is_for_whichever_has_changed(settings: Settings) -> None:
    own = history_of(settings, settings.domains[0])
    assert chosen_history(settings, None, changed=True) == own
    assert chosen_history(settings, "growbase", changed=True) == CORE
    write_revision("Begin", history=own)
    assert chosen_history(settings, None, changed=True) == CORE
    with pytest.raises(ConfigError, match=f"growbase, {own.package}: say which with --domain"):
        chosen_history(settings, None, changed=False)
    with pytest.raises(ConfigError, match=f"no domain shop, only growbase, {own.package}"):
        chosen_history(settings, "shop", changed=True)


def test_a_revision_of_a_domain_is_tried_out(settings: Settings, history: History, new_url: Callable[[], str]) -> None:
    shadow = SecretStr(new_url())
    tried = Settings(data_dir=settings.data_dir / "data", shadow_database_url=shadow, domains=settings.domains)
    assert try_out(tried, history) == []
    assert catalog(Settings(data_dir=settings.data_dir, database_url=shadow)) == {}


def test_the_plan_holds_every_history(settings: Settings, history: History, new_url: Callable[[], str]) -> None:
    planned = plan(settings).sql
    other = Settings(data_dir=settings.data_dir, database_url=SecretStr(new_url()), domains=settings.domains)
    if other.sqlite_path:
        with closing(pysqlite3.connect(str(other.sqlite_path))) as connection:
            connection.executescript(planned)
    else:
        execute(other, planned)
    assert migrate.pending(other) == []
    assert find_drift(other) == []
    migrate.upgrade(settings, history=CORE)
    planned = plan(settings).sql
    assert f"{history.package}_cards" in planned
    assert "CREATE TABLE campaigns" not in planned


def test_a_failed_revision_of_a_domain_leaves_the_whole_database_as_it_was(
    settings: Settings, history: History
) -> None:
    (history.folder / "0002_break.py").write_text(REVISION)
    with pytest.raises(migrate.MigrationFailed, match=f"{history.package}: ValueError: broken"):
        migrate.upgrade(settings)
    assert migrate.versions(settings) == {"growbase": None, history.package: None}
    assert catalog(settings) == {}


def test_a_filled_table_is_changed_and_keeps_its_rows(settings: Settings, history: History) -> None:
    migrate.upgrade(settings)
    before = catalog(settings)
    with closing(wiring.open_database(settings)) as database:
        model: type[Root] = database.catalog.models[f"{history.package}_cards"]
        organization_id = database.write(system(), lambda tx: tx.insert(Organization, name="Acme", slug="acme"))
        inside = system("test", organization_id)
        database.write(inside, lambda tx: tx.insert(model, number="1", note="gone", points=3))
    models = deepcopy(wanted(history.package))
    del models.tables[f"{history.package}_cards"].columns["note"]
    del models.tables[f"{history.package}_cards"].constraints[f"ck_{history.package}_cards_note"]
    written = write_revision("Drop the note", models=models, history=history)
    assert written is not None
    assert written.path.name == "0002_drop_the_note.py"
    assert migrate.upgrade(settings) == [f"{history.package} 0002"]
    assert query(settings, f"SELECT number, points FROM {history.package}_cards") == [("1", 3)]
    assert query(settings, f"SELECT number FROM {history.package}_full_cards") == [("1",)]
    assert migrate.downgrade(settings, history=history) == [f"{history.package} 0002"]
    assert catalog(settings) == before


def test_a_domain_newer_than_its_package_is_refused(settings: Settings, history: History) -> None:
    migrate.upgrade(settings)
    execute(settings, f"UPDATE alembic_version_{history.package} SET version_num = '0099'")
    with pytest.raises(migrate.SchemaTooNew, match=f"at {history.package} 0099"):
        migrate.require_current(settings)


def test_the_status_tells_each_version(settings: Settings, history: History) -> None:
    migrate.upgrade(settings, history=CORE)
    found = database_status(settings)
    assert found.schema_version == CORE_IDS[-1]
    assert found.domains == {history.package: None}
    assert found.pending == [f"{history.package} 0001"]
    migrate.upgrade(settings)
    found = database_status(settings)
    assert found.domains == {history.package: "0001"}
    assert f"{history.package}_cards" in found.tables


def test_without_the_setting_a_domain_is_left_alone(settings: Settings, history: History) -> None:
    migrate.upgrade(settings)
    without = Settings(data_dir=settings.data_dir, database_url=settings.database_url)
    assert migrate.pending(without) == []
    assert find_drift(without) == []


def test_a_reset_drops_the_tables_of_a_domain_too(settings: Settings, history: History) -> None:
    migrate.upgrade(settings)
    rebuild.empty(settings, typed=database_name(settings))
    assert catalog(settings) == {}
    assert migrate.versions(settings) == {"growbase": None, history.package: None}


def test_a_push_keeps_the_version_of_a_domain(settings: Settings, history: History) -> None:
    if settings.sqlite_path is None:
        pytest.skip("for embedded databases")
    migrate.upgrade(settings)
    execute(settings, f"DROP VIEW {history.package}_full_cards")
    assert rebuild.push(settings, typed=None) == [f"view {history.package}_full_cards is missing"]
    assert migrate.pending(settings) == []
    assert find_drift(settings) == []
