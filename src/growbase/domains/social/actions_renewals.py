"""The units of renewing tokens, which one worker at a time does for an account: a refresh token is good once."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from growbase.core import clock
from growbase.core.facts import delete_facts
from growbase.core.transaction import Transaction
from growbase.domains.social.actions_accounts import AUTH, note_account_error, queue_again, revoke_tokens
from growbase.domains.social.actions_connecting import app_of
from growbase.domains.social.connecting import App, Tokens
from growbase.domains.social.models_connecting import TokenRenewal
from growbase.domains.social.models_publishing import AccountStatus, SocialAccount
from growbase.domains.social.publisher import PublishDeferred

LEASE: Final = timedelta(minutes=2)
"""How long one worker may take to renew; after that it is dead or has given up."""
SOON: Final = 5.0
"""Seconds after which it is worth asking whether another worker has renewed."""
IN_USE: Final = (AccountStatus.ACTIVE, AccountStatus.REFRESH_NEEDED)


class RenewalUnderWay(PublishDeferred):
    """Another worker renews the tokens of the account.

    They are there in some seconds; nothing was sent.
    """

    code = "renewal_under_way"


@dataclass(frozen=True, slots=True)
class Renewal:
    """The right to renew the tokens of an account, and what is needed for it."""

    id: UUID
    account_id: UUID
    app: App | None
    refresh_token: str = field(repr=False)


def begin_renewal(tx: Transaction, *, id: UUID, stale: str) -> Renewal | None:
    """Take the right to renew an account's tokens; None if ``stale`` is not its access token any more.

    None too where there is nothing to renew with. Raises RenewalUnderWay while another worker has the right.
    """
    account = tx.get(SocialAccount, id, lock=True)
    refresh_token = tx.secret(account, "refresh_token")
    if account.status not in IN_USE or refresh_token is None or tx.secret(account, "access_token") != stale:
        return None
    held = tx.find(TokenRenewal, social_account_id=id)
    if held is not None and held.lease_until > tx.now:
        raise RenewalUnderWay(reason="renewal under way", retry_after=SOON)
    delete_facts(tx, TokenRenewal, {"social_account_id": id})
    right = Renewal(clock.new_id(), id, app_of(tx, account.app_id), refresh_token)
    row = {"organization_id": tx.actor.organization_id, "id": right.id, "social_account_id": id}
    tx.insert_facts(TokenRenewal, [{**row, "lease_until": tx.now + LEASE}])
    return right


def finish_renewal(tx: Transaction, *, renewal: Renewal, tokens: Tokens) -> None:
    """Keep renewed tokens; those of an account that was disconnected meanwhile are revoked, those that came late go."""
    account = tx.find(SocialAccount, renewal.account_id, lock=True)
    if not delete_facts(tx, TokenRenewal, {"id": renewal.id}) or account is None:
        return
    if account.status in IN_USE and tx.secret(account, "refresh_token") != renewal.refresh_token:
        # Connected again meanwhile, by its owner.
        return
    if account.status not in IN_USE:
        revoke_tokens(tx, account, access_token=tokens.access_token, refresh_token=tokens.refresh_token)
        return
    given = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token, "scope": tokens.scope}
    known = {name: value for name, value in given.items() if value}
    state = {"status": AccountStatus.ACTIVE, "last_error": None}
    tx.change(account, {**known, **state, "token_expires_at": tokens.expires_at})
    queue_again(tx, account.id)


def drop_renewal(tx: Transaction, *, renewal: Renewal) -> None:
    """Give the right to renew back: the platform was not reached, and the tokens are what they were."""
    delete_facts(tx, TokenRenewal, {"id": renewal.id})


def refuse_renewal(tx: Transaction, *, renewal: Renewal, code: str, message: str) -> None:
    """Note that the platform gives no more tokens: the account must be connected again."""
    # Locked before its renewal, as everywhere.
    tx.find(SocialAccount, renewal.account_id, lock=True)
    if delete_facts(tx, TokenRenewal, {"id": renewal.id}):
        note_account_error(tx, id=renewal.account_id, kind=AUTH, code=code, message=message)
