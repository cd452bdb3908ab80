"""What is said of a row and who is asked to review it: a tab of the row, and the list of one's own reviews."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.api.crud import insert_row, remove_row, require_owner
from growbase.core.actor import Role
from growbase.core.errors import Conflict, Forbidden, Invalid, NotFound
from growbase.core.query import parse
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.schema import create_schema, parse_with
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json
from growbase.domains.identity.actions_discussion import OPEN, is_discussed
from growbase.studio.acts import flash_error
from growbase.studio.lookup import members
from growbase.studio.render import page
from growbase.studio.rows import names_by_id
from growbase.studio.visit import Visit

TAB: Final = "discussion"
SHOWN: Final = 100
COUNTED: Final = 99
Row = dict[str, Any]


async def tab_of(visit: Visit, resource: Resource, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the tab of a row shows: nothing where its rows have none, only a count while it is not open."""
    if not is_discussed(resource) or "comments" not in visit.api.catalog.by_name:
        return {"discussion": None}
    id, is_open = str(row["id"]), visit.query.get("tab") == TAB
    found: dict[str, Any] = {"count": await visit.api.database.aread(lambda: _count(visit, id))}
    if is_open:
        comments = await visit.api.database.aread(lambda: _listed(visit, "comments", id))
        reviews = await visit.api.database.aread(lambda: _listed(visit, "review-requests", id))
        people = {str(one[name]) for one in (*comments, *reviews) for name in PEOPLE if one.get(name)}

        def read(reads: Reads) -> tuple[dict[str, str], list[tuple[str, str]]]:
            return names_by_id(reads, "users", people), members(reads)

        names, everybody = await visit.read(read)
        may_write = visit.may(Role.MEMBER) and not row.get("deleted_at")
        found |= {"comments": comments, "reviews": reviews, "names": names, "members": everybody, "may": may_write}
        found |= {"is_reviewed": resource.reviewed, "open": {state.value for state in OPEN}, "me": str(visit.by.id)}
        found["reviewers"] = await visit.read(_reviewers) if resource.reviewed and may_write else []
    return {"discussion": found}


PEOPLE: Final = ("author_user_id", "created_by", "reviewer_user_id", "resolved_by", "decided_by")


def _listed(visit: Visit, name: str, row_id: str) -> list[Row]:
    """Return what belongs to a row, the oldest first."""
    resource = visit.api.catalog.by_name[name]
    pairs = [("row_id", row_id), ("sort", "-created_at"), ("limit", str(SHOWN)), ("trash", "exclude")]
    query = parse(visit.api.catalog, resource, urlencode(pairs))
    found = [json.loads(row) for row in visit.api.reader.page(visit.by, resource, query).rows]
    return found[::-1]


def _count(visit: Visit, row_id: str) -> int:
    resource = visit.api.catalog.by_name["comments"]
    query = parse(visit.api.catalog, resource, urlencode([("row_id", row_id), ("resolved_at", "is.null")]))
    return visit.api.reader.count(visit.by, resource, query, cap=COUNTED + 1)


def _reviewers(reads: Reads) -> list[tuple[str, str]]:
    """Return the members who may be asked: those who may change rows."""
    model = reads.context.catalog.models["memberships"]
    viewers = {str(row.__dict__["user_id"]) for row in reads.rows(model, role=Role.VIEWER, limit=1_000)}
    return [(id, name) for id, name in members(reads) if id not in viewers]


# -- what is done -----------------------------------------------------------------------------------------------------

VERBS: Final = {
    "resolve": ("comments", "resolve"),
    "reopen": ("comments", "reopen"),
    "remove": ("comments", ""),
    "approve": ("review-requests", "approve"),
    "changes": ("review-requests", "request-changes"),
    "withdraw": ("review-requests", "withdraw"),
    "again": ("review-requests", "ask-again"),
}
"""What the tab's buttons do: the resource and its verb; without one the row goes to the trash."""


async def post(visit: Visit, resource: Resource, id: str) -> Answer:
    """Say something of a row, ask for a review, or answer one."""
    visit.require(Role.MEMBER)
    if not is_discussed(resource):
        raise NotFound(what="page")
    key = identity(id)
    try:
        await visit.write(_unit(visit, resource, key))
    except (Invalid, Conflict, Forbidden) as error:
        flash_error(visit, error)
    return visit.go(f"/studio/{resource.name}/{id}?tab={TAB}#last")


def _unit(visit: Visit, resource: Resource, row_id: UUID) -> Any:  # noqa: ANN401 -- a unit of work
    do, words = visit.sent("do"), visit.words
    catalog = visit.api.catalog
    if do in {"say", "ask"}:
        name = "comments" if do == "say" else "review-requests"
        made = catalog.by_name[name]
        body: dict[str, Any] = {"resource": resource.name, "row_id": str(row_id)}
        if do == "say":
            body["text"] = visit.sent("text").strip()
        else:
            body["reviewer_user_id"] = visit.sent("reviewer")
            if visit.sent("due").strip():
                body["due_at"] = words.read_moment(visit.sent("due"))
        values = create_schema(name, made.model, made.extra).parse(compact_json(body).encode())
        return lambda tx: insert_row(tx, made, values)
    if do not in VERBS:
        raise NotFound(what="verb")
    name, verb_name = VERBS[do]
    made, target = catalog.by_name[name], identity(visit.sent("target"))
    if not verb_name:

        def remove(tx: Transaction) -> None:
            require_owner(tx, made, target)
            remove_row(tx, made, target, {})

        return remove
    verb, given = made.verbs[verb_name], {}
    if verb.body is not None:
        text = compact_json({"text": visit.sent("text").strip()}).encode()
        parsed = parse_with(verb.body.model_validate_json, text)
        given = {field: getattr(parsed, field) for field in type(parsed).model_fields}
    return lambda tx: verb.run(tx, id=target, **given)


# -- one's own --------------------------------------------------------------------------------------------------------

PARTS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "": (("reviewer_user_id", "{me}"), ("status", "requested"), ("sort", "due_at")),
    "done": (("reviewer_user_id", "{me}"), ("status", "neq.requested"), ("sort", "-updated_at")),
    "asked": (("created_by", "{me}"), ("sort", "-created_at")),
}


async def reviews(visit: Visit) -> Answer:
    """Show the reviews that wait for the visitor, those they have given, and those they have asked for."""
    part = visit.query.get("part", "")
    wanted = PARTS.get(part, PARTS[""])
    resource = visit.api.catalog.by_name["review-requests"]
    pairs = [(name, value.format(me=visit.by.id)) for name, value in wanted]
    query = parse(visit.api.catalog, resource, urlencode([*pairs, ("limit", str(SHOWN))]))
    found = await visit.api.database.aread(lambda: visit.api.reader.page(visit.by, resource, query))
    rows = [json.loads(row) for row in found.rows]
    by_name = visit.api.catalog.by_name
    targets: dict[str, set[str]] = {"users": {str(row[name]) for row in rows for name in PEOPLE if row.get(name)}}
    for row in rows:
        if row["resource"] in by_name:
            targets.setdefault(by_name[row["resource"]].table.name, set()).add(row["row_id"])

    def read(reads: Reads) -> dict[str, str]:
        return {id: name for table, ids in targets.items() for id, name in names_by_id(reads, table, ids).items()}

    names = await visit.read(read)
    return page(visit, "reviews.html", rows=rows, names=names, part=part if part in PARTS else "", by_name=by_name)


PAGES: Final[list[tuple[str, str, Callable[..., Awaitable[Answer]]]]] = [
    ("reviews", "GET", reviews),
    ("<resource>/<id>/discussion", "POST", post),
]
