"""API keys: what programs may do here, made with their text shown once, and revoked."""

from datetime import timedelta
from typing import Any, Final

from growbase.api.call import Answer, identity
from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.errors import Conflict, Invalid, LimitExceeded
from growbase.core.reads import Reads
from growbase.core.schema import parse_with
from growbase.core.types import compact_json, moment_text
from growbase.domains.identity.actions_keys import create_api_key, revoke_api_key
from growbase.domains.identity.models import ApiKey
from growbase.domains.identity.schemas import NewApiKey
from growbase.domains.identity.tokens import ApiKeyText
from growbase.studio.forms import Input, Texts, typed
from growbase.studio.render import page
from growbase.studio.rows import names_by_id
from growbase.studio.running import asking
from growbase.studio.running.operating import plain
from growbase.studio.visit import Visit

COLUMNS: Final = ("id", "name", "prefix", "scopes", "expires_at", "last_used_at", "revoked_at", "created_at")
MESSAGES: Final = {
    "read": "read everything",
    "read_and_write": "read and write everything",
    "everything": "everything an admin may do",
    "publishable": "only send analytics events (publishable)",
    "in_30_days": "in 30 days",
    "in_90_days": "in 90 days",
    "in_a_year": "in a year",
    "never": "never",
}
SCOPES: Final = {
    "read": ["read"],
    "read_and_write": ["read", "write"],
    "everything": ["read", "write", "admin"],
    "publishable": ["analytics:write"],
}
"""What a key may do, by a word: what people mean when they make one."""
DAYS: Final = {"in_30_days": 30, "in_90_days": 90, "in_a_year": 365, "never": 0}


async def show(visit: Visit) -> Answer:
    """Show the keys: those that work first."""
    visit.require(Role.ADMIN)
    now = moment_text(clock.now())

    def read(reads: Reads) -> tuple[list[dict[str, Any]], dict[str, str]]:
        rows = reads.rows(ApiKey, order="-created_at, id", limit=500)
        by = {str(row.__dict__["created_by"]) for row in rows if row.__dict__["created_by"]}
        names = names_by_id(reads, "users", by)
        return [{**plain(row, *COLUMNS), "by": names.get(str(row.__dict__["created_by"]), "")} for row in rows], names

    rows, _ = await visit.read(read)
    for row in rows:
        is_over = row["expires_at"] is not None and row["expires_at"] <= now
        row["state"] = "revoked" if row["revoked_at"] else "expired" if is_over else "active"
        row["may"] = may = next(
            (word for word, scopes in SCOPES.items() if sorted(scopes) == sorted(row["scopes"])), ""
        )
        row["may_text"] = visit.words.say(MESSAGES[may]) if may else ""
    rows.sort(key=lambda row: row["state"] != "active")
    return page(visit, "running/keys.html", rows=rows)


async def new(visit: Visit) -> Answer:
    """Show the form of a new key, or make it and show its text this once."""
    visit.require(Role.ADMIN)
    words = visit.words
    inputs = [
        Input("name", "text", required=True, longest=100, help="What uses it, such as: shop, nightly report."),
        Input("may", "choice", required=True, choices=tuple(SCOPES)),
        Input("expires", "choice", required=True, choices=tuple(DAYS)),
    ]
    back = ("/studio/keys", words.say("API keys"))
    if visit.call.method != "POST":
        return await _form(visit, inputs, {"may": "read", "expires": "in_90_days"}, back)
    texts = typed(visit, inputs)
    text = ApiKeyText.new(visit.api.settings.region)
    try:
        values = _values(texts)
        await visit.write(lambda tx: create_api_key(tx, prefix=text.prefix, key_hash=text.key_hash, **values))
    except (Invalid, Conflict, LimitExceeded) as error:
        return await _form(visit, inputs, texts, back, error)
    hint = words.say("Programs send it as Authorization: Bearer. Whoever has it can do what it may do.")
    return asking.once(
        visit, title=words.say("New API key"), back=back, name=texts["name"], secret=text.plaintext, hint=hint
    )


def _values(texts: Texts) -> dict[str, Any]:
    """Return what the API's own schema makes of the form. Raises Invalid."""
    days = DAYS.get(texts["expires"], 0)
    body: dict[str, Any] = {"name": texts["name"], "scopes": SCOPES.get(texts["may"], [])}
    if days:
        body["expires_at"] = moment_text(clock.now() + timedelta(days=days))
    found: NewApiKey = parse_with(NewApiKey.model_validate_json, compact_json(body).encode())
    return {name: getattr(found, name) for name in NewApiKey.model_fields}


async def _form(
    visit: Visit,
    inputs: list[Input],
    texts: Texts,
    back: tuple[str, str],
    refusal: Invalid | Conflict | LimitExceeded | None = None,
) -> Answer:
    words = visit.words
    about = words.say(
        "A publishable key only takes analytics events and may stand in a web page; all others are secrets."
    )
    return await asking.form(
        visit,
        title=words.say("New API key"),
        back=back,
        button=words.say("Create"),
        inputs=inputs,
        texts=texts,
        about=about,
        refusal=refusal,
        called={name: words.say(text) for name, text in MESSAGES.items()},
    )


async def revoke(visit: Visit, id: str) -> Answer:
    """Make a key useless, at once and for good."""
    visit.require(Role.ADMIN)
    key = identity(id)
    await visit.write(lambda tx: revoke_api_key(tx, id=key))
    visit.flash(visit.words.say("Revoked: it does not work any more."))
    return visit.go("/studio/keys")


PAGES: Final[list[tuple[str, str, Any]]] = [
    ("keys", "GET", show),
    ("keys/new", "GET", new),
    ("keys/new", "POST", new),
    ("keys/<id>/revoke", "POST", revoke),
]
