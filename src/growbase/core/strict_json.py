"""Reading JSON that comes from outside without the liberties Python's reader takes."""

import json
import re
from collections.abc import Iterator
from math import isinf
from typing import Any

from growbase.core.errors import FieldError, Invalid, InvalidJSON

_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
NUL = ("nul", "must not contain the character NUL")


def read_json(body: bytes, *, unique: bool = True, finite: bool = True) -> Any:  # noqa: ANN401 -- a JSON value
    """Return a document in UTF-8.

    Raises InvalidJSON, also for half of a surrogate pair and, where it must be ``finite``, for NaN and what no float
    holds; and Invalid for a name given twice in one object, of which every reader would keep another one.
    """
    options: dict[str, Any] = {"parse_float": _finite, "parse_constant": _refuse} if finite else {}
    if unique:
        options["object_pairs_hook"] = _object
    try:
        text = body.decode()
        found = json.loads(text, **options)
        if _HALF_CHARACTER.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise _broken("it is not UTF-8") from error
    except RecursionError as error:
        raise _broken("it is nested too deeply") from error
    except ValueError as error:
        raise _broken(str(error).split(": line")[0]) from error
    return found


def require_unique_names(body: bytes) -> None:
    """Raise Invalid if an object of a JSON body that is known to be sound gives a name twice."""
    json.loads(body, object_pairs_hook=_object)


def require_no_nul(body: bytes, document: object) -> None:
    """Raise Invalid naming every text with the character NUL, which PostgreSQL can't store."""
    if b"\\u0000" not in body:
        return
    fields = tuple(FieldError(path, *NUL) for path in _nul_paths(document, ""))
    if fields:
        raise Invalid(fields=fields)


def _nul_paths(value: object, path: str) -> Iterator[str]:
    inner = f"{path}." if path else ""
    if isinstance(value, str) and "\x00" in value:
        yield path
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _nul_paths(item, f"{inner}{place}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _nul_paths(name, path)
            yield from _nul_paths(item, f"{inner}{name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid.at(twice, "duplicate", "is given twice")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if isinf(value):
        _refuse(text)
    return value


def _refuse(text: str) -> float:
    raise ValueError(f"{text[:20]} is not a finite number")


def _broken(reason: str) -> InvalidJSON:
    return InvalidJSON(fields=(FieldError("", "json", "{reason}", {"reason": reason}),))
