"""Rows of uploaded lists, and the consent that they state."""

from itertools import product

import pytest

from subscribers.consent import next_status
from subscribers.errors import BadFileError, BadRow, RefusedTransitionError
from subscribers.lists.columns import OWN_COLUMNS
from subscribers.lists.rows import SubscriberRow, parse_rows
from subscribers.model import ConsentSource, Subscriber, SubscriberStatus
from tests.subscribers.conftest import PUBLICATION, a_subscriber

PENDING, ACTIVE, UNSUBSCRIBED, BOUNCED, COMPLAINED = SubscriberStatus


def parsed(header: str, *rows: str) -> list[SubscriberRow | BadRow]:
    lines = enumerate([header, *rows], start=1)
    return list(parse_rows([(line, row.split(",")) for line, row in lines], PUBLICATION))


def subscriber_of(header: str, row: str) -> Subscriber:
    (good,) = parsed(header, row)
    assert isinstance(good, SubscriberRow)
    return good.subscriber


def bad_row_of(header: str, row: str) -> BadRow:
    (bad,) = parsed(header, row)
    assert isinstance(bad, BadRow)
    return bad


def test_a_full_row_is_a_subscriber() -> None:
    row = "Ann@example.org,Ann  Example,zh_CN,asia/shanghai,weekly ?daily !monthly,active"
    assert subscriber_of(",".join(OWN_COLUMNS), row) == a_subscriber(
        "Ann@example.org",
        language="zh-Hans",
        timezone="Asia/Shanghai",
        pending=("daily",),
        declined=("monthly",),
    )


def test_only_the_address_is_required_and_names_are_one_line() -> None:
    assert subscriber_of("email", "ann@example.org") == a_subscriber(
        name="", newsletters=("daily", "monthly", "weekly")
    )
    (row,) = parsed(",".join(OWN_COLUMNS), "ann@example.org,,,,,")
    assert isinstance(row, SubscriberRow)
    assert row.subscriber == a_subscriber(name="", newsletters=())
    assert row.given == {"email", "name", "timezone", "newsletters"}
    assert (
        subscriber_of("email,name", "a@example.org,\u00a0Zoe\u0308 \n E. ").name
        == "Zo\u00eb E."
    )


@pytest.mark.parametrize("status", ["unsubscribed", "Complained"])
def test_an_unsubscribed_address_has_no_active_subscription(status: str) -> None:
    listed = subscriber_of(
        "email,newsletters,status", f"ann@example.org,weekly ?daily,{status}"
    )
    assert listed.subscriptions == dict.fromkeys(("daily", "weekly"), UNSUBSCRIBED)
    assert subscriber_of("email,status", f"ann@example.org,{status}").subscriptions == {}


@pytest.mark.parametrize(
    ("header", "row", "column", "reason"),
    [
        ("email,name", ",Ann", "email", "it is empty"),
        ("email", "ann.example.org", "email", "@-sign"),
        ("email", "ann@example.org\nBcc", "email", "line break"),
        ("email,name", "a@example.org,A\x07nn", "name", "control character"),
        ("email,name", "a@example.org,A\ud800nn", "name", "it is not UTF-8"),
        ("email,name", "\udce9@example.org,Ann", "email", "it is not UTF-8"),
        ("email,name", "a@example.org," + "x" * 201, "name", "201 characters"),
        ("email,language", "a@example.org,fr", "language", "'fr' is no language"),
        ("email,timezone", "a@example.org,Mars/Base", "timezone", "'Mars/Base' is no IANA"),
        ("email,timezone", "a@example.org,../etc", "timezone", "is no IANA"),
        (
            "email,newsletters",
            "a@example.org,weekly hourly",
            "newsletters",
            "'hourly' is none of",
        ),
        (
            "email,newsletters",
            "a@example.org,weekly.monthly",
            "newsletters",
            "'weekly.monthly' is a digest, which the subscriber chooses; write 'weekly'",
        ),
        ("email,newsletters", "a@example.org,?", "newsletters", "'' is none of"),
        ("email,newsletters", "a@example.org,weekly !weekly", "newsletters", "in two ways"),
        (
            "email,status",
            "a@example.org,asleep",
            "status",
            "'asleep' is none of pending, active",
        ),
        ("email,name", "a@example.org", "", "1 cells below 2 columns"),
        ("email", "a@example.org,b", "", "2 cells below 1 columns"),
    ],
)
def test_a_bad_cell_is_reported_with_column_and_reason(
    header: str, row: str, column: str, reason: str
) -> None:
    bad = bad_row_of(header, row)
    assert (bad.line, bad.column) == (2, column)
    assert reason in bad.reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("email,langauge", "unknown column 'langauge'; did you mean language?"),
        ("email,name,Email", "email is there twice"),
        ("name,language", "no column email"),
        ("email,n\udce4me", "it is not UTF-8; save the file as CSV in UTF-8"),
    ],
)
def test_a_wrong_header_is_an_error(header: str, reason: str) -> None:
    with pytest.raises(BadFileError, match=reason) as caught:
        parsed(header, "x")
    assert caught.value.line == 1


BY_READER, BY_OWNER = ConsentSource.SUBSCRIBER, ConsentSource.OWNER
BY_IMPORT, BY_MAIL = ConsentSource.IMPORT, ConsentSource.MAIL


@pytest.mark.parametrize(
    ("current", "wanted", "source", "result"),
    [
        (PENDING, ACTIVE, BY_READER, ACTIVE),
        (UNSUBSCRIBED, PENDING, BY_READER, PENDING),
        (BOUNCED, PENDING, BY_READER, PENDING),
        (ACTIVE, UNSUBSCRIBED, BY_READER, UNSUBSCRIBED),
        (BOUNCED, UNSUBSCRIBED, BY_READER, UNSUBSCRIBED),
        (UNSUBSCRIBED, ACTIVE, BY_OWNER, ACTIVE),
        (BOUNCED, ACTIVE, BY_OWNER, ACTIVE),
        (ACTIVE, UNSUBSCRIBED, BY_OWNER, UNSUBSCRIBED),
        (PENDING, ACTIVE, BY_IMPORT, ACTIVE),
        (ACTIVE, UNSUBSCRIBED, BY_IMPORT, UNSUBSCRIBED),
        (ACTIVE, BOUNCED, BY_IMPORT, BOUNCED),
        (ACTIVE, BOUNCED, BY_MAIL, BOUNCED),
        (ACTIVE, UNSUBSCRIBED, BY_MAIL, UNSUBSCRIBED),
        (UNSUBSCRIBED, COMPLAINED, BY_MAIL, COMPLAINED),
        # A weaker reason for closing does not replace a stronger.
        (UNSUBSCRIBED, BOUNCED, BY_IMPORT, UNSUBSCRIBED),
        (COMPLAINED, BOUNCED, BY_IMPORT, COMPLAINED),
        (COMPLAINED, UNSUBSCRIBED, BY_IMPORT, COMPLAINED),
        # Others are refused.
        (UNSUBSCRIBED, ACTIVE, BY_READER, None),
        (COMPLAINED, PENDING, BY_READER, None),
        (ACTIVE, COMPLAINED, BY_READER, None),
        (PENDING, ACTIVE, BY_OWNER, None),
        (COMPLAINED, ACTIVE, BY_OWNER, None),
        (ACTIVE, BOUNCED, BY_OWNER, None),
        (ACTIVE, PENDING, BY_IMPORT, None),
        *product(
            (UNSUBSCRIBED, BOUNCED, COMPLAINED), (PENDING, ACTIVE), (BY_IMPORT, BY_MAIL), [None]
        ),
    ],
)
def test_who_may_change_which_status(
    current: SubscriberStatus,
    wanted: SubscriberStatus,
    source: ConsentSource,
    result: SubscriberStatus | None,
) -> None:
    if result is not None:
        assert next_status(current, wanted, source) is result
        return
    with pytest.raises(RefusedTransitionError) as caught:
        next_status(current, wanted, source)
    error = caught.value
    assert (error.current, error.wanted, error.source) == (current, wanted, source)
    assert str(error).startswith(f"{current} stays {current}: ")
