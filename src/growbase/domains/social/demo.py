"""Demonstration data: a roaster's rules, strategy and accounts, pieces and posts in every state, and their figures."""

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from growbase.core.transaction import Transaction
from growbase.domains.marketing.models import Campaign
from growbase.domains.marketing.models_assets import Asset, AssetKind
from growbase.domains.social.actions import create_founder, create_series
from growbase.domains.social.actions_accounts import connect_account
from growbase.domains.social.actions_metrics import record_account_day, record_snapshot
from growbase.domains.social.actions_pieces import (
    approve_piece,
    create_piece,
    reject_piece,
    set_piece_assets,
    submit_piece,
)
from growbase.domains.social.actions_posts import cancel_post, hold_post, schedule_piece
from growbase.domains.social.actions_rules import create_brand_rules
from growbase.domains.social.actions_strategies import accept_strategy, begin_strategy, fill_strategy
from growbase.domains.social.actions_summaries import WEEK, fill_summary, last_monday
from growbase.domains.social.demo_texts import (
    ACCOUNTS,
    FOUNDERS,
    INSIGHTS,
    PIECES,
    RECOMMENDATIONS,
    REPORT,
    RULES,
    SERIES,
    STRATEGY,
)
from growbase.domains.social.models import (
    AiStrategy,
    BrandRule,
    ContentPiece,
    ContentPillar,
    Founder,
    PieceStatus,
    Series,
    WeeklySummary,
)
from growbase.domains.social.models_publishing import (
    AccountStatus,
    PostStatus,
    PublishAttempt,
    ScheduledPost,
    SocialAccount,
)
from growbase.domains.social.publishing import (
    ErrorClass,
    begin_dispatch,
    claim_post,
    finish_published,
    finish_rejected,
    finish_unknown,
)

SEED = 20_260_101
DAYS = 28
WORKER = "demo"
SHARES = {"likes": 0.05, "comments": 0.008, "shares": 0.012, "saves": 0.006, "clicks": 0.03}


def seed_social(tx: Transaction, *, users: Sequence[UUID]) -> int:
    """Fill the organization with demonstration data and return how many pieces were made; twice changes nothing.

    The accounts end up disabled, so that no worker ever calls a platform for them. Rows a person has moved to the
    trash stay there.
    """
    del users
    for values in FOUNDERS:
        if tx.find(Founder, _id(tx, "founder", values["name"]), trash=True) is None:
            create_founder(tx, id=_id(tx, "founder", values["name"]), **values)
    if tx.find(BrandRule, brand_id=None) is None:
        create_brand_rules(tx, id=_id(tx, "rules", "organization"), **RULES)
    _strategy(tx)
    for values in SERIES:
        if tx.find(Series, _id(tx, "series", values["name"]), trash=True) is None:
            create_series(tx, id=_id(tx, "series", values["name"]), **values)
    fresh = {platform: _account(tx, platform) for platform in ACCOUNTS}
    made = [
        _piece(tx, plan, on=_id(tx, "account", plan["platform"]), is_fresh=fresh[plan["platform"]]) for plan in PIECES
    ]
    for platform, is_fresh in fresh.items():
        if is_fresh:
            tx.transition(SocialAccount, _id(tx, "account", platform), AccountStatus.DISABLED)
    _summary(tx)
    return sum(made)


def _id(tx: Transaction, noun: str, name: str) -> UUID:
    organization_id = tx.actor.organization_id
    assert organization_id is not None
    return uuid5(organization_id, f"demo {noun} {name}")


def _strategy(tx: Transaction) -> None:
    identity = _id(tx, "strategy", "first")
    if tx.find(AiStrategy, identity) is None:
        begin_strategy(tx, id=identity)
        fill_strategy(tx, id=identity, **STRATEGY)
        accept_strategy(tx, id=identity)


def _account(tx: Transaction, platform: str) -> bool:
    """Connect an account with tokens that open nothing, and a month of followers; False if it is there already."""
    identity = _id(tx, "account", platform)
    if tx.find(SocialAccount, identity, trash=True) is not None:
        return False
    values = dict(ACCOUNTS[platform])
    followers = values.pop("followers")
    tokens = {"access_token": f"demo-{platform}-access", "refresh_token": f"demo-{platform}-refresh"}
    connect_account(tx, id=identity, platform=platform, **tokens, **values)
    chance = random.Random(f"{SEED} {platform}")  # noqa: S311 -- the same month every time, no secret
    for back in range(DAYS, -1, -1):
        followers += chance.randrange(2, 14)
        at = tx.now - timedelta(days=back)
        record_account_day(
            tx, social_account_id=identity, day=at.date(), followers=followers, following=180, collected_at=at
        )
    return True


def _piece(tx: Transaction, plan: Mapping[str, Any], *, on: UUID, is_fresh: bool) -> bool:
    """Make one piece as planned, and its posts where its account is new; False if it is there already."""
    identity = _id(tx, "piece", plan["title"])
    if tx.find(ContentPiece, identity, trash=True) is not None:
        return False
    kept = ("platform", "title", "body", "hook", "cta", "hashtags", "generated_by", "confidence", "rationale")
    values = {name: plan[name] for name in kept if name in plan}
    series, number = plan.get("series", (None, None))
    campaign_id = _id(tx, "campaign", plan.get("campaign", ""))
    values["series_id"] = _live(tx, Series, _id(tx, "series", series)) if series else None
    values["sequence_no"] = number if values["series_id"] else None
    values["campaign_id"] = _live(tx, Campaign, campaign_id)
    pillar = tx.find(ContentPillar, name=plan["pillar"]) if "pillar" in plan else None
    create_piece(tx, id=identity, pillar_id=pillar.id if pillar else None, **values)
    picture = tx.rows(Asset, kind=[AssetKind.IMAGE, AssetKind.BANNER], order="id", limit=1)
    if picture and plan.get("campaign"):
        set_piece_assets(tx, id=identity, assets=[{"asset_id": picture[0].id, "alt_text": plan["title"]}])
    _review(tx, identity, plan)
    for place, (status, days) in enumerate(plan["posts"] if is_fresh else ()):
        _post(tx, identity, on, status, days, f"demo {identity} {place}")
    return True


def _live(tx: Transaction, model: type[Series] | type[Campaign], id: UUID) -> UUID | None:
    return id if tx.find(model, id) is not None else None


def _review(tx: Transaction, id: UUID, plan: Mapping[str, Any]) -> None:
    if plan["status"] == "draft":
        return
    submit_piece(tx, id=id)
    if tx.get(ContentPiece, id).status is not PieceStatus.PENDING_REVIEW:
        return
    if plan["status"] == "approved":
        approve_piece(tx, id=id)
    elif plan["status"] == "rejected":
        reject_piece(tx, id=id, reason=plan["reason"])


def _post(tx: Transaction, piece_id: UUID, account_id: UUID, status: PostStatus, days: int, key: str) -> None:
    """Make a post and bring it into a state the way posts come into it; what is over was ``days`` ago."""
    at = tx.now + timedelta(days=max(days, 0))
    draft = status is PostStatus.DRAFT
    place: dict[str, Any] = {"social_account_id": account_id, "scheduled_at": at, "draft": draft}
    row = schedule_piece(tx, id=piece_id, idempotency_key=key, timezone="Europe/Paris", **place)
    post_id = UUID(str(row["id"]))
    if status is PostStatus.ON_HOLD:
        hold_post(tx, id=post_id)
    elif status is PostStatus.CANCELLED:
        cancel_post(tx, id=post_id)
    elif status is PostStatus.MISSED:
        past = tx.now - timedelta(hours=5)
        tx.update(ScheduledPost, post_id, {"scheduled_at": past, "next_attempt_at": past})
        claim_post(tx, post_id, WORKER)
    elif status in {PostStatus.PUBLISHED, PostStatus.FAILED, PostStatus.UNCONFIRMED}:
        _publish(tx, post_id, status)
    if status is PostStatus.PUBLISHED:
        _past(tx, post_id, days)


def _publish(tx: Transaction, post_id: UUID, status: PostStatus) -> None:
    """Do what a worker does, but for the call."""
    claim = claim_post(tx, post_id, WORKER)
    if claim is None or begin_dispatch(tx, claim) is None:
        return
    if status is PostStatus.PUBLISHED:
        number = str(post_id.int % 10**12)
        url = f"https://social.example/posts/{number}"
        finish_published(tx, claim, platform_post_id=number, platform_url=url, http_status=200)
    elif status is PostStatus.FAILED:
        text = "The text is longer than this account allows."
        finish_rejected(
            tx, claim, error_class=ErrorClass.PERMANENT, code="text_too_long", message=text, http_status=422
        )
    else:
        finish_unknown(tx, claim, message="The connection was reset after the text was sent.")


def _past(tx: Transaction, post_id: UUID, days: int) -> None:
    """Let a published post have been published days ago, and tell how it has done since."""
    if tx.get(ScheduledPost, post_id).status is not PostStatus.PUBLISHED:
        return
    at = (tx.now + timedelta(days=days)).replace(minute=30, second=0, microsecond=0)
    times = {"scheduled_at": at, "published_at": at, "last_attempt_at": at}
    tx.update(ScheduledPost, post_id, times)
    tx.set_facts(PublishAttempt, {"scheduled_post_id": post_id}, {"started_at": at, "finished_at": at})
    chance = random.Random(f"{SEED} {days}")  # noqa: S311 -- the same figures every time, no secret
    reach = chance.randrange(600, 4_000)
    shares = {name: share * chance.uniform(0.6, 1.5) for name, share in SHARES.items()}
    for day in range(-days + 1):
        # Half of what is still to come, comes every day and a half.
        seen = round(reach * (1 - 0.63 ** (day + 0.4)))
        metrics = {"impressions": seen, "reach": round(seen * 0.8)}
        metrics |= {name: round(seen * share) for name, share in shares.items()}
        collected_at = min(at + timedelta(days=day, hours=1), tx.now)
        record_snapshot(tx, scheduled_post_id=post_id, metrics=metrics, collected_at=collected_at)


def _summary(tx: Transaction) -> None:
    """Tell last week, once; a week later there is a new last week, which is for the model to tell."""
    if tx.find(WeeklySummary) is not None:
        return
    monday = last_monday(tx, tx.now) - WEEK
    identity = tx.insert(WeeklySummary, week_start=monday, week_end=monday + timedelta(days=6), model="example-model")
    fill_summary(tx, id=identity, report_md=REPORT, recommendations=RECOMMENDATIONS, key_insights=INSIGHTS)
