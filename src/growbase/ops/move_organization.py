"""Moving one organization to another region: it is held still, sent piece by piece, proved there, and removed here.

Each step notes in a fact of this database that it was reached, and can be done again: a mover that was killed goes on.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import UUID

from growbase.core import ddl
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.errors import Conflict, GrowbaseError, NotFound
from growbase.core.files import FileStore
from growbase.core.reads import Reads
from growbase.core.region import Regions
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Membership, Organization, User
from growbase.domains.identity.models_billing import Plan, Subscription
from growbase.domains.identity.regions import fact_of, receive_entries, require_here, set_fact, write_entries
from growbase.ops import move_organization_rows as rows
from growbase.ops.arrivals import DONE, FINISH, KEYS, columns_of, context_of, packed
from growbase.ops.canonical import Checksum, encode_row
from growbase.ops.copies import stamp
from growbase.ops.move_organization_rows import Kind, kinds

CHUNK: Final = 1_000
"""Rows in one piece."""
PIECE_BYTES: Final = 2 * 1024 * 1024
"""Bytes of rows in one piece; a row that is larger travels alone."""
FILE_CHUNK: Final = 3 * 1024 * 1024
"""Bytes of a file in one piece, which is then well below what a server takes."""
PATIENCE: Final = 120.0
"""Seconds to wait for jobs at work, and for the other region's worker without any sign of it."""
LOOKS: Final = 0.2
Progress = Callable[[str, int, int], None]


class MoveFailed(GrowbaseError):
    """The region {region} could not take the organization: {reason}.

    It is still here, and read-only. Correct the cause and run the same command again, or end it with --cancel.
    """

    code = "region_move_failed"


class StillWorking(GrowbaseError):
    """{count} jobs of the organization are still at work.

    Wait for them, or cancel them with growbase jobs cancel, then run the same command again.
    """

    code = "region_move_waits"


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move has done: rows by table, files, and the copy that is kept."""

    rows: Mapping[str, int]
    files: int
    copy: Path | None


def move_organization(
    settings: Settings,
    database: Database,
    files: FileStore,
    organization_id: UUID,
    to: str,
    progress: Progress = lambda *_: None,
) -> Moved:
    """Move an organization to another region, or go on with its move where that was stopped.

    Raises NotFound, Conflict, Unavailable, RegionRefused, StillWorking, MoveFailed.
    """
    regions = Regions.required(settings)
    return _Move(settings, database, files, regions, organization_id, to, progress).run()


def cancel(settings: Settings, database: Database, organization_id: UUID) -> None:
    """End an unfinished move: the organization stays here, and is written again.

    Raises Conflict when it is too late.
    """
    regions = Regions.required(settings)
    with database.read(system("regions")) as reads:
        state = _state(reads, organization_id)
    if state is None:
        raise NotFound(what="move of this organization")
    path = f"/api/regions/moves/{organization_id}/cancel"
    if state["phase"] != "sending" or regions.ask(state["to"], path)["is_here"]:
        raise Conflict(
            "The organization is in {region} already: run the move again to complete it.", region=state["to"]
        )
    found = kinds((*ddl.PROGRAM, *settings.domains))
    database.write(system("regions"), lambda tx: rows.unpark(tx, organization_id))
    for kind in found:
        database.write(system("regions"), partial(rows.thaw, organization_id=organization_id, found=[kind]))
    database.write(system("regions"), lambda tx: set_fact(tx, _fact(organization_id), None))


def unfinished(reads: Reads) -> dict[str, dict[str, Any]]:
    """Return the moves from here that have begun and not ended, by organization."""
    sql = "SELECT name, value FROM instance_facts WHERE name BETWEEN 'region-move:' AND 'region-move;'"
    return {name.partition(":")[2]: json.loads(value) for name, value in reads.execute(sql).fetchall()}


def _fact(organization_id: UUID) -> str:
    return f"region-move:{organization_id}"


def _state(reads: Reads, organization_id: UUID) -> dict[str, Any] | None:
    found = fact_of(reads, _fact(organization_id))
    return json.loads(found) if found else None


@dataclass(slots=True)
class _Move:
    settings: Settings
    database: Database
    files: FileStore
    regions: Regions
    organization_id: UUID
    to: str
    progress: Progress
    state: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    ids: dict[UUID, UUID] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)

    @property
    def _packages(self) -> tuple[str, ...]:
        return (*ddl.PROGRAM, *self.settings.domains)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Every table the organization may have rows in."""
        return kinds(self._packages)

    def run(self) -> Moved:
        """Do what is left to do."""
        with self.database.read(system("regions")) as reads:
            self.state = _state(reads, self.organization_id) or {}
        if self.state and self.state["to"] != self.to:
            raise Conflict(
                "The organization is on its way to {region}: finish or cancel that.", region=self.state["to"]
            )
        if not self.state:
            self._require_movable()
            self._note("sending")
        if self.state["phase"] == "sending":
            self._hold_still()
            crash_point("region.frozen")
            self._send()
            crash_point("region.sent")
            self._wait_for_arrival()
            crash_point("region.arrived")
            self._note("arrived")
        if self.state["phase"] == "arrived":
            self._leave()
            crash_point("region.left")
        if self.state["phase"] == "left":
            sent = self._remove_files()
            for kind in self.kinds:
                self._write(partial(rows.thaw, organization_id=self.organization_id, found=[kind]))
            self._write(lambda tx: set_fact(tx, _fact(self.organization_id), None))
            copy = Path(self.state["copy"])
            return Moved(self.counts, sent, copy if copy.exists() else None)
        raise AssertionError(self.state)

    # -- steps ----------------------------------------------------------------------------------------------------

    def _require_movable(self) -> None:
        with self.database.read(system("regions")) as reads:
            organization = reads.find(Organization, self.organization_id, trash=True, anywhere=True)
            if organization is None:
                require_here(reads, self.regions, lambda regions: regions.organization_hash(self.organization_id))
                raise NotFound(what="organization")
        if self._begin()["is_here"]:
            raise Conflict("{region} has an organization with this id already.", region=self.to)

    def _begin(self) -> dict[str, Any]:
        with self.database.read(system("regions")) as reads:
            organization = reads.find(Organization, self.organization_id, trash=True, anywhere=True)
            assert organization is not None
            users = reads.rows(User, id=self._members(reads), trash=True, anywhere=True)
            subscriptions = reads.rows(Subscription, organization_id=self.organization_id, trash=True, anywhere=True)
            plans = reads.rows(Plan, id=[row.plan_id for row in subscriptions], trash=True, anywhere=True)
        told = {
            "packages": self._packages,
            "tables": columns_of(self._packages),
            "slug_norm": organization.slug_norm,
            "domain_norm": organization.domain_norm,
            "users": [(str(row.id), row.email_norm) for row in users if row.deleted_at is None],
            "plans": [(str(row.id), row.code) for row in plans],
        }
        _, body = packed(self.regions, context_of(self.organization_id, "begin"), told)
        return self._ask("begin", {"body": body})

    def _members(self, reads: Reads) -> list[UUID]:
        found = reads.rows(Membership, organization_id=self.organization_id, trash=True, anywhere=True)
        return sorted({row.user_id for row in found})

    def _hold_still(self) -> None:
        """Refuse changes of the organization's rows, table by table, and wait for its jobs at work."""
        for kind in self.kinds:
            self._write(partial(rows.freeze, organization_id=self.organization_id, found=[kind]))
        deadline = time.monotonic() + PATIENCE
        while working := self._write(partial(rows.park, organization_id=self.organization_id)):
            if time.monotonic() > deadline:
                raise StillWorking(count=working)
            self.progress("wait", 0, working)
            time.sleep(LOOKS)

    def _send(self) -> None:
        began = self._begin()
        if began["is_here"]:
            return  # it arrived before this mover was killed
        self.ids = {UUID(old): UUID(new) for old, new in {**began["users"], **began["plans"]}.items()}
        self.held = began["pieces"]
        sums = {}
        copy = Path(self.state["copy"])
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = copy.with_suffix(".part")
        with open(draft, "w", encoding="utf-8", opener=_private) as kept:
            for number, kind in enumerate(self.kinds):
                sums[kind.name] = self._send_table(kind, kept)
                self.progress("send", number + 1, len(self.kinds))
            sums[KEYS] = self._send_keys(kept)
            self._send_files()
            with self.database.read(system("regions")) as reads:
                users = rows.user_rows(reads, self._members(reads))
            told = {
                "from": self.regions.here,
                "packages": self._packages,
                "sums": sums,
                "users": self._renamed(users),
            }
            digest, body = packed(self.regions, context_of(self.organization_id, FINISH), told)
            kept.write(_line(FINISH, 0, body))
        draft.replace(copy)
        crash_point("region.copied")
        self._ask(FINISH, {"digest": digest, "body": body})

    def _renamed(self, users: dict[str, list[rows.Traveller]]) -> dict[str, list[rows.Traveller]]:
        """Leave out those who have another id there: they are known there by their address."""
        kind = rows.user_kind(User)
        at = kind.columns.index("id")
        return {**users, kind.name: [row for row in users[kind.name] if UUID(row[at]) not in self.ids]}

    def _send_table(self, kind: Kind, kept: TextIO) -> str:
        with self.database.read(system("regions")) as reads:
            found = rows.travellers(reads, kind, self.organization_id, lambda id: self.ids.get(id, id))
            sent = self._send_rows(kind.name, found, kept)
        self.counts[kind.name] = sent.rows
        return sent.text()

    def _send_keys(self, kept: TextIO) -> str:
        """Send what opens the personal values of the log; not of those who have another id, and so a key, there."""
        with self.database.read(system("regions")) as reads:
            found = rows.key_rows(reads, self.organization_id, self.kinds)
        return self._send_rows(KEYS, (row for row in found if UUID(row[0]) not in self.ids), kept).text()

    def _send_rows(self, name: str, found: Iterable[rows.Traveller], kept: TextIO) -> Checksum:
        sent = Checksum()
        for number, piece in enumerate(_pieces(found)):
            for row in piece:
                sent.add(encode_row(row))
            digest, body = packed(self.regions, context_of(self.organization_id, name, number), piece)
            kept.write(_line(name, number, body))
            if self.held.get(f"{name}/{number}") != digest:
                self._ask("piece", {"name": name, "number": number, "digest": digest, "body": body})
                crash_point("region.sending")
        return sent

    def _send_files(self) -> None:
        sent = set(self.state.get("files", ()))
        for key, size in self._own_files():
            if key in sent:
                continue
            digest, number = hashlib.sha256(), 0
            for number, start in enumerate(range(0, max(size, 1), FILE_CHUNK)):
                part = b"".join(self.files.read(key, start, min(start + FILE_CHUNK, size))) if size else b""
                digest.update(part)
                context = context_of(self.organization_id, "file", number)
                told, body = packed(self.regions, context, base64.b64encode(part).decode())
                self._ask("piece", {"name": "file", "number": number, "digest": told, "body": body})
            self._ask("file", {"key": key, "sha256": digest.hexdigest()})

    def _own_files(self) -> list[tuple[str, int]]:
        prefix = f"{self.organization_id}/"
        return [
            (entry.key, entry.size) for batch in self.files.entries() for entry in batch if entry.key.startswith(prefix)
        ]

    def _wait_for_arrival(self) -> None:
        """Wait for the other region's worker, which has to prove every table first."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self._ask("result")
            if found["state"] == DONE:
                break
            if found["state"].startswith("failed"):
                raise MoveFailed(region=self.to, reason=found["state"].partition(": ")[2])
            if time.monotonic() > deadline:
                raise MoveFailed(region=self.to, reason="its worker has not written the rows yet; does it run?")
            self.progress("arrive", 0, 1)
            time.sleep(LOOKS)
        self._write(partial(receive_entries, sender=self.to, entries=found["entries"]))

    def _leave(self) -> None:
        """Remove the rows, and say so in the directory, both at once."""

        def unit(tx: Transaction) -> None:
            members = self._members(tx)
            if tx.engine != "postgresql":
                rows.thaw(tx, self.organization_id, self.kinds)
            subjects = [UUID(row[0]) for row in rows.key_rows(tx, self.organization_id, self.kinds)]
            acted = rows.actors(tx, self.organization_id)
            rows.remove(tx, self.organization_id, self.kinds)
            emails = {row.id: row.email for row in tx.rows(User, id=members, anywhere=True)}
            rows.remove_users(tx, members)
            rows.remove_keys(tx, subjects, acted)
            stayed = {row.id for row in tx.rows(User, id=members, anywhere=True)}
            gone = [self.regions.address_hash(email) for id, email in emails.items() if id not in stayed]
            write_entries(tx, self.regions, [self.regions.organization_hash(self.organization_id), *gone], {})
            tx.record("leave", "organizations", self.organization_id, {"to": self.to})
            set_fact(tx, _fact(self.organization_id), json.dumps({**self.state, "phase": "left"}))

        self._write(unit)
        self.state["phase"] = "left"

    def _remove_files(self) -> int:
        found = self._own_files()
        for key, _ in found:
            self.files.delete(key)
        return len(found)

    # -- small things ---------------------------------------------------------------------------------------------

    def _ask(self, step: str, body: object = None) -> dict[str, Any]:
        return self.regions.ask(self.to, f"/api/regions/moves/{self.organization_id}/{step}", body)

    def _write(self, unit: Callable[[Transaction], Any]) -> Any:  # noqa: ANN401 -- what the unit returns
        return self.database.write(system("regions"), unit)

    def _note(self, phase: str) -> None:
        """Note how far the move is."""
        copy = self.settings.data_dir / "moved" / f"organization-{self.organization_id}-{stamp()}.jsonl"
        self.state = {"to": self.to, "copy": str(copy.absolute())} | self.state | {"phase": phase}
        self._write(lambda tx: set_fact(tx, _fact(self.organization_id), json.dumps(self.state)))


def _pieces(found: Iterable[rows.Traveller]) -> Iterator[list[rows.Traveller]]:
    """Cut rows into pieces that a server takes."""
    piece: list[rows.Traveller] = []
    size = 0
    for row in found:
        length = len(json.dumps(row))
        if piece and (len(piece) == CHUNK or size + length > PIECE_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += length
    if piece:
        yield piece


def _private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)


def _line(name: str, number: int, body: str) -> str:
    return json.dumps({"name": name, "number": number, "body": body}) + "\n"
