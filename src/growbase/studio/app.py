"""Studio's routes: one table from addresses to pages, and what a page answers when it is refused."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar.handlers import HTTPRouteHandler

from growbase.api.call import Answer, Call, endpoint, note_refusal
from growbase.api.problems import status_of
from growbase.core import telemetry
from growbase.core.errors import GrowbaseError, MethodNotAllowed, NotFound, Unauthenticated, UnsupportedMediaType
from growbase.core.resource import Resource
from growbase.studio import (
    acts,
    boards,
    bulk,
    calendars,
    dashboards,
    details,
    discussion,
    edit,
    home,
    imports,
    inbox,
    inbox_acts,
    lists,
    lookup,
    media,
    notifications,
    running,
    signin,
    static_files,
    views,
)
from growbase.studio.render import page
from growbase.studio.visit import Visit
from growbase.studio.words import Words

Page = Callable[..., Awaitable[Answer]]

PAGES: Final[list[tuple[str, str, Page]]] = [
    ("", "GET", home.show),
    ("logout", "POST", signin.logout),
    ("switch", "POST", signin.switch),
    ("search", "GET", lookup.search),
    # Pages of their own come before those of a resource.
    *dashboards.PAGES,
    *calendars.PAGES,
    *media.PAGES,
    *boards.PAGES,
    *discussion.PAGES,
    *inbox.PAGES,
    *inbox_acts.PAGES,
    *running.PAGES,
    *imports.PAGES,
    *notifications.PAGES,
    *views.PAGES,
    ("<resource>", "GET", lists.show),
    ("<resource>/new", "GET", edit.new),
    ("<resource>/new", "POST", edit.create),
    ("<resource>/check", "POST", edit.check),
    ("<resource>/export", "GET", acts.export),
    ("<resource>/options", "GET", lookup.options),
    ("<resource>/bulk", "POST", bulk.run),
    ("<resource>/do/<verb>", "GET", acts.ask),
    ("<resource>/do/<verb>", "POST", acts.run),
    ("<resource>/<id>", "GET", details.show),
    ("<resource>/<id>/edit", "GET", edit.edit),
    ("<resource>/<id>/edit", "POST", edit.change),
    ("<resource>/<id>/trash", "GET", acts.ask_trash),
    ("<resource>/<id>/trash", "POST", acts.trash_row),
    ("<resource>/<id>/restore", "POST", acts.restore_row),
    ("<resource>/<id>/purge", "POST", acts.purge_row),
    ("<resource>/<id>/transition", "POST", acts.move),
    ("<resource>/<id>/undo", "POST", acts.undo),
    ("<resource>/<id>/do/<verb>", "GET", acts.ask),
    ("<resource>/<id>/do/<verb>", "POST", acts.run),
]
"""Behind ``/studio/``: what the path looks like, the method, the page. The first that fits is taken."""

UPLOADS: Final[frozenset[Page]] = frozenset({media.upload, imports.run, imports.run_posts})
"""Pages that take a form with a file."""

PUBLIC: Final[dict[str, Page]] = {"login": signin.login, "preferences": signin.preferences}
"""Pages for whoever is not signed in, too."""

_PATTERNS: Final = [
    (re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", path)), method, run) for path, method, run in PAGES
]


@endpoint("/studio", "GET", "HEAD", "POST")
async def first(call: Call) -> Answer:
    """Show Studio's first page."""
    return await answer(Visit(call), "")


@endpoint("/studio/{path:path}", "GET", "HEAD", "POST")
async def any_page(call: Call) -> Answer:
    """Show a page of Studio."""
    path = str(call.scope["path_params"]["path"]).strip("/")
    if path.startswith("static/"):
        return static_files.serve(path.removeprefix("static/"))
    return await answer(Visit(call), path)


async def answer(visit: Visit, path: str) -> Answer:
    """Answer with a page, with the way to the login, or with a page that says what is wrong."""
    if visit.query.get("lang") in Words.known():
        signin.keep_language(visit, visit.query["lang"])
    try:
        if visit.call.method == "POST":
            await visit.read_form()
        if path in PUBLIC:
            return await PUBLIC[path](visit)
        await visit.sign_in()
        return await _run(visit, path)
    except Unauthenticated:
        return visit.to_login()
    except GrowbaseError as error:
        await note_refusal(visit.call, error)
        return refused(visit, error)
    except Exception as error:  # noqa: BLE001 -- the edge answers everything
        call = visit.call
        telemetry.instrument(
            "request_failed", level="error", path=call.path, request_id=call.request_id, exc_info=error
        )
        return refused(visit, GrowbaseError("The server made a mistake; it is logged under the request id."))
    finally:
        if visit.parts is not None:
            await visit.parts.aclose()


async def _run(visit: Visit, path: str) -> Answer:
    method = "POST" if visit.call.method == "POST" else "GET"
    known = False
    for pattern, wanted, run in _PATTERNS:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        known = True
        if wanted == method:
            if visit.parts is not None and run not in UPLOADS:
                raise UnsupportedMediaType(content_type=visit.call.headers["content-type"].partition(";")[0])
            return await run(visit, **_arguments(visit, found.groupdict()))
    raise MethodNotAllowed(method=visit.call.method) if known else NotFound(what="page")


def _arguments(visit: Visit, parts: dict[str, str]) -> dict[str, Any]:
    if "resource" not in parts:
        return parts
    resource: Resource | None = visit.api.catalog.by_name.get(parts["resource"])
    if resource is None:
        raise NotFound(what="page")
    return {**parts, "resource": resource}


def refused(visit: Visit, error: GrowbaseError) -> Answer:
    """Answer with a page that says what is wrong and what to do."""
    words = visit.words
    details_ = [f"{words.label(item.field)}: {words.say(item.message, **item.params)}" for item in error.fields]
    status = status_of(error)
    return page(
        visit,
        "problem.html",
        status,
        status=status,
        title=words.say(error.message, **error.params),
        hint=words.say(error.hint, **error.params) if error.hint else "",
        details=details_,
        request_id=visit.call.request_id,
    )


ROUTES: Final[list[HTTPRouteHandler]] = [first, any_page]
