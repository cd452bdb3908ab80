"""Finding the server of an account of the AT Protocol (atproto.com/specs/handle and /did), and reading its tokens."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import httpx

from growbase.domains.social.publisher import PublishRejected, exchange

DEFAULT_SERVER = "https://bsky.social"
"""Where handles are looked up, and where accounts are that name no server."""
DIRECTORY = "https://plc.directory"
"""Where documents of did:plc are."""


def server_of(client: httpx.Client, identifier: str) -> str:
    """Return the personal data server of a handle or DID. Raises PublishRejected where it can't be found."""
    did = identifier if identifier.startswith("did:") else _did_of(client, identifier)
    document = _read(client, document_url(did))
    for service in document.get("service") or ():
        if str(service.get("id", "")).endswith("#atproto_pds") and isinstance(service.get("serviceEndpoint"), str):
            return str(service["serviceEndpoint"]).rstrip("/")
    raise PublishRejected(reason=f"{did} names no personal data server")


def document_url(did: str) -> str:
    """Return where the document of a DID is. Raises PublishRejected for a method other than plc and web."""
    method, _, rest = did.removeprefix("did:").partition(":")
    if method == "plc" and rest.isalnum():
        return f"{DIRECTORY}/{did}"
    if method == "web" and rest and "/" not in unquote(rest):
        return f"https://{unquote(rest)}/.well-known/did.json"
    raise PublishRejected(reason=f"{did[:100]} is not an id of the kinds did:plc and did:web")


def expiry(token: str) -> datetime | None:
    """Return when a JWT ends by what it says itself; None if it is none."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def _did_of(client: httpx.Client, handle: str) -> str:
    url = f"{DEFAULT_SERVER}/xrpc/com.atproto.identity.resolveHandle?handle={quote(handle)}"
    return str(_read(client, url).get("did", ""))


def _read(client: httpx.Client, url: str) -> dict[str, Any]:
    found = exchange(client, client.build_request("GET", url), mutates=False)
    return found if isinstance(found, dict) else {}
