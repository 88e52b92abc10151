"""One message at a time, through every phase: taken, refused, or called back."""

import re
import select
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Outcome,
    SendStatus,
    Unreachable,
)
from publisher.delivery.transports.smtp import protocol
from publisher.delivery.transports.smtp.protocol import (
    Capabilities,
    ConnectionLost,
    EnvelopeCommands,
    SmtpSocket,
    envelope_commands,
)
from tests.publisher.delivery.transports.smtp import scripted
from tools.servers.certificates import CertificateAuthority


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a second less for the reply to QUIT."""
    monkeypatch.setattr(protocol, "_QUIT_SECONDS", 0.05)


# --- all goes well


def test_commands_are_pipelined_only_if_the_server_offers_it() -> None:
    ahead: list[bool] = []

    def script(peer: scripted.Peer) -> None:
        for command in scripted.PHASES:
            peer.hear(command)
            ahead.append(peer.has_more())
            peer.say(scripted.YES[command])
        scripted.take_the_rest(peer)

    scripted.sent_to(script, pipelining=True)
    scripted.sent_to(script, pipelining=False)
    assert ahead == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b".\r\n", b"..\r\n"),
        (b"a\r\n.\r\n..b\r\n.", b"a\r\n..\r\n...b\r\n..\r\n"),
        (b"a\n.b\r\n", b"a\n..b\r\n"),
        (b"a.b\r\n", b"a.b\r\n"),
        (b"no line end", b"no line end\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_dots_in_a_message_do_not_end_it(content: bytes, wire: bytes) -> None:
    heard: list[bytes] = []

    def script(peer: scripted.Peer) -> None:
        scripted.begin(peer)
        heard.append(peer.hear_bytes(len(wire) + 3))
        peer.say("250 Ok")
        scripted.part(peer)

    outcome, _ = scripted.sent_to(script, scripted.a_message(content=content))
    assert outcome is ACCEPTED_OUTCOME
    assert heard == [wire + b".\r\n"]


# --- refusals


@scripted.PIPELINING
@pytest.mark.parametrize("phase", ["RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    ("text", "status"),
    [("550 5.1.1 User unknown", SendStatus.REFUSED), ("450 4.2.0 no", SendStatus.DEFERRED)],
)
def test_a_refusal_does_not_affect_the_next_message(
    pipelining: bool, phase: str, text: str, status: SendStatus
) -> None:
    def script(peer: scripted.Peer) -> None:
        for command in scripted.PHASES:
            peer.hear(command)
            if command == phase:
                peer.say(text)
                break
            peer.say(scripted.YES[command])
        else:
            peer.content()
            peer.say(text)
        if pipelining and phase == "RCPT":
            peer.hear("DATA")
            peer.say("503 5.5.1 No valid recipient")
        if phase != "DOT":
            peer.hear("RSET")
            peer.say("250 Ok")
        scripted.take(peer)
        scripted.part(peer)

    with (
        scripted.Scripted(script) as server,
        server.connected(pipelining=pipelining) as connection,
    ):
        refused = connection.send(scripted.a_message(1))
        accepted = connection.send(scripted.a_message(2))
    assert refused.status is status
    assert refused.is_dead_address is (status is SendStatus.REFUSED)
    assert accepted is ACCEPTED_OUTCOME


@scripted.PIPELINING
@pytest.mark.parametrize(
    ("phase", "text"),
    [
        ("MAIL", "550 5.7.1 no mail from you"),
        ("MAIL", "530 5.7.0 Authentication required"),
        ("RCPT", "530 5.7.0 Authentication required"),
        ("DATA", "554 5.5.0 Command rejected"),
    ],
)
def test_a_permanent_refusal_of_us_is_final(pipelining: bool, phase: str, text: str) -> None:
    def script(peer: scripted.Peer) -> None:
        refused = ""
        for command in scripted.PHASES:
            if refused and not pipelining:
                break
            peer.hear(command)
            refused = refused or (text if command == phase else "")
            peer.say(refused or scripted.YES[command])
        peer.rest()

    with (
        scripted.Scripted(script) as server,
        server.connected(pipelining=pipelining) as connection,
        pytest.raises(Unreachable, match=r"^mail\.example\.org:25: takes nothing") as caught,
    ):
        connection.send(scripted.a_message())
    assert caught.value.is_final
    assert text[:3] in str(caught.value)
    assert not connection.is_open


@pytest.mark.parametrize("end", [scripted.close, scripted.saying("421 bye"), scripted.silence])
def test_a_refusal_counts_though_the_connection_is_lost_after_it(end: scripted.End) -> None:
    def script(peer: scripted.Peer) -> None:
        peer.hear_all(*scripted.PHASES)
        peer.say(scripted.YES["MAIL"], "550 5.1.1 User unknown", scripted.YES["DATA"])
        peer.hear_bytes(3)
        end(peer)

    outcome, _ = scripted.sent_to(script, timeout=scripted.TOO_SOON)
    assert outcome.status is SendStatus.REFUSED
    assert outcome.is_dead_address


def test_no_empty_message_is_sent_after_a_refused_sender() -> None:
    rests: list[bytes] = []

    def script(peer: scripted.Peer) -> None:
        peer.hear_all(*scripted.PHASES)
        peer.say("451 4.3.0 not now", scripted.YES["RCPT"], scripted.YES["DATA"])
        rests.append(peer.rest())

    outcome, is_open = scripted.sent_to(script)
    assert outcome.status is SendStatus.DEFERRED
    assert not is_open
    assert rests == [b""]


# --- a message is called back


@scripted.PIPELINING
def test_a_message_is_not_ended_when_the_lease_is_lost(pipelining: bool) -> None:
    rests: list[bytes] = []

    def script(peer: scripted.Peer) -> None:
        scripted.begin(peer)
        rests.append(peer.rest())

    outcome, is_open = scripted.sent_to(
        script, pipelining=pipelining, holds_lease=lambda: False
    )
    assert outcome.status is SendStatus.NOT_SENT
    assert not is_open
    assert rests == [scripted.CONTENT]


def test_a_failing_lease_check_sends_nothing() -> None:
    def holds_lease() -> bool:
        raise KeyError("no ledger")

    def script(peer: scripted.Peer) -> None:
        scripted.begin(peer)
        assert peer.rest() == scripted.CONTENT

    with (
        scripted.Scripted(script) as server,
        server.connected(holds_lease=holds_lease) as connection,
        pytest.raises(KeyError),
    ):
        connection.send(scripted.a_message())
    assert not connection.is_open


# --- addresses, and parting


@pytest.mark.parametrize(
    "end",
    [
        scripted.close,
        scripted.Peer.drop,
        scripted.silence,
        scripted.saying("Ärger"),
        scripted.saying("500 what"),
    ],
)
def test_closing_never_fails_and_does_not_take_long(end: scripted.End) -> None:
    def script(peer: scripted.Peer) -> None:
        peer.hear("QUIT")
        end(peer)

    with scripted.Scripted(script) as server:
        connection = server.connect(timeout=600, patience=600)
        connection.close()
    assert not connection.is_open


# --- the socket below it


def test_a_write_to_a_closed_connection_is_a_loss() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        wire = SmtpSocket(ours, scripted.TOO_SOON)
        for write in (wire.write, wire.write_more, wire.write_some):
            with pytest.raises(ConnectionLost, match="broke off the connection"):
                write(b"MAIL\r\n")


def test_tls_records_without_data_are_no_reply(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    files = authority.issue("server", ["127.0.0.1"])
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(files.certificate, files.key)
    ours = ssl.create_default_context(cafile=authority.path)

    def script(peer: scripted.Peer) -> None:
        # Tickets for the next session come right after the handshake (RFC 8446 section 4.6.1).
        peer.secure(theirs)
        peer.rest()

    with (
        scripted.Scripted(script) as server,
        socket.create_connection(("127.0.0.1", server.port), scripted.SOON) as plain,
        ours.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
    ):
        assert select.select([sock], [], [], scripted.SOON)[0]
        assert SmtpSocket(sock, scripted.SOON).unsolicited() is None


# --- commands, and what may be written into them


PLAIN = Capabilities()


LARGER = "the message is larger than the server accepts (it has 28 bytes, and the limit is 27)"


def test_a_message_above_the_size_limit_is_refused_and_the_first_one_pauses_the_issue() -> None:
    exact = replace(PLAIN, sizes=True, max_size=len(scripted.CONTENT))
    less = replace(PLAIN, sizes=True, max_size=len(scripted.CONTENT) - 1)
    assert isinstance(envelope_commands(scripted.a_message(), exact), EnvelopeCommands)
    refused = envelope_commands(scripted.a_message(), less, has_accepted=True)
    assert isinstance(refused, Outcome)
    assert (refused.status, refused.reason) == (SendStatus.REFUSED, LARGER)
    with pytest.raises(Unreachable, match=f"^{re.escape(LARGER)}$") as caught:
        envelope_commands(scripted.a_message(), less)
    assert caught.value.is_final


@pytest.mark.parametrize(
    "address",
    [
        "o'neil+news@mail.example.com",
        "a..b.@example.com",
        "x@xn--bcher-kva.example",
        "postmaster@[192.0.2.1]",
        "postmaster@[IPv6:2001:db8::1]",
    ],
)
def test_valid_addresses_are_written_into_commands(address: str) -> None:
    assert isinstance(
        envelope_commands(scripted.a_message(recipient=address), PLAIN), EnvelopeCommands
    )


BAD = [
    "",
    "ann",
    "ann@b@example.com",
    "ann@example.com>\r\nRCPT TO:<bea@example.com",
    "ann@example.com\n",
    "ann\x00@example.com",
    "ann@example.com SIZE=1",
    "<ann@example.com>",
    "änn@example.com",
    "a" * 65 + "@example.com",
    '"a b"@example.com',
]


@pytest.mark.parametrize("address", BAD)
def test_an_invalid_address_gets_into_no_command_and_one_of_ours_pauses_the_issue(
    address: str,
) -> None:
    with pytest.raises(Unreachable, match="the sender's address is refused") as caught:
        envelope_commands(scripted.a_message(sender=address), PLAIN, has_accepted=True)
    assert caught.value.is_final
    assert not address or address not in str(caught.value)
    refusal = envelope_commands(scripted.a_message(recipient=address), PLAIN)
    assert isinstance(refusal, Outcome)
    assert refusal.status is SendStatus.REFUSED
    assert not refusal.is_dead_address
    assert not address or address not in refusal.reason


@given(st.text(), st.text())
def test_commands_are_single_lines_of_ascii(sender: str, recipient: str) -> None:
    outgoing = scripted.a_message(sender=f"a{sender}@b.example", recipient=recipient)
    try:
        written = envelope_commands(outgoing, PLAIN)
    except Unreachable:
        return
    if isinstance(written, EnvelopeCommands):
        assert written.group.count(b"\r\n") == 3
        assert written.group.count(b"\r") == written.group.count(b"\n") == 3
        assert written.group.isascii()
        assert b"\x00" not in written.group
