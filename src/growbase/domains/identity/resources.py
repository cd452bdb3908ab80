"""What the API, Studio and the command line offer of organizations, memberships and API keys."""

from growbase.core.actor import Role
from growbase.core.resource import Resource, Verb
from growbase.domains.identity.actions_keys import revoke_api_key
from growbase.domains.identity.actions_members import (
    change_role,
    invite_member,
    leave_organization,
    remove_member,
    transfer_ownership,
)
from growbase.domains.identity.actions_organizations import delete_organization
from growbase.domains.identity.models import ApiKey, Membership, Organization
from growbase.domains.identity.schemas import Invite, RoleChange

organizations = Resource(
    Organization,
    sortable=("created_at", "updated_at"),
    write=Role.ADMIN,
    delete=Role.OWNER,
    creatable=False,
    remove=delete_organization,
    tombstone=("domain", "website", "tagline", "description", "billing_email"),
)

memberships = Resource(
    Membership,
    expand=("user",),
    write=Role.ADMIN,
    delete=Role.ADMIN,
    creatable=False,
    editable=False,
    deletable=False,
    retention=None,
    verbs={
        "invite": Verb(invite_member, Invite, Role.ADMIN, on="collection", status=201),
        "leave": Verb(leave_organization, role=Role.VIEWER, on="collection"),
        "role": Verb(change_role, RoleChange, Role.ADMIN),
        "remove": Verb(remove_member, role=Role.ADMIN),
        "transfer": Verb(transfer_ownership, role=Role.OWNER),
    },
)

api_keys = Resource(
    ApiKey,
    read=Role.ADMIN,
    write=Role.ADMIN,
    delete=Role.ADMIN,
    creatable=False,
    deletable=False,
    retention=None,
    verbs={"revoke": Verb(revoke_api_key, role=Role.ADMIN)},
)

RESOURCES: tuple[Resource, ...] = (organizations, memberships, api_keys)
