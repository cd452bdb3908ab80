"""Users and API keys made from the command line, by the program itself."""

import secrets
from dataclasses import dataclass, replace
from uuid import UUID

from growbase.core.actor import Role, system
from growbase.core.crypto import password_hash
from growbase.core.database import Database
from growbase.core.errors import Invalid, NotFound, NotUnique
from growbase.core.folding import fold
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_keys import create_api_key
from growbase.domains.identity.actions_organizations import add_member, create_organization
from growbase.domains.identity.actions_sessions import acting_as
from growbase.domains.identity.models import Organization, User, UserStatus
from growbase.domains.identity.queries import find_login
from growbase.domains.identity.roles import everywhere
from growbase.domains.identity.tokens import ApiKeyText

ACTOR = "command line"


@dataclass(frozen=True, slots=True)
class NewUser:
    """Whom ``create_user`` has made."""

    user_id: UUID
    organization_id: UUID
    organization: str


def new_password() -> str:
    """Return a password that is hard to guess and can be typed."""
    return "-".join(secrets.token_hex(2) for _ in range(5))


def create_user(
    database: Database,
    *,
    email: str,
    password: str,
    full_name: str | None = None,
    organization: str | None = None,
    role: Role = Role.MEMBER,
    region: str = "",
) -> NewUser:
    """Make an active user with a proved address: a member of the organization with that slug, or owner of a new one.

    Raises NotUnique for a taken address, NotFound for an organization that is not there.
    """
    if "@" not in email:
        raise Invalid.at("email", "invalid", "is no e-mail address: write name@example.com")
    hashed = password_hash(password)

    def unit(tx: Transaction) -> NewUser:
        if find_login(tx, email) is not None:
            raise NotUnique.at("email", "unique", "is already taken")
        home = _organization(tx, organization) if organization else None
        values = {"password_hash": hashed, "status": UserStatus.ACTIVE, "email_verified_at": tx.now}
        user = tx.get(User, tx.insert(User, email=email.strip(), full_name=full_name, **values))
        if home is not None:
            add_member(tx.for_organization(home.id), user_id=user.id, role=role)
            return NewUser(user.id, home.id, home.name)
        name = full_name or email.partition("@")[0]
        return NewUser(user.id, create_organization(acting_as(tx, user), name=name), name)

    return database.write(replace(system(ACTOR), region=region), unit)


def create_key(database: Database, *, organization: str | None, name: str, scopes: list[str], region: str = "") -> str:
    """Make an API key of the organization with that slug, or of the only one there is, and return its text."""
    key = ApiKeyText.new(region)

    def unit(tx: Transaction) -> None:
        home = _organization(tx, organization)
        create_api_key(tx.for_organization(home.id), name=name, scopes=scopes, prefix=key.prefix, key_hash=key.key_hash)

    database.write(system(ACTOR), unit)
    return key.plaintext


def find_organization(database: Database, slug: str | None) -> UUID:
    """Return the id of the organization with that slug, or of the only one there is. Raises NotFound, Invalid."""
    with database.read(system(ACTOR)) as reads:
        return _organization(reads, slug).id


def _organization(reads: Reads, slug: str | None) -> Organization:
    if slug is not None:
        found = everywhere(reads).find(Organization, slug_norm=fold(slug), anywhere=True)
        if found is None:
            raise NotFound(what=f"organization {slug}")
        return found
    some = everywhere(reads).rows(Organization, limit=2, anywhere=True)
    if len(some) != 1:
        raise Invalid.at("organization", "required", "must name the organization's slug: there is not exactly one")
    return some[0]
