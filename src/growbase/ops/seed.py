"""Filling an empty database: the owner, the demo organization with its data, and what is shown of them once."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

from pydantic import SecretStr

from growbase.core.actor import Actor, ActorKind, system
from growbase.core.config import Settings
from growbase.core.crypto import password_hash
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError, Invalid
from growbase.core.facts import hold
from growbase.core.files import open_files
from growbase.core.model import is_trashable
from growbase.core.resource import Resource
from growbase.core.tables import Change
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.commerce.demo import seed_commerce
from growbase.domains.identity.actions_keys import create_api_key
from growbase.domains.identity.demo import ADMIN_EMAIL, DEMO_EMAIL, seed_identity
from growbase.domains.identity.models import ApiKey, ApiScope, Membership, MembershipStatus
from growbase.domains.identity.queries import find_login
from growbase.domains.identity.tokens import ApiKeyText
from growbase.domains.marketing.demo import seed_marketing
from growbase.domains.marketing.demo_assets import store_pictures
from growbase.domains.outreach.demo import seed_outreach
from growbase.domains.social.demo import seed_social
from growbase.ops.accounts import create_user, new_password
from growbase.ops.connections import database_name
from growbase.ops.guard import InProduction

KEY_NAME = "Demo key"
LABEL: Final = "demo"
"""The actor under which the log names who made the demo data."""

SETS: Final[Mapping[str, Callable[..., int]]] = {
    "marketing": seed_marketing,
    "outreach": seed_outreach,
    "social": seed_social,
    "commerce": seed_commerce,
}
"""The demo data of each domain, in the order in which one may build on another."""


@dataclass(frozen=True, slots=True, repr=False)
class Seeded:
    """What a person needs to log in, shown once: generated passwords only, and none for users who were there."""

    organization_id: UUID
    passwords: dict[str, str]
    api_key: str | None


def is_empty(database: Database) -> bool:
    """Return whether nobody has an account yet."""
    return not database.query("SELECT 1 FROM users LIMIT 1")


def first_start(database: Database, settings: Settings) -> Seeded | None:
    """Fill an empty database as the settings say; None if there is nothing to do."""
    if not is_empty(database):
        return None
    if settings.demo_data:
        return seed_demo(database, settings)
    return _seed_owner(database, settings) if settings.admin_email else None


def seed_demo(database: Database, settings: Settings, *, only: Collection[str] = ()) -> Seeded:
    """Fill in the demo organization, ``only`` the domains named or all; what of it is there already stays as it is.

    Raises InProduction, and Invalid for a domain that has no demo data.
    """
    unknown = sorted(set(only) - SETS.keys())
    if unknown:
        raise Invalid.at("only", "choice", "must be one of {choices}", choices=", ".join(SETS))
    if settings.is_production:
        raise InProduction(name=database_name(settings))
    admin = settings.admin_email or ADMIN_EMAIL
    passwords = {
        admin: _set_or_new(settings.admin_password),
        DEMO_EMAIL: _set_or_new(settings.demo_password),
    }
    hashes = {email: password_hash(password) for email, (password, _) in passwords.items()}
    key = ApiKeyText.new(settings.region)

    def unit(tx: Transaction) -> tuple[UUID, list[str], bool]:
        hold(tx, "seed")
        known = [email for email in passwords if find_login(tx, email) is not None]
        organization_id = seed_identity(
            tx, admin_email=admin, admin_password_hash=hashes[admin], demo_password_hash=hashes[DEMO_EMAIL]
        )
        inside = tx.for_organization(organization_id)
        has_key = inside.find(ApiKey, name=KEY_NAME, revoked_at=None) is not None
        if not has_key:
            scopes = [ApiScope.READ, ApiScope.WRITE]
            create_api_key(inside, name=KEY_NAME, scopes=scopes, prefix=key.prefix, key_hash=key.key_hash)
        return organization_id, known, has_key

    organization_id, known, has_key = database.write(replace(system(LABEL), region=settings.region), unit)

    fill_organization(database, settings, organization_id, only=only)
    shown = {email: password for email, (password, is_new) in passwords.items() if is_new and email not in known}
    return Seeded(organization_id, shown, None if has_key else key.plaintext)


def fill_organization(
    database: Database, settings: Settings, organization_id: UUID, *, only: Collection[str] = ()
) -> None:
    """Fill the demo data of each domain, or of those named, into one organization; what is there stays as it is.

    Raises InProduction, and LimitExceeded where the organization's plan has no room: the domains before stay filled.
    """
    if settings.is_production:
        raise InProduction(name=database_name(settings))
    # Bytes are stored before the unit that makes their rows.
    pictures = store_pictures(open_files(settings), organization_id=organization_id)
    sets: dict[str, Callable[..., int]] = {**SETS, "marketing": partial(seed_marketing, pictures=pictures)}
    for name, fill in sets.items():
        if not only or name in only:
            database.write(system(LABEL, organization_id), partial(_filled, fill=fill))


def remove_demo(database: Database, organization_id: UUID, by: Actor) -> tuple[int, int]:
    """Move an organization's demo data to the trash with all that hangs on it; return how many rows went and stay.

    The log tells which rows those are. What work is under way for stays, such as an account with posts to come.
    """
    with database.read(system(LABEL, organization_id)) as reads:
        made = {"actor_type": ActorKind.SYSTEM, "actor_label": LABEL, "action": "insert"}
        # The newest first, since rows are made after those that they need.
        rows = reads.rows(Change, order="-tx, -seq", **made)  # type: ignore[arg-type]
        found = [(database.catalog.by_table.get(row.entity), row.entity_id) for row in rows]
    left = [(resource, id) for resource, id in found if resource is not None and id is not None]
    left = [(resource, id) for resource, id in left if resource.deletable and is_trashable(resource.model)]
    total = 0
    while True:
        count, stay = 0, 0
        for resource, id in left:
            try:
                count += database.write(by, partial(_removed, resource=resource, id=id))
            except GrowbaseError:
                stay += 1
        total += count
        if not count:
            return total, stay


def _removed(tx: Transaction, *, resource: Resource, id: UUID) -> int:
    if tx.find(resource.model, id) is None:
        return 0
    if resource.remove is not None:
        resource.remove(tx, id=id)
    else:
        trash(tx, resource.model, id)
    return 1


def _filled(tx: Transaction, *, fill: Callable[..., int]) -> int:
    hold(tx, "seed")
    members = tx.rows(Membership, status=MembershipStatus.ACTIVE, order="created_at, id")
    return fill(tx, users=[member.user_id for member in members])


def _set_or_new(password: SecretStr | None) -> tuple[str, bool]:
    """Return the password that is set, or a new one, and whether it is new."""
    return (password.get_secret_value(), False) if password else (new_password(), True)


def _seed_owner(database: Database, settings: Settings) -> Seeded:
    assert settings.admin_email is not None
    password, is_new = _set_or_new(settings.admin_password)
    made = create_user(database, email=settings.admin_email, password=password, region=settings.region)
    return Seeded(made.organization_id, {settings.admin_email: password} if is_new else {}, None)
