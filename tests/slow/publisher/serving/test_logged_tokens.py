"""What nginx logs of each page whose address has a token: of subscribers' pages, and of the console."""

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import get_args
from urllib.parse import urlencode

import flask
import pytest

from publisher.accounts.model import terminal_actor
from publisher.accounts.store import NewAccount
from publisher.app.accounts.administration import Invitation, create_account, recover_account
from publisher.app.editing_state import Grant, Role, open_editing_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.config.web import ConsoleSettings
from publisher.database import Database, open_database
from publisher.mail.signed_addresses import LinkKind, sign_link
from publisher.testing import SECRET
from publisher.web.console.application import ROUTES
from publisher.web.pages.responses import WebContext
from tests.publisher.serving.samples import make_site
from tests.publisher.serving.web import running_web
from tests.publisher.web.console.running import running_console
from tests.sizes import PATIENCE
from tests.subscribers.importing import import_csv
from tools.servers.web_servers import Server, missing, nginx_server

CONSOLE = "console.example.org"
# Addresses of these are in mails, or are given to calendars and programs that read feeds.
KINDS: tuple[LinkKind, ...] = tuple(
    kind for one in get_args(LinkKind) for kind in (get_args(one) or (one,))
)
SECRET_WORD = "aSecretOfAnAddress0123456789"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

pytestmark = pytest.mark.skipif(missing("nginx"), reason="no nginx on this machine")


@dataclass
class Behind:
    """nginx before `publisher web` and `publisher console`, and the routes of the first."""

    server: Server
    log: Path
    settings: Settings
    rules: list[str]
    sent: int = 0

    def ask(self, host: str, method: str, path: str, body: str = "") -> int:
        """Send a request as a browser on a page whose address has tokens; give the status."""
        self.sent += 1
        referer = f"https://{host}/en/preferences/?t={SECRET_WORD}"
        with closing(HTTPConnection(host)) as connection:
            connection.sock = self.server.connect()
            headers = {"Referer": referer, "Sec-Fetch-Site": "same-origin", **FORM}
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def lines(self) -> list[str]:
        """Give all lines of the log; nginx writes each after its answer."""
        end = time.monotonic() + PATIENCE
        while len(found := self.log.read_text().splitlines()) < self.sent:
            assert time.monotonic() < end, "nginx has not logged all requests"
            time.sleep(0.05)
        return found


@pytest.fixture(params=["", "/blog"])
def behind(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Behind]:
    settings = make_site(tmp_path / "site", f"https://news.example.org{request.param}")
    settings.folders.var.mkdir(exist_ok=True)
    with closing(open_database(settings.database)) as database:
        _add_subscriber(database)
    rules: list[str] = []

    def note(app: flask.Flask, _context: WebContext) -> None:
        rules.extend(one.rule for one in app.url_map.iter_rules())

    with (
        running_web(settings, note) as web,
        running_console(settings, url=f"https://{CONSOLE}") as console,
        # A socket's path has to be short.
        tempfile.TemporaryDirectory() as folder,
        nginx_server(replace(web, console=console.console), Path(folder)) as server,
    ):
        yield Behind(server, Path(folder) / "access.log", web, rules)


def _add_subscriber(database: Database) -> None:
    lines = ["email,language,newsletters,status\n", "ann@example.com,en,weekly,active\n"]
    with database.writing() as connection:
        import_csv(
            connection,
            lines,
            languages=lambda tag: tag,
            newsletters=["weekly"],
            now=SystemClock().now(),
        )


def filled(path: str, word: str) -> str:
    """Put a word into each part of a path that is not a language or a number."""
    parts = {"language": "en", "provider": "ses", "number": "1", "story": "1"}
    return re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", lambda one: parts.get(one[1], word), path)


def test_no_token_of_a_subscriber_is_logged_for_any_page(behind: Behind) -> None:
    tokens = {kind: sign_link(SECRET, kind, 1, newsletter="weekly") for kind in KINDS}
    prefix, host = behind.server.prefix, "news.example.org"
    answered: dict[str, set[int]] = {}
    for rule in behind.rules:
        for kind, token in tokens.items():
            # The addresses of styles and scripts have a number of theirs.
            part = "word" if rule.startswith("/-/") else token
            query = urlencode({"t": token, "do": "newsletter"})
            path = f"{prefix}{filled(rule, part)}?{query}"
            for method in ("GET", "POST"):
                body = urlencode({"t": token}) if method == "POST" else ""
                status = behind.ask(host, method, path, body)
                answered.setdefault(f"{rule} {kind}", set()).add(status)
    # A browser names the page that it came from for static files, too, there or not.
    for file, status in (("en/", 200), ("nothing", 404)):
        assert behind.ask(host, "GET", f"{prefix}/{file}") == status
    # The tokens are real ones: some of the pages are shown, and the feed is found or refused by it.
    for shown in ("/<language>/unsubscribe/", "/<language:language>/preferences/"):
        assert 200 in answered[f"{shown} {shown.split('/')[2]}"]
    lines = behind.lines()
    assert len(lines) == behind.sent > len(behind.rules) * len(KINDS)
    assert [one for one in lines if any(token in one for token in tokens.values())] == []
    # Nor a part of one: neither what it says, nor its signature.
    parts = {part for token in tokens.values() for part in token.split(".")[1:]}
    assert [one for one in lines if any(part in one for part in parts)] == []
    assert SECRET_WORD not in str(lines)
    assert any(f"POST {prefix}/en/unsubscribe/ HTTP" in one for one in lines)


def test_nothing_that_lets_somebody_into_the_console_is_logged(behind: Behind) -> None:
    made = [*invitations(behind.settings)]
    for route in ROUTES:
        for method in route.methods:
            query = urlencode({"next": f"/{SECRET_WORD}", "t": SECRET_WORD})
            path = filled(route.path, SECRET_WORD if "<token>" in route.path else "word")
            assert behind.ask(CONSOLE, method, f"{path}?{query}") < 500
    for one in made:
        # What a browser sends of its link: what is behind the # stays there, and comes in a form.
        page, _mark, token = one.link(f"https://{CONSOLE}").partition("#")
        assert token.endswith(one.token)
        assert behind.ask(CONSOLE, "GET", page.partition(CONSOLE)[2]) == 200
        form = urlencode({"invitation": one.token})
        assert behind.ask(CONSOLE, "POST", "/invite/", form) == 303
    form = urlencode({"email": "ann@example.org", "password": SECRET_WORD})
    assert behind.ask(CONSOLE, "POST", "/sign-in/", form) < 500
    lines = behind.lines()
    assert len(lines) == behind.sent > len(ROUTES)
    secrets = (SECRET_WORD, *(one.token for one in made))
    assert [line for line in lines if any(one in line for one in secrets)] == []
    # An ellipsis, as nginx writes it.
    cut = r"\xE2\x80\xA6"
    for shown in ("POST /invite/ ", f"GET /calendar/{cut} ", f"GET /translations/feeds/{cut} "):
        assert any(shown in line for line in lines), shown


def invitations(settings: Settings) -> Iterator[Invitation]:
    """Invite somebody, and let her back in who has lost everything."""
    settings = replace(settings, console=ConsoleSettings(url=f"https://{CONSOLE}"))
    with open_editing_state(settings, SystemClock()) as state:
        roles = (Grant(Role.ADMINISTRATOR),)
        for name in ("bob", "ann"):
            new = NewAccount(f"{name}@example.org", name, "en", roles)
            made = create_account(state, terminal_actor(), new)
        yield made
        yield recover_account(state, terminal_actor(), "bob@example.org")
