"""Who acts: passed explicitly to every read and write, never global."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What kind of caller an actor is."""

    USER = "user"
    API_KEY = "api_key"
    JOB = "job"
    SYSTEM = "system"
    AGENT = "agent"


PEOPLE = frozenset({ActorKind.USER, ActorKind.AGENT})
"""Actors whose id is that of a user."""


class Role(StrEnum):
    """A role inside one organization; each may do what the ones before it may."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    def covers(self, needed: "Role") -> bool:
        """Return whether this role may do what ``needed`` may."""
        return _RANK[self] >= _RANK[needed]


_RANK = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of a unit of work.

    ``organization_id`` scopes every read and write of tenant rows; None sees only tables without a tenant.
    """

    kind: ActorKind
    label: str
    id: UUID | None = None
    organization_id: UUID | None = None
    role: Role | None = None
    region: str = ""
    language: str = "en"
    scopes: frozenset[str] = field(default_factory=frozenset)
    session_id: UUID | None = None
    request_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    about: UUID | None = None
    """The row about the person who calls without being logged in, where it is known: an unsubscribe link names it."""

    def for_organization(self, organization_id: UUID, role: Role | None = None) -> "Actor":
        """Return the same actor acting inside another organization."""
        return replace(self, organization_id=organization_id, role=role or self.role)

    @property
    def subject_id(self) -> UUID | None:
        """The row about the person who acts, under whose key the log keeps what tells of them."""
        # Asked in every unit of work: looking a member of an enumeration up in a set costs ten times as much.
        return self.id if self.kind is ActorKind.USER or self.kind is ActorKind.AGENT else self.about

    @property
    def is_program(self) -> bool:
        """Whether the program acts by itself, for nobody who has called."""
        return self.kind in {ActorKind.SYSTEM, ActorKind.JOB}

    def has_role(self, needed: Role) -> bool:
        """Return whether the actor's role covers ``needed``; the system's always does."""
        if self.is_program:
            return True
        return self.role is not None and self.role.covers(needed)


def system(label: str = "growbase", organization_id: UUID | None = None) -> Actor:
    """Return the actor of the program itself: migrations, seeds, schedules, commands."""
    return Actor(ActorKind.SYSTEM, label, organization_id=organization_id)
