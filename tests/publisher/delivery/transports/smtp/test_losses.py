"""Connections that are lost, servers that stall, leave or speak no SMTP: at every phase."""

import threading

import pytest

from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus, ThrottleScope
from tests.publisher.delivery.transports.smtp.dialogues import (
    LARGE,
    PHASES,
    PIPELINING,
    YES,
    End,
    a_message,
    after_the_dot,
    begin,
    close,
    part,
    saying,
    sent_to,
    silence,
    until,
)
from tests.publisher.delivery.transports.smtp.scripted import TOO_SOON, Peer, Scripted

# --- the connection is lost, or stalls


@PIPELINING
@pytest.mark.parametrize("end", [close, Peer.drop, silence], ids=["close", "reset", "stall"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_connection_lost_before_the_content_means_not_sent(
    pipelining: bool, phase: str, end: End
) -> None:
    outcome, is_open = sent_to(until(phase, end), pipelining=pipelining, timeout=TOO_SOON)

    assert outcome.status is SendStatus.NOT_SENT
    assert outcome.reason.startswith("the server ")
    assert not is_open


@pytest.mark.parametrize("end", [close, Peer.drop, silence], ids=["close", "reset", "stall"])
def test_a_connection_lost_within_the_content_means_not_sent(end: End) -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.hear_bytes(10)
        if end is silence:
            # Not reading is the stall here; the client goes when its patience is over.
            gone.wait(5)
        else:
            end(peer)

    gone = threading.Event()
    with Scripted(script) as server, server.connected(timeout=TOO_SOON) as connection:
        outcome = connection.send(a_message(content=LARGE))
        gone.set()

    assert outcome.status is SendStatus.NOT_SENT
    assert not connection.is_open


@PIPELINING
@pytest.mark.parametrize("end", [close, Peer.drop, silence], ids=["close", "reset", "stall"])
def test_a_connection_lost_after_the_dot_means_unknown(pipelining: bool, end: End) -> None:
    outcome, is_open = sent_to(after_the_dot(end), pipelining=pipelining, patience=TOO_SOON)

    assert outcome.status is SendStatus.UNKNOWN
    assert outcome.reason.startswith("all of it was sent, but the server ")
    assert not is_open


def test_the_reply_to_the_dot_has_a_longer_time_limit() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        assert not late.wait(2 * TOO_SOON)
        peer.say("250 Ok")
        part(peer)

    late = threading.Event()

    assert sent_to(script, timeout=TOO_SOON)[0] is ACCEPTED_OUTCOME


# --- 421: the server takes leave


@PIPELINING
@pytest.mark.parametrize("phase", PHASES)
def test_421_defers_and_slows_the_transport(pipelining: bool, phase: str) -> None:
    script = until(phase, saying("421 4.3.2 Shutting down"))

    outcome, is_open = sent_to(script, pipelining=pipelining)

    assert (outcome.status, outcome.throttle) == (SendStatus.DEFERRED, ThrottleScope.TRANSPORT)
    assert not is_open


@PIPELINING
@pytest.mark.parametrize("phase", PHASES)
def test_a_session_that_is_over_is_closed_even_if_the_server_stays(
    pipelining: bool, phase: str
) -> None:
    def script(peer: Peer) -> None:
        for command in PHASES:
            peer.hear(command)
            if command == phase:
                peer.say("452 4.5.3 Too many messages in this session")
                break
            peer.say(YES[command])
        if pipelining:
            for command in PHASES[PHASES.index(phase) + 1 :]:
                peer.hear(command)
                peer.say("503 5.5.1 no")
        assert peer.rest() == b""

    outcome, is_open = sent_to(script, pipelining=pipelining)

    assert (outcome.status, outcome.throttle) == (SendStatus.NOT_SENT, ThrottleScope.NONE)
    assert not is_open


def test_a_session_that_is_over_after_the_dot_is_closed_too() -> None:
    outcome, is_open = sent_to(after_the_dot(saying("451 4.7.0 max messages per session")))

    assert outcome.status is SendStatus.DEFERRED
    assert not is_open


def farewell(words: str) -> tuple[Outcome, bool]:
    """Send to a server that has said something before it was asked anything."""
    said = threading.Event()

    def script(peer: Peer) -> None:
        peer.put(words.encode())
        said.set()
        if words:
            peer.rest()

    with Scripted(script) as server, server.connected() as connection:
        assert said.wait(5)
        outcome = connection.send(a_message())
        return outcome, connection.is_open


def test_a_server_that_disconnected_before_a_message_has_not_got_it() -> None:
    outcome, is_open = farewell("421 4.3.2 Shutting down\r\n")

    assert (outcome.status, outcome.throttle) == (SendStatus.NOT_SENT, ThrottleScope.TRANSPORT)
    assert not is_open


def test_an_unsolicited_reply_ends_the_session() -> None:
    outcome, is_open = farewell("250 Ok\r\n")

    assert outcome.status is SendStatus.NOT_SENT
    assert not is_open


def test_a_reply_within_the_content_is_the_reason() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.hear_bytes(10)
        peer.say("421 4.3.1 Disk full")
        peer.rest()

    outcome, is_open = sent_to(script, a_message(content=LARGE))

    assert (outcome.status, outcome.throttle) == (SendStatus.DEFERRED, ThrottleScope.TRANSPORT)
    assert "Disk full" in outcome.reason
    assert not is_open


@pytest.mark.parametrize(
    "text", ["421 4.4.2 timeout exceeded", "452 4.5.3 too many messages in this session"]
)
def test_a_session_that_ends_within_the_content_has_not_got_the_message(
    text: str,
) -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.hear_bytes(10)
        peer.say(text)
        assert b"\r\n.\r\n" not in peer.rest()

    outcome, is_open = sent_to(script, a_message(content=LARGE))

    assert (outcome.status, outcome.throttle) == (SendStatus.NOT_SENT, ThrottleScope.NONE)
    assert "ended the connection" in outcome.reason
    assert not is_open


def test_content_may_be_refused_before_its_end() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.hear_bytes(10)
        peer.say("552 5.3.4 Too much")
        assert b"\r\n.\r\n" not in peer.rest()

    outcome, is_open = sent_to(script, a_message(content=LARGE))

    assert outcome.status is SendStatus.REFUSED
    assert "larger" in outcome.reason
    assert not is_open


# --- the server speaks no SMTP

NONSENSE = [
    "HTTP/1.1 400 Bad Request",
    "",
    "25",
    "999 what",
    "250-one\r\n550 two",
    "\0\0\0\0",
    "Ärger",
]


@PIPELINING
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("nonsense", [*NONSENSE, "300 what"])
def test_an_invalid_reply_before_the_content_ends_the_session(
    pipelining: bool, phase: str, nonsense: str
) -> None:
    outcome, is_open = sent_to(until(phase, saying(nonsense)), pipelining=pipelining)

    assert outcome.status is SendStatus.NOT_SENT
    assert not is_open


@pytest.mark.parametrize("nonsense", [*NONSENSE, "354 more"])
def test_an_invalid_reply_after_the_dot_means_unknown(nonsense: str) -> None:
    outcome, is_open = sent_to(after_the_dot(saying(nonsense)))

    assert outcome.status is SendStatus.UNKNOWN
    assert not is_open


def test_an_endless_reply_is_given_up() -> None:
    def endless(peer: Peer) -> None:
        while True:
            peer.put(b"250-and so on\r\n" * 1_000)

    assert sent_to(until("MAIL", endless))[0].status is SendStatus.NOT_SENT
    assert sent_to(after_the_dot(endless))[0].status is SendStatus.UNKNOWN


def test_a_slow_reply_has_to_end_in_time() -> None:
    def drops(peer: Peer) -> None:
        while True:
            peer.put(b"2")
            assert not stop.wait(TOO_SOON / 4)

    stop = threading.Event()

    outcome, _ = sent_to(until("MAIL", drops), timeout=TOO_SOON)

    assert outcome.status is SendStatus.NOT_SENT


def test_a_go_ahead_with_extra_bytes_ends_the_session() -> None:
    def script(peer: Peer) -> None:
        peer.hear_all(*PHASES)
        peer.say(*YES.values(), "250 2.0.0 Taken already")
        assert peer.rest() == b""

    outcome, is_open = sent_to(script)

    assert outcome.status is SendStatus.NOT_SENT
    assert not is_open
