import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery import causes
from publisher.delivery.causes import BounceCategory
from publisher.delivery.transports.smtp.classify import classify_reply
from publisher.delivery.transports.smtp.replies import SmtpPhase, SmtpReply

EVERY = [value for value in vars(causes).values() if isinstance(value, BounceCategory)]

OTHER = "example.com"
# How Postfix begins its report of an address probe.
PROBED = "550 5.1.1 <ann@example.com>: Recipient address rejected: "


def known_replies() -> list[tuple[str, ...]]:
    """Read the file beside this one: domains, causes and words."""
    lines = Path(__file__).with_name("replies.tsv").read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]


def said(text: str) -> SmtpReply:
    return SmtpReply(int(text[:3]), f"{text}\r\n".encode())


@pytest.mark.parametrize(("domain", "key", "text"), known_replies())
def test_known_replies_have_their_categories(domain: str, key: str, text: str) -> None:
    assert classify_reply(said(text), SmtpPhase.RCPT, domain).key == key


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
    "text",
    [
        "550 Sender address domain does not exist",
        "550 5.1.1 Sender address does not exist",
        "550 The sender address news@example.org does not exist",
        "550 5.1.1 Unknown sender",
        "550 5.1.1 sender's mailbox not found",
        "550 5.1.1 Sender mailbox unavailable: no such user",
        "550 5.1.10 Sender not found",
        "550 <news@example.org>: no such user here (sender verification)",
        "550 5.1.1 <news@example.org>: return address unknown user",
        "550 5.1.1 Return-Path: user unknown",
        "550 5.1.1 reverse-path: user unknown",
        "550 Envelope sender: user unknown",
        "550 5.1.0 MAIL FROM user unknown",
        "550 5.1.1 mail from <news@example.org>: user unknown",
        "554 5.1.1 message rejected: from address unknown user",
        "550 sender account does not exist",
        f"{PROBED}undeliverable address: host mx said: 550 5.1.1 Sender address does not exist",
    ],
)
@pytest.mark.parametrize("phase", [SmtpPhase.RCPT, SmtpPhase.DATA, SmtpPhase.DOT])
def test_rejections_of_the_sender_do_not_suppress_recipients(
    phase: SmtpPhase, text: str
) -> None:
    assert classify_reply(said(text), phase, OTHER) is causes.SENDER_REFUSED


@pytest.mark.parametrize(
    "text",
    [
        "550 your host address does not exist in DNS",
        "550 Your IP address does not exist here",
        "550 unknown address: IP 192.0.2.1 has no name",
        "550 5.1.1 the address does not exist in DNS",
        "550 Account for news@example.org does not exist, please login",
        f"{PROBED}unverified address: Address verification in progress",
        f"{PROBED}unverified address: lost connection with mx.example.com",
        f"{PROBED}undeliverable address: mail for example.com loops back to myself",
        f"{PROBED}undeliverable address: unknown mail transport error",
    ],
)
def test_inconclusive_rejections_do_not_suppress_recipients(text: str) -> None:
    assert classify_reply(said(text), SmtpPhase.RCPT, OTHER) is causes.NOT_KNOWN


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            "550 5.1.1 <{}>: Recipient address rejected: User unknown",
            causes.NO_MAILBOX,
        ),
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


def test_words_inside_a_url_count() -> None:
    text = "550 5.1.1 see <https://www.spamhaus.org/query/ip/192.0.2.1>"

    assert classify_reply(said(text), SmtpPhase.RCPT, OTHER) is causes.BLOCKED


@pytest.mark.parametrize("words", ["Insufficient disk space", "quota exceeded", "mailbox full"])
def test_a_full_server_is_not_a_full_mailbox(words: str) -> None:
    assert classify_reply(said(f"452 4.3.1 {words}"), SmtpPhase.RCPT, OTHER) is causes.TROUBLE
    assert (
        classify_reply(said(f"452 4.2.2 {words}"), SmtpPhase.RCPT, OTHER) is causes.MAILBOX_FULL
    )


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
    keys = [cause.key for cause in EVERY]

    assert len(set(keys)) == len(keys) > 30
    for cause in EVERY:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cause.key)
        assert 10 < len(cause.sentence) <= 90
        assert not cause.sentence.endswith(".")


def test_only_one_category_means_a_dead_address() -> None:
    assert [cause for cause in EVERY if cause.is_dead_address] == [causes.NO_MAILBOX]
