"""Pages and the static site on one port."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier
from typing import NoReturn
from wsgiref.types import WSGIApplication

import pytest
from werkzeug.test import Client, TestResponse

from publisher.app.operation.page_servers import find_failure
from publisher.config import Settings
from publisher.config.web import WebSettings
from publisher.database import Database
from publisher.errors import DatabaseError, UsageError
from publisher.serving.static_site import StaticSite
from publisher.web.pages.application import create_app
from publisher.web.pages.responses import WebContext
from publisher.web.pages.server import PublicationSite
from publisher.web.server import serve
from publisher.web.wsgi import client_address, with_health
from tests.publisher.conftest import PublicationFolder
from tests.sizes import PATIENCE

LOOPBACK = ("127.0.0.0/8", "::1/128")


@pytest.fixture
def site(publication: PublicationFolder, context: WebContext) -> Callable[..., Client]:
    """The whole of `publisher web`, asked without a socket."""
    public = publication.settings.folders.public
    for path in ("en/index.html", "en/subscribe/now/index.html", "en/subscribers/index.html"):
        (public / path).parent.mkdir(parents=True, exist_ok=True)
        (public / path).write_text(f"static {path}")

    def make(current: Callable[[], Settings] = lambda: publication.settings) -> Client:
        current_context = replace(context, current_settings=current)
        app = create_app(current_context)

        @app.get("/<language:language>/subscribe/now/")
        def page(language: str) -> str:
            return f"a page in {language}"

        return Client(PublicationSite(lambda: app, StaticSite(current), current))

    return make


def test_pages_are_made_once_though_many_wait_for_them_at_the_start(
    publication: PublicationFolder, context: WebContext
) -> None:
    made, all_ask = list[WSGIApplication](), Barrier(8)

    def make() -> WSGIApplication:
        made.append(create_app(context))
        return made[0]

    def current() -> Settings:
        return publication.settings

    pages = PublicationSite(make, StaticSite(current), current)

    def read(_number: int) -> int:
        all_ask.wait(PATIENCE)
        return ask(Client(pages), "/en/subscribe/").status_code

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(read, range(8))] == [200] * 8
    assert len(made) == 1


def ask(client: Client, path: str, method: str = "GET", **fields: str) -> TestResponse:
    """Read an answer to its end, and close its file."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    headers["Host"] = "news.example.org"
    answer = client.open(path, method=method, headers=headers)
    answer.get_data()
    answer.close()
    return answer


def test_pages_come_before_static_files_of_the_same_path(site: Callable[..., Client]) -> None:
    client = site()
    for path, text in (
        ("/en/", "static en/index.html"),
        ("/en/subscribe/now/", "a page in en"),
        ("/ar/subscribe/now/", "a page in ar"),
        ("/en/subscribers/", "static en/subscribers/index.html"),
        ("/x/en/subscribe/now/", "Not Found\n"),
    ):
        assert ask(client, path).text == text
    # Pages are below any language, since mails of before may name one.
    answer = ask(client, "/de/subscribe/now/")
    assert answer.status_code == 404
    assert "This page does not exist" in answer.text


def test_anybody_may_ask_whether_pages_can_be_served_and_learns_no_path(
    publication: PublicationFolder, site: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    find_problem = partial(find_failure, publication.database, publication.settings)
    client = Client(with_health(site().application, find_problem))
    for method, text in (("GET", "ok\n"), ("HEAD", "")):
        answer = ask(client, "/healthz", method)
        assert (answer.status_code, answer.text) == (200, text)
    assert ask(client, "/en/").text == "static en/index.html"
    with monkeypatch.context() as patched:
        patched.setattr("publisher.files._ALMOST_NOTHING", 1 << 62)
        answer = ask(client, "/healthz")
    assert (answer.status_code, answer.text) == (503, "the disk is full\n")

    def fail(_database: Database) -> NoReturn:
        raise DatabaseError("/srv/lantern: secret")

    monkeypatch.setattr(Database, "reading", fail)
    answer = ask(client, "/healthz")
    assert (answer.status_code, answer.text) == (503, "the database can't be read\n")


def test_the_static_site_answers_as_it_does_alone(site: Callable[..., Client]) -> None:
    client = site()
    answer = ask(client, "/en/")
    assert answer.headers["Cache-Control"] == "public, max-age=900"
    again = ask(client, "/en/", if_none_match=answer.headers["Etag"])
    assert again.status_code == 304
    assert ask(client, "/en/", "POST").status_code == 405


def test_pages_are_below_the_path_of_the_publication_s_url_also_when_it_changes(
    site: Callable[..., Client], publication: PublicationFolder
) -> None:
    client = site()
    languages = list(publication.settings.publication.languages)
    publication.reload(url="https://news.example.org/blog", languages=languages)
    assert ask(client, "/blog/en/subscribe/now/").text == "a page in en"
    assert ask(client, "/en/subscribe/now/").status_code == 404
    assert ask(client, "/blog/en/subscribe/now").headers["Location"] == (
        "/blog/en/subscribe/now/"
    )
    assert 'href="/blog/-/subscriber.' in ask(client, "/blog/en/data/x").text


def test_without_pages_the_site_is_static(
    site: Callable[..., Client], publication: PublicationFolder
) -> None:
    settings = replace(publication.settings, web=WebSettings(enabled=False))
    assert (
        ask(site(lambda: settings), "/en/subscribe/now/").text
        == "static en/subscribe/now/index.html"
    )
    with pytest.raises(UsageError, match=r"web\.enabled"):
        serve(settings, ["pages"], lambda *_: None)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("::1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7, 127.0.0.2", "192.0.2.7"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "198.51.100.1, 192.0.2.7:50000", "192.0.2.7"),
        ("127.0.0.1", "[2001:db8::7]:50000", "2001:db8::7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.7, unknown", "127.0.0.1"),
        ("203.0.113.9", "192.0.2.7", "203.0.113.9"),
        ("", "192.0.2.7", ""),
    ],
)
def test_only_trusted_proxies_name_the_client(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, LOOPBACK) == address
