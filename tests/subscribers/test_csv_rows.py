"""Rows of uploaded lists, and the consent that they state."""

import pytest

from subscribers.consent import next_status
from subscribers.errors import BadFileError, BadRow, RefusedTransitionError
from subscribers.lists.columns import OWN_COLUMNS
from subscribers.lists.rows import (
    SubscriberRow,
    parse_rows,
)
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


@pytest.mark.parametrize(
    ("current", "wanted", "source"),
    [
        (PENDING, ACTIVE, ConsentSource.SUBSCRIBER),
        (UNSUBSCRIBED, PENDING, ConsentSource.SUBSCRIBER),
        (BOUNCED, PENDING, ConsentSource.SUBSCRIBER),
        (ACTIVE, UNSUBSCRIBED, ConsentSource.SUBSCRIBER),
        (BOUNCED, UNSUBSCRIBED, ConsentSource.SUBSCRIBER),
        (UNSUBSCRIBED, ACTIVE, ConsentSource.OWNER),
        (BOUNCED, ACTIVE, ConsentSource.OWNER),
        (ACTIVE, UNSUBSCRIBED, ConsentSource.OWNER),
        (PENDING, ACTIVE, ConsentSource.IMPORT),
        (ACTIVE, UNSUBSCRIBED, ConsentSource.IMPORT),
        (ACTIVE, BOUNCED, ConsentSource.IMPORT),
        (ACTIVE, BOUNCED, ConsentSource.MAIL),
        (ACTIVE, UNSUBSCRIBED, ConsentSource.MAIL),
        (UNSUBSCRIBED, COMPLAINED, ConsentSource.MAIL),
    ],
)
def test_allowed_changes(
    current: SubscriberStatus, wanted: SubscriberStatus, source: ConsentSource
) -> None:
    assert next_status(current, wanted, source) is wanted


@pytest.mark.parametrize(
    ("current", "wanted", "source"),
    [
        (UNSUBSCRIBED, ACTIVE, ConsentSource.SUBSCRIBER),
        (COMPLAINED, PENDING, ConsentSource.SUBSCRIBER),
        (ACTIVE, COMPLAINED, ConsentSource.SUBSCRIBER),
        (PENDING, ACTIVE, ConsentSource.OWNER),
        (COMPLAINED, ACTIVE, ConsentSource.OWNER),
        (ACTIVE, BOUNCED, ConsentSource.OWNER),
        (ACTIVE, PENDING, ConsentSource.IMPORT),
        (BOUNCED, ACTIVE, ConsentSource.MAIL),
    ],
)
def test_other_changes_are_refused(
    current: SubscriberStatus, wanted: SubscriberStatus, source: ConsentSource
) -> None:
    with pytest.raises(RefusedTransitionError) as caught:
        next_status(current, wanted, source)
    error = caught.value
    assert (error.current, error.wanted, error.source) == (current, wanted, source)
    assert str(error).startswith(f"{current} stays {current}: ")


@pytest.mark.parametrize(
    ("current", "wanted"),
    [(UNSUBSCRIBED, BOUNCED), (COMPLAINED, BOUNCED), (COMPLAINED, UNSUBSCRIBED)],
)
def test_a_weaker_reason_for_closing_does_not_replace_a_stronger(
    current: SubscriberStatus, wanted: SubscriberStatus
) -> None:
    assert next_status(current, wanted, ConsentSource.IMPORT) is current


@pytest.mark.parametrize("current", [UNSUBSCRIBED, BOUNCED, COMPLAINED])
@pytest.mark.parametrize("wanted", [PENDING, ACTIVE])
@pytest.mark.parametrize("source", [ConsentSource.IMPORT, ConsentSource.MAIL])
def test_imports_and_returned_mail_reopen_no_record(
    current: SubscriberStatus, wanted: SubscriberStatus, source: ConsentSource
) -> None:
    with pytest.raises(RefusedTransitionError):
        next_status(current, wanted, source)
