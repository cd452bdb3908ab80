"""What a CSV file can be brought into: the fields of each kind of row, and how a file's rows become rows."""

import csv
import io
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from growbase.core.delimited import encoding_of, heading_of, records_of, without_apostrophe
from growbase.core.errors import FieldError, GrowbaseError, Invalid
from growbase.studio.visit import Visit
from growbase.studio.words import Words

MOST_BYTES: Final = 4 * 1024 * 1024
LISTED: Final = 200
"""Errors a page lists; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file that was read: its text, its heading and its rows with their lines, empty ones left out."""

    text: str
    heading: list[str]
    rows: list[tuple[int, list[str]]]

    def filled(self, targets: Sequence[str]) -> Iterable[tuple[int, dict[str, str]]]:
        """Yield each row's line and its cells by the field their column goes to; empty cells are left out."""
        for line, cells in self.rows:
            pairs = zip(targets, cells, strict=False)
            found = {name: without_apostrophe(cell.strip()) for name, cell in pairs if name and cell.strip()}
            yield line, found

    def renamed(self, targets: Sequence[str]) -> bytes:
        """Return the file with its columns called after the fields they go to; lines stay where they are."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(targets)
        at = 2
        for line, cells in self.rows:
            text.write("\n" * (line - at))
            writer.writerow([cell if target else "" for cell, target in zip(cells, targets, strict=False)])
            at = line + sum(cell.count("\n") for cell in cells) + 1
        return text.getvalue().encode()


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong in a line of a file."""

    line: int
    field: str
    text: str


@dataclass(slots=True)
class Report:
    """What an import did, or would do: how many rows became what, and what is wrong with the others."""

    counts: list[tuple[str, int]] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    wrong_lines: set[int] = field(default_factory=set)
    link: str = ""

    def refuse(self, words: Words, line: int, found: FieldError) -> None:
        """Note an error of a line."""
        self.wrong_lines.add(line)
        if len(self.errors) < LISTED:
            name, _, rest = found.field.partition(".")
            label = f"{words.label(name)} {rest}".strip() if name else ""
            self.errors.append(LineError(line, label, words.say(found.message, **found.params)))

    def refuse_all(self, words: Words, line: int, error: GrowbaseError) -> None:
        """Note all that an error says of a line."""
        for one in error.fields or (FieldError("", error.code, error.message, error.params),):
            self.refuse(words, line, one)


class RowsRefused(GrowbaseError):
    """Some rows are wrong, so nothing was written.

    Correct them, or leave them out.
    """

    code = "rows_refused"
    report: Report

    @classmethod
    def of(cls, report: Report) -> "RowsRefused":
        """Return the refusal of what a report lists."""
        found = cls()
        found.report = report
        return found


@dataclass(frozen=True, slots=True)
class Target:
    """A field that a column may fill, or several where it takes ``many``."""

    name: str
    label: str
    required: bool = False
    help: str = ""
    many: bool = False


Run = Callable[[Visit, Sheet, Sequence[str], "Choices"], Awaitable[Report]]


@dataclass(frozen=True, slots=True)
class Choices:
    """How rows are imported: wrong ones left out or all refused, only to look ahead, new words approved."""

    skip: bool = False
    dry: bool = True
    approve: bool = False


@dataclass(frozen=True, slots=True)
class Importer:
    """One kind of import."""

    targets: list[Target]
    run: Run
    most: int
    aliases: Mapping[str, str] = field(default_factory=dict)
    may_approve: bool = False

    def guess(self, heading: Sequence[str]) -> list[str]:
        """Return the field each column goes to by its name, empty where none is meant; each field once."""
        known = {heading_of(text): one.name for one in self.targets for text in (one.label, one.name)}
        known = {**self.aliases, **known}
        found: list[str] = []
        for cell in heading:
            name = known.get(heading_of(cell), "")
            found.append("" if name in found else name)
        return found


def read_sheet(content: bytes, most: int) -> Sheet:
    """Read a CSV file. Raises Invalid where it is none, or has more than ``most`` rows."""
    file = io.BytesIO(content)
    text = content.decode(encoding_of(file), "replace")
    if "\x00" in text:
        raise Invalid("This is no CSV file.")
    file = io.BytesIO(text.encode())
    rows: list[tuple[int, list[str]]] = []
    with closing(records_of(file)) as records:
        _, heading = next(records, (0, []))
        for line, cells in records:
            if not any(cell.strip() for cell in cells):
                continue
            rows.append((line, cells))
            if len(rows) > most:
                raise Invalid("The file has more than {max} rows: split it, or use the API.", max=most)
    if not any(cell.strip() for cell in heading):
        raise Invalid("The first line must name the columns.")
    return Sheet(text, [cell.strip() for cell in heading], rows)


def narrow(sheet: Sheet, report: Report, words: Words) -> None:
    """Note the rows that have more cells than the heading."""
    for line, cells in sheet.rows:
        if len(cells) > len(sheet.heading) and any(cell.strip() for cell in cells[len(sheet.heading) :]):
            params: dict[str, Any] = {"count": len(cells), "expected": len(sheet.heading)}
            report.refuse(
                words, line, FieldError("", "columns", "has {count} cells, the heading has {expected}", params)
            )
