"""A subscriber's own feed over HTTP: private, revocable, and the same answer to every wrong address."""

from __future__ import annotations

import html
from typing import Literal
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from publisher.app.private_feed import (
    private_feed_token,
    private_feed_urls,
    renew_private_feed,
)
from publisher.mail.signed_links import sign_link
from publisher.web.context import WebContext
from subscribers import erase, known_subscriber
from tests.feeds.conformance import faults
from tests.publisher.app.reading import WORDS
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of

ANN = "ann@example.com"
TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}


@pytest.fixture
def address(context: WebContext, publication: PublicationFolder) -> str:
    """The path of the feed of a subscriber, up to the format."""
    publication.write("en/tides.md", title="Tides", date="2026-01-05")
    subscribe(publication, (ANN, "en"))
    pipeline_of(publication).prepare()
    with publication.database.reading() as connection:
        token = private_feed_token(context.secret, known_subscriber(connection, ANN))
    found = private_feed_urls(publication.settings, token, "en")
    return found["RSS"].removeprefix(publication.settings.publication.url).removesuffix("rss")


@pytest.mark.parametrize("form", TYPES)
def test_a_feed_is_never_kept_by_a_shared_cache(
    client: FlaskClient, address: str, form: str
) -> None:
    response = client.get(f"{address}{form}")
    assert response.status_code == 200
    assert response.mimetype == TYPES[form]
    assert "Tides" in response.text
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in response.headers


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


def test_every_address_that_leads_nowhere_gets_the_same_answer(
    client: FlaskClient, address: str, publication: PublicationFolder
) -> None:
    revoked = f"{address}rss"
    with publication.database.writing() as connection:
        renew_private_feed(connection, 1, NOW)
    answers = [client.get(revoked)]
    answers += [
        client.get(f"/en/feeds/of/{name}") for name in ("x.rss", "rss", f"{'x' * 900}.rss")
    ]
    answers.append(client.get(f"{address}pdf"))
    with publication.database.writing() as connection:
        erase(connection, ANN, lambda _identity: "digest", NOW)
    answers.append(client.get(revoked))
    assert {(one.status_code, one.data, str(one.headers)) for one in answers} == {
        (404, answers[0].data, str(answers[0].headers))
    }


def test_no_public_document_names_a_subscriber_s_feed(
    address: str, publication: PublicationFolder
) -> None:
    token = address.rpartition("/")[2].rstrip(".")
    for path in publication.settings.folders.public.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path
            assert b"feeds/of/" not in path.read_bytes(), path


def test_the_preferences_page_shows_the_addresses_and_ends_them(
    client: FlaskClient, context: WebContext, address: str
) -> None:
    page = f"/en/preferences/?t={sign_link(context.secret, 'preferences', 1)}"
    assert f"{address}rss" in client.get(page).text
    response = client.post(page, data={"action": "feed"})
    assert response.status_code == 303
    assert client.get(f"{address}rss").status_code == 404
    shown = client.get(response.headers["Location"]).text
    assert f"{address}rss" not in shown
    assert "/en/feeds/of/v2." in shown


ARTICLES = {
    "en": {"title": "Tides and ropes", "author": "Ada Sample"},
    "zh-Hant": {"title": "燈塔與潮汐：第一章", "author": "範例・小渡"},
    "ar": {"title": "المنارة والمدّ «الأول»", "author": "مثال"},
}


@pytest.mark.parametrize("language", ARTICLES)
@pytest.mark.parametrize("form", TYPES)
def test_a_feed_conforms_to_its_format_in_every_language(
    client: FlaskClient,
    context: WebContext,
    publication: PublicationFolder,
    form: Literal["rss", "atom", "json"],
    language: str,
) -> None:
    for tag, matter in ARTICLES.items():
        text = f"{WORDS[tag]} A & B ]]> <b>[{WORDS[tag]}](../other.html) {WORDS[tag]}"
        publication.write(f"{tag}/tides.md", text, date="2026-01-05", **matter)
    subscribe(publication, (ANN, language))
    pipeline_of(publication).prepare()
    with publication.database.reading() as connection:
        token = private_feed_token(context.secret, known_subscriber(connection, ANN))
    found = private_feed_urls(publication.settings, token, language)
    address = urlsplit(found["RSS"]).path.removesuffix("rss") + form
    answer = client.get(address)
    assert faults(answer.data, form) == []
    assert answer.status_code == 200
    assert ARTICLES[language]["title"] in html.unescape(answer.text)
    head = client.head(address)
    again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    for one, status in ((head, 200), (again, 304)):
        assert (one.status_code, one.data) == (status, b"")
        assert one.headers["Cache-Control"] == "private, no-store"
