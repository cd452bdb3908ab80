"""Who belongs to the organization: members with their roles, invitations that wait, and who has left."""

from functools import partial
from typing import Any, Final

from growbase.api.call import Answer, identity
from growbase.core.actor import Role
from growbase.core.errors import Conflict, Invalid, LimitExceeded
from growbase.core.reads import Reads
from growbase.domains.identity import actions_members
from growbase.domains.identity.models import Membership, MembershipStatus, User
from growbase.domains.identity.schemas import Invite
from growbase.studio.acts import flash_error
from growbase.studio.forms import typed
from growbase.studio.render import page
from growbase.studio.running import asking
from growbase.studio.running.operating import plain
from growbase.studio.visit import Visit

MOST: Final = 500
ORDER: Final = (Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER)
MESSAGES: Final = {
    "owner": "everything, the plan and other owners too",
    "admin": "everything but owners and the plan",
    "member": "work with all rows",
    "viewer": "look at everything, change nothing",
}


async def show(visit: Visit) -> Answer:
    """Show members, invitations and former members."""
    visit.require(Role.VIEWER)
    people = await visit.read(_people)
    rank = {role.value: place for place, role in enumerate(ORDER)}
    people.sort(key=lambda one: (rank[one["role"]], one["name"].lower()))
    return page(
        visit,
        "running/team.html",
        members=[one for one in people if one["status"] == MembershipStatus.ACTIVE],
        invited=[one for one in people if one["status"] == MembershipStatus.INVITED],
        former=[one for one in people if one["status"] == MembershipStatus.DISABLED],
        roles=_roles(visit),
        about={name: visit.words.say(text) for name, text in MESSAGES.items()},
        me=str(visit.by.id),
    )


def _people(reads: Reads) -> list[dict[str, Any]]:
    memberships = reads.rows(Membership, order="created_at, id", limit=MOST)
    ids = {one.user_id for one in memberships} | {one.invited_by for one in memberships if one.invited_by}
    users = {row.id: row for row in reads.rows(User, id=list(ids), trash=True)} if ids else {}
    found = []
    for one in memberships:
        user, by = users.get(one.user_id), users.get(one.invited_by) if one.invited_by else None
        name = (user.full_name or user.email) if user else str(one.user_id)
        shown = {"name": name, "email": user.email if user else "", "by": (by.full_name or by.email) if by else ""}
        found.append({**plain(one, "id", "user_id", "role", "status", "joined_at", "created_at"), **shown})
    return found


def _roles(visit: Visit) -> list[str]:
    """Return the roles the visitor may give: only an owner makes owners."""
    return [role.value for role in ORDER if role is not Role.OWNER or visit.may(Role.OWNER)]


async def invite(visit: Visit) -> Answer:
    """Show the form of an invitation, or send one."""
    visit.require(Role.ADMIN)
    words = visit.words
    inputs = asking.fields(visit, Invite, ("email", "role", "full_name"), {"role": _roles(visit)})
    ask = partial(
        asking.form,
        visit,
        title=words.say("Invite somebody"),
        back=("/studio/team", words.say("People")),
        button=words.say("Send the invitation"),
        inputs=inputs,
        about=words.say("A link is mailed; by it they join, with an account they have or a new one."),
    )
    if visit.call.method != "POST":
        return await ask(texts={"role": Role.MEMBER.value, "email": visit.query.get("email", "")})
    texts = typed(visit, inputs)
    try:
        values = asking.parsed(visit, Invite, inputs, texts)
        await visit.write(lambda tx: actions_members.invite_member(tx, **values))
    except (Invalid, Conflict, LimitExceeded) as error:
        return await ask(texts=texts, refusal=error)
    visit.flash(words.say("Invited: {email}.", email=values["email"]))
    return visit.go("/studio/team")


async def act(visit: Visit, id: str) -> Answer:
    """Change a member's role, remove or re-invite one, hand the organization over, or leave it."""
    visit.require(Role.VIEWER)
    key, action, words = identity(id), visit.sent("action"), visit.words
    try:
        if action == "role":
            role = visit.sent("role")
            if role not in {one.value for one in Role}:
                raise Invalid.at("role", "choice", "must be one of {expected}", expected=", ".join(Role))
            await visit.write(lambda tx: actions_members.change_role(tx, id=key, role=Role(role)))
            visit.flash(words.say("The role is changed."))
        elif action == "remove":
            await visit.write(lambda tx: actions_members.remove_member(tx, id=key))
            visit.flash(words.say("Removed. What they own stays."))
        elif action == "transfer":
            await visit.write(lambda tx: actions_members.transfer_ownership(tx, id=key))
            visit.flash(words.say("The organization has a new owner; you are an admin now."))
        elif action == "again":
            await _again(visit, id)
            visit.flash(words.say("A new link was mailed."))
        elif action == "leave":
            await visit.write(actions_members.leave_organization)
            return visit.go("/studio")
        else:
            raise Invalid.at("action", "choice", "must be one of {expected}", expected="role, remove, transfer, again")
    except (Conflict, LimitExceeded) as error:
        flash_error(visit, error)
    return visit.go("/studio/team")


async def _again(visit: Visit, id: str) -> None:
    """Invite a person once more, in the same role."""
    visit.require(Role.ADMIN)
    person = next((one for one in await visit.read(_people) if one["id"] == id), None)
    if person is None or person["status"] != MembershipStatus.INVITED:
        raise Conflict("There is no invitation any more.")
    role = Role(person["role"])
    await visit.write(lambda tx: actions_members.invite_member(tx, email=person["email"], role=role))


PAGES: Final[list[tuple[str, str, Any]]] = [
    ("team", "GET", show),
    ("team/invite", "GET", invite),
    ("team/invite", "POST", invite),
    ("team/<id>", "POST", act),
]
