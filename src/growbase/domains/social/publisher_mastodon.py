"""Publishing to a Mastodon server, whose API takes an ``Idempotency-Key`` (docs.joinmastodon.org/methods/statuses).

Accounts are connected by its OAuth 2 (docs.joinmastodon.org/methods/oauth); its ids are those of one server.
"""

import html
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

import httpx

from growbase.core import clock
from growbase.domains.social.connecting import App, Connected, Tokens
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
SCOPES: Final = "read write:statuses write:media"


class Mastodon:
    """Any Mastodon server; the account's ``instance_url`` says which."""

    limits = Limits(500, 4, 16 * 1024 * 1024, IMAGES | VIDEOS, link_characters=23)
    honours_keys = True
    has_servers: ClassVar[bool] = True

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
        path = f"/api/v1/accounts/{account.provider_account_id.partition('@')[0]}/statuses"
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

    def register(self, instance_url: str, redirect_uri: str) -> App:
        """Register an app for ``redirect_uri``; see ``ByConsent``."""
        body = {"client_name": "Growbase", "redirect_uris": redirect_uri, "scopes": SCOPES}
        request = self.client.build_request("POST", f"{instance_url}/api/v1/apps", json=body)
        found = exchange(self.client, request, mutates=False)
        return App(str(found["client_id"]), str(found["client_secret"]))

    def consent_url(self, instance_url: str, app: App, *, redirect_uri: str, state: str, challenge: str) -> str:
        """Return the page that asks; see ``ByConsent``."""
        asked = {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPES,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{instance_url}/oauth/authorize?{urlencode(asked)}"

    def redeem(self, instance_url: str, app: App, *, redirect_uri: str, code: str, verifier: str) -> Connected:
        """Take a token and read whose it is; see ``ByConsent``."""
        given = {"redirect_uri": redirect_uri, "code": code, "code_verifier": verifier, "scope": SCOPES}
        tokens = self._tokens(instance_url, app, {"grant_type": "authorization_code", **given})
        profile = self.profile(Account("", "", instance_url, tokens.access_token))
        # Every server counts its accounts from one.
        return Connected(
            f"{profile.provider_account_id}@{urlsplit(instance_url).netloc}", profile, tokens, instance_url
        )

    def renew(self, account: Account, app: App | None) -> Tokens:
        """Take new tokens; see ``Renewable``."""
        url, known = _connected(account, app)
        return self._tokens(url, known, {"grant_type": "refresh_token", "refresh_token": account.refresh_token or ""})

    def revoke(self, account: Account, app: App | None) -> None:
        """Revoke the access token; see ``Revocable``."""
        url, known = _connected(account, app)
        form = {"client_id": known.client_id, "client_secret": known.client_secret, "token": account.token}
        request = self.client.build_request("POST", f"{url}/oauth/revoke", data=form)
        exchange(self.client, request, mutates=False, hide=[known.client_secret, account.token], is_empty=True)

    def _tokens(self, instance_url: str, app: App, grant: Mapping[str, str]) -> Tokens:
        form = {"client_id": app.client_id, "client_secret": app.client_secret, **grant}
        request = self.client.build_request("POST", f"{instance_url}/oauth/token", data=form)
        hide = [app.client_secret, *(grant.get(name) for name in ("code", "code_verifier", "refresh_token"))]
        found = exchange(self.client, request, mutates=False, hide=hide)
        seconds = found.get("expires_in")
        end = clock.now() + timedelta(seconds=seconds) if isinstance(seconds, int) else None
        scope, kind = found.get("scope"), found.get("token_type")
        return Tokens(found["access_token"], found.get("refresh_token"), end, scope, kind)

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


def _connected(account: Account, app: App | None) -> tuple[str, App]:
    """Return the server and the app of an account that was connected by consent. Raises PublishRejected."""
    if app is None or not account.instance_url:
        raise PublishRejected(reason="the account was not connected by an app of this server")
    return account.instance_url, app


def words(markup: str) -> list[str]:
    """Return the words of a post as the server shows it, its tags left out."""
    breaks = re.sub(r"<br\s*/?>|</p>\s*<p>", " ", markup)
    return html.unescape(re.sub(r"<[^>]+>", "", breaks)).split()


def _published(status: Mapping[str, Any]) -> Published:
    return Published(str(status["id"]), status.get("url"))
