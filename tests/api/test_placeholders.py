"""``$me`` and ``$now`` in queries: what they stand for is found out each time, for whoever asks."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.model import Rule
from growbase.core.placeholders import placeholder, resolved
from tests.api.conftest import Factory, Headers, LoginAs
from tests.fixtures import Tenant


def names(factory: Factory, query: str, headers: Headers | None = None) -> list[str]:
    answer = factory.client.get(f"/api/brands?sort=name&{query}", headers=headers or factory.headers)
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["data"]]


def test_the_same_query_means_whoever_asks(
    factory: Factory, tenant: Tenant, login_as: LoginAs, key_of: Callable[..., Headers]
) -> None:
    factory.create("brands", name="A", owner_user_id=str(tenant.owner.id))
    factory.create("brands", name="B", owner_user_id=str(tenant.member.id))
    factory.create("brands", name="C", owner_user_id=None)
    member, key = login_as(tenant.member), key_of(tenant.owner, "read")
    for query in ("owner_user_id=$me", "owner_user_id=in.($me)", "or=(owner_user_id.eq.$me,name.eq.nothing)"):
        assert names(factory, query) == ["A"], query
        assert names(factory, query, member) == ["B"], query
        assert names(factory, query, key) == [], query
    assert names(factory, "created_by=$me&owner_user_id=not.eq.$me") == ["B", "C"]
    assert names(factory, "name=$me") == []


def test_now_is_told_anew_each_time(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    factory.create("brands", name="A")
    soon = clock.now() + timedelta(days=2)
    assert names(factory, "created_at=gte.$now-1d") == ["A"]
    assert names(factory, "created_at=lt.$now-1h") == []
    assert names(factory, "created_at=lt.%24now%2B1w") == names(factory, "created_at=lt.$now+1w") == ["A"]
    monkeypatch.setattr(clock, "now", lambda: soon)
    found = placeholder(Rule("day"), "$now-1d")
    assert resolved(found, Rule("day"), system("test")) == (soon - timedelta(days=1)).date()


@pytest.mark.parametrize(
    "query", ["created_at=gt.$later", "created_at=gt.$now-1y", "owner_user_id=$you", "version=$me"]
)
def test_what_stands_for_nothing_is_refused(factory: Factory, query: str) -> None:
    assert factory.client.get(f"/api/brands?{query}", headers=factory.headers).status_code in {400, 422}
