from growbase.core.actor import Actor, system
from growbase.core.clock import now
from growbase.core.database import Database
from growbase.domains.marketing.demo import seed_marketing
from growbase.domains.social.demo import seed_social
from growbase.domains.social.models import ContentPiece, ContentPillar, PieceStatus
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.publishing import claim_due_post
from growbase.domains.social.queries import social_metrics
from tests.fixtures import Tenant

TABLES = {
    "founders": 2,
    "brand_rules": 1,
    "ai_strategies": 1,
    "content_pillars": 3,
    "series": 2,
    "content_pieces": 14,
    "social_accounts": 3,
    "scheduled_posts": 13,
    "weekly_summaries": 1,
}


def test_the_demonstration_data_is_there_once(db: Database, actor: Actor) -> None:
    assert actor.id is not None
    users = [actor.id]
    assert db.write(actor, lambda tx: seed_social(tx, users=users)) == 14
    names = (*TABLES, "publish_attempts", "post_metric_snapshots", "account_metric_daily", "changes")
    sql = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in names)
    before = dict(db.query(sql))
    assert {name: before[name] for name in TABLES} == TABLES
    assert before["post_metric_snapshots"] > 60
    assert db.write(actor, lambda tx: seed_social(tx, users=users)) == 0
    assert dict(db.query(sql)) == before


def test_the_demonstration_shows_every_state_and_is_never_published(db: Database, actor: Actor) -> None:
    assert actor.id is not None
    users = [actor.id]
    db.write(actor, lambda tx: seed_marketing(tx, users=users))
    db.write(actor, lambda tx: seed_social(tx, users=users))
    with db.read(actor) as reads:
        posts = {post.status for post in reads.rows(ScheduledPost)}
        pieces = {piece.status for piece in reads.rows(ContentPiece)}
        assert {account.status for account in reads.rows(SocialAccount)} == {"disabled"}
        assert all(pillar.is_active for pillar in reads.rows(ContentPillar))
        assert sum(piece.campaign_id is not None for piece in reads.rows(ContentPiece)) == 2
        end = now()
        found = social_metrics(reads, start=end.replace(year=end.year - 1), end=end)
    passing = {PostStatus.CLAIMED, PostStatus.DISPATCHING, PostStatus.RETRYING}
    assert posts == set(PostStatus) - passing
    assert pieces >= {PieceStatus.DRAFT, PieceStatus.SCHEDULED, PieceStatus.PUBLISHED, PieceStatus.FAILED}
    assert {row["platform"] for row in found["totals"]} == {"mastodon", "bluesky", "linkedin"}
    assert db.write(system("publisher"), lambda tx: claim_due_post(tx, "w")) is None


def test_two_organizations_can_have_the_demonstration_data(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    for who in (tenant, other_tenant):
        assert db.write(who.owner, lambda tx, who=who: seed_social(tx, users=[who.owner.id])) == 14
