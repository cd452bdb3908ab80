"""The raw limit: statements answered by a bare granian application; it runs alone, started by ``bench.servers``."""

import json
import os
import threading
from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HEADERS = [("content-type", "application/json")]
Fetch = Callable[[str, tuple[object, ...]], list[Any]]
CONNECTIONS = 10


def _sqlite(where: str) -> Fetch:
    import pysqlite3

    connection = pysqlite3.connect(f"file:{where}?mode=ro", uri=True, isolation_level=None, cached_statements=512)
    connection.execute("PRAGMA cache_size = -32768")
    return lambda sql, params: connection.execute(sql, params).fetchall()


def _postgres(where: str) -> Fetch:
    import psycopg

    local = threading.local()

    def fetch(sql: str, params: tuple[object, ...]) -> list[Any]:
        connection = getattr(local, "connection", None)
        if connection is None:
            connection = local.connection = psycopg.connect(where, autocommit=True)
        return connection.execute(sql, params, prepare=True).fetchall()

    return fetch


def _answer(workload: str, rows: list[Any]) -> str:
    if workload == "W1":
        return rows[0][0]
    if workload == "W6":
        return json.dumps(rows, default=str)
    return f'{{"data":[{",".join([row[0] for row in rows])}]}}'


def app() -> Any:  # noqa: ANN401 -- an RSGI application
    """Build the application of one process."""
    plan = json.loads(Path(os.environ["BENCH_RAW"]).read_text())
    inline = plan["engine"] == "sqlite"
    fetch = (_sqlite if inline else _postgres)(plan["where"])
    threads = ThreadPoolExecutor(CONNECTIONS)
    work = {name: (sql, tuple(params)) for name, (sql, params) in plan["work"].items()}

    def run(workload: str, organization: str, what: str) -> str:
        sql, params = work[workload]
        named = {"{organization}": organization, "{what}": what}
        return _answer(workload, fetch(sql, tuple(named.get(value, value) for value in params)))

    async def application(scope: Any, protocol: Any) -> None:  # noqa: ANN401 -- RSGI's own
        _, workload, organization, what = scope.path.split("/")
        if inline:
            text = run(workload, organization, what)
        else:
            text = await get_running_loop().run_in_executor(threads, run, workload, organization, what)
        protocol.response_str(200, HEADERS, text)

    return application
