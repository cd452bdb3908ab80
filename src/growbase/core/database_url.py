"""Database URLs as Prisma, SQLAlchemy and libpq write them, read into the one form drivers take."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

MASK: Final = "********"
_POSTGRESQL: Final = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")
_SQLITE: Final = re.compile(r"sqlite(?:\+\w+)?:///|sqlite:(?!/)|file:(?://(?=/))?")
_PASSWORD: Final = re.compile(r"(?P<user>://[^:@/]*:).*(?P<end>@)|(?P<key>[?&]password=)[^&]*")
_SCHEMA: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")
# What Prisma adds to a URL for itself; libpq refuses a parameter it does not know.
_PRISMA: Final = frozenset(
    {"connection_limit", "pgbouncer", "pool_timeout", "schema", "socket_timeout", "statement_cache_size"}
)


class DatabaseURL(NamedTuple):
    """A URL for libpq (``postgresql://``) or of a file (``sqlite:///path``), and what Prisma's parameters said."""

    url: str
    schema: str | None = None
    pgbouncer: bool = False
    dropped: tuple[str, ...] = ()


def parse_database_url(text: str) -> DatabaseURL:
    """Read a URL, or raise a ValueError that does not repeat it, for it may hold a password."""
    if start := _SQLITE.match(text):
        path = text[start.end() :].partition("?")[0]
        if not path or ":memory:" in path:
            raise ValueError("a SQLite database must be a file: write file:./data/growbase.db")
        return DatabaseURL(f"sqlite:///{path}")
    if not (start := _POSTGRESQL.match(text)):
        raise ValueError("must begin with postgresql:// or, for SQLite, with file: or sqlite:///")
    parts = urlsplit("postgresql://" + text[start.end() :])
    if parts.fragment:
        raise ValueError("has a #: inside a password it is written %23")
    # Not parse_qsl: it would decode, and libpq reads a plus sign as a plus sign.
    pieces = [piece.partition("=") for piece in parts.query.split("&") if piece]
    prisma = {name: value for name, _, value in pieces if name in _PRISMA}
    schema = prisma.get("schema") or None
    if schema and not _SCHEMA.fullmatch(schema):
        raise ValueError("has a schema that is not a plain name")
    query = "&".join("".join(piece) for piece in pieces if piece[0] not in _PRISMA)
    dropped = tuple(sorted(prisma.keys() - {"schema", "pgbouncer"}))
    return DatabaseURL(urlunsplit(parts._replace(query=query)), schema, prisma.get("pgbouncer") == "true", dropped)


def mask_url(url: str) -> str:
    """Return a URL with its password masked, for people to read."""
    return _PASSWORD.sub(rf"\g<user>\g<key>{MASK}\g<end>", url)
