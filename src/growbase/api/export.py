"""Every matching row as newline-delimited JSON or CSV, streamed a page at a time."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import chain

from growbase.api.call import Answer
from growbase.core.actor import Actor
from growbase.core.pages import Reader
from growbase.core.query import Query, bad
from growbase.core.resource import Resource
from growbase.core.types import compact_json

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings a spreadsheet would run as a formula."""


def export(reader: Reader, actor: Actor, resource: Resource, query: Query) -> Answer:
    """Return the rows as a file; the first page is read before the answer begins. Raises InvalidQuery."""
    kind = query.option("format") or "ndjson"
    if kind not in {"ndjson", "csv"}:
        raise bad("format", "must be ndjson or csv")
    names = list(query.shape.fields) or [column.name for column in resource.public]
    pages = reader.export(actor, resource, query)
    chunks = _csv(pages, names) if kind == "csv" else _ndjson(pages)
    content_type = "text/csv; charset=utf-8; header=present" if kind == "csv" else "application/x-ndjson"
    headers = {"content-disposition": f'attachment; filename="{resource.name}.{kind}"'}
    return Answer(200, headers=headers, content_type=content_type, stream=chain([next(chunks)], chunks))


def _ndjson(pages: Iterator[list[str]]) -> Iterator[bytes]:
    for page in pages:
        yield "".join(f"{row}\n" for row in page).encode()


def _csv(pages: Iterator[list[str]], names: list[str]) -> Iterator[bytes]:
    head = [names]
    for page in pages:
        rows = [json.loads(row) for row in page]
        out = io.StringIO()
        csv.writer(out).writerows([*head, *([_cell(row.get(name)) for name in names] for row in rows)])
        head = []
        yield out.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return compact_json(value)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text
