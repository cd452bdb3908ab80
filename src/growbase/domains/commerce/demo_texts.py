"""What the demonstration stores are about."""

from typing import Any

from growbase.domains.commerce.models import Integration
from growbase.domains.commerce.models_events import ConnectionStatus
from growbase.domains.commerce.models_flags import Urgency
from growbase.domains.commerce.models_insights import InsightSeverity

STORES: tuple[dict[str, Any], ...] = (
    {
        "name": "Northwind Outdoor",
        "domain": "northwind-outdoor.example.com",
        "shop_domain": "northwind-outdoor.myshopify.com",
        "timezone": "Europe/Paris",
        "currency": "EUR",
        "plan_level": "growth",
        "settings": {
            "thresholds": {"high_value_minor": 50_000, "reopen_window_days": 14, "lead_time_days": 21},
            "feature_flags": {"auto_send_drafts": False},
            "connection_metadata": {"ga4": {"property_id": "310000001"}},
            "notification_emails": ["desk@northwind-outdoor.example.com"],
        },
        "vendor": "Alpine Textiles",
    },
    {
        "name": "Fjord Coffee",
        "domain": "fjord-coffee.example.com",
        "shop_domain": "fjord-coffee.myshopify.com",
        "timezone": "America/Toronto",
        "currency": "CAD",
        "plan_level": "starter",
        "settings": {
            "thresholds": {"high_value_minor": 20_000, "safety_days": 10},
            "feature_flags": {"auto_send_drafts": False},
            "connection_metadata": {},
            "notification_emails": ["hello@fjord-coffee.example.com"],
        },
        "vendor": "Bergen Roasters",
    },
)

FLAGS: tuple[dict[str, Any], ...] = (
    {"shopify_order_id": "5501", "flag_type": "high_value", "severity": Urgency.NORMAL, "then": "open"},
    {"shopify_order_id": "5502", "flag_type": "payment_risk", "severity": Urgency.HIGH, "then": "open"},
    {"shopify_order_id": "5503", "flag_type": "late_fulfilment", "severity": Urgency.NORMAL, "then": "snoozed"},
    {"shopify_order_id": "5504", "flag_type": "address_issue", "severity": Urgency.LOW, "then": "resolved"},
    {"shopify_order_id": "5505", "flag_type": "custom:gift-note", "severity": Urgency.LOW, "then": "dismissed"},
)

TICKETS: tuple[dict[str, Any], ...] = (
    {
        "key": "parcel",
        "subject": "Where is my parcel?",
        "name": "Ines Moreau",
        "email": "ines.moreau@example.com",
        "order": "5503",
        "talk": (
            ("customer", "Hello, my order should have been here on Monday. Where is it?"),
            ("note", "The carrier lost the first parcel; a second one left today."),
        ),
        "draft": "Hello Ines, your parcel was delayed by the carrier. A new one left today and arrives in two days.",
        "then": "open",
    },
    {
        "key": "size",
        "subject": "Wrong size",
        "name": "Tom Berger",
        "email": "tom.berger@example.com",
        "order": "5501",
        "talk": (("customer", "The jacket is too small. Can I change it for a larger one?"),),
        "draft": "Hello Tom, of course. Please send it back within 30 days and we ship the larger size at once.",
        "then": "sent",
    },
    {
        "key": "invoice",
        "subject": "Invoice for my company",
        "name": "Aiko Tanaka",
        "email": "aiko.tanaka@example.com",
        "order": None,
        "talk": (
            ("customer", "Could you send me an invoice with our company's name?"),
            ("staff", "Hello Aiko, here is the invoice. Anything else we can do?"),
        ),
        "draft": None,
        "then": "pending",
    },
    {
        "key": "wholesale",
        "subject": "Wholesale prices",
        "name": "Marc Dubois",
        "email": "marc.dubois@example.com",
        "order": None,
        "talk": (("customer", "Do you sell to shops as well? We would like to stock your products."),),
        "draft": None,
        "then": "snoozed",
    },
    {
        "key": "thanks",
        "subject": "Thank you!",
        "name": "Lena Fischer",
        "email": "lena.fischer@example.com",
        "order": "5504",
        "talk": (
            ("customer", "Everything arrived well. Thank you for the quick help!"),
            ("staff", "Thank you for telling us, Lena. Enjoy it!"),
        ),
        "draft": None,
        "then": "resolved",
    },
)

CANNED: tuple[tuple[str, str, str, str], ...] = (
    (
        "It is on its way",
        "shipped",
        "en",
        "Hello {{customer_name}},\n\nyour order left us and arrives within two days.\n\n{{agent_name}}, {{store_name}}",
    ),
    (
        "Refund",
        "refund",
        "en",
        "Hello {{customer_name}},\n\nwe have refunded you; your bank shows it within five days.\n\n{{agent_name}}",
    ),
    (
        "Remboursement",
        "rembourse",
        "fr",
        "Bonjour {{customer_name}},\n\nnous vous avons remboursé ; comptez cinq jours ouvrés.\n\n{{agent_name}}",
    ),
)
"""Replies kept ready: name, shortcut, language and words."""

ARTICLES: tuple[tuple[str, str, float, int, int], ...] = (
    ("JKT-01", "Rain jacket, women", 2.4, 31, 3_900),
    ("JKT-02", "Rain jacket, men", 2.1, 64, 3_900),
    ("JKT-03", "Down jacket", 0.9, 12, 7_200),
    ("TNT-01", "Tent for two", 0.6, 4, 9_800),
    ("TNT-02", "Tent for four", 0.3, 9, 14_500),
    ("BAG-01", "Day pack 22 l", 3.8, 140, 2_100),
    ("BAG-02", "Trekking pack 55 l", 1.2, 0, 5_400),
    ("MUG-01", "Enamel mug", 6.5, 420, 310),
    ("BTL-01", "Steel bottle 0.7 l", 5.1, 95, 640),
    ("SOC-01", "Merino socks", 9.3, 210, 450),
    ("SOC-02", "Liner socks", 4.2, 300, 280),
    ("LMP-01", "Head lamp", 1.7, 20, 1_250),
    ("STV-01", "Gas stove", 0.8, 33, 1_900),
    ("MAT-01", "Sleeping mat", 1.1, 15, 2_700),
    ("SLB-01", "Sleeping bag, light", 0.7, 22, 5_900),
    ("SLB-02", "Sleeping bag, winter", 0.0, 18, 8_300),
    ("GLV-01", "Gloves", 2.9, 6, 980),
    ("HAT-01", "Wool hat", 3.3, 75, 720),
    ("POL-01", "Trekking poles", 0.5, 40, 2_400),
    ("MAP-01", "Map case", 0.0, 55, 390),
)
"""SKU, title, sales a day, stock, unit cost."""

ORDERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("draft", ("JKT-01", "JKT-03")),
    ("submitted", ("TNT-01",)),
    ("approved", ("BAG-02", "GLV-01")),
    ("partially_received", ("SOC-01", "MUG-01", "BTL-01")),
    ("received", ("HAT-01",)),
    ("cancelled", ("POL-01",)),
)

INSIGHTS: tuple[dict[str, Any], ...] = (
    {
        "fingerprint": "missing-title:/collections/jackets",
        "title": "The page of jackets has no title",
        "description": "Search engines show the address instead. Write a title of up to 60 characters.",
        "severity": InsightSeverity.HIGH,
        "category": "metadata",
        "resource_type": "collection",
        "resource_url": "/collections/jackets",
    },
    {
        "fingerprint": "slow:/",
        "title": "The start page is slow on phones",
        "description": "Its largest picture takes 4.1 s. Offer it in a smaller size.",
        "severity": InsightSeverity.CRITICAL,
        "category": "speed",
        "resource_type": "page",
        "resource_url": "/",
    },
    {
        "fingerprint": "alt:/products/rain-jacket",
        "title": "Pictures without description",
        "description": "Six pictures of the rain jacket have no alternative text.",
        "severity": InsightSeverity.LOW,
        "category": "images",
        "resource_type": "product",
        "resource_url": "/products/rain-jacket",
    },
)

CONNECTIONS: tuple[tuple[Integration, ConnectionStatus, str, int], ...] = (
    (Integration.SHOPIFY, ConnectionStatus.SUCCESS, "Shopify knows the shop.", 182),
    (Integration.GA4, ConnectionStatus.SUCCESS, "Google Analytics knows the property.", 241),
    (Integration.GSC, ConnectionStatus.WARNING, "Search Console lets us in but does not know the site.", 305),
    (
        Integration.KLAVIYO,
        ConnectionStatus.FAILURE,
        "The service refused the key (HTTP 401): replace the store secret.",
        128,
    ),
)
