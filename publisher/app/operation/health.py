"""Whether the service works, for containers and monitors. They ask often, so no table is loaded for it."""

from datetime import datetime, timedelta

from publisher.config import Settings
from publisher.files import find_full_disk
from publisher.jobs.heartbeat import read_heartbeat

# Without a cycle for so long, the service has probably ended: cycles come every minute or so.
SERVICE_GONE = timedelta(minutes=15)


def find_illness(settings: Settings, now: datetime) -> str | None:
    """Return why `publisher run` does not work in this folder, for containers and monitors; None if it does."""
    last = read_heartbeat(settings.folders.heartbeat)
    if last is None or now - last > SERVICE_GONE:
        since = f"since {last:%Y-%m-%d %H:%M} UTC" if last else "in this folder yet"
        return f"publisher run has not worked {since}; look at its log, and start it again"
    return find_full_disk(settings.folders.root, settings.folders.var)
