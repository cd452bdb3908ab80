"""What the settings may not say together: contradictions, values production refuses, and what deserves a look."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from growbase.core.config_sources import problem, variable_of
from growbase.core.crypto import Keyring
from growbase.core.errors import FieldError, GrowbaseError

if TYPE_CHECKING:
    from growbase.core.config import Settings

__all__ = ["contradictions", "unsafe_values", "warnings"]

_SECRET_LENGTH: Final = 32
_PASSWORD_LENGTH: Final = 12
_NEW_SECRET: Final = "openssl rand -base64 48"  # noqa: S105 - the command, not a secret
_KNOWN_PASSWORDS: Final = {"admin123!", "changeme1234", "password1234", "growbase1234", "administrator"}


def contradictions(settings: "Settings") -> Iterator[FieldError]:
    """Find what can't work in any environment."""
    if settings.admin_password and not settings.admin_email:
        yield problem(variable_of("admin_email"), "missing", "is needed beside GROWBASE_ADMIN_PASSWORD: set it")
    if settings.admin_email and not re.fullmatch(r"[^@\s]+@[^@\s]+", settings.admin_email):
        yield problem(variable_of("admin_email"), "invalid", "is no e-mail address: write name@example.com")
    if settings.region_urls and settings.region not in settings.region_urls:
        names = ", ".join(settings.region_urls)
        yield problem(variable_of("region"), "invalid", f"must be one of GROWBASE_REGIONS: {names}")
    if settings.region_secret and len(settings.region_secret.get_secret_value()) < _SECRET_LENGTH:
        yield problem(variable_of("region_secret"), "unsafe", f"is too short: set it to the output of `{_NEW_SECRET}`")
    if settings.is_postgresql and not settings.direct_database.startswith("postgresql://"):
        yield problem(variable_of("direct_url"), "invalid", "must lead to the same PostgreSQL as the database URL")
    if settings.encryption_keys:
        try:
            Keyring.parse(settings.encryption_keys.get_secret_value())
        except GrowbaseError as error:
            yield problem(variable_of("encryption_keys"), "invalid", f"can't be read. {error} {error.hint}")


def unsafe_values(settings: "Settings") -> Iterator[FieldError]:
    """Find what production refuses."""
    if settings.secret_key is None:
        yield problem(
            variable_of("secret_key"), "unsafe", f"is needed in production: set it to the output of `{_NEW_SECRET}`"
        )
    elif len(settings.secret_key.get_secret_value()) < _SECRET_LENGTH:
        yield problem(variable_of("secret_key"), "unsafe", f"is too short: set it to the output of `{_NEW_SECRET}`")
    if settings.is_postgresql and settings.encryption_keys is None:
        text = "is needed on PostgreSQL, or each machine would make its own: set it to k1:$(openssl rand -base64 32)"
        yield problem(variable_of("encryption_keys"), "unsafe", text)
    if "*" in settings.cors_origins:
        yield problem(
            variable_of("cors_origins"), "unsafe", "lets any page call the API: list the origins in place of *"
        )
    if not settings.cookies_are_secure:
        yield problem(variable_of("cookie_secure"), "unsafe", "sends sessions over plain HTTP: set it to auto or true")
    address = urlsplit(settings.base_url)
    if settings.public_url and address.scheme == "http" and address.hostname not in {"localhost", "127.0.0.1", "::1"}:
        yield problem(variable_of("public_url"), "unsafe", "is plain HTTP: give the https:// address that clients use")
    if settings.demo_data:
        yield problem(variable_of("demo_data"), "unsafe", "would put demo users into production: set it to false")
    password = settings.admin_password.get_secret_value() if settings.admin_password else None
    if password is not None and (len(password) < _PASSWORD_LENGTH or password.lower() in _KNOWN_PASSWORDS):
        text = f"is short or well known: take {_PASSWORD_LENGTH} characters or more, or leave it out to have one made"
        yield problem(variable_of("admin_password"), "unsafe", text)
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield problem(
            variable_of("trusted_proxies"), "unsafe", "trusts every address: list the networks of your proxies"
        )


def warnings(settings: "Settings") -> Iterator[FieldError]:
    """Find what works but deserves a look."""
    if settings.is_production and not settings.is_postgresql and settings.encryption_keys is None:
        text = f"is not set: keep a copy of {settings.data_dir / 'keyring'} apart from the backups"
        yield problem(variable_of("encryption_keys"), "unset", text)
    if settings.region_urls and settings.region_secret is None:
        text = "is not set: the regions don't know which addresses and organizations live in each other"
        yield problem(variable_of("region_secret"), "unset", text)
    if settings.is_production and settings.public_url is None:
        yield problem(variable_of("public_url"), "unset", f"is not set: links in mails lead to {settings.base_url}")
    if settings.is_production and settings.log_level == "debug":
        yield problem(variable_of("log_level"), "verbose", "is debug: logs may hold personal data; set it to info")
    if settings.is_production and settings.allow_old_sqlite:
        yield problem(
            variable_of("allow_old_sqlite"), "risky", "accepts a SQLite that can corrupt its WAL: install pysqlite3"
        )
    if settings.alert_email and settings.smtp_url is None:
        text = "leads nowhere while mails are files in the folder outbox: set GROWBASE_SMTP_URL"
        yield problem(variable_of("alert_email"), "unreachable", text)
    if settings.allow_second_server:
        yield problem(
            variable_of("allow_second_server"), "risky", "lets two servers share one data folder: set it to false"
        )
    key = settings.secret_key
    if not settings.is_production and key and len(key.get_secret_value()) < _SECRET_LENGTH:
        yield problem(variable_of("secret_key"), "short", f"is too short for production: use `{_NEW_SECRET}`")
    if dropped := settings.ignored_url_parameters:
        text = f"has parameters only Prisma knows ({', '.join(dropped)}): use GROWBASE_POOL_MAX and its neighbours"
        yield problem(variable_of("database_url"), "ignored", text)
    if settings.direct_url and not settings.is_postgresql:
        yield problem(variable_of("direct_url"), "ignored", "has no effect on SQLite: leave it out")
    if settings.replica_urls and not settings.is_postgresql:
        yield problem(variable_of("replica_urls"), "ignored", "has no effect on SQLite: leave it out")
    if settings.is_postgresql and settings.uses_pgbouncer and settings.direct_url is None:
        text = "is not set: PgBouncer delivers no notifications, so jobs wait for the poll; give PostgreSQL's own URL"
        yield problem(variable_of("direct_url"), "unset", text)
