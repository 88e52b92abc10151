"""Who made the text of an article: a machine, for example, with its tool and an editor."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Add the columns; documents that say it are read again with the parsers' new version."""
    for name in ("provenance", "translated_with", "editor"):
        op.add_column("article", sa.Column(name, sa.Text(), nullable=True))
