"""What is declared holds: names exist, sortable columns have an index, verbs say what they do."""

import pytest

from growbase import wiring
from growbase.core.model import View, rule_of, table_of
from growbase.core.resource import Resource
from growbase.core.schema import create_schema, read_schema, update_schema
from growbase.domains.marketing.models_analytics import AnalyticsEvent
from growbase.domains.marketing.resources import RESOURCES, VIEWS

NAMES = [resource.name for resource in (*RESOURCES, *VIEWS)]


@pytest.mark.parametrize("resource", [*RESOURCES, *VIEWS], ids=NAMES)
def test_every_declared_name_exists(resource: Resource) -> None:
    columns = resource.table.columns
    assert {*resource.search, *resource.sortable, *resource.tombstone} <= set(columns.keys())
    assert resource.sort.lstrip("-") in resource.sortable
    for name in resource.expand:
        assert rule_of(resource.expand_column(name)).target
    for name in (*resource.children, *resource.counts):
        assert name in wiring.catalog().models
    for verb in resource.verbs.values():
        assert verb.run.__doc__


@pytest.mark.parametrize("resource", RESOURCES, ids=[resource.name for resource in RESOURCES])
def test_every_sortable_column_has_an_index_that_begins_with_it(resource: Resource) -> None:
    tenant = ["organization_id"] if "organization_id" in resource.table.columns else []
    indexed = [[column.name for column in index.columns] for index in resource.table.indexes if not index.unique]
    for name in resource.sortable:
        assert any(found[: len(tenant) + 1] == [*tenant, name] for found in indexed), name


@pytest.mark.parametrize("resource", [*RESOURCES, *VIEWS], ids=NAMES)
def test_every_resource_has_schemas(resource: Resource) -> None:
    assert read_schema(resource.name, resource.model).model_fields
    if not issubclass(resource.model, View):
        assert create_schema(resource.name, resource.model, resource.extra).model.model_fields
        assert update_schema(resource.name, resource.model).model.model_fields


def test_views_are_no_resources_of_their_own() -> None:
    assert not {resource.name for resource in VIEWS} & {resource.name for resource in RESOURCES}


def test_an_event_has_no_more_indexes_than_it_needs() -> None:
    """Each one costs every event; those on rarely set references hold only the rows that set them."""
    assert len(table_of(AnalyticsEvent).indexes) == 6
