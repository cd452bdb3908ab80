"""The page where a recipient leaves, and the one click of a mail program (RFC 8058)."""

from html import escape

from growbase.api.call import Answer, Call, endpoint
from growbase.core.actor import Actor, ActorKind
from growbase.core.catalogue import translate
from growbase.core.errors import NotFound
from growbase.domains.outreach.unsubscribe import Unsubscribe, read_unsubscribe_token, unsubscribe

STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}h1{font-size:1.5rem}button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.4rem;"
    "background:#14532d;color:#fff;cursor:pointer}button:focus-visible{outline:3px solid #f59e0b;outline-offset:2px}"
)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


@endpoint("/u/{token:str}", "GET", "POST", public=True)
async def leave(call: Call) -> Answer:
    """Show the page with the button that unsubscribes, or unsubscribe: a GET changes nothing, a POST needs no login."""
    language = call.language
    try:
        leaving = read_unsubscribe_token(call.api.secret, str(call.scope["path_params"]["token"]))
    except NotFound:
        return _page(language, 400, translate(language, "This link is not valid.", {}), _invalid(language))
    if call.method != "POST":
        return _page(language, 200, translate(language, "Unsubscribe", {}), _question(language))
    await call.api.database.awrite(_recipient(call, leaving), lambda tx: unsubscribe(tx, leaving))
    return _page(language, 200, translate(language, "You are unsubscribed.", {}), _done(language))


def _recipient(call: Call, leaving: Unsubscribe) -> Actor:
    return Actor(
        ActorKind.SYSTEM,
        "unsubscribe link",
        organization_id=leaving.organization_id,
        request_id=call.request_id,
        ip=call.ip,
        user_agent=call.user_agent,
    )


def _invalid(language: str) -> str:
    return f"<p>{escape(translate(language, 'Open it again from the message it came in.', {}))}</p>"


def _question(language: str) -> str:
    asked = escape(translate(language, "Do you want to get no more messages from us at this address?", {}))
    button = escape(translate(language, "Yes, unsubscribe me", {}))
    return f'<p>{asked}</p><form method="post"><button type="submit">{button}</button></form>'


def _done(language: str) -> str:
    return f"<p>{escape(translate(language, 'We will not write to you again.', {}))}</p>"


def _page(language: str, status: int, title: str, content: str) -> Answer:
    heading = escape(title)
    text = (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8"><title>{heading}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f'<body><main><h1 role="status">{heading}</h1>{content}</main></body></html>'
    )
    return Answer(status, text.encode(), dict(HEADERS), content_type="text/html; charset=utf-8")


ROUTES = [leave]
