"""Whose data a row holds: declared beside the model, so that export, erasure and the change log agree."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the ``personal`` columns of a table tell of: the row itself is about a person, or the row ``of`` names is.

    ``of`` is ``id``, or the column that names the row whose person it is. ``address`` is the column by which a person
    is found; its values are folded.
    """

    of: str = "id"
    address: str | None = None
