"""Copies of a SQLite file that are taken before its schema changes, and put back if that fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

KEPT = 5
"""Copies that are kept of one file."""
PAGES = 2_000
"""Pages copied at once; in between other threads of the process get their turn."""


def take_copy(path: Path, why: str) -> Path:
    """Copy the file at ``path`` into the folder ``backups`` beside it and return where; the newest copies are kept.

    Raises Unavailable.
    """
    folder = path.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"{path.stem}-before-{why}-{stamp()}.db"
    copy_file(path, copy)
    for old in sorted(folder.glob(f"{path.stem}-before-*.db"), key=lambda found: found.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)
    return copy


def stamp() -> str:
    """Return now as a part of file names that sorts by time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")


def copy_file(path: Path, copy: Path, progress: Callable[[int, int], None] = lambda *_: None) -> None:
    """Copy a SQLite file to ``copy`` while others read and write it. Raises Unavailable."""
    import pysqlite3

    from growbase.core.sqlite_connection import connect, translated

    source, target = connect(path, read_only=True), pysqlite3.connect(str(copy))
    try:
        copy.chmod(0o600)
        target.execute("PRAGMA synchronous = OFF")
        # In one read transaction: without it every write of another connection would begin the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master")
        source.backup(target, pages=PAGES, progress=lambda _, left, total: progress(total - left, total), sleep=0)
    except pysqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise translated(error) from error
    finally:
        target.close()
        source.close()


def put_back(copy: Path | None, path: Path) -> None:
    """Make the file at ``path`` equal to ``copy``, or empty, in one transaction that its readers see as any other."""
    import pysqlite3

    from growbase.core.sqlite_connection import connect, translated

    target = connect(path)
    source = pysqlite3.connect(str(copy) if copy else ":memory:")
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode = WAL")
    except pysqlite3.Error as error:
        raise translated(error) from error
    finally:
        source.close()
        target.close()


@contextmanager
def restored_on_failure(path: Path, copy: Path) -> Iterator[None]:
    """Put the copy back if the block raises after something of it was committed; call with the file lock held."""
    from growbase.core.sqlite_connection import connect

    watcher = connect(path, read_only=True)
    try:
        before = watcher.execute("PRAGMA data_version").fetchone()
        try:
            yield
        except BaseException:
            if watcher.execute("PRAGMA data_version").fetchone() != before:
                put_back(copy, path)
            raise
    finally:
        watcher.close()
