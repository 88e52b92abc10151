"""The console and subscribers' pages behind nginx by what we print for it, and Caddy by the example."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import flask
import pytest

from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.database import open_database
from publisher.web.pages.responses import WebContext
from publisher.web.security import OriginCheck, client_network, origin_check
from tests.publisher.serving.samples import HOST, make_site
from tests.publisher.serving.web import running_web
from tests.publisher.web.console.conftest import COOKIE
from tests.publisher.web.console.running import running_console
from tools.servers.console_process import session
from tools.servers.web_servers import Answer, Server, caddy_server, missing, nginx_server

NAME = "console.example.org"
MULTIPART = "multipart/form-data; boundary=b"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SERVERS: dict[str, Callable[[Settings, Path], AbstractContextManager[Server]]] = {
    "nginx": nginx_server,
    "caddy": caddy_server,
}


@pytest.fixture(params=SERVERS)
def which(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if missing(name):
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = make_site(tmp_path / "site", HOST)
    open_database(made.database).close()
    return made


def post(server: Server, path: str, body: bytes, **fields: str) -> Answer:
    with closing(HTTPConnection(server.host)) as connection:
        connection.sock = server.connect()
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request("POST", path, body, FORM | headers)
        found = connection.getresponse()
        kept = {name.lower(): value for name, value in found.getheaders()}
        return Answer(found.status, kept, found.read())


def add_one_click(app: flask.Flask, _context: WebContext) -> None:
    """Add a route like that of one-click unsubscribing, which says what it got."""

    @app.post("/-/test/")
    @origin_check(OriginCheck.EXEMPT)
    def one_click() -> dict[str, str]:
        return {"t": flask.request.args["t"], "network": client_network(flask.request)}


@pytest.fixture
def pages(which: str, settings: Settings) -> Iterator[Server]:
    """Subscribers' pages behind a web server."""
    # A socket's path has to be short.
    with (
        tempfile.TemporaryDirectory() as folder,
        running_web(settings, add_one_click) as served,
        SERVERS[which](served, Path(folder)) as server,
    ):
        yield server


def test_a_one_click_request_arrives_and_names_no_client_by_itself(pages: Server) -> None:
    fields = {"X_Forwarded_For": "198.51.100.7", "Origin": "https://mail.example"}
    answer = post(pages, "/-/test/?t=word", b"List-Unsubscribe=One-Click", **fields)
    assert answer.status == 200
    assert json.loads(answer.body)["t"] == "word"
    # They listen on a socket here, so that the client has no address.
    assert not json.loads(answer.body)["network"].startswith("198.51")
    page = pages.ask("en/data/")
    # It needs a session.
    assert (page.status, page.headers["cache-control"]) == (403, "no-store")
    assert page.headers["x-content-type-options"] == "nosniff"
    # Of static files alone.
    assert "link" not in page.headers
    options = pages.ask("-/test/", "OPTIONS").headers["allow"]
    assert {*options.split(", ")} == {"POST", "OPTIONS"}
    assert pages.ask("en/", "OPTIONS").headers["allow"] == "GET, HEAD, OPTIONS"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.fixture
def behind(which: str, settings: Settings) -> Iterator[tuple[Server, Path]]:
    """The console at a host name of its own, beside the site, and the folder of the server's log."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_web(settings, lambda _app, _context: None) as web,
        running_console(web, url=f"https://{NAME}") as served,
        SERVERS[which](served, Path(folder)) as server,
    ):
        yield server, Path(folder)


def test_the_console_answers_at_its_own_host_and_the_site_at_the_other(
    behind: tuple[Server, Path],
) -> None:
    site, folder = behind
    console = replace(site, host=NAME)
    page = console.ask_host("/sign-in/?next=/secret-place/")
    assert page.status == 200
    assert b'action="/sign-in/"' in page.body
    assert page.headers["strict-transport-security"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert site.ask_host("/sign-in/").status == 404
    assert site.ask("en/").status == 200
    assert console.ask_host("/en/").status in {303, 404}
    logs = [path.read_text() for path in folder.glob("*.log")]
    assert "secret-place" not in str(logs)


def test_forms_of_the_console_arrive_with_their_origin_and_lists_as_a_whole(
    behind: tuple[Server, Path], settings: Settings
) -> None:
    console, own = replace(behind[0], host=NAME), {"Origin": f"https://{NAME}"}
    form = b"email=ann%40example.org&password=no"
    assert b"sign-in" in post(console, "/sign-in/", form, **own).body
    for other in ({"Origin": HOST}, {"Origin": "null"}, {}):
        assert post(console, "/sign-in/", form, **other).status == 403
    with closing(open_database(settings.database)) as database:
        token = session(database, "administrator", SystemClock().now())
    own["Cookie"] = f"{COOKIE}={token}"
    # Larger than a web server takes if nobody says more.
    answer = post(
        console, "/subscribers/import/", list_of(4_000), **own, Content_Type=MULTIPART
    )
    assert answer.status == 303, answer.body
    assert answer.headers["location"].startswith("/subscribers/import/")


def list_of(count: int) -> bytes:
    """Return a form with a list of subscribers, of half a kilobyte each."""
    rows = "".join(f"reader{number}@example.com,{'x' * 500}\n" for number in range(count))
    parts = [('name="key"', ""), ('name="list"; filename="list.csv"', f"email,note\n{rows}")]
    text = "".join(
        f"--b\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n"
        for name, value in parts
    )
    return f"{text}--b--\r\n".encode()
