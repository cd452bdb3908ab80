"""Every error Growbase raises on purpose, as one tree.

GrowbaseError
├── Invalid                 the request is wrong in itself
│   └── InvalidQuery        ... in its query string
├── Unauthenticated         nobody, or nobody known
├── Forbidden               known, visible, not allowed
├── NotFound                absent, or another organization's
├── Conflict                right in itself, wrong against what is stored
│   ├── NotUnique
│   ├── ForeignKey
│   ├── InvalidTransition
│   └── TooLate
├── Gone                    history older than the log keeps
├── Stale                   somebody else changed the row first
├── LimitExceeded           plan limit
├── RateLimited             too many tries
├── IdempotencyMismatch     key used for another request
├── WrongRegion             the organization lives elsewhere
├── TooLarge
├── NotConfigured           this server was not set up for it
├── RangeNotSatisfiable     a part of a file that is not there
├── Unavailable             the database is away, full or busy
└── ConfigError             the process can't start like this

A class's docstring is its default message and, after a blank line, the hint: what to do next. Both are
``str.format`` templates over the keyword arguments and message ids of the translation catalogue.
"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, Final, Self


@dataclasses.dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its path (``items.3.name``), a stable code, a message template and its parameters."""

    field: str
    code: str
    message: str
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def text(self) -> str:
        """Return the message in English."""
        return _filled(self.message, self.params)

    def under(self, prefix: str) -> "FieldError":
        """Return the same error with ``prefix`` before its path."""
        path = f"{prefix}.{self.field}" if self.field else prefix
        return FieldError(path, self.code, self.message, self.params)


class GrowbaseError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, /, *, fields: tuple[FieldError, ...] = (), **params: object) -> None:
        self.message = message or self._docstring()[0]
        self.fields = fields
        self.params = params
        super().__init__(self.message)

    @classmethod
    def at(cls, name: str, code: str, message: str, /, **params: object) -> Self:
        """Build the error of one field; ``params`` fill the message and are members of the problem too."""
        return cls(None, fields=(FieldError(name, code, message, params),), **params)

    @classmethod
    def _docstring(cls) -> tuple[str, str]:
        message, _, hint = (cls.__doc__ or "").strip().partition("\n\n")
        return " ".join(message.split()), " ".join(hint.split())

    @property
    def hint(self) -> str:
        """What to do next, as a template; empty where the message says it all."""
        return self._docstring()[1]

    def __str__(self) -> str:
        text = _filled(self.message, self.params)
        details = "; ".join(f"{error.field} {error.text()}" for error in self.fields)
        return f"{text} ({details})" if details else text


def _filled(template: str, params: Mapping[str, object]) -> str:
    """Return a message with its parameters; one that is no template, such as another program's words, as it is."""
    try:
        return template.format_map(_Params(params))
    except (AttributeError, IndexError, ValueError):
        return template


class _Params(dict[str, object]):
    """Leave a placeholder without value as it is, so that reporting an error never raises another."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class Invalid(GrowbaseError):
    """The request has invalid values.

    Correct the fields named in errors and send it again; nothing was written.
    """

    code = "invalid"


class InvalidQuery(Invalid):
    """The query string is not valid.

    Correct the parameters named in errors; the API description lists what each resource accepts.
    """

    code = "invalid_query"


class InvalidJSON(Invalid):
    """The request body is not valid JSON.

    Send one JSON document in UTF-8 with the content type application/json.
    """

    code = "invalid_json"


class Unauthenticated(GrowbaseError):
    """Authentication is required.

    Send a valid access token or API key in the Authorization header.
    """

    code = "unauthenticated"


class Forbidden(GrowbaseError):
    """Your role does not allow this.

    Ask an administrator of the organization.
    """

    code = "forbidden"


class NotFound(GrowbaseError):
    """There is no such {what}."""

    code = "not_found"


class Conflict(GrowbaseError):
    """The request conflicts with what is stored."""

    code = "conflict"


class NotUnique(Conflict):
    """Another live row already has this value.

    Choose another value, or change the row that has it.
    """

    code = "unique"


class ForeignKey(Conflict):
    """A referenced row does not exist or is still referenced.

    Refer to a live row of the same organization.
    """

    code = "foreign_key"


class InvalidTransition(Conflict):
    """A {what} can't go from {current} to {to}.

    Choose one of the states in allowed.
    """

    code = "invalid_transition"


class TooLate(Conflict):
    """It is too late for this.

    Read the row again to see its state.
    """

    code = "too_late"


class Gone(GrowbaseError):
    """The history is kept only since {since}."""

    code = "gone"


class Stale(GrowbaseError):
    """The {what} was changed by somebody else in the meantime.

    Read it again, repeat the change on its current version and send that version.
    """

    code = "stale"


class LimitExceeded(GrowbaseError):
    """The plan's limit for {metric} is reached.

    Delete what is no longer needed or change the plan.
    """

    code = "limit_exceeded"


class RateLimited(GrowbaseError):
    """Too many requests.

    Wait for the seconds in Retry-After.
    """

    code = "rate_limited"


class IdempotencyMismatch(GrowbaseError):
    """The Idempotency-Key was already used for another request.

    Use a new key for a new request.
    """

    code = "idempotency_mismatch"


FROZEN: Final = "the organization is moving to another region; it can be read until it is there"
"""What the database says of writes into an organization that moves."""


class WrongRegion(GrowbaseError):
    """The organization lives in the region {region}.

    Send the request to the base URL in base_url.
    """

    code = "wrong_region"


class TooLarge(GrowbaseError):
    """The request is larger than {limit} bytes.

    Send less at once.
    """

    code = "too_large"


class RangeNotSatisfiable(GrowbaseError):
    """The file has only {limit} bytes.

    Ask for a range that begins before its end.
    """

    code = "range_not_satisfiable"


class UnsupportedMediaType(GrowbaseError):
    """The content type {content_type} is not supported here.

    Send application/json.
    """

    code = "unsupported_media_type"


class MethodNotAllowed(GrowbaseError):
    """The method {method} is not allowed here."""

    code = "method_not_allowed"


class Unavailable(GrowbaseError):
    """The database is not available: {reason}.

    Try again in some seconds; nothing of this request was written.
    """

    code = "unavailable"


class OutcomeUnknown(Unavailable):
    """The connection was lost while the change was being committed.

    Look whether the change is there before repeating it, or send the same Idempotency-Key again.
    """

    code = "unavailable"


class NotConfigured(GrowbaseError):
    """The server is not set up for this: {reason}.

    Set what is missing and start the server again.
    """

    code = "not_configured"


class ConfigError(GrowbaseError):
    """The configuration is not usable."""

    code = "config"
