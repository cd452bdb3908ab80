"""What the API, Studio and the command line offer of organizations, memberships, API keys, plans and subscriptions."""

from growbase.core.actor import Role
from growbase.core.resource import Resource, Verb
from growbase.domains.identity.actions_billing import cancel_subscription, change_plan, subscribe_to_free
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
from growbase.domains.identity.models_billing import (
    AuthAccount,
    BillingEvent,
    Plan,
    Subscription,
    UsageCounter,
    UsageEvent,
    UsageReservation,
)
from growbase.domains.identity.schemas import Invite, PlanChange, RoleChange

FACTS = (AuthAccount, BillingEvent, UsageCounter, UsageEvent, UsageReservation)
"""Tables without resource: written by logins, payment providers and whatever uses a plan."""

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

plans = Resource(
    Plan,
    sortable=("sort_order", "created_at", "updated_at"),
    sort="sort_order",
    creatable=False,
    editable=False,
    deletable=False,
    retention=None,
)

subscriptions = Resource(
    Subscription,
    expand=("plan", "payer"),
    creatable=False,
    editable=False,
    deletable=False,
    retention=None,
    verbs={
        "change-plan": Verb(change_plan, PlanChange, role=Role.OWNER),
        "cancel": Verb(cancel_subscription, role=Role.OWNER),
    },
)

RESOURCES: tuple[Resource, ...] = (organizations, memberships, api_keys, plans, subscriptions)

FOUNDERS = (subscribe_to_free,)
"""What a new organization starts with: a subscription to the free plan."""
