"""A file with the time when the service last worked, for monitoring.

It is written after each cycle, and while a process works that does not lead and so runs no cycle.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from publisher.files import write_file


def write_heartbeat(heartbeat: Path, now: datetime) -> None:
    """Record that the service works."""
    write_file(heartbeat, f"{now.isoformat()}\n".encode("ascii"))


def read_heartbeat(heartbeat: Path) -> datetime | None:
    """Return when the service last worked; None if never, or if the file is damaged."""
    try:
        return datetime.fromisoformat(heartbeat.read_text("ascii").strip())
    except (OSError, ValueError):
        return None
