"""Logs and metrics: structlog to standard error, Prometheus figures, and never a secret in either."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache, lru_cache
from typing import Final, Literal, TypeAlias

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat: TypeAlias = Literal["json", "console", "auto"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]

MASK: Final = "[masked]"
_SECRET_KEY: Final = re.compile(r"password|token|secret|authorization|cookie", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^\s/@:]*):[^\s/@]+@")
_CHILDREN: Final = 4_096

REGISTRY: Final = CollectorRegistry()
_REQUESTS: Final = Histogram(
    "growbase_http_request_seconds",
    "Time to answer a request.",
    ("route", "method", "status"),
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_BATCHES: Final = Histogram(
    "growbase_db_batch_units",
    "Units of work committed together by the SQLite writer.",
    registry=REGISTRY,
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
_UNITS: Final = Histogram(
    "growbase_db_unit_seconds",
    "Time from handing in a unit of work to its commit.",
    ("outcome",),
    registry=REGISTRY,
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5),
)
_SLOW: Final = Counter(
    "growbase_db_slow_queries_total",
    "Statements that took longer than GROWBASE_SLOW_QUERY_MS.",
    ("statement",),
    registry=REGISTRY,
)
_JOBS: Final = Histogram(
    "growbase_job_seconds",
    "Time a job ran.",
    ("queue", "task", "outcome"),
    registry=REGISTRY,
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600),
)
_QUEUED: Final = Gauge(
    "growbase_jobs", "Jobs of a queue by state; each counted up to 10,000.", ("queue", "state"), registry=REGISTRY
)
_OLDEST: Final = Gauge(
    "growbase_job_oldest_seconds", "How long the job has been due that waits longest.", ("queue",), registry=REGISTRY
)
_RETAINED_AT: Final = Gauge(
    "growbase_retention_last_run_timestamp_seconds", "When retention was carried out last.", registry=REGISTRY
)
_RETAINED: Final = Gauge(
    "growbase_retention_rows", "Rows that retention has handled in its last run.", ("rule",), registry=REGISTRY
)
_RETAINED_HELD: Final = Gauge(
    "growbase_retention_held_rows", "Rows that legal holds have kept in the last run.", registry=REGISTRY
)
_RETAINED_FAILED: Final = Gauge("growbase_retention_failed", "Whether the last run has failed.", registry=REGISTRY)
_PAUSED: Final = Gauge("growbase_queue_paused", "Whether a queue is paused.", ("queue",), registry=REGISTRY)
_BEHIND: Final = Gauge(
    "growbase_feed_behind",
    "Changes that a reader of the change log has still to read; counted up to 10,000.",
    ("reader",),
    registry=REGISTRY,
)
_UNREAD: Final = Gauge(
    "growbase_feed_oldest_seconds",
    "How old the oldest change is that a reader has not read.",
    ("reader",),
    registry=REGISTRY,
)
_TICK: Final = Gauge(
    "growbase_worker_last_tick_timestamp_seconds", "When the worker last looked for work.", registry=REGISTRY
)
_REPLICA_LAG: Final = Gauge(
    "growbase_replica_lag_seconds",
    "How far a read replica is behind, by its place in GROWBASE_REPLICA_URLS; +Inf if it can't be used.",
    ("replica",),
    registry=REGISTRY,
)
_AT_WORK: Final = Gauge("growbase_worker_jobs", "Jobs at work in this process.", registry=REGISTRY)
_FINDINGS: Final = Gauge(
    "growbase_doctor_findings", "What the newest nightly look found.", ("severity",), registry=REGISTRY
)
_EXAMINED: Final = Gauge("growbase_doctor_timestamp_seconds", "When doctor looked last.", registry=REGISTRY)
_ALERTS: Final = Gauge("growbase_alerts", "Troubles that are raised now.", registry=REGISTRY)
_LOG_UP: Final = Gauge(
    "growbase_backup_log_up", "Whether the continuous backup of this process runs.", registry=REGISTRY
)
_LOG_RESTARTS: Final = Counter(
    "growbase_backup_log_restarts_total", "Times the continuous backup has ended by itself.", registry=REGISTRY
)
_BACKUP: Final = {
    name: Gauge(f"growbase_{name}", text, registry=REGISTRY)
    for name, text in {
        "backup_age_seconds": "Age of the last good backup.",
        "backup_size_bytes": "Size of the last good backup, files apart.",
        "backup_seconds": "Time the last good backup took.",
        "drill_passed": "Whether the last restore drill passed and is at most 8 days old.",
        "drill_age_seconds": "Age of the last restore drill.",
        "drill_recovery_point_seconds": "Work that the last drill could not restore.",
        "drill_recovery_time_seconds": "Time the last drill took until the data was checked.",
    }.items()
}
for _gauge in _BACKUP.values():
    # Nothing is known yet, and an age of 0 would say that all is well.
    _gauge.set(float("nan"))


def configure_telemetry(*, level: Level = "info", log_format: LogFormat = "auto") -> None:
    """Send all logs, those of libraries too, to standard error as JSON lines or, on a terminal, as coloured text."""
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [mask_secrets, structlog.dev.ConsoleRenderer()]
        if console
        # The traceback becomes text before the mask, which then also sees the values in it.
        else [structlog.processors.format_exc_info, mask_secrets, structlog.processors.JSONRenderer(_json)]
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)


def instrument(event: str, *, level: Level = "info", **fields: object) -> None:
    """Tell what happened: one log line named ``noun.verb`` with its fields and the request id that is bound."""
    getattr(structlog.get_logger(), level)(event, **fields)


def request_context(request_id: str, **fields: object) -> AbstractContextManager[None]:
    """Put the request id and other fields on each log line of the block; a new thread needs a copy of the context."""
    return structlog.contextvars.bound_contextvars(request_id=request_id, **fields)


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask each value whose key sounds secret, at any depth, and each password inside a URL."""
    return {key: MASK if _SECRET_KEY.search(key) else _masked(value) for key, value in event.items()}


def _masked(value: object) -> object:
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1:{MASK}@", value) if "://" in value else value
    if isinstance(value, Mapping):
        return {key: MASK if _SECRET_KEY.search(str(key)) else _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return value


def _json(event: EventDict, **_options: object) -> str:
    return json.dumps(event, default=str, ensure_ascii=False)


def observe_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count an answered request; ``route`` is the path template, never the path, or every row would be a series."""
    _request_series(route, method, status).observe(seconds)


def observe_batch(units: int) -> None:
    """Count a group commit of so many units of work."""
    _BATCHES.observe(units)


def observe_unit(seconds: float, outcome: Literal["committed", "failed", "retried"] = "committed") -> None:
    """Count a unit of work from queueing to commit."""
    _unit_series(outcome).observe(seconds)


def observe_slow_query(statement: str, seconds: float, sql: str = "") -> None:
    """Count a slow statement by its name (``campaigns``) and log it; its text has placeholders, never values."""
    _SLOW.labels(statement).inc()
    milliseconds = round(seconds * 1_000, 1)
    instrument("query.slow", level="warning", statement=statement, milliseconds=milliseconds, sql=sql[:2_000])


def observe_job(queue: str, task: str, outcome: str, seconds: float) -> None:
    """Count a job that ended as ``succeeded`` or ``failed``."""
    _job_series(queue, task, outcome).observe(seconds)


def observe_queue(queue: str, counts: Mapping[str, int], oldest_seconds: float, *, is_paused: bool) -> None:
    """Note how many jobs of a queue are in each state and how long the oldest waits."""
    for state, count in counts.items():
        _QUEUED.labels(queue, state).set(count)
    _OLDEST.labels(queue).set(oldest_seconds)
    _PAUSED.labels(queue).set(is_paused)


def observe_doctor(examined_at: float, errors: int, warnings: int) -> None:
    """Note what the newest nightly look has found."""
    _EXAMINED.set(examined_at)
    _FINDINGS.labels("error").set(errors)
    _FINDINGS.labels("warning").set(warnings)


def observe_alerts(count: int) -> None:
    """Note how many troubles are raised."""
    _ALERTS.set(count)


def observe_feed(reader: str, rows: int, seconds: float) -> None:
    """Note how far a reader of the change log is behind."""
    _BEHIND.labels(reader).set(rows)
    _UNREAD.labels(reader).set(seconds)


def observe_worker(ticked_at: float, at_work: int) -> None:
    """Note that this process's worker lives and how many jobs it runs."""
    _TICK.set(ticked_at)
    _AT_WORK.set(at_work)


def observe_log(*, is_up: bool) -> None:
    """Note whether the continuous backup runs; only the process that looks after it has the figure."""
    _LOG_UP.set(is_up)


def observe_log_restart() -> None:
    """Count an end of the continuous backup that nobody asked for."""
    _LOG_RESTARTS.inc()


def observe_backup(figures: Mapping[str, float]) -> None:
    """Note how the last good backup and the last restore drill stand, by the ends of the gauges' names."""
    for name, value in figures.items():
        _BACKUP[name].set(value)


def observe_retention(ended_at: float, rows: Mapping[str, int], held: int, *, failed: bool) -> None:
    """Note when retention was carried out last and how many rows each rule has handled."""
    _RETAINED_AT.set(ended_at)
    _RETAINED_HELD.set(held)
    _RETAINED_FAILED.set(failed)
    for rule, count in rows.items():
        _RETAINED.labels(rule).set(count)


def render_metrics() -> tuple[bytes, str]:
    """Return the figures of this process in the Prometheus text format, and its content type."""
    _register_process()
    return generate_latest(REGISTRY), CONTENT_TYPE_PLAIN_0_0_4


@cache
def _register_process() -> None:
    # Not at import: the collector reads /proc.
    ProcessCollector(registry=REGISTRY)


@lru_cache(maxsize=_CHILDREN)
def _request_series(route: str, method: str, status: int) -> Histogram:
    return _REQUESTS.labels(route, method, str(status))


def set_replica_lag(replica: str, seconds: float) -> None:
    """Set how far a replica is behind."""
    _REPLICA_LAG.labels(replica).set(seconds)


@cache
def _unit_series(outcome: str) -> Histogram:
    return _UNITS.labels(outcome)


@lru_cache(maxsize=_CHILDREN)
def _job_series(queue: str, task: str, outcome: str) -> Histogram:
    return _JOBS.labels(queue, task, outcome)
