"""What tasks reach beyond the database; ``wiring`` makes it from the settings, tests from stand-ins."""

from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr

from growbase.core.files import FileStore
from growbase.core.generation import Generator
from growbase.core.mail import Mailer
from growbase.core.region import Regions


@dataclass(frozen=True, slots=True)
class Outside:
    """The world as a task sees it. No part of it is touched inside a unit of work."""

    base_url: str
    mailer: Mailer
    mail_from: str
    generator: Generator
    files: FileStore
    allow_private: bool = False
    secret: bytes = field(default=b"", repr=False)
    regions: Regions | None = None

    @property
    def sender(self) -> Address:
        """Who mails come from that no one else sends."""
        name, address = parseaddr(self.mail_from)
        return Address(name, addr_spec=address)
