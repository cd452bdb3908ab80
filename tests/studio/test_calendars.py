"""The calendar of Studio, without scripts: what is planned, whose days, filters, and posts that are moved."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.transaction import Transaction
from growbase.domains.social.actions_posts import cancel_post
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost
from tests.api.factories import Factory
from tests.domains.outreach.factories import make_prospect, make_running, make_sequence
from tests.domains.social.factories import make_account, make_approved, make_post
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn

NOON = (clock.now() + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
DAY = NOON.date().isoformat()


def post_of(db: Database, actor: Actor, id: UUID) -> ScheduledPost:
    with db.read(actor) as reads:
        return reads.get(ScheduledPost, id)


def test_a_month_shows_its_posts_and_each_day_only_so_many(browser: Browser, db: Database, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> Any:  # noqa: ANN401
        for number in range(6):
            piece = make_approved(tx, title=f"Piece {number}")
            make_post(tx, piece_id=piece, scheduled_at=NOON + timedelta(minutes=number))

    db.write(tenant.owner, unit)
    page = browser.get(f"/calendar?at={DAY}")
    assert all(f"Piece {number}" in page for number in range(4))
    assert "Piece 5" not in page
    assert "+2 more" in page
    assert "Times in UTC" in page
    assert "Piece 5" in browser.get(f"/calendar?view=day&at={DAY}")
    assert "Piece 0" not in browser.get(f"/calendar?view=week&at={NOON.date() + timedelta(days=14)}")
    assert browser.get("/calendar?at=nonsense&view=year&state=what&account=x")


def test_posts_are_found_by_account_platform_and_state(browser: Browser, db: Database, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> Any:  # noqa: ANN401
        first, second = make_account(tx, handle="@one"), make_account(tx, handle="@two")
        make_post(tx, piece_id=make_approved(tx, title="By one"), account_id=first, scheduled_at=NOON)
        gone = make_post(tx, piece_id=make_approved(tx, title="By two"), account_id=second, scheduled_at=NOON)
        cancel_post(tx, id=gone)
        return first

    account = db.write(tenant.owner, unit)
    page = browser.get(f"/calendar?at={DAY}&account={account}")
    assert "By one" in page
    assert "By two" not in page
    page = browser.get(f"/calendar?at={DAY}&state=cancelled&platform=mastodon")
    assert "By one" not in page
    assert "By two" in page
    assert "By two" not in browser.get(f"/calendar?at={DAY}&platform=bluesky")


def test_one_calendar_shows_every_domain(browser: Browser, factory: Factory) -> None:
    at = NOON.isoformat()
    factory.create("campaigns", name="Spring opening", start_at=at, end_at=(NOON + timedelta(days=1)).isoformat())
    factory.create("prospects", company_name="Aurora Ltd", next_follow_up_at=at)
    factory.create("purchase-orders", vendor_name="Bean traders", expected_at=at)
    factory.create("content-pieces", title="Ends soon", expires_at=at)
    alone = browser.get(f"/calendar?at={DAY}")
    assert "Spring opening" not in alone
    page = browser.get(f"/calendar?at={DAY}&show=all&view=week")
    assert all(
        text in page for text in ("Spring opening", "Campaign starts", "Aurora Ltd", "Bean traders", "Ends soon")
    )
    page = browser.get(f"/calendar?at={DAY}&show=campaigns&show=deliveries")
    assert "Aurora Ltd" not in page
    assert "Bean traders" in page


def test_running_campaigns_show_the_days_they_may_send_on(browser: Browser, db: Database, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> UUID:
        window = {"tz": "Europe/Paris", "days": [NOON.isoweekday()], "start": "09:00", "end": "17:00"}
        sequence = make_sequence(tx, settings={"sending_window": window})
        return make_running(tx, make_prospect(tx), name="To the valley", sequence_id=sequence)

    db.write(tenant.owner, unit)
    assert "To the valley" in browser.get(f"/calendar?view=day&show=outreach&at={DAY}")
    assert "Sending from" in browser.get(f"/calendar?view=week&show=outreach&at={DAY}")
    assert "To the valley" not in browser.get(f"/calendar?view=day&show=outreach&at={NOON.date() + timedelta(days=1)}")
    assert "To the valley" not in browser.get(f"/calendar?view=day&show=outreach&at={NOON.date() - timedelta(days=7)}")


def test_days_are_those_of_the_visitors_clocks(browser: Browser, db: Database, tenant: Tenant) -> None:
    late = NOON.replace(hour=23)
    db.write(tenant.owner, lambda tx: make_post(tx, piece_id=make_approved(tx, title="Night owl"), scheduled_at=late))
    browser.client.patch("/api/auth/me", json={"timezone": "Asia/Tokyo"}, headers=browser.api_headers)
    assert "Night owl" not in browser.get(f"/calendar?view=day&at={DAY}")
    page = browser.get(f"/calendar?view=day&at={late.date() + timedelta(days=1)}")
    assert "Night owl" in page
    assert "8:00 AM" in page
    assert "Times in Asia/Tokyo" in page


def test_a_dropped_post_keeps_its_time_of_day_and_can_be_put_back(
    browser: Browser, db: Database, tenant: Tenant
) -> None:
    id = db.write(tenant.owner, lambda tx: make_post(tx, scheduled_at=NOON))
    day = (NOON + timedelta(days=3)).date()
    back = f"/studio/calendar?at={DAY}"
    where = browser.post("/calendar/move", {"id": id, "version": "1", "day": day.isoformat(), "back": back})
    assert where == back
    assert post_of(db, tenant.owner, id).scheduled_at == NOON + timedelta(days=3)
    browser.post(f"/calendar/move?id={id}&when={NOON.isoformat().replace('+', '%2B')}")
    assert post_of(db, tenant.owner, id).scheduled_at == NOON


def test_a_form_moves_a_post_and_says_what_is_wrong(browser: Browser, db: Database, tenant: Tenant) -> None:
    id = db.write(tenant.owner, lambda tx: make_post(tx, scheduled_at=NOON))
    assert f'value="{NOON:%Y-%m-%d} 12:00"' in browser.get(f"/calendar/move?id={id}")
    wrong = browser.post("/calendar/move", {"id": id, "version": "1", "when": "soon"}, status=422)
    assert 'aria-invalid="true"' in wrong
    past = browser.post("/calendar/move", {"id": id, "version": "1", "when": "2020-01-01 09:00"}, status=422)
    assert "must not be in the past" in past
    browser.post("/calendar/move", {"id": id, "version": "1", "when": f"{NOON:%Y-%m-%d} 15:30"})
    assert post_of(db, tenant.owner, id).scheduled_at == NOON.replace(hour=15, minute=30)
    # Somebody was faster: nothing is written.
    browser.post("/calendar/move", {"id": id, "version": "1", "day": DAY})
    assert post_of(db, tenant.owner, id).version == 2


def test_what_is_too_late_or_not_allowed_is_refused(
    browser: Browser, sign_in: SignIn, db: Database, tenant: Tenant
) -> None:
    def unit(tx: Transaction) -> Any:  # noqa: ANN401
        id = make_post(tx, scheduled_at=NOON)
        row = tx.get(ScheduledPost, id, lock=True)
        tx.change(row, {"status": PostStatus.PUBLISHED, "published_at": datetime.now(UTC)}, action="transition")
        return id

    id = db.write(tenant.owner, unit)
    browser.post("/calendar/move", {"id": id, "day": (NOON + timedelta(days=1)).date().isoformat()})
    assert post_of(db, tenant.owner, id).scheduled_at == NOON
    assert "draggable" not in browser.get(f"/calendar?at={DAY}")
    viewer = sign_in(tenant.viewer)
    viewer.post("/calendar/move", {"id": id, "day": DAY}, status=403)
    assert "/calendar/import" not in viewer.get(f"/calendar?at={DAY}")
    browser.post("/calendar/move", {"id": id, "day": DAY}, status=403, token="wrong")


@pytest.mark.parametrize("show", ["posts", "all"])
def test_nothing_of_another_organization_is_shown(
    show: str, sign_in: SignIn, db: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    db.write(tenant.owner, lambda tx: make_post(tx, piece_id=make_approved(tx, title="Ours"), scheduled_at=NOON))
    stranger = sign_in(other_tenant.owner)
    assert "Ours" not in stranger.get(f"/calendar?at={DAY}&show={show}")
