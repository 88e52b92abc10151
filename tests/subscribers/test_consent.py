from __future__ import annotations

from itertools import product

import pytest

from subscribers.consent import may_receive_mail, next_status
from subscribers.errors import RefusedTransitionError
from subscribers.model import ConsentSource, SubscriberStatus

PENDING, ACTIVE, UNSUBSCRIBED, BOUNCED, COMPLAINED = SubscriberStatus


@pytest.mark.parametrize(
    ("current", "wanted", "cause"),
    [
        (PENDING, ACTIVE, ConsentSource.READER),
        (UNSUBSCRIBED, PENDING, ConsentSource.READER),
        (BOUNCED, PENDING, ConsentSource.READER),
        (ACTIVE, UNSUBSCRIBED, ConsentSource.READER),
        (BOUNCED, UNSUBSCRIBED, ConsentSource.READER),
        (PENDING, ACTIVE, ConsentSource.IMPORT),
        (ACTIVE, UNSUBSCRIBED, ConsentSource.IMPORT),
        (ACTIVE, BOUNCED, ConsentSource.IMPORT),
        (ACTIVE, BOUNCED, ConsentSource.MAIL),
        (UNSUBSCRIBED, COMPLAINED, ConsentSource.MAIL),
    ],
)
def test_allowed_arrow_is_followed(
    current: SubscriberStatus, wanted: SubscriberStatus, cause: ConsentSource
) -> None:
    assert next_status(current, wanted, cause) is wanted


@pytest.mark.parametrize(
    ("current", "wanted", "cause"),
    [
        (UNSUBSCRIBED, ACTIVE, ConsentSource.READER),
        (COMPLAINED, PENDING, ConsentSource.READER),
        (ACTIVE, COMPLAINED, ConsentSource.READER),
        (ACTIVE, PENDING, ConsentSource.IMPORT),
        (ACTIVE, UNSUBSCRIBED, ConsentSource.MAIL),
        (BOUNCED, ACTIVE, ConsentSource.MAIL),
    ],
)
def test_other_arrow_is_refused(
    current: SubscriberStatus, wanted: SubscriberStatus, cause: ConsentSource
) -> None:
    with pytest.raises(RefusedTransitionError) as caught:
        next_status(current, wanted, cause)
    error = caught.value
    assert (error.current, error.wanted, error.cause) == (current, wanted, cause)
    assert str(error).startswith(f"{current} stays {current}: ")


@pytest.mark.parametrize(
    ("current", "wanted"),
    [(UNSUBSCRIBED, BOUNCED), (COMPLAINED, BOUNCED), (COMPLAINED, UNSUBSCRIBED)],
)
def test_weaker_ground_for_closing_leaves_the_stronger(
    current: SubscriberStatus, wanted: SubscriberStatus
) -> None:
    assert next_status(current, wanted, ConsentSource.IMPORT) is current


@pytest.mark.parametrize(("current", "cause"), list(product(SubscriberStatus, ConsentSource)))
def test_staying_as_it_is_is_always_allowed(
    current: SubscriberStatus, cause: ConsentSource
) -> None:
    assert next_status(current, current, cause) is current


@pytest.mark.parametrize("current", [UNSUBSCRIBED, BOUNCED, COMPLAINED])
@pytest.mark.parametrize("wanted", [PENDING, ACTIVE])
@pytest.mark.parametrize("cause", [ConsentSource.IMPORT, ConsentSource.MAIL])
def test_nobody_but_the_reader_reopens_a_record(
    current: SubscriberStatus, wanted: SubscriberStatus, cause: ConsentSource
) -> None:
    with pytest.raises(RefusedTransitionError):
        next_status(current, wanted, cause)


def test_only_pending_and_active_are_open() -> None:
    assert [status for status in SubscriberStatus if may_receive_mail(status)] == [
        PENDING,
        ACTIVE,
    ]
