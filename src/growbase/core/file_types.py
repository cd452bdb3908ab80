"""What a file is, told from its first bytes: nobody's word is taken for it."""

import codecs
from io import BytesIO
from pathlib import PurePath
from typing import Final, NamedTuple

HEAD: Final = 256 * 1024
"""Bytes at the beginning of a file that are looked at; photographs have their size behind their metadata."""
UNKNOWN: Final = "application/octet-stream"
INLINE: Final = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"),
        *("video/mp4", "video/webm", "video/quicktime", "audio/mpeg", "audio/ogg", "audio/wav", "text/plain"),
    }
)
"""What a browser may show in place; everything else is offered for saving, for it might run."""

_SURE: Final = 0.4
_MARKUP: Final = (
    (b"<!doctype html", "text/html"),
    (b"<html", "text/html"),
    (b"<head", "text/html"),
    (b"<body", "text/html"),
    (b"<script", "text/html"),
    (b"<svg", "image/svg+xml"),
)
_TEXTS: Final = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".htm": "text/html",
    ".html": "text/html",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
    ".vtt": "text/vtt",
    ".xml": "application/xml",
}
_BRANDS: Final = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}
_ALIASES: Final = {"image/x-ms-bmp": "image/bmp", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav"}


class FileType(NamedTuple):
    """A file's media type, and the size in pixels of a picture."""

    mime_type: str
    width: int | None
    height: int | None


def examine(head: bytes, name: str) -> FileType:
    """Return what the first bytes of a file show; its name only tells apart what has no signature, such as texts."""
    mime_type = _text_type(head, name) if _is_text(head) else _binary_type(head, name)
    width, height = _pixels(head) if mime_type.startswith("image/") and mime_type != "image/svg+xml" else (None, None)
    return FileType(mime_type, width, height)


def _is_text(head: bytes) -> bool:
    if any(byte < 9 or 13 < byte < 27 for byte in head[:1024]):  # noqa: PLR2004 -- controls other than line ends
        return False
    try:
        # The last character may be cut in two.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _text_type(head: bytes, name: str) -> str:
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"{\\rtf"):
        return "application/rtf"
    start = head[:1024].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    for marker, mime_type in _MARKUP:
        if start.startswith(marker) or (start.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and marker in start):
            return mime_type
    if start.startswith(b"<?xml"):
        return "application/xml"
    return _TEXTS.get(PurePath(name).suffix.lower(), "text/plain")


def _binary_type(head: bytes, name: str) -> str:
    import puremagic

    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return _BRANDS[head[8:12]]
    try:
        found = puremagic.magic_string(head, name)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    sure = [match.mime_type for match in found if match.mime_type and match.confidence >= _SURE]
    # Whatever a library's table says: what is no text is shown as none.
    likely = next((mime_type for mime_type in sure if not mime_type.startswith("text/")), UNKNOWN)
    return _ALIASES.get(likely, likely)


def _pixels(head: bytes) -> tuple[int | None, int | None]:
    import imagesize  # type: ignore[import-untyped]

    try:
        width, height = imagesize.get(BytesIO(head))
    except Exception:  # noqa: BLE001 -- a picture that is broken has no size, whatever the library trips over
        return None, None
    return (int(width), int(height)) if width > 0 and height > 0 else (None, None)
