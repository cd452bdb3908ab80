"""The one encoding of rows that does not depend on the engine: for checksums and for exports anybody can read."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MODULUS = 1 << 128


def microseconds(value: datetime) -> int:
    """Return a moment as microseconds since 1970 in UTC."""
    return (value - _EPOCH) // _MICROSECOND


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    raise TypeError(f"{type(value).__name__} has no canonical form")


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False, default=_plain
)


def encode_row(values: Iterable[object]) -> bytes:
    """Return a row as one JSON array, its values in the order of the model's columns.

    Moments are microseconds since 1970 in UTC, days ISO 8601, ids text, bytes hexadecimal, documents JSON with sorted
    keys, numbers as Python writes them.
    """
    return _ENCODER.encode(list(values)).encode("utf-8", "surrogatepass")


@dataclass(slots=True)
class Checksum:
    """A sum over encoded rows that does not depend on their order; rows can be taken out again."""

    rows: int = 0
    total: int = 0

    def add(self, encoded: bytes) -> None:
        """Count a row in."""
        self.rows += 1
        self.total = (self.total + _number(encoded)) % _MODULUS

    def remove(self, encoded: bytes) -> None:
        """Take a row out that was counted in."""
        self.rows -= 1
        self.total = (self.total - _number(encoded)) % _MODULUS

    def text(self) -> str:
        """Return count and sum for people to compare."""
        return f"{self.rows}:{self.total:032x}"


def _number(encoded: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=16).digest(), "big")
