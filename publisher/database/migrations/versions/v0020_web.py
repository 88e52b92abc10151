"""Rate limits of web requests."""

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Change nothing yet."""
