"""Flame graphs of a Growbase worker under load."""

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.series import System, Workload
from bench.servers import tree
from tests.processes import start, stop

SHOWN = 30
EVERYWHERE = re.compile(r"\((typer|multiprocessing|threading|granian/server|growbase/cli|growbase/api/server|<string>)")
"""Frames below which everything happens."""


def worker_of(system: System) -> int:
    """Return the descendant that has worked most: granian's parent process only watches."""

    def spent(pid: int) -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    return max(tree(system.pid)[1:] or [system.pid], key=spent)


@contextmanager
def profiled(system: System, workload: Workload, folder: Path | None) -> Iterator[None]:
    """Record while the block runs: ``folder/<workload>-<engine>.svg``; nothing without a folder."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    where = folder / f"{workload.key}-{system.engine}.svg"
    program = Path(sys.executable).with_name("py-spy")
    options = ["--rate", "200", "--nonblocking", "--output", where]
    recorder = start([program, "record", "--pid", str(worker_of(system)), *options], output=subprocess.DEVNULL)
    try:
        yield
    finally:
        recorder.send_signal(2)
        recorder.wait(20)
        stop(recorder)
        print(f"Profile: {where}\n{_heaviest(where)}", flush=True)


def _heaviest(where: Path) -> str:
    """Return the functions in which most samples were taken, those below them included."""
    found: dict[str, int] = {}
    for frame, count in re.findall(r"<title>(.+?) \(([\d,]+) samples?, [^)]*\)</title>", where.read_text()):
        name = re.sub(r":\d+\)$", ")", html.unescape(frame))
        if not EVERYWHERE.search(name):
            found[name] = found.get(name, 0) + int(count.replace(",", ""))
    whole = found.get("all", 1)
    top = sorted(found.items(), key=lambda item: -item[1])[:SHOWN]
    return "\n".join(f"  {count / whole:6.1%} {name}" for name, count in top)
