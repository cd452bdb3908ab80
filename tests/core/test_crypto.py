import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from growbase.core import crypto
from growbase.core.crypto import BadKeyring, BadSignature, BrokenSeal, Keyring, UnknownKey

OLD = Keyring.generate()
KEYRING = OLD.rotated()
SECRET = b"s" * 48


@given(st.binary(max_size=2_000), st.text(max_size=100))
def test_what_is_sealed_opens_in_its_context(plaintext: bytes, context: str) -> None:
    sealed = crypto.seal(KEYRING, plaintext, context=context)
    assert crypto.open_sealed(KEYRING, sealed, context=context) == plaintext
    assert crypto.sealed_key_id(sealed) == KEYRING.current_id


@given(st.binary(max_size=50), st.data())
def test_a_seal_with_any_bit_changed_does_not_open(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(crypto.seal(KEYRING, plaintext, context="o/t/c/r"))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((BrokenSeal, UnknownKey)):
        crypto.open_sealed(KEYRING, bytes(sealed), context="o/t/c/r")


@given(st.binary(max_size=100))
def test_bytes_that_are_no_seal_do_not_open(raw: bytes) -> None:
    with pytest.raises((BrokenSeal, UnknownKey)):
        crypto.open_sealed(KEYRING, raw, context="")


def test_a_seal_copied_to_another_row_does_not_open() -> None:
    sealed = crypto.seal(KEYRING, b"token", context="org/accounts/token/1")
    with pytest.raises(BrokenSeal, match=KEYRING.current_id):
        crypto.open_sealed(KEYRING, sealed, context="org/accounts/token/2")


def test_sealing_twice_gives_different_bytes() -> None:
    assert crypto.seal(KEYRING, b"x", context="") != crypto.seal(KEYRING, b"x", context="")


def test_an_older_key_opens_and_asks_for_a_new_seal() -> None:
    sealed = crypto.seal(OLD, b"x", context="c")
    assert crypto.open_sealed(KEYRING, sealed, context="c") == b"x"
    assert crypto.needs_reseal(KEYRING, sealed)
    assert not crypto.needs_reseal(OLD, sealed)


def test_a_missing_key_is_named() -> None:
    sealed = crypto.seal(KEYRING, b"x", context="c")
    with pytest.raises(UnknownKey, match=f"{KEYRING.current_id}, which is not in the keyring .it has {OLD.current_id}"):
        crypto.open_sealed(OLD, sealed, context="c")


def test_another_key_of_the_same_id_does_not_open() -> None:
    sealed = crypto.seal(Keyring((("k1", b"a" * 32),)), b"x", context="c")
    with pytest.raises(BrokenSeal, match="k1"):
        crypto.open_sealed(Keyring((("k1", b"b" * 32),)), sealed, context="c")


def test_a_keyring_reads_what_it_writes_and_shows_ids_only() -> None:
    assert Keyring.parse(KEYRING.serialise()) == KEYRING
    assert Keyring.parse(KEYRING.serialise().replace(",", "\n")) == KEYRING
    assert Keyring.parse(OLD.serialise().replace("+", "-").replace("/", "_").rstrip("=")) == OLD
    assert repr(KEYRING) == f"Keyring({KEYRING.current_id}, {OLD.current_id})"
    assert KEYRING.ids[1:] == OLD.ids


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin"),
        ("hunter2hunter2", "does not begin"),
        ("h/unter2:k1", "does not begin"),
        ("k1:hunter2!", "not base64"),
        ("k1:aHVudGVyMg==", "has 7 bytes"),
        (f"{OLD.serialise()},{OLD.serialise()}", "there twice"),
    ],
)
def test_a_bad_keyring_is_refused_without_showing_it(text: str, reason: str) -> None:
    with pytest.raises(BadKeyring, match=reason) as raised:
        Keyring.parse(text)
    assert "unter2" not in str(raised.value)


def test_a_keyring_needs_a_key_and_usable_ids() -> None:
    with pytest.raises(BadKeyring, match="empty"):
        Keyring(())
    with pytest.raises(BadKeyring, match="id must"):
        Keyring((("a b", b"x" * 32),))


def test_concurrent_starts_agree_on_one_keyring_and_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        rings = list(threads.map(lambda _: Keyring.load_or_create(tmp_path / "data" / "keyring"), range(64)))
        secrets = list(threads.map(lambda _: crypto.load_or_create_secret(tmp_path / "data" / "secret.key"), range(64)))
    assert len({ring.serialise() for ring in rings}) == 1
    assert len(set(secrets)) == 1
    assert len(secrets[0]) == 64
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["keyring", "secret.key"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()} == {0o600}


def test_an_empty_key_file_is_not_taken_for_a_key(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("\n")
    with pytest.raises(BadKeyring, match="empty"):
        crypto.load_or_create_secret(tmp_path / "secret.key")


def test_a_draft_of_a_key_that_can_not_be_linked_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(PermissionError):
        crypto.load_or_create_secret(tmp_path / "secret.key")
    assert not list(tmp_path.iterdir())


@given(st.binary(max_size=500), st.text(max_size=20))
def test_what_is_signed_verifies_for_its_purpose_only(payload: bytes, purpose: str) -> None:
    signed = crypto.sign(SECRET, payload, purpose)
    assert crypto.verify(SECRET, signed, purpose) == payload
    with pytest.raises(BadSignature):
        crypto.verify(SECRET, signed, purpose + "x")
    with pytest.raises(BadSignature):
        crypto.verify(SECRET + b"x", signed, purpose)


@pytest.mark.parametrize("signed", ["", "a", "not base64!", "é", "A" * 22, "A" * 200])
def test_what_nobody_signed_does_not_verify(signed: str) -> None:
    with pytest.raises(BadSignature):
        crypto.verify(SECRET, signed, "cursor")


def test_a_signature_has_one_spelling_only() -> None:
    signed = crypto.sign(SECRET, b"ab", "cursor")
    for other in (signed + "=", signed + "\n", signed[:-1] + ("B" if signed[-1] != "B" else "C")):
        with pytest.raises(BadSignature):
            crypto.verify(SECRET, other, "cursor")


def test_each_purpose_has_its_own_key() -> None:
    keys = {crypto.derive_key(SECRET, purpose) for purpose in ("jwt", "cursor", "sign/cursor")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}


def test_tokens_are_unguessable_and_stored_as_hashes() -> None:
    token = crypto.new_token("gb_live_")
    assert token.startswith("gb_live_")
    assert len(token) == 8 + 43
    assert token != crypto.new_token("gb_live_")
    assert crypto.hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_keyed_hash_needs_its_key() -> None:
    # RFC 4231, test case 2.
    assert crypto.keyed_hash(b"Jefe", "what do ya want for nothing?").startswith("5bdcc146bf60754e6a042426089575c7")
    assert crypto.keyed_hash(b"other", "x") != crypto.keyed_hash(b"Jefe", "x")


def test_a_password_matches_its_own_hash_however_it_is_composed() -> None:
    hashed = crypto.password_hash("caf\u00e9 au lait")
    assert hashed.startswith("$argon2id$")
    assert crypto.password_matches("cafe\u0301 au lait", hashed)
    assert not crypto.password_matches("cafe au lait", hashed)
    assert not crypto.password_needs_rehash(hashed)


def test_no_hash_or_a_foreign_one_matches_nothing() -> None:
    assert not crypto.password_matches("x", None)
    assert not crypto.password_matches("x", "$2b$12$not-argon")
    assert crypto.password_needs_rehash("$2b$12$not-argon")
    assert crypto.password_needs_rehash(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))
