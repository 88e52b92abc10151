"""Compiled messages equal those that the standard library composes, for any text and recipient."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import MIMEPart

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.mail import IssueMail, compile_mail
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    NAME_PLACEHOLDER,
    OPTIONAL_PLACEHOLDERS,
    PREFERENCES_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    WEB_PLACEHOLDER,
    WORD_PLACEHOLDERS,
    Placeholder,
)
from publisher.testing import SECRET
from subscribers import Recipient
from tests.publisher.mail import reference
from tests.publisher.mail.conformance import violations
from tests.publisher.mail.samples import (
    MADE_AT,
    SUBJECTS,
    a_recipient,
    an_issue_mail,
    parsed,
)

BLANKS = (
    "",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    " \n",
    "\t\n",
    "\n ",
    "\xa0",
    "\u2028",
    "\x85",
)
SIGNS = (
    ".",
    "..",
    "\n.",
    ".\n",
    "=",
    "=\n",
    "==3D",
    "=" * 40,
    "<b>",
    "&amp;",
    '"',
    "'",
    "--",
    "--=_",
)
WORDS = (
    "From ",
    "\nFrom here",
    "From",
    "x" * 75,
    "x" * 76,
    "y" * 500,
    "@@",
    "@@SUBSCRIBER_",
    "@",
)
SCRIPTS = ("é", "ß" * 60, "灯籠", "渡輪" * 40, "العبّارة", "🦊👩\u200d👧", "e\u0301")
AWKWARD = (*BLANKS, *SIGNS, *WORDS, *SCRIPTS)
FRAGMENTS = st.sampled_from(AWKWARD) | st.text(st.characters(exclude_categories=["Cs"]))
PLACEHOLDERS = st.sampled_from(
    [UNSUBSCRIBE_PLACEHOLDER, PREFERENCES_PLACEHOLDER, WEB_PLACEHOLDER, *WORD_PLACEHOLDERS]
)
FALLBACKS = st.builds(
    lambda token, text: str(Placeholder(token, text)),
    st.sampled_from(OPTIONAL_PLACEHOLDERS),
    FRAGMENTS,
)
BODIES = st.lists(FRAGMENTS | PLACEHOLDERS | FALLBACKS, max_size=12).map("".join)
NAMES = st.lists(FRAGMENTS, max_size=3).map("".join)
SUBJECT_PARTS = st.sampled_from(
    ["", "Week", "灯籠 ", "=?utf-8?q?x?=", "z" * 90, *WORD_PLACEHOLDERS]
)
LOCAL = st.text(st.sampled_from("aZ9!#$%&'*+/=?^_`{|}~-"), min_size=1, max_size=70)
RECIPIENTS = st.builds(
    Recipient,
    id=st.integers(0, 2**63 - 1),
    address=LOCAL.map("{}@example.com".format) | st.just('"a b"@example.com'),
    name=NAMES,
    language=st.sampled_from([*SUBJECTS]),
    timezone=st.none() | st.sampled_from(["Europe/Berlin", "America/Argentina/Buenos_Aires"]),
)


def contents(content: bytes) -> list[tuple[str, ...]]:
    """Return all that a mail program shows of a message, without the boundary."""
    message = message_from_bytes(content, policy=policy.default)
    fields = [(name, str(value).partition("boundary=")[0]) for name, value in message.items()]
    return [*sorted(fields), *map(part, message.iter_parts())]


def part(one: MIMEPart) -> tuple[str, ...]:
    encoding = one["Content-Transfer-Encoding"]
    return one.get_content_type(), one.get_content_charset(""), encoding, one.get_content()


def assert_alike(mail: IssueMail, *recipients: Recipient, date: datetime = MADE_AT) -> None:
    compiled = compile_mail(mail, SECRET)
    for recipient in recipients:
        content = compiled.message(recipient, date).content
        parsed(content)
        assert [*violations(content)] == []
        assert contents(content) == contents(reference.compose(mail, recipient, SECRET, date))


@given(st.sampled_from([*SUBJECTS]), BODIES, BODIES, RECIPIENTS, RECIPIENTS)
@example(
    "en",
    f"a\n{NAME_PLACEHOLDER}\n",
    NAME_PLACEHOLDER * 3,
    a_recipient(name="."),
    a_recipient(2),
)
@example("ar", NAME_PLACEHOLDER, "", a_recipient(name=""), a_recipient(2, "ab"))
def test_any_body_and_any_value(
    language: str, text: str, html: str, ann: Recipient, bob: Recipient
) -> None:
    assert_alike(an_issue_mail(language, text=text, html=html), ann, bob)


@given(st.lists(SUBJECT_PARTS, max_size=5).map("".join), RECIPIENTS)
@example("", a_recipient(name="", address="=?@example.com"))
def test_any_subject(subject: str, recipient: Recipient) -> None:
    assert_alike(an_issue_mail(subject=subject), recipient)


@pytest.mark.parametrize("language", SUBJECTS)
def test_a_value_is_not_searched_for_placeholders(language: str) -> None:
    recipient = a_recipient(name=f"{ADDRESS_PLACEHOLDER} {UNSUBSCRIBE_PLACEHOLDER}")
    mail = an_issue_mail(
        language, text=f"Dear {NAME_PLACEHOLDER}", subject=f"For {NAME_PLACEHOLDER}"
    )
    assert_alike(mail, recipient)
    content = compile_mail(mail, SECRET).message(recipient, MADE_AT).content
    text, _html = parsed(content).iter_parts()
    assert text.get_content() == f"Dear {ADDRESS_PLACEHOLDER} {UNSUBSCRIBE_PLACEHOLDER}\r\n"


@pytest.mark.parametrize(
    "residue",
    [
        "@@SUBSCRIBER_NAME_OR@@FF@@",
        "@@SUBSCRIBER_NAME_OR@@x@@",
        "@@ACTION@@",
        "@@SUBSCRIBER_@@",
    ],
)
def test_malformed_placeholders_stay_for_the_gate_to_find(residue: str) -> None:
    mail = an_issue_mail(text=f"a {residue} b", html=f"<p>{residue}</p>")
    content = compile_mail(mail, SECRET).message(a_recipient(), MADE_AT).content
    assert all(residue in part.get_content() for part in parsed(content).iter_parts())


@pytest.mark.parametrize("language", SUBJECTS)
def test_the_boundary_is_equal_in_all_messages_and_occurs_in_no_part(language: str) -> None:
    text = f"--=_ {NAME_PLACEHOLDER}\n--=_{NAME_PLACEHOLDER}" * 50
    compiled = compile_mail(an_issue_mail(language, text=text, html=text), SECRET)
    first, second = (compiled.message(a_recipient(n), MADE_AT).content for n in (1, 2))
    boundary = parsed(first).get_boundary("").encode()
    assert boundary == parsed(second).get_boundary("").encode()
    assert first.count(boundary) == 4
    assert first.endswith(b"--" + boundary + b"--\r\n")


def test_the_date_is_written_in_utc() -> None:
    for hours in (-11, 0, 3):
        date = datetime(2026, 1, 9, 8, tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
        assert_alike(an_issue_mail(), a_recipient(), date=date)
        content = compile_mail(an_issue_mail(), SECRET).message(a_recipient(), date).content
        assert parsed(content)["Date"] == "Fri, 09 Jan 2026 08:00:00 +0000"
