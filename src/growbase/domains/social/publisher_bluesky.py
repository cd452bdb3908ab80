"""Publishing to Bluesky by the AT Protocol; a record key made from the post's own key lets no second one appear.

An account is connected by an app password, which is not kept: the session it opens is, and is renewed.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any, ClassVar, Final

import httpx
from pydantic import BaseModel

from growbase.core import clock
from growbase.domains.social.atproto import DEFAULT_SERVER, expiry, server_of
from growbase.domains.social.connecting import App, Connected, Tokens, server_url
from growbase.domains.social.publisher import (
    LINK,
    Account,
    Limits,
    Media,
    Post,
    Profile,
    Published,
    PublishRejected,
    exchange,
)
from growbase.domains.social.schemas import BlueskyLogin

COLLECTION: Final = "app.bsky.feed.post"
ALPHABET: Final = "234567abcdefghijklmnopqrstuvwxyz"
TAG: Final = re.compile(r"(?<!\w)#(\w*[^\W\d_]\w*)")


class Bluesky:
    """A personal data server of Bluesky; the token of an account without refresh token is an app password."""

    limits = Limits(300, 4, 1_000_000, frozenset({"image/jpeg", "image/png", "image/webp"}))
    honours_keys = True
    credentials: ClassVar[type[BaseModel]] = BlueskyLogin

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def publish(self, account: Account, post: Post) -> Published:
        """Write the post's record under a key of its own: again, it is the same record; see ``Publisher``."""
        session = self._session(account)
        record: dict[str, object] = {
            "$type": COLLECTION,
            "text": post.text,
            "createdAt": clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "facets": list(facets(post.text)),
        }
        if post.language:
            record["langs"] = [post.language]
        if post.media:
            images = [self._image(account, session, medium) for medium in post.media]
            record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
        body = {"repo": session["did"], "collection": COLLECTION, "rkey": record_key(post), "record": record}
        self._call(account, "POST", "com.atproto.repo.putRecord", session, json=body, mutates=True)
        return _published(session, record_key(post))

    def find(self, account: Account, post: Post) -> Published | None:
        """Look for the record by its key; see ``Publisher``."""
        session = self._session(account)
        params = {"repo": session["did"], "collection": COLLECTION, "rkey": record_key(post)}
        try:
            self._call(account, "GET", "com.atproto.repo.getRecord", session, params=params)
        except PublishRejected as error:
            if error.params.get("status") in {400, 404}:
                return None
            raise
        return _published(session, record_key(post))

    def profile(self, account: Account) -> Profile:
        """Read the account; see ``Publisher``."""
        session = self._session(account)
        found = self._call(account, "GET", "app.bsky.actor.getProfile", session, params={"actor": session["did"]})
        return Profile(
            found["did"],
            found["handle"],
            found.get("displayName"),
            f"https://bsky.app/profile/{found['handle']}",
            found.get("followersCount"),
            found.get("followsCount"),
            found.get("postsCount"),
        )

    def metrics(self, account: Account, post_id: str) -> Mapping[str, int]:
        """Read likes, reposts with quotes, and replies; see ``Publisher``."""
        session = self._session(account)
        uri = f"at://{session['did']}/{COLLECTION}/{post_id}"
        posts = self._call(account, "GET", "app.bsky.feed.getPosts", session, params={"uris": uri})["posts"]
        if not posts:
            raise PublishRejected(reason="the post is not there any more", status=404)
        found = posts[0]
        shared = found.get("repostCount", 0) + found.get("quoteCount", 0)
        return {"likes": found.get("likeCount", 0), "shares": shared, "comments": found.get("replyCount", 0)}

    def connect(self, given: Mapping[str, Any]) -> Connected:
        """Open a session with an app password on the server that keeps the account; see ``ByCredentials``."""
        handle, password = given["handle"].removeprefix("@"), given["app_password"]
        server = server_url(given["service"] or server_of(self.client, handle), "service")
        body = {"identifier": handle, "password": password}
        request = self.client.build_request("POST", f"{server}/xrpc/com.atproto.server.createSession", json=body)
        session = exchange(self.client, request, mutates=False, hide=[password])
        name = session["handle"]
        profile = Profile(session["did"], name, profile_url=f"https://bsky.app/profile/{name}")
        return Connected(session["did"], profile, _tokens(session), server)

    def renew(self, account: Account, app: App | None) -> Tokens:
        """Renew the session, which ends the old refresh token; see ``Renewable``."""
        del app
        return _tokens(self._with_refresh_token(account, "refreshSession"))

    def revoke(self, account: Account, app: App | None) -> None:
        """End the session; see ``Revocable``."""
        del app
        self._with_refresh_token(account, "deleteSession", is_empty=True)

    def _with_refresh_token(self, account: Account, name: str, *, is_empty: bool = False) -> Any:  # noqa: ANN401 -- JSON
        if not account.refresh_token:
            raise PublishRejected(reason="the account has no session")
        url = f"{(account.instance_url or DEFAULT_SERVER).rstrip('/')}/xrpc/com.atproto.server.{name}"
        headers = {"Authorization": f"Bearer {account.refresh_token}"}
        request = self.client.build_request("POST", url, headers=headers)
        return exchange(self.client, request, mutates=False, is_empty=is_empty)

    def _session(self, account: Account) -> dict[str, Any]:
        if account.refresh_token:
            return {"did": account.provider_account_id, "handle": account.handle, "accessJwt": account.token}
        body = {"identifier": account.handle or account.provider_account_id, "password": account.token}
        found = self._call(account, "POST", "com.atproto.server.createSession", None, json=body)
        return dict(found)

    def _image(self, account: Account, session: Mapping[str, Any], medium: Media) -> dict[str, object]:
        headers = {"Content-Type": medium.mime_type}
        upload = "com.atproto.repo.uploadBlob"
        found = self._call(account, "POST", upload, session, content=medium.content, headers=headers)
        image: dict[str, object] = {"alt": medium.alt_text, "image": found["blob"]}
        if medium.width and medium.height:
            image["aspectRatio"] = {"width": medium.width, "height": medium.height}
        return image

    def _call(
        self,
        account: Account,
        method: str,
        name: str,
        session: Mapping[str, Any] | None,
        *,
        mutates: bool = False,
        headers: Mapping[str, str] | None = None,
        **content: Any,  # noqa: ANN401 -- what httpx takes
    ) -> Any:  # noqa: ANN401 -- a JSON document
        url = f"{(account.instance_url or DEFAULT_SERVER).rstrip('/')}/xrpc/{name}"
        authorized = {**(headers or {})}
        if session is not None:
            authorized["Authorization"] = f"Bearer {session['accessJwt']}"
        request = self.client.build_request(method, url, headers=authorized, **content)
        return exchange(self.client, request, mutates=mutates)


def _tokens(session: Mapping[str, Any]) -> Tokens:
    access = session["accessJwt"]
    return Tokens(access, session["refreshJwt"], expiry(access), token_type="session")  # noqa: S106 -- a kind


def record_key(post: Post) -> str:
    """Return a TID (atproto.com/specs/tid): the due time in microseconds, the clock id from the post's key."""
    digest = int.from_bytes(hashlib.sha256(post.key.encode()).digest()[:4])
    # The microseconds come from the key too, or posts due in the same second could meet.
    micros = int(post.due_at.timestamp()) * 1_000_000 + digest // 1_024 % 1_000_000
    number = (micros << 10) | digest % 1_024
    return "".join(ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def facets(text: str) -> Iterator[dict[str, object]]:
    """Yield what makes links and hashtags of a text work, its places counted in bytes of UTF-8."""
    for pattern, kind, name in ((LINK, "link", "uri"), (TAG, "tag", "tag")):
        for found in pattern.finditer(text):
            start, end = (len(text[:place].encode()) for place in found.span())
            value = found[1] if kind == "tag" else found[0]
            feature = {"$type": f"app.bsky.richtext.facet#{kind}", name: value}
            yield {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


def _published(session: Mapping[str, Any], key: str) -> Published:
    return Published(key, f"https://bsky.app/profile/{session['handle']}/post/{key}")
