"""The tables as they are declared. Until the first release: whoever changes a table gives this migration a new number.

From then on it stays as it is, written out, and changes get migrations of their own.
"""

import secrets
from importlib import import_module

from alembic import op
from sqlalchemy import insert

from publisher.clock import SystemClock
from publisher.database.metadata import metadata
from subscribers.tables import subscribers_metadata

revision = "0104"
down_revision = None

# The modules that declare tables, each beside the code that owns them.
_DECLARING = (
    "publisher.accounts.tables",
    "publisher.articles.tables",
    "publisher.jobs.turns",
    "publisher.bounces.store",
    "publisher.bucket.contents",
    "publisher.web_files",
    "publisher.drafts.store",
    "publisher.delivery.rates.limiter",
    "publisher.delivery.tables",
    "publisher.ingest.tables",
    "publisher.issues.tables",
    "publisher.leader.store",
    "publisher.mailbox.store",
    "publisher.polling.tables",
    "publisher.request_limits",
    "publisher.database.retry_queue",
    "publisher.secrets",
    "publisher.syndication.tables",
    "publisher.translations.tables",
    "publisher.webhooks.store",
)


def upgrade() -> None:
    """Create all tables, and the one row that says which database this is."""
    for name in _DECLARING:
        import_module(name)
    connection = op.get_bind()
    # Notices refer to subscribers.
    for tables in (subscribers_metadata, metadata):
        tables.create_all(connection, checkfirst=False)
    row = {
        "id": 1,
        "incarnation": secrets.token_hex(8),
        "page": 0,
        "made_at": SystemClock().now(),
    }
    connection.execute(insert(metadata.tables["lineage"]).values(row))
