"""Legal holds: what must neither be purged nor erased nor dropped from the log while a dispute lasts."""

from collections.abc import Iterable
from uuid import UUID

from growbase.core.actor import system
from growbase.core.errors import Conflict, Invalid, NotFound
from growbase.core.facts import hold
from growbase.core.model import Root, View, table_of
from growbase.core.reads import Reads
from growbase.core.statements import mark
from growbase.core.tables import LegalHold
from growbase.core.transaction import Transaction

LOCK = "legal holds"


class Held(Conflict):
    """A legal hold keeps this {what}: {reason}.

    Release the hold first, if the dispute is over.
    """

    code = "held"


def add_hold(tx: Transaction, *, reason: str, entity: str | None = None, entity_id: UUID | None = None) -> UUID:
    """Hold a row, also one in the trash, or all that the organization has, and return the hold's id.

    Waits for the batch that retention is at. Raises Invalid for a table that is not there, NotFound for such a row.
    """
    if (entity is None) != (entity_id is None):
        missing = "entity" if entity is None else "entity_id"
        raise Invalid.at(missing, "required", "is required beside the other; without both all is held")
    lock_holds(tx, share=False)
    if entity is not None and entity_id is not None:
        model = tx.context.catalog.models.get(entity)
        # Of people, who may belong to several organizations, the membership is held.
        if model is None or issubclass(model, View) or not _names_rows(model):
            raise Invalid.at("entity", "choice", "must be a table of the organization, such as prospects")
        if tx.find(model, entity_id, trash=True) is None:
            raise NotFound(what=tx.noun(model))
    return tx.insert(LegalHold, entity=entity, entity_id=entity_id, reason=reason)


def release_hold(tx: Transaction, *, id: UUID) -> UUID:
    """End a legal hold; what it has kept goes when its time is up."""
    found = tx.get(LegalHold, id, lock=True)
    if found.released_at is None:
        tx.change(found, {"released_at": tx.now, "released_by": tx.actor.id}, action="release")
    return id


def lock_holds(tx: Transaction, *, share: bool) -> None:
    """Let no hold begin until this unit, which removes something, has ended."""
    hold(tx.acting(system("holds")), LOCK, share=share)


def _names_rows(model: type[Root]) -> bool:
    return model.__scope__ is not None and "id" in table_of(model).columns


def held_term(model: type[Root], alias: str = "t") -> str:
    """Return the term that is true of rows which a hold keeps; their table goes by ``alias``."""
    keeps = _keeps(model, alias)
    return f"EXISTS (SELECT 1 FROM legal_holds h WHERE {keeps})" if keeps else "1 = 0"


def _keeps(model: type[Root], alias: str) -> str:
    scope = model.__scope__ or ("organization_id" if "organization_id" in table_of(model).columns else None)
    if scope is None:
        return ""
    which = "h.entity IS NULL"
    if _names_rows(model):
        which = f"({which} OR h.entity = '{model.__tablename__}' AND h.entity_id = {alias}.id)"
    return f"h.released_at IS NULL AND h.organization_id = {alias}.{scope} AND {which}"


def require_free(tx: Transaction, row: Root) -> None:
    """Raise Held if a hold keeps a row that is about to go or to be emptied."""
    model = type(row)
    found = hold_of(tx, model, {"id": row.__dict__["id"]})
    if found is not None:
        raise Held(what=tx.noun(model), reason=found.reason, hold_id=str(found.id))


def hold_of(reads: Reads, model: type[Root], keys: dict[str, object]) -> LegalHold | None:
    """Return a hold that keeps a row of a table where ``keys`` are equal, None if all of these may go."""
    keeps = _keeps(model, "t")
    if not keeps:
        return None
    plan, there, sign = reads.plan(LegalHold), reads.plan(model), mark(reads.engine)
    names = ", ".join(f"h.{name}" for name in plan.fields)
    terms, params = reads.scope_terms(there, anywhere=False)
    where = " AND ".join([*terms, *(f"t.{name} = {sign}" for name in keys)])
    sql = f"SELECT {names} FROM {there.table} t JOIN legal_holds h ON {keeps} WHERE {where} LIMIT 1"
    row = reads.execute(sql, [*params, *(there.fields[name].bound(value) for name, value in keys.items())]).fetchone()
    found = plan.instance(row) if row is not None else None
    assert found is None or isinstance(found, LegalHold)
    return found


def live_holds(reads: Reads) -> list[LegalHold]:
    """Return the holds of all organizations that are in force, the oldest first."""
    return reads.rows(LegalHold, released_at=None, order="created_at, id", anywhere=True)


def holds_among(holds: Iterable[LegalHold], table: str) -> list[LegalHold]:
    """Return those that can keep rows of a table."""
    return [found for found in holds if found.entity in {None, table}]
