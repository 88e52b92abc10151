import select
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.delivery.smtp.replies import ConnectionLost
from publisher.delivery.smtp.socket_io import SmtpSocket
from publisher.testing.certificates import CertificateAuthority
from tests.publisher.delivery.smtp.scripted import SOON, TOO_SOON, Peer, Scripted

LARGE = b"x" * 10_000_000


@pytest.fixture
def pair() -> Iterator[tuple[SmtpSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield SmtpSocket(ours, TOO_SOON), theirs


def test_what_is_left_of_a_group_is_told(pair: tuple[SmtpSocket, socket.socket]) -> None:
    wire, _ = pair

    rest = wire.write_some(LARGE)

    assert 0 < len(rest) < len(LARGE)
    with pytest.raises(ConnectionLost, match=r"was silent for 0\.2 s"):
        wire.write_some(bytes(rest))


def test_nobody_reads_for_ever(pair: tuple[SmtpSocket, socket.socket]) -> None:
    wire, _ = pair

    with pytest.raises(ConnectionLost, match="was silent"):
        wire.write(LARGE)


def test_what_nobody_takes_is_lost(pair: tuple[SmtpSocket, socket.socket]) -> None:
    wire, theirs = pair
    theirs.close()

    for write in (wire.write, wire.write_more, wire.write_some):
        with pytest.raises(ConnectionLost, match="broke off the connection"):
            write(b"MAIL\r\n")


def test_a_reply_that_nobody_asked_for_is_not_waited_for(
    pair: tuple[SmtpSocket, socket.socket],
) -> None:
    wire, theirs = pair

    assert wire.unsolicited() is None
    theirs.sendall(b"421 bye\r\n250 again\r\n")
    replies = [wire.unsolicited(), wire.unsolicited(), wire.unsolicited()]

    assert [reply.code if reply else None for reply in replies] == [421, 250, None]


def test_patience_is_for_one_reply(pair: tuple[SmtpSocket, socket.socket]) -> None:
    wire, theirs = pair
    theirs.sendall(b"250 Ok\r\n")

    assert wire.reply(600).code == 250
    with pytest.raises(ConnectionLost, match=r"was silent for 0\.2 s"):
        wire.reply()


def test_what_tls_says_to_tls_is_no_reply(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    files = authority.issue("server", ["127.0.0.1"])
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(files.certificate, files.key)
    ours = ssl.create_default_context(cafile=authority.path)

    def script(peer: Peer) -> None:
        # Tickets for the next session come right after the handshake (RFC 8446 section 4.6.1).
        peer.secure(theirs)
        peer.rest()

    with (
        Scripted(script) as server,
        socket.create_connection(("127.0.0.1", server.port), SOON) as plain,
        ours.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
    ):
        assert select.select([sock], [], [], SOON)[0]
        assert SmtpSocket(sock, SOON).unsolicited() is None
