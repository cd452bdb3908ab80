"""The list of a resource: one page of rows by its address, with filters, columns, order and what can be done."""

import json
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode

from growbase.api.call import Answer
from growbase.core.errors import InvalidQuery
from growbase.core.model import View
from growbase.core.query import Query, parse
from growbase.core.reads import Reads
from growbase.core.resource import Resource, Verb
from growbase.core.schema import update_schema
from growbase.studio import filters, views
from growbase.studio.render import page
from growbase.studio.rows import (
    Column,
    chosen,
    columns_of,
    names_by_id,
    names_in,
    shortened,
    shown_fields,
    title_columns,
    title_of,
)
from growbase.studio.visit import Visit, with_query

LIMIT: Final = 25
EDIT: Final = "edit"
"""The bulk action that gives many rows the same values."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows with all that showing them takes."""

    resource: Resource
    columns: list[Column]
    rows: list[Row]
    titles: dict[str, str]
    names: dict[str, str]
    next_cursor: str | None = None
    total: int | None = None
    order: dict[str, bool] = field(default_factory=dict)


async def show(visit: Visit, resource: Resource) -> Answer:
    """Show the rows an address asks for."""
    visit.require(resource.read)
    pairs = visit.pairs
    if any(name.startswith(filters.PREFIX) for name, _ in pairs):
        return visit.go(with_query(visit.call.path, filters.canonical(visit.words, resource, pairs)))
    if not pairs and (chosen_view := await views.default_address(visit, resource)):
        return visit.go(chosen_view)
    refusal: InvalidQuery | None = None
    try:
        listing = await load(visit, resource, pairs)
    except InvalidQuery as error:
        refusal, listing = error, Listing(resource, picked(resource, visit.query), [], {}, {})
    wanted = filters.referred(resource, pairs)
    found = await visit.read(lambda reads: _all_names(reads, wanted)) if wanted else {}
    kept = [(name, value) for name, value in pairs if name not in {"cursor", "lang"}]
    return page(
        visit,
        "list.html",
        400 if refusal else 200,
        resource=resource,
        listing=listing,
        refusal=refusal,
        chips=filters.chips(visit.words, resource, pairs, found),
        offered=filters.filterable(resource),
        set_values=filters.current_values(pairs),
        choices=columns_of(resource),
        pairs=kept,
        address=lambda **changes: address(visit, kept, changes),
        without=lambda chip: with_query(visit.call.path, chip.without),
        is_view=issubclass(resource.model, View),
        trash=visit.query.get("trash") == "only",
        editable=frozenset() if visit.query.get("trash") == "only" else editable(visit, resource),
        verbs=verbs_on(visit, resource, "collection"),
        bulk=bulk_actions(visit, resource, in_trash=visit.query.get("trash") == "only"),
        saved=await views.listed(visit, resource),
        export=f"/studio/{resource.name}/export?{urlencode(filters.for_reader(kept))}",
    )


def address(visit: Visit, pairs: filters.Pairs, changes: dict[str, str]) -> str:
    """Return the list's address with some parameters changed; an empty value takes one away."""
    rest = [(name, value) for name, value in pairs if name not in changes]
    return with_query(visit.call.path, [*rest, *changes.items()])


def picked(resource: Resource, query: dict[str, str]) -> list[Column]:
    """Return the columns an address asks for, else those worth showing."""
    known = {column.name: column for column in columns_of(resource)}
    wanted = [name for name in query.get("columns", "").split(",") if name in known]
    names = wanted or [name for name in chosen(resource) if name in known]
    titles = title_columns(resource.model)
    return [known[name] for name in dict.fromkeys(names) if name not in titles]


async def load(visit: Visit, resource: Resource, pairs: filters.Pairs, *, limit: int = LIMIT) -> Listing:
    """Read one page of rows. Raises InvalidQuery."""
    query_pairs = [pair for pair in filters.for_reader(pairs) if pair != ("limit", "")]
    given = dict(query_pairs)
    columns = picked(resource, dict(pairs))
    fields = ",".join(shown_fields(resource, [column.name for column in columns]))
    text = urlencode([*(pair for pair in query_pairs if pair[0] != "fields"), ("fields", fields)])
    query = parse(visit.api.catalog, resource, text)
    if "limit" not in given:
        query = replace(query, limit=limit)
    reader, actor = visit.api.reader, visit.by

    def read() -> Listing:
        found = reader.page(actor, resource, query)
        rows = [shortened(json.loads(row)) for row in found.rows]
        with visit.api.database.read(actor) as reads:
            names = names_in(reads, rows, columns)
        titles = {str(row[resource.key]): title_of(visit.words, resource, row, names) for row in rows}
        total = _total(visit, resource, query) if dict(pairs).get("count") else None
        order = dict(query.shape.sort[:1])
        return Listing(resource, columns, rows, titles, names, found.next_cursor, total, order)

    return await visit.api.database.aread(read)


def _total(visit: Visit, resource: Resource, query: Query) -> int:
    counted = replace(query, options=(("aggregate", "count()"),))
    return int(visit.api.reader.aggregate(visit.by, resource, counted)[0]["count"])


def _all_names(reads: Reads, wanted: dict[str, set[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for table, ids in wanted.items():
        found |= names_by_id(reads, table, ids)
    return found


def editable(visit: Visit, resource: Resource) -> frozenset[str]:
    """Return the columns the visitor may change one by one."""
    if not resource.editable or not visit.may(resource.write):
        return frozenset()
    return frozenset(update_schema(resource.name, resource.model).model.model_fields)


def verbs_on(visit: Visit, resource: Resource, on: str) -> dict[str, Verb]:
    """Return the actions the visitor may start, on a row or on the collection."""
    return {name: verb for name, verb in resource.verbs.items() if verb.on == on and visit.may(verb.role)}


def bulk_actions(visit: Visit, resource: Resource, *, in_trash: bool) -> list[tuple[str, str]]:
    """Return what can be done with many rows at once: the value of its button and what it says."""
    words = visit.words
    found = []
    if resource.trashable and resource.deletable and visit.may(resource.delete):
        if in_trash:
            return [("restore", words.say("Restore"))]
        found.append(("trash", words.say("Move to trash")))
    if resource.transitions and visit.may(resource.write):
        states = dict.fromkeys(state.value for targets in resource.transitions.values() for state in targets)
        found += [(f"to:{state}", "→ " + words.label(state)) for state in sorted(states)]
    if resource.editable and visit.may(resource.write) and not in_trash:
        found.append((EDIT, words.say("Change fields …")))
    return found
