"""Threads that act at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Give a function that runs calls in threads that start together and returns their results or errors."""

    def run(calls: Sequence[Callable[[], Any]]) -> list[Any]:
        barrier = threading.Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:  # noqa: ANN401
            barrier.wait()
            try:
                return call()
            except Exception as error:  # noqa: BLE001
                return error

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls))

    return run
