"""The program's command line in processes forked from one that has imported it: a start costs a tenth of a second."""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from growbase import wiring
from growbase.cli import main

# Whatever a worker imports is imported before the fork.
wiring.catalog()
for module in (
    *(f"growbase.domains.{name}.tasks" for name in wiring.DOMAINS),
    *(f"growbase.core.{name}" for name in ("postgres", "sqlite", "generation")),
    *(f"growbase.ops.{name}" for name in ("keyring", "migrate")),
    "growbase.cli.app",
    "redis",
):
    import_module(module)
forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload([__name__])


def run(arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
    """Be ``growbase`` with these arguments and this environment."""
    for name in [name for name in os.environ if name.startswith("GROWBASE_")]:
        del os.environ[name]
    os.environ.update(env)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["growbase", *arguments]
    main()


def begin(arguments: Sequence[str], env: Mapping[str, str], log: Path) -> ForkServerProcess:
    """Start the program; it is killed with the tests if nobody stops it before."""
    process = forked.Process(target=run, args=(arguments, env, log), daemon=True)
    process.start()
    return process
