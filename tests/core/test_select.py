import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.pages import Reader
from growbase.core.select import json_object
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json, moment_text
from tests.core.specimens import BOXES, Box, BoxState, Size, make_box, make_shelf
from tests.fixtures import SECRET

LIVE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
NOON = datetime(2026, 1, 31, 13, 0, 0, 1, tzinfo=timezone(timedelta(hours=1)))
ID, SHELF, ORIGIN = (UUID(int=0x7000_8000_0000_0000_0000 + place) for place in (1, 2, 3))

GOLDEN = (
    '{"organization_id":"ORGANIZATION","id":"00000000-0000-7000-8000-000000000001",'
    r'"label":"É 😀 \"quoted\" back\\slash / \b\f\n\r\t\u0001\u001f",'
    '"remark":null,"shelf_id":"00000000-0000-7000-8000-000000000002","owner_user_id":"OWNER",'
    '"origin_id":"00000000-0000-7000-8000-000000000003","state":"packed","size":"large","coin_count":7,'
    '"rank":-9223372036854775808,"price_minor":9223372036854775807,"currency":"EUR","weight":0.1,"height":-2,'
    '"is_open":true,"is_rare":null,"found_at":"2026-01-31T12:00:00.000001Z","found_on":"0999-12-31",'
    '"tags":["b","a"],"details":{"z":1.0,"a":[null,true,{"é":12345678901234567890}],"e":1e-07},'
    '"created_at":"2026-01-31T12:00:00.000001Z","created_by":"OWNER","updated_at":"2026-01-31T12:00:00.000001Z",'
    '"updated_by":"OWNER","version":1,"deleted_at":null,"deleted_by":null,"deletion_id":null}'
)


def test_a_row_of_all_types_is_the_same_text_on_both_engines(db: Database, actor: Actor) -> None:
    def unit(tx: Transaction) -> None:
        tx.now = NOON
        make_box(
            tx,
            id=ID,
            label='É 😀 "quoted" back\\slash / \b\f\n\r\t\x01\x1f',
            shelf_id=make_shelf(tx, id=SHELF),
            owner_user_id=actor.id,
            origin_id=ORIGIN,
            size=Size.LARGE,
            coin_count=7,
            rank=-(2**63),
            price_minor=2**63 - 1,
            currency="EUR",
            weight=0.1,
            height=-2.0,
            is_open=True,
            found_at=NOON,
            found_on=date(999, 12, 31),
            tags=["b", "a"],
            details={"z": 1.0, "a": [None, True, {"é": 12345678901234567890}], "e": 1e-7},
            pin="1234",
        )

    db.write(actor, unit)
    text, version = Reader(db, SECRET).row(actor, BOXES, ID)
    assert version == 1
    assert text.replace(str(actor.organization_id), "ORGANIZATION").replace(str(actor.id), "OWNER") == GOLDEN


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=50)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
# From the 16th digit on SQLite writes more of them than it takes to tell two numbers apart.
NUMBERS = st.integers(-(10**14), 10**14).map(lambda value: value / 1_000) | st.sampled_from([1e-7, 1.5e-300, -2e-5])
VALUES = st.fixed_dictionaries(
    {"label": TEXTS},
    optional={
        "remark": TEXTS,
        "rank": st.integers(-(2**63), 2**63 - 1),
        "height": NUMBERS,
        "is_rare": st.booleans(),
        "found_at": st.datetimes(timezones=st.just(UTC)),
        "found_on": st.dates(),
        "size": st.sampled_from(Size),
        "tags": st.lists(TEXTS, max_size=3),
        "details": st.dictionaries(TEXTS, JSON, max_size=4),
    },
)


@LIVE
@given(VALUES)
def test_any_row_reads_as_it_was_written_and_as_python_would_write_it(
    db: Database, actor: Actor, values: dict[str, Any]
) -> None:
    identity = db.write(actor, lambda tx: make_box(tx, **values))
    with db.read(actor) as reads:
        row = reads.get(Box, identity)
    for name, value in values.items():
        assert row.__dict__[name] == value, name
    text, _ = Reader(db, SECRET).row(actor, BOXES, identity)
    shown = dict(values)
    if "height" in values:
        height = values["height"]
        shown["height"] = int(height) if height == int(height) else height
    if "found_at" in values:
        shown["found_at"] = moment_text(values["found_at"])
    if "found_on" in values:
        shown["found_on"] = values["found_on"].isoformat()
    for name, value in shown.items():
        assert f'"{name}":{compact_json(value)}' in text, name
    assert json.loads(text)["state"] == BoxState.PACKED


@LIVE
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_keeps_its_value(db: Database, actor: Actor, height: float) -> None:
    identity = db.write(actor, lambda tx: make_box(tx, height=height))
    text, _ = Reader(db, SECRET).row(actor, BOXES, identity)
    assert json.loads(text)["height"] == height


def test_the_smallest_zero_is_zero(db: Database, actor: Actor) -> None:
    identity = db.write(actor, lambda tx: make_box(tx, height=-0.0))
    assert '"height":0,' in Reader(db, SECRET).row(actor, BOXES, identity)[0]


def test_the_earliest_and_the_latest_moment_keep_their_place(db: Database, reader: Reader, actor: Actor) -> None:
    moments = [datetime(1, 1, 1, tzinfo=UTC), datetime(999, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    identities = [db.write(actor, lambda tx, at=at: make_box(tx, found_at=at)) for at in moments]
    with db.read(actor) as reads:
        found = reads.rows(Box, order="found_at")
        assert [(row.__dict__["id"], row.__dict__["found_at"]) for row in found] == list(
            zip(identities, moments, strict=True)
        )
    assert '"found_at":"0999-01-01T00:00:00.000000Z"' in reader.row(actor, BOXES, identities[1])[0]


def test_an_object_wider_than_one_call_is_built_in_parts(db: Database) -> None:
    pairs = [(f"c{place}", str(place)) for place in range(150)]
    ((text,),) = db.query(f"SELECT {json_object(db.engine, pairs)}{'::text' if db.engine == 'postgresql' else ''}")
    assert text == compact_json({name: int(value) for name, value in pairs})


def test_rows_without_a_shape_show_no_hidden_column(db: Database, actor: Actor) -> None:
    identity = db.write(actor, lambda tx: make_box(tx, pin="1234", hash=str(uuid4())))
    names = set(json.loads(Reader(db, SECRET).row(actor, BOXES, identity)[0]))
    assert not names & {"pin", "pin_cipher", "hash", "purged_at"}
