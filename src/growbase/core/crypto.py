"""Keys, ciphers, tokens, signatures and password hashes: every use of cryptography in Growbase goes through here."""

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from growbase.core.errors import GrowbaseError, Invalid

_FORMAT: Final = 1
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SIGNATURE_BYTES: Final = 16
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_HASHER: Final = PasswordHasher()


class BadKeyring(GrowbaseError):
    """The keyring is not valid: {reason}.

    Write it as id:base64,id2:base64 with 32-byte keys, newest first.
    """

    code = "bad_keyring"


class UnknownKey(GrowbaseError):
    """The value was sealed with the key {key_id}, which is not in the keyring (it has {known}).

    Put that key back at the end of GROWBASE_ENCRYPTION_KEYS or of the keyring file.
    """

    code = "unknown_key"


class BrokenSeal(GrowbaseError):
    """The value sealed with the key {key_id} does not open: it was altered, moved or sealed under another key.

    Compare the keyring with the backup of the keys; restore the row from a backup if the key is right.
    """

    code = "broken_seal"


class BadSignature(Invalid):
    """The link or cursor is not one that this server signed.

    Start again from the first page, or ask for a new link.
    """

    code = "bad_signature"


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """AES-256 keys by id, newest first: the first one seals, every one opens."""

    keys: tuple[tuple[str, bytes], ...]

    def __post_init__(self) -> None:
        """Refuse an empty keyring, a repeated or unusable id and a key of another size."""
        ids = self.ids
        if not ids:
            raise BadKeyring(reason="it is empty")
        for key_id, key in self.keys:
            if not _KEY_ID.fullmatch(key_id):
                raise BadKeyring(reason="an id must have 1 to 32 letters, digits, dots, hyphens or underscores")
            if len(key) != _KEY_BYTES:
                raise BadKeyring(reason=f"the key {key_id} has {len(key)} bytes, not {_KEY_BYTES}")
            if ids.count(key_id) > 1:
                raise BadKeyring(reason=f"the id {key_id} is there twice")

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.ids)})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``id:base64`` entries separated by commas or line ends; standard and URL-safe base64 both do."""
        keys = []
        for entry in re.split(r"[,\s]+", text.strip()):
            key_id, colon, encoded = entry.partition(":")
            if not colon or not _KEY_ID.fullmatch(key_id):
                # The entry is not shown: it may be a bare key, or key and id the wrong way round.
                raise BadKeyring(reason="an entry does not begin with an id of 1 to 32 letters or digits and a colon")
            padded = encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
            try:
                key = base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
            except binascii.Error:
                raise BadKeyring(reason=f"the key {key_id} is not base64") from None
            keys.append((key_id, key))
        return cls(tuple(keys))

    @classmethod
    def generate(cls) -> Self:
        """Make a keyring of one fresh key."""
        return cls(((f"k{secrets.token_hex(4)}", secrets.token_bytes(_KEY_BYTES)),))

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Read the keyring file, first creating it (0600) where there is none; concurrent starts agree on one."""
        return cls.parse(_read_or_create(path, lambda: cls.generate().serialise()))

    @property
    def ids(self) -> tuple[str, ...]:
        """The key ids, newest first."""
        return tuple(key_id for key_id, _ in self.keys)

    @property
    def current_id(self) -> str:
        """The id of the key that seals."""
        return self.keys[0][0]

    def serialise(self) -> str:
        """Return the text that ``parse`` reads; it holds the keys themselves."""
        return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in self.keys)

    def rotated(self) -> "Keyring":
        """Return a keyring with a fresh key before these."""
        return Keyring(Keyring.generate().keys + self.keys)

    def key(self, key_id: str) -> bytes:
        """Return one key, or raise UnknownKey."""
        for known, key in self.keys:
            if known == key_id:
                return key
        raise UnknownKey(key_id=key_id, known=", ".join(self.ids))


class KeyringFile(Keyring):
    """A keyring in a file, read again when the file changes, so that a rotation needs no restart."""

    __slots__ = ("_path", "_seen")

    _path: Path
    _seen: tuple[tuple[int, ...], tuple[tuple[str, bytes], ...]]

    def __init__(self, path: Path) -> None:
        found = Keyring.load_or_create(path)
        object.__setattr__(self, "_path", path)
        object.__setattr__(self, "_seen", (_stamp(path), found.keys))

    @property
    def keys(self) -> tuple[tuple[str, bytes], ...]:
        """The keys of the file as it is now."""
        stamp, keys = self._seen
        if _stamp(self._path) != stamp:
            stamp = _stamp(self._path)
            keys = Keyring.parse(self._path.read_text(encoding="utf-8")).keys
            object.__setattr__(self, "_seen", (stamp, keys))
        return keys

    def replace(self, keyring: Keyring) -> None:
        """Write other keys into the file, whole or not at all."""
        _replace(self._path, keyring.serialise())


def seal(keyring: Keyring, plaintext: bytes, *, context: str) -> bytes:
    """Encrypt with AES-256-GCM under the newest key.

    The result is format byte, length of the key id, key id, 12-byte random nonce, ciphertext and tag. ``context``
    (``organization/table/column/row``) and the header are authenticated: a value copied elsewhere does not open.
    Random nonces bound one key to 2^32 values (NIST SP 800-38D, 8.3): rotate long before.
    """
    key_id, key = keyring.keys[0]
    header = _header(key_id)
    nonce = os.urandom(_NONCE_BYTES)
    return header + nonce + _cipher(key).encrypt(nonce, plaintext, header + context.encode())


def open_sealed(keyring: Keyring, sealed: bytes, *, context: str) -> bytes:
    """Decrypt what ``seal`` made in the same context; UnknownKey or BrokenSeal name the key id."""
    key_id = sealed_key_id(sealed)
    header = _header(key_id)
    nonce = sealed[len(header) : len(header) + _NONCE_BYTES]
    ciphertext = sealed[len(header) + _NONCE_BYTES :]
    key = keyring.key(key_id)
    try:
        return _cipher(key).decrypt(nonce, ciphertext, header + context.encode())
    except InvalidTag:
        raise BrokenSeal(key_id=key_id) from None


def sealed_key_id(sealed: bytes) -> str:
    """Return the id of the key a value was sealed with, without opening it; BrokenSeal if it is no sealed value."""
    id_end = 2 + sealed[1] if len(sealed) > 1 else 0
    key_id = sealed[2:id_end].decode("ascii", errors="replace")
    complete = len(sealed) >= id_end + _NONCE_BYTES + _TAG_BYTES
    if not complete or sealed[0] != _FORMAT or not _KEY_ID.fullmatch(key_id):
        raise BrokenSeal(key_id="?")
    return key_id


def needs_reseal(keyring: Keyring, sealed: bytes) -> bool:
    """Tell whether a value was sealed with an older key than the newest."""
    return sealed_key_id(sealed) != keyring.current_id


def _header(key_id: str) -> bytes:
    return bytes((_FORMAT, len(key_id))) + key_id.encode("ascii")


@lru_cache(maxsize=64)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def new_token(prefix: str = "") -> str:
    """Make a URL-safe token of 256 random bits after an optional prefix (``gb_live_``)."""
    return prefix + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a random token in hex, as stored; too weak for anything a person chose."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=64)
def derive_key(secret: bytes, purpose: str) -> bytes:
    """Derive the 32-byte key of one purpose from the secret key (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"growbase/" + purpose.encode()).derive(secret)


def keyed_hash(key: bytes, value: str) -> str:
    """Return the HMAC-SHA256 of a guessable value (an address) in hex: equal values meet, none can be tried offline."""
    return hmac.digest(key, value.encode(), "sha256").hex()


def sign(key: bytes, payload: bytes, purpose: str) -> str:
    """Return payload and signature as one URL-safe text; readable by anybody, alterable by nobody.

    ``key`` is the secret key; the signature is HMAC-SHA256 under the key derived for ``purpose``, cut to 16 bytes.
    """
    signature = hmac.digest(derive_key(key, "sign/" + purpose), payload, "sha256")[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(payload + signature).rstrip(b"=").decode()


def verify(key: bytes, signed: str, purpose: str) -> bytes:
    """Return the payload of a text that ``sign`` made for the same purpose, else raise BadSignature."""
    try:
        raw = base64.b64decode(signed + "=" * (-len(signed) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadSignature from None
    payload = raw[:-_SIGNATURE_BYTES]
    # The whole text is compared: base64 has several spellings of the same bytes.
    if not hmac.compare_digest(signed, sign(key, payload, purpose)):
        raise BadSignature
    return payload


def password_hash(password: str) -> str:
    """Hash a password with Argon2id; about 0.1 s and 64 MiB, so never inside a transaction or on the event loop."""
    return _HASHER.hash(_normal(password))


def password_matches(password: str, hashed: str | None) -> bool:
    """Tell whether a password has this hash; without a hash, take as long and answer no."""
    if hashed is None:
        dummy_verify()
        return False
    try:
        return _HASHER.verify(hashed, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def password_needs_rehash(hashed: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    try:
        return _HASHER.check_needs_rehash(hashed)
    except InvalidHashError:
        return True


def dummy_verify() -> None:
    """Take as long as a password check, so that the time of a login does not tell which addresses exist."""
    _HASHER.hash("no user has this password")


def _normal(password: str) -> str:
    # Keyboards send the same accented letter composed or decomposed (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password)


def load_or_create_secret(path: Path) -> bytes:
    """Read the secret key file, first creating it (0600) where there is none; concurrent starts agree on one."""
    secret = _read_or_create(path, lambda: secrets.token_urlsafe(48))
    return secret.encode()


def _read_or_create(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        _create(path, make())
    text = path.read_text(encoding="utf-8").strip()
    if not text:
        raise BadKeyring(reason=f"{path} is empty")
    return text


def _create(path: Path, text: str) -> None:
    """Write a file whole or not at all; a file that another process made first is left alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _drafted(path, text)
    try:
        # A link fails where the name exists, unlike a rename, which would replace the key another process already uses.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync(path.parent)


def _replace(path: Path, text: str) -> None:
    """Write a file anew, whole or not at all."""
    _drafted(path, text).replace(path)
    _sync(path.parent)


def _drafted(path: Path, text: str) -> Path:
    """Write a text to disk under a name of its own (0600) beside ``path``."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is replaced."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
