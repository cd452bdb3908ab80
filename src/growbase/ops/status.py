"""What a database holds and how it stands, for people and as JSON."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from growbase.core import ddl
from growbase.core.config import Settings
from growbase.core.database_url import mask_url
from growbase.core.gate import FACT, parse
from growbase.core.partitions import ROWS
from growbase.core.tables import Process
from growbase.core.types import moment_text
from growbase.ops import migrate
from growbase.ops.backup_record import figures
from growbase.ops.connections import engine_name, reader
from growbase.ops.history import revisions
from growbase.ops.processes import Running, list_running

ESTIMATED = 100_000
"""PostgreSQL tables larger than this are not counted but taken from its statistics."""
Rows = Callable[[str], list[Any]]


@dataclass(slots=True)
class DatabaseStatus:
    """The answer of ``db status``; ``domains`` has the schema version of each own domain.

    ``estimated`` names the tables whose row count is from statistics.
    """

    engine: str
    location: str
    exists: bool
    server_version: str | None = None
    size_bytes: int = 0
    schema_version: str | None = None
    newest_version: str | None = None
    domains: dict[str, str | None] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    production: bool = False
    tables: dict[str, int] = field(default_factory=dict)
    estimated: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)
    jobs: dict[str, int] = field(default_factory=dict)
    retention: dict[str, Any] = field(default_factory=dict)
    gate: dict[str, str] = field(default_factory=dict)
    doctor: dict[str, Any] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)
    backup: dict[str, float] = field(default_factory=dict)
    processes: list[Running] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON-ready mapping."""
        times = ("started_at", "seen_at")
        processes = [asdict(one) | {name: moment_text(getattr(one, name)) for name in times} for one in self.processes]
        return {**asdict(self), "processes": processes}


def database_status(settings: Settings, *, counted: bool = True) -> DatabaseStatus:
    """Look at the database as it is; a SQLite file that is not there yet is not created. Raises Unavailable.

    Without ``counted`` no rows are counted, which reads all of a SQLite file: every table counts as empty.
    """
    path = settings.sqlite_path
    location = mask_url(settings.direct_database) if path is None else str(path)
    head = revisions()[-1].id
    found = DatabaseStatus(engine_name(settings), location, exists=path is None or path.exists(), newest_version=head)
    found.pending = migrate.pending(settings)
    versions = migrate.versions(settings)
    found.schema_version = versions.pop(ddl.PROGRAM[0])
    found.domains = versions
    if not found.exists:
        return found
    with reader(settings) as rows:
        look = _postgresql if settings.is_postgresql else _sqlite
        look(rows, found, counted=counted)
        if "jobs" in found.tables and counted:
            found.jobs = dict(rows("SELECT status, count(*) FROM jobs GROUP BY status ORDER BY status"))
        if "retention_runs" in found.tables:
            found.retention = _last_run(rows)
        if "doctor_reports" in found.tables:
            newest = "SELECT finished_at, errors, warnings FROM doctor_reports ORDER BY finished_at DESC LIMIT 1"
            for at, errors, warnings in rows(newest):
                found.doctor = {"finished_at": str(at), "errors": errors, "warnings": warnings}
        if "alerts" in found.tables:
            found.alerts = dict(rows("SELECT name, message FROM alerts WHERE state = 'raised' ORDER BY name"))
        if "backups" in found.tables and "drills" in found.tables:
            found.backup = figures(rows)
        if Process.__tablename__ in found.tables:
            found.processes = list_running(rows, found.engine)
        if "instance_facts" in found.tables:
            gate = rows(f"SELECT value FROM instance_facts WHERE name = '{FACT}'")
            state = parse(gate[0][0] if gate else None)
            found.gate = {"mode": state.mode.value, "since": state.since, "reason": state.reason}
            found.production = bool(rows("SELECT 1 FROM instance_facts WHERE name = 'production'"))
    return found


def _last_run(rows: Rows) -> dict[str, Any]:
    names = ("started_at", "finished_at", "rows", "held", "error")
    last = rows(f"SELECT {', '.join(names)} FROM retention_runs ORDER BY started_at DESC LIMIT 1")
    found = dict(zip(names, last[0], strict=True)) if last else {}
    return {name: str(value) if name.endswith("_at") and value else value for name, value in found.items()}


def _sqlite(rows: Rows, found: DatabaseStatus, *, counted: bool) -> None:
    found.server_version = f"SQLite {rows('SELECT sqlite_version()')[0][0]}"
    pages, size = rows("PRAGMA page_count")[0][0], rows("PRAGMA page_size")[0][0]
    found.size_bytes = pages * size
    master = "SELECT name FROM sqlite_master WHERE type = '{}' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    for name in _ours(rows(master.format("table"))):
        found.tables[name] = rows(f'SELECT count(*) FROM "{name}"')[0][0] if counted else 0
    found.views = _ours(rows(master.format("view")))
    found.indexes = _ours(rows(master.format("index")))
    found.triggers = _ours(rows(master.format("trigger")))


def _postgresql(rows: Rows, found: DatabaseStatus, *, counted: bool) -> None:
    found.server_version = f"PostgreSQL {rows('SHOW server_version')[0][0]}"
    found.size_bytes = rows("SELECT pg_database_size(current_database())")[0][0]
    classes = (
        f"SELECT relname, {ROWS} FROM pg_class c WHERE relnamespace = quote_ident(current_schema())::regnamespace "
        "AND relkind IN ({}) AND NOT relispartition ORDER BY relname"
    )
    estimates = dict(rows(classes.format("'r', 'p'")))
    for name in _ours((name,) for name in estimates):
        if estimates[name] > ESTIMATED:
            found.tables[name] = estimates[name]
            found.estimated.append(name)
        else:
            found.tables[name] = rows(f'SELECT count(*) FROM "{name}"')[0][0] if counted else 0
    found.views = _ours(rows(classes.format("'v'")))
    found.indexes = [name for name in _ours(rows(classes.format("'i', 'I'"))) if not name.startswith("pk_")]
    found.triggers = _ours(
        rows(
            "SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND NOT t.tgisinternal "
            "ORDER BY t.tgname"
        )
    )


def _ours(rows: Iterable[Any]) -> list[str]:
    return [row[0] for row in rows if not row[0].startswith(ddl.IGNORED_TABLES)]
