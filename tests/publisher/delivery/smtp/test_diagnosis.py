import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.smtp import causes
from publisher.delivery.smtp.causes import Cause
from publisher.delivery.smtp.diagnosis import cause_of
from publisher.delivery.smtp.replies import Phase, Reply

EVERY = [value for value in vars(causes).values() if isinstance(value, Cause)]

OTHER = "example.com"


def known_replies() -> list[tuple[str, ...]]:
    """Read the file beside this one: domains, causes and words."""
    lines = Path(__file__).with_name("replies.tsv").read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]


def said(text: str) -> Reply:
    return Reply(int(text[:3]), f"{text}\r\n".encode())


@pytest.mark.parametrize(("domain", "key", "text"), known_replies())
def test_a_reply_to_rcpt_means(domain: str, key: str, text: str) -> None:
    assert cause_of(said(text), Phase.RCPT, domain).key == key


@pytest.mark.parametrize(
    ("phase", "text", "cause"),
    [
        (Phase.MAIL, "550 5.1.1 unknown user", causes.SENDER_REFUSED),
        (Phase.MAIL, "553 5.1.7 bad sender", causes.SENDER_REFUSED),
        (Phase.MAIL, "501 5.1.7 bad sender", causes.SENDER_REFUSED),
        (Phase.MAIL, "550 no", causes.NOT_TAKEN),
        (Phase.MAIL, "552 no", causes.TOO_LARGE),
        (Phase.MAIL, "452 4.2.2 no room", causes.NOT_NOW),
        (Phase.DATA, "550 5.1.1 user unknown", causes.NO_MAILBOX),
        (Phase.DATA, "554 no", causes.NOT_TAKEN),
        (Phase.DOT, "552 no", causes.TOO_LARGE),
        (Phase.DOT, "550 no", causes.NOT_TAKEN),
        (Phase.DOT, "550 5.1.1 no such user", causes.NO_MAILBOX),
        (Phase.DOT, "452 4.2.2 mailbox full", causes.FULL),
    ],
)
def test_what_is_answered_matters(phase: Phase, text: str, cause: Cause) -> None:
    assert cause_of(said(text), phase, OTHER) is cause


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
         "greylisted", "quota exceeded", "inactive", "not found", "reputation", "rate limit"]
    ),
    max_size=6,
).map(" ".join)  # fmt: skip


@given(codes, statuses, words, st.sampled_from(Phase))
def test_nobody_is_taken_for_dead_but_for_good_and_by_a_word_of_it(
    code: int, status: str, text: str, phase: Phase
) -> None:
    cause = cause_of(said(f"{code} {status}{text}"), phase, OTHER)

    if cause.is_dead:
        assert code >= 500
        assert phase is not Phase.MAIL
        assert not status[2:].startswith(("7.", "2.2 "))
        doubts = re.search("spam|blacklist|DMARC|mailbox full|disabled|inactive|quota", text)
        assert not doubts or status[2:] == "1.10 "


def test_each_cause_has_a_name_of_its_own_and_says_what_to_do() -> None:
    keys = [cause.key for cause in EVERY]

    assert len(set(keys)) == len(keys) > 30
    for cause in EVERY:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cause.key)
        assert 10 < len(cause.sentence) <= 90
        assert not cause.sentence.endswith(".")
        assert cause.advice


def test_only_one_cause_means_that_nobody_lives_there() -> None:
    assert [cause for cause in EVERY if cause.is_dead] == [causes.NO_MAILBOX]
