"""Reading CSV files as spreadsheets write them: any encoding, delimiter and heading they use."""

import csv
import io
import re
from collections.abc import Generator, Iterator
from typing import IO, Final

from growbase.core.errors import Invalid
from growbase.core.folding import fold

DELIMITERS: Final = ",;\t|"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
Record = tuple[int, list[str]]


def records_of(file: IO[bytes]) -> Generator[Record, None, None]:
    """Yield each record of a file with the line it begins on; lines are those of a text editor.

    Close it where it is not read to its end, before the file. Raises Invalid where it can't be read.
    """
    text = io.TextIOWrapper(file, encoding=encoding_of(file), errors="replace", newline="")
    try:
        delimiter, start = _delimiter(text)
        yield from _records(text, delimiter, start)
    except csv.Error as error:
        raise Invalid.at("", "csv", "{reason}", reason=str(error)) from error
    finally:
        text.detach()


def heading_of(text: str) -> str:
    """Return the heading of a column for comparison: folded, its words with one space between them."""
    return " ".join(re.split(r"[\W_]+", fold(text))).strip()


def without_apostrophe(text: str) -> str:
    """Return a cell as it was: an export puts an apostrophe before what a spreadsheet would run."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text


def encoding_of(file: IO[bytes]) -> str:
    """Guess an encoding: what a mark at the beginning says, UTF-16 by its zeros, UTF-8 if it is, else Windows-1252."""
    head = file.read(4)
    file.seek(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head[1:2] == b"\0" and head[3:4] == b"\0":
        return "utf-16-le"
    if head[:1] == b"\0" and head[2:3] == b"\0":
        return "utf-16-be"
    decoder = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        while decoder.read(1 << 20):
            pass
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        decoder.detach()
        file.seek(0)
    return "utf-8-sig"


def _delimiter(text: io.TextIOWrapper) -> tuple[str, int]:
    """Return the delimiter, the most frequent one in the heading, and the lines before it: Excel may name it first."""
    first = text.readline()
    if named := re.fullmatch(r"sep=(.)\s*", first):
        return named[1], 1
    text.seek(0)
    plain = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=plain.count), 0


def _records(text: io.TextIOWrapper, delimiter: str, start: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it begins on."""
    csv.field_size_limit(16 * 1024 * 1024)
    reader = csv.reader(text, delimiter=delimiter)
    line = start + 1
    for record in reader:
        yield line, record
        line = start + reader.line_num + 1
