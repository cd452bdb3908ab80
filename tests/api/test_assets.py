"""Files: what is sent in comes back the same, to those who may have it, and can do no harm on the way."""

import asyncio
import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from growbase import wiring
from growbase.api import assets
from growbase.api.app import build_app
from growbase.api.direct import Direct
from growbase.core import clock, files
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import Conflict, OutcomeUnknown
from growbase.core.tables import Job
from growbase.domains.identity.usage import Metric
from growbase.domains.marketing import actions_assets
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.marketing.tasks import orphaned_files
from growbase.jobs.retention import KEPT, retain
from tests.api.conftest import Client, Factory, Headers, LoginAs
from tests.domains.outreach.factories import make_prospect
from tests.fixtures import SECRET, Tenant


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x40\x80\xc0" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


LARGE = bytes(range(256)) * 32_768
"""8 MiB: more than is sent to the storage at once, and more than any other request may have."""


@pytest.fixture
def settings(tmp_path: Path, installed_url: str) -> Settings:
    return Settings(data_dir=tmp_path, database_url=installed_url, asset_max_bytes=len(LARGE) + 10)


@pytest.fixture
def stored(settings: Settings) -> Callable[[], list[Path]]:
    """Give the files there are in the storage, half-written ones too."""
    return lambda: sorted(path for path in (settings.data_dir / "assets").rglob("*") if path.is_file())


@pytest.fixture
def upload(client: Client, factory: Factory) -> Callable[..., Any]:
    """Give a function that sends a file in and returns its row."""

    def send(
        content: bytes | None = None, name: str = "logo.png", headers: Headers | None = None, **fields: object
    ) -> Any:  # noqa: ANN401 -- JSON
        file = {"file": (name, content if content is not None else png(), "application/x-lie")}
        answer = client.post("/api/assets", files=file, data=fields, headers=headers or factory.headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return send


def test_a_file_comes_back_byte_for_byte_with_what_its_bytes_tell(
    upload: Callable[..., Any], client: Client, factory: Factory, db: Database, stored: Callable[[], list[Path]]
) -> None:
    campaign = factory.create("campaigns")
    fields = {"title": "Our logo", "alt_text": "", "tags": ["a", "b"], "campaign_id": campaign["id"]}
    row = upload(png(), upload_source="drag_drop", **fields)
    assert (row["mime_type"], row["width"], row["height"], row["size_bytes"]) == ("image/png", 3, 2, len(png()))
    assert (row["kind"], row["original_filename"], row["sha256"]) == (
        "image",
        "logo.png",
        hashlib.sha256(png()).hexdigest(),
    )
    assert (row["tags"], row["alt_text"], row["upload_source"]) == (["a", "b"], None, "drag_drop")
    assert (row["campaign_id"], row["uploaded_by"]) == (campaign["id"], str(factory.actor.id))
    assert (row["storage_provider"], row["analysis_status"], row["duplicates"]) == ("local", "pending", [])
    assert "storage_key" not in row
    key = db.query("SELECT storage_key FROM assets")[0][0]
    assert key.split("/")[:3] == [str(factory.actor.organization_id), f"{clock.now():%Y}", f"{clock.now():%m}"]
    assert [path.read_bytes() for path in stored()] == [png()]
    assert str(stored()[0]).endswith(key)
    found = client.get(f"/api/assets/{row['id']}/content", headers=factory.headers)
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, png(), "image/png")
    assert found.headers["etag"] == f'"{row["sha256"]}"'
    assert found.headers["content-length"] == str(len(png()))
    assert found.headers["content-disposition"] == "inline; filename=\"logo.png\"; filename*=UTF-8''logo.png"
    listed = client.get("/api/assets?q=logo", headers=factory.headers).json()["data"]
    assert [item["id"] for item in listed] == [row["id"]]
    assert listed[0]["download_count"] == 1
    assert listed[0]["last_used_at"] is not None


def test_a_large_file_is_stored_in_parts_beyond_the_limit_of_other_requests(
    upload: Callable[..., Any], client: Client, factory: Factory, settings: Settings
) -> None:
    assert len(LARGE) >= settings.request_body_max_bytes
    row = upload(LARGE, "noise.bin", title="Noise", kind="document")
    assert (row["mime_type"], row["kind"], row["size_bytes"]) == ("application/octet-stream", "document", len(LARGE))
    found = client.get(f"/api/assets/{row['id']}/content", headers=factory.headers)
    assert found.content == LARGE
    part = client.get(
        f"/api/assets/{row['id']}/content", headers={**factory.headers, "Range": f"bytes={len(LARGE) - 3}-"}
    )
    assert (part.status_code, part.content) == (206, LARGE[-3:])


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(
    client: Client, factory: Factory, db: Database, stored: Callable[[], list[Path]], settings: Settings
) -> None:
    body = FILE + LARGE + LARGE + b"\r\n--x--\r\n"
    answer = client.post("/api/assets", content=body, headers={**factory.headers, **FORM})
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (
        413,
        "too_large",
        settings.asset_max_bytes,
    )
    told = {**factory.headers, **FORM, "content-length": "99999999999"}
    assert client.post("/api/assets", content=b"", headers=told).status_code == 413
    assert stored() == []
    assert db.query("SELECT count(*) FROM assets") == [(0,)]


def test_a_file_is_handed_on_as_it_arrives_and_refused_before_all_of_it_has(
    app: Direct, factory: Factory, stored: Callable[[], list[Path]]
) -> None:
    asked, half_written, sent = 0, [], []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        half_written.extend(stored())
        part = FILE if asked == 1 else LARGE[: 1024 * 1024]
        return {"type": "http.request", "body": part, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in {**factory.headers, **FORM}.items()]
    scope = {"type": "http", "method": "POST", "path": "/api/assets", "query_string": b"", "headers": headers}
    run = app({**scope, "scheme": "http", "server": ("a", 80), "root_path": "", "app": app.app}, receive, send)
    asyncio.run(run)
    assert sent[0]["status"] == 413
    assert asked == 10
    assert half_written
    assert stored() == []


FORM = {"content-type": "multipart/form-data; boundary=x"}
FILE = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello'
BROKEN: dict[str, tuple[Headers, bytes, int, str]] = {
    "json": ({"content-type": "application/json"}, b"{}", 415, "unsupported_media_type"),
    "no content type": ({}, b"", 415, "unsupported_media_type"),
    "no boundary": ({"content-type": "multipart/form-data"}, FILE, 415, "unsupported_media_type"),
    "no form": (FORM, b"hello", 422, "invalid"),
    "breaks off": (FORM, FILE, 422, "invalid"),
    "no file": (FORM, b'--x\r\ncontent-disposition: form-data; name="title"\r\n\r\na\r\n--x--\r\n', 422, "invalid"),
    "empty file": (FORM, FILE.removesuffix(b"hello") + b"\r\n--x--\r\n", 422, "invalid"),
    "two files": (FORM, FILE + b"\r\n" + FILE + b"\r\n--x--\r\n", 422, "invalid"),
    "wrong part": (FORM, FILE.replace(b'"file"', b'"logo"') + b"\r\n--x--\r\n", 422, "invalid"),
    "no text": (
        FORM,
        FILE + b'\r\n--x\r\ncontent-disposition: form-data; name="title"\r\n\r\n\xff\r\n--x--\r\n',
        422,
        "invalid",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_form_that_is_broken_is_refused_and_leaves_nothing(
    client: Client, factory: Factory, db: Database, stored: Callable[[], list[Path]], case: str
) -> None:
    headers, body, status, code = BROKEN[case]
    answer = client.post("/api/assets", content=body, headers={**factory.headers, **headers})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert stored() == []
    assert db.query("SELECT count(*) FROM assets") == [(0,)]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"title": "x" * 301}, "title"),
        ({"surprise": "1"}, "surprise"),
        ({"kind": "spoon"}, "kind"),
        ({"tags": "[1]"}, "tags.0"),
        ({"title": ["a", "b"]}, "title"),
        ({"campaign_id": "00000000-0000-7000-8000-000000000000"}, "campaign_id"),
    ],
)
def test_a_wrong_field_is_named_and_its_file_does_not_stay(
    client: Client, factory: Factory, stored: Callable[[], list[Path]], fields: dict[str, Any], wrong: str
) -> None:
    answer = client.post("/api/assets", files={"file": ("a.png", png())}, data=fields, headers=factory.headers)
    assert answer.status_code in {409, 422}, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [wrong]
    assert stored() == []


def test_only_members_send_files_in(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    file = {"file": ("a.png", png())}
    assert client.post("/api/assets", files=file).status_code == 401
    assert client.post("/api/assets", files=file, headers=login_as(tenant.viewer)).status_code == 403
    assert client.post("/api/assets", files=file, headers=login_as(tenant.member)).status_code == 201


TYPES = [
    ("x.png", b"<!doctype html><script>alert(1)</script>", "text/html", "attachment"),
    ("x.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml", "attachment"),
    ("x.jpg", b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "attachment"),
    ("x.js", b"alert(1)", "text/javascript", "attachment"),
    ("x.html", png(), "image/png", "inline"),
    ("x.txt", b"hello", "text/plain; charset=utf-8", "inline"),
    ("x.csv", b"a,b\n1,2\n", "text/csv; charset=utf-8", "attachment"),
    ("x.png", b"%PDF-1.7\n", "application/pdf", "attachment"),
    ("x.png", b"MZ\x90\x00" + bytes(60), "application/vnd.microsoft.portable-executable", "attachment"),
    ("x.jpg", bytes(range(200, 256)), "application/octet-stream", "attachment"),
    ("x", b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic", "image/heic", "attachment"),
]


@pytest.mark.parametrize(("name", "content", "served", "kind"), TYPES)
def test_the_type_is_told_from_the_bytes_and_nothing_in_a_file_can_run(
    upload: Callable[..., Any], client: Client, factory: Factory, name: str, content: bytes, served: str, kind: str
) -> None:
    row = upload(content, name)
    assert row["mime_type"] == served.partition(";")[0]
    found = client.get(f"/api/assets/{row['id']}/content", headers=factory.headers)
    assert found.headers["content-type"].startswith(served)
    assert found.headers["content-disposition"].startswith(f"{kind}; ")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-security-policy"].endswith("; sandbox")


NAMES = {
    "../../etc/passwd": "passwd",
    "C:\\Users\\me\\photo.png": "photo.png",
    "a\u202egpj.exe": "agpj.exe",
    "new\nline\x00.png": "newline.png",
    "..": "file",
    "": "file",
    "re\u0301sume\u0301.pdf": "résumé.pdf",
    'quote"d.png': 'quote"d.png',
    f"{'x' * 300}.png": f"{'x' * 251}.png",
}


@pytest.mark.parametrize("given", NAMES)
def test_a_name_is_a_name_and_never_a_path(given: str) -> None:
    assert files.safe_name(given) == NAMES[given]


def test_a_name_travels_in_every_alphabet(upload: Callable[..., Any], client: Client, factory: Factory) -> None:
    row = upload(b"hello", "../Grüße 日本.txt")
    assert row["original_filename"] == "Grüße 日本.txt"
    found = client.get(f"/api/assets/{row['id']}/content", headers=factory.headers)
    encoded = "Gr%C3%BC%C3%9Fe%20%E6%97%A5%E6%9C%AC.txt"
    assert found.headers["content-disposition"] == f"inline; filename=\"Gr__e __.txt\"; filename*=UTF-8''{encoded}"


RANGES: list[tuple[Headers, int, bytes, str | None]] = [
    ({"Range": "bytes=0-3"}, 206, b"0123", "bytes 0-3/10"),
    ({"Range": "bytes=4-"}, 206, b"456789", "bytes 4-9/10"),
    ({"Range": "bytes=-2"}, 206, b"89", "bytes 8-9/10"),
    ({"Range": "bytes=-99"}, 206, b"0123456789", "bytes 0-9/10"),
    ({"Range": "bytes=8-99"}, 206, b"89", "bytes 8-9/10"),
    ({"Range": "bytes=10-"}, 416, b"", "bytes */10"),
    ({"Range": "bytes=-0"}, 416, b"", "bytes */10"),
    ({"Range": "bytes=5-2"}, 200, b"0123456789", None),
    ({"Range": "bytes=0-1,4-5"}, 200, b"0123456789", None),
    ({"Range": "lines=0-1"}, 200, b"0123456789", None),
    ({"Range": "bytes=-"}, 200, b"0123456789", None),
    ({"Range": "bytes=0-3", "If-Range": '"{sha256}"'}, 206, b"0123", "bytes 0-3/10"),
    ({"Range": "bytes=0-3", "If-Range": '"another"'}, 200, b"0123456789", None),
    ({"Range": "bytes=0-3", "If-None-Match": 'W/"{sha256}"'}, 304, b"", None),
    ({"If-None-Match": '"other", "{sha256}"'}, 304, b"", None),
    ({"If-None-Match": "*"}, 304, b"", None),
    ({"If-None-Match": '"other"'}, 200, b"0123456789", None),
]


@pytest.mark.parametrize("case", RANGES, ids=str)
def test_a_range_is_answered_as_rfc_9110_says(
    upload: Callable[..., Any], client: Client, factory: Factory, case: tuple[Headers, int, bytes, str | None]
) -> None:
    row = upload(b"0123456789", "digits.txt")
    asked, status, content, span = case
    headers = {name: value.format(**row) for name, value in asked.items()}
    found = client.get(f"/api/assets/{row['id']}/content", headers={**factory.headers, **headers})
    assert (found.status_code, found.headers.get("content-range")) == (status, span)
    if status == 416:
        assert found.json()["code"] == "range_not_satisfiable"
    else:
        assert found.content == content
        assert found.headers["accept-ranges"] == "bytes"


def test_head_tells_the_size_and_counts_nothing(
    upload: Callable[..., Any], client: Client, factory: Factory, db: Database
) -> None:
    row = upload(b"0123456789", "digits.txt")
    path = f"/api/assets/{row['id']}/content"
    found = client.head(path, headers={**factory.headers, "Range": "bytes=0-3"})
    assert (found.status_code, found.headers["content-length"], found.content) == (200, "10", b"")
    client.get(path, headers={**factory.headers, "If-None-Match": f'"{row["sha256"]}"'})
    client.get(path, headers={**factory.headers, "Range": "bytes=4-"})
    assert db.query("SELECT download_count FROM assets") == [(0,)]
    client.get(path, headers={**factory.headers, "Range": "bytes=0-3"})
    client.get(path, headers=factory.headers)
    assert db.query("SELECT download_count, version FROM assets") == [(2, 1)]


def test_the_same_bytes_are_pointed_out_inside_the_organization_only(
    upload: Callable[..., Any], other_tenant: Tenant, login_as: LoginAs, client: Client, factory: Factory
) -> None:
    first = upload(name="a.png")
    second = upload(name="b.png")
    assert second["duplicates"] == [first["id"]]
    assert upload(headers=login_as(other_tenant.owner))["duplicates"] == []
    client.delete(f"/api/assets/{first['id']}", headers=factory.headers)
    assert upload()["duplicates"] == [second["id"]]


def test_another_organization_finds_no_file(
    upload: Callable[..., Any], other_tenant: Tenant, login_as: LoginAs, client: Client
) -> None:
    path = f"/api/assets/{upload()['id']}"
    stranger = login_as(other_tenant.owner)
    assert client.get(f"{path}/content", headers=stranger).status_code == 404
    assert client.post(f"{path}/link", json={}, headers=stranger).status_code == 404
    assert client.get(f"{path}/content").status_code == 401


def test_a_link_works_without_login_until_it_expires(
    upload: Callable[..., Any],
    client: Client,
    factory: Factory,
    db: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = upload()
    answer = client.post(f"/api/assets/{row['id']}/link", json={"expires_in": 60}, headers=factory.headers)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    url = answer.json()["url"]
    assert url.startswith(f"{settings.base_url}/f/")
    path = url.removeprefix(settings.base_url)
    found = client.get(path)
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, png(), "image/png")
    assert client.get(path, headers={"Range": "bytes=0-7"}).content == png()[:8]
    assert client.head(path).headers["content-length"] == str(len(png()))
    for place in (6, 30, len(path) - 2):
        other = "A" if path[place] != "A" else "B"
        tampered = client.get(path[:place] + other + path[place + 1 :])
        assert (tampered.status_code, tampered.json()["code"]) == (422, "bad_signature")
    assert client.get("/f/nonsense").status_code == 422
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(assets.clock, "now", lambda: later)
    gone = client.get(path)
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    monkeypatch.undo()
    client.delete(f"/api/assets/{row['id']}", headers=factory.headers)
    assert client.get(path).status_code == 404
    assert db.query("SELECT count(*) FROM changes WHERE action = 'link'") == [(1,)]


@pytest.mark.parametrize("seconds", [0, 604_801, "a day"])
def test_a_link_lasts_a_week_at_most(
    upload: Callable[..., Any], client: Client, factory: Factory, seconds: object
) -> None:
    path = f"/api/assets/{upload()['id']}/link"
    answer = client.post(path, json={"expires_in": seconds}, headers=factory.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "expires_in")


def test_a_viewer_reads_files_and_links_none(
    upload: Callable[..., Any], client: Client, tenant: Tenant, login_as: LoginAs
) -> None:
    path = f"/api/assets/{upload()['id']}"
    viewer = login_as(tenant.viewer)
    assert client.get(f"{path}/content", headers=viewer).status_code == 200
    assert client.post(f"{path}/link", json={}, headers=viewer).status_code == 403


def test_what_is_no_route_of_files_is_served_as_for_every_resource(
    upload: Callable[..., Any], client: Client, factory: Factory
) -> None:
    path = f"/api/assets/{upload()['id']}"
    assert client.get(f"{path}/history", headers=factory.headers).json()["data"][0]["action"] == "insert"
    assert client.get(f"{path}/nonsense", headers=factory.headers).status_code == 404
    wrong = client.post(f"{path}/content", headers=factory.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert client.get(f"{path}/link", headers=factory.headers).status_code == 405


def test_pages_of_other_origins_reach_the_same_routes(settings: Settings, db: Database, factory: Factory) -> None:
    own = Settings(**{**settings.model_dump(), "cors_origins": ("https://app.example.com",)})
    with TestClient(build_app(own, db, SECRET)) as client:
        headers = {**factory.headers, "origin": "https://app.example.com"}
        row = client.post("/api/assets", files={"file": ("a.png", png())}, headers=headers).json()
        path = f"/api/assets/{row['id']}"
        for part in ("", "/content", "/history"):
            found = client.get(f"{path}{part}", headers=headers)
            assert (found.status_code, found.headers["access-control-allow-origin"]) == (200, "https://app.example.com")
        assert client.post(f"{path}/link", json={}, headers=headers).status_code == 200


def test_a_dry_run_keeps_neither_row_nor_bytes(
    client: Client, factory: Factory, db: Database, stored: Callable[[], list[Path]]
) -> None:
    headers = {**factory.headers, "Prefer": "tx=rollback, return=minimal"}
    assert client.post("/api/assets", files={"file": ("a.png", png())}, headers=headers).status_code == 201
    assert stored() == []
    assert db.query("SELECT count(*) FROM assets") == [(0,)]


def test_a_repeated_upload_answers_the_first_and_keeps_its_bytes_once(
    client: Client, factory: Factory, stored: Callable[[], list[Path]]
) -> None:
    headers = {**factory.headers, "Idempotency-Key": "upload-1"}
    first = client.post("/api/assets", files={"file": ("a.png", png())}, headers=headers)
    again = client.post("/api/assets", files={"file": ("a.png", png())}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(stored()) == 1
    other = client.post("/api/assets", files={"file": ("a.png", png(4))}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(stored()) == 1


def run_jobs(settings: Settings, db: Database) -> None:
    worker = wiring.worker(settings, db)
    while worker.run_one():
        pass


def test_purging_a_file_deletes_its_bytes_afterwards(
    upload: Callable[..., Any],
    client: Client,
    factory: Factory,
    db: Database,
    settings: Settings,
    stored: Callable[[], list[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved: list[tuple[Metric, int]] = []
    monkeypatch.setattr(actions_assets, "consume", lambda _, metric, by: moved.append((metric, by)))
    monkeypatch.setattr(actions_assets, "give_back", lambda _, metric, by: moved.append((metric, -by)))
    row, kept = upload(), upload()
    path = f"/api/assets/{row['id']}"
    client.delete(path, headers=factory.headers)
    run_jobs(settings, db)
    assert len(stored()) == 2
    assert client.post(f"{path}/purge", headers=factory.headers).status_code == 204
    size = len(png())
    assert [by for _, by in moved] == [size, size, -size]
    run_jobs(settings, db)
    assert len(stored()) == 1
    assert client.get(f"/api/assets/{kept['id']}/content", headers=factory.headers).status_code == 200
    with db.read(system()) as reads:
        assert [job.status for job in reads.rows(Job, kind="delete_file")] == ["succeeded"]


def test_bytes_that_another_row_names_are_not_deleted(
    upload: Callable[..., Any], db: Database, settings: Settings, factory: Factory, stored: Callable[[], list[Path]]
) -> None:
    upload()
    key = db.query("SELECT storage_key FROM assets")[0][0]
    payload = {"provider": "local", "bucket": None, "key": key}
    db.write(factory.actor, lambda tx: tx.enqueue("delete_file", payload, queue="files"))
    run_jobs(settings, db)
    assert len(stored()) == 1


def test_a_file_in_use_is_not_purged_and_keeps_its_bytes(
    upload: Callable[..., Any],
    client: Client,
    factory: Factory,
    db: Database,
    settings: Settings,
    stored: Callable[[], list[Path]],
) -> None:
    path, piece = f"/api/assets/{upload()['id']}", UUID(factory.create("content-pieces")["id"])
    asset_id, used = UUID(path.rpartition("/")[2]), db.catalog.models["piece_assets"]
    db.write(factory.actor, lambda tx: tx.insert(used, piece_id=piece, asset_id=asset_id, position=0))
    client.delete(path, headers=factory.headers)
    refused = client.post(f"{path}/purge", headers=factory.headers)
    assert (refused.status_code, refused.json()["dependants"]) == (409, "piece_assets")
    retain(db, {**KEPT, "trash_days": -1})
    run_jobs(settings, db)
    assert len(stored()) == 1
    with db.read(factory.actor) as reads:
        assert reads.get(Asset, asset_id, trash=True).purged_at is not None


def test_bytes_whose_row_was_never_made_are_found_by_the_sweep(
    upload: Callable[..., Any],
    client: Client,
    db: Database,
    factory: Factory,
    settings: Settings,
    stored: Callable[[], list[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = upload()

    def cut_off(*_: object, **__: object) -> None:
        raise OutcomeUnknown(reason="gone")

    with monkeypatch.context() as patched:
        patched.setattr(assets, "add_asset", cut_off)
        answer = client.post("/api/assets", files={"file": ("a.png", png())}, headers=factory.headers)
        assert answer.status_code == 503
    assert len(stored()) == 2
    outside = wiring.outside(settings)
    assert orphaned_files(db, outside=outside) == 0
    later = clock.now() + timedelta(days=1, seconds=5)
    monkeypatch.setattr("growbase.domains.marketing.tasks.clock.now", lambda: later)
    assert orphaned_files(db, outside=outside) == 1
    monkeypatch.undo()
    assert len(stored()) == 1
    assert client.get(f"/api/assets/{kept['id']}/content", headers=factory.headers).content == png()


def test_a_full_plan_refuses_the_file_and_its_bytes(
    client: Client, factory: Factory, stored: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Conflict("The plan is full.")

    monkeypatch.setattr(actions_assets, "consume", refuse)
    answer = client.post("/api/assets", files={"file": ("a.png", png())}, headers=factory.headers)
    assert (answer.status_code, stored()) == (409, [])


def test_a_file_that_is_missing_in_the_storage_is_not_found(
    upload: Callable[..., Any], client: Client, factory: Factory, stored: Callable[[], list[Path]]
) -> None:
    row = upload()
    stored()[0].unlink()
    assert client.get(f"/api/assets/{row['id']}/content", headers=factory.headers).status_code == 404


def test_a_file_of_another_storage_is_not_available_here(client: Client, factory: Factory, db: Database) -> None:
    stored = files.StoredFile("s3", "bucket", "key", "a.png", 1, "0" * 64, "image/png")
    id = db.write(factory.actor, lambda tx: actions_assets.add_asset(tx, stored=stored))
    assert client.get(f"/api/assets/{id}/content", headers=factory.headers).status_code == 503


def test_a_storage_that_does_not_answer_is_said_without_its_address(
    settings: Settings, db: Database, factory: Factory
) -> None:
    (settings.data_dir / "file").write_text("in the way")
    own = Settings(**{**settings.model_dump(), "assets_url": str(settings.data_dir / "file" / "assets")})
    with TestClient(build_app(own, db, SECRET)) as client:
        answer = client.post("/api/assets", files={"file": ("a.png", png())}, headers=factory.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert str(settings.data_dir) not in answer.text


def test_analysis_is_asked_for_by_people_and_moved_by_the_program(
    upload: Callable[..., Any], client: Client, factory: Factory, db: Database, tenant: Tenant
) -> None:
    row = upload()
    path = f"/api/assets/{row['id']}"
    for _ in range(2):
        asked = client.post(f"{path}/analyse", headers=factory.headers)
        assert (asked.status_code, asked.json()["analysis_status"]) == (202, "pending")
    assert db.query("SELECT count(*) FROM jobs WHERE kind = 'analyse_asset'") == [(1,)]
    by_hand = client.post(f"{path}/transition", json={"to": "processing"}, headers=factory.headers)
    assert (by_hand.status_code, by_hand.json()["code"]) == (409, "conflict")
    program = system("worker", tenant.owner.organization_id)
    for status in ("processing", "failed"):
        db.write(program, lambda tx, to=status: tx.transition(Asset, tx.rows(Asset)[0].id, to))
    again = client.post(f"{path}/analyse", headers=factory.headers)
    assert again.json()["analysis_status"] == "pending"


def test_an_upload_queues_its_analysis_unless_the_setting_says_otherwise(
    upload: Callable[..., Any], factory: Factory, settings: Settings, db: Database
) -> None:
    for _ in range(2):
        assert upload()["analysis_status"] == "pending"
    assert db.query("SELECT count(*) FROM jobs WHERE kind = 'analyse_asset'") == [(1,)]
    own = Settings(**{**settings.model_dump(), "asset_analysis": False})
    with TestClient(build_app(own, db, SECRET)) as client:
        answer = client.post("/api/assets", files={"file": ("b.txt", b"other")}, headers=factory.headers)
        assert (answer.status_code, answer.json()["analysis_status"]) == (201, "skipped")
        assert db.query("SELECT count(*) FROM jobs WHERE kind = 'analyse_asset'") == [(1,)]
        asked = client.post(f"/api/assets/{answer.json()['id']}/analyse", headers=factory.headers)
        assert (asked.status_code, asked.json()["analysis_status"]) == (202, "pending")


def test_the_description_says_that_a_file_is_sent_as_a_form(client: Client) -> None:
    description = client.get("/openapi.json").json()
    content = description["paths"]["/api/assets"]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]
    schema = description["components"]["schemas"]["AssetUpload"]
    assert schema["properties"]["file"] == {"format": "binary", "title": "File", "type": "string"}
    assert {"kind", "title", "tags", "campaign_id", "upload_source"} < set(schema["properties"])
    assert schema["required"] == ["file"]


def test_a_stream_of_many_small_pieces_is_one_file(client: Client, factory: Factory) -> None:
    def body() -> Iterator[bytes]:
        whole = FILE + b" world\r\n--x--\r\n"
        yield from (whole[place : place + 1] for place in range(len(whole)))

    row = client.post("/api/assets", content=body(), headers={**factory.headers, **FORM}).json()
    assert (row["size_bytes"], row["mime_type"]) == (11, "text/plain")
    assert (
        io.BytesIO(client.get(f"/api/assets/{row['id']}/content", headers=factory.headers).content).read(5) == b"hello"
    )


def test_a_file_shows_a_person_of_the_organization_and_an_avatar_its_user(
    upload: Callable[..., Any],
    client: Client,
    factory: Factory,
    stored: Callable[[], list[Path]],
    other_tenant: Tenant,
    tenant: Tenant,
    login_as: LoginAs,
) -> None:
    theirs = factory.db.write(other_tenant.owner, make_prospect)
    wrong = (str(theirs), str(other_tenant.owner.id), factory.create("brands")["id"])
    for id in wrong:
        file = {"file": ("a.png", png())}
        refused = client.post("/api/assets", files=file, data={"subject_id": id}, headers=factory.headers)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "subject_id"), refused.text
    assert stored() == []
    row = upload(kind="avatar", headers=login_as(tenant.member))
    assert row["subject_id"] == str(tenant.member.id)
    assert upload(kind="avatar", subject_id=str(tenant.viewer.id))["subject_id"] == str(tenant.viewer.id)
    assert upload()["subject_id"] is None
    path = f"/api/assets/{row['id']}"
    for id in wrong:
        refused = client.patch(path, json={"subject_id": id}, headers=factory.headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "foreign_key")
    for name in ("prospects", "founders", "tickets"):
        id = factory.create(name)["id"]
        assert client.patch(path, json={"subject_id": id}, headers=factory.headers).json()["subject_id"] == id
        found = client.get(f"/api/assets?subject_id={id}", headers=factory.headers).json()["data"]
        assert [item["id"] for item in found] == [row["id"]]
    assert client.patch(path, json={"subject_id": None}, headers=factory.headers).json()["subject_id"] is None


def test_a_file_that_was_erased_is_gone(upload: Callable[..., Any], client: Client, factory: Factory) -> None:
    prospect = factory.create("prospects", email="ada@example.com")
    path = f"/api/assets/{upload(subject_id=prospect['id'])['id']}"
    link = client.post(f"{path}/link", json={}, headers=factory.headers).json()["url"]
    address = {"email": "ada@example.com"}
    assert client.post("/api/privacy/erase", json=address, headers=factory.headers).status_code == 200
    for answer in (
        client.get(f"{path}/content", headers=factory.headers),
        client.head(f"{path}/content", headers=factory.headers),
        client.get(link.partition("/f/")[1] + link.partition("/f/")[2]),
        client.post(f"{path}/link", json={}, headers=factory.headers),
        client.post(f"{path}/analyse", headers=factory.headers),
        client.post(f"{path}/transition", json={"to": "pending"}, headers=factory.headers),
    ):
        assert answer.status_code == 410, answer.text
    row = client.get(path, headers=factory.headers).json()
    assert (row["original_filename"], row["erased_at"] is None) == ("[erased]", False)
    changed = client.get(f"{path}/history", headers=factory.headers).json()["data"]
    assert {change["action"] for change in changed} == {"insert", "erase"}
    client.delete(path, headers=factory.headers)
    assert client.post(f"{path}/purge", headers=factory.headers).status_code == 204
