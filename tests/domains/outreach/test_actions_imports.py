from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.errors import ForeignKey, Invalid, LimitExceeded
from growbase.core.feed import BEGINNING, read_changes
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.outreach import actions_imports
from growbase.domains.outreach.actions_imports import (
    import_later,
    import_next_chunk,
    import_now,
    import_rows,
    packed,
)
from growbase.domains.outreach.actions_suppressions import create_suppression, opt_out
from growbase.domains.outreach.models import Prospect, Source, Stage
from growbase.domains.outreach.models_imports import Import, ImportChunk, ImportStatus
from growbase.domains.outreach.prospect_csv import ParsedFile
from growbase.domains.outreach.tasks import TASKS, stopped_imports
from growbase.jobs.errors import LeaseLost
from growbase.jobs.worker import Worker
from growbase.ops.privacy import erase, find_person
from tests.domains.outreach.factories import make_icp, make_prospect, parsed

FILE = "Email,First name,Company,Phone\nann@a.example,Ann,A,1\nbob@b.example,Bob,B,\n"
COUNTS = ("created", "updated", "unchanged", "skipped", "suppressed")


def run(db: Database, actor: Actor, text: str | ParsedFile, icp_id: UUID | None = None) -> list[int]:
    file = parsed(text) if isinstance(text, str) else text
    report = db.write(actor, lambda tx: import_now(tx, file=file, icp_id=icp_id))
    assert sum(report[name] for name in COUNTS) == report["rows"]
    return [report[name] for name in COUNTS]


def by_address(db: Database, actor: Actor) -> dict[str | None, Prospect]:
    with db.read(actor) as reads:
        return {row.email_norm: row for row in reads.rows(Prospect)}


# -- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        FILE.encode(),
        FILE.encode("utf-8-sig"),
        FILE.encode("utf-16"),
        FILE.encode("utf-16-le"),
        FILE.encode("utf-16-be"),
        FILE.replace(",", ";").encode(),
        ("sep=;\n" + FILE.replace(",", ";")).encode(),
        FILE.replace(",", "\t").replace("\n", "\r\n").encode(),
        FILE.replace("\n", "\r").encode(),
        ('"Email","First name","Company","Phone"\n' + FILE.partition("\n")[2]).encode(),
        FILE.replace("Ann", '"Ann"').rstrip("\n").encode(),
        FILE.replace("\nbob", "\n\n,,,\nbob").encode(),
    ],
    ids=["utf-8", "mark", "utf-16", "le", "be", "semicolons", "sep", "tabs", "cr", "quoted", "no end", "empty lines"],
)
def test_a_file_is_read_as_spreadsheets_write_it(text: bytes) -> None:
    file = parsed(text)
    assert [values for _, values in file.rows] == [
        {"email": "ann@a.example", "first_name": "Ann", "company_name": "A", "phone": "1"},
        {"email": "bob@b.example", "first_name": "Bob", "company_name": "B"},
    ]
    assert (file.errors, file.ignored) == ([], [])


def test_old_encodings_and_foreign_headings_are_understood() -> None:
    file = parsed(
        "Prénom;Nom;Société;Adresse e-mail;Téléphone\nZoé;Lefèvre;Café;zoe@c.example;+33 1\n".encode("cp1252")
    )
    assert file.rows == [
        (
            2,
            {
                "first_name": "Zoé",
                "last_name": "Lefèvre",
                "company_name": "Café",
                "email": "zoe@c.example",
                "phone": "+33 1",
            },
        )
    ]


def test_lines_are_counted_as_an_editor_shows_them() -> None:
    file = parsed('email,notes\na@a.example,"two\nlines"\nno address,\n"b@b.example","x\r\ny\r\nz"\nwrong,\n')
    assert [line for line, _ in file.rows] == [2, 5]
    assert [(item["line"], item["field"], item["code"]) for item in file.errors] == [
        (4, "email", "pattern"),
        (8, "email", "pattern"),
    ]


def test_columns_are_named_by_a_mapping_and_the_rest_is_reported() -> None:
    text = "Contact: mail;Firma;Tier;Shoe size;Name\nANN@a.example;A;gold;38;Ann Lee Smith\n"
    mapping = {"Contact: mail": "email", "Tier": "custom_fields.tier"}
    file = parsed(text, **mapping)
    assert file.ignored == ["Shoe size"]
    assert file.rows[0][1] == {
        "email": "ANN@a.example", "company_name": "A", "custom_fields": {"tier": "gold"},
        "first_name": "Ann Lee", "last_name": "Smith",
    }  # fmt: skip
    for wrong in ({"Tier": "stage"}, {"Tier": "custom_fields."}, {"Nothing": "email"}):
        with pytest.raises(Invalid) as refused:
            parsed(text, **wrong)
        assert refused.value.fields[0].field == "map"


@pytest.mark.parametrize("text", ["", "\n\n", "first_name\nAnn\n"], ids=["nothing", "no heading", "no address"])
def test_a_file_without_addresses_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parsed(text)
    assert refused.value.fields[0].field == "email"


def test_every_wrong_cell_is_named_and_the_other_lines_stand() -> None:
    long = "x" * 301
    text = (
        "email,company,size,linkedin,notes\n"
        f"a@a.example,{long},,,\n"
        "b@b.example,B,gigantic,,\n"
        "c@c.example,C,Startup,linkedin.com/in/c,\n"
        ",D,,,\n"
        "e@e.example,E,,,,too,many\n"
        "f@f.example,F,,,\x00\n"
        "C@C.example,Again,,,\n"
        "g@g.example,G,,javascript:alert(1),\n"
    )
    file = parsed(text)
    found = [(item["line"], item["field"], item["code"]) for item in file.errors]
    assert found == [
        (2, "company_name", "too_long"), (3, "company_size", "choice"), (5, "email", "required"),
        (6, "", "columns"), (7, "notes", "nul"), (8, "email", "duplicate"), (9, "linkedin_url", "pattern"),
    ]  # fmt: skip
    assert [values for _, values in file.rows] == [
        {
            "email": "c@c.example",
            "company_name": "C",
            "company_size": "startup",
            "linkedin_url": "https://linkedin.com/in/c",
        }
    ]
    assert (file.skipped, file.row_count) == (7, 8)


def test_only_the_first_errors_are_listed_but_all_are_counted() -> None:
    file = parsed("email\n" + "wrong\n" * 150)
    assert (len(file.errors), file.error_count, file.skipped) == (100, 150, 150)


def test_a_file_may_not_be_endless() -> None:
    with pytest.raises(Invalid):
        parsed("email\n" + "".join(f"p{number}@x.example\n" for number in range(100_001)))


def test_an_exported_cell_comes_back_without_its_apostrophe() -> None:
    file = parsed("email,phone,notes\na@a.example,'+33 1,'quoted'\n")
    assert file.rows[0][1] == {"email": "a@a.example", "phone": "+33 1", "notes": "'quoted'"}


# -- upserting --------------------------------------------------------------------------------------------------------


def test_a_file_imported_twice_changes_nothing(db: Database, actor: Actor) -> None:
    assert run(db, actor, FILE) == [2, 0, 0, 0, 0]
    before = db.query("SELECT count(*) FROM changes")
    assert run(db, actor, FILE.upper().replace("ANN,A", "Ann,A").replace("BOB,B", "Bob,B")) == [0, 0, 2, 0, 0]
    assert db.query("SELECT count(*) FROM changes") == before
    ann = by_address(db, actor)["ann@a.example"]
    assert (ann.email, ann.source, ann.stage) == ("ann@a.example", Source.CSV_IMPORT, Stage.NEW)


def test_what_a_file_says_otherwise_is_updated_and_empty_cells_clear_nothing(db: Database, actor: Actor) -> None:
    icp_id = db.write(actor, make_icp)
    values = {"email": "ann@a.example", "phone": "9", "job_title": "Head", "owner_user_id": actor.id}
    id = db.write(actor, lambda tx: make_prospect(tx, **values, custom_fields={"a": "1"}))
    db.write(actor, lambda tx: tx.transition(Prospect, id, Stage.MEETING))
    file = parsed("email,phone,job title,x\nANN@a.example,,Boss,2\n", x="custom_fields.b")
    assert run(db, actor, file, icp_id) == [0, 1, 0, 0, 0]
    found = by_address(db, actor)["ann@a.example"]
    assert (found.phone, found.job_title, found.owner_user_id, found.stage) == ("9", "Boss", actor.id, Stage.MEETING)
    assert (found.custom_fields, found.icp_id, found.email) == ({"a": "1", "b": "2"}, icp_id, "ann@a.example")
    assert run(db, actor, file, db.write(actor, make_icp)) == [0, 0, 1, 0, 0]


def test_a_company_without_a_name_has_that_of_its_domain(db: Database, actor: Actor) -> None:
    run(db, actor, "email,domain\na@Mail.example,\nb@mail.example,firm.example\n")
    assert {row.company_name for row in by_address(db, actor).values()} == {"mail.example", "firm.example"}


def test_who_must_not_be_written_to_is_left_as_is(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email="ann@a.example"))
    db.write(actor, lambda tx: opt_out(tx, id=id))
    db.write(actor, lambda tx: create_suppression(tx, address="b.example", scope="domain"))
    with db.read(actor) as reads:
        before = reads.get(Prospect, id).version
    assert run(db, actor, FILE) == [0, 0, 0, 0, 2]
    with db.read(actor) as reads:
        assert reads.get(Prospect, id).version == before
        assert reads.count(Prospect) == 1


def test_a_dry_run_counts_and_keeps_nothing(db: Database, actor: Actor) -> None:
    before = db.query("SELECT count(*) FROM changes")
    report = db.write(actor, lambda tx: import_now(tx, file=parsed(FILE), icp_id=None, dry_run=True))
    assert (report["created"], report["dry_run"]) == (2, True)
    assert db.query("SELECT count(*) FROM changes") == before


def test_a_profile_there_is_none_of_is_refused(db: Database, actor: Actor) -> None:
    with pytest.raises(ForeignKey):
        run(db, actor, FILE, new_id())


# -- large files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions_imports, "CHUNK", 10)


def stored(db: Database, actor: Actor, count: int = 35, *, dry_run: bool = False) -> UUID:
    """Store a file of some rows, of which one is wrong, and return the import."""
    file = parsed("email,first name\nwrong,\n" + "".join(f"p{n}@x.example,P{n}\n" for n in range(count)))
    made = db.write(
        actor, lambda tx: import_later(tx, file=file, chunks=packed(file.rows), icp_id=None, dry_run=dry_run)
    )
    return UUID(made["import_id"])


def import_of(db: Database, actor: Actor, id: UUID) -> Import:
    with db.read(actor) as reads:
        return reads.get(Import, id)


@pytest.mark.usefixtures("small_chunks")
def test_a_large_file_is_imported_by_a_job(db: Database, actor: Actor) -> None:
    id = stored(db, actor)
    found = import_of(db, actor, id)
    assert (found.status, found.row_count, found.skipped_count) == (ImportStatus.QUEUED, 36, 1)
    assert Worker(db, TASKS).run_one()
    found = import_of(db, actor, id)
    assert (found.status, found.done_count, found.created_count, found.error_count) == (
        ImportStatus.SUCCEEDED, 36, 35, 1,
    )  # fmt: skip
    assert [item["line"] for item in found.errors] == [2]
    with db.read(actor) as reads:
        assert reads.count(ImportChunk) == 0
        assert reads.count(Prospect) == 35
        [job] = reads.rows(Job, id=found.job_id)
    assert job.status == "succeeded"


@pytest.mark.usefixtures("small_chunks")
def test_an_import_goes_on_where_a_crash_left_it(db: Database, actor: Actor) -> None:
    id = stored(db, actor)
    for expected in (11, 21):
        assert db.write(actor, partial(import_next_chunk, import_id=id)) is True
        found = import_of(db, actor, id)
        assert (found.status, found.done_count) == (ImportStatus.RUNNING, expected)

    def dies(tx: Transaction) -> None:
        import_next_chunk(tx, import_id=id)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.write(actor, dies)
    assert import_of(db, actor, id).done_count == 21
    assert Worker(db, TASKS).run_one()
    found = import_of(db, actor, id)
    assert (found.status, found.created_count, found.updated_count) == (ImportStatus.SUCCEEDED, 35, 0)
    assert db.write(actor, partial(import_next_chunk, import_id=id)) is False


@pytest.mark.usefixtures("small_chunks")
def test_a_worker_that_lost_its_lease_imports_nothing_more(db: Database, actor: Actor) -> None:
    id = stored(db, actor)
    for _ in range(2):
        with db.read(actor) as reads:
            [job] = reads.rows(Job)
        held = {"status": "running", "lease_token": new_id(), "lease_until": clock.now() + timedelta(minutes=5)}
        db.write(actor, lambda tx, held=held, job=job: tx.set_facts(Job, {"id": job.id}, held))
    with pytest.raises(LeaseLost):
        db.write(actor, partial(import_next_chunk, import_id=id, job=job))
    assert import_of(db, actor, id).created_count == 0


@pytest.mark.usefixtures("small_chunks")
def test_cancelling_the_job_ends_the_import(db: Database, actor: Actor) -> None:
    id = stored(db, actor)
    with db.read(actor) as reads:
        [job] = reads.rows(Job)
    db.write(actor, lambda tx: tx.set_facts(Job, {"id": job.id}, {"cancel_requested_at": clock.now()}))
    assert Worker(db, TASKS).run_one()
    found = import_of(db, actor, id)
    assert (found.status, found.created_count) == (ImportStatus.FAILED, 0)


@pytest.mark.usefixtures("small_chunks")
def test_a_dry_run_of_a_large_file_counts_and_keeps_nothing(db: Database, actor: Actor) -> None:
    id = stored(db, actor, dry_run=True)
    assert Worker(db, TASKS).run_one()
    assert import_of(db, actor, id).created_count == 35
    assert by_address(db, actor) == {}


@pytest.mark.usefixtures("small_chunks")
def test_an_import_ends_where_the_plan_does(db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    id = stored(db, actor)
    db.write(actor, partial(import_next_chunk, import_id=id))

    def full(tx: Transaction, by: int) -> None:
        raise LimitExceeded(metric="prospects")

    resource = db.catalog.by_name["prospects"]
    monkeypatch.setitem(db.catalog.by_table, "prospects", type(resource)(Prospect, meter=full))
    assert Worker(db, TASKS).run_one()
    found = import_of(db, actor, id)
    assert (found.status, found.created_count) == (ImportStatus.FAILED, 10)
    assert "prospects" in (found.failure or "")
    with db.read(actor) as reads:
        assert reads.count(ImportChunk) == 0


def test_rows_come_back_from_their_chunk_as_they_were(db: Database, actor: Actor) -> None:
    rows = [(2, {"email": "é@x.example", "notes": "two\nlines"})]
    counts = db.write(actor, lambda tx: import_rows(tx, actions_imports._unpacked(packed(rows)[0])))
    assert counts["created"] == 1
    assert by_address(db, actor)["é@x.example"].notes == "two\nlines"


# -- what is kept of people -------------------------------------------------------------------------------------------


def test_no_cell_of_a_wrong_line_is_kept_or_logged(db: Database, actor: Actor) -> None:
    secrets = ("zelda.bad", "zelda-name", "zelda-phone", "zelda-site", "zelda-size")
    lines = (
        f"zelda.bad,{'zelda-name' * 200},ok,,",
        f"ann@a.example,Ann,{'zelda-phone' * 50},https://{'zelda-site' * 400}.example,zelda-size",
        "ann@a.example,zelda-name,,,,,,,one,too,many",
        "ann@b.example,\x00zelda-name,,,",
    )
    file = parsed("email,first name,phone,website,size,zelda\n" + "\n".join(lines))
    assert file.error_count >= 4
    made = db.write(actor, lambda tx: import_later(tx, file=file, chunks=[], icp_id=None))
    with db.read(system()) as reads:
        kept = str(import_of(db, actor, UUID(made["import_id"])).errors)
        kept += str([row.changes for row in read_changes(reads, BEGINNING, 100, entities=["imports"]).changes])
    assert "'code': 'too_long'" in kept
    assert not [secret for secret in secrets if secret in kept.lower()]


def test_who_is_erased_is_gone_from_files_that_wait(db: Database, actor: Actor) -> None:
    id = stored(db, actor, 3)
    prospect = db.write(actor, lambda tx: make_prospect(tx, email="P1@x.example"))
    db.write(actor, lambda tx: make_prospect(tx, email="other@x.example"))
    erase(db, find_person(db, "p1@x.example"))
    with db.read(actor) as reads:
        (chunk,) = reads.rows(ImportChunk, import_id=id)
        assert [values["email"] for _, values in actions_imports._unpacked(chunk.rows)] == [
            "p0@x.example",
            "p2@x.example",
        ]
    assert not db.write(actor, lambda tx: import_next_chunk(tx, import_id=id))
    assert import_of(db, actor, id).status == ImportStatus.SUCCEEDED
    assert {*by_address(db, actor)} == {None, "other@x.example", "p0@x.example", "p2@x.example"}
    with db.read(actor) as reads:
        assert reads.get(Prospect, prospect).email is None


def test_a_file_that_nobody_goes_on_with_does_not_wait_for_ever(
    db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = stored(db, actor)
    assert stopped_imports(db) == 0
    monkeypatch.setattr(actions_imports, "SILENT", timedelta(0))
    assert stopped_imports(db) == 1
    found = import_of(db, actor, id)
    assert (found.status, found.failure) == (
        ImportStatus.FAILED,
        "Nobody has gone on with it for a week: import the file again.",
    )
    with db.read(actor) as reads:
        assert reads.count(ImportChunk) == 0
    assert stopped_imports(db) == 0
    assert not db.write(actor, lambda tx: import_next_chunk(tx, import_id=id))
