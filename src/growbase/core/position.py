"""Where change rows stand in the log."""

from collections.abc import Sequence

from growbase.core.reads import Execute, ExecuteMany
from growbase.core.statements import POSTGRESQL, insert_sql, plan_of
from growbase.core.tables import Change

LOG_COLUMNS = (
    "tx",
    "organization_id",
    "occurred_at",
    "request_id",
    "actor_type",
    "actor_id",
    "actor_label",
    "action",
    "entity",
    "entity_id",
    "version",
    "deletion_id",
    "changes",
    "ip",
    "user_agent",
)


class LogPosition:
    """Gives change rows their place in the log.

    On SQLite the writer counts ``seq`` itself and ``tx`` equals it. On PostgreSQL ``tx`` is the transaction id, since
    identity values commit out of order. Both are raised by ``log_base``, which a move between databases sets above
    the old maximum.
    """

    def __init__(self, engine: str, log_base: int = 0) -> None:
        plan = plan_of(Change, engine)
        self.engine = engine
        self.last = log_base
        self.sql = insert_sql(plan, LOG_COLUMNS if engine == POSTGRESQL else ("seq", *LOG_COLUMNS))
        self.first = self.sql.replace("%s", f"pg_current_xact_id()::text::bigint + {int(log_base)}", 1)

    def write(self, execute: Execute, execute_many: ExecuteMany, changes: Sequence[tuple[object, ...]]) -> int | None:
        """Insert the change rows of one unit and return its transaction id on PostgreSQL."""
        if self.engine == POSTGRESQL:
            first, *rest = changes
            tx: int = execute(f"{self.first} RETURNING tx", first).fetchone()[0]
            if rest:
                execute_many(self.sql, [(tx, *change) for change in rest])
            return tx - self.last
        start = self.last + 1
        rows = [(start + place, start + place, *change) for place, change in enumerate(changes)]
        self.last += len(rows)
        if len(rows) == 1:
            execute(self.sql, rows[0])
        else:
            execute_many(self.sql, rows)
        return None
