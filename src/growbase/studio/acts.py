"""What is done to one row, or started on a collection: trash and back, states, verbs with their forms, undo, export."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.api.crud import remove_row, require_owner
from growbase.api.export import export as export_file
from growbase.core import log
from growbase.core.actor import Role
from growbase.core.errors import Conflict, Forbidden, GrowbaseError, Invalid, LimitExceeded, NotFound, Stale
from growbase.core.model import is_trashable
from growbase.core.query import parse
from growbase.core.resource import Catalog, Resource, Verb
from growbase.core.schema import parse_with
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, restore
from growbase.core.types import compact_json
from growbase.studio import filters
from growbase.studio.edit import current_row
from growbase.studio.forms import Texts, defaults_of, inputs_of, parse_form, shown, typed
from growbase.studio.lookup import called
from growbase.studio.render import page
from growbase.studio.rows import title_of
from growbase.studio.visit import Visit, local, with_query


@dataclass(frozen=True, slots=True)
class Companions:
    """The rows of one resource that go to the trash, or came there, with another row."""

    resource: Resource
    count: int
    titles: list[str]


async def export(visit: Visit, resource: Resource) -> Answer:
    """Return every row of a list as a file; the log notes who exported."""
    visit.require(resource.read)
    query = parse(visit.api.catalog, resource, with_query("", filters.for_reader(visit.pairs)).removeprefix("?"))
    detail = {"resource": resource.name, "query": visit.call.query[:500]}
    await visit.write(lambda tx: tx.record("export", resource.table.name, None, detail))
    return await visit.api.database.aread(lambda: export_file(visit.api.reader, visit.by, resource, query))


# -- trash ------------------------------------------------------------------------------------------------------------


def companions(reads: Transaction | Any, visit: Visit, resource: Resource, deletion_id: UUID) -> list[Companions]:  # noqa: ANN401 -- any reads
    """Return what shares a deletion with a row, resource by resource."""
    found = []
    for other in _family(visit.api.catalog, resource):
        rows = reads.rows(other.model, deletion_id=deletion_id, trash=True, limit=1_000)
        titles = [title_of(visit.words, other, row.__dict__) for row in rows[:5]]
        if rows:
            found.append(Companions(other, len(rows), titles))
    return found


def _family(catalog: Catalog, resource: Resource) -> list[Resource]:
    """Return a resource and those whose rows are trashed with its rows, parents first."""
    found = [resource]
    for one in found:
        children = (catalog.by_table.get(name) for name in one.children)
        found += [child for child in children if child and is_trashable(child.model) and child not in found]
    return found


async def ask_trash(visit: Visit, resource: Resource, id: str) -> Answer:
    """Show what would go, before it goes."""
    visit.require(remover(resource))
    key = identity(id)
    row = await current_row(visit, resource, key)

    def unit(tx: Transaction) -> list[Companions]:
        deletion_id = _remove(tx, resource, key)
        return companions(tx, visit, resource, deletion_id) if deletion_id else []

    refusal = ""
    found: list[Companions] = []
    try:
        found = await visit.write(unit, dry_run=True)
    except (Conflict, Invalid) as error:
        refusal = visit.words.say(error.message, **error.params)
    return page(
        visit,
        "trash.html",
        resource=resource,
        row=row,
        title=await called(visit, resource, row),
        found=found,
        refusal=refusal,
        days=visit.api.settings.trash_days,
    )


async def trash_row(visit: Visit, resource: Resource, id: str) -> Answer:
    """Move a row to the trash, or delete it where there is none."""
    visit.require(remover(resource))
    key = identity(id)
    deletion_id = await visit.write(lambda tx: _remove(tx, resource, key))
    if deletion_id is None:
        visit.flash(visit.words.say("Deleted."))
    else:
        visit.flash(visit.words.say("Moved to the trash."), undo=f"/studio/{resource.name}/{id}/restore")
    return visit.go(f"/studio/{resource.name}")


def remover(resource: Resource) -> Role:
    """Return the least role that may delete a row, be it only one's own."""
    return min(resource.delete, resource.write, key=list(Role).index)


def _remove(tx: Transaction, resource: Resource, id: UUID) -> UUID | None:
    if not resource.deletable:
        raise NotFound(what="verb")
    require_owner(tx, resource, id)
    return remove_row(tx, resource, id, {})


async def restore_row(visit: Visit, resource: Resource, id: str) -> Answer:
    """Bring a row back with what was deleted together with it."""
    if not (resource.trashable and resource.deletable):
        raise NotFound(what="verb")
    visit.require(resource.delete)
    key = identity(id)
    count = await visit.write(lambda tx: restore(tx, resource.model, key))
    words = visit.words
    said = words.say("Restored.") if count == 1 else words.say("Restored with {count} more rows.", count=count - 1)
    visit.flash(said)
    return visit.go(f"/studio/{resource.name}/{id}")


async def purge_row(visit: Visit, resource: Resource, id: str) -> Answer:
    """Remove a row in the trash for good."""
    if not (resource.trashable and resource.deletable):
        raise NotFound(what="verb")
    visit.require(Role.ADMIN)
    key = identity(id)
    await visit.write(lambda tx: purge(tx, resource.model, key))
    visit.flash(visit.words.say("Removed for good."))
    return visit.go(f"/studio/{resource.name}?trash=only")


# -- states and history -----------------------------------------------------------------------------------------------


async def move(visit: Visit, resource: Resource, id: str) -> Answer:
    """Move a row to another state, and go back to the page the form was on; a ``version`` must be the row's still."""
    visit.require(resource.write)
    key = identity(id)
    state = state_named(resource, visit.sent("to"))
    back = local(visit.sent("back")) if visit.sent("back") else f"/studio/{resource.name}/{id}"
    version = int(visit.sent("version")) if visit.sent("version").isdecimal() else None

    def unit(tx: Transaction) -> None:
        if version is not None and tx.get(resource.model, key, lock=True).__dict__["version"] != version:
            raise Stale(what=resource.noun)
        tx.transition(resource.model, key, state)

    try:
        await visit.write(unit)
        visit.flash(visit.words.say("Moved to {state}.", state=visit.words.label(state.value)))
    except (Conflict, Forbidden, Invalid, LimitExceeded, Stale) as error:
        flash_error(visit, error)
    return visit.go(back)


def state_named(resource: Resource, name: str) -> Any:  # noqa: ANN401 -- a member of the resource's own states
    """Return a state of a resource by its name. Raises NotFound and Invalid."""
    if not resource.transitions:
        raise NotFound(what="verb")
    states = type(next(iter(resource.transitions)))
    if name not in {state.value for state in states}:
        expected = ", ".join(repr(state.value) for state in states)
        raise Invalid.at("to", "choice", "must be one of {expected}", expected=expected)
    return states(name)


async def undo(visit: Visit, resource: Resource, id: str) -> Answer:
    """Undo one change of a row."""
    if not (resource.editable or resource.deletable):
        raise NotFound(what="verb")
    visit.require(resource.write)
    key = identity(id)
    seq = int(visit.sent("seq")) if visit.sent("seq").isdecimal() else 0
    try:
        await visit.write(lambda tx: log.undo(tx, resource, key, seq))
        visit.flash(visit.words.say("Undone."))
    except Conflict as error:
        flash_error(visit, error)
    return visit.go(f"/studio/{resource.name}/{id}?tab=history")


def flash_error(visit: Visit, error: GrowbaseError) -> None:
    """Say on the next page why something was refused."""
    words = visit.words
    details = "; ".join(f"{words.label(one.field)} {words.say(one.message, **one.params)}" for one in error.fields)
    text = words.say(error.message, **error.params)
    visit.flash(f"{text} {details}".strip(), kind="error")


# -- verbs ------------------------------------------------------------------------------------------------------------


async def ask(visit: Visit, resource: Resource, verb: str, id: str | None = None) -> Answer:
    """Show the form of a verb."""
    found = _verb(visit, resource, verb, id)
    inputs = inputs_of(visit.api.catalog, found.body, resource) if found.body else []
    texts = defaults_of(visit.words, inputs, visit.query)
    return await _verb_form(visit, resource, verb, id, texts)


async def run(visit: Visit, resource: Resource, verb: str, id: str | None = None) -> Answer:
    """Run a verb with what its form sent, and show the row or the answer."""
    found = _verb(visit, resource, verb, id)
    inputs = inputs_of(visit.api.catalog, found.body, resource) if found.body else []
    texts = typed(visit, inputs)
    try:
        values: dict[str, Any] = {}
        if found.body is not None:
            read = partial(parse_with, found.body.model_validate_json)
            parsed = parse_form(visit.words, inputs, texts, read, keep_empty=False)
            values = {name: getattr(parsed, name) for name in type(parsed).model_fields}
        if id is not None:
            values["id"] = identity(id)
        result = await visit.write(lambda tx: found.run(tx, **values))
    except (Invalid, Conflict, LimitExceeded) as error:
        if not inputs:
            flash_error(visit, error)
            return visit.go(f"/studio/{resource.name}/{id}" if id else f"/studio/{resource.name}")
        return await _verb_form(visit, resource, verb, id, texts, error)
    back = f"/studio/{resource.name}/{result if found.answers == 'row' else id}"
    if found.answers == "row" or not result:
        visit.flash(visit.words.say("Done: {verb}.", verb=visit.words.label(verb)))
        return visit.go(back if found.answers == "row" or id else f"/studio/{resource.name}")
    return page(
        visit,
        "answer.html",
        resource=resource,
        verb=verb,
        answer=_plain(result),
        secret=found.secret,
        back=back if id else f"/studio/{resource.name}",
    )


def _plain(result: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- a verb's own answer
    found = json.loads(compact_json(result))
    pairs = found.items() if isinstance(found, dict) else [("result", found)]
    return [
        (name, value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))
        for name, value in pairs
    ]


async def _verb_form(
    visit: Visit,
    resource: Resource,
    name: str,
    id: str | None,
    texts: Texts,
    error: GrowbaseError | None = None,
) -> Answer:
    verb = resource.verbs[name]
    inputs = inputs_of(visit.api.catalog, verb.body, resource) if verb.body else []
    row = await current_row(visit, resource, identity(id)) if id else None
    as_fields = Invalid(fields=error.fields) if error else None
    words = visit.words
    return page(
        visit,
        "verb.html",
        422 if error else 200,
        resource=resource,
        verb=name,
        about=" ".join((verb.run.__doc__ or "").split()).split(". ", maxsplit=1)[0].rstrip("."),
        row=row,
        title=await called(visit, resource, row) if row else "",
        fields=await shown(visit, inputs, texts, as_fields),
        refusal=words.say(error.message, **error.params) if error else "",
        back=f"/studio/{resource.name}/{id}" if id else f"/studio/{resource.name}",
    )


def _verb(visit: Visit, resource: Resource, name: str, id: str | None) -> Verb:
    found = resource.verbs.get(name)
    if found is None or (found.on == "row") != (id is not None):
        raise NotFound(what="verb")
    visit.require(found.role)
    return found
