"""Forms that no browser sends: each is answered, and none by a fault of the program."""

from __future__ import annotations

import base64
from datetime import timedelta

import flask
import pytest
from flask.testing import FlaskClient

from publisher.app.join_protection import offer_form
from publisher.mail.signed_links import LinkKind, sign_link
from publisher.testing import SECRET
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.test_every_route import paths
from tests.publisher.web.test_joining import set_joining

FIELDS = (
    *("action", "address", "authors", "cadence-weekly", "cadence-", "choice", "code", "do"),
    *("email", "hour", "language", "language-1", "length", "machine", "newsletter"),
    *(
        "newsletters",
        "pause",
        "proof",
        "stamp",
        "subject",
        "sure",
        "timezone",
        "topics",
        "until",
    ),
)
ACTIONS = (
    "save",
    "language",
    "pause",
    "resume",
    "access",
    "feed",
    "code",
    "erase",
    "close",
    "x",
)
HOSTILE = (
    "",
    "\0",
    "a\r\nBcc: b@example.org",
    "\u2028\u202e\ufeff",
    "\U0001f600" * 700,
    "9999-12-31",
    "-1",
    "²",
    "../../etc/passwd",
    "{{7*7}}{% x %}%(x)s",
    "ann@example.com\0",
    "@",
    '"a@b"@example.org',
    "a@" + "x." * 2000,
    "a@xn--",
    "a@[127.0.0.1]",
    # Of proofs of work.
    base64.b64encode(b"[" * 20_000).decode(),
    base64.b64encode(b"[]").decode(),
    base64.b64encode(b'{"challenge": {"parameters": 1}, "solution": null}').decode(),
)
BODIES = (
    (b"\xff\xfe=%zz&%=%&=;&&", "application/x-www-form-urlencoded"),
    (b"a=%C3%28&email=%ff%00", "application/x-www-form-urlencoded; charset=utf-7"),
    (b"--x\r\nContent-Disposition: form-data", "multipart/form-data; boundary=x"),
    (b"--x", "multipart/form-data"),
    (
        b'--x\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\nx\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
    ),
    (b"{" * 1000, "application/json"),
    (
        b"&".join(b"email=%d" % number for number in range(5000)),
        "application/x-www-form-urlencoded",
    ),
)
KINDS: tuple[LinkKind, ...] = ("unsubscribe", "preferences", "confirm", "data")
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def tokens(publication: PublicationFolder) -> list[str]:
    subscribe(publication, ("ann@example.com", "en"))
    return [sign_link(SECRET, kind, 1, newsletter="weekly", number=1) for kind in KINDS]


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_of_a_field_is_a_fault(
    app: flask.Flask,
    client: FlaskClient,
    publication: PublicationFolder,
    tokens: list[str],
    value: str,
) -> None:
    with publication.database.reading() as connection:
        stamp = offer_form(connection, publication.settings, NOW - timedelta(minutes=1)).stamp
    query = {"done": value, "language": value}
    data = dict.fromkeys(FIELDS, value) | {"stamp": stamp}
    for path in paths(app):
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


@pytest.mark.parametrize("value", HOSTILE[-3:])
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
