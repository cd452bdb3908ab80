"""What an address is compared by: its normal form, and a keyed hash that outlives the person's data."""

from growbase.core.crypto import keyed_hash, new_token
from growbase.core.facts import hold
from growbase.core.folding import fold_email
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.outreach.models import AddressKey, SuppressionScope


def address_key(tx: Transaction) -> bytes:
    """Return the organization's key of address hashes, making it on first use; no two units make two."""
    found = known_key(tx)
    if found is None:
        hold(tx, "address key")
        found = known_key(tx)
    if found is None:
        tx.insert(AddressKey, key=new_token())
        found = known_key(tx)
    assert found is not None
    return found


def known_key(reads: Reads) -> bytes | None:
    """Return the key, None while there is none: then nothing is suppressed."""
    row = reads.find(AddressKey)
    text = None if row is None else reads.secret(row, "key")
    return None if text is None else text.encode()


def address_hash(key: bytes, address: str) -> str:
    """Return the hash of one address."""
    return keyed_hash(key, f"{SuppressionScope.ADDRESS}:{fold_email(address)}")


def domain_hash(key: bytes, domain: str) -> str:
    """Return the hash of a whole domain."""
    return keyed_hash(key, f"{SuppressionScope.DOMAIN}:{_plain_domain(domain)}")


def all_hashes(key: bytes, address: str) -> list[str]:
    """Return every hash under which an address may be suppressed: its own, its domain's and those above that."""
    found = [address_hash(key, address)]
    _, at, domain = fold_email(address).rpartition("@")
    labels = _plain_domain(domain).split(".") if at else []
    above = [".".join(labels[place:]) for place in range(max(1, len(labels) - 1))] if labels else []
    return [*found, *(domain_hash(key, name) for name in above)]


def hash_of(key: bytes, scope: SuppressionScope, address: str) -> str:
    """Return the hash a suppression of this scope is found by."""
    return domain_hash(key, address) if scope is SuppressionScope.DOMAIN else address_hash(key, address)


def _plain_domain(domain: str) -> str:
    return fold_email(domain).rpartition("@")[2].strip(".")
