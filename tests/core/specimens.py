"""A small domain for the tests of the core: every kind of column, three levels of rows, each fate of a dependant."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.model import (
    Fact,
    Key,
    Owned,
    Root,
    Rule,
    Trashable,
    boolean,
    choice,
    currency,
    day,
    document,
    identifier,
    index,
    integer,
    member,
    moment,
    money,
    norm,
    number,
    reference,
    secret,
    state,
    table_of,
    text,
    unique,
)
from growbase.core.resource import Catalog, Resource
from growbase.core.subject_keys import open_changes
from growbase.core.tables import Change
from growbase.core.transaction import Transaction
from growbase.domains.identity.resources import RESOURCES


class BoxState(StrEnum):
    """Where a box stands."""

    PACKED = "packed"
    SHIPPED = "shipped"
    OPENED = "opened"
    LOST = "lost"


class Size(StrEnum):
    """How large a box is."""

    SMALL = "small"
    LARGE = "large"


class Shelf(Trashable, Owned):
    """Holds boxes."""

    __tablename__ = "specimen_shelves"

    name: Mapped[str] = text(max_length=100, min_length=1)
    name_norm: Mapped[str] = norm("name")
    remark: Mapped[str | None] = text()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("name_norm"), index("name", "id"))


class Box(Trashable, Owned):
    """Has a column of every kind."""

    __tablename__ = "specimen_boxes"

    label: Mapped[str] = text(max_length=100, min_length=1)
    remark: Mapped[str | None] = text()
    shelf_id: Mapped[UUID | None] = reference("specimen_shelves")
    owner_user_id: Mapped[UUID | None] = member()
    origin_id: Mapped[UUID | None] = identifier(writable="always")
    state: Mapped[BoxState] = state(BoxState.PACKED)
    size: Mapped[Size | None] = choice(Size)
    coin_count: Mapped[int] = integer(ge=0, le=1_000, default=0)
    rank: Mapped[int | None] = integer()
    price_minor: Mapped[int | None] = money()
    currency: Mapped[str | None] = currency()
    weight: Mapped[float | None] = number(ge=-1e9, le=1e9)
    height: Mapped[float | None] = number()
    is_open: Mapped[bool] = boolean(default=False)
    is_rare: Mapped[bool | None] = boolean()
    found_at: Mapped[datetime | None] = moment()
    found_on: Mapped[date | None] = day()
    tags: Mapped[list[str]] = document(default=list)
    details: Mapped[dict[str, Any] | None] = document()
    pin_cipher: Mapped[bytes | None] = secret()
    hash: Mapped[str | None] = text(max_length=64, writable="never", hidden=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("label", "id"),
        index("rank", "id"),
        index("weight", "id"),
        index("found_at", "id"),
        index("state", "updated_at", "id"),
    )
    __checks__: ClassVar[dict[str, str]] = {"price": "price_minor IS NULL OR currency IS NOT NULL"}


class Coin(Trashable, Owned):
    """Lies in a box; two live coins of a box differ in their serial."""

    __tablename__ = "specimen_coins"

    box_id: Mapped[UUID] = reference("specimen_boxes", writable="create")
    serial: Mapped[str] = text(max_length=60, min_length=1)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("box_id", "serial"),)


class Photo(Owned):
    """Shows a box, and stays when the box is purged."""

    __tablename__ = "specimen_photos"

    box_id: Mapped[UUID | None] = reference("specimen_boxes", on_purge="null")
    caption: Mapped[str] = text(max_length=200)


def _key(order: int) -> Any:  # noqa: ANN401 -- a column declaration
    return mapped_column(
        types.Identifier(), primary_key=True, sort_order=order, info={"rule": Rule("identifier", writable="never")}
    )


class Visit(Fact):
    """Counts looks into a box; a box that was looked into is never forgotten."""

    __tablename__ = "specimen_visits"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(-10)
    id: Mapped[UUID] = _key(-9)
    box_id: Mapped[UUID] = reference("specimen_boxes")
    looks: Mapped[int] = integer(ge=0, default=0)


class Sticker(Fact):
    """Goes with its box."""

    __tablename__ = "specimen_stickers"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(-10)
    id: Mapped[UUID] = _key(-9)
    box_id: Mapped[UUID] = reference("specimen_boxes", on_purge="cascade")
    words: Mapped[str] = text(max_length=20)


SHELVES = Resource(
    Shelf,
    children=("specimen_boxes",),
    counts=("specimen_boxes",),
    sortable=("name", "created_at", "updated_at"),
    tombstone=("remark",),
)
BOXES = Resource(
    Box,
    children=("specimen_coins",),
    counts=("specimen_coins",),
    expand=("shelf", "owner"),
    search=("label", "remark"),
    sortable=("label", "rank", "weight", "found_at", "coin_count", "is_open", "created_at", "updated_at"),
    transitions={
        BoxState.PACKED: {BoxState.SHIPPED, BoxState.LOST},
        BoxState.SHIPPED: {BoxState.OPENED, BoxState.LOST},
        BoxState.LOST: {BoxState.PACKED},
    },
    state="state",
    tombstone=("label", "remark", "details", "pin_cipher"),
)
COINS = Resource(Coin, sortable=("serial", "created_at", "updated_at"))
PHOTOS = Resource(Photo)

MODELS: tuple[type[Root], ...] = (Shelf, Box, Coin, Photo, Visit, Sticker)
TABLES = [table_of(model) for model in MODELS]


def catalog() -> Catalog:
    """Return the resources of people and of the specimens."""
    return Catalog([*RESOURCES, SHELVES, BOXES, COINS, PHOTOS])


def make_shelf(tx: Transaction, **over: object) -> UUID:
    """Insert a shelf."""
    return tx.insert(Shelf, **{"name": "Top", **over})


def make_box(tx: Transaction, **over: object) -> UUID:
    """Insert a box."""
    return tx.insert(Box, **{"label": "Box", **over})


def make_coin(tx: Transaction, **over: object) -> UUID:
    """Insert a coin."""
    return tx.insert(Coin, **{"serial": "1", **over})


def add_box(db: Database, actor: Actor, **values: object) -> UUID:
    """Write a box in a unit of its own."""
    return db.write(actor, lambda tx: make_box(tx, **values))


def stored(db: Database, actor: Actor, identity: UUID, model: type[Root] = Box) -> dict[str, Any]:
    """Return the values of a row, also in the trash."""
    with db.read(actor) as reads:
        return dict(reads.get(model, identity, trash=True).__dict__)


def changes_of(db: Database, actor: Actor, identity: UUID) -> list[Change]:
    """Return the change rows of a row, oldest first."""
    with db.read(actor) as reads:
        return open_changes(reads, reads.rows(Change, order="seq", entity_id=identity))
