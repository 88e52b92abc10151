"""The test mail server is as strict as its tests believe: what it lets pass is right.

That it drops, refuses and stalls where it is told to, is seen where our own client meets it
(tests/publisher/delivery/transports/smtp).
"""

import pytest

from tests.tools.speaking import CONTENT, RECIPIENT, SENDER, Line, greeted
from tools.servers import Behaviour, Phase
from tools.servers.mail_server import MailServer


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a\nb\r\n", "550"),
        (b"a\rb\r\n", "550"),
        (b"x" * 999 + b"\r\n", "500"),
        (b"x" * 200_000 + b"\r\n", "500"),
    ],
)
def test_contents_with_bare_line_ends_or_long_lines_are_refused(
    content: bytes, code: str
) -> None:
    with MailServer() as server, greeted(server) as line:
        assert line.send(content=content).startswith(code)
        assert line.send().startswith("250 ")
        assert [one.content for one in server.messages] == [CONTENT]


def test_pipelined_commands_are_counted_if_pipelining_is_not_offered() -> None:
    with MailServer(Behaviour(pipelining=False)) as server, Line(server) as line:
        assert "PIPELINING" not in line.greet()
        line.send(content=CONTENT)
        assert server.hasty == 0
        line.say(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\n".encode())
        assert [line.hear()[:3] for _ in range(2)] == ["250", "250"]
        assert server.hasty == 1


def test_data_without_a_recipient_is_refused() -> None:
    with MailServer() as server, greeted(server) as line:
        assert line.ask("DATA").startswith("503 ")
        assert line.ask(f"MAIL FROM:<{SENDER}>").startswith("250 ")
        assert line.ask(f"RCPT TO:<{RECIPIENT}>").startswith("250 ")
        assert line.ask("DATA now").startswith("501 ")
        assert server.refused == {503: 1, 501: 1}


def test_a_message_beyond_the_size_is_refused_at_mail_or_at_its_end() -> None:
    with MailServer(Behaviour(size=1000)) as server, Line(server) as line:
        assert "250-SIZE 1000" in line.greet().splitlines()
        assert line.ask(f"MAIL FROM:<{SENDER}> SIZE=1001").startswith("552 ")
        lines = (b"x" * 98 + b"\r\n") * 10
        assert line.send(content=lines).startswith("250 ")
        assert line.send(content=lines * 300 + b"x\r\n").startswith("552 ")
        assert line.send().startswith("250 ")
        assert [one.content for one in server.messages] == [lines, CONTENT]


def test_an_exception_in_a_fault_is_raised_again() -> None:
    def mistaken(_moment: object) -> None:
        raise ZeroDivisionError("a mistake")

    def talk(phase: Phase) -> None:
        fault = lambda moment: mistaken(moment) if moment.phase is phase else None  # noqa: E731
        with MailServer(fault) as server, Line(server) as line:
            while line.hear():
                line.say(b"EHLO client.example\r\n")

    for phase in (Phase.CONNECT, Phase.HELLO):
        with pytest.raises(ZeroDivisionError, match="a mistake"):
            talk(phase)
