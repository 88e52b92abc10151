"""Subscribers' pages over a real database file, asked by a WSGI client."""

from __future__ import annotations

import re
from collections.abc import Iterator

import flask
import pytest
from flask.testing import FlaskClient

from publisher.app.web_state import open_web_state
from publisher.web.application import create_app
from publisher.web.context import WebContext
from tests.publisher.conftest import PublicationFolder


@pytest.fixture
def context(publication: PublicationFolder) -> Iterator[WebContext]:
    """What pages work with; its clock is that of the publication of this test."""
    publication.reload(languages=["en", "zh-Hant", "ar"])
    with open_web_state(publication.settings) as state:
        yield WebContext(
            lambda: publication.settings,
            state.database,
            state.writer,
            state.renderer,
            state.secret,
            publication.clock,
            state.limits,
        )


@pytest.fixture
def app(context: WebContext) -> flask.Flask:
    return create_app(context)


@pytest.fixture
def client(app: flask.Flask, publication: PublicationFolder) -> FlaskClient:
    """A client that sends the publication's host, and keeps no cookies."""
    client = app.test_client(use_cookies=False)
    client.environ_base["HTTP_HOST"] = publication.settings.publication.host
    return client


def english_words(page: str) -> list[str]:
    """Give the words in Latin letters of a page, but for addresses, titles and names of languages."""
    main = page.partition("<main ")[2].partition("</main>")[0]
    main = re.sub(r"<bdi.*?</bdi>|<option[^>]*lang=.*", "", main)
    return re.findall(r"[A-Za-z]{3,}", re.sub(r"<?[^<>]*>|English|JSON", " ", main))
