import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest

from growbase.core.clock import new_id, new_ids


def test_ids_made_together_are_in_order_with_those_made_alone() -> None:
    before = new_id()
    made = [UUID(text) for text in new_ids(500)]
    after = new_id()
    assert [before, *made, after] == sorted({before, *made, after})
    assert {(identity.version, identity.variant) for identity in made} == {(7, before.variant)}


def test_a_forked_process_makes_ids_of_its_own() -> None:
    program = (
        "import os; from growbase.core.clock import new_id; new_id(); child = os.fork()\n"
        "if child: os.waitpid(child, 0)\n"
        "print(new_id().int & 0x3FFF_FFFF_FFFF_FFFF, flush=True)"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert len(set(made)) == 2


def test_ids_are_canonical_text() -> None:
    assert all(str(UUID(text)) == text for text in new_ids(50))
    assert new_ids(0) == []


def test_ids_are_uuid_7_and_grow_also_when_many_threads_ask() -> None:
    def ask(_: int) -> list[UUID]:
        return [new_id() for _ in range(2_000)]

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(ask, range(4)))
    everything = [identity for run in runs for identity in run]
    assert len(set(everything)) == len(everything)
    assert all(run == sorted(run) for run in runs)
    assert {identity.version for identity in everything} == {7}
    assert {identity.variant for identity in everything} == {"specified in RFC 4122"}
    assert abs((everything[-1].int >> 80) / 1_000 - datetime.now(UTC).timestamp()) < 60
    assert new_id() > max(everything)


def test_ids_grow_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_id()
    monkeypatch.setattr("growbase.core.clock.time.time_ns", lambda: 1)
    assert new_id() > before
