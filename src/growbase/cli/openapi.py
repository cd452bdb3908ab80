"""The API's description."""

from growbase.cli.opening import load
from growbase.cli.output import say_json


def openapi() -> None:
    """Print the API's description as OpenAPI 3.1."""
    settings = load()
    from growbase.api.app import ROUTES
    from growbase.api.description import document
    from growbase.wiring import catalog

    say_json(document(catalog(settings.domains), tuple(ROUTES)))
