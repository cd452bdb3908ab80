"""Who runs the installation: whoever may see and do what concerns all its organizations, such as queues and backups.

An operator is a user whose verified address the setting ``operators`` names, or the owner of an organization that is
the only one here: nothing is then anybody else's.
"""

from collections.abc import Collection

from growbase.core.actor import ActorKind, Role
from growbase.core.errors import Forbidden
from growbase.core.folding import fold_email
from growbase.core.reads import Reads
from growbase.domains.identity.models import Organization, User
from growbase.domains.identity.roles import acting_role, everywhere

REFUSED = "This concerns all organizations of this instance: it is for its operators."


def is_operator(reads: Reads, addresses: Collection[str]) -> bool:
    """Return whether the actor runs the installation; ``addresses`` is the setting. A key or the program never does."""
    actor = reads.actor
    if actor.kind is not ActorKind.USER or actor.id is None:
        return False
    if addresses:
        user = reads.find(User, actor.id)
        # An address that nobody has proved could be anybody's.
        is_proved = user is not None and user.email_verified_at is not None
        if user is not None and is_proved and user.email_norm in {fold_email(one) for one in addresses}:
            return True
    return acting_role(reads) is Role.OWNER and is_alone(reads)


def is_alone(reads: Reads) -> bool:
    """Return whether there is no more than one organization here."""
    return len(everywhere(reads).rows(Organization, anywhere=True, limit=2)) <= 1


def require_operator(reads: Reads, addresses: Collection[str]) -> None:
    """Raise Forbidden unless the actor runs the installation."""
    if not is_operator(reads, addresses):
        raise Forbidden(REFUSED)
