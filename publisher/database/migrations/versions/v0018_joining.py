"""Requests to join, and the records of consent."""

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Change nothing yet."""
