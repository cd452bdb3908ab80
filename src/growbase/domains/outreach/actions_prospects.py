"""Making, changing, moving, scoring and merging prospects."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core.actor import Role
from growbase.core.errors import Forbidden, NotUnique
from growbase.core.folding import fold_email
from growbase.core.model import Root
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_activities import leave_trace
from growbase.domains.outreach.models import EmailStatus, Prospect, ProspectScore, Stage
from growbase.domains.outreach.models_messages import ActivityType

SCORING = "content_generation"
"""The queue of work that asks a model."""


def create_prospect(tx: Transaction, **values: Any) -> UUID:  # noqa: ANN401 -- the columns
    """Add a prospect. Raises NotUnique naming the live one with the same e-mail address."""
    _require_free(tx, values.get("email"))
    return tx.insert(Prospect, **values)


def update_prospect(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a prospect; nothing is known yet of a new e-mail address."""
    values = dict(changes)
    row = tx.get(Prospect, id, lock=True)
    email = values.get("email", row.email)
    if email != row.email:
        _require_free(tx, email, besides=id)
        if (None if email is None else fold_email(email)) != row.email_norm:
            values.setdefault("email_status", EmailStatus.UNKNOWN)
    return tx.change(row, values, version=version)


def _require_free(tx: Reads, email: object, besides: UUID | None = None) -> None:
    found = None if email is None else tx.find(Prospect, email_norm=fold_email(str(email)))
    if found is not None and found.id != besides:
        raise NotUnique.at("email", "unique", "the live row {blocked_by} has this value", blocked_by=str(found.id))


def guard_prospect(tx: Transaction, row: Root, to: Stage) -> dict[str, object]:
    """Leave the change of stage as an activity. Raises Forbidden where somebody else than an admin undoes a win."""
    assert isinstance(row, Prospect)
    if row.stage is Stage.WON and not tx.actor.has_role(Role.ADMIN):
        raise Forbidden("A prospect who was won stays so, unless an administrator moves it.")
    title = f"Stage changed from {row.stage} to {to}"
    leave_trace(tx, row.id, ActivityType.STAGE_CHANGE, title, {"from": row.stage.value, "to": to.value})
    return {}


# -- scores -----------------------------------------------------------------------------------------------------------


def request_score(tx: Transaction, *, id: UUID) -> dict[str, str]:
    """Ask for a new score of a prospect and answer the job; while one is at work, that one."""
    tx.get(Prospect, id, lock=True)
    job_id = tx.enqueue("score_prospect", {"prospect_id": str(id)}, queue=SCORING, dedupe_key=f"score {id}")
    return {"job_id": str(job_id)}


def record_score(tx: Transaction, *, prospect_id: UUID, score: int, **values: Any) -> UUID:  # noqa: ANN401 -- columns
    """Keep what a model thought of a prospect and copy it to the prospect; a job that is run again changes nothing."""
    prospect = tx.find(Prospect, prospect_id, lock=True)
    job_id = values.get("job_id")
    known = tx.find(ProspectScore, job_id=job_id) if job_id is not None else None
    if known is not None:
        return known.id
    score_id = tx.insert(ProspectScore, prospect_id=prospect_id, score=score, **values)
    assert prospect is not None
    names = ("breakdown", "reasoning", "confidence", "model")
    explanation = {name: values[name] for name in names if values.get(name) is not None}
    tx.change(prospect, {"score": score, "score_explanation": explanation, "scored_at": tx.now})
    return score_id
