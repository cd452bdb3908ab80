"""What commands print: lines, tables and JSON on standard output."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

UNITS = ("bytes", "kB", "MB", "GB", "TB")
STEP = 1024


def say(text: str = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def warn(text: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"warning: {text}\n")


def say_json(document: object) -> None:
    """Print a document as JSON."""
    say(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print rows under headings; numbers stand on the right."""
    from rich.console import Console
    from rich.table import Table

    cells = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        is_number = bool(cells) and all(isinstance(row[place], int) for row in cells)
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    # A pipe has no width, and a cut value would be a wrong one.
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)


def size(count: int) -> str:
    """Return a number of bytes as people write it."""
    amount, unit = float(count), 0
    while amount >= STEP and unit < len(UNITS) - 1:
        amount, unit = amount / STEP, unit + 1
    return f"{amount:.0f} {UNITS[unit]}" if unit == 0 else f"{amount:.1f} {UNITS[unit]}"


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how much is done of how much: a bar on a terminal, nothing in a pipe."""
    from rich.progress import Progress

    with Progress(disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
