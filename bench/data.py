"""The data every system gets: the same rows, made from numbers so that nobody needs a list of them."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from growbase.core.model import Root
from growbase.core.sqlite_connection import connect
from growbase.core.statements import insert_sql, plan_of
from growbase.domains.identity.models import ApiKey, Organization
from growbase.domains.identity.tokens import ApiKeyText
from growbase.domains.marketing.models import Brand, Campaign, Content, Journey
from growbase.domains.marketing.models_analytics import AnalyticsEvent

Row = dict[str, Any]
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
DAYS = 60
JOURNEYS_EACH, CONTENTS_EACH = 2, 6
STATUSES = ("active", "draft", "paused", "completed")
EVENT_TYPES = ("impression", "impression", "impression", "view", "click", "open", "conversion", "purchase")
TYPES = ("email", "social_post", "blog_post", "landing_page")
WORDS = [
    "spring",
    "launch",
    "summer",
    "retention",
    "brand",
    "loyalty",
    "growth",
    "winter",
    "social",
    "newsletter",
    "referral",
    "upsell",
]
RUNNING = 400
"""Campaigns that have events, the first ones; each of them one content that is shown."""
_FIRST_MS = 1_750_000_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows there are."""

    organizations: int = 20
    campaigns: int = 20_000
    events: int = 1_000_000
    parts: bool = True

    @property
    def journeys(self) -> int:
        """Journeys of all campaigns."""
        return self.campaigns * JOURNEYS_EACH if self.parts else 1

    @property
    def contents(self) -> int:
        """Contents of all campaigns."""
        return self.campaigns * CONTENTS_EACH if self.parts else 1


FULL = Size()
QUICK = Size(campaigns=6_000, events=60_000)


def uid(kind: int, number: int) -> UUID:
    """Return the id of a row: of UUIDv7's form, in the order of the numbers."""
    tail = number * 0x9E3779B97F4A7C15 & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(_FIRST_MS + number) << 80 | 0x7 << 76 | kind << 64 | 0b10 << 62 | tail)


def organization_id(number: int) -> UUID:
    """Return an organization's id."""
    return uid(1, number)


def campaign_id(number: int) -> UUID:
    """Return a campaign's id; it belongs to organization ``number % organizations``."""
    return uid(3, number)


def moment_of(number: int, total: int) -> datetime:
    """Spread rows evenly over the last DAYS days."""
    return NOW - timedelta(seconds=DAYS * 86_400 * (1 - number / total))


def campaign(number: int, size: Size) -> Row:
    """Return the fields of a campaign that every system keeps."""
    pick = random.Random(number)
    at = moment_of(number, size.campaigns)
    return {
        "name": f"{pick.choice(WORDS).title()} {pick.choice(WORDS)} {number}",
        "purpose": " ".join(pick.choices(WORDS, k=16)),
        "campaign_type": pick.choice(("product", "service", "brand", "general")),
        "status": pick.choice(STATUSES),
        "goals": {"reach": pick.randrange(100_000), "kpis": ["ctr", "cpa"], "note": pick.choice(WORDS)},
        "target_audience": " ".join(pick.choices(WORDS, k=8)),
        "creativity_level": pick.randint(1, 10),
        "start_at": at,
        "end_at": at + timedelta(days=30),
        "budget_minor": pick.randrange(10_000_00),
        "currency": "EUR",
        "created_at": at,
        "updated_at": at + timedelta(seconds=pick.randrange(86_400)),
    }


def content(number: int, size: Size) -> Row:
    """Return the fields of a content that every system keeps."""
    pick = random.Random(number)
    at = moment_of(number, size.contents)
    return {
        "type": pick.choice(TYPES),
        "title": f"{pick.choice(WORDS).title()} {number}",
        "body": " ".join(pick.choices(WORDS, k=40)),
        "status": pick.choice(("draft", "review", "approved", "published")),
        "channel": pick.choice(("email", "web")),
        "language": "en",
        "metadata": {"tone": pick.choice(WORDS), "length": pick.randrange(500)},
        "created_at": at,
        "updated_at": at,
    }


def event(number: int, size: Size) -> Row:
    """Return the fields of an analytics event that every system keeps; ``campaign`` and ``content`` are numbers."""
    mix = (number * 0x9E3779B1 & 0xFFFF_FFFF) >> 4
    where = mix % RUNNING
    kind = EVENT_TYPES[(mix >> 7) % len(EVENT_TYPES)]
    return {
        "event_key": f"seed-{number}",
        "campaign": where,
        "content": where * CONTENTS_EACH,
        "event_type": kind,
        "occurred_at": moment_of(number % size.events, size.events),
        "subject_key": f"s{mix % 50_000}",
        "source": ("ads", "mail", "organic")[mix % 3],
        "value_minor": mix % 20_000 if kind == "purchase" else None,
        "currency": "EUR" if kind == "purchase" else None,
    }


def _owned(id: UUID, organization: int, row: Mapping[str, Any]) -> Row:
    at = {"created_at": NOW, "updated_at": NOW}
    return {**at, **row, "organization_id": organization_id(organization), "id": id, "version": 1}


def growbase_rows(size: Size, keys: list[ApiKeyText]) -> Iterator[tuple[type[Root], Iterator[Row]]]:
    """Yield each table with its rows in the order in which they can be inserted."""
    every = range(size.organizations)
    named = {"markets": [], "languages": [], "data_region": "eu", "timezone": "UTC", "status": "active"}
    for_all = {**named, "settings": {"schema_version": 1, "require_brand": True}}
    yield (
        Organization,
        (
            {**for_all, "id": organization_id(n), "name": f"Org {n}", "slug": f"org-{n}", "slug_norm": f"org-{n}"}
            | {"created_at": NOW, "updated_at": NOW, "version": 1}
            for n in every
        ),
    )
    scopes = {"name": "bench", "scopes": ["admin", "read", "write"]}
    yield (
        ApiKey,
        (
            _owned(uid(6, n), n, {**scopes, "prefix": key.prefix, "key_hash": key.key_hash, "last_used_at": NOW})
            for n, key in enumerate(keys)
        ),
    )
    brand = {"name": "House", "name_norm": "house", "restricted_terms": []}
    yield Brand, (_owned(uid(2, n), n, brand) for n in every)
    yield (
        Campaign,
        (
            _owned(campaign_id(n), o := n % size.organizations, {**campaign(n, size), "brand_id": uid(2, o)})
            for n in range(size.campaigns)
        ),
    )
    yield (
        Journey,
        (
            _owned(
                uid(4, n),
                n // JOURNEYS_EACH % size.organizations,
                {"campaign_id": campaign_id(n // JOURNEYS_EACH), "name": f"Journey {n}", "name_norm": f"journey {n}"}
                | {"status": "draft", "definition_version": 1},
            )
            for n in range(size.journeys)
        ),
    )
    yield (
        Content,
        (
            _owned(
                uid(5, n),
                n // CONTENTS_EACH % size.organizations,
                {**content(n, size), "campaign_id": campaign_id(n // CONTENTS_EACH)},
            )
            for n in range(size.contents)
        ),
    )
    yield AnalyticsEvent, (_event_row(n, size) for n in range(size.events))


def _event_row(number: int, size: Size) -> Row:
    row = event(number, size)
    where, which = row.pop("campaign"), row.pop("content")
    return {
        **row,
        "organization_id": organization_id(where % size.organizations),
        "id": uid(7, number),
        "campaign_id": campaign_id(where),
        "content_id": uid(5, which),
        "received_at": row["occurred_at"],
        "metrics": {},
    }


_DAILY = """
INSERT INTO analytics_daily (organization_id, id, day, campaign_id, content_id, event_type, currency, count,
    unique_subjects, value_minor, last_event_at)
SELECT organization_id, {id}, {day}, campaign_id, content_id, event_type, currency, count(*),
    count(DISTINCT subject_key), coalesce(sum(value_minor), 0), max(occurred_at)
FROM analytics_events GROUP BY organization_id, {day}, campaign_id, content_id, event_type, currency
"""
_SQLITE_ID = (
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-7' || substr(hex(randomblob(2)), 2) || '-8' || "
    "substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
)


def _bound(model: type[Root], engine: str, rows: Iterable[Row]) -> tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]:
    """Return the columns and the rows as the driver takes them."""
    fields = plan_of(model, engine).fields
    source = iter(rows)
    first = next(source)
    names = tuple(first)
    used = [(name, fields[name].bind) for name in names]

    def values(row: Row) -> tuple[Any, ...]:
        return tuple(row[name] if bind is None or row[name] is None else bind(row[name]) for name, bind in used)

    return names, map(values, chain((first,), source))


def fill_sqlite(path: Path, size: Size, keys: list[ApiKeyText]) -> None:
    """Fill a SQLite file that has the schema; the file is safe on disk before this returns."""
    connection = connect(path)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    connection.execute("BEGIN")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE 'analytics%'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for model, rows in growbase_rows(size, keys):
        names, values = _bound(model, "sqlite", rows)
        connection.executemany(insert_sql(plan_of(model, "sqlite"), names), values)
    connection.execute(_DAILY.format(id=_SQLITE_ID, day="substr(occurred_at, 1, 10)"))
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def fill_postgres(url: str, size: Size, keys: list[ApiKeyText]) -> None:
    """Fill a PostgreSQL database that has the schema, and gather its statistics as autovacuum would."""
    with psycopg.connect(url, autocommit=True) as connection:
        for model, rows in growbase_rows(size, keys):
            names, values = _bound(model, "postgresql", rows)
            table = plan_of(model, "postgresql").table
            copy_sql = f"COPY {table} ({', '.join(names)}) FROM STDIN".encode()
            with connection.transaction(), connection.cursor() as cursor, cursor.copy(copy_sql) as copy:
                for row in values:
                    copy.write_row(row)
        day = "(occurred_at AT TIME ZONE 'UTC')::date"
        connection.execute(_DAILY.format(id="gen_random_uuid()", day=day).encode())
        connection.execute(b"VACUUM ANALYZE")
        connection.execute(b"CHECKPOINT")
