from datetime import timedelta

import pytest

from growbase.core import clock
from growbase.core.types import moment_text
from growbase.studio.words import Words

PARIS = Words("fr", "Europe/Paris")


def test_values_have_the_form_of_the_language() -> None:
    english = Words("en", "UTC")
    assert english.money(1_250_050, "EUR") == "€12,500.50"
    assert PARIS.money(1_250_050, "EUR") == "12\u202f500,50\u00a0€"
    assert english.money(1_250, "JPY") == "¥1,250"
    assert english.number(1234.5) == "1,234.5"
    assert english.day("2026-01-31") == "Jan 31, 2026"
    assert PARIS.day("2026-01-31") == "31 janv. 2026"


def test_times_are_shown_and_read_in_the_visitors_zone() -> None:
    assert PARIS.typed_moment("2026-07-01T07:00:30.000000Z") == "2026-07-01 09:00"
    assert PARIS.read_moment("2026-07-01 09:00") == "2026-07-01T07:00:00.000000Z"
    assert PARIS.read_moment("2026-07-01T09:00:00Z") == "2026-07-01T09:00:00.000000Z"
    assert PARIS.read_moment("tomorrow") == "tomorrow"
    assert PARIS.day_bounds("2026-07-01", end=False) == "2026-06-30T22:00:00Z"
    assert PARIS.day_bounds("2026-07-01", end=True) == "2026-07-01T22:00:00Z"
    assert Words("en", "Nowhere/At all").typed_moment("2026-07-01T07:00:00Z") == "2026-07-01 07:00"


@pytest.mark.parametrize(("hours", "said"), [(-3, "3 hours ago"), (2.01, "in 2 hours")])
def test_what_is_near_is_said_as_a_distance(hours: float, said: str) -> None:
    assert Words().ago(moment_text(clock.now() + timedelta(hours=hours))) == said


def test_a_state_is_never_shown_as_its_key() -> None:
    assert Words("en").label("pending_review") == "Pending review"
    assert PARIS.label("pending_review") == "En attente de relecture"
