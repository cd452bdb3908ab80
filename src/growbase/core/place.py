"""Where the data is after a move: the file ``database`` in the data folder, which counts more than the old address."""

import json
import os
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from growbase.core.database_url import mask_url, parse_database_url

FILE: Final = "database"


class Place(NamedTuple):
    """The address of the data, the locations it has had before, and since when it is there."""

    url: str
    origins: tuple[str, ...]
    since: str

    def text(self) -> str:
        """Return the place as the file holds it."""
        return json.dumps({"url": self.url, "origins": list(self.origins), "since": self.since}, indent=2) + "\n"

    def shown(self) -> str:
        """Return the address for people, its password masked."""
        return mask_url(self.url)


def parse_place(text: str) -> Place:
    """Read what ``Place.text`` wrote. Raises ValueError."""
    found = json.loads(text)
    try:
        place = Place(str(found["url"]), tuple(map(str, found["origins"])), str(found["since"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"has no {error}") from error
    parse_database_url(place.url)
    return place


def location(url: str) -> str:
    """Return what tells a database from others, whoever logs in: host, port, name and schema, or the file's path."""
    found = parse_database_url(url)
    if found.url.startswith("sqlite:"):
        return f"sqlite:///{Path(found.url.removeprefix('sqlite:///')).absolute()}"
    parts = urlsplit(found.url)
    hosts = parts.netloc.rpartition("@")[2]
    hosts = hosts if ":" in hosts else f"{hosts or 'localhost'}:5432"
    return f"postgresql://{hosts}{parts.path}" + (f"?schema={found.schema}" if found.schema else "")


def read_place(folder: Path) -> Place | None:
    """Read the file in a data folder; None without one. Raises ValueError where it can't be understood."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"can't be read: {error.strerror}") from error
    return parse_place(text)


def write_place(folder: Path, place: Place) -> None:
    """Write the file durably, all or nothing; it may hold a password, so only its owner reads it."""
    draft = folder / f".{FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(place.text())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / FILE)
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def signature(folder: Path) -> tuple[int, int] | None:
    """Return what changes whenever the file is written anew, None without one."""
    try:
        found = os.stat(f"{folder}/{FILE}")  # noqa: PTH116 -- asked at every read, where Path.stat takes twice as long
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
