"""The commands, run as `growbase ...` would be: what they print and the code they exit with."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from growbase import cli
from growbase.cli.exits import EXIT_CODES, exit_code
from growbase.cli.output import size
from growbase.core.errors import ConfigError, Conflict, GrowbaseError, InvalidQuery, Unavailable
from growbase.ops.history import revisions

HEAD = revisions()[-1].id


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """The JSON document it printed."""
        found: dict[str, object] = json.loads(self.out)
        return found


Run = Callable[..., Ran]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs `growbase <arguments>` in an empty folder on a new, empty database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROWBASE_DATABASE_URL", database_url)
    monkeypatch.setenv("GROWBASE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GROWBASE_PORT", "9")

    def call(*arguments: str, typed: str = "") -> Ran:
        monkeypatch.setattr("sys.argv", ["growbase", *arguments])
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return call


@pytest.fixture
def name(database_url: str) -> str:
    """Give the database's name, as a confirmation wants it typed."""
    return database_url.rpartition("/")[2]


def test_help_and_version(run: Run) -> None:
    assert "Usage:" in run("--help").out
    assert run("--version").out.startswith("growbase 0.")
    assert run("db", "nonsense").code == 2


def test_a_database_is_installed_checked_and_looked_at(run: Run) -> None:
    assert run("db", "status", "--json").json["schema_version"] is None
    assert run("db", "check").code == 2
    assert run("db", "init").out == f"Installed: {', '.join(revision.id for revision in revisions())}.\n"
    assert run("db", "init").out == "The database is installed already.\n"
    assert run("db", "upgrade").out == "There is nothing to apply.\n"
    assert run("db", "plan").out == "-- There is nothing to do.\n"
    checked = run("db", "check")
    assert (checked.code, checked.out) == (0, "The schema is what the models declare.\n")
    status = run("db", "status", "--json").json
    assert status["schema_version"] == status["newest_version"] == HEAD
    assert status["pending"] == []
    tables = status["tables"]
    assert isinstance(tables, dict)
    assert tables["gallery_templates"] == 3
    assert "search_index" not in tables
    views, indexes = status["views"], status["indexes"]
    assert isinstance(views, list)
    assert isinstance(indexes, list)
    assert "campaign_summary" in views
    assert len(indexes) > 50
    printed = run("db", "status").out
    assert "schema version" in printed
    assert "gallery_templates" in printed
    assert "answered in" in run("db", "ping").out


def test_drift_is_told_and_exits_2(run: Run) -> None:
    run("db", "init")
    alter(run, "CREATE INDEX ix_by_hand ON campaigns (name)")
    checked = run("db", "check", "--json")
    assert checked.code == 2
    assert checked.json == {"pending": [], "drift": ["index ix_by_hand is not declared"]}


def alter(run: Run, sql: str) -> None:
    """Change the schema behind Growbase's back."""
    from growbase.cli.opening import load
    from growbase.ops.connections import transaction

    with transaction(load()) as connection:
        connection.exec_driver_sql(sql)


def test_destructive_commands_want_the_name_typed(run: Run, name: str) -> None:
    run("db", "init")
    run("user", "create", "ann@example.com")
    for arguments in (("db", "reset"), ("db", "reset", "--yes", "other"), ("db", "downgrade")):
        refused = run(*arguments)
        assert refused.code == 2
        assert f"--yes {name}" in refused.err
    assert run("user", "create", "ann@example.com").code == 1
    reset = run("db", "reset", "--no-seed", "--yes", name)
    assert (reset.code, reset.err) == (0, "")
    assert run("user", "create", "ann@example.com").code == 0
    assert run("db", "check").code == 0


def test_a_production_database_is_never_reset(run: Run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    production = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": "x" * 40,
        "ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=",
        "DEMO_DATA": "false",
        "PUBLIC_URL": "https://growbase.example",
    }
    with monkeypatch.context() as patch:
        for key, value in production.items():
            patch.setenv(f"GROWBASE_{key}", value)
        assert run("db", "init").code == 0
        assert run("db", "reset", "--yes", name).code == 1
    for arguments in (("db", "reset"), ("db", "downgrade")):
        refused = run(*arguments, "--yes", name)
        assert refused.code == 1
        assert "production" in refused.err
    assert run("db", "status", "--json").json["production"] is True


def test_the_newest_migration_is_undone(run: Run, name: str) -> None:
    run("db", "init")
    assert run("db", "downgrade", "--yes", name).out == f"Undone: {HEAD}.\n"
    assert run("db", "status", "--json").json["pending"] == [HEAD]
    assert f"-> {HEAD}\n" in run("db", "plan").out
    assert run("db", "stamp").out == f"The database is marked as {HEAD}.\n"


def test_users_and_keys_are_made(run: Run) -> None:
    run("db", "init")
    made = run("user", "create", "ann@example.com", "--name", "Ann")
    assert "password: " in made.out
    joined = run(
        "user", "create", "bob@example.com", "--organization", "ann", "--password-stdin", typed="long enough 1\n"
    )
    assert joined.out == "bob@example.com belongs to Ann.\n"
    assert run("user", "create", "no address").code == 2
    assert run("user", "create", "cy@example.com", "--organization", "nowhere").code == 1
    assert run("key", "create", "robot").out.startswith("gb_")
    assert run("key", "create", "robot", "--scope", "everything").code == 2
    assert run("key", "create", "robot").code == 1


def test_a_list_is_explained(run: Run) -> None:
    run("db", "init")
    run("user", "create", "ann@example.com")
    found = run("db", "explain", "campaigns", "status=draft&sort=-created_at&page=1")
    assert found.code == 0
    assert "FROM campaigns" in found.out
    assert "ix_campaigns_" in found.out
    assert run("db", "explain", "nonsense").code == 1
    assert run("db", "explain", "campaigns", "nonsense=1").code == 2


def test_status_tells_of_server_and_database(run: Run) -> None:
    assert run("status").code == 1
    run("db", "init")
    found = run("status", "--json")
    assert found.code == 0
    assert found.json["healthy"] is True
    assert found.json["background"] is not None
    assert "not running" in run("status").out


def test_the_schema_is_printed_and_written(run: Run, tmp_path: Path, engine: str) -> None:
    printed = run("db", "schema", "--engine", "sqlite").out
    assert "STRICT" in printed
    run("db", "schema", "--write", "docs")
    assert (tmp_path / "docs" / "schema.sqlite.sql").read_text() == printed
    default = run("db", "schema").out
    assert default == (tmp_path / "docs" / f"schema.{'sqlite' if engine == 'sqlite' else 'postgresql'}.sql").read_text()


def test_there_is_nothing_to_write_a_revision_of(run: Run) -> None:
    assert run("db", "revision", "-m", "nothing").out == "The revisions make what the models declare already.\n"


def test_the_api_is_described(run: Run) -> None:
    document = run("openapi").json
    assert document["openapi"] == "3.1.0"


def test_settings_are_shown_with_their_sources(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run("config", "check")
    assert shown.code == 0
    assert "GROWBASE_PORT" in shown.out
    assert "environment" in shown.out
    monkeypatch.setenv("GROWBASE_PORT", "many")
    monkeypatch.setenv("GROWBASE_HOTS", "x")
    wrong = run("config", "check")
    assert wrong.code == 2
    assert "GROWBASE_PORT" in wrong.err
    assert "GROWBASE_HOST" in wrong.err
    assert "Traceback" not in wrong.err


def test_an_embedded_database_is_pushed_to_the_models(run: Run, engine: str, name: str) -> None:
    run("db", "init")
    if engine != "sqlite":
        assert run("db", "push").code == 2
        return
    assert run("db", "push").out == "No difference.\n"
    run("user", "create", "ann@example.com")
    alter(run, "ALTER TABLE brands ADD COLUMN colour TEXT")
    alter(run, "DROP INDEX ix_brands_created_at")
    alter(run, "CREATE TRIGGER by_hand AFTER DELETE ON brands BEGIN SELECT 1; END")
    pushed = run("db", "push")
    assert pushed.code == 0, pushed.err
    assert "index ix_brands_created_at is missing" in pushed.out
    assert run("db", "check").code == 0
    assert run("user", "create", "ann@example.com").code == 1
    alter(run, "ALTER TABLE users ADD COLUMN colour TEXT")
    alter(run, "UPDATE users SET colour = 'red'")
    assert run("db", "push").code == 2
    assert "lost: users.colour" in run("db", "push", "--yes", name).out
    assert run("db", "check").code == 0


def test_serving_wants_a_current_schema(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    monkeypatch.setattr("growbase.api.server.serve", lambda _, target: served.append(target))
    refused = run("serve")
    assert refused.code == 2
    assert "growbase db upgrade" in refused.err
    run("db", "init")
    assert run("serve").code == 0
    assert served == ["growbase.cli.up:application"]


def test_an_unreachable_database_is_one_clear_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWBASE_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    failed = run("db", "status")
    assert failed.code == 1
    assert failed.err.startswith("error: The database is not available: ")
    assert "Traceback" not in failed.err


@pytest.mark.parametrize(
    ("error", "code"), [(ConfigError(), 2), (InvalidQuery(), 2), (Unavailable(reason="x"), 1), (Conflict(), 1)]
)
def test_every_kind_of_error_has_an_exit_code(error: GrowbaseError, code: int) -> None:
    assert exit_code(error) == code
    assert EXIT_CODES[GrowbaseError] == 1


def test_sizes_are_written_for_people() -> None:
    assert [size(0), size(1023), size(2048), size(5 * 1024**3)] == ["0 bytes", "1023 bytes", "2.0 kB", "5.0 GB"]


def test_up_shows_passwords_on_the_first_start_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    monkeypatch.setattr("growbase.api.server.serve", lambda _, target: served.append(target))
    first = run("up")
    assert (first.code, first.err) == (0, "")
    assert "admin@example.com  password: " in first.out
    assert "API key: gb_" in first.out
    second = run("up")
    assert second.code == 0
    assert "password" not in second.out
    assert "gb_" not in second.out
    assert len(served) == 2
    assert run("seed").out == "The demo data is there.\n"


def test_reset_fills_in_the_demo_again(run: Run, name: str) -> None:
    run("db", "init")
    reset = run("db", "reset", "--yes", name)
    assert reset.code == 0
    assert "admin@example.com  password: " in reset.out


def test_a_backup_is_taken_listed_verified_and_restored(run: Run, tmp_path: Path) -> None:
    assert run("backup", "verify").err == "error: There is no such backup.\n"
    run("db", "init")
    taken = run("backup", "now")
    assert taken.code == 0, taken.err
    id = taken.out.split()[1].removesuffix(":")
    assert "keep the keyring apart" in taken.out
    assert id in run("backup", "ls").out
    listed = json.loads(run("backup", "ls", "--json").out)
    assert listed[0]["schema"]["alembic_version"] == HEAD
    assert f"Backup {id} is whole" in run("backup", "verify", id, "--files").out
    assert run("backup", "prune").out == "Nothing to delete.\n"
    planned = run("restore", "--dry-run", "--to", str(tmp_path / "beside"))
    assert f"From the backup {id}" in planned.out
    assert not (tmp_path / "beside").exists()
    assert run("restore", "--at", "2999-01-01").code == 2


def test_a_backup_of_nothing_says_so(run: Run, database_url: str) -> None:
    if database_url.startswith("sqlite:"):
        ran = run("backup", "now")
        assert ran.code == 1
        assert "there is no database yet" in ran.err
