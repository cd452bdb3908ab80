"""The dashboard of social media: what came of posts by day, platform, account and post, and who follows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer
from growbase.core.errors import InvalidQuery
from growbase.core.reads import Reads, Where
from growbase.domains.social.models_metrics import GAUGES, AccountMetricDaily
from growbase.domains.social.models_publishing import ScheduledPost, SocialAccount
from growbase.domains.social.queries import social_metrics
from growbase.studio.figures import Figure, Series, by_day, change_of, listed
from growbase.studio.periods import Period, addressed, kept, period_of
from growbase.studio.render import page
from growbase.studio.rows import names_by_id
from growbase.studio.visit import Visit

SHOWN: Final = ("impressions", "likes", "comments", "shares", "clicks")
BEST: Final = 10
LINES: Final = 6
"""Accounts in the chart of followers: those with the most."""
MOST_DAYS: Final = 5_000
Row = dict[str, Any]
Sums = dict[str, dict[str, int]]


@dataclass(slots=True)
class Found:
    """What the API's own functions answer, and the names it needs."""

    growth: list[Row]
    before: list[Row]
    followers: list[AccountMetricDaily]
    accounts: dict[str, SocialAccount]
    pieces: dict[str, str]
    refusal: InvalidQuery | None = None


async def show(visit: Visit) -> Answer:
    """Show what came of posts."""
    visit.require(visit.api.catalog.by_name["scheduled-posts"].read)
    period = await period_of(visit)
    words = visit.words
    asked = visit.query.get("metric", "")
    found = await visit.read(lambda reads: _read(reads, period, asked))
    now, past = added(found.growth), added(found.before)
    known = [name for name in GAUGES if name in now.get("", {})]
    metric = asked if asked in known else next(iter(known), GAUGES[0])
    platforms = sorted({row["platform"] for row in found.growth})
    chart = by_day(
        [row for row in found.growth if row[metric] is not None],
        period,
        names={name: words.label(name) for name in platforms},
        at="day",
        of="platform",
        value=metric,
    )
    return page(
        visit,
        "social_dashboard.html",
        400 if period.refusal else 200,
        period=period,
        address=lambda **changes: addressed(visit, **changes),
        kept=kept(visit),
        refusal=found.refusal,
        metric=metric,
        known=known,
        figures=_tiles(visit, now.get("", {}), past.get("", {}), known),
        chart=chart,
        shown=[name for name in SHOWN if name in known],
        best=_best(visit, found, metric),
        platforms=_table(visit, added(found.growth, "platform"), {name: words.label(name) for name in platforms}),
        accounts=_accounts(visit, found),
        followers=_follower_series(visit, found, period),
    )


def _read(reads: Reads, period: Period, metric: str) -> Found:
    days = [Where("day", ">=", period.first), Where("day", "<=", period.last)]
    followers = reads.rows(AccountMetricDaily, *days, order="day, social_account_id", limit=MOST_DAYS)
    found = Found([], [], followers, {}, {})
    try:
        group_by = ("day", "platform", "account", "post")
        found.growth = social_metrics(reads, start=period.start, end=period.end, group_by=group_by)["growth"]
        before = period.before
        found.before = social_metrics(reads, start=before.start, end=before.end, group_by=())["growth"]
    except InvalidQuery as error:
        found.refusal = error
    accounts = {row["social_account_id"] for row in found.growth} | {str(row.social_account_id) for row in followers}
    rows = reads.rows(SocialAccount, id=[UUID(id) for id in sorted(accounts)], trash=True) if accounts else []
    found.accounts = {str(row.id): row for row in rows}
    best = [UUID(id) for id, _ in best_posts(found.growth, metric if metric in GAUGES else GAUGES[0])]
    posts = reads.rows(ScheduledPost, id=best) if best else []
    titles = names_by_id(reads, "content_pieces", sorted({str(row.content_piece_id) for row in posts}))
    found.pieces = {str(row.id): titles.get(str(row.content_piece_id), "") for row in posts}
    return found


def added(rows: Iterable[Row], column: str = "") -> Sums:
    """Return what posts grew by, added up by a column or in all; figures no platform reports are left out."""
    found: Sums = {}
    for row in rows:
        cell = found.setdefault(str(row[column]) if column else "", {})
        for name in GAUGES:
            if row[name] is not None:
                cell[name] = cell.get(name, 0) + row[name]
    return found


def best_posts(rows: Iterable[Row], metric: str) -> list[tuple[str, dict[str, int]]]:
    """Return the posts that grew most by a figure."""
    found = [pair for pair in added(rows, "scheduled_post_id").items() if pair[1].get(metric)]
    return sorted(found, key=lambda pair: -pair[1][metric])[:BEST]


def _tiles(visit: Visit, now: dict[str, int], past: dict[str, int], known: list[str]) -> list[Figure]:
    words = visit.words
    return [
        Figure(words.label(name), words.number(now[name]), change_of(now[name], past.get(name)),
               addressed(visit, metric=name))
        for name in known
    ]  # fmt: skip


def _cells(visit: Visit, cell: dict[str, int]) -> list[str | None]:
    return [None if name not in cell else visit.words.number(cell[name]) for name in SHOWN]


def _table(visit: Visit, sums: Sums, names: dict[str, str]) -> list[Row]:
    ordered = sorted(sums, key=lambda id: -sums[id].get(SHOWN[0], 0))
    return [
        {
            "name": names.get(id, id[-6:]),
            "href": listed("scheduled-posts", ("content_piece.platform", id), ("status", "published")),
            "cells": _cells(visit, sums[id]),
        }
        for id in ordered
    ]


def _best(visit: Visit, found: Found, metric: str) -> list[Row]:
    return [
        {
            "name": found.pieces.get(id) or visit.words.say("Post {id}", id=id[-6:]),
            "href": f"/studio/scheduled-posts/{id}",
            "value": cell[metric],
            "cells": _cells(visit, cell),
        }
        for id, cell in best_posts(found.growth, metric)
    ]


def _accounts(visit: Visit, found: Found) -> list[Row]:
    """Return each account with its followers, how many more those are than at the beginning, and what it brought."""
    words = visit.words
    sums = added(found.growth, "social_account_id")
    followers: dict[str, list[int]] = {}
    for row in found.followers:
        if row.followers is not None:
            followers.setdefault(str(row.social_account_id), []).append(row.followers)
    ids = sorted({*sums, *followers}, key=lambda id: -(followers.get(id, [0])[-1]))
    return [
        {
            "name": _called(visit, found, id),
            "href": f"/studio/social-accounts/{id}",
            "cells": [
                words.number(followers[id][-1]) if id in followers else None,
                _signed(visit, followers[id][-1] - followers[id][0]) if id in followers else None,
                *_cells(visit, sums.get(id, {})),
            ],
        }
        for id in ids
    ]


def _signed(visit: Visit, number: int) -> str:
    return f"{'+' if number > 0 else ''}{visit.words.number(number)}"


def _called(visit: Visit, found: Found, id: str) -> str:
    """Return an account's name with its platform: people call their accounts alike everywhere."""
    row = found.accounts.get(id)
    return f"{row.display_name or row.handle} · {visit.words.label(row.platform)}" if row else id[-6:]


def _follower_series(visit: Visit, found: Found, period: Period) -> Series:
    days: dict[str, dict[str, int | None]] = {}
    for row in found.followers:
        days.setdefault(str(row.social_account_id), {})[row.day.isoformat()] = row.followers
    largest = sorted(days, key=lambda id: -max((value or 0 for value in days[id].values()), default=0))[:LINES]
    return [{"name": _called(visit, found, id), "values": [days[id].get(day) for day in period.days]} for id in largest]
