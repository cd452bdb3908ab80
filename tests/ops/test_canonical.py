"""Rows have one encoding, whichever engine they come from."""

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

from growbase.ops.canonical import Checksum, encode_row

KEY = UUID("01890000-0000-7000-8000-000000000001")


def test_every_kind_of_value_has_one_form() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    row = [None, True, 1, 1.0, 0.1, "é", KEY, moment, date(2026, 1, 2), b"\x00\xff", {"b": 1, "a": [{"d": 1, "c": 2}]}]
    assert encode_row(row).decode() == (
        '[null,true,1,1.0,0.1,"é","01890000-0000-7000-8000-000000000001",1767323045678901,"2026-01-02","00ff",'
        '{"a":[{"c":2,"d":1}],"b":1}]'
    )


def test_a_moment_is_the_same_in_every_time_zone() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    assert encode_row([moment]) == encode_row([moment.astimezone(timezone(timedelta(hours=5)))])


def test_a_checksum_does_not_depend_on_the_order_and_notices_a_doubled_row() -> None:
    rows = [encode_row([number, "name"]) for number in range(10)]
    one, other = Checksum(), Checksum()
    for row in rows:
        one.add(row)
    for row in reversed(rows):
        other.add(row)
    assert one == other
    other.add(rows[0])
    other.add(rows[0])
    assert one.text() != other.text()
    other.remove(rows[0])
    other.remove(rows[0])
    assert one == other
