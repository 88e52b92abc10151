from base64 import b64encode

import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import subject
from tests.publisher.gate.messages import STORIES, a_mail, with_field


def encoded(name: str, text: str, rest: str = "") -> CheckedMail:
    """Return a mail with a field that was not cleaned."""
    word = b64encode(text.encode()).decode()
    return with_field(a_mail(), name, f"{name}: =?utf-8?b?{word}?={rest}")


@pytest.mark.parametrize("language", STORIES)
def test_a_composed_mail_is_accepted(language: str) -> None:
    assert list(subject.check(a_mail(language))) == []


@pytest.mark.parametrize(
    ("code", "mail"),
    [
        ("field-control", encoded("Subject", "news\r\nBcc: all@example.org")),
        ("field-control", encoded("Subject", "ring\x07")),
        ("field-direction", a_mail(subject="a \u2067 left open")),
        ("field-direction", a_mail(subject="a closed one \u2069")),
        ("field-direction", a_mail(subject="\u202egpj.exe\u202c")),
        ("field-direction", encoded("From", "\u202e", " <a@news.example.org>")),
        ("subject-reply", a_mail(subject="Re: your order")),
        ("subject-reply", a_mail(subject="FWD: news")),
        ("subject-reply", a_mail(subject="转发：一周")),
        ("subject-reply", a_mail(subject="رد: الأسبوع")),
    ],
)
def test_a_fault_is_found(code: str, mail: CheckedMail) -> None:
    assert [finding.code for finding in subject.check(mail)] == [code]


@pytest.mark.parametrize(
    "text",
    ["Reading: a guide", "The refit: Re", "a \u2067whole\u2069 one", "👩‍👩‍👧 at the harbour"],
)
def test_other_subjects_are_accepted(text: str) -> None:
    assert list(subject.check(a_mail(subject=text))) == []
