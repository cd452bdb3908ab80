from datetime import UTC, datetime
from uuid import uuid4

import pytest

from growbase import wiring
from growbase.core import ddl
from growbase.core.model import is_trashable, rule_of, table_of
from growbase.core.resource import Catalog, reference_to
from growbase.core.statements import plan_of
from tests.core.specimens import BOXES, MODELS, SHELVES, Box, Coin, Photo, Shelf, Visit

FOREIGN = {
    "fk_specimen_boxes_organization_id": (["organization_id"], ["organizations.id"]),
    "fk_specimen_boxes_shelf_id": (
        ["organization_id", "shelf_id"],
        ["specimen_shelves.organization_id", "specimen_shelves.id"],
    ),
    "fk_specimen_boxes_owner_user_id": (
        ["organization_id", "owner_user_id"],
        ["memberships.organization_id", "memberships.user_id"],
    ),
}


def test_owned_tables_begin_their_key_with_the_organization() -> None:
    for model in MODELS:
        assert [column.name for column in table_of(model).primary_key] == ["organization_id", "id"]


def test_references_carry_the_organization_with_them() -> None:
    found = {
        str(key.name): (key.column_keys, [element.target_fullname for element in key.elements])
        for key in table_of(Box).foreign_key_constraints
    }
    assert found == FOREIGN


def test_every_reference_has_an_index_that_begins_with_it() -> None:
    wiring.catalog()
    for model in [*MODELS, *(model for model in ddl.models() if table_of(model) in ddl.tables())]:
        table = table_of(model)
        keys = [tuple(getattr(column, "name", None) for column in index.columns) for index in table.indexes]
        keys.append(tuple(column.name for column in table.primary_key))
        for column in table.columns:
            if rule_of(column).target and column.name != "organization_id":
                leads = {(column.name,), (model.__scope__, column.name)}
                assert any(key[:1] in leads or key[:2] in leads for key in keys), column


def test_unique_keys_of_trashable_tables_hold_among_live_rows_only() -> None:
    for model in MODELS:
        for index in table_of(model).indexes:
            for engine in ("sqlite", "postgresql"):
                where = index.dialect_options[engine]["where"]
                if index.unique and is_trashable(model):
                    assert str(where) == "deleted_at IS NULL"


def test_no_two_indexes_or_constraints_share_a_name() -> None:
    wiring.catalog()
    names = [str(index.name) for table in ddl.tables() for index in table.indexes]
    assert len(names) == len(set(names))
    assert all(len(name) <= 63 for name in names)
    constraints = [str(item.name) for table in ddl.tables() for item in table.constraints]
    assert all(len(name) <= 63 for name in constraints)


def test_a_row_is_read_only_and_shows_no_values() -> None:
    plan = plan_of(Shelf, "sqlite")
    identity, moment = uuid4(), "2026-01-01T00:00:00.000000Z"
    values = {"id": str(identity), "organization_id": str(uuid4()), "name": "private", "version": 1}
    values |= {"created_at": moment, "updated_at": moment}
    row = plan.instance(tuple(values.get(name) for name in plan.fields))
    assert isinstance(row, Shelf)
    assert row.id == identity
    assert row.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert repr(row) == f"<Shelf {identity}>"
    with pytest.raises(AttributeError, match="rows are read-only"):
        row.name = "other"


def test_the_plan_knows_what_a_statement_needs() -> None:
    plan = plan_of(Box, "postgresql")
    assert (plan.scope, plan.trashable, plan.logged, plan.versioned) == ("organization_id", True, True, True)
    assert plan.secrets == {"pin": "pin_cipher"}
    assert set(plan.defaults) == {"state", "coin_count", "is_open", "tags"}
    assert [field.name for field in plan.references] == ["shelf_id", "owner_user_id"]
    assert plan_of(Shelf, "sqlite").norms == {"name": "name_norm"}
    facts = plan_of(Visit, "sqlite")
    assert (facts.trashable, facts.logged, facts.versioned) == (False, False, False)
    first, second = (plan.defaults["tags"]() for _ in range(2))
    assert first == []
    assert first is not second


def test_a_resource_speaks_of_its_model() -> None:
    assert (BOXES.name, BOXES.noun, BOXES.key, BOXES.trashable) == ("specimen-boxes", "box", "id", True)
    assert "pin_cipher" not in {column.name for column in BOXES.public}
    assert BOXES.expand_column("owner").name == "owner_user_id"
    assert BOXES.expand_column("shelf").name == "shelf_id"
    assert reference_to(Coin, "specimen_boxes").name == "box_id"
    with pytest.raises(LookupError, match="Photo does not refer to specimen_shelves"):
        reference_to(Photo, "specimen_shelves")


def test_a_catalog_finds_by_table_name_model_and_parent(catalog: Catalog) -> None:
    assert catalog.of(Box) is BOXES
    assert catalog.of(Visit) is None
    assert catalog.by_name["specimen-shelves"] is SHELVES
    assert catalog.parents["specimen_boxes"] == [SHELVES]
    assert catalog.models["specimen_visits"] is Visit


def test_a_catalog_knows_no_model_of_another_package() -> None:
    """Purging asks every model that refers to a row: one without a table in the database would break it."""
    assert not [name for name in wiring.catalog().models if name.startswith("specimen_")]


def test_key_columns_come_first_and_the_trash_last() -> None:
    columns = table_of(Box).columns
    assert [column.name for column in columns][:3] == ["organization_id", "id", "label"]
    assert [column.name for column in columns][-4:] == ["deleted_at", "deleted_by", "deletion_id", "purged_at"]
