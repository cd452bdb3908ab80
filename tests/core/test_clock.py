from uuid import UUID

from growbase.core.clock import new_id, new_ids


def test_ids_made_together_are_in_order_with_those_made_alone() -> None:
    before = new_id()
    made = [UUID(text) for text in new_ids(500)]
    after = new_id()
    assert [before, *made, after] == sorted({before, *made, after})
    assert {(identity.version, identity.variant) for identity in made} == {(7, before.variant)}


def test_ids_are_canonical_text() -> None:
    assert all(str(UUID(text)) == text for text in new_ids(50))
    assert new_ids(0) == []
