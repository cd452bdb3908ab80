"""Publishing by a signed request to any address: the way to platforms that have no publisher here."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel

from growbase.core import clock
from growbase.core.crypto import new_token
from growbase.core.types import compact_json
from growbase.domains.social.connecting import Connected, Tokens
from growbase.domains.social.publisher import (
    WEBHOOK,
    Account,
    Limits,
    Post,
    Profile,
    Published,
    PublishRejected,
    exchange,
)
from growbase.domains.social.publisher_mastodon import IMAGES, VIDEOS
from growbase.domains.social.schemas import PublishReceiver


class SignedWebhook:
    """Posts JSON to the account's ``instance_url``, signed with its token by the Standard Webhooks convention.

    The receiver answers ``{"id": ..., "url": ...}``; ``webhook-id`` is the same for every attempt at a post, so a
    receiver that keeps it can't publish twice.
    """

    limits = Limits(100_000, 20, 20 * 1024 * 1024, IMAGES | VIDEOS)
    honours_keys = False
    credentials: ClassVar[type[BaseModel]] = PublishReceiver

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def publish(self, account: Account, post: Post) -> Published:
        """Send the post; see ``Publisher``."""
        media = [
            {"mime_type": item.mime_type, "alt_text": item.alt_text, "content": base64.b64encode(item.content).decode()}
            for item in post.media
        ]
        body = {"type": "post.publish", "key": post.key, "text": post.text, "language": post.language, "media": media}
        found = self._call(account, post.key, body, mutates=True)
        if "id" not in found:
            raise PublishRejected(reason="the receiver answered without an id", status=200)
        return Published(str(found["id"]), found.get("url"))

    def find(self, account: Account, post: Post) -> Published | None:
        """Ask the receiver; see ``Publisher``. It answers ``{}`` for a post it does not know."""
        found = self._call(account, f"{post.key}-find", {"type": "post.find", "key": post.key})
        return Published(str(found["id"]), found.get("url")) if found.get("id") else None

    def profile(self, account: Account) -> Profile:
        """Prove that the receiver knows the secret; see ``Publisher``."""
        self._call(account, f"profile-{account.provider_account_id}", {"type": "account.verify"})
        return Profile(account.provider_account_id, account.handle)

    def metrics(self, account: Account, post_id: str) -> Mapping[str, int]:
        """Ask the receiver for figures; see ``Publisher``."""
        found = self._call(account, f"metrics-{post_id}", {"type": "post.metrics", "id": post_id})
        return {name: value for name, value in found.items() if isinstance(value, int)}

    def connect(self, given: Mapping[str, Any]) -> Connected:
        """Make a secret for a receiver, which nobody calls before it knows that; see ``ByCredentials``."""
        url, secret = given["url"], new_token()
        profile = Profile(url, given["handle"] or urlsplit(url).netloc)
        tokens = Tokens(secret, token_type=WEBHOOK)
        return Connected(url, profile, tokens, url, given["platform"], secret)

    def _call(
        self, account: Account, key: str, body: Mapping[str, object], *, mutates: bool = False
    ) -> Mapping[str, Any]:
        if not account.instance_url:
            raise PublishRejected(reason="the account names no instance_url")
        content = compact_json(body).encode()
        stamp = str(int(clock.now().timestamp()))
        signed = f"{key}.{stamp}.".encode() + content
        signature = base64.b64encode(hmac.new(account.token.encode(), signed, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{signature}",
        }
        request = self.client.build_request("POST", account.instance_url, content=content, headers=headers)
        found = exchange(self.client, request, mutates=mutates)
        return found if isinstance(found, dict) else {}
