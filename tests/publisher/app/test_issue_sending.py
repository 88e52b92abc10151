"""When an issue goes out: now, later, not yet, never; and taking that back in time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from publisher.accounts import audit
from publisher.accounts.model import Grant, Role
from publisher.app.editing_state import Actor, EditingState
from publisher.app.issue_control import cancel_sending
from publisher.app.issue_sending import (
    hold_issue,
    schedule_issue,
    send_now,
    skip_issue,
    undo_sending,
)
from publisher.delivery.issue_opening import open_due_issues
from publisher.delivery.tables import delivery
from publisher.errors import ForbiddenError, IssueError
from publisher.issues.model import IssueReason, IssueState
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    TERMINAL,
    cycle,
    fill,
    issue_of,
    newsletter,
    person,
    state_of_editors,
)
from tests.publisher.conftest import PublicationFolder

Make = Callable[..., PublicationFolder]
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    """An issue that is ready a day before it is due; nobody has to approve it."""
    terms = newsletter(approval="none", lead=24)
    made = new_publication(languages=["en"], newsletters=[terms])
    fill(made)
    cycle(made, DUE - DAY)
    return made.at(DUE - 20 * HOUR)


@pytest.fixture
def state(publication: PublicationFolder) -> EditingState:
    return state_of_editors(publication)


def at(publication: PublicationFolder, instant: object) -> EditingState:
    return state_of_editors(publication.at(instant))  # type: ignore[arg-type]


def test_an_issue_that_is_sent_now_leaves_after_the_time_to_undo(
    publication: PublicationFolder, state: EditingState
) -> None:
    now = publication.clock.now()
    assert send_now(state, TERMINAL, NAME).send_at == now + 5 * MINUTE
    assert cycle(publication, now + 4 * MINUTE).taken == []
    assert len(cycle(publication, now + 5 * MINUTE).taken) == 1
    with pytest.raises(IssueError, match=r"is sent \(1 sent\)"):
        send_now(state, TERMINAL, NAME)


@pytest.mark.parametrize("after", [0 * SECOND, SECOND, 5 * MINUTE - SECOND, 5 * MINUTE])
def test_sending_that_is_undone_in_time_leaves_no_mail_and_no_row(
    publication: PublicationFolder, state: EditingState, after: timedelta
) -> None:
    """At the end, too, as long as no cycle has begun to send it."""
    now = publication.clock.now()
    send_now(state, TERMINAL, NAME)
    undone = undo_sending(at(publication, now + after), TERMINAL, NAME)
    assert (undone.state, undone.send_at) == (IssueState.READY, DUE)
    assert cycle(publication, now + HOUR).taken == []
    assert publication.rows(delivery) == []
    with pytest.raises(IssueError, match="goes out when it is due"):
        undo_sending(state, TERMINAL, NAME)
    assert len(cycle(publication, DUE).taken) == 1
    with pytest.raises(IssueError, match=r"is sent \(1 sent\)"):
        undo_sending(state, TERMINAL, NAME)


def test_undoing_at_the_end_comes_before_the_first_mail_or_is_refused(
    publication: PublicationFolder,
) -> None:
    """A cycle opens the ledger at the same time; again and again, until it comes first."""
    refused: list[str] = []
    for _ in range(20):
        send_now(at(publication, publication.clock.now()), TERMINAL, NAME)
        state = at(publication, publication.clock.now() + 5 * MINUTE)
        start = threading.Barrier(2)

        def undo(state: EditingState = state, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                undo_sending(state, TERMINAL, NAME)
            except IssueError as error:
                refused.append(str(error))

        thread = threading.Thread(target=undo)
        thread.start()
        start.wait()
        with publication.database.writing() as connection:
            open_due_issues(connection, publication.settings, publication.clock.now())
        thread.join()
        if refused:
            break
        assert (issue_of(publication).state, issue_of(publication).send_at) == (
            IssueState.READY,
            DUE,
        )
        assert publication.rows(delivery) == []
    states = {row["state"] for row in publication.rows(delivery)}
    is_sending = issue_of(publication).state is IssueState.SENDING
    assert (len(refused), is_sending, len(states)) in {(0, False, 0), (1, True, 1)}
    assert all("is being sent" in one for one in refused)


def test_after_its_hour_what_is_undone_is_held(publication: PublicationFolder) -> None:
    hold_issue(state_of_editors(publication), TERMINAL, NAME)
    late = at(publication, DUE + HOUR)
    assert cycle(publication, DUE + HOUR).taken == []
    send_now(late, TERMINAL, NAME)
    assert undo_sending(late, TERMINAL, NAME).send_at is None
    with pytest.raises(IssueError, match="is held; nothing is to be undone"):
        undo_sending(late, TERMINAL, NAME)
    assert cycle(publication, DUE + 2 * HOUR).taken == []


def test_an_issue_is_sent_at_the_instant_that_somebody_chose(
    publication: PublicationFolder, state: EditingState
) -> None:
    when = DUE + 9 * DAY
    schedule_issue(state, TERMINAL, NAME, when)
    with pytest.raises(IssueError, match="has passed"):
        schedule_issue(state, TERMINAL, NAME, DUE - 2 * DAY)
    with pytest.raises(IssueError, match="is more than a year away"):
        schedule_issue(state, TERMINAL, NAME, DUE + 400 * DAY)
    assert all(mail.day != DUE.date() for mail in cycle(publication, DUE + HOUR).taken)
    # It is not late: somebody wanted it so.
    sent = [mail for mail in cycle(publication, when).taken if mail.day == DUE.date()]
    assert len(sent) == 1


def test_a_skipped_issue_gives_its_articles_to_the_next(
    publication: PublicationFolder, state: EditingState
) -> None:
    with pytest.raises(IssueError, match="say why"):
        skip_issue(state, TERMINAL, NAME, " ")
    skipped = skip_issue(state, TERMINAL, NAME, "a holiday")
    assert (skipped.state, skipped.reason) == (IssueState.SKIPPED, "a holiday")
    assert skipped.reason_key == IssueReason.SKIPPED_BY_EDITOR
    with pytest.raises(IssueError, match=r"is skipped \(a holiday\)"):
        skip_issue(state, TERMINAL, NAME, "again")
    assert cycle(publication, DUE).taken == []
    cycle(publication, DUE + 6 * DAY)
    (mail,) = cycle(publication, DUE + 7 * DAY).messages
    assert b"Tides" in mail.content


def test_an_issue_that_waits_for_approval_is_not_sent_now(new_publication: Make) -> None:
    publication = new_publication(languages=["en"], newsletters=[newsletter()])
    fill(publication)
    cycle(publication, DUE - DAY)
    with pytest.raises(IssueError, match=r"is awaiting approval \(0 of 1 approvals\)"):
        send_now(state_of_editors(publication), TERMINAL, NAME)


def test_who_may_do_what_with_an_issue(
    publication: PublicationFolder, state: EditingState
) -> None:
    viewer = person(publication, "vic", Grant(Role.VIEWER))
    editor = person(publication, "eve", Grant(Role.EDITOR, "en"))
    approver = person(publication, "ann", Grant(Role.APPROVER, "ar"))
    verbs: list[Callable[[Actor], object]] = [
        lambda actor: send_now(state, actor, NAME),
        lambda actor: undo_sending(state, actor, NAME),
        lambda actor: hold_issue(state, actor, NAME),
        lambda actor: skip_issue(state, actor, NAME, "no"),
        lambda actor: schedule_issue(state, actor, NAME, DUE + HOUR),
    ]
    for verb in verbs:
        for actor in (viewer, approver):
            with pytest.raises(ForbiddenError):
                verb(actor)
    with pytest.raises(ForbiddenError):
        send_now(state, editor, NAME)
    hold_issue(state, editor, NAME)
    with state.database.reading() as connection:
        entries = [entry for _number, entry in audit.read_log(connection)]
    assert [(one.actor, one.verb) for one in entries] == [("eve@example.org", "hold")]
    assert issue_of(publication).send_at is None


@pytest.mark.parametrize("verb", ["send", "undo", "hold", "cancel"])
def test_of_fifty_clicks_at_once_one_counts_and_the_others_learn_the_truth(
    state: EditingState, verb: str
) -> None:
    if verb == "undo":
        send_now(state, TERMINAL, NAME)
    calls: dict[str, Callable[[], object]] = {
        "send": lambda: send_now(state, TERMINAL, NAME),
        "undo": lambda: undo_sending(state, TERMINAL, NAME),
        "hold": lambda: hold_issue(state, TERMINAL, NAME),
        "cancel": lambda: cancel_sending(state, TERMINAL, NAME),
    }
    truths = {
        "send": "already",
        "undo": "goes out when it is due",
        "hold": "is held already",
        "cancel": "is cancelled already",
    }
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()
    start = threading.Barrier(50)

    def click() -> None:
        start.wait()
        try:
            calls[verb]()
            outcome = "done"
        except IssueError as error:
            outcome = "refused" if truths[verb] in str(error) else str(error)
        with lock:
            outcomes[outcome] += 1

    threads = [threading.Thread(target=click) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"done": 1, "refused": 49}
    with state.database.reading() as connection:
        verbs = Counter(entry.verb for _number, entry in audit.read_log(connection))
        assert audit.find_fault(connection, state.secret) is None
    names = {"send": "send-now"}
    assert verbs[names.get(verb, verb)] == 1


def test_of_sending_and_undoing_at_once_the_state_is_that_of_the_last(
    publication: PublicationFolder, state: EditingState
) -> None:
    def click(call: Callable[[EditingState, Actor, str], object]) -> None:
        try:
            call(state, TERMINAL, NAME)
        except IssueError:
            refused.append(call.__name__)

    refused: list[str] = []
    threads = [
        threading.Thread(target=click, args=(call,))
        for _ in range(10)
        for call in (send_now, undo_sending)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with state.database.reading() as connection:
        done = [entry.verb for _number, entry in audit.read_log(connection)][::-1]
    assert len(done) + len(refused) == 20
    # They take turns: nothing is sent twice, or undone twice.
    assert done == (["send-now", "undo"] * 10)[: len(done)]
    sent = issue_of(publication).send_at
    assert (sent == DUE) == (not done or done[-1] == "undo")
