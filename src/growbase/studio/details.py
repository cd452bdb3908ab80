"""One row: its fields, what belongs to it, what can be done with it, how it came to be, and how programs reach it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.core import clock, log
from growbase.core.actor import Role
from growbase.core.errors import Gone, GrowbaseError, Invalid, MethodNotAllowed, NotFound
from growbase.core.model import View, is_trashable, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.statements import plan_of
from growbase.studio import dashboards, discussion, lists
from growbase.studio.acts import Companions, companions, remover
from growbase.studio.edit import current_row
from growbase.studio.render import page
from growbase.studio.rows import STAMPS, USERS, Column, columns_of, names_in, title_columns, title_of
from growbase.studio.tabs import tabs_of
from growbase.studio.visit import Visit

COUNTED: Final = 100
"""Related rows that are counted; more are just many."""
CHANGES: Final = 30
LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class Related:
    """The rows of a resource that refer to a row by one column."""

    resource: Resource
    column: str
    count: int


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a row's history, as people read it."""

    seq: int
    at: str
    who: str
    action: str
    diffs: list[tuple[str, Column | None, Any, Any]]
    can_undo: bool


async def show(visit: Visit, resource: Resource, id: str) -> Answer:
    """Show a row, or one of its tabs."""
    visit.require(resource.read)
    if issubclass(resource.model, View):
        raise MethodNotAllowed(method=visit.call.method)
    key = identity(id)
    row = await current_row(visit, resource, key, trash=True)
    related = await visit.read(lambda reads: related_to(reads, visit, resource, key))
    tab = visit.query.get("tab", "")
    old, refusal = await _as_of(visit, resource, key)
    if old is not None:
        row = {**row, **old}
    in_trash = bool(row.get("deleted_at"))
    columns = columns_of(resource)
    names = await visit.read(lambda reads: names_in(reads, [row], columns))
    values: dict[str, Any] = {
        "resource": resource,
        "row": row,
        "title": title_of(visit.words, resource, row, names),
        "names": names,
        "related": related,
        "tab": tab,
        "own_tabs": tabs_of(resource),
        "moment": visit.query.get("as_of", ""),
        "refusal": refusal,
        "is_old": old is not None,
        "in_trash": in_trash,
        "has_history": resource.model.__logged__,
        "has_dashboard": resource.name in dashboards.FOR,
        "groups_of_fields": _fields(resource, columns),
        "stamps": [column for column in columns if column.name in {"created_at", "updated_at", *USERS}],
        **_may(visit, resource, row, in_trash=in_trash),
    }
    values["editable"] = lists.editable(visit, resource) if values["may_edit"] and old is None else frozenset()
    values |= await _tab(visit, resource, row, tab, related)
    values |= await discussion.tab_of(visit, resource, row)
    return page(visit, "detail.html", **values)


async def _tab(
    visit: Visit, resource: Resource, row: Mapping[str, Any], tab: str, related: list[Related]
) -> dict[str, Any]:
    """Return what the chosen tab shows."""
    found: dict[str, Any] = {"changes": [], "listing": None, "chosen": None, "cohort": [], "change_names": {}}
    found["moments"] = []
    own = next((one for one in tabs_of(resource) if one.key == tab), None)
    if own is not None:
        return {**found, "own": await own.load(visit, row), "own_template": own.template}
    key = identity(str(row["id"]))
    if (tab == "history" or "as_of" in visit.query) and resource.model.__logged__:
        found["changes"], found["change_names"] = await _history(visit, resource, key)
    found["moments"] = _moments(visit, found["changes"])
    chosen = next((one for one in related if f"{one.resource.name}.{one.column}" == tab), None)
    if chosen is not None:
        pairs = [(chosen.column, str(key)), ("sort", chosen.resource.sort)]
        found |= {"chosen": chosen, "listing": await lists.load(visit, chosen.resource, pairs, limit=LISTED)}
    if row.get("deleted_at") and row.get("deletion_id"):
        deletion_id = identity(str(row["deletion_id"]))

        def read(reads: Reads) -> list[Companions]:
            return companions(reads, visit, resource, deletion_id)

        found["cohort"] = await visit.read(read)
    return found


def _may(visit: Visit, resource: Resource, row: Mapping[str, Any], *, in_trash: bool) -> dict[str, Any]:
    """Return what the visitor may do with a row as it is."""
    writes, owner = visit.may(resource.write), resource.owner
    owns = owner is not None and str(row.get(owner)) == str(visit.by.id)
    deletes = resource.deletable and (visit.may(resource.delete) or (owns and visit.may(remover(resource))))
    states: list[str] = []
    if resource.transitions and writes and not in_trash:
        enum = type(next(iter(resource.transitions)))
        states = sorted(state.value for state in resource.transitions.get(enum(row[resource.state]), ()))
    verbs = {} if in_trash else lists.verbs_on(visit, resource, "row")
    deleted_at = row.get("deleted_at")
    days = None
    if deleted_at:
        end = datetime.fromisoformat(str(deleted_at)) + timedelta(days=visit.api.settings.trash_days)
        days = max(0, (end - clock.now()).days)
    return {
        "may_edit": resource.editable and writes and not in_trash,
        "may_delete": deletes and not in_trash,
        "may_restore": in_trash and resource.deletable and visit.may(resource.delete),
        "may_purge": in_trash and resource.deletable and visit.may(Role.ADMIN),
        "may_undo": writes and (resource.editable or resource.deletable),
        "acts": [
            *({"name": name, "state": True, "has_form": False} for name in states),
            *({"name": name, "state": False, "has_form": verb.body is not None} for name, verb in verbs.items()),
        ],
        "days": days,
    }


def _fields(resource: Resource, columns: tuple[Column, ...]) -> dict[str, list[Column]]:
    """Return the columns in two parts: what fits a line, and texts and documents, which take the width."""
    titles = title_columns(resource.model)
    parts: dict[str, list[Column]] = {"short": [], "wide": []}
    for column in columns:
        if column.name in STAMPS | {"created_at", "updated_at", "deleted_at"}:
            continue
        is_long = column.kind == "text" and (column.rule.max_length or 0) > 500 and column.name not in titles
        parts["wide" if column.kind == "document" or is_long else "short"].append(column)
    return parts


def related_to(reads: Reads, visit: Visit, resource: Resource, id: UUID) -> list[Related]:
    """Return what refers to a row, with counts that stop at ``COUNTED``: its children first."""
    found = []
    for other in visit.readable():
        if issubclass(other.model, View):
            continue
        for column in other.public:
            rule = rule_of(column)
            if rule.target != resource.table.name or rule.member or column.name == "organization_id":
                continue
            found.append(Related(other, column.name, _count(reads, other, column.name, id)))
    children = resource.children
    return sorted(found, key=lambda one: (one.resource.table.name not in children, one.count == 0))


def _count(reads: Reads, other: Resource, column: str, id: UUID) -> int:
    plan = plan_of(other.model, reads.engine)
    terms, params = reads.scope_terms(plan, anywhere=False)
    field = plan.fields[column]
    terms.append(f"t.{column} = {'%s' if reads.engine == 'postgresql' else '?'}")
    params.append(field.bound(id))
    if is_trashable(other.model):
        terms.append("t.deleted_at IS NULL")
    inner = f"SELECT 1 FROM {table_of(other.model).name} t WHERE {' AND '.join(terms)} LIMIT {COUNTED + 1}"
    return int(reads.execute(f"SELECT count(*) FROM ({inner}) c", params).fetchone()[0])


# -- history ----------------------------------------------------------------------------------------------------------


async def _as_of(visit: Visit, resource: Resource, id: UUID) -> tuple[dict[str, Any] | None, str]:
    """Return the row as it was at the moment the address names, or why there is none."""
    text = visit.query.get("as_of", "").strip()
    if not text or not resource.model.__logged__:
        return None, ""
    words = visit.words
    try:
        moment = datetime.fromisoformat(words.read_moment(text))
    except ValueError:
        return None, words.say("Write the moment such as 2026-01-31 09:00.")
    if moment.tzinfo is None:
        return None, words.say("Write the moment such as 2026-01-31 09:00.")
    try:
        return await visit.read(lambda reads: log.as_of(reads, resource, id, moment)), ""
    except NotFound:
        return None, words.say("It did not exist at that moment.")
    except (Gone, Invalid) as error:
        return None, _said(visit, error)


def _moments(visit: Visit, changes: list[Change]) -> list[tuple[str, str]]:
    """Return the moments a row can be looked back at, as an address has them and as people read them; then now."""
    words = visit.words
    found = [(words.typed_moment(one.at, "microseconds"), words.moment(one.at)) for one in reversed(changes)]
    return [*found, ("", words.say("now"))]


def _said(visit: Visit, error: GrowbaseError) -> str:
    return visit.words.say(error.message, **error.params)


async def _history(visit: Visit, resource: Resource, id: UUID) -> tuple[list[Change], dict[str, str]]:
    known = {column.name: column for column in columns_of(resource)}
    before = int(visit.query["before"]) if visit.query.get("before", "").isdecimal() else None

    def read(reads: Reads) -> tuple[list[Change], dict[str, str]]:
        try:
            lines = log.history(reads, resource, id, limit=CHANGES, before=before)
        except NotFound:
            lines = []
        rows = [
            {name: pair[side] for name, pair in line["changes"].items() if isinstance(pair, list)}
            for line in lines
            for side in (0, 1)
        ]
        names = names_in(reads, rows, [column for column in known.values() if column.target])
        return [_change(visit, resource, known, line) for line in lines], names

    return await visit.read(read)


def _change(visit: Visit, resource: Resource, known: dict[str, Column], line: Mapping[str, Any]) -> Change:
    diffs = [
        (name, known.get(name), pair[0], pair[1])
        for name, pair in line["changes"].items()
        if isinstance(pair, list) and len(pair) == 2 and name not in {"deleted_at", "deleted_by", "deletion_id"}
    ]
    can_undo = line["action"] in {"update", "transition"} and resource.editable
    can_undo = can_undo or (
        line["action"] in {"trash", "restore"} and resource.deletable and visit.may(resource.delete)
    )
    who = line["actor"]["label"] or visit.words.label(line["actor"]["type"])
    return Change(line["seq"], line["occurred_at"], who, line["action"], diffs, can_undo)
