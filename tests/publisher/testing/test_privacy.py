"""TLS, certificates and logins of the test mail server."""

import smtplib
import socket
import ssl

import pytest

from publisher.config.delivery import Tls
from tests.tools.speaking import SENDER, Line, deliver, greeted, trusting
from tools.servers import Behaviour, Drop, Phase, Reply, always
from tools.servers.certificates import CertificateAuthority
from tools.servers.mail_server import MailServer

IMPLICIT = Behaviour(tls=Tls.IMPLICIT)
STARTTLS = Behaviour(tls=Tls.STARTTLS)
USERS = {"ann": "a password"}


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
def test_a_client_certificate_can_be_required(tls: Tls) -> None:
    with MailServer(Behaviour(tls=tls, demands_certificate=True)) as server:
        context = trusting(server)
        pair = server.client_certificate()
        context.load_cert_chain(pair.certificate, pair.key)
        with encrypted(server, context) as client:
            deliver(client)
        # With TLS 1.3 the client hears of its missing certificate at its first word.
        with pytest.raises((ssl.SSLError, smtplib.SMTPServerDisconnected, ConnectionError)):
            deliver(encrypted(server, trusting(server)))
        assert len(server.messages) == 1


def test_a_foreign_or_expired_client_certificate_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    stranger = CertificateAuthority(tmp_path_factory.mktemp("stranger")).issue("client")
    with MailServer(Behaviour(tls=Tls.IMPLICIT, demands_certificate=True)) as server:
        ours = server.client_certificate("late", expired=True)
        for pair in (stranger, ours):
            context = trusting(server)
            context.load_cert_chain(pair.certificate, pair.key)
            with pytest.raises((ssl.SSLError, smtplib.SMTPServerDisconnected, ConnectionError)):
                encrypted(server, context)


def test_starttls_can_be_required_and_can_fail() -> None:
    with MailServer(Behaviour(tls=Tls.STARTTLS, demands_tls=True)) as server:
        with Line(server) as line:
            assert "250-STARTTLS" in line.greet().splitlines()
            assert line.ask(f"MAIL FROM:<{SENDER}>").startswith("530 ")
        with encrypted(server, trusting(server)) as client:
            assert "starttls" not in client.esmtp_features
            deliver(client)
        assert len(server.messages) == 1
    fault = always(Phase.STARTTLS, Reply("454 4.7.0 TLS not available"))
    with MailServer(Behaviour(tls=Tls.STARTTLS, faults=(fault,))) as server:
        with greeted(server) as line:
            assert line.ask("STARTTLS") == "454 4.7.0 TLS not available"
            assert line.send().startswith("250 ")
        server.behaviour = Behaviour(tls=Tls.STARTTLS, faults=(always(Phase.STARTTLS, Drop()),))
        with greeted(server) as line:
            assert line.ask("STARTTLS") == ""


def test_a_failed_handshake_ends_only_its_connection() -> None:
    with MailServer(STARTTLS) as server:
        with greeted(server) as line:
            line.ask("STARTTLS")
            line.say(b"this is no handshake\r\n" * 10)
            line.hear()
        with greeted(server) as line:
            line.ask("STARTTLS")
        server.wait_for_quiet()
        with greeted(server) as line:
            line.ask("STARTTLS")
            server.stop()
            assert line.hear() == ""
        assert server.at_once == 0


def test_a_server_stops_in_the_middle_of_a_handshake() -> None:
    with MailServer(IMPLICIT) as server:
        with socket.create_connection((server.host, server.port), 10) as waiting:
            with encrypted(server, trusting(server)) as client:
                deliver(client)
            server.stop()
            assert waiting.recv(1) == b""
        server.start()
        with encrypted(server, trusting(server)) as client:
            deliver(client)
        assert len(server.messages) == 2


@pytest.mark.parametrize("tls", list(Tls))
def test_users_can_log_in(tls: Tls) -> None:
    behaviour = Behaviour(tls=tls, users=USERS, demands_login=True)
    with MailServer(behaviour) as server:
        client = (
            smtplib.SMTP(server.host, server.port, timeout=10)
            if tls is Tls.NONE
            else encrypted(server, trusting(server))
        )
        with client:
            client.ehlo()
            assert client.mail(SENDER)[0] == 530
            with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
                client.login("ann", "another password")
            assert caught.value.smtp_code == 535
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("bob", "a password")
            client.login("ann", "a password")
            deliver(client)
        assert [one.user for one in server.messages] == ["ann"]
        assert server.refused[530] == 1


def test_login_is_offered_only_inside_tls_and_with_users() -> None:
    with MailServer(Behaviour(tls=Tls.STARTTLS, users=USERS)) as server:
        with Line(server) as line:
            assert "AUTH" not in line.greet()
        with encrypted(server, trusting(server)) as client:
            client.ehlo()
            assert client.esmtp_features["auth"].split() == ["LOGIN", "PLAIN"]
    with MailServer() as server, Line(server) as line:
        assert "AUTH" not in line.greet()
        server.behaviour = Behaviour(users=USERS)
        with Line(server) as second:
            assert "250-AUTH LOGIN PLAIN" in second.greet().splitlines()
            assert second.send().startswith("250 ")
