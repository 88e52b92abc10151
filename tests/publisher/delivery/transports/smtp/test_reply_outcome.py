"""What a reply means: for the message, for those that follow, and for people who read why."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery import causes
from publisher.delivery.causes import BounceCategory
from publisher.delivery.transports.base import Outcome, SendStatus, ThrottleScope, Unreachable
from publisher.delivery.transports.smtp import session
from publisher.delivery.transports.smtp.classify import classify_reply
from publisher.delivery.transports.smtp.protocol import ConnectionLost, SmtpPhase, SmtpReply

RECIPIENT = "ann.example@example.com"
MAIL, RCPT, DATA, DOT = SmtpPhase.MAIL, SmtpPhase.RCPT, SmtpPhase.DATA, SmtpPhase.DOT


def said(text: str) -> SmtpReply:
    return SmtpReply(int(text[:3]), f"{text}\r\n".encode())


def judged(text: str, phase: SmtpPhase = RCPT, *, has_accepted: bool = False) -> Outcome:
    return session.outcome_of_reply(said(text), phase, RECIPIENT, has_accepted=has_accepted)


def table(name: str) -> list[tuple[str, ...]]:
    """Read a file beside this one, whose first lines say what its columns are."""
    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(("command", "status", "marks", "text"), table("outcomes.tsv"))
def test_a_reply_says_what_becomes_of_message_recipient_and_session(
    command: str, status: str, marks: str, text: str
) -> None:
    phase = SmtpPhase(command)
    if status == "final":
        with pytest.raises(Unreachable, match="takes nothing from us") as caught:
            judged(text, phase)
        assert caught.value.is_final
        return
    outcome = judged(text, phase)
    is_over = session.ends_session(said(text), phase)
    found = ("dead" * outcome.is_dead_address, "us" * outcome.is_about_sender, "over" * is_over)
    assert outcome.status == status
    assert " ".join(filter(None, (outcome.throttle, *found))) == marks.strip("-")
    if outcome.is_about_sender:
        assert judged(text, phase, has_accepted=True) == outcome


@pytest.mark.parametrize("phase", SmtpPhase)
@pytest.mark.parametrize(
    ("code", "why"),
    [(530, "requires a login"), (535, "login is refused"), (538, "requires TLS")],
)
def test_a_required_login_is_final(code: int, why: str, phase: SmtpPhase) -> None:
    with pytest.raises(Unreachable, match=rf"{why} \({code}"):
        judged(f"{code} no", phase, has_accepted=True)


@pytest.mark.parametrize(
    ("phase", "text"),
    [(RCPT, "550 5.7.1 host said: blocked using dnsbl"), (DATA, "550 5.7.1 by policy")],
)
def test_a_refusal_after_acceptances_is_about_this_message(phase: SmtpPhase, text: str) -> None:
    assert judged(text, phase, has_accepted=True).status is SendStatus.REFUSED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "550 5.1.1 <ann.example@example.com>: User unknown",
            "there is no such mailbox (550 5.1.1: <…@example.com>: User unknown)",
        ),
        ("550 ann.example: no such user", "there is no such mailbox (550: …: no such user)"),
        ("452 4.2.2", "the mailbox is full (452 4.2.2)"),
    ],
)
def test_a_reason_has_our_sentence_and_the_server_s_text(text: str, reason: str) -> None:
    assert judged(text).reason == reason


def test_a_reason_fits_on_one_line() -> None:
    outcome = judged("550 5.1.1 no such user " + "and so on " * 100)
    assert len(outcome.reason) == session.MAX_REASON
    assert outcome.reason.endswith("…)")


def test_an_unsent_message_says_how_the_connection_was_lost() -> None:
    words = "closed the connection"
    outcome = session.outcome_of_loss(ConnectionLost(words))
    assert outcome == Outcome(SendStatus.NOT_SENT, words, causes.CONNECTION_LOST)
    assert outcome.reason == "the server closed the connection"


@pytest.mark.parametrize(
    ("words", "throttle"),
    [
        ("4.3.2 shutting down", ThrottleScope.TRANSPORT),
        ("4.4.2 timeout exceeded", ThrottleScope.NONE),
    ],
)
def test_421_slows_down_unless_the_session_simply_ended(
    words: str, throttle: ThrottleScope
) -> None:
    outcome = session.outcome_of_loss(ConnectionLost("asked for nothing", said(f"421 {words}")))
    assert (outcome.status, outcome.throttle) == (SendStatus.NOT_SENT, throttle)
    assert words.partition(" ")[2] in outcome.reason


# --- the category of a reply


EVERY = [*causes.REFUSALS.values()]

OTHER = "example.com"


@pytest.mark.parametrize(("domain", "key", "text"), table("replies.tsv"))
def test_known_replies_have_their_categories(domain: str, key: str, text: str) -> None:
    assert classify_reply(said(text), SmtpPhase.RCPT, domain).key == key


@pytest.mark.parametrize("phase", SmtpPhase)
def test_only_a_reply_that_there_is_no_mailbox_suppresses_a_recipient(phase: SmtpPhase) -> None:
    """Be it about the sender, be it inconclusive, and whichever command it answers."""
    for domain, key, text in table("replies.tsv"):
        if key != "no-mailbox":
            assert not classify_reply(said(text), phase, domain).is_dead_address, text


@pytest.mark.parametrize(
    ("phase", "text", "cause"),
    [
        (SmtpPhase.MAIL, "550 5.1.1 unknown user", causes.SENDER_REFUSED),
        (SmtpPhase.MAIL, "553 5.1.7 bad sender", causes.SENDER_REFUSED),
        (SmtpPhase.MAIL, "501 5.1.7 bad sender", causes.SENDER_REFUSED),
        (SmtpPhase.MAIL, "550 no", causes.NOT_TAKEN),
        (SmtpPhase.MAIL, "552 no", causes.TOO_LARGE),
        (SmtpPhase.MAIL, "452 4.2.2 no room", causes.NOT_NOW),
        (SmtpPhase.DATA, "550 5.1.1 user unknown", causes.NO_MAILBOX),
        (SmtpPhase.DATA, "554 no", causes.NOT_TAKEN),
        (SmtpPhase.DOT, "552 no", causes.TOO_LARGE),
        (SmtpPhase.DOT, "550 no", causes.NOT_TAKEN),
        (SmtpPhase.DOT, "550 5.1.1 no such user", causes.NO_MAILBOX),
        (SmtpPhase.DOT, "452 4.2.2 mailbox full", causes.MAILBOX_FULL),
    ],
)
def test_the_category_depends_on_the_command(
    phase: SmtpPhase, text: str, cause: BounceCategory
) -> None:
    assert classify_reply(said(text), phase, OTHER) is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("550 5.1.1 <{}>: Recipient address rejected: User unknown", causes.NO_MAILBOX),
        ("550 5.1.1 {}: account closed", causes.NO_MAILBOX),
        ("550 no such user ({})", causes.NO_MAILBOX),
        ("550 <{}> mailbox quota exceeded", causes.MAILBOX_FULL),
        ("550 recipient={};user unknown", causes.NO_MAILBOX),
    ],
)
@pytest.mark.parametrize(
    "address",
    [
        *("spam@a.example", "dmarc@a.example", "daily.limit@a.example", "idle@a.example"),
        *("reputation@a.example", "ptr@a.example", "sender@a.example", "dns@a.example"),
        *("policy@a.example", "greylist@a.example", "disabled@a.example", "rbl@a.example"),
        *("ann@virus.example", "ann@dkim.example", "ann+spf@relay-denied.example"),
    ],
)
def test_words_inside_an_address_do_not_count(
    text: str, cause: BounceCategory, address: str
) -> None:
    assert classify_reply(said(text.format(address)), SmtpPhase.RCPT, OTHER) is cause


codes = st.one_of(st.integers(400, 599), st.sampled_from([421, 450, 452, 550, 552, 554]))
statuses = st.one_of(
    st.just(""),
    st.tuples(st.sampled_from("45"), st.integers(0, 9), st.integers(0, 720)).map(
        lambda parts: "{}.{}.{} ".format(*parts)
    ),
)
words = st.lists(
    st.sampled_from(
        ["user", "unknown", "no such", "mailbox", "mailbox full", "disabled", "does not exist", "spam",
         "policy", "blocked", "blacklist", "DMARC", "relay", "denied", "ann@example.com",
         "greylisted", "quota exceeded", "inactive", "not found", "reputation", "rate limit",
         "sender", "mail from", "your host", "loops back"]
    ),
    max_size=6,
).map(" ".join)  # fmt: skip


@given(codes, statuses, words, st.sampled_from(SmtpPhase))
def test_only_permanent_and_explicit_replies_mean_a_dead_address(
    code: int, status: str, text: str, phase: SmtpPhase
) -> None:
    cause = classify_reply(said(f"{code} {status}{text}"), phase, OTHER)
    if cause.is_dead_address:
        assert code >= 500
        assert phase is not SmtpPhase.MAIL
        assert not status[2:].startswith(("7.", "2.2 "))
        doubts = re.search("spam|blacklist|DMARC|mailbox full|disabled|inactive|quota", text)
        assert not doubts or status[2:] == "1.10 "
        assert not re.search("sender|mail from|your host|loops back", text)


def test_each_category_has_a_key_and_a_sentence() -> None:
    assert len(EVERY) > 30
    for cause in EVERY:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cause.key)
        assert 10 < len(cause.sentence) <= 90
        assert not cause.sentence.endswith(".")
    assert [cause for cause in EVERY if cause.is_dead_address] == [causes.NO_MAILBOX]
