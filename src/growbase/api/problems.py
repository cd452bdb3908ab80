"""Errors as ``application/problem+json`` (RFC 9457), in the caller's language."""

from growbase.core import errors
from growbase.core.catalogue import translate
from growbase.core.errors import GrowbaseError
from growbase.core.types import compact_json

BASE = "https://growbase.dev/errors/"

STATUS: dict[type[GrowbaseError], int] = {
    errors.InvalidQuery: 400,
    errors.InvalidJSON: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.Stale: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.RangeNotSatisfiable: 416,
    errors.WrongRegion: 421,
    errors.Invalid: 422,
    errors.IdempotencyMismatch: 422,
    errors.LimitExceeded: 429,
    errors.RateLimited: 429,
    errors.NotConfigured: 503,
    errors.Unavailable: 503,
}
"""Kind to status; a subclass has the status of its nearest kind."""

PUBLIC = {
    *("allowed", "current", "to", "current_version", "blocked_by", "dependants", "base_url", "region"),
    *("index", "metric", "limit", "used", "since", "parent_id", "retry_after"),
}
"""Parameters that are members of the problem, for programs to read."""


def status_of(error: GrowbaseError) -> int:
    """Return the HTTP status of an error."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def problem(error: GrowbaseError, language: str, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an error."""
    status = status_of(error)
    document: dict[str, object] = {
        "type": f"{BASE}{error.code}",
        "title": _title(error, language),
        "status": status,
        "code": error.code,
        "detail": translate(language, error.message, error.params),
        "request_id": request_id,
    }
    if error.hint:
        document["hint"] = translate(language, error.hint, error.params)
    if error.fields:
        document["errors"] = [
            {"field": item.field, "code": item.code, "message": translate(language, item.message, item.params)}
            for item in error.fields
        ]
    document.update({name: value for name, value in error.params.items() if name in PUBLIC and value is not None})
    headers = {"content-type": "application/problem+json"}
    if status in {429, 503}:
        headers["retry-after"] = str(error.params.get("retry_after", 1 if status == 503 else 60))
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return status, headers, compact_json(document).encode()


def _title(error: GrowbaseError, language: str) -> str:
    """Return the kind's own sentence; where that has parameters which this error lacks, the error's."""
    kinds = [kind for kind in type(error).__mro__ if kind in STATUS]
    default = kinds[0]() if kinds else errors.GrowbaseError()
    if not kinds:
        return default.message
    title = translate(language, default.message, error.params)
    return title if "{" not in title else translate(language, error.message, error.params)
