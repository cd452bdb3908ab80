from datetime import UTC, datetime
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import InvalidQuery
from growbase.domains.marketing.actions_analytics import ingest_events
from growbase.domains.marketing.actions_contents import create_content
from growbase.domains.marketing.actions_variants import set_variants
from growbase.domains.marketing.models import ContentVariant
from growbase.domains.marketing.queries_variants import interval, p_value, variant_figures
from tests.domains.marketing.factories import event, make_campaign
from tests.fixtures import Tenant

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def test_a_share_has_the_interval_of_wilson_and_no_share_has_none() -> None:
    assert interval(10, 100) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))
    assert interval(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-4))
    assert interval(0, 0) == interval(11, 10) == (None, None)


def test_two_shares_are_told_apart_where_chance_hardly_explains_them() -> None:
    assert p_value(200, 1_000, 150, 1_000) == pytest.approx(0.0032, abs=1e-4)
    assert p_value(11, 100, 10, 100) == pytest.approx(0.8175, abs=1e-3)
    assert p_value(0, 10, 0, 10) is None
    assert p_value(1, 0, 1, 2) is None


def test_variants_are_compared_with_their_control(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    actor = tenant.owner
    campaign_id = db.write(actor, make_campaign)
    content_id, ids = db.write(actor, lambda tx: _tested(tx, campaign_id))
    counts = [("A", "impression", 40), ("A", "conversion", 4), ("B", "impression", 40), ("B", "conversion", 16)]
    events = [
        event(
            campaign_id=campaign_id,
            content_id=content_id,
            variant_id=ids[key],
            event_type=kind,
            occurred_at="2026-03-10T12:00:00Z",
        )
        for key, kind, count in counts
        for _ in range(count)
    ]
    db.write(actor, lambda tx: ingest_events(tx, events=events, late_limit=None))

    def found(who: Actor, **over: object) -> dict[str, dict[str, object]]:
        with db.read(who) as reads:
            asked = {"campaign_id": campaign_id, "start": START, "end": END, **over}
            answer = variant_figures(reads, **asked)  # type: ignore[arg-type]
        return {str(one["key"]): one for content in answer["contents"] for one in content["variants"]}

    rows = found(actor)
    assert [(row["key"], row["shown"], row["reached"], row["rate"]) for row in rows.values()] == [
        ("A", 40, 4, 0.1),
        ("B", 40, 16, 0.4),
    ]
    assert (rows["A"]["p_value"], rows["A"]["is_significant"], rows["A"]["is_control"]) == (None, None, True)
    assert (rows["B"]["is_significant"], rows["B"]["uplift"]) == (True, 3.0)
    assert found(actor, content_id=content_id, goal="click")["B"]["reached"] == 0
    assert found(actor, start=datetime(2026, 3, 11, tzinfo=UTC))["B"]["shown"] == 0
    assert found(other_tenant.owner) == {}
    with pytest.raises(InvalidQuery):
        found(actor, goal="wealth")
    with pytest.raises(InvalidQuery):
        found(actor, end=START)


def _tested(tx, campaign_id: UUID) -> tuple[UUID, dict[str, UUID]]:  # noqa: ANN001
    content_id = create_content(tx, campaign_id=campaign_id, type="email", body="Body")
    drafts = [{"key": key, "body": f"Body {key}", "weight_percent": 50, "is_control": key == "A"} for key in ("A", "B")]
    set_variants(tx, id=content_id, variants=drafts)
    return content_id, {row.key: row.id for row in tx.rows(ContentVariant, content_id=content_id)}
