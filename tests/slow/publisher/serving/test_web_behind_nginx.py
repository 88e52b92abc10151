"""Subscribers' pages behind nginx, with the configuration that the program prints for it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import flask
import pytest

from publisher.database import open_database
from publisher.web.context import WebContext
from publisher.web.responses import client_network
from publisher.web.security import OriginCheck, origin_check
from tests.publisher.serving.samples import make_site
from tests.publisher.serving.servers import Server, missing, nginx_server
from tests.publisher.serving.web import running_web
from tests.sizes import PATIENCE

TOKEN = "v2.a-token-of-a-subscriber"

pytestmark = pytest.mark.skipif(missing("nginx"), reason="no nginx on this machine")


def add_one_click(app: flask.Flask, _context: WebContext) -> None:
    """Add a route like that of one-click unsubscribing, which says what it got."""

    @app.post("/-/test/")
    @origin_check(OriginCheck.EXEMPT)
    def one_click() -> dict[str, str]:
        return {"t": flask.request.args["t"], "network": client_network(flask.request)}


@pytest.fixture(params=["", "/blog"])
def nginx(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Server, Path]]:
    settings = make_site(tmp_path / "site", f"https://news.example.org{request.param}")
    # A socket's path has to be short.
    open_database(settings.database).close()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_web(settings, add_one_click) as settings,
        nginx_server(settings, Path(folder)) as server,
    ):
        yield server, Path(folder)


def post(
    server: Server, path: str, body: str = "", **fields: str
) -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection(server.host)) as connection:
        connection.sock = server.connect()
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request("POST", f"{server.prefix}{path}", body, headers)
        answer = connection.getresponse()
        return answer, answer.read()


def test_a_one_click_request_reaches_the_application_and_no_log_has_its_token(
    nginx: tuple[Server, Path],
) -> None:
    server, folder = nginx
    answer, body = post(
        server,
        f"/-/test/?t={TOKEN}",
        "List-Unsubscribe=One-Click",
        Content_Type="application/x-www-form-urlencoded",
    )
    assert (answer.status, json.loads(body)["t"]) == (200, TOKEN)
    for path in (
        f"/en/feeds/of/{TOKEN}.rss.xml",
        f"/feedback/ses/{TOKEN}/",
        f"/en/data/?t={TOKEN}",
    ):
        assert post(server, path)[0].status in {403, 404, 405}
    # A browser names the page that it came from, also for static files, there or not.
    referer = f"https://news.example.org/en/preferences/?t={TOKEN}"
    assert server.ask("en/", referer=referer).status == 200
    assert server.ask("favicon.ico", referer=referer).status == 404
    end = time.monotonic() + PATIENCE
    # nginx writes a line after it has answered.
    while (folder / "access.log").read_text().count("\n") < 6 and time.monotonic() < end:
        pass
    logs = {path.name: path.read_text() for path in folder.glob("*.log")}
    assert logs["access.log"].count("\n") == 6
    assert f"POST {server.prefix}/-/test/ HTTP/1.1" in logs["access.log"]
    assert TOKEN not in str(logs)


def test_pages_have_their_own_header_fields_and_static_files_theirs(
    nginx: tuple[Server, Path],
) -> None:
    server, _folder = nginx
    page = server.ask("en/data/")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "link" not in page.headers
    assert "allow" not in server.ask("-/test/", "POST").headers
    options = server.ask("-/test/", "OPTIONS")
    assert {*options.headers["allow"].split(", ")} == {"POST", "OPTIONS"}
    assert server.ask("en/", "OPTIONS").headers["allow"] == "GET, HEAD, OPTIONS"
    assert "public" in server.ask("en/").headers["cache-control"]


def test_a_client_can_not_invent_its_address(nginx: tuple[Server, Path]) -> None:
    server, _folder = nginx
    _answer, body = post(server, f"/-/test/?t={TOKEN}", X_Forwarded_For="198.51.100.7")
    # nginx listens on a socket here, so that the client has no address.
    assert json.loads(body)["network"] == "127.0.0.0/24"
