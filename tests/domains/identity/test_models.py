from growbase.core.model import rule_of, table_of
from growbase.domains.identity.models import Membership, User
from growbase.domains.identity.resources import RESOURCES, memberships


def test_colleagues_see_a_card_of_a_user_and_nothing_else() -> None:
    shown = {column.name for column in table_of(User).columns if not rule_of(column).hidden}
    assert shown == {"id", "email", "full_name", "image_url", "status"}
    assert memberships.expand_column("user").name == "user_id"


def test_every_owner_of_rows_is_a_member_for_ever() -> None:
    (key,) = [index for index in table_of(Membership).indexes if index.unique]
    assert [column.name for column in key.columns] == ["organization_id", "user_id"]
    assert key.dialect_options["sqlite"]["where"] is None


def test_users_are_no_resource_of_their_own() -> None:
    names = [resource.name for resource in RESOURCES]
    assert "organizations" in names
    assert "users" not in names
