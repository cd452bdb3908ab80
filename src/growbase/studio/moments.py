"""Planned moments: what of every domain has a day to come, read for the days of a calendar."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from growbase.core.model import is_trashable
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.statements import mark, plan_of
from growbase.core.types import moment_text
from growbase.domains.outreach import models_sequences as outreach
from growbase.domains.outreach.actions_pacing import pace_of
from growbase.domains.social.models_publishing import ScheduledPost, SocialAccount
from growbase.studio.words import Words

POSTS: Final = "posts"
MOST_CAMPAIGNS: Final = 20
"""Outreach campaigns whose sending windows are shown."""

_PIECE: Final = (
    "LEFT JOIN content_pieces p ON p.organization_id = t.organization_id AND p.id = t.content_piece_id "
    "LEFT JOIN social_accounts a ON a.organization_id = t.organization_id AND a.id = t.social_account_id"
)
_PERSON: Final = "trim(coalesce(t.first_name, '') || ' ' || coalesce(t.last_name, '') || ' · ' || t.company_name, ' ·')"


@dataclass(frozen=True, slots=True)
class Source:
    """One column that holds planned moments.

    ``kind`` is what an address calls it, ``said`` what happens then; ``title``, ``state``, ``joins`` and ``only`` are
    SQL over the row ``t``. ``goes_to`` is the resource its rows are shown as.
    """

    kind: str
    resource: str
    column: str
    said: str
    title: str
    state: str = "NULL"
    joins: str = ""
    only: str = ""
    goes_to: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of a day."""

    kind: str
    said: str
    at: str
    title: str
    link: str = ""
    state: str = ""
    id: str = ""
    version: int = 0
    platform: str = ""
    account: str = ""


@dataclass(slots=True)
class Day:
    """A day on the visitor's clocks, the moments it begins and ends, and what is planned on it."""

    day: date
    start: datetime
    end: datetime
    moments: list[Moment] = field(default_factory=list)
    total: int = 0

    @property
    def more(self) -> int:
        """How many moments are not listed."""
        return self.total - len(self.moments)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a calendar is asked for: kinds, posts of some accounts, platforms and states, and how many a day."""

    kinds: frozenset[str]
    accounts: tuple[UUID, ...] = ()
    platforms: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    most: int = 4


def sources(words: Words) -> list[Source]:
    """Return every column with planned moments, in the order of the calendar's choice."""
    say, named = words.say, "t.name"
    post = "coalesce(nullif(p.title, ''), substr(p.body, 1, 120), '')"
    return [
        Source(POSTS, "scheduled-posts", "scheduled_at", say("Post"), post, "t.status", _PIECE),
        Source(
            "contents", "content-performance", "scheduled_for", say("Content goes out"), "t.title", "t.status",
            only="t.source = 'content'", goes_to="contents",
        ),
        Source("campaigns", "campaigns", "start_at", say("Campaign starts"), named, "t.status"),
        Source("campaigns", "campaigns", "end_at", say("Campaign ends"), named, "t.status"),
        Source("series", "series", "start_at", say("Series starts"), named, "t.status"),
        Source("series", "series", "end_at", say("Series ends"), named, "t.status"),
        Source("pieces", "content-pieces", "expires_at", say("Piece expires"),
               "coalesce(nullif(t.title, ''), substr(t.body, 1, 120))", "t.status"),
        Source("outreach", "outreach-campaigns", "start_at", say("Outreach starts"), named, "t.status"),
        Source("activities", "activities", "scheduled_at", say("Activity"), "t.title", "t.type",
               only="t.completed_at IS NULL"),
        Source("activities", "activities", "reminder_at", say("Reminder"), "t.title", "t.type",
               only="t.completed_at IS NULL"),
        Source("follow-ups", "prospects", "next_follow_up_at", say("Follow up"), _PERSON, "t.stage"),
        Source("deliveries", "purchase-orders", "expected_at", say("Delivery expected"), "t.vendor_name", "t.status",
               only="t.status NOT IN ('received', 'cancelled')"),
        Source("snoozed", "tickets", "snoozed_until", say("Ticket wakes up"), "t.subject", "t.status",
               only="t.status = 'snoozed'"),
        Source("snoozed", "order-flags", "snoozed_until", say("Order flag wakes up"), "t.shopify_order_id", "t.status",
               only="t.status = 'snoozed'"),
        Source("due", "seo-insights", "due_at", say("Insight is due"), "t.title", "t.status",
               only="t.completed_at IS NULL"),
    ]  # fmt: skip


def kinds_of(words: Words, may_read: Callable[[str], bool]) -> dict[str, str]:
    """Return the kinds a visitor may see, with their names."""
    names = {
        POSTS: words.say("Posts"),
        "contents": words.say("Contents"),
        "campaigns": words.say("Campaigns"),
        "series": words.say("Series"),
        "pieces": words.say("Expiring pieces"),
        "outreach": words.say("Outreach"),
        "activities": words.say("Activities"),
        "follow-ups": words.say("Follow-ups"),
        "deliveries": words.say("Deliveries"),
        "snoozed": words.say("Snoozed"),
        "due": words.say("Due insights"),
    }
    readable = {source.kind for source in sources(words) if may_read(source.resource)}
    return {kind: name for kind, name in names.items() if kind in readable}


def fill(reads: Reads, words: Words, resources: Mapping[str, Resource], days: list[Day], wanted: Wanted) -> None:
    """Put what is planned into the days, ``most`` a day at most, by one statement a source."""
    for source in sources(words):
        resource = resources.get(source.resource)
        if source.kind in wanted.kinds and resource is not None:
            _fill_from(reads, source, resource, days, wanted)
    if "outreach" in wanted.kinds and "outreach-campaigns" in resources:
        _fill_windows(reads, words, days)
    for one in days:
        one.moments.sort(key=lambda moment: (moment.at, moment.title))
        del one.moments[wanted.most :]


def _fill_from(reads: Reads, source: Source, resource: Resource, days: list[Day], wanted: Wanted) -> None:
    plan, sign = plan_of(resource.model, reads.engine), mark(reads.engine)
    bound = plan.fields[source.column].bound
    bounds = [(place, bound(one.start), bound(one.end)) for place, one in enumerate(days)]
    scope, params = reads.scope_terms(plan, anywhere=False)
    terms = [*scope, f"t.{source.column} >= {sign}", f"t.{source.column} < {sign}"]
    params += [bounds[0][1], bounds[-1][2]]
    if is_trashable(resource.model):
        terms.append("t.deleted_at IS NULL")
    if source.only:
        terms.append(source.only)
    if source.kind == POSTS:
        _choose(reads, wanted, terms, params)
    own = "t.version, a.platform, a.handle" if source.kind == POSTS else "0, NULL, NULL"
    # The rows come first, so that neither engine looks through them once a day.
    sql = (
        f"WITH d(n, lo, hi) AS (VALUES {', '.join([f'({sign}, {sign}, {sign})'] * len(days))}) "
        "SELECT * FROM (SELECT d.n, t.id, "
        f"t.{source.column} AS at, {source.title} AS title, {source.state} AS state, {own}, "
        f"row_number() OVER (PARTITION BY d.n ORDER BY t.{source.column}, t.id) AS place, "
        "count(*) OVER (PARTITION BY d.n) AS total "
        f"FROM {plan.table} t {source.joins} CROSS JOIN d "
        f"WHERE {' AND '.join(terms)} AND t.{source.column} >= d.lo AND t.{source.column} < d.hi) x "
        f"WHERE x.place <= {int(wanted.most)} ORDER BY x.n, x.place"
    )
    given: list[object] = [value for triple in bounds for value in triple]
    for n, id, at, title, state, version, platform, account, place, total in reads.execute(
        sql, [*given, *params]
    ).fetchall():
        if place == 1:
            days[n].total += total
        shown = plan.fields[source.column].shown
        read = plan.fields[source.column].read
        days[n].moments.append(
            Moment(
                source.kind,
                source.said,
                str(shown(read(at) if read else at)),
                " ".join(str(title or "").split()),
                f"/studio/{source.goes_to or source.resource}/{id}",
                str(state or ""),
                str(id),
                version or 0,
                str(platform or ""),
                str(account or ""),
            )
        )


def _choose(reads: Reads, wanted: Wanted, terms: list[str], params: list[object]) -> None:
    """Add the conditions on posts."""
    for column, values in (("t.status", wanted.states), ("a.platform", wanted.platforms)):
        if values:
            terms.append(f"{column} IN ({', '.join([mark(reads.engine)] * len(values))})")
            params += values
    if wanted.accounts:
        terms.append(f"t.social_account_id IN ({', '.join([mark(reads.engine)] * len(wanted.accounts))})")
        bound = plan_of(ScheduledPost, reads.engine).fields["social_account_id"].bound
        params += [bound(id) for id in wanted.accounts]


def _fill_windows(reads: Reads, words: Words, days: Sequence[Day]) -> None:
    """Say on which days running campaigns may send, and when their window opens."""
    running = reads.rows(
        outreach.OutreachCampaign, status=outreach.OutreachStatus.ACTIVE, order="name, id", limit=MOST_CAMPAIGNS
    )
    ids = [campaign.sequence_id for campaign in running]
    sequences = {one.id: one for one in reads.rows(outreach.Sequence, id=ids, trash=True)} if ids else {}
    for campaign in running:
        sequence = sequences.get(campaign.sequence_id)
        if sequence is None or not dict(sequence.settings).get("sending_window"):
            continue
        pace = pace_of(reads, campaign, sequence)
        begins = max(campaign.start_at or campaign.created_at, campaign.created_at)
        for one in days:
            opens = pace.opens(max(one.start, begins)) if one.end > begins else one.end
            if opens < one.end:
                one.total += 1
                one.moments.append(
                    Moment(
                        "outreach",
                        words.say("Sending from"),
                        moment_text(opens),
                        campaign.name,
                        f"/studio/outreach-campaigns/{campaign.id}",
                    )
                )


def account_names(reads: Reads) -> list[tuple[str, str, str]]:
    """Return id, platform and handle of the accounts a calendar may be filtered by."""
    rows = reads.rows(SocialAccount, order="platform, handle, id", limit=200)
    return [(str(row.id), row.platform.value, row.handle) for row in rows]


def moment_of(words: Words, at: Any, day: date) -> str:  # noqa: ANN401 -- a moment of the API
    """Return the moment on another day at which the visitor's clocks show the same time."""
    local = words.typed_moment(str(at), "microseconds")
    return words.read_moment(f"{day.isoformat()} {local.partition(' ')[2]}")
