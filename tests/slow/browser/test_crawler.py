"""A mail scanner follows every link of every mail and page, and runs scripts: nothing is stored.

Forms are not sent. Every link is followed with GET and HEAD. Chromium opens each page once, and all
that have a script: what a page does of itself does not depend on its token.
"""

import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from http import HTTPStatus
from itertools import product
from typing import NamedTuple, get_args
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from playwright.sync_api import Page

from publisher.mail.signed_links import LinkKind, sign_link
from publisher.urls import SubscriberPage, subscriber_page_path
from subscribers import request_access
from tests.publisher.delivery.mailing import number_of
from tests.publisher.web.test_leaving import stored
from tests.slow.browser.chromium import Chromium
from tests.slow.browser.every_mail import SentMail, send_every_mail
from tests.slow.browser.subscriber_pages import LANGUAGES, Sample
from tests.slow.browser.subscriber_pages import sample as sample  # noqa: PLC0414  # a fixture

_LINK = re.compile(r"""(?:href|action|src)=["']([^"']+)""")
_ADDRESS = re.compile(r"""https://[^\s<>"']+""")
# Kinds of links, and pages that they could be tried on.
KINDS: tuple[LinkKind, ...] = (
    *("unsubscribe", "preferences", "web", "confirm", "undo"),
    *("undo-address", "data", "address", "feed"),
)
PAGES: tuple[SubscriberPage, ...] = get_args(SubscriberPage)
# What buttons of a page ask for, and what it is opened with after them.
QUERIES: dict[SubscriberPage, tuple[str, ...]] = {
    "unsubscribe": ("", "&do=all", "&do=undo"),
    "preferences": ("", "&done=saved"),
}


class Document(NamedTuple):
    """What a link leads to."""

    status: int
    text: str


def test_opening_every_link_of_mails_and_pages_changes_nothing(
    chromium: Chromium, sample: Sample
) -> None:
    mails = send_every_mail(sample)
    client = _client_with_session(sample)
    of_mails = {link for mail in mails for link in links_of_mail(mail)}
    before = stored(sample.publication)
    pages = crawl(sample, client, [*of_mails, *_links_of_pages(sample)])
    assert [
        url for url in of_mails & pages.keys() if pages[url].status == HTTPStatus.NOT_FOUND
    ] == []
    assert {urlsplit(url).path.strip("/") for url in pages} >= _own_paths()

    def look(window: Page) -> int:
        opened = _to_open(pages)
        for url in opened:
            window.goto(url)
        return len(opened)

    assert chromium.browse(sample.app, look) > len(_own_paths())
    assert stored(sample.publication) == before


def links_of_mail(mail: SentMail) -> Iterator[str]:
    """Yield the addresses in both parts of a mail, and in its header."""
    texts = (str(mail.message["List-Unsubscribe"]), mail.part("html"), mail.part("plain"))
    for text in texts:
        yield from map(unescape, (*_LINK.findall(text), *_ADDRESS.findall(text)))


def crawl(sample: Sample, client: FlaskClient, links: list[str]) -> dict[str, Document]:
    """Follow all links of the publication, each once."""
    pages: dict[str, Document] = {}
    waiting = deque(links)
    while waiting:
        url = waiting.popleft().partition("#")[0]
        if url in pages or not url.startswith(sample.url("")):
            continue
        pages[url] = _follow(sample, client, url)
        waiting += [urljoin(url, unescape(one)) for one in _LINK.findall(pages[url].text)]
    return pages


def _follow(sample: Sample, client: FlaskClient, url: str) -> Document:
    target = urlsplit(url)
    asked, host = f"{target.path}?{target.query}", {"HTTP_HOST": target.netloc}
    client.head(asked, environ_base=host)
    response = client.get(asked, environ_base=host)
    if response.status_code == HTTPStatus.SEE_OTHER:
        return Document(303, f'<a href="{response.headers["Location"]}">')
    file = sample.publication.settings.folders.public / target.path.strip("/")
    file = file / "index.html" if file.is_dir() else file
    if response.status_code == HTTPStatus.NOT_FOUND and file.is_file():
        return Document(200, file.read_text("utf-8", "replace"))
    return Document(response.status_code, response.text)


def _client_with_session(sample: Sample) -> FlaskClient:
    """Return a client with the cookie of a subscriber's session: some pages show more to it."""
    publication, client = sample.publication, sample.app.test_client()
    number = number_of(publication.database, "issue.en@example.com")
    with publication.database.writing() as connection:
        asked = request_access(connection, number, "digest", sample.clock.now())
    answer = client.post(
        f"/en/data/?t={sign_link(sample.secret, 'data', number, number=asked)}",
        headers={"Sec-Fetch-Site": "same-origin"},
        environ_base={"HTTP_HOST": publication.settings.publication.host},
    )
    assert "Set-Cookie" in answer.headers
    return client


def _links_of_pages(sample: Sample) -> Iterator[str]:
    """Yield every page with a link of every kind, and without one."""
    for page in PAGES:
        yield sample.url(subscriber_page_path("en", page))
        for kind, query in product(KINDS, QUERIES.get(page, ("",))):
            token = sample.token(kind, newsletter="weekly", number=1)
            yield sample.url(f"{subscriber_page_path('en', page)}?t={token}{query}")


def _own_paths() -> set[str]:
    return {subscriber_page_path(*one).strip("/") for one in product(LANGUAGES, PAGES)}


def _to_open(pages: dict[str, Document]) -> list[str]:
    """Return one address for each path of subscribers' pages, and those with a script."""
    own = {url: page.text for url, page in pages.items() if 'href="/-/' in page.text}
    first = {urlsplit(url).path: url for url in own}
    return [url for url in own if url in first.values() or "<script" in own[url]]
