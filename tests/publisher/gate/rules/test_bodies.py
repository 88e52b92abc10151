from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import bodies
from tests.publisher.gate.messages import STORIES, a_mail, replaced


def codes(mail: CheckedMail) -> list[str]:
    return [finding.code for finding in bodies.check(mail)]


def message(language: str = "en", **parts: tuple[str, str]) -> CheckedMail:
    """Make a message of parts, each a text and its transfer encoding; `plain` comes first."""
    made = EmailMessage(SMTP)
    for kind, (text, encoding) in parts.items():
        add = (
            made.add_alternative
            if made.get_content_type() != "text/plain" or made.keys()
            else None
        )
        (add or made.set_content)(text, subtype=kind, cte=encoding)
    return replace(a_mail(language), content=made.as_bytes())


QP, B64 = "quoted-printable", "base64"


@pytest.mark.parametrize("language", [*STORIES])
def test_nothing_is_wrong_with_what_the_program_composes(language: str) -> None:
    assert codes(a_mail(language)) == []


def attached() -> CheckedMail:
    mail = a_mail()
    made = EmailMessage(SMTP)
    made.set_content("x", cte=QP)
    made.add_alternative("<p>x</p>", subtype="html", cte=QP)
    made.add_attachment(b"x", maintype="application", subtype="pdf")
    return replace(mail, content=made.as_bytes())


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("mime-structure", lambda: message(html=("<p>x</p>", QP), plain=("x", QP))),
        ("mime-structure", lambda: message(html=("<p>x</p>", QP))),
        ("mime-structure", lambda: message(plain=("x", QP))),
        ("mime-structure", attached),
        (
            "mime-structure",
            lambda: replaced(a_mail(), b"multipart/alternative", b"multipart/mixed"),
        ),
        ("mime-charset", lambda: replaced(a_mail(), b'charset="utf-8"', b'charset="gb18030"')),
        ("mime-charset", lambda: replaced(a_mail(), b'charset="utf-8"', b'charset="no-such"')),
        ("mime-charset", lambda: replaced(a_mail(), b'; charset="utf-8"', b"")),
        ("mime-charset", lambda: replaced(a_mail(), b"=E2=80=9C", b"=E2=80")),
        ("mime-empty", lambda: a_mail(text="\n")),
        ("mime-empty", lambda: a_mail(html="")),
        ("transfer-encoding", lambda: replaced(a_mail(), b"quoted-printable", b"8bit")),
        ("transfer-encoding", lambda: replaced(a_mail(), b"quoted-printable", b"binary")),
        ("transfer-encoding", lambda: replaced(a_mail(), b"=\r\n", b"")),
        ("transfer-encoding-size", lambda: message(plain=("x", B64), html=("<p>x</p>", QP))),
        ("transfer-encoding-size", lambda: message("ar", plain=("x", B64), html=("x", QP))),
        (
            "transfer-encoding-size",
            lambda: message("zh-Hans", plain=("x", "7bit"), html=("x", B64)),
        ),
        (
            "format-flowed",
            lambda: replaced(a_mail(), b"text/plain;", b"text/plain; format=flowed;"),
        ),
    ],
)
def test_a_part_of_another_kind_is_found(code: str, make: Callable[[], CheckedMail]) -> None:
    assert code in codes(make())


def test_every_rule_is_broken_by_one_of_these() -> None:
    cases = test_a_part_of_another_kind_is_found.pytestmark[0].args[1]  # type: ignore[attr-defined]  # pytest's own
    assert {code for code, _make in cases} == {rule.code for rule in bodies.RULES}


def test_plain_ascii_needs_no_encoding_in_a_latin_script() -> None:
    assert codes(message(plain=("x\n", "7bit"), html=("<p>x</p>\n", "7bit"))) == []


def test_a_finding_names_the_part() -> None:
    (finding,) = bodies.check(a_mail(text=" \n"))
    assert (finding.where, finding.problem) == ("text/plain", "there is nothing in it")
