"""The test mail server accepts mail and records it."""

import smtplib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.tools.speaking import CONTENT, RECIPIENT, SENDER, Line, deliver, greeted
from tools.servers import Behaviour, Phase, Received, Stall, always
from tools.servers.mail_server import MailServer


def test_a_message_to_several_recipients_counts_for_each() -> None:
    with MailServer() as server, smtplib.SMTP(server.host, server.port) as client:
        deliver(client, "a@example.org", "b@example.org")
        deliver(client, "b@example.org")
        assert server.recipients() == {"a@example.org": 1, "b@example.org": 2}
        with pytest.raises(ValueError, match="unpack"):
            _ = server.messages[0].recipient


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


def test_commands_may_come_in_one_packet() -> None:
    envelope = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode()
    with MailServer() as server, Line(server) as line:
        assert "250-PIPELINING" in line.greet().splitlines()
        line.say(envelope)
        assert [line.hear()[:3] for _ in range(3)] == ["250", "250", "354"]
        line.say(CONTENT + b".\r\n" + envelope)
        assert [line.hear()[:3] for _ in range(4)] == ["250", "250", "250", "354"]
        line.say(CONTENT + b".\r\nQUIT\r\n")
        assert [line.hear()[:3] for _ in range(3)] == ["250", "221", ""]
        assert len(server.messages) == 2
        assert server.hasty == 0


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


def test_connections_are_counted() -> None:
    with MailServer() as server:
        with greeted(server), greeted(server):
            assert server.at_once == 2
        server.wait_for_quiet()
        with greeted(server) as line:
            line.send()
        assert (server.connections, server.most_at_once) == (3, 2)
        assert server.messages[0].connection == 3


def test_connections_beyond_the_maximum_get_a_421() -> None:
    with MailServer(Behaviour(most_connections=1)) as server:
        with greeted(server) as line, Line(server) as second:
            assert second.hear() == "421 4.7.0 Too many connections"
            assert second.hear() == ""
            assert line.send().startswith("250 ")
        server.wait_for_quiet()
        with greeted(server) as line:
            assert line.send().startswith("250 ")


def test_a_server_restarts_at_the_same_port() -> None:
    with MailServer() as server:
        with greeted(server) as line:
            line.send()
            server.stop()
            assert line.hear() == ""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port), 5)
        server.stop()
        server.start()
        with pytest.raises(RuntimeError, match="running"):
            server.start()
        with greeted(server) as line:
            line.send()
        assert [one.connection for one in server.messages] == [1, 2]


def test_waiting_functions_time_out() -> None:
    with MailServer() as server:
        with pytest.raises(TimeoutError, match="1 messages"):
            server.wait_for(1, seconds=0.01)
        with pytest.raises(TimeoutError, match="stalling"):
            server.wait_for_stalls(seconds=0.01)
        with greeted(server) as line:
            with pytest.raises(TimeoutError, match="no connection"):
                server.wait_for_quiet(0.01)
            with ThreadPoolExecutor() as pool:
                waiting = pool.submit(server.wait_for, 1)
                line.send()
                assert [one.recipient for one in waiting.result()] == [RECIPIENT]


def test_on_message_is_called_before_the_reply() -> None:
    seen: list[Received] = []
    with (
        MailServer(on_message=seen.append, keeps_content=False) as server,
        greeted(server) as line,
    ):
        line.send()
        assert [one.content for one in seen] == [CONTENT]
        assert [one.content for one in server.messages] == [b""]


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


def test_closing_ends_all_threads_and_connections() -> None:
    before = threading.active_count()
    server = MailServer(always(Phase.MAIL, Stall()))
    with server, greeted(server) as stalled, greeted(server), Line(server):
        stalled.say(f"MAIL FROM:<{SENDER}>\r\n".encode())
        server.wait_for_stalls()
        assert threading.active_count() == before + 1
        server.close()
        assert threading.active_count() == before
        assert server.at_once == 0
