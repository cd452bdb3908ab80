"""What the regions of an installation say of each other, and the proof that nothing lies in the wrong one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from growbase import __version__
from growbase.core import ddl
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.files import FileStore
from growbase.core.reads import Reads, Where
from growbase.core.region import Regions
from growbase.core.statements import mark
from growbase.core.tables import RegionEntry
from growbase.domains.identity.models import Organization, User
from growbase.domains.identity.regions import fact_of, last_number, sent_fact
from growbase.ops import move_organization
from growbase.ops.move_organization_rows import kinds

KEPT: Final = timedelta(days=7)
"""How long the copy of an organization that has moved away may stay."""
CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class RegionStatus:
    """One region as seen from here; without ``version`` it did not answer."""

    name: str
    url: str
    version: str = ""
    organizations: int = 0
    users: int = 0
    jobs: int = 0
    behind: int = 0
    """Entries of this region's directory it lacks."""
    ahead: int = 0
    """Entries of its own that have not come here."""
    problem: str = ""


def counts(reads: Reads) -> dict[str, int]:
    """Count what a region holds."""
    sql = "SELECT (SELECT count(*) FROM {0}), (SELECT count(*) FROM {1}), (SELECT count(*) FROM {2})"
    row = reads.execute(sql.format("organizations", "users", "jobs")).fetchone()
    return dict(zip(("organizations", "users", "jobs"), map(int, row), strict=True))


def status(settings: Settings, database: Database) -> list[RegionStatus]:
    """Ask every region how it is; those that don't answer say why."""
    regions = Regions.required(settings)
    with database.read(system("regions")) as reads:
        number = last_number(reads, regions.here)
        known = {name: last_number(reads, name) for name in regions.others}
        sent = {name: int(fact_of(reads, sent_fact(name)) or 0) for name in regions.others}
        here: Any = counts(reads)
    found = []
    for name, url in regions.urls.items():
        if name == regions.here:
            found.append(RegionStatus(name, url, __version__, **here))
            continue
        try:
            told = regions.ask(name, "/api/regions/status")
        except GrowbaseError as error:
            found.append(RegionStatus(name, url, behind=number - sent[name], problem=str(error)))
            continue
        there: Any = {key: int(told[key]) for key in here}
        behind, ahead = number - int(told["known"]), int(told["number"]) - known[name]
        found.append(RegionStatus(name, url, str(told["version"]), behind=behind, ahead=ahead, **there))
    return found


def check(
    settings: Settings, database: Database, files: FileStore, backups: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Return everything that is here and belongs into another region; nothing means that it is proved.

    ``backups`` are those kept here, by id, with the region each was taken in, empty where that is not known.
    """
    regions = Regions.required(settings)
    with database.read(system("regions"), snapshot=True) as reads:
        found = [*_wrong_organizations(reads, regions), *_wrong_rows(reads, regions, settings)]
        found += [*_wrong_users(reads, regions)]
        found += [
            f"the move of organization {id} to {move['to']} is not finished: run it again"
            for id, move in move_organization.unfinished(reads).items()
        ]
    found += [*_wrong_files(database, regions, files)]
    found += [
        f"backup {id} is of the region {region}: keep it there"
        for id, region in backups.items()
        if region not in {"", regions.here}
    ]
    return [*found, *_old_copies(settings)]


def _wrong_organizations(reads: Reads, regions: Regions) -> Iterator[str]:
    sql = f"SELECT data_region, count(*) FROM organizations WHERE data_region <> {mark(reads.engine)} GROUP BY 1"
    for region, count in reads.execute(sql, [regions.here]).fetchall():
        yield f"{count} organizations here are of the region {region}: growbase regions move ORGANIZATION --to {region}"


def _wrong_rows(reads: Reads, regions: Regions, settings: Settings) -> Iterator[str]:
    """Find rows, jobs and history whose organization is not here but lives elsewhere."""
    read = reads.plan(Organization).fields["id"].read or (lambda value: value)
    for kind in kinds((*ddl.PROGRAM, *settings.domains)):
        if kind.model is Organization:
            continue
        sql = (
            f"SELECT t.{kind.owner}, count(*) FROM {kind.name} t WHERE t.{kind.owner} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM organizations o WHERE o.id = t.{kind.owner}) GROUP BY t.{kind.owner}"
        )
        for id, count in reads.execute(sql).fetchall():
            for place in _places(reads, regions, regions.organization_hash(read(id))):
                yield f"{count} rows of {kind.name} belong to organization {read(id)}, which lives in {place}"


def _wrong_users(reads: Reads, regions: Regions) -> Iterator[str]:
    after = UUID(int=0)
    while users := reads.rows(User, Where("id", ">", after), order="id", limit=CHUNK, trash=True, anywhere=True):
        for user in users:
            sign = mark(reads.engine)
            bound = reads.plan(User).fields["id"].bound(user.id)
            sql = f"SELECT 1 FROM memberships WHERE user_id = {sign} LIMIT 1"
            if reads.execute(sql, [bound]).fetchone() is None:
                for place in _places(reads, regions, regions.address_hash(user.email)):
                    yield f"user {user.id} is in no organization here, and lives in {place}"
        after = users[-1].id


def _places(reads: Reads, regions: Regions, found: str) -> list[str]:
    """Return the other regions where something lives, none where it is entered here too and that may be so."""
    return [
        entry.region for entry in reads.rows(RegionEntry, hash=found, is_there=True) if entry.region != regions.here
    ]


def _wrong_files(database: Database, regions: Regions, files: FileStore) -> Iterator[str]:
    seen: dict[str, int] = {}
    for batch in files.entries():
        for entry in batch:
            owner = entry.key.partition("/")[0]
            seen[owner] = seen.get(owner, 0) + 1
    with database.read(system("regions")) as reads:
        for owner, count in sorted(seen.items()):
            try:
                id = UUID(owner)
            except ValueError:
                continue
            if reads.find(Organization, id, trash=True, anywhere=True) is None:
                for place in _places(reads, regions, regions.organization_hash(id)):
                    yield f"{count} files belong to organization {id}, which lives in {place}"


def _old_copies(settings: Settings) -> Iterator[str]:
    """Find copies of organizations that have moved away, and backups of another region's database."""
    oldest = (datetime.now(UTC) - KEPT).timestamp()
    for path in sorted((settings.data_dir / "moved").glob("organization-*")):
        if path.stat().st_mtime < oldest:
            yield f"{path} is a copy of an organization that has moved away: delete it"


def as_document(found: list[RegionStatus]) -> list[dict[str, Any]]:
    """Return what ``status`` found as JSON."""
    return [{name: getattr(row, name) for name in RegionStatus.__slots__} for row in found]
