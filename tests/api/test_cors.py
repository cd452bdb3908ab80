"""Pages of other origins reach every kind of route, and only where the settings name them."""

import pytest
from litestar.testing import TestClient

from growbase.api.app import build_app
from growbase.core.config import Settings
from growbase.core.database import Database
from tests.api.factories import Factory
from tests.fixtures import SECRET

ORIGIN = "https://app.example.com"


@pytest.mark.parametrize("name", ["stores", "prospects", "assets", "api-keys", "campaigns"])
def test_a_page_of_a_named_origin_reads_every_route_of_a_resource(
    factory: Factory, settings: Settings, db: Database, name: str
) -> None:
    row = factory.any(name)
    app = build_app(settings.model_copy(update={"cors_origins": (ORIGIN,)}), db, SECRET)
    with TestClient(app) as client:
        for path in (f"/api/{name}", f"/api/{name}/{row['id']}", f"/api/{name}/{row['id']}/history"):
            answer = client.get(path, headers={**factory.headers, "Origin": ORIGIN})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ORIGIN), path
            elsewhere = client.get(path, headers={**factory.headers, "Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in elsewhere.headers
            ask = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
            assert client.options(path, headers=ask).headers["access-control-allow-origin"] == ORIGIN
