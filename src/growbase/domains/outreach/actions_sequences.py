"""Making and editing sequences and their steps; what was sent stays as it was."""

from collections.abc import Mapping
from collections.abc import Sequence as Rows
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import Conflict, FieldError, Invalid
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.outreach.conditions import require_earlier_step
from growbase.domains.outreach.models_messages import Message
from growbase.domains.outreach.models_sequences import OutreachCampaign, OutreachStatus, Sequence, SequenceStep
from growbase.domains.outreach.personalise import require_known_variables

Draft = Mapping[str, Any]
WORDS = ("subject", "content", "delay_days", "delay_hours", "conditions", "template_id")
"""What of a step that was sent only a new revision can change."""
RUNNING = (OutreachStatus.SCHEDULED, OutreachStatus.ACTIVE, OutreachStatus.PAUSED)


def create_sequence(tx: Transaction, *, steps: Rows[Any] | None = None, **values: object) -> UUID:
    """Make a sequence with its steps. Raises Invalid naming the step that is wrong."""
    drafts = _checked([_plain(step) for step in steps or ()])
    sequence_id = tx.insert(Sequence, **values)
    _insert(tx, sequence_id, list(enumerate(drafts, start=1)))
    return sequence_id


def remove_sequence(tx: Transaction, *, id: UUID) -> UUID:
    """Move a sequence and its steps to the trash. Raises Conflict while a campaign runs it."""
    tx.get(Sequence, id, lock=True)
    running = tx.count(OutreachCampaign, sequence_id=id, status=list(RUNNING))
    if running:
        raise Conflict("{campaigns} campaigns still run this sequence: complete them first.", campaigns=running)
    return trash(tx, Sequence, id)


def set_steps(tx: Transaction, *, id: UUID, steps: Rows[Any]) -> UUID:
    """Give a sequence exactly these steps, numbered from 1 in their order.

    A known key is changed, or superseded by a new revision where it was sent and says something else; the others are
    added, or moved to the trash, where their messages keep them.
    """
    drafts = _checked([_plain(step) for step in steps])
    tx.get(Sequence, id, lock=True)
    live = {step.step_key: step for step in current_steps(tx, id)}
    wanted = {draft["step_key"]: draft for draft in drafts}
    for key in live.keys() - wanted.keys():
        trash(tx, SequenceStep, live.pop(key).id)
    for key, step in live.items():
        values = {name: value for name, value in wanted[key].items() if name != "step_key"}
        _rewrite(tx, step, values)
    order = list(wanted)
    kept = {step.step_key: step for step in current_steps(tx, id)}
    _renumber(tx, {kept[key].id: (kept[key].step_number, order.index(key) + 1) for key in kept})
    _insert(tx, id, [(place, wanted[key]) for place, key in enumerate(order, start=1) if key not in kept])
    return id


def create_step(tx: Transaction, *, sequence_id: UUID, **values: Any) -> UUID:  # noqa: ANN401 -- the columns
    """Add a step to the end of a sequence."""
    for name in ("subject", "content"):
        require_known_variables(name, values.get(name))
    tx.find(Sequence, sequence_id, lock=True)
    steps = current_steps(tx, sequence_id)
    require_earlier_step("conditions", values.get("conditions"), (step.step_key for step in steps))
    last = max((step.step_number for step in steps), default=0)
    return tx.insert(SequenceStep, sequence_id=sequence_id, step_number=last + 1, **values)


def update_step(tx: Transaction, *, id: UUID, changes: Draft, version: int | None = None) -> int:
    """Change a step. Raises Conflict where it was sent already and would say something else."""
    step = _locked(tx, id)
    for name in ("subject", "content"):
        require_known_variables(name, changes.get(name))
    require_earlier_step("conditions", changes.get("conditions"), _earlier(tx, step))
    differs = any(changes.get(name, step.__dict__[name]) != step.__dict__[name] for name in WORDS)
    if differs and _was_used(tx, step):
        raise Conflict("This step has been sent: make a new revision of it with the verb revise.")
    return tx.change(step, changes, version=version)


def revise_step(tx: Transaction, *, id: UUID, **changes: Any) -> UUID:  # noqa: ANN401 -- the columns
    """Let a step say something else from now on and return the row that does: itself until it was first sent."""
    values = {name: value for name, value in changes.items() if value is not None}
    for name in ("subject", "content"):
        require_known_variables(name, values.get(name))
    step = _locked(tx, id)
    require_earlier_step("conditions", values.get("conditions"), _earlier(tx, step))
    return _rewrite(tx, step, values)


def move_step(tx: Transaction, *, id: UUID, step_number: int) -> UUID:
    """Give a step another place; the others close up. A number behind the last one means the last place."""
    step = _locked(tx, id)
    steps = current_steps(tx, step.sequence_id)
    order = [other.id for other in steps if other.id != id]
    order.insert(step_number - 1, id)
    numbers = {other.id: other.step_number for other in steps}
    _renumber(tx, {key: (numbers[key], place) for place, key in enumerate(order, start=1)})
    return id


def remove_step(tx: Transaction, *, id: UUID) -> UUID:
    """Move a step to the trash; the ones behind it close up, and its messages stay.

    It leaves as the last one, so that restoring it finds its number free.
    """
    step = _locked(tx, id)
    move_step(tx, id=id, step_number=len(current_steps(tx, step.sequence_id)))
    return trash(tx, SequenceStep, id)


def current_steps(tx: Transaction, sequence_id: UUID) -> list[SequenceStep]:
    """Return the steps of a sequence in their order, superseded revisions left out."""
    return tx.rows(SequenceStep, sequence_id=sequence_id, superseded_at=None, order="step_number")


def _locked(tx: Transaction, id: UUID) -> SequenceStep:
    """Return a current step under lock, after its sequence, which everybody locks first."""
    tx.get(Sequence, tx.get(SequenceStep, id).sequence_id, lock=True)
    step = tx.get(SequenceStep, id, lock=True)
    if step.superseded_at is not None:
        raise Conflict("This revision was superseded: change the current step.")
    return step


def _earlier(tx: Transaction, step: SequenceStep) -> list[str]:
    """Return the keys of the steps before a step."""
    steps = current_steps(tx, step.sequence_id)
    return [other.step_key for other in steps if other.step_number < step.step_number]


def _rewrite(tx: Transaction, step: SequenceStep, values: Draft) -> UUID:
    """Change a step's words in place, or by a new revision where they were sent; return the row that has them."""
    differs = any(values.get(name, step.__dict__[name]) != step.__dict__[name] for name in WORDS)
    if not (differs and _was_used(tx, step)):
        tx.change(step, values)
        return step.id
    copied = {name: step.__dict__[name] for name in (*WORDS, "is_active", "sequence_id", "step_key", "step_number")}
    tx.change(step, {"superseded_at": tx.now})
    return tx.insert(SequenceStep, **{**copied, **values}, revision=step.revision + 1, supersedes_id=step.id)


def _was_used(tx: Transaction, step: SequenceStep) -> bool:
    return tx.find(Message, sequence_step_id=step.id) is not None


def _plain(step: Any) -> dict[str, Any]:  # noqa: ANN401 -- a request's model, or a mapping
    found: dict[str, Any] = step.model_dump() if hasattr(step, "model_dump") else dict(step)
    return found


def _checked(drafts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = [draft["step_key"] for draft in drafts]
    twice = [place for place, key in enumerate(keys) if key in keys[:place]]
    if twice:
        message = "is the same as another step's"
        raise Invalid(fields=tuple(FieldError(f"steps.{place}.step_key", "unique", message) for place in twice))
    for place, draft in enumerate(drafts):
        for name in ("subject", "content"):
            require_known_variables(f"steps.{place}.{name}", draft.get(name))
        require_earlier_step(f"steps.{place}.conditions", draft.get("conditions"), keys[:place])
    return drafts


def _insert(tx: Transaction, sequence_id: UUID, numbered: Rows[tuple[int, Draft]]) -> None:
    rows = [
        {"id": clock.new_id(), "sequence_id": sequence_id, "step_number": place, **draft} for place, draft in numbered
    ]
    tx.insert_many(SequenceStep, rows)


def _renumber(tx: Transaction, moves: dict[UUID, tuple[int, int]]) -> None:
    """Give steps their new numbers, each when its place is free; a circle is opened by a step far behind."""
    taken = {number: step_id for step_id, (number, _) in moves.items()}
    pending = {step_id: (old, new) for step_id, (old, new) in moves.items() if old != new}
    aside = max([*taken, *(new for _, new in moves.values())], default=0) + 1
    while pending:
        free = next((step_id for step_id, (_, new) in pending.items() if new not in taken), None)
        step_id = free or next(iter(pending))
        old, new = pending.pop(step_id)
        target = new if free else aside
        tx.update(SequenceStep, step_id, {"step_number": target})
        del taken[old]
        taken[target] = step_id
        if target != new:
            pending[step_id] = (target, new)
