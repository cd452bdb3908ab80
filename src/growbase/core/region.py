"""The regions of an installation: where each one is, and calls between their servers, signed by the secret they share.

Directory entries and signatures are made under keys derived from that secret, so that whoever holds a copy of the
directory alone can neither try addresses against it nor speak for a region.
"""

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self
from uuid import UUID

import httpx

from growbase.core.config import Settings
from growbase.core.crypto import Keyring, derive_key, keyed_hash
from growbase.core.errors import ConfigError, Forbidden, GrowbaseError, NotFound, Unavailable
from growbase.core.folding import fold_email

HEADER: Final = "growbase-region"
SECONDS: Final = 30.0
SKEW: Final = 300
"""Seconds by which two servers' clocks may differ; a call that is repeated within them changes nothing."""


class RegionRefused(GrowbaseError):
    """The region {region} has refused: {reason}.

    Nothing was changed there. Correct what it names and repeat the command.
    """

    code = "region_refused"


@dataclass(frozen=True, slots=True)
class Regions:
    """The region of this server, the others' addresses, and the secret all of them share."""

    here: str
    urls: Mapping[str, str]
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return the regions of the settings, None where there is one region only or no secret to speak with."""
        if not settings.region_urls or settings.region_secret is None:
            return None
        return cls(settings.region, settings.region_urls, settings.region_secret.get_secret_value().encode())

    @classmethod
    def required(cls, settings: Settings) -> Self:
        """Return the regions of the settings. Raises ConfigError."""
        found = cls.of(settings)
        if found is None:
            raise ConfigError("There are no regions: set GROWBASE_REGIONS, GROWBASE_REGION and GROWBASE_REGION_SECRET.")
        return found

    @property
    def others(self) -> list[str]:
        """The names of the other regions."""
        return [name for name in self.urls if name != self.here]

    @property
    def keyring(self) -> Keyring:
        """The key under which rows travel between regions."""
        return Keyring((("region", derive_key(self.secret, "region-transit")),))

    def address_hash(self, email: str) -> str:
        """Return what the directory holds of an address, however it is written."""
        return self._hash(f"address/{fold_email(email)}")

    def organization_hash(self, organization_id: UUID) -> str:
        """Return what the directory holds of an organization."""
        return self._hash(f"organization/{organization_id}")

    def key_hash(self, prefix: str) -> str:
        """Return what the directory holds of an API key that has moved with its organization."""
        return self._hash(f"key/{prefix}")

    def _hash(self, text: str) -> str:
        return keyed_hash(derive_key(self.secret, "region-directory"), text)

    # -- calls ----------------------------------------------------------------------------------------------------

    def signature(self, sender: str, to: str, path: str, body: bytes, at: int) -> str:
        """Return the header of a call: who calls, when, and the HMAC-SHA256 of all of it."""
        text = f"{at}.{sender}.{to}.{path}.".encode() + body
        return f"{sender};{at};{hmac.digest(derive_key(self.secret, 'region-call'), text, 'sha256').hex()}"

    def require_call(self, header: str, path: str, body: bytes) -> str:
        """Return the region a call comes from. Raises Forbidden."""
        sender, _, rest = header.partition(";")
        at = rest.partition(";")[0]
        if sender not in self.others or not at.isdecimal() or abs(time.time() - int(at)) > SKEW:
            raise Forbidden("Only servers of the other regions may call this.")
        if not hmac.compare_digest(header.encode(), self.signature(sender, self.here, path, body, int(at)).encode()):
            raise Forbidden("Only servers of the other regions may call this.")
        return sender

    def ask(self, region: str, path: str, body: object = None) -> dict[str, Any]:
        """Call another region's server and return its answer. Raises Unavailable, RegionRefused.

        It blocks, and never runs inside a unit of work.
        """
        if region not in self.others:
            raise NotFound(what="region")
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {HEADER: self.signature(self.here, region, path, content, int(time.time()))}
        headers["content-type"] = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        try:
            # The addresses are the operator's own, so they may well be private ones.
            answer = httpx.post(
                self.urls[region] + path, content=content, headers=headers, timeout=SECONDS, trust_env=False
            )
        except httpx.HTTPError as error:
            raise Unavailable(
                reason=f"the region {region} does not answer: {str(error) or type(error).__name__}"
            ) from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unavailable(reason=f"the region {region} answers {answer.status_code}")
        try:
            found: dict[str, Any] = answer.json()
        except ValueError:
            found = {}
        if answer.is_error:
            raise RegionRefused(region=region, reason=str(found.get("detail") or answer.status_code))
        return found
