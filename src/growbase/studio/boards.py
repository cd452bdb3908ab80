"""The board of a resource with states: a column for each state, the cards in it, and where a card may go."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode

from growbase.api.call import Answer
from growbase.core.errors import InvalidQuery, NotFound
from growbase.core.query import Query, parse
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.studio import filters, views
from growbase.studio.lists import address
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

CARDS: Final = 25
"""Cards of one state; the rest is in the list."""
COUNTED: Final = 1_000
TOLD: Final = 3
"""Fields of a card beside its title."""
LEFT_OUT: Final = frozenset({"cursor", "lang", "limit", "columns", "density", "count", "trash", "page"})
PEOPLE: Final = ("assignee_user_id", "owner_user_id", "owner_id", "user_id")
KINDS: Final = frozenset({"choice", "reference", "boolean"})
"""The kinds of columns a board filters by."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One state of a board: its cards, how many rows are in it, and the states a card may go to from here."""

    state: str
    rows: list[dict[str, Any]]
    count: int
    ways: tuple[str, ...]
    is_folded: bool


async def show(visit: Visit, resource: Resource) -> Answer:
    """Show the rows an address asks for by their state."""
    visit.require(resource.read)
    if not resource.transitions:
        raise NotFound(what="page")
    if any(name.startswith(filters.PREFIX) for name, _ in visit.pairs):
        return visit.go(with_query(visit.call.path, filters.canonical(visit.words, resource, visit.pairs)))
    pairs = [(name, value) for name, value in visit.pairs if name not in LEFT_OUT]
    columns = told(resource)
    person = next((column for column in columns_of(resource) if column.name in PEOPLE), None)
    refusal: InvalidQuery | None = None
    try:
        lanes = await visit.api.database.aread(lambda: _lanes(visit, resource, pairs, [*columns, person]))
    except InvalidQuery as error:
        refusal, lanes = error, []
    rows = [row for lane in lanes for row in lane.rows]
    wanted = filters.referred(resource, pairs)
    referring = [column for column in (*columns, person) if column is not None]
    names = await visit.read(lambda reads: names_in(reads, rows, referring))
    filter_names = await visit.read(lambda reads: _names(reads, wanted)) if wanted else {}
    return page(
        visit,
        "board.html",
        400 if refusal else 200,
        resource=resource,
        lanes=lanes,
        columns=columns,
        person=person,
        names=names,
        titles={str(row["id"]): title_of(visit.words, resource, row, names) for row in rows},
        refusal=refusal,
        chips=filters.chips(visit.words, resource, pairs, filter_names),
        without=lambda chip: with_query(visit.call.path, chip.without),
        offered=[one for one in filters.filterable(resource) if one.kind in KINDS and one.name != resource.state],
        set_values=filters.current_values(pairs),
        pairs=pairs,
        back=address(visit, pairs, {}),
        as_list=lambda state: with_query(f"/studio/{resource.name}", _of_state(resource, pairs, state)),
        may_move=visit.may(resource.write),
        cap=COUNTED,
        saved=await views.listed(visit, resource),
    )


PAGES: Final = [("<resource>/board", "GET", show)]


def flow(resource: Resource) -> list[StrEnum]:
    """Return the states in the order of their flow; those in which a row has come to an end are behind the others."""
    return sorted(type(next(iter(resource.transitions))), key=lambda state: has_ended(resource, state))


def has_ended(resource: Resource, state: StrEnum) -> bool:
    """Return whether a row is brought to a state by people and goes no further from there, at most back."""
    states = list(type(state))
    later = states[states.index(state) + 1 :]
    is_entered = any(state in targets for targets in resource.transitions.values())
    return is_entered and not any(to in later for to in resource.transitions.get(state, ()))


def told(resource: Resource) -> list[Column]:
    """Return the columns a card shows beside its title."""
    known = {column.name: column for column in columns_of(resource)}
    left_out = {resource.state, *PEOPLE, *title_columns(resource.model)}
    found = [known[name] for name in chosen(resource) if name in known and name not in left_out]
    return [column for column in found if column.kind != "state"][:TOLD]


def _of_state(resource: Resource, pairs: filters.Pairs, state: str) -> filters.Pairs:
    return [*(pair for pair in pairs if pair[0] != resource.state), (resource.state, state)]


def _lanes(visit: Visit, resource: Resource, pairs: filters.Pairs, columns: list[Column | None]) -> list[Lane]:
    """Read the cards and the count of each state. Raises InvalidQuery."""
    wanted = filters.current_values(pairs).get(resource.state)
    states = flow(resource)
    order = [state.value for state in states]
    entered = {state for targets in resource.transitions.values() for state in targets}
    fields = ",".join(shown_fields(resource, [column.name for column in columns if column]))
    found = []
    for state in states:
        if wanted and state.value not in wanted:
            continue
        given = _of_state(resource, filters.for_reader(pairs), state.value)
        query = replace(parse(visit.api.catalog, resource, urlencode([*given, ("fields", fields)])), limit=CARDS)
        rows, count = _cards(visit, resource, query)
        ways = sorted((to.value for to in resource.transitions.get(state, ())), key=order.index)
        is_side = has_ended(resource, state) or state not in {*entered, *resource.transitions}
        is_folded = is_side and not count and not wanted
        found.append(Lane(state.value, rows, count, tuple(ways), is_folded))
    return found


def _cards(visit: Visit, resource: Resource, query: Query) -> tuple[list[dict[str, Any]], int]:
    reader = visit.api.reader
    found = reader.page(visit.by, resource, query)
    rows = [shortened(json.loads(row)) for row in found.rows]
    if found.next_cursor is None:
        return rows, len(rows)
    return rows, reader.count(visit.by, resource, query, cap=COUNTED + 1)


def _names(reads: Reads, wanted: Mapping[str, set[str]]) -> dict[str, str]:
    return {id: name for table, ids in wanted.items() for id, name in names_by_id(reads, table, ids).items()}
