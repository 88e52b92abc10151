"""A file with the time of the last completed cycle, for monitoring."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from publisher.files import write_file


def write_heartbeat(heartbeat: Path, now: datetime) -> None:
    """Record that a cycle was completed."""
    write_file(heartbeat, f"{now.isoformat()}\n".encode("ascii"))


def read_heartbeat(heartbeat: Path) -> datetime | None:
    """Return when the last cycle was completed; None if never, or if the file is damaged."""
    try:
        return datetime.fromisoformat(heartbeat.read_text("ascii").strip())
    except (OSError, ValueError):
        return None
