import pytest

from publisher.delivery.outcomes import Outcome, Slow, Verdict
from publisher.delivery.smtp.judging import LONGEST_REASON, ends_session, judge, untried
from publisher.delivery.smtp.replies import BrokenError, Phase, Reply
from publisher.delivery.transports.base import Unreachable

READER = "ann.example@example.com"
MAIL, RCPT, DATA, DOT = Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT


def said(text: str) -> Reply:
    return Reply(int(text[:3]), f"{text}\r\n".encode())


def judged(text: str, phase: Phase = RCPT, *, has_taken: bool = False) -> Outcome:
    return judge(said(text), phase, READER, has_taken=has_taken)


@pytest.mark.parametrize(
    ("phase", "text", "slow"),
    [
        (MAIL, "421 closing", Slow.TRANSPORT),
        (RCPT, "421 closing", Slow.TRANSPORT),
        (DATA, "421 4.7.0 [TSS04] deferred", Slow.TRANSPORT),
        (DOT, "421 4.7.28 unusual rate", Slow.TRANSPORT),
        (MAIL, "450 no", Slow.TRANSPORT),
        (MAIL, "451 4.7.1 greylisted", Slow.TRANSPORT),
        (RCPT, "450 no", Slow.DOMAIN),
        (RCPT, "451 no", Slow.DOMAIN),
        (RCPT, "452 4.5.3 too many", Slow.DOMAIN),
        (RCPT, "451 4.7.650 rate limited", Slow.DOMAIN),
        (DATA, "451 no", Slow.DOMAIN),
        (DOT, "451 4.7.0 rate limited", Slow.DOMAIN),
        (RCPT, "452 4.3.1 insufficient system storage", Slow.TRANSPORT),
        (RCPT, "452 4.3.1 Insufficient disk space", Slow.TRANSPORT),
        (DOT, "452 4.3.1 out of storage space", Slow.TRANSPORT),
        (RCPT, "454 Throttling failure: Daily message quota exceeded.", Slow.TRANSPORT),
        (RCPT, "450 4.2.0 greylisted", Slow.NOBODY),
        (RCPT, "452 4.2.2 mailbox full", Slow.NOBODY),
        (RCPT, "450 4.2.1 receiving mail too quickly", Slow.NOBODY),
        (RCPT, "450 4.1.1 unverified", Slow.NOBODY),
    ],
)
def test_what_is_refused_for_now_is_deferred_and_may_ask_for_less(
    phase: Phase, text: str, slow: Slow
) -> None:
    outcome = judged(text, phase)

    assert outcome.verdict is Verdict.DEFERRED
    assert outcome.slow is slow
    assert not outcome.is_dead


OVER = [
    "421 4.7.0 Max message per connection reached",
    "421 Timeout, closing",
    "452 4.5.3 Too many messages in this session",
    "451 4.7.1 Maximum number of messages per connection",
    "451 4.4.2 timeout exceeded",
]


@pytest.mark.parametrize("text", OVER)
@pytest.mark.parametrize("phase", [MAIL, RCPT, DATA])
def test_a_server_that_ends_a_session_has_nothing_against_the_message(
    phase: Phase, text: str
) -> None:
    outcome = judged(text, phase)

    assert outcome.verdict is Verdict.UNTRIED
    assert outcome.slow is Slow.NOBODY
    assert ends_session(said(text), phase)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("451 4.3.0 Temporary lookup failure: LDAP timeout exceeded", Verdict.DEFERRED),
        ("451 upstream timeout, connection closed", Verdict.DEFERRED),
        ("550 5.4.0 timeout exceeded", Verdict.REFUSED),
        ("550 5.4.2 timeout exceeded", Verdict.REFUSED),
        ("554 5.5.0 Too many messages in this session", Verdict.REFUSED),
    ],
)
def test_not_every_timeout_is_the_end_of_a_session(text: str, verdict: Verdict) -> None:
    assert judged(text).verdict is verdict
    assert not ends_session(said(text), RCPT)


def test_a_server_that_ends_a_session_after_the_dot_has_not_taken_the_message() -> None:
    assert judged("421 4.4.2 timeout exceeded", DOT).verdict is Verdict.DEFERRED


@pytest.mark.parametrize(
    ("phase", "text", "is_dead"),
    [
        (RCPT, "550 5.1.1 user unknown", True),
        (DATA, "550 5.1.1 user unknown", True),
        (DOT, "550 5.1.1 user unknown", True),
        (RCPT, "550 5.7.1 policy", False),
        (RCPT, "552 5.2.2 full", False),
        (RCPT, "550 5.2.1 disabled", False),
        (RCPT, "554 no", False),
        (DOT, "554 no", False),
        (DOT, "554 5.7.1 spam", False),
        (DOT, "550 5.7.26 unauthenticated", False),
        (DOT, "554 5.7.1 blocked using zen.spamhaus.org", False),
        (MAIL, "552 5.3.4 message too big", False),
        (DATA, "552 5.3.4 message too big", False),
    ],
)
def test_what_is_refused_for_good_because_of_reader_or_message(
    phase: Phase, text: str, is_dead: bool
) -> None:
    outcome = judged(text, phase)

    assert outcome.verdict is Verdict.REFUSED
    assert outcome.is_dead is is_dead
    assert outcome.slow is Slow.NOBODY


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        (MAIL, "550 no"),
        (MAIL, "553 5.1.7 bad sender"),
        (MAIL, "550 5.7.1 blocked (S3150)"),
        (MAIL, "550 5.7.1 by policy"),
        (DATA, "554 5.7.1 by policy"),
        (MAIL, "503 5.5.1 nested MAIL command"),
        (DATA, "554 no"),
        (DATA, "503 no"),
    ],
)
def test_what_is_refused_because_of_us_ends_the_sending(phase: Phase, text: str) -> None:
    with pytest.raises(Unreachable, match="takes nothing from us") as caught:
        judged(text, phase)

    assert caught.value.is_final


@pytest.mark.parametrize("has_taken", [True, False])
@pytest.mark.parametrize(
    ("phase", "text"),
    [
        (RCPT, "554 5.7.1 Relay access denied"),
        (RCPT, "553 5.7.1 Sender address rejected: not owned by user"),
        (DOT, "554 Message rejected: Email address is not verified."),
        (DOT, "554 Sending paused for this account."),
    ],
)
def test_what_is_refused_because_of_us_to_one_reader_says_that_it_is(
    phase: Phase, text: str, has_taken: bool
) -> None:
    outcome = judged(text, phase, has_taken=has_taken)

    assert outcome.verdict is Verdict.REFUSED
    assert outcome.is_about_us
    assert not outcome.is_dead


@pytest.mark.parametrize(
    "text",
    [
        "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "504 5.5.2 Helo command rejected: need fully-qualified hostname",
        "550 5.7.26 This mail has been blocked because the sender is unauthenticated.",
    ],
)
def test_what_one_reader_s_server_has_against_us_is_not_everybody_s(text: str) -> None:
    outcome = judged(text, RCPT)

    assert outcome.verdict is Verdict.REFUSED
    assert not outcome.is_dead


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("code", [530, 535, 538])
def test_who_has_to_log_in_first_sends_nothing(code: int, phase: Phase) -> None:
    with pytest.raises(Unreachable):
        judged(f"{code} no", phase, has_taken=True)


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        (RCPT, "554 5.7.1 Relay access denied"),
        (RCPT, "550 5.7.1 host said: blocked using dnsbl"),
        (DATA, "550 5.7.1 by policy"),
        (DOT, "554 Sending paused for this account."),
    ],
)
def test_where_others_were_taken_a_refusal_is_about_this_one(phase: Phase, text: str) -> None:
    assert judged(text, phase, has_taken=True).verdict is Verdict.REFUSED


def test_an_allowance_that_is_used_up_passes_whatever_the_code() -> None:
    outcome = judged("550 5.4.5 Daily user sending limit exceeded.", MAIL)

    assert outcome.verdict is Verdict.DEFERRED
    assert outcome.slow is Slow.TRANSPORT


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "550 5.1.1 <ann.example@example.com>: User unknown",
            "there is no such mailbox (550 5.1.1: <…@example.com>: User unknown)",
        ),
        (
            "550 ann.example: no such user",
            "there is no such mailbox (550: …: no such user)",
        ),
        ("452 4.2.2", "the mailbox is full (452 4.2.2)"),
    ],
)
def test_a_reason_says_what_it_means_and_what_was_said(text: str, reason: str) -> None:
    assert judged(text).reason == reason


def test_a_reason_is_no_longer_than_a_line() -> None:
    outcome = judged("550 5.1.1 no such user " + "and so on " * 100)

    assert len(outcome.reason) == LONGEST_REASON
    assert outcome.reason.endswith("…)")


def test_what_was_not_tried_says_how_the_connection_was_lost() -> None:
    outcome = untried(BrokenError("closed the connection"))

    assert outcome == Outcome(Verdict.UNTRIED, "the server closed the connection")


def test_a_farewell_asks_for_less_unless_it_is_the_usual_one() -> None:
    busy = untried(BrokenError("spoke out of turn", said("421 4.3.2 shutting down")))
    usual = untried(BrokenError("spoke out of turn", said("421 4.4.2 timeout exceeded")))

    assert (busy.verdict, busy.slow) == (Verdict.UNTRIED, Slow.TRANSPORT)
    assert (usual.verdict, usual.slow) == (Verdict.UNTRIED, Slow.NOBODY)
    assert "shutting down" in busy.reason
