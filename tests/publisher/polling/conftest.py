"""A server with documents that tests change; it is another one for each module."""

from collections.abc import Iterator

import pytest

from tests.publisher.polling.news_server import NewsServer, news_server


@pytest.fixture(scope="module")
def running() -> Iterator[NewsServer]:
    with news_server() as server:
        yield server


@pytest.fixture
def server(running: NewsServer) -> NewsServer:
    running.requests.clear()
    running.pages.clear()
    return running
