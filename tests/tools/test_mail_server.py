"""The test mail server is as strict as its tests believe: what it lets pass is right.

That it drops, refuses and stalls where it is told to, is seen where our own client meets it
(tests/publisher/delivery/transports/smtp).
"""

import smtplib
import ssl
from pathlib import Path

import pytest

from publisher.config.delivery import Tls
from tests.tools.speaking import CONTENT, RECIPIENT, SENDER, Line, deliver, greeted
from tools.servers import Behaviour, Phase, Received
from tools.servers.certificates import CertificateAuthority
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


def test_on_message_is_called_before_the_reply() -> None:
    seen: list[Received] = []
    with MailServer(on_message=seen.append) as server, greeted(server) as line:
        line.send()
        assert [one.content for one in seen] == [CONTENT]


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


def encrypted(server: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    """Connect with the server's kind of TLS."""
    if server.behaviour.tls is Tls.IMPLICIT:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=10, context=context)
    client = smtplib.SMTP(server.host, server.port, timeout=10)
    try:
        client.starttls(context=context)
    except BaseException:
        client.close()
        raise
    return client


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_required_client_certificate_may_neither_lack_nor_be_foreign_or_expired(
    tls: Tls, tmp_path: Path
) -> None:
    stranger = CertificateAuthority(tmp_path).issue("client")
    with MailServer(Behaviour(tls=tls, demands_certificate=True)) as server:
        late = server.client_certificate("late", expired=True)
        for pair in (server.client_certificate(), None, stranger, late):
            context = ssl.create_default_context(cafile=server.authority)
            if pair:
                context.load_cert_chain(pair.certificate, pair.key)
            if not server.messages:
                with encrypted(server, context) as client:
                    deliver(client)
                continue
            # With TLS 1.3 the client hears of it at its first word.
            with pytest.raises((ssl.SSLError, smtplib.SMTPServerDisconnected, ConnectionError)):
                deliver(encrypted(server, context))
        assert len(server.messages) == 1


@pytest.mark.parametrize("tls", list(Tls))
def test_a_required_login_is_one_of_the_users_with_the_right_password(tls: Tls) -> None:
    users = {"ann": "a password"}
    with MailServer(Behaviour(tls=tls, users=users, demands_login=True)) as server:
        context = ssl.create_default_context(cafile=server.authority)
        client = (
            smtplib.SMTP(server.host, server.port, timeout=10)
            if tls is Tls.NONE
            else encrypted(server, context)
        )
        with client:
            client.ehlo()
            assert client.mail(SENDER)[0] == 530
            for name, password in (("ann", "another password"), ("bob", "a password")):
                with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
                    client.login(name, password)
                assert caught.value.smtp_code == 535
            client.login("ann", "a password")
            deliver(client)
        assert [one.user for one in server.messages] == ["ann"]
    with MailServer(Behaviour(tls=Tls.STARTTLS, users=users)) as server, Line(server) as line:
        assert "AUTH" not in line.greet()
