"""The media library: files as pictures, taking one in, whom each shows, and where it is used."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from growbase.api.assets import asset_answer, keep_file
from growbase.api.call import Answer, identity
from growbase.api.forms import Form, Store
from growbase.core.errors import GrowbaseError, Invalid, InvalidQuery, NotFound
from growbase.core.query import parse
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_assets import find_duplicates, update_asset
from growbase.domains.marketing.actions_subjects import find_subject, table_of_subject
from growbase.domains.marketing.models_assets import Asset, AssetKind
from growbase.domains.social.models_publishing import ScheduledPost
from growbase.studio.acts import flash_error
from growbase.studio.details import related_to
from growbase.studio.edit import current_row
from growbase.studio.render import page
from growbase.studio.rows import columns_of, names_by_id, names_in, title_of
from growbase.studio.visit import Visit, with_query

LIMIT: Final = 30
USES: Final = 10
"""Uses of a file that are listed of one resource."""
INLINE_BYTES: Final = 20_000_000
"""Pictures up to here are shown; larger ones by their name."""
FIELDS: Final = (
    *("id", "kind", "original_filename", "title", "alt_text", "mime_type", "size_bytes", "width", "height"),
    *("tags", "created_at", "analysis_status", "erased_at"),
)
RESOURCE: Final = "assets"
ADDRESS: Final = "/studio/media"


@dataclass(frozen=True, slots=True)
class Use:
    """Rows of one resource that use a file: what each is called, and its address."""

    resource: Resource
    rows: list[tuple[str, str]]
    count: int


async def show(visit: Visit) -> Answer:
    """Show the files an address asks for."""
    resource = visit.api.catalog.by_name[RESOURCE]
    visit.require(resource.read)
    asked = {name: visit.query.get(name, "").strip() for name in ("q", "kind", "tag", "from", "to", "cursor")}
    refusal: InvalidQuery | None = None
    rows: list[dict[str, Any]] = []
    cursor = None
    try:
        query = parse(visit.api.catalog, resource, urlencode(_conditions(visit, resource, asked)))
        found = await visit.api.database.aread(lambda: visit.api.reader.page(visit.by, resource, query))
        rows, cursor = [json.loads(row) for row in found.rows], found.next_cursor
    except InvalidQuery as error:
        refusal = error
    kept = [(name, value) for name, value in asked.items() if value and name != "cursor"]
    return page(
        visit,
        "media.html",
        400 if refusal else 200,
        is_searched=bool(resource.search),
        rows=rows,
        asked=asked,
        kinds=[kind.value for kind in AssetKind],
        next=with_query(ADDRESS, [*kept, ("cursor", cursor)]) if cursor else "",
        refusal=refusal,
        may_upload=visit.may(resource.write),
        is_filtered=bool(kept),
        inline=INLINE_BYTES,
        most=visit.api.settings.asset_max_bytes,
    )


def _conditions(visit: Visit, resource: Resource, asked: dict[str, str]) -> list[tuple[str, str]]:
    """Return the query of the API that an address stands for."""
    pairs = [("fields", ",".join(FIELDS)), ("limit", str(LIMIT)), ("sort", "-created_at")]
    if asked["q"] and resource.search:
        pairs.append(("q", asked["q"]))
    if asked["kind"]:
        pairs.append(("kind", asked["kind"]))
    if asked["tag"]:
        pairs.append(("tags", f"contains.{asked['tag']}"))
    for name, operator in (("from", "gte"), ("to", "lt")):
        if asked[name]:
            try:
                bound = visit.words.day_bounds(asked[name], end=name == "to")
            except (ValueError, OverflowError):
                bound = asked[name]
            pairs.append(("created_at", f"{operator}.{bound}"))
    if asked["cursor"]:
        pairs.append(("cursor", asked["cursor"]))
    return pairs


async def upload(visit: Visit) -> Answer:
    """Take a file in as the API does, and show it."""
    resource = visit.api.catalog.by_name[RESOURCE]
    visit.require(resource.write)
    read: Callable[[Store], Awaitable[Form]] = lambda store: _read(visit, store)  # noqa: E731 -- a closure
    try:
        answer = await keep_file(visit.call, visit.by, read)
    except GrowbaseError as error:
        flash_error(visit, error)
        return visit.go(ADDRESS)
    row = json.loads(answer.body)
    words = visit.words
    if row["duplicates"]:
        visit.flash(words.say("Uploaded. The same file is here already: see below."))
    else:
        visit.flash(words.say("Uploaded."))
    return visit.go(f"{ADDRESS}/{row['id']}")


async def _read(visit: Visit, store: Store) -> Form:
    form = await visit.read_file(store, limit=visit.api.settings.asset_max_bytes)
    if not form.size:
        raise Invalid("Choose a file first.")
    return form


async def file(visit: Visit, id: str) -> Answer:
    """Answer a file's bytes for a page; looking at a page is no download."""
    visit.require(visit.api.catalog.by_name[RESOURCE].read)
    return await asset_answer(visit.call, visit.by, identity(id))


async def detail(visit: Visit, id: str) -> Answer:
    """Show a file, what is known of it and where it is used."""
    resource = visit.api.catalog.by_name[RESOURCE]
    visit.require(resource.read)
    key = identity(id)
    row = await current_row(visit, resource, key)

    def read(reads: Reads) -> dict[str, Any]:
        again = find_duplicates(reads, id=key)
        twins = reads.rows(Asset, id=again, order="id") if again else []
        return {
            "uses": _uses(reads, visit, resource, key),
            "duplicates": {str(twin.id): twin.title or twin.original_filename for twin in twins},
            "names": names_in(reads, [row], columns_of(resource)),
            "shows": _shows(reads, row["subject_id"]) if row["subject_id"] else None,
        }

    found = await visit.read(read)
    name = visit.words.say("Erased file") if row["erased_at"] else row["original_filename"]
    return page(
        visit,
        "media_detail.html",
        row=row,
        title=row["title"] or name,
        may_edit=visit.may(resource.write),
        inline=INLINE_BYTES,
        **found,
    )


def _shows(reads: Reads, id: str) -> tuple[str, str]:
    """Return the name of the person a file shows, and the address of their row; a user has none."""
    table = table_of_subject(reads, UUID(id))
    resource = reads.context.catalog.by_table.get(table) if table else None
    name = names_by_id(reads, table, [id]).get(id) if table else None
    return name or id[-6:], f"/studio/{resource.name}/{id}" if resource else ""


async def say_whom(visit: Visit, id: str) -> Answer:
    """Say by an address whom a file shows, or that it shows nobody."""
    visit.require(visit.api.catalog.by_name[RESOURCE].write)
    key, address = identity(id), visit.sent("address").strip()

    def unit(tx: Transaction) -> None:
        found = find_subject(tx, address) if address else None
        if address and found is None:
            raise NotFound(what="person")
        update_asset(tx, id=key, changes={"subject_id": found})

    try:
        await visit.write(unit)
    except GrowbaseError as error:
        flash_error(visit, error)
    else:
        visit.flash(visit.words.say("Saved."))
    return visit.go(f"{ADDRESS}/{key}")


def _uses(reads: Reads, visit: Visit, resource: Resource, key: UUID) -> list[Use]:
    """Return what refers to a file; a row that only ties it to another one is shown as that other one."""
    found = []
    for related in related_to(reads, visit, resource, key):
        if not related.count:
            continue
        other = related.resource
        tied: dict[str, Any] = {related.column: key}
        rows = reads.rows(other.model, order="-id", limit=USES, **tied)
        ties = [other.expand_column(name) for name in other.expand if other.expand_column(name).name != related.column]
        target = ties[0].info["rule"].target if ties and not other.creatable else None
        behind = visit.api.catalog.by_table.get(target) if target else None
        if behind is not None and visit.may(behind.read):
            ids = list(dict.fromkeys(str(row.__dict__[ties[0].name]) for row in rows))
            found.append(Use(behind, _called(reads, visit, behind, ids), related.count))
            if target == "content_pieces":
                found += _posts(reads, visit, ids)
        else:
            names = names_in(reads, [row.__dict__ for row in rows], columns_of(other))
            titled = [
                (title_of(visit.words, other, row.__dict__, names), f"/studio/{other.name}/{row.__dict__['id']}")
                for row in rows
            ]
            found.append(Use(other, titled, related.count))
    return found


def _called(reads: Reads, visit: Visit, resource: Resource, ids: list[str]) -> list[tuple[str, str]]:
    names = names_by_id(reads, resource.table.name, ids)
    plain = visit.words.named(resource)
    return [(names.get(id) or f"{plain} {id[-6:]}", f"/studio/{resource.name}/{id}") for id in ids]


def _posts(reads: Reads, visit: Visit, pieces: list[str]) -> list[Use]:
    resource = visit.api.catalog.by_name["scheduled-posts"]
    wanted = [UUID(id) for id in pieces]
    rows = reads.rows(ScheduledPost, content_piece_id=wanted, order="-scheduled_at", limit=USES)
    if not rows or not visit.may(resource.read):
        return []
    words = visit.words
    titled = [
        (
            f"{words.short_moment(row.scheduled_at.isoformat())} · {words.label(row.status.value)}",
            f"/studio/{resource.name}/{row.id}",
        )
        for row in rows
    ]
    return [Use(resource, titled, len(rows))]


PAGES: Final[list[tuple[str, str, Callable[..., Awaitable[Answer]]]]] = [
    ("media", "GET", show),
    ("media", "POST", upload),
    ("media/<id>", "GET", detail),
    ("media/<id>/file", "GET", file),
    ("media/<id>/shows", "POST", say_whom),
]
