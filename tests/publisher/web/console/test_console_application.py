"""Hosts, sessions, errors and the first page of the console."""

import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import flask
import pytest
from flask.testing import FlaskClient

from publisher.accounts import audit
from publisher.accounts.audit import AuditEntry
from publisher.accounts.model import Permission
from publisher.app.accounts import sign_in as console_session
from publisher.config import SETTINGS_FILE, load_settings
from publisher.config.web import ConsoleSettings
from publisher.errors import ConfigError, DatabaseError, ForbiddenError, IssueError, UsageError
from publisher.web.api.operations import About
from publisher.web.console import context
from publisher.web.console.application import MENU, ROUTES, create_console
from publisher.web.console.routes import Access, Route
from publisher.web.security import console_headers
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.web.console.conftest import SignIn, begin, browser

# Of dist/htmx.min.js in htmx.org 4.0.1, as npm has it.
HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"


def configure(publication: PublicationFolder, **console: Any) -> None:
    """Give the publication another table [console]."""
    publication.settings = replace(publication.settings, console=ConsoleSettings(**console))


def _fail(error: Exception, *_given: object, **_parts: str) -> flask.Response:
    raise error


def _view(request: context.ConsoleRequest, **_parts: str) -> flask.Response:
    return flask.Response(request.language)


def test_a_route_says_its_access_and_its_language() -> None:
    made: Any = Route
    with pytest.raises(TypeError, match="access"):
        made(path="/x/", view=_view)
    with pytest.raises(ValueError, match="is no access"):
        made(path="/x/", view=_view, access=None)
    for path, access, about in (
        ("/x/", Permission.APPROVE, About.NOTHING),
        ("/x/<issue>/", Permission.APPROVE, About.PATH),
        ("/x/<language>/", Permission.VIEW, About.ISSUE),
    ):
        with pytest.raises(ValueError, match="/x/"):
            Route(path=path, view=_view, access=access, about=about)


def test_only_its_own_host_is_answered(nobody: FlaskClient) -> None:
    own = ("localhost:8090", "127.0.0.1:8090", "[::1]:8090")
    for host in (*own, "evil.example", "news.example.org", ""):
        status = nobody.get("/", headers={"Host": host}).status_code
        assert status == (303 if host in own else 421), host


def test_the_cookie_can_be_set_by_this_host_over_a_safe_connection_only() -> None:
    fields = context.set_console_cookie(flask.Response(), "t").headers["Set-Cookie"]
    assert fields == ("__Host-console-session=t; Secure; HttpOnly; Path=/; SameSite=Lax")
    assert "Max-Age=0" in context.delete_console_cookie(flask.Response()).headers["Set-Cookie"]


def test_errors_are_pages(
    console_context: context.ConsoleContext, publication: PublicationFolder
) -> None:
    token = begin(publication, "viewer", None, "en", publication.clock.now())
    errors: list[tuple[Exception, int, str]] = [
        (UsageError("weekly-en-1999-01-01: no such issue"), 404, "no such issue"),
        (IssueError("is sent already"), 409, "is sent already"),
        (ForbiddenError("ann@example.org", "approve", "ar"), 403, "Your roles do not permit"),
        (DatabaseError("locked"), 503, "Busy just now"),
        (RuntimeError("secret words"), 500, "Something went wrong"),
    ]
    for error, status, text in errors:
        route = Route(path="/x/", view=partial(_fail, error), access=Access.SIGNED_IN)
        answer = browser(create_console(console_context, (route,)), token).get("/x/")
        assert (answer.status_code, text in answer.text) == (status, True)
        assert "secret words" not in answer.text
        assert ("Retry-After" in answer.headers) is (status == 503)
        assert {*console_headers("http://localhost:8090")} <= {*answer.headers.items()}


def test_a_form_that_found_the_database_busy_is_shown_with_its_words_to_be_sent_again(
    console_context: context.ConsoleContext,
    publication: PublicationFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # That it is used can't be stored either, which keeps nobody from reading.
    at = publication.clock.now() - timedelta(minutes=6)
    token = begin(publication, "viewer", None, "en", at)
    busy = DatabaseError("locked")
    monkeypatch.setattr(console_session, "touch_session", partial(_fail, busy))
    form = Route(
        path="/x/", view=partial(_fail, busy), access=Access.SIGNED_IN, methods=("POST",)
    )
    page = Route(path="/y/", view=_view, access=Access.SIGNED_IN)
    refused = replace(form, path="/z/", view=partial(_fail, IssueError("is sent already")))
    client = browser(create_console(console_context, (form, page, refused)), token)
    assert client.get("/y/").status_code == 200
    answer = client.post("/x/", data={"why": "<b>Not</b> yet", "epoch": "3"})
    assert answer.status_code == 503
    assert '<form method="post" action="/x/"' in answer.text
    assert 'name="why" value="&lt;b&gt;Not&lt;/b&gt; yet"' in answer.text
    assert '<pre class="text" dir="auto">&lt;b&gt;Not&lt;/b&gt; yet</pre>' in answer.text
    assert 'name="epoch" value="3"' in answer.text
    # What was refused for another reason is shown, too.
    assert (
        '<pre class="text" dir="auto">Not yet</pre>'
        in client.post("/z/", data={"why": "Not yet"}).text
    )
    # No page sends a secret back.
    assert 'action="/x/"' not in client.post("/x/", data={"password": "of mine"}).text


def test_a_path_without_its_slash_is_redirected_on_this_host(sign_in: SignIn) -> None:
    page = Route(path="/x/", view=_view, access=Access.SIGNED_IN)
    client = sign_in()
    app = create_console(client.application.extensions["console"], (page,))
    answer = browser(app).get("/x")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/x/")


def test_hsts_is_sent_where_the_console_is_reached_by_https_only(
    console_context: context.ConsoleContext, publication: PublicationFolder
) -> None:
    name = "Strict-Transport-Security"
    assert name not in browser(create_console(console_context)).get("/").headers
    configure(publication, url="https://console.example.org")
    client = browser(create_console(console_context))
    answer = client.get("/", headers={"Host": "console.example.org"})
    assert answer.headers[name] == "max-age=31536000; includeSubDomains"


def test_who_is_not_signed_in_gets_the_browser_s_language(
    console_context: context.ConsoleContext,
) -> None:
    route = Route(path="/x/", view=_view, access=Access.PUBLIC)
    client = browser(create_console(console_context, (route,)))
    accepted = {"ar-EG,en;q=0.5": "ar", "zh-TW": "zh-Hant", "zh-CN": "zh-Hans", "fi": "en"}
    for languages, shown in accepted.items():
        headers = {"Accept-Language": languages}
        assert client.get("/x/", headers=headers).text == shown
        assert client.get("/x/?lang=ar", headers=headers).text == "ar"


def test_next_leads_nowhere_else() -> None:
    elsewhere = ["//evil", "/\\evil", "https:evil", "https://evil", "javascript:alert(1)"]
    elsewhere += ["/%0d%0aX: y", "/\r\nX: y", "", "/a\nb", "x"]
    assert {text: context.own_path(text) for text in elsewhere} == dict.fromkeys(elsewhere, "/")
    assert context.own_path("/issues/weekly-ar-2026-01-09/") == "/issues/weekly-ar-2026-01-09/"


def test_an_address_that_would_be_unsafe_is_refused(publication: PublicationFolder) -> None:
    file = publication.settings.folders.root / SETTINGS_FILE
    text = file.read_text()
    for url, problem in (
        ("http://console.example.org", "plain http"),
        ("https://news.example.org:8443", "publication's host name"),
        ("https://console.example.org/desk", "has a path"),
        ("console", "not a web address"),
    ):
        file.write_text(f'{text}\n[console]\nurl = "{url}"\n')
        with pytest.raises(ConfigError, match=problem):
            load_settings(file.parent)
    for own in ("http://127.0.0.1:8090", "http://console.localhost:8090"):
        assert ConsoleSettings(url=own).url == own


def test_the_style_sheet_is_kept_and_any_other_file_is_not_there(sign_in: SignIn) -> None:
    client = sign_in()
    path = client.get("/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/-/0123456789ab/console.css").status_code == 404
    assert client.get("/-/0123456789ab/..%2fserver.py").status_code == 404


def test_the_menu_has_what_a_role_may_use_in_the_order_of_the_day_and_the_page_what_needs_somebody(
    sign_in: SignIn,
) -> None:
    def menu(page: str) -> list[str]:
        page = page.partition('<nav class="menu"')[2].partition("</nav>")[0]
        return re.findall(r'<li><a href="([^"]+)"', page)

    page = sign_in().get("/").text
    for said in ("The service has never run here", "urgent", 'aria-current="page">Today'):
        assert said in page
    viewer, administrator = menu(sign_in("viewer").get("/").text), menu(page)
    paths = {one.menu: one.path for one in ROUTES if one.menu}
    keys = [key for group in MENU.values() for key in group]
    assert administrator == [paths[key] for key in keys if key in paths]
    assert {*paths} <= {*keys}
    assert viewer[0] == "/"
    assert "/accounts/" not in viewer
    # The words of no group are empty, and the third group is closed.
    assert "<summary>Setup</summary>" in page
    assert re.search(r'<li><a href="[^"]+"[^>]*>\s*</a>', page) is None


def test_an_instant_is_local_with_utc_as_its_title_and_whoever_did_something_has_a_name(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    publication.reload(timezone="Asia/Hong_Kong")
    client = sign_in()
    with publication.database.writing() as connection:
        for actor in ("terminal", "administrator-all-en@example.org", "gone@example.org"):
            entry = AuditEntry(at=NOW, actor=actor, verb="approve", object="weekly")
            audit.record(connection, "secret", entry)
    page = client.get("/audit/").text
    local = f"{NOW.astimezone(ZoneInfo('Asia/Hong_Kong')):%-I:%M}\u00a0"
    times = re.findall(
        r'<time datetime="[^"]+" title="([^"]+)"><bdi>([^<]+)</bdi></time>', page
    )
    assert [local in shown and "UTC" in title for title, shown in times] == [True] * 3
    assert '<span title="terminal">the terminal</span>' in page
    assert '<bdi title="administrator-all-en@example.org">Ann administrator</bdi>' in page
    assert '<bdi class="code" dir="ltr">gone@example.org</bdi>' in page


def test_htmx_is_the_released_file_and_has_its_licence() -> None:
    folder = files("publisher.web.console") / "static"
    assert hashlib.sha256((folder / "htmx.min.js").read_bytes()).hexdigest() == HTMX_SHA256
    licence = (folder / "htmx.LICENSE.txt").read_text("utf-8")
    assert "htmx 4.0.1" in licence
    assert "Zero-Clause BSD" in licence
