"""Where a publication's latest pages and mails are, and its feeds."""

from __future__ import annotations

from dataclasses import dataclass

from feeds import FEED_FORMATS
from publisher import urls
from publisher.app.status import PublicationStatus
from publisher.config import Settings
from publisher.delivery.transports import create_transport
from publisher.issues.model import SELECTED_STATES, STATES_WITH_PAGE

# An issue that is made but not sent has no page and no mails yet.
_WITH_PLACES = STATES_WITH_PAGE - SELECTED_STATES


@dataclass(frozen=True, slots=True)
class LanguagePlaces:
    """The places of one language, relative to the publication's folder or as a server."""

    language: str
    pages: tuple[str, ...]
    mails: tuple[str, ...]
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutputPlaces:
    """The places of all languages; `done` is the transport's word for a mail that it accepted."""

    done: str
    languages: list[LanguagePlaces]


def list_places(settings: Settings, snapshot: PublicationStatus) -> OutputPlaces:
    """Return the places of each language's latest issues and feeds."""
    public, transport = settings.folders.public.name, create_transport(settings)
    found = []
    for line in snapshot.languages:
        latest = [one.issue for one in line.latest(*_WITH_PLACES).values()]
        pages = [urls.issue_path(i.language, i.newsletter, i.day) for i in latest]
        feeds = [urls.feed_path(line.language, one.suffix) for one in FEED_FORMATS]
        found.append(
            LanguagePlaces(
                line.language,
                tuple(f"{public}/{path}" for path in pages),
                tuple(map(transport.destination, latest)),
                tuple(f"{public}/{path}" for path in feeds),
            )
        )
    return OutputPlaces(transport.done, found)
