"""The packages of a program's own domains, which ``GROWBASE_DOMAINS`` names: where they are and how they are loaded."""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import permutations
from pathlib import Path
from types import ModuleType

from sqlalchemy.exc import InvalidRequestError

from growbase.core.errors import ConfigError

_TWICE = re.compile(r"Table '(\w+)' is already defined")


def package_folder(package: str) -> Path:
    """Return the folder of a package, which is looked for in the current folder too, as ``python -m`` does.

    Raises ConfigError.
    """
    here = Path.cwd()
    if str(here) not in sys.path:
        sys.path.insert(0, str(here))
    try:
        spec = find_spec(package) if all(part.isidentifier() for part in package.split(".")) else None
    except ModuleNotFoundError as error:
        if not f"{package}.".startswith(f"{error.name}."):
            raise
        spec = None
    if spec is None or not spec.submodule_search_locations:
        message = (
            "GROWBASE_DOMAINS names {package}, but there is no such package in {folder}: "
            "correct the setting, or make the package with growbase new domain."
        )
        raise ConfigError(message, package=package, folder=str(here))
    return Path(next(iter(spec.submodule_search_locations)))


def import_resources(package: str) -> ModuleType:
    """Return the module that says what a domain offers. Raises ConfigError."""
    folder = package_folder(package)
    if find_spec(f"{package}.resources") is None:
        message = "GROWBASE_DOMAINS names {package}, which has no resources: declare RESOURCES in {file}."
        raise ConfigError(message, package=package, file=str(folder / "resources.py"))
    try:
        return import_module(f"{package}.resources")
    except InvalidRequestError as error:
        found = _TWICE.match(str(error))
        if found is None:
            raise
        message = "GROWBASE_DOMAINS names {package}, whose table {table} is there already: give it another name."
        raise ConfigError(message, package=package, table=found[1]) from error


def find_module(package: str, name: str) -> ModuleType | None:
    """Return a module that a domain may have, None if it has not."""
    path = f"{package}.{name}"
    return import_module(path) if find_spec(path) is not None else None


def require_apart(packages: Sequence[str]) -> None:
    """Raise ConfigError if a package is named twice or lies in another one: both would own its tables."""
    for outer, inner in permutations(packages, 2):
        if f"{inner}.".startswith(f"{outer}."):
            message = "GROWBASE_DOMAINS names {inner} beside {outer}, which holds it: name one of them."
            raise ConfigError(message, inner=inner, outer=outer)
