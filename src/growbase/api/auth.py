"""Logging in and out, one's own account and one's logins.

Answers that hold a secret are never stored for an Idempotency-Key, and no cache may keep them.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import ceil
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

from growbase.api.call import COOKIE, CSRF_COOKIE, Answer, Call, endpoint, etag, identity, json_answer
from growbase.api.crud import expected_version
from growbase.api.writing import write
from growbase.core import clock
from growbase.core.actor import Actor, ActorKind
from growbase.core.errors import Forbidden, RateLimited
from growbase.core.reads import Reads
from growbase.core.schema import parse_with
from growbase.core.transaction import Transaction
from growbase.domains.identity import accounts, actions
from growbase.domains.identity.accounts import Grant
from growbase.domains.identity.actions_sessions import revoke_session
from growbase.domains.identity.queries import describe_session, get_profile, list_sessions
from growbase.domains.identity.schemas import (
    AcceptInvite,
    AccountDeletion,
    ForgotPassword,
    Login,
    PasswordChange,
    ProfileUpdate,
    Refresh,
    Register,
    ResetPassword,
    SwitchOrganization,
    VerifyEmail,
)

T = TypeVar("T")
Kind = Literal["token", "cookie"]
NO_STORE = {"cache-control": "no-store"}
FORGOT_SECONDS = 0.2
"""What a request for a new password takes, so that its time does not tell which addresses exist."""
_passwords = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="growbase-password")
"""Hashing costs 50 ms and 64 MiB: a flood of logins must take neither the memory nor the threads that read."""


class RegisterRequest(Register):
    """A new account with an organization of its own; ``session`` says how a browser keeps the login."""

    session: Kind = "token"


class LoginRequest(Login):
    """A login by password; ``"session": "cookie"`` keeps the tokens from the page's scripts."""

    session: Kind = "token"


class AcceptInviteRequest(AcceptInvite):
    """An invitation's token; the password is needed by whoever has no verified account yet."""

    session: Kind = "token"


# -- logging in and out -----------------------------------------------------------------------------------------------


@endpoint("/api/auth/register", "POST", body=RegisterRequest, public=True)
async def register(call: Call) -> Answer:
    """Make an account with an organization of its own and log in; a link to verify the address is mailed."""
    values = await call.parse(RegisterRequest)
    kind = values.pop("session")
    grant = await slowly(partial(accounts.register, call.api.authenticator, _caller(call), **values))
    return await _granted(call, grant, kind, 201)


@endpoint("/api/auth/login", "POST", body=LoginRequest, public=True)
async def login(call: Call) -> Answer:
    """Log in by password, into the organization asked for, else the one joined first.

    401 is one answer for every cause; 429 with ``Retry-After`` after too many tries. With ``"session": "cookie"`` the
    login is an httpOnly cookie and the answer holds no token but ``csrf_token``, which also is the cookie
    ``growbase_csrf``: requests that write send it as ``X-CSRF-Token``.
    """
    values = await call.parse(LoginRequest)
    kind = values.pop("session")
    grant = await slowly(partial(accounts.login, call.api.authenticator, _caller(call), **values))
    return await _granted(call, grant, kind)


@endpoint("/api/auth/refresh", "POST", body=Refresh, public=True)
async def refresh(call: Call) -> Answer:
    """Trade a refresh token for a new pair; one that comes a second time ends the whole login."""
    values = await call.parse(Refresh)
    grant = await asyncio.to_thread(accounts.refresh, call.api.authenticator, _caller(call), **values)
    return await _granted(call, grant, "token")


@endpoint("/api/auth/switch", "POST", body=SwitchOrganization)
async def switch(call: Call) -> Answer:
    """Go on in another of one's organizations, with new tokens or a new cookie."""
    actor = await _person(call)
    values = await call.parse(SwitchOrganization)
    grant = await asyncio.to_thread(accounts.switch, call.api.authenticator, actor, **values)
    return await _granted(call, grant, "cookie" if _by_cookie(call) else "token")


@endpoint("/api/auth/logout", "POST")
async def logout(call: Call) -> Answer:
    """End this login, with everything that was refreshed from it."""
    actor = await _person(call)
    await asyncio.to_thread(accounts.logout, call.api.authenticator, actor)
    return Answer(204, cookies=no_cookies(call))


@endpoint("/api/auth/accept-invite", "POST", body=AcceptInviteRequest, public=True)
async def accept_invite(call: Call) -> Answer:
    """Accept an invitation by its mailed token.

    Whoever sets a password by it is logged in; who has a verified account gets 204 and logs in, or switches, as usual.
    """
    values = await call.parse(AcceptInviteRequest)
    kind = values.pop("session")
    grant = await slowly(partial(accounts.accept_invite, call.api.authenticator, _caller(call), **values))
    return await _granted(call, grant, kind) if grant else Answer(204)


# -- passwords and addresses ------------------------------------------------------------------------------------------


@endpoint("/api/auth/password", "POST", body=PasswordChange)
async def change_password(call: Call) -> Answer:
    """Set a new password; every other login ends."""
    actor = await _person(call)
    values = await call.parse(PasswordChange)
    current, new = values["current_password"], values["new_password"]
    await slowly(
        lambda: accounts.change_password(call.api.authenticator, actor, current=current, password=new),
    )
    return Answer(204)


@endpoint("/api/auth/forgot-password", "POST", body=ForgotPassword, public=True)
async def forgot_password(call: Call) -> Answer:
    """Mail a link for a new password; the answer is the same whether or not the address exists."""
    values = await call.parse(ForgotPassword)
    asked = asyncio.to_thread(accounts.forgot_password, call.api.authenticator, _caller(call), **values)
    await asyncio.gather(asked, asyncio.sleep(FORGOT_SECONDS))
    return _accepted()


@endpoint("/api/auth/reset-password", "POST", body=ResetPassword, public=True)
async def reset_password(call: Call) -> Answer:
    """Set a new password by a mailed token; every login ends."""
    values = await call.parse(ResetPassword)
    await slowly(partial(accounts.reset_password, call.api.authenticator, _caller(call), **values))
    return _accepted()


@endpoint("/api/auth/verify-email", "POST", body=VerifyEmail, public=True)
async def verify_email(call: Call) -> Answer:
    """Verify an address by the token that was mailed to it."""
    token = (await call.parse(VerifyEmail))["token"]
    await call.api.database.awrite(_caller(call), lambda tx: actions.verify_email(tx, token=token))
    return _accepted()


@endpoint("/api/auth/send-verification", "POST")
async def send_verification(call: Call) -> Answer:
    """Mail a new link that verifies one's address; nothing happens if it is verified."""
    actor = await _person(call)
    wait = call.api.authenticator.attempts.hit((call.ip, "verification", actor.id))
    if wait:
        raise RateLimited(retry_after=max(1, ceil(wait)))
    await call.api.database.awrite(actor, actions.send_verification)
    return _accepted()


# -- one's own account ------------------------------------------------------------------------------------------------


@endpoint("/api/auth/me", "GET")
async def read_me(call: Call) -> Answer:
    """Return one's own account, the organization one acts in, one's role there and all one's organizations."""
    actor = await _person(call)

    def read() -> Answer:
        with call.api.database.read(actor) as reads:
            return _me(reads, actor)

    return await call.api.database.aread(read)


@endpoint("/api/auth/me", "PATCH", body=ProfileUpdate)
async def update_me(call: Call) -> Answer:
    """Change one's own names, language, time zone, picture or preferences.

    Preferences are merged: one set to null goes away. ``If-Match`` or ``version`` guards against a concurrent change.
    """
    actor = await _person(call)
    found: ProfileUpdate = parse_with(ProfileUpdate.model_validate_json, await call.body() or b"{}")
    changes: dict[str, Any] = {name: getattr(found, name) for name in found.model_fields_set}
    version = expected_version(call, changes.pop("version", None))

    def unit(tx: Transaction) -> Answer:
        actions.update_profile(tx, changes=changes, version=version)
        return _me(tx, actor)

    return await write(call, actor, unit)


@endpoint("/api/auth/me", "DELETE", body=AccountDeletion)
async def delete_me(call: Call) -> Answer:
    """End one's account for good, the password being right; not while one is an organization's only owner."""
    actor = await _person(call)
    values = await call.parse(AccountDeletion)
    await slowly(partial(accounts.delete_account, call.api.authenticator, actor, **values))
    return Answer(204, cookies=no_cookies(call))


@endpoint("/api/auth/sessions", "GET")
async def list_logins(call: Call) -> Answer:
    """List where one is logged in, the latest used first."""
    actor = await _person(call)

    def read() -> list[dict[str, object]]:
        with call.api.database.read(actor) as reads:
            found = list_sessions(reads, _id(actor), clock.now())
        return [describe_session(session, actor.session_id) for session in found]

    return json_answer({"data": await call.api.database.aread(read)})


@endpoint("/api/auth/sessions/{id:str}", "DELETE")
async def end_login(call: Call) -> Answer:
    """Log out somewhere else."""
    actor = await _person(call)
    id = identity(str(call.scope["path_params"]["id"]))
    await call.api.database.awrite(actor, lambda tx: revoke_session(tx, id=id))
    return Answer(204)


# -- parts ------------------------------------------------------------------------------------------------------------


async def slowly(work: Callable[[], T]) -> T:
    """Run work that hashes a password."""
    return await asyncio.get_running_loop().run_in_executor(_passwords, work)


def _caller(call: Call) -> Actor:
    return accounts.anonymous(ip=call.ip, user_agent=call.user_agent, request_id=call.request_id)


async def _person(call: Call) -> Actor:
    """Return the user who calls. Raises Forbidden for API keys."""
    actor = await call.authenticate()
    if actor.kind is not ActorKind.USER:
        raise Forbidden("An API key has no account of its own: log in as a user.")
    return actor


def _id(actor: Actor) -> UUID:
    assert actor.id is not None
    return actor.id


def _accepted() -> Answer:
    return json_answer({"accepted": True}, 202)


def account(reads: Reads, user_id: UUID, organization_id: UUID | None) -> dict[str, Any]:
    """Return a user's account as JSON: the user, the organization and role at hand, and all organizations."""
    profile = get_profile(reads, user_id)
    memberships = cast("list[dict[str, str]]", profile.pop("memberships"))
    organizations = [
        {"id" if name == "organization_id" else name: value for name, value in membership.items()}
        for membership in memberships
    ]
    here = next((one for one in organizations if one["id"] == str(organization_id)), None)
    role = here["role"] if here else None
    return {"user": profile, "organization": here, "role": role, "organizations": organizations}


def _me(reads: Reads, actor: Actor) -> Answer:
    found = account(reads, _id(actor), actor.organization_id)
    return json_answer(found, headers={"etag": etag(found["user"]["version"])})


async def _granted(call: Call, grant: Grant, kind: Kind, status: int = 200) -> Answer:
    """Answer a login: the account, and tokens in the body or the session in a cookie."""

    def read() -> dict[str, Any]:
        with call.api.database.read(_caller(call)) as reads:
            return account(reads, grant.user_id, grant.organization_id)

    found = await call.api.database.aread(read)
    if kind == "cookie":
        csrf = call.api.csrf_token(grant.session_token)
        lifetime = int((grant.session_expires_at - clock.now()).total_seconds())
        answer = json_answer({**found, "csrf_token": csrf, "expires_in": lifetime}, status, NO_STORE)
        answer.cookies = session_cookies(call, grant.session_token, csrf, lifetime)
        return answer
    tokens = {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "token_type": "bearer",
        "expires_in": grant.expires_in,
    }
    return json_answer({**found, **tokens}, status, NO_STORE)


def _by_cookie(call: Call) -> bool:
    return "authorization" not in call.headers


def session_cookies(call: Call, session: str, csrf: str, lifetime: int) -> list[str]:
    """Return the session's cookie, which no script can read, and that of its CSRF token, which scripts must read."""
    secure = "; Secure" if call.api.settings.cookies_are_secure else ""
    rest = f"Path=/; Max-Age={lifetime}; SameSite=Lax{secure}"
    return [f"{COOKIE}={session}; HttpOnly; {rest}", f"{CSRF_COOKIE}={csrf}; {rest}"]


def no_cookies(call: Call) -> list[str]:
    """Return the cookies that end a session kept by cookie."""
    return session_cookies(call, "", "", 0) if _by_cookie(call) else []


ROUTES = [
    register,
    login,
    refresh,
    switch,
    logout,
    accept_invite,
    change_password,
    forgot_password,
    reset_password,
    verify_email,
    send_verification,
    read_me,
    update_me,
    delete_me,
    list_logins,
    end_login,
]
