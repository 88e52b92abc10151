"""A message's commands go out with the dot of the one before (RFC 2920), and can be taken back."""

import pytest

from publisher.delivery.outcomes import ACCEPTED_OUTCOME, SendStatus, ThrottleScope
from publisher.delivery.transports.base import Unreachable
from tests.publisher.delivery.transports.smtp.dialogues import a_message, begin, part, take
from tests.publisher.delivery.transports.smtp.scripted import TOO_SOON, Peer, Scripted

ANN = a_message(1, recipient="ann@example.com")
BEA = a_message(2, recipient="bea@example.com")
CLEO = a_message(3, recipient="cleo@example.com")
COMMANDS = ("MAIL", "RCPT", "DATA")
YES = ("250 2.1.0 Ok", "250 2.1.5 Ok", "354 Go ahead")


def first(peer: Peer) -> list[str]:
    """Take the first message, and give the commands that came with its dot."""
    begin(peer)
    peer.content()
    peer.say("250 2.0.0 Ok")
    return peer.hear_all(*COMMANDS)


def test_a_message_takes_one_round_trip() -> None:
    ahead: list[bool] = []

    def script(peer: Peer) -> None:
        begin(peer)
        for _ in range(3):
            peer.content()
            peer.hear_all("MAIL", "RCPT", "DATA")
            peer.say("250 2.0.0 Ok", *YES)
            ahead.append(peer.has_more())
        peer.content()
        peer.say("250 2.0.0 Ok")
        part(peer)

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
        peer.say(YES[0], text, "503 5.5.1 No valid recipient")
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
        peer.say(YES[0], "550 5.1.1 User unknown", YES[2])
        assert peer.hear_bytes(3) == b".\r\n"
        peer.say("554 5.5.1 No valid recipients")
        peer.hear_all(*COMMANDS)
        peer.say(*YES)
        peer.content()
        peer.say("250 Ok")
        part(peer)

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(BEA, CLEO).is_dead_address
        assert connection.send(CLEO) is ACCEPTED_OUTCOME


def test_a_message_refused_at_its_end_does_not_affect_the_next() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        peer.hear_all(*COMMANDS)
        peer.say("554 5.7.1 Spam", *YES)
        peer.content()
        peer.say("250 Ok")
        part(peer)

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA).status is SendStatus.REFUSED
        assert connection.send(BEA) is ACCEPTED_OUTCOME


def test_another_message_may_follow_a_refused_pipelined_one() -> None:
    def script(peer: Peer) -> None:
        first(peer)
        peer.say(YES[0], "550 5.1.1 User unknown", "503 5.5.1 No valid recipient")
        peer.hear("RSET")
        peer.say("250 Ok")
        assert "cleo@" in peer.hear_all(*COMMANDS)[1]
        peer.say(*YES)
        peer.content()
        peer.say("250 Ok")
        part(peer)

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(CLEO) is ACCEPTED_OUTCOME


def test_another_message_after_a_go_ahead_costs_the_connection_and_no_mail() -> None:
    rests: list[bytes] = []

    def script(peer: Peer) -> None:
        first(peer)
        peer.say(*YES)
        rests.append(peer.rest())

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        outcome = connection.send(CLEO)
        assert outcome.status is SendStatus.NOT_SENT
        assert not connection.is_open

    assert rests == [b""]


def test_closing_while_the_server_waits_for_content_sends_none() -> None:
    rests: list[bytes] = []

    def script(peer: Peer) -> None:
        first(peer)
        peer.say(*YES)
        rests.append(peer.rest())

    with Scripted(script) as server:
        connection = server.connect()
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        connection.close()

    assert rests == [b""]


def test_an_unanswered_message_leaves_the_pipelined_one_unsent() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA).status is SendStatus.UNKNOWN
        assert connection.send(BEA).status is SendStatus.NOT_SENT


def test_421_at_the_end_leaves_the_pipelined_message_unsent() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        peer.say("421 4.3.2 Shutting down")
        peer.rest()

    with Scripted(script) as server, server.connected() as connection:
        outcome = connection.send(ANN, BEA)
        assert (outcome.status, outcome.throttle) == (
            SendStatus.DEFERRED,
            ThrottleScope.TRANSPORT,
        )
        assert connection.send(BEA).status is SendStatus.NOT_SENT


def test_a_server_that_disconnects_after_a_message_has_accepted_it() -> None:
    def script(peer: Peer) -> None:
        first(peer)
        peer.say("421 4.7.0 Too many messages in this connection")
        peer.rest()

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        outcome = connection.send(BEA)
        assert (outcome.status, outcome.throttle) == (SendStatus.NOT_SENT, ThrottleScope.NONE)
        assert not connection.is_open


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_lost_pipelined_message_counts_as_not_sent(count: int) -> None:
    def script(peer: Peer) -> None:
        first(peer)
        peer.say(*YES[:count])

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(BEA).status is SendStatus.NOT_SENT
        assert not connection.is_open


def test_replies_that_are_off_by_one_are_noticed() -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        peer.hear_all(*COMMANDS)
        peer.say("250 2.0.0 Ok", "250 2.0.0 and again", *YES)
        assert peer.rest() == b""

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(BEA).status is SendStatus.NOT_SENT
        assert not connection.is_open


def test_a_pipelined_message_is_not_sent_when_the_lease_is_lost() -> None:
    answers = [True, False]
    rests: list[bytes] = []

    def script(peer: Peer) -> None:
        first(peer)
        peer.say(*YES)
        rests.append(peer.rest())

    with (
        Scripted(script) as server,
        server.connected(holds_lease=lambda: answers.pop(0)) as connection,
    ):
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(BEA, CLEO).status is SendStatus.NOT_SENT

    assert rests == [BEA.message.content]


def test_a_stall_before_the_next_message_times_out() -> None:
    def script(peer: Peer) -> None:
        first(peer)
        peer.rest()

    with Scripted(script) as server, server.connected(timeout=TOO_SOON) as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(BEA).status is SendStatus.NOT_SENT


def test_a_refused_sender_of_a_pipelined_message_is_final() -> None:
    def script(peer: Peer) -> None:
        first(peer)
        peer.say("550 5.7.1 no more from you", "503 no", "503 no")
        peer.rest()

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        with pytest.raises(Unreachable, match="no more from you"):
            connection.send(BEA)


def test_no_empty_message_is_sent_for_an_abandoned_one() -> None:
    rests: list[bytes] = []

    def script(peer: Peer) -> None:
        first(peer)
        peer.say("451 4.3.0 not now", YES[1], YES[2])
        rests.append(peer.rest())

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN, BEA) is ACCEPTED_OUTCOME
        assert connection.send(CLEO).status is SendStatus.NOT_SENT

    assert rests == [b""]


def test_a_server_that_refuses_rset_is_left() -> None:
    def script(peer: Peer) -> None:
        peer.hear_all(*COMMANDS)
        peer.say(YES[0], "550 5.1.1 User unknown", "503 no")
        peer.hear("RSET")
        peer.say("500 what")
        peer.rest()

    with Scripted(script) as server, server.connected() as connection:
        assert connection.send(ANN).is_dead_address
        assert connection.send(BEA).status is SendStatus.NOT_SENT
        assert not connection.is_open
