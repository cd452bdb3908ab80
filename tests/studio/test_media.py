"""The media library, without scripts: files taken in, shown, found, and where they are used."""

import struct
import zlib

from growbase.api.call import COOKIE
from growbase.core.database import Database
from growbase.core.transaction import Transaction
from growbase.domains.social.actions_pieces import set_piece_assets
from growbase.ops.privacy import erase, find_person
from tests.api.factories import Client
from tests.domains.outreach.factories import make_prospect
from tests.domains.social.factories import make_account, make_piece
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(shade: int = 0) -> bytes:
    """Return a PNG of 2 by 3 pixels."""
    head = struct.pack(">IIBBBBB", 2, 3, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + bytes([shade, shade])) * 3)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def send(
    browser: Browser, content: bytes | None, name: str = "dot.png", token: str | None = None, status: int = 303
) -> str:
    """Send the upload's form as a browser does: the token first."""
    parts = [("csrf", (None, browser.token if token is None else token)), ("upload_source", (None, "web_upload"))]
    files: list[tuple[str, tuple[str | None, str | bytes]]] = [*parts, ("file", (name, content or b""))]
    answer = browser.client.post("/studio/media", files=files, headers=browser.cookie, follow_redirects=False)
    assert answer.status_code == status, answer.text[-2_000:]
    return str(answer.headers.get("location", answer.text))


def test_a_file_is_taken_in_shown_and_counted_as_no_download(browser: Browser) -> None:
    place = send(browser, picture()).removeprefix("/studio")
    page = browser.get(place)
    assert "dot.png" in page
    assert "2\u00d73" in page
    assert "Missing: describe it" in page
    assert "Nowhere yet." in page
    answer = browser.client.get(f"/studio{place}/file", headers=browser.cookie)
    assert answer.content == picture()
    assert answer.headers["content-type"] == "image/png"
    again = {**browser.cookie, "if-none-match": answer.headers["etag"]}
    assert browser.client.get(f"/studio{place}/file", headers=again).status_code == 304
    id = place.rpartition("/")[2]
    row = browser.client.get(f"/api/assets/{id}", headers=browser.api_headers).json()
    assert (row["download_count"], row["upload_source"]) == (0, "web_upload")


def test_what_is_no_file_is_refused_with_a_note(browser: Browser) -> None:
    assert send(browser, None) == "/studio/media"
    assert browser.client.get("/api/assets", headers=browser.api_headers).json()["data"] == []
    answer = browser.client.post(
        "/studio/brands/new", files=[("csrf", (None, browser.token))], headers=browser.cookie, follow_redirects=False
    )
    assert answer.status_code == 415


def test_a_token_is_asked_for_before_the_file_is_read(browser: Browser, client: Client) -> None:
    send(browser, picture(), token="wrong", status=403)
    files = [("file", ("dot.png", picture())), ("csrf", (None, browser.token))]
    answer = client.post("/studio/media", files=files, headers=browser.cookie, follow_redirects=False)
    assert answer.status_code == 403
    stranger = client.post("/studio/media", files=files, headers={"cookie": f"{COOKIE}=nobody"}, follow_redirects=False)
    assert stranger.headers["location"].startswith("/studio/login")
    assert browser.client.get("/api/assets", headers=browser.api_headers).json()["data"] == []


def test_a_token_may_be_a_header(browser: Browser) -> None:
    headers = {**browser.cookie, "x-csrf-token": browser.token}
    files = [("file", ("dot.png", picture())), ("csrf", (None, "of no meaning"))]
    answer = browser.client.post("/studio/media", files=files, headers=headers, follow_redirects=False)
    assert answer.status_code == 303
    assert len(browser.client.get("/api/assets", headers=browser.api_headers).json()["data"]) == 1


def test_files_are_found_and_tell_where_they_are_used(browser: Browser, db: Database, tenant: Tenant) -> None:
    first = send(browser, picture(1), "first.png").rpartition("/")[2]
    second = send(browser, picture(1), "second.png").rpartition("/")[2]
    headers = browser.api_headers
    browser.client.patch(f"/api/assets/{first}", json={"tags": ["spring"], "title": "Opening"}, headers=headers)
    assert "first.png" not in browser.get("/media?q=second")
    assert "second.png" not in browser.get("/media?tag=spring&kind=image&from=2020-01-01")
    assert "Opening" in browser.get("/media?tag=spring&kind=image&from=2020-01-01")
    assert "Nothing matches." in browser.get("/media?to=2020-01-01")
    browser.get("/media?kind=nonsense", status=400)
    browser.get("/media?from=yesterday", status=400)
    assert "Opening" in browser.get(f"/media/{second}")

    db.write(
        tenant.owner,
        lambda tx: set_piece_assets(tx, id=make_piece(tx, title="Uses it"), assets=[{"asset_id": first}]),
    )
    page = browser.get(f"/media/{first}")
    assert "Uses it" in page
    assert "second.png" in page


def test_a_viewer_looks_and_others_see_nothing(
    browser: Browser, sign_in: SignIn, tenant: Tenant, other_tenant: Tenant
) -> None:
    place = send(browser, picture()).removeprefix("/studio")
    viewer = sign_in(tenant.viewer)
    assert "dot.png" in viewer.get("/media")
    assert 'type="file"' not in viewer.get("/media")
    send(viewer, picture(), status=403)
    stranger = sign_in(other_tenant.owner)
    stranger.get(place, status=404)
    stranger.get(f"{place}/file", status=404)


def test_it_is_said_whom_a_file_shows_and_an_erased_one_breaks_no_page(
    browser: Browser, db: Database, tenant: Tenant
) -> None:
    place = send(browser, picture(), "lovelace.png").removeprefix("/studio")
    id = place.rpartition("/")[2]

    def unit(tx: Transaction) -> str:
        make_prospect(tx, email="ada@example.com", first_name="Ada", last_name="Lovelace")
        make_account(tx)
        return str(set_piece_assets(tx, id=make_piece(tx), assets=[{"asset_id": id}]))

    piece = db.write(tenant.owner, unit)
    assert "Nobody, as far as is known." in browser.get(place)
    for address in ("bob@example.com", ""):
        assert browser.post(f"{place}/shows", {"address": address}).startswith(f"/studio{place}")
        assert "Nobody, as far as is known." in browser.get(place)
    browser.post(f"{place}/shows", {"address": " ADA@example.com"})
    assert ">Ada Lovelace</a>" in browser.get(place)
    erase(db, find_person(db, "ada@example.com", tenant.owner.organization_id))
    page = browser.get(place)
    assert "The file was erased with the data of the person it shows." in page
    assert "<img" not in page.partition("file-page")[2]
    assert ">Download<" not in page
    assert "Erased file" in browser.get("/media")
    preview = browser.get(f"/content-pieces/{piece}?tab=preview")
    assert "Erased file was erased with the data of the person it shows" in " ".join(preview.split())
    assert f"{place}/file" not in preview
    browser.get(f"{place}/file", status=410)
