"""From nothing to a server that takes mail, and all that goes wrong on the way."""

import base64
import gc
import re
import socket
import ssl
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.transports.smtp.protocol import Capabilities
from publisher.delivery.transports.smtp.transport import connect_to_server, tls_context
from tests.publisher.delivery.transports.smtp.scripted import (
    PASSWORD,
    TOO_SOON,
    USERS,
    Peer,
    Script,
    Scripted,
    a_server,
    close,
    failing,
    failure,
    hello,
    offers_of,
    part,
    saying,
    silence,
)
from tests.sizes import PATIENCE
from tools.servers import Behaviour, MailServer, Phase, Reply, always, first
from tools.servers.certificates import CertificateAuthority

# --- what is offered


@pytest.mark.parametrize(
    ("lines", "offers"),
    [
        ((), Capabilities()),
        (("PIPELINING", "SIZE 1000"), Capabilities(pipelining=True, sizes=True, max_size=1000)),
        (("SIZE",), Capabilities(sizes=True)),
        (("SIZE 0",), Capabilities(sizes=True)),
        (("SIZE many",), Capabilities(sizes=True)),
        (("SIZE " + "9" * 20,), Capabilities(sizes=True, max_size=10**20 - 1)),
        (("SIZE " + "9" * 21,), Capabilities(sizes=True)),
        (("SIZE " + "9" * 5_000,), Capabilities(sizes=True)),
        (("SIZE \u0663",), Capabilities(sizes=True)),
        (("pipelining", "8BITMIME"), Capabilities(pipelining=True)),
    ],
)
def test_announced_capabilities_are_used_and_small_packets_leave_at_once(
    lines: tuple[str, ...], offers: Capabilities
) -> None:
    def script(peer: Peer) -> None:
        hello(peer, *lines)
        part(peer)

    with Scripted(script) as scripted:
        wire, found = connect_to_server(a_server(scripted.port))
        assert wire._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        wire.quit()
    assert found == offers


@pytest.mark.parametrize(
    ("name", "heard"),
    [
        ("client.example.org", r"client\.example\.org"),
        (None, r"([\w-]+(\.[\w-]+)+|\[127\.0\.0\.1\])"),
    ],
)
def test_ehlo_names_our_host(name: str | None, heard: str) -> None:
    said: list[str] = []

    def script(peer: Peer) -> None:
        peer.say("220 mail.example.org")
        said.append(peer.hear("EHLO"))
        peer.say("250 mail.example.org")
        part(peer)

    with Scripted(script) as scripted:
        offers_of(a_server(scripted.port, name=name))
    assert re.fullmatch(heard, said[0].split()[1])


# --- no server, or no reply


@pytest.mark.parametrize(
    ("host", "why", "is_final"),
    [
        ("mail.invalid", "mail.invalid:25: the host's name has no address", False),
        ("a" * 64 + ".example.org", ".example.org:25: that is not a valid host name", True),
        # Nobody connects to all hosts at once.
        ("255.255.255.255", "255.255.255.255:25: can't be reached: ", False),
    ],
    ids=["unknown", "invalid", "unreachable"],
)
def test_a_host_that_can_t_be_reached_is_a_temporary_error_and_an_invalid_one_is_final(
    host: str, why: str, *, is_final: bool
) -> None:
    trouble = failure(a_server(25, host=host))
    assert why in str(trouble)
    assert trouble.is_final is is_final


def test_a_closed_port_is_a_temporary_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        trouble = failure(a_server(port))
    assert str(trouble) == f"127.0.0.1:{port}: no server listens there"
    assert not trouble.is_final


def at_hello(end: Callable[[Peer], None]) -> Script:
    def script(peer: Peer) -> None:
        peer.say("220 mail.example.org")
        peer.hear("EHLO")
        end(peer)

    return script


def at_login(end: Callable[[Peer], None]) -> Script:
    def script(peer: Peer) -> None:
        hello(peer, "AUTH PLAIN LOGIN")
        peer.hear("AUTH PLAIN")
        end(peer)

    return script


def endless(peer: Peer) -> None:
    while True:
        peer.put(b"220-and so on\r\n" * 1_000)


def deaf(peer: Peer) -> None:
    """Hear the client out, and close."""
    peer.hear_bytes(1)


ENDS = {
    silence: r"was silent for 0\.2 s",
    close: "(closed|broke off) the connection",
    Peer.drop: "(closed|broke off) the connection",
    endless: "sent a reply of more than",
    saying("HTTP/1.1 400 Bad Request"): "sent an invalid reply",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("wrap", [lambda end: end, at_hello], ids=["greeting", "hello"])
def test_a_server_that_does_not_reply_is_a_temporary_error(
    end: Script, wrap: Callable[[Script], Script]
) -> None:
    trouble = failing(wrap(end), timeout=TOO_SOON)
    assert not trouble.is_final
    assert re.match(rf"127\.0\.0\.1:\d+: {ENDS[end]}", str(trouble))


@pytest.mark.parametrize("end", [silence, close, deaf, Peer.drop])
def test_an_interrupted_handshake_or_login_is_a_temporary_error(end: Script) -> None:
    assert not failing(end, tls=Tls.IMPLICIT, timeout=TOO_SOON).is_final
    if end is not deaf:
        assert not failing(at_login(end), user="news", timeout=TOO_SOON).is_final


@pytest.mark.parametrize(
    ("text", "is_final"),
    [
        ("421 4.3.2 Too many connections", False),
        ("451 4.7.0 Try later", False),
        ("554 5.7.1 No mail from you, ann@example.com", True),
    ],
)
def test_a_server_may_refuse_the_connection(text: str, is_final: bool) -> None:
    for script, stage in (
        (saying(text), "takes no connection from us"),
        (at_hello(saying(text)), "refuses EHLO"),
    ):
        trouble = failing(script)
        assert trouble.is_final is is_final
        assert f": {stage} ({text[:9]}: " in str(trouble)
        assert "ann@" not in str(trouble)


# --- TLS and AUTH: nothing is sent to a server that is not authenticated


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
    trouble = failing(saying("220 mail.example.org ESMTP, and no TLS"), tls=Tls.IMPLICIT)
    assert trouble.is_final
    assert "TLS can't be established: wrong version number" in str(trouble)


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
    client.settimeout(PATIENCE)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # what other tests have left open
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
    assert trouble.is_login
    assert "refuses the login (535 5.7.8: " in str(trouble)
    assert "; check user = 'news' in [delivery.smtp], and PUBLISHER_SMTP_PASSWORD" in str(
        trouble
    )
    assert "pony" not in str(trouble)


def test_a_login_that_fails_for_now_is_a_temporary_error() -> None:
    fault = first(2, Phase.AUTH, Reply("454 4.7.0 Temporary authentication failure"))
    with MailServer(Behaviour(users=USERS, faults=(fault,))) as server:
        trouble = failure(a_server(server.port, user="news"))
        offers_of(a_server(server.port, user="news"))
    assert not trouble.is_final
    assert "refuses the login (454 4.7.0: " in str(trouble)


PLAIN = base64.b64encode(f"\0news\0{PASSWORD}".encode()).decode()


@pytest.mark.parametrize(
    ("offer", "answer", "why"),
    [
        ("PIPELINING", None, "offers no login"),
        ("AUTH GSSAPI", None, "none of the supported ways to log in"),
        # The password is not in the reason, though the server repeats it.
        (
            "AUTH PLAIN",
            f"535 5.7.8 {PASSWORD} is wrong, and {PLAIN} too",
            "refuses the login (535 5.7.8: … is wrong, and … too)",
        ),
    ],
)
def test_a_login_that_is_not_offered_or_refused_is_a_final_error(
    offer: str, answer: str | None, why: str
) -> None:
    def script(peer: Peer) -> None:
        hello(peer, offer)
        if answer:
            # The server disconnects after it.
            peer.hear("AUTH PLAIN")
            peer.say(answer)
        else:
            peer.rest()

    trouble = failing(script, user="news")
    assert trouble.is_final
    assert why in str(trouble)


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


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert str(a_server(25, host="::1")) == "[::1]:25"
    assert str(a_server(587, host="mail.example.org")) == "mail.example.org:587"
