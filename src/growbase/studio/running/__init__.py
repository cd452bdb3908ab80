"""The pages by which an organization is administered and the installation is run."""

from typing import Any, Final

from growbase.studio.running import account, backups, health, keys, queues, schedules, team, webhooks

PAGES: Final[list[tuple[str, str, Any]]] = [
    *account.PAGES,
    *backups.PAGES,
    *health.PAGES,
    *keys.PAGES,
    *queues.PAGES,
    *schedules.PAGES,
    *team.PAGES,
    *webhooks.PAGES,
]
