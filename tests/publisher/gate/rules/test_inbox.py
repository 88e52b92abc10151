from base64 import b64encode
from dataclasses import replace

import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import inbox_and_text
from tests.publisher.gate import messages


def encoded(name: str, text: str, rest: str = "") -> CheckedMail:
    """Return a mail with a field that was not cleaned."""
    word = b64encode(text.encode()).decode()
    return messages.with_field(messages.a_mail(), name, f"{name}: =?utf-8?b?{word}?={rest}")


@pytest.mark.parametrize("language", messages.STORIES)
def test_a_composed_mail_is_accepted(language: str) -> None:
    assert list(inbox_and_text.check_inbox(messages.a_mail(language))) == []


@pytest.mark.parametrize(
    ("code", "mail"),
    [
        ("field-control", encoded("Subject", "news\r\nBcc: all@example.org")),
        ("field-control", encoded("Subject", "ring\x07")),
        ("field-direction", messages.a_mail(subject="a \u2067 left open")),
        ("field-direction", messages.a_mail(subject="a closed one \u2069")),
        ("field-direction", messages.a_mail(subject="\u202egpj.exe\u202c")),
        ("field-direction", encoded("From", "\u202e", " <a@news.example.org>")),
        ("field-words", encoded("Subject", "Grüße", " =?utf-8?b?YWJj?=")),
        ("subject-reply", messages.a_mail(subject="Re: your order")),
        ("subject-reply", messages.a_mail(subject="FWD: news")),
        ("subject-reply", messages.a_mail(subject="转发：一周")),
        ("subject-reply", messages.a_mail(subject="رد: الأسبوع")),
    ],
)
def test_a_fault_is_found(code: str, mail: CheckedMail) -> None:
    assert [finding.code for finding in inbox_and_text.check_inbox(mail)] == [code]


@pytest.mark.parametrize(
    "text",
    ["Reading: a guide", "The refit: Re", "a \u2067whole\u2069 one", "👩‍👩‍👧 at the harbour"],
)
def test_other_subjects_are_accepted(text: str) -> None:
    assert list(inbox_and_text.check_inbox(messages.a_mail(subject=text))) == []


LINE = messages.PREHEADERS["en"]


def codes(mail: CheckedMail) -> list[str]:
    return [finding.code for finding in inbox_and_text.check_inbox(mail)]


def beginning(markup: str, line: str = LINE, **rest: str) -> CheckedMail:
    """Make a mail whose HTML begins with some markup."""
    mail = messages.a_mail(
        html=f"<html><body>{markup}<p>The rest of it.</p></body></html>", **rest
    )
    return replace(mail, preheader=line)


@pytest.mark.parametrize(
    "markup",
    [
        f"<p>View in browser</p><p>{LINE}</p>",
        f"<p>Hidden! {LINE}</p>",
        '<p style="display:none">first</p>' + f"<p>{LINE}</p>",
        "<p>A map of the harbour</p>",
    ],
)
def test_text_before_the_first_line_is_a_finding(markup: str) -> None:
    assert "preheader-missing" in codes(beginning(markup))


def test_a_mail_without_text_has_no_first_line() -> None:
    (finding,) = inbox_and_text.check_inbox(
        messages.a_mail(html='<html><body><img src="x.png"></body></html>')
    )
    assert (finding.code, finding.where) == ("preheader-missing", "body")


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("display:none", "display:none on div"),
        ("font-size:1px", "font-size:1px on div"),
        ("background-color:#ffffff;color:#ffffff", "#ffffff on #ffffff"),
        ("color:transparent", "a transparent colour"),
    ],
)
def test_a_hidden_first_line_is_an_error_with_its_cause(style: str, said: str) -> None:
    (finding,) = inbox_and_text.check_inbox(
        beginning(f'<div style="{style}"><p>{LINE}</p></div>')
    )
    assert (finding.code, finding.severity) == ("preheader-hidden", "error")
    assert finding.problem == f"it is hidden by {said}"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("x" * 39, ["preheader-length"]),
        ("x" * 40, []),
        ("x" * 130, []),
        ("x" * 131, ["preheader-length"]),
        ("渡" * 20, []),
        ("渡" * 19, ["preheader-length"]),
    ],
)
def test_the_length_is_counted_in_columns(line: str, found: list[str]) -> None:
    assert codes(beginning(f"<p>{line}</p>", line)) == found


def test_a_first_line_that_repeats_the_subject_is_a_finding_and_line_breaks_are_none() -> None:
    subject = f"{messages.SUBJECTS['en']} for the tide, at last"
    for field in (subject, f"{subject}\u200f"):
        assert codes(beginning(f"<p>{subject}</p>", subject, subject=field)) == [
            "preheader-repeats"
        ]
    assert codes(beginning(f"<p>{LINE.replace(' · ', chr(10) + '· ')}</p>")) == []


def test_without_an_expected_first_line_the_first_text_counts() -> None:
    mail = replace(
        messages.a_mail(html=messages.page_of(messages.STORIES["en"], "Short")), preheader=""
    )
    (finding,) = inbox_and_text.check_inbox(mail)
    assert (finding.code, finding.line) == ("preheader-length", 2)
