"""Whom a file shows: a row of any table that is about people."""

from uuid import UUID

from growbase.core.errors import ForeignKey
from growbase.core.folding import fold_email
from growbase.core.model import Root, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.statements import mark
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Membership, User


def require_subject(tx: Transaction, id: UUID) -> None:
    """Raise ForeignKey unless an id is that of a live row about a person of the organization."""
    if table_of_subject(tx, id) is None:
        raise ForeignKey.at("subject_id", "foreign_key", "must be the id of an existing {what}", what="person")


def table_of_subject(reads: Reads, id: UUID) -> str | None:
    """Return the table of the live row about a person that has an id, None if none has."""
    return next((name for name, model in people_tables(reads).items() if _is_here(reads, model, id)), None)


def people_tables(reads: Reads) -> dict[str, type[Root]]:
    """Return the tables whose rows are about people, of whom they know more than an address."""
    return {name: model for name, model in sorted(reads.context.catalog.models.items()) if _knows_people(model)}


def find_subject(reads: Reads, address: str) -> UUID | None:
    """Return the id of the newest live row of the organization about a person with an address, None without one."""
    for model in people_tables(reads).values():
        plan, column = reads.plan(model), str(model.__subject__.address if model.__subject__ else None)
        is_folded = rule_of(table_of(model).columns[column]).norm_of is not None
        terms, params = reads.scope_terms(plan, anywhere=False)
        terms.append(f"{f't.{column}' if is_folded else f'lower(trim(t.{column}))'} = {mark(reads.engine)}")
        live = " AND t.deleted_at IS NULL" if plan.trashable else ""
        sql = f"SELECT t.id FROM {plan.table} t WHERE {' AND '.join(terms)}{live} ORDER BY t.id DESC LIMIT 1"
        row = reads.execute(sql, [*params, fold_email(address)]).fetchone()
        found = UUID(str(row[0])) if row is not None else None
        if found is not None and _is_here(reads, model, found):
            return found
    return None


def _knows_people(model: type[Root]) -> bool:
    address = model.__subject__.address if model.__subject__ else None
    if address is None:
        return False
    columns = table_of(model).columns
    known = {column.name for column in columns if rule_of(column).personal}
    return bool(known - {address, rule_of(columns[address]).norm_of})


def _is_here(reads: Reads, model: type[Root], id: UUID) -> bool:
    return reads.find(Membership, user_id=id) is not None if model is User else reads.find(model, id) is not None
