"""Every matching row as newline-delimited JSON or CSV."""

import csv
import io
import json
from collections.abc import Iterator

from growbase.api.call import Answer
from growbase.core.actor import Actor
from growbase.core.pages import Reader
from growbase.core.query import Query, bad
from growbase.core.resource import Resource
from growbase.core.types import compact_json

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings a spreadsheet would run as a formula."""
ROW_CAP = 100_000


def export(reader: Reader, actor: Actor, resource: Resource, query: Query) -> Answer:
    """Return the rows as a file. Raises InvalidQuery for an unknown format or more than ROW_CAP rows."""
    kind = query.option("format") or "ndjson"
    if kind not in {"ndjson", "csv"}:
        raise bad("format", "must be ndjson or csv")
    rows = _capped(reader.export(actor, resource, query))
    names = list(query.shape.fields) or [column.name for column in resource.public]
    body = _csv(rows, names) if kind == "csv" else "".join(f"{row}\n" for row in rows)
    content_type = "text/csv; charset=utf-8; header=present" if kind == "csv" else "application/x-ndjson"
    headers = {"content-disposition": f'attachment; filename="{resource.name}.{kind}"'}
    return Answer(200, body.encode(), headers, content_type=content_type)


def _capped(rows: Iterator[str]) -> Iterator[str]:
    for count, row in enumerate(rows):
        if count >= ROW_CAP:
            raise bad("", "matches more than {max} rows: export in parts with a filter", max=ROW_CAP)
        yield row


def _csv(rows: Iterator[str], names: list[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    for row in rows:
        values = json.loads(row)
        writer.writerow([_cell(values.get(name)) for name in names])
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return compact_json(value)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text
