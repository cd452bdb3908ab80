"""The state machines of social, and the status of a piece that follows from its posts."""

from collections.abc import Iterable
from typing import Final

from growbase.core.resource import Transitions
from growbase.domains.social.models import PieceStatus, SeriesStatus, StrategyStatus, SummaryStatus
from growbase.domains.social.models_publishing import AccountStatus, PostStatus

STRATEGY: Final[Transitions] = {
    StrategyStatus.PROPOSED: {StrategyStatus.ACTIVE, StrategyStatus.REJECTED},
    StrategyStatus.ACTIVE: {StrategyStatus.ARCHIVED},
}
SUMMARY: Final[Transitions] = {SummaryStatus.READY: {SummaryStatus.ACCEPTED, SummaryStatus.DISMISSED}}
SERIES: Final[Transitions] = {
    SeriesStatus.ACTIVE: {SeriesStatus.PAUSED, SeriesStatus.COMPLETED, SeriesStatus.CANCELLED},
    SeriesStatus.PAUSED: {SeriesStatus.ACTIVE, SeriesStatus.COMPLETED, SeriesStatus.CANCELLED},
}
ACCOUNT: Final[Transitions] = {
    AccountStatus.CONNECTING: {AccountStatus.DISABLED},
    AccountStatus.ACTIVE: {AccountStatus.DISABLED},
    AccountStatus.REFRESH_NEEDED: {AccountStatus.DISABLED},
    AccountStatus.DISABLED: {AccountStatus.ACTIVE},
}
"""What a person may do; the other states come from connecting, disconnecting and the answers of the platform."""

PIECE: Final[Transitions] = {
    PieceStatus.DRAFT: {PieceStatus.PENDING_REVIEW, PieceStatus.ARCHIVED},
    PieceStatus.PENDING_REVIEW: {PieceStatus.APPROVED, PieceStatus.REJECTED, PieceStatus.DRAFT},
    PieceStatus.REJECTED: {PieceStatus.DRAFT, PieceStatus.ARCHIVED},
    PieceStatus.APPROVED: {PieceStatus.DRAFT, PieceStatus.ARCHIVED},
    PieceStatus.PUBLISHED: {PieceStatus.ARCHIVED},
    PieceStatus.FAILED: {PieceStatus.DRAFT, PieceStatus.ARCHIVED},
    PieceStatus.ARCHIVED: {PieceStatus.DRAFT},
}
"""What a person may do; scheduled, partially published, published and failed follow from the posts."""

POST: Final[Transitions] = {
    PostStatus.DRAFT: {PostStatus.SCHEDULED, PostStatus.CANCELLED},
    PostStatus.ON_HOLD: {PostStatus.SCHEDULED, PostStatus.CANCELLED},
    PostStatus.SCHEDULED: {PostStatus.ON_HOLD, PostStatus.CLAIMED, PostStatus.CANCELLED, PostStatus.MISSED},
    PostStatus.RETRYING: {PostStatus.ON_HOLD, PostStatus.CLAIMED, PostStatus.CANCELLED, PostStatus.FAILED},
    PostStatus.CLAIMED: {PostStatus.DISPATCHING, PostStatus.SCHEDULED},
    PostStatus.DISPATCHING: {
        PostStatus.PUBLISHED,
        PostStatus.RETRYING,
        PostStatus.FAILED,
        PostStatus.UNCONFIRMED,
    },
    PostStatus.UNCONFIRMED: {PostStatus.PUBLISHED, PostStatus.RETRYING, PostStatus.FAILED},
    PostStatus.FAILED: {PostStatus.SCHEDULED},
    PostStatus.MISSED: {PostStatus.SCHEDULED},
}
"""Every move of a post, whoever makes it."""

BY_PERSON: Final[Transitions] = {
    PostStatus.DRAFT: {PostStatus.SCHEDULED, PostStatus.CANCELLED},
    PostStatus.ON_HOLD: {PostStatus.SCHEDULED, PostStatus.CANCELLED},
    PostStatus.SCHEDULED: {PostStatus.ON_HOLD, PostStatus.CANCELLED},
    PostStatus.RETRYING: {PostStatus.ON_HOLD, PostStatus.CANCELLED},
    PostStatus.FAILED: {PostStatus.SCHEDULED},
    PostStatus.MISSED: {PostStatus.SCHEDULED},
}
"""The moves that ``transition`` offers; the others are the publisher's, or need to say what was found."""

QUEUED: Final = (PostStatus.SCHEDULED, PostStatus.RETRYING)
IN_FLIGHT: Final = (PostStatus.CLAIMED, PostStatus.DISPATCHING)
SENT: Final = (*IN_FLIGHT, PostStatus.UNCONFIRMED, PostStatus.PUBLISHED)
"""States in which the platform has the post, or may have it at any moment."""
OPEN: Final = (PostStatus.ON_HOLD, *QUEUED, *IN_FLIGHT, PostStatus.UNCONFIRMED)
"""States of a post that is still to come."""
APPROVED: Final = (
    PieceStatus.APPROVED,
    PieceStatus.SCHEDULED,
    PieceStatus.PARTIALLY_PUBLISHED,
    PieceStatus.PUBLISHED,
    PieceStatus.FAILED,
)
"""States of a piece whose words are approved: which of them it is follows from its posts."""


def status_from_posts(posts: Iterable[tuple[PostStatus, str]], body_hash: str) -> PieceStatus:
    """Return the status of an approved piece; a post is given by its status and the hash of the words it is for.

    Posts that are planned only or cancelled say nothing, nor do those that failed with earlier words.
    """
    found = list(posts)
    published = any(status is PostStatus.PUBLISHED for status, _ in found)
    to_come = any(status in OPEN for status, _ in found)
    failed = any(status in {PostStatus.FAILED, PostStatus.MISSED} and words == body_hash for status, words in found)
    if published:
        return PieceStatus.PARTIALLY_PUBLISHED if to_come or failed else PieceStatus.PUBLISHED
    if to_come:
        return PieceStatus.SCHEDULED
    return PieceStatus.FAILED if failed else PieceStatus.APPROVED
