"""Where a publication's latest pages and mails are, and its feeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from feeds import FEED_FORMATS
from publisher import urls
from publisher.app.status import PublicationStatus
from publisher.config import Settings
from publisher.config.delivery import OutboxLayoutKind
from publisher.issues.model import STATES_WITH_PAGE, Issue


@dataclass(frozen=True, slots=True)
class LanguagePlaces:
    """The places of one language, relative to the publication's folder or as a server."""

    language: str
    pages: tuple[str, ...]
    mails: tuple[str, ...]
    feeds: tuple[str, ...]


def list_places(settings: Settings, snapshot: PublicationStatus) -> list[LanguagePlaces]:
    """Return the places of each language's latest issues and feeds."""
    public, mails = settings.folders.public.name, _mails(settings)
    found = []
    for line in snapshot.languages:
        latest = [one.issue for one in line.latest(*STATES_WITH_PAGE).values()]
        pages = [urls.issue_path(i.language, i.newsletter, i.day) for i in latest]
        feeds = [urls.feed_path(line.language, one.suffix) for one in FEED_FORMATS]
        found.append(
            LanguagePlaces(
                line.language,
                tuple(f"{public}/{path}" for path in pages),
                tuple(map(mails, latest)),
                tuple(f"{public}/{path}" for path in feeds),
            )
        )
    return found


def _mails(settings: Settings) -> Callable[[Issue], str]:
    """Return a function that says where an issue's mails are."""
    delivery, outbox = settings.delivery, settings.folders.outbox.name
    if delivery.transport == "smtp":
        return lambda _issue: f"{delivery.smtp.host}:{delivery.smtp.port_used}"
    if delivery.outbox.layout is OutboxLayoutKind.MAILDIR:
        return lambda _issue: f"{outbox}/new/"
    return lambda issue: f"{outbox}/{issue.newsletter}/{issue.language}/{issue.day}/"
