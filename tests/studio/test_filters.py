import pytest

from growbase import wiring
from growbase.core.query import parse
from growbase.studio.filters import canonical, chips, for_reader, minor
from growbase.studio.visit import local, with_query
from growbase.studio.words import Words

CAMPAIGNS = wiring.catalog().by_name["campaigns"]
WORDS = Words("en", "Europe/Paris")


@pytest.mark.parametrize(
    ("typed", "found"),
    [("1250.50", "125050"), ("1 250,5", "125050"), ("-3", "-300"), ("0.001", "0.001"), ("a", "a"), ("", "")],
)
def test_an_amount_is_read_as_minor_units(typed: str, found: str) -> None:
    assert minor(typed) == found


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ([("f.status", "draft"), ("f.status", "active")], [("status", "in.(draft,active)")]),
        ([("f.status", "")], []),
        ([("status", "draft"), ("f.status", "active"), ("cursor", "x")], [("status", "active")]),
        ([("f.start_at.to", "2026-01-31")], [("start_at", "lt.2026-01-31T23:00:00Z")]),
        ([("f.budget_minor.from", "12,50")], [("budget_minor", "gte.1250")]),
        ([("f.columns", "status"), ("f.columns", "brand_id")], [("columns", "status,brand_id")]),
        ([("sort", "name"), ("f.nonsense", "x")], [("sort", "name")]),
    ],
)
def test_the_form_becomes_conditions(sent: list[tuple[str, str]], found: list[tuple[str, str]]) -> None:
    assert canonical(WORDS, CAMPAIGNS, sent) == found


def test_every_condition_that_the_form_makes_is_one_of_the_grammar() -> None:
    sent = [("f.status", "draft"), ("f.start_at.from", "2026-01-31"), ("f.budget_minor.to", "10"), ("f.columns", "x")]
    pairs = for_reader(canonical(WORDS, CAMPAIGNS, sent))
    assert parse(wiring.catalog(), CAMPAIGNS, with_query("", pairs).removeprefix("?")).limit


def test_chips_say_conditions_as_people_do() -> None:
    pairs = [
        ("status", "in.(draft,active)"),
        ("budget_minor", "gte.1250"),
        ("brand_id", "x"),
        ("q", "a"),
        ("sort", "b"),
    ]
    found = {chip.label: chip.text for chip in chips(WORDS, CAMPAIGNS, pairs, {"x": "Aurora"})}
    assert found == {"Status": "Draft, Active", "Budget": "≥ 12.50", "Brand": "Aurora", "Search": "a"}


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("/studio/brands?a=//b", "/studio/brands?a=//b"),
        ("/studio", "/studio"),
        ("//evil.example/studio/", "/studio"),
        ("https://evil.example", "/studio"),
        ("/studio//evil.example", "/studio"),
        ("/studio/\\evil.example", "/studio"),
        ("/studiox", "/studio"),
    ],
)
def test_a_link_leads_nowhere_else(address: str, found: str) -> None:
    assert local(address) == found
