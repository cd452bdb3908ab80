"""Settings: the organization's own, which are edited here, and the installation's, which its environment sets."""

import json
from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import available_timezones

from growbase.api.call import Answer
from growbase.api.crud import change_row
from growbase.core.actor import Role
from growbase.core.config import SettingSource
from growbase.core.errors import Conflict, GrowbaseError, Invalid, NotFound, Stale
from growbase.core.folding import fold
from growbase.core.schema import update_schema
from growbase.domains.identity.models import OrganizationSettings
from growbase.studio.edit import current_row
from growbase.studio.forms import Input, Texts, inputs_of, parse_form, shown, texts_of, typed
from growbase.studio.render import page
from growbase.studio.visit import Visit
from growbase.studio.words import Words

FIELDS: Final = (
    *("name", "timezone", "website", "domain", "billing_email", "languages", "markets", "tagline", "description"),
)
BRAND: Final = Input("require_brand", "boolean", help="A campaign needs a brand.")
AREAS: Final[dict[str, tuple[str, ...]]] = {
    "server": (
        *("environment", "host", "port", "public_url", "processes", "request_body_max_bytes", "cors_origins"),
        *("trusted_proxies", "docs_enabled", "studio_enabled", "embedded_worker", "domains", "operators"),
        "allow_private_addresses",
    ),
    "database": (
        *("data_dir", "database_url", "direct_url", "shadow_database_url", "redis_url", "replica_urls"),
        *("replica_max_lag_seconds", "pgbouncer", "pool_max", "pool_timeout_seconds", "statement_timeout_ms"),
        *("allow_old_sqlite", "allow_second_server"),
    ),
    "start": ("admin_email", "admin_password", "demo_data", "demo_password"),
    "security": (
        *("secret_key", "encryption_keys", "access_token_minutes", "refresh_token_days", "login_max_failures"),
        *("login_lock_minutes", "login_rate_per_minute", "cookie_secure"),
    ),
    "files": (
        *("assets_url", "asset_max_bytes", "asset_analysis", "s3_endpoint", "s3_region", "s3_access_key_id"),
        "s3_secret_access_key",
    ),
    "backup": ("backup_url", "backup_copy_url", "backup_every", "export_url"),
    "outside": (
        *("smtp_url", "mail_from", "ai_base_url", "ai_key", "ai_model", "stripe_webhook_secret"),
        "shopify_api_secret",
    ),
    "regions": ("region", "regions", "region_secret"),
}
"""Which settings belong together; what none names comes last."""
MESSAGES: Final = {
    "server": "Server",
    "database": "Database",
    "start": "First start",
    "security": "Security",
    "files": "Files",
    "backup": "Backups",
    "outside": "Mail, model and other services",
    "regions": "Regions",
    "rest": "Keeping, logs and alerts",
    "default": "default",
    "environment": "environment",
    "argument": "given by the command",
}


async def show(visit: Visit) -> Answer:
    """Show the organization's settings."""
    visit.require(Role.ADMIN)
    return await _form(visit)


async def change(visit: Visit) -> Answer:
    """Change the organization's settings as the API does."""
    visit.require(Role.ADMIN)
    inputs = _inputs(visit)
    texts = typed(visit, [*inputs, BRAND])
    version = int(visit.sent("version")) if visit.sent("version").isdecimal() else None
    resource = visit.api.catalog.by_name["organizations"]
    here = visit.by.organization_id
    assert here is not None
    try:
        schema = update_schema(resource.name, resource.model)
        values = parse_form(visit.words, inputs, texts, schema.parse, keep_empty=True)
        row = await current_row(visit, resource, here)
        settings = {**row["settings"], "require_brand": texts["require_brand"] == "true"}
        values["settings"] = OrganizationSettings.model_validate(settings).model_dump()
        await visit.write(lambda tx: change_row(tx, resource, here, values, version))
    except (Invalid, Conflict, Stale) as error:
        return await _form(visit, texts, error)
    visit.flash(visit.words.say("Saved."))
    return visit.go("/studio/settings")


def _inputs(visit: Visit) -> list[Input]:
    resource = visit.api.catalog.by_name["organizations"]
    model = update_schema(resource.name, resource.model).model
    known = {one.name: one for one in inputs_of(visit.api.catalog, model, resource)}
    return [known[name] for name in FIELDS if name in known]


async def _form(visit: Visit, texts: Texts | None = None, refusal: GrowbaseError | None = None) -> Answer:
    if visit.by.organization_id is None:
        raise NotFound(what="organization")
    resource, words = visit.api.catalog.by_name["organizations"], visit.words
    row = await current_row(visit, resource, visit.by.organization_id)
    inputs = _inputs(visit)
    settings = row["settings"] if isinstance(row["settings"], dict) else json.loads(row["settings"])
    stored = {**texts_of(words, inputs, row), **texts_of(words, [BRAND], settings)}
    wrong = Invalid(fields=refusal.fields) if refusal else None
    return page(
        visit,
        "running/organization.html",
        422 if refusal else 200,
        row=row,
        fields=await shown(visit, [*inputs, BRAND], texts or stored, wrong),
        zones=sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix"))),
        refusal=words.say(refusal.message, **refusal.params) if refusal else "",
    )


# -- the installation -------------------------------------------------------------------------------------------------


async def installation(visit: Visit) -> Answer:
    """Show every setting of the installation with its value, where that comes from, and what it is for."""
    visit.require_operator()
    text, is_set = fold(visit.query.get("q", "").strip()), visit.query.get("set") == "1"
    found = [
        one
        for one in visit.api.settings.describe_sources()
        if (not text or text in fold(f"{one.variable} {one.help} {visit.words.say(one.help)}"))
        and (not is_set or one.source != "default")
    ]
    errors, notes = visit.api.settings.problems()
    return page(
        visit,
        "running/installation.html",
        areas=list(_areas(visit.words, found)),
        q=visit.query.get("q", ""),
        is_set=is_set,
        problems=[(one.field, one.text()) for one in (*errors, *notes)],
        source_of=lambda source: visit.words.say(MESSAGES[source]) if source in MESSAGES else source,
    )


def _areas(words: Words, found: list[SettingSource]) -> Iterator[tuple[str, list[SettingSource]]]:
    named = {name for names in AREAS.values() for name in names}
    for area, names in AREAS.items():
        listed = [one for one in found if one.field in names]
        if listed:
            yield words.say(MESSAGES[area]), listed
    rest = [one for one in found if one.field not in named]
    if rest:
        yield words.say(MESSAGES["rest"]), rest


PAGES: Final[list[tuple[str, str, Any]]] = [
    ("settings", "GET", show),
    ("settings", "POST", change),
    ("settings/installation", "GET", installation),
]
