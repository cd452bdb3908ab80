"""What people call the queues and the kinds of jobs."""

from typing import Final

from growbase.studio.words import Words

MESSAGES: Final = {
    "content_generation": "Writing of contents",
    "publishing": "Publishing",
    "analytics_collection": "Collecting figures",
    "strategy_generation": "Strategies",
    "email_notifications": "Mails",
    "webhooks": "Webhooks",
    "maintenance": "Maintenance",
    "analyse_asset": "Look at a file",
    "analyse_campaign": "Analyse a campaign",
    "apply_billing_event": "Apply a payment provider's event",
    "back_up": "Take a backup",
    "collect_post": "Collect a post's figures",
    "complete_outreach_campaign": "Complete an outreach campaign",
    "delete_file": "Delete a file",
    "deliver_webhook": "Deliver a webhook",
    "draft_reply": "Draft a reply",
    "drill_restore": "Restore drill",
    "erase_person": "Erase a person",
    "examine": "Run doctor",
    "generate_content": "Write contents",
    "generate_insights": "Find insights",
    "generate_strategy": "Write a strategy",
    "import_prospects": "Import prospects",
    "process_webhook": "Process a shop's event",
    "prove_log": "Prove the audit log",
    "publish_post": "Publish a post",
    "refresh_kpi": "Compute a figure",
    "region_arrival": "Take over an organization",
    "region_entries": "Tell the other regions",
    "renew_tokens": "Renew an account's access",
    "revoke_tokens": "End an account's access",
    "schedule": "Scheduled work",
    "score_prospect": "Score a prospect",
    "send_alert": "Send an alert",
    "send_email": "Send a mail",
    "send_message": "Send an outreach message",
    "send_test": "Send a test mail",
    "send_ticket_message": "Answer a ticket",
    "start_outreach_campaign": "Start an outreach campaign",
    "stop_enrollments": "Stop enrollments",
    "verify_account": "Verify an account",
    "verify_backup": "Verify a backup",
    "weekly_summary": "Write the week's summary",
}


def named(words: Words, name: str) -> str:
    """Return what people call a queue or a kind of job; what no list names is called after itself."""
    return words.say(MESSAGES[name]) if name in MESSAGES else words.label(name)


def program_of(agent: str | None) -> str:
    """Return browser and system of a User-Agent as people call them, or its beginning."""
    text = agent or ""
    browsers = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = (
        *(("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android")),
        *(("Mac OS", "macOS"), ("Linux", "Linux")),
    )
    browser = next((name for mark, name in browsers if f"{mark}/" in text), "")
    system = next((name for mark, name in systems if mark in text), "")
    return " · ".join(filter(None, (browser, system))) if browser else text[:60]
