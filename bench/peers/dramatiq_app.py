"""Dramatiq on Redis for the bench: run by an interpreter that has it."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

WHERE = os.environ.setdefault("BENCH_REDIS", sys.argv[2] if len(sys.argv) > 2 else "")
THREADS = 4

import dramatiq  # noqa: E402 -- the broker is set before actors are declared
from dramatiq.brokers.redis import RedisBroker  # noqa: E402

broker = RedisBroker(url=WHERE)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="default")
def noop(n: int) -> None:
    """Do nothing."""
    del n


def send(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        noop.send(1)


def enqueue() -> None:
    """Do what standard input says, line by line; Dramatiq has no call for many jobs at once."""
    for line in sys.stdin:
        what, _, number = line.strip().partition(" ")
        if what in {"one", "many"}:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(send, [int(number) // THREADS] * THREADS))
        left = int(broker.client.hlen("dramatiq:default.msgs"))
        print(min(left, 1) if what == "left" else "done", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "enqueue":
        enqueue()
    else:
        worker = dramatiq.Worker(broker, worker_threads=8)
        worker.start()
        threading.Event().wait()
