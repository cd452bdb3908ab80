"""Studio's own and fetched files, served under names that hold their hash, so that browsers keep them for good."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from growbase.api.call import Answer
from growbase.core.errors import NotConfigured, NotFound

FOLDER: Final = Path(__file__).resolve().parent / "static"
FOREVER: Final = "public, max-age=31536000, immutable"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@cache
def url_of(name: str) -> str:
    """Return the address of a file, which changes with its content. Raises NotConfigured where it was never built."""
    path = FOLDER / name
    if not path.is_file():
        raise NotConfigured(reason=f"Studio's file {name} is missing: run make assets")
    return f"/studio/static/{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}/{name}"


def serve(path: str) -> Answer:
    """Answer with a file by its address behind ``/studio/static/``. Raises NotFound."""
    _, _, name = path.partition("/")
    known = {str(found.relative_to(FOLDER)): found for found in FOLDER.rglob("*") if found.suffix in TYPES}
    if name not in known:
        raise NotFound(what="page")
    kept = FOREVER if url_of(name).endswith(f"/{path}") else "no-cache"
    found = known[name]
    return Answer(200, found.read_bytes(), {"cache-control": kept}, content_type=TYPES[found.suffix])
