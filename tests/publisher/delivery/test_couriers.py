"""A courier sends what it is promised, tells what became of it, and keeps nothing to itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import pytest

from publisher.delivery import worker
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.transports.base import OutgoingMessage, TransportConnection, Unreachable
from publisher.delivery.worker import (
    CUT_OFF,
    FIRST_RECONNECT_WAIT,
    LEFT,
    LONGEST_REST,
    SendWorker,
)
from publisher.errors import DatabaseError, DeliveryError
from publisher.testing import MemoryTransport
from tests.publisher.delivery.claims import claims
from tests.publisher.delivery.offices import Office, parcel_of
from tests.publisher.delivery.threads import until

LATER = Outcome(SendStatus.DEFERRED, "450 later")
NOT_SENT = Outcome(SendStatus.NOT_SENT, "the line was lost")
ANN, BOB, CYD = claims(3)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    # So that nobody waits half a second for a line that will be there.
    monkeypatch.setattr(worker, "FIRST_RECONNECT_WAIT", 0.001)
    office = Office()
    yield office
    office.close()


# --- sending


def test_what_was_promised_is_sent_in_order_and_told(office: Office) -> None:
    office.start()
    office.promise(ANN, BOB, CYD)
    office.until_done(3)
    assert office.results == [
        (ANN, ACCEPTED_OUTCOME),
        (BOB, ACCEPTED_OUTCOME),
        (CYD, ACCEPTED_OUTCOME),
    ]
    assert [line.sent for line in office.lines] == [[1, 2, 3]]
    assert office.returned == []


def test_whatever_the_other_side_says_is_told(office: Office) -> None:
    office.answer = lambda outgoing: (
        LATER if outgoing.message.subscriber_id == 2 else ACCEPTED_OUTCOME
    )
    office.start()
    office.promise(ANN, BOB)
    office.until_done(2)
    assert office.results == [(ANN, ACCEPTED_OUTCOME), (BOB, LATER)]


def test_a_courier_sends_by_the_transport_that_it_is_given(office: Office) -> None:
    transport = MemoryTransport(connections=1)
    office.start(connect=lambda: transport.connect(7, lambda: True))
    office.promise(ANN, BOB)
    office.until_done(2)
    assert [outgoing.key for outgoing in transport.taken] == [ANN.key, BOB.key]
    assert transport.at_once == 1
    office.close()
    assert transport.at_once == 0


def test_a_message_is_written_once_and_the_next_before_its_turn(office: Office) -> None:
    office.start()
    office.promise(ANN, BOB, CYD)
    office.until_done(3)
    assert office.written == [1, 2, 3]
    assert office.lines[0].next_message == [2, 3, None]


def test_who_has_left_gets_nothing(office: Office) -> None:
    office.wanted = {2: False}
    office.start()
    office.promise(ANN, BOB, CYD)
    office.until_done(3)
    assert office.results == [(ANN, ACCEPTED_OUTCOME), (BOB, LEFT), (CYD, ACCEPTED_OUTCOME)]
    assert office.lines[0].sent == [1, 3]


def test_what_is_not_being_sent_any_more_comes_back_unbegun(office: Office) -> None:
    office.wanted = {1: None}
    office.start()
    office.promise(ANN, BOB)
    office.until_done(2)
    assert (office.results, office.returned) == ([(BOB, ACCEPTED_OUTCOME)], [ANN])
    assert office.lines[0].sent == [2]


def test_who_cannot_be_written_to_is_left_out_and_holds_up_nobody(office: Office) -> None:
    def write(claim: Claim) -> OutgoingMessage:
        if claim == BOB:
            raise DeliveryError("no header can hold that")
        return parcel_of(claim)

    office.start(write=write)
    office.promise(ANN, BOB, CYD)
    office.until_done(3)
    unwritable = Outcome(
        SendStatus.UNSENDABLE, "no message can be written: no header can hold that"
    )
    assert office.results == [
        (ANN, ACCEPTED_OUTCOME),
        (BOB, unwritable),
        (CYD, ACCEPTED_OUTCOME),
    ]
    assert office.lines[0].next_message == [None, None]


# --- connections


def test_nothing_is_asked_for_before_there_is_a_connection(office: Office) -> None:
    down = [True]

    def connect() -> TransportConnection:
        if down[0]:
            raise Unreachable("nobody listens")
        return office.connect()

    office.start(connect=connect)
    until(lambda: bool(office.desk.troubles()))
    assert office.desk.demand() == {}
    down.clear()
    down.append(False)
    office.promise(ANN)
    office.until_done(1)
    assert office.results == [(ANN, ACCEPTED_OUTCOME)]
    assert office.desk.troubles() == []


def test_each_try_without_a_connection_is_counted(office: Office) -> None:
    trouble = Unreachable("nobody listens")

    def connect() -> TransportConnection:
        raise trouble

    office.start(connect=connect)
    until(lambda: office.desk.troubles() >= [(3, trouble)])
    assert {reason for _, reason in office.desk.troubles()} == {trouble}


def test_a_connection_that_ends_after_an_answer_is_followed_by_another(office: Office) -> None:
    office.lasts = 1
    office.start()
    office.promise(ANN)
    office.until_done(1)
    office.promise(BOB)
    office.until_done(2)
    assert [line.sent for line in office.lines[:2]] == [[1], [2]]
    assert office.desk.troubles() == []


def test_a_connection_that_ends_without_an_answer_is_as_good_as_none(office: Office) -> None:
    office.lasts, office.answer = 1, lambda _outgoing: NOT_SENT
    office.start()
    office.promise(ANN, BOB)
    until(lambda: bool(office.desk.troubles()))
    office.until_done(2)
    assert (office.results, office.returned) == ([(ANN, NOT_SENT)], [BOB])
    ((count, trouble),) = office.desk.troubles()
    assert (count, str(trouble), trouble.is_final) == (1, NOT_SENT.reason, False)


def test_a_connection_that_is_closed_at_once_says_at_least_that(office: Office) -> None:
    office.lasts = 0
    office.start()
    until(lambda: bool(office.desk.troubles()))
    assert str(office.desk.troubles()[0][1]) == "no connection stays open"


def test_where_nothing_is_taken_from_us_at_all_the_row_comes_back_unbegun(
    office: Office,
) -> None:
    final = Unreachable("535 who are you", is_final=True)

    def refused(_outgoing: OutgoingMessage) -> Outcome:
        raise final

    office.answer = refused
    office.start()
    office.promise(ANN, BOB)
    until(lambda: bool(office.desk.troubles()))
    office.until_done(2)
    assert (office.results, office.returned) == ([], [ANN, BOB])
    assert office.desk.troubles()[0] == (1, final)


# --- faults of the program


def test_what_was_being_sent_when_the_program_failed_is_unknown(office: Office) -> None:
    def fails(_outgoing: OutgoingMessage) -> Outcome:
        raise ZeroDivisionError

    office.answer = fails
    office.start()
    office.promise(ANN, BOB)
    assert isinstance(office.fault(), ZeroDivisionError)
    assert (office.results, office.returned) == ([(ANN, CUT_OFF)], [BOB])
    assert CUT_OFF.status is SendStatus.UNKNOWN


@pytest.mark.parametrize("part", ["write", "look"])
def test_what_was_not_begun_when_the_program_failed_comes_back(
    office: Office, part: str
) -> None:
    def fails(claim: Claim) -> NoReturn:
        raise DatabaseError(f"{claim.key}: the disk is gone")

    if part == "write":
        office.start(write=fails)
    else:
        office.start(look=fails)
    office.promise(ANN, BOB)
    assert str(office.fault()) == f"{ANN.key}: the disk is gone"
    assert (office.results, office.returned) == ([], [ANN, BOB])
    assert office.lines[0].sent == []


def test_a_message_ahead_of_its_turn_that_fails_the_program_leaves_no_doubt(
    office: Office,
) -> None:
    def write(claim: Claim) -> OutgoingMessage:
        if claim == BOB:
            raise ZeroDivisionError
        return parcel_of(claim)

    office.start(write=write)
    office.promise(ANN, BOB)
    assert isinstance(office.fault(), ZeroDivisionError)
    assert (office.results, office.returned) == ([], [ANN, BOB])
    assert office.lines[0].sent == []


# --- rests


def test_rests_grow_to_a_bound_and_are_not_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    office = Office()
    courier = SendWorker(0, office.desk, office.connect, office.write, office.look)
    assert courier._rest(0) == 0.0
    for failures in range(1, 40):
        least = min(FIRST_RECONNECT_WAIT * 2 ** (failures - 1), LONGEST_REST)
        rests = {courier._rest(failures) for _ in range(20)}
        assert least <= min(rests) < max(rests) <= 2 * least


def test_who_rests_goes_home_when_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FIRST_RECONNECT_WAIT", 10_000.0)
    monkeypatch.setattr(worker, "LONGEST_REST", 10_000.0)

    def connect() -> TransportConnection:
        raise Unreachable("nobody listens")

    office.start(connect=connect)
    until(lambda: bool(office.desk.troubles()))
    office.close()
    assert office.desk.troubles()[0][0] == 1
