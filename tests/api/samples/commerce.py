"""How valid rows and requests of commerce are made where no schema says it; see ``tests.api.factories``."""

from collections.abc import Callable, Mapping
from typing import Any

OVERRIDES: Mapping[str, Mapping[str, Callable[[int], Any] | None]] = {}
WANTED: Mapping[str, tuple[str, ...]] = {}
STORED: Mapping[str, Mapping[str, Any]] = {}
BODIES: Mapping[str, dict[str, Any]] = {}
