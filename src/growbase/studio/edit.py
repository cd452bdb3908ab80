"""Making and changing a row by a form; where somebody else was faster, both changes are merged or laid side by side."""

import json
from typing import Any
from uuid import UUID

from growbase.api.call import Answer, identity, json_answer
from growbase.api.crud import change_row, insert_row
from growbase.core.errors import Conflict, GrowbaseError, Invalid, LimitExceeded, MethodNotAllowed, NotFound, Stale
from growbase.core.resource import Resource
from growbase.core.schema import create_schema, update_schema
from growbase.core.transaction import Transaction
from growbase.studio.forms import (
    Input,
    Texts,
    defaults_of,
    errors_by_input,
    inputs_of,
    parse_form,
    shown,
    texts_of,
    typed,
)
from growbase.studio.lookup import called
from growbase.studio.render import page
from growbase.studio.visit import Visit, local

TRIES = 3


async def new(visit: Visit, resource: Resource) -> Answer:
    """Show the form of a new row; the address may fill fields in, and ask for some of them only."""
    inputs = _wanted(visit, _create_inputs(visit, resource))
    return await _form(visit, resource, inputs, defaults_of(visit.words, inputs, visit.query))


async def create(visit: Visit, resource: Resource) -> Answer:
    """Make a row from its form."""
    inputs = _wanted(visit, _create_inputs(visit, resource))
    texts = typed(visit, inputs)
    try:
        schema = create_schema(resource.name, resource.model, resource.extra)
        values = parse_form(visit.words, inputs, texts, schema.parse, keep_empty=False)
        id = await visit.write(lambda tx: insert_row(tx, resource, values))
    except (Invalid, Conflict, LimitExceeded) as error:
        return await _form(visit, resource, inputs, texts, refusal=error)
    visit.flash(visit.words.say("Created."))
    if visit.sent("again"):
        return visit.go(f"/studio/{resource.name}/new")
    return visit.go(_back(visit) or f"/studio/{resource.name}/{id}")


async def check(visit: Visit, resource: Resource) -> Answer:
    """Say what is wrong with a form as far as it is filled in, by field, as JSON."""
    is_new = not visit.sent("version")
    inputs = _wanted(visit, _create_inputs(visit, resource) if is_new else _update_inputs(visit, resource))
    schema = (
        create_schema(resource.name, resource.model, resource.extra)
        if is_new
        else update_schema(resource.name, resource.model)
    )
    refusal: Invalid | None = None
    try:
        parse_form(visit.words, inputs, typed(visit, inputs), schema.parse, keep_empty=not is_new)
    except Invalid as error:
        refusal = error
    names = {one.name for one in inputs} | {name for name in visit.form if "." in name}
    return json_answer(errors_by_input(visit.words, refusal, names))


def _wanted(visit: Visit, inputs: list[Input]) -> list[Input]:
    """Return the inputs that are asked for: all of them, some by name, or those a row can't be without."""
    asked = set((visit.sent("only") or visit.query.get("only", "")).split(","))
    if asked == {"required"}:
        asked = {one.name for one in inputs if one.required} or {one.name for one in inputs[:1]}
    return [one for one in inputs if one.name in asked] or inputs


def _back(visit: Visit) -> str:
    """Return the page a form was opened from, where it says so."""
    wanted = visit.sent("back") or visit.query.get("back", "")
    return local(wanted) if wanted else ""


def _create_inputs(visit: Visit, resource: Resource) -> list[Input]:
    if not resource.creatable:
        raise MethodNotAllowed(method=visit.call.method)
    visit.require(resource.write)
    model = create_schema(resource.name, resource.model, resource.extra).model
    return inputs_of(visit.api.catalog, model, resource)


async def edit(visit: Visit, resource: Resource, id: str) -> Answer:
    """Show the form of a row, or of some of its fields."""
    inputs = _wanted(visit, _update_inputs(visit, resource))
    row = await current_row(visit, resource, identity(id))
    texts = texts_of(visit.words, inputs, row)
    return await _form(visit, resource, inputs, texts, base=texts, row=row)


async def change(visit: Visit, resource: Resource, id: str) -> Answer:
    """Change the fields that were edited; what somebody else changed meanwhile stays, or is asked about."""
    inputs = _wanted(visit, _update_inputs(visit, resource))
    key, texts = identity(id), typed(visit, inputs)
    base = {one.name: visit.sent(f"base.{one.name}") for one in inputs}
    texts |= {name: base[name] for name in base if visit.sent(f"pick.{name}") == "theirs"}
    edited = [one for one in inputs if texts[one.name] != base[one.name]]
    version = int(visit.sent("version")) if visit.sent("version").isdecimal() else None
    kept: set[str] = set()
    back = _back(visit) or f"/studio/{resource.name}/{id}"
    for _ in range(TRIES):
        if not edited:
            return visit.go(back)
        try:
            await _change(visit, resource, key, edited, texts, version)
        except Stale:
            row = await current_row(visit, resource, key)
            theirs = texts_of(visit.words, inputs, row)
            moved = {name for name in base if theirs[name] != base[name]}
            clashes = [one for one in edited if one.name in moved and theirs[one.name] != texts[one.name]]
            if clashes:
                return await _conflict(visit, resource, row, inputs, clashes, (base, theirs, texts))
            version, kept = int(row["version"]), moved
            texts |= {name: theirs[name] for name in moved}
            edited = [one for one in edited if texts[one.name] != theirs[one.name]]
        except (Invalid, Conflict, LimitExceeded) as error:
            row = await current_row(visit, resource, key)
            # The form goes on from what it was based on: an error must not make it forget whose change it overwrites.
            return await _form(
                visit, resource, inputs, texts, base=base, row={**row, "version": version}, refusal=error
            )
        else:
            _say_saved(visit, kept)
            return visit.go(back)
    raise Stale(what=resource.noun)


async def _change(
    visit: Visit, resource: Resource, id: UUID, edited: list[Input], texts: Texts, version: int | None
) -> None:
    schema = update_schema(resource.name, resource.model)
    values = parse_form(visit.words, edited, texts, schema.parse, keep_empty=True)

    def unit(tx: Transaction) -> None:
        change_row(tx, resource, id, values, version)

    await visit.write(unit)


def _say_saved(visit: Visit, kept: set[str]) -> None:
    words = visit.words
    if not kept:
        visit.flash(words.say("Saved."))
        return
    names = ", ".join(sorted(words.label(name) for name in kept))
    visit.flash(words.say("Saved. What somebody else changed meanwhile was kept: {names}.", names=names))


def _update_inputs(visit: Visit, resource: Resource) -> list[Input]:
    if not resource.editable:
        raise MethodNotAllowed(method=visit.call.method)
    visit.require(resource.write)
    inputs = inputs_of(visit.api.catalog, update_schema(resource.name, resource.model).model, resource)
    if not inputs:
        raise NotFound(what="page")
    order = {column.name: place for place, column in enumerate(resource.table.columns)}
    return sorted(inputs, key=lambda one: order.get(one.name, len(order)))


async def current_row(visit: Visit, resource: Resource, id: UUID, *, trash: bool = False) -> dict[str, Any]:
    """Return a row as the API shows it. Raises NotFound."""
    reader, actor = visit.api.reader, visit.by
    text, _ = await visit.api.database.aread(lambda: reader.row(actor, resource, id, trash=trash))
    found: dict[str, Any] = json.loads(text)
    return found


async def _form(
    visit: Visit,
    resource: Resource,
    inputs: list[Input],
    texts: Texts,
    *,
    base: Texts | None = None,
    row: dict[str, Any] | None = None,
    refusal: GrowbaseError | None = None,
) -> Answer:
    as_fields = refusal if isinstance(refusal, Invalid) else Invalid(fields=refusal.fields) if refusal else None
    words = visit.words
    return page(
        visit,
        "form.html",
        422 if refusal else 200,
        resource=resource,
        row=row,
        title=await called(visit, resource, row) if row else "",
        fields=await shown(visit, inputs, texts, as_fields, base),
        refusal=words.say(refusal.message, **refusal.params) if refusal else "",
        only=visit.sent("only") or visit.query.get("only", ""),
        way_back=_back(visit),
        back=_back(visit) or f"/studio/{resource.name}" + (f"/{row[resource.key]}" if row else ""),
    )


async def _conflict(
    visit: Visit,
    resource: Resource,
    row: dict[str, Any],
    inputs: list[Input],
    clashes: list[Input],
    sides: tuple[Texts, Texts, Texts],
) -> Answer:
    """Show what both changed: as it was, theirs and yours, field by field."""
    base, theirs, yours = sides
    moved = {one.name for one in inputs if theirs[one.name] != base[one.name]}
    names = {one.name for one in clashes}
    # What only they changed is taken over; what clashes is asked about, based on theirs from now on.
    texts = {name: theirs[name] if name in moved - names else text for name, text in yours.items()}
    was, theirs_shown, yours_shown = [await shown(visit, inputs, side) for side in (base, theirs, texts)]
    return page(
        visit,
        "conflict.html",
        412,
        resource=resource,
        row=row,
        title=await called(visit, resource, row),
        triples=[found for found in zip(was, theirs_shown, yours_shown, strict=True) if found[0].input.name in names],
        rest=[one for one in await shown(visit, inputs, texts, None, theirs) if one.input.name not in names],
        only=visit.sent("only"),
        way_back=_back(visit),
        merged=sorted(visit.words.label(name) for name in moved - names),
    )
