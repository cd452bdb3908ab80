import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import ValidationError

from growbase.core.config import ConfigError, Settings, load_settings
from growbase.core.config_docs import env_example, settings_table
from growbase.core.crypto import Keyring
from growbase.core.database_url import mask_url, parse_database_url

SAFE = {
    "GROWBASE_ENVIRONMENT": "production",
    "GROWBASE_SECRET_KEY": "s" * 64,
    "GROWBASE_DEMO_DATA": "false",
    "GROWBASE_PUBLIC_URL": "https://app.example.com",
}
KEYS = Keyring.generate().serialise()


def problems_of(env: dict[str, str], directory: Path) -> dict[str, str]:
    with pytest.raises(ConfigError) as raised:
        load_settings(env, directory)
    return {error.field: error.text() for error in raised.value.fields}


def test_building_settings_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWBASE_PORT", "9999")
    assert Settings().port == 8000


def test_loading_reads_the_process_environment_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GROWBASE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GROWBASE_PORT", "9999")
    assert load_settings(directory=tmp_path).port == 9999


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_the_environment_wins_over_env_local_over_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROWBASE_PORT=1\nGROWBASE_HOST=one\nGROWBASE_REGION='it costs $5'\nOTHER=x\n")
    (tmp_path / ".env.local").write_text("export GROWBASE_PORT=2\nGROWBASE_HOST=two\n")
    settings = load_settings({"GROWBASE_PORT": "3"}, tmp_path)
    assert (settings.port, settings.host, settings.region) == (3, "two", "it costs $5")
    sources = {item.field: item.source for item in settings.describe_sources()}
    assert sources["port"] == "environment"
    assert sources["host"] == ".env.local"
    assert sources["region"] == ".env"
    assert sources["data_dir"] == sources["log_days"] == "default"


def test_an_empty_value_gives_the_default_back(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROWBASE_PORT=1\n")
    assert load_settings({"GROWBASE_PORT": ""}, tmp_path).port == 8000


def test_an_env_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in problems_of({}, tmp_path)[".env"]


def test_aliases_count_less_than_the_full_name_wherever_it_is_set(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROWBASE_DATABASE_URL=postgres://full/name\n")
    env = {"DATABASE_URL": "postgres://alias/x", "DIRECT_URL": "postgres://direct/x", "GROWBASE_DIRECT_URL": ""}
    settings = load_settings(env, tmp_path)
    assert settings.database == "postgresql://full/name"
    assert settings.direct_database == "postgresql://direct/x"
    assert {item.source for item in settings.describe_sources() if item.field == "direct_url"} == {
        "environment (DIRECT_URL)"
    }


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GROWBASE_PROT", "GROWBASE_PORT"),
        ("GROWBASE_DATABSE_URL", "GROWBASE_DATABASE_URL"),
        ("growbase_port", "GROWBASE_PORT"),
        ("GROWBASE_SECRET_KEY_FIL", "GROWBASE_SECRET_KEY_FILE"),
    ],
)
def test_an_unknown_name_fails_with_the_name_that_was_meant(name: str, meant: str, tmp_path: Path) -> None:
    assert f"did you mean {meant}?" in problems_of({name: "x"}, tmp_path)[name]


def test_an_unknown_name_in_an_env_file_fails_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROWBASE_ZZZZZZ=1\n")
    assert problems_of({}, tmp_path)["GROWBASE_ZZZZZZ"].startswith("is no setting (.env)")


def test_every_problem_is_told_at_once_without_secret_values(tmp_path: Path) -> None:
    env = {"GROWBASE_PORT": "many", "GROWBASE_DATABASE_URL": "mysql://me:hunter2@h/d", "GROWBASE_X": "1"}
    with pytest.raises(ConfigError) as raised:
        load_settings(env, tmp_path)
    assert {error.field for error in raised.value.fields} == set(env)
    assert "'many'" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_settings_built_in_code_hide_a_wrong_secret() -> None:
    with pytest.raises(ValidationError) as raised:
        Settings(database_url="mysql://me:hunter2@h/d")  # type: ignore[arg-type]
    assert "hunter2" not in str(raised.value)


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    settings = load_settings({"GROWBASE_SECRET_KEY": "", "GROWBASE_SECRET_KEY_FILE": "key"}, tmp_path)
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == "k" * 40
    shown = next(item for item in settings.describe_sources() if item.field == "secret_key")
    assert (shown.value, shown.source) == ("********", "file key")


def test_a_secret_file_must_be_there_be_text_and_be_the_only_source(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff")
    env = {
        "GROWBASE_SECRET_KEY_FILE": "absent",
        "GROWBASE_REDIS_URL_FILE": "empty",
        "GROWBASE_DEMO_PASSWORD_FILE": "binary",
        "GROWBASE_ENCRYPTION_KEYS": KEYS,
        "GROWBASE_ENCRYPTION_KEYS_FILE": "empty",
    }
    problems = problems_of(env, tmp_path)
    assert "No such file" in problems["GROWBASE_SECRET_KEY_FILE"]
    assert "is empty" in problems["GROWBASE_REDIS_URL_FILE"]
    assert "not UTF-8" in problems["GROWBASE_DEMO_PASSWORD_FILE"]
    assert "keep one" in problems["GROWBASE_ENCRYPTION_KEYS"]


def test_only_secrets_come_from_files(tmp_path: Path) -> None:
    assert "GROWBASE_PORT_FILE" in problems_of({"GROWBASE_PORT_FILE": "x"}, tmp_path)


def test_lists_are_separated_by_commas(tmp_path: Path) -> None:
    env = {"GROWBASE_CORS_ORIGINS": "https://a.test, https://b.test,", "GROWBASE_TRUSTED_PROXIES": "10.0.0.0/8,::1/128"}
    settings = load_settings(env, tmp_path)
    assert settings.cors_origins == ("https://a.test", "https://b.test")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def test_paths_start_from_the_directory(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert settings.data_dir == tmp_path / "data"
    assert settings.sqlite_path == tmp_path / "data" / "growbase.db"
    assert settings.database == f"sqlite:///{tmp_path}/data/growbase.db"
    assert load_settings({"DATABASE_URL": "file:./dev.db"}, tmp_path).sqlite_path == tmp_path / "dev.db"
    assert load_settings({"GROWBASE_DATA_DIR": "/srv/data"}, tmp_path).data_dir == Path("/srv/data")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("file:./dev.db", "sqlite:///./dev.db"),
        ("file:./dev.db?connection_limit=1", "sqlite:///./dev.db"),
        ("file:///srv/a.db", "sqlite:////srv/a.db"),
        ("sqlite:dev.db", "sqlite:///dev.db"),
        ("sqlite:///dev.db", "sqlite:///dev.db"),
        ("sqlite+pysqlite:////srv/a.db", "sqlite:////srv/a.db"),
        ("postgres://u:p@h:5432/d", "postgresql://u:p@h:5432/d"),
        ("postgresql+psycopg://u@h/d", "postgresql://u@h/d"),
        (
            "postgresql://u:p@h1:1,h2:2/d?target_session_attrs=any",
            "postgresql://u:p@h1:1,h2:2/d?target_session_attrs=any",
        ),
        ("postgresql://h/d?options=-c%20jit%3Doff&schema=crm", "postgresql://h/d?options=-c%20jit%3Doff"),
    ],
)
def test_urls_of_prisma_and_sqlalchemy_become_one_form(text: str, url: str) -> None:
    assert parse_database_url(text).url == url


def test_what_prisma_says_in_a_url_becomes_settings(tmp_path: Path) -> None:
    url = "postgres://u:p@h/d?schema=crm&pgbouncer=true&connection_limit=5&sslmode=require"
    settings = load_settings({"DATABASE_URL": url}, tmp_path)
    assert settings.database == "postgresql://u:p@h/d?sslmode=require"
    assert settings.database_schema == "crm"
    assert settings.uses_pgbouncer
    warnings = {warning.field: warning.text() for warning in settings.problems()[1]}
    assert "connection_limit" in warnings["GROWBASE_DATABASE_URL"]
    assert "notifications" in warnings["GROWBASE_DIRECT_URL"]


@pytest.mark.parametrize(
    "text",
    [
        "mysql://h/d",
        "dev.db",
        "sqlite://",
        "file:",
        "sqlite:///:memory:",
        "postgres://u:a#b@h/d",
        "postgres://h/d?schema=a;b",
    ],
)
def test_a_url_that_can_not_work_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|has a"):
        parse_database_url(text)


def test_masked_urls_keep_all_but_the_password() -> None:
    assert mask_url("postgres://u:p@ss:w@h/d?sslmode=require") == "postgres://u:********@h/d?sslmode=require"
    assert mask_url("postgres://h/d?user=u&password=p&a=b") == "postgres://h/d?user=u&password=********&a=b"
    assert mask_url("file:./dev.db") == "file:./dev.db"


@dataclass
class Unsafe:
    """One change to a safe production, and the setting the error must name."""

    name: str
    env: dict[str, str]
    at: str = field(default="")


UNSAFE = [
    Unsafe("no secret key", {"GROWBASE_SECRET_KEY": ""}, "GROWBASE_SECRET_KEY"),
    Unsafe("short secret key", {"GROWBASE_SECRET_KEY": "short"}, "GROWBASE_SECRET_KEY"),
    Unsafe("no keyring on PostgreSQL", {"DATABASE_URL": "postgres://h/d"}, "GROWBASE_ENCRYPTION_KEYS"),
    Unsafe("any origin", {"GROWBASE_CORS_ORIGINS": "*"}, "GROWBASE_CORS_ORIGINS"),
    Unsafe("HTTP cookie", {"GROWBASE_COOKIE_SECURE": "False"}, "GROWBASE_COOKIE_SECURE"),
    Unsafe("HTTP address", {"GROWBASE_PUBLIC_URL": "http://app.example.com"}, "GROWBASE_PUBLIC_URL"),
    Unsafe("demo data", {"GROWBASE_DEMO_DATA": "true"}, "GROWBASE_DEMO_DATA"),
    Unsafe(
        "known password",
        {"GROWBASE_ADMIN_EMAIL": "a@b.test", "GROWBASE_ADMIN_PASSWORD": "Admin123!"},
        "GROWBASE_ADMIN_PASSWORD",
    ),
    Unsafe("any proxy", {"GROWBASE_TRUSTED_PROXIES": "0.0.0.0/0"}, "GROWBASE_TRUSTED_PROXIES"),
]


@pytest.mark.parametrize("case", UNSAFE, ids=lambda case: case.name)
def test_production_refuses_what_development_accepts(case: Unsafe, tmp_path: Path) -> None:
    assert set(problems_of(SAFE | case.env, tmp_path)) == {case.at}
    assert not load_settings(SAFE | case.env | {"GROWBASE_ENVIRONMENT": "development"}, tmp_path).problems()[0]


def test_safe_production_starts(tmp_path: Path) -> None:
    settings = load_settings(SAFE, tmp_path)
    errors, warnings = settings.problems()
    assert not errors
    assert [warning.field for warning in warnings] == ["GROWBASE_ENCRYPTION_KEYS"]
    assert settings.cookies_are_secure


def test_risky_production_starts_with_warnings(tmp_path: Path) -> None:
    env = {
        "GROWBASE_PUBLIC_URL": "",
        "GROWBASE_LOG_LEVEL": "DEBUG",
        "GROWBASE_ALLOW_OLD_SQLITE": "yes",
        "GROWBASE_ALLOW_SECOND_SERVER": "1",
        "GROWBASE_DIRECT_URL": "file:x.db",
        "GROWBASE_ENCRYPTION_KEYS": KEYS,
    }
    warnings = load_settings(SAFE | env, tmp_path).problems()[1]
    assert {warning.field for warning in warnings} == env.keys() - {"GROWBASE_ENCRYPTION_KEYS"}


@pytest.mark.parametrize(
    ("env", "at"),
    [
        ({"GROWBASE_ADMIN_PASSWORD": "a good long password"}, "GROWBASE_ADMIN_EMAIL"),
        ({"GROWBASE_ADMIN_EMAIL": "nobody"}, "GROWBASE_ADMIN_EMAIL"),
        ({"GROWBASE_REGIONS": "eu=https://eu.test", "GROWBASE_REGION": "us"}, "GROWBASE_REGION"),
        ({"GROWBASE_REGIONS": "eu"}, "GROWBASE_REGIONS"),
        ({"GROWBASE_REGIONS": "eu=https://a.test,eu=https://b.test"}, "GROWBASE_REGIONS"),
        ({"GROWBASE_PUBLIC_URL": "app.example.com"}, "GROWBASE_PUBLIC_URL"),
        ({"GROWBASE_REDIS_URL": "http://h"}, "GROWBASE_REDIS_URL"),
        ({"DATABASE_URL": "postgres://h/d", "DIRECT_URL": "file:x.db"}, "GROWBASE_DIRECT_URL"),
        ({"GROWBASE_ENCRYPTION_KEYS": "k1:short"}, "GROWBASE_ENCRYPTION_KEYS"),
        ({"GROWBASE_LOG_LEVEL": "loud"}, "GROWBASE_LOG_LEVEL"),
    ],
)
def test_contradictions_fail_everywhere(env: dict[str, str], at: str, tmp_path: Path) -> None:
    assert set(problems_of(env, tmp_path)) == {at}


def test_regions_map_names_to_addresses(tmp_path: Path) -> None:
    env = {"GROWBASE_REGIONS": "eu=https://eu.test/, us=https://us.test", "GROWBASE_REGION": "us"}
    assert load_settings(env, tmp_path).region_urls == {"eu": "https://eu.test", "us": "https://us.test"}


def test_cookies_follow_the_address_unless_told() -> None:
    assert not Settings().cookies_are_secure
    assert Settings(public_url="https://a.test").cookies_are_secure
    assert not Settings(public_url="https://a.test", cookie_secure="false").cookies_are_secure
    assert Settings(port=9).base_url == "http://localhost:9"


def test_the_example_lists_every_setting_and_is_the_defaults(tmp_path: Path) -> None:
    text = env_example()
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# GROWBASE_")]
    assert [line.partition("=")[0] for line in lines] == [f"GROWBASE_{name.upper()}" for name in Settings.model_fields]
    (tmp_path / ".env").write_text("\n".join(lines))
    loaded = load_settings({}, tmp_path)
    assert loaded.model_dump(exclude={"data_dir"}) == Settings().model_dump(exclude={"data_dir"})


def test_the_table_lists_every_setting_with_its_help() -> None:
    table = settings_table()
    for name, information in Settings.model_fields.items():
        assert information.description
        assert f"`GROWBASE_{name.upper()}`" in table
    assert "| `GROWBASE_PORT` | `8000` | Port to listen on; 0 takes a free one. |" in table


def test_nothing_printed_holds_a_secret() -> None:
    secrets = {
        name: "postgres://u:hunter2@h/d" if "_url" in name else "hunter2"
        for name, information in Settings.model_fields.items()
        if "SecretStr" in str(information.annotation) and name not in {"redis_url", "smtp_url"}
    }
    settings = Settings(redis_url="redis://:hunter2@h", smtp_url="smtp://u:hunter2@h", **secrets)  # type: ignore[arg-type]
    assert len(secrets) > 5
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(settings.describe_sources())
    assert "hunter2" not in repr(settings.problems())
    assert {item.source for item in settings.describe_sources() if item.field in secrets} == {"argument"}
