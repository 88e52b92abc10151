"""A mail scanner opens every link of every mail and page, and runs scripts: nothing is stored.

Forms are not sent. What a scanner could change by looking is changed for many subscribers at once.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from email import message_from_bytes, policy
from html import unescape
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Page

from publisher.app.leaving import LeaveScope, leave
from publisher.mail.signed_links import SignedLink
from publisher.urls import subscriber_page_path
from subscribers import find_subscriber
from tests.publisher.conftest import NOW
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.test_leaving import stored
from tests.slow.browser.chromium import Chromium
from tests.slow.browser.subscriber_pages import LANGUAGES, Sample
from tests.slow.browser.subscriber_pages import sample as sample  # noqa: PLC0414  # a fixture

_LINK = re.compile(r"""(?:href|action)=["']([^"']+)""")
_ADDRESS = re.compile(r"""https://[^\s<>"']+""")
KINDS = ("unsubscribe", "preferences", "undo", "undo-address", "confirm", "address", "data")
PAGES = ("subscribe", "confirm", "unsubscribe", "preferences", "address", "data")


def test_opening_every_link_of_mails_and_pages_changes_nothing(
    chromium: Chromium, sample: Sample
) -> None:
    links = [*_links_of_mails(_send(sample))]
    assert sum("?t=v2." in link for link in links) >= 6
    before = stored(sample.publication)

    def look(window: Page) -> set[str]:
        return _crawl(sample, window, [*links, *_links_of_pages(sample)])

    opened = chromium.browse(sample.app, look, files=sample.publication.settings.folders.public)
    assert {urlsplit(url).path for url in opened} >= {
        f"/{subscriber_page_path(language, 'unsubscribe')}" for language in LANGUAGES
    }
    assert stored(sample.publication) == before


def _send(sample: Sample) -> list[bytes]:
    """Send an issue in each language, and a mail about a leaving. Return the mails."""
    publication = sample.publication
    for language in LANGUAGES:
        text = f"Words in {language}."
        publication.write(f"{language}/tides.md", text, title="Tides", date="2026-01-05")
    subscribe(publication, *((f"{language}@example.com", language) for language in LANGUAGES))
    with publication.database.writing() as connection:
        left = find_subscriber(connection, "ar@example.com")
        assert left is not None
        leave(connection, SignedLink("unsubscribe", left.id), LeaveScope.ALL, NOW)
    pipeline = pipeline_of(publication)
    pipeline.prepare()
    pipeline.deliver()
    outbox = publication.settings.folders.outbox
    return [path.read_bytes() for path in sorted(outbox.rglob("*.eml"))]


def _links_of_mails(mails: list[bytes]) -> Iterator[str]:
    for content in mails:
        message = message_from_bytes(content, policy=policy.default)
        texts = [part.get_content() for part in message.iter_parts()]
        for text in (str(message["List-Unsubscribe"]), *texts):
            yield from map(unescape, (*_LINK.findall(text), *_ADDRESS.findall(text)))


def _links_of_pages(sample: Sample) -> Iterator[str]:
    """Yield every page with a link of every kind, and what its buttons would ask for."""
    for kind in KINDS:
        for page in PAGES:
            token = sample.token(kind, newsletter="weekly", number=1)  # type: ignore[arg-type]
            for query in ("", "&do=all", "&do=undo", "&done=saved"):
                yield sample.url(f"{subscriber_page_path('en', page)}?t={token}{query}")  # type: ignore[arg-type]


def _crawl(sample: Sample, window: Page, links: list[str]) -> set[str]:
    opened: set[str] = set()
    waiting = deque(links)
    while waiting:
        url = waiting.popleft().partition("#")[0]
        if url in opened or not url.startswith(sample.url("")):
            continue
        opened.add(url)
        response = window.goto(url)
        if response and "text/html" in response.headers.get("content-type", ""):
            found = _LINK.findall(window.content())
            waiting += [urljoin(url, unescape(one)) for one in found]
        client = sample.app.test_client()
        host = urlsplit(url)
        client.head(f"{host.path}?{host.query}", environ_base={"HTTP_HOST": host.netloc})
    return opened
