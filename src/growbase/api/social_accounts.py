"""Connecting social accounts by their platforms' own ways: consent on the platform, or what somebody types in."""

import asyncio
import json
from functools import partial
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from growbase.api.call import Answer, Call, endpoint, etag
from growbase.api.crud import shown
from growbase.core.actor import Actor, Role
from growbase.core.catalogue import translate
from growbase.core.errors import Forbidden, Invalid
from growbase.core.model import Rule
from growbase.core.query import bad, literal
from growbase.core.types import compact_json
from growbase.domains.social.connect import Way, connect_by_credentials, credentials_of, finish, start
from growbase.domains.social.connecting import server_url

STARTS = ("founder_id", "instance", "redirect_uri")
ENDS = ("code", "error", "error_description", "error_uri", "iss", "state")
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
"""Addresses and answers on this way hold what is good once; they stay nowhere."""


@endpoint("/api/social-accounts/connect/{platform:str}", "GET", "POST")
async def connect(call: Call) -> Answer:
    """Begin to connect an account, or connect it by what was typed in.

    GET answers ``{"url": ...}``, where to send the user (a browser is sent there): ``instance`` is the server of a
    federated platform, ``founder_id`` whom the account speaks for, ``redirect_uri`` a page of an allowed origin that
    takes the code and the state to the callback itself. POST takes ``handle`` and ``app_password`` (and ``service``)
    for Bluesky; ``url``, ``platform`` and ``handle`` for ``webhook``, whose ``secret`` is shown this once.
    """
    way = _way(call, await call.require(Role.MEMBER))
    if call.method == "POST":
        return await _connected(call, way)
    if call.headers.get("sec-fetch-site") == "cross-site" and call.headers.get("sec-fetch-mode") == "navigate":
        # A link on any page could connect somebody else's account here, or lead anywhere from our address.
        raise Forbidden("Begin to connect an account on a page of this server, not by a link from another site.")
    params = _params(call, STARTS)
    founder = params.get("founder_id")
    about: dict[str, Any] = {
        "instance_url": server_url(params["instance"], "instance") if "instance" in params else "",
        "redirect_uri": _redirect_uri(call, params.get("redirect_uri"), way.platform),
        "founder_id": literal("founder_id", Rule("identifier"), founder) if founder else None,
    }
    url = await asyncio.to_thread(partial(start, way, **about))
    if _is_browser(call):
        return Answer(302, headers={**PRIVATE, "location": url})
    return Answer(200, compact_json({"url": url}).encode(), dict(PRIVATE))


@endpoint("/api/social-accounts/callback/{platform:str}", "GET")
async def callback(call: Call) -> Answer:
    """End what ``connect`` has begun, with the ``code`` and ``state`` the platform sent the user back with.

    The account is created, or the one that is there gets the new tokens. The same user must call, once, within ten
    minutes.
    """
    way = _way(call, await call.require(Role.MEMBER))
    params = _params(call, ENDS)
    if "state" not in params:
        raise bad("state", "is missing: begin at /api/social-accounts/connect")
    error = params.get("error_description") or params.get("error")
    id = await asyncio.to_thread(partial(finish, way, state=params["state"], code=params.get("code"), error=error))
    return _page(call.language) if _is_browser(call) else await _row(call, way.actor, id, 200)


async def _connected(call: Call, way: Way) -> Answer:
    if call.prefer.get("tx") == "rollback":
        raise Invalid.at("Prefer", "unsupported", "can't be tx=rollback: the platform is asked in any case")
    given = await call.parse(credentials_of(way.platform))
    id, secret = await asyncio.to_thread(partial(connect_by_credentials, way, given))
    answer = await _row(call, way.actor, id, 201)
    if secret is not None:
        answer.body = compact_json({**json.loads(answer.body), "secret": secret}).encode()
    return answer


async def _row(call: Call, actor: Actor, id: UUID, status: int) -> Answer:
    api, resource = call.api, call.api.catalog.by_name["social-accounts"]
    text, version = await api.database.aread(lambda: api.reader.row(actor, resource, id, None))
    return shown(call, resource, Answer(status, text.encode(), {**PRIVATE, "etag": etag(version)}))


def _way(call: Call, actor: Actor) -> Way:
    platform = call.path.rpartition("/")[2]
    return Way(call.api.database, actor, platform, call.api.secret, call.api.settings.allow_private_addresses)


def _params(call: Call, known: tuple[str, ...]) -> dict[str, str]:
    params = dict(parse_qsl(call.query))
    unknown = next((name for name in params if name not in known), None)
    if unknown is not None:
        raise bad(unknown, "is not a parameter here; use {choices}", choices=", ".join(known))
    return params


def _redirect_uri(call: Call, given: str | None, platform: str) -> str:
    """Return where the platform sends the user: here, or a page of an origin that may call the API."""
    settings = call.api.settings
    if given is None:
        return f"{settings.base_url}/api/social-accounts/callback/{platform}"
    parts = urlsplit(given)
    if f"{parts.scheme}://{parts.netloc}" not in settings.cors_origins or parts.fragment:
        raise bad("redirect_uri", "must be a page of an origin in GROWBASE_CORS_ORIGINS")
    return given


def _is_browser(call: Call) -> bool:
    return "text/html" in call.headers.get("accept", "")


def _page(language: str) -> Answer:
    text = escape(translate(language, "The account is connected. You can close this page.", {}))
    policy = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
    body = f'<!doctype html><html lang="{escape(language)}"><meta charset="utf-8"><title>Growbase</title><p>{text}</p>'
    return Answer(200, body.encode(), {**PRIVATE, **policy}, content_type="text/html; charset=utf-8")


ROUTES = [connect, callback]
