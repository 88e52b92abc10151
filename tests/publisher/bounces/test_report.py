"""Reports of bounces: what they say, in a corpus of real ones, and how they are scored."""

import time
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest

from publisher.bounces.model import BounceEvent, BounceKind, Evidence, MailKind
from publisher.bounces.report import read_report
from publisher.bounces.store import Acceptance, score_events
from publisher.delivery import causes
from subscribers.model import SubscriberStatus
from tests.publisher.bounces import bounce_corpus
from tests.publisher.bounces.mails import ANN, a_feedback_report, a_status_report, a_text
from tests.publisher.conftest import NOW
from tests.sizes import by_lane
from tests.tables import facts

K = BounceKind
REPORTS = Path(__file__).parent / "reports.tsv"
ORIGINAL = "\n--- Below this line is a copy of the message.\n\nSubject: no such user, spam\n"


@pytest.mark.parametrize(("status", "diagnostic", "kind", "cause"), facts(REPORTS, "status"))
def test_a_delivery_status_is_judged_by_status_and_words(
    status: str, diagnostic: str, kind: str, cause: str
) -> None:
    report = read_report(a_status_report(status=status, diagnostic=diagnostic))
    (verdict,) = report.recipients
    assert (report.mail, verdict.address) == (MailKind.BOUNCE, ANN)
    assert verdict.cause is not None
    assert (verdict.kind, verdict.cause.key) == (kind, cause)


@pytest.mark.parametrize(
    ("action", "kind"),
    [("delayed", K.DELAYED), ("delivered", K.DELIVERED), ("relayed", K.DELIVERED)],
)
def test_mail_that_is_late_or_delivered_has_not_failed(action: str, kind: BounceKind) -> None:
    (verdict,) = read_report(a_status_report(action=action, status="2.0.0")).recipients
    assert verdict.kind is kind


@pytest.mark.parametrize(("text", "kind"), facts(REPORTS, "text"))
def test_the_text_of_a_server_is_read_up_to_the_returned_original(text: str, kind: str) -> None:
    (verdict,) = read_report(a_text(text + ORIGINAL)).recipients
    assert (verdict.address, verdict.kind) == (ANN, kind)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("abuse", K.COMPLAINT),
        ("fraud", K.COMPLAINT),
        ("not-spam", K.NOT_SPAM),
        ("auth-failure", K.UNKNOWN),
    ],
)
def test_a_feedback_report_is_a_complaint_by_its_type(kind: str, expected: BounceKind) -> None:
    report = read_report(a_feedback_report(kind=kind))
    assert report.mail is MailKind.COMPLAINT
    assert [one.kind for one in report.recipients] == [expected]


@pytest.mark.parametrize(("name", "value"), facts(REPORTS, "automatic"))
def test_automatic_replies_are_told_apart(name: str, value: str) -> None:
    text = "I left the company; the mailbox does not exist any more. 550 5.1.1"
    raw = a_text(text, sender=ANN, **{"Subject": "Re: The weekly", name: value})
    report = read_report(raw)
    assert report.mail is MailKind.AUTO_REPLY
    assert [one.kind for one in report.recipients] == [K.AUTO_REPLY]


@pytest.mark.parametrize(("name", "value", "text"), facts(REPORTS, "answer"))
def test_a_reply_with_an_empty_return_path_is_no_bounce(
    name: str, value: str, text: str
) -> None:
    raw = a_text(text, sender=ANN, **{"Subject": "Re: The weekly", name: value})
    (verdict,) = read_report(b"Return-Path: <>\n" + raw).recipients
    assert verdict.kind in {K.AUTO_REPLY, K.UNKNOWN}


def test_neither_nothing_nor_a_question_of_a_person_nor_a_challenge_is_a_failure() -> None:
    assert read_report(b"").mail is MailKind.OTHER
    raw = a_text("Why does nothing reach me?", sender=ANN, Subject="Delivery failed?")
    assert read_report(raw).mail is MailKind.OTHER
    text = "Please confirm that you are a person, or your mail is held."
    raw = a_text(text, sender=ANN, Subject="Challenge/Response")
    assert [one.kind for one in read_report(raw).recipients] == [K.CHALLENGE]


present = pytest.mark.skipif(not bounce_corpus.CORPUS.exists(), reason="the corpus is not here")
# Seconds of processor time for any mail.
LONGEST = 10


@present
def test_of_a_corpus_most_dead_mailboxes_and_complaints_are_found_and_no_others() -> None:
    figures = bounce_corpus.compare_with_corpus()
    assert figures.precision >= 0.95
    assert figures.recall >= 0.63
    assert figures.scored >= 0.80
    # The failed address is found.
    assert figures.addresses / figures.recipients >= 0.82
    harmless = bounce_corpus.HARMLESS_REASONS
    assert [key for key in figures.kinds if key[0] in harmless and key[1] == K.DEAD] == []
    found = {kind: n for (reason, kind), n in figures.kinds.items() if reason == "feedback"}
    assert found.get(K.COMPLAINT, 0) >= 10
    assert found.keys() <= {K.COMPLAINT, K.UNKNOWN, K.AUTO_REPLY}


@present
def test_a_mail_that_is_cut_or_damaged_suppresses_nobody_else() -> None:
    random = Random(1)
    mails = [*bounce_corpus.corpus_mails().values()]
    spoiled = [
        (raw[: len(raw) * part // 5], raw)
        for raw in random.sample(mails, 40)
        for part in range(5)
    ]
    for _ in range(200):
        raw = random.choice(mails)
        spoiled.append((_damaged(raw, random), raw))
    harder = [one for one, raw in spoiled if not final_kinds(one) <= final_kinds(raw)]
    # What softens a refusal may stand in the part that is gone.
    assert len(harder) <= 0.01 * len(spoiled)


def final_kinds(raw: bytes) -> set[BounceKind]:
    """Return those of a mail's verdicts that suppress somebody."""
    found = {one.kind for one in read_report(raw).recipients}
    return found & {BounceKind.DEAD, BounceKind.COMPLAINT}


def _damaged(raw: bytes, random: Random) -> bytes:
    mail = bytearray(raw)
    for _ in range(10):
        place = random.randrange(len(mail))
        choice = random.randrange(3)
        if choice == 0:
            mail[place] = random.randrange(256)
        elif choice == 1:
            mail[place:place] = mail[: random.randrange(300)]
        elif len(mail) > 400:
            del mail[place : place + random.randrange(300)]
    return bytes(mail)


# By day a third of what a mail may be, in a third of the time.
PART = by_lane(3, 1)
FAILURE = b"From: MAILER-DAEMON@x\nSubject: failure notice\n"
HOSTILE = {
    "messages in messages": b"Content-Type: message/rfc822\n\n" * (30_000 // PART),
    "parts in parts": b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(200)
    ),
    "many parts": b'Content-Type: multipart/mixed; boundary="b"\n\n'
    + b"--b\n\nx\n" * (100_000 // PART),
    "many recipients": b'Content-Type: multipart/report; boundary="b"\n\n--b\n'
    b"Content-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822;a@b.example\nAction: failed\nStatus: 5.1.1\n\n"
    * (12_000 // PART),
    "empty lines": FAILURE + b"\n" * (900_000 // PART),
    "returns": b"From: MAILER-DAEMON@x\rSubject: failure\r\r" + b"\r" * (900_000 // PART),
    "spaces": FAILURE + b"\n" + b" " * (900_000 // PART),
    "dashes": FAILURE + b"\n" + b"- " * (400_000 // PART),
    "addresses": FAILURE + b"\n" + b"<a@b.example>: x\n" * (50_000 // PART),
    "an endless address": FAILURE + b"\n" + b"a." * 40 + b"@" + b"b." * (400_000 // PART),
    "open tags": FAILURE + b"Content-Type: text/html\n\n" + b"<a \n" * (200_000 // PART),
    "open styles": FAILURE + b"Content-Type: text/html\n\n" + b"<style>\n" * (100_000 // PART),
    "open comments": b"To: " + b"(" * (300_000 // PART) + b"\n" + FAILURE + b"\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * (50_000 // PART) + b"\n\nx",
    "parameters": b"Content-Type: text/plain;" + b"\n a*0=x;" * (80_000 // PART) + b"\n\nx",
    "no text": b"Content-Type: text/plain; charset=none\n\n\xff\xfe",
    "a charset of surrogates": b"Content-Type: text/plain; charset=utf-7\n\n+2A4-",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_read_in_bounded_time(name: str) -> None:
    started = time.process_time()
    read_report(HOSTILE[name])
    assert time.process_time() - started < LONGEST / PART


@pytest.mark.parametrize(
    "raw", [a_status_report(), a_feedback_report(), a_text("<ann@example.com>: no such user")]
)
def test_a_mail_that_is_cut_anywhere_names_nobody_else_and_is_not_harder(raw: bytes) -> None:
    (whole,) = read_report(raw).recipients
    for end in range(0, len(raw), 7):
        found = read_report(raw[:end]).recipients
        assert len(found) <= 1
        assert all(whole.address.startswith(one.address) for one in found)
        assert final_kinds(raw[:end]) <= {whole.kind}


_ids = count()


def event(
    kind: BounceKind,
    day: float,
    issue: int | None = None,
    cause: causes.Cause = causes.NOT_KNOWN,
    evidence: Evidence = Evidence.VERP,
) -> BounceEvent:
    at = NOW + timedelta(days=day)
    number = str(next(_ids))
    return BounceEvent(
        "mailbox", number, kind, at, at, cause.key, issue_id=issue, evidence=evidence
    )


def status(
    *events: BounceEvent, accepted: tuple[Acceptance, ...] = ()
) -> SubscriberStatus | None:
    return score_events(events, accepted, NOW + timedelta(days=100)).status


def accepted(issue: int, day: float) -> Acceptance:
    return Acceptance(issue, NOW + timedelta(days=day))


def test_a_dead_mailbox_counts_on_the_second_day_unless_a_message_arrived_in_between() -> None:
    assert status(event(K.DEAD, 0, 1), event(K.DEAD, 0.3, 2)) is None
    assert status(event(K.DEAD, 0, 1), event(K.DEAD, 1, 2)) is SubscriberStatus.BOUNCED
    events = event(K.DEAD, 0, 1), event(K.DEAD, 20, 3)
    assert status(*events, accepted=(accepted(2, 7),)) is None
    # It was returned: it did not arrive.
    returned = event(K.SOFT, 8, 2)
    assert status(*events, returned, accepted=(accepted(2, 7),)) is SubscriberStatus.BOUNCED


def test_five_failures_in_two_weeks_suppress() -> None:
    weekly = [event(K.SOFT, 7 * number, number) for number in range(5)]
    assert status(*weekly) is SubscriberStatus.BOUNCED
    assert status(*weekly[:4]) is None
    daily = [event(K.SOFT, number, number) for number in range(10)]
    assert status(*daily) is None


def test_an_issue_counts_once_a_day_and_each_that_arrives_takes_a_point_away() -> None:
    assert status(*(event(K.SOFT, 20 + number / 100, 1) for number in range(20))) is None
    score = score_events([event(K.SOFT, 0, 1), event(K.SOFT, 0.1, 1)], (), NOW)
    assert score.points == 1
    events = [event(K.SOFT, 7 * number, number) for number in range(5)]
    arrived = tuple(accepted(100 + number, 7 * number + 1) for number in range(5))
    assert status(*events, accepted=arrived) is None


@pytest.mark.parametrize("kind", sorted(set(K) - {K.DEAD, K.SOFT, K.COMPLAINT}))
def test_other_reports_never_suppress(kind: BounceKind) -> None:
    assert status(*(event(kind, 7 * number, number) for number in range(50))) is None


def test_a_full_mailbox_never_suppresses_and_a_complaint_does_at_once() -> None:
    full = [event(K.SOFT, 7 * n, n, causes.MAILBOX_FULL) for n in range(50)]
    assert status(*full) is None
    assert status(event(K.COMPLAINT, 0)) is SubscriberStatus.COMPLAINED


@pytest.mark.parametrize("kind", [K.COMPLAINT, K.DEAD, K.SOFT])
def test_what_anybody_could_have_written_counts_for_nothing(kind: BounceKind) -> None:
    invented = [event(kind, 7 * n, n, evidence=Evidence.ADDRESS) for n in range(50)]
    assert status(*invented) is None
