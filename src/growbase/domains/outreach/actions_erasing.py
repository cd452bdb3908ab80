"""What erasing a prospect means beside emptying the row."""

from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_imports import forget_in_imports
from growbase.domains.outreach.actions_suppressions import forget_addresses, opt_out, suppress_hash
from growbase.domains.outreach.addresses import address_hash, address_key
from growbase.domains.outreach.models import OptOutReason, Prospect, SuppressionReason


def erase_prospect(tx: Transaction, row: Root) -> None:
    """Write to a prospect who is about to be erased never again: no import brings the address back to life."""
    assert isinstance(row, Prospect)
    if row.email_norm:
        # First, or opting out would write the address itself down.
        suppress_hash(tx, address_hash(address_key(tx), row.email_norm), SuppressionReason.LEGAL)
        forget_in_imports(tx, row.email_norm)
    opt_out(tx, id=row.id, reason=OptOutReason.LEGAL)
    forget_addresses(tx, row)
