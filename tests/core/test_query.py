import json
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import InvalidQuery
from growbase.core.pages import Reader
from growbase.core.query import Query, parse, split_list, unquoted
from growbase.core.resource import Catalog
from growbase.core.transaction import Transaction
from tests.core.specimens import BOXES, SHELVES, BoxState, Size, make_box, make_shelf
from tests.fixtures import Tenant

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def boxes(db: Database, tenant: Tenant) -> dict[str, UUID]:
    """Give boxes that differ in everything; the labels are what a query is seen to find."""

    def unit(tx: Transaction) -> dict[str, UUID]:
        shelf, other = make_shelf(tx, name="Top"), make_shelf(tx, name="Bottom, left")
        rows: list[dict[str, object]] = [
            {"label": "a", "rank": 1, "weight": 0.5, "is_open": True, "is_rare": True, "shelf_id": shelf},
            {"label": "b", "rank": 2, "weight": -1.0, "is_rare": False, "shelf_id": other, "found_at": NOON},
            {"label": "c", "size": Size.LARGE, "found_on": NOON.date(), "owner_user_id": tenant.member.id},
        ]
        rows[0] |= {"tags": ["new", 'it"s', "1"], "details": {"tier": "gold", "score": 10, "deep": {"a": [5, "x"]}}}
        rows[1] |= {"tags": [], "details": {"tier": "100%", "score": 9.5, "paid": True, "none": None}}
        rows[2] |= {"details": {"tier": "10", "score": "9", "a.b": "dot", 'q"t': "quote", "back\\slash": "yes"}}
        return {str(row["label"]): make_box(tx, **row) for row in rows}

    return db.write(tenant.owner, unit)


def found(reader: Reader, actor: Actor, query: str) -> str:
    """Return the labels a query finds, in one word."""
    query += "&sort=label&limit=200"
    return "".join(json.loads(row)["label"] for row in reader.page(actor, BOXES, parse_box(reader, query)).rows)


def parse_box(reader: Reader, query: str) -> Query:
    return parse(reader.database.catalog, BOXES, query)


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("", "abc"),
        ("label=a", "a"),
        ("label=eq.a", "a"),
        ("label=eq.eq.a", ""),
        ("label=neq.a", "bc"),
        ("label=not.eq.a", "bc"),
        ("label=not.not.eq.a", "a"),
        ("label=gt.a", "bc"),
        ("label=gte.b&label=lt.c", "b"),
        ("label=lte.b", "ab"),
        ("label=in.(a,c,nobody)", "ac"),
        ("label=not.in.(a,c)", "b"),
        ("rank=1", "a"),
        ("rank=neq.1", "b"),
        ("rank=not.eq.1", "bc"),
        ("rank=gt.-9223372036854775808", "ab"),
        ("rank=in.(1,2)", "ab"),
        ("rank=not.in.(1)", "bc"),
        ("rank=is.null", "c"),
        ("rank=not.is.null", "ab"),
        ("weight=0.5", "a"),
        ("weight=lt.0", "b"),
        ("weight=gte.-1e0", "ab"),
        ("is_open=true", "a"),
        ("isOpen=FALSE", "bc"),
        ("is_open=is.true", "a"),
        ("is_rare=is.false", "b"),
        ("is_rare=not.is.false", "ac"),
        ("is_rare=not.is.true", "bc"),
        ("is_rare=is.null", "c"),
        ("size=LARGE", "c"),
        ("size=in.(small,large)", "c"),
        ("state=packed", "abc"),
        ("state=neq.packed", ""),
        ("found_at=2026-01-31T12:00:00Z", "b"),
        ("found_at=2026-01-31T13:00:00%2B01:00", "b"),
        ("found_at=gte.2026-01-31", "b"),
        ("found_at=lt.2026-01-31", ""),
        ("found_on=2026-01-31", "c"),
        ("found_on=gt.2026-01-30", "c"),
        ("shelf.name=Top", "a"),
        ("shelf.name=in.(Top,%22Bottom,%20left%22)", "ab"),
        ("shelf.name=not.eq.Top", "bc"),
        ("shelf.name=is.null", "c"),
        ("shelf.name=not.is.null", "ab"),
        ("owner.email=like.member@*", "c"),
        ("tags=contains.new", "a"),
        ("tags=contains.it%22s", "a"),
        ("tags=contains.1", "a"),
        ("tags=contains.ne", ""),
        ("tags=not.contains.new", "bc"),
        ("label=contains.A", "a"),
        ("details.tier=gold", "a"),
        ("details.tier=neq.gold", "bc"),
        ("details.tier=10", "c"),
        ("details.tier=in.(gold,10)", "ac"),
        ("details.tier=like.1*", "bc"),
        ("details.tier=like.100\\%25", "b"),
        ("details.tier=ilike.GOLD", "a"),
        ("details.tier=contains.OL", "a"),
        ("details.score=10", "a"),
        ("details.score=gt.9", "ab"),
        ("details.score=lt.10", "b"),
        ("details.paid=true", "b"),
        ("details.paid=is.true", "b"),
        ("details.paid=is.null", "ac"),
        ("details.none=is.null", "abc"),
        ("details.deep.a.0=5", "a"),
        ("details.deep.a.1=x", "a"),
        ("details.deep.a.9=x", ""),
        ("details.deep=%7B%22a%22:[5,%22x%22]%7D", "a"),
        ("details.q%22t=quote", "c"),
        ("details.back%5Cslash=yes", "c"),
        ("details.99999999999999999999=x", ""),
        ("details.deep.a=contains.x", "a"),
        ("details.%D9%A3=x", ""),
        ("details.tier.deeper=x", ""),
        ("details=is.null", ""),
        ("or=(label.eq.a,label.eq.b)", "ab"),
        ("or=(label.eq.a,and(rank.gte.2,is_open.is.false))", "ab"),
        ("or=(rank.is.null,shelf.name.eq.Top)", "ac"),
        ("and=(rank.gte.1,or(label.eq.b,label.eq.c))", "b"),
        ("or=(label.not.in.(a,b),details.tier.eq.gold)", "ac"),
        ("or=(label.eq.a,label.eq.b)&or=(rank.eq.2,rank.is.null)", "b"),
        ("or=(label.in.(a,b),label.eq.%22c%22)", "abc"),
        ("and=(label.eq.a)", "a"),
    ],
)
def test_every_operator_finds_the_same_rows_on_both_engines(
    reader: Reader, actor: Actor, boxes: dict[str, UUID], query: str, labels: str
) -> None:
    assert found(reader, actor, query) == labels


def test_ids_and_references_are_filtered_by_their_uuid(reader: Reader, tenant: Tenant, boxes: dict[str, UUID]) -> None:
    actor = tenant.owner
    assert found(reader, actor, f"id={boxes['b']}") == "b"
    assert found(reader, actor, f"id=in.({boxes['a']},{str(boxes['b']).upper()})") == "ab"
    assert found(reader, actor, f"owner_user_id={tenant.member.id}") == "c"
    assert found(reader, actor, f"id=lte.{boxes['b']}") == "ab"


SPECIAL = [
    "100%",
    "100x",
    "a_b",
    "axb",
    "a*b",
    "a?b",
    "[ab]",
    "a",
    "a\\b",
    "a\\",
    "É",
    "é",
    "%",
    "\\%",
    "*",
    "'",
    '"',
    "a]b",
    "^a",
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("like.100%", {"100%", "100x"}),
        ("like.100\\%", {"100%"}),
        ("like.a_b", {"a_b", "axb", "a*b", "a?b", "a\\b", "a]b"}),
        ("like.a\\_b", {"a_b"}),
        ("like.a\\*b", {"a*b"}),
        ("like.a?b", {"a?b"}),
        ("like.[ab]", {"[ab]"}),
        ("like.a\\\\b", {"a\\b"}),
        ("like.a\\", {"a\\"}),
        ("like.A_B", set()),
        ("like.É", {"É"}),
        ("like.*", set(SPECIAL)),
        ("like.\\*", {"*"}),
        ("like.'", {"'"}),
        ("like.^a", {"^a"}),
        ("ilike.A_B", {"a_b", "axb", "a*b", "a?b", "a\\b", "a]b"}),
        ("ilike.A\\_B", {"a_b"}),
        ("ilike.A*B", {"a_b", "axb", "a*b", "a?b", "a\\b", "a]b"}),
        ("ilike.A\\*B", {"a*b"}),
        ("ilike.100\\%", {"100%"}),
        ("ilike.A\\\\B", {"a\\b"}),
        ("ilike.A\\", {"a\\"}),
        ("ilike.É", {"É"}),
        ("ilike.[AB]", {"[ab]"}),
        ("contains.%", {"100%", "%", "\\%"}),
        ("contains.A_B", {"a_b"}),
        ("contains.\\", {"a\\b", "a\\", "\\%"}),
        ("contains.É", {"É"}),
        ("contains.é", {"é"}),
        ('in.("\'","\\"",a)', {"'", '"', "a"}),
        ('eq."a"', {"a"}),
        ('"a\\\\b"', {"a\\b"}),
    ],
)
def test_special_letters_of_patterns_mean_the_same_on_both_engines(
    db: Database, reader: Reader, actor: Actor, query: str, expected: set[str]
) -> None:
    db.write(actor, lambda tx: [make_box(tx, label=label) for label in SPECIAL])
    parsed = parse_box(reader, f"label={quote(query)}&limit=100")
    assert {json.loads(row)["label"] for row in reader.page(actor, BOXES, parsed).rows} == expected


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ("nothing=1", "nothing", "is not a field of specimen-boxes"),
        ("hash=x", "hash", "is not a field"),
        ("pin_cipher=x", "pin_cipher", "is not a field"),
        ("pin=x", "pin", "is not a field"),
        ("label.x=1", "label.x", "has no fields of its own"),
        ("shelf.nothing=1", "shelf.nothing", "is not a field"),
        ("shelf.name_norm=top", "shelf.name_norm", "is not a field"),
        ("owner.password_hash=x", "owner.password_hash", "is not a field"),
        ("shelf.name.x=1", "shelf.name.x", "is not a field"),
        ("rank=one", "rank", "must be a whole number"),
        ("rank=9223372036854775808", "rank", "must be a whole number"),
        ("rank=" + "9" * 1_900, "rank", "must be a whole number"),
        ("rank=in.(1,x)", "rank", "must be a whole number"),
        ("weight=x", "weight", "must be a number"),
        ("weight=nan", "weight", "must be a number"),
        ("weight=-inf", "weight", "must be a number"),
        ("is_open=1", "is_open", "must be true or false"),
        ("found_at=yesterday", "found_at", "must be a time"),
        ("found_at=0001-01-01T00:00:00%2B14:00", "found_at", "must be a time"),
        ("found_on=2026-02-30", "found_on", "must be a date"),
        ("size=medium", "size", "must be one of small, large"),
        ("id=1", "id", "must be a UUID"),
        ("shelf_id=x", "shelf_id", "must be a UUID"),
        ("rank=like.1", "rank", "like works on text only"),
        ("rank=contains.1", "rank", "contains works on text and lists only"),
        ("details=x", "details", "name a field of the document"),
        ("details.score=gt.high", "details.score", "must be a number"),
        ("label=in.a", "label", "in needs a list in parentheses"),
        ("label=in.()", "label", "in takes 1 to 200 values"),
        ("rank=in.(" + ",".join("1" * 201) + ")", "rank", "in takes 1 to 200 values"),
        ("label=is.nothing", "label", "is takes null, true or false"),
        ("label=is.true", "label", "is.true and is.false work on"),
        ("or=label.eq.a", "or", "must be a list in parentheses"),
        ("or=()", "or", "must not be empty"),
        ("or=(label)", "or", "must have the form field.operator.value"),
        ("or=(label.eq.a", "or", "must be a list in parentheses"),
        ("or=(label.in.(a)", "or", "has unbalanced quotes or parentheses"),
        ("or=(label.eq.%22a)", "or", "has unbalanced quotes or parentheses"),
        ("or=(or(or(or(label.eq.a))))", "or", "is nested too deeply"),
        ("or=(nothing.eq.a)", "or", "is not a field"),
        ("sort=remark", "sort", "can't be sorted by"),
        ("sort=rank,weight", "sort", "may be empty, so it can only come first"),
        ("sort=label,created_at,updated_at,coin_count,is_open,id", "sort", "takes at most 5 fields"),
        ("sort=label&sort=rank", "sort", "is given twice"),
        ("limit=0", "limit", "from 1 to 200"),
        ("limit=201", "limit", "from 1 to 200"),
        ("limit=ten", "limit", "from 1 to 200"),
        ("limit=%C2%B2", "limit", "from 1 to 200"),
        ("page=0", "page", "must be a whole number"),
        ("page=52&limit=200", "page", "reaches only the first 10000 rows"),
        ("fields=label,nothing", "fields", "nothing is not available"),
        ("fields=hash", "fields", "hash is not available"),
        ("expand=nothing", "expand", "nothing is not available"),
        ("counts=specimen_photos", "counts", "is not available"),
        ("trash=yes", "trash", "must be exclude, include or only"),
        ("label=a%00b", "label", "must not contain the character NUL"),
        ("details.a%00b=x", "details.a\x00b", "must not contain the character NUL"),
        ("q=%00", "q", "must not contain the character NUL"),
        ("label=" + "x" * 2_001, "label", "must have at most 2000 characters"),
        ("label=%FF", "", "must be percent-encoded UTF-8"),
        ("label=%ED%A0%80", "", "must be percent-encoded UTF-8"),
        ("%FF=1", "", "must be percent-encoded UTF-8"),
        ("&".join(["label=a"] * 51), "label", "at most 50 conditions"),
        ("or=(" + ",".join(["label.eq.a"] * 51) + ")", "or", "at most 50 conditions"),
        ("&".join(["label=a"] * 201), "", "too many parameters"),
    ],
)
def test_a_wrong_query_names_its_parameter(catalog: Catalog, query: str, parameter: str, message: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(catalog, BOXES, query)
    (error,) = caught.value.fields
    assert error.field == parameter
    assert message in error.text()


@pytest.mark.parametrize(("query", "parameter"), [("q=x", "q"), ("expand=x", "expand")])
def test_what_a_resource_does_not_offer_is_refused(catalog: Catalog, query: str, parameter: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(catalog, SHELVES, query)
    assert [error.field for error in caught.value.fields] == [parameter]


@pytest.mark.parametrize(
    ("query", "sort"),
    [
        ("", (("created_at", True), ("id", True))),
        ("sort=", (("created_at", True), ("id", True))),
        ("sort=label", (("label", False), ("id", False))),
        ("sort=-label,id", (("label", True), ("id", False))),
        ("sort=-rank,label", (("rank", True), ("label", False), ("id", False))),
        ("sort=-createdAt", (("created_at", True), ("id", True))),
        ("sortBy=foundAt&sortOrder=DESC", (("found_at", True), ("id", True))),
        ("sortBy=label", (("label", False), ("id", False))),
        ("sort=%2Blabel", (("label", False), ("id", False))),
    ],
)
def test_the_id_ends_every_sort(catalog: Catalog, query: str, sort: tuple[tuple[str, bool], ...]) -> None:
    assert parse(catalog, BOXES, query).shape.sort == sort


def test_equal_shapes_are_equal_whatever_their_values(catalog: Catalog) -> None:
    one = parse(catalog, BOXES, "label=a&state=in.(packed,lost)")
    other = parse(catalog, BOXES, "label=b&state=in.(opened,shipped)")
    assert one.shape == other.shape
    assert hash(one.shape) == hash(other.shape)
    assert one.values == ("a", (BoxState.PACKED, BoxState.LOST))
    assert parse(catalog, BOXES, "label=a") is parse(catalog, BOXES, "label=a")


def test_fifty_conditions_and_five_sort_fields_are_allowed(
    reader: Reader, actor: Actor, boxes: dict[str, UUID]
) -> None:
    assert found(reader, actor, "&".join(["label=neq.a"] * 50)) == "bc"
    parsed = parse_box(reader, "sort=-rank,label,-coin_count,created_at,is_open&label=" + "x" * 2_000)
    assert reader.page(actor, BOXES, parsed).rows == []


def test_unknown_options_of_other_routes_are_carried(catalog: Catalog) -> None:
    parsed = parse(catalog, BOXES, "format=csv&as_of=2026-01-01")
    assert (parsed.option("format"), parsed.option("as_of"), parsed.option("aggregate")) == ("csv", "2026-01-01", None)


@pytest.mark.parametrize(
    ("text", "value"),
    [("a", "a"), ('"a"', "a"), ('"', '"'), ('""', ""), ('"a\\"b"', 'a"b'), ('"a\\\\"', "a\\"), ('"\\\\\\""', '\\"')],
)
def test_quotes_are_taken_off_and_backslashes_undone(text: str, value: str) -> None:
    assert unquoted(text) == value


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ["a", "b"]),
        ("a,(b,c),d", ["a", "(b,c)", "d"]),
        ('"a,b",c', ['"a,b"', "c"]),
        ('"a\\",b",c', ['"a\\",b"', "c"]),
        ("a,,b", ["a", "b"]),
        ("", []),
    ],
)
def test_lists_are_split_at_commas_outside_of_quotes_and_parentheses(text: str, parts: list[str]) -> None:
    assert split_list("x", text) == parts
