"""The first steps of an organization: what is done already, what comes next, and the demo data to look around in."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from growbase.api.call import Answer
from growbase.core.actor import Role
from growbase.core.errors import GrowbaseError, NotFound
from growbase.core.reads import Reads
from growbase.core.tables import BackupRun
from growbase.core.types import moment_text
from growbase.domains.identity.actions import update_profile
from growbase.domains.identity.models import Membership, MembershipStatus, User
from growbase.domains.marketing.demo import is_demo
from growbase.ops.seed import fill_organization, remove_demo
from growbase.studio.acts import flash_error
from growbase.studio.render import page
from growbase.studio.visit import Visit

HIDDEN: Final = "first_steps_hidden"
"""The preference by which a person says: no more of this."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: what, why, where, and whether it is done."""

    title: str
    why: str
    url: str
    done: bool


@dataclass(frozen=True, slots=True)
class FirstRun:
    """The steps, unless they are done or unwanted, and what can be done about demo data."""

    steps: list[Step]
    may_fill: bool
    is_filled: bool


async def look(visit: Visit) -> FirstRun | None:
    """Return what the first page shows of the first steps; None where there is nothing to say."""
    if not visit.may(Role.MEMBER):
        return None
    found = await visit.read(lambda reads: _look(visit, reads))
    is_admin = visit.may(Role.ADMIN)
    essential = [step for step in found["steps"] if step.url != "/studio/backups"]
    is_over = found["hidden"] or all(step.done for step in essential)
    may_fill = is_admin and not visit.api.settings.is_production and not found["demo"] and not found["begun"]
    shown = FirstRun([] if is_over else found["steps"], may_fill, is_filled=is_admin and found["demo"])
    return shown if shown.steps or shown.is_filled else None


def _look(visit: Visit, reads: Reads) -> dict[str, Any]:
    """Look what there is; each look stops at the first row."""
    say = visit.words.say

    def has(name: str) -> bool:
        resource = visit.api.catalog.by_name.get(name)
        return resource is not None and bool(reads.rows(resource.model, limit=1))

    present = (MembershipStatus.ACTIVE, MembershipStatus.INVITED)
    me = reads.find(User, visit.by.id) if visit.by.id else None
    is_begun = has("campaigns")
    steps = [
        Step(say("Make a brand"), say("Whose voice everything has."), "/studio/brands/new", has("brands")),
        Step(say("Plan the first campaign"), say("Goals, dates, budget."), "/studio/campaigns/new", is_begun),
        Step(
            say("Connect an account"),
            say("Where posts are published."),
            "/studio/social-accounts",
            has("social-accounts"),
        ),
    ]
    if visit.may(Role.ADMIN):
        colleagues = len(reads.rows(Membership, status=present, limit=2)) > 1
        steps.append(
            Step(say("Invite a colleague"), say("With the role they need."), "/studio/team/invite", colleagues)
        )
    if visit.person.is_operator:
        backed = reads.rows(BackupRun, status="succeeded", limit=1)
        steps.append(
            Step(say("Take a backup"), say("And see that it can be restored."), "/studio/backups", bool(backed))
        )
    return {
        "steps": steps,
        "begun": is_begun,
        "demo": is_demo(reads),
        "hidden": me is not None and bool(me.preferences.get(HIDDEN)),
    }


async def hide(visit: Visit) -> Answer:
    """Show the first steps no more to this person."""
    await visit.write(lambda tx: update_profile(tx, changes={"preferences": {HIDDEN: moment_text(tx.now)}}))
    return visit.go("/studio")


async def demo(visit: Visit) -> Answer:
    """Ask before demo data is filled in or removed."""
    visit.require(Role.ADMIN)
    if visit.api.settings.is_production:
        raise NotFound(what="page")
    return page(visit, "running/demo.html", is_filled=await visit.read(is_demo), days=visit.api.settings.trash_days)


async def change_demo(visit: Visit) -> Answer:
    """Fill the demo data into this organization, or move it to the trash."""
    visit.require(Role.ADMIN)
    api, words, here = visit.api, visit.words, visit.by.organization_id
    if here is None or (api.settings.is_production and visit.sent("action") != "remove"):
        raise NotFound(what="page")
    try:
        if visit.sent("action") == "remove":
            went, stay = await asyncio.to_thread(remove_demo, api.database, here, visit.by)
            said = words.say("Moved to the trash: {count} rows and what hangs on them.", count=words.number(went))
            if stay:
                said += " " + words.say("Work is under way for {count}, which stay.", count=words.number(stay))
            visit.flash(said)
        else:
            await visit.write(lambda tx: tx.record("fill_demo", "organizations", here))
            await asyncio.to_thread(partial(fill_organization, api.database, api.settings, here))
            visit.flash(words.say("The demo data is there."))
    except GrowbaseError as error:
        flash_error(visit, error)
    return visit.go("/studio")


PAGES: Final[list[tuple[str, str, Any]]] = [
    ("first-steps/hide", "POST", hide),
    ("first-steps/demo", "GET", demo),
    ("first-steps/demo", "POST", change_demo),
]
