"""What a clerk writes, and when anybody gets to hear of it; steps are taken by hand, no threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection as Db
from structlog.testing import capture_logs

from publisher.config.delivery import DeliverySettings, DomainRateSettings, RateSettings
from publisher.delivery.fair_queue import round_robin
from publisher.delivery.job import Job
from publisher.delivery.lease_holder import revoke_dead_leases
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus, ThrottleScope
from publisher.delivery.rates import RateLimiter
from publisher.delivery.retry_policy import RetryPolicy
from publisher.delivery.transports.base import Guarantee, TransportConnection
from publisher.mail import compile_mail
from publisher.testing import SECRET, FakeTimer, MemoryTransport
from subscribers import SubscriberStatus, find_subscriber, unsubscribe
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.claims import claims
from tests.publisher.delivery.ledger.books import Book, S, open_book
from tests.publisher.delivery.mailing import counts, erase
from tests.publisher.delivery.senders import (
    COURIERS,
    LeaseLost,
    RolledBackError,
    Sender,
    Times,
)
from tests.publisher.mail.samples import an_issue_mail

NAMES = [f"reader.{number}@example.com" for number in range(12)]
DEFERRED = Outcome(SendStatus.DEFERRED, "later")
DEAD = Outcome(SendStatus.REFUSED, "nobody there", is_dead_address=True)
UNKNOWN = Outcome(SendStatus.UNKNOWN, "no answer")
NOT_SENT = Outcome(SendStatus.NOT_SENT, "the line was lost")


@dataclass
class Scene:
    """An issue of a few readers and senders at work on it, all by hand."""

    house: House
    books: list[Book]
    transport: MemoryTransport
    times: Times = field(default_factory=lambda: Times(FakeTimer(NOW.timestamp())))
    senders: list[Sender] = field(default_factory=list)

    def sender(
        self, rates: RateLimiter | None = None, terms: RetryPolicy | None = None
    ) -> Sender:
        """Start another sender, with all its connections open."""
        letter = compile_mail(an_issue_mail("en"), SECRET)
        jobs = {
            book.number: Job(book.issue, letter, terms or RetryPolicy(), "bounces@example.org")
            for book in self.books
        }
        one = Sender(self.house, self.transport, jobs, self.times, rates)
        for number in range(COURIERS):
            one.step(number, self.answering(ACCEPTED_OUTCOME))
        self.senders.append(one)
        return one

    def answering(self, outcome: Outcome) -> Callable[[Claim, TransportConnection], Outcome]:
        def hand_over(claim: Claim, connection: TransportConnection) -> Outcome:
            self.transport.outcomes = lambda _outgoing: outcome
            job = self.senders[0].jobs[claim.issue_id]
            return connection.send(job.outgoing(claim))

        return hand_over

    def send(self, one: Sender, outcome: Outcome = ACCEPTED_OUTCOME, *couriers: int) -> None:
        """Let couriers send and report what they were promised."""
        for number in couriers or range(COURIERS):
            while one.desk.next_message(number) or one.couriers[number].claim:
                one.step(number, self.answering(outcome))

    def page(self, one: Sender) -> None:
        with one.page():
            pass

    def counts(self, book: int = 0) -> dict[str, int]:
        return counts(self.house, self.books[book].issue)

    def end(self, one: Sender) -> None:
        one.end(self.answering(ACCEPTED_OUTCOME))


def a_scene(
    house: House,
    readers: int = 5,
    guarantee: Guarantee = "ambiguous",
    *,
    prefetch: int = 2,
    delivery: DeliverySettings | None = None,
) -> Scene:
    house.settings = replace(house.settings, delivery=delivery or DeliverySettings())
    book = open_book(house, *NAMES[:readers])
    return Scene(house, [book], MemoryTransport(guarantee, prefetch=prefetch))


def prefetch(one: Sender) -> list[int]:
    """List the readers whom couriers were promised and have not taken yet."""
    places = one.desk._places
    return sorted(claim.reader.id for place in places for claim in place.queue)


# --- promising


def test_couriers_are_promised_what_they_want_and_no_more(house: House) -> None:
    scene = a_scene(house)
    one = scene.sender()
    scene.page(one)
    assert prefetch(one) == [1, 2, 3, 4]
    assert scene.counts() == {"attempting": 4, "claimed": 1}
    scene.page(one)
    assert scene.counts() == {"attempting": 4, "claimed": 1}


def test_nobody_is_promised_anything_before_it_is_committed(house: House) -> None:
    scene = a_scene(house)
    one = scene.sender()
    with one.page() as page:
        assert sum(map(len, page.deal.portions.values())) == 4
        assert prefetch(one) == []
        assert scene.counts() == {"pending": 5}
    assert prefetch(one) == [1, 2, 3, 4]


def test_a_page_that_was_not_committed_is_as_if_it_had_never_been(house: House) -> None:
    scene = a_scene(house)
    one = scene.sender()
    with pytest.raises(RolledBackError), one.page():
        raise RolledBackError
    assert prefetch(one) == []
    assert scene.counts() == {"pending": 5}
    scene.page(one)
    assert prefetch(one) == [1, 2, 3, 4]


def test_outcomes_are_kept_until_a_page_is_committed(house: House) -> None:
    scene = a_scene(house)
    one = scene.sender()
    scene.page(one)
    scene.send(one)
    for _attempt in range(2):
        with pytest.raises(RolledBackError), one.page():
            raise RolledBackError
        assert (scene.transport.settled, one.clerk.accepted) == ([], 0)
    scene.page(one)
    assert len(scene.transport.settled) == one.clerk.accepted == 4
    assert scene.counts() == {"sent": 4, "attempting": 1}


def test_a_courier_without_a_connection_is_promised_nothing(house: House) -> None:
    scene = a_scene(house)
    one = scene.sender()
    one.hang_up(0)
    scene.page(one)
    assert prefetch(one) == [1, 2]


def test_what_a_lost_line_gives_back_goes_to_another_courier_and_is_no_attempt(
    house: House,
) -> None:
    scene = a_scene(house, 2, prefetch=1)
    one = scene.sender()
    scene.page(one)
    one.hang_up(0)
    scene.send(one, ACCEPTED_OUTCOME, 1)
    scene.page(one)
    scene.send(one, ACCEPTED_OUTCOME, 1)
    scene.page(one)
    assert scene.counts() == {"sent": 2}
    assert {row.attempts for row in scene.books[0].rows.values()} == {1}
    assert len(scene.transport.taken) == 2


def test_a_line_that_is_lost_while_a_page_is_written_costs_nothing(house: House) -> None:
    scene = a_scene(house, 2, prefetch=1)
    one = scene.sender()
    with one.page():
        one.hang_up(0)
    scene.send(one, ACCEPTED_OUTCOME, 1)
    scene.page(one)
    scene.send(one, ACCEPTED_OUTCOME, 1)
    scene.page(one)
    assert scene.counts() == {"sent": 2}


def test_readers_who_left_make_room_for_others_in_the_same_page(house: House) -> None:
    scene = a_scene(house, 8, prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.send(one)
    with house.database.writing() as connection:
        for email in NAMES[2:6]:
            unsubscribe(connection, email, "weekly", NOW)
    scene.page(one)
    assert prefetch(one) == [7, 8]
    assert scene.counts() == {"sent": 2, "suppressed": 4, "attempting": 2}


def test_who_was_erased_is_suppressed_and_promised_to_nobody(house: House) -> None:
    scene = a_scene(house, 3)
    erase(house.database, NAMES[1])
    one = scene.sender()
    scene.page(one)
    assert prefetch(one) == [1, 3]
    assert scene.counts() == {"attempting": 2, "suppressed": 1}


def test_a_row_that_was_claimed_before_a_pause_and_after_it_is_promised_once(
    house: House,
) -> None:
    scene = a_scene(house, 6)
    one = scene.sender()
    scene.page(one)
    scene.send(one)
    # Two are claimed, and lie in stock.
    scene.books[0].pause()
    scene.books[0].resume()
    scene.page(one)
    assert prefetch(one) == [5, 6]
    scene.send(one)
    scene.page(one)
    assert scene.counts() == {"sent": 6}
    assert len(scene.transport.taken) == 6


def test_issues_take_turns_in_being_claimed(house: House) -> None:
    scene = a_scene(house, 2, prefetch=1)
    scene.books.append(open_book(house, "a@example.net", "b@example.net", language="ar"))
    one = scene.sender()
    scene.page(one)
    scene.send(one)
    scene.page(one)
    assert scene.counts(0) == {"sent": 2}
    assert scene.counts(1) == {"attempting": 2}


@given(
    demand=st.dictionaries(st.integers(0, 9), st.integers(1, 9), min_size=1),
    data=st.data(),
)
def test_rows_are_dealt_one_to_each_and_to_nobody_more_than_asked_for(
    demand: dict[int, int], data: st.DataObject
) -> None:
    some = claims(data.draw(st.integers(0, sum(demand.values()))))
    hands = round_robin(some, demand)
    assert Counter(claim for hand in hands.values() for claim in hand) == Counter(some)
    for number, hand in hands.items():
        assert 0 < len(hand) <= demand[number]
    # Who got less than another would have been given more, had she asked.
    for number, most in demand.items():
        got = len(hands.get(number, []))
        assert got == most or all(len(hand) <= got + 1 for hand in hands.values())


# --- settling


def test_what_was_accepted_is_told_to_the_transport_once_it_is_committed(house: House) -> None:
    scene = a_scene(house, 2, "idempotent")
    one = scene.sender()
    scene.page(one)
    scene.send(one)
    with one.page():
        assert scene.transport.settled == []
    assert sorted(scene.transport.settled) == [(scene.books[0].number, n) for n in (1, 2)]


def test_what_was_refused_is_not_believed_before_something_was_accepted(house: House) -> None:
    scene = a_scene(house, 3, prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.send(one, DEAD)
    scene.page(one)
    assert scene.counts() == {"deferred": 2, "attempting": 1}
    assert one.clerk.moved[scene.books[0].number, S.DEFERRED] == 2
    scene.send(one)
    scene.page(one)
    assert scene.counts() == {"bounced": 2, "sent": 1}
    moved = {state: n for (_, state), n in one.clerk.moved.items() if n}
    assert moved == {"bounced": 2, "sent": 1}
    with house.database.reading() as connection:
        statuses = [find_subscriber(connection, name).status for name in NAMES[:3]]  # type: ignore[union-attr]
    assert statuses == [
        SubscriberStatus.BOUNCED,
        SubscriberStatus.BOUNCED,
        SubscriberStatus.ACTIVE,
    ]


def test_in_one_page_an_acceptance_vouches_for_refusals_before_it(house: House) -> None:
    scene = a_scene(house, 2, prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.send(one, DEAD, 0)
    scene.send(one, ACCEPTED_OUTCOME, 1)
    scene.page(one)
    assert scene.counts() == {"bounced": 1, "sent": 1}


def test_who_is_dead_and_was_erased_meanwhile_is_no_fault(house: House) -> None:
    scene = a_scene(house, 2, prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.send(one, DEAD, 0)
    scene.send(one, ACCEPTED_OUTCOME, 1)
    erase(house.database, NAMES[0])
    scene.page(one)
    assert scene.counts() == {"bounced": 1, "sent": 1}


def test_patience_counts_from_the_first_try(house: House) -> None:
    scene = a_scene(house, 1)
    terms = RetryPolicy(patience=timedelta(hours=1))
    for _turn in range(6):
        one = scene.sender(terms=terms)
        scene.page(one)
        scene.send(one, DEFERRED)
        scene.end(one)
        scene.senders.clear()
        scene.times.advance(1500)
    row = scene.books[0].rows[NAMES[0]]
    assert (row.state, row.reason) == ("failed", "given up after 1 hour: later")
    assert row.tried_at == NOW
    assert row.attempts <= 4


def test_lost_lines_are_tried_again_at_once_and_then_with_rests(house: House) -> None:
    scene = a_scene(house, 1)
    one = scene.sender()
    for _attempt in range(3):
        scene.page(one)
        scene.send(one, NOT_SENT)
    scene.page(one)
    assert scene.counts() == {"deferred": 1}
    assert one.is_done


class RecordingRates(RateLimiter):
    """Lets everybody go, and remembers who was said to be too fast for whom."""

    def __init__(self) -> None:
        super().__init__(DeliverySettings(), "memory")
        self.slowed: list[str | None] = []

    def slow_down(self, connection: Db, domain: str | None, now: float) -> None:
        self.slowed.append(domain)
        super().slow_down(connection, domain, now)


@pytest.mark.parametrize(
    ("throttle", "told"),
    [
        (ThrottleScope.NONE, []),
        (ThrottleScope.DOMAIN, ["example.com"]),
        (ThrottleScope.TRANSPORT, [None]),
    ],
)
def test_who_asks_to_be_sent_less_is_told_to_the_rates(
    house: House, throttle: ThrottleScope, told: list[str | None]
) -> None:
    scene, rates = a_scene(house, 1), RecordingRates()
    one = scene.sender(rates)
    scene.page(one)
    scene.send(one, Outcome(SendStatus.DEFERRED, "too much", throttle=throttle))
    scene.page(one)
    assert rates.slowed == told


# --- rates


def test_what_the_transport_s_rate_holds_back_waits_and_is_not_marked(house: House) -> None:
    scene = a_scene(
        house, 5, prefetch=4, delivery=DeliverySettings(rate=RateSettings(per_second=2))
    )
    one = scene.sender()
    scene.page(one)
    assert scene.counts() == {"attempting": 2, "claimed": 3}
    assert 0 < one.clerk.dealer.rest <= 0.5
    assert one.clerk.dealer.held_by == ("memory: 2 a second",)
    assert not one.is_done
    could = one.clerk.dealer.can_deal
    scene.times.advance(1)
    assert (could, one.clerk.dealer.can_deal) == (False, True)
    scene.page(one)
    assert scene.counts() == {"attempting": 4, "claimed": 1}


def test_what_a_domain_s_rate_holds_back_is_put_off_and_others_pass(house: House) -> None:
    rates = DeliverySettings(domain=(DomainRateSettings(names=("example.com",), per_second=1),))
    scene = a_scene(house, 4, prefetch=4, delivery=rates)
    scene.books.append(open_book(house, "a@example.net", "b@example.net", language="ar"))
    one = scene.sender()
    scene.page(one)
    assert scene.counts(0) == {"attempting": 1, "pending": 3}
    assert scene.counts(1) == {"attempting": 2}
    later = sorted(row.next_at - NOW for row in scene.books[0].rows.values())
    assert later == [timedelta(seconds=seconds) for seconds in (0, 1, 2, 3)]
    assert one.clerk.dealer.held_by == ("example.com: 1 a second",)


def test_a_row_that_comes_soon_is_waited_for_and_one_that_does_not_is_left(
    house: House,
) -> None:
    scene = a_scene(house, 1)
    scene.books[0].age(NAMES[0], next_at=NOW + timedelta(seconds=50))
    one = scene.sender()
    scene.page(one)
    assert (one.clerk.dealer.is_dry, one.is_done) == (True, False)
    scene.times.advance(50)
    assert one.clerk.dealer.can_deal
    scene.page(one)
    scene.send(one)
    scene.page(one)
    assert one.is_done
    scene.books.append(open_book(house, "qari@example.net", language="ar"))
    scene.books[1].age("qari@example.net", next_at=NOW + timedelta(hours=1))
    other = scene.sender()
    scene.page(other)
    assert other.is_done


def test_rows_of_a_paused_issue_are_not_waited_for(house: House) -> None:
    scene = a_scene(house, 3)
    one = scene.sender()
    scene.page(one)
    scene.books[0].pause()
    for number in range(COURIERS):
        one.step(number, scene.answering(ACCEPTED_OUTCOME))
        one.step(number, scene.answering(ACCEPTED_OUTCOME))
    scene.page(one)
    scene.page(one)
    assert scene.counts() == {"pending": 3}
    assert one.is_done
    assert scene.transport.taken == []


# --- leases


def gone(scene: Scene) -> None:
    """Let so much time pass that everybody has lost the lease, and somebody looks after it."""
    scene.times.advance(121)
    revoke_dead_leases(scene.house.settings, scene.house.database, scene.times.wall, NOW)


def test_a_clerk_whose_lease_is_lost_writes_nothing_and_says_so(house: House) -> None:
    scene = a_scene(house)
    one = scene.sender()
    scene.page(one)
    gone(scene)
    assert scene.counts() == {"in_doubt": 4, "pending": 1}
    with pytest.raises(LeaseLost, match="stopped for too long"):
        scene.page(one)
    assert scene.counts() == {"in_doubt": 4, "pending": 1}


def test_nothing_is_handed_over_when_the_lease_may_be_lost(house: House) -> None:
    scene = a_scene(house, 2, prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.times.advance(91)
    scene.send(one)
    assert scene.transport.offered == []
    scene.page(one)
    assert scene.counts() == {"attempting": 2}
    scene.send(one)
    assert len(scene.transport.taken) == 2


def test_an_answer_that_came_before_the_lease_was_lost_is_written_down_after_all(
    house: House,
) -> None:
    scene = a_scene(house, 3, prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.send(one)
    gone(scene)
    assert scene.counts() == {"in_doubt": 2, "pending": 1}
    scene.end(one)
    assert scene.counts() == {"sent": 2, "pending": 1}


def test_where_twice_is_once_the_next_sender_does_it_again_and_the_last_keeps_nothing(
    house: House,
) -> None:
    scene = a_scene(house, 2, "idempotent", prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.send(one)
    gone(scene)
    other = scene.sender()
    scene.page(other)
    scene.send(other)
    with capture_logs() as logs:
        scene.end(one)
    assert [line["event"] for line in logs] == ["an outcome came too late"] * 2
    assert scene.transport.settled == []
    scene.page(other)
    assert scene.counts() == {"sent": 2}
    assert len(scene.transport.settled) == 2


def test_what_is_put_down_is_free_for_others_at_once(house: House) -> None:
    scene = a_scene(house)
    one = scene.sender()
    scene.page(one)
    one.step(0, scene.answering(ACCEPTED_OUTCOME))
    scene.end(one)
    # What was taken was ended; the rest was not begun.
    assert scene.counts() == {"sent": 1, "pending": 4}
    assert Counter(row.attempts for row in scene.books[0].rows.values()) == {0: 4, 1: 1}
    other = scene.sender()
    scene.page(other)
    assert scene.counts() == {"sent": 1, "attempting": 4}


def test_a_few_refusals_are_believed_at_the_end_only_if_all_were_tried(house: House) -> None:
    scene = a_scene(house, 2, prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.send(one, DEAD, 0)
    scene.page(one)
    # The other one's line is lost.
    one.hang_up(1)
    scene.end(one)
    assert scene.counts() == {"deferred": 1, "pending": 1}
    scene.times.advance(1000)
    scene.senders.clear()
    other = scene.sender()
    scene.page(other)
    scene.send(other, DEAD)
    scene.page(other)
    scene.page(other)
    assert other.is_done
    scene.end(other)
    assert scene.counts() == {"bounced": 2}


def test_two_senders_share_an_issue_and_nobody_gets_two(house: House) -> None:
    scene = a_scene(house, 12)
    one, other = scene.sender(), scene.sender()
    for _round in range(6):
        for sender in (one, other):
            scene.page(sender)
            scene.send(sender)
    for sender in (one, other):
        scene.end(sender)
    assert scene.counts() == {"sent": 12}
    assert Counter(outgoing.recipient for outgoing in scene.transport.taken) == dict.fromkeys(
        NAMES, 1
    )


def test_an_issue_that_is_over_goes_on_if_a_late_answer_says_not_yet(house: House) -> None:
    scene = a_scene(house, 2, prefetch=1)
    one = scene.sender()
    scene.page(one)
    scene.send(one, DEFERRED)
    gone(scene)
    assert scene.books[0].finish() is not None
    scene.end(one)
    assert scene.counts() == {"deferred": 2}
    assert scene.books[0].stands() == "sending"
