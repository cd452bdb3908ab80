"""Calling a platform with an account's tokens, which are renewed when they have ended or are refused, once for all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import httpx

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.domains.social.actions_renewals import begin_renewal, drop_renewal, finish_renewal, refuse_renewal
from growbase.domains.social.connecting import Renewable
from growbase.domains.social.models_publishing import SocialAccount
from growbase.domains.social.publisher import (
    Account,
    AccountRefused,
    PublishDeferred,
    Publisher,
    PublishRejected,
    publisher_of,
)

T = TypeVar("T")
MARGIN: Final = timedelta(minutes=2)
"""A token that ends within this time is not used for a call any more."""


def open_account(
    database: Database, actor: Actor, account_id: UUID, client: httpx.Client
) -> tuple[Account, Publisher | None]:
    """Return an account with its tokens, and what publishes to it."""
    with database.read(actor) as reads:
        found = reads.get(SocialAccount, account_id)
        token, refresh_token = reads.secret(found, "access_token") or "", reads.secret(found, "refresh_token")
    about = (found.provider_account_id, found.handle, found.instance_url)
    account = Account(*about, token, refresh_token, found.token_expires_at)
    return account, publisher_of(found.platform, found.token_type, client)


def is_renewable(account: Account, publisher: Publisher | None) -> bool:
    """Return whether there is a way to other tokens than these."""
    return account.refresh_token is not None and isinstance(publisher, Renewable)


def current(database: Database, actor: Actor, account_id: UUID, client: httpx.Client) -> tuple[Account, Publisher]:
    """Return an account as ``open_account`` does, its tokens renewed where they have ended; see ``renewed``."""
    account, publisher = open_account(database, actor, account_id, client)
    if publisher is None:
        raise NoPublisher
    ends = account.expires_at
    if ends is not None and ends < clock.now() + MARGIN and is_renewable(account, publisher):
        account = renewed(database, actor, account_id, client, stale=account.token)
    return account, publisher


def calling(
    database: Database, actor: Actor, account_id: UUID, client: httpx.Client, call: Callable[[Publisher, Account], T]
) -> T:
    """Call a platform; where it refuses the token, which means that it did nothing, renew that and call once more.

    Raises what the call raises, and what ``current`` and ``renewed`` raise.
    """
    account, publisher = current(database, actor, account_id, client)
    try:
        return call(publisher, account)
    except AccountRefused:
        if not is_renewable(account, publisher):
            raise
    return call(publisher, renewed(database, actor, account_id, client, stale=account.token))


def renewed(database: Database, actor: Actor, account_id: UUID, client: httpx.Client, *, stale: str) -> Account:
    """Return an account whose access token is not ``stale`` any more, whoever has renewed it.

    Raises AccountRefused, noted on the account, where the platform gives no more tokens; PublishDeferred where it
    does not answer, or where another worker is renewing.
    """
    begun = database.write(actor, partial(begin_renewal, id=account_id, stale=stale))
    account, publisher = open_account(database, actor, account_id, client)
    if begun is None:
        if account.token == stale:
            raise AccountRefused(reason="there is no way to renew its token")
        return account
    assert isinstance(publisher, Renewable)
    try:
        tokens = publisher.renew(replace(account, refresh_token=begun.refresh_token), begun.app)
    except (AccountRefused, PublishRejected) as error:
        about = {"code": error.code, "message": str(error)}
        database.write(actor, partial(refuse_renewal, renewal=begun, **about))
        if isinstance(error, AccountRefused):
            raise
        raise AccountRefused(reason=error.params.get("reason")) from error
    except GrowbaseError as error:
        database.write(actor, partial(drop_renewal, renewal=begun))
        if isinstance(error, PublishDeferred):
            raise
        raise PublishDeferred(reason=error.params.get("reason") or str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        database.write(actor, partial(drop_renewal, renewal=begun))
        raise PublishDeferred(reason="the answer has no tokens") from error
    database.write(actor, partial(finish_renewal, renewal=begun, tokens=tokens))
    return open_account(database, actor, account_id, client)[0]


class NoPublisher(PublishRejected):
    """No publisher is installed for this platform.

    Install a package that has one, or publish by signed requests.
    """

    code = "no_publisher"
