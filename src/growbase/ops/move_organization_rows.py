"""The rows of one organization in the form in which they travel between regions, read, written, held still and removed.

That form is plain: no row depends on the database it came from. Secrets are open (what travels is sealed as a whole),
positions in the log and numbers of search documents are left out, a file's storage is just "here".
"""

import base64
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from growbase.core import ddl
from growbase.core.acting import Who, acts_in_log, sealed_who
from growbase.core.actor import PEOPLE, Actor, ActorKind
from growbase.core.crypto import open_sealed, seal
from growbase.core.errors import FROZEN
from growbase.core.facts import hold
from growbase.core.model import Root, table_of
from growbase.core.position import LOG_COLUMNS
from growbase.core.reads import Reads, secret_context
from growbase.core.seals import note_leaving
from growbase.core.statements import POSTGRESQL, Field, Plan, equality, mark, plan_of
from growbase.core.subject_keys import ACTING, PRIVATE, Ring, destroy_keys, open_actors
from growbase.core.tables import Change, Job, JobQueue, RegionArrival, SearchDocument, SubjectKey
from growbase.core.transaction import Transaction
from growbase.core.types import Boolean, Day, Identifier, Moment, moment_text, parse_moment
from growbase.domains.identity.models import Organization, Session, User
from growbase.domains.identity.models_billing import AuthAccount
from growbase.ops.canonical import Checksum, encode_row

Traveller = list[Any]
"""A row as it travels: JSON values in the order of the columns."""

PARKED: Final = "moving/"
"""Jobs of an organization that moves wait in queues that begin so, which are paused."""
LEFT_OUT: Final = (Session, RegionArrival)
"""Tables that name an organization and stay: a login ends with the move."""
HERE: Final[Mapping[str, Mapping[str, str | None]]] = {
    "organizations": {"data_region": "here"},
    "assets": {"storage_provider": "here", "storage_bucket": None},
}
"""What is another value in each region, and travels as none of them."""
Here = Mapping[str, Mapping[str, object]]
"""The values of ``HERE`` in this region."""
FREEZER: Final = "frozen_"
PAGE: Final = 1_000
"""Rows read at once."""
EVENTS: Final = ("insert", "update", "delete")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One table as it travels."""

    model: type[Root]
    name: str
    owner: str
    columns: tuple[str, ...]
    later: tuple[str, ...]
    """References within the table or in a circle: they are written when all rows are there, and emptied first."""
    order: tuple[str, ...]

    def plan(self, engine: str) -> Plan:
        """Return the model's plan on an engine."""
        return plan_of(self.model, engine)


@cache
def kinds(packages: tuple[str, ...] = ddl.PROGRAM) -> tuple[Kind, ...]:
    """Return every table an organization has rows in, parents first; the organization itself is the first."""
    models = {str(model.__tablename__): model for model in ddl.models(packages)}
    found: list[type[Root]] = []
    circles: set[sa.ForeignKeyConstraint] = set()
    for table, keys in sa.schema.sort_tables_and_constraints(ddl.tables(packages)):  # type: ignore[no-untyped-call]
        if table is None:
            circles |= set(keys)
        elif models[table.name] not in LEFT_OUT and (
            "organization_id" in table.columns or models[table.name] is Organization
        ):
            found.append(models[table.name])
    found.remove(Organization)
    ordered: list[type[Root]] = [Organization, *found]
    return tuple(_kind(model, circles) for model in ordered)


def _kind(model: type[Root], circles: set[sa.ForeignKeyConstraint]) -> Kind:
    table = table_of(model)
    columns = [column.name for column in table.columns]
    if model is Change:
        columns = [name for name in columns if name in LOG_COLUMNS and name != "tx"]
    if model is SearchDocument:
        columns.remove("rid")
    keys = [key for key in table.foreign_key_constraints if key in circles or key.referred_table is table]
    later = {name for key in keys for name in key.column_keys} - {"organization_id"}
    order = ("tx", "seq") if model is Change else tuple(column.name for column in table.primary_key)
    owner = "id" if model is Organization else "organization_id"
    return Kind(model, table.name, owner, tuple(columns), tuple(sorted(later)), order)


# -- reading ----------------------------------------------------------------------------------------------------------


def travellers(reads: Reads, kind: Kind, organization_id: UUID, changed: Callable[[Any], Any]) -> Iterator[Traveller]:
    """Yield the organization's rows of a table in the travelling form; ``changed`` maps ids that differ there.

    They are read a page at a time, so nobody else may write them meanwhile.
    """
    plan, sign = kind.plan(reads.engine), mark(reads.engine)
    order = ", ".join(f"t.{name}" for name in kind.order)
    after = ""
    bound = [plan.fields[kind.owner].bound(organization_id)]
    values: Mapping[str, Any] = {}
    while True:
        names = ", ".join(f"t.{name}" for name in plan.fields)
        sql = f"SELECT {names} FROM {kind.name} t WHERE t.{kind.owner} = {sign}{after} ORDER BY {order} LIMIT {PAGE}"
        page = [plan.instance(row) for row in reads.execute(sql, bound).fetchall()]
        if kind.model is Change:
            open_actors(reads, [row for row in page if isinstance(row, Change) and row.actor_type in PEOPLE])
        for row in page:
            values = row.__dict__
            yield [_packed(reads, kind, plan, values, name, changed) for name in kind.columns]
        if len(page) < PAGE:
            return
        after = f" AND ({order}) > ({', '.join([sign] * len(kind.order))})"
        bound = [bound[0], *(plan.fields[name].bound(values[name]) for name in kind.order)]


def user_rows(reads: Reads, ids: Sequence[UUID]) -> dict[str, list[Traveller]]:
    """Return the rows of some users, and how they log in elsewhere, in the travelling form."""
    found = {}
    for model, column in ((User, "id"), (AuthAccount, "user_id")):
        kind = user_kind(model)
        equals: dict[str, Any] = {column: list(ids)}
        rows = reads.rows(model, trash=True, anywhere=True, **equals)
        plan = kind.plan(reads.engine)
        found[kind.name] = [
            [_packed(reads, kind, plan, row.__dict__, name, lambda value: value) for name in kind.columns]
            for row in rows
        ]
    return found


def key_rows(reads: Reads, organization_id: UUID, found: Sequence[Kind]) -> list[Traveller]:
    """Return the keys of the people that an organization's rows and log tell of, open, in the order of their ids."""
    kind, sign = user_kind(SubjectKey), mark(reads.engine)
    path = "t.changes -> '{0}' ->> 0" if reads.engine == POSTGRESQL else """t.changes ->> '$."{0}"[0]'"""
    told = [
        f"SELECT DISTINCT {subject} FROM changes t WHERE t.organization_id = {sign} AND {subject} IS NOT NULL"
        for subject in (path.format(PRIVATE), path.format(ACTING))
    ]
    about = [other for other in found if other.model.__subject__ is not None]
    joined = "SELECT t.id FROM {0} t JOIN subject_keys k ON k.id = t.id WHERE t.{1} = {2}"
    queries = [*told, *(joined.format(other.name, other.owner, sign) for other in about)]
    bound = [plan_of(Organization, reads.engine).fields["id"].bound(organization_id)]
    ids = sorted({UUID(str(row[0])) for sql in queries for row in reads.execute(sql, bound).fetchall()})
    plan, keys = kind.plan(reads.engine), list[Traveller]()
    for start in range(0, len(ids), PAGE):
        for row in reads.rows(SubjectKey, id=ids[start : start + PAGE], order="id"):
            keys.append([_packed(reads, kind, plan, row.__dict__, name, lambda value: value) for name in kind.columns])
    return keys


def actors(reads: Reads, organization_id: UUID) -> set[UUID]:
    """Return the users of whom the log of an organization says that they acted."""
    plan, sign = plan_of(Change, reads.engine), mark(reads.engine)
    people, bound = equality(plan, "actor_type", sorted(PEOPLE))
    sql = f"SELECT DISTINCT t.actor_id FROM changes t WHERE t.organization_id = {sign} AND {people}"
    owner = plan.fields["organization_id"].bound(organization_id)
    return {UUID(str(id)) for (id,) in reads.execute(sql, [owner, *bound]).fetchall() if id is not None}


@cache
def user_kind(model: type[Root]) -> Kind:
    """Return how a table of people travels."""
    return _kind(model, set())


def _packed(
    reads: Reads, kind: Kind, plan: Plan, values: Mapping[str, Any], name: str, changed: Callable[[Any], Any]
) -> Any:  # noqa: ANN401 -- a column's value
    value, field = values[name], plan.fields[name]
    if name in HERE.get(kind.name, {}):
        return HERE[kind.name][name]
    if value is None:
        return None
    if kind.model is Job and name == "queue":
        return value.removeprefix(PARKED)
    if kind.model is Job and name == "payload" and "sealed_token" in value:
        return {**value, "sealed_token": _reopened(reads, value)}
    if field.rule.kind == "secret":
        context = secret_context(plan, {**values}, name.removesuffix("_cipher"))
        return base64.b64encode(open_sealed(reads.context.keyring, value, context=context)).decode()
    if isinstance(field.type, Identifier):
        return str(changed(value))
    if isinstance(field.type, Moment):
        return moment_text(value)
    if isinstance(field.type, Day):
        return value.isoformat()
    return value


def _reopened(reads: Reads, payload: Mapping[str, Any]) -> str:
    sealed = base64.b64decode(str(payload["sealed_token"]))
    return open_sealed(reads.context.keyring, sealed, context=f"/jobs/sealed_token/{payload['token_id']}").decode()


def checksum(rows: Iterable[Traveller]) -> str:
    """Return count and sum of rows, whatever their order."""
    found = Checksum()
    for row in rows:
        found.add(encode_row(row))
    return found.text()


# -- writing ----------------------------------------------------------------------------------------------------------


def insert(tx: Transaction, kind: Kind, rows: Sequence[Traveller], here: Here) -> None:
    """Write travelled rows; ``here`` is where this server keeps files."""
    if not rows:
        return
    plan, columns = kind.plan(tx.engine), kind.columns
    read = [_unpacked(tx, kind, plan, dict(zip(columns, row, strict=True)), here) for row in rows]
    names = [*columns]
    if kind.model is Change:
        names, read = ["seq", "tx", *names], _placed(tx, _with_actors_sealed(tx, read))
    marks = ", ".join([mark(tx.engine)] * len(names))
    bound = [[None if name in kind.later else plan.fields[name].bound(row[name]) for name in names] for row in read]
    tx.execute_many(f"INSERT INTO {kind.name} ({', '.join(names)}) VALUES ({marks})", bound)
    tx.touched.add(kind.name)


def insert_keys(tx: Transaction, rows: Sequence[Traveller]) -> None:
    """Write the keys of people that are not here yet."""
    kind = user_kind(SubjectKey)
    at = kind.columns.index("id")
    there = {row.id for row in tx.rows(SubjectKey, id=[UUID(row[at]) for row in rows])}
    insert(tx, kind, [row for row in rows if UUID(row[at]) not in there], {})


def connect(tx: Transaction, kind: Kind, rows: Sequence[Traveller]) -> None:
    """Write the references that had to wait for all rows."""
    plan, sign = kind.plan(tx.engine), mark(tx.engine)
    for name in kind.later:
        place, key, owner = (kind.columns.index(found) for found in (name, "id", kind.owner))
        pairs = [[UUID(row[at]) for at in (place, owner, key)] for row in rows if row[place] is not None]
        bound = [[plan.fields["id"].bound(value) for value in pair] for pair in pairs]
        if bound:
            sql = f"UPDATE {kind.name} SET {name} = {sign} WHERE {kind.owner} = {sign} AND id = {sign}"
            tx.execute_many(sql, bound)


def _unpacked(tx: Transaction, kind: Kind, plan: Plan, row: dict[str, Any], here: Here) -> dict[str, Any]:
    row |= here.get(kind.name, {})
    if kind.model is Job and "sealed_token" in (row["payload"] or {}):
        token, token_id = row["payload"]["sealed_token"], row["payload"]["token_id"]
        sealed = seal(tx.context.keyring, token.encode(), context=f"/jobs/sealed_token/{token_id}")
        row["payload"] = {**row["payload"], "sealed_token": base64.b64encode(sealed).decode()}
    values = {name: _value(plan.fields[name], value) for name, value in row.items()}
    for secret, name in plan.secrets.items():
        if values.get(name) is not None:
            context = secret_context(plan, values, secret)
            values[name] = seal(tx.context.keyring, values[name], context=context)
    return values


def _value(field: Field, value: Any) -> Any:  # noqa: ANN401 -- a column's value
    if value is None:
        return None
    if field.rule.kind == "secret":
        return base64.b64decode(value)
    if isinstance(field.type, Identifier):
        return UUID(value)
    if isinstance(field.type, Moment):
        return parse_moment(value)
    if isinstance(field.type, Day):
        return date.fromisoformat(value)
    return bool(value) if isinstance(field.type, Boolean) else value


def _with_actors_sealed(tx: Transaction, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Seal who acted under the keys that users have here: some have another id, and so a key, than where they were."""
    ring, known, found = Ring(), dict[Actor, Who | None](), []
    for row in rows:
        place = {"ip": row["ip"], "user_agent": row["user_agent"]}
        actor = Actor(ActorKind(row["actor_type"]), row["actor_label"], id=row["actor_id"], **place)
        if actor.kind in PEOPLE and actor.id is not None and actor not in known:
            known[actor] = sealed_who(tx, ring, actor)
        who = known.get(actor)
        found.append(row if who is None else {**row, **who.columns(row["changes"])})
    return found


def _placed(tx: Transaction, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the rows of a log places before everything there is, in their order.

    There nobody who reads the log forwards comes across them: they have been told where they came from.
    """
    first = int(tx.execute("SELECT coalesce(min(seq), 0) FROM changes").fetchone()[0])
    start = min(first, 0) - len(rows)
    return [{**row, "seq": start + place, "tx": start + place} for place, row in enumerate(rows)]


# -- holding still and removing ---------------------------------------------------------------------------------------


def freeze(tx: Transaction, organization_id: UUID, found: Sequence[Kind]) -> None:
    """Let the database refuse every change of the organization's rows, whoever makes it; its jobs can still end."""
    for kind in found:
        _freeze_table(tx, organization_id, kind)


def thaw(tx: Transaction, organization_id: UUID, found: Sequence[Kind]) -> None:
    """End ``freeze``."""
    for kind in found:
        for event in EVENTS:
            on = f" ON {kind.name}" if tx.engine == POSTGRESQL else ""
            tx.execute(f"DROP TRIGGER IF EXISTS {_trigger(organization_id, kind, event)}{on}")


def _trigger(organization_id: UUID, kind: Kind, event: str) -> str:
    # SQLite's triggers have names of the whole database, PostgreSQL's are a table's own and 63 characters long.
    return f"{FREEZER}{organization_id.hex}_{event}_{kind.name}"[:63]


def _freeze_table(tx: Transaction, organization_id: UUID, kind: Kind) -> None:
    events = EVENTS[:1] if kind.model is Job else EVENTS
    if tx.engine == POSTGRESQL:
        tx.execute(
            "CREATE OR REPLACE FUNCTION organization_frozen() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF current_setting('growbase.moving', true) = 'on' THEN "
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END IF; "
            f"RAISE EXCEPTION '{FROZEN}' USING ERRCODE = 'restrict_violation'; END $$"
        )
        for event in events:
            name = _trigger(organization_id, kind, event)
            row = "OLD" if event == "delete" else "NEW"
            tx.execute(
                f"CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON {kind.name} FOR EACH ROW "
                f"WHEN ({row}.{kind.owner} = '{organization_id}') EXECUTE FUNCTION organization_frozen()"
            )
        return
    for event in events:
        row = "old" if event == "delete" else "new"
        tx.execute(
            f"CREATE TRIGGER IF NOT EXISTS {_trigger(organization_id, kind, event)} BEFORE {event} "
            f"ON {kind.name} WHEN {row}.{kind.owner} = '{organization_id}' BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END"
        )


def park(tx: Transaction, organization_id: UUID) -> int:
    """Put the organization's waiting jobs where no worker takes them and return how many are at work."""
    plan, sign = plan_of(Job, tx.engine), mark(tx.engine)
    mine = plan.fields["organization_id"].bound(organization_id)
    waiting = f"organization_id = {sign} AND status = 'queued' AND substr(queue, 1, {len(PARKED)}) <> '{PARKED}'"
    names = {row[0] for row in tx.execute(f"SELECT DISTINCT queue FROM jobs WHERE {waiting}", [mine]).fetchall()}
    queues = [{"name": PARKED + name, "paused_at": tx.now} for name in sorted(names)]
    tx.insert_facts(JobQueue, queues, ignore=True)
    tx.execute(f"UPDATE jobs SET queue = '{PARKED}' || queue WHERE {waiting}", [mine])
    sql = f"SELECT count(*) FROM jobs WHERE organization_id = {sign} AND status = 'running'"
    return int(tx.execute(sql, [mine]).fetchone()[0])


def unpark(tx: Transaction, organization_id: UUID) -> None:
    """Give the jobs back to their queues."""
    plan, sign = plan_of(Job, tx.engine), mark(tx.engine)
    parked = f"substr(queue, 1, {len(PARKED)}) = '{PARKED}'"
    sql = f"UPDATE jobs SET queue = substr(queue, {len(PARKED) + 1}) WHERE organization_id = {sign} AND {parked}"
    tx.execute(sql, [plan.fields["organization_id"].bound(organization_id)])
    tx.touched.add("jobs")


def remove(tx: Transaction, organization_id: UUID, found: Sequence[Kind]) -> None:
    """Delete every row of the organization, children first."""
    sign = mark(tx.engine)
    note_leaving(tx, organization_id)
    _let_log_go(tx)
    mine = [plan_of(Organization, tx.engine).fields["id"].bound(organization_id)]
    for kind in found:
        for name in kind.later:
            tx.execute(f"UPDATE {kind.name} SET {name} = NULL WHERE {kind.owner} = {sign} AND {name} IS NOT NULL", mine)
    for model in LEFT_OUT:
        tx.execute(f"DELETE FROM {model.__tablename__} WHERE organization_id = {sign}", mine)
    for kind in reversed(found):
        tx.execute(f"DELETE FROM {kind.name} WHERE {kind.owner} = {sign}", mine)
        tx.touched.add(kind.name)
    if tx.engine != POSTGRESQL:
        tx.execute("DELETE FROM instance_facts WHERE name = 'log_retention'")


def _let_log_go(tx: Transaction) -> None:
    """Let this transaction delete from the change log, as retention does."""
    hold(tx, "log_retention")
    if tx.engine == POSTGRESQL:
        # One statement deletes all rows of a table, however long that takes.
        tx.execute(
            "SELECT set_config('growbase.retention', 'on', true), set_config('growbase.moving', 'on', true), "
            "set_config('statement_timeout', '0', true)"
        )
    else:
        tx.execute("INSERT INTO instance_facts (name, value) VALUES ('log_retention', 'move') ON CONFLICT DO NOTHING")


def remove_keys(tx: Transaction, ids: Sequence[UUID], acted: Collection[UUID]) -> None:
    """Destroy the keys of people who are not here any more, but of those who ``acted`` elsewhere, too."""
    for start in range(0, len(ids), PAGE):
        chunk = ids[start : start + PAGE]
        stayed = {row.id for row in tx.rows(User, id=chunk, trash=True, anywhere=True)}
        stayed |= {id for id in chunk if id in acted and id not in stayed and acts_in_log(tx, id)}
        destroy_keys(tx, [id for id in chunk if id not in stayed])


def remove_users(tx: Transaction, ids: Sequence[UUID]) -> int:
    """Delete users who are in no organization here any more, with their logins, and return how many they were."""
    plan, sign = plan_of(User, tx.engine), mark(tx.engine)
    done = 0
    for id in ids:
        bound = [plan.fields["id"].bound(id)]
        if tx.execute(f"SELECT 1 FROM memberships WHERE user_id = {sign} LIMIT 1", bound).fetchone():
            continue
        for table in ("sessions", "one_time_tokens", "auth_accounts"):
            tx.execute(f"DELETE FROM {table} WHERE user_id = {sign}", bound)
        done += tx.execute(f"DELETE FROM users WHERE id = {sign}", bound).rowcount
    tx.touched |= {"users", "sessions"}
    return done
