"""The visitor's own account: profile, password, where one is signed in, what is told, and its end."""

from dataclasses import replace
from functools import partial
from typing import Any, Final
from zoneinfo import available_timezones

from growbase.api.auth import no_cookies, slowly
from growbase.api.call import Answer, identity
from growbase.core import clock
from growbase.core.actor import ActorKind
from growbase.core.catalogue import languages
from growbase.core.errors import Conflict, Forbidden, GrowbaseError, Invalid, RateLimited
from growbase.core.reads import Reads
from growbase.domains.identity import accounts, actions
from growbase.domains.identity.actions_sessions import revoke_all_sessions, revoke_session
from growbase.domains.identity.queries import describe_session, get_profile, list_sessions
from growbase.domains.identity.schemas import AccountDeletion, PasswordChange, ProfileUpdate
from growbase.studio.forms import Input, Texts, shown, texts_of, typed
from growbase.studio.render import page
from growbase.studio.running import asking
from growbase.studio.running.names import program_of
from growbase.studio.signin import keep_language
from growbase.studio.visit import Visit
from growbase.studio.words import NAMES

PROFILE: Final = ("full_name", "username", "language", "timezone")


async def show(visit: Visit) -> Answer:
    """Show the visitor's account."""
    return await _page(visit)


async def _page(
    visit: Visit, part: str = "", texts: Texts | None = None, refusal: GrowbaseError | None = None
) -> Answer:
    """Answer with the account; ``part`` names the form that was refused."""
    if visit.by.kind is not ActorKind.USER or visit.by.id is None:
        raise Forbidden
    me, session = visit.by.id, visit.by.session_id

    def read(reads: Reads) -> tuple[dict[str, Any], list[dict[str, object]]]:
        sessions = [describe_session(one, session) for one in list_sessions(reads, me, clock.now())]
        return get_profile(reads, me), sessions

    profile, sessions = await visit.read(read)
    names = {one["organization_id"]: one["name"] for one in profile["memberships"]}
    forms = {"profile": _profile(visit), "password": _password(visit), "end": _end(visit)}
    given = {"profile": texts_of(visit.words, forms["profile"], profile), "password": {}, "end": {}}
    wrong = Invalid(fields=refusal.fields) if refusal else None
    fields = {
        name: await shown(
            visit, inputs, (texts or {}) if name == part else given[name], wrong if name == part else None
        )
        for name, inputs in forms.items()
    }
    fields["profile"] = [
        replace(one, options=[(key, NAMES.get(key, key)) for key in languages()])
        if one.input.name == "language"
        else one
        for one in fields["profile"]
    ]
    words = visit.words
    return page(
        visit,
        "running/account.html",
        422 if refusal else 200,
        profile=profile,
        sessions=[
            {**one, "program": program_of(str(one["user_agent"] or ""))}
            for one in sorted(sessions, key=lambda one: not one["is_current"])
        ],
        organizations=names,
        fields=fields,
        part=part,
        refusal=words.say(refusal.message, **refusal.params) if refusal else "",
        email=visit.person.email,
    )


def _profile(visit: Visit) -> list[Input]:
    zones = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix")))
    return asking.fields(visit, ProfileUpdate, PROFILE, {"language": languages(), "timezone": ["UTC", *zones]})


def _password(visit: Visit) -> list[Input]:
    found = asking.fields(visit, PasswordChange, ("current_password", "new_password"))
    return [_secret(one) for one in found]


def _end(visit: Visit) -> list[Input]:
    return [_secret(one) for one in asking.fields(visit, AccountDeletion, ("password",))]


def _secret(one: Input) -> Input:
    return Input(one.name, "password", required=True, help=one.help)


async def change_profile(visit: Visit) -> Answer:
    """Change the visitor's names, language and time zone."""
    inputs = _profile(visit)
    texts = typed(visit, inputs)
    try:
        values = asking.parsed(visit, ProfileUpdate, inputs, texts, keep_empty=True)
        await visit.write(lambda tx: actions.update_profile(tx, changes=values))
    except (Invalid, Conflict) as error:
        return await _page(visit, "profile", texts, error)
    keep_language(visit, str(values.get("language") or visit.words.language))
    visit.flash(visit.words.say("Saved."))
    return visit.go("/studio/account")


async def change_password(visit: Visit) -> Answer:
    """Set a new password; every other login ends."""
    inputs = _password(visit)
    texts = typed(visit, inputs)
    try:
        values = asking.parsed(visit, PasswordChange, inputs, texts)
        change = partial(accounts.change_password, visit.api.authenticator, visit.by)
        await slowly(partial(change, current=values["current_password"], password=values["new_password"]))
    except (Invalid, Conflict, RateLimited) as error:
        return await _page(visit, "password", {}, error)
    visit.flash(visit.words.say("The password is changed; every other login has ended."))
    return visit.go("/studio/account")


async def end_session(visit: Visit) -> Answer:
    """Log out somewhere else, or everywhere else."""
    if visit.sent("id") == "others":
        assert visit.by.id is not None
        me = visit.by.id
        await visit.write(lambda tx: revoke_all_sessions(tx, user_id=me, keep=visit.by.session_id))
    else:
        key = identity(visit.sent("id"))
        await visit.write(lambda tx: revoke_session(tx, id=key))
    visit.flash(visit.words.say("Signed out there."))
    return visit.go("/studio/account")


async def delete(visit: Visit) -> Answer:
    """End the account for good, the password being right."""
    inputs = _end(visit)
    try:
        values = asking.parsed(visit, AccountDeletion, inputs, typed(visit, inputs))
        await slowly(partial(accounts.delete_account, visit.api.authenticator, visit.by, **values))
    except (Invalid, Conflict, RateLimited) as error:
        return await _page(visit, "end", {}, error)
    visit.cookies += no_cookies(visit.call)
    return visit.go("/studio/login")


PAGES: Final[list[tuple[str, str, Any]]] = [
    ("account", "GET", show),
    ("account", "POST", change_profile),
    ("account/password", "POST", change_password),
    ("account/sessions", "POST", end_session),
    ("account/delete", "POST", delete),
]
