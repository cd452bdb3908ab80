import pytest

from growbase.core.labels import label_of


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("name", "Name"),
        ("owner_user_id", "Owner"),
        ("brand_id", "Brand"),
        ("budget_minor", "Budget"),
        ("scheduled_at", "Scheduled"),
        ("opt-out", "Opt out"),
        ("ai_insights", "AI insights"),
        ("icps", "ICPs"),
        ("utm_source", "UTM source"),
        ("id", "ID"),
        ("in_progress", "In progress"),
    ],
)
def test_a_name_is_read_as_words(name: str, label: str) -> None:
    assert label_of(name) == label
