"""From nothing to a server that takes mail, and all that goes wrong on the way."""

import re
import socket
from collections.abc import Callable

import pytest

from publisher.delivery.transports.smtp.commands import Capabilities
from publisher.delivery.transports.smtp.connect import connect_to_server
from tests.publisher.delivery.transports.smtp.connections import (
    a_server,
    failing,
    failure,
    offers_of,
)
from tests.publisher.delivery.transports.smtp.dialogues import close, hello, part, silence
from tests.publisher.delivery.transports.smtp.scripted import TOO_SOON, Peer, Script, Scripted

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
def test_announced_capabilities_are_used(lines: tuple[str, ...], offers: Capabilities) -> None:
    def script(peer: Peer) -> None:
        hello(peer, *lines)
        part(peer)

    with Scripted(script) as scripted:
        assert offers_of(a_server(scripted.port)) == offers


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


def test_a_connection_sends_small_packets_at_once() -> None:
    def script(peer: Peer) -> None:
        hello(peer)
        part(peer)

    with Scripted(script) as scripted:
        wire, _ = connect_to_server(a_server(scripted.port))
        delayed = wire._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        wire.quit()

    assert delayed == 1


# --- no server, or no reply


def test_a_closed_port_is_a_temporary_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        trouble = failure(a_server(port))

    assert str(trouble) == f"127.0.0.1:{port}: no server listens there"
    assert not trouble.is_final


def test_a_host_name_without_an_address_is_a_temporary_error() -> None:
    trouble = failure(a_server(25, host="mail.invalid"))

    assert str(trouble).startswith("mail.invalid:25: the host's name has no address")
    assert not trouble.is_final


def test_an_invalid_host_name_is_a_final_error() -> None:
    trouble = failure(a_server(25, host="a" * 64 + ".example.org"))

    assert str(trouble).endswith(".example.org:25: that is not a valid host name")
    assert trouble.is_final


def at_hello(end: Callable[[Peer], None]) -> Script:
    def script(peer: Peer) -> None:
        peer.say("220 mail.example.org")
        peer.hear("EHLO")
        end(peer)

    return script


def test_an_unreachable_network_is_a_temporary_error() -> None:
    # Nobody connects to all hosts at once.
    trouble = failure(a_server(25, host="255.255.255.255"))

    assert str(trouble).startswith("255.255.255.255:25: can't be reached: ")
    assert not trouble.is_final


@pytest.mark.parametrize("end", [silence, close, Peer.drop], ids=["stall", "close", "reset"])
@pytest.mark.parametrize("wrap", [lambda end: end, at_hello], ids=["greeting", "hello"])
def test_a_silent_server_is_a_temporary_error(
    end: Script, wrap: Callable[[Script], Script]
) -> None:
    trouble = failing(wrap(end), timeout=TOO_SOON)

    assert not trouble.is_final
    assert re.fullmatch(
        r"127\.0\.0\.1:\d+: (was silent for 0\.2 s|closed the connection|broke off the connection)",
        str(trouble),
    )


def test_an_endless_greeting_is_given_up() -> None:
    def endless(peer: Peer) -> None:
        while True:
            peer.put(b"220-and so on\r\n" * 1_000)

    assert "sent a reply of more than" in str(failing(endless))


def test_a_server_of_another_protocol_is_refused() -> None:
    def script(peer: Peer) -> None:
        peer.say("HTTP/1.1 400 Bad Request")
        peer.rest()

    assert "sent an invalid reply" in str(failing(script))


@pytest.mark.parametrize(
    ("text", "is_final"),
    [
        ("421 4.3.2 Too many connections", False),
        ("451 4.7.0 Try later", False),
        ("554 5.7.1 No mail from you, ann@example.com", True),
    ],
)
def test_a_server_may_refuse_the_connection(text: str, is_final: bool) -> None:
    def greeting(peer: Peer) -> None:
        peer.say(text)
        peer.rest()

    def answer(peer: Peer) -> None:
        peer.say("220 mail.example.org")
        peer.hear("EHLO")
        peer.say(text)
        peer.rest()

    for trouble, stage in (
        (failing(greeting), "takes no connection from us"),
        (failing(answer), "refuses EHLO"),
    ):
        assert trouble.is_final is is_final
        assert f": {stage} ({text[:9]}: " in str(trouble)
        assert "ann@" not in str(trouble)
