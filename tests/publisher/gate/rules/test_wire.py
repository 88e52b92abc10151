from dataclasses import replace

import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import wire
from tests.publisher.gate.messages import STORIES, a_mail, replaced


def codes(mail: CheckedMail) -> list[str]:
    return [finding.code for finding in wire.check(mail)]


@pytest.mark.parametrize("language", [*STORIES])
def test_what_the_program_composes_is_fit_for_every_server(language: str) -> None:
    assert codes(a_mail(language)) == []


@pytest.mark.parametrize(
    ("old", "new", "kind"), [(b"\r\nTo:", b"\nTo:", "LF"), (b"\r\nTo:", b"\r\rTo:", "CR")]
)
def test_a_bare_line_end_is_found_with_its_line(old: bytes, new: bytes, kind: str) -> None:
    (finding,) = wire.check(replaced(a_mail(), old, new))
    assert finding.code == "line-end"
    assert (finding.line, finding.problem) == (1, f"a line ends with a bare {kind}")


def test_the_first_line_that_is_too_long_is_named_and_998_octets_are_not() -> None:
    mail = a_mail()
    longest = replace(mail, content=mail.content + b"x" * 998 + b"\r\n")
    assert codes(longest) == []
    (finding,) = wire.check(replace(longest, content=longest.content + b"y" * 999 + b"\r\n"))
    assert finding.code == "line-length"
    assert finding.line == longest.content.count(b"\r\n") + 1
    assert "999" in finding.problem


def test_an_octet_beyond_ascii_is_found_wherever_it_is() -> None:
    for old in (b"Precedence: bulk", b"=_"):
        (finding,) = wire.check(replaced(a_mail(), old, old + "é".encode()))
        assert (finding.code, "0xc3" in finding.problem) == ("eight-bit", True)


def test_a_mail_of_twice_what_gmail_shows_is_warned_of() -> None:
    mail = a_mail()
    filled = mail.content + b"x\r\n" * ((wire.LARGEST - len(mail.content)) // 3)
    assert codes(replace(mail, content=filled)) == []
    assert codes(replace(mail, content=filled + b"x\r\n" * 2)) == ["message-size"]
