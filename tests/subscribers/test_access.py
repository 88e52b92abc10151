"""Requests that prove a mailbox, and sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from subscribers.access import (
    end_session,
    is_access_open,
    request_access,
    session_subscriber_id,
    start_session,
    use_access_code,
    use_access_link,
)
from subscribers.store import known_subscriber
from tests.subscribers.conftest import NOW, a_subscriber, add

if TYPE_CHECKING:
    from sqlalchemy import Connection

HALF_AN_HOUR = timedelta(minutes=30)


def ann(connection: Connection) -> int:
    add(connection, a_subscriber(), a_subscriber("bob@example.org"))
    return known_subscriber(connection, "ann@example.org").id


def test_a_link_is_used_once_within_half_an_hour_by_its_own_subscriber(
    connection: Connection,
) -> None:
    number = ann(connection)
    request = request_access(connection, number, "code", NOW)
    assert not use_access_link(connection, request, number + 1, NOW)
    assert not is_access_open(connection, request, number, NOW + HALF_AN_HOUR)
    assert is_access_open(connection, request, number, NOW)
    assert use_access_link(connection, request, number, NOW)
    assert not use_access_link(connection, request, number, NOW)
    assert not use_access_code(connection, number, "code", NOW)


def test_a_new_request_ends_the_one_before(connection: Connection) -> None:
    number = ann(connection)
    first = request_access(connection, number, "one", NOW)
    request_access(connection, number, "two", NOW)
    assert not use_access_link(connection, first, number, NOW)
    assert not use_access_code(connection, number, "one", NOW)
    assert use_access_code(connection, number, "two", NOW)


def test_five_wrong_codes_end_the_code_and_not_the_link(connection: Connection) -> None:
    number = ann(connection)
    request = request_access(connection, number, "right", NOW)
    for _attempt in range(5):
        assert not use_access_code(connection, number, "wrong", NOW)
    assert not use_access_code(connection, number, "right", NOW)
    assert use_access_link(connection, request, number, NOW)


def test_a_session_ends_after_half_an_hour_or_when_it_is_ended(connection: Connection) -> None:
    number = ann(connection)
    start_session(connection, number, "first", NOW)
    start_session(connection, number, "second", NOW + timedelta(minutes=1))
    assert session_subscriber_id(connection, "first", NOW) == number
    assert session_subscriber_id(connection, "first", NOW + HALF_AN_HOUR) is None
    assert session_subscriber_id(connection, "second", NOW + HALF_AN_HOUR) == number
    end_session(connection, "second")
    assert session_subscriber_id(connection, "second", NOW) is None
    assert session_subscriber_id(connection, "never", NOW) is None
