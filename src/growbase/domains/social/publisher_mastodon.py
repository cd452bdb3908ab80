"""Publishing to a Mastodon server, whose API takes an ``Idempotency-Key`` (docs.joinmastodon.org/methods/statuses)."""

import html
import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from growbase.domains.social.publisher import (
    Account,
    Limits,
    Media,
    Post,
    Profile,
    Published,
    PublishRejected,
    exchange,
)

IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})
VIDEOS: Final = frozenset({"video/mp4", "video/webm", "video/quicktime"})
RECENT: Final = 40


class Mastodon:
    """Any Mastodon server; the account's ``instance_url`` says which."""

    limits = Limits(500, 4, 16 * 1024 * 1024, IMAGES | VIDEOS, link_characters=23)
    honours_keys = True

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def publish(self, account: Account, post: Post) -> Published:
        """Publish a post with its media; see ``Publisher``."""
        ids = [self._upload(account, medium) for medium in post.media]
        body: dict[str, object] = {"status": post.text, "media_ids": ids, "visibility": "public"}
        if post.language:
            body["language"] = post.language
        headers = {"Idempotency-Key": post.key}
        return _published(self._call(account, "POST", "/api/v1/statuses", json=body, headers=headers, mutates=True))

    def find(self, account: Account, post: Post) -> Published | None:
        """Look among the account's newest posts for one with the same words; see ``Publisher``."""
        path = f"/api/v1/accounts/{account.provider_account_id}/statuses"
        found = self._call(account, "GET", path, params={"limit": RECENT, "exclude_reblogs": "true"})
        for status in found:
            if words(status.get("content", "")) == post.text.split():
                return _published(status)
        return None

    def profile(self, account: Account) -> Profile:
        """Read the account the token belongs to; see ``Publisher``."""
        found = self._call(account, "GET", "/api/v1/accounts/verify_credentials")
        return Profile(
            str(found["id"]),
            found["acct"],
            found.get("display_name"),
            found.get("url"),
            found.get("followers_count"),
            found.get("following_count"),
            found.get("statuses_count"),
        )

    def metrics(self, account: Account, post_id: str) -> Mapping[str, int]:
        """Read favourites, boosts and replies; see ``Publisher``."""
        found = self._call(account, "GET", f"/api/v1/statuses/{post_id}")
        names = {"likes": "favourites_count", "shares": "reblogs_count", "comments": "replies_count"}
        return {name: int(found[theirs]) for name, theirs in names.items() if found.get(theirs) is not None}

    def _upload(self, account: Account, medium: Media) -> str:
        """Upload a file, which nobody sees before a post names it."""
        files = {"file": ("media", medium.content, medium.mime_type)}
        data = {"description": medium.alt_text}
        return str(self._call(account, "POST", "/api/v2/media", files=files, data=data)["id"])

    def _call(
        self,
        account: Account,
        method: str,
        path: str,
        *,
        mutates: bool = False,
        headers: Mapping[str, str] | None = None,
        **content: Any,  # noqa: ANN401 -- what httpx takes
    ) -> Any:  # noqa: ANN401 -- a JSON document
        if not account.instance_url:
            raise PublishRejected(reason="the account names no instance_url")
        url = f"{account.instance_url.rstrip('/')}{path}"
        authorized = {"Authorization": f"Bearer {account.token}", **(headers or {})}
        request = self.client.build_request(method, url, headers=authorized, **content)
        return exchange(self.client, request, mutates=mutates)


def words(markup: str) -> list[str]:
    """Return the words of a post as the server shows it, its tags left out."""
    breaks = re.sub(r"<br\s*/?>|</p>\s*<p>", " ", markup)
    return html.unescape(re.sub(r"<[^>]+>", "", breaks)).split()


def _published(status: Mapping[str, Any]) -> Published:
    return Published(str(status["id"]), status.get("url"))
