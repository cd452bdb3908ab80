"""Scheduling many posts at once: each row stands or falls by itself, and says what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from uuid import UUID

from growbase.core.errors import FieldError, GrowbaseError, Invalid
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.core.types import is_id
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.social.actions_pieces import approve_piece, create_piece, set_piece_assets, submit_piece
from growbase.domains.social.actions_posts import ENDED, schedule_piece
from growbase.domains.social.models import ContentPiece, PieceStatus
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.schemas import ScheduleRow
from growbase.domains.social.states import APPROVED

MOST_KNOWN = 2_000
"""Accounts, and files of some names, that rows are matched with."""
CHUNK = 500


@dataclass(slots=True)
class Scheduled:
    """What became of rows, each by its place: the posts, and what was wrong with the others."""

    posts: list[tuple[int, UUID, PostStatus]] = field(default_factory=list)
    known: int = 0
    """How many of the posts were there before."""
    errors: list[tuple[int, FieldError]] = field(default_factory=list)


def schedule_many(
    tx: Transaction, *, rows: Sequence[ScheduleRow], on_error: str = "reject", approve: bool = False
) -> dict[str, Any]:
    """Schedule many posts: approved pieces, or new ones from their words, on accounts at their times.

    The same row sent again finds its post. With ``on_error`` reject nothing is written unless every row can be, and
    Invalid names each wrong field by its row.
    """
    done = schedule_rows(tx, rows, approve=approve)
    if done.errors and on_error == "reject":
        raise Invalid(fields=tuple(error.under(f"rows.{place}") for place, error in done.errors))
    planned = [status for _, _, status in done.posts]
    return {
        "rows": len(rows),
        "scheduled": sum(status is not PostStatus.DRAFT for status in planned),
        "planned": planned.count(PostStatus.DRAFT),
        "known": done.known,
        "posts": [{"row": place, "id": str(id), "status": status.value} for place, id, status in done.posts],
        "error_count": len({place for place, _ in done.errors}),
        "errors": [
            {"row": place, "field": error.field, "code": error.code, "message": error.text()}
            for place, error in done.errors
        ],
    }


def schedule_rows(tx: Transaction, rows: Sequence[ScheduleRow], *, approve: bool) -> Scheduled:
    """Schedule what can be, and return what was wrong with the rest, which leaves nothing behind."""
    done = Scheduled()
    accounts, assets = _accounts(tx), _assets(tx, rows)
    for place, row in enumerate(rows):
        try:
            with tx.part():
                id, status, is_known = _schedule(tx, row, accounts, assets, approve=approve)
        except GrowbaseError as error:
            done.errors += [(place, one) for one in error.fields or (_whole(error),)]
        else:
            done.posts.append((place, id, status))
            done.known += is_known
    return done


def _whole(error: GrowbaseError) -> FieldError:
    return FieldError("", error.code, error.message, error.params)


def _schedule(
    tx: Transaction,
    row: ScheduleRow,
    accounts: Mapping[str, Sequence[SocialAccount]],
    assets: Mapping[str, Sequence[UUID]],
    *,
    approve: bool,
) -> tuple[UUID, PostStatus, bool]:
    account = _account(accounts, row.account)
    if (row.content_piece_id is None) == (row.text is None):
        raise Invalid.at("text", "required", "is required, or a content_piece_id instead")
    known = _known(tx, row, account)
    if known is not None:
        return known.id, known.status, True
    if row.content_piece_id is None:
        piece_id = _write(tx, row, account, assets, approve=approve)
    elif row.assets or row.hashtags or row.title:
        raise Invalid.at("text", "required", "is required where title, hashtags or assets are given")
    else:
        piece_id = row.content_piece_id
    piece = tx.get(ContentPiece, piece_id)
    # New words that nobody has approved yet are planned; an old piece was meant to be approved, which is an error.
    is_draft = row.draft or (row.content_piece_id is None and piece.status not in APPROVED)
    found = schedule_piece(
        tx,
        id=piece_id,
        social_account_id=account.id,
        scheduled_at=row.scheduled_at,
        timezone=row.timezone,
        draft=is_draft,
    )
    return UUID(str(found["id"])), PostStatus(str(found["status"])), False


def _known(tx: Transaction, row: ScheduleRow, account: SocialAccount) -> ScheduledPost | None:
    """Return the post that an earlier row with the same new words has made."""
    if row.text is None:
        return None
    at = row.scheduled_at.astimezone(UTC)
    for post in tx.rows(ScheduledPost, social_account_id=account.id, scheduled_at=at, order="id", limit=20):
        piece = tx.find(ContentPiece, post.content_piece_id)
        if post.status not in ENDED and piece is not None and piece.body == row.text:
            return post
    return None


def _write(
    tx: Transaction, row: ScheduleRow, account: SocialAccount, assets: Mapping[str, Sequence[UUID]], *, approve: bool
) -> UUID:
    """Write the piece of a row and submit it; with ``approve`` it is approved."""
    assert row.text is not None
    piece_id = create_piece(tx, platform=account.platform, body=row.text, title=row.title, hashtags=row.hashtags)
    files = [{"asset_id": _file(assets, name, place)} for place, name in enumerate(row.assets)]
    if files:
        set_piece_assets(tx, id=piece_id, assets=files)
    if row.draft and not approve:
        return piece_id
    submit_piece(tx, id=piece_id)
    if approve and tx.get(ContentPiece, piece_id).status is PieceStatus.PENDING_REVIEW:
        approve_piece(tx, id=piece_id)
    return piece_id


def _accounts(reads: Reads) -> dict[str, list[SocialAccount]]:
    """Return the accounts by all they may be called: id, handle, platform and handle."""
    found: dict[str, list[SocialAccount]] = {}
    for account in reads.rows(SocialAccount, order="id", limit=MOST_KNOWN):
        handle = _handle(account.handle)
        for name in dict.fromkeys((str(account.id), handle, f"{account.platform}:{handle}")):
            found.setdefault(name, []).append(account)
    return found


def _handle(text: str) -> str:
    platform, colon, handle = text.strip().casefold().rpartition(":")
    return f"{platform.strip()}{colon}{handle.strip().removeprefix('@')}"


def _account(accounts: Mapping[str, Sequence[SocialAccount]], name: str) -> SocialAccount:
    found = accounts.get(_handle(name), ())
    if not found:
        raise Invalid.at("account", "unknown", "{name} is no account here", name=name)
    if len(found) > 1:
        raise Invalid.at("account", "ambiguous", "{name} are several accounts: write it as platform:handle", name=name)
    return found[0]


def _assets(reads: Reads, rows: Iterable[ScheduleRow]) -> dict[str, list[UUID]]:
    """Return the files that rows name, by the name."""
    names = list(dict.fromkeys(name for row in rows for name in row.assets if not is_id(name)))
    found: dict[str, list[UUID]] = {}
    for start in range(0, len(names), CHUNK):
        for asset in reads.rows(Asset, original_filename=names[start : start + CHUNK], order="id", limit=MOST_KNOWN):
            found.setdefault(asset.original_filename, []).append(asset.id)
    return found


def _file(assets: Mapping[str, Sequence[UUID]], name: str, place: int) -> UUID:
    if is_id(name):
        return UUID(name)
    found = assets.get(name, ())
    if not found:
        raise Invalid.at(f"assets.{place}", "unknown", "{name} is no file here", name=name)
    if len(found) > 1:
        raise Invalid.at(f"assets.{place}", "ambiguous", "{name} are several files: use the id of one", name=name)
    return found[0]
