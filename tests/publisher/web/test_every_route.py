"""What holds of every route: header fields, methods, no cookie, that reading changes nothing, and no faults."""

import base64
import re
from collections.abc import Iterator
from datetime import timedelta

import flask
import pytest
from flask.testing import FlaskClient

from publisher.app.subscribers.join_protection import offer_form
from publisher.mail.signed_addresses import LinkKind, sign_link
from publisher.serving.headers import dynamic_pattern
from publisher.testing import SECRET
from publisher.web.security import security_headers
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.conftest import everything
from tests.publisher.web.test_joining import set_joining
from tests.sizes import by_lane

ALWAYS = {name for name, _value in security_headers()}
# Values of the parts of paths; others are words that nobody has signed.
PARTS = {"language": "ar"}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")


def paths(app: flask.Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        yield re.sub(r"<(?:\w+:)?(\w+)>", lambda part: PARTS.get(part[1], "word"), rule.rule)


def test_every_answer_of_every_route_is_protected(
    app: flask.Flask, client: FlaskClient
) -> None:
    for path in paths(app):
        for method in METHODS:
            answer = client.open(path, method=method)
            assert ALWAYS - {*answer.headers.keys()} == set(), (method, path)
            assert "Set-Cookie" not in answer.headers, (method, path)
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'"), path
            assert "unsafe" not in policy, path
            assert answer.status_code < 500 or answer.status_code == 501, (method, path)
            if method in {"PUT", "PATCH", "DELETE", "TRACE"}:
                assert answer.status_code == 405, (method, path)


def test_every_route_is_passed_on_by_web_servers(
    app: flask.Flask, publication: PublicationFolder
) -> None:
    pattern = re.compile(dynamic_pattern(publication.settings))
    assert [path for path in paths(app) if not pattern.fullmatch(path[1:])] == []


@pytest.mark.parametrize("method", by_lane(["GET", "HEAD"], ["GET", "HEAD", "OPTIONS"]))
def test_reading_changes_nothing_whatever_the_link(
    app: flask.Flask, client: FlaskClient, publication: PublicationFolder, method: str
) -> None:
    subscribe(publication, ("ann@example.com", "en"))
    before = everything(publication)
    kinds: tuple[LinkKind, ...] = (
        *("unsubscribe", "preferences", "web", "confirm", "undo"),
        *("undo-address", "data", "address", "feed"),
    )
    tokens = ["", "word", *(sign_link(SECRET, kind, 1, newsletter="weekly") for kind in kinds)]
    opened = set()
    for path in paths(app):
        for token in tokens:
            answer = client.open(
                path.replace("/word", f"/{token}"),
                method=method,
                query_string={"t": token, "do": "all"},
            )
            if answer.status_code == 200:
                opened.add(path)
    pages = ("subscribe", "confirm", "unsubscribe", "preferences", "preferences/link")
    assert {f"/ar/{page}/" for page in pages} <= opened
    assert everything(publication) == before


# --- what no browser sends

FIELDS = (
    *("action", "address", "authors", "cadence-weekly", "cadence-", "choice", "code", "do"),
    *("email", "hour", "language", "language-1", "length", "machine", "newsletter"),
    *("newsletters", "pause", "proof", "stamp", "subject", "sure", "timezone", "topics"),
    "until",
)
ACTIONS = (
    *("save", "language", "pause", "resume", "access", "feed", "code", "erase"),
    "close",
    "x",
)
# Of proofs of work.
PROOFS = tuple(
    base64.b64encode(one).decode()
    for one in (b"[" * 20_000, b"[]", b'{"challenge": {"parameters": 1}, "solution": null}')
)
HOSTILE = (
    *("", "\0", "a\r\nBcc: b@example.org", "\u2028\u202e\ufeff", "\U0001f600" * 700),
    *("9999-12-31", "-1", "²", "../../etc/passwd", "{{7*7}}{% x %}%(x)s"),
    *("ann@example.com\0", "@", '"a@b"@example.org', "a@" + "x." * 2000, "a@xn--"),
    *("a@[127.0.0.1]", *PROOFS[1:]),
)
FORM, PARTS_OF = "application/x-www-form-urlencoded", "multipart/form-data"
FILE = (
    b'--x\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\nx\r\n--x--\r\n'
)
BODIES = (
    (b"\xff\xfe=%zz&%=%&=;&&", FORM),
    (b"a=%C3%28&email=%ff%00", f"{FORM}; charset=utf-7"),
    (b"--x\r\nContent-Disposition: form-data", f"{PARTS_OF}; boundary=x"),
    (b"--x", PARTS_OF),
    (FILE, f"{PARTS_OF}; boundary=x"),
    (b"{" * 1000, "application/json"),
    (b"&".join(b"email=%d" % number for number in range(5000)), FORM),
)
KINDS: tuple[LinkKind, ...] = ("unsubscribe", "preferences", "confirm", "data")
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def tokens(publication: PublicationFolder) -> list[str]:
    subscribe(publication, ("ann@example.com", "en"))
    return [sign_link(SECRET, kind, 1, newsletter="weekly", number=1) for kind in KINDS]


@pytest.mark.parametrize(("number", "value"), [*enumerate(HOSTILE)])
def test_no_value_of_a_field_is_a_fault(
    app: flask.Flask,
    client: FlaskClient,
    publication: PublicationFolder,
    tokens: list[str],
    number: int,
    value: str,
) -> None:
    with publication.database.reading() as connection:
        stamp = offer_form(connection, publication.settings, NOW - timedelta(minutes=1)).stamp
    query = {"done": value, "language": value}
    data = dict.fromkeys(FIELDS, value) | {"stamp": stamp}
    # In the lane each route gets every third value, and each value some of the routes.
    for path in [*paths(app)][by_lane(number % 3, 0) :: by_lane(3, 1)]:
        page = path.rpartition("/ar/")[2].partition("/")[0]
        token = next(
            (one for one, kind in zip(tokens, KINDS, strict=True) if kind == page), value
        )
        for action in ACTIONS if page in {"preferences", "data"} else ACTIONS[:1]:
            answer = client.post(
                path,
                data=data | {"action": action},
                query_string=query | {"t": token},
                headers=OWN,
            )
            assert answer.status_code < 500, (path, action, answer.text)
        answer = client.get(path, query_string=query | {"t": token})
        assert answer.status_code < 500, path


@pytest.mark.parametrize("value", PROOFS)
def test_no_proof_of_work_is_a_fault(
    client: FlaskClient, publication: PublicationFolder, value: str
) -> None:
    set_joining(publication, proof_of_work_above=0)
    with publication.database.reading() as connection:
        stamp = offer_form(connection, publication.settings, NOW - timedelta(minutes=1)).stamp
    data = {"email": "ann@example.com", "newsletter": "weekly", "stamp": stamp, "proof": value}
    assert client.post("/en/subscribe/", data=data).status_code == 200


@pytest.mark.parametrize(("body", "kind"), BODIES)
def test_no_body_is_a_fault(
    app: flask.Flask, client: FlaskClient, tokens: list[str], body: bytes, kind: str
) -> None:
    for path in paths(app):
        for token in ("", tokens[1]):
            answer = client.post(
                path, data=body, content_type=kind, query_string={"t": token}, headers=OWN
            )
            assert answer.status_code < 500, (path, answer.text)
