from __future__ import annotations

import pytest

from subscribers.consent import next_status
from subscribers.errors import RefusedTransitionError
from subscribers.model import ConsentSource, SubscriberStatus

PENDING, ACTIVE, UNSUBSCRIBED, BOUNCED, COMPLAINED = SubscriberStatus


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
        (ACTIVE, UNSUBSCRIBED, ConsentSource.MAIL),
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
