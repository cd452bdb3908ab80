"""What the database itself enforces beside tables: the append-only log, the search index, the views."""

from functools import partial
from typing import Any

import pytest

from growbase.core import ddl
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.search import NOTHING
from growbase.core.tables import InstanceFact, SearchDocument
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Organization
from tests.fixtures import Tenant, indexed


def run(db: Database, actor: Actor, *statements: str) -> Any:  # noqa: ANN401 - a row
    def unit(tx: Transaction) -> Any:  # noqa: ANN401 - a row
        return [tx.execute(statement).rowcount for statement in statements][-1]

    return db.write(actor, unit)


def test_the_change_log_refuses_updates_and_deletes(db: Database, actor: Actor) -> None:
    for statement in ("UPDATE changes SET action = 'x'", "DELETE FROM changes"):
        with pytest.raises(GrowbaseError):
            run(db, actor, statement)
    assert db.query("SELECT count(*) FROM changes WHERE action = 'insert'")[0][0] > 0


def test_only_retention_deletes_from_the_change_log(db: Database, actor: Actor) -> None:
    count = db.query("SELECT count(*) FROM changes")[0][0]
    if db.engine == "postgresql":
        run(db, actor, "SELECT set_config('growbase.retention', 'on', true)", "DELETE FROM changes")
    else:
        allow = "INSERT INTO instance_facts (name, value) VALUES ('log_retention', 'on')"
        run(db, actor, allow, "DELETE FROM changes", "DELETE FROM instance_facts WHERE name = 'log_retention'")
    assert count > 0
    assert db.query("SELECT count(*) FROM changes")[0][0] == 0
    db.write(actor, lambda tx: tx.record("export", "things", None))
    with pytest.raises(GrowbaseError):
        run(db, actor, "DELETE FROM changes")


def test_the_change_log_is_never_truncated(db: Database, actor: Actor) -> None:
    if db.engine == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(GrowbaseError):
        run(db, actor, "SELECT set_config('growbase.retention', 'on', true)", "TRUNCATE changes")


def document(actor: Actor, words: str) -> dict[str, object]:
    owner = actor.organization_id
    return {"organization_id": owner, "entity": "things", "entity_id": owner, "words": words}


def test_the_search_index_follows_its_documents(db: Database, actor: Actor) -> None:
    found = partial(indexed, db, actor.organization_id)
    db.write(actor, lambda tx: tx.insert_facts(SearchDocument, [document(actor, "blue bicycle")]))
    assert (found("bicycle"), found("bi"), found("bi blue"), found("bi red")) == (1, 1, 1, 0)
    db.write(actor, lambda tx: tx.set_facts(SearchDocument, {"entity": "things"}, {"words": "red car"}))
    assert (found("bicycle"), found("car")) == (0, 1)
    run(db, actor, "DELETE FROM search_documents WHERE entity = 'things'")
    assert found("car") == 0


def test_the_index_itself_finds_no_words_of_others(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    other = other_tenant.owner
    db.write(other, lambda tx: tx.insert_facts(SearchDocument, [document(other, "blue bicycle")]))
    assert indexed(db, other.organization_id, "bicycle") == 1
    assert indexed(db, actor.organization_id, "bicycle") == 0
    assert indexed(db, other.organization_id, NOTHING) == 0


def test_every_view_has_the_columns_its_model_declares(db: Database) -> None:
    assert ddl.views()
    for name, model in ddl.views().items():
        columns = [column.name for column in model.__table__.columns]
        assert db.query(f"SELECT {', '.join(columns)} FROM {name}") == []


def test_statements_are_read_back_as_what_they_create() -> None:
    for engine in ddl.ENGINES:
        for extra in ddl.extras(engine):
            assert ddl.Extra.parse(extra.create) == extra
            kind, name = ddl.dropped(extra.drop(engine)) or ("", "")
            assert (kind, name) == (extra.kind, extra.name)
    assert ddl.Extra.parse("INSERT INTO x VALUES (1)") is None
    assert ddl.dropped("DELETE FROM x") is None


def test_models_of_the_tests_are_no_part_of_the_schema() -> None:
    assert all(model.__module__.startswith("growbase.") for model in ddl.models())
    assert {InstanceFact.__tablename__, Organization.__tablename__} <= {table.name for table in ddl.tables()}
