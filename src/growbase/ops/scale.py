"""A large realistic data set in an organization of its own, for benches and demonstrations: the same every time."""

import gc
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Final
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.crypto import hash_token
from growbase.core.database import Database
from growbase.core.facts import gather_statistics, hold
from growbase.core.model import Root
from growbase.core.tables import Change, SearchDocument
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_stores import create_store, next_number
from growbase.domains.commerce.models_flags import OrderFlag
from growbase.domains.commerce.models_insights import ProductVelocity
from growbase.domains.commerce.models_tickets import Ticket, TicketMessage
from growbase.domains.identity.models import Membership, Organization
from growbase.domains.marketing.actions_analytics import ingest_events
from growbase.domains.marketing.models import Brand, Campaign, Content
from growbase.domains.marketing.models_analytics import AnalyticsEvent
from growbase.domains.marketing.models_generated import GeneratedContent
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import Message
from growbase.domains.social.actions_pieces import body_hash
from growbase.domains.social.models import ContentPiece
from growbase.domains.social.models_metrics import PostMetricSnapshot
from growbase.domains.social.models_publishing import ScheduledPost, SocialAccount

SEED: Final = 20_260_101
CHUNK: Final = 4_000
"""Rows in one unit, so that a server's own writes wait for none for long."""
TOGETHER: Final = 12
"""Units of scale whose rows are written together."""
WRITERS: Final = {"sqlite": 1, "postgresql": 2}
"""Threads that write: a SQLite file has one writer, and a server is busy while another's rows are made ready."""
CAMPAIGNS, CONTENTS, CANDIDATES, EVENTS = 2, 12, 24, 420
PROSPECTS, MESSAGES, PIECES, SNAPSHOTS = 70, 110, 30, 8
TICKETS, REPLIES, FLAGS, ARTICLES = 30, 3, 20, 40
DAYS: Final = 180
KINDS, KIND_WEIGHTS = ("impression", "view", "click", "conversion"), (70, 15, 12, 3)
VISITORS: Final = 50_000
INTEREST: Final = 24
"""Mean hours between a content and what happens to it."""

Row = Mapping[str, Any]
Table = tuple[type[Root], list[Row]]
Tables = dict[type[Root], list[Row]]
Target = tuple[str, str, datetime]
"""Campaign and id of a content, and when it came out."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Scaled:
    """What was made, and how long it took."""

    rows: int
    seconds: float


@dataclass
class _Words:
    """Names and sentences to choose from; making them is slow, choosing is not."""

    chance: random.Random
    now: datetime
    faker: Any = field(init=False)

    def __post_init__(self) -> None:
        from faker import Faker

        # Choosing by how common a name is takes most of the time that making it does.
        self.faker = Faker(use_weighting=False)
        self.faker.seed_instance(SEED)

    @cached_property
    def first_names(self) -> list[str]:
        """First names."""
        return [self.faker.first_name() for _ in range(150)]

    @cached_property
    def last_names(self) -> list[str]:
        """Last names."""
        return [self.faker.last_name() for _ in range(250)]

    def person(self) -> tuple[str, str]:
        """Return a first and a last name."""
        return self.chance.choice(self.first_names), self.chance.choice(self.last_names)

    @cached_property
    def companies(self) -> list[str]:
        """Names of companies."""
        return [self.faker.company() for _ in range(400)]

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences of marketing prose."""
        return [self.faker.sentence(nb_words=14) for _ in range(600)]

    @cached_property
    def titles(self) -> list[str]:
        """Short titles."""
        return [self.faker.catch_phrase() for _ in range(400)]

    def text(self, count: int) -> str:
        """Return some sentences."""
        return " ".join(self.chance.choices(self.sentences, k=count))

    def past(self) -> datetime:
        """Return a moment of the last half year."""
        return self.now - timedelta(minutes=self.chance.randrange(60, DAYS * 1_440))


def seed_scale(database: Database, home: UUID, scale: int, progress: Progress = lambda *_: None) -> Scaled:
    """Make a data set of about 1,200 rows times ``scale`` beside the organization ``home``, whose members may see it.

    Twice changes nothing: a set of this scale that is begun is not touched again.
    """
    started = time.perf_counter()
    found = database.write(system("scale", home), partial(_organization, scale=scale))
    if found is None:
        return Scaled(0, time.perf_counter() - started)
    words, done = _Words(random.Random(SEED), clock.now()), 0  # noqa: S311 -- the same numbers every time
    actor = system("scale", found)
    ground = database.write(actor, _ground)
    database.write(actor, lambda tx: next_number(tx, ground.store_id, "tickets", count=scale * TICKETS))
    writers = WRITERS[database.engine]
    written: deque[Future[int]] = deque()
    filled: set[type[Root]] = {Change, SearchDocument, AnalyticsEvent}
    # The next rows are made while the last ones are written.
    with _no_collection(), ThreadPoolExecutor(writers) as pool:
        for numbers in _parts(scale):
            tables = _gathered(words, ground, numbers)
            contents = [(str(row["campaign_id"]), str(row["id"]), words.past()) for row in tables[Content]]
            events = [event for number in numbers for event in _events(words, contents, number)]
            filled |= set(tables)
            if len(written) == writers:
                done += written.popleft().result()
                progress(numbers.start, scale)
            written.append(pool.submit(_write, database, actor, tables, events))
            if numbers.start == 0:
                # Before there is more: PostgreSQL would go on to check references as is best where a table is empty.
                done += written.popleft().result()
                list(pool.map(partial(_gather, database, actor), filled))
        done += sum(one.result() for one in written)
        list(pool.map(partial(_gather, database, actor), filled))
        progress(scale, scale)
    return Scaled(done, time.perf_counter() - started)


def _write(database: Database, actor: Actor, tables: Tables, events: Sequence[Row]) -> int:
    for packed in _packed(tables.items()):
        database.write(actor, partial(_insert, tables=packed))
    database.write(actor, partial(ingest_events, events=events, late_limit=None))
    return sum(len(rows) for rows in tables.values()) + len(events)


def _parts(scale: int) -> Iterator[range]:
    """Yield the units of scale whose rows are written together: one by itself, then many."""
    yield range(min(scale, 1))
    for first in range(1, scale, TOGETHER):
        yield range(first, min(first + TOGETHER, scale))


def _gather(database: Database, actor: Actor, model: type[Root]) -> None:
    database.write(actor, lambda tx: gather_statistics(tx, model))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector of circles off the rows, which hold none: it would go through them over and over."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _packed(tables: Iterable[Table]) -> Iterator[list[Table]]:
    """Yield the rows in the same order, as many as one unit takes at a time.

    What plans count is the last in its unit: until that is committed nobody else's rows can be counted.
    """
    packed: list[Table] = []
    free = CHUNK
    for model, rows in tables:
        start = 0
        while start < len(rows):
            part = rows[start : start + free]
            packed.append((model, part))
            start, free = start + len(part), free - len(part)
            if not free or (model is Prospect and start == len(rows)):
                yield packed
                packed, free = [], CHUNK
    yield packed


def _insert(tx: Transaction, *, tables: Iterable[Table]) -> None:
    for model, rows in tables:
        if model.__logged__:
            tx.insert_many(model, rows)
        else:
            tx.insert_facts(model, rows)


def _organization(tx: Transaction, *, scale: int) -> UUID | None:
    """Make the organization with the members of the actor's; None if it is there. It has no plan, hence no limit."""
    hold(tx, "seed")
    slug, members = f"growbase-scale-{scale}", tx.rows(Membership, order="created_at, id")
    taken = tx.find(Organization, slug_norm=slug, anywhere=True, trash=True)
    if taken is not None:
        return None
    made = tx.insert(Organization, name=f"Growbase Scale {scale}", slug=slug)
    inside = tx.for_organization(made)
    for member in members:
        inside.insert(Membership, user_id=member.user_id, role=member.role, status=member.status)
    return made


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the rows hang on."""

    organization_id: UUID
    brand_id: UUID
    store_id: UUID
    account_id: UUID


def _ground(tx: Transaction) -> _Ground:
    organization_id = tx.actor.organization_id
    assert organization_id is not None
    brand_id = tx.insert(Brand, name="Northwind Roasters", industry="Food")
    store_id = create_store(tx, domain="shop.example.com", shop_domain="northwind.myshopify.com", name="Northwind")
    account_id = tx.insert(
        SocialAccount, platform="linkedin", provider_account_id="scale", handle="northwind", status="disabled"
    )
    return _Ground(organization_id, brand_id, store_id, account_id)


def _gathered(words: _Words, ground: _Ground, numbers: range) -> Tables:
    """Return the rows of several units table by table, so that few commits write many rows."""
    gathered: Tables = {}
    for number in numbers:
        for model, rows in _unit(words, ground, number):
            gathered.setdefault(model, []).extend(rows)
    return gathered


def _unit(words: _Words, ground: _Ground, number: int) -> Iterator[Table]:
    """Yield the rows of one unit of scale, table by table, what is referred to first."""
    yield from _marketing(words, ground, number)
    yield from _outreach(words, number)
    yield from _social(words, ground, number)
    yield from _commerce(words, ground, number)


def _marketing(words: _Words, ground: _Ground, number: int) -> Iterator[Table]:
    chance = words.chance
    campaigns: list[Row] = [
        {
            "id": clock.new_id(),
            "name": f"{chance.choice(words.titles)} {number * CAMPAIGNS + place + 1}",
            "purpose": words.text(1),
            "brand_id": ground.brand_id,
            "campaign_type": chance.choice(("product", "service", "brand", "event", "general")),
            "status": chance.choice(("draft", "active", "active", "paused", "completed")),
            "budget_minor": chance.randrange(100, 5_000) * 100,
            "currency": "EUR",
        }
        for place in range(CAMPAIGNS)
    ]
    yield Campaign, campaigns
    contents: list[Row] = [
        {
            "id": clock.new_id(),
            "campaign_id": chance.choice(campaigns)["id"],
            "type": chance.choice(("email", "social_post", "blog_post", "landing_page", "newsletter")),
            "title": chance.choice(words.titles),
            "body": words.text(6),
            "channel": chance.choice(("email", "web", "linkedin")),
            "status": chance.choice(("draft", "review", "approved", "published")),
        }
        for _ in range(CONTENTS)
    ]
    yield Content, contents
    yield (
        GeneratedContent,
        [
            {
                "campaign_id": chance.choice(campaigns)["id"],
                "type": chance.choice(("idea", "social_post", "email", "hashtags")),
                "title": chance.choice(words.titles),
                "text": words.text(3),
                "prompt": (prompt := words.text(1)),
                "prompt_hash": hash_token(prompt),
                "model": "offline",
                "engagement_score": round(chance.random(), 3),
                "is_selected": chance.random() < 0.2,  # noqa: PLR2004 -- one in five
                "user_rating": chance.choice((None, None, 2, 3, 4, 5)),
            }
            for _ in range(CANDIDATES)
        ],
    )


def _events(words: _Words, contents: Sequence[Target], number: int) -> Iterator[dict[str, Any]]:
    chance = words.chance
    targets, kinds = chance.choices(contents, k=EVENTS), chance.choices(KINDS, KIND_WEIGHTS, k=EVENTS)
    sources = chance.choices(("email", "social", "search", "direct"), k=EVENTS)
    for place, ((campaign_id, content_id, out_at), kind, source) in enumerate(
        zip(targets, kinds, sources, strict=True)
    ):
        event: dict[str, Any] = {
            "event_key": f"scale-{number}-{place}",
            "campaign_id": campaign_id,
            "content_id": content_id,
            "event_type": kind,
            # Most of what happens to a content happens soon after it came out.
            "occurred_at": min(out_at + timedelta(hours=chance.expovariate(1 / INTEREST)), words.now),
            "subject_key": f"visitor-{int(chance.random() * VISITORS)}",
            "source": source,
        }
        if kind == "conversion":
            event |= {"value_minor": chance.randrange(19, 400) * 100, "currency": "EUR"}
        yield event


def _outreach(words: _Words, number: int) -> Iterator[Table]:
    chance = words.chance
    people: list[Row] = []
    for place in range(PROSPECTS):
        (first, last), company = words.person(), chance.choice(words.companies)
        serial = number * PROSPECTS + place
        people.append(
            {
                "id": clock.new_id(),
                "email": f"{first}.{last}.{serial}@example.com".lower().replace(" ", ""),
                "first_name": first,
                "last_name": last,
                "company_name": company,
                "job_title": chance.choice(("Buyer", "Head of Marketing", "Founder", "Shop manager")),
                "stage": chance.choice(("new", "new", "contacted", "meeting", "negotiation", "won", "lost")),
                "score": chance.randrange(101),
                "source": "csv_import",
            }
        )
    yield Prospect, people
    yield (
        Message,
        [
            {
                "prospect_id": chance.choice(people)["id"],
                "type": "manual",
                "subject": chance.choice(words.titles),
                "content": words.text(4),
                "status": chance.choice(("sent", "delivered", "delivered", "bounced")),
                "sent_at": words.past(),
            }
            for _ in range(MESSAGES)
        ],
    )


def _social(words: _Words, ground: _Ground, number: int) -> Iterator[Table]:
    chance = words.chance
    pieces: list[Row] = []
    posts: list[Row] = []
    for place in range(PIECES):
        piece: dict[str, Any] = {"platform": "linkedin", "body": words.text(3), "hashtags": ["coffee"], "mentions": []}
        piece |= {"id": clock.new_id(), "title": chance.choice(words.titles), "status": "published"}
        digest, at = body_hash({**piece, "thread_parts": None}, []), words.past()
        pieces.append({**piece, "body_hash": digest})
        post: dict[str, Any] = {"id": clock.new_id(), "content_piece_id": piece["id"]}
        post["social_account_id"] = ground.account_id
        post |= {"scheduled_at": at, "status": "published", "published_at": at, "payload_hash": digest}
        posts.append({**post, "idempotency_key": f"scale-{number}-{place}", "platform_post_id": f"{number}-{place}"})
    yield ContentPiece, pieces
    yield ScheduledPost, posts
    snapshots: list[Row] = []
    for shown in posts:
        seen, at = 0, shown["published_at"].replace(minute=0, second=0, microsecond=0)
        for _ in range(SNAPSHOTS):
            seen += chance.randrange(400)
            at += timedelta(hours=6)
            snapshots.append(
                {
                    "organization_id": ground.organization_id,
                    "id": clock.new_id(),
                    "scheduled_post_id": shown["id"],
                    "social_account_id": ground.account_id,
                    "content_piece_id": shown["content_piece_id"],
                    "platform": "linkedin",
                    "bucket_at": at,
                    "collected_at": at,
                    "impressions": seen,
                    "likes": seen // 20,
                    "comments": seen // 200,
                    "shares": seen // 150,
                    "clicks": seen // 40,
                }
            )
    yield PostMetricSnapshot, snapshots


def _commerce(words: _Words, ground: _Ground, number: int) -> Iterator[Table]:
    chance = words.chance
    tickets: list[Row] = []
    replies: list[Row] = []
    for place in range(TICKETS):
        (first, last), at = words.person(), words.past()
        status = chance.choice(("open", "open", "pending", "closed"))
        ticket = {
            "id": clock.new_id(),
            "store_id": ground.store_id,
            "number": number * TICKETS + place + 1,
            "subject": chance.choice(words.titles),
            "status": status,
            "customer_name": f"{first} {last}",
            "customer_email": f"{first}.{last}.{number}.{place}@example.com".lower().replace(" ", ""),
            "waiting_since": at if status == "open" else None,
            "last_message_at": at,
        }
        tickets.append(ticket)
        for turn in range(REPLIES):
            author = "customer" if turn % 2 == 0 else "staff"
            replies.append(
                {
                    "ticket_id": ticket["id"],
                    "store_id": ground.store_id,
                    "author_type": author,
                    "body_rich": words.text(2),
                    "delivery": "none" if author == "customer" else "sent",
                    "sent_at": at + timedelta(hours=turn),
                }
            )
    yield Ticket, tickets
    yield TicketMessage, replies
    orders = [f"{4_000_000 + number * FLAGS + place}" for place in range(FLAGS)]
    kinds = ("payment_risk", "late_fulfilment", "address_issue", "high_value")
    yield (
        OrderFlag,
        [
            {"store_id": ground.store_id, "shopify_order_id": order, "flag_type": chance.choice(kinds)}
            for order in orders
        ],
    )
    day = (words.now - timedelta(days=number % DAYS)).date()
    yield (
        ProductVelocity,
        [
            {
                "store_id": ground.store_id,
                "sku": f"SKU-{number // DAYS}-{place:03}",
                "recorded_for": day,
                "average_daily_sales": round(chance.random() * 20, 2),
                "current_inventory": chance.randrange(500),
            }
            for place in range(ARTICLES)
        ],
    )
