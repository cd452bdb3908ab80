"""Who is calling: access tokens, session tokens and API keys turned into actors, and back.

An access token is a JWT whose signature saves no look-up: the session, the user and the membership are read at every
use, so that a revocation counts at once. The answer is kept for 5 s, and dropped as soon as this process sees a commit
that touches what it was made of; another process's commit counts after these 5 s at the latest.
"""

import hmac
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import jwt

from growbase.core import clock
from growbase.core.actor import Actor, ActorKind, Role, system
from growbase.core.config import Settings
from growbase.core.crypto import derive_key, hash_token
from growbase.core.database import Database
from growbase.core.errors import Forbidden, Unauthenticated, Unavailable, WrongRegion
from growbase.core.gate import ReadOnly
from growbase.core.reads import Reads
from growbase.core.region import Regions
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_keys import touch_api_key
from growbase.domains.identity.actions_sessions import touch_sessions
from growbase.domains.identity.limits import SlidingWindow
from growbase.domains.identity.models import (
    ApiKey,
    ApiScope,
    Membership,
    MembershipStatus,
    Organization,
    OrganizationStatus,
    Session,
    User,
)
from growbase.domains.identity.queries import may_act
from growbase.domains.identity.regions import require_here
from growbase.domains.identity.tokens import SESSION_PREFIX, parse_api_key
from growbase.domains.identity.usage import Metric, count_use

ALGORITHM: Final = "HS256"
TOKEN_TYPE: Final = "access"  # noqa: S105 -- the name of a kind of token
CACHE_SECONDS: Final = 5.0
CACHE_SIZE: Final = 10_000
SESSION_USE: Final = timedelta(minutes=1)
"""Between two writes of a session's last use."""
KEY_USE: Final = timedelta(minutes=10)
"""Between two writes of a key's last use, each of which leaves a row in the change log."""
CALLS_SECONDS: Final = 300.0
"""Between two counts of the calls made, each of which is a line of the ledger of use."""
WATCHED: Final = frozenset({"sessions", "users", "memberships", "organizations", "api_keys"})
ROLES: Final = ((ApiScope.ADMIN, Role.ADMIN), (ApiScope.WRITE, Role.MEMBER), (ApiScope.READ, Role.VIEWER))


@dataclass(frozen=True, slots=True)
class _Known:
    """An actor found a moment ago, and when its row was last marked as used."""

    actor: Actor
    until: float
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Claims:
    """What an access token says that counts; the rest is for the client."""

    user_id: UUID
    session_id: UUID
    organization_id: UUID | None
    expires_at: float


class Authenticator:
    """Issues access tokens and says who a token or key is; one instance a process."""

    def __init__(self, database: Database, settings: Settings, secret_key: bytes) -> None:
        self.database = database
        self.settings = settings
        self.regions = Regions.of(settings)
        self.attempts = SlidingWindow(settings.login_rate_per_minute, 60)
        self.attempts_of_address = SlidingWindow(10 * settings.login_rate_per_minute, 60)
        self.unknown = SlidingWindow(settings.login_max_failures, 60 * settings.login_lock_minutes)
        self._key = derive_key(secret_key, "access-token")
        self._cache: dict[str, _Known] = {}
        self._generation = 0
        self._used: dict[UUID, tuple[Actor, datetime]] = {}
        self._calls: Counter[UUID] = Counter()
        self._calls_counted = time.monotonic()
        self._lock = threading.Lock()
        database.listeners.append(self._on_commit)

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token is good for."""
        return timedelta(minutes=self.settings.access_token_minutes)

    def issue_access_token(
        self, user_id: UUID, session_id: UUID, organization_id: UUID | None, role: Role | None
    ) -> str:
        """Sign an access token; its role and organization tell the client, the database decides."""
        now = clock.now()
        claims = {
            "sub": str(user_id),
            "sid": str(session_id),
            "org": str(organization_id) if organization_id else None,
            "role": role.value if role else None,
            "region": self.settings.region,
            "iat": now,
            "exp": now + self.access_lifetime,
            "typ": TOKEN_TYPE,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def known(self, token: str) -> Actor | None:
        """Return whose token this is if that was found out in the last 5 s: no look-up, safe on the event loop."""
        found = self._cache.get(token)
        if found is None or found.until <= time.monotonic():
            return None
        self._note_use(found)
        return found.actor

    def resolve(self, token: str) -> Actor:
        """Return the actor of an access token, a cookie's session token or an API key; reads the database.

        Raises Unauthenticated, Forbidden where the user or the organization is not active, WrongRegion.
        """
        actor = self.known(token)
        if actor is not None:
            return actor
        generation = self._generation
        until = time.monotonic() + CACHE_SECONDS
        with self.database.read(system("authentication")) as reads:
            if token.startswith("gb_"):
                found = self._key_actor(reads, token, until)
            elif token.startswith(SESSION_PREFIX):
                session = reads.find(Session, token_hash=hash_token(token), rotated_at=None)
                found = self._session_actor(reads, session, until)
            else:
                claims = self._claims(token)
                session = reads.find(Session, claims.session_id, user_id=claims.user_id)
                until = min(until, time.monotonic() + claims.expires_at - time.time())
                if session is None and (home := claims.organization_id) is not None:
                    require_here(reads, self.regions, lambda regions: regions.organization_hash(home))
                found = self._session_actor(reads, session, until)
        with self._lock:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            if generation == self._generation:
                self._cache[token] = found
        self._note_use(found)
        return found.actor

    def write_uses(self) -> int:
        """Write which sessions and keys were used since the last call and return how many; called now and then.

        Calls are counted along with it every 5 minutes: those of the last minutes before a crash are lost.
        """
        with self._lock:
            used, self._used = self._used, {}
            calls: Counter[UUID] = Counter()
            if time.monotonic() - self._calls_counted >= CALLS_SECONDS:
                calls, self._calls, self._calls_counted = self._calls, Counter(), time.monotonic()
        if not used and not calls:
            return 0

        try:
            self.database.write(system("authentication"), partial(_write_uses, used=used, calls=calls))
        except ReadOnly:
            with self._lock:
                self._used = used | self._used
                self._calls += calls
            raise
        except Unavailable:
            # One organization may take no writes for now, while it moves to another region.
            for home in {*calls, *(actor.organization_id for actor, _ in used.values() if actor.organization_id)}:
                own = {key: use for key, use in used.items() if use[0].organization_id == home}
                count = Counter({home: calls[home]}) if home in calls else Counter()
                with suppress(Unavailable):
                    self.database.write(system("authentication"), partial(_write_uses, used=own, calls=count))
        return len(used)

    def _on_commit(self, touched: frozenset[str], woken: frozenset[str]) -> None:
        del woken
        if touched & WATCHED:
            with self._lock:
                self._generation += 1
                self._cache.clear()

    def _note_use(self, found: _Known) -> None:
        """Count a call and remember a use worth writing, which ``write_uses`` does off the request's path."""
        actor, now = found.actor, clock.now()
        if actor.organization_id is not None:
            with self._lock:
                self._calls[actor.organization_id] += 1
        key, pause = (actor.session_id, SESSION_USE) if actor.kind is ActorKind.USER else (actor.id, KEY_USE)
        if key is not None and (found.last_used_at is None or now - found.last_used_at >= pause):
            with self._lock:
                self._used[key] = (actor, now)

    def _claims(self, token: str) -> _Claims:
        try:
            region = jwt.decode(token, options={"verify_signature": False}).get("region", "")
            self._require_region(str(region))
            required = ["sub", "sid", "exp", "typ"]
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM], options={"require": required})
            home = UUID(claims["org"]) if claims.get("org") else None
            found = _Claims(UUID(claims["sub"]), UUID(claims["sid"]), home, float(claims["exp"]))
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The access token has expired.") from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise Unauthenticated from None
        if claims["typ"] != TOKEN_TYPE:
            raise Unauthenticated
        return found

    def _require_region(self, region: str) -> None:
        """Raise WrongRegion for a region served elsewhere, which has keys of its own."""
        urls = self.settings.region_urls
        if region != self.settings.region and region in urls:
            raise WrongRegion(region=region, base_url=urls[region])

    def _session_actor(self, reads: Reads, session: Session | None, until: float) -> _Known:
        if session is None or session.revoked_at is not None or session.expires_at <= clock.now():
            raise Unauthenticated
        user = reads.find(User, session.user_id)
        if user is None or not may_act(user):
            raise Unauthenticated
        role = _role_in(reads, user.id, session.organization_id) if session.organization_id else None
        actor = Actor(
            ActorKind.USER,
            user.full_name or user.email,
            id=user.id,
            organization_id=session.organization_id,
            role=role,
            region=self.settings.region,
            language=user.language,
            session_id=session.id,
        )
        return _Known(actor, until, session.last_activity_at)

    def _key_actor(self, reads: Reads, text: str, until: float) -> _Known:
        parsed = parse_api_key(text)
        if parsed is None:
            raise Unauthenticated
        region, prefix = parsed
        key = reads.find(ApiKey, prefix=prefix, revoked_at=None, anywhere=True)
        if key is None:
            # A key keeps its text when its organization moves, so what was told of it counts before what it says.
            require_here(reads, self.regions, lambda regions: regions.key_hash(prefix))
            self._require_region(region)
        if key is None or not hmac.compare_digest(key.key_hash, hash_token(text)):
            raise Unauthenticated
        now = clock.now()
        if key.expires_at is not None and key.expires_at <= now:
            raise Unauthenticated("The API key has expired.")
        _require_active(reads, key.organization_id)
        remaining = (key.expires_at - now).total_seconds() if key.expires_at else CACHE_SECONDS
        actor = Actor(
            ActorKind.API_KEY,
            f"{key.name} ({key.prefix})",
            id=key.id,
            organization_id=key.organization_id,
            role=role_of_scopes(key.scopes),
            region=self.settings.region,
            scopes=frozenset(key.scopes),
        )
        return _Known(actor, min(until, time.monotonic() + remaining), key.last_used_at)


def _write_uses(tx: Transaction, *, used: Mapping[UUID, tuple[Actor, datetime]], calls: Mapping[UUID, int]) -> None:
    sessions = {key: at for key, (actor, at) in used.items() if actor.kind is ActorKind.USER}
    touch_sessions(tx, seen=sessions)
    for key, (actor, at) in used.items():
        if key not in sessions and actor.organization_id is not None:
            touch_api_key(tx.acting(actor), key_id=key, organization_id=actor.organization_id, at=at)
    for organization_id, count in sorted(calls.items()):
        count_use(tx.for_organization(organization_id), Metric.API_CALLS, count)


def role_of_scopes(scopes: list[str]) -> Role | None:
    """Return the role an API key's scopes amount to; None for a publishable key, which may only send events."""
    return next((role for scope, role in ROLES if scope in scopes), None)


def with_request(
    actor: Actor, *, request_id: str | None, ip: str | None, user_agent: str | None, language: str | None = None
) -> Actor:
    """Return the actor with what the log keeps of a request, cut to what its columns hold."""
    return replace(
        actor,
        request_id=request_id[:200] if request_id else None,
        ip=ip[:45] if ip else None,
        user_agent=user_agent[:400] if user_agent else None,
        language=language or actor.language,
    )


def _role_in(reads: Reads, user_id: UUID, organization_id: UUID) -> Role:
    membership = reads.find(Membership, user_id=user_id, organization_id=organization_id, anywhere=True)
    if membership is None or membership.status is not MembershipStatus.ACTIVE:
        raise Unauthenticated
    _require_active(reads, organization_id)
    return membership.role


def _require_active(reads: Reads, organization_id: UUID) -> None:
    organization = reads.find(Organization, organization_id, anywhere=True)
    if organization is None:
        raise Unauthenticated
    if organization.status is not OrganizationStatus.ACTIVE:
        raise Forbidden("The organization is {status}.", status=organization.status.value)
