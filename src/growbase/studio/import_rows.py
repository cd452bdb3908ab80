"""Importing rows of any resource: a file's cells are read as its form reads what is typed."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.api.crud import insert_row
from growbase.core.errors import FieldError, GrowbaseError, Invalid
from growbase.core.folding import fold
from growbase.core.model import View, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.schema import create_schema
from growbase.core.statements import mark, plan_of, select_sql
from growbase.core.transaction import Transaction
from growbase.core.types import is_id
from growbase.domains.identity.models import Membership, MembershipStatus, User
from growbase.studio.forms import Input, Texts, inputs_of, parse_form
from growbase.studio.importers import Choices, Importer, Report, RowsRefused, Sheet, Target, narrow
from growbase.studio.rows import title_columns
from growbase.studio.visit import Visit
from growbase.studio.words import Words

MOST: Final = 5_000
CHUNK: Final = 400
TRUE: Final = frozenset({"true", "yes", "y", "1", "x", "oui", "vrai", "ja"})
FALSE: Final = frozenset({"false", "no", "n", "0", "non", "faux", "nein"})
Values = dict[str, Any]


def importer_of(visit: Visit, resource: Resource) -> Importer:
    """Return the import of a resource that can be created."""
    words = visit.words
    inputs = _inputs(visit, resource)
    targets = [Target(one.name, words.label(one.name), one.required, _help(words, one)) for one in inputs]
    return Importer(targets, partial(_run, resource), MOST)


def _inputs(visit: Visit, resource: Resource) -> list[Input]:
    model = create_schema(resource.name, resource.model, resource.extra).model
    return [one for one in inputs_of(visit.api.catalog, model, resource) if one.kind != "secret"]


def _help(words: Words, one: Input) -> str:
    match one.kind:
        case "choice":
            return ", ".join(one.choices)
        case "money":
            return words.say("An amount such as 1250.50.")
        case "moment":
            return words.say("Such as 2026-01-31 09:00, in the time zone {zone}.", zone=words.timezone)
        case "day":
            return words.say("Such as 2026-01-31.")
        case "boolean":
            return f"{words.say('yes')}, {words.say('no')}"
        case "lines":
            return words.say("Several with a semicolon between them.")
        case "reference":
            return words.say("A name or an id.")
        case "json":
            return words.say("JSON.")
    return words.say(one.help) if one.help else ""


async def _run(resource: Resource, visit: Visit, sheet: Sheet, targets: Sequence[str], choices: Choices) -> Report:
    report = Report()
    words = visit.words
    inputs = {one.name: one for one in _inputs(visit, resource) if one.name in targets}
    cells = list(sheet.filled(targets))
    wanted = {
        name: {texts[name] for _, texts in cells if name in texts and not is_id(texts[name])}
        for name, one in inputs.items()
        if one.kind == "reference"
    }
    known = await visit.read(lambda reads: _references(reads, inputs, wanted), snapshot=False)
    narrow(sheet, report, words)
    rows = await asyncio.to_thread(_parsed, words, resource, inputs, cells, known, report)
    refusal = visit.api.database.refusal

    def unit(tx: Transaction) -> Report:
        # The unit may run twice; what it finds must not add up.
        found = Report(errors=list(report.errors), wrong_lines=set(report.wrong_lines))
        made = 0
        for line, values in rows:
            try:
                with tx.part():
                    insert_row(tx, resource, values)
                made += 1
            except GrowbaseError as error:
                found.refuse_all(words, line, error)
            except Exception as error:
                said = refusal(error)
                if said is None:
                    raise
                found.refuse_all(words, line, said)
        found.counts = [(words.say("Created"), made), (words.say("Wrong lines"), len(found.wrong_lines))]
        if found.wrong_lines and not (choices.skip or choices.dry):
            raise RowsRefused.of(found)
        return found

    found = await visit.write(unit, dry_run=choices.dry)
    found.link = f"/studio/{resource.name}"
    return found


def _parsed(
    words: Words,
    resource: Resource,
    inputs: Mapping[str, Input],
    cells: Sequence[tuple[int, Texts]],
    known: Mapping[str, Mapping[str, list[str]]],
    report: Report,
) -> list[tuple[int, Values]]:
    """Return the rows as the API's schema reads them, and note what is wrong with the others."""
    schema = create_schema(resource.name, resource.model, resource.extra)
    rows = []
    for line, texts in cells:
        if line in report.wrong_lines:
            continue
        missing = [name for name, one in inputs.items() if one.required and name not in texts]
        if missing:
            for name in missing:
                report.refuse(words, line, FieldError(name, "required", "is required"))
            continue
        try:
            read = {name: _read(words, inputs[name], text, known) for name, text in texts.items() if name in inputs}
            rows.append((line, parse_form(words, inputs.values(), read, schema.parse, keep_empty=False)))
        except Invalid as error:
            report.refuse_all(words, line, error)
    return rows


def _read(words: Words, one: Input, text: str, known: Mapping[str, Mapping[str, list[str]]]) -> str:
    """Return a cell as the form's field would hold it. Raises Invalid for a name that means no row, or several."""
    folded = fold(text)
    match one.kind:
        case "boolean":
            return "true" if folded in TRUE else "false" if folded in FALSE else text
        case "choice":
            return {fold(words.label(choice)): choice for choice in one.choices}.get(folded, text)
        case "lines":
            return text if "\n" in text else text.replace(";", "\n")
        case "reference" if not is_id(text):
            found = known.get(one.name, {}).get(folded, [])
            if not found:
                raise Invalid.at(one.name, "unknown", "{name} is not known here", name=text)
            if len(found) > 1:
                raise Invalid.at(one.name, "ambiguous", "{name} is the name of several: use an id", name=text)
            return found[0]
    return text


def _references(
    reads: Reads, inputs: Mapping[str, Input], wanted: Mapping[str, set[str]]
) -> dict[str, dict[str, list[str]]]:
    """Return the ids behind names, by the field and the folded name."""
    return {name: _ids(reads, inputs[name].target or "", texts) for name, texts in wanted.items() if texts}


def _ids(reads: Reads, table: str, texts: set[str]) -> dict[str, list[str]]:
    if table == "users":
        return _members(reads)
    catalog = reads.context.catalog
    model, resource = catalog.models.get(table), catalog.by_table.get(table)
    is_readable = resource is not None and reads.actor.has_role(resource.read)
    if model is None or issubclass(model, View) or not is_readable:
        return {}
    columns = title_columns(model)
    if len(columns) != 1 or rule_of(table_of(model).columns[columns[0]]).kind != "text":
        return {}
    plan = plan_of(model, reads.engine)
    norm = f"{columns[0]}_norm"
    column = norm if norm in plan.fields else columns[0]
    names = sorted({fold(text) for text in texts} if column == norm else texts)
    found: dict[str, list[str]] = {}
    for start in range(0, len(names), CHUNK):
        some = names[start : start + CHUNK]
        terms, params = reads.scope_terms(plan, anywhere=False)
        terms.append(f"t.{column} IN ({', '.join([mark(reads.engine)] * len(some))})")
        if "deleted_at" in plan.fields:
            terms.append("t.deleted_at IS NULL")
        sql = select_sql(plan, f"t.id, t.{columns[0]}", tuple(terms), f" ORDER BY t.id LIMIT {2 * CHUNK}")
        for id, name in reads.execute(sql, [*params, *some]).fetchall():
            found.setdefault(fold(str(name)), []).append(str(id))
    return found


def _members(reads: Reads) -> dict[str, list[str]]:
    """Return the ids of the organization's members by their names and addresses."""
    found: dict[str, list[str]] = {}
    people = {row.user_id for row in reads.rows(Membership, status=MembershipStatus.ACTIVE, limit=MOST)}
    for id, name, email in _people(reads, sorted(people)):
        for text in dict.fromkeys(fold(one) for one in (name, email) if one):
            found.setdefault(text, []).append(id)
    return found


def _people(reads: Reads, ids: Sequence[UUID]) -> Iterator[tuple[str, str, str]]:
    plan = plan_of(User, reads.engine)
    for start in range(0, len(ids), CHUNK):
        some = [plan.fields["id"].bound(id) for id in ids[start : start + CHUNK]]
        terms = (f"t.id IN ({', '.join([mark(reads.engine)] * len(some))})",)
        for id, name, email in reads.execute(select_sql(plan, "t.id, t.full_name, t.email", terms), some).fetchall():
            yield str(id), str(name or ""), str(email or "")
