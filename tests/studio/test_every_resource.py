"""Pages of every resource of the registry: a new one has them without a line, and without a test of its own."""

from growbase import wiring
from growbase.core.model import View, rule_of
from growbase.core.resource import Resource
from growbase.core.schema import create_schema
from growbase.studio.filters import filterable
from growbase.studio.rows import columns_of
from tests.api.factories import Factory, tables
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn

CATALOG = wiring.catalog()
TABLES = list(tables(CATALOG))
VIEWS = [resource.name for resource in CATALOG.resources if issubclass(resource.model, View)]


def test_every_resource_has_its_pages(factory: Factory, browser: Browser) -> None:
    for resource in TABLES:
        assert "<h1>" in browser.get(f"/{resource.name}")
    for resource in TABLES:
        if not resource.creatable and "stores" in {rule_of(column).target for column in resource.public}:
            factory.create("stores")  # It comes with some rows of its own.
        look_at(browser, resource, factory.any(resource.name)["id"])


def look_at(browser: Browser, resource: Resource, id: str) -> None:
    """Open every page that a resource has."""
    name, path = resource.name, f"/{resource.name}/{id}"
    assert path in browser.get(f"/{name}")
    for tab in ("", "?tab=api", "?tab=history" if resource.model.__logged__ else ""):
        assert id in browser.get(path + tab)
    if resource.creatable:
        assert 'name="csrf"' in browser.get(f"/{name}/new")
        browser.post(f"/{name}/new", status=422 if required(name) else 303)
    if resource.editable:
        browser.get(f"{path}/edit")
    for verb, found in resource.verbs.items():
        browser.get(f"{path}/do/{verb}" if found.on == "row" else f"/{name}/do/{verb}")
    if resource.trashable and resource.deletable:
        browser.get(f"{path}/trash")
        browser.get(f"/{name}?trash=only")


def required(name: str) -> bool:
    """Return whether a resource's row can't be made of nothing."""
    resource = CATALOG.by_name[name]
    model = create_schema(name, resource.model, resource.extra).model
    return any(field.is_required() for field in model.model_fields.values())


def test_every_view_has_its_list_and_no_rows_of_its_own(browser: Browser) -> None:
    for name in VIEWS:
        browser.get(f"/{name}")
        browser.get(f"/{name}/00000000-0000-7000-8000-000000000000", status=405)


def test_every_list_can_show_every_column_and_filter_by_each_it_offers(browser: Browser) -> None:
    samples = {"boolean": "true", "moment": "2026-01-31", "day": "2026-01-31", "text": "x"}
    for resource in CATALOG.resources:
        browser.get(f"/{resource.name}?columns={','.join(column.name for column in columns_of(resource))}")
        for column in filterable(resource):
            value = next(iter(column.rule.enum)) if column.rule.enum else samples.get(column.kind, "1")
            value = "00000000-0000-7000-8000-000000000000" if column.kind == "reference" else value
            part = ".from" if column.kind in {"moment", "day", "integer", "number", "money"} else ""
            sent = f"/{resource.name}?f.{column.name}{part}={value}"
            answer = browser.client.get(f"/studio{sent}", headers=browser.cookie)
            assert answer.status_code == 200, (sent, answer.url)


def test_a_viewer_sees_no_way_to_change_anything(factory: Factory, sign_in: SignIn, tenant: Tenant) -> None:
    campaign = factory.create("campaigns")
    path = f"/campaigns/{campaign['id']}"
    viewer = sign_in(tenant.viewer)
    page = viewer.get(path) + viewer.get("/campaigns")
    assert [way for way in ("/edit", "/trash", "/new", "/do/", "/transition", "/bulk") if f'{way}"' in page] == []
    for way in ("/edit", "/do/duplicate"):
        viewer.get(path + way, status=403)
    for way in ("/edit", "/trash", "/transition", "/do/duplicate", "/undo"):
        viewer.post(path + way, {"to": "active", "name": "x", "base.name": "y", "seq": "1"}, status=403)
    viewer.post("/campaigns/new", {"name": "x"}, status=403)


def test_nothing_of_another_organization_is_shown(factory: Factory, sign_in: SignIn, other_tenant: Tenant) -> None:
    campaign = factory.create("campaigns", name="Only for Acme")
    stranger = sign_in(other_tenant.owner)
    path = f"/campaigns/{campaign['id']}"
    for way in ("", "/edit", "/trash", "?tab=history", "?tab=api"):
        stranger.get(path + way, status=404)
    for way in ("/trash", "/transition", "/do/duplicate"):
        stranger.post(path + way, {"to": "active"}, status=404)
    page = stranger.get("/campaigns") + stranger.get("/search?q=Only") + stranger.get("")
    page += stranger.get(f"/contents?campaign_id={campaign['id']}") + stranger.get("/campaigns/options?q=Only")
    assert "Only for Acme" not in page
