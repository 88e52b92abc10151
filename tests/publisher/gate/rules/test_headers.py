from base64 import b64encode
from collections.abc import Callable

import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import headers
from tests.publisher.gate.messages import STORIES, a_mail, replaced, with_field

LONG = b64encode(("ж" * 40).encode()).decode()
SPLIT = b64encode("ж".encode()[:1]).decode()


def field(name: str, line: str | None) -> Callable[[], CheckedMail]:
    return lambda: with_field(a_mail(), name, line)


def subject(text: str) -> Callable[[], CheckedMail]:
    return lambda: a_mail(subject=text)


def raw_subject(text: str) -> Callable[[], CheckedMail]:
    """A subject as a program writes it that cleans nothing."""
    return field("Subject", f"Subject: =?utf-8?b?{b64encode(text.encode()).decode()}?=")


BROKEN = [
    ("field-count", field("From", None)),
    ("field-count", field("To", None)),
    ("field-count", field("Date", None)),
    ("field-count", field("Subject", None)),
    ("field-count", field("Message-ID", None)),
    ("field-count", field("Subject", "Subject: ")),
    ("field-count", field("Subject", "Subject: one\r\nSubject: two")),
    ("field-count", field("List-Id", "List-Id: <a.b>\r\nlist-id: <a.b>")),
    ("one-address", field("From", "From: a@example.org, b@example.org")),
    ("one-address", field("To", "To: a@example.org, b@example.org")),
    ("one-address", field("To", "To: undisclosed-recipients:;")),
    ("one-address", field("To", "To: nobody")),
    ("date", field("Date", "Date: yesterday")),
    ("date", field("Date", "Date: Fri, 09 Jan 2026 08:00:30 -0000")),
    ("message-id", field("Message-ID", "Message-ID: weekly@news.example.org")),
    ("message-id", field("Message-ID", "Message-ID: <weekly>")),
    ("message-id", field("Message-ID", "Message-ID: <weekly@localhost>")),
    ("encoded-word", field("Subject", f"Subject: =?utf-8?b?{LONG}?=")),
    ("encoded-word", field("Subject", "Subject: =?iso-8859-1?q?caf=E9?=")),
    ("encoded-word", field("Subject", f"Subject: =?utf-8?b?{SPLIT}?=")),
    ("encoded-word", field("Subject", "Subject: =?utf-8?b?w6k=")),
    ("encoded-word", field("Subject", "Subject: =?utf-8?q?a?= " + "=?utf-8?q?b?= " * 6)),
    ("round-trip", field("To", 'To: "Ann <ann@example.org>')),
    ("round-trip", field("Precedence", "Precedence: bulk\r\nnot a field")),
    ("round-trip", lambda: replaced(a_mail(), b'boundary="=_', b'boundary="=x')),
    ("field-control", raw_subject("news\r\nBcc: all@example.org")),
    ("field-control", raw_subject("ring\x07")),
    ("field-direction", subject("a \u2067 left open")),
    ("field-direction", subject("a closed one \u2069")),
    ("field-direction", subject("\u202egpj.exe\u202c")),
    ("field-direction", field("From", "From: =?utf-8?b?4oCu?= <a@news.example.org>")),
    ("subject-length", subject("x" * 66)),
    ("subject-length", subject("长" * 33)),
    ("subject-reply", subject("Re: your order")),
    ("subject-reply", subject("FWD: news")),
    ("subject-reply", subject("转发：一周")),
    ("subject-reply", subject("رد: الأسبوع")),
]


@pytest.mark.parametrize("language", [*STORIES])
def test_nothing_is_wrong_with_what_the_program_composes(language: str) -> None:
    assert list(headers.check(a_mail(language))) == []


@pytest.mark.parametrize(("code", "make"), BROKEN)
def test_a_rule_is_kept_or_the_finding_says_where(
    code: str, make: Callable[[], CheckedMail]
) -> None:
    found = {finding.code: finding for finding in headers.check(make())}
    assert code in found
    assert found[code].where
    assert found[code].problem


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert {code for code, _make in BROKEN} == {rule.code for rule in headers.RULES}


@pytest.mark.parametrize(
    "text",
    [
        "x" * 65,
        "长" * 32,
        "Reading: a guide",
        "The refit: Re",
        "a \u2067whole\u2069 one",
        "e\u0301cole",
        "👩‍👩‍👧 at the harbour",
        "=?utf-8?b?w6k=",
    ],
)
def test_subjects_that_readers_see_whole_are_let_through(text: str) -> None:
    assert list(headers.check(a_mail(subject=text))) == []


def test_a_fault_is_named_with_its_line_in_the_message() -> None:
    mail = with_field(a_mail(), "Subject", "Subject: =?utf-8?q?a?=\r\n =?latin1?q?b?=")
    head = mail.content.split(b"\r\n")
    (finding,) = headers.check(mail)
    assert finding.line is not None
    assert head[finding.line - 1] == b" =?latin1?q?b?="


@pytest.mark.parametrize(
    "line",
    [
        "To: a@[",
        "To: <>",
        "To: @",
        'To: "',
        "To: =?utf-8?b?!!!?= <a@example.org>",
        "Subject: =?",
        "Message-ID: <",
        "Content-Type: multipart/alternative; boundary",
        "Date: \x00",
    ],
)
def test_no_field_is_so_odd_that_looking_at_it_fails(line: str) -> None:
    name = line.partition(":")[0]
    assert [f.where for f in headers.check(with_field(a_mail(), name, line))]
