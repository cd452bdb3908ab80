"""Serving a stored file: validators, a single range, and headers under which nothing in it can run."""

import asyncio
import re
from urllib.parse import quote

from growbase.api.call import Answer, Call
from growbase.api.problems import problem
from growbase.core.errors import RangeNotSatisfiable
from growbase.core.file_types import INLINE
from growbase.core.files import FileStore

SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
}
_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")


async def file_answer(
    call: Call, files: FileStore, key: str, *, size: int, mime_type: str, name: str, tag: str
) -> Answer:
    """Return the answer to a request for a file: whole (200), a part (206), unchanged (304) or out of it (416)."""
    headers = {**SAFE_HEADERS, "etag": tag}
    known = {part.strip().removeprefix("W/") for part in call.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Answer(304, headers=headers)
    span = wanted_range(call, size, tag)
    if span is None:
        status, (start, end) = 200, (0, size)
    else:
        status, (start, end) = 206, span
        if start >= end:
            error = RangeNotSatisfiable(limit=size)
            refused, own, body = problem(error, call.language, call.request_id)
            return Answer(refused, body, {**own, "content-range": f"bytes */{size}"})
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    headers |= {
        "content-length": str(end - start),
        "content-type": f"{mime_type}; charset=utf-8" if mime_type.startswith("text/") else mime_type,
        "content-disposition": disposition(name, inline=mime_type in INLINE),
    }
    if call.method == "HEAD":
        return Answer(status, headers=headers, stream=iter(()))
    return Answer(status, headers=headers, stream=await asyncio.to_thread(files.read, key, start, end))


def wanted_range(call: Call, size: int, tag: str) -> tuple[int, int] | None:
    """Return the first byte asked for and the one after the last (RFC 9110, 14.2), None for the whole file.

    Several ranges, or what is no range, are answered with the whole; so is a range of another version (If-Range).
    """
    found = _RANGE.fullmatch(call.headers.get("range", ""))
    if call.method != "GET" or found is None or call.headers.get("if-range", tag) != tag:
        return None
    first, last = found[1], found[2]
    if not first and not last:
        return None
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size


def disposition(name: str, *, inline: bool) -> str:
    """Return Content-Disposition with a name any client reads (RFC 6266, appendix D)."""
    plain = re.sub(
        r"[^ !#$&+.0-9A-Z^_`a-z{}~()\[\]=,@-]", "_", name.encode("ascii", "replace").decode().replace("?", "_")
    )
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
