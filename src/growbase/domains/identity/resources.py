"""What the API, Studio and the command line offer of organizations, members, keys, plans, webhooks and users' own."""

from growbase.core.actor import Role
from growbase.core.resource import Resource, Verb
from growbase.domains.identity.actions_billing import cancel_subscription, change_plan, subscribe_to_free
from growbase.domains.identity.actions_discussion import (
    approve_review,
    ask_again,
    create_comment,
    guard_review,
    reopen_comment,
    request_changes,
    request_review,
    resolve_comment,
    update_comment,
    withdraw_review,
)
from growbase.domains.identity.actions_keys import revoke_api_key
from growbase.domains.identity.actions_members import (
    change_role,
    invite_member,
    leave_organization,
    remove_member,
    transfer_ownership,
)
from growbase.domains.identity.actions_organizations import delete_organization
from growbase.domains.identity.actions_personal import (
    create_saved_view,
    read_all_notifications,
    read_notification,
    share_saved_view,
    update_saved_view,
)
from growbase.domains.identity.actions_webhooks import (
    enable_webhook_endpoint,
    guard_endpoint,
    ping_webhook_endpoint,
    resend_webhook_delivery,
    rotate_webhook_secret,
    update_webhook_endpoint,
)
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
from growbase.domains.identity.models_discussion import Comment, ReviewRequest, ReviewStatus
from growbase.domains.identity.models_personal import Notification, SavedView
from growbase.domains.identity.models_webhooks import EndpointStatus, WebhookDelivery, WebhookEndpoint
from growbase.domains.identity.schemas import ChangesWanted, Invite, PlanChange, RoleChange, SavedViewOptions

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

webhook_endpoints = Resource(
    WebhookEndpoint,
    counts=("webhook_deliveries",),
    transitions={
        EndpointStatus.ACTIVE: {EndpointStatus.DISABLED},
        EndpointStatus.DISABLED: {EndpointStatus.ACTIVE},
    },
    guard=guard_endpoint,
    read=Role.ADMIN,
    write=Role.ADMIN,
    delete=Role.ADMIN,
    creatable=False,
    update=update_webhook_endpoint,
    verbs={
        "enable": Verb(enable_webhook_endpoint, role=Role.ADMIN),
        "rotate-secret": Verb(rotate_webhook_secret, role=Role.ADMIN, answers="result", secret=True),
        "test": Verb(ping_webhook_endpoint, role=Role.ADMIN, answers="result", status=202),
    },
)

webhook_deliveries = Resource(
    WebhookDelivery,
    expand=("endpoint",),
    sortable=("created_at",),
    read=Role.ADMIN,
    write=Role.ADMIN,
    delete=Role.ADMIN,
    creatable=False,
    editable=False,
    deletable=False,
    retention=None,
    verbs={"resend": Verb(resend_webhook_delivery, role=Role.ADMIN)},
)

notifications = Resource(
    Notification,
    sortable=("created_at",),
    creatable=False,
    editable=False,
    deletable=False,
    retention=None,
    verbs={
        "read": Verb(read_notification, role=Role.VIEWER),
        "read-all": Verb(read_all_notifications, role=Role.VIEWER, on="collection", answers="result"),
    },
)

saved_views = Resource(
    SavedView,
    sortable=("name", "created_at", "updated_at"),
    create=create_saved_view,
    update=update_saved_view,
    extra=SavedViewOptions,
    verbs={"share": Verb(share_saved_view)},
)

comments = Resource(
    Comment,
    search=("text",),
    sortable=("created_at", "updated_at"),
    delete=Role.ADMIN,
    owner="author_user_id",
    create=create_comment,
    update=update_comment,
    verbs={"resolve": Verb(resolve_comment), "reopen": Verb(reopen_comment)},
)

review_requests = Resource(
    ReviewRequest,
    sortable=("due_at", "created_at", "updated_at"),
    transitions={
        ReviewStatus.REQUESTED: {ReviewStatus.APPROVED, ReviewStatus.CHANGES_REQUESTED, ReviewStatus.WITHDRAWN},
        ReviewStatus.CHANGES_REQUESTED: {ReviewStatus.REQUESTED, ReviewStatus.APPROVED, ReviewStatus.WITHDRAWN},
    },
    guard=guard_review,
    delete=Role.ADMIN,
    owner="created_by",
    create=request_review,
    verbs={
        "approve": Verb(approve_review),
        "request-changes": Verb(request_changes, ChangesWanted),
        "withdraw": Verb(withdraw_review),
        "ask-again": Verb(ask_again),
    },
)

RESOURCES: tuple[Resource, ...] = (
    organizations,
    memberships,
    api_keys,
    plans,
    subscriptions,
    webhook_endpoints,
    webhook_deliveries,
    notifications,
    saved_views,
    comments,
    review_requests,
)

FOUNDERS = (subscribe_to_free,)
"""What a new organization starts with: a subscription to the free plan."""
