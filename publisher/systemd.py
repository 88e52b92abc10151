"""Tell systemd that a service is ready, works or stops: sd_notify(3). Does nothing under anything else."""

from __future__ import annotations

import os
import socket

import structlog

log = structlog.get_logger()

READY = "READY=1"
# Its unit's `WatchdogSec` is the longest time between two of these.
WORKING = "WATCHDOG=1"
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
