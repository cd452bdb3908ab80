"""The pages by which an organization is administered and the installation is run."""

from typing import Any, Final

from growbase.studio.running import (
    account,
    audit,
    backups,
    configuration,
    first_run,
    health,
    keys,
    plan,
    queues,
    schedules,
    team,
    webhooks,
)

PAGES: Final[list[tuple[str, str, Any]]] = [
    *account.PAGES,
    *audit.PAGES,
    *backups.PAGES,
    *configuration.PAGES,
    *first_run.PAGES,
    *health.PAGES,
    *keys.PAGES,
    *plan.PAGES,
    *queues.PAGES,
    *schedules.PAGES,
    *team.PAGES,
    *webhooks.PAGES,
]
