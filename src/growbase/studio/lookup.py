"""What is found while one types: the palette's resources and rows, and the rows a reference may name."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from growbase.api.call import Answer, json_answer
from growbase.core.errors import GrowbaseError
from growbase.core.folding import fold
from growbase.core.model import View, rule_of, table_of
from growbase.core.query import parse
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.statements import mark, plan_of
from growbase.studio.render import page
from growbase.studio.rows import columns_of, names_in, shown_fields, title_columns, title_of
from growbase.studio.visit import Visit

MOST: Final = 5
"""Rows of one resource in the palette."""
OPTIONS: Final = 50
MOST_SEARCHED: Final = 24


async def called(visit: Visit, resource: Resource, row: Mapping[str, Any]) -> str:
    """Return what a row is called, looking up the names it refers to where it has none of its own."""
    if title_columns(resource.model):
        return title_of(visit.words, resource, row)
    columns = columns_of(resource)
    names = await visit.read(lambda reads: names_in(reads, [row], columns), snapshot=False)
    return title_of(visit.words, resource, row, names)


async def search(visit: Visit) -> Answer:
    """Show the resources and rows that match what was typed."""
    words, text = visit.words, visit.query.get("q", "").strip()
    folded = fold(text)
    readable = visit.readable()
    resources = [one for one in readable if not folded or folded in fold(words.title(one))][:8]
    found: list[tuple[Resource, list[tuple[str, str]]]] = []
    if len(text) > 1:
        searched = [one for one in readable if one.search and not issubclass(one.model, View)][:MOST_SEARCHED]
        found = await visit.api.database.aread(lambda: [(one, _found(visit, one, text)) for one in searched])
    return page(visit, "palette.html", resources=resources, found=[pair for pair in found if pair[1]], text=text)


def _found(visit: Visit, resource: Resource, text: str) -> list[tuple[str, str]]:
    """Return the rows of one resource for the palette; one that can't be searched now must not hide the others."""
    try:
        return rows_like(visit, resource, text, MOST)
    except GrowbaseError:
        return []


async def options(visit: Visit, resource: Resource) -> Answer:
    """Return the rows a reference may name, as JSON for the form's picker."""
    visit.require(resource.read)
    text = visit.query.get("q", "").strip()
    found = await visit.api.database.aread(lambda: rows_like(visit, resource, text, OPTIONS))
    return json_answer([{"id": id, "name": name} for id, name in found])


def rows_like(visit: Visit, resource: Resource, text: str, limit: int) -> list[tuple[str, str]]:
    """Return id and name of rows whose words or name match, the newest where nothing is asked."""
    titles = title_columns(resource.model)
    pairs: list[tuple[str, str]] = [("limit", str(limit)), ("fields", ",".join(shown_fields(resource, ())))]
    if text and resource.search:
        pairs.append(("q", text))
    elif text and titles and rule_of(table_of(resource.model).columns[titles[0]]).kind == "text":
        pairs.append((titles[0], f"ilike.*{text}*"))
    elif text:
        return []
    query = parse(visit.api.catalog, resource, urlencode(pairs))
    rows: list[dict[str, Any]] = [json.loads(row) for row in visit.api.reader.page(visit.by, resource, query).rows]
    return [(str(row[resource.key]), title_of(visit.words, resource, row)) for row in rows]


def members(reads: Reads) -> list[tuple[str, str]]:
    """Return id and name of the organization's active members."""
    plan = plan_of(reads.context.catalog.models["memberships"], reads.engine)
    terms, params = reads.scope_terms(plan, anywhere=False)
    sql = (
        f"SELECT u.id, u.full_name, u.email FROM memberships t JOIN users u ON u.id = t.user_id "
        f"WHERE {' AND '.join(terms)} AND t.status = {mark(reads.engine)} ORDER BY u.email LIMIT 200"
    )
    return [(str(id), name or email) for id, name, email in reads.execute(sql, [*params, "active"]).fetchall()]
