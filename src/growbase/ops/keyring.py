"""Looking after the keys of sealed columns: which are in use, a new one in front, and all values moved under it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from growbase.core.actor import system
from growbase.core.crypto import BrokenSeal, Keyring, KeyringFile, open_sealed, seal
from growbase.core.database import Database
from growbase.core.errors import Conflict, GrowbaseError
from growbase.core.facts import delete_facts, hold
from growbase.core.model import Root, View, rule_of, table_of
from growbase.core.reseal import reseal, sealed_with
from growbase.core.tables import InstanceFact
from growbase.core.transaction import Transaction

BATCH = 500
"""Values in one unit, so that a rotation delays nobody's write."""
PROOF = "key:"
"""Instance facts that begin so hold a sealed word for each key in use: another key under the same id won't open it."""

Progress = Callable[[int, int], None]
"""Told how many values are done, of how many."""


class KeyringIsSet(GrowbaseError):
    """The keyring is set by GROWBASE_ENCRYPTION_KEYS, not kept in a file.

    Put a new key, id:$(openssl rand -base64 32), at the end of it on every machine and restart them; then put it first,
    restart again, and run growbase keys rotate.
    """

    code = "keyring_is_set"


class KeyMissing(GrowbaseError):
    """The database holds values sealed with the key {key_id}, which the keyring lacks.

    Put that key back at the end of GROWBASE_ENCRYPTION_KEYS or of the keyring file; backups name the keys they need.
    """

    code = "key_missing"


class KeyDiffers(GrowbaseError):
    """The key {key_id} in the keyring is not the one that sealed the database's values.

    Put the right key under that id: the keyring of another installation does not open these.
    """

    code = "key_differs"


def columns(database: Database) -> Iterator[tuple[type[Root], str]]:
    """Yield every sealed column."""
    for model in database.catalog.models.values():
        if not issubclass(model, View):
            yield from ((model, found.name) for found in table_of(model).columns if rule_of(found).kind == "secret")


def status(database: Database) -> dict[str, dict[str, int]]:
    """Count the sealed values of each column, ``table.column``, by key; only columns that hold any."""
    found: dict[str, dict[str, int]] = {}
    for model, column in columns(database):
        counts = database.write(system("keys"), partial(_counted, model=model, column=column))
        if counts:
            found[f"{model.__tablename__}.{column}"] = {**counts}
    return found


def add(database: Database) -> str:
    """Put a new key before the others in the keyring file and return its id; it seals from now on.

    Running servers notice the file. Raises KeyringIsSet.
    """
    keyring = database.context.keyring
    if not isinstance(keyring, KeyringFile):
        raise KeyringIsSet
    made = Keyring(keyring.keys).rotated()
    keyring.replace(made)
    prove(database)
    return made.current_id


def rotate(database: Database, progress: Progress = lambda *_: None) -> int:
    """Seal every value under the newest key and return how many were under another; goes on where it was stopped."""
    newest = database.context.keyring.current_id
    waiting = sum(count for counts in status(database).values() for key_id, count in counts.items() if key_id != newest)
    done = 0
    for model, column in columns(database):
        while moved := database.write(system("keys"), partial(reseal, model=model, column=column, limit=BATCH)):
            done += moved
            progress(done, max(waiting, done))
    return done


def retire(database: Database, key_id: str) -> None:
    """Take a key out of the keyring file. Raises Conflict while a value needs it or if it is the newest."""
    keyring = database.context.keyring
    if not isinstance(keyring, KeyringFile):
        raise KeyringIsSet
    if key_id == keyring.current_id:
        raise Conflict("The newest key can't be retired: add another first.")
    keyring.key(key_id)
    needed = sum(counts.get(key_id, 0) for counts in status(database).values())
    if needed:
        raise Conflict("{count} values still need the key: run growbase keys rotate first.", count=needed)
    keyring.replace(Keyring(tuple(found for found in keyring.keys if found[0] != key_id)))
    database.write(system("keys"), partial(_forget, key_id=key_id))


def prove(database: Database) -> None:
    """Note a proof of each key of the keyring, so that a wrong one is found at the next start."""
    keyring = database.context.keyring

    def unit(tx: Transaction) -> None:
        hold(tx, "keys")
        known = {fact.name for fact in tx.rows(InstanceFact)}
        proofs = []
        for place, key_id in enumerate(keyring.ids):
            single = Keyring(keyring.keys[place : place + 1])
            proof = seal(single, b"growbase", context=PROOF + key_id).hex()
            proofs.append({"name": PROOF + key_id, "value": proof})
        tx.insert_facts(InstanceFact, [proof for proof in proofs if proof["name"] not in known], ignore=True)

    database.write(system("keys"), unit)


def require_keys(database: Database) -> None:
    """Raise KeyMissing or KeyDiffers unless the keyring holds every key the database has needed."""
    keyring = database.context.keyring
    with database.read(system("keys")) as reads:
        proofs = {fact.name: fact.value for fact in reads.rows(InstanceFact) if fact.name.startswith(PROOF)}
    for name, proof in proofs.items():
        key_id = name.removeprefix(PROOF)
        if key_id not in keyring.ids:
            raise KeyMissing(key_id=key_id)
        try:
            open_sealed(keyring, bytes.fromhex(proof), context=name)
        except BrokenSeal as error:
            raise KeyDiffers(key_id=key_id) from error


def _counted(tx: Transaction, *, model: type[Root], column: str) -> Mapping[str, int]:
    return sealed_with(tx, model, column)


def _forget(tx: Transaction, *, key_id: str) -> None:
    delete_facts(tx, InstanceFact, {"name": PROOF + key_id})
