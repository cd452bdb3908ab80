"""Nothing for the API."""

from growbase.core.resource import Resource

RESOURCES: tuple[Resource, ...] = ()
