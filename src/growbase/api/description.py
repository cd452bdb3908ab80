"""The API's description: OpenAPI 3.1 made from the resource registry and the routes, and a page to read it."""

import re
from functools import cache
from html import escape
from typing import Any

from litestar.handlers import HTTPRouteHandler
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from growbase import __version__
from growbase.api.call import JSON, Answer, Call, endpoint, json_answer
from growbase.api.problems import STATUS
from growbase.core.errors import NotFound
from growbase.core.model import View, rule_of
from growbase.core.resource import Catalog, Resource, Verb
from growbase.core.schema import create_schema, read_schema, update_schema

REF = "#/components/schemas/{model}"
PROBLEM = {"$ref": REF.format(model="Problem")}
Operation = dict[str, Any]


@endpoint("/openapi.json", "GET", public=True)
async def openapi_json(call: Call) -> Answer:
    """Return the API's description as OpenAPI 3.1."""
    _require_enabled(call)
    return json_answer(document(call.api.catalog, call.api.routes))


@endpoint("/docs", "GET", public=True)
async def docs(call: Call) -> Answer:
    """Show the API's description as a page that needs nothing but this server."""
    _require_enabled(call)
    found = document(call.api.catalog, call.api.routes)
    policy = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
    return Answer(200, page(found).encode(), policy, content_type="text/html; charset=utf-8")


def _require_enabled(call: Call) -> None:
    if not call.api.settings.docs_enabled:
        raise NotFound(what="page")


@cache
def document(catalog: Catalog, routes: tuple[HTTPRouteHandler, ...]) -> dict[str, Any]:
    """Return the OpenAPI document of all resources and of the routes beside them."""
    models: dict[str, type[BaseModel]] = {}
    paths: dict[str, dict[str, Operation]] = {}
    for resource in catalog.resources:
        _describe(resource, paths, models)
    for handler in routes:
        _describe_route(handler, paths, models)
    pairs: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in models.values()]
    # The aliases are the camelCase names, which are accepted but not ours.
    _, definitions = models_json_schema(pairs, by_alias=False, ref_template=REF, schema_generator=GenerateJsonSchema)
    schemas = definitions.get("$defs", {}) | {"Problem": _problem_schema()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Growbase", "version": __version__, "description": "The open data backend."},
        "security": [{"bearer": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _describe(resource: Resource, paths: dict[str, dict[str, Operation]], models: dict[str, type[BaseModel]]) -> None:
    """Add the operations of one resource."""
    is_view = issubclass(resource.model, View)
    base = f"/api/views/{resource.name}" if is_view else f"/api/{resource.name}"
    row = _model(models, read_schema(resource.name, resource.model))
    about = " ".join((resource.model.__doc__ or "").split())

    def add(path: str, method: str, summary: str, **parts: Any) -> None:  # noqa: ANN401 -- parts of an operation
        paths.setdefault(path, {})[method] = _operation(resource.name, f"{method}_{path}", summary, **parts)

    listed = {"type": "object", "properties": {"data": {"type": "array", "items": row}, "pagination": {}}}
    add(base, "get", f"List {resource.name}. {about}", answer=listed, parameters=_query_parameters(resource))
    if is_view:
        return
    add(f"{base}/{{id}}", "get", f"Read one {resource.noun}.", answer=row)
    add(f"{base}/export", "get", f"Export {resource.name} as NDJSON or CSV.", parameters=_query_parameters(resource))
    add(f"{base}/aggregate", "get", f"Count, sum and group {resource.name}.", parameters=_query_parameters(resource))
    if resource.creatable:
        body = _model(models, create_schema(resource.name, resource.model, resource.extra).model)
        add(base, "post", f"Create a {resource.noun}.", body=body, answer=row, status=201)
        many = {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": body}}}
        add(f"{base}/batch", "post", f"Create up to 1,000 {resource.name} in one transaction.", body=many, status=201)
    if resource.editable:
        body = _model(models, update_schema(resource.name, resource.model).model)
        for method in ("patch", "put"):
            add(f"{base}/{{id}}", method, f"Change fields of a {resource.noun}.", body=body, answer=row)
    if resource.deletable:
        add(f"{base}/{{id}}", "delete", f"Delete a {resource.noun}.", status=204)
    if resource.model.__logged__:
        add(f"{base}/{{id}}/history", "get", "Read the changes, newest first.")
    if resource.model.__logged__ and (resource.editable or resource.deletable):
        add(f"{base}/{{id}}/undo", "post", "Undo one change.", body=_object(seq="integer"), answer=row)
    if resource.trashable and resource.deletable:
        add(f"{base}/{{id}}/restore", "post", "Bring back from the trash what was deleted together.", answer=row)
        add(f"{base}/{{id}}/purge", "post", "Remove a row in the trash for good.", status=204)
    if resource.transitions:
        states = [state.value for state in type(next(iter(resource.transitions)))]
        to = {"type": "object", "required": ["to"], "properties": {"to": {"type": "string", "enum": states}}}
        add(f"{base}/{{id}}/transition", "post", "Move to another state.", body=to, answer=row)
    for name, verb in resource.verbs.items():
        path = f"{base}/{{id}}/{name}" if verb.on == "row" else f"{base}/{name}"
        answer = row if verb.answers == "row" else {"type": "object"}
        add(path, "post", _sentence(verb), body=_body(models, verb), answer=answer, status=verb.status)


def _describe_route(
    handler: HTTPRouteHandler, paths: dict[str, dict[str, Operation]], models: dict[str, type[BaseModel]]
) -> None:
    """Add a route that is no resource's."""
    for path in handler.paths:
        if "{resource" in path or not path.startswith("/"):
            continue
        plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
        for method in handler.http_methods:
            known = paths.setdefault(plain, {})
            if method.lower() in known or method == "HEAD":
                continue
            model = handler.opt.get("body")
            body = _model(models, model) if model is not None and method != "GET" else None
            tag = plain.split("/")[2] if plain.startswith("/api/") else "server"
            summary = " ".join((handler.fn.__doc__ or "").split())
            media_type = handler.opt.get("media_type", JSON)
            found = _operation(tag, f"{method.lower()}_{plain}", summary, body=body, media_type=media_type)
            known[method.lower()] = found | ({"security": []} if handler.opt.get("public") else {})


def _operation(
    tag: str,
    key: str,
    summary: str,
    *,
    body: dict[str, Any] | None = None,
    answer: dict[str, Any] | None = None,
    status: int = 200,
    parameters: list[dict[str, Any]] | None = None,
    media_type: str = JSON,
) -> Operation:
    named = re.findall(r"\{(\w+)\}", key)
    found: Operation = {
        "tags": [tag],
        "operationId": re.sub(r"\W+", "_", key).strip("_"),
        "summary": summary.split(". ", maxsplit=1)[0].rstrip("."),
        "description": summary,
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named]
        + (parameters or []),
        "responses": {
            str(status): {"description": "Done."} | ({"content": _json(answer)} if answer else {}),
            "default": {"description": "A problem.", "content": {"application/problem+json": {"schema": PROBLEM}}},
        },
    }
    if body is not None:
        found["requestBody"] = {"required": True, "content": {media_type: {"schema": body}}}
    return found


def _query_parameters(resource: Resource) -> list[dict[str, Any]]:
    """Return the parameters of the query grammar that this resource knows."""
    texts = {
        "limit": "Rows in a page, 1 to 200.",
        "cursor": "The next_cursor of the page before.",
        "sort": f"Fields to sort by, - for descending: {', '.join(resource.sortable)}.",
        "fields": "Fields to return.",
    }
    if resource.expand:
        texts["expand"] = f"Relations to return whole: {', '.join(resource.expand)}."
    if resource.counts:
        texts["counts"] = f"Rows to count: {', '.join(resource.counts)}."
    if resource.search:
        texts["q"] = f"Words to find in {', '.join(resource.search)}."
    if resource.trashable:
        texts["trash"] = "exclude, include or only."
    for column in resource.public:
        if rule_of(column).kind != "document":
            texts[column.name] = "A value, or an operator and a value such as gte.10 or in.(a,b)."
    return [
        {"name": name, "in": "query", "schema": {"type": "string"}, "description": text} for name, text in texts.items()
    ]


def _model(models: dict[str, type[BaseModel]], model: type[BaseModel]) -> dict[str, Any]:
    models[model.__name__] = model
    return {"$ref": REF.format(model=model.__name__)}


def _body(models: dict[str, type[BaseModel]], verb: Verb) -> dict[str, Any] | None:
    return _model(models, verb.body) if verb.body is not None else None


def _object(**properties: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": {name: {"type": kind} for name, kind in properties.items()},
    }


def _sentence(verb: Verb) -> str:
    return " ".join((verb.run.__doc__ or "").split())


def _json(schema: dict[str, Any] | None) -> dict[str, Any]:
    return {JSON: {"schema": schema or {}}}


def _problem_schema() -> dict[str, Any]:
    codes = sorted({kind.code for kind in STATUS})
    wrong = _object(field="string", code="string", message="string")
    return {
        "type": "object",
        "description": "RFC 9457 problem details.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "examples": codes},
            "detail": {"type": "string"},
            "hint": {"type": "string"},
            "errors": {"type": "array", "items": wrong},
            "request_id": {"type": "string"},
        },
    }


STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "code{background:#eef;padding:.1rem .3rem;border-radius:.2rem}summary{cursor:pointer;padding:.2rem 0}"
    "b{display:inline-block;min-width:4.5rem}table{border-collapse:collapse;margin:.3rem 0 1rem 5rem}"
    "td{padding:.1rem .8rem .1rem 0;vertical-align:top}h2{margin-top:2rem;border-bottom:1px solid #ccc}"
)


def page(description: dict[str, Any]) -> str:
    """Return the description as one HTML page, grouped by resource."""
    groups: dict[str, list[str]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            rows = "".join(
                f"<tr><td><code>{escape(item['name'])}</code></td><td>{escape(item.get('description', ''))}</td></tr>"
                for item in operation["parameters"]
            )
            text = f"<p>{escape(operation['description'])}</p><table>{rows}</table>{_fields(description, operation)}"
            line = f"<b>{method.upper()}</b> <code>{escape(path)}</code> {escape(operation['summary'])}"
            entry = f"<details><summary>{line}</summary>{text}</details>"
            groups.setdefault(operation["tags"][0], []).append(entry)
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(entries)}" for tag, entries in sorted(groups.items()))
    intro = "<p>Machine-readable: <a href='/openapi.json'>/openapi.json</a> (OpenAPI 3.1).</p>"
    head = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Growbase API</title><style>{STYLE}</style>"
    return f"{head}<h1>Growbase API {escape(__version__)}</h1>{intro}{body}</html>"


def _fields(description: dict[str, Any], operation: Operation) -> str:
    """Return the request's fields as a table."""
    content: Operation = next(iter(operation.get("requestBody", {}).get("content", {}).values()), {})
    name = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
    schema = description["components"]["schemas"].get(name)
    if not schema:
        return ""
    required = set(schema.get("required", []))
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{'required' if field in required else ''}</td></tr>"
        for field in schema.get("properties", {})
    )
    return f"<table>{rows}</table>"


ROUTES = [openapi_json, docs]
