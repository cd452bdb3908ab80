"""Demonstration data: three small pictures, drawn here, whose bytes are stored before their rows are made."""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from growbase.core.files import FileStore, StoredFile
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_assets import add_asset
from growbase.domains.marketing.models import Brand, Campaign
from growbase.domains.marketing.models_assets import Asset


class Picture(NamedTuple):
    """A picture of two colours, one above the other, and what its row says."""

    name: str
    size: tuple[int, int]
    colors: tuple[str, str]
    brand: str | None
    campaign: str | None
    values: dict[str, Any]


PICTURES: Final = (
    Picture(
        "northwind-logo.png",
        (96, 96),
        ("#3B2417", "#E07A3F"),
        "Northwind Coffee",
        None,
        {"kind": "logo", "title": "Northwind logo", "alt_text": "Brown above orange", "tags": ["logo", "coffee"]},
    ),
    Picture(
        "lumen-logo.png",
        (96, 96),
        ("#0B3954", "#F6C85F"),
        "Lumen Bikes",
        None,
        {"kind": "logo", "title": "Lumen logo", "alt_text": "Blue above yellow", "tags": ["logo", "bikes"]},
    ),
    Picture(
        "winter-roast-banner.png",
        (480, 160),
        ("#FBF6EF", "#3B2417"),
        "Northwind Coffee",
        "Winter roast launch",
        {"kind": "banner", "title": "Winter roast banner", "alt_text": "Cream above brown", "tags": ["banner"]},
    ),
)


def store_pictures(files: FileStore, *, organization_id: UUID) -> list[StoredFile]:
    """Store the pictures of an organization and return what a row needs to know of each; twice stores the same.

    There are none in a bucket, which only the processes that serve may open.
    """
    if files.folder is None:
        return []
    found = []
    for picture in PICTURES:
        content = draw(picture.size, picture.colors)
        key = f"{organization_id}/demo/{picture.name}"
        files.write(key, content)
        digest = hashlib.sha256(content).hexdigest()
        where = (files.provider, files.bucket, key)
        found.append(StoredFile(*where, picture.name, len(content), digest, "image/png", *picture.size))
    return found


def seed_assets(tx: Transaction, *, stored: Sequence[StoredFile]) -> int:
    """Make the rows of stored pictures that have none and return how many; brands and campaigns are there before."""
    organization_id = tx.actor.organization_id
    assert organization_id is not None
    made = 0
    for picture, file in zip(PICTURES, stored, strict=True):
        identity = uuid5(organization_id, f"demo asset {picture.name}")
        if tx.find(Asset, identity, trash=True) is not None:
            continue
        brand = tx.find(Brand, uuid5(organization_id, f"demo brand {picture.brand}"))
        campaign = tx.find(Campaign, uuid5(organization_id, f"demo campaign {picture.campaign}"))
        add_asset(
            tx,
            id=identity,
            stored=file,
            brand_id=brand.id if brand else None,
            campaign_id=campaign.id if campaign else None,
            **picture.values,
        )
        made += 1
    return made


def draw(size: tuple[int, int], colors: tuple[str, str]) -> bytes:
    """Return a PNG of two halves (W3C PNG, third edition): 8 bits a channel, no alpha, no filter."""
    width, height = size
    above, below = (b"\0" + bytes.fromhex(color.removeprefix("#")) * width for color in colors)
    rows = above * (height // 2) + below * (height - height // 2)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
