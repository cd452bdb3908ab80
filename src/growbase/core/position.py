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
        if engine == POSTGRESQL:
            marks = ", ".join(["%s"] * (len(LOG_COLUMNS) - 1))
            tx = f"pg_current_xact_id()::text::bigint + {int(log_base)}"
            self.sql = f"INSERT INTO changes ({', '.join(LOG_COLUMNS)}) VALUES ({tx}, {marks})"
        else:
            self.sql = insert_sql(plan, ("seq", *LOG_COLUMNS))

    def write(self, execute: Execute, execute_many: ExecuteMany, changes: Sequence[tuple[object, ...]]) -> int | None:
        """Insert the change rows of one unit and return its transaction id on PostgreSQL."""
        if self.engine == POSTGRESQL:
            first, *rest = changes
            xid: int = execute(f"{self.sql} RETURNING tx", first).fetchone()[0] - self.last
            if rest:
                execute_many(self.sql, rest)
            return xid
        start = self.last + 1
        rows = [(start + place, start + place, *change) for place, change in enumerate(changes)]
        self.last += len(rows)
        if len(rows) == 1:
            execute(self.sql, rows[0])
        else:
            execute_many(self.sql, rows)
        return None
