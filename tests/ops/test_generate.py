"""Revisions written from models: on filled tables an upgraded schema equals a fresh one, and goes back."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from growbase import wiring
from growbase.core import ddl, types
from growbase.core.config import Settings
from growbase.core.ddl import Extra
from growbase.core.errors import ConfigError, Invalid
from growbase.core.model import NAMES, Rule
from growbase.ops import migrate
from growbase.ops.catalogs import Catalog, read_catalog
from growbase.ops.generate import try_out, write_revision
from growbase.ops.history import CORE, Declared, History, declared, revisions
from growbase.ops.shapes import shape_of

Run = Callable[..., list[Any]]
TRIGGER = {
    "sqlite": """
CREATE TRIGGER people_refuse_delete BEFORE DELETE ON people BEGIN
    SELECT RAISE(ABORT, 'people: stay');
END
""",
    "postgresql": """
CREATE TRIGGER people_refuse_delete BEFORE DELETE ON people
FOR EACH ROW EXECUTE FUNCTION people_refuse()
""",
}
FUNCTION = """
CREATE FUNCTION people_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'people: stay';
END
$$
"""
OLD_VIEW = "CREATE VIEW active_people AS SELECT id, name FROM people WHERE active"
NEW_VIEW = "CREATE VIEW active_people AS SELECT id, name, level FROM people WHERE active"


def extras(view: str) -> dict[str, tuple[Extra, ...]]:
    found = {}
    for engine in ddl.ENGINES:
        statements = [FUNCTION] if engine == "postgresql" else []
        parsed = [Extra.parse(sql) for sql in [*statements, TRIGGER[engine], view]]
        found[engine] = tuple(extra for extra in parsed if extra is not None)
    return found


def teams_table(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "teams",
        metadata,
        sa.Column("id", types.Identifier(), primary_key=True),
        sa.Column("leader_id", types.Identifier()),
        sa.Column("name", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(["leader_id"], ["people.id"], name="fk_teams_leader_id"),
        sqlite_strict=True,
    )


def people_table(metadata: sa.MetaData, *items: sa.schema.SchemaItem) -> sa.Table:
    table = sa.Table(
        "people",
        metadata,
        sa.Column("id", types.Identifier(), primary_key=True),
        sa.Column("boss_id", types.Identifier()),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("active", types.Boolean(), nullable=False),
        sa.Column("settings", types.Document(), nullable=False),
        *items,
        sa.CheckConstraint("active IN (0, 1)", name="active").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(settings)", name="settings").ddl_if(dialect="sqlite"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_people_team_id"),
        sa.ForeignKeyConstraint(["boss_id"], ["people.id"], name="fk_people_boss_id"),
        sqlite_strict=True,
    )
    live = sa.text("active")
    name = sa.text("lower(name)")
    sa.Index("uq_people_name", table.c.team_id, name, unique=True, sqlite_where=live, postgresql_where=live)
    return table


def old_tables() -> list[sa.Table]:
    metadata = sa.MetaData(naming_convention=NAMES)
    people = people_table(
        metadata,
        sa.Column("team_id", types.Identifier(), nullable=False),
        sa.Column("nickname", types.Text()),
        sa.Column("age", types.Text()),
        sa.CheckConstraint("length(name) <= 50", name="name"),
    )
    sa.Index("ix_people_nickname", people.c.nickname)
    forgotten = sa.Table("forgotten", metadata, sa.Column("id", types.Identifier(), primary_key=True))
    return [teams_table(metadata), people, forgotten]


def new_tables() -> list[sa.Table]:
    metadata = sa.MetaData(naming_convention=NAMES)
    level = {"rule": Rule("choice", default="junior")}
    tags = {"rule": Rule("document", default=lambda: {"a": 1})}
    people = people_table(
        metadata,
        sa.Column("team_id", types.Identifier()),
        sa.Column("age", types.Integer()),
        sa.Column("level", types.Text(), nullable=False, info=level),
        sa.Column("tags", types.Document(), nullable=False, info=tags),
        sa.Column("note", types.Text()),
        sa.CheckConstraint("length(name) <= 80", name="name"),
        sa.CheckConstraint("level IN ('junior', 'senior')", name="level"),
        sa.CheckConstraint("json_valid(tags)", name="tags").ddl_if(dialect="sqlite"),
    )
    sa.Index("ix_people_level_id", people.c.level, people.c.id)
    badges = sa.Table(
        "badges",
        metadata,
        sa.Column("id", types.Identifier(), primary_key=True),
        sa.Column("person_id", types.Identifier(), nullable=False),
        sa.Column("count", types.Real(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_badges_person_id"),
        sqlite_strict=True,
    )
    return [teams_table(metadata), people, badges]


def before() -> Declared:
    return Declared({table.name: shape_of(table) for table in old_tables()}, extras(OLD_VIEW))


def after() -> Declared:
    return Declared({table.name: shape_of(table) for table in new_tables()}, extras(NEW_VIEW))


@pytest.fixture
def history(tmp_path: Path) -> History:
    (tmp_path / "history").mkdir()
    return replace(CORE, folder=tmp_path / "history")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=SecretStr(database_url))


def run(settings: Settings, *statements: str) -> list[Any]:
    """Run statements on a connection of their own and return the rows of the last one."""
    rows: list[Any] = []
    connection: Any
    if settings.sqlite_path:
        connection = pysqlite3.connect(str(settings.sqlite_path), isolation_level=None)
    else:
        connection = psycopg.connect(settings.database, autocommit=True)
    with closing(connection):
        if settings.sqlite_path:
            connection.execute("PRAGMA foreign_keys = ON")
        for statement in statements:
            cursor = connection.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
    return rows


def catalog(settings: Settings) -> Catalog:
    return read_catalog("postgresql" if settings.is_postgresql else "sqlite", lambda sql: run(settings, sql))


def fill(settings: Settings) -> None:
    team, boss, person = ("00000000-0000-7000-8000-00000000000" + digit for digit in "123")
    columns = "id, team_id, boss_id, name, nickname, age, active, settings"
    yes = "true" if settings.is_postgresql else "1"
    run(
        settings,
        f"INSERT INTO teams (id, name) VALUES ('{team}', 'One')",
        f"INSERT INTO people ({columns}) VALUES ('{boss}', '{team}', NULL, 'Ann', 'A', '40', {yes}, '{{}}')",
        f"INSERT INTO people ({columns}) VALUES ('{person}', '{team}', '{boss}', 'Bob', 'B', NULL, {yes}, '{{}}')",
        f"UPDATE teams SET leader_id = '{boss}'",
    )


def fresh(settings: Settings) -> Catalog:
    """Return the catalogue of a database whose newer schema was made at once."""
    engine = "postgresql" if settings.is_postgresql else "sqlite"
    made = [*ddl.statements(engine, new_tables()), *(extra.create for extra in ddl.in_order(extras(NEW_VIEW)[engine]))]
    if engine == "sqlite":
        connection = pysqlite3.connect(":memory:", isolation_level=None)
        with closing(connection):
            for sql in made:
                connection.execute(sql)
            return read_catalog(engine, lambda sql: connection.execute(sql).fetchall())
    with closing(psycopg.connect(settings.database)) as server:
        server.execute("CREATE SCHEMA fresh")
        server.execute("SET search_path = fresh")
        for sql in made:
            server.execute(sql.encode())
        return read_catalog(engine, lambda sql: server.execute(sql.encode()).fetchall())


def test_a_column_that_may_be_empty_is_added_without_touching_a_view(settings: Settings, history: History) -> None:
    write_revision("first", models=before(), history=history)
    assert migrate.upgrade(settings, history=history) == ["0001"]
    old = catalog(settings)
    tables = old_tables()
    tables[1].append_column(sa.Column("note", types.Text()))
    models = Declared({table.name: shape_of(table) for table in tables}, extras(OLD_VIEW))
    written = write_revision("second", models=models, history=history)
    assert written is not None
    upgrade = written.path.read_text().partition("def downgrade")[0]
    assert 'op.add_column("people"' in upgrade
    assert "VIEW" not in upgrade
    assert migrate.upgrade(settings, history=history) == ["0002"]
    run(settings, "SELECT note FROM people")
    run(settings, "SELECT id FROM active_people")
    migrate.downgrade(settings, "0001", history=history)
    assert catalog(settings) == old


def test_an_upgraded_schema_equals_a_fresh_one_and_goes_back(settings: Settings, history: History) -> None:
    write_revision("first", models=before(), history=history)
    assert migrate.upgrade(settings, history=history) == ["0001"]
    old = catalog(settings)
    fill(settings)
    written = write_revision("second", models=after(), history=history)
    assert written is not None
    assert migrate.upgrade(settings, history=history) == ["0002"]
    assert catalog(settings) == fresh(settings)
    assert run(settings, "SELECT name, age, level, tags, note FROM people ORDER BY name") == (
        [("Ann", 40, "junior", {"a": 1}, None), ("Bob", None, "junior", {"a": 1}, None)]
        if settings.is_postgresql
        else [("Ann", 40, "junior", '{"a":1}', None), ("Bob", None, "junior", '{"a":1}', None)]
    )
    assert len(run(settings, "SELECT name, level FROM active_people")) == 2
    with pytest.raises((pysqlite3.Error, psycopg.Error), match="people: stay"):
        run(settings, "DELETE FROM people")
    with pytest.raises((pysqlite3.Error, psycopg.Error)):
        run(settings, "UPDATE people SET name = 'bob'")
    assert migrate.downgrade(settings, history=history) == ["0002"]
    assert catalog(settings) == old
    assert run(settings, "SELECT name, age, nickname FROM people ORDER BY name") == [
        ("Ann", "40", None),
        ("Bob", None, None),
    ]
    assert migrate.downgrade(settings, history=history) == ["0001"]
    assert catalog(settings) == {}


def test_what_the_revisions_make_is_what_the_models_declare(history: History) -> None:
    write_revision("first", models=before(), history=history)
    assert write_revision("nothing", models=before(), history=history) is None
    written = write_revision("second", models=after(), history=history)
    assert written is not None
    assert declared(history).tables == after().tables
    assert write_revision("nothing", models=after(), history=history) is None


def test_a_revision_warns_of_what_is_lost(history: History) -> None:
    write_revision("first", models=before(), history=history)
    written = write_revision("second", models=after(), history=history)
    assert written is not None
    assert written.warnings == (
        "drops people.nickname: if it was renamed, write alter_column instead",
        "converts people.age from types.Text() to types.Integer(): check its rows",
        "drops the table forgotten with its rows",
    )


def test_a_required_column_without_default_waits_for_a_person(history: History, settings: Settings) -> None:
    write_revision("first", models=before(), history=history)
    models = before()
    table = models.tables["teams"]
    extra = sa.Table("teams", sa.MetaData(), sa.Column("code", types.Text(), nullable=False))
    table.columns["code"] = shape_of(extra).columns["code"]
    written = write_revision("codes", models=models, history=history)
    assert written is not None
    assert written.warnings == ("teams.code needs a value in existing rows: say which, where the revision raises",)
    migrate.upgrade(settings, "0001", history=history)
    with pytest.raises(migrate.MigrationFailed, match=r"teams\.code needs a value"):
        migrate.upgrade(settings, history=history)
    assert migrate.current(settings) == "0001"


def test_another_primary_key_is_left_to_a_person(history: History) -> None:
    write_revision("first", models=before(), history=history)
    models = before()
    other = sa.Table("teams", sa.MetaData(), sa.Column("id", types.Identifier()), sa.Column("x", types.Text()))
    other.append_constraint(sa.PrimaryKeyConstraint("id", "x", name="pk_teams"))
    models.tables["teams"].constraints["pk_teams"] = shape_of(other).constraints["pk_teams"]
    with pytest.raises(Invalid, match="primary key"):
        write_revision("second", models=models, history=history)


def test_an_empty_revision_changes_nothing(history: History, settings: Settings) -> None:
    written = write_revision("Fill in by hand!", empty=True, history=history)
    assert written is not None
    assert written.path.name == "0001_fill_in_by_hand.py"
    assert migrate.upgrade(settings, history=history) == ["0001"]
    assert catalog(settings) == {}


def test_the_newest_revision_can_be_written_again(history: History) -> None:
    write_revision("first", models=before(), history=history)
    write_revision("first", models=after(), again=True, history=history)
    assert [path.name for path in history.folder.glob("*.py")] == ["0001_first.py"]
    assert declared(history).tables == after().tables


def test_a_revision_stays_when_writing_it_again_fails(history: History) -> None:
    write_revision("first", models=before(), history=history)
    write_revision("second", models=after(), history=history)
    models = before()
    models.tables["teams"].constraints.pop("pk_teams")
    with pytest.raises(Invalid):
        write_revision("second", models=models, again=True, history=history)
    assert [revision.name for revision in revisions(history)] == ["first", "second"]


def test_revisions_are_tried_on_the_shadow_database(settings: Settings, tmp_path: Path) -> None:
    wiring.catalog()
    shadow = settings.database_url
    assert try_out(Settings(data_dir=tmp_path / "data", shadow_database_url=shadow)) == []
    assert catalog(settings) == {}
    with pytest.raises(ConfigError, match="names the database itself"):
        try_out(Settings(data_dir=tmp_path, database_url=shadow, shadow_database_url=shadow))


def test_revisions_are_laid_out_as_the_formatter_would(history: History) -> None:
    write_revision("first", models=before(), history=history)
    write_revision("second", models=after(), history=history)
    command = [sys.executable, "-m", "ruff", "format", "--check", "--diff", "--line-length", "120", str(history.folder)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
