"""Questions about what came of things: who may ask them, and what is no question."""

import pytest

from tests.api.conftest import Client, LoginAs
from tests.fixtures import Tenant

PATHS = ("/api/analytics/variants", "/api/outreach/figures", "/api/usage/daily", "/api/social/metrics")


@pytest.mark.parametrize("path", PATHS)
def test_viewers_ask_what_came_of_things_and_nonsense_is_named(
    path: str, client: Client, tenant: Tenant, login_as: LoginAs
) -> None:
    assert client.get(path).status_code == 401
    headers = login_as(tenant.viewer)
    found = client.get(path, headers=headers)
    assert found.status_code == 200
    assert found.json()["timezone"] == "UTC"
    for query, field in (
        ("weather=fine", "weather"),
        ("from=tomorrow", "from"),
        ("from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from"),
    ):
        refused = client.get(f"{path}?{query}", headers=headers)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == field


def test_a_question_names_what_there_is(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    headers = login_as(tenant.viewer)
    for path, field in (
        ("/api/analytics/variants?goal=wealth", "goal"),
        ("/api/analytics/variants?campaign_id=mine", "campaign_id"),
        ("/api/outreach/figures?group_by=mood", "group_by"),
        ("/api/outreach/figures?outreach_campaign_id=mine", "outreach_campaign_id"),
        ("/api/usage/daily?metric=wishes", "metric"),
        ("/api/social/metrics?group_by=mood", "group_by"),
    ):
        refused = client.get(path, headers=headers)
        assert refused.status_code == 400, path
        assert refused.json()["errors"][0]["field"] == field
    posts = client.get("/api/social/metrics?group_by=post", headers=headers)
    assert posts.json()["totals"] == []
