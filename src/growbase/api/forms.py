"""Reading a form with one file as it arrives: the file goes on piece by piece, the fields are kept."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from growbase.api.call import Call
from growbase.core.errors import Invalid, TooLarge, UnsupportedMediaType
from growbase.core.file_types import HEAD

FORM = "multipart/form-data"
FIELDS_LIMIT = 1024 * 1024
"""Bytes of a form beside its file."""
MOST_PARTS = 100


class NoForm(UnsupportedMediaType):
    """The content type {content_type} is not supported here.

    Send multipart/form-data with the file in a part called file.
    """


@dataclass(frozen=True, slots=True)
class Part:
    """The beginning of a part: a field's, or a file's."""

    name: str
    filename: str | None


Event = Part | bytes | None
"""A part begins, some of it, it is at its end."""
Events = AsyncGenerator[Event, None]


@dataclass(slots=True)
class Form:
    """A form that was read: the texts of its fields, and of its file all but the bytes."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    filename: str | None = None
    head: bytes = b""
    size: int = 0
    sha256: str = ""


Store = Callable[[AsyncIterator[bytes]], Awaitable[None]]


async def read_form(call: Call, store: Store, *, limit: int) -> Form:
    """Read a form, handing the part called ``file`` to ``store`` as it arrives; memory holds its beginning only.

    Raises NoForm, TooLarge for a file of more than ``limit`` bytes, or Invalid for a form that is broken or breaks off:
    raised inside of ``store``, so that it keeps nothing, or after it has kept the file.
    """
    events = open_form(call, limit=limit)
    try:
        form = await read_parts(events, store, limit=limit)
    finally:
        await events.aclose()
    if form.filename is None:
        raise Invalid.at("file", "required", "is required")
    if not form.size:
        raise Invalid.at("file", "too_short", "must not be empty")
    return form


def open_form(call: Call, *, limit: int) -> Events:
    """Return a form as it arrives, nothing of it read yet; close it in the end. Raises NoForm or TooLarge."""
    kind, options = parse_options_header(call.headers.get("content-type", ""))
    if kind != FORM or not options.get("boundary"):
        raise NoForm(content_type=kind or "none")
    length = call.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit + FIELDS_LIMIT:
        raise TooLarge(limit=limit)
    return _events(call, options["boundary"], limit)


async def first_field(events: Events) -> tuple[str, str]:
    """Read the first part of a form and return its name and text, empty where it is a file or there is none."""
    event = await anext(events, None)
    if not isinstance(event, Part) or event.filename is not None:
        return "", ""
    form = Form()
    await _read_field(form, event.name, events)
    return event.name, form.fields[event.name][0]


async def read_parts(events: Events, store: Store, *, limit: int) -> Form:
    """Read what is left of a form, whose file may be missing; see ``read_form``."""
    form = Form()
    async for event in events:
        assert isinstance(event, Part)
        if event.filename is None:
            await _read_field(form, event.name, events)
        elif event.name != "file":
            raise Invalid.at(event.name, "unknown", "is not a field of this resource")
        elif form.filename is not None:
            raise Invalid.at("file", "too_long", "must be one file")
        else:
            form.filename = event.filename
            await store(_file(form, events, limit))
    return form


async def _events(call: Call, boundary: str, limit: int) -> Events:
    try:
        with PushMultipartParser(boundary, max_segment_count=MOST_PARTS, strict=True) as parser:
            async for piece in call.pieces(limit + FIELDS_LIMIT):
                for event in parser.parse(piece):
                    if isinstance(event, MultipartSegment):
                        yield Part(str(event.name), event.filename)
                    else:
                        yield None if event is None else bytes(event)
    except (ParserLimitReached, TooLarge) as error:
        raise TooLarge(limit=limit) from error
    except MultipartError as error:
        raise Invalid("The form can't be read: {reason}.", reason=str(error)) from error


async def _file(form: Form, events: AsyncIterator[Event], limit: int) -> AsyncIterator[bytes]:
    """Yield the file's bytes, taking their measure."""
    digest, head = hashlib.sha256(), bytearray()
    async for event in events:
        if event is None:
            break
        assert isinstance(event, bytes)
        form.size += len(event)
        if form.size > limit:
            raise TooLarge(limit=limit)
        digest.update(event)
        head += event[: HEAD - len(head)]
        yield event
    form.head, form.sha256 = bytes(head), digest.hexdigest()


async def _read_field(form: Form, name: str, events: AsyncIterator[Event]) -> None:
    found = bytearray()
    async for event in events:
        if event is None:
            break
        assert isinstance(event, bytes)
        found += event
        if len(found) > FIELDS_LIMIT:
            raise TooLarge(limit=FIELDS_LIMIT)
    try:
        form.fields.setdefault(name, []).append(found.decode())
    except UnicodeDecodeError as error:
        raise Invalid.at(name, "type", "must be text") from error
