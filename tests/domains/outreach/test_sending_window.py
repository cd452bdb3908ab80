"""When a sequence may send, on clocks that jump twice a year."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growbase.domains.outreach.sending_window import day_of, opening, zone_of

PARIS = ZoneInfo("Europe/Paris")
OFFICE = {"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:30"}


def local(text: str, zone: ZoneInfo = PARIS) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "moment", "opens"),
    [
        (OFFICE, "2026-03-27T09:00", "2026-03-27T09:00"),
        (OFFICE, "2026-03-27T08:59", "2026-03-27T09:00"),
        (OFFICE, "2026-03-27T17:29", "2026-03-27T17:29"),
        # Friday's end: the clocks go forward on Sunday night, and Monday begins at 9 all the same.
        (OFFICE, "2026-03-27T17:30", "2026-03-30T09:00"),
        (OFFICE, "2026-10-23T18:00", "2026-10-26T09:00"),
        ({}, "2026-03-28T03:00", "2026-03-28T03:00"),
        ({"days": [7]}, "2026-03-27T12:00", "2026-03-29T00:00"),
        ({"start": "22:00", "end": "06:00"}, "2026-05-04T02:00", "2026-05-04T02:00"),
        ({"start": "22:00", "end": "06:00"}, "2026-05-04T06:00", "2026-05-04T22:00"),
        # The night that starts on Friday counts for Friday, until Saturday morning.
        ({"days": [5], "start": "22:00", "end": "06:00"}, "2026-05-09T03:00", "2026-05-09T03:00"),
        # There is no 2:30 that night: the window opens when the clocks show 3:30.
        ({"start": "02:30", "end": "05:00"}, "2026-03-29T00:30", "2026-03-29T03:30"),
    ],
)
def test_a_window_is_open_or_opens_next(window: dict[str, object], moment: str, opens: str) -> None:
    assert opening(window, PARIS, local(moment)) == local(opens)


def test_of_an_hour_that_comes_twice_the_first_counts() -> None:
    first = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    window = {"start": "02:00", "end": "02:30"}
    assert opening(window, PARIS, first) == first
    assert opening(window, PARIS, first + timedelta(hours=1)) == local("2026-10-26T02:00")


@given(
    st.integers(0, 3 * 366 * 24 * 60).map(
        lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    st.sets(st.integers(1, 7)),
    st.times(),
    st.times(),
)
@settings(max_examples=60, deadline=None)
def test_an_opening_is_open_and_never_in_the_past(moment, name, days, start, end) -> None:  # noqa: ANN001
    zone, window = ZoneInfo(name), {"days": sorted(days), "start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
    found = opening(window, zone, moment)
    assert moment <= found <= moment + timedelta(days=9)
    assert opening(window, zone, found) == found


def test_a_day_has_23_hours_when_the_clocks_go_forward() -> None:
    begin, end = day_of(PARIS, local("2026-03-29T12:00"))
    assert end - begin == timedelta(hours=23)


@pytest.mark.parametrize(("name", "otherwise", "found"), [(None, "Asia/Tokyo", "Asia/Tokyo"), ("No/Where", "?", "UTC")])
def test_a_zone_that_is_none_gives_way(name: str | None, otherwise: str, found: str) -> None:
    assert zone_of(name, otherwise).key == found
