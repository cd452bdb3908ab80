"""All that is known of one person as a file: a zip of JSON lines, one file a table, and the files that show them."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.files import FileStore
from growbase.core.model import Root, View, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.statements import equality, plan_of
from growbase.core.subject_keys import open_changes
from growbase.core.tables import Change
from growbase.ops.audit import shown
from growbase.ops.privacy import CHUNK, Person, copies, database_row
from growbase.ops.privacy_files import TABLE, files_of, kept, write_files

_UNSAFE: Final = re.compile(r"[^a-z0-9_]")
Progress = Callable[[int, int], None]


def export_person(
    database: Database, person: Person, file: Path | IO[bytes], files: FileStore, progress: Progress = lambda *_: None
) -> dict[str, int]:
    """Write all that is known of a person into a zip and return how many rows of each table, and files, there are.

    Besides the rows about them these are the changes of these rows and by them, the jobs and other copies that name
    them, where else they are named, and the files that show them. Secrets and hashes are left out. Files that the
    storage lacks are named in ``about.json``.
    """
    counts: dict[str, int] = {}
    pictures = kept(files_of(database, person.rows.get(TABLE, {})))
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        parts: list[tuple[str, Iterator[dict[str, Any]]]] = [
            *((table, _rows(database, database.catalog.models[table], person)) for table in sorted(person.rows)),
            ("changes", _changes(database, person)),
            *((table, found) for table, found in _copies(database, person)),
            ("named_in", _named_in(database, person)),
        ]
        for place, (name, rows) in enumerate(parts):
            with archive.open(f"{_UNSAFE.sub('_', name)}.jsonl", "w") as part:
                for row in rows:
                    part.write(json.dumps(row, default=_plain, ensure_ascii=False).encode() + b"\n")
                    counts[name] = counts.get(name, 0) + 1
            progress(place + 1, len(parts) + len(pictures))
        missing = []
        for place, (asset, is_there) in enumerate(write_files(archive, files, pictures)):
            counts["files"] = counts.get("files", 0) + is_there
            missing += [] if is_there else [str(asset.id)]
            progress(len(parts) + place + 1, len(parts) + len(pictures))
        about = {"address": person.address, "made_at": clock.now(), "rows": counts, "missing_files": missing}
        archive.writestr("about.json", json.dumps(about, default=_plain, indent=2))
    return counts


def _plain(value: Any) -> Any:  # noqa: ANN401 -- whatever a column holds
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else str(value)


def _shown(model: type[Root], row: Root) -> dict[str, Any]:
    rules = {column.name: rule_of(column) for column in table_of(model).columns}
    return {
        name: row.__dict__[name]
        for name, rule in rules.items()
        if rule.personal or not (rule.hidden or rule.kind == "secret" or name.endswith("_hash"))
    }


def _rows(database: Database, model: type[Root], person: Person) -> Iterator[dict[str, Any]]:
    for id, owner in person.rows[str(model.__tablename__)].items():
        with database.read(system("privacy")) as reads:
            row = database_row(reads, model, id, owner)
        if row is not None:
            yield _shown(model, row)


def _changes(database: Database, person: Person) -> Iterator[dict[str, Any]]:
    """Yield the changes of the rows about a person, then those they made themselves."""
    for table, ids in person.rows.items():
        found = [*ids]
        for start in range(0, len(found), CHUNK):
            yield from _entries(database, person, "entity_id", found[start : start + CHUNK], table)
    users = [*person.rows.get("users", {})]
    if users:
        yield from _entries(database, person, "actor_id", users, None)


def _entries(
    database: Database, person: Person, column: str, ids: list[UUID], table: str | None
) -> Iterator[dict[str, Any]]:
    with database.read(system("privacy", person.organization_id)) as reads:
        plan = reads.plan(Change)
        terms, params = reads.scope_terms(plan, anywhere=False)
        for name, value in ((column, ids), *((("entity", table),) if table else ())):
            term, bound = equality(plan, name, value)
            terms.append(term)
            params += bound
        sql = f"SELECT {plan.columns} FROM changes t WHERE {' AND '.join(terms)} ORDER BY t.seq"
        rows = reads.execute(sql, params).fetchall()
        found = [change for row in rows if isinstance(change := plan.instance(row), Change)]
        yield from map(shown, open_changes(reads, found))


def _copies(database: Database, person: Person) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    needles = (person.address, *(str(id) for id in person.ids))
    for table, model in sorted(database.catalog.models.items()):
        if not issubclass(model, View) and model.__copies__:
            yield table, _copied(database, model, needles, person)


def _copied(
    database: Database, model: type[Root], needles: tuple[str, ...], person: Person
) -> Iterator[dict[str, Any]]:
    for keys in copies(database, model, needles, person.organization_id):
        with database.read(system("privacy")) as reads:
            row = reads.find(model, anywhere=True, **keys)
        if row is not None:
            yield _shown(model, row)


def _named_in(database: Database, person: Person) -> Iterator[dict[str, Any]]:
    """Yield where rows that are not about a person name them as a user: owner, author, who approved."""
    users = [*person.rows.get("users", {})]
    for table, model in sorted(database.catalog.models.items()) if users else ():
        if not issubclass(model, View) and table not in person.rows and "id" in table_of(model).columns:
            with database.read(system("privacy")) as reads:
                yield from _naming(reads, model, users)


def _naming(reads: Reads, model: type[Root], users: list[UUID]) -> Iterator[dict[str, Any]]:
    plan = plan_of(model, reads.engine)
    for name, found in plan.fields.items():
        if found.rule.target == "users" or name in {"created_by", "updated_by"}:
            term, bound = equality(plan, name, users)
            for (id,) in reads.execute(f"SELECT t.id FROM {plan.table} t WHERE {term}", bound).fetchall():
                yield {"table": plan.table, "id": str(id), "column": name}
