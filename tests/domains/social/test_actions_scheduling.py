"""Scheduling many posts at once: what becomes of each row, and that a wrong one leaves nothing behind."""

from datetime import timedelta
from typing import Any

import pytest

from growbase.core import clock
from growbase.core.database import Database
from growbase.core.errors import Invalid
from growbase.core.tables import Change
from growbase.core.transaction import Transaction
from growbase.domains.social.actions_scheduling import schedule_many
from growbase.domains.social.models import BrandRule, ContentPiece
from growbase.domains.social.models_publishing import ScheduledPost
from growbase.domains.social.schemas import ScheduleRow
from tests.domains.social.factories import make_account, make_approved
from tests.fixtures import Tenant

SOON = clock.now() + timedelta(days=1)


def row(**given: Any) -> ScheduleRow:  # noqa: ANN401 -- fields
    return ScheduleRow(**{"account": "@us", "scheduled_at": SOON, **given})


def many(db: Database, tenant: Tenant, *rows: ScheduleRow, **options: Any) -> dict[str, Any]:  # noqa: ANN401
    return db.write(tenant.owner, lambda tx: schedule_many(tx, rows=rows, **options))


def test_pieces_and_new_words_are_scheduled_once_however_often_they_are_sent(db: Database, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> Any:  # noqa: ANN401
        make_account(tx, handle="@us")
        return make_approved(tx)

    piece = db.write(tenant.owner, unit)
    rows = [row(content_piece_id=piece), row(text="New words", title="New", hashtags=["a"])]
    first = many(db, tenant, *rows, approve=True)
    assert (first["scheduled"], first["planned"], first["known"], first["errors"]) == (2, 0, 0, [])
    again = many(db, tenant, *rows, approve=True)
    assert [post["id"] for post in again["posts"]] == [post["id"] for post in first["posts"]]
    with db.read(tenant.owner) as reads:
        assert reads.count(ContentPiece) == 2
        assert reads.count(ScheduledPost) == 2


def test_words_that_nobody_has_approved_are_planned_only(db: Database, tenant: Tenant) -> None:
    db.write(tenant.owner, lambda tx: make_account(tx, handle="@us"))
    found = many(db, tenant, row(text="Words"), row(text="Other words", draft=True))
    assert (found["scheduled"], found["planned"]) == (0, 2)


def test_a_wrong_row_leaves_nothing_behind_and_the_others_stay(db: Database, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> None:
        make_account(tx, handle="@us")
        make_account(tx, handle="@twice")
        make_account(tx, handle="@twice", platform="bluesky")
        tx.insert(BrandRule, forbidden_phrases=["miracle"])

    db.write(tenant.owner, unit)
    rows = [
        row(text="Fine"),
        row(text="A miracle"),
        row(text="No account", account="@nobody"),
        row(text="Two accounts", account="twice"),
        row(text="On one of them", account="bluesky:@twice"),
        row(text="Too late", scheduled_at=SOON - timedelta(days=9)),
        row(),
        row(text="No file", assets=["none.png"]),
    ]
    with pytest.raises(Invalid) as refused:
        many(db, tenant, *rows, approve=True)
    assert [error.field for error in refused.value.fields] == [
        *("rows.1.body", "rows.2.account", "rows.3.account", "rows.5.scheduled_at", "rows.6.text", "rows.7.assets.0")
    ]
    with db.read(tenant.owner) as reads:
        assert reads.count(ContentPiece) == 0

    found = many(db, tenant, *rows, approve=True, on_error="skip")
    assert [post["row"] for post in found["posts"]] == [0, 4]
    assert found["error_count"] == 6
    with db.read(tenant.owner) as reads:
        assert reads.count(ContentPiece) == 2
        made = {str(piece.id) for piece in reads.rows(ContentPiece)}
        logged = reads.rows(Change, entity="content_pieces", action="insert")
        assert {str(change.entity_id) for change in logged} == made
