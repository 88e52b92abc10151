"""`conformance` finds what breaks the RFCs, and composed messages break nothing."""

from __future__ import annotations

from base64 import b64encode

import pytest

from publisher.mail import compose_message
from publisher.testing import SECRET
from tests.publisher.gate.messages import a_mail, with_field
from tests.publisher.mail.conformance import violations
from tests.publisher.mail.samples import SUBJECTS, a_recipient, an_issue_mail

LONG = b64encode(("ж" * 40).encode()).decode()
SPLIT = b64encode("ж".encode()[:1]).decode()
MAIL = a_mail()
# Each takes the place of the field of its name.
FIELDS = [
    *("Message-ID: ", "Subject: one\r\nSubject: two", "List-Id: <a.b>\r\nlist-id: <a.b>"),
    *("From: a@example.org, b@example.org", "To: undisclosed-recipients:;", "To: nobody"),
    *("Date: yesterday", "Date: Fri, 09 Jan 2026 08:00:30 -0000"),
    *("Message-ID: <weekly>", "Message-ID: <weekly@localhost>"),
    *(f"Subject: =?utf-8?b?{LONG}?=", f"Subject: =?utf-8?b?{SPLIT}?="),
    *("Subject: =?iso-8859-1?q?caf=E9?=", "Subject: =?utf-8?b?w6k="),
    "Subject: =?utf-8?q?a?= " + "=?utf-8?q?b?= " * 6,
    *('To: "Ann <ann@example.org>', "Precedence: bulk\r\nnot a field"),
    "List-Unsubscribe: =?utf-8?q?=3Chttps=3A//news=2Eexample=2Eorg/u=3E?=",
    "List-Unsubscribe: <mailto:leave@news.example.org>, <https://news.example.org/u>",
    *("List-Unsubscribe: <https:///u>", "List-Unsubscribe: https://news.example.org/u"),
    "List-Unsubscribe-Post: List-Unsubscribe=one-click",
    *("List-Id: weekly", f"List-Id: <{'a' * 250}.example>"),
    *("Feedback-ID: a:b:c:d:newsexample", "Auto-Submitted: no"),
]


@pytest.mark.parametrize("line", FIELDS)
def test_a_field_that_breaks_a_rule_is_found(line: str) -> None:
    name = line.partition(":")[0]
    assert [*violations(with_field(MAIL, name, line).content)]


@pytest.mark.parametrize("name", ["From", "To", "Date", "Subject", "Message-ID"])
def test_a_field_that_is_missing_is_found(name: str) -> None:
    assert [*violations(with_field(MAIL, name, None).content)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\r\nTo:", b"\nTo:"),
        (b"Precedence: bulk", "Precedence: é".encode()),
        (b"Precedence: bulk", b"Precedence: " + b"x" * 999),
        (b'boundary="=_', b'boundary="=x'),
        (b"multipart/alternative", b"multipart/mixed"),
        (b'charset="utf-8"', b'charset="gb18030"'),
        (b'; charset="utf-8"', b""),
        (b"quoted-printable", b"8bit"),
        (b"=\r\n", b""),
        (b"=E2=80=9C", b"=E2=80"),
        (b"text/plain;", b"text/plain; format=flowed;"),
    ],
)
def test_bytes_that_break_a_rule_are_found(old: bytes, new: bytes) -> None:
    assert old in MAIL.content
    assert [*violations(MAIL.content.replace(old, new))]


@pytest.mark.parametrize("language", SUBJECTS)
@pytest.mark.parametrize(
    "hostile",
    [
        *("Ann\r\nBcc: all@example.org", '"Ann" <x@y.example>', "a\x00b\x07", "\u202eAnn"),
        *("ж" * 300, "=?utf-8?b?w6k=?=", "\ud7ff\U0010ffff", "(comment) a, b; c", ""),
    ],
)
def test_messages_with_hostile_values_conform(language: str, hostile: str) -> None:
    mail = an_issue_mail(language, subject=f"News {hostile}", text=hostile, html=hostile)
    content = compose_message(mail, a_recipient(name=hostile), SECRET).content
    assert [*violations(content)] == []
