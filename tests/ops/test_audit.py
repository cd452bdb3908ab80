"""The log is proved against its seals: whoever changes it without the keyring is found out, and the row is named."""

import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from growbase.core import seals
from growbase.core.actor import Actor, ActorKind, system
from growbase.core.crypto import Keyring
from growbase.core.database import Database
from growbase.core.seals import SPAN, close_guard, drop_through, note_leaving, open_guard, seal_log
from growbase.core.sqlite_connection import connect
from growbase.core.tables import Change, Seal
from growbase.core.transaction import Transaction
from growbase.domains.marketing.models import Brand
from growbase.ops import audit, keyring
from growbase.ops.audit import Filter, entries, newest_entries, verify
from tests.fixtures import Tenant, make_tenant, open_at

Tamper = Callable[..., None]


@pytest.fixture
def tamper(db: Database, installed_url: str) -> Iterator[Tamper]:
    """Give a function that runs SQL as somebody with the rights of the database's owner, past every trigger."""

    def run(*statements: str) -> None:
        if db.engine == "sqlite":
            with closing(connect(db.path)) as connection:  # type: ignore[attr-defined]
                found = (
                    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('changes', 'seals')"
                )
                triggers = connection.execute(found).fetchall()
                for sql in (
                    *(f"DROP TRIGGER {name}" for name, _ in triggers),
                    *statements,
                    *(sql for _, sql in triggers),
                ):
                    connection.execute(sql)
            return
        with psycopg.connect(installed_url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            for sql in statements:
                connection.execute(sql.encode())

    return run


@pytest.fixture
def logged(db: Database) -> Tenant:
    """Give an organization with a sealed log of several spans."""
    found = make_tenant(db, "Acme")
    db.write(found.owner, lambda tx: tx.insert_many(Brand, [{"name": f"Brand {n}"} for n in range(SPAN + 50)]))
    seal_log(db)
    db.write(found.owner, lambda tx: tx.insert(Brand, name="Later"))
    seal_log(db)
    return found


def rows(db: Database) -> list[Change]:
    with db.read(system()) as reads:
        return reads.rows(Change, order="tx, seq")


def test_an_untouched_log_is_as_it_was_sealed(db: Database, logged: Tenant) -> None:
    assert seal_log(db) == 0
    found = verify(db)
    assert found.faults == []
    assert (found.seals, found.rows, found.unsealed) == (3, len(rows(db)), 0)
    db.write(logged.owner, lambda tx: tx.insert(Brand, name="New"))
    assert verify(db).unsealed == 1


def test_a_changed_a_deleted_and_an_inserted_row_are_named(db: Database, logged: Tenant, tamper: Tamper) -> None:
    changed, deleted, copied = rows(db)[20], rows(db)[30], rows(db)[40]
    columns = [column.name for column in Change.__table__.columns if column.name != "seq"]
    listed = ", ".join(columns)
    low = -7 if db.engine == "postgresql" else -copied.seq  # SQLite's tx and seq are one number, not so for a forger
    tamper(
        f"UPDATE changes SET actor_label = 'somebody else' WHERE seq = {changed.seq}",
        f"DELETE FROM changes WHERE seq = {deleted.seq}",
        f"INSERT INTO changes (seq, {listed}) {'OVERRIDING SYSTEM VALUE ' if db.engine == 'postgresql' else ''}"
        f"SELECT {low}, {listed} FROM changes WHERE seq = {copied.seq - 1}",
    )
    found = {(fault.kind, fault.seq, fault.entity_id) for fault in verify(db).faults}
    forged = rows_before(db, low)
    assert found == {("changed", changed.seq, changed.entity_id), ("deleted", deleted.seq, None), forged}


def rows_before(db: Database, seq: int) -> tuple[str, int, object]:
    with db.read(system()) as reads:
        row = reads.find(Change, seq=seq)
    assert row is not None
    return ("inserted", row.seq, row.entity_id)


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("UPDATE seals SET row_count = 1 WHERE number = 2", {"seal_changed"}),
        ("DELETE FROM seals WHERE number = 2", {"seal_missing"}),
        ("DELETE FROM seals WHERE number = 1", {"seal_missing"}),
        ("DELETE FROM seals WHERE number = 3", {"seal_missing"}),
        ("DELETE FROM seals", {"seal_missing"}),
        ("DELETE FROM seal_keys", {"key_missing"}),
    ],
)
def test_tampering_with_the_seals_themselves_is_found(
    db: Database, logged: Tenant, tamper: Tamper, sql: str, kinds: set[str]
) -> None:
    tamper(sql)
    assert {fault.kind for fault in verify(db).faults} == kinds


def test_a_cut_off_end_is_found_by_who_has_kept_the_head(db: Database, logged: Tenant, tamper: Tamper) -> None:
    kept = verify(db).head
    assert kept is not None
    end = rows(db)[-2]
    tamper(
        "DELETE FROM seals WHERE number = 3",
        f"DELETE FROM changes WHERE seq > {end.seq}",
        f"UPDATE readers SET position_tx = {end.tx}, position_seq = {end.seq} WHERE name = 'seals'",
    )
    assert verify(db).faults == []  # all that the database knows agrees
    assert [fault.kind for fault in verify(db, expect=f"{kept.number}:{kept.digest}").faults] == ["seal_missing"]


def test_the_database_refuses_to_change_seals(db: Database, logged: Tenant) -> None:
    for sql in ("UPDATE seals SET row_count = 0", "DELETE FROM seals"):
        with pytest.raises(Exception, match=r"append-only|never changed|retention only"):
            db.write(system(), lambda tx, sql=sql: tx.execute(sql))  # type: ignore[misc]


def test_processes_that_seal_at_once_seal_each_row_once(db: Database, installed_url: str, logged: Tenant) -> None:
    db.write(logged.owner, lambda tx: tx.insert_many(Brand, [{"name": f"More {n}"} for n in range(SPAN)]))
    others = [open_at(installed_url) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(seal_log, others)) == SPAN
    for other in others:
        other.close()
    assert verify(db).faults == []
    assert verify(db).rows == len(rows(db))


def test_the_rows_of_an_organization_that_has_left_are_not_missed_and_no_other_is(
    db: Database, logged: Tenant, other_tenant: Tenant, tamper: Tamper
) -> None:
    for name in ("One", "Two"):
        db.write(other_tenant.owner, lambda tx, name=name: tx.insert(Brand, name=name))  # type: ignore[misc]
        db.write(logged.owner, lambda tx, name=name: tx.insert(Brand, name=f"{name} of another"))  # type: ignore[misc]
    seal_log(db)
    theirs = [row for row in rows(db) if row.organization_id == other_tenant.organization_id]
    mine = [row for row in rows(db) if row.organization_id == logged.organization_id]
    db.write(system("regions"), lambda tx: note_leaving(tx, logged.organization_id))
    tamper(f"DELETE FROM changes WHERE organization_id = '{logged.organization_id}'")
    assert verify(db).faults == []
    seal_log(db)
    tamper(f"DELETE FROM changes WHERE seq = {theirs[-1].seq}")
    assert [(fault.kind, fault.seq) for fault in verify(db).faults] == [("deleted", theirs[-1].seq)]
    # An entry that claims more than was written down with the key proves nothing.
    tamper(f"UPDATE changes SET changes = {FORGED[db.engine]} WHERE action = 'leave_log'")
    found = verify(db).faults
    assert {fault.seq for fault in found if fault.kind == "deleted"} >= {row.seq for row in mine}


FORGED = {
    "sqlite": "json_set(changes, '$.entries', '1:100000')",
    "postgresql": """jsonb_set(changes::jsonb, '{entries}', '"1:100000"')::json""",
}


def test_retention_drops_sealed_spans_and_leaves_an_anchor(db: Database, logged: Tenant, tamper: Tamper) -> None:
    oldest = rows(db)[3]

    def retain(tx: Transaction) -> None:
        open_guard(tx)
        end = drop_through(tx, 2)
        sign = "%s" if tx.engine == "postgresql" else "?"
        tx.execute(f"DELETE FROM changes WHERE (tx, seq) <= ({sign}, {sign})", [*end])
        close_guard(tx)

    kept = verify(db, newest_only=2).head
    with db.read(system()) as reads:
        second = reads.find(Seal, number=2)
    assert kept is not None
    assert second is not None
    db.write(system(), retain)
    db.write(logged.owner, lambda tx: tx.insert(Brand, name="After"))
    seal_log(db)
    found = verify(db, expect=f"{kept.number}:{kept.digest}")
    assert found.faults == []
    assert len(rows(db)) == found.rows
    assert verify(db, expect=f"2:{second.digest}").faults == []
    columns = ", ".join(name for name in Change.__table__.columns.keys() if name not in {"tx", "seq"})  # noqa: SIM118
    system_value = "OVERRIDING SYSTEM VALUE " if db.engine == "postgresql" else ""
    values = f"SELECT {oldest.tx}, {oldest.seq}, {columns} FROM changes LIMIT 1"
    tamper(f"INSERT INTO changes (tx, seq, {columns}) {system_value}{values}")
    assert [(fault.kind, fault.seq) for fault in verify(db).faults] == [("inserted", oldest.seq)]


def test_rotating_the_keyring_keeps_the_proof(db: Database, logged: Tenant) -> None:
    ring = db.context.keyring
    object.__setattr__(db.context, "keyring", Keyring(ring.keys).rotated())
    keyring.rotate(db)
    object.__setattr__(db.context, "keyring", Keyring(db.context.keyring.keys[:1]))
    assert verify(db).faults == []
    object.__setattr__(db.context, "keyring", ring)
    assert {fault.kind for fault in verify(db).faults} == {"key_missing"}


def test_only_the_newest_spans_are_proved_when_asked(db: Database, logged: Tenant, tamper: Tamper) -> None:
    tamper(f"UPDATE changes SET action = 'other' WHERE seq = {rows(db)[0].seq}")
    assert verify(db, newest_only=1).faults == []
    with db.read(system()) as reads:
        newest = reads.rows(Seal, order="-number", limit=1)[0]
    assert verify(db, since=newest.sealed_at).seals == 1
    steps: list[tuple[int, int]] = []
    assert len(verify(db, progress=lambda done, total: steps.append((done, total))).faults) == 1
    assert steps == [(3, 3)]


def test_entries_are_found_and_exported(db: Database, logged: Tenant) -> None:
    brand = db.write(logged.admin, lambda tx: tx.insert(Brand, name="=1+1"))
    by_label = newest_entries(db, Filter(actor=logged.admin.label), 10)
    assert [row["entity_id"] for row in by_label] == [str(brand)]
    assert newest_entries(db, Filter(actor=str(logged.admin.id), entity="brands"), 10) == by_label
    assert newest_entries(db, Filter(entity_id=brand, action="update"), 10) == []
    since = rows(db)[-1].occurred_at
    assert newest_entries(db, Filter(since=since, entity="brands"), 10) == by_label
    lines = io.StringIO()
    assert audit.write_lines(entries(db, Filter(entity="brands")), lines) == SPAN + 52
    names = [json.loads(line)["changes"]["name"][1] for line in lines.getvalue().splitlines()]
    assert (names[0], names[-1]) == ("Brand 0", "=1+1")
    table = io.StringIO()
    audit.write_csv(iter([{**by_label[0], "actor_label": "=cmd()"}]), table)
    assert "'=cmd()" in table.getvalue()


def test_entries_are_found_by_who_acted_however_it_is_kept(
    db: Database, logged: Tenant, other_tenant: Tenant, tamper: Tamper
) -> None:
    key = Actor(ActorKind.API_KEY, "shop (gb_1)", id=uuid4(), organization_id=logged.admin.organization_id)
    for actor in (logged.admin, key, other_tenant.admin, replace(logged.viewer, label="Viewer of Acme")):
        db.write(actor, lambda tx: tx.record("looked", "requests", None))

    def found(who: str) -> set[str]:
        return {row["actor_label"] for row in newest_entries(db, Filter(actor=who, action="looked"), 10)}

    assert found("ADMIN@acme.example") == {"admin@acme.example"}
    assert found("Viewer of Acme") == found("viewer@acme.example") == {"Viewer of Acme"}
    assert found("shop (gb_1)") == {"shop (gb_1)"}
    assert found("nobody@acme.example") == set()
    # As entries were written before there were keys for who acted.
    clear = "actor_label = 'old@acme.example', changes = NULL, ip = '192.0.2.5'"
    tamper(f"UPDATE changes SET {clear} WHERE action = 'looked' AND actor_id = '{logged.admin.id}'")
    (row,) = newest_entries(db, Filter(actor="old@acme.example"), 10)
    assert (row["actor_label"], row["ip"]) == ("old@acme.example", "192.0.2.5")
    assert found("admin@acme.example") == {"old@acme.example"}


def test_a_row_hashes_the_same_on_both_engines(db: Database) -> None:
    actor = replace(system("tests"), request_id="é")
    db.write(actor, lambda tx: tx.record("login", "users", None, {"b": [None, 0.1, 10**15], "a": "é"}))
    (row,) = rows(db)
    row.__dict__.update(tx=7, seq=7, occurred_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))
    assert seals.row_hash(b"key", row) == "2c2d1928319fb0b9ef5efb1a78edb72e"
