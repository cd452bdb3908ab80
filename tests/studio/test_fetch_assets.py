from dataclasses import replace

import pytest

from growbase.studio import fetch_assets


def test_what_is_served_is_what_the_hash_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(asset.is_here for asset in fetch_assets.ASSETS)
    wrong = replace(fetch_assets.ASSETS[0], sha256="0" * 64)
    before = wrong.path.read_bytes()
    monkeypatch.setattr(fetch_assets, "ASSETS", (wrong,))
    with pytest.raises(SystemExit, match="has the SHA-256"):
        fetch_assets.fetch()
    assert wrong.path.read_bytes() == before
