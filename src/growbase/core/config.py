"""The one configuration: each setting with its type, default and help, read from the environment, .env and files."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from growbase.core.config_rules import contradictions, unsafe_values, warnings
from growbase.core.config_sources import PREFIX, problem, read_sources, variable_of
from growbase.core.database_url import MASK, DatabaseURL, mask_url, parse_database_url
from growbase.core.errors import ConfigError, FieldError
from growbase.core.mail import Server
from growbase.core.place import FILE, Place, location, read_place

__all__ = ["ConfigError", "SettingSource", "Settings", "load_settings"]

_ALIASES: Final = {
    "DATABASE_URL": "GROWBASE_DATABASE_URL",
    "DIRECT_URL": "GROWBASE_DIRECT_URL",
    "SHADOW_DATABASE_URL": "GROWBASE_SHADOW_DATABASE_URL",
}


_ADDRESS: Final = re.compile(r"[^@\s,<>]+@[^@\s,<>]+")


def _split(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class SettingSource:
    """One setting as it is in force: where its value comes from, secrets masked."""

    field: str
    variable: str
    value: str
    source: str
    help: str


class Settings(BaseSettings):
    """Everything that can be set. Building it reads nothing; ``load_settings`` is what reads the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: Annotated[Literal["development", "production"], BeforeValidator(_lower)] = Field(
        "development", description="development or production; production refuses unsafe values."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    public_url: str | None = Field(
        None, description="Base URL in links and mails; default http://localhost and the port."
    )
    processes: int = Field(0, ge=0, le=256, description="Server processes; 0 takes the measured best.")
    request_body_max_bytes: int = Field(
        8 * 1024 * 1024, ge=1024, description="Largest request body in bytes; uploads of files have their own limit."
    )
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (), description="Origins, separated by commas, whose pages may call the API."
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_split)] = Field(
        (), description="Networks (CIDR), separated by commas, whose X-Forwarded headers are believed."
    )
    docs_enabled: bool = Field(default=True, description="Serve the API description at /docs and /openapi.json.")
    studio_enabled: bool = Field(default=True, description="Serve Studio, the pages for people, at /studio.")
    embedded_worker: bool = Field(default=True, description="Run background jobs inside the server.")
    domains: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (), description="Packages of your own domains, separated by commas, such as loyalty,shop.giftcards."
    )
    operators: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (), description="Addresses, by commas, of users who see queues, backups, settings and health of everything."
    )
    allow_private_addresses: bool = Field(
        default=False, description="Let connection tests and webhooks reach private and loopback addresses."
    )

    data_dir: Path = Field(Path("data"), description="Folder of the database file, keys, uploads and backups.")
    database_url: SecretStr | None = Field(
        None, description="postgresql://... or file:./growbase.db; default growbase.db in the data folder."
    )
    direct_url: SecretStr | None = Field(
        None, description="PostgreSQL without PgBouncer, for migrations and notifications; default the database URL."
    )
    shadow_database_url: SecretStr | None = Field(
        None, description="Empty scratch database in which migrations are tried; default a temporary SQLite file."
    )
    redis_url: SecretStr | None = Field(
        None, description="redis://... for wake-ups and rate limits shared by many machines; not needed on one."
    )
    replica_urls: SecretStr | None = Field(
        None, description="Read replicas, separated by commas: lists, dashboards and exports are read there."
    )
    replica_max_lag_seconds: float = Field(
        5, gt=0, description="A replica that is further behind is not read; the primary is, as it is without any."
    )
    pgbouncer: bool = Field(default=False, description="The database URL leads to PgBouncer in transaction mode.")
    pool_max: int = Field(10, ge=1, le=1_000, description="PostgreSQL connections of one process.")
    pool_timeout_seconds: float = Field(10, gt=0, description="Longest wait for a free connection.")
    statement_timeout_ms: int = Field(15_000, ge=100, description="Longest time of one statement.")
    allow_old_sqlite: bool = Field(
        default=False, description="Start on a SQLite older than the fix of its WAL corruption (3.51.3)."
    )
    allow_second_server: bool = Field(default=False, description="Start although another server holds the data folder.")

    admin_email: str | None = Field(None, description="Owner made at the first start.")
    admin_password: SecretStr | None = Field(None, description="The owner's password; default generated, shown once.")
    demo_data: bool = Field(default=True, description="Fill an empty database with demo data.")
    demo_password: SecretStr | None = Field(
        None, description="Password of the demo users; default generated, shown once."
    )

    secret_key: SecretStr | None = Field(
        None,
        description="Signs tokens, cursors and links, 32 characters or more; default generated in the data folder.",
    )
    encryption_keys: SecretStr | None = Field(
        None, description="Keyring id:base64,id2:base64, newest first; default generated in the data folder."
    )
    access_token_minutes: int = Field(15, ge=1, le=1_440, description="Life of an access token.")
    refresh_token_days: int = Field(30, ge=1, le=365, description="Life of a refresh token.")
    login_max_failures: int = Field(10, ge=1, description="Wrong passwords in a row that lock an account.")
    login_lock_minutes: int = Field(15, ge=1, description="Time an account stays locked.")
    login_rate_per_minute: int = Field(20, ge=1, description="Login attempts of one address in a minute.")
    cookie_secure: Annotated[Literal["auto", "true", "false"], BeforeValidator(_lower)] = Field(
        "auto", description="Send session cookies over HTTPS only; auto: in production and where public_url is https."
    )

    assets_url: str | None = Field(
        None, description="Where files are kept: a folder, or s3://bucket/prefix; default assets in the data folder."
    )
    asset_max_bytes: int = Field(512 * 1024 * 1024, ge=1024, description="Largest uploaded file in bytes.")
    asset_analysis: bool = Field(
        default=True, description="Analyse uploaded files by themselves; without a model by rules."
    )
    s3_endpoint: str | None = Field(None, description="Address of an S3 service other than Amazon's.")
    s3_region: str = Field("us-east-1", description="Region of the S3 bucket.")
    s3_access_key_id: str | None = Field(None, description="Key id for the S3 bucket; default the machine's own role.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret key for the S3 bucket.")

    backup_url: SecretStr | None = Field(
        None,
        description="Where backups go: a folder, or s3://bucket/prefix; set, every commit is copied there, too.",
    )
    backup_copy_url: SecretStr | None = Field(
        None, description="A second place for backups, such as s3://bucket/prefix?region=eu-west-3."
    )
    backup_every: Annotated[Literal["off", "hour", "day", "week"], BeforeValidator(_lower)] = Field(
        "day", description="How often a backup is taken: off, hour, day or week; on PostgreSQL only with BACKUP_URL."
    )
    backup_days: int = Field(366, ge=32, description="Days after which a backup goes, and with it who was erased.")
    export_url: SecretStr | None = Field(
        None, description="Where an engine-neutral export goes every week: a folder, or s3://bucket/prefix."
    )

    smtp_url: SecretStr | None = Field(
        None, description="smtp://user:password@host:587 or smtps://; without it mails are files in outbox."
    )
    mail_from: str = Field("Growbase <growbase@localhost>", description="Sender of mails that no one else sends.")

    ai_base_url: str | None = Field(
        None, description="OpenAI-compatible endpoint, such as https://api.example.com/v1; without it rules answer."
    )
    ai_key: SecretStr | None = Field(None, description="Key of the endpoint.")
    ai_model: str = Field("default", description="Name of the model there.")

    stripe_webhook_secret: SecretStr | None = Field(None, description="Signing secret of the Stripe webhook endpoint.")
    shopify_api_secret: SecretStr | None = Field(
        None, description="Client secret of the Shopify app, with which Shopify signs its webhooks."
    )

    region: str = Field("", description="Region this server serves (eu, us, ca); empty without regions.")
    regions: str = Field("", description="Base URL of each region: eu=https://eu.example.com,us=https://...")
    region_secret: SecretStr | None = Field(
        None,
        description="Signs the calls between the regions' servers; the same in all of them, 32 characters or more.",
    )

    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="Least important level that is logged."
    )
    log_format: Annotated[Literal["json", "console", "auto"], BeforeValidator(_lower)] = Field(
        "auto", description="json, console, or auto: console on a terminal."
    )
    slow_query_ms: int = Field(200, ge=0, description="Statements that take longer are logged.")
    trash_days: int = Field(30, ge=1, description="Days a deleted row can be restored.")
    log_days: int = Field(400, ge=0, description="Days the change log is kept; 0 for ever.")
    analytics_days: int = Field(
        0, ge=0, description="Days single analytics events are kept, their daily sums for ever; 0 for ever."
    )
    disk_free_min_mb: int = Field(1_024, ge=1, description="Free space in the data folder below which doctor warns.")
    alert_email: str | None = Field(None, description="Address that is told of troubles: dead jobs, a full disk.")
    alert_url: str | None = Field(None, description="Address that the same alerts are posted to, signed.")

    _folder: Path = PrivateAttr(default=Path())
    _place: Place | None = PrivateAttr(default=None)
    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments only: pydantic's own sources know no unknown names, aliases or origins of a value."""
        return (init_settings,)

    @field_validator("database_url", "direct_url", "shadow_database_url")
    @classmethod
    def _check_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_database_url(value.get_secret_value())
        return value

    @field_validator("replica_urls")
    @classmethod
    def _check_replica_urls(cls, value: SecretStr | None) -> SecretStr | None:
        for url in _replica_urls(value):
            if not parse_database_url(url).url.startswith("postgresql://"):
                raise ValueError("must be addresses of PostgreSQL servers: postgresql://host/name,postgresql://...")
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            Server.parse(value.get_secret_value())
        return value

    @field_validator("public_url", "ai_base_url", "alert_url")
    @classmethod
    def _check_public_url(cls, value: str | None) -> str | None:
        return None if value is None else _base_url(value)

    @field_validator("alert_email")
    @classmethod
    def _check_alert_email(cls, value: str | None) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise ValueError("must be one mail address")
        return value

    @field_validator("regions")
    @classmethod
    def _check_regions(cls, value: str) -> str:
        _parse_regions(value)
        return value

    @property
    def is_production(self) -> bool:
        """Whether unsafe values are refused."""
        return self.environment == "production"

    @property
    def server_processes(self) -> int:
        """How many server processes to run: what the bench shows to be best unless it is set."""
        return self.processes or min(2, os.cpu_count() or 1)

    @property
    def base_url(self) -> str:
        """The public URL, without a slash at its end."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def cookies_are_secure(self) -> bool:
        """Whether session cookies go over HTTPS only."""
        if self.cookie_secure == "auto":
            return self.is_production or self.base_url.startswith("https://")
        return self.cookie_secure == "true"

    @property
    def region_urls(self) -> dict[str, str]:
        """The base URL of each region."""
        return _parse_regions(self.regions)

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL; otherwise it is one SQLite file."""
        return self._database.url.startswith("postgresql://")

    @property
    def database(self) -> str:
        """The URL in force, password included: ``postgresql://...`` for libpq, or ``sqlite:////absolute/path``."""
        path = self.sqlite_path
        return self._database.url if path is None else f"sqlite:///{path}"

    @property
    def sqlite_path(self) -> Path | None:
        """The absolute path of the SQLite file; None on PostgreSQL."""
        if self.is_postgresql:
            return None
        return (self._folder / self._database.url.removeprefix("sqlite:///")).absolute()

    @property
    def direct_database(self) -> str:
        """The URL that bypasses PgBouncer, for LISTEN, migrations and base backups."""
        if self.direct_url is None or self.has_moved:
            return self.database
        return parse_database_url(self.direct_url.get_secret_value()).url

    @property
    def replicas(self) -> list[str]:
        """The URLs of the read replicas of the database in force."""
        if not self.is_postgresql or self.has_moved:
            return []
        return [parse_database_url(url).url for url in _replica_urls(self.replica_urls)]

    @property
    def database_schema(self) -> str | None:
        """The PostgreSQL search_path asked for by ``?schema=``."""
        return self._database.schema

    @property
    def uses_pgbouncer(self) -> bool:
        """Whether prepared statements, session settings and LISTEN are to be avoided."""
        return self.pgbouncer or self._database.pgbouncer

    @property
    def ignored_url_parameters(self) -> tuple[str, ...]:
        """Parameters of the database URL that only Prisma knows."""
        return self._database.dropped

    @property
    def location(self) -> str:
        """What tells the database in force from others, without user and password."""
        return location(self.place_url)

    @property
    def has_moved(self) -> bool:
        """Whether the data have moved away from the database that the settings name."""
        return self._place is not None and self._place.url == self.place_url

    @property
    def place_url(self) -> str:
        """The URL in force as it was written, its parameters included."""
        set_url = self._set_url
        if self._place is None or location(set_url) not in self._place.origins:
            return set_url
        return self._place.url

    @property
    def past_locations(self) -> tuple[str, ...]:
        """Where the data were before they moved."""
        return self._place.origins if self._place else ()

    @property
    def _set_url(self) -> str:
        url = (
            self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.data_dir / 'growbase.db'}"
        )
        found = parse_database_url(url).url
        if found.startswith("sqlite:"):
            return f"sqlite:///{(self._folder / found.removeprefix('sqlite:///')).absolute()}"
        return url

    @property
    def _database(self) -> DatabaseURL:
        return parse_database_url(self.place_url)

    def refreshed(self) -> Self:
        """Return the same settings with the database that the data folder's file names now. Raises ConfigError."""
        copy = self.model_copy()
        try:
            copy._place = read_place(self.data_dir)  # noqa: SLF001 -- a copy of our own
        except ValueError as error:
            raise ConfigError(fields=(problem(str(self.data_dir / FILE), "invalid", f"is damaged: {error}"),)) from None
        place, own = copy._place, location(self._set_url)  # noqa: SLF001 -- the same
        if place is not None and own not in (location(place.url), *place.origins):
            text = (
                f"names {own}, but {self.data_dir / FILE} says that the data are at {place.shown()} since "
                f"{place.since}: set it to that, or delete the file if you mean another database"
            )
            raise ConfigError(fields=(problem(variable_of("database_url"), "contradiction", text),))
        return copy

    def at(self, url: str) -> Self:
        """Return the same settings for another database."""
        update = {"database_url": SecretStr(url), "direct_url": None, "replica_urls": None, "pgbouncer": False}
        copy = self.model_copy(update=update)
        copy._place = None  # noqa: SLF001 -- a copy of our own
        return copy

    def problems(self) -> tuple[list[FieldError], list[FieldError]]:
        """Return what stops the start and what only deserves a warning; each says how to correct it."""
        errors, notes = [*contradictions(self)], [*warnings(self)]
        return ([*errors, *unsafe_values(self)] if self.is_production else errors), notes

    def describe_sources(self) -> list[SettingSource]:
        """List each setting with its value and where that comes from; secrets are masked."""
        return [
            SettingSource(
                field,
                variable_of(field),
                shown(getattr(self, field)),
                self._sources.get(field, "argument" if field in self.model_fields_set else "default"),
                information.description or "",
            )
            for field, information in type(self).model_fields.items()
        ]

    def _loaded(self, folder: Path, sources: dict[str, str]) -> Self:
        self._folder = folder
        self._sources = sources
        return self


def load_settings(env: Mapping[str, str] | None = None, directory: Path | None = None) -> Settings:
    """Read the settings, or raise one ConfigError with everything that is wrong.

    The environment wins over ``.env.local``, that over ``.env``; an empty value means the default.
    ``GROWBASE_<SECRET>_FILE`` names a file with the value. Relative paths start from ``directory`` (default: here).
    """
    folder = directory or Path()
    variables = {variable_of(field): _is_secret(field) for field in Settings.model_fields}
    found, errors = read_sources(variables, _ALIASES, os.environ if env is None else env, folder)
    values: dict[str, object] = {_field(variable): value for variable, (value, _) in found.items()}
    values["data_dir"] = folder / Path(str(values.get("data_dir", "data"))).expanduser()
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(fields=(*errors, *_validation_errors(error))) from None
    sources = dict.fromkeys(values, "default") | {_field(variable): source for variable, (_, source) in found.items()}
    settings = settings._loaded(folder, sources)  # noqa: SLF001 - only loading knows where a value comes from
    if errors := [*errors, *settings.problems()[0]]:
        raise ConfigError(fields=tuple(errors))
    return settings.refreshed()


def _validation_errors(error: ValidationError) -> Iterator[FieldError]:
    for detail in error.errors(include_url=False, include_context=False):
        field = str(detail["loc"][0]) if detail["loc"] else ""
        text = detail["msg"].removeprefix("Value error, ")
        shown = "" if not field or _is_secret(field) else f" (it is {detail['input']!r})"
        yield problem(variable_of(field), "invalid", f"{text[:1].lower()}{text[1:]}{shown}")


def _base_url(value: str) -> str:
    address = urlsplit(value.strip())
    if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.fragment:
        raise ValueError("must be an address such as https://app.example.com")
    return value.strip().rstrip("/")


def _parse_regions(text: str) -> dict[str, str]:
    urls: dict[str, str] = {}
    for entry in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, url = (piece.strip() for piece in entry.partition("="))
        if not equals or not re.fullmatch(r"[a-z][a-z0-9-]{0,15}", name) or name in urls:
            raise ValueError("must be different regions with their addresses: eu=https://eu.example.com,us=https://...")
        urls[name] = _base_url(url)
    return urls


def _replica_urls(value: SecretStr | None) -> list[str]:
    # One address may name several hosts, separated by commas, too.
    text = value.get_secret_value() if value is not None else ""
    return [url.strip() for url in re.split(r",(?=\s*postgres(?:ql)?(?:\+\w+)?://)", text) if url.strip()]


def _field(variable: str) -> str:
    return variable.removeprefix(PREFIX).lower()


def _is_secret(field: str) -> bool:
    information = Settings.model_fields.get(field)
    return information is not None and SecretStr in get_args(information.annotation)


def shown(value: object) -> str:
    """Write a value as it would be set, a secret masked but for the rest of a URL."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return mask_url(secret) if "://" in secret or secret.startswith("file:") else MASK
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(str(item) for item in value) if isinstance(value, tuple) else str(value)
