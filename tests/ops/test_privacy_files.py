"""Files that show a person are handed out and erased with them: bytes, what tells of them, log and backups."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest

from growbase import wiring
from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.feed import BEGINNING, read_changes
from growbase.core.files import FileStore, StoredFile, new_key, open_files
from growbase.core.holds import Held, add_hold
from growbase.core.log import history
from growbase.core.tables import Job, SubjectKey
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.marketing import tasks
from growbase.domains.marketing.actions_assets import add_asset, find_duplicates, update_asset
from growbase.domains.marketing.models_assets import AnalysisStatus, Asset, AssetKind
from growbase.domains.social.actions_pieces import set_piece_assets
from growbase.domains.social.models import PieceAsset
from growbase.ops import privacy
from growbase.ops.backup_files import stored_files
from growbase.ops.checks.finding import Patient
from growbase.ops.checks.rows import files as check_files
from growbase.ops.privacy import erase, find_person, replay_erasures
from growbase.ops.privacy_export import export_person
from growbase.ops.privacy_files import delete_bytes, unmarked_copies
from tests.domains.outreach.factories import make_prospect
from tests.domains.social.factories import make_piece
from tests.fixtures import Tenant

EMAIL = "ada@example.com"
FACE = b"the face of Lovelace"
Keep = Callable[..., UUID]


@pytest.fixture
def files(settings: Settings) -> FileStore:
    """Give the storage."""
    return open_files(settings)


@pytest.fixture
def keep(db: Database, actor: Actor, files: FileStore) -> Keep:
    """Give a function that keeps a file and returns its id."""

    def keep(content: bytes = FACE, name: str = "lovelace.txt", by: Actor = actor, **rest: object) -> UUID:
        assert by.organization_id is not None
        key = new_key(by.organization_id)
        files.store(key, [content])
        digest = sha256(content).hexdigest()
        stored = StoredFile(files.provider, files.bucket, key, name, len(content), digest, "text/plain")
        return db.write(by, lambda tx: add_asset(tx, stored=stored, **{"title": "Ada Lovelace", **rest}))  # type: ignore[arg-type]

    return keep


@pytest.fixture
def prospect(db: Database, actor: Actor) -> UUID:
    """Give a prospect."""
    return db.write(actor, lambda tx: make_prospect(tx, email=EMAIL, first_name="Ada"))


def row(db: Database, id: UUID) -> Asset:
    with db.read(system()) as reads:
        (found,) = reads.rows(Asset, id=id, trash=True, anywhere=True)
    return found


def is_stored(files: FileStore, asset: Asset) -> bool:
    return files.size(asset.storage_key) is not None


def work(settings: Settings, db: Database) -> None:
    worker = wiring.worker(settings, db)
    while worker.run_one():
        pass


def stored(db: Database, *tables: str) -> str:
    return "\n".join(str(found) for table in tables for found in db.query(f"SELECT * FROM {table}")).lower()


def test_an_export_has_the_files_that_show_the_person(
    db: Database, actor: Actor, files: FileStore, keep: Keep, prospect: UUID
) -> None:
    shown = keep(name="../Ada.txt", subject_id=prospect)
    lost = keep(b"lost", subject_id=prospect)
    files.delete(row(db, lost).storage_key)
    db.write(actor, lambda tx: tx.update(Asset, shown, {"description": "In the garden"}))
    keep(b"nobody")
    keep(b"another", subject_id=db.write(actor, lambda tx: make_prospect(tx, email="bob@example.com")))
    file = io.BytesIO()
    counts = export_person(db, find_person(db, EMAIL, actor.organization_id), file, files)
    assert (counts["assets"], counts["files"]) == (2, 1)
    with ZipFile(file) as archive:
        assert [name for name in archive.namelist() if name.startswith("files/")] == [f"files/{shown}-Ada.txt"]
        assert archive.read(f"files/{shown}-Ada.txt") == FACE
        assert json.loads(archive.read("about.json"))["missing_files"] == [str(lost)]
        rows = [json.loads(line) for line in archive.read("assets.jsonl").splitlines()]
    assert {found["title"] for found in rows} == {"Ada Lovelace"}
    assert "storage_key" not in rows[0]


def test_erasing_a_person_deletes_the_files_that_show_them_and_keeps_the_rows(
    db: Database, actor: Actor, settings: Settings, files: FileStore, keep: Keep, prospect: UUID, other_tenant: Tenant
) -> None:
    known = {"description": "Lovelace in the garden", "alt_text": "Lovelace", "tags": ["lovelace"]}
    first = keep(extracted_text="Lovelace", **known)
    # It is said later whom the file shows: what the log holds from before goes, too.
    db.write(actor, lambda tx: update_asset(tx, id=first, changes={"subject_id": prospect}))
    second = keep(b"another face of lovelace", subject_id=prospect)
    copy, theirs = keep(title="A copy"), keep(by=other_tenant.owner, title="Theirs")
    placed = [{"asset_id": first, "alt_text": "Lovelace at work"}]
    piece = db.write(actor, lambda tx: set_piece_assets(tx, id=make_piece(tx), assets=placed))
    person = find_person(db, EMAIL, actor.organization_id)
    assert unmarked_copies(db, person.rows["assets"]) == [copy]
    before = [row(db, id) for id in (first, second, copy, theirs)]
    used = db.query("SELECT used FROM usage_counters WHERE metric = 'storage_bytes' ORDER BY used")
    done = erase(db, person)
    assert (done.counts["assets"], done.counts["piece_assets"]) == (2, 1)
    assert {asset.id for asset in done.files} == {first, second}
    assert db.query("SELECT used FROM usage_counters WHERE metric = 'storage_bytes' ORDER BY used") != used
    assert all(is_stored(files, asset) for asset in before)
    work(settings, db)
    assert [is_stored(files, asset) for asset in before] == [False, False, True, True]
    empty = row(db, first)
    assert empty.erased_at is not None
    assert (empty.title, empty.description, empty.alt_text, empty.extracted_text, empty.tags) == (None,) * 4 + ([],)
    assert (empty.original_filename, empty.sha256, empty.subject_id) == ("[erased]", "[erased]", prospect)
    assert (empty.size_bytes, empty.analysis_status) == (len(FACE), AnalysisStatus.SKIPPED)
    own = f"WHERE organization_id = '{actor.organization_id}'"
    held = stored(db, f"assets {own} AND id <> '{copy}'", f"search_documents {own} AND entity_id <> '{copy}'")
    held += stored(db, "piece_assets", "changes")
    assert "lovelace" not in held
    assert before[0].sha256 not in held
    with db.read(actor) as reads:
        assert reads.rows(PieceAsset, piece_id=piece)[0].alt_text is None
        assert find_duplicates(reads, id=first) == []
        made = history(reads, db.catalog.by_table["assets"], first)[-1]["changes"]
        assert (made["title"], made["kind"]) == (["[erased]", "[erased]"], [None, "document"])
        assert reads.count(SubjectKey, id=[first, second, prospect]) == 0
    assert row(db, copy).title == "A copy"
    assert row(db, theirs).title == "Theirs"


def test_what_is_said_of_a_file_is_sealed_in_the_log_also_while_it_shows_nobody(db: Database, keep: Keep) -> None:
    id = keep()
    assert "lovelace" not in stored(db, "changes")
    with db.read(system()) as reads:
        (made,) = [found for found in read_changes(reads, BEGINNING, 1_000).changes if found.entity_id == id]
        assert (made.changes or {})["title"] == [None, "Ada Lovelace"]
        assert reads.count(SubjectKey, id=id) == 1


def test_an_erasure_that_was_stopped_deletes_the_files_when_it_goes_on(
    db: Database, files: FileStore, settings: Settings, keep: Keep, prospect: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [keep(b"face %d" % number, subject_id=prospect) for number in range(3)]
    monkeypatch.setattr(privacy, "CHUNK", 1)

    def stop(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        erase(db, find_person(db, EMAIL), progress=stop)
    assert [row(db, id).erased_at is None for id in ids].count(True) == 1
    done = erase(db, find_person(db, EMAIL))
    assert len(done.files) == 3
    delete_bytes(files, done.files)
    assert not any(is_stored(files, row(db, id)) for id in ids)
    work(settings, db)
    with db.read(system()) as reads:
        assert [job.status for job in reads.rows(Job, kind="delete_file")] == ["succeeded"] * 3


def test_a_copy_of_an_erased_file_is_analysed_without_it(db: Database, keep: Keep, prospect: UUID) -> None:
    first, copy = keep(subject_id=prospect, analyse=True), keep(analyse=True)
    erase(db, find_person(db, EMAIL))
    with db.read(system()) as reads:
        jobs = {job.status.value: job.payload for job in reads.rows(Job, kind="analyse_asset")}
    assert jobs == {"cancelled": {}, "queued": {"asset_id": str(copy)}}
    assert [row(db, id).analysis_status.value for id in (first, copy)] == ["skipped", "pending"]


def test_a_held_file_keeps_its_person(db: Database, actor: Actor, files: FileStore, keep: Keep, prospect: UUID) -> None:
    id = keep(subject_id=prospect)
    db.write(actor, lambda tx: add_hold(tx, reason="Case 1", entity="assets", entity_id=id))
    with pytest.raises(Held, match="Case 1"):
        erase(db, find_person(db, EMAIL))
    assert row(db, id).title == "Ada Lovelace"
    assert is_stored(files, row(db, id))


def test_files_in_the_trash_and_avatars_of_a_user_go_with_their_person(
    db: Database, files: FileStore, keep: Keep, tenant: Tenant
) -> None:
    own = keep(by=tenant.member, kind=AssetKind.AVATAR)
    assert row(db, own).subject_id == tenant.member.id
    assert row(db, keep(b"a", by=tenant.member)).subject_id is None
    trashed = keep(b"b", subject_id=tenant.member.id)
    db.write(tenant.owner, lambda tx: trash(tx, Asset, trashed))
    done = erase(db, find_person(db, "member@acme.example"))
    delete_bytes(files, done.files)
    assert [is_stored(files, row(db, id)) for id in (own, trashed)] == [False, False]


def test_a_restored_backup_forgets_files_of_which_it_does_not_know_whom_they_show(
    db: Database, actor: Actor, files: FileStore, keep: Keep, prospect: UUID, tmp_path: Path
) -> None:
    id = keep(subject_id=prospect)
    erase(db, find_person(db, EMAIL), folder=tmp_path)
    assert replay_erasures(db, tmp_path).again == 0

    # As a backup from before has it, from when nobody had said whom the file shows.
    def back(tx: Transaction) -> None:
        values: dict[str, Any] = {"title": "Ada Lovelace", "sha256": "0" * 64, "erased_at": None, "subject_id": None}
        tx.change(tx.get(Asset, id, lock=True), values)
        tx.execute("DELETE FROM erasures")

    db.write(actor, back)
    again = replay_erasures(db, tmp_path)
    assert (again.again, [asset.id for asset in again.files]) == (1, [id])
    assert (row(db, id).title, row(db, id).erased_at is None) == (None, False)
    assert replay_erasures(db, tmp_path).again == 0


def test_bytes_that_came_back_are_nobodys_and_backups_and_checks_leave_erased_files_out(
    db: Database, settings: Settings, files: FileStore, keep: Keep, prospect: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, id = keep(b"kept"), keep(subject_id=prospect)
    erase(db, find_person(db, EMAIL))
    work(settings, db)
    assert [file.key for file in stored_files(db.query, files)] == [row(db, kept).storage_key]
    assert [*check_files(Patient(settings, db, files))] == []
    files.store(row(db, id).storage_key, [FACE])
    monkeypatch.setattr(tasks, "UNCLAIMED", timedelta(minutes=-1))
    assert [key for keys in tasks.unclaimed_files(db, files) for key in keys] == [row(db, id).storage_key]
    assert tasks.orphaned_files(db, outside=wiring.outside(settings)) == 1
