"""Digests at a subscriber's cadence and hour."""

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Change nothing yet."""
