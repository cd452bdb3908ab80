"""The pages that are not a resource's, as the navigation shows them."""

from dataclasses import dataclass
from typing import Literal

from growbase.core.actor import Role
from growbase.studio.words import Words


@dataclass(frozen=True, slots=True)
class Place:
    """A page of its own: its address behind ``/studio/``, its name, and the domain it stands with.

    An empty ``group`` puts it below the first page. It is left out where one of the resources it ``needs`` is not
    installed or not for the visitor's ``role``. Resources it ``covers`` stand behind the others; ``operators``,
    who run the installation, see it whatever their role, or only they do.
    """

    path: str
    title: str
    group: str = ""
    role: Role = Role.VIEWER
    needs: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    operators: Literal["", "also", "only"] = ""


def places(words: Words) -> list[Place]:
    """Return the pages of their own, in the order of the navigation."""
    return [
        Place("overview", words.say("Overview")),
        Place(
            "content-performance",
            words.say("Content performance"),
            "marketing",
            needs=("content-performance",),
            covers=("content-performance",),
        ),
        Place("outreach", words.say("Results of outreach"), "outreach", needs=("messages",)),
        Place("social", words.say("Results of posts"), "social", needs=("scheduled-posts",)),
        Place("store-desk", words.say("Store desk"), "commerce", needs=("stores",)),
        Place("usage", words.say("Use of the plan"), "identity"),
        Place("calendar", words.say("Calendar")),
        Place("media", words.say("Media library"), "marketing", needs=("assets",)),
        Place("inbox", words.say("Inbox"), needs=("tickets", "messages")),
        Place("reviews", words.say("My reviews"), needs=("review-requests",)),
        Place("team", words.say("People"), "identity", covers=("memberships",)),
        Place("keys", words.say("API keys"), "identity", Role.ADMIN, covers=("api-keys",)),
        Place("webhooks", words.say("Webhooks"), "identity", Role.ADMIN, covers=("webhook-endpoints",)),
        Place("plan", words.say("Plan and usage"), "identity", covers=("plans", "subscriptions")),
        Place("settings", words.say("Settings"), "identity", Role.ADMIN, covers=("organizations",)),
        Place("audit", words.say("Audit log"), "core", Role.ADMIN, operators="also"),
        Place("queues", words.say("Jobs and queues"), "core", Role.ADMIN, covers=("jobs",), operators="also"),
        Place("schedules", words.say("Schedules"), "core", operators="only"),
        Place("backups", words.say("Backups and drills"), "core", operators="only"),
        Place("health", words.say("System health"), "core", operators="only"),
    ]
