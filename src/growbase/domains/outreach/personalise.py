"""Filling a person into a step's words: ``{{first_name}}``, or ``{{first_name|there}}`` where that may be missing."""

import re
from collections.abc import Mapping

from growbase.core.errors import Invalid
from growbase.domains.outreach.models import Prospect

VARIABLES = (
    *("first_name", "last_name", "full_name", "email", "job_title", "phone"),
    *("company_name", "company_domain", "company_industry", "company_location"),
    *("sender_name", "sender_email", "sender_signature"),
)
"""The names a step may use."""

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*(?:\|([^{}|]*))?\}\}")


class MissingValue(Exception):
    """A variable has neither a value nor a fallback; its name is the argument."""


def require_known_variables(field: str, text: str | None) -> None:
    """Raise Invalid naming a variable that no person has."""
    for name, _ in _VARIABLE.findall(text or ""):
        if name not in VARIABLES:
            raise Invalid.at(
                field,
                "unknown_variable",
                "{name} is no variable; use {choices}",
                name=name,
                choices=", ".join(VARIABLES),
            )


def personalise(text: str, values: Mapping[str, str | None]) -> str:
    """Return the text with every variable filled in. Raises MissingValue."""

    def fill(found: re.Match[str]) -> str:
        name, fallback = found[1], found[2]
        value = values.get(name) or (None if fallback is None else fallback.strip())
        if value is None:
            raise MissingValue(name)
        return value

    return _VARIABLE.sub(fill, text)


def values_of(prospect: Prospect, sender: Mapping[str, str]) -> dict[str, str | None]:
    """Return what the variables stand for."""
    row = prospect.__dict__
    values: dict[str, str | None] = {name: row[name] for name in VARIABLES if name in row}
    full = " ".join(filter(None, (prospect.first_name, prospect.last_name)))
    signature = {f"sender_{name}": sender.get(name) for name in ("name", "email", "signature")}
    return {**values, **signature, "full_name": full or None}


def preview(text: str, values: Mapping[str, str | None]) -> str:
    """Return the text as ``personalise`` does, with what has neither value nor fallback shown by its name."""
    bare = {found[1] for found in _VARIABLE.finditer(text) if found[2] is None}
    return personalise(text, {**{name: f"[{name}]" for name in bare}, **{k: v for k, v in values.items() if v}})
