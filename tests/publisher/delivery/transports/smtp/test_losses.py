"""Connections that are lost, servers that stall, leave or speak no SMTP; and messages that are pipelined."""

import threading
from collections.abc import Callable
from itertools import product

import pytest

from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Outcome,
    OutgoingMessage,
    SendStatus,
    ThrottleScope,
    Unreachable,
)
from tests.publisher.delivery.transports.smtp.scripted import (
    LARGE,
    PHASES,
    PIPELINING,
    SOON,
    TOO_SOON,
    YES,
    End,
    Peer,
    Scripted,
    a_message,
    after_the_dot,
    begin,
    close,
    part,
    saying,
    sent_to,
    silence,
    take,
    take_the_rest,
    until,
)
from tests.sizes import PATIENCE

ENDED = "ended the connection"

# --- the connection is lost, or stalls


@PIPELINING
@pytest.mark.parametrize(
    ("phase", "end"), [*product(PHASES, [close, Peer.drop]), ("DATA", silence)]
)
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
            gone.wait(PATIENCE)
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


@pytest.mark.parametrize(
    ("text", "throttle"),
    [("421 4.3.2 Shutting down", ThrottleScope.TRANSPORT), ("250 Ok", ThrottleScope.NONE)],
)
def test_a_reply_that_nothing_asked_for_ends_the_session_before_a_message(
    text: str, throttle: ThrottleScope
) -> None:
    said = threading.Event()

    def script(peer: Peer) -> None:
        peer.say(text)
        said.set()
        peer.rest()

    with Scripted(script) as server, server.connected() as connection:
        assert said.wait(PATIENCE)
        outcome = connection.send(a_message())
        assert not connection.is_open
    assert (outcome.status, outcome.throttle) == (SendStatus.NOT_SENT, throttle)


@pytest.mark.parametrize(
    ("text", "status", "throttle", "words"),
    [
        ("421 4.3.1 Disk full", SendStatus.DEFERRED, ThrottleScope.TRANSPORT, "Disk full"),
        ("421 4.4.2 timeout exceeded", SendStatus.NOT_SENT, ThrottleScope.NONE, ENDED),
        (
            "452 4.5.3 too many messages in this session",
            SendStatus.NOT_SENT,
            ThrottleScope.NONE,
            ENDED,
        ),
        ("552 5.3.4 Too much", SendStatus.REFUSED, ThrottleScope.NONE, "larger"),
    ],
)
def test_a_reply_within_the_content_decides_and_the_message_is_not_ended(
    text: str, status: SendStatus, throttle: ThrottleScope, words: str
) -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.hear_bytes(10)
        peer.say(text)
        assert b"\r\n.\r\n" not in peer.rest()

    outcome, is_open = sent_to(script, a_message(content=LARGE))
    assert (outcome.status, outcome.throttle) == (status, throttle)
    assert words in outcome.reason
    assert not is_open


# --- the server speaks no SMTP; which replies are invalid, `test_replies` says


@PIPELINING
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("nonsense", ["HTTP/1.1 400 Bad Request", "300 what"])
def test_an_invalid_reply_before_the_content_ends_the_session(
    pipelining: bool, phase: str, nonsense: str
) -> None:
    outcome, is_open = sent_to(until(phase, saying(nonsense)), pipelining=pipelining)
    assert outcome.status is SendStatus.NOT_SENT
    assert not is_open


@pytest.mark.parametrize("nonsense", ["HTTP/1.1 400 Bad Request", "354 more"])
def test_an_invalid_reply_after_the_dot_means_unknown(nonsense: str) -> None:
    outcome, is_open = sent_to(after_the_dot(saying(nonsense)))
    assert outcome.status is SendStatus.UNKNOWN
    assert not is_open


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


# --- a message's commands go out with the dot of the one before (RFC 2920), and can be taken back


ANN = a_message(1, recipient="ann@example.com")
BEA = a_message(2, recipient="bea@example.com")
CLEO = a_message(3, recipient="cleo@example.com")
ANSWERS = tuple(YES.values())


def first(peer: Peer) -> list[str]:
    """Take the first message, and give the commands that came with its dot."""
    begin(peer)
    peer.content()
    peer.say("250 2.0.0 Ok")
    return peer.hear_all(*PHASES)


def test_a_message_takes_one_round_trip() -> None:
    ahead: list[bool] = []

    def script(peer: Peer) -> None:
        begin(peer)
        for _ in range(3):
            peer.content()
            peer.hear_all(*PHASES)
            peer.say("250 2.0.0 Ok", *ANSWERS)
            ahead.append(peer.has_more())
        take_the_rest(peer)

    messages = [a_message(number) for number in range(4)]
    with Scripted(script) as server, server.connected() as connection:
        outcomes = [
            connection.send(outgoing, next_message)
            for outgoing, next_message in zip(messages, [*messages[1:], None], strict=True)
        ]
    assert outcomes == [ACCEPTED_OUTCOME] * 4
    assert not any(ahead)


def test_without_pipelining_nothing_is_sent_early() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        assert not peer.has_more()
        peer.say("250 2.0.0 Ok")
        take(peer)
        part(peer)

    with Scripted(script) as server, server.connected(pipelining=False) as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(BEA) is ACCEPTED_OUTCOME


@pytest.mark.parametrize(
    ("text", "status"),
    [("550 5.1.1 User unknown", SendStatus.REFUSED), ("450 4.2.0 no", SendStatus.DEFERRED)],
)
def test_a_pipelined_recipient_may_be_refused(text: str, status: SendStatus) -> None:
    def script(peer: Peer) -> None:
        assert "bea@" in first(peer)[1]
        peer.say(ANSWERS[0], text, "503 5.5.1 No valid recipient")
        peer.hear("RSET")
        peer.say("250 Ok")
        take(peer)
        part(peer)

    with Scripted(script) as server, server.connected() as connection:
        outcomes = [
            connection.send(ANN, BEA).status,
            connection.send(BEA).status,
            connection.send(CLEO).status,
        ]
    assert outcomes == [SendStatus.ACCEPTED, status, SendStatus.ACCEPTED]


def test_a_refused_recipient_gets_no_content_even_after_a_go_ahead() -> None:
    def script(peer: Peer) -> None:
        first(peer)
        peer.say(ANSWERS[0], "550 5.1.1 User unknown", ANSWERS[2])
        assert peer.hear_bytes(3) == b".\r\n"
        peer.say("554 5.5.1 No valid recipients")
        peer.hear_all(*PHASES)
        peer.say(*ANSWERS)
        take_the_rest(peer)

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(BEA, CLEO).is_dead_address
        assert connection.send(CLEO) is ACCEPTED_OUTCOME


def test_a_message_refused_at_its_end_does_not_affect_the_next() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        peer.hear_all(*PHASES)
        peer.say("554 5.7.1 Spam", *ANSWERS)
        take_the_rest(peer)

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA).status is SendStatus.REFUSED
        assert connection.send(BEA) is ACCEPTED_OUTCOME


def test_another_message_may_follow_a_refused_pipelined_one() -> None:
    def script(peer: Peer) -> None:
        first(peer)
        peer.say(ANSWERS[0], "550 5.1.1 User unknown", "503 5.5.1 No valid recipient")
        peer.hear("RSET")
        peer.say("250 Ok")
        assert "cleo@" in peer.hear_all(*PHASES)[1]
        peer.say(*ANSWERS)
        take_the_rest(peer)

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(CLEO) is ACCEPTED_OUTCOME


def followed(
    *replies: str,
    then: OutgoingMessage | None = BEA,
    end: End = silence,
    holds_lease: Callable[[], bool] = lambda: True,
) -> tuple[Outcome | None, bool, bytes]:
    """Send Ann's message, and Bea's commands with its dot; the server replies to these so, and ends.

    Returns the outcome of the message that is sent then, or of none, whether the connection was open,
    and what the server heard after all.
    """
    rests: list[bytes] = [b""]

    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        peer.hear_all(*PHASES)
        peer.say("250 2.0.0 Ok", *replies)
        if end is silence:
            rests.append(peer.rest())

    timeout = TOO_SOON if end is silence and not replies else SOON
    with (
        Scripted(script) as server,
        server.connected(holds_lease=holds_lease, timeout=timeout) as connection,
    ):
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        outcome = connection.send(then) if then else None
        is_open = connection.is_open
    return outcome, is_open, rests[-1]


@pytest.mark.parametrize(
    ("replies", "then", "end"),
    [
        pytest.param(ANSWERS, CLEO, silence, id="another message after the go-ahead"),
        pytest.param(
            ("451 4.3.0 not now", *ANSWERS[1:]), CLEO, silence, id="another after a refusal"
        ),
        pytest.param(
            ("421 4.7.0 Too many messages in this connection",), BEA, silence, id="421"
        ),
        pytest.param((), BEA, close, id="lost at MAIL"),
        pytest.param(ANSWERS[:1], BEA, close, id="lost at RCPT"),
        pytest.param(ANSWERS[:2], BEA, close, id="lost at DATA"),
        pytest.param((), BEA, silence, id="stall"),
        pytest.param(("250 2.0.0 and again", *ANSWERS), BEA, silence, id="off by one"),
    ],
)
def test_a_pipelined_message_that_can_t_be_sent_counts_as_not_sent(
    replies: tuple[str, ...], then: OutgoingMessage, end: End
) -> None:
    outcome, is_open, rest = followed(*replies, then=then, end=end)
    assert outcome
    assert (outcome.status, outcome.throttle) == (SendStatus.NOT_SENT, ThrottleScope.NONE)
    assert not is_open
    # Nor is an empty message sent.
    assert rest == b""


def test_closing_while_the_server_waits_for_content_sends_none() -> None:
    assert followed(*ANSWERS, then=None) == (None, True, b"")


@pytest.mark.parametrize(
    ("end", "status", "throttle"),
    [
        (close, SendStatus.UNKNOWN, ThrottleScope.NONE),
        (saying("421 4.3.2 Shutting down"), SendStatus.DEFERRED, ThrottleScope.TRANSPORT),
    ],
    ids=["lost", "421"],
)
def test_a_message_without_a_reply_or_with_421_leaves_the_pipelined_one_unsent(
    end: End, status: SendStatus, throttle: ThrottleScope
) -> None:
    with Scripted(after_the_dot(end)) as server, server.connected() as connection:
        outcome = connection.send(ANN, BEA)
        assert (outcome.status, outcome.throttle) == (status, throttle)
        assert connection.send(BEA).status is SendStatus.NOT_SENT


def test_a_pipelined_message_is_not_sent_when_the_lease_is_lost() -> None:
    answers = [True, False]
    outcome, _is_open, rest = followed(*ANSWERS, holds_lease=lambda: answers.pop(0))
    assert outcome
    assert outcome.status is SendStatus.NOT_SENT
    # Without its dot.
    assert rest == BEA.message.content


def test_a_refused_sender_of_a_pipelined_message_is_final() -> None:
    with pytest.raises(Unreachable, match="no more from you"):
        followed("550 5.7.1 no more from you", "503 no", "503 no")


def test_a_server_that_refuses_rset_is_left() -> None:
    def script(peer: Peer) -> None:
        peer.hear_all(*PHASES)
        peer.say(ANSWERS[0], "550 5.1.1 User unknown", "503 no")
        peer.hear("RSET")
        peer.say("500 what")
        peer.rest()

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN).is_dead_address
        assert connection.send(BEA).status is SendStatus.NOT_SENT
        assert not connection.is_open
