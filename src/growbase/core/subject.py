"""Whose data a row holds: declared beside the model, so that export, erasure and the change log agree."""

from dataclasses import dataclass
from typing import Final

GONE: Final = "[erased]"
"""What stands in place of a value that can't be empty and whose person was erased."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the ``personal`` columns of a table tell of: the row itself is about a person, or the row ``of`` names is.

    ``of`` is ``id``, or the column that names the row whose person it is; where that is empty, the row tells of nobody
    that is known yet. ``address`` is the column by which a person is found; its values are folded.
    """

    of: str = "id"
    address: str | None = None
