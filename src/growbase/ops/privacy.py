"""What is known of one person: found by the declarations of the models, handed out, or erased for good.

A person is found by an address. The rows about them (``__subject__`` with an address) lead to the rows that belong to
these, from table to table. Erasing empties their personal columns and keeps the rows, so that reports stay as they are;
it destroys the person's keys, with which the change log forgets them, too, and deletes the files that show them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.facts import delete_facts
from growbase.core.folding import fold_email
from growbase.core.holds import Held, lock_holds, require_free
from growbase.core.model import Root, View, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.statements import Field, Plan, equality, mark, plan_of
from growbase.core.subject import GONE
from growbase.core.subject_keys import destroy_keys
from growbase.core.tables import Erasure, IdempotencyKey, Job, JobStatus, SubjectKey
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions import delete_account
from growbase.domains.identity.actions_sessions import acting_as
from growbase.domains.identity.models import User
from growbase.domains.marketing.models_assets import Asset
from growbase.jobs.policies import MAINTENANCE
from growbase.ops.erasures import append_record, hash_of, note_erasure, read_records
from growbase.ops.privacy_files import TABLE, files_of

CHUNK: Final = 500
"""Rows in one unit and ids in one statement."""
INLINE: Final = 500
"""Rows that a request erases itself; more are left to a job."""
LARGEST_EXPORT: Final = 20_000
"""Rows that a request hands out."""
ERASE: Final = "erase_person"

Ids = dict[UUID, UUID | None]
"""Ids of rows, each with its organization."""
Progress = Callable[[int, int], None]
"""Told how many rows are done, of how many."""


@dataclass(slots=True)
class Person:
    """The rows that tell of one person, by table; ``roots`` are about the person themselves."""

    address: str
    organization_id: UUID | None
    rows: dict[str, Ids] = field(default_factory=dict)
    roots: dict[str, Ids] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.rows.values()))

    @property
    def ids(self) -> set[UUID]:
        """The ids of all rows."""
        return {id for found in self.rows.values() for id in found}

    def add(self, table: str, found: Ids, *, is_root: bool) -> bool:
        """Add rows of a table and return whether any was new."""
        known = self.rows.setdefault(table, {})
        size = len(known)
        known.update(found)
        if is_root:
            self.roots.setdefault(table, {}).update(found)
        return len(known) > size


def find_person(
    database: Database, email: str, organization_id: UUID | None = None, known: Mapping[str, list[UUID]] | None = None
) -> Person:
    """Return the rows about the person with an address, in one organization or in all; ``known`` are more roots.

    Within one organization a user's account is left out: it is the person's own, in all their organizations.
    """
    person = Person(fold_email(email), organization_id)
    with database.read(system("privacy"), snapshot=True) as reads:
        models = [*_about_people(reads, organization_id)]
        stopped = _unfinished(reads, person)
        again = ({table: [*map(UUID, ids)] for table, ids in found.subjects.items()} for found in stopped)
        roots: list[Mapping[str, list[UUID]]] = [known or {}, *again]
        for model in models:
            table = str(model.__tablename__)
            if person.address and model.__subject__ is not None and model.__subject__.address is not None:
                address = model.__subject__.address
                person.add(table, _where_address(reads, model, address, person), is_root=True)
            for ids in filter(None, (more.get(table) for more in roots)):
                person.add(table, _where(reads, model, "id", ids, person), is_root=True)
        while any([_follow(reads, model, person) for model in models]):  # noqa: C419 -- every table each time
            pass
    person.rows = {table: found for table, found in person.rows.items() if found}
    return person


def _unfinished(reads: Reads, person: Person) -> list[Erasure]:
    """Return the records of a person's erasures that were stopped, when the address may be gone already."""
    keyring = reads.context.keyring
    records = reads.rows(Erasure, finished_at=None, organization_id=person.organization_id, order="created_at")
    return [
        found
        for found in records
        if found.key_id in keyring.ids and found.address_hash == hash_of(keyring, found.key_id, person.address)
    ]


def _about_people(reads: Reads, organization_id: UUID | None) -> Iterator[type[Root]]:
    for _, model in sorted(reads.context.catalog.models.items()):
        is_owned = model.__scope__ is not None or "organization_id" in table_of(model).columns
        if model.__subject__ is not None and (organization_id is None or is_owned):
            yield model


def _follow(reads: Reads, model: type[Root], person: Person) -> bool:
    """Add the rows of a table that belong to rows found already, and return whether any was new."""
    subject = model.__subject__
    if subject is None or subject.of == "id":
        return False
    rule = rule_of(table_of(model).columns[subject.of])
    ids = [*person.rows.get(rule.target, {})] if rule.target else [*person.ids]
    return person.add(str(model.__tablename__), _where(reads, model, subject.of, ids, person), is_root=False)


def _where_address(reads: Reads, model: type[Root], column: str, person: Person) -> Ids:
    is_folded = rule_of(table_of(model).columns[column]).norm_of is not None
    term = f"{f't.{column}' if is_folded else f'lower(trim(t.{column}))'} = {mark(reads.engine)}"
    return _select(reads, model, term, [person.address], person)


def _where(reads: Reads, model: type[Root], column: str, ids: list[UUID], person: Person) -> Ids:
    found: Ids = {}
    plan = reads.plan(model)
    for start in range(0, len(ids), CHUNK):
        term, bound = equality(plan, column, ids[start : start + CHUNK])
        found |= _select(reads, model, term, [*bound], person)
    return found


def _select(reads: Reads, model: type[Root], term: str, params: list[object], person: Person) -> Ids:
    plan = reads.plan(model)
    scope = _scope(plan)
    if person.organization_id is not None and scope is not None:
        term = f"{term} AND t.{scope} = {mark(reads.engine)}"
        params = [*params, plan.fields[scope].bound(person.organization_id)]
    read = plan.fields["id"].read or (lambda value: value)
    rows = reads.execute(f"SELECT t.id, {f't.{scope}' if scope else 'NULL'} FROM {plan.table} t WHERE {term}", params)
    return {read(id): None if owner is None else read(owner) for id, owner in rows.fetchall()}


def _scope(plan: Plan) -> str | None:
    return plan.scope or ("organization_id" if "organization_id" in plan.fields else None)


# -- erasing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Erased:
    """What was emptied, by table, the record of it that a restored backup is held to, and the files to delete.

    A job deletes them in any case; who has the storage at hand need not wait for it.
    """

    id: UUID
    counts: dict[str, int]
    files: tuple[Asset, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows were emptied."""
        return sum(self.counts.values())


def erase(
    database: Database,
    person: Person,
    *,
    by: Actor | None = None,
    folder: Path | None = None,
    progress: Progress = lambda *_: None,
) -> Erased:
    """Empty what is known of a person, in units of some hundred rows; stopped anywhere, it is called again.

    In ``folder`` it is written down, too, for restores of backups from before.

    Raises Held, with nothing done yet, where a legal hold keeps any of it, and LastOwner for the only owner of a live
    organization.
    """
    actor = by or system("privacy", person.organization_id)
    _require_free(database, person)
    files = person.rows.get(TABLE, {})
    # A backup may be from before it was said whom a file shows.
    known = {**person.roots, TABLE: files}
    record = database.write(actor, lambda tx: note_erasure(tx, person.address, person.organization_id, known))
    if folder is not None:
        with database.read(actor) as reads:
            append_record(folder, reads.rows(Erasure, id=record)[0])
    for id in person.roots.get("users", {}):
        database.write(actor, partial(_end_account, id=id))
    counts: dict[str, int] = {}
    done = 0
    for table, count in _erase_copies(database, actor, person):
        counts[table] = counts.get(table, 0) + count
    # Those by which the person is found come last: until then an erasure that was stopped finds them again.
    for table in sorted(person.rows, key=lambda name: (name in person.roots, name)):
        model = database.catalog.models[table]
        for chunk in _chunks(person.rows[table]):
            counts[table] = counts.get(table, 0) + database.write(actor, partial(_erase_rows, model=model, ids=chunk))
            done += len(chunk)
            progress(done, person.count)
    for chunk in _chunks(dict.fromkeys(person.ids)):
        database.write(actor, partial(destroy_keys, subjects=chunk))
    counts = {table: count for table, count in counts.items() if count}

    def end(tx: Transaction) -> None:
        for other in _unfinished(tx, person):
            tx.set_facts(Erasure, {"id": other.id}, {"finished_at": tx.now})
        tx.set_facts(Erasure, {"id": record}, {"counts": counts, "finished_at": tx.now})
        tx.record("erase_person", "erasures", record, dict(counts))

    database.write(actor, end)
    return Erased(record, counts, tuple(files_of(database, files)))


def queue_erasure(tx: Transaction, person: Person) -> UUID:
    """Leave a person's erasure to a job, which knows them by ids alone, and return its id."""
    roots = {table: [str(id) for id in ids] for table, ids in person.roots.items()}
    return tx.enqueue(ERASE, {"subjects": roots}, queue=MAINTENANCE)


def erase_queued(database: Database, actor: Actor, job: Job, *, folder: Path) -> dict[str, object]:
    """Erase the person a job knows by ids, within its organization."""
    known = {table: [UUID(id) for id in ids] for table, ids in job.payload["subjects"].items()}
    person = find_person(database, _address(database, known), actor.organization_id, known)
    done = erase(database, person, by=actor, folder=folder)
    return {"rows": done.rows, "tables": done.counts}


def _address(database: Database, known: Mapping[str, list[UUID]]) -> str:
    """Return the address of one of a person's rows, empty where a run before has erased them all."""
    with database.read(system("privacy")) as reads:
        for table, ids in known.items():
            model = database.catalog.models[table]
            column = model.__subject__.address if model.__subject__ else None
            for row in reads.rows(model, id=ids, trash=True, anywhere=True) if column else ():
                value = row.__dict__[str(column)]
                if value and "deleted+" not in value:
                    return str(value)
    return ""


def _chunks(ids: Ids) -> Iterator[Ids]:
    items = [*ids.items()]
    for start in range(0, len(items), CHUNK):
        yield dict(items[start : start + CHUNK])


def _require_free(database: Database, person: Person) -> None:
    for table, ids in person.rows.items():
        model = database.catalog.models[table]
        for chunk in _chunks(ids):
            database.write(system("privacy"), partial(_require_rows_free, model=model, ids=chunk))


def _require_rows_free(tx: Transaction, *, model: type[Root], ids: Ids) -> None:
    for id, owner in ids.items():
        inside = tx.for_organization(owner) if owner is not None else tx
        row = inside.find(model, id, trash=True, anywhere=model.__scope__ is None)
        if row is not None:
            require_free(inside, row)


def _end_account(tx: Transaction, *, id: UUID) -> None:
    user = tx.acting(system("privacy")).find(User, id, anywhere=True)
    if user is not None:
        delete_account(acting_as(tx, user))


def _erase_rows(tx: Transaction, *, model: type[Root], ids: Ids) -> int:
    """Empty the personal columns of some rows and destroy the keys of those they tell of; return how many changed."""
    lock_holds(tx, share=True)
    plan, count = tx.plan(model), 0
    for id, owner in ids.items():
        inside = tx.acting(system("privacy", owner)) if owner is not None else tx.acting(system("privacy"))
        row = inside.find(model, id, trash=True, lock=True, anywhere=model.__scope__ is None)
        if row is None:
            continue
        require_free(inside, row)
        resource = tx.context.catalog.of(model)
        if resource is not None and resource.erased is not None:
            resource.erased(inside, row)
            row = inside.find(model, id, trash=True, lock=True, anywhere=model.__scope__ is None) or row
        values = {name: value for name, value in _emptied(plan, row).items() if row.__dict__[name] != value}
        if values and plan.versioned:
            inside.change(row, values, action="erase")
        elif values:
            inside.set_facts(model, {"id": id}, values)
        count += bool(values)
    destroy_keys(tx, ids)
    return count


def _emptied(plan: Plan, row: Root) -> dict[str, object]:
    unique = {name for index in table_of(plan.model).indexes if index.unique for name in index.columns.keys()}  # noqa: SIM118 -- columns, not names  # noqa: SIM118 -- columns, not names
    unique |= {source for source, norm in plan.norms.items() if norm in unique}
    return {
        name: _empty(plan, found, f"deleted+{row.__dict__['id']}" if name in unique else GONE)
        for name, found in plan.fields.items()
        if found.rule.personal and row.__dict__[name] is not None
    }


def _empty(plan: Plan, found: Field, text: str) -> object:
    if found.nullable:
        return None
    default = plan.defaults.get(found.name)
    return default() if default is not None else {} if found.rule.kind == "document" else text


def _erase_copies(database: Database, actor: Actor, person: Person) -> Iterator[tuple[str, int]]:
    """Empty what other tables hold as copies: jobs, deliveries, stored answers. Yield table and how many rows."""
    needles = (*filter(None, [person.address]), *(str(id) for id in person.ids))
    for table, model in sorted(database.catalog.models.items()):
        if not issubclass(model, View) and model.__copies__:
            for keys in copies(database, model, needles, person.organization_id):
                yield table, database.write(actor, partial(_erase_copy, model=model, keys=keys))


def copies(
    database: Database, model: type[Root], needles: tuple[str, ...], organization_id: UUID | None
) -> Iterator[dict[str, Any]]:
    """Yield the keys of rows whose copies hold one of some texts; reads the whole table, a page at a time."""
    plan = plan_of(model, database.engine)
    names = [column.name for column in table_of(model).primary_key.columns]
    text = " || ' ' || ".join(f"coalesce(CAST(t.{name} AS TEXT), '')" for name in model.__copies__)
    key = ", ".join(f"t.{name}" for name in names)
    sign, last = mark(database.engine), None
    scope = _scope(plan)
    while True:
        terms = [f"({key}) > ({', '.join([sign] * len(names))})"] if last else []
        params = [*(last or ())]
        if organization_id is not None and scope is not None:
            terms.append(f"t.{scope} = {sign}")
            params.append(plan.fields[scope].bound(organization_id))
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        sql = f"SELECT {key}, {text} FROM {plan.table} t{where} ORDER BY {key} LIMIT {CHUNK}"
        rows = database.query(sql, tuple(params))
        for row in rows:
            held = str(row[-1]).lower()
            if any(needle in held for needle in needles):
                readers = [plan.fields[name].read for name in names]
                values = zip(names, readers, row[:-1], strict=True)
                yield {name: read(value) if read else value for name, read, value in values}
        if len(rows) < CHUNK:
            return
        last = rows[-1][:-1]


def _erase_copy(tx: Transaction, *, model: type[Root], keys: dict[str, Any]) -> int:
    inside = tx.acting(system("privacy", keys.get("organization_id")))
    plan = tx.plan(model)
    row = inside.find(model, lock=True, anywhere=True, **keys)
    if row is None or (isinstance(row, Job) and row.kind == ERASE):
        return 0
    if model is IdempotencyKey:
        return delete_facts(tx.acting(system("privacy")), model, keys)
    if "id" in plan.fields:
        owner = row.__dict__.get("organization_id")
        inside = tx.acting(system("privacy", owner))
        require_free(inside, row)
    values: dict[str, object] = {
        name: None if plan.fields[name].nullable else _empty(plan, plan.fields[name], "") for name in model.__copies__
    }
    if isinstance(row, Job) and row.status == JobStatus.QUEUED:
        values |= {"status": JobStatus.CANCELLED, "finished_at": tx.now}
    elif isinstance(row, Job) and row.status == JobStatus.RUNNING:
        values |= {"cancel_requested_at": tx.now}
    values = {name: value for name, value in values.items() if row.__dict__[name] != value}
    if plan.logged and values:
        inside.change(row, values, action="erase")
    elif values:
        inside.set_facts(model, keys, values)
    return int(bool(values))


# -- after a restore --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many people were erased again, and how many a legal hold keeps, which had been released since the backup.

    ``files`` are those that must not be there any more.
    """

    again: int = 0
    held: int = 0
    files: tuple[Asset, ...] = ()


def replay_erasures(database: Database, folder: Path | None = None) -> Replayed:
    """Erase again whom the records name, of the database and of the file beside it, and tell of those who were there.

    For a database that was just restored from a backup taken before: people are found by the ids of their rows and by
    the keyed hashes of their addresses.
    """
    with database.read(system("privacy")) as reads:
        records: list[Mapping[str, Any]] = [row.__dict__ for row in reads.rows(Erasure, order="created_at")]
    seen = {str(record["id"]) for record in records}
    records += [record for record in (read_records(folder) if folder else ()) if record["id"] not in seen]
    addresses = _addresses_of(database, records) if records else {}
    again = held = 0
    files: list[Asset] = []
    for record in records:
        home = record["organization_id"]
        owner = UUID(str(home)) if home else None
        known = {table: [UUID(str(id)) for id in ids] for table, ids in record["subjects"].items()}
        person = find_person(database, addresses.get(str(record["address_hash"]), ""), owner, known)
        if person.count and _knows(database, person):
            try:
                files += erase(database, person).files
                again += 1
            except Held:
                held += 1
    return Replayed(again, held, tuple(files))


def _knows(database: Database, person: Person) -> bool:
    """Return whether anything of a person is there that erasing would empty."""
    with database.read(system("privacy")) as reads:
        for table, ids in person.roots.items():
            plan = reads.plan(database.catalog.models[table])
            if ids and reads.rows(SubjectKey, id=[*ids][:CHUNK], limit=1):
                return True
            for id, owner in ids.items():
                row = database_row(reads, plan.model, id, owner)
                if row is not None and any(row.__dict__[name] != value for name, value in _emptied(plan, row).items()):
                    return True
    return False


def database_row(reads: Reads, model: type[Root], id: UUID, owner: UUID | None) -> Root | None:
    """Return a row of any organization, one in the trash too."""
    keys: dict[str, Any] = {"organization_id": owner} if model.__scope__ == "organization_id" else {}
    return reads.find(model, id, trash=True, anywhere=True, **keys)


def _addresses_of(database: Database, records: list[Mapping[str, Any]]) -> dict[str, str]:
    """Return the addresses in the database whose keyed hash a record has, by hash."""
    wanted = {str(record["address_hash"]) for record in records}
    keyring = database.context.keyring
    key_ids = {str(record["key_id"]) for record in records} & {*keyring.ids}
    found: dict[str, str] = {}
    for model in database.catalog.models.values():
        subject = model.__subject__
        if subject is not None and subject.address is not None:
            sql = f"SELECT DISTINCT {subject.address} FROM {model.__tablename__} WHERE {subject.address} IS NOT NULL"
            for (value,) in database.query(sql):
                address = fold_email(str(value))
                hashes = {hash_of(keyring, key_id, address) for key_id in key_ids}
                found |= dict.fromkeys(hashes & wanted, address)
    return found
