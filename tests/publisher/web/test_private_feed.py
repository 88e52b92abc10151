"""A subscriber's own feed over HTTP: private, revocable, and gone once its address ended."""

import gzip
import html
from typing import Literal
from urllib.parse import urlsplit

import brotli
import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from publisher.app.subscribers.feeds import (
    private_feed_token,
    private_feed_urls,
    renew_private_feed,
)
from publisher.mail.signed_addresses import sign_link
from publisher.web.pages.responses import WebContext
from subscribers.store import erase, known_subscriber
from subscribers.tables import subscriber
from tests.publisher.app.reading import WORDS
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import MadeReady
from tools.feed_validator import faults

ANN = "ann@example.com"
TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}
ARTICLES = {
    "en": {"title": "Tides and ropes", "author": "Ada Sample"},
    "zh-Hant": {"title": "燈塔與潮汐：第一章", "author": "範例・小渡"},
    "ar": {"title": "المنارة والمدّ «الأول»", "author": "مثال"},
}


def three_languages(publication: PublicationFolder) -> None:
    """Have an article in each of three languages, and a subscriber of each."""
    for tag, matter in ARTICLES.items():
        text = f"{WORDS[tag]} A & B ]]> <b>[{WORDS[tag]}](../other.html) {WORDS[tag]}"
        publication.write(f"{tag}/tides.md", text, date="2026-01-05", **matter)
    subscribe(publication, (ANN, "en"), *((f"{tag}@example.com", tag) for tag in ARTICLES))
    pipeline_of(publication).prepare()


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(three_languages)


def address_of(
    context: WebContext, publication: PublicationFolder, email: str, tag: str
) -> str:
    """Give the path of a subscriber's feed, up to the format."""
    with publication.database.reading() as connection:
        token = private_feed_token(context.secret, known_subscriber(connection, email))
    found = private_feed_urls(publication.settings, token, tag)
    return urlsplit(found["RSS"]).path.removesuffix("rss")


@pytest.fixture
def address(context: WebContext, publication: PublicationFolder) -> str:
    return address_of(context, publication, ANN, "en")


def test_a_reader_that_has_the_feed_gets_it_again_only_when_it_changed(
    client: FlaskClient, address: str, publication: PublicationFolder
) -> None:
    etag = client.get(f"{address}atom").headers["ETag"]
    known = {"If-None-Match": etag}
    again = client.get(f"{address}atom", headers=known)
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(f"{address}rss", headers=known).status_code == 200
    publication.write("en/ropes.md", title="Ropes", date="2026-01-06")
    pipeline_of(publication).prepare()
    assert client.get(f"{address}atom", headers=known).status_code == 200


def test_a_feed_is_compressed_if_the_reader_takes_it(client: FlaskClient, address: str) -> None:
    plain = client.get(f"{address}rss")
    assert "Content-Encoding" not in plain.headers
    for coding, decode in (("gzip", gzip.decompress), ("br", brotli.decompress)):
        accepted = {"Accept-Encoding": coding}
        answer = client.get(f"{address}rss", headers=accepted)
        assert answer.headers["Content-Encoding"] == coding
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert decode(answer.data) == plain.data
        known = accepted | {"If-None-Match": answer.headers["ETag"]}
        assert client.get(f"{address}rss", headers=known).status_code == 304


def test_an_address_that_ended_is_gone_and_others_are_not_there(
    client: FlaskClient, context: WebContext, address: str, publication: PublicationFolder
) -> None:
    # No public document names it.
    token = address.rpartition("/")[2].rstrip(".")
    for path in publication.settings.folders.public.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path
            is_rule = path.name == "robots.txt"  # which keeps search engines away from all
            assert is_rule or b"feeds/of/" not in path.read_bytes(), path
    revoked = f"{address}rss"
    names = ("x.rss", "rss", f"{'x' * 900}.rss")
    missing = [client.get(f"/en/feeds/of/{name}") for name in names]
    missing.append(client.get(f"{address}pdf"))
    with publication.database.writing() as connection:
        renew_private_feed(connection, 1, NOW)
    gone, moved = "en@example.com", "ar@example.com"
    others = [f"{address_of(context, publication, one, 'en')}rss" for one in (gone, moved)]
    with publication.database.writing() as connection:
        erase(connection, gone, lambda _identity: "digest", NOW)
        number = known_subscriber(connection, moved).id
        connection.execute(
            update(subscriber).where(subscriber.c.id == number).values(generation=1)
        )
    ended = [client.get(one) for one in (revoked, *others)]
    for answers, status in ((missing, 404), (ended, 410)):
        assert {(one.status_code, one.data, str(one.headers)) for one in answers} == {
            (status, answers[0].data, str(answers[0].headers))
        }
    assert "This page is gone" in ended[0].text


def test_the_preferences_page_shows_the_addresses_and_ends_them(
    client: FlaskClient, context: WebContext, address: str
) -> None:
    page = f"/en/preferences/?t={sign_link(context.secret, 'preferences', 1)}"
    assert f"{address}rss" in client.get(page).text
    response = client.post(page, data={"action": "feed"})
    assert response.status_code == 303
    assert client.get(f"{address}rss").status_code == 410
    shown = client.get(response.headers["Location"]).text
    assert f"{address}rss" not in shown
    assert "/en/feeds/of/v2." in shown


@pytest.mark.parametrize("form", TYPES)
def test_a_feed_conforms_to_its_format_and_is_never_kept_by_a_shared_cache(
    client: FlaskClient,
    context: WebContext,
    publication: PublicationFolder,
    form: Literal["rss", "atom", "json"],
) -> None:
    for tag, article in ARTICLES.items():
        address = f"{address_of(context, publication, f'{tag}@example.com', tag)}{form}"
        answer = client.get(address)
        assert (answer.status_code, answer.mimetype) == (200, TYPES[form])
        assert faults(answer.data, form) == []
        assert article["title"] in html.unescape(answer.text)
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "Set-Cookie" not in answer.headers
        head = client.head(address)
        again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
        for one, status in ((answer, 200), (head, 200), (again, 304)):
            assert one.status_code == status
            assert one.headers["Cache-Control"] == "private, no-store"
        assert (head.data, again.data) == (b"", b"")
