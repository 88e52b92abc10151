"""What must be true of delivery whatever happens, and in whatever order.

Several runs share a real database file. They claim, reserve, send and settle in any interleaving;
are killed, stopped past their lease and go on; issues are paused and cancelled, readers leave,
doubts are decided, clocks are set. After every step the rules are looked after (facts on
scheduling, section 5.3), and in the end whoever is left has to finish the work.

These examples take some twenty seconds; for a longer look:

    INVARIANT_EXAMPLES=5000 INVARIANT_STEPS=100 pytest tests/slow/publisher/delivery/test_invariants.py
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial, wraps
from itertools import accumulate
from logging import CRITICAL
from pathlib import Path
from typing import Any, NamedTuple, cast

import structlog
from hypothesis import settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    run_state_machine_as_test,
)
from hypothesis.strategies import SearchStrategy
from sqlalchemy import Connection

from publisher.config import InDoubtPolicy
from publisher.config.delivery import DeliverySettings, RateSettings
from publisher.database import Database, open_database
from publisher.delivery.causes import MARKED_AS_SENT
from publisher.delivery.dispatcher import Dispatcher
from publisher.delivery.lease_holder import revoke_dead_leases
from publisher.delivery.ledger import doubts, lifecycle
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.states import OPEN_STATES
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Guarantee,
    MessageKey,
    Outcome,
    SendStatus,
    TransportConnection,
)
from publisher.errors import IssueError
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.testing import SECRET, FakeTimer, MemoryTransport, make_publication
from tests.databases import at_database, delete_all_rows, on_postgresql
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.conftest import guard
from tests.publisher.delivery.mailing import erase, ready, subscribe
from tests.publisher.delivery.stepped_run import (
    WORKERS,
    HandClock,
    LeaseLost,
    RolledBackError,
    SteppedRun,
    Times,
)
from tests.sizes import by_lane
from tests.subscribers.leaving import unsubscribe
from tests.triggers import forbid, react

EXAMPLES = int(
    os.environ.get("INVARIANT_EXAMPLES", by_lane(12 if on_postgresql() else 16, 100))
)
STEPS = int(os.environ.get("INVARIANT_STEPS", "30"))

RECIPIENTS = {f"reader.{n}@example.{'com' if n % 2 else 'org'}": "en" for n in range(7)} | {
    f"reader.{n}@example.net": "ar" for n in range(7, 10)
}
MOST_LEAVING = 3
LANGUAGES = ("en", "ar")
PROMISED = 2
MAX_RUNS = 3
PER_SECOND = 2.0
HELD = ("claimed", "attempting")
# Seconds after which work that goes on is taken for endless.
FOREVER = 10_000_000
ENDED = (IssueState.SENT, IssueState.PARTIAL, IssueState.FAILED)

NO_ANSWER = "no answer came"
OUTCOMES = st.sampled_from(
    [
        ACCEPTED_OUTCOME,
        ACCEPTED_OUTCOME,
        Outcome(SendStatus.DEFERRED, "later"),
        Outcome(SendStatus.REFUSED, "nobody here", is_dead_address=True),
        Outcome(SendStatus.UNKNOWN, NO_ANSWER),
        Outcome(SendStatus.UNKNOWN, NO_ANSWER),
        Outcome(SendStatus.NOT_SENT, "the line was lost"),
    ]
)
PICKS = st.integers(0, 11)
# Whose step it is: a worker's by its number, the writer's, or a few of all.
WRITER, ALL = WORKERS, WORKERS + 1
WHO = st.sampled_from([*range(WORKERS), WRITER, ALL, ALL, ALL])
WORK = st.lists(st.tuples(PICKS, WHO, OUTCOMES), max_size=8)
VERBS = (*("pause", "pause"), *("resume", "resume"), *("pause and resume",) * 3, "cancel")
KILLED = ("at rest", "before the commit", "after the commit")

Work = Sequence[tuple[int, int, Outcome]]
Act = Callable[..., None]


def rule(**values: SearchStrategy[Any]) -> Callable[[Act], Act]:
    """Make a rule of what may happen. Afterwards the runs make a few steps."""

    def made(act: Act) -> Act:
        @wraps(act)
        def step(self: Deliveries, then: Work = (), **drawn: Any) -> None:
            act(self, **drawn)
            self.get_on(then)

        found: Act = cast(Any, stateful.rule)(then=WORK, **values)(step)
        return found

    return made


class Row(NamedTuple):
    """A row of the ledger, with how its issue stands."""

    issue_id: int
    subscriber_id: int
    state: str
    epoch: int
    lease_id: int | None
    reason_key: str | None
    reason: str | None

    @property
    def key(self) -> MessageKey:
        return self.issue_id, self.subscriber_id


ROWS = f"SELECT {', '.join(Row._fields)} FROM delivery ORDER BY issue_id, subscriber_id"
KEPT = "SELECT issue_id, state, count FROM delivery_count"


class Deliveries(RuleBasedStateMachine):
    """Everything that may happen to two issues and their recipients."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__()
        self.folder = folder
        self.database = database
        self.times = Times(FakeTimer(NOW.timestamp()))
        self.clock = HandClock(self.times.wall)
        self.runs: list[SteppedRun] = []
        # Runs whose lease may have expired for others before their own fence closes.
        self.unaware: set[SteppedRun] = set()
        self.planned: Counter[int] = Counter()
        # Issues that are not opened yet, because a clock was set to before they are due.
        self.unopened: set[int] = set()
        self.left: set[int] = set()
        self.dead: set[int] = set()
        self.wordings: defaultdict[MessageKey, set[tuple[str, bytes]]] = defaultdict(set)
        self.marks: list[tuple[float, int]] = []

    @initialize(
        guarantee=st.sampled_from(["ambiguous", "ambiguous", "idempotent"]),
        policy=st.sampled_from(InDoubtPolicy),
        give_up_after=st.sampled_from([1, 48]),
        rate=st.sampled_from(
            [RateSettings(), RateSettings(), RateSettings(per_second=PER_SECOND)]
        ),
    )
    def begin(
        self,
        guarantee: Guarantee,
        policy: InDoubtPolicy,
        give_up_after: int,
        rate: RateSettings,
    ) -> None:
        delete_all_rows(self.database)
        terms = {"in_doubt": policy.value, "give_up_after": give_up_after}
        settings = replace(
            make_publication(self.folder, newsletters=[terms]),
            delivery=DeliverySettings(rate=rate),
        )
        self.publication = PublicationFolder(settings, self.database)
        self.transport = MemoryTransport(guarantee, connections=WORKERS, prefetch=PROMISED)
        self.dispatcher = Dispatcher(
            settings, self.database, self.transport, SECRET, self.clock, timer=self.times.wall
        )
        subscribe(self.publication, *RECIPIENTS.items())
        self.an_issue_is_opened()

    # --- issues

    @precondition(lambda self: len(self.planned) < len(LANGUAGES))
    @rule()
    def an_issue_is_opened(self) -> None:
        issue = ready(self.publication, LANGUAGES[len(self.planned)])
        self.planned[issue.id] = 0
        self.unopened.add(issue.id)
        self.due_issues_are_opened()

    @rule(pick=PICKS, verb=st.sampled_from(VERBS))
    def an_issue_is_stopped_or_let_go(self, pick: int, verb: str) -> None:
        now, issue = self.clock.now(), self.issue(pick)
        with self.publication.database.writing() as connection:
            match verb:
                case "pause" if issue.state is IssueState.SENDING:
                    lifecycle.pause_issue(connection, issue, "by hand", now)
                case "resume" if issue.state is IssueState.PAUSED:
                    lifecycle.resume_issue(connection, issue, now)
                case "pause and resume" if issue.state is IssueState.SENDING:
                    paused = lifecycle.pause_issue(connection, issue, "by hand", now)
                    lifecycle.resume_issue(connection, paused, now)
                case "cancel" if issue.state in {IssueState.SENDING, IssueState.PAUSED}:
                    lifecycle.cancel_issue(connection, issue, "by hand", now)

    # --- subscribers and operators

    @rule(number=st.integers(0, len(RECIPIENTS) - 1), is_erased=st.booleans())
    def a_subscriber_leaves(self, number: int, *, is_erased: bool) -> None:
        email = [*RECIPIENTS][number]
        if len(self.left | {number + 1}) > MOST_LEAVING or number + 1 in self.left:
            return
        self.left.add(number + 1)
        if is_erased:
            erase(self.publication.database, email)
        else:
            with self.publication.database.writing() as connection:
                unsubscribe(connection, email, "weekly", self.clock.now())

    @rule(
        pick=PICKS,
        verb=st.sampled_from([doubts.resend_doubts, doubts.mark_doubts_sent]),
        one=st.booleans(),
    )
    def a_doubt_is_decided(self, pick: int, verb: Any, *, one: bool) -> None:
        issue = self.issue(pick)
        doubtful = [row.subscriber_id for row in self.rows() if row.state == "in_doubt"]
        try:
            with self.publication.database.writing() as connection:
                verb(connection, issue, doubtful[:1] if one else None, self.clock.now())
        except IssueError:
            assert issue.state is IssueState.CANCELLED

    # --- runs

    @rule()
    def nothing_is_the_matter(self) -> None:
        pass

    @rule(pick=PICKS)
    def a_transaction_fails(self, pick: int) -> None:
        self.written(self.sender(pick), fails=True)

    @rule(pick=PICKS, worker_number=st.integers(0, WORKERS - 1))
    def a_connection_is_lost(self, pick: int, worker_number: int) -> None:
        self.sender(pick).hang_up(worker_number)

    @rule(pick=PICKS, when=st.sampled_from(KILLED))
    def a_run_is_killed(self, pick: int, when: str) -> None:
        one = self.sender(pick)
        if when == "at rest" or self.written(one, fails=when == KILLED[1], acts=False):
            one.crash()
            self.runs.remove(one)

    @rule(pick=PICKS, outcome=OUTCOMES)
    def a_run_ends(self, pick: int, outcome: Outcome) -> None:
        self.ended(self.sender(pick), outcome)

    @rule()
    def somebody_recovers(self) -> None:
        """The dead lose what they hold; nothing else changes."""
        before = self.rows()
        living = revoke_dead_leases(
            self.publication.settings,
            self.publication.database,
            self.times.wall,
            self.clock.now(),
        )
        cancelled = {one.id for one in self.issues() if one.state is IssueState.CANCELLED}
        for old, new in zip(before, self.rows(), strict=True):
            if new == old or (new.state == "cancelled" and new.issue_id in cancelled):
                continue
            assert old.lease_id not in living
            assert old.state in HELD
            assert new.state in {"pending", "in_doubt"}
            if new.state == "in_doubt":
                assert old.state == "attempting"
                assert self.transport.guarantee == "ambiguous"

    # --- time

    @rule(seconds=st.sampled_from([1, 2, 30, 95, 121, 700, 20_000]))
    def time_passes(self, seconds: int) -> None:
        self.times.advance(seconds)

    @rule(hours=st.sampled_from([-1, 1]))
    def the_clock_is_set(self, hours: int) -> None:
        self.times.wall.advance(3600 * hours)
        self.unaware.update(self.runs)
        self.marks.clear()

    # --- what must be true

    @invariant()
    def counts_add_up_and_are_those_of_the_rows(self) -> None:
        rows = Counter((row.issue_id, row.state) for row in self.rows())
        planned: Counter[int] = Counter()
        for (issue_id, _state), count in rows.items():
            planned[issue_id] += count
        assert planned == self.planned
        kept = {(issue_id, state): count for issue_id, state, count in self.look(KEPT)}
        of = {issue_id for issue_id, _state in kept}
        assert kept == {key: count for key, count in rows.items() if key[0] in of}

    @invariant()
    def what_is_held_is_held_by_somebody_who_is_known(self) -> None:
        known = {number for (number,) in self.look("SELECT id FROM send_lease")}
        assert {row.lease_id for row in self.rows() if row.state in HELD} <= known

    @invariant()
    def a_kill_would_leave_no_more_in_doubt_than_was_promised(self) -> None:
        marked = Counter(row.lease_id for row in self.rows() if row.state == "attempting")
        assert max(marked.values(), default=0) <= WORKERS * PROMISED

    @invariant()
    def what_is_marked_is_in_the_hands_of_whoever_has_marked_it(self) -> None:
        for one in self.runs:
            marked = {
                (*row.key, row.epoch)
                for row in self.rows()
                if row.state == "attempting" and row.lease_id == one.number
            }
            assert marked <= {(*claim.key, claim.epoch) for claim in one.hands}

    @invariant()
    def of_an_issue_that_is_over_nothing_is_left_to_be_done(self) -> None:
        for issue_id, state in self.look("SELECT id, state FROM issue"):
            if state in ENDED:
                count = Counter(row.state for row in self.rows() if row.issue_id == issue_id)
                assert not count.keys() & {*OPEN_STATES}
                assert state == lifecycle.final_state(count)

    @invariant()
    def an_end_is_what_the_other_side_has_said(self) -> None:
        taken = {outgoing.key for outgoing in self.transport.taken}
        for row in self.rows():
            if row.state == "sent":
                assert row.key in taken or row.reason_key == MARKED_AS_SENT.key
            if row.state == "bounced":
                assert row.subscriber_id in self.dead

    @invariant()
    def nobody_gets_two_but_where_a_doubt_was_decided(self) -> None:
        taken = self.transport.settled
        if self.transport.guarantee == "ambiguous":
            taken = [outgoing.key for outgoing in self.transport.taken]
        decided = self.moves("source = 'in_doubt' AND target = 'pending' AND is_new_epoch")
        put_off = self.moves(f"target = 'deferred' AND reason = '{NO_ANSWER}'")
        for key, count in Counter(taken).items():
            assert count <= 1 + decided[key] + put_off[key]
        assert max(self.moves("target = 'sent'").values(), default=0) <= 1

    @invariant()
    def every_attempt_has_the_same_name_and_the_same_bytes(self) -> None:
        assert all(len(wordings) == 1 for wordings in self.wordings.values())

    def teardown(self) -> None:
        """Let whoever is left finish the work, if all went well so far."""
        if hasattr(self, "dispatcher"):
            if sys.exc_info()[0] is None:
                self.all_is_done_in_the_end()
            for one in self.runs:
                one.crash()

    def all_is_done_in_the_end(self) -> None:
        for one in self.runs[1:]:
            one.crash()
        del self.runs[1:]
        for issue in self.issues():
            if issue.state is IssueState.PAUSED:
                with self.publication.database.writing() as connection:
                    lifecycle.resume_issue(connection, issue, self.clock.now())
        while any(issue.state is IssueState.SENDING for issue in self.issues()):
            assert self.times.passed.time() < FOREVER
            if not self.runs:
                self.start()
            self.worked_to_its_end(self.runs[0])
            self.times.advance(20_000)
        cancelled = {one.id for one in self.issues() if one.state is IssueState.CANCELLED}
        for row in self.rows():
            if row.issue_id not in cancelled:
                assert row.state not in {*OPEN_STATES, "cancelled"}
            if row.state == "suppressed":
                assert row.subscriber_id in self.left | self.dead

    # --- how it is done

    def worked_to_its_end(self, one: SteppedRun) -> None:
        for _round in range(100):
            if one.is_done or not self.written(one):
                break
            for number in (*range(WORKERS),) * 4:
                self.stepped(one, number, ACCEPTED_OUTCOME)
            self.times.advance(1)
        assert one.is_done or one not in self.runs
        if one in self.runs:
            self.ended(one, ACCEPTED_OUTCOME)

    def get_on(self, work: Work) -> None:
        """Let the runs make some steps."""
        for pick, who, outcome in work:
            one = self.sender(pick)
            if who < WRITER:
                self.stepped(one, who, outcome)
            elif self.written(one) and who == ALL:
                for number in (*range(WORKERS),) * 3:
                    self.stepped(one, number, outcome)

    def stepped(self, one: SteppedRun, worker_number: int, outcome: Outcome) -> None:
        one.step(worker_number, partial(self.hand_over, one, outcome))

    def written(self, one: SteppedRun, *, fails: bool = False, acts: bool = True) -> bool:
        """Let a writer write a batch. Returns whether it still has its lease."""
        marked: list[Claim] = []
        try:
            with one.batch(acts=acts) as batch:
                assert batch.allocation
                marked = [claim for some in batch.allocation.rows.values() for claim in some]
                assert not {claim.recipient.id for claim in marked} & self.left
                roll_back_if(fails)
        except RolledBackError:
            return True
        except LeaseLost:
            self.ended(one, ACCEPTED_OUTCOME)
            return False
        self.unaware.discard(one)
        self.marks.append((self.times.passed.time(), len(marked)))
        self.rates_are_kept()
        return True

    def rates_are_kept(self) -> None:
        """In any time, no more than the rate and one burst, whoever sends."""
        if self.publication.settings.delivery.rate.per_second is None:
            return
        sums = [0, *accumulate(count for _, count in self.marks)]
        until = self.marks[-1][0]
        for start, (since, _) in enumerate(self.marks):
            assert sums[-1] - sums[start] <= PER_SECOND * (until - since) + PER_SECOND

    def hand_over(
        self, one: SteppedRun, outcome: Outcome, claim: Claim, connection: TransportConnection
    ) -> Outcome:
        outgoing = one.jobs[claim.issue_id].compose(claim)
        offered = len(self.transport.offered)
        self.transport.outcomes = lambda _outgoing: outcome
        answer = connection.send(outgoing)
        if len(self.transport.offered) > offered:
            self.note(one, claim, outcome)
            self.wordings[claim.key].add((outgoing.message.name, outgoing.message.content))
        return answer

    def note(self, one: SteppedRun, claim: Claim, outcome: Outcome) -> None:
        """Check that the row of a sent message is reserved, and ours."""
        (row,) = (row for row in self.rows() if row.key == claim.key)
        if one not in self.unaware:
            assert row.state == "attempting"
            assert (row.epoch, row.lease_id) == (claim.epoch, one.number), (
                row,
                claim,
                one.number,
            )
        if outcome.is_dead_address:
            self.dead.add(claim.recipient.id)

    def ended(self, one: SteppedRun, outcome: Outcome) -> None:
        one.end(partial(self.hand_over, one, outcome))
        self.runs.remove(one)
        self.dispatcher.finish_issues()

    def sender(self, pick: int) -> SteppedRun:
        """Choose a run. One that is not there yet starts."""
        number = pick % MAX_RUNS
        if number >= len(self.runs):
            self.start()
        return self.runs[min(number, len(self.runs) - 1)]

    def start(self) -> None:
        """Start a run, as `deliver` does."""
        self.due_issues_are_opened()
        self.somebody_recovers()
        jobs = self.dispatcher._build_jobs(self.dispatcher._due_issues())
        self.runs.append(SteppedRun(self.publication, self.transport, jobs, self.times))

    def due_issues_are_opened(self) -> None:
        self.dispatcher.open_ready_issues()
        opened = {one.id for one in self.issues() if one.state is not IssueState.READY}
        for issue_id in self.unopened & opened:
            self.planned[issue_id] = sum(row.issue_id == issue_id for row in self.rows())
        self.unopened -= opened

    def issue(self, pick: int) -> Issue:
        found = self.issues()
        return found[pick % len(found)]

    def issues(self) -> list[Issue]:
        with self.publication.database.reading() as connection:
            return issues.issues_by_ids(connection, [*self.planned])

    def rows(self) -> list[Row]:
        return [Row(*row) for row in self.look(ROWS)]

    def look(self, query: str) -> list[Any]:
        """Return the rows of a query over what is committed."""
        with self.database.reading() as connection:
            return [*connection.exec_driver_sql(query)]

    def moves(self, condition: str) -> Counter[MessageKey]:
        with self.database.reading() as connection:
            return moves(connection, condition)


# --- a ledger that logs each change of state

LOG = """
CREATE TABLE state_log (
    issue_id INTEGER, subscriber_id INTEGER, source TEXT, target TEXT,
    is_new_epoch BOOLEAN, reason TEXT
)
"""
NOTE = """
INSERT INTO state_log VALUES (
    new.issue_id, new.subscriber_id, old.state, new.state, new.epoch > old.epoch, new.reason
)
"""
UNLESS_SENDING = """
new.state = 'attempting' AND old.state != 'attempting'
    AND (SELECT state FROM issue WHERE id = new.issue_id) != 'sending'
"""


def log_transitions(connection: Connection) -> None:
    """Log each change of state from now on, and let no row of a stopped issue be reserved."""
    connection.exec_driver_sql(LOG)
    react(connection, "note_moves", "AFTER UPDATE", "delivery", "new.state != old.state", NOTE)
    forbid(
        connection,
        "no_mark_unless_sending",
        "BEFORE UPDATE OF state",
        "delivery",
        UNLESS_SENDING,
        "a mark though the issue is not being sent",
    )


def moves(connection: Connection, condition: str) -> Counter[MessageKey]:
    """Count the moves of each row that meet a condition in SQL."""
    query = f"SELECT issue_id, subscriber_id FROM state_log WHERE {condition}"
    return Counter(
        (issue, subscriber) for issue, subscriber in connection.exec_driver_sql(query)
    )


def roll_back_if(fails: bool) -> None:
    if fails:
        raise RolledBackError


def test_whatever_happens_every_subscriber_gets_exactly_one_message(tmp_path: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(CRITICAL))
    publication = at_database(make_publication(tmp_path))
    # What a power cut takes is not the matter here, and each commit would cost a sync.
    with closing(open_database(publication.database, "normal")) as database:
        with database.writing() as connection:
            guard(connection)
            log_transitions(connection)
        run_state_machine_as_test(
            cast(Any, partial(Deliveries, tmp_path, database)),
            settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None),
        )
