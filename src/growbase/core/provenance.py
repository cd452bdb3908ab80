"""Which model wrote a row: the columns that every table of generated things shares."""

from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import identifier, integer, text


class Generated:
    """Mixin: the model, its prompt by fingerprint, what it used and cost, and the job that asked it."""

    model: Mapped[str | None] = text(max_length=100, writable="create")
    model_version: Mapped[str | None] = text(max_length=100, writable="create")
    prompt_hash: Mapped[str | None] = text(max_length=64, writable="create")
    input_tokens: Mapped[int | None] = integer(ge=0, writable="create")
    output_tokens: Mapped[int | None] = integer(ge=0, writable="create")
    cost_micros: Mapped[int | None] = integer(ge=0, writable="create", help="Millionths of a US dollar.")
    job_id: Mapped[UUID | None] = identifier()
