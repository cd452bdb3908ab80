"""One visit of a page: who it is, in which language, what a form sent, and how to answer with a page."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from growbase.api.call import COOKIE, Answer, Api, Call
from growbase.api.forms import FORM as MULTIPART
from growbase.api.forms import Events, Form, Store, first_field, open_form, read_parts
from growbase.core.actor import Actor, Role
from growbase.core.catalogue import languages, negotiate
from growbase.core.errors import Forbidden, Invalid, UnsupportedMediaType
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.strict_json import NUL
from growbase.core.transaction import Transaction
from growbase.domains.identity.operators import REFUSED, is_operator
from growbase.domains.identity.queries import count_unread, get_profile
from growbase.studio.words import Words

T = TypeVar("T")
FORM = "application/x-www-form-urlencoded"
FLASH, LANGUAGE, THEME = "growbase_flash", "growbase_language", "growbase_theme"
YEAR = 31_536_000
MOST_FIELDS = 2_000
UNREAD = 100
"""Unread notifications that are counted; more are just many."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, and where."""

    name: str = ""
    email: str = ""
    timezone: str = "UTC"
    organization: str = ""
    organizations: list[dict[str, str]] = field(default_factory=list)
    is_operator: bool = False
    """Whether the visitor runs the installation, which is more than one of its organizations."""
    unread: int = 0
    preferences: dict[str, Any] = field(default_factory=dict)


class Visit:
    """One request of a page; ``actor`` and ``person`` are known after ``sign_in``."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.api: Api = call.api
        self.actor: Actor | None = None
        self.person = Person()
        self.form: dict[str, list[str]] = {}
        self.parts: Events | None = None
        self.cookies: list[str] = []
        self.pairs = parse_qsl(call.query, keep_blank_values=True, max_num_fields=200)
        self.query = dict(self.pairs)

    @cached_property
    def words(self) -> Words:
        """The language asked for in the address, then the one chosen before, then the browser's; the visitor's zone."""
        for asked in (self.query.get("lang"), self.call.cookies.get(LANGUAGE)):
            if asked in languages():
                return Words(asked, self.person.timezone)
        return Words(negotiate(self.call.headers.get("accept-language")), self.person.timezone)

    @property
    def theme(self) -> str:
        """light, dark, or empty for what the system says."""
        found = self.call.cookies.get(THEME, "")
        return found if found in {"light", "dark"} else ""

    @property
    def csrf(self) -> str:
        """The token that each form sends."""
        return self.api.csrf_token(self.call.cookies.get(COOKIE, ""))

    @property
    def by(self) -> Actor:
        """Who acts."""
        assert self.actor is not None
        return self.actor

    @property
    def is_htmx(self) -> bool:
        """Whether a script asked for the page, to show a part of it."""
        return "hx-request" in self.call.headers

    async def read_form(self) -> None:
        """Read what a form sent; of one with a file its token only, so that nobody else's file is taken in.

        Raises Invalid or UnsupportedMediaType.
        """
        if self.call.headers.get("content-type", "").startswith(MULTIPART):
            self.parts = open_form(self.call, limit=self.api.settings.asset_max_bytes)
            if not self.call.headers.get("x-csrf-token"):
                name, text = await first_field(self.parts)
                self.call.headers["x-csrf-token"] = text if name == "csrf" else ""
            return
        text = (await self.call.body(content_types=(FORM,))).decode("utf-8", "replace")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise Invalid.at("", "too_long", "must have at most {max_length} items", max_length=MOST_FIELDS) from error
        for name, value in pairs:
            if "\x00" in value:
                raise Invalid.at(name, *NUL)
            self.form.setdefault(name, []).append(value.replace("\r\n", "\n"))
        # The session's own check reads it there.
        self.call.headers["x-csrf-token"] = self.sent("csrf") or self.call.headers.get("x-csrf-token", "")

    async def read_file(self, store: Store, *, limit: int) -> Form:
        """Read what a form with a file has behind its token. Raises Invalid, TooLarge or UnsupportedMediaType."""
        if self.parts is None:
            raise UnsupportedMediaType(content_type=self.call.headers.get("content-type", ""))
        found = await read_parts(self.parts, store, limit=limit)
        found.fields.pop("csrf", None)
        for name, values in found.fields.items():
            self.form[name] = [value.replace("\r\n", "\n") for value in values]
        return found

    def sent(self, name: str, default: str = "") -> str:
        """Return the last value a form sent under a name."""
        return self.form.get(name, [default])[-1]

    async def sign_in(self) -> None:
        """Find out who it is. Raises Unauthenticated, and Forbidden for a form without its token."""
        self.actor = actor = await self.call.authenticate()

        def read(reads: Reads) -> tuple[dict[str, Any], int]:
            assert actor.id is not None
            found = {
                **get_profile(reads, actor.id),
                "is_operator": is_operator(reads, self.api.settings.operators),
            }
            return found, count_unread(reads, UNREAD)

        found, unread = await self.read(read)
        here = str(actor.organization_id)
        organizations = found["memberships"]
        # Whoever was refused before had no time zone yet.
        self.__dict__.pop("words", None)
        name = next((one["name"] for one in organizations if one["organization_id"] == here), "")
        self.person = Person(
            found.get("full_name") or found["email"],
            found["email"],
            found["timezone"],
            name,
            organizations,
            found["is_operator"],
            unread,
            found["preferences"],
        )

    def may(self, role: Role) -> bool:
        """Return whether the visitor's role covers another."""
        return self.by.has_role(role)

    def require(self, role: Role) -> None:
        """Raise Forbidden unless the visitor's role covers another."""
        if not self.may(role):
            raise Forbidden

    def require_operator(self) -> None:
        """Raise Forbidden unless the visitor runs the installation."""
        if not self.person.is_operator:
            raise Forbidden(REFUSED)

    def readable(self) -> list[Resource]:
        """Return the resources the visitor may read."""
        return [resource for resource in self.api.catalog.resources if self.may(resource.read)]

    async def read(self, read: Callable[[Reads], T], *, snapshot: bool = True) -> T:
        """Run reads as the visitor."""

        def run() -> T:
            with self.api.database.read(self.by, snapshot=snapshot) as reads:
                return read(reads)

        return await self.api.database.aread(run)

    async def write(self, unit: Callable[[Transaction], T], *, dry_run: bool = False) -> T:
        """Run a unit of work as the visitor."""
        return await self.api.database.awrite(self.by, unit, dry_run=dry_run, large=True)

    # -- answers ------------------------------------------------------------------------------------------------------

    def set_cookie(self, name: str, value: str, seconds: int) -> None:
        """Keep something in the browser, out of the scripts' reach."""
        secure = "; Secure" if self.api.settings.cookies_are_secure else ""
        self.cookies.append(f"{name}={value}; Path=/studio; Max-Age={seconds}; SameSite=Lax; HttpOnly{secure}")

    def flash(self, text: str, *, kind: str = "done", undo: str = "", fields: dict[str, str] | None = None) -> None:
        """Say something on the next page; ``undo`` is where its button posts, with ``fields``."""
        note = {"text": text[:600], "kind": kind, "undo": undo, "fields": fields or {}}
        self.set_cookie(FLASH, urlsafe_b64encode(json.dumps(note).encode()).decode().rstrip("="), 60)

    def flashed(self) -> dict[str, Any] | None:
        """Return what the page before wanted said, once."""
        text = self.call.cookies.get(FLASH)
        if not text:
            return None
        self.set_cookie(FLASH, "", 0)
        try:
            found = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return (
                found if isinstance(found, dict) and found.get("undo") in {"", local(str(found.get("undo")))} else None
            )
        except ValueError:
            return None

    def go(self, address: str) -> Answer:
        """Answer with the way to another page."""
        return Answer(303, headers={"location": address, "cache-control": "no-store"}, cookies=self.cookies)

    def to_login(self) -> Answer:
        """Answer with the way to the login, and back to this page after it."""
        wanted = self.call.path + (f"?{self.call.query}" if self.call.query else "")
        back = f"/studio/login?next={quote(wanted, safe='')}" if self.call.method == "GET" else "/studio/login"
        if self.is_htmx:
            return Answer(204, headers={"hx-redirect": back}, cookies=self.cookies)
        return self.go(back)


def local(address: str) -> str:
    """Return an address inside of Studio, else its first page: a link must lead nowhere else."""
    is_inside = address == "/studio" or address.startswith(("/studio/", "/studio?"))
    return address if is_inside and "\\" not in address and "//" not in address.partition("?")[0] else "/studio"


def with_query(path: str, pairs: list[tuple[str, str]]) -> str:
    """Return an address with its query string, whose values stay readable."""
    text = urlencode([(name, value) for name, value in pairs if value != ""], safe="(),:*-.$", quote_via=quote)
    return f"{path}?{text}" if text else path
