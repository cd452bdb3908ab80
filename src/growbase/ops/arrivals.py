"""An organization that comes from another region: its pieces are kept, then written all at once or not at all."""

import base64
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.core.actor import Actor, system
from growbase.core.crypto import open_sealed, seal
from growbase.core.database import Database
from growbase.core.errors import Conflict, GrowbaseError
from growbase.core.facts import delete_facts, hold
from growbase.core.files import FileStore
from growbase.core.outside import Outside
from growbase.core.reads import Reads
from growbase.core.region import Regions
from growbase.core.tables import Job, RegionArrival, RegionEntry, SubjectKey
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import ApiKey, Organization, User
from growbase.domains.identity.models_billing import AuthAccount, Plan
from growbase.domains.identity.regions import fact_of, set_fact, write_entries
from growbase.jobs.errors import Permanent
from growbase.jobs.policies import MAINTENANCE
from growbase.ops import move_organization_rows as rows
from growbase.ops.canonical import Checksum, encode_row
from growbase.ops.move_organization_rows import Kind, Traveller, kinds

KIND: Final = "region_arrival"
FINISH: Final = "finish"
DONE: Final = "done"
KEYS: Final = "subject_keys"
Step = Callable[[Database, Regions, FileStore, UUID, bytes], dict[str, Any]]


class PiecesDiffer(GrowbaseError):
    """The rows of {table} are not what was sent: {found} in place of {sent}.

    Nothing was kept. Run the same command again.
    """

    code = "pieces_differ"


# -- pieces -----------------------------------------------------------------------------------------------------------


def packed(regions: Regions, context: str, document: object) -> tuple[str, str]:
    """Return a document's digest and its sealed form."""
    plain = json.dumps(document, separators=(",", ":")).encode()
    sealed = seal(regions.keyring, gzip.compress(plain, 5, mtime=0), context=context)
    return hashlib.sha256(plain).hexdigest(), base64.b64encode(sealed).decode()


def unpacked(regions: Regions, context: str, text: str) -> Any:  # noqa: ANN401 -- any JSON
    """Return the document of a sealed form."""
    return json.loads(gzip.decompress(open_sealed(regions.keyring, base64.b64decode(text), context=context)))


def columns_of(packages: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the columns of each table that travels: both ends have to have the same."""
    return {
        kind.name: [*kind.columns] for kind in (*kinds(packages), *map(rows.user_kind, (User, AuthAccount, SubjectKey)))
    }


def context_of(organization_id: UUID, name: str, number: int = 0) -> str:
    """Return what ties a sealed piece to its place."""
    return f"{organization_id}/{name}/{number}"


def _pieces(reads: Reads, regions: Regions, organization_id: UUID, name: str) -> Iterator[Any]:
    for piece in reads.rows(RegionArrival, organization_id=organization_id, name=name, order="number"):
        yield unpacked(regions, context_of(organization_id, name, piece.number), piece.body.partition(":")[2])


def _result_fact(organization_id: UUID) -> str:
    return f"arrival:{organization_id}"


# -- steps, as the other region's server calls them -------------------------------------------------------------------


def _begin(
    database: Database, regions: Regions, files: FileStore, organization_id: UUID, body: bytes
) -> dict[str, Any]:
    """Tell what is here already, and which users and plans have other ids here. Raises Conflict."""
    del files
    told = unpacked(regions, context_of(organization_id, "begin"), json.loads(body)["body"])
    if told["tables"] != columns_of(tuple(told["packages"])):
        raise Conflict("The tables here are not the same: run one version, with the same domains, in all regions.")
    with database.read(system("regions")) as reads:
        if reads.find(Organization, organization_id, trash=True, anywhere=True):
            return {"is_here": True}
        for column in ("slug_norm", "domain_norm"):
            value = told[column]
            if value is not None and reads.find(Organization, anywhere=True, **{column: value}):
                raise Conflict(
                    "Another organization here has the {name} {value}: change one of them.",
                    name=column.removesuffix("_norm"),
                    value=value,
                )
        held = reads.rows(RegionArrival, organization_id=organization_id)
        return {
            "is_here": False,
            "users": dict(_users_here(reads, told["users"])),
            "plans": dict(_plans_here(reads, told["plans"])),
            "pieces": {f"{piece.name}/{piece.number}": piece.body.partition(":")[0] for piece in held},
        }


def _users_here(reads: Reads, told: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for id, email_norm in told:
        found = reads.find(User, email_norm=email_norm, anywhere=True)
        if found is not None and str(found.id) != id:
            yield id, str(found.id)


def _plans_here(reads: Reads, told: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for id, code in told:
        if reads.find(Plan, UUID(id), anywhere=True) is None:
            found = reads.find(Plan, code=code, is_active=True, anywhere=True)
            if found is None:
                raise Conflict("There is no plan {code} here: make it first.", code=code)
            yield id, str(found.id)


def _piece(
    database: Database, regions: Regions, files: FileStore, organization_id: UUID, body: bytes
) -> dict[str, Any]:
    """Keep a piece, in place of an older one."""
    del regions, files
    told = json.loads(body)
    key = {"organization_id": organization_id, "name": str(told["name"])[:200], "number": int(told["number"])}

    def unit(tx: Transaction) -> None:
        delete_facts(tx, RegionArrival, key)
        kept = {**key, "body": f"{told['digest']}:{told['body']}", "created_at": tx.now}
        tx.insert_facts(RegionArrival, [kept])

    database.write(system("regions"), unit)
    return {}


def _file(database: Database, regions: Regions, files: FileStore, organization_id: UUID, body: bytes) -> dict[str, Any]:
    """Store the file whose pieces have come. Raises PiecesDiffer."""
    import asyncio

    key, name = str(json.loads(body)["key"]), "file"
    if not key.startswith(f"{organization_id}/") or ".." in key:
        raise Conflict("That is no file of the organization.")
    with database.read(system("regions")) as reads:
        parts = [base64.b64decode(part) for part in _pieces(reads, regions, organization_id, name)]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()
    if digest != json.loads(body)["sha256"]:
        raise PiecesDiffer(table=key, found=digest, sent=json.loads(body)["sha256"])

    async def chunks() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    asyncio.run(files.put(key, chunks()))
    pieces = {"organization_id": organization_id, "name": name}
    database.write(system("regions"), lambda tx: delete_facts(tx, RegionArrival, pieces))
    return {}


def _finish(
    database: Database, regions: Regions, files: FileStore, organization_id: UUID, body: bytes
) -> dict[str, Any]:
    """Ask a worker to write what has come."""
    del regions, files
    told = json.loads(body)
    key = {"organization_id": organization_id, "name": FINISH, "number": 0}

    def unit(tx: Transaction) -> None:
        if tx.find(Organization, organization_id, trash=True, anywhere=True):
            return
        delete_facts(tx, RegionArrival, key)
        kept = {**key, "body": f"{told['digest']}:{told['body']}", "created_at": tx.now}
        tx.insert_facts(RegionArrival, [kept])
        set_fact(tx, _result_fact(organization_id), "waiting")
        payload = {"organization_id": str(organization_id)}
        tx.enqueue(KIND, payload, queue=MAINTENANCE, dedupe_key=f"arrival/{organization_id}", max_attempts=3)

    database.write(system("regions"), unit)
    return {}


def _result(
    database: Database, regions: Regions, files: FileStore, organization_id: UUID, body: bytes
) -> dict[str, Any]:
    """Tell how far the worker is, and when it is done what the directory says now."""
    del files, body
    with database.read(system("regions")) as reads:
        state = fact_of(reads, _result_fact(organization_id)) or "unknown"
        if reads.find(Organization, organization_id, trash=True, anywhere=True):
            state = DONE
        found = reads.rows(RegionEntry, subject_id=organization_id, region=regions.here)
    return {"state": state, "entries": [[row.hash, row.is_there, row.number] for row in found]}


def _cancel(
    database: Database, regions: Regions, files: FileStore, organization_id: UUID, body: bytes
) -> dict[str, Any]:
    """Forget all pieces; too late once the organization is here."""
    del regions, files, body

    def unit(tx: Transaction) -> dict[str, Any]:
        hold(tx, _result_fact(organization_id))
        if tx.find(Organization, organization_id, trash=True, anywhere=True):
            return {"is_here": True}
        delete_facts(tx, RegionArrival, {"organization_id": organization_id})
        set_fact(tx, _result_fact(organization_id), None)
        return {"is_here": False}

    return database.write(system("regions"), unit)


STEPS: Final[Mapping[str, Step]] = {
    "begin": _begin,
    "piece": _piece,
    "file": _file,
    FINISH: _finish,
    "result": _result,
    "cancel": _cancel,
}


# -- writing ----------------------------------------------------------------------------------------------------------


def arrive(database: Database, actor: Actor, job: Job, outside: Outside) -> None:
    """Write an organization whose pieces are all here, prove it and enter it into the directory, in one unit."""
    del actor
    regions, organization_id = outside.regions, UUID(str(job.payload["organization_id"]))
    assert regions is not None
    files = outside.files
    here: rows.Here = {
        "organizations": {"data_region": regions.here},
        "assets": {"storage_provider": files.provider, "storage_bucket": files.bucket},
    }
    unit = partial(_write, regions=regions, organization_id=organization_id, here=here)
    try:
        database.write(system("regions"), unit)
    except GrowbaseError as error:
        reason = f"failed: {error}"[:1_000]
        database.write(system("regions"), lambda tx: set_fact(tx, _result_fact(organization_id), reason))
        raise Permanent(reason) from error


def _write(tx: Transaction, *, regions: Regions, organization_id: UUID, here: rows.Here) -> None:
    hold(tx, _result_fact(organization_id))
    if tx.find(Organization, organization_id, trash=True, anywhere=True):
        return
    told = next(_pieces(tx, regions, organization_id, FINISH))
    _write_users(tx, told["users"])
    _write_keys(tx, regions, organization_id, told["sums"][KEYS])
    packages = tuple(told["packages"])
    for kind in kinds(packages):
        for piece in _pieces(tx, regions, organization_id, kind.name):
            rows.insert(tx, kind, piece, here)
    for kind in kinds(packages):
        if kind.later:
            for piece in _pieces(tx, regions, organization_id, kind.name):
                rows.connect(tx, kind, piece)
    for kind in kinds(packages):
        found = rows.checksum(rows.travellers(tx, kind, organization_id, lambda value: value))
        if found != told["sums"][kind.name]:
            raise PiecesDiffer(table=kind.name, found=found, sent=told["sums"][kind.name])
    rows.unpark(tx, organization_id)
    _enter(tx, regions, organization_id, told["users"])
    tx.record("arrive", "organizations", organization_id, {"from": told["from"]}, organization_id=organization_id)
    delete_facts(tx, RegionArrival, {"organization_id": organization_id})
    set_fact(tx, _result_fact(organization_id), None)


def _write_keys(tx: Transaction, regions: Regions, organization_id: UUID, sent: str) -> None:
    found = Checksum()
    for piece in _pieces(tx, regions, organization_id, KEYS):
        for row in piece:
            found.add(encode_row(row))
        rows.insert_keys(tx, piece)
    if found.text() != sent:
        raise PiecesDiffer(table=KEYS, found=found.text(), sent=sent)


def _write_users(tx: Transaction, told: Mapping[str, list[Traveller]]) -> None:
    """Write the users who are not here yet; of those who are, everything stays as it is."""
    known: set[Any] = set()
    for model in (User, AuthAccount):
        kind: Kind = rows.user_kind(model)
        at = kind.columns.index("id")
        owner = kind.columns.index("user_id") if model is AuthAccount else at
        news = [row for row in told[kind.name] if tx.find(model, UUID(row[at]), trash=True, anywhere=True) is None]
        if model is User:
            news = [_with_free_name(tx, kind, row) for row in news]
            known = {row[at] for row in news}
        rows.insert(tx, kind, [row for row in news if row[owner] in known], {})


def _with_free_name(tx: Transaction, kind: Kind, row: Traveller) -> Traveller:
    values = dict(zip(kind.columns, row, strict=True))
    taken = values["username_norm"] is not None and tx.find(User, username_norm=values["username_norm"], anywhere=True)
    if taken:
        values |= {"username": None, "username_norm": None}
    return [*values.values()]


def _enter(tx: Transaction, regions: Regions, organization_id: UUID, users: Mapping[str, list[Traveller]]) -> None:
    """Say that the organization is here now, its members, and its API keys, whose text names another region."""
    kind = rows.user_kind(User)
    ids = [UUID(row[kind.columns.index("id")]) for row in users[kind.name]]
    there: dict[str, UUID | None] = {regions.organization_hash(organization_id): organization_id}
    there |= {regions.address_hash(user.email): user.id for user in tx.rows(User, id=ids, anywhere=True)}
    keys = tx.rows(ApiKey, organization_id=organization_id, anywhere=True)
    there |= {regions.key_hash(key.prefix): None for key in keys}
    write_entries(tx, regions, (), there)
