"""TLS and AUTH: nothing is sent to a server that is not authenticated."""

import base64
import gc
import re
import socket
import ssl
import struct
import warnings
from pathlib import Path

import pytest

from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.transports.smtp.commands import Capabilities
from publisher.delivery.transports.smtp.tls import tls_context
from publisher.testing import Behaviour, MailServer, Phase, Reply, always, first
from publisher.testing.certificates import CertificateAuthority
from tests.publisher.delivery.threads import LONG
from tests.publisher.delivery.transports.smtp.connections import (
    PASSWORD,
    USERS,
    a_server,
    failing,
    failure,
    offers_of,
)
from tests.publisher.delivery.transports.smtp.dialogues import close, hello, silence
from tests.publisher.delivery.transports.smtp.scripted import TOO_SOON, Peer, Script

# --- TLS


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ({}, "self.signed certificate in certificate chain|unable to get local issuer"),
        ({"hosts": ("other.example.org",)}, "IP address mismatch"),
        ({"expired": True}, "certificate has expired"),
    ],
    ids=["unknown", "other", "expired"],
)
def test_a_server_with_an_invalid_certificate_gets_no_login_and_no_mail(
    tls: Tls, behaviour: dict[str, object], why: str
) -> None:
    with MailServer(Behaviour(tls=tls, users=USERS, **behaviour)) as server:  # type: ignore[arg-type]
        known = server.authority if behaviour else None
        trouble = failure(a_server(server.port, tls=tls, authorities=known, user="news"))

    assert trouble.is_final
    assert re.search(f"its certificate can't be trusted: .*({why})", str(trouble))
    assert not server.messages


def test_without_starttls_nothing_is_sent_in_the_clear() -> None:
    rests: list[bytes] = []

    def script(peer: Peer) -> None:
        hello(peer, "AUTH PLAIN")
        rests.append(peer.rest())

    trouble = failing(script, tls=Tls.STARTTLS, user="news")

    assert trouble.is_final
    assert "does not offer STARTTLS" in str(trouble)
    assert rests == [b""]


@pytest.mark.parametrize(
    ("text", "is_final"), [("454 4.7.0 TLS not available", False), ("502 5.5.1 No", True)]
)
def test_a_server_that_refuses_starttls_gets_nothing_in_the_clear(
    text: str, is_final: bool
) -> None:
    fault = always(Phase.STARTTLS, Reply(text))
    with MailServer(Behaviour(tls=Tls.STARTTLS, faults=(fault,))) as server:
        trouble = failure(a_server(server.port, tls=Tls.STARTTLS, authorities=server.authority))

    assert trouble.is_final is is_final
    assert f"refuses STARTTLS ({text[:9]}: " in str(trouble)


def a_context(authority: CertificateAuthority) -> ssl.SSLContext:
    pair = authority.issue("server", ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def test_bytes_sent_before_tls_are_refused(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    context = a_context(authority)

    def script(peer: Peer) -> None:
        hello(peer, "STARTTLS")
        peer.hear("STARTTLS")
        peer.put(b"220 Go ahead\r\n250-mail.example.org\r\n250 AUTH PLAIN\r\n")
        peer.secure(context)
        peer.hear("EHLO")
        assert peer.rest() == b""

    trouble = failing(script, tls=Tls.STARTTLS, authorities=authority.path, user="news")

    assert str(trouble).endswith("sent data in the clear after STARTTLS")


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_missing_client_certificate_is_a_final_error(tls: Tls, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    context = a_context(authority)
    context.load_verify_locations(authority.path)
    context.verify_mode = ssl.CERT_REQUIRED

    def script(peer: Peer) -> None:
        if tls is Tls.STARTTLS:
            hello(peer, "STARTTLS")
            peer.hear("STARTTLS")
            peer.say("220 Go ahead")
        with pytest.raises(ssl.SSLError):
            peer.secure(context)

    trouble = failing(script, tls=tls, authorities=authority.path)

    assert trouble.is_final
    assert "TLS can't be established: tlsv13 alert certificate required" in str(trouble)


def test_a_port_without_tls_is_a_final_error() -> None:
    def script(peer: Peer) -> None:
        peer.say("220 mail.example.org ESMTP, and no TLS")
        peer.rest()

    trouble = failing(script, tls=Tls.IMPLICIT)

    assert trouble.is_final
    assert "TLS can't be established: wrong version number" in str(trouble)


def deaf(peer: Peer) -> None:
    """Hear the client out, and close."""
    peer.hear_bytes(1)


@pytest.mark.parametrize(
    "end", [silence, close, deaf, Peer.drop], ids=["stall", "close", "deaf", "reset"]
)
def test_an_interrupted_handshake_is_a_temporary_error(end: Script) -> None:
    trouble = failing(end, tls=Tls.IMPLICIT, timeout=TOO_SOON)

    assert not trouble.is_final


def test_capabilities_after_starttls_count() -> None:
    behaviour = Behaviour(tls=Tls.STARTTLS, pipelining=False, size=1000)
    with MailServer(behaviour) as server:
        offers = offers_of(
            a_server(server.port, tls=Tls.STARTTLS, authorities=server.authority)
        )

    assert offers == Capabilities(sizes=True, max_size=1000)


def test_a_server_that_disconnects_before_tls_leaves_no_socket_open() -> None:
    context = tls_context(SmtpSettings(tls=Tls.IMPLICIT), Path())
    assert context is not None
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _address = server.accept()
        # Closed without goodbyes, so that the client's side knows no peer any more.
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
    client.settimeout(LONG)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with warnings.catch_warnings(record=True) as left_open:
        warnings.simplefilter("always")
        with pytest.raises(ConnectionResetError):
            context.wrap_socket(client, server_hostname="mail.example.org")
        gc.collect()

    assert [str(one.message) for one in left_open] == []


# --- AUTH


def test_a_wrong_password_is_a_final_error() -> None:
    with MailServer(Behaviour(users=USERS)) as server:
        trouble = failure(a_server(server.port, user="news", password="wrong pony"))

    assert trouble.is_final
    assert "refuses the login (535 5.7.8: " in str(trouble)
    assert "pony" not in str(trouble)


def test_a_login_that_fails_for_now_is_a_temporary_error() -> None:
    fault = first(2, Phase.AUTH, Reply("454 4.7.0 Temporary authentication failure"))
    with MailServer(Behaviour(users=USERS, faults=(fault,))) as server:
        trouble = failure(a_server(server.port, user="news"))
        offers_of(a_server(server.port, user="news"))

    assert not trouble.is_final
    assert "refuses the login (454 4.7.0: " in str(trouble)


def test_a_server_without_a_supported_login_is_a_final_error() -> None:
    def none(peer: Peer) -> None:
        hello(peer)
        peer.rest()

    def strange(peer: Peer) -> None:
        hello(peer, "AUTH GSSAPI")
        peer.rest()

    assert "offers no login" in str(failing(none, user="news"))
    assert "none of the supported ways to log in" in str(failing(strange, user="news"))
    assert failing(none, user="news").is_final
    assert failing(strange, user="news").is_final


def test_a_disconnect_after_a_refused_login_is_a_refusal() -> None:
    def script(peer: Peer) -> None:
        hello(peer, "AUTH PLAIN LOGIN")
        peer.hear("AUTH PLAIN")
        peer.say("535 5.7.8 No")

    trouble = failing(script, user="news")

    assert trouble.is_final
    assert "refuses the login (535 5.7.8: No)" in str(trouble)


def test_a_disconnect_during_a_login_is_a_temporary_error() -> None:
    def script(peer: Peer) -> None:
        hello(peer, "AUTH PLAIN LOGIN")
        peer.hear("AUTH PLAIN")

    assert not failing(script, user="news").is_final


@pytest.mark.parametrize("way", ["PLAIN", "CRAM-MD5", "LOGIN"])
@pytest.mark.parametrize(
    "challenge", ["334 go", "334 abcde", "334 Username:", "334 =", "334 //79"]
)
def test_an_invalid_challenge_is_reported_in_one_line(way: str, challenge: str) -> None:
    def script(peer: Peer) -> None:
        hello(peer, f"AUTH {way}")
        while True:
            peer.hear()
            peer.say(challenge)

    assert re.fullmatch(r"127\.0\.0\.1:\d+: .*log.?in.*", str(failing(script, user="news")))


def test_a_password_repeated_by_the_server_is_not_in_the_reason() -> None:
    plain = base64.b64encode(f"\0news\0{PASSWORD}".encode()).decode()

    def script(peer: Peer) -> None:
        hello(peer, "AUTH PLAIN")
        peer.hear("AUTH PLAIN")
        peer.say(f"535 5.7.8 {PASSWORD} is wrong, and {plain} too")
        peer.rest()

    trouble = failing(script, user="news")

    assert str(trouble).endswith("refuses the login (535 5.7.8: … is wrong, and … too)")


def test_the_settings_of_a_server_do_not_show_the_password() -> None:
    assert PASSWORD not in repr(a_server(25, user="news"))


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert str(a_server(25, host="::1")) == "[::1]:25"
    assert str(a_server(587, host="mail.example.org")) == "mail.example.org:587"
