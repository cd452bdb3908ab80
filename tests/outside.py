"""The world as tasks see it in tests: no mail leaves, rules answer for models, addresses may be this machine's."""

from pathlib import Path
from typing import Any, cast

from growbase.core.generation import Offline
from growbase.core.mail import FolderMailer
from growbase.core.outside import Outside

OUTSIDE = Outside(
    base_url="http://localhost",
    mailer=FolderMailer(Path("unused")),
    mail_from="Growbase <growbase@localhost>",
    generator=Offline(),
    files=cast("Any", None),
    allow_private=True,
)
