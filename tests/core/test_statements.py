from uuid import UUID

import pytest

from growbase.core.statements import delete_sql, equality, insert_sql, lock_tail, plan_of, select_sql, update_sql
from tests.core.specimens import Box

ID = UUID(int=7)
SQLITE, POSTGRESQL = plan_of(Box, "sqlite"), plan_of(Box, "postgresql")


def test_statements_are_written_in_the_words_of_their_driver() -> None:
    assert insert_sql(SQLITE, ("id", "label")) == "INSERT INTO specimen_boxes (id, label) VALUES (?, ?)"
    assert insert_sql(POSTGRESQL, ("id",), ignore=True) == (
        "INSERT INTO specimen_boxes (id) VALUES (%s) ON CONFLICT DO NOTHING"
    )
    assert update_sql(SQLITE, ("label",), ("id", "version")) == (
        "UPDATE specimen_boxes SET label = ? WHERE id = ? AND version = ?"
    )
    assert delete_sql(POSTGRESQL, ("organization_id", "id")) == (
        "DELETE FROM specimen_boxes WHERE organization_id = %s AND id = %s"
    )
    assert select_sql(SQLITE, "1", (), " LIMIT 1") == "SELECT 1 FROM specimen_boxes t LIMIT 1"
    assert select_sql(SQLITE, "1", ("a", "b")) == "SELECT 1 FROM specimen_boxes t WHERE a AND b"


def test_statements_of_one_shape_are_written_once() -> None:
    assert insert_sql(SQLITE, ("id", "label")) is insert_sql(SQLITE, ("id", "label"))
    assert plan_of(Box, "sqlite") is SQLITE


@pytest.mark.parametrize(
    ("value", "sqlite", "postgresql"),
    [
        (None, ("t.id IS NULL", ()), ("t.id IS NULL", ())),
        (ID, ("t.id = ?", (str(ID),)), ("t.id = %s", (ID,))),
        ([ID, ID], ("t.id IN (?, ?)", (str(ID), str(ID))), ("t.id = ANY(%s)", ([ID, ID],))),
        ([], ("1 = 0", ()), ("1 = 0", ())),
    ],
)
def test_equality_knows_null_and_lists(value: object, sqlite: object, postgresql: object) -> None:
    assert equality(SQLITE, "id", value) == sqlite
    assert equality(POSTGRESQL, "id", value) == postgresql


def test_an_unknown_column_never_reaches_the_sql() -> None:
    with pytest.raises(KeyError):
        equality(SQLITE, "id = 1 OR 1", ID)


def test_only_postgresql_locks_rows() -> None:
    assert lock_tail("sqlite", lock=True) == ""
    assert lock_tail("postgresql", lock=True) == " FOR UPDATE OF t"
    assert lock_tail("postgresql", lock=False, share=True) == " FOR SHARE OF t"
    assert lock_tail("postgresql", lock=False) == ""
