"""Whether somebody gets a step of a sequence: by what became of the messages before it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from growbase.core.errors import Invalid
from growbase.core.reads import Reads
from growbase.domains.outreach.models_messages import Direction, Message
from growbase.domains.outreach.models_sequences import Enrollment

MOMENTS: Final[Mapping[str, str]] = {
    "opened": "first_opened_at",
    "clicked": "first_clicked_at",
    "replied": "replied_at",
}
"""What a condition asks for, and the column that says when it was."""


def are_met(reads: Reads, conditions: Mapping[str, Any] | None, enrollment: Enrollment) -> bool:
    """Return whether the earlier messages of an enrolment are as a step asks; see ``StepConditions``."""
    asked = {MOMENTS[name]: wanted for name, wanted in (conditions or {}).items() if name in MOMENTS}
    if not asked:
        return True
    key = (conditions or {}).get("step")
    of_step = {"step_key": key} if key else {}
    earlier = reads.rows(Message, enrollment_id=enrollment.id, direction=Direction.OUTBOUND, **of_step)
    return all(any(row.__dict__[column] for row in earlier) is wanted for column, wanted in asked.items())


def require_earlier_step(field: str, conditions: Mapping[str, Any] | None, earlier: Iterable[str]) -> None:
    """Raise Invalid where the conditions of a step ask for a step that is not before it."""
    key = (conditions or {}).get("step")
    if key and key not in set(earlier):
        raise Invalid.at(f"{field}.step", "unknown_step", "must be the key of an earlier step of the sequence")
