"""Saved views of a list: what one comes back to, alone or with everybody, and the one a list opens with."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from growbase.api.call import Answer, identity
from growbase.api.crud import change_row, insert_row, remove_row
from growbase.core.actor import Role
from growbase.core.errors import Conflict, Invalid, NotFound, Stale
from growbase.core.query import parse
from growbase.core.resource import Resource
from growbase.core.schema import create_schema
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json
from growbase.domains.identity.actions import update_profile
from growbase.domains.identity.actions_personal import share_saved_view
from growbase.domains.identity.models_personal import SavedView
from growbase.studio.acts import flash_error
from growbase.studio.filters import Pairs
from growbase.studio.visit import Visit, local, with_query

SHOWN: Final = 50
ALL: Final = "all"
PREFERENCE: Final = "view {resource}"
"""The key of the profile's preferences that holds the view a list opens with."""
PASSING: Final = frozenset({"cursor", "lang", "view", "page", "note", "q"})
"""Parameters that are not kept: where one is at this moment, and what one looks for."""
View = dict[str, Any]


async def listed(visit: Visit, resource: Resource) -> dict[str, Any]:
    """Return the visitor's views of a resource and those of everybody, and which of them is open."""
    found = await visit.api.database.aread(lambda: _read(visit, [("resource", resource.name)]))
    default = visit.person.preferences.get(PREFERENCE.format(resource=resource.name))
    open_id = visit.query.get("view", "")
    is_board = visit.call.path.endswith("/board")
    views: list[View] = [
        {
            "id": row["id"],
            "name": row["name"],
            "is_shared": row["user_id"] is None,
            "is_default": row["id"] == default,
            "address": _address(f"/studio/{resource.name}{'/board' if is_board else ''}", row),
        }
        for row in found
    ]
    current = next((one for one in views if one["id"] == open_id), None)
    here = [(name, value) for name, value in visit.pairs if name not in PASSING]
    has_changed = current is not None and current["address"].partition("?")[2] != _text(open_id, here)
    return {
        "views": views,
        "current": current,
        "has_changed": has_changed,
        "has_default": default is not None,
        "query": urlencode(here),
        "may": visit.may(Role.MEMBER),
    }


async def default_address(visit: Visit, resource: Resource) -> str | None:
    """Return the address of the view a list opens with, if the visitor has chosen one that is still there."""
    id = visit.person.preferences.get(PREFERENCE.format(resource=resource.name))
    if not isinstance(id, str):
        return None
    found = await visit.api.database.aread(lambda: _read(visit, [("id", id), ("resource", resource.name)]))
    return _address(f"/studio/{resource.name}", found[0]) if found else None


def _read(visit: Visit, pairs: Pairs) -> list[View]:
    resource = visit.api.catalog.by_name["saved-views"]
    try:
        query = parse(visit.api.catalog, resource, urlencode([*pairs, ("sort", "name"), ("limit", str(SHOWN))]))
    except Invalid:
        return []
    return [json.loads(row) for row in visit.api.reader.page(visit.by, resource, query).rows]


def _address(path: str, view: View) -> str:
    return f"{path}?{_text(view['id'], pairs_of(view['query']))}"


def _text(id: str, pairs: Pairs) -> str:
    return with_query("", [("view", id), *pairs]).removeprefix("?")


def pairs_of(query: Mapping[str, Any]) -> Pairs:
    """Return the parameters of a saved query; a parameter that is there twice is a list."""
    found: Pairs = []
    for name, value in query.items():
        found += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
    return found


def query_of(pairs: Pairs) -> dict[str, Any]:
    """Return the document a view keeps of an address's parameters."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in PASSING or value == "":
            continue
        found[name] = value if name not in found else [*_listed(found[name]), value]
    return found


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 -- a value or a list of them
    return value if isinstance(value, list) else [value]


# -- what is done -----------------------------------------------------------------------------------------------------


async def act(visit: Visit, resource: Resource) -> Answer:
    """Save, rename, change, share or remove a view, or let the list open with it."""
    visit.require(Role.VIEWER if visit.sent("do") == "default" else Role.MEMBER)
    here = local(visit.sent("back") or f"/studio/{resource.name}")
    try:
        return visit.go(await _done(visit, resource, here))
    except (Invalid, Conflict, Stale) as error:
        flash_error(visit, error)
        return visit.go(here)


async def _done(visit: Visit, resource: Resource, here: str) -> str:
    views, do, words = visit.api.catalog.by_name["saved-views"], visit.sent("do"), visit.words
    path = here.partition("?")[0]
    query = query_of(parse_qsl(visit.sent("query"), keep_blank_values=True))
    if do == "save":
        shared = visit.sent("shared") == "true"
        body = {"resource": resource.name, "name": visit.sent("name").strip(), "query": query, "shared": shared}
        values = create_schema(views.name, views.model, views.extra).parse(compact_json(body).encode())
        made = await visit.write(lambda tx: insert_row(tx, views, values))
        visit.flash(words.say("The view is saved."))
        return _address(path, {"id": str(made), "query": query})
    if do == "default":
        await _open_with(visit, resource, visit.sent("view"))
        return here
    id = identity(visit.sent("view"))

    def unit(tx: Transaction) -> None:
        if do == "remove":
            remove_row(tx, views, id, {})
        elif do == "share":
            share_saved_view(tx, id=id)
        elif do in {"rename", "keep"}:
            changes = {"name": visit.sent("name").strip()} if do == "rename" else {"query": query}
            change_row(tx, views, id, _named(changes), None)
        else:
            raise NotFound(what="verb")

    await visit.write(unit)
    said = {
        "remove": words.say("The view is removed."),
        "share": words.say("Everybody sees the view now."),
        "rename": words.say("The view has another name."),
        "keep": words.say("The view is saved."),
    }
    visit.flash(said[do], undo=f"/studio/saved-views/{id}/restore" if do == "remove" else "")
    return f"{path}?view={ALL}" if do == "remove" else here


def _named(changes: dict[str, Any]) -> dict[str, Any]:
    if not changes.get("name", "x"):
        raise Invalid.at("name", "required", "is required")
    return changes


async def _open_with(visit: Visit, resource: Resource, view: str) -> None:
    key = PREFERENCE.format(resource=resource.name)
    id = None if view == ALL else str(identity(view))

    def unit(tx: Transaction) -> None:
        if id is not None:
            tx.get(SavedView, identity(id))
        update_profile(tx, changes={"preferences": {key: id}})

    await visit.write(unit)
    words = visit.words
    visit.flash(
        words.say("The list opens with this view now.") if id else words.say("The list opens with all rows now.")
    )


PAGES: Final[list[tuple[str, str, Callable[..., Awaitable[Answer]]]]] = [("<resource>/views", "POST", act)]
