"""When an issue goes out, taking that back in time, how far it is, and stopping it."""

import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

import pytest
from sqlalchemy import Connection, select, update

from publisher.accounts import audit
from publisher.accounts.model import Actor, Grant, Role
from publisher.app.editing_state import EditingState
from publisher.app.issues import sending
from publisher.app.issues.occurrences import OccurrenceKey, SkippedIssue, skip_day
from publisher.delivery.issue_opening import open_due_issues
from publisher.delivery.ledger.lifecycle import count_deliveries
from publisher.delivery.tables import delivery
from publisher.errors import ForbiddenError, IssueError, UsageError
from publisher.issues.model import STATE_WORDS, IssueReason, IssueState
from publisher.issues.tables import issue_table, occurrence_change_table
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    TERMINAL,
    cycle,
    issue_of,
    person,
)
from tests.publisher.app.editing import MINUTE, audit_log, click_at_once
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    OpenLedger,
    S,
    open_test_ledger,
)
from tests.publisher.delivery.mailing import ready, state_of
from tests.publisher.printing import pipeline_of
from tests.publisher.starting_points import Point, StartingPoint

pytestmark = pytest.mark.usefixtures("issue_pages_only")
SECOND = timedelta(seconds=1)
Click = Callable[[EditingState, Actor, str], object]


@pytest.fixture
def ready_issue(starting_point: StartingPoint) -> PublicationFolder:
    """An issue that is ready a day before it is due; nobody has to approve it."""
    found = starting_point(Point.WAITING, approval="none", lead=24)
    return found.at(DUE - 20 * HOUR)


@pytest.fixture
def state(ready_issue: PublicationFolder) -> EditingState:
    return editing_state(ready_issue)


def at(ready_issue: PublicationFolder, instant: datetime) -> EditingState:
    return editing_state(ready_issue.at(instant))


def test_an_issue_that_is_sent_now_leaves_after_the_time_to_undo(
    ready_issue: PublicationFolder, state: EditingState
) -> None:
    now = ready_issue.clock.now()
    assert sending.send_now(state, TERMINAL, NAME).send_at == now + 5 * MINUTE
    assert cycle(ready_issue, now + 4 * MINUTE).taken == []
    assert len(cycle(ready_issue, now + 5 * MINUTE).taken) == 1
    with pytest.raises(IssueError, match=r"is sent \(1 sent\)"):
        sending.send_now(state, TERMINAL, NAME)


@pytest.mark.parametrize("after", [0 * SECOND, 5 * MINUTE])
def test_sending_that_is_undone_in_time_leaves_no_mail_and_no_row(
    ready_issue: PublicationFolder, state: EditingState, after: timedelta
) -> None:
    """At the end, too, as long as no cycle has begun to send it."""
    now = ready_issue.clock.now()
    sending.send_now(state, TERMINAL, NAME)
    undone = sending.undo_sending(at(ready_issue, now + after), TERMINAL, NAME)
    assert (undone.state, undone.send_at) == (IssueState.READY, DUE)
    assert cycle(ready_issue, now + HOUR).taken == []
    assert ready_issue.rows(delivery) == []
    with pytest.raises(IssueError, match="goes out when it is due"):
        sending.undo_sending(state, TERMINAL, NAME)
    assert len(cycle(ready_issue, DUE).taken) == 1
    with pytest.raises(IssueError, match=r"is sent \(1 sent\)"):
        sending.undo_sending(state, TERMINAL, NAME)


def test_undoing_at_the_end_comes_before_the_first_mail_or_is_refused(
    ready_issue: PublicationFolder,
) -> None:
    """A cycle opens the ledger at the same time; again and again, until it comes first."""
    refused: list[str] = []
    for _ in range(20):
        sending.send_now(at(ready_issue, ready_issue.clock.now()), TERMINAL, NAME)
        state = at(ready_issue, ready_issue.clock.now() + 5 * MINUTE)

        def open_ledgers() -> None:
            with ready_issue.database.writing() as connection:
                open_due_issues(connection, ready_issue.settings, ready_issue.clock.now())

        undo = partial(sending.undo_sending, state, TERMINAL, NAME)
        outcomes = click_at_once(undo, open_ledgers)
        refused += [str(one) for one in outcomes if isinstance(one, IssueError)]
        if refused:
            break
        issue = issue_of(ready_issue)
        assert (issue.state, issue.send_at) == (IssueState.READY, DUE)
        assert ready_issue.rows(delivery) == []
    states = {row["state"] for row in ready_issue.rows(delivery)}
    is_sending = issue_of(ready_issue).state is IssueState.SENDING
    assert (len(refused), is_sending, len(states)) in {(0, False, 0), (1, True, 1)}
    assert all("is being sent" in one for one in refused)


def test_after_its_hour_what_is_undone_is_held(ready_issue: PublicationFolder) -> None:
    sending.hold_issue(editing_state(ready_issue), TERMINAL, NAME)
    late = at(ready_issue, DUE + HOUR)
    assert cycle(ready_issue, DUE + HOUR).taken == []
    sending.send_now(late, TERMINAL, NAME)
    assert sending.undo_sending(late, TERMINAL, NAME).send_at is None
    with pytest.raises(IssueError, match="is held; nothing is to be undone"):
        sending.undo_sending(late, TERMINAL, NAME)
    assert cycle(ready_issue, DUE + 2 * HOUR).taken == []


def test_an_issue_is_sent_at_the_instant_that_somebody_chose(
    ready_issue: PublicationFolder, state: EditingState
) -> None:
    when = DUE + 9 * DAY
    sending.schedule_issue(state, TERMINAL, NAME, when)
    with pytest.raises(IssueError, match="has passed"):
        sending.schedule_issue(state, TERMINAL, NAME, DUE - 2 * DAY)
    with pytest.raises(IssueError, match="is more than a year away"):
        sending.schedule_issue(state, TERMINAL, NAME, DUE + 400 * DAY)
    assert all(
        not mail.folder.endswith(f"{DUE:%F}") for mail in cycle(ready_issue, DUE + HOUR).taken
    )
    # It is not late: somebody wanted it so.
    sent = [
        mail for mail in cycle(ready_issue, when).taken if mail.folder.endswith(f"{DUE:%F}")
    ]
    assert len(sent) == 1


def test_a_skipped_issue_gives_its_articles_to_the_next(
    ready_issue: PublicationFolder, state: EditingState
) -> None:
    with pytest.raises(IssueError, match="say why"):
        sending.skip_issue(state, TERMINAL, NAME, " ")
    skipped = sending.skip_issue(state, TERMINAL, NAME, "a holiday")
    assert (skipped.state, skipped.reason) == (IssueState.SKIPPED, "a holiday")
    assert skipped.reason_key == IssueReason.SKIPPED_BY_EDITOR
    with pytest.raises(IssueError, match=r"is skipped \(a holiday\)"):
        sending.skip_issue(state, TERMINAL, NAME, "again")
    assert cycle(ready_issue, DUE).taken == []
    cycle(ready_issue, DUE + 6 * DAY)
    (mail,) = cycle(ready_issue, DUE + 7 * DAY).messages
    assert b"Tides" in mail.content


def test_an_issue_that_waits_for_approval_is_not_sent_now(
    starting_point: StartingPoint,
) -> None:
    ready_issue = starting_point(Point.WAITING)
    with pytest.raises(IssueError, match=r"is awaiting approval \(0 of 1 approvals\)"):
        sending.send_now(editing_state(ready_issue), TERMINAL, NAME)


def test_who_may_do_what_with_an_issue(
    ready_issue: PublicationFolder, state: EditingState
) -> None:
    viewer = person(ready_issue, "vic", Grant(Role.VIEWER))
    editor = person(ready_issue, "eve", Grant(Role.EDITOR, "en"))
    approver = person(ready_issue, "ann", Grant(Role.APPROVER, "ar"))
    verbs: list[Callable[[Actor], object]] = [
        lambda actor: sending.send_now(state, actor, NAME),
        lambda actor: sending.undo_sending(state, actor, NAME),
        lambda actor: sending.hold_issue(state, actor, NAME),
        lambda actor: sending.skip_issue(state, actor, NAME, "no"),
        lambda actor: sending.schedule_issue(state, actor, NAME, DUE + HOUR),
    ]
    for verb in verbs:
        for actor in (viewer, approver):
            with pytest.raises(ForbiddenError):
                verb(actor)
    with pytest.raises(ForbiddenError):
        sending.send_now(state, editor, NAME)
    sending.hold_issue(state, editor, NAME)
    entries = audit_log(state)
    assert [(one.actor, one.verb) for one in entries] == [("eve@example.org", "hold")]
    assert issue_of(ready_issue).send_at is None


@pytest.mark.parametrize(
    ("verb", "click", "truth"),
    [
        ("send-now", sending.send_now, "already"),
        ("undo", sending.undo_sending, "goes out when it is due"),
        ("hold", sending.hold_issue, "is held already"),
        ("cancel", sending.cancel_sending, "is cancelled already"),
    ],
)
def test_of_fifty_clicks_at_once_one_counts_and_the_others_learn_the_truth(
    state: EditingState, verb: str, click: Click, truth: str
) -> None:
    if verb == "undo":
        sending.send_now(state, TERMINAL, NAME)
    outcomes = click_at_once(*[partial(click, state, TERMINAL, NAME)] * 50)
    refused = [str(one) for one in outcomes if isinstance(one, IssueError)]
    assert len(refused) == 49
    assert all(truth in one for one in refused)
    with state.database.reading() as connection:
        verbs = Counter(entry.verb for _number, entry in audit.read_log(connection))
        assert audit.find_fault(connection, state.secret) is None
    assert verbs[verb] == 1


# --- skipping a day's issues, made or still to come


@pytest.fixture
def half_made(starting_point: StartingPoint) -> PublicationFolder:
    """The English issue is made a day ahead, the Arabic one when it is due."""
    terms = {"approval": "none", "edition": {"en": {"lead": 24}}}
    return starting_point(Point.WAITING, "en", "ar", before=DAY / 2, **terms)


def skip(ready_issue: PublicationFolder, *languages: str, why: str = "") -> list[SkippedIssue]:
    key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 9), languages=languages)
    return skip_day(editing_state(ready_issue), TERMINAL, key, why)


def test_an_issue_that_is_made_is_skipped_and_the_occurrence_of_another_language(
    half_made: PublicationFolder,
) -> None:
    assert skip(half_made, why="a  holiday") == [
        SkippedIssue(NAME, "a holiday", was_made=True),
        SkippedIssue("weekly-ar-2026-01-09", "a holiday", was_made=False),
    ]
    assert [row["language"] for row in half_made.rows(occurrence_change_table)] == ["ar"]
    assert cycle(half_made, DUE).taken == []
    assert {(row["state"], row["reason_key"]) for row in half_made.rows(issue_table)} == {
        ("skipped", "skipped-by-editor")
    }


@pytest.mark.parametrize(("language", "made"), [("en", True), ("ar", False)])
def test_one_language_is_skipped_and_the_other_is_sent(
    half_made: PublicationFolder, language: str, made: bool
) -> None:
    (one,) = skip(half_made, language)
    assert (one.was_made, one.reason) == (made, "skipped by terminal")
    (mail,) = cycle(half_made, DUE).taken
    assert f"ann-{language}@" not in mail.recipient


def test_what_is_sent_or_skipped_already_or_in_no_schedule_is_refused(
    half_made: PublicationFolder,
) -> None:
    skip(half_made, "en")
    with pytest.raises(IssueError, match="is skipped"):
        skip(half_made, "en")
    cycle(half_made, DUE)
    with pytest.raises(IssueError, match="is sent"):
        skip(half_made, "ar")
    key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 10))
    with pytest.raises(UsageError, match="its schedule has no 2026-01-10"):
        skip_day(editing_state(half_made), TERMINAL, key)


# --- how far an issue is: counts that add up, counted once for all who look, and what a stop stops


ADDRESSES = [f"reader.{number}@example.org" for number in range(9)]


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    return open_test_ledger(publication, *ADDRESSES)


def test_counts_add_up_at_every_look_while_mails_leave(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    watch, seen = sending.SendingWatch(), []
    for step in range(3):
        looked = watch.look(editing_state(publication.at(NOW + step * MINUTE)), NAME)
        assert looked.planned == sum(looked.counts.values()) == 9
        assert looked.done + looked.stop.under_way + looked.stop.waiting == 9
        seen.append(looked)
        ledger.settle(ledger.begin(3), S.SENT)
        ledger.begin(1)
    assert [one.stop.sent for one in seen] == [0, 3, 6]
    assert [one.stop.under_way for one in seen] == [0, 1, 2]
    assert [one.rate for one in seen] == [None, 3, 3]
    assert seen[2].ends_at == NOW + 3 * MINUTE
    assert seen[2].is_changing


def test_all_who_look_within_two_seconds_share_one_count(
    publication: PublicationFolder, ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[object] = []

    def counting(connection: Connection, numbers: Sequence[int]) -> dict[int, Counter[str]]:
        counted.append(numbers)
        return count_deliveries(connection, numbers)

    monkeypatch.setattr("publisher.app.issues.sending.count_deliveries", counting)
    watch, state = sending.SendingWatch(), editing_state(publication)
    with ThreadPoolExecutor(8) as pool:
        looks = list(pool.map(lambda _number: watch.look(state, NAME), range(20)))
    assert len({id(one) for one in looks}) == len(counted) == 1
    ledger.settle(ledger.begin(3), S.SENT)
    assert watch.look(state, NAME).stop.sent == 0
    assert watch.look(editing_state(publication.at(NOW + sending.MAX_AGE)), NAME).stop.sent == 3
    assert len(counted) == 2


def test_who_has_just_changed_an_issue_sees_it(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    watch, state = sending.SendingWatch(), editing_state(publication)
    assert watch.look(state, NAME).issue.state is IssueState.SENDING
    ledger.pause()
    watch.forget(state, NAME)
    looked = watch.look(state, NAME)
    assert (looked.issue.state, looked.rate, looked.is_changing) == (
        IssueState.PAUSED,
        None,
        False,
    )


def test_only_so_many_issues_are_remembered(
    publication: PublicationFolder, ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.app.issues.sending._MAX_ISSUES", 1)
    other = open_test_ledger(publication, ANN, BOB, CYD, language="ar")
    watch, state = sending.SendingWatch(), editing_state(publication)
    first = watch.look(state, NAME)
    assert watch.look(state, other.issue.name).planned == 3
    assert watch.look(state, NAME) is not first
    with pytest.raises(UsageError, match="no such issue"):
        watch.look(state, "weekly-en-2020-01-01")
    assert ledger.stands() is IssueState.SENDING


def test_a_rate_is_that_of_five_minutes_and_says_when_the_end_is_expected() -> None:
    looks = deque([(NOW, 0), (NOW + 4 * MINUTE, 400), (NOW + 8 * MINUTE, 400)])
    assert sending.rate_of(looks) == 0
    assert len(looks) == 2
    assert sending.rate_of(deque([(NOW, 7)])) is None
    # Deliveries in doubt were sent again.
    assert sending.rate_of(deque([(NOW, 7), (NOW + MINUTE, 3)])) == 0
    left = sending.StopCounts(sent=5, under_way=1, waiting=9)
    later = NOW + 60 * MINUTE
    assert sending.expected_end(NOW, left, 5, None) == NOW + 2 * MINUTE
    assert sending.expected_end(NOW, left, 5, later) == later
    assert sending.expected_end(NOW, left, None, later) == later
    assert sending.expected_end(NOW, left, 0, None) is None
    assert sending.expected_end(NOW, sending.StopCounts(9, 0, 0), 5, None) is None


def test_pausing_says_how_much_was_sent_is_under_way_and_waits(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    ledger.settle(ledger.begin(4), S.SENT)
    ledger.begin(2)
    ledger.claim(1)
    state = editing_state(publication)
    assert sending.pause_sending(state, TERMINAL, NAME) == (4, 2, 3)
    (entry,) = audit_log(state)
    assert entry.details["deliveries"] == {"sent": 4, "under_way": 2, "waiting": 3}
    # What is under way is completed, what was claimed is not sent.
    rows = select(delivery.c.state).where(delivery.c.issue_id == ledger.number)
    with publication.database.reading() as connection:
        states = connection.execute(rows).scalars().all()
    assert sending.stop_counts({one: states.count(one) for one in states}) == (4, 2, 3)


def test_an_issue_whose_rows_are_decided_is_not_looked_at_again(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    with publication.database.writing() as connection:
        connection.execute(update(delivery).values(state=S.SENT))
    assert ledger.finish() is not None
    looked = sending.SendingWatch().look(editing_state(publication), NAME)
    assert (looked.issue.state, looked.stop) == (IssueState.SENT, (9, 0, 0))
    assert (looked.is_changing, looked.ends_at) == (False, None)


# --- what operators decide about an issue, and what they can't
CHANGES: dict[str, Callable[[EditingState, Actor, str], object]] = {
    "pause": sending.pause_sending,
    "resume": sending.resume_sending,
    "cancel": sending.cancel_sending,
}

# What each click makes of an issue, by the state in which it may be.
CLICKS: dict[str, Click] = {
    "send-now": sending.send_now,
    "undo": sending.undo_sending,
    **CHANGES,
}
MOVES = {
    ("send-now", IssueState.READY): IssueState.READY,
    ("undo", IssueState.READY): IssueState.READY,
    ("pause", IssueState.SENDING): IssueState.PAUSED,
    ("resume", IssueState.PAUSED): IssueState.SENDING,
    ("cancel", IssueState.READY): IssueState.CANCELLED,
    ("cancel", IssueState.SENDING): IssueState.CANCELLED,
    ("cancel", IssueState.PAUSED): IssueState.CANCELLED,
}
TOLD = re.compile(
    rf"{NAME}: (?:is ({'|'.join(STATE_WORDS.values())})|goes out at [-:TZ\d UC]+ already"
    r"|goes out when it is due)"
)


def replayed(begin: IssueState, clicks: Sequence[str]) -> list[IssueState]:
    """Return the states that an issue went through; fail for a click that was not possible."""
    states, has_been_sent_now = [begin], False
    for click in clicks:
        assert (click, states[-1]) in MOVES, f"{click} when it was {states[-1]}, of {clicks}"
        # It goes out no earlier by another click, and is undone once.
        if click in {"send-now", "undo"}:
            assert has_been_sent_now is (click == "undo"), clicks
            has_been_sent_now = click == "send-now"
        states.append(MOVES[click, states[-1]])
    return states


@pytest.mark.parametrize("begin", [IssueState.READY, IssueState.SENDING])
def test_of_different_clicks_at_once_some_order_happened_and_the_others_are_told_so(
    ready_issue: PublicationFolder, begin: IssueState
) -> None:
    if begin is IssueState.SENDING:
        pipeline_of(ready_issue.at(DUE)).prepare()
        with ready_issue.database.writing() as connection:
            open_due_issues(connection, ready_issue.settings, DUE)
    state = editing_state(ready_issue)
    # Few cancel it: nothing happens after that.
    names = ["send-now", "undo", "pause", "resume"] * 12 + ["cancel"] * 2
    names = Random(7).sample(names, len(names))
    outcomes = click_at_once(*(partial(CLICKS[one], state, TERMINAL, NAME) for one in names))
    refused = [str(one) for one in outcomes if isinstance(one, IssueError)]
    recorded = [one.verb for one in audit_log(state)][::-1]
    assert len(recorded) + len(refused) == len(names)
    states = replayed(begin, recorded)
    assert issue_of(ready_issue).state is states[-1]
    words = {STATE_WORDS[one] for one in states}
    for one in refused:
        told = TOLD.match(one)
        assert told, one
        assert told[1] is None or told[1] in words, one
    mails = [
        one.recipient
        for hours in (1, 2)
        for one in cycle(ready_issue, DUE + hours * HOUR).taken
    ]
    assert len(mails) == (states[-1] in {IssueState.READY, IssueState.SENDING})


SENT_ALREADY = (
    "sent mail can't be recalled; `publisher issues correct` mails a correction of it"
)
NOT_PAUSED = "not paused; `publisher status` shows which issues are paused"
NOT_BEING_SENT = "only an issue that is being sent can be paused"


@pytest.mark.parametrize(
    ("state", "verb", "complaint"),
    [
        ("sent", "pause", f"is sent, and can't become paused; {NOT_BEING_SENT}"),
        ("ready", "pause", f"is ready, and can't become paused; {NOT_BEING_SENT}"),
        ("sent", "cancel", f"is sent, and can't become cancelled; {SENT_ALREADY}"),
        ("partial", "cancel", f"is partial, and can't become cancelled; {SENT_ALREADY}"),
        ("paused", "pause", "is paused already"),
        ("cancelled", "cancel", "is cancelled already"),
        *(
            (state, "resume", f"is {state}, {NOT_PAUSED}")
            for state in ("ready", "sending", "sent", "partial", "cancelled")
        ),
    ],
)
def test_an_impossible_change_of_state_names_a_remedy(
    publication: PublicationFolder, state: str, verb: str, complaint: str
) -> None:
    ready(publication)
    with publication.database.writing() as connection:
        connection.execute(issue_table.update().values(state=state))
    with pytest.raises(IssueError) as refusal:
        CHANGES[verb](editing_state(publication), TERMINAL, NAME)
    assert str(refusal.value) == f"{NAME}: {complaint}"
    assert state_of(publication) == IssueState(state)


@pytest.mark.parametrize(
    "name", ["", "weekly", "Weekly-en-2026-01-09", "weekly-en-%", "a' OR 1"]
)
def test_an_issue_is_found_by_its_whole_name_only(
    publication: PublicationFolder, name: str
) -> None:
    ready(publication)
    with pytest.raises(UsageError, match="no such issue"):
        sending.cancel_sending(editing_state(publication), TERMINAL, name)
    assert state_of(publication) == IssueState.READY
