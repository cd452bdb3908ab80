"""What the API offers of commerce."""

from growbase.core.actor import Role
from growbase.core.resource import Resource, Transitions, Verb
from growbase.domains.commerce import (
    actions_desk,
    actions_drafts,
    actions_flags,
    actions_insights,
    actions_messages,
    actions_orders,
    actions_receiving,
    actions_stores,
    actions_tickets,
    actions_velocity,
    models_facts,
    schemas,
)
from growbase.domains.commerce.models import Store, StoreSecret, StoreSettings, StoreStatus
from growbase.domains.commerce.models_desk import CannedReply, TicketWriter
from growbase.domains.commerce.models_events import ConnectionEvent, WebhookEvent
from growbase.domains.commerce.models_flags import FlagStatus, OrderFlag, OrderFlagEvent
from growbase.domains.commerce.models_insights import InsightStatus, ProductVelocity, SeoInsight
from growbase.domains.commerce.models_purchasing import (
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseOrderReceipt,
)
from growbase.domains.commerce.models_tickets import AiDraft, DraftStatus, Ticket, TicketMessage, TicketStatus

FACTS = (models_facts.KpiCache, models_facts.StoreCounter, TicketWriter)
"""Tables without resource: counted, computed and read by a route of their own, or a lease of some seconds."""

_STORE: Transitions = {
    StoreStatus.ONBOARDING: {StoreStatus.ACTIVE, StoreStatus.DISCONNECTED, StoreStatus.ARCHIVED},
    StoreStatus.ACTIVE: {StoreStatus.SUSPENDED, StoreStatus.DISCONNECTED, StoreStatus.ARCHIVED},
    StoreStatus.SUSPENDED: {StoreStatus.ACTIVE, StoreStatus.DISCONNECTED, StoreStatus.ARCHIVED},
    StoreStatus.DISCONNECTED: {StoreStatus.ACTIVE, StoreStatus.ARCHIVED},
}

_FLAG: Transitions = {
    FlagStatus.OPEN: {FlagStatus.SNOOZED, FlagStatus.RESOLVED, FlagStatus.DISMISSED},
    FlagStatus.SNOOZED: {FlagStatus.OPEN, FlagStatus.RESOLVED, FlagStatus.DISMISSED},
    FlagStatus.RESOLVED: {FlagStatus.OPEN},
    FlagStatus.DISMISSED: {FlagStatus.OPEN},
}

_TICKET: Transitions = {
    TicketStatus.OPEN: {TicketStatus.PENDING, TicketStatus.SNOOZED, TicketStatus.RESOLVED},
    TicketStatus.PENDING: {TicketStatus.OPEN, TicketStatus.SNOOZED, TicketStatus.RESOLVED},
    TicketStatus.SNOOZED: {TicketStatus.OPEN, TicketStatus.PENDING, TicketStatus.RESOLVED},
    TicketStatus.RESOLVED: {TicketStatus.OPEN, TicketStatus.CLOSED},
    TicketStatus.CLOSED: {TicketStatus.ARCHIVED},
}

_DRAFT: Transitions = {
    DraftStatus.PROPOSED: {
        DraftStatus.APPROVED,
        DraftStatus.EDITED,
        DraftStatus.REJECTED,
        DraftStatus.SUPERSEDED,
        DraftStatus.SENT,
    },
    DraftStatus.APPROVED: {DraftStatus.SENT, DraftStatus.REJECTED, DraftStatus.SUPERSEDED},
    DraftStatus.EDITED: {DraftStatus.SENT, DraftStatus.REJECTED, DraftStatus.SUPERSEDED},
}

_INSIGHT: Transitions = {
    InsightStatus.OPEN: {InsightStatus.IN_PROGRESS, InsightStatus.RESOLVED, InsightStatus.DISMISSED},
    InsightStatus.IN_PROGRESS: {InsightStatus.OPEN, InsightStatus.RESOLVED, InsightStatus.DISMISSED},
    InsightStatus.RESOLVED: {InsightStatus.OPEN},
    InsightStatus.DISMISSED: {InsightStatus.OPEN},
}

_ORDER: Transitions = {
    OrderStatus.DRAFT: {OrderStatus.SUBMITTED, OrderStatus.CANCELLED},
    OrderStatus.SUBMITTED: {OrderStatus.DRAFT, OrderStatus.APPROVED, OrderStatus.CANCELLED},
    OrderStatus.APPROVED: {OrderStatus.PARTIALLY_RECEIVED, OrderStatus.CANCELLED},
    OrderStatus.PARTIALLY_RECEIVED: {OrderStatus.RECEIVED},
}

RESOURCES: tuple[Resource, ...] = (
    Resource(
        Store,
        children=("tickets", "purchase_orders"),
        counts=("tickets", "order_flags", "purchase_orders"),
        search=("name", "domain"),
        sortable=("name", "created_at", "updated_at"),
        transitions=_STORE,
        guard=actions_stores.guard_store,
        create=actions_stores.create_store,
        update=actions_stores.update_store,
        delete=Role.ADMIN,
        verbs={
            "connect": Verb(actions_stores.connect_store, schemas.Connect, on="collection"),
            "disconnect": Verb(actions_stores.disconnect_store, role=Role.ADMIN),
        },
        tombstone=("access_token_cipher", "scope_hash", "onboarding"),
    ),
    Resource(
        StoreSettings,
        expand=("store",),
        update=actions_stores.update_settings,
        write=Role.ADMIN,
        creatable=False,
        deletable=False,
    ),
    Resource(
        StoreSecret,
        expand=("store",),
        create=actions_stores.create_secret,
        extra=schemas.SecretInput,
        read=Role.ADMIN,
        write=Role.ADMIN,
        deletable=False,
        verbs={
            "rotate": Verb(actions_stores.rotate_secret, schemas.Rotation, role=Role.ADMIN),
            "revoke": Verb(actions_stores.revoke_secret, role=Role.ADMIN),
        },
    ),
    Resource(
        OrderFlag,
        counts=("order_flag_events",),
        expand=("store",),
        search=("notes", "shopify_order_id"),
        transitions=_FLAG,
        guard=actions_flags.guard_flag,
        create=actions_flags.create_flag,
        deletable=False,
        verbs={
            "detect": Verb(actions_flags.detect, schemas.Detection, on="collection", answers="result"),
            "snooze": Verb(actions_flags.snooze_flag, schemas.Snooze),
            "resolve": Verb(actions_flags.resolve_flag, schemas.Resolution),
            "dismiss": Verb(actions_flags.dismiss_flag),
            "reopen": Verb(actions_flags.reopen_flag),
        },
    ),
    Resource(OrderFlagEvent, expand=("order_flag",), creatable=False, editable=False, deletable=False),
    Resource(
        Ticket,
        counts=("ticket_messages",),
        expand=("store", "assignee", "follows_ticket"),
        search=("subject", "customer_email", "customer_name"),
        sortable=("number", "last_message_at", "waiting_since", "created_at", "updated_at"),
        transitions=_TICKET,
        guard=actions_tickets.guard_ticket,
        create=actions_tickets.create_ticket,
        purged=actions_tickets.purged_ticket,
        verbs={
            "receive": Verb(actions_messages.receive, schemas.CustomerMessage, on="collection", answers="result"),
            "draft": Verb(actions_drafts.ask_for_draft, schemas.DraftRequest, answers="result", status=202),
            "assign": Verb(actions_tickets.assign_ticket, schemas.Assignment),
            "snooze": Verb(actions_tickets.snooze_ticket, schemas.Snooze),
            "resolve": Verb(actions_tickets.resolve_ticket),
            "reopen": Verb(actions_tickets.reopen_ticket),
            "close": Verb(actions_tickets.close_ticket),
            "writing": Verb(actions_desk.note_writing, schemas.Writing, answers="result"),
        },
        tombstone=("subject", "customer_email", "customer_name", "shopify_customer_id", "thread_key", "tags"),
    ),
    Resource(
        TicketMessage,
        expand=("ticket",),
        search=("body_plain",),
        create=actions_messages.post_message,
        update=actions_messages.update_message,
        extra=schemas.Seen,
        deletable=False,
        verbs={
            "send": Verb(actions_messages.send_message, schemas.Seen),
            "delivery": Verb(actions_messages.report_delivery, schemas.DeliveryReport),
        },
    ),
    Resource(
        AiDraft,
        expand=("ticket", "ticket_message"),
        transitions=_DRAFT,
        guard=actions_drafts.guard_draft,
        reviewed=True,
        create=actions_drafts.propose_draft,
        deletable=False,
        verbs={
            "approve": Verb(actions_drafts.approve_draft, schemas.Approval),
            "reject": Verb(actions_drafts.reject_draft, schemas.DraftRejection),
            "send": Verb(actions_drafts.send_draft, schemas.Seen),
        },
    ),
    Resource(
        CannedReply,
        search=("name", "shortcut", "body"),
        sortable=("name", "created_at", "updated_at"),
        sort="name",
        create=actions_desk.create_canned_reply,
        update=actions_desk.update_canned_reply,
        verbs={"render": Verb(actions_desk.render_canned_reply, schemas.ForTicket, role=Role.VIEWER, answers="result")},
    ),
    Resource(
        SeoInsight,
        expand=("store",),
        search=("title", "description"),
        sortable=("severity_rank", "created_at", "updated_at"),
        transitions=_INSIGHT,
        guard=actions_insights.guard_insight,
        create=actions_insights.create_insight,
        update=actions_insights.update_insight,
        deletable=False,
        verbs={"record": Verb(actions_insights.record_insights, schemas.Scan, on="collection", answers="result")},
    ),
    Resource(
        ProductVelocity,
        expand=("store",),
        search=("product_title", "sku"),
        sortable=("projected_stockout_date", "sku", "created_at", "updated_at"),
        create=actions_velocity.record_velocity,
        update=actions_velocity.update_velocity,
        deletable=False,
        verbs={
            "suggest": Verb(
                actions_velocity.suggest_order, schemas.Suggestion, on="collection", answers="result", status=201
            )
        },
    ),
    Resource(
        PurchaseOrder,
        counts=("purchase_order_lines",),
        expand=("store",),
        search=("vendor_name", "reference_code"),
        sortable=("number", "vendor_name", "created_at", "updated_at"),
        transitions=_ORDER,
        guard=actions_orders.guard_order,
        reviewed=True,
        create=actions_orders.create_order,
        update=actions_orders.update_order,
        remove=actions_orders.remove_order,
        extra=schemas.OrderLines,
        verbs={
            "submit": Verb(actions_orders.submit_order),
            "recall": Verb(actions_orders.recall_order),
            "approve": Verb(actions_orders.approve_order),
            "receive": Verb(actions_receiving.receive_order, schemas.Receipt),
            "close-short": Verb(actions_receiving.close_order_short),
            "cancel": Verb(actions_orders.cancel_order),
        },
    ),
    Resource(
        PurchaseOrderLine,
        expand=("purchase_order",),
        create=actions_orders.create_line,
        update=actions_orders.update_line,
        remove=actions_orders.remove_line,
    ),
    Resource(PurchaseOrderReceipt, expand=("purchase_order", "line"), creatable=False, editable=False, deletable=False),
    Resource(ConnectionEvent, expand=("store",), creatable=False, editable=False, deletable=False),
    Resource(
        WebhookEvent,
        read=Role.ADMIN,
        sortable=("received_at", "created_at", "updated_at"),
        sort="-received_at",
        creatable=False,
        editable=False,
        deletable=False,
    ),
)
