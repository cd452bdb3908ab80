"""The directory of regions: which addresses and organizations live in which one, told by each region of itself.

Every region's servers keep all of it. A region writes only its own entries, each with the next number of its count, and
sends them to the others in that order: what comes twice changes nothing, and nothing has to be merged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import WrongRegion
from growbase.core.facts import delete_facts, hold
from growbase.core.feed import Batch, Position, newest, read_changes
from growbase.core.model import Root
from growbase.core.outside import Outside
from growbase.core.reads import Reads, Where
from growbase.core.region import Regions
from growbase.core.statements import mark
from growbase.core.tables import InstanceFact, Job, RegionEntry
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Organization, User
from growbase.jobs.policies import MAINTENANCE
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

CHUNK: Final = 500
BACKOFF: Final = (1.0, 2.0, 5.0, 15.0)
"""Seconds between attempts to reach a region; after them ``announce`` asks anew."""
LOG: Final = "region:log"
"""The fact that says up to where the change log is in the directory."""
ENTRIES: Final = "/api/regions/entries"
Entry = tuple[str, bool, int]
"""Hash, whether it is there, and number."""


# -- asking -----------------------------------------------------------------------------------------------------------


def require_here(reads: Reads, regions: Regions | None, hash_of: Callable[[Regions], str]) -> None:
    """Raise WrongRegion for something that lives in another region, as far as is known here."""
    if regions is None:
        return
    found = reads.rows(RegionEntry, hash=hash_of(regions), is_there=True, order="region")
    places = [entry.region for entry in found if entry.region in regions.urls]
    if places and regions.here not in places:
        raise WrongRegion(region=places[0], base_url=regions.urls[places[0]])


def sent_fact(region: str) -> str:
    """Return the name of the fact that says which of the own entries a region has."""
    return f"region:{region}:sent"


def last_number(reads: Reads, region: str) -> int:
    """Return how far a region has counted its entries that are known here."""
    sql = f"SELECT coalesce(max(number), 0) FROM region_directory WHERE region = {mark(reads.engine)}"
    return int(reads.execute(sql, [region]).fetchone()[0])


def fact_of(reads: Reads, name: str) -> str | None:
    """Return a fact of this database."""
    found = reads.find(InstanceFact, name=name)
    return found.value if found else None


def set_fact(tx: Transaction, name: str, value: str | None) -> None:
    """Write a fact of this database, or remove it."""
    delete_facts(tx, InstanceFact, {"name": name})
    if value is not None:
        tx.insert_facts(InstanceFact, [{"name": name, "value": value}])


# -- writing the own entries ------------------------------------------------------------------------------------------


def write_entries(tx: Transaction, regions: Regions, gone: Iterable[str], there: Mapping[str, UUID | None]) -> None:
    """Say of some hashes that they live here, of others that they don't, and let the other regions know."""
    hold(tx, "regions")
    number = last_number(tx, regions.here)
    wanted: dict[str, tuple[bool, UUID | None]] = dict.fromkeys(gone, (False, None))
    wanted |= {found: (True, subject) for found, subject in there.items()}
    known = {row.hash: row for row in tx.rows(RegionEntry, hash=list(wanted), region=regions.here)}
    rows = []
    for found, (is_there, subject) in wanted.items():
        old = known.get(found)
        before = (old.is_there, old.subject_id) if old is not None else (False, None)
        if before == (is_there, subject):
            continue
        number += 1
        rows.append(_row(found, regions.here, is_there=is_there, number=number, subject=subject))
    delete_facts(tx, RegionEntry, {"hash": [row["hash"] for row in rows], "region": regions.here})
    tx.insert_facts(RegionEntry, rows)
    if rows:
        _ask_to_send(tx, regions.others)


def _row(found: str, region: str, *, is_there: bool, number: int, subject: UUID | None = None) -> dict[str, Any]:
    return {"hash": found, "region": region, "is_there": is_there, "number": number, "subject_id": subject}


def _ask_to_send(tx: Transaction, others: Iterable[str]) -> None:
    for region in others:
        tx.enqueue(
            "region_entries",
            {"region": region},
            queue=MAINTENANCE,
            dedupe_key=f"region/{region}",
            backoff=BACKOFF,
            max_attempts=len(BACKOFF),
        )


def announce(database: Database, outside: Outside) -> int:
    """Bring this region's entries up to date with its users and organizations; return how many changes there were."""
    regions = outside.regions
    if regions is None:
        return 0
    actor, done = system("regions"), 0
    with database.read(actor) as reads:
        text = fact_of(reads, LOG)
    if text is None:
        _announce_all(database, regions)
        return 0
    while True:
        start = Position(*map(int, text.split(".")))
        with database.read(actor, snapshot=True) as reads:
            batch = read_changes(reads, start, CHUNK, entities={"users", "organizations"})
        if batch.position != start:
            database.write(actor, partial(_announce, regions=regions, start=text, batch=batch))
            text, done = _text(batch.position), done + len(batch.changes)
        if not batch.has_more:
            break
    database.write(actor, partial(_send_what_is_left, regions=regions))
    return done


def _announce_all(database: Database, regions: Regions) -> None:
    """Enter everything there is, once; what changes meanwhile is behind the position that is noted in the end."""
    actor = system("regions")
    with database.read(actor) as reads:
        position = newest(reads)
    for model in (Organization, User):
        after = UUID(int=0)
        while True:
            with database.read(actor) as reads:
                rows = reads.rows(model, Where("id", ">", after), order="id", limit=CHUNK, trash=True, anywhere=True)
            ids = [row.id for row in rows]
            if not ids:
                break
            database.write(actor, partial(_enter, regions=regions, ids={model: ids}))
            after = ids[-1]

    def unit(tx: Transaction) -> None:
        hold(tx, "regions")
        if fact_of(tx, LOG) is None:
            set_fact(tx, LOG, _text(position))

    database.write(actor, unit)


def _announce(tx: Transaction, *, regions: Regions, start: str, batch: Batch) -> None:
    hold(tx, "regions")
    if fact_of(tx, LOG) != start:
        return  # another process was faster
    set_fact(tx, LOG, _text(batch.position))
    found = {(change.entity, change.entity_id) for change in batch.changes if change.entity_id is not None}
    models: Mapping[str, type[Root]] = {"users": User, "organizations": Organization}
    ids = {model: [id for entity, id in found if entity == name] for name, model in models.items()}
    _enter(tx, regions=regions, ids=ids)


def _enter(tx: Transaction, *, regions: Regions, ids: Mapping[type[Root], Sequence[UUID]]) -> None:
    """Bring the entries of some rows up to date."""
    subjects = [id for of_model in ids.values() for id in of_model]
    if not subjects:
        return
    users = tx.rows(User, id=list(ids.get(User, ())), anywhere=True)
    organizations = tx.rows(Organization, id=list(ids.get(Organization, ())), trash=True, anywhere=True)
    there: dict[str, UUID | None] = {regions.address_hash(user.email): user.id for user in users}
    there |= {regions.organization_hash(row.id): row.id for row in organizations}
    known = tx.rows(RegionEntry, subject_id=subjects, region=regions.here, is_there=True)
    write_entries(tx, regions, [entry.hash for entry in known if entry.hash not in there], there)


def _send_what_is_left(tx: Transaction, *, regions: Regions) -> None:
    """Ask again for what a running job may have just missed."""
    number = last_number(tx, regions.here)
    _ask_to_send(tx, [name for name in regions.others if int(fact_of(tx, sent_fact(name)) or 0) < number])


def _text(position: Position) -> str:
    return f"{position.tx}.{position.seq}"


# -- from region to region --------------------------------------------------------------------------------------------


def send_entries(database: Database, actor: Actor, job: Job, outside: Outside) -> None:
    """Send one region the entries it does not have yet, in their order."""
    del actor
    regions, region = outside.regions, str(job.payload["region"])
    if regions is None or region not in regions.others:
        return
    name = sent_fact(region)
    while True:
        with database.read(system("regions")) as reads:
            sent = int(fact_of(reads, name) or 0)
            news = Where("number", ">", sent)
            rows = reads.rows(RegionEntry, news, region=regions.here, order="number", limit=CHUNK)
        if not rows:
            return
        regions.ask(region, ENTRIES, {"entries": [[row.hash, row.is_there, row.number] for row in rows]})
        database.write(system("regions"), partial(set_fact, name=name, value=str(rows[-1].number)))


def receive_entries(tx: Transaction, *, sender: str, entries: Sequence[Entry]) -> int:
    """Take over what another region says of itself and return how much of it was new."""
    hold(tx, "regions")
    known = {row.hash: row.number for row in tx.rows(RegionEntry, hash=[entry[0] for entry in entries], region=sender)}
    news = {
        found: _row(found, sender, is_there=there, number=number)
        for found, there, number in entries
        if known.get(found, 0) < number
    }
    delete_facts(tx, RegionEntry, {"hash": list(news), "region": sender})
    tx.insert_facts(RegionEntry, list(news.values()))
    return len(news)


TASKS: Final[dict[str, Task]] = {"region_entries": send_entries}
SCHEDULES: Final = (Schedule("identity/regions", announce, every=timedelta(seconds=15)),)
