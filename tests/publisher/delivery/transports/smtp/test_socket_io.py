import select
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.delivery.transports.smtp.replies import ConnectionLost
from publisher.delivery.transports.smtp.socket_io import SmtpSocket
from publisher.testing.certificates import CertificateAuthority
from tests.publisher.delivery.transports.smtp.scripted import SOON, TOO_SOON, Peer, Scripted

LARGE = b"x" * 10_000_000


@pytest.fixture
def pair() -> Iterator[tuple[SmtpSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield SmtpSocket(ours, TOO_SOON), theirs


def test_a_write_to_a_closed_connection_is_a_loss(
    pair: tuple[SmtpSocket, socket.socket],
) -> None:
    wire, theirs = pair
    theirs.close()

    for write in (wire.write, wire.write_more, wire.write_some):
        with pytest.raises(ConnectionLost, match="broke off the connection"):
            write(b"MAIL\r\n")


def test_tls_records_without_data_are_no_reply(tmp_path: Path) -> None:
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
