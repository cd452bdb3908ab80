"""The audit log: who did what and when, searched and exported, with the seals that prove it for operators."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer
from growbase.core.actor import ActorKind, system
from growbase.core.errors import Invalid
from growbase.core.feed import cursor_of, position_at, position_of
from growbase.core.model import rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.resource import Catalog
from growbase.core.tables import Change, InstanceFact, Seal
from growbase.core.types import moment_text, parse_moment
from growbase.domains.identity.models import Organization, User
from growbase.jobs.figures import live_jobs
from growbase.ops import by_hand
from growbase.ops.audit import Filter, all_changes, csv_lines, json_lines, newest_changes, shown
from growbase.studio.lookup import members
from growbase.studio.render import page
from growbase.studio.rows import Column, columns_of, names_by_id, names_in
from growbase.studio.running import operating
from growbase.studio.running.names import named
from growbase.studio.visit import Visit, with_query
from growbase.studio.words import Words

SHOWN: Final = 50
EXPORTED: Final = 100_000
"""Entries of one export: for more, the command growbase audit export has no end."""
PARAMETERS: Final = ("who", "entity", "id", "action", "from", "to", "all")
OTHERS: Final = ("sessions", "requests", "users", "queues", "schedules", "erasures")
"""What entries speak of beside the resources."""
MESSAGES: Final = {
    "login": "Signed in",
    "logout": "Signed out",
    "login_failed": "Could not sign in",
    "switch": "Went to another organization",
    "permission_denied": "Was refused",
    "password_changed": "Changed a password",
    "export": "Exported",
    "export_person": "Handed out a person's data",
    "join": "Joined",
    "leave": "Left",
    "invite": "Invited",
    "change_role": "Changed a role",
    "transfer": "Handed over ownership",
    "revoke": "Revoked",
    "rotate_secret": "Made a new secret",
    "change_plan": "Changed the plan",
    "cancel": "Cancelled",
    "retry": "Tried again",
    "discard": "Gave up",
    "pause": "Paused",
    "resume": "Let go on",
    "run": "Ran by hand",
    "start": "Started by hand",
}


async def show(visit: Visit) -> Answer:
    """Show the newest entries that are wanted."""
    operating.require_overseer(visit)
    people = await visit.read(_people)
    wanted, refusal = _wanted(visit, people)
    cursor = visit.query.get("before", "")
    before = position_at(cursor, "before") if cursor else None
    database = visit.api.database
    rows: list[Change] = []
    if not refusal:
        rows = await database.aread(lambda: newest_changes(database, wanted, SHOWN + 1, before))
    names = await visit.read(lambda reads: _names(reads, rows[:SHOWN]))
    given = [(name, visit.query.get(name, "")) for name in PARAMETERS]
    seals = await database.aread(lambda: _seals(visit)) if visit.person.is_operator else None
    last = cursor_of(position_of(rows[SHOWN - 1])) if len(rows) > SHOWN else ""
    return page(
        visit,
        "running/audit.html",
        rows=[_entry(visit, row, names) for row in rows[:SHOWN]],
        names=names,
        refusal=refusal,
        asked=dict(given),
        is_asked=any(value for name, value in given if name != "all"),
        entities=_entities(visit),
        actions=sorted((key, visit.words.say(text)) for key, text in _actions().items()),
        people=sorted({text for pair in people.values() for text in pair}),
        seals=seals,
        next=with_query("/studio/audit", [*given, ("before", last)]) if last else "",
        first=with_query("/studio/audit", given) if cursor else "",
        export=with_query("/studio/audit/export", given),
        most=EXPORTED,
    )


def _actions() -> dict[str, str]:
    plain = {
        "insert": "Created",
        "update": "Changed",
        "transition": "Moved",
        "trash": "Moved to the trash",
        "restore": "Restored",
        "purge": "Removed for good",
    }
    return {**plain, **MESSAGES}


def _wanted(visit: Visit, people: Mapping[str, tuple[str, str]]) -> tuple[Filter, str]:
    """Return what the address asks for, and what is wrong with it; all organizations are for operators only."""
    query, words = visit.query, visit.words
    who = query.get("who", "").strip()
    is_meant = (id for id, texts in people.items() if who.lower() in {text.lower() for text in texts})
    found = Filter(
        entity=query.get("entity") or None,
        actor=next(is_meant, who) or None,
        action=query.get("action", "").strip() or None,
        organization_id=visit.by.organization_id,
    )
    if query.get("all") == "1" and visit.person.is_operator:
        found = replace(found, organization_id=None)
    elif visit.by.organization_id is None:
        return found, words.say("You belong to no organization.")
    try:
        if query.get("id"):
            found = replace(found, entity_id=UUID(query["id"].strip()))
        if query.get("from"):
            found = replace(found, since=parse_moment(words.day_bounds(query["from"].strip(), end=False)))
        if query.get("to"):
            found = replace(found, until=parse_moment(words.day_bounds(query["to"].strip(), end=True)))
    except ValueError:
        return found, words.say("Write days such as 2026-01-31, and the id of a row as it stands in its address.")
    return found, ""


def _people(reads: Reads) -> dict[str, tuple[str, str]]:
    """Return name and address of the organization's members by their id."""
    names = dict(members(reads))
    users = reads.rows(User, id=[UUID(id) for id in names]) if names else []
    return {str(row.id): (names[str(row.id)], row.email) for row in users}


def _entities(visit: Visit) -> list[tuple[str, str]]:
    words = visit.words
    listed = [(one.table.name, words.title(one)) for one in visit.readable() if one.model.__logged__]
    known = {name for name, _ in listed}
    return sorted(
        [*listed, *((name, words.label(name)) for name in OTHERS if name not in known)], key=lambda one: one[1]
    )


# -- entries ----------------------------------------------------------------------------------------------------------


def visible(catalog: Catalog, row: Change, me: UUID | None) -> dict[str, Any] | None:
    """Return what an entry tells of a change, without columns that nobody is shown and what is another person's own."""
    found = row.changes
    model = catalog.models.get(row.entity)
    if not found or model is None or row.version is None:
        return found
    if model.__personal__ is not None and row.actor_id != me:
        return None
    columns = table_of(model).columns
    return {name: pair for name, pair in found.items() if name in columns and not rule_of(columns[name]).hidden}


def _entry(visit: Visit, row: Change, names: dict[str, str]) -> dict[str, Any]:
    catalog, words = visit.api.catalog, visit.words
    resource = catalog.by_table.get(row.entity)
    known: dict[str, Column] = {one.name: one for one in columns_of(resource)} if resource else {}
    changes = visible(catalog, row, visit.by.id) or {}
    diffs = [
        (name, known.get(name), *pair) for name, pair in changes.items() if isinstance(pair, list) and len(pair) == 2
    ]
    is_here = row.organization_id == visit.by.organization_id
    link = ""
    if resource is not None and row.entity_id and is_here and visit.may(resource.read):
        link = f"/studio/{resource.name}/{row.entity_id}"
    return {
        "at": moment_text(row.occurred_at),
        "who": named(words, row.actor_label) if row.actor_type is ActorKind.JOB else row.actor_label,
        "kind": row.actor_type.value,
        "action": said(words, row.action),
        "noun": words.named(resource) if resource is not None else words.label(row.entity),
        "title": names.get(str(row.entity_id), "") if is_here else "",
        "id": str(row.entity_id or ""),
        "link": link,
        "as_of": resource.model.__logged__ if resource is not None and link else False,
        "diffs": diffs,
        "more": [(name, value) for name, value in changes.items() if name not in {one[0] for one in diffs}],
        "ip": row.ip or "",
        "agent": row.user_agent or "",
        "request": row.request_id or "",
        "organization": names.get(str(row.organization_id), "") if not is_here else "",
    }


def said(words: Words, action: str) -> str:
    """Return what was done, in the past."""
    return words.say(MESSAGES[action]) if action in MESSAGES else words.action(action)


def _names(reads: Reads, rows: list[Change]) -> dict[str, str]:
    """Return the names of the rows entries speak of, and of those their changes refer to; one statement a table."""
    catalog = reads.context.catalog
    here = [row for row in rows if row.organization_id == reads.actor.organization_id]
    by_table: dict[str, set[str]] = {}
    found: dict[str, str] = {}
    for row in here:
        if row.entity_id is not None:
            by_table.setdefault(row.entity, set()).add(str(row.entity_id))
    for table, ids in by_table.items():
        found |= names_by_id(reads, table, ids)
    columns: dict[str, Column] = {}
    values = []
    for row in here:
        resource = catalog.by_table.get(row.entity)
        for column in columns_of(resource) if resource else ():
            if column.target and column.name in (row.changes or {}):
                columns[column.name] = column
        pairs = {name: pair for name, pair in (row.changes or {}).items() if isinstance(pair, list) and len(pair) == 2}
        values += [{name: pair[side] for name, pair in pairs.items() if isinstance(pair[side], str)} for side in (0, 1)]
    found |= names_in(reads, values, columns.values())
    others = {row.organization_id for row in rows if row.organization_id} - {reads.actor.organization_id}
    if others:
        model = Organization
        everywhere = Reads(reads.context, system("studio"), reads.execute)
        found |= {str(one.id): one.name for one in everywhere.rows(model, id=list(others), trash=True, anywhere=True)}
    return found


# -- seals and export -------------------------------------------------------------------------------------------------


def _seals(visit: Visit) -> dict[str, Any]:
    """Return the newest seal and how the last proof of the log went."""
    with visit.api.database.read(system("studio")) as reads:
        newest = next(iter(reads.rows(Seal, order="-number", limit=1)), None)
        live = live_jobs(reads, by_hand.PROVE)
        proof = reads.find(InstanceFact, name=by_hand.PROOF)
    return {
        "head": f"{newest.number}:{newest.digest}" if newest else "",
        "at": moment_text(newest.sealed_at) if newest else "",
        "live": str(live[0].id) if live else "",
        "proof": json.loads(proof.value) if proof else None,
    }


async def prove(visit: Visit) -> Answer:
    """Prove the whole log against its seals, as a job."""
    return visit.go(await operating.start(visit, by_hand.PROVE))


async def export(visit: Visit) -> Answer:
    """Send the entries that are wanted as a file, the oldest first."""
    operating.require_overseer(visit)
    wanted, refusal = _wanted(visit, await visit.read(_people))
    kind = visit.query.get("format", "csv")
    if refusal or kind not in {"csv", "ndjson"}:
        raise Invalid(refusal or "The format is csv or ndjson.")
    database, catalog, me = visit.api.database, visit.api.catalog, visit.by.id
    asked = {name: visit.query[name] for name in PARAMETERS if visit.query.get(name)}
    await visit.api.database.awrite(visit.by, lambda tx: tx.record("export", "changes", None, asked or None))
    rows = islice(all_changes(database, wanted), EXPORTED)
    entries = ({**shown(row), "changes": visible(catalog, row, me)} for row in rows)
    lines = csv_lines(entries) if kind == "csv" else json_lines(entries)
    content = "text/csv; charset=utf-8; header=present" if kind == "csv" else "application/x-ndjson"
    headers = {"content-disposition": f'attachment; filename="audit.{kind}"', "cache-control": "no-store"}
    return Answer(200, headers=headers, content_type=content, stream=_chunks(lines))


def _chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield lines some at a time, as they are read."""
    rest = iter(lines)
    while part := list(islice(rest, 500)):
        yield "".join(part).encode()


PAGES: Final[list[tuple[str, str, Any]]] = [
    ("audit", "GET", show),
    ("audit", "POST", prove),
    ("audit/export", "GET", export),
]
