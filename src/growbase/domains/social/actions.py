"""Founders, series and what else needs few rules of its own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core.errors import Invalid
from growbase.core.transaction import Transaction
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.models import Founder, Series


def create_founder(tx: Transaction, *, is_primary: bool = False, **values: object) -> UUID:
    """Write a founder; a primary one takes the place of the one before."""
    if is_primary:
        _step_back(tx)
    return tx.insert(Founder, is_primary=is_primary, **values)


def update_founder(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a founder; a primary one takes the place of the one before."""
    founder = tx.get(Founder, id, lock=True)
    if changes.get("is_primary") and not founder.is_primary:
        _step_back(tx)
    return tx.change(founder, changes, version=version)


def _step_back(tx: Transaction) -> None:
    for founder in tx.rows(Founder, is_primary=True, lock=True):
        tx.change(founder, {"is_primary": False})


def create_series(tx: Transaction, *, platform: str, **values: object) -> UUID:
    """Begin a series on one platform. Raises Invalid."""
    require_one_platform(platform)
    return tx.insert(Series, platform=platform, **values)


def require_one_platform(platform: str) -> None:
    """Raise Invalid for ``general``, which is no place where anything is published."""
    if platform == Platform.GENERAL:
        raise Invalid.at("platform", "choice", "must be a platform that something can be published on")
