"""How the work in the background stands, for people and as JSON."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.feed import Holder, Lag, find_holder, find_lags
from growbase.core.types import moment_text
from growbase.jobs.figures import ended_since, queue_figures

LATELY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A queue: ``dead`` are those that somebody has to look at, ``ended_per_minute`` and ``failed`` of LATELY."""

    name: str
    paused: bool
    queued: int
    running: int
    dead: int
    oldest_seconds: float
    ended_per_minute: float
    failed: int


@dataclass(frozen=True, slots=True)
class BackgroundStatus:
    """The queues, how far the readers of the change log are behind, and the transaction that they wait for."""

    queues: list[QueueStatus]
    feed: list[Lag]
    holder: Holder | None

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON-ready mapping."""
        found = asdict(self)
        if self.holder is not None and self.holder.since is not None:
            found["holder"]["since"] = moment_text(self.holder.since)
        return found


def background_status(database: Database) -> BackgroundStatus:
    """Look at queues and readers. A transaction is named where something waits behind it. Raises Unavailable."""
    now, ended = clock.now(), ended_since(database, LATELY)
    queues = []
    for row in queue_figures(database):
        well, badly = ended.get(row["name"], (0, 0))
        oldest: datetime | None = row["oldest_run_at"]
        queues.append(
            QueueStatus(
                name=row["name"],
                paused=row["paused_at"] is not None,
                queued=row["queued"],
                running=row["running"],
                dead=row["dead"],
                oldest_seconds=0.0 if oldest is None else max(0.0, round((now - oldest).total_seconds(), 1)),
                ended_per_minute=round((well + badly) / (LATELY.total_seconds() / 60), 1),
                failed=badly,
            )
        )
    with database.read(system("status")) as reads:
        lags = find_lags(reads)
        holder = find_holder(reads) if any(lag.rows for lag in lags) else None
    return BackgroundStatus(queues, lags, holder)
