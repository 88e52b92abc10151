"""What is told of a turn of delivering while it goes on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from publisher.clock import FixedClock
from publisher.config.delivery import DeliverySettings
from publisher.delivery import progress
from publisher.delivery.job import Job
from publisher.delivery.ledger_writer import LedgerWriter
from publisher.delivery.progress import ProgressReporter, describe_failures
from publisher.delivery.rates import RateLimiter
from publisher.delivery.retry_policy import RetryPolicy
from publisher.delivery.states import DeliveryState
from publisher.delivery.work_queue import WorkQueue
from publisher.mail import compile_mail
from publisher.testing import SECRET, FakeTimer, MemoryTransport
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, Book, S, open_book
from tests.publisher.mail.samples import an_issue_mail

Telling = tuple[str, int, int, str]


@dataclass
class Teller:
    """A clerk that has moved rows, and what is told of it."""

    books: list[Book]
    clerk: LedgerWriter
    board: ProgressReporter
    told: list[Telling] = field(default_factory=list)

    def moved(self, state: DeliveryState, count: int = 1, of: int = 0) -> None:
        self.clerk.moved[self.books[of].number, state] += count


def a_teller(house: House, *books: Book, listens: bool = True) -> Teller:
    letter = compile_mail(an_issue_mail("en"), SECRET)
    jobs = {
        book.number: Job(book.issue, letter, RetryPolicy(), "bounces@example.org")
        for book in books
    }
    transport = MemoryTransport()
    clerk = LedgerWriter(
        sender=1,
        transport=transport,
        jobs=jobs,
        desk=WorkQueue(1, 1),
        rates=RateLimiter(DeliverySettings(), transport.name),
        clock=FixedClock(NOW),
        timer=FakeTimer(),
    )
    told: list[Telling] = []

    def tell(step: str, done: int, of: int, note: str = "", /) -> None:
        told.append((step, done, of, note))

    teller = ProgressReporter(house.database, jobs, clerk, tell if listens else None)
    return Teller([*books], clerk, teller, told)


@pytest.fixture(autouse=True)
def _told_as_often_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "BETWEEN", 0.0)


@pytest.fixture
def book(house: House) -> Book:
    return open_book(house, ANN, BOB, CYD)


def test_how_many_are_done_is_told_of_each_issue_apart(house: House, book: Book) -> None:
    other = open_book(house, "dan@example.com", language="ar")
    teller = a_teller(house, book, other)
    teller.moved(S.SENT, 2)
    teller.board.tell()
    assert teller.told == [
        ("weekly-en-2026-01-09", 2, 3, ""),
        ("weekly-ar-2026-01-09", 0, 1, ""),
    ]


def test_what_was_done_before_this_turn_counts(house: House, book: Book) -> None:
    book.settle(book.begin(1), S.SENT)
    teller = a_teller(house, book)
    teller.board.tell()
    teller.moved(S.BOUNCED)
    teller.board.tell()
    assert [(done, of) for _, done, of, _ in teller.told] == [(1, 3), (2, 3)]


def test_what_will_be_tried_again_is_noted_and_not_done(house: House, book: Book) -> None:
    teller = a_teller(house, book)
    teller.moved(S.DEFERRED)
    teller.moved(S.PENDING)
    teller.board.tell()
    assert teller.told == [("weekly-en-2026-01-09", 0, 3, "1 deferred")]


def test_a_refusal_that_is_believed_later_is_done_then(house: House, book: Book) -> None:
    teller = a_teller(house, book)
    teller.moved(S.DEFERRED)
    teller.moved(S.DEFERRED, -1)
    teller.moved(S.BOUNCED)
    teller.board.tell()
    assert teller.told == [("weekly-en-2026-01-09", 1, 3, "1 bounced")]


def test_it_is_not_told_too_often(
    house: House, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = a_teller(house, book)
    teller.board.tell()
    monkeypatch.setattr(progress, "BETWEEN", 10_000.0)
    teller.board.tell()
    assert len(teller.told) == 1
    monkeypatch.setattr(progress, "BETWEEN", 0.0)
    teller.board.tell()
    assert len(teller.told) == 2


def test_where_nobody_listens_nothing_is_told_nor_counted(house: House, book: Book) -> None:
    teller = a_teller(house, book, listens=False)
    teller.moved(S.SENT)
    teller.board.tell()
    teller.board.tell_the_end()
    assert teller.told == []
    assert teller.board._total == {}


def test_the_end_is_told_from_the_rows_whoever_has_moved_them(
    house: House, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = a_teller(house, book)
    book.settle(book.begin(1), S.SENT)
    book.settle(book.begin(1), S.DEFERRED, next_at=NOW)
    teller.moved(S.DEFERRED)
    monkeypatch.setattr(progress, "BETWEEN", 10_000.0)
    teller.board.tell_the_end()
    assert teller.told == [("weekly-en-2026-01-09", 1, 3, "1 deferred")]


def test_only_what_is_worth_a_word_is_noted() -> None:
    everything = Counter(dict.fromkeys(DeliveryState, 2))
    assert (
        describe_failures(everything) == "2 deferred, 2 bounced, 2 failed, 2 in doubt, 2 left"
    )
    assert describe_failures(Counter({S.SENT: 5})) == describe_failures({}) == ""
