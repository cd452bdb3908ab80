from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid, NotUnique
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.marketing.actions_templates import (
    copy_gallery,
    create_content_template,
    install_gallery,
    list_gallery,
    publish_template,
    render,
    render_content_template,
    update_campaign_template,
    update_content_template,
    use_gallery_template,
)
from growbase.domains.marketing.gallery import GALLERY_TEMPLATES
from growbase.domains.marketing.models import Campaign, CampaignTemplate, ContentTemplate, GalleryTemplate, Visibility
from growbase.domains.marketing.schemas import checked_template
from tests.domains.marketing.factories import make_campaign, make_template
from tests.fixtures import Tenant


def with_stage(**over: object) -> dict[str, Any]:
    return {"journeys": [{"name": "A", "stages": [{"key": "a", "name": "A", **over}]}]}


WELCOME = "Hello {{ name }}, you have {{ count }} new {{ noun|upper }}."


def test_rendering_fills_in_every_variable(db: Database, actor: Actor) -> None:
    variables = [{"name": "count", "type": "number"}, {"name": "noun", "required": False, "default": "notes"}]
    template_id = db.write(
        actor,
        lambda tx: create_content_template(tx, name="Welcome", type="email", template=WELCOME, variables=variables),
    )
    with db.read(actor) as reads:
        assert [item["name"] for item in reads.get(ContentTemplate, template_id).variables] == ["count", "noun", "name"]
        found = render_content_template(reads, id=template_id, variables={"name": "<Ann>", "count": 3})
    assert found == {"text": "Hello <Ann>, you have 3 new NOTES."}


def test_every_missing_or_mistyped_variable_is_named(db: Database, actor: Actor) -> None:
    template_id = db.write(
        actor,
        lambda tx: create_content_template(
            tx, name="Welcome", type="email", template=WELCOME, variables=[{"name": "count", "type": "number"}]
        ),
    )
    with pytest.raises(Invalid) as refused, db.read(actor) as reads:
        render_content_template(reads, id=template_id, variables={"count": "three", "name": None})
    assert sorted((error.field, error.code) for error in refused.value.fields) == [
        ("variables.count", "type"),
        ("variables.name", "required"),
        ("variables.noun", "required"),
    ]


@pytest.mark.parametrize(
    "template",
    [
        "{% for x in range(1000000000) %}x{% endfor %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ name.upper() }}",
        "{{ name['x'] }}",
        "{{ name|attr('x') }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'x' * 1000000000 }}",
        "{% include 'x' %}",
        "{{ name",
    ],
)
def test_a_template_is_text_and_variables_and_nothing_else(template: str) -> None:
    with pytest.raises(Invalid) as refused:
        render(template, [], {"name": "x"})
    assert refused.value.fields[0].field == "template"


def test_values_are_never_read_as_a_template() -> None:
    assert render("{{ a }}", [], {"a": "{{ b }}"}) == "{{ b }}"


def test_an_inactive_template_is_not_rendered(db: Database, actor: Actor) -> None:
    template_id = db.write(
        actor, lambda tx: create_content_template(tx, name="Old", type="email", template="x", is_active=False)
    )
    with pytest.raises(Conflict), db.read(actor) as reads:
        render_content_template(reads, id=template_id)


def test_changed_variables_are_described_again(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> list[dict[str, Any]]:
        template_id = create_content_template(tx, name="A", type="email", template="{{ a }}")
        update_content_template(tx, id=template_id, changes={"template": "{{ a }} {{ b }}"})
        return tx.get(ContentTemplate, template_id).variables

    assert [item["name"] for item in db.write(actor, make)] == ["a", "b"]
    twice = [{"name": "a"}, {"name": "a"}]
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: create_content_template(tx, name="B", type="email", template="x", variables=twice))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (
            {"journeys": [{"name": "A", "stages": [{"key": "a", "name": "A", "kind": "x"}]}]},
            "template_data.journeys.0.stages.0.kind",
        ),
        (
            {
                "journeys": [
                    {"name": "A", "stages": [{"key": "a", "name": "A", "kind": "retention", "config": {"x": 1}}]}
                ]
            },
            "template_data.journeys.0.stages.0.config.x",
        ),
        (
            {"journeys": [{"name": "A", "contents": [{"type": "email", "body": "b", "stage": "none"}]}]},
            "template_data.journeys.0",
        ),
        ({"colour": "red"}, "template_data.colour"),
    ],
)
def test_wrong_template_data_is_named(db: Database, actor: Actor, data: dict[str, Any], field: str) -> None:
    template_id = db.write(actor, make_template)
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: update_campaign_template(tx, id=template_id, changes={"template_data": data}))
    assert [error.field for error in refused.value.fields] == [field]


def test_deleting_a_template_leaves_its_campaigns_alone(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> bool:
        template_id = make_template(tx)
        campaign_id = make_campaign(tx, template_id=template_id)
        trash(tx, CampaignTemplate, template_id)
        return tx.get(Campaign, campaign_id).template_id == template_id

    assert db.write(actor, make)


def test_the_gallerys_own_templates_are_valid() -> None:
    for row in GALLERY_TEMPLATES:
        (journey,) = checked_template(row["template_data"])["journeys"]
        assert [stage["key"] for stage in journey["stages"]]
    assert len({row["id"] for row in GALLERY_TEMPLATES}) == 3


def test_every_organization_gets_its_own_copies_once(db: Database, actor: Actor) -> None:
    assert db.write(actor, install_gallery) in {0, 3}
    assert db.write(actor, install_gallery) == 0
    assert len(db.write(actor, copy_gallery)) == 3
    assert db.write(actor, copy_gallery) == []
    with db.read(actor) as reads:
        found = reads.rows(CampaignTemplate, order="origin_code")
    assert [row.origin_code for row in found] == ["brand-awareness", "event-promotion", "product-launch"]


def test_a_published_template_is_offered_to_everybody(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    template_id = db.write(actor, lambda tx: make_template(tx, name="Ours"))
    for _ in range(2):
        db.write(actor, lambda tx: publish_template(tx, id=template_id))
    with db.read(actor) as reads:
        assert reads.get(CampaignTemplate, template_id).visibility is Visibility.PUBLIC
    with db.read(other_tenant.owner) as reads:
        (shared,) = [row for row in list_gallery(reads) if row["name"] == "Ours"]
    gallery_id = db.query("SELECT id FROM gallery_templates WHERE name = 'Ours'")[0][0]
    assert str(gallery_id) == shared["id"]

    def use(tx: Transaction, **over: object) -> UUID:
        found = tx.find(GalleryTemplate, name="Ours")
        return use_gallery_template(tx, id=found.id, **over)

    copy_id = db.write(other_tenant.owner, use)
    with pytest.raises(NotUnique):
        db.write(other_tenant.owner, use)
    db.write(other_tenant.owner, lambda tx: use(tx, name="Theirs"))
    with db.read(other_tenant.owner) as reads:
        assert reads.get(CampaignTemplate, copy_id).origin_code == shared["code"]
        assert reads.find(GalleryTemplate, name="Ours").usage_count == 2  # type: ignore[union-attr]
