"""Counting tries within a stretch of time, in this process."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable


class SlidingWindow:
    """At most ``limit`` tries of a key in any ``seconds``; remembers the ``keys`` that were used last."""

    def __init__(
        self, limit: int, seconds: float, *, keys: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self.keys = keys
        self._clock = clock
        self._tries: OrderedDict[Hashable, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def hit(self, key: Hashable) -> float:
        """Count a try and return 0, or the seconds to wait where the limit is reached; such a try is not counted."""
        with self._lock:
            now = self._clock()
            tries = self._tries.setdefault(key, deque())
            self._tries.move_to_end(key)
            if len(self._tries) > self.keys:
                self._tries.popitem(last=False)
            while tries and tries[0] <= now - self.seconds:
                tries.popleft()
            if len(tries) >= self.limit:
                return tries[0] + self.seconds - now
            tries.append(now)
            return 0.0
