"""Pages from their templates: the frame, the navigation and the policy that lets a page load nothing foreign."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from growbase.api.call import Answer
from growbase.core.model import View
from growbase.core.resource import Resource
from growbase.studio import static_files
from growbase.studio.places import places
from growbase.studio.rows import title_columns
from growbase.studio.visit import Visit
from growbase.studio.words import NAMES, currency_of

HTML: Final = "text/html; charset=utf-8"
POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    # A part of a page and the page itself have one address.
    "vary": "cookie, accept-language, hx-request",
}
HTMX: Final = {
    "allowEval": False,
    "allowScriptTags": False,
    "selfRequestsOnly": True,
    "includeIndicatorStyles": False,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    "scrollIntoViewOnBoost": False,
    "responseHandling": [{"code": "204", "swap": False}, {"code": "...", "swap": True}],
}
ORDER: Final = ("", "marketing", "outreach", "social", "commerce", "identity", "core")
"""The domains in the navigation, behind pages of no domain; own ones come before them."""


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.globals |= {"asset": static_files.url_of, "htmx_config": json.dumps(HTMX), "languages": NAMES}
    found.globals |= {"currency_of": currency_of, "title_columns": title_columns, "turned": turned, "pretty": pretty}
    return found


def page(visit: Visit, template: str, status: int = 200, /, **values: Any) -> Answer:  # noqa: ANN401 -- a template's
    """Answer with a page."""
    words = visit.words
    linked = {one.table.name for one in visit.readable() if not issubclass(one.model, View)} if visit.actor else set()
    given = {
        "visit": visit,
        "w": words,
        "_": words.say,
        "csrf": csrf_field(visit.csrf),
        "note": visit.flashed() if visit.actor else None,
        "groups": navigation(visit) if visit.actor else [],
        "settings": visit.api.settings,
        "here": visit.call.path,
        "current": values.get("resource"),
        "tables": lambda: linked,
    }
    text = _environment().get_template(template).render({**given, **values})
    return Answer(status, text.encode(), dict(HEADERS), visit.cookies, HTML)


def csrf_field(token: str) -> Markup:
    """Return the field of a form that proves it is one of ours."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def navigation(visit: Visit) -> list[dict[str, Any]]:
    """Return the resources the visitor may read, by domain: those found by words first, the rest behind them."""
    titles = {
        "marketing": visit.words.say("Marketing"),
        "outreach": visit.words.say("Outreach"),
        "social": visit.words.say("Social media"),
        "commerce": visit.words.say("Commerce"),
        "identity": visit.words.say("Organization"),
        "core": visit.words.say("Operations"),
    }
    groups: dict[str, dict[str, Any]] = {}

    def group_of(name: str) -> dict[str, Any]:
        empty: dict[str, Any] = {"name": titles.get(name, name.capitalize()), "places": [], "main": [], "more": []}
        return groups.setdefault(name, empty)

    readable = visit.readable()
    names = {resource.name for resource in readable}
    covered: set[str] = set()
    for place in places(visit.words):
        runs = visit.person.is_operator and place.operators != ""
        may = runs or (visit.may(place.role) and place.operators != "only")
        if may and names.issuperset(place.needs):
            group_of(place.group)["places"].append(place)
            covered.update(place.covers)
    for resource in readable:
        stands = resource.name not in covered and is_main(visit, resource)
        group_of(domain_of(resource))["main" if stands else "more"].append(resource)
    return [groups[name] for name in sorted(groups, key=lambda name: ORDER.index(name) if name in ORDER else 0.5)]


def domain_of(resource: Resource) -> str:
    """Return the domain a resource belongs to: the package behind ``domains``, else the first."""
    parts = resource.model.__module__.split(".")
    return parts[2] if parts[:2] == ["growbase", "domains"] else parts[1] if parts[0] == "growbase" else parts[0]


def is_main(visit: Visit, resource: Resource) -> bool:
    """Return whether a resource stands by itself: no other row's child, and found by words or made by people."""
    has_parent = resource.table.name in visit.api.catalog.parents and not resource.counts
    return not has_parent and bool(resource.search or resource.counts or resource.transitions)


def turned(listing: Any, name: str) -> str:  # noqa: ANN401 -- a list of rows
    """Return the order a click on a column's head asks for: the other way round, else from A, or the newest first."""
    known = {column.name: column.kind for column in listing.columns}
    is_down = listing.order.get(name)
    if is_down is None:
        is_down = known.get(name, "text") not in {"moment", "day", "integer", "number", "money"}
    return name if is_down else f"-{name}"


def pretty(value: object) -> str:
    """Return a document as readable JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)
