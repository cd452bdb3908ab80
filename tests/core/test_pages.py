import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core.actor import Actor, system
from growbase.core.crypto import sign
from growbase.core.database import Database
from growbase.core.errors import InvalidQuery, NotFound
from growbase.core.pages import Page, Reader
from growbase.core.query import parse
from growbase.core.resource import Resource
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import Organization
from tests.core.specimens import BOXES, SHELVES, Box, BoxState, make_box, make_coin, make_shelf
from tests.fixtures import SECRET, Tenant

START = datetime(2026, 1, 1, tzinfo=UTC)
LIVE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def new_organization(db: Database) -> Actor:
    """Return an actor in a new organization."""
    name = uuid4().hex
    return system(organization_id=db.write(system(), lambda tx: tx.insert(Organization, name=name, slug=name)))


def page(reader: Reader, actor: Actor, query: str, resource: Resource = BOXES) -> Page:
    return reader.page(actor, resource, parse(reader.database.catalog, resource, query))


def labels(reader: Reader, actor: Actor, query: str) -> list[str]:
    return [json.loads(row)["label"] for row in page(reader, actor, query).rows]


def walk(reader: Reader, actor: Actor, query: str) -> list[dict[str, Any]]:
    """Return the rows of all pages, one after the other."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        found = page(reader, actor, f"{query}&cursor={quote(cursor)}" if cursor else query)
        rows += map(json.loads, found.rows)
        cursor = found.next_cursor
    return rows


def insert_boxes(db: Database, actor: Actor, rows: Sequence[dict[str, object]]) -> list[UUID]:
    return db.write(actor, lambda tx: [make_box(tx, **row) for row in rows])


BOX_VALUES = st.fixed_dictionaries(
    {
        "label": st.sampled_from(["a", "b", "B", "é", "😀", "a b", "\uffff"]),
        "rank": st.sampled_from([None, None, -(2**63), -1, 0, 1, 2**63 - 1]),
        "weight": st.sampled_from([None, -1e9, -0.5, 0.0, 0.1 + 0.2, 1.0, 1e-7]),
        "found_at": st.sampled_from([None, START, START + timedelta(microseconds=1), datetime(1, 1, 2, tzinfo=UTC)]),
        "coin_count": st.integers(0, 2),
        "is_open": st.booleans(),
    }
)
REQUIRED = ("label", "coin_count", "is_open", "created_at")
FIRST = (*REQUIRED, "rank", "weight", "found_at")


@st.composite
def sorts(draw: st.DrawFn) -> str:
    names = [draw(st.sampled_from(FIRST))]
    names += draw(st.lists(st.sampled_from(REQUIRED), max_size=3, unique=True))
    return ",".join(draw(st.sampled_from(["", "-"])) + name for name in dict.fromkeys(names))


def in_order(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Return rows as the sort says, NULL being the smallest value and the id the last word."""
    terms = sort.split(",")
    terms.append("-id" if terms[-1].startswith("-") else "id")
    for term in reversed(terms):
        name = term.lstrip("-")
        present = sorted((row for row in rows if row[name] is not None), key=itemgetter(name))
        ascending = [row for row in rows if row[name] is None] + present
        rows = stably_reversed(ascending, name) if term.startswith("-") else ascending
    return rows


def stably_reversed(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return rows with the groups of equal values in reverse, each group as it was."""
    groups = [list(group) for _, group in groupby(rows, key=itemgetter(name))]
    return [row for group in reversed(groups) for row in group]


@LIVE
@given(st.lists(BOX_VALUES, max_size=14), sorts(), st.integers(1, 5))
def test_walking_the_pages_gives_every_row_once_and_in_order(
    db: Database, rows: list[dict[str, object]], sort: str, limit: int
) -> None:
    reader, actor = Reader(db, SECRET), new_organization(db)
    insert_boxes(db, actor, rows)
    everything = [json.loads(row) for row in page(reader, actor, "limit=200").rows]
    assert len(everything) == len(rows)
    expected = [row["id"] for row in in_order(everything, sort)]
    assert [row["id"] for row in walk(reader, actor, f"sort={sort}&limit={limit}")] == expected
    by_number = [
        json.loads(row)["id"]
        for place in (1, 2)
        for row in page(reader, actor, f"sort={sort}&limit={limit}&page={place}").rows
    ]
    assert by_number == expected[: 2 * limit]


def test_the_export_gives_every_row_of_the_filter(db: Database, reader: Reader, actor: Actor) -> None:
    insert_boxes(db, actor, [{"label": f"{place:04}"} for place in range(800)])
    insert_boxes(db, actor, [{"label": f"{place:04}"} for place in range(800, 1_100)])
    query = parse(db.catalog, BOXES, "label=gte.0005&sort=label&limit=3")
    found = [json.loads(row)["label"] for rows in reader.export(actor, BOXES, query) for row in rows]
    assert found == [f"{place:04}" for place in range(5, 1_100)]


def test_a_row_that_is_inserted_behind_the_cursor_does_not_move_the_next_page(
    db: Database, reader: Reader, actor: Actor
) -> None:
    insert_boxes(db, actor, [{"label": label} for label in "bdf"])
    first = page(reader, actor, "sort=label&limit=2")
    insert_boxes(db, actor, [{"label": label} for label in "ac"])
    assert labels(reader, actor, f"sort=label&limit=2&cursor={first.next_cursor}") == ["f"]


# -- cursors ------------------------------------------------------------------------------------------------------


def cursor_of(db: Database, reader: Reader, actor: Actor) -> str:
    insert_boxes(db, actor, [{"label": label} for label in "abc"])
    cursor = page(reader, actor, "sort=label&limit=1").next_cursor
    assert cursor is not None
    return cursor


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_changed_cursor_is_refused(db: Database, reader: Reader, actor: Actor, place: int) -> None:
    letters = list(cursor_of(db, reader, actor))
    letters[place] = "A" if letters[place] != "A" else "B"
    with pytest.raises(InvalidQuery) as caught:
        page(reader, actor, "sort=label&limit=1&cursor=" + quote("".join(letters)))
    assert [error.field for error in caught.value.fields] == ["cursor"]


@pytest.mark.parametrize("cursor", ["x", "%F0%9F%98%80", ".", "null", "e30", "-" * 2_000])
def test_a_cursor_that_is_none_is_refused(reader: Reader, actor: Actor, cursor: str) -> None:
    with pytest.raises(InvalidQuery, match="cursor is not a cursor of this server"):
        page(reader, actor, f"cursor={cursor}")


def test_a_cursor_of_another_sort_or_resource_or_key_is_refused(db: Database, reader: Reader, actor: Actor) -> None:
    cursor = cursor_of(db, reader, actor)
    for query in ("sort=-label", "sort=label,created_at", ""):
        with pytest.raises(InvalidQuery, match="cursor belongs to another query"):
            page(reader, actor, f"{query}&cursor={cursor}")
    with pytest.raises(InvalidQuery, match="cursor belongs to another query"):
        page(reader, actor, f"sort=name&cursor={cursor}", SHELVES)
    with pytest.raises(InvalidQuery, match="cursor is not a cursor"):
        page(Reader(db, b"another secret, just as long as it"), actor, f"sort=label&cursor={cursor}")


def test_a_signature_made_for_another_purpose_is_no_cursor(reader: Reader, actor: Actor) -> None:
    payload = json.dumps(["specimen-boxes", [["created_at", True], ["id", True]], ["2026-01-01T00:00:00Z", "x"]])
    with pytest.raises(InvalidQuery, match="cursor is not a cursor"):
        page(reader, actor, f"cursor={sign(SECRET, payload.encode(), 'unsubscribe')}")


def test_a_cursor_of_another_organization_shows_only_own_rows(
    db: Database, reader: Reader, actor: Actor, other_tenant: Tenant
) -> None:
    cursor = cursor_of(db, reader, actor)
    assert labels(reader, other_tenant.owner, f"sort=label&cursor={cursor}") == []


# -- tenants and trash --------------------------------------------------------------------------------------------


def test_rows_of_another_organization_are_invisible(
    db: Database, reader: Reader, actor: Actor, other_tenant: Tenant
) -> None:
    identity, *_ = insert_boxes(db, actor, [{"label": "mine"}])
    other = other_tenant.owner
    assert page(reader, other, "").rows == []
    assert reader.aggregate(other, BOXES, parse(db.catalog, BOXES, "aggregate=count()")) == [{"count": 0}]
    with pytest.raises(NotFound):
        reader.row(other, BOXES, identity)
    with pytest.raises(NotFound):
        reader.row(system(), BOXES, identity)


def test_the_trash_is_left_out_or_added_or_shown_alone(db: Database, reader: Reader, actor: Actor) -> None:
    identities = insert_boxes(db, actor, [{"label": "kept"}, {"label": "gone"}])
    db.write(actor, lambda tx: trash(tx, Box, identities[1]))
    assert labels(reader, actor, "sort=label") == ["kept"]
    assert labels(reader, actor, "sort=label&trash=include") == ["gone", "kept"]
    assert labels(reader, actor, "sort=label&trash=only") == ["gone"]
    with pytest.raises(NotFound):
        reader.row(actor, BOXES, identities[1])
    assert json.loads(reader.row(actor, BOXES, identities[1], trash=True)[0])["label"] == "gone"


# -- totals, counts, relations ------------------------------------------------------------------------------------


def test_a_total_counts_what_the_filter_finds_up_to_its_cap(
    db: Database, reader: Reader, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_boxes(db, actor, [{"label": "a"}] * 7 + [{"label": "b"}] * 2)
    found = page(reader, actor, "label=a&page=2&limit=5")
    assert (len(found.rows), found.total, found.next_cursor) == (2, 7, None)
    monkeypatch.setattr("growbase.core.pages.TOTAL_CAP", 4)
    assert page(reader, actor, "label=a&page=1&limit=5").total == 4


def test_counts_and_relations_show_live_rows_of_the_row(db: Database, reader: Reader, tenant: Tenant) -> None:
    actor = tenant.member

    def unit(tx: Transaction) -> UUID:
        shelf = make_shelf(tx)
        box = make_box(tx, shelf_id=shelf, owner_user_id=actor.id)
        for serial in "123":
            make_coin(tx, box_id=box, serial=serial)
        trash(tx, type(tx.rows(Box)[0]), make_box(tx, label="other", shelf_id=shelf))
        return shelf

    shelf = db.write(actor, unit)
    row = json.loads(page(reader, actor, "expand=shelf,owner&counts=specimen_coins").rows[0])
    assert row["counts"] == {"specimen_coins": 3}
    assert (row["shelf"]["id"], row["shelf"]["name"]) == (str(shelf), "Top")
    assert set(row["owner"]) == {"id", "email", "full_name", "image_url", "status"}
    counted = json.loads(page(reader, actor, "counts=specimen_boxes", SHELVES).rows[0])
    assert counted["counts"] == {"specimen_boxes": 1}


def test_only_the_fields_asked_for_are_shown(db: Database, reader: Reader, actor: Actor) -> None:
    insert_boxes(db, actor, [{"label": "a", "pin": "1234"}])
    assert page(reader, actor, "fields=label,isOpen").rows == ['{"label":"a","is_open":false}']


# -- search -------------------------------------------------------------------------------------------------------


def test_the_search_folds_case_and_accents_and_finds_beginnings_of_words(
    db: Database, reader: Reader, actor: Actor
) -> None:
    insert_boxes(
        db, actor, [{"label": "Crème brûlée"}, {"label": "cremation"}, {"label": "x", "remark": "a CRÈME cake"}]
    )
    assert sorted(labels(reader, actor, "q=creme")) == ["Crème brûlée", "x"]
    assert sorted(labels(reader, actor, "q=CREM")) == ["Crème brûlée", "cremation", "x"]
    assert labels(reader, actor, "q=cake+cr%C3%A8me") == ["x"]
    assert labels(reader, actor, "q=%22%27%3A*%26%7C!()") == []
    assert labels(reader, actor, "q=nothing") == []


def test_the_search_follows_updates(db: Database, reader: Reader, actor: Actor) -> None:
    identity, *_ = insert_boxes(db, actor, [{"label": "before"}])
    db.write(actor, lambda tx: tx.update(Box, identity, {"label": "after"}))
    assert labels(reader, actor, "q=before") == []
    assert labels(reader, actor, "q=after") == ["after"]


def test_the_search_stays_inside_the_organization(
    db: Database, reader: Reader, actor: Actor, other_tenant: Tenant
) -> None:
    insert_boxes(db, actor, [{"label": "secret plan"}])
    assert labels(reader, other_tenant.owner, "q=plan") == []


@pytest.mark.parametrize("few", [0, 100])
def test_few_hits_and_many_give_the_same_pages(
    db: Database, reader: Reader, actor: Actor, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("growbase.core.pages.FEW", few)
    insert_boxes(db, actor, [{"label": f"{word} {number}"} for number in range(7) for word in ("oak", "elm")])
    everything = [label for label in labels(reader, actor, "sort=label&limit=200") if label.startswith("oak")]
    for sort in ("label", "-label"):
        rows = walk(reader, actor, f"q=oak&sort={sort}&limit=3&label=neq.oak 3")
        wanted = [label for label in everything if label != "oak 3"]
        assert [row["label"] for row in rows] == (wanted if sort == "label" else wanted[::-1])
    counted = page(reader, actor, "q=oak&page=2&limit=5")
    assert (len(counted.rows), counted.total) == (2, 7)


# -- aggregates ---------------------------------------------------------------------------------------------------


def aggregate(reader: Reader, actor: Actor, query: str) -> list[dict[str, Any]]:
    return reader.aggregate(actor, BOXES, parse(reader.database.catalog, BOXES, query))


def test_aggregates_add_up_group_by_group(db: Database, reader: Reader, actor: Actor) -> None:
    rows: list[dict[str, object]] = [
        {"label": "a", "rank": 2**62, "weight": 1.5, "is_open": True, "found_at": START},
        {"label": "a", "rank": 1, "weight": None, "is_open": True},
        {"label": "b", "rank": None, "weight": 0.25, "found_at": START + timedelta(days=1)},
    ]
    insert_boxes(db, actor, rows)
    assert aggregate(reader, actor, "aggregate=count(),sum(rank),avg(weight),min(found_at),max(found_at)") == [
        {
            "count": 3,
            "sum_rank": 2**62 + 1,
            "avg_weight": 0.875,
            "min_found_at": "2026-01-01T00:00:00.000000Z",
            "max_found_at": "2026-01-02T00:00:00.000000Z",
        }
    ]
    assert aggregate(reader, actor, "aggregate=count(),sum(weight)&group_by=isOpen,label") == [
        {"is_open": False, "label": "b", "count": 1, "sum_weight": 0.25},
        {"is_open": True, "label": "a", "count": 2, "sum_weight": 1.5},
    ]
    assert aggregate(reader, actor, "aggregate=count_distinct(label),count(rank)&label=in.(a,b)") == [
        {"count_distinct_label": 2, "count_rank": 2}
    ]
    assert aggregate(reader, actor, "group_by=size") == [{"size": None, "count": 3}]
    assert aggregate(reader, actor, "aggregate=sum(rank)&label=c") == [{"sum_rank": None}]


def test_aggregates_of_every_kind_of_column_read_the_same(db: Database, reader: Reader, actor: Actor) -> None:
    insert_boxes(
        db, actor, [{"label": "a", "rank": 1, "is_open": True, "found_on": START.date()}, {"label": "b", "rank": 2}]
    )
    found = aggregate(reader, actor, "aggregate=max(found_on),avg(rank),min(state),max(label),count_distinct(id)")
    assert found == [
        {"max_found_on": "2026-01-01", "avg_rank": 1.5, "min_state": "packed", "max_label": "b", "count_distinct_id": 2}
    ]
    grouped = aggregate(reader, actor, "group_by=found_on,state")
    assert grouped == [
        {"found_on": None, "state": BoxState.PACKED, "count": 1},
        {"found_on": "2026-01-01", "state": BoxState.PACKED, "count": 1},
    ]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("aggregate=sum(label)", "aggregate"),
        ("aggregate=sum(tags)", "aggregate"),
        ("aggregate=max(is_open)", "aggregate"),
        ("aggregate=min(owner_user_id)", "aggregate"),
        ("aggregate=sum(nothing)", "aggregate"),
        ("aggregate=max(tags)", "aggregate"),
        ("aggregate=sum(found_on)", "aggregate"),
        ("aggregate=median(rank)", "aggregate"),
        ("aggregate=sum(rank", "aggregate"),
        ("aggregate=max(pin_cipher)", "aggregate"),
        ("aggregate=max(hash)", "aggregate"),
        ("group_by=nothing", "group_by"),
        ("group_by=tags", "group_by"),
        ("group_by=hash", "group_by"),
    ],
)
def test_an_aggregate_that_makes_no_sense_names_its_parameter(
    db: Database, reader: Reader, actor: Actor, query: str, parameter: str
) -> None:
    with pytest.raises(InvalidQuery) as caught:
        aggregate(reader, actor, query)
    assert [error.field for error in caught.value.fields] == [parameter]


def test_too_many_groups_are_refused(
    db: Database, reader: Reader, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("growbase.core.pages.GROUP_CAP", 2)
    insert_boxes(db, actor, [{"label": label} for label in "abc"])
    with pytest.raises(InvalidQuery, match="group_by makes more than 2 groups"):
        aggregate(reader, actor, "group_by=label")
