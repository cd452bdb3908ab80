"""How valid rows and requests of marketing are made where no schema says it; see ``tests.api.factories``."""

from collections.abc import Callable, Mapping
from typing import Any

OVERRIDES: Mapping[str, Mapping[str, Callable[[int], Any] | str | None]] = {
    "assets": {"subject_id": "prospects"},
    "campaign-templates": {
        "template_data": lambda _: {"schema_version": 1, "journeys": []},
        "default_settings": lambda _: {},
    },
    "campaigns": {"template_id": None},
    "content-templates": {"template": lambda number: f"Hello {number}", "variables": lambda _: []},
    "contents": {"journey_id": None, "stage_id": None},
    "generated-contents": {"user_edits": lambda number: {"text": f"Better {number}"}},
    "journey-stages": {"position": lambda number: number, "config": lambda _: {"schema_version": 1}},
}
WANTED: Mapping[str, tuple[str, ...]] = {"campaigns": ("brand_id",)}
STORED: Mapping[str, Mapping[str, Any]] = {"content-variants": {"weight_percent": 100, "is_control": True}}
BODIES: Mapping[str, dict[str, Any]] = {
    "/api/contents/{id}/variants": {"variants": []},
    "/api/generated-contents/{id}/promote": {"to": "content"},
}
