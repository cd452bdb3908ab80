"""${message}"""

import sqlalchemy as sa
from alembic import op

from growbase.core import types

revision = "${up_revision}"
down_revision = ${'"%s"' % down_revision if down_revision else "None"}


def upgrade() -> None:
${upgrades}


def downgrade() -> None:
${downgrades}
