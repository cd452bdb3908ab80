"""Where the installation has regions, each page says which one this is and leads to the others."""

import pytest
from pydantic import SecretStr

from growbase.core.config import Settings
from tests.studio.conftest import Browser

HERE, THERE = "https://eu.example.com", "https://us.example.com"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Give settings of a server in one of two regions."""
    given = {"region": "eu", "regions": f"eu={HERE},us={THERE}", "region_secret": SecretStr("s" * 32)}
    return settings.model_copy(update=given)


def test_a_page_leads_to_the_other_region_and_says_which_one_this_is(browser: Browser) -> None:
    page = browser.get("")
    assert f'href="{THERE}/studio"' in page
    here = page.index(f'href="{HERE}/studio"')
    assert 'aria-current="true"' in page[here : page.index("</a>", here)]
