"""What commerce asks a model in the background: answers to customers, which people approve before they are sent.

Without a model the answer is a polite template with the customer's name and the order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.generation import Ask, data_section, prompt_of
from growbase.core.outside import Outside
from growbase.core.reads import Reads
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_drafts import DRAFT_REPLY, propose_draft
from growbase.domains.commerce.actions_messages import ENDED
from growbase.domains.commerce.models import Store
from growbase.domains.commerce.models_tickets import LONGEST_DRAFT, AuthorType, Ticket, TicketMessage
from growbase.jobs.asking import answered, telling_failure
from growbase.jobs.errors import Permanent, Transient
from growbase.jobs.queue import complete
from growbase.jobs.worker import Task

SHOWN_MESSAGES: Final = 20
ANSWERER: Final = (
    "You draft the answer of a shop's support team to a customer. Be polite, short and plain, in the "
    "customer's language. Promise no refund, date or discount that the data does not name; ask for what is missing."
)


class Reply(BaseModel):
    """The answer to a customer, as plain text."""

    content: Annotated[str, Field(min_length=1, max_length=LONGEST_DRAFT)]


@dataclass(frozen=True, slots=True)
class Thread:
    """A ticket with what was said, the newest last; notes and drafts of the team are left out."""

    ticket: Ticket
    store: Store | None
    messages: Sequence[TicketMessage]

    @classmethod
    def read(cls, reads: Reads, ticket: Ticket) -> "Thread":
        """Read the newest messages of a ticket."""
        rows = reads.rows(
            TicketMessage,
            order="-created_at, -id",
            limit=SHOWN_MESSAGES,
            ticket_id=ticket.id,
            is_internal_note=False,
            is_draft=False,
        )
        return cls(ticket, reads.find(Store, ticket.store_id), rows[::-1])

    @property
    def question_id(self) -> UUID | None:
        """The customer's last message."""
        asked = [row.id for row in self.messages if row.author_type is AuthorType.CUSTOMER]
        return asked[-1] if asked else None

    def sections(self) -> list[str]:
        """Return it as the sections of a prompt."""
        ticket, store = self.ticket, self.store
        about = {"subject": ticket.subject, "customer": ticket.customer_name, "order": ticket.shopify_order_id}
        said = [{"from": row.author_type.value, "text": row.body_plain or row.body_rich} for row in self.messages]
        return [
            data_section("store", {"name": store.name, "domain": store.domain} if store else {}),
            data_section("ticket", about),
            data_section("messages", {"newest_last": said}),
        ]


def draft_reply(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Propose an answer to a ticket; if the customer writes meanwhile, it is written anew."""
    ticket_id = UUID(str(job.payload["ticket_id"]))
    wish = job.payload.get("instructions")
    with telling_failure(database, actor, job, lambda _tx, _reason: None):
        with database.read(actor) as reads:
            thread = _open_thread(reads, ticket_id)
        wishes = data_section("wishes of the person who asks", {"instructions": wish}) if wish else ""
        prompt = prompt_of("Draft the answer to the customer's last message.", *thread.sections(), wishes)
        rules = partial(_reply_by_rules, thread)
        answer = answered(outside, Ask(DRAFT_REPLY, ANSWERER, prompt, Reply, rules, temperature=0.4))

        def keep(tx: Transaction) -> None:
            tx.get(Ticket, ticket_id, lock=True)
            if _open_thread(tx, ticket_id).question_id != thread.question_id:
                raise Transient("The customer has written again.")
            about: dict[str, Any] = {"ticket_message_id": thread.question_id, "job_id": job.id, **answer.provenance()}
            draft_id = propose_draft(tx, ticket_id=ticket_id, content=answer.value.content, **about)
            complete(tx, job, {"ai_draft_id": str(draft_id)})

        database.write(actor, keep)


def _open_thread(reads: Reads, ticket_id: UUID) -> Thread:
    ticket = reads.get(Ticket, ticket_id)
    if ticket.status in ENDED:
        raise Permanent("The ticket is closed: there is nothing to answer.")
    return Thread.read(reads, ticket)


def _reply_by_rules(thread: Thread) -> Reply:
    ticket, store = thread.ticket, thread.store
    name = (ticket.customer_name or "").split()
    subject = " ".join(ticket.subject.split())
    order = f" We are looking at your order {ticket.shopify_order_id}." if ticket.shopify_order_id else ""
    ask = "" if ticket.shopify_order_id else " If it is about an order, please tell us its number."
    lines = (
        f"Hello {name[0]}," if name else "Hello,",
        f'thank you for your message about "{subject}".{order} We will answer you as soon as we can.{ask}',
        f"Kind regards\n{(store.name or store.domain) if store else 'Your support team'}",
    )
    return Reply(content="\n\n".join(lines))


TASKS: Final[dict[str, Task]] = {DRAFT_REPLY: draft_reply}
