"""A file that says when the last cycle was completed, for whoever watches the service."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from publisher.files import write_file


def write_heartbeat(heartbeat: Path, now: datetime) -> None:
    """Leave word that a cycle was completed."""
    write_file(heartbeat, f"{now.isoformat()}\n".encode("ascii"))


def read_heartbeat(heartbeat: Path) -> datetime | None:
    """Say when the last cycle was completed; None if never, or if the file is damaged."""
    try:
        return datetime.fromisoformat(heartbeat.read_text("ascii").strip())
    except (OSError, ValueError):
        return None
