"""The application: errors as pages, header fields, and who may send a request."""

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from structlog.testing import capture_logs

from publisher.errors import WriterUnavailableError
from publisher.request_limits import rate_limit
from publisher.web.pages.responses import WebContext, form
from publisher.web.security import OriginCheck, client_network, max_body, origin_check
from tests.publisher.conftest import PublicationFolder

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Permissions-Policy": "",
}


@pytest.fixture
def app(app: flask.Flask, context: WebContext) -> flask.Flask:
    """The application with routes that only tests have."""

    @app.route("/<language:language>/test/", methods=["GET", "POST"])
    def token(language: str) -> flask.Response:
        return context.request(language).page("error.html", kind=400, number="")

    @app.route("/-/test/write", methods=["GET", "POST"])
    def write() -> str:
        row = insert(rate_limit).values(key="one", tat=1.0)
        context.request("en").write(lambda connection: connection.execute(row) and None)
        return "written"

    @app.post("/-/test/form")
    def fields() -> dict[str, str]:
        return form("address", "absent")

    @app.post("/-/test/large")
    @max_body(1024 * 1024)
    def large() -> str:
        return str(len(flask.request.get_data()))

    @app.post("/-/test/cookie")
    @origin_check(OriginCheck.COOKIE)
    def cookie() -> str:
        return "done"

    @app.post("/-/test/exempt")
    @origin_check(OriginCheck.EXEMPT)
    def exempt() -> str:
        return "done"

    @app.get("/<language:language>/test/fails/<kind>")
    def fails(language: str, kind: str) -> str:  # noqa: ARG001  # the path names it
        errors = {"busy": WriterUnavailableError("busy"), "fault": LookupError("of a secret")}
        raise errors[kind]

    return app


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/en/test/", 200),
        ("HEAD", "/en/test/", 200),
        ("OPTIONS", "/en/test/", 200),
        ("POST", "/en/test/", 200),
        ("PUT", "/en/test/", 405),
        ("DELETE", "/en/test/", 405),
        ("GET", "/de/test/", 404),
        ("GET", "/en/nothing/", 404),
        ("GET", "/en/test", 301),
        ("POST", "/en/test", 404),
        ("GET", "/en/test/fails/busy", 503),
        ("GET", "/en/test/fails/fault", 500),
    ],
)
def test_every_answer_has_the_security_headers_and_no_cookie(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "Set-Cookie" not in answer.headers
    if method == "HEAD":
        assert answer.data == b""


def test_errors_are_in_the_language_of_the_path_and_say_when_to_come_back(
    client: FlaskClient,
) -> None:
    assert 'lang="zh-Hant"' in client.get("/zh-Hant/nothing/").text
    assert "沒有這個頁面" in client.get("/zh-Hant/nothing/").text
    assert "This page does not exist" in client.get("/nothing/").text
    refused = client.put("/ar/test/")
    assert refused.headers["Allow"].split(", ")
    assert 'dir="rtl"' in refused.text
    with capture_logs() as logs:
        assert client.get("/en/test/fails/busy").headers["Retry-After"] == "10"
    # Paths of feeds and of webhooks hold secrets.
    assert "busy" not in str({**logs[0], "reason": "", "event": ""})


def test_an_unknown_error_shows_a_number_and_the_log_has_the_rest(client: FlaskClient) -> None:
    with capture_logs() as logs:
        text = client.get("/en/test/fails/fault?t=token").text
    (entry,) = logs
    assert entry["number"] in text
    assert "secret" not in text
    assert entry["error"] == "LookupError"
    assert "token" not in str({**entry, "exc_info": ""})


def test_a_get_can_not_write(client: FlaskClient, publication: PublicationFolder) -> None:
    for method in ("GET", "HEAD"):
        with capture_logs() as logs:
            assert client.open("/-/test/write", method=method).status_code == 500
        assert logs[0]["error"] == "ReadOnlyRequestError"
        assert publication.rows(rate_limit) == []
    assert client.post("/-/test/write").text == "written"
    assert len(publication.rows(rate_limit)) == 1


def test_a_request_for_another_host_is_refused(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    own = publication.settings.publication.host
    here = (own, f"{own}:8443", "127.0.0.1:8100", "localhost:8100", "[::1]:8100")
    for host in (*here, "192.0.2.7", "evil.example", f"{own}.evil.example", "[", ""):
        answer = client.get("/en/test/", environ_overrides={"HTTP_HOST": host})
        assert answer.status_code == (200 if host in here else 421), host


def test_forms_of_other_sites_are_refused(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    own = publication.settings.publication.url
    for site, origin, token, cookie in (
        ("same-origin", own, 200, 200),
        ("none", None, 200, 200),
        ("same-site", "https://other.example.org", 403, 403),
        ("cross-site", "https://evil.example", 403, 403),
        ("cross-site", "null", 403, 403),
        ("same-origin", "null", 200, 200),
        (None, own, 200, 200),
        (None, "https://evil.example", 403, 403),
        (None, f"http://{own.partition('//')[2]}.evil.example", 403, 403),
        (None, "null", 200, 403),
        (None, None, 200, 403),
    ):
        fields = {"Sec-Fetch-Site": site, "Origin": origin}
        headers = {name: value for name, value in fields.items() if value is not None}
        assert client.post("/en/test/", headers=headers).status_code == token, headers
        assert client.post("/-/test/cookie", headers=headers).status_code == cookie, headers
        assert client.post("/-/test/exempt", headers=headers).status_code == 200, headers
    # On this machine the own origin is where the server is.
    here = {"HTTP_HOST": "127.0.0.1:8100"}
    for origin, status in (("http://127.0.0.1:8100", 200), ("http://127.0.0.1:9000", 403)):
        sent = {"Origin": origin}
        answer = client.post("/-/test/cookie", headers=sent, environ_overrides=here)
        assert answer.status_code == status


def test_the_body_of_a_page_is_bounded_unless_the_route_says_more(client: FlaskClient) -> None:
    body = "address=" + "a" * 70_000
    form_type = "application/x-www-form-urlencoded"
    assert client.post("/-/test/form", data=body, content_type=form_type).status_code == 413
    assert client.post("/-/test/large", data=body).text == str(len(body))
    assert client.post("/-/test/large", data=b"a" * 2_000_000).status_code == 413
    answer = client.post("/-/test/form", data={"address": " ann@example.com "})
    assert answer.json == {"address": "ann@example.com", "absent": ""}


def test_the_style_sheet_is_cached_for_ever_and_a_page_may_allow_scripts_of_this_server(
    app: flask.Flask, client: FlaskClient, context: WebContext
) -> None:
    page = client.get("/en/test/").text
    path = page.partition('href="/-/')[2].partition('"')[0]
    sheet = client.get(f"/-/{path}")
    assert sheet.status_code == 200
    assert sheet.content_type == "text/css; charset=utf-8"
    assert "immutable" in sheet.headers["Cache-Control"]
    assert client.get("/-/subscriber.000000000000.css").status_code == 404
    with app.test_request_context("/"):
        scripted = context.request("en").respond("", script=True)
    assert "script-src 'self'; worker-src 'self'" in scripted.headers["Content-Security-Policy"]


def test_a_client_s_network_is_shortened(app: flask.Flask) -> None:
    for address, network in (
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        *(("localhost", ""), ("", "")),
    ):
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": address}):
            assert client_network(flask.request) == network, address
