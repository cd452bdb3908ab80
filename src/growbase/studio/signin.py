"""Signing in and out with the API's users and cookie sessions, the organization one acts in, language and theme."""

import hmac
import os
from functools import partial
from uuid import UUID

from growbase.api.auth import no_cookies, session_cookies, slowly
from growbase.api.call import COOKIE, Answer
from growbase.core import clock
from growbase.core.catalogue import languages
from growbase.core.errors import Forbidden, GrowbaseError, Invalid, Unauthenticated
from growbase.core.schema import parse_with
from growbase.core.types import compact_json
from growbase.domains.identity import accounts
from growbase.domains.identity.accounts import Grant
from growbase.domains.identity.schemas import Login
from growbase.studio.render import page
from growbase.studio.visit import LANGUAGE, THEME, YEAR, Visit, local

VISITOR = "growbase_visitor"
"""The cookie that the token of the login's form belongs to: there is no session yet."""


async def login(visit: Visit) -> Answer:
    """Show the login, or sign in by it."""
    if visit.call.method != "POST":
        return login_page(visit)
    visitor = visit.call.cookies.get(VISITOR, "")
    fits = hmac.compare_digest(visit.sent("csrf").encode(), visit.api.csrf_token(visitor).encode())
    if not visitor or not fits:
        return login_page(visit, Forbidden("The page was open for too long: sign in again."))
    try:
        sent = compact_json({"email": visit.sent("email"), "password": visit.sent("password")})
        found: Login = parse_with(Login.model_validate_json, sent.encode())
        call = visit.call
        caller = accounts.anonymous(ip=call.ip, user_agent=call.user_agent, request_id=call.request_id)
        values = {name: getattr(found, name) for name in Login.model_fields}
        grant = await slowly(partial(accounts.login, visit.api.authenticator, caller, **values))
    except Invalid:
        return login_page(visit, Unauthenticated("Enter your e-mail address and your password."))
    except GrowbaseError as error:
        return login_page(visit, error)
    _keep(visit, grant)
    return visit.go(local(visit.sent("next")))


def login_page(visit: Visit, error: GrowbaseError | None = None) -> Answer:
    """Answer with the login's form."""
    visitor = visit.call.cookies.get(VISITOR) or os.urandom(24).hex()
    visit.set_cookie(VISITOR, visitor, 3_600)
    status = 200 if error is None else 401
    return page(
        visit,
        "login.html",
        status,
        token=visit.api.csrf_token(visitor),
        error=visit.words.say(error.message, **error.params) if error else "",
        email=visit.sent("email"),
        next=local(visit.query.get("next") or visit.sent("next")),
    )


async def logout(visit: Visit) -> Answer:
    """End the session."""
    await visit.api.database.aread(partial(accounts.logout, visit.api.authenticator, visit.by))
    visit.cookies += no_cookies(visit.call)
    return visit.go("/studio/login")


async def switch(visit: Visit) -> Answer:
    """Go on in another of one's organizations."""
    try:
        wanted = UUID(visit.sent("organization_id"))
    except ValueError as error:
        raise Invalid.at("organization_id", "type", "must be a UUID") from error
    switched = partial(accounts.switch, visit.api.authenticator, visit.by, organization_id=wanted)
    _keep(visit, await visit.api.database.aread(switched))
    return visit.go("/studio")


async def preferences(visit: Visit) -> Answer:
    """Keep the language and the theme chosen in the browser."""
    if visit.call.method == "POST" and visit.call.cookies.get(COOKIE):
        await visit.sign_in()
    if visit.sent("language") in languages():
        keep_language(visit, visit.sent("language"))
    if visit.sent("theme") in {"light", "dark", "system"}:
        visit.set_cookie(THEME, visit.sent("theme"), YEAR)
    return visit.go(local(visit.sent("next")))


def keep_language(visit: Visit, language: str) -> None:
    """Remember a language in the browser."""
    visit.set_cookie(LANGUAGE, language, YEAR)


def _keep(visit: Visit, grant: Grant) -> None:
    lifetime = int((grant.session_expires_at - clock.now()).total_seconds())
    token = grant.session_token
    visit.cookies += session_cookies(visit.call, token, visit.api.csrf_token(token), lifetime)
