"""What holds of every route: header fields, methods, no cookie, and that reading changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import MetaData, select

from publisher.mail.signed_links import LinkKind, sign_link
from publisher.serving import dynamic_pattern
from publisher.testing import SECRET
from publisher.web.security import security_headers
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe

ALWAYS = {name for name, _value in security_headers()}
# Values of the parts of paths; others are words that nobody has signed.
PARTS = {"language": "ar"}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")


def paths(app: flask.Flask) -> Iterator[str]:
    """Give a path of each route."""
    for rule in app.url_map.iter_rules():
        yield re.sub(r"<(?:\w+:)?(\w+)>", lambda part: PARTS.get(part[1], "word"), rule.rule)


def everything(publication: PublicationFolder) -> dict[str, list[tuple[object, ...]]]:
    tables = MetaData()
    with publication.database.reading() as connection:
        tables.reflect(connection)
        return {
            name: [tuple(row) for row in connection.execute(select(table))]
            for name, table in tables.tables.items()
        }


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


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
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
    for path in paths(app):
        for token in tokens:
            client.open(
                path.replace("/word", f"/{token}"),
                method=method,
                query_string={"t": token, "do": "all"},
            )
    assert everything(publication) == before
