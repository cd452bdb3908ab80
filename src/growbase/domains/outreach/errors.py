"""What only outreach refuses.

Conflict
├── Suppressed      the person must not be written to
└── ClaimLost       somebody else has taken, or ended, the sending of a message
"""

from growbase.core.errors import Conflict


class Suppressed(Conflict):
    """The person has opted out, or the address is suppressed.

    Only the person, or an administrator with a reason, can lift that.
    """

    code = "suppressed"


class ClaimLost(Conflict):
    """The message is no longer held under this claim.

    Claim it again; if it was already sent, there is nothing left to do.
    """

    code = "claim_lost"
