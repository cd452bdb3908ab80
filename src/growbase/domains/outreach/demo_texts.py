"""What the demonstration data of outreach says."""

from collections.abc import Mapping
from typing import Any

ICP: dict[str, Any] = {
    "name": "Growing software companies in Europe",
    "description": "Teams of 20 to 200 people that sell software to other companies and write to prospects by hand.",
    "criteria": {
        "industries": ["Software", "Financial services", "Logistics"],
        "company_sizes": ["small", "medium"],
        "revenue": ["one_to_ten_m", "ten_to_fifty_m"],
        "locations": ["France", "Germany", "Netherlands", "Spain"],
        "keywords": ["B2B", "outbound", "sales team"],
        "job_titles": ["Head of Sales", "VP Marketing", "Founder"],
        "technologies": ["HubSpot", "Salesforce"],
    },
}

SEQUENCE: dict[str, Any] = {
    "name": "Introduction in three mails",
    "description": "Hello, an example, and a last question: days 0, 3 and 7.",
    "settings": {
        "stop_on_reply": True,
        "stop_on_bounce": True,
        "sending_window": {"tz": "Europe/Paris", "days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:30"},
        "daily_cap": 40,
    },
}

STEPS: tuple[dict[str, Any], ...] = (
    {
        "step_key": "introduction",
        "subject": "{{company_name}} and the first reply",
        "content": (
            "Hello {{first_name|there}},\n\nteams like yours at {{company_name}} tell us that the first reply is the "
            "hardest one. We help with exactly that. Would a short call be welcome?\n\n{{sender_signature|}}"
        ),
    },
    {
        "step_key": "example",
        "subject": "An example for {{company_name}}",
        "content": (
            "Hello {{first_name|there}},\n\na team of your size doubled its replies in six weeks. I wrote down how on "
            "one page. Shall I send it?\n\n{{sender_name|}}"
        ),
        "delay_days": 3,
    },
    {
        "step_key": "last_question",
        "subject": "Shall I close this?",
        "content": "Hello {{first_name|there}},\n\na short no is fine, too. Thank you for reading.\n\n{{sender_name|}}",
        "delay_days": 4,
    },
)

SENDER = {"name": "Sam Rivers", "email": "sam@growbase-demo.example", "signature": "Sam Rivers, Growbase Demo"}
DRAFT: dict[str, Any] = {
    "name": "Q1 partners",
    "description": "Partners of last year's fair; waits for its list of people.",
}
RUNNING: dict[str, Any] = {
    "name": "Spring introduction",
    "description": "The first mails to the new profile.",
    "daily_limit": 40,
}

_FIRMS: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("Northwind Labs", "northwind-labs.example", "Software", "small", "one_to_ten_m", "Berlin, Germany"),
    ("Lumen Freight", "lumen-freight.example", "Logistics", "medium", "ten_to_fifty_m", "Rotterdam, Netherlands"),
    ("Ledgerly", "ledgerly.example", "Financial services", "small", "one_to_ten_m", "Paris, France"),
    ("Atelier Nord", "atelier-nord.example", "Software", "startup", "under_1m", "Lyon, France"),
    ("Sol y Datos", "solydatos.example", "Software", "medium", "ten_to_fifty_m", "Valencia, Spain"),
    ("Hafen Systems", "hafen-systems.example", "Logistics", "large", "fifty_to_hundred_m", "Hamburg, Germany"),
)

_PEOPLE: tuple[tuple[str, str, str, str, str], ...] = (
    # Those of the running campaign: what has come of the mails is the last word.
    ("Anna", "Keller", "Head of Sales", "contacted", "opened"),
    ("Bram", "de Vries", "VP Marketing", "meeting", "replied"),
    ("Chloé", "Martin", "Founder", "contacted", "clicked"),
    ("Diego", "Ruiz", "Head of Growth", "contacted", "sent"),
    ("Elif", "Aydin", "Head of Sales", "negotiation", "replied"),
    ("Franz", "Huber", "Sales Operations", "contacted", "bounced"),
    ("Greta", "Lind", "Chief Marketing Officer", "contacted", "opened"),
    ("Hugo", "Petit", "Founder", "contacted", "unsubscribed"),
    ("Inès", "Moreau", "VP Sales", "contacted", "opened"),
    ("Jonas", "Weber", "Head of Partnerships", "contacted", "sent"),
    ("Kim", "Jansen", "Marketing Manager", "contacted", "clicked"),
    ("Luca", "Bianchi", "Head of Sales", "contacted", "sent"),
    # The others.
    ("Maya", "Novak", "Founder", "won", ""),
    ("Nils", "Berg", "VP Sales", "won", ""),
    ("Olga", "Petrova", "Head of Growth", "lost", ""),
    ("Paul", "Girard", "Chief Executive", "lost", ""),
    ("Quinn", "Byrne", "Head of Marketing", "negotiation", ""),
    ("Rosa", "Santos", "Sales Director", "negotiation", ""),
    ("Stefan", "Koch", "Head of Sales", "meeting", ""),
    ("Tess", "Visser", "Marketing Lead", "meeting", ""),
    ("Umar", "Aziz", "Founder", "new", ""),
    ("Vera", "Costa", "VP Marketing", "new", ""),
    ("Wim", "Peeters", "Head of Sales", "new", ""),
    ("Yara", "Haddad", "Growth Lead", "new", ""),
)

PROSPECTS: tuple[dict[str, Any], ...] = tuple(
    {
        "email": f"{first.lower().replace('é', 'e').replace('è', 'e')}@{firm[1]}",
        "first_name": first,
        "last_name": last,
        "job_title": title,
        "stage": stage,
        "outcome": outcome,
        "score": 35 + place * 7 % 60,
        **dict(
            zip(
                (
                    *("company_name", "company_domain", "company_industry", "company_size", "company_revenue"),
                    "company_location",
                ),
                firm,
                strict=True,
            )
        ),
    }
    for place, (first, last, title, stage, outcome) in enumerate(_PEOPLE)
    for firm in (_FIRMS[place % len(_FIRMS)],)
)

ACTIVITIES: tuple[dict[str, Any], ...] = (
    {"of": 1, "type": "call", "title": "Call with Bram", "description": "Wants a demonstration.", "done": -2},
    {"of": 1, "type": "demo", "title": "Show the product to Bram's team", "at": 2},
    {"of": 4, "type": "meeting", "title": "Terms with Elif", "description": "Asked for yearly billing.", "done": -1},
    {"of": 4, "type": "follow_up", "title": "Send Elif the contract", "at": 1, "reminder": 0.9},
    {"of": 12, "type": "note", "title": "Signed for a year", "done": -12},
    {"of": 16, "type": "task", "title": "Answer Quinn's questions on data protection", "at": -1},
    {"of": 17, "type": "call", "title": "Call Rosa about the pilot", "at": 3},
)

INSIGHTS: tuple[dict[str, Any], ...] = (
    {
        "type": "recommendation",
        "title": "Founders answer most",
        "description": "Founders reply twice as often as heads of sales: put them first in the next campaign.",
        "priority": "high",
        "dedupe_key": "demo-founders",
        "confidence": 0.8,
    },
    {
        "type": "performance",
        "title": "The second mail brings a third of the replies",
        "description": "Keep the example mail; a shorter pause before it is worth a test.",
        "priority": "normal",
        "dedupe_key": "demo-second-mail",
        "confidence": 0.7,
    },
    {
        "type": "alert",
        "title": "One address in twelve bounced",
        "description": "Check new lists before they are enrolled; above five percent providers slow down.",
        "priority": "urgent",
        "dedupe_key": "demo-bounces",
        "confidence": 0.95,
    },
)

ANSWER: Mapping[str, str] = {
    "subject": "Re: A question",
    "text": "Thank you, this comes at the right time. Do you have half an hour next week?",
}
"""What those say who reply."""
