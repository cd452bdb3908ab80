"""Comments and reviews: whom they tell, who may decide, and that they go where their row goes."""

from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, Forbidden, ForeignKey, Invalid, NotFound, NotUnique
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, restore, trash
from growbase.domains.identity.actions_discussion import (
    approve_review,
    ask_again,
    create_comment,
    request_changes,
    request_review,
    resolve_comment,
    update_comment,
    withdraw_review,
)
from growbase.domains.identity.models_discussion import Comment, ReviewRequest, ReviewStatus
from growbase.domains.identity.models_personal import Notification
from growbase.domains.marketing.actions_contents import approve_content, create_content, reject_content, submit_content
from growbase.domains.marketing.models import Campaign, Content
from growbase.domains.outreach.actions_prospects import create_prospect
from growbase.ops.privacy import find_person
from tests.domains.marketing.factories import make_campaign
from tests.fixtures import Tenant


def make_content(db: Database, actor: Actor) -> tuple[UUID, UUID]:
    """Make a campaign with a content in review."""

    def unit(tx: Transaction) -> tuple[UUID, UUID]:
        campaign = make_campaign(tx)
        content = create_content(tx, campaign_id=campaign, type="email", title="Hello", body="Words")
        submit_content(tx, id=content)
        return campaign, content

    return db.write(actor, unit)


def say(db: Database, actor: Actor, row_id: UUID, text: str, resource: str = "contents") -> UUID:
    return db.write(actor, lambda tx: create_comment(tx, resource=resource, row_id=row_id, text=text))


def ask(db: Database, actor: Actor, row_id: UUID, reviewer: Actor) -> UUID:
    assert reviewer.id is not None
    id: UUID = reviewer.id
    return db.write(actor, lambda tx: request_review(tx, resource="contents", row_id=row_id, reviewer_user_id=id))


def told(db: Database, actor: Actor) -> list[str]:
    with db.read(actor) as reads:
        return [row.title for row in reads.rows(Notification, order="created_at, id")]


def review(db: Database, actor: Actor, id: UUID) -> ReviewRequest:
    with db.read(actor) as reads:
        return reads.get(ReviewRequest, id)


def test_a_comment_tells_whom_it_names_once(db: Database, tenant: Tenant) -> None:
    _, content = make_content(db, tenant.owner)
    id = say(db, tenant.owner, content, "What do you think, @member of acme? And @Admin of Acmes, @owner of acme.")
    assert told(db, tenant.member) == ["Owner of Acme mentioned you"]
    assert told(db, tenant.admin) == told(db, tenant.owner) == []
    more = {"text": "@Member of Acme and @admin@acme.example"}
    db.write(tenant.owner, lambda tx: update_comment(tx, id=id, changes=more))
    assert (len(told(db, tenant.member)), len(told(db, tenant.admin))) == (1, 1)
    with db.read(tenant.owner) as reads:
        assert set(reads.get(Comment, id).mentions) == {str(tenant.member.id), str(tenant.admin.id)}
    with pytest.raises(Forbidden):
        db.write(tenant.admin, lambda tx: update_comment(tx, id=id, changes={"text": "mine"}))
    db.write(tenant.admin, lambda tx: resolve_comment(tx, id=id))


def test_only_rows_that_every_member_sees_have_comments(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    _, content = make_content(db, tenant.owner)
    for resource in ("webhook-endpoints", "saved-views", "comments", "plans", "nothing", "campaign-summaries"):
        with pytest.raises(Invalid):
            say(db, tenant.owner, content, "x", resource)
    with pytest.raises(ForeignKey):
        say(db, other_tenant.owner, content, "x")
    say(db, tenant.owner, content, "x")
    with db.read(other_tenant.owner) as reads:
        assert reads.rows(Comment) == []


def test_comments_and_reviews_go_where_their_row_goes(db: Database, tenant: Tenant) -> None:
    campaign, content = make_content(db, tenant.owner)
    gone = say(db, tenant.owner, content, "Removed before")
    db.write(tenant.owner, lambda tx: trash(tx, Comment, gone))
    kept = say(db, tenant.owner, content, "Stays")
    asked = ask(db, tenant.owner, content, tenant.member)
    # The campaign takes its contents along, and these their comments.
    db.write(tenant.owner, lambda tx: trash(tx, Campaign, campaign))
    with db.read(tenant.owner) as reads:
        assert (reads.rows(Comment), reads.rows(ReviewRequest)) == ([], [])
    with pytest.raises(Conflict):
        db.write(tenant.owner, lambda tx: restore(tx, Comment, gone))
    with pytest.raises(ForeignKey):
        say(db, tenant.owner, content, "Too late")
    db.write(tenant.owner, lambda tx: restore(tx, Campaign, campaign))
    with db.read(tenant.owner) as reads:
        assert [row.id for row in reads.rows(Comment)] == [kept]
        assert reads.get(ReviewRequest, asked).status is ReviewStatus.REQUESTED
    db.write(tenant.owner, lambda tx: trash(tx, Content, content))
    db.write(tenant.owner, lambda tx: purge(tx, Content, content))
    with db.read(tenant.owner) as reads:
        assert reads.rows(Comment, trash=True) == []
        assert reads.rows(ReviewRequest, trash=True) == []


def test_what_is_said_of_a_person_is_found_with_them(db: Database, tenant: Tenant) -> None:
    email = "umar@example.com"
    prospect = db.write(tenant.owner, lambda tx: create_prospect(tx, email=email, company_name="Fair"))
    id = say(db, tenant.owner, prospect, "Met him at the fair", "prospects")
    found = find_person(db, email, tenant.organization_id)
    assert set(found.rows["comments"]) == {id}


def test_a_review_is_decided_by_whom_was_asked_and_tells_the_other_side(db: Database, tenant: Tenant) -> None:
    _, content = make_content(db, tenant.owner)
    with pytest.raises(Invalid):
        ask(db, tenant.owner, content, tenant.viewer)
    id = ask(db, tenant.owner, content, tenant.member)
    with pytest.raises(NotUnique):
        ask(db, tenant.admin, content, tenant.member)
    assert told(db, tenant.member) == ["Owner of Acme asks you for a review"]
    for other in (tenant.owner, tenant.admin):
        with pytest.raises(Forbidden):
            db.write(other, lambda tx: approve_review(tx, id=id))
    db.write(tenant.member, lambda tx: request_changes(tx, id=id, text="Shorter, please."))
    assert review(db, tenant.owner, id).status is ReviewStatus.CHANGES_REQUESTED
    assert told(db, tenant.owner) == ["Member of Acme asks for changes"]
    with db.read(tenant.owner) as reads:
        assert [row.text for row in reads.rows(Comment)] == ["Shorter, please."]
    with pytest.raises(Forbidden):
        db.write(tenant.member, lambda tx: withdraw_review(tx, id=id))
    db.write(tenant.owner, lambda tx: ask_again(tx, id=id))
    assert len(told(db, tenant.member)) == 2
    db.write(tenant.member, lambda tx: approve_review(tx, id=id))
    found = review(db, tenant.owner, id)
    assert (found.status, found.decided_by) == (ReviewStatus.APPROVED, tenant.member.id)
    ask(db, tenant.owner, content, tenant.member)


def test_the_rows_own_verbs_close_its_reviews(db: Database, tenant: Tenant) -> None:
    _, content = make_content(db, tenant.owner)
    ids = [ask(db, tenant.owner, content, one) for one in (tenant.member, tenant.admin)]
    db.write(tenant.admin, lambda tx: approve_content(tx, id=content))
    for id in ids:
        found = review(db, tenant.owner, id)
        assert (found.status, found.decided_by) == (ReviewStatus.APPROVED, tenant.admin.id)
    _, content = make_content(db, tenant.owner)
    id = ask(db, tenant.owner, content, tenant.member)
    db.write(tenant.admin, lambda tx: reject_content(tx, id=content))
    assert review(db, tenant.owner, id).status is ReviewStatus.CHANGES_REQUESTED
    with db.read(tenant.owner) as reads, pytest.raises(NotFound):
        reads.get(ReviewRequest, content)
