"""Hosts, sessions, errors and the first page of the console."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from publisher.accounts.model import Permission
from publisher.config import SETTINGS_FILE, load_settings
from publisher.config.console import ConsoleSettings
from publisher.errors import ConfigError, DatabaseError, ForbiddenError, IssueError, UsageError
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext, ConsoleRequest
from publisher.web.console.cookies import delete_console_cookie, set_console_cookie
from publisher.web.console.paths import own_path
from publisher.web.console.routes import Access, LanguageFrom, Route
from publisher.web.console.server import serve_console
from publisher.web.security import console_headers
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.conftest import SignIn, begin, browser


def configure(publication: PublicationFolder, **console: Any) -> None:
    """Give the publication another table [console]."""
    publication.settings = replace(publication.settings, console=ConsoleSettings(**console))


def _view(request: ConsoleRequest, **_parts: str) -> flask.Response:
    return flask.Response(request.language)


def test_a_route_without_access_can_t_be_made() -> None:
    made: Any = Route
    with pytest.raises(TypeError, match="access"):
        made(path="/x/", view=_view)
    with pytest.raises(ValueError, match="is no access"):
        made(path="/x/", view=_view, access=None)


@pytest.mark.parametrize(
    ("path", "access", "language"),
    [
        ("/x/", Permission.APPROVE, LanguageFrom.NOWHERE),
        ("/x/<issue>/", Permission.APPROVE, LanguageFrom.PATH),
        ("/x/<language>/", Permission.VIEW, LanguageFrom.ISSUE),
    ],
)
def test_a_route_about_a_language_says_which(
    path: str, access: Permission, language: LanguageFrom
) -> None:
    with pytest.raises(ValueError, match="/x/"):
        Route(path=path, view=_view, access=access, language=language)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8090", 303),
        ("127.0.0.1:8090", 303),
        ("[::1]:8090", 303),
        ("evil.example", 421),
        ("news.example.org", 421),
        ("", 421),
    ],
)
def test_only_its_own_host_is_answered(nobody: FlaskClient, host: str, status: int) -> None:
    assert nobody.get("/", headers={"Host": host}).status_code == status


def test_a_session_ends_when_it_is_idle(sign_in: SignIn) -> None:
    assert sign_in(ago=timedelta(hours=7)).get("/").status_code == 200
    assert sign_in("viewer", ago=timedelta(hours=9)).get("/").status_code == 303


def test_use_is_recorded_so_that_a_session_in_use_does_not_end(
    console_context: ConsoleContext, publication: PublicationFolder
) -> None:
    now = publication.clock.now()
    token = begin(publication, "viewer", None, "en", now)
    for hours in (6, 12):
        publication.at(now + timedelta(hours=hours))
        app = create_console(
            ConsoleContext(
                current_settings=lambda: publication.settings,
                opened=console_context.opened,
                clock=publication.clock,
            )
        )
        assert browser(app, token).get("/").status_code == 200


def test_a_token_of_nobody_is_nobody(console: flask.Flask) -> None:
    assert browser(console, "x" * 43).get("/").status_code == 303


def test_the_cookie_can_be_set_by_this_host_over_a_safe_connection_only() -> None:
    fields = set_console_cookie(flask.Response(), "t").headers["Set-Cookie"]
    assert fields == ("__Host-console-session=t; Secure; HttpOnly; Path=/; SameSite=Lax")
    assert "Max-Age=0" in delete_console_cookie(flask.Response()).headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (UsageError("weekly-en-1999-01-01: no such issue"), 404, "no such issue"),
        (IssueError("is sent already"), 409, "is sent already"),
        (ForbiddenError("ann@example.org", "approve", "ar"), 403, "Your roles do not permit"),
        (DatabaseError("locked"), 503, "Busy just now"),
        (RuntimeError("secret words"), 500, "Something went wrong"),
    ],
)
def test_errors_are_pages(
    console_context: ConsoleContext,
    publication: PublicationFolder,
    error: Exception,
    status: int,
    text: str,
) -> None:
    def failing(_request: ConsoleRequest) -> flask.Response:
        raise error

    route = Route(path="/x/", view=failing, access=Access.SIGNED_IN)
    token = begin(publication, "viewer", None, "en", publication.clock.now())
    answer = browser(create_console(console_context, (route,)), token).get("/x/")
    assert answer.status_code == status
    assert text in answer.text
    assert "secret words" not in answer.text
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert {*console_headers(is_secure=False)} <= {*answer.headers.items()}


def test_a_path_without_its_slash_is_redirected_on_this_host(sign_in: SignIn) -> None:
    page = Route(path="/x/", view=_view, access=Access.SIGNED_IN)
    client = sign_in()
    app = create_console(client.application.extensions["console"], (page,))
    answer = browser(app).get("/x")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/x/")


def test_hsts_is_sent_where_the_console_is_reached_by_https_only(
    console_context: ConsoleContext, publication: PublicationFolder
) -> None:
    name = "Strict-Transport-Security"
    assert name not in browser(create_console(console_context)).get("/").headers
    configure(publication, url="https://console.example.org")
    client = browser(create_console(console_context))
    answer = client.get("/", headers={"Host": "console.example.org"})
    assert answer.headers[name] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("ar-EG,en;q=0.5", "ar"), ("zh-TW", "zh-Hant"), ("zh-CN", "zh-Hans"), ("fi", "en")],
)
def test_who_is_not_signed_in_gets_the_browser_s_language(
    console_context: ConsoleContext, accepted: str, language: str
) -> None:
    app = create_console(
        console_context, (Route(path="/x/", view=_view, access=Access.PUBLIC),)
    )
    headers = {"Accept-Language": accepted}
    assert browser(app).get("/x/", headers=headers).text == language
    assert browser(app).get("/x/?lang=ar", headers=headers).text == "ar"


@pytest.mark.parametrize(
    "text",
    ["//evil", "/\\evil", "https:evil", "https://evil", "/%0d%0aX: y", "", "/a\nb", "x"],
)
def test_next_leads_nowhere_else(text: str) -> None:
    assert own_path(text) == "/"
    assert own_path("/issues/weekly-ar-2026-01-09/") == "/issues/weekly-ar-2026-01-09/"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://console.example.org", "plain http"),
        ("https://news.example.org:8443", "publication's host name"),
        ("https://console.example.org/desk", "has a path"),
        ("console", "not a web address"),
    ],
)
def test_an_address_that_would_be_unsafe_is_refused(
    publication: PublicationFolder, url: str, problem: str
) -> None:
    file = publication.settings.folders.root / SETTINGS_FILE
    file.write_text(f'{file.read_text()}\n[console]\nurl = "{url}"\n')
    with pytest.raises(ConfigError, match=problem):
        load_settings(file.parent)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8090", "http://console.localhost:8090"])
def test_plain_http_is_for_this_machine(publication: PublicationFolder, url: str) -> None:
    configure(publication, url=url)
    assert publication.settings.console.url == url


def test_a_console_that_is_switched_off_does_not_start(publication: PublicationFolder) -> None:
    configure(publication, enabled=False)
    with pytest.raises(UsageError, match=r"console\.enabled"):
        serve_console(publication.settings)


def test_the_first_page_says_what_needs_somebody(sign_in: SignIn) -> None:
    page = sign_in().get("/").text
    assert "The service has never run here" in page
    assert "urgent" in page
    assert 'aria-current="page">Today' in page


def test_the_style_sheet_is_kept_and_any_other_file_is_not_there(sign_in: SignIn) -> None:
    client = sign_in()
    path = client.get("/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/-/0123456789ab/console.css").status_code == 404
    assert client.get("/-/0123456789ab/..%2fserver.py").status_code == 404


def test_the_menu_has_what_a_role_may_use_in_the_order_of_the_day(sign_in: SignIn) -> None:
    def menu(role: str) -> list[str]:
        page = sign_in(role).get("/").text.partition('<nav class="menu"')[2]
        return re.findall(r'<li><a href="([^"]+)"', page.partition("</nav>")[0])

    viewer, administrator = menu("viewer"), menu("administrator")
    assert viewer[0] == administrator[0] == "/"
    assert administrator.index("/sources/") < administrator.index("/settings/")
    assert administrator.index("/settings/") < administrator.index("/audit/")
    assert "/accounts/" not in viewer
