"""The routes that serve every resource alike: list, read, create, change, delete and the verbs."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from inspect import signature
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from growbase.api.call import Answer, Call, endpoint, etag, identity, json_answer
from growbase.api.regions import refer
from growbase.api.row_routes import row_routes, run_own
from growbase.api.writing import Write, row_answer, write
from growbase.core import log
from growbase.core.actor import Actor, Role
from growbase.core.database import Database
from growbase.core.errors import Forbidden, GrowbaseError, Invalid, MethodNotAllowed, NotFound, Stale
from growbase.core.model import Rule
from growbase.core.query import Query, literal, parse
from growbase.core.resource import Resource, Verb
from growbase.core.schema import Schema, create_schema, update_schema
from growbase.core.strict_json import read_json
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, restore, trash
from growbase.core.types import compact_json

T = TypeVar("T")
MAX_BATCH = 1_000


def resource_of(call: Call) -> Resource:
    """Return the resource a path names. Raises NotFound."""
    name = str(call.scope["path_params"]["resource"])
    found = call.api.catalog.by_name.get(name)
    if found is None:
        raise NotFound(what="resource")
    return found


@endpoint("/api/{resource:str}", "GET", "POST")
async def collection(call: Call) -> Answer:
    """List rows, or create one."""
    resource = resource_of(call)
    return await (list_rows if call.method in {"GET", "HEAD"} else create_row)(call, resource)


@endpoint("/api/views/{resource:str}", "GET")
async def view(call: Call) -> Answer:
    """List the rows of an analytic view."""
    return await list_rows(call, resource_of(call))


@endpoint("/api/{resource:str}/{key:str}", "GET", "PATCH", "PUT", "DELETE", "POST")
async def item(call: Call) -> Answer:
    """Read, change or delete one row, or act on the collection."""
    resource = resource_of(call)
    key = str(call.scope["path_params"]["key"])
    if key == "export" and call.method == "GET":
        return await export_rows(call, resource)
    if key == "aggregate" and call.method == "GET":
        return await aggregate_rows(call, resource)
    if call.method == "POST":
        return await (create_many(call, resource) if key == "batch" else run_verb(call, resource, None, key))
    id = identity(key)
    methods = {"GET": read_row, "HEAD": read_row, "DELETE": delete_row}
    try:
        return await methods.get(call.method, update_row)(call, resource, id)
    except NotFound:
        if resource.name == "organizations":
            await refer(call, id)
        raise


@endpoint("/api/{resource:str}/{id:str}/{verb:str}", "GET", "HEAD", "POST")
async def act(call: Call) -> Answer:
    """Do something with a row, or read its history."""
    resource = resource_of(call)
    params = call.scope["path_params"]
    routes = row_routes(call.api.catalog, call.api.routes)
    own = routes.get((resource.name, f"{params['id']}/")) or routes.get((resource.name, str(params["verb"])))
    if own is not None:
        return await run_own(call, own)
    id, verb = identity(str(params["id"])), str(params["verb"])
    if call.method == "POST":
        return await run_verb(call, resource, id, verb)
    if verb != "history":
        raise NotFound(what="page")
    return await read_history(call, resource, id)


@endpoint("/api/{resource:str}/{id:str}/{part:str}/{name:str}/{verb:str}", "GET", "POST")
async def act_on_part(call: Call) -> Answer:
    """Do something with a part of a row that has a name of its own."""
    resource, params = resource_of(call), call.scope["path_params"]
    own = row_routes(call.api.catalog, call.api.routes).get((resource.name, f"{params['part']}/{params['verb']}"))
    if own is None:
        raise NotFound(what="page")
    return await run_own(call, own)


# -- reading ----------------------------------------------------------------------------------------------------------


async def list_rows(call: Call, resource: Resource) -> Answer:
    """Return a page of rows."""
    actor = await call.require(resource.read)
    query = parse(call.api.catalog, resource, call.query)
    page = await call.api.database.aread(lambda: call.api.reader.page(actor, resource, query))
    rows = [camel_row(resource, row) for row in page.rows] if is_camel(call) else page.rows
    pagination: dict[str, object] = {"limit": query.limit, "next_cursor": page.next_cursor}
    if query.page is not None:
        total = page.total or 0
        pagination |= {"page": query.page, "total": total, "pages": -(-total // query.limit)}
    return Answer(200, b'{"data":[%b],"pagination":%b}' % (",".join(rows).encode(), to_json(pagination)))


async def read_row(call: Call, resource: Resource, id: UUID) -> Answer:
    """Return one row, as it is or as it was."""
    actor = await call.require(resource.read)
    query = parse(call.api.catalog, resource, call.query) if call.query else None
    if query is not None and query.option("as_of"):
        return await read_as_of(call, actor, resource, id, query)
    shape = query.shape if query else None
    plain = shape is None or not (shape.expand or shape.counts or shape.fields)
    with_trash = shape is not None and shape.trash != "exclude"
    wanted = None if plain else shape
    reader = call.api.reader
    text, version = await call.api.database.aread(lambda: reader.row(actor, resource, id, wanted, trash=with_trash))
    tag = etag(version) if plain else f'W/"{sha256(text.encode()).hexdigest()[:20]}"'
    if is_known(call, tag):
        return Answer(304, headers={"etag": tag})
    return Answer(200, (camel_row(resource, text) if is_camel(call) else text).encode(), {"etag": tag})


def is_known(call: Call, tag: str) -> bool:
    """Return whether the caller has this state already, by its If-None-Match: a list of tags, or a star."""
    known = {part.strip().removeprefix("W/") for part in call.headers.get("if-none-match", "").split(",")}
    return bool(known & {tag.removeprefix("W/"), "*"})


async def read_as_of(call: Call, actor: Actor, resource: Resource, id: UUID, query: Query) -> Answer:
    """Return a row as it was at a moment."""
    moment = literal("as_of", Rule("moment"), query.option("as_of") or "")
    assert isinstance(moment, datetime)
    if not resource.model.__logged__:
        raise NotFound(what="history")

    def read() -> dict[str, Any]:
        with call.api.database.near(actor).read(actor, snapshot=True) as reads:
            return log.as_of(reads, resource, id, moment)

    return json_answer(await call.api.database.aread(read))


async def read_history(call: Call, resource: Resource, id: UUID) -> Answer:
    """Return the changes of a row, newest first; ``before`` is the seq to go on from."""
    actor = await call.require(resource.read)
    params = dict(pair.partition("=")[::2] for pair in call.query.split("&") if pair)
    limit = literal("limit", Rule("integer"), params.get("limit", "50"))
    before = literal("before", Rule("integer"), params["before"]) if "before" in params else None
    assert isinstance(limit, int)

    def read() -> list[dict[str, Any]]:
        with call.api.database.near(actor).read(actor, snapshot=True) as reads:
            return log.history(reads, resource, id, limit=max(1, limit), before=before)  # type: ignore[arg-type]

    return json_answer({"data": await call.api.database.aread(read)})


async def aggregate_rows(call: Call, resource: Resource) -> Answer:
    """Count, sum and group rows within a row cap and a timeout."""
    actor = await call.require(resource.read)
    query = parse(call.api.catalog, resource, call.query)
    return json_answer(
        {"data": await call.api.database.aread(lambda: call.api.reader.aggregate(actor, resource, query))}
    )


async def export_rows(call: Call, resource: Resource) -> Answer:
    """Return every matching row as newline-delimited JSON or CSV; the log notes who exported."""
    from growbase.api.export import export

    actor = await call.require(resource.read)
    query = parse(call.api.catalog, resource, call.query)
    detail = {"resource": resource.name, "query": call.query[:500]}
    await call.api.database.awrite(actor, lambda tx: tx.record("export", resource.table.name, None, detail))
    return await call.api.database.aread(lambda: export(call.api.reader, actor, resource, query))


# -- writing ----------------------------------------------------------------------------------------------------------


async def create_row(call: Call, resource: Resource) -> Answer:
    """Create a row and return it."""
    if not resource.creatable:
        raise MethodNotAllowed(method=call.method)
    actor = await call.require(resource.write)
    body = await call.body()
    values = create_schema(resource.name, resource.model, resource.extra).parse(body)
    answer = await write(call, actor, lambda tx: row_answer(tx, resource, insert_row(tx, resource, values), 201), body)
    return shown(call, resource, answer)


def insert_row(tx: Transaction, resource: Resource, values: dict[str, Any]) -> UUID:
    """Create a row by the resource's own action, or plainly."""
    if resource.create is not None:
        created: UUID = resource.create(tx, **values)
        return created
    return tx.insert(resource.model, **values)


async def create_many(call: Call, resource: Resource) -> Answer:
    """Create up to 1,000 rows in one transaction: all of them, or none and the errors with their index."""
    if not resource.creatable:
        raise MethodNotAllowed(method=call.method)
    actor = await call.require(resource.write)
    body = await call.body()
    items = batch_items(body, "items")
    schema = create_schema(resource.name, resource.model, resource.extra)
    rows = parse_items(items, lambda entry: schema.parse(json.dumps(entry).encode()))

    def unit(tx: Transaction) -> Answer:
        made = run_items(
            call.api.database, rows, lambda values: row_answer(tx, resource, insert_row(tx, resource, values)).body
        )
        return Answer(201, b'{"data":[' + b",".join(made) + b"]}")

    return await write(call, actor, unit, body, large=True)


def batch_items(body: bytes, name: str) -> list[Any]:
    """Return the list in a batch body. Raises Invalid."""
    document = read_json(body, finite=False)
    items = document.get(name) if isinstance(document, dict) else None
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_BATCH:
        raise Invalid.at(name, "type", "must be a list of 1 to {max} items", max=MAX_BATCH)
    return items


def parse_items(items: list[Any], parse_one: Callable[[Any], Any]) -> list[Any]:
    """Parse every item, and report all wrong fields of all items at once."""
    found, wrong = [], []
    for index, entry in enumerate(items):
        try:
            found.append(parse_one(entry))
        except Invalid as error:
            wrong += [item.under(f"items.{index}") for item in error.fields]
    if wrong:
        raise Invalid(fields=tuple(wrong))
    return found


def run_items(database: Database, rows: list[Any], run_one: Callable[[Any], bytes]) -> list[bytes]:
    """Run every item; the first that fails undoes all and says which it was."""
    made = []
    for index, values in enumerate(rows):
        with part_of(database, f"items.{index}", index):
            made.append(run_one(values))
    return made


@contextmanager
def part_of(database: Database, path: str, index: int) -> Iterator[None]:
    """Say of what is refused inside to which part of the request it belongs."""
    try:
        yield
    except Exception as error:
        found = error if isinstance(error, GrowbaseError) else database.refusal(error)
        if found is None:
            raise
        found.fields = tuple(item.under(path) for item in found.fields)
        found.params["index"] = index
        raise found from error.__cause__


async def update_row(call: Call, resource: Resource, id: UUID) -> Answer:
    """Change the given fields of a row, if nobody changed it since the version in If-Match or ``version``."""
    if not resource.editable:
        raise MethodNotAllowed(method=call.method)
    actor = await call.require(resource.write)
    schema = update_schema(resource.name, resource.model)
    values = schema.parse(await call.body())
    version = expected_version(call, values.pop("version", None))
    merge = "merge" in call.prefer

    def unit(tx: Transaction) -> Answer:
        change_row(tx, resource, id, values, version, schema=schema if merge else None)
        return row_answer(tx, resource, id)

    return shown(call, resource, await write(call, actor, unit))


def change_row(
    tx: Transaction,
    resource: Resource,
    id: UUID,
    values: dict[str, Any],
    version: int | None,
    *,
    schema: Schema | None = None,
) -> None:
    """Change a row by the resource's own action, or plainly; with ``schema`` documents are merged, not replaced."""
    if schema is not None:
        row = tx.get(resource.model, id, lock=True)
        for name in schema.dumps:
            old, new = row.__dict__.get(name), values.get(name)
            if isinstance(old, dict) and isinstance(new, dict):
                values = {**values, name: {**old, **new}}
    if resource.update is not None:
        resource.update(tx, id=id, changes=values, version=version)
    else:
        tx.update(resource.model, id, values, version=version)


def expected_version(call: Call, in_body: int | None) -> int | None:
    """Return the version a change is based on, from If-Match or the body. Raises Invalid."""
    tag = call.headers.get("if-match")
    if tag is None or tag == "*":
        return in_body
    text = tag.removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Invalid.at("If-Match", "type", 'must be a version in quotes, such as "3"')
    return int(text)


async def delete_row(call: Call, resource: Resource, id: UUID) -> Answer:
    """Move a row and its children to the trash; a table without trash deletes it."""
    if not resource.deletable:
        raise MethodNotAllowed(method=call.method)
    actor = await call.require(min(resource.delete, resource.write, key=list(Role).index))
    version = expected_version(call, None)
    options = {"cascade": True} if "cascade=true" in call.query.split("&") else {}

    def unit(tx: Transaction) -> Answer:
        require_owner(tx, resource, id)
        if version is not None:
            current = tx.get(resource.model, id, lock=True).__dict__.get("version")
            if current != version:
                raise Stale(what=resource.noun, current_version=current)
        deletion_id = remove_row(tx, resource, id, options)
        return Answer(204, headers={"deletion-id": str(deletion_id)} if deletion_id else {})

    return await write(call, actor, unit, large=True)


def remove_row(tx: Transaction, resource: Resource, id: UUID, options: dict[str, Any]) -> UUID | None:
    """Delete a row by the resource's own action, by moving it to the trash, or for good where there is none."""
    if resource.remove is not None:
        known = signature(resource.remove).parameters
        removed: UUID | None = resource.remove(tx, id=id, **{name: options[name] for name in options if name in known})
        return removed
    if resource.trashable:
        return trash(tx, resource.model, id)
    tx.delete(resource.model, id)
    return None


def require_owner(tx: Transaction, resource: Resource, id: UUID) -> None:
    """Let a row's own user delete it, and everybody whose role covers ``delete``. Raises NotFound or Forbidden."""
    row = tx.get(resource.model, id)
    is_owner = resource.owner is not None and row.__dict__[resource.owner] == tx.actor.id
    if not tx.actor.has_role(resource.delete) and not is_owner:
        raise Forbidden


# -- verbs ------------------------------------------------------------------------------------------------------------


class TransitionBody(BaseModel):
    """What ``transition`` takes."""

    model_config = ConfigDict(extra="forbid")
    to: str


class UndoBody(BaseModel):
    """What ``undo`` takes."""

    model_config = ConfigDict(extra="forbid")
    seq: int


async def run_verb(call: Call, resource: Resource, id: UUID | None, name: str) -> Answer:
    """Run a verb of the resource, or one that every resource has."""
    verb = resource.verbs.get(name)
    if verb is not None and (verb.on == "row") == (id is not None):
        return await run_declared(call, resource, id, verb)
    if id is None or name not in {"restore", "purge", "transition", "undo"}:
        raise NotFound(what="verb")
    if name in {"restore", "purge"} and not (resource.trashable and resource.deletable):
        raise NotFound(what="verb")
    if name == "undo" and not (resource.editable or resource.deletable):
        raise NotFound(what="verb")
    unit: Write
    if name == "restore":
        actor = await call.require(resource.delete)
        unit = lambda tx: (restore(tx, resource.model, id), row_answer(tx, resource, id))[1]  # noqa: E731
    elif name == "purge":
        actor = await call.require(Role.ADMIN)
        unit = lambda tx: (purge(tx, resource.model, id), Answer(204))[1]  # noqa: E731
    elif name == "transition":
        unit, actor = await transition_unit(call, resource, id), await call.require(resource.write)
    else:
        actor = await call.require(resource.write)
        seq = (await call.parse(UndoBody))["seq"]
        unit = lambda tx: undone(tx, resource, id, seq)  # noqa: E731
    return shown(call, resource, await write(call, actor, unit, await call.body(), large=name != "transition"))


def undone(tx: Transaction, resource: Resource, id: UUID, seq: int) -> Answer:
    """Undo a change and answer the row, or nothing where undoing a restore put it back into the trash."""
    log.undo(tx, resource, id, seq)
    row = tx.find(resource.model, id)
    return row_answer(tx, resource, id) if row is not None else Answer(204)


async def transition_unit(call: Call, resource: Resource, id: UUID) -> Write:
    """Return the unit that moves a row to the state in the body. Raises Invalid."""
    await call.require(resource.write)
    if not resource.transitions:
        raise NotFound(what="verb")
    states = type(next(iter(resource.transitions)))
    to = str((await call.parse(TransitionBody))["to"]).lower()
    if to not in {state.value for state in states}:
        expected = ", ".join(repr(state.value) for state in states)
        raise Invalid.at("to", "choice", "must be one of {expected}", expected=expected)

    def unit(tx: Transaction) -> Answer:
        tx.transition(resource.model, id, states(to))
        return row_answer(tx, resource, id)

    return unit


async def run_declared(call: Call, resource: Resource, id: UUID | None, verb: Verb) -> Answer:
    """Run an action the resource declares."""
    actor = await call.require(verb.role)
    body = await call.body()
    values = await call.parse(verb.body) if verb.body is not None else {}
    if id is not None:
        values["id"] = id
    if verb.secret:
        call.headers.pop("idempotency-key", None)
    headers = {"cache-control": "no-store"} if verb.secret else None

    def unit(tx: Transaction) -> Answer:
        result = verb.run(tx, **values)
        if verb.answers == "row":
            return row_answer(tx, resource, result, verb.status)
        return json_answer(result, verb.status, headers) if result is not None else Answer(204)

    return shown(call, resource, await write(call, actor, unit, body, large=True))


# -- forms ------------------------------------------------------------------------------------------------------------


def is_camel(call: Call) -> bool:
    """Return whether the caller prefers camelCase names."""
    return call.prefer.get("naming") == "camel"


def shown(call: Call, resource: Resource, answer: Answer) -> Answer:
    """Return an answer holding a row in the names the caller prefers."""
    if is_camel(call) and answer.body and answer.status < 300 and answer.body.startswith(b"{"):
        answer.body = camel_row(resource, answer.body.decode()).encode()
    return answer


def camel_row(resource: Resource, text: str) -> str:
    """Return a row's JSON with camelCase names, those of its documents left as they are."""
    row = json.loads(text)
    named = {
        to_camel(name): {to_camel(key): inner for key, inner in value.items()}
        if name in resource.expand and isinstance(value, dict)
        else value
        for name, value in row.items()
    }
    return compact_json(named)


ROUTES = [view, collection, item, act, act_on_part]
