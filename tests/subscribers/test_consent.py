from __future__ import annotations

from itertools import product

import pytest

from subscribers.consent import is_open, moved
from subscribers.errors import RefusedTransitionError
from subscribers.model import Cause, Status

PENDING, ACTIVE, UNSUBSCRIBED, BOUNCED, COMPLAINED = Status


@pytest.mark.parametrize(
    ("current", "wanted", "cause"),
    [
        (PENDING, ACTIVE, Cause.READER),
        (UNSUBSCRIBED, PENDING, Cause.READER),
        (BOUNCED, PENDING, Cause.READER),
        (ACTIVE, UNSUBSCRIBED, Cause.READER),
        (BOUNCED, UNSUBSCRIBED, Cause.READER),
        (PENDING, ACTIVE, Cause.IMPORT),
        (ACTIVE, UNSUBSCRIBED, Cause.IMPORT),
        (ACTIVE, BOUNCED, Cause.IMPORT),
        (ACTIVE, BOUNCED, Cause.MAIL),
        (UNSUBSCRIBED, COMPLAINED, Cause.MAIL),
    ],
)
def test_allowed_arrow_is_followed(current: Status, wanted: Status, cause: Cause) -> None:
    assert moved(current, wanted, cause) is wanted


@pytest.mark.parametrize(
    ("current", "wanted", "cause"),
    [
        (UNSUBSCRIBED, ACTIVE, Cause.READER),
        (COMPLAINED, PENDING, Cause.READER),
        (ACTIVE, COMPLAINED, Cause.READER),
        (ACTIVE, PENDING, Cause.IMPORT),
        (ACTIVE, UNSUBSCRIBED, Cause.MAIL),
        (BOUNCED, ACTIVE, Cause.MAIL),
    ],
)
def test_other_arrow_is_refused(current: Status, wanted: Status, cause: Cause) -> None:
    with pytest.raises(RefusedTransitionError) as caught:
        moved(current, wanted, cause)
    error = caught.value
    assert (error.current, error.wanted, error.cause) == (current, wanted, cause)
    assert str(error).startswith(f"{current} stays {current}: ")


@pytest.mark.parametrize(
    ("current", "wanted"),
    [(UNSUBSCRIBED, BOUNCED), (COMPLAINED, BOUNCED), (COMPLAINED, UNSUBSCRIBED)],
)
def test_weaker_ground_for_closing_leaves_the_stronger(current: Status, wanted: Status) -> None:
    assert moved(current, wanted, Cause.IMPORT) is current


@pytest.mark.parametrize(("current", "cause"), list(product(Status, Cause)))
def test_staying_as_it_is_is_always_allowed(current: Status, cause: Cause) -> None:
    assert moved(current, current, cause) is current


@pytest.mark.parametrize("current", [UNSUBSCRIBED, BOUNCED, COMPLAINED])
@pytest.mark.parametrize("wanted", [PENDING, ACTIVE])
@pytest.mark.parametrize("cause", [Cause.IMPORT, Cause.MAIL])
def test_nobody_but_the_reader_reopens_a_record(
    current: Status, wanted: Status, cause: Cause
) -> None:
    with pytest.raises(RefusedTransitionError):
        moved(current, wanted, cause)


def test_only_pending_and_active_are_open() -> None:
    assert [status for status in Status if is_open(status)] == [PENDING, ACTIVE]
