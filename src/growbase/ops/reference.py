"""Rows that come with the program: kept equal to this version's after every upgrade, not frozen in a migration.

A migration would write them past the change log and once only; corrected in a later version they would differ
between a fresh and an upgraded database.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.facts import hold
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.domains.identity.models_billing import Plan
from growbase.domains.identity.plans import PLANS
from growbase.domains.marketing.gallery import GALLERY_TEMPLATES
from growbase.domains.marketing.models import GalleryTemplate

REFERENCE: tuple[tuple[type[Root], Iterable[Mapping[str, Any]]], ...] = (
    (GalleryTemplate, GALLERY_TEMPLATES),
    (Plan, PLANS),
)
"""Each table with the rows that come with the program."""
COUNTERS = frozenset({"usage_count"})
"""Columns that belong to the database once the row is there."""


def install_reference_data(database: Database) -> int:
    """Insert or correct the reference rows and return how many differed; done again it changes nothing."""

    def unit(tx: Transaction) -> int:
        hold(tx, "reference data")
        return sum(_install(tx, model, rows) for model, rows in REFERENCE)

    return database.write(system("reference data"), unit)


def _install(tx: Transaction, model: type[Root], rows: Iterable[Mapping[str, Any]]) -> int:
    differing = 0
    for row in rows:
        found = tx.find(model, id=row["id"], lock=True)
        if found is None:
            tx.insert(model, **row)
            differing += 1
            continue
        before = found.__dict__["version"]
        kept = {name: value for name, value in row.items() if name not in COUNTERS | {"id"}}
        differing += tx.change(found, kept) != before
    return differing
