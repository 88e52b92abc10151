"""A correction reaches exactly those who got the error and still want the newsletter."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from publisher.app.editing_state import EditingState, Grant, Role, find_terminal_actor
from publisher.app.issues.calendar import read_calendar
from publisher.app.issues.corrections import (
    CorrectionRequest,
    can_be_corrected,
    correct_issue,
    list_corrections,
    plan_correction,
)
from publisher.app.issues.sending import hold_issue, resume_sending, send_now
from publisher.app.subscribers.preferences import switch_language
from publisher.delivery.ledger.correction_audience import CorrectionStanding
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import Outcome, SendStatus
from publisher.errors import ForbiddenError, IssueError, UsageError
from publisher.issues.tables import correction_table, issue_table
from publisher.testing import MemoryTransport
from subscribers.preferences import pause_subscriber
from tests.publisher.app.approving import issue_of, prefer_full_texts
from tests.publisher.app.editing import account, audit_log
from tests.publisher.conftest import NOW, Make, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import DAY, erase, number_of, outbox, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.starting_points import Point, StartingPoint
from tests.subscribers.leaving import unsubscribe

LATER = NOW + timedelta(hours=3)
# When the time to hold a correction has passed.
SENT_AT = LATER + timedelta(minutes=30)
WEEKLY = {"name": "weekly", "schedule": "0 8 * * FRI", "timezone": "UTC"}
ENGLISH = ("ann", "bob", "dan", "eve", "gil", "pia")
ARABIC = ("cyd", "hal")


def address(name: str) -> str:
    return f"{name}@example.com"


@pytest.fixture
def sent(prepared_publication: Make) -> PublicationFolder:
    """An issue in two languages that all have got; Bob as a variant, with full texts."""
    return prepared_publication(send_issue, languages=["en", "ar"], newsletters=[WEEKLY]).at(
        LATER
    )


def send_issue(publication: PublicationFolder) -> None:
    publication.write(
        "en/tides.md", "The tide waits.", title="Tides", date="2026-01-05", key="tides"
    )
    publication.write(
        "ar/tides.ar.md", "المد ينتظر.", title="المد", date="2026-01-05", key="tides"
    )
    subscribe(publication, *((address(one), "en") for one in ENGLISH))
    subscribe(publication, *((address(one), "ar") for one in ARABIC))
    prefer_full_texts(publication, address("bob"))
    pipeline_of(publication).run()
    assert {row["state"] for row in publication.rows(issue_table)} == {"sent"}
    assert any(row["variant_id"] for row in publication.rows(delivery))


def changed_since(publication: PublicationFolder) -> None:
    """Let Dan leave, Eve be erased, Gil read Arabic from now on, Hal pause, and Ida join."""
    with publication.database.writing() as connection:
        unsubscribe(connection, address("dan"), "weekly", LATER)
    erase(publication.database, address("eve"))
    gil, hal = (number_of(publication.database, address(one)) for one in ("gil", "hal"))
    with publication.database.writing() as connection:
        assert switch_language(connection, publication.settings, gil, "ar", LATER)
        pause_subscriber(connection, hal, LATER + timedelta(days=9), LATER)
    subscribe(publication, (address("ida"), "en"))


def request(*languages: str, web_only: bool = False, **changes: str) -> CorrectionRequest:
    words = {
        "subject": "The tide does not wait",
        "text": "It was **wrong**: see [there](/en/).",
    }
    return CorrectionRequest(
        newsletter="weekly", day=DAY, languages=languages, web_only=web_only, **words | changes
    )


def correct(publication: PublicationFolder, wanted: CorrectionRequest) -> EditingState:
    state = editing_state(publication)
    correct_issue(state, find_terminal_actor(state, None), wanted)
    return state


def run(publication: PublicationFolder) -> None:
    """Run a cycle when the correction may be sent, and come back."""
    pipeline_of(publication.at(SENT_AT)).run()
    publication.at(LATER)


def mails(publication: PublicationFolder, known: frozenset[str]) -> Iterator[EmailMessage]:
    for name, content in outbox(publication).items():
        if name not in known:
            mail = message_from_bytes(content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            yield mail


def reached(publication: PublicationFolder, known: frozenset[str]) -> dict[str, EmailMessage]:
    """Give the mails that are new, by address. Nobody gets two."""
    found = [(mail["To"].addresses[0].addr_spec, mail) for mail in mails(publication, known)]
    assert len(found) == len(dict(found))
    return dict(found)


def test_a_correction_reaches_exactly_those_who_got_the_error_in_its_language(
    sent: PublicationFolder,
) -> None:
    changed_since(sent)
    before = frozenset(outbox(sent))
    correct(sent, request("en"))
    correct(sent, request("ar", subject="المد لا ينتظر", text="كان ذلك خطأ."))
    run(sent)
    found = reached(sent, before)
    # Bob had a variant; Gil reads Arabic now, and got the error in English.
    languages = {name: mail["Content-Language"] for name, mail in found.items()}
    english = dict.fromkeys(map(address, ("ann", "bob", "gil", "pia")), "en")
    assert languages == english | {address("cyd"): "ar"}
    ann = found[address("ann")]
    assert ann["Subject"] == "Correction: The tide does not wait"
    assert found[address("cyd")]["Subject"] == "تصويب: المد لا ينتظر"
    html, text = (ann.get_body((kind,)) for kind in ("html", "plain"))
    assert html is not None
    assert text is not None
    page = "https://news.example.org/en/weekly/2026-01-09/"
    for part in (html.get_content(), text.get_content()):
        assert f"{page}correction/" in part
        assert "January 9, 2026" in part
        assert "Tides" in part
    assert "<strong>wrong</strong>" in html.get_content()
    assert ann["Archived-At"] == f"<{page}correction/>"
    of_ann = {
        mail["Message-ID"] for mail in mails(sent, frozenset()) if mail["To"] == ann["To"]
    }
    # Mail programs show it below the mail with the error.
    (first,) = of_ann - {ann["Message-ID"]}
    assert ann["In-Reply-To"] == ann["References"] == first
    assert {row["state"] for row in sent.rows(issue_table)} == {"sent"}


def test_who_gets_no_correction_is_counted_with_the_reason(sent: PublicationFolder) -> None:
    changed_since(sent)
    english, arabic = plan_correction(editing_state(sent), "weekly", DAY)
    assert english.audience == {
        CorrectionStanding.RECIPIENT: 4,
        CorrectionStanding.LEFT: 1,
        CorrectionStanding.ERASED: 1,
    }
    assert arabic.audience == {CorrectionStanding.RECIPIENT: 1, CorrectionStanding.PAUSED: 1}
    assert (english.recipients, arabic.recipients) == (4, 1)
    assert english.subject.endswith("Tides")
    assert len(english.sent_as) == 64


def test_what_was_not_sent_is_not_corrected_by_mail(sent: PublicationFolder) -> None:
    rows = {row["subscriber_id"]: row for row in sent.rows(delivery)}
    ann, bob = (number_of(sent.database, address(one)) for one in ("ann", "bob"))
    with sent.database.writing() as connection:
        for number, state in ((ann, "failed"), (bob, "in_doubt")):
            here = delivery.c.subscriber_id == number
            connection.execute(delivery.update().where(here).values(state=state))
    assert {rows[ann]["state"], rows[bob]["state"]} == {"sent"}
    (english,) = plan_correction(editing_state(sent), "weekly", DAY, ["en"])
    assert english.audience == {
        CorrectionStanding.RECIPIENT: 4,
        CorrectionStanding.NOT_SENT: 1,
        CorrectionStanding.IN_DOUBT: 1,
    }
    before = frozenset(outbox(sent))
    correct(sent, request("en"))
    run(sent)
    assert {*reached(sent, before)} == {address(one) for one in ("dan", "eve", "gil", "pia")}


def test_the_page_of_the_issue_links_to_the_correction_which_is_in_no_list(
    sent: PublicationFolder,
) -> None:
    public = sent.settings.folders.public
    frozen = (public / "en/weekly/2026-01-09/index.html").read_text("utf-8")
    correct(sent, request("en"))
    run(sent)
    run(sent)
    page = (public / "en/weekly/2026-01-09/index.html").read_text("utf-8")
    assert '<a href="/en/weekly/2026-01-09/correction/">' in page
    assert "Corrected on January 9, 2026" in page
    assert "Corrected on" not in frozen
    written = (public / "en/weekly/2026-01-09/correction/index.html").read_text("utf-8")
    assert "<strong>wrong</strong>" in written
    assert 'href="/en/weekly/2026-01-09/"' in written
    for name in ("en/index.html", "en/weekly/index.html"):
        assert "/correction/" not in (public / name).read_text("utf-8")
    arabic = (public / "ar/weekly/2026-01-09/index.html").read_text("utf-8")
    assert "/correction/" not in arabic
    # What was sent is stored as it was.
    (plan,) = plan_correction(editing_state(sent), "weekly", DAY, ["en"])
    assert [one.subject for one in plan.corrections] == ["The tide does not wait"]


def test_a_second_correction_has_a_name_and_a_page_of_its_own(sent: PublicationFolder) -> None:
    correct(sent, request("en"))
    correct(sent, request("en", subject="Once more"))
    run(sent)
    names = [
        mailed.name
        for _c, mailed in list_corrections(editing_state(sent), "weekly-en-2026-01-09")
        if mailed
    ]
    assert names == ["weekly-en-2026-01-09-correction", "weekly-en-2026-01-09-correction-2"]
    assert (
        sent.settings.folders.public / "en/weekly/2026-01-09/correction-2/index.html"
    ).is_file()
    folder = sent.settings.folders.outbox
    assert len([file for file in folder.rglob("*.eml") if "correction-2" in file.name]) == 6


@pytest.mark.parametrize("web_only", [False, True])
def test_the_same_words_correct_an_issue_once(sent: PublicationFolder, web_only: bool) -> None:
    before = frozenset(outbox(sent))
    correct(sent, request("en", web_only=web_only))
    with pytest.raises(IssueError, match="with these words already"):
        correct(sent, request("en", web_only=web_only))
    correct(sent, request("en", web_only=web_only, subject="Once more"))
    run(sent)
    subjects = Counter(mail["Subject"] for mail in mails(sent, before))
    assert len(subjects) == (0 if web_only else 2)
    assert len({*subjects.values()}) <= 1


def test_the_calendar_shows_a_correction_beside_the_issue(sent: PublicationFolder) -> None:
    correct(sent, request("en"))
    entries = read_calendar(editing_state(sent), DAY, DAY).entries
    assert [(one.issue.name, one.issue.kind, one.conflicts_with) for one in entries] == [
        ("weekly-ar-2026-01-09", "regular", ()),
        ("weekly-en-2026-01-09", "regular", ()),
        ("weekly-en-2026-01-09-correction", "correction", ()),
    ]


def test_a_correction_of_the_page_alone_sends_nothing(sent: PublicationFolder) -> None:
    before = outbox(sent)
    correct(sent, request("en", web_only=True))
    run(sent)
    assert outbox(sent) == before
    page = sent.settings.folders.public / "en/weekly/2026-01-09/index.html"
    text = page.read_text("utf-8")
    assert "Corrected on January 9, 2026" in text
    assert "<strong>wrong</strong>" in text


def test_a_correction_can_be_held_before_its_first_mail(sent: PublicationFolder) -> None:
    before = outbox(sent)
    state = correct(sent, request("en"))
    pipeline_of(sent).run()
    assert outbox(sent) == before
    name = "weekly-en-2026-01-09-correction"
    assert not (sent.settings.folders.public / "en/weekly/2026-01-09/correction").exists()
    hold_issue(state, find_terminal_actor(state, None), name)
    run(sent)
    assert outbox(sent) == before
    state = editing_state(sent.at(SENT_AT))
    send_now(state, find_terminal_actor(state, None), name)
    pipeline_of(sent.at(SENT_AT + timedelta(hours=1))).run()
    assert len(outbox(sent)) == len(before) + len(ENGLISH)


def test_correcting_needs_the_permission_of_each_language_and_is_logged(
    sent: PublicationFolder,
) -> None:
    state = editing_state(sent)
    ann = account(state, "ann@example.org", Grant(Role.APPROVER, "ar"))
    with pytest.raises(ForbiddenError):
        correct_issue(state, ann, request("ar", "en"))
    assert sent.rows(correction_table) == []
    correct_issue(state, ann, request("ar"))
    entry = audit_log(state)[0]
    assert (entry.actor, entry.verb) == ("ann@example.org", "correct")
    assert entry.object == "weekly-2026-01-09"
    assert entry.details["issues"] == ["weekly-ar-2026-01-09-correction"]


def test_what_can_not_be_corrected_is_refused(sent: PublicationFolder) -> None:
    for wanted, problem in [
        (request(), "name the languages"),
        (request("en", subject=" "), "a subject"),
        (request("en", text=" "), "a text"),
        (request("en", text="x" * 5001), "longer than"),
        (replace(request("en"), day=DAY + timedelta(days=7)), "no such issue"),
        (replace(request("en"), newsletter="other"), "no such newsletter"),
    ]:
        with pytest.raises((UsageError, IssueError), match=problem):
            correct(sent, wanted)
    for one in ENGLISH:
        erase(sent.database, address(one))
    with pytest.raises(IssueError, match="nobody who got it still wants it"):
        correct(sent, request("en"))
    assert sent.rows(correction_table) == []
    with pytest.raises(UsageError, match="no such issue"):
        list_corrections(editing_state(sent), "weekly-en-2026-02-02")


def test_an_issue_that_is_not_sent_yet_is_not_corrected(starting_point: StartingPoint) -> None:
    publication = starting_point(Point.WAITING, approval="none", lead=24)
    with pytest.raises(IssueError, match="is ready; only an issue that was sent"):
        correct(publication, request("en"))


def test_who_is_deferred_gets_the_correction_after_the_issue_or_neither(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    names = ("ann", "bob", "cyd", "dan", "eve")
    made = new_publication(languages=["en"], newsletters=[WEEKLY])
    made.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(made, *((address(one), "en") for one in names))
    full, gone = Outcome(SendStatus.DEFERRED, "452"), Outcome(SendStatus.REFUSED, "550")
    transport = MemoryTransport(fail_after=1)

    def run_at(at: datetime, **outcomes: Outcome) -> list[str]:
        """Run a cycle, and return what who took: `1` is the issue, `2` its correction."""
        transport.outcomes = {address(one): outcome for one, outcome in outcomes.items()}
        transport.taken.clear()
        pipeline_of(made.at(at), transport).run()
        return [f"{one.recipient[:3]} {one.issue_id}" for one in transport.taken]

    assert len(run_at(NOW)) == 1
    with pytest.raises(
        IssueError, match="mails that were not tried yet: 4; correct it when all"
    ):
        correct(made, request("en"))
    state = editing_state(made)
    assert not can_be_corrected(state, issue_of(made))
    resume_sending(state, find_terminal_actor(state, None), "weekly-en-2026-01-09")
    transport.fail_after = None
    run_at(NOW, cyd=full, dan=full, eve=full)
    assert can_be_corrected(state, issue_of(made))
    made.at(LATER)
    (plan,) = plan_correction(editing_state(made), "weekly", DAY, ["en"])
    assert plan.audience == {CorrectionStanding.RECIPIENT: 2, CorrectionStanding.DEFERRED: 3}
    correct(made, request("en"))
    assert run_at(SENT_AT, cyd=full, dan=full, eve=full) == ["ann 2", "bob 2"]
    # Cyd's mailbox has room again, Dan's is gone, and Eve has left.
    with made.database.writing() as connection:
        unsubscribe(connection, address("eve"), "weekly", SENT_AT)
    assert run_at(SENT_AT + timedelta(hours=12), dan=gone) == ["cyd 1", "cyd 2"]
    states = {row["kind"]: row["state"] for row in made.rows(issue_table)}
    assert states == {"regular": "sent", "correction": "sent"}
    rows = [row for row in made.rows(delivery) if row["issue_id"] == 2]
    assert Counter(row["state"] for row in rows) == {"sent": 3}
