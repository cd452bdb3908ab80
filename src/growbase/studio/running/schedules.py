"""What is done again and again: when next, how it went last, now by hand, and not for a while."""

from functools import partial
from typing import Any, Final

from growbase.api.call import Answer
from growbase.core.errors import Conflict, Invalid
from growbase.core.reads import Reads
from growbase.core.tables import JobSchedule
from growbase.jobs.actions import pause_schedule, resume_schedule, run_schedule
from growbase.jobs.figures import live_jobs
from growbase.jobs.schedule import KIND
from growbase.studio.acts import flash_error
from growbase.studio.render import page
from growbase.studio.running import operating
from growbase.studio.running.operating import plain
from growbase.studio.visit import Visit
from growbase.studio.words import Words

ACTS: Final = {"pause": pause_schedule, "resume": resume_schedule, "run": run_schedule}
COLUMNS: Final = (
    *("name", "rule", "next_run_at", "paused_at", "last_run_at", "last_status", "last_error", "last_rows"),
)


async def show(visit: Visit) -> Answer:
    """Show the schedules."""
    visit.require_operator()
    rows = await operating.read(visit, _schedules)
    for row in rows:
        row["how_often"] = rule_of(visit.words, row["rule"])
    return page(visit, "running/schedules.html", rows=rows)


def _schedules(reads: Reads) -> list[dict[str, Any]]:
    live = {str(job.payload.get("name")): job.status.value for job in live_jobs(reads, KIND)}
    found = reads.rows(JobSchedule, order="name")
    return [{**plain(row, *COLUMNS), "now": live.get(row.name)} for row in found]


def rule_of(words: Words, rule: str) -> str:
    """Return a schedule's rule as a sentence."""
    kind, _, rest = rule.partition(" ")
    if kind == "every":
        return words.say("every {span}", span=words.span(float(rest.rstrip("s"))))
    if kind == "daily":
        at, _, zone = rest.partition(" ")
        return words.say("daily at {time} ({zone})", time=at, zone=zone)
    day, at, zone = [*rest.split(" ", 2), "", ""][:3]
    return words.say("weekly, {day} at {time} ({zone})", day=words.label(day), time=at, zone=zone)


async def change(visit: Visit) -> Answer:
    """Run a schedule now, pause it or let it go on."""
    visit.require_operator()
    action, name = visit.sent("action"), visit.sent("name")
    if action not in ACTS:
        raise Invalid.at("action", "choice", "must be one of {expected}", expected=", ".join(ACTS))
    try:
        await operating.write(visit, partial(ACTS[action], name=name))
    except Conflict as error:
        flash_error(visit, error)
        return visit.go("/studio/schedules")
    said = {
        "run": visit.words.say("It runs as soon as a worker looks."),
        "pause": visit.words.say("It does not run by itself any more."),
        "resume": visit.words.say("It runs by itself again."),
    }
    visit.flash(said[action])
    return visit.go("/studio/schedules")


PAGES: Final[list[tuple[str, str, Any]]] = [("schedules", "GET", show), ("schedules", "POST", change)]
