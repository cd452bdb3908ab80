"""A child that ends is started again, and who wants to know hears of it once in either direction."""

from pathlib import Path

import pytest

from growbase.ops import supervise
from growbase.ops.supervise import Supervisor
from tests.processes import wait_until


def test_a_child_that_ends_is_told_of_and_so_is_one_that_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(supervise, "SETTLED", 2)
    program, heard = tmp_path / "program", list[str | None]()
    supervisor = Supervisor(
        tmp_path / "lock", lambda: (["/bin/sh", "-c", f"echo no disk; test -e {program} && sleep 60"], {})
    )
    supervisor.tell = heard.append
    supervisor.start()
    try:
        wait_until(lambda: heard == ["no disk"], "the trouble")
        program.touch()
        wait_until(lambda: heard == ["no disk", None], "the end of the trouble")
    finally:
        supervisor.stop()
    assert heard == ["no disk", None]
