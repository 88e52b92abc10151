"""Bodies that are larger than a page's, sent to the console's server: whose are taken, and whose are refused."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from threading import Event
from typing import NoReturn
from urllib.parse import urlencode

import pytest

from publisher.accounts.api_keys import KeyRequest, add_api_key
from publisher.accounts.model import Permission
from publisher.accounts.sessions import Browser, begin_session
from publisher.accounts.store import find_account
from publisher.app.drafts import MAX_DRAFT_TEXT
from publisher.config import Settings
from publisher.errors import DatabaseError
from publisher.web.console import server
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.web.console.conftest import COOKIE, begin
from tests.publisher.web.console.running import running_console
from tests.sizes import PATIENCE

UPLOAD, IMPORT = "/subscribers/import/", "/api/v1/subscribers/import/preview"
# Few rows, and long ones: it is the bytes that count.
ROWS = "".join(f"reader-{number}@example.org,en,{'Ann ' * 40}\n" for number in range(1_600))
LIST = f"email,language,name\n{ROWS}"
MUCH = 200 * 1024 * 1024
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
FILE = (
    '--x\r\nContent-Disposition: form-data; name="list"; filename="list.csv"\r\n\r\n'
    f"{LIST}\r\n--x--\r\n"
).encode()


@pytest.fixture
def console(publication: PublicationFolder) -> Iterator[Settings]:
    with running_console(publication.settings, publication.clock) as settings:
        yield settings


def session(publication: PublicationFolder) -> dict[str, str]:
    token = begin(publication, "administrator", None, "en", NOW)
    return {"Cookie": f"{COOKIE}={token}", "Sec-Fetch-Site": "same-origin"}


def api_key(publication: PublicationFolder) -> str:
    begin(publication, "administrator", None, "ar", NOW)
    with publication.database.writing() as connection:
        account = find_account(connection, "administrator-all-ar@example.org")
        assert account is not None
        scopes = frozenset({Permission.MANAGE_SUBSCRIBERS})
        wanted = KeyRequest("ci", scopes, None, timedelta(days=1))
        return add_api_key(connection, account.id, wanted, NOW)


def status(
    console: Settings, path: str, fields: dict[str, str], body: bytes, length: int | None = None
) -> int:
    """Send a request, whose head states a length of its own, and return the status of the answer."""
    port = console.console.port
    head = {"Host": f"localhost:{port}", "Content-Length": length or len(body), **fields}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return int(connection.recv(12, socket.MSG_WAITALL).split()[1])


def test_a_list_is_taken_of_whom_a_session_or_a_key_lets_in(
    console: Settings, publication: PublicationFolder
) -> None:
    assert len(FILE) > 2 * server._STRANGER_BYTES
    assert status(console, UPLOAD, FORM | session(publication), FILE) == 303
    fields = {"Content-Type": "application/json"}
    fields["Authorization"] = f"Bearer {api_key(publication)}"
    assert status(console, IMPORT, fields, json.dumps({"csv": LIST}).encode()) == 200


def test_a_large_body_of_anybody_else_is_refused_before_it_is_read(
    console: Settings, publication: PublicationFolder
) -> None:
    with publication.database.writing() as connection:
        # Of somebody who has begun to sign in.
        begun = begin_session(connection, Browser("Firefox", ""), NOW)
    invented = f"{COOKIE}=invented", f"{COOKIE}={begun}", "session=1"
    key = api_key(publication)
    strangers: list[dict[str, str]] = [
        {},
        *({"Cookie": cookie} for cookie in invented),
        *({"Authorization": f"Bearer {one}"} for one in (f"{key}x", "", "pub_1_x")),
        {"Expect": "100-continue"},
    ]
    for fields in strangers:
        for path in (UPLOAD, IMPORT, "/nothing"):
            answer = status(console, path, FORM | fields, b"--x", length=MUCH)
            assert answer == 413, (path, fields)
    chunked = {"Transfer-Encoding": "chunked", "Content-Length": "0"}
    body = b"20000\r\n%s\r\n" % bytes(0x20000)
    assert status(console, UPLOAD, FORM | chunked, body) == 413
    # What every form may have is read, and answered by a page.
    assert status(console, UPLOAD, FORM, FILE[:100_000]) == 403


def test_a_long_text_comes_back_to_whom_the_session_has_ended_meanwhile(
    console: Settings, publication: PublicationFolder
) -> None:
    text = "潮" * MAX_DRAFT_TEXT
    token = begin(publication, "editor", None, "en", NOW - timedelta(days=30))
    form = urlencode({"text": text, "how": "save"})
    assert len(form) > 20 * server._STRANGER_BYTES
    connection = HTTPConnection("127.0.0.1", console.console.port, timeout=PATIENCE)
    fields = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin",
    }
    host = {"Host": f"localhost:{console.console.port}", "Cookie": f"{COOKIE}={token}"}
    connection.request("POST", "/write/en/1/", form, fields | host)
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    assert (answer.status, f'name="text" value="{text}"' in page) == (401, True)


def test_while_the_database_does_not_answer_nobody_waits_for_the_sender_of_a_body_twice(
    console: Settings, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields, is_back = FORM | session(publication), Event()

    def wait(*_given: object) -> bool:
        return is_back.wait(PATIENCE)

    monkeypatch.setattr(server, "has_sender", wait)
    assert status(console, UPLOAD, fields, b"--x", length=MUCH) == 413
    monkeypatch.setattr(server, "_SENDER_SECONDS", PATIENCE)
    assert status(console, UPLOAD, fields, b"--x", length=MUCH) == 413
    assert status(console, "/sign-in/", {}, b"") == 403
    is_back.set()


def test_a_database_that_can_t_be_read_refuses_a_large_body(
    console: Settings, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object) -> NoReturn:
        raise DatabaseError("locked")

    monkeypatch.setattr(server, "has_sender", fail)
    fields = FORM | session(publication)
    assert status(console, UPLOAD, fields, b"--x", length=MUCH) == 413
