"""Tell monitoring and systemd that the service works: a file with the time of its last work, and sd_notify(3)."""

import os
import socket
from datetime import datetime
from pathlib import Path

from publisher.files import write_file
from publisher.log import log


def write_heartbeat(heartbeat: Path, now: datetime) -> None:
    write_file(heartbeat, f"{now.isoformat()}\n".encode("ascii"))


def read_heartbeat(heartbeat: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(heartbeat.read_text("ascii").strip())
    except (OSError, ValueError):
        return None


READY = "READY=1"
WORKING = "WATCHDOG=1"  # its unit's `WatchdogSec` is the longest time between two of these
STOPPING = "STOPPING=1"


def tell_systemd(state: str) -> None:
    """Send a state to the socket that NOTIFY_SOCKET names, if it is set. Never wait, and never fail."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        # An abstract address: it is in no folder.
        address = f"\0{address[1:]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(state.encode("ascii"), socket.MSG_DONTWAIT, address)
    except OSError as error:
        log.warning("systemd can't be told", state=state, reason=str(error))
