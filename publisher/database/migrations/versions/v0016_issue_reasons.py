"""The key of an issue's reason stands beside its text.

Old texts are the sentences of the versions before. A text that is none of them is a person's, or an
error's of the time: the state of the issue says which key it gets.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

# State, pattern of the text, key. The first that fits counts.
_KEYS = (
    ("skipped", "one of the newsletter's skip_dates", "skip-date"),
    ("skipped", "% late, and late = skip", "late"),
    ("skipped", "% late, more than max_lateness (%", "late"),
    ("skipped", "merged into %", "merged"),
    ("skipped", "too many missed before %", "too-many-missed"),
    ("skipped", "no new articles%", "no-articles"),
    ("skipped", "all its articles were withdrawn before it was made", "all-withdrawn"),
    ("skipped", "no longer in publication.toml", "edition-removed"),
    ("cancelled", "no longer in publication.toml", "edition-removed"),
    ("cancelled", "%", "cancelled"),
    ("paused", "%takes nothing from us: %", "refused"),
    ("paused", "%the server refuses everything: %", "refused"),
    ("paused", "%", "paused"),
    ("sending", "waiting: % a second%", "rate-limit"),
    ("sending", "waiting: % an hour%", "rate-limit"),
    ("sending", "waiting: % a day%", "rate-limit"),
    ("sending", "waiting: %", "unreachable"),
    ("assembling", "%", "not-made"),
)


def upgrade() -> None:
    """Add the column, and fill it."""
    op.add_column("issue", sa.Column("reason_key", sa.Text(), nullable=True))
    fill = sa.text(
        "UPDATE issue SET reason_key = :key"
        " WHERE state = :state AND reason LIKE :text AND reason_key IS NULL"
    )
    for state, text, key in _KEYS:
        op.get_bind().execute(fill, {"state": state, "text": text, "key": key})
