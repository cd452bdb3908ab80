"""What a platform must be able to do to be published to, and what may come of trying."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final, Protocol

import httpx

from growbase.core.errors import FieldError, GrowbaseError

WEBHOOK: Final = "webhook"
LINK: Final = re.compile(r"https?://[^\s]+[^\s.,;:!?)\]}'\"]")
REFUSALS: Final = {"invalid_grant", "invalid_client", "invalid_token", "ExpiredToken", "InvalidToken"}
"""What OAuth (RFC 6749, 5.2) and the AT Protocol answer with 400 where another API says 401."""
ENTRY_POINTS: Final = "growbase.publishers"
"""Packages register further publishers here: a name and a ``Publisher`` class that takes an ``httpx.Client``."""


class PublishRejected(GrowbaseError):
    """The platform refused it: {reason}.

    Correct the post or the account; it was not published.
    """

    code = "publish_rejected"


class PublishDeferred(GrowbaseError):
    """The platform can't take it now: {reason}.

    It was surely not published; it is tried again later.
    """

    code = "publish_deferred"

    @property
    def retry_after(self) -> float | None:
        """The seconds the platform asks to wait, if it does."""
        found = self.params.get("retry_after")
        return found if isinstance(found, float) else None


class AccountRefused(PublishRejected):
    """The platform no longer accepts the account: {reason}.

    Connect the account again; nothing was published.
    """

    code = "account_refused"


class PublishUnknown(GrowbaseError):
    """The platform did not say whether it has published it: {reason}.

    Publishing it again may show it twice: look it up on the platform first.
    """

    code = "publish_unknown"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform takes; a count of 0 means none at all."""

    characters: int
    media: int
    media_bytes: int
    media_types: frozenset[str]
    link_characters: int | None = None
    """What a link counts however long it is; None counts it whole."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who publishes; the tokens are secrets and never shown."""

    provider_account_id: str
    handle: str
    instance_url: str | None
    token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A file that goes with a post."""

    content: bytes = field(repr=False)
    mime_type: str
    alt_text: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """What is published: ``key`` is the same for every attempt at the same post."""

    key: str
    text: str
    due_at: datetime
    media: Sequence[Media] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """Where a post is to be found."""

    id: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What a platform says of an account; None where it does not say."""

    provider_account_id: str
    handle: str
    display_name: str | None = None
    profile_url: str | None = None
    followers: int | None = None
    following: int | None = None
    posts: int | None = None


class Publisher(Protocol):
    """One platform. Every call is one attempt: nobody but the job queue tries again."""

    limits: Limits
    honours_keys: bool
    """Whether a second attempt with the same key can't show the post twice."""

    def __init__(self, client: httpx.Client) -> None:
        """Take the client to call the platform with."""

    def publish(self, account: Account, post: Post) -> Published:
        """Publish. Raises PublishRejected, AccountRefused, PublishDeferred, PublishUnknown."""

    def find(self, account: Account, post: Post) -> Published | None:
        """Look for a post whose publication is unknown; None if it is surely not there. Raises PublishDeferred."""

    def profile(self, account: Account) -> Profile:
        """Read the account, which proves its token. Raises AccountRefused, PublishDeferred."""

    def metrics(self, account: Account, post_id: str) -> Mapping[str, int]:
        """Read a post's cumulative figures; what the platform does not report is absent. Raises PublishDeferred."""


def limit_errors(limits: Limits, text: str, media: Sequence[tuple[str, int]]) -> list[FieldError]:
    """Return what a platform would refuse of a post; ``media`` are pairs of type and size in bytes."""
    found, count = [], length_of(limits, text)
    if count > limits.characters:
        message = "has {count} characters with its hashtags: the platform takes {max}"
        found.append(FieldError("body", "too_long", message, {"count": count, "max": limits.characters}))
    if len(media) > limits.media:
        message = "are {count}: the platform takes {max}"
        found.append(FieldError("assets", "too_long", message, {"count": len(media), "max": limits.media}))
    for place, (mime_type, size) in enumerate(media):
        at = f"assets.{place}"
        if mime_type not in limits.media_types:
            found.append(FieldError(at, "type", "is {type}, which the platform does not take", {"type": mime_type}))
        elif size > limits.media_bytes:
            params = {"count": size, "max": limits.media_bytes}
            found.append(FieldError(at, "too_large", "has {count} bytes: the platform takes {max}", params))
    return found


def length_of(limits: Limits, text: str) -> int:
    """Return how long a platform holds a text to be."""
    if limits.link_characters is None:
        return len(text)
    return len(LINK.sub("x" * limits.link_characters, text))


def fitting_length(limits: Limits, text: str) -> int:
    """Return how many of a text's characters a platform would still take: all of them where it fits."""
    low, high = 0, len(text)
    if length_of(limits, text) <= limits.characters:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        fits = length_of(limits, text[:middle]) <= limits.characters
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def exchange(
    client: httpx.Client,
    request: httpx.Request,
    *,
    mutates: bool,
    hide: Sequence[str | None] = (),
    is_empty: bool = False,
) -> Any:  # noqa: ANN401 -- JSON
    """Send a request, return the JSON answer, and tell apart what surely failed from what may have worked.

    A 5xx, a reset or silence after a request that changes something leaves it unknown. ``hide`` are secrets of the
    request that no reason may repeat; ``is_empty`` asks for no answer but its status. Raises the errors above.
    """
    uncertain = PublishUnknown if mutates else PublishDeferred
    try:
        response = client.send(request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise PublishDeferred(reason=str(error) or type(error).__name__) from error
    except httpx.HTTPError as error:
        raise uncertain(reason=str(error) or type(error).__name__) from error
    status = response.status_code
    if status < 400:  # noqa: PLR2004 -- HTTP
        if is_empty:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise uncertain(reason="the answer is not JSON") from error
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    reason = f"status {status}: {_without(response.text, [bearer, *hide])}"
    word = _error_word(response)
    if status in {401, 403} or word in REFUSALS:
        raise AccountRefused(reason=reason, word=word)
    if status in {408, 425, 429}:
        raise PublishDeferred(reason=reason, retry_after=_retry_after(response))
    if status < 500:  # noqa: PLR2004 -- HTTP
        raise PublishRejected(reason=reason, status=status)
    raise uncertain(reason=reason)


def _error_word(response: httpx.Response) -> str | None:
    """Return the code of an error, where OAuth and the AT Protocol write it."""
    try:
        found = response.json()
    except ValueError:
        return None
    word = found.get("error") if isinstance(found, dict) else None
    return word if isinstance(word, str) else None


def _without(text: str, secrets: Sequence[str | None]) -> str:
    """Return the beginning of a text on one line, without the secrets it may repeat."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return " ".join(text.split())[:300]


def _retry_after(response: httpx.Response) -> float | None:
    given = response.headers.get("retry-after", "")
    return float(given) if given.isdecimal() else None


def publisher_of(platform: str, token_type: str | None, client: httpx.Client) -> Publisher | None:
    """Return the publisher of an account's platform, None if there is none here.

    An account whose token type is ``webhook`` is published to by signed requests, whatever its platform.
    """
    found = class_of(platform, token_type)
    return None if found is None else found(client)


def class_of(platform: str, token_type: str | None = None) -> type[Publisher] | None:
    """Return the class behind ``publisher_of``."""
    return _classes().get(WEBHOOK if token_type == WEBHOOK else platform)


def limits_of(platform: str) -> Limits | None:
    """Return what a platform takes, None where no publisher knows."""
    found = _classes().get(platform)
    return None if found is None else found.limits


def post_text(payload: Mapping[str, Any]) -> str:
    """Return the text of a frozen payload: its body, and the hashtags that the body does not have yet."""
    body = str(payload.get("body") or "")
    tags = [f"#{str(tag).lstrip('#')}" for tag in payload.get("hashtags") or ()]
    missing = [tag for tag in tags if tag.casefold() not in body.casefold()]
    return "\n\n".join(part for part in (body, " ".join(missing)) if part)


@cache
def _classes() -> dict[str, type[Publisher]]:
    """Return the publisher of each platform there is one for, those of installed packages included."""
    from growbase.domains.social.publisher_bluesky import Bluesky
    from growbase.domains.social.publisher_mastodon import Mastodon
    from growbase.domains.social.publisher_webhook import SignedWebhook

    found: dict[str, type[Publisher]] = {"mastodon": Mastodon, "bluesky": Bluesky, WEBHOOK: SignedWebhook}
    for entry in entry_points(group=ENTRY_POINTS):
        found[entry.name] = entry.load()
    return found
