"""Several operations on several resources in one transaction."""

import json
import re
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from growbase.api.call import Answer, Call, endpoint
from growbase.api.crud import change_row, insert_row, part_of, remove_row, require_owner
from growbase.api.writing import row_answer, write
from growbase.core.actor import Actor, Role
from growbase.core.errors import Forbidden, Invalid, MethodNotAllowed
from growbase.core.resource import Resource
from growbase.core.schema import create_schema, parse_with, update_schema
from growbase.core.strict_json import require_unique_names
from growbase.core.transaction import Transaction
from growbase.core.trash import restore

MAX_OPERATIONS = 1_000
_REFERENCE = re.compile(r"(\d{1,4})\.(\w+)")


class Operation(BaseModel):
    """One step; ``{"$ref": "0.id"}`` in its body or id stands for a field of an earlier step's row."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["create", "update", "delete", "restore"]
    resource: str
    id: UUID | dict[str, str] | None = None
    version: int | None = None
    body: dict[str, Any] = Field(default_factory=dict)


class Operations(BaseModel):
    """The body of ``POST /api/batch``."""

    model_config = ConfigDict(extra="forbid")

    operations: list[Operation] = Field(min_length=1, max_length=MAX_OPERATIONS)


@endpoint("/api/batch", "POST", body=Operations)
async def batch(call: Call) -> Answer:
    """Run operations in order, all of them or none; the answer holds each one's row, null for a delete."""
    actor = await call.require(Role.MEMBER)
    body = await call.body()
    operations: list[Operation] = parse_with(TypeAdapter(Operations).validate_json, body).operations
    require_unique_names(body)
    resources = [_resource(call, operation, index) for index, operation in enumerate(operations)]
    for resource in resources:
        if not actor.has_role(resource.write):
            raise Forbidden

    def unit(tx: Transaction) -> Answer:
        done: list[dict[str, Any] | None] = []
        for index, (operation, resource) in enumerate(zip(operations, resources, strict=True)):
            with part_of(call.api.database, f"operations.{index}", index):
                id = None if operation.method == "create" else _id(operation, done)
                with part_of(call.api.database, "body", index):
                    done.append(_run(tx, actor, resource, operation, id, done))
        return Answer(200, json.dumps({"data": done}, separators=(",", ":"), ensure_ascii=False).encode())

    return await write(call, actor, unit, body, large=True)


def _resource(call: Call, operation: Operation, index: int) -> Resource:
    found = call.api.catalog.by_name.get(operation.resource)
    if found is None:
        raise Invalid.at(f"operations.{index}.resource", "unknown", "is not a resource")
    allowed = {"create": found.creatable, "update": found.editable}.get(operation.method, found.deletable)
    if not allowed:
        raise MethodNotAllowed(method=operation.method)
    return found


def _run(
    tx: Transaction,
    actor: Actor,
    resource: Resource,
    operation: Operation,
    id: UUID | None,
    done: list[dict[str, Any] | None],
) -> dict[str, Any] | None:
    body = json.dumps(_resolved(operation.body, done)).encode()
    if id is None:
        values = create_schema(resource.name, resource.model, resource.extra).parse(body)
        return _row(tx, resource, insert_row(tx, resource, values))
    if operation.method == "update":
        values = update_schema(resource.name, resource.model).parse(body)
        version = values.pop("version", operation.version)
        change_row(tx, resource, id, values, version)
        return _row(tx, resource, id)
    if operation.method == "restore":
        if not actor.has_role(resource.delete):
            raise Forbidden
        restore(tx, resource.model, id)
        return _row(tx, resource, id)
    require_owner(tx, resource, id)
    remove_row(tx, resource, id, {})
    return None


def _row(tx: Transaction, resource: Resource, id: UUID) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(row_answer(tx, resource, id).body)
    return row


def _id(operation: Operation, done: list[dict[str, Any] | None]) -> UUID:
    found = _resolved(operation.id, done) if isinstance(operation.id, dict) else operation.id
    if found is None:
        raise Invalid.at("id", "required", "is required")
    try:
        return UUID(str(found))
    except ValueError as error:
        raise Invalid.at("id", "type", "must be a UUID") from error


def _resolved(value: Any, done: list[dict[str, Any] | None]) -> Any:  # noqa: ANN401 -- a JSON value
    if isinstance(value, list):
        return [_resolved(item, done) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"$ref"}:
        return {name: _resolved(item, done) for name, item in value.items()}
    match = _REFERENCE.fullmatch(str(value["$ref"]))
    row = done[int(match[1])] if match and int(match[1]) < len(done) else None
    if match is None or row is None or match[2] not in row:
        raise Invalid.at("$ref", "reference", "must name an earlier operation and a field of its row, such as 0.id")
    return row[match[2]]


ROUTES = [batch]
