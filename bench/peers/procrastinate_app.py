"""Procrastinate for the bench: run by an interpreter that has it."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import procrastinate
from procrastinate.tasks import Task

WHERE = sys.argv[2]
BATCH, THREADS = 500, 4
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=WHERE))


@app.task(name="noop")
def noop(n: int) -> None:
    """Do nothing."""
    del n


def defer(task: Task, count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        task.defer(n=1)


def enqueue() -> None:
    """Do what standard input says, line by line."""
    import psycopg

    sync = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=WHERE, max_size=THREADS))
    task = sync.task(name="noop")(noop.func)
    question = psycopg.connect(WHERE, autocommit=True)
    with sync.open():
        sync.schema_manager.apply_schema()
        for line in sys.stdin:
            what, _, number = line.strip().partition(" ")
            if what == "one":
                with ThreadPoolExecutor(THREADS) as pool:
                    list(pool.map(partial(defer, task), [int(number) // THREADS] * THREADS))
            elif what == "many":
                with ThreadPoolExecutor(THREADS) as pool:
                    batches = int(number) // BATCH
                    list(pool.map(lambda _: task.batch_defer(*[{"n": 1}] * BATCH), range(batches)))
            left = question.execute("SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') LIMIT 1")
            print(len(left.fetchall()) if what == "left" else "done", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "enqueue":
        enqueue()
    else:
        with app.open():
            app.run_worker(concurrency=16, wait=True, listen_notify=True)
