"""Social over HTTP: from the words to the platform, tokens that nobody ever sees again, and figures that add up."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.types import moment_text
from growbase.domains.social.actions_metrics import record_snapshot
from growbase.domains.social.models_publishing import SocialAccount
from growbase.domains.social.publishing import begin_dispatch, claim_due_post, finish_published
from tests.api.conftest import Factory
from tests.api.factories import Row, dump
from tests.fixtures import Tenant

SOON = datetime.now(UTC) + timedelta(days=1)
TOKENS = {"access_token": "canary-access-5e1f", "refresh_token": "canary-refresh-9a2b"}


def post(factory: Factory, path: str, body: Row | None = None, status: int = 200, **headers: str) -> Any:  # noqa: ANN401
    answer = factory.client.post(f"/api/{path}", json=body or {}, headers={**factory.headers, **headers})
    assert answer.status_code == status, (path, answer.status_code, answer.text)
    return answer.json() if answer.content else None


def approved(factory: Factory, **over: object) -> str:
    piece: Row = factory.create("content-pieces", **over)
    for verb in ("submit", "approve"):
        post(factory, f"content-pieces/{piece['id']}/{verb}")
    return str(piece["id"])


def account(factory: Factory, **over: object) -> str:
    return str(factory.create("social-accounts", **{**TOKENS, **over})["id"])


def scheduled(factory: Factory, at: datetime | None = None, **over: object) -> Row:
    body = {
        "social_account_id": account(factory),
        "scheduled_at": moment_text(at or datetime.now(UTC)),
        "timezone": "Europe/Paris",
        **over,
    }
    found: Row = post(factory, f"content-pieces/{approved(factory)}/schedule", body, 201)
    return found


def published(factory: Factory, db: Database) -> Row:
    row = scheduled(factory)
    claim = db.write(system("publisher"), lambda tx: claim_due_post(tx, "w"))
    assert claim is not None
    db.write(system("publisher"), lambda tx: begin_dispatch(tx, claim))
    db.write(system("publisher"), lambda tx: finish_published(tx, claim, platform_post_id=row["id"]))
    return row


def get(factory: Factory, path: str, status: int = 200) -> Any:  # noqa: ANN401 -- a JSON value
    answer = factory.client.get(f"/api/{path}", headers=factory.headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_piece_is_written_approved_scheduled_moved_and_cancelled(factory: Factory) -> None:
    row = scheduled(factory, at=datetime.now(UTC) + timedelta(days=1))
    assert get(factory, f"scheduled-posts/{row['id']}") == row
    assert get(factory, f"content-pieces/{row['content_piece_id']}")["status"] == "scheduled"
    base = f"scheduled-posts/{row['id']}"
    at = moment_text(datetime.now(UTC) + timedelta(days=2))
    moved = post(factory, f"{base}/reschedule", {"scheduled_at": at, "version": 1})
    assert (moved["scheduled_at"], moved["version"]) == (at, 2)
    stale = post(factory, f"{base}/reschedule", {"scheduled_at": at, "version": 1}, 412)
    assert stale["current_version"] == 2
    assert post(factory, f"{base}/hold")["status"] == "on_hold"
    assert post(factory, f"{base}/release")["status"] == "scheduled"
    assert post(factory, f"{base}/transition", {"to": "published"}, 409)["allowed"] == ["cancelled", "on_hold"]
    assert post(factory, f"{base}/cancel")["status"] == "cancelled"
    assert get(factory, f"content-pieces/{row['content_piece_id']}")["status"] == "approved"


def test_it_is_too_late_to_cancel_what_is_being_published(factory: Factory, db: Database) -> None:
    row = scheduled(factory)
    assert db.write(system("publisher"), lambda tx: claim_due_post(tx, "w")) is not None
    refused = post(factory, f"scheduled-posts/{row['id']}/cancel", status=409)
    assert refused["code"] == "too_late"


def test_the_same_click_twice_makes_one_post(factory: Factory) -> None:
    piece_id = approved(factory)
    body = {"social_account_id": account(factory), "scheduled_at": "2040-01-01T09:00:00+01:00"}
    first, second = (post(factory, f"content-pieces/{piece_id}/schedule", body, 201) for _ in range(2))
    assert first == second
    assert (first["scheduled_at"], first["timezone"]) == ("2040-01-01T08:00:00.000000Z", "UTC")
    wrong = post(factory, f"content-pieces/{piece_id}/schedule", {**body, "timezone": "Mars/Base"}, 422)
    assert [error["field"] for error in wrong["errors"]] == ["timezone"]


def test_what_breaks_the_rules_is_named_in_its_field(factory: Factory) -> None:
    rules = {"forbidden_phrases": ["guaranteed"], "forbidden_hashtags": ["#cheap"], "approval_mode": "auto"}
    post(factory, "brand-rules", rules, 201)
    piece = factory.create("content-pieces", body="Growth guaranteed", hashtags=["Cheap"])
    refused = post(factory, f"content-pieces/{piece['id']}/submit", status=422)
    assert [(error["field"], error["code"], error["message"]) for error in refused["errors"]] == [
        ("body", "forbidden_phrase", "has the forbidden phrase guaranteed"),
        ("hashtags.0", "forbidden_hashtag", "has the forbidden hashtag #cheap"),
    ]
    second = post(factory, "brand-rules", rules, 409)
    assert [(error["field"], error["code"]) for error in second["errors"]] == [("brand_id", "unique")]
    fine = factory.create("content-pieces", body="We guarantee nothing")
    assert post(factory, f"content-pieces/{fine['id']}/submit")["status"] == "approved"


def test_connecting_again_is_the_same_account(factory: Factory) -> None:
    body = {"platform": "bluesky", "provider_account_id": "did:plc:1", "handle": "old.example", **TOKENS}
    first = post(factory, "social-accounts", body, 201)
    assert (first["status"], first["version"]) == ("active", 1)
    again = post(factory, "social-accounts", {**body, "handle": "new.example"}, 201)
    assert (again["id"], again["handle"], again["version"]) == (first["id"], "new.example", 2)
    assert post(factory, f"social-accounts/{first['id']}/verify", status=202)["id"] == first["id"]
    gone = post(factory, f"social-accounts/{first['id']}/disconnect", {"queued": "hold"})
    assert gone["status"] == "revoked"


def test_no_token_is_ever_seen_again(
    factory: Factory,
    db: Database,
    tenant: Tenant,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = factory.body("social-accounts", full=True) | TOKENS
    seen: list[str] = []
    made = factory.client.post("/api/social-accounts", json=body, headers={**factory.headers, "Idempotency-Key": "k"})
    seen.append(made.text)
    id = made.json()["id"]
    client, headers = factory.client, factory.headers
    reads_of = ("", "?expand=", "/export", "/export?format=csv", "?q=token", f"/{id}", f"/{id}/history")
    seen += [client.get(f"/api/social-accounts{path}", headers=headers).text for path in reads_of]
    seen.append(client.get(f"/api/social-accounts/{id}?as_of=2100-01-01", headers=headers).text)
    again = {**body, "handle": "other", "access_token": TOKENS["access_token"] + "-2"}
    seen.append(client.post("/api/social-accounts", json=again, headers=headers).text)
    seen.append(client.post("/api/social-accounts", json={**body, "platform": "general"}, headers=headers).text)
    seen.append(client.post("/api/social-accounts", json={**body, "handle": 3}, headers=headers).text)
    seen.append(client.patch(f"/api/social-accounts/{id}", json=TOKENS, headers=headers).text)
    row = scheduled(factory, social_account_id=id, at=datetime.now(UTC) + timedelta(days=1))
    expanded = "expand=social_account,content_piece"
    seen.append(client.get(f"/api/scheduled-posts/{row['id']}?{expanded}", headers=headers).text)
    seen += [client.get(f"/api/social-accounts/{id}{part}", headers=headers).text for part in ("", "/history")]
    seen.append(client.post(f"/api/social-accounts/{id}/verify", headers=headers).text)
    seen.append(json.dumps(dump(db, tenant.organization_id)))
    with db.read(tenant.owner) as reads:
        found = reads.get(SocialAccount, made.json()["id"])
        assert reads.secret(found, "access_token") == TOKENS["access_token"] + "-2"
        seen += [repr(found), str(found), repr([found]), repr(found.__dict__)]
    assert client.get("/api/social-accounts?access_token_cipher=x", headers=headers).status_code == 400
    seen += [caplog.text, *capsys.readouterr()]
    assert len(seen) > 15
    for text in seen:
        assert "canary" not in text, text[:2_000]


def test_totals_and_growth_are_read_by_group(factory: Factory, db: Database, tenant: Tenant) -> None:
    row = published(factory, db)
    now = datetime.now(UTC)
    for back, impressions in ((2, 10), (1, 40)):
        values: Row = {"scheduled_post_id": row["id"], "metrics": {"impressions": impressions}}
        at = now - timedelta(days=back)
        db.write(tenant.owner, lambda tx, values=values, at=at: record_snapshot(tx, collected_at=at, **values))
    found = get(factory, "social/metrics?group_by=platform,day")
    assert [(total["platform"], total["impressions"], total["saves"]) for total in found["totals"]] == [
        ("mastodon", 40, None)
    ]
    assert [growth["impressions"] for growth in found["growth"]] == [10, 30]
    for query, named in (("colour=1", "colour"), ("group_by=colour", "group_by"), ("from=2040-01-01", "from")):
        wrong = get(factory, f"social/metrics?{query}", 400)
        assert [error["field"] for error in wrong["errors"]] == [named]
    refused = get(factory, "post-metric-snapshots/aggregate?aggregate=sum(impressions)", 400)
    assert "running total" in refused["errors"][0]["message"]
    assert get(factory, "post-metric-snapshots/aggregate?aggregate=max(impressions)") == {
        "data": [{"max_impressions": 40}]
    }


def test_a_strategy_and_a_summary_are_asked_for_on_their_collection(factory: Factory) -> None:
    strategy = post(factory, "ai-strategies/generate", {"notes": "Bold"}, 202)
    assert (strategy["status"], strategy["version_number"]) == ("generating", 1)
    assert post(factory, f"ai-strategies/{strategy['id']}/accept", status=409)["code"] == "invalid_transition"
    first, second = (post(factory, "weekly-summaries/generate", status=202) for _ in range(2))
    assert (first["id"], first["status"]) == (second["id"], "generating")
    wrong = post(factory, "weekly-summaries/generate", {"week_start": "2026-03-03"}, 422)
    assert [error["field"] for error in wrong["errors"]] == ["week_start"]


def test_there_is_one_primary_founder(factory: Factory) -> None:
    first = factory.create("founders", is_primary=True)
    second = factory.create("founders", is_primary=True)
    assert [get(factory, f"founders/{row['id']}")["is_primary"] for row in (first, second)] == [False, True]
    path = f"/api/founders/{first['id']}"
    factory.client.patch(path, json={"is_primary": True}, headers=factory.headers)
    assert [get(factory, f"founders/{row['id']}")["is_primary"] for row in (first, second)] == [True, False]


def test_a_series_tells_how_far_it_has_come(factory: Factory, db: Database) -> None:
    series = factory.create("series", total_posts=5)
    for number in (1, 2):
        factory.create("content-pieces", series_id=series["id"], sequence_no=number)
    row = published(factory, db)
    place = {"series_id": series["id"], "sequence_no": 3}
    moved = factory.client.patch(f"/api/content-pieces/{row['content_piece_id']}", json=place, headers=factory.headers)
    assert moved.status_code == 200, moved.text
    [found] = get(factory, "views/series-progress")["data"]
    assert (found["piece_count"], found["published_count"], found["next_post_at"]) == (3, 1, None)
    assert found["last_published_at"] is not None


def test_many_posts_are_scheduled_at_once_or_none_and_each_error_has_its_row(factory: Factory) -> None:
    handle, soon = factory.create("social-accounts", **TOKENS)["handle"], moment_text(SOON)
    good = {"account": handle, "scheduled_at": soon, "content_piece_id": approved(factory)}
    words = {"account": handle, "scheduled_at": soon, "text": "New words", "hashtags": ["a"]}
    wrong = {"account": "@nobody", "scheduled_at": soon, "text": "Lost"}
    path = "scheduled-posts/schedule-many"
    refused = post(factory, path, {"rows": [good, wrong, words]}, 422)
    assert [error["field"] for error in refused["errors"]] == ["rows.1.account"]
    assert get(factory, "scheduled-posts")["data"] == []

    body = {"rows": [good, wrong, words], "on_error": "skip", "approve": True}
    ahead = post(factory, path, body, prefer="tx=rollback")
    assert (ahead["scheduled"], ahead["error_count"]) == (2, 1)
    assert get(factory, "scheduled-posts")["data"] == []

    found = post(factory, path, body)
    assert [one["row"] for one in found["posts"]] == [0, 2]
    assert found["errors"][0] == {
        "row": 1,
        "field": "account",
        "code": "unknown",
        "message": "@nobody is no account here",
    }
    assert post(factory, path, body)["known"] == 1
    assert len(get(factory, "scheduled-posts")["data"]) == 2
    refused = post(factory, path, {"rows": [{"account": "x"}]}, 422)
    assert [error["field"] for error in refused["errors"]] == ["rows.0.scheduled_at"]
    post(factory, path, {"rows": []}, 422)
