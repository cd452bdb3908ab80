"""What a plan says of its statements: locks and losses on tables with rows, and what the version before can't stand."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from growbase import wiring
from growbase.core.config import Settings
from growbase.core.errors import Invalid
from growbase.ops import migrate
from growbase.ops.history import CORE, History, revisions
from growbase.ops.plan import effects, plan

HEAD = '''"""{name}."""

import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = {down!r}


def upgrade() -> None:
{body}


def downgrade() -> None:
    pass
'''
TABLE = """    op.create_table(
        "{name}",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
    )"""
COPY = """    table = sa.Table("things", sa.MetaData(), sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=True), sa.Column("size", sa.Integer(), nullable=True))
    with op.batch_alter_table("things", copy_from=table) as batch:
        """


@pytest.fixture
def history(tmp_path: Path) -> History:
    (tmp_path / "history").mkdir()
    return replace(CORE, folder=tmp_path / "history")


def write(history: History, body: str, more: str = "") -> None:
    number = len(revisions(history)) + 1
    down = f"{number - 1:04}" if number > 1 else None
    text = HEAD.format(name="Change", id=f"{number:04}", down=down, body=body) + more
    (history.folder / f"{number:04}_change.py").write_text(text)


@dataclass(frozen=True)
class Case:
    """A change of the table `things`, and what each engine's plan says of it."""

    name: str
    body: str
    postgresql: tuple[str, ...] = ()
    sqlite: tuple[str, ...] = ()
    contracts: bool = False


COPIED = "is copied into a new table"
CASES = [
    Case("a new column", '    op.add_column("things", sa.Column("note", sa.Text(), nullable=True))'),
    Case(
        "a column with a default",
        '    op.add_column("things", sa.Column("note", sa.Text(), nullable=False, server_default="x"))',
    ),
    Case("a new table with an index", TABLE.format(name="others") + '\n    op.create_index("ix", "others", ["name"])'),
    Case(
        "a required column",
        '    op.add_column("things", sa.Column("note", sa.Text(), nullable=False))',
        ("gets note, which needs a value",),
        ("gets note, which needs a value",),
        contracts=True,
    ),
    Case(
        "a computed default",
        '    op.add_column("things", sa.Column("at", sa.Text(), server_default=sa.text("gen_random_uuid()::text")))',
        ("is rewritten to compute at",),
    ),
    Case(
        "a dropped column",
        COPY + 'batch.drop_column("size")',
        ("loses the column size",),
        (COPIED, "loses the values of size"),
        contracts=True,
    ),
    Case("a dropped table", '    op.drop_table("things")', ("is dropped with",), ("is dropped with",), contracts=True),
    Case(
        "a renamed table",
        '    op.rename_table("things", "stuff")',
        ("is renamed to stuff",),
        ("is renamed to stuff",),
        contracts=True,
    ),
    Case(
        "a renamed column",
        '    op.alter_column("things", "name", new_column_name="title")',
        ("has name renamed to title",),
        ("has name renamed to title",),
        contracts=True,
    ),
    Case(
        "another type",
        COPY + 'batch.alter_column("size", existing_type=sa.Integer(), type_=sa.Text())',
        ("is rewritten to change the type of size",),
        (COPIED,),
        contracts=True,
    ),
    Case(
        "a column that becomes required",
        COPY + 'batch.alter_column("size", existing_type=sa.Integer(), nullable=False)',
        ("is read whole to require size", "requires size"),
        (COPIED,),
        contracts=True,
    ),
    Case(
        "a check",
        COPY + 'batch.create_check_constraint("ck_size", "size > 0")',
        ("is checked for ck_size", "refuses what ck_size"),
        (COPIED,),
        contracts=True,
    ),
    Case(
        "a check that is not validated yet",
        '    if op.get_context().dialect.name == "postgresql":\n'
        '        op.add_column("things", sa.Column("n", sa.Integer()))\n'
        '        op.create_check_constraint("ck_n", "things", "n > 0", postgresql_not_valid=True)',
    ),
    Case(
        "a reference",
        COPY + 'batch.create_foreign_key("fk", "things", ["size"], ["id"])',
        ("is checked for fk while writers of it and of things wait", "refuses what fk"),
        (COPIED,),
        contracts=True,
    ),
    Case("an index", '    op.create_index("ix", "things", ["name"])', ("is indexed by ix",), ("is indexed by ix",)),
    Case(
        "a unique index",
        '    op.create_index("uq", "things", ["name"], unique=True)',
        ("is indexed by uq", "refuses what is twice in uq"),
        ("is indexed by uq", "refuses what is twice in uq"),
        contracts=True,
    ),
    Case(
        "changed rows",
        "    op.execute(\"UPDATE things SET name = 'x'\")",
        ("has rows changed",),
        ("has rows changed",),
    ),
    Case("deleted rows", '    op.execute("DELETE FROM things")', ("has rows deleted",), ("has rows deleted",)),
    Case(
        "a statement of its own",
        '    op.execute("ALTER TABLE things RENAME TO stuff")',
        ("is altered by a statement",),
        ("is altered by a statement",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_statement_says_what_it_does(case: Case, history: History) -> None:
    write(history, TABLE.format(name="things"))
    write(history, case.body)
    newest = revisions(history)[-1]
    for engine, expected in (("postgresql", case.postgresql), ("sqlite", case.sqlite)):
        found = effects(history, newest, engine)
        assert len(found) == len(expected), found
        for effect, text in zip(found, expected, strict=True):
            assert effect.table == "things"
            assert text in effect.text
    assert any(effect.contracts for effect in effects(history, newest)) is case.contracts


def test_what_the_plan_itself_makes_is_nobodys_loss(history: History) -> None:
    write(history, TABLE.format(name="things"))
    write(history, '    op.drop_table("things")')
    found = plan(Settings(data_dir=history.folder), history=history)
    assert "DROP TABLE things" in found.sql
    assert found.found == ()


def test_a_plan_tells_how_many_rows_are_concerned(database_url: str, tmp_path: Path, history: History) -> None:
    wiring.catalog()
    settings = Settings(data_dir=tmp_path, database_url=SecretStr(database_url))
    write(history, TABLE.format(name="things") + '\n    op.execute("INSERT INTO things (id) VALUES (1), (2)")')
    write(history, TABLE.format(name="empty"))
    migrate.upgrade(settings, history=history)
    write(history, COPY + 'batch.drop_column("size")')
    write(history, '    op.drop_table("empty")')
    found = plan(settings, history=history)
    texts = {"sqlite": ["is copied into a new table while all writers wait", "loses the values of size"]}
    lost = texts.get("sqlite" if settings.sqlite_path else "", ["loses the column size with its values"])
    assert [one.text() for one in found.dangers] == [f"DANGER: things (2 rows) {text}" for text in lost]
    assert found.found[-1].text() == "empty (0 rows) is dropped with its rows"
    above = found.sql[: found.sql.index("DROP TABLE empty")].strip()
    assert above.endswith("-- empty (0 rows) is dropped with its rows")


def test_a_plan_needs_no_database(history: History, tmp_path: Path) -> None:
    write(history, TABLE.format(name="things"))
    write(history, '    op.drop_table("things")')
    away = Settings(data_dir=tmp_path, database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"))
    found = plan(away, history=history, start="0001")
    assert [one.text() for one in found.dangers] == ["DANGER: things is dropped with its rows"]
    assert "CREATE TABLE things" not in found.sql
    with pytest.raises(Invalid, match="name one of base, 0001, 0002"):
        plan(away, history=history, start="0007")
