"""Candidates, contents and pieces in one view: figures by hand, and a page that costs the same at any size."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase import wiring
from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.query import parse
from growbase.core.resource import Catalog
from growbase.core.select import Segment, page_sql
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.marketing.actions_analytics import ingest_events
from growbase.domains.marketing.actions_contents import approve_content, publish_content, submit_content
from growbase.domains.marketing.actions_generated import (
    create_generated_content,
    promote_generated_content,
    rate_generated_content,
    select_generated_content,
)
from growbase.domains.marketing.models import Content
from growbase.domains.marketing.models_performance import ContentPerformance
from growbase.domains.marketing.models_views import CampaignSummary, UserActivitySummary
from tests.domains.marketing.factories import event, make_campaign, make_content


def figures(db: Database, actor: Actor) -> dict[str, dict[str, Any]]:
    """Return the rows by title."""
    with db.read(actor) as reads:
        return {row.__dict__["title"]: row.__dict__ for row in reads.rows(ContentPerformance)}


@pytest.fixture
def fan_out(db: Database, actor: Actor) -> dict[str, UUID]:
    """Make two campaigns: three contents with events and three candidates in one, nothing in the other."""

    def make(tx: Transaction) -> dict[str, UUID]:
        full = make_campaign(tx, name="Full")
        make_campaign(tx, name="Empty")
        ids = {"full": full}
        for number in range(3):
            ids[f"C{number}"] = make_content(tx, full, title=f"C{number}")
            proposed = {"type": "social_post", "text": "Hi", "prompt": "p", "model": "m", "platform": "bluesky"}
            ids[f"G{number}"] = create_generated_content(
                tx, campaign_id=full, title=f"G{number}", engagement_score=0.25, **proposed
            )
        trash(tx, Content, make_content(tx, full, title="Gone"))
        for step in (submit_content, approve_content, publish_content):
            step(tx, id=ids["C0"])
        rate_generated_content(tx, id=ids["G0"], rating=4)
        select_generated_content(tx, id=ids["G0"])
        ids["promoted"] = UUID(promote_generated_content(tx, id=ids["G1"], to="content")["content_id"])
        tx.update(Content, ids["promoted"], {"title": "P1"})
        for step in (submit_content, approve_content, publish_content):
            step(tx, id=ids["promoted"])
        events = [event(content_id=ids[f"C{number}"]) for number in range(3) for _ in range(4)]
        events += [event(content_id=ids["C0"], event_type="click") for _ in range(2)]
        events += [event(content_id=ids["C1"], event_type="share")]
        events += [event(content_id=ids["promoted"]) for _ in range(5)]
        ingest_events(tx, events=events)
        return ids

    return db.write(actor, make)


NAMES = ("impressions", "clicks", "shares", "conversions", "ctr", "engagement_rate", "is_published")


@pytest.mark.usefixtures("fan_out")
def test_null_stands_where_nothing_was_reported(db: Database, actor: Actor) -> None:
    found = figures(db, actor)
    assert set(found) == {"C0", "C1", "C2", "G0", "G1", "G2", "P1"}
    assert [found["C0"][name] for name in NAMES] == [4, 2, None, None, 0.5, 0.5, True]
    assert [found["C1"][name] for name in NAMES] == [4, None, 1, None, None, 0.25, False]
    assert [found["G0"][name] for name in NAMES] == [None, None, None, None, None, None, False]
    assert (found["C2"]["source"], found["C2"]["content_type"], found["C2"]["campaign_name"]) == (
        "content",
        "email",
        "Full",
    )
    assert (found["G2"]["reach"], found["G2"]["likes"], found["G2"]["comments"]) == (None, None, None)


@pytest.mark.usefixtures("fan_out")
def test_a_candidate_shows_what_came_of_it(db: Database, actor: Actor) -> None:
    found = figures(db, actor)
    chosen, promoted = found["G0"], found["G1"]
    assert (chosen["source"], chosen["is_selected"], chosen["user_rating"]) == ("generated", True, 4)
    assert (chosen["predicted_engagement"], chosen["published_at"], chosen["platform"]) == (0.25, None, "bluesky")
    assert [promoted[name] for name in NAMES] == [5, None, None, None, None, None, True]
    assert promoted["published_at"] == found["P1"]["published_at"] is not None
    assert found["C0"]["is_selected"] is None


def rows_of_one_moment(catalog: Catalog, engine: str, query: str) -> str:
    resource = catalog.by_name["content-performance"]
    shape = parse(catalog, resource, query).shape
    return page_sql(catalog, resource.name, engine, shape, Segment(None, after=True), offset=False)


@pytest.mark.parametrize("query", ["sort=-created_at", "sort=created_at", "source=generated"])
def test_a_page_is_merged_from_indexes_and_sorts_nothing(db: Database, actor: Actor, query: str) -> None:
    sql = rows_of_one_moment(wiring.catalog(), db.engine, query)
    if db.engine == "sqlite":
        plan = "\n".join(row[3] for row in db.query(f"EXPLAIN QUERY PLAN {sql}", (None,) * sql.count("?")))
        assert "TEMP B-TREE FOR ORDER BY" not in plan, plan
        assert not re.search(r"SCAN (c|g|p|k|u|d|o|s|n)\b", plan), plan
        return

    def fill(tx: Transaction) -> None:
        campaign = make_campaign(tx)
        for number in range(150):
            make_content(tx, campaign, title=str(number))
            create_generated_content(tx, campaign_id=campaign, type="idea", prompt="p", model="m")

    db.write(actor, fill)
    values = iter([*(["'generated'"] if "source" in query else []), "now()", f"'{actor.organization_id}'"])
    first = re.sub(r"t.organization_id = %s", f"t.organization_id = '{actor.organization_id}'", sql)
    literal = re.sub(r"%s", lambda _: next(values, "20"), first)
    # The tables are too small for an index to be worth it, so the planner is told what they will be.
    for name in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
        db.query(f"SELECT set_config('{name}', 'off', false)")
    plan = "\n".join(row[0] for row in db.query(f"EXPLAIN {literal}"))
    assert ("Merge Append" in plan) == ("source" not in query), plan
    assert "Sort  (" not in plan, plan
    assert "Seq Scan on contents" not in plan, plan


def test_a_piece_has_the_newest_snapshot_of_each_of_its_posts(
    db: Database, actor: Actor, fan_out: dict[str, UUID]
) -> None:
    models = db.catalog.models
    now = clock.now()

    def snapshot(tx: Transaction, post: UUID, piece: UUID, account: UUID, hours: int, **values: int | None) -> None:
        row = {
            "id": clock.new_id(),
            "organization_id": actor.organization_id,
            "scheduled_post_id": post,
            "social_account_id": account,
            "content_piece_id": piece,
            "platform": "bluesky",
            "bucket_at": now + timedelta(hours=hours),
            "collected_at": now + timedelta(hours=hours),
        }
        tx.insert_facts(models["post_metric_snapshots"], [{**row, **values}])

    def make(tx: Transaction) -> None:
        account = tx.insert(models["social_accounts"], platform="bluesky", provider_account_id="1", handle="a")
        for number in range(2):
            made = {"generated_content_id": fan_out["G0"]} if number else {"content_id": fan_out["C2"]}
            piece = tx.insert(
                models["content_pieces"],
                platform="bluesky",
                title=f"Piece {number}",
                body="Hi",
                body_hash="0" * 64,
                campaign_id=fan_out["full"],
                **made,
            )
            for place in range(2):
                post = tx.insert(
                    models["scheduled_posts"],
                    content_piece_id=piece,
                    social_account_id=account,
                    scheduled_at=now + timedelta(hours=place),
                    idempotency_key=f"{number}-{place}",
                    payload_hash="0" * 64,
                )
                if place == 0:
                    published = {"status": "published", "published_at": now, "platform_post_id": str(number)}
                    tx.change(tx.get(models["scheduled_posts"], post, lock=True), published)
                snapshot(tx, post, piece, account, 1, impressions=10, likes=1)
                snapshot(tx, post, piece, account, 2, impressions=30 + place, likes=3, clicks=None, signups=1)

    db.write(actor, make)
    found = figures(db, actor)
    piece, candidate, content = found["Piece 0"], found["G0"], found["C2"]
    assert (piece["source"], piece["impressions"], piece["likes"], piece["clicks"]) == ("piece", 61, 6, None)
    assert (piece["conversions"], piece["engagement_rate"]) == (2, pytest.approx(6 / 61))
    assert (piece["is_published"], piece["published_at"], piece["scheduled_for"]) == (True, now, now)
    assert (content["impressions"], content["is_published"]) == (4 + 61, True)
    assert (candidate["impressions"], candidate["is_published"]) == (61, True)
    with db.read(actor) as reads:
        (full, empty) = (reads.find(CampaignSummary, name=name) for name in ("Full", "Empty"))
        mine = reads.find(UserActivitySummary, actor.id)
    assert full is not None
    assert empty is not None
    assert mine is not None
    assert (full.published_post_count, empty.published_post_count, mine.published_posts) == (2, 0, 2)
