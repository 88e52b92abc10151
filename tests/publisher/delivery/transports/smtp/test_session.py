"""One message at a time, through every phase: taken, refused, or called back."""

import pytest

from publisher.delivery.outcomes import ACCEPTED_OUTCOME, SendStatus
from publisher.delivery.transports.base import Unreachable
from tests.publisher.delivery.transports.smtp.dialogues import (
    CONTENT,
    PHASES,
    PIPELINING,
    YES,
    End,
    a_message,
    begin,
    close,
    part,
    saying,
    sent_to,
    silence,
    take,
)
from tests.publisher.delivery.transports.smtp.scripted import TOO_SOON, Peer, Scripted

# --- all goes well


@PIPELINING
def test_a_message_arrives_unchanged(pipelining: bool) -> None:
    contents: list[bytes] = []

    def script(peer: Peer) -> None:
        contents.append(take(peer))
        part(peer)

    outcome, is_open = sent_to(script, pipelining=pipelining)

    assert outcome is ACCEPTED_OUTCOME
    assert is_open
    assert contents == [CONTENT]


def test_commands_are_pipelined_only_if_the_server_offers_it() -> None:
    ahead: list[bool] = []

    def script(peer: Peer) -> None:
        for command in PHASES:
            peer.hear(command)
            ahead.append(peer.has_more())
            peer.say(YES[command])
        peer.content()
        peer.say("250 Ok")
        part(peer)

    sent_to(script, pipelining=True)
    sent_to(script, pipelining=False)

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

    def script(peer: Peer) -> None:
        begin(peer)
        heard.append(peer.hear_bytes(len(wire) + 3))
        peer.say("250 Ok")
        part(peer)

    outcome, _ = sent_to(script, a_message(content=content))

    assert outcome is ACCEPTED_OUTCOME
    assert heard == [wire + b".\r\n"]


# --- refusals


@PIPELINING
@pytest.mark.parametrize("phase", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("text", "status"),
    [("550 5.1.1 User unknown", SendStatus.REFUSED), ("450 4.2.0 no", SendStatus.DEFERRED)],
)
def test_a_refusal_does_not_affect_the_next_message(
    pipelining: bool, phase: str, text: str, status: SendStatus
) -> None:
    def script(peer: Peer) -> None:
        for command in PHASES:
            peer.hear(command)
            if command == phase:
                peer.say(text)
                break
            peer.say(YES[command])
        if pipelining and phase == "RCPT":
            peer.hear("DATA")
            peer.say("503 5.5.1 No valid recipient")
        peer.hear("RSET")
        peer.say("250 Ok")
        take(peer)
        part(peer)

    with (
        Scripted(script) as server,
        server.connected(pipelining=pipelining) as connection,
    ):
        refused = connection.send(a_message(1))
        accepted = connection.send(a_message(2))

    assert refused.status is status
    assert refused.is_dead_address is (status is SendStatus.REFUSED)
    assert accepted is ACCEPTED_OUTCOME


@PIPELINING
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
    def script(peer: Peer) -> None:
        refused = ""
        for command in PHASES:
            if refused and not pipelining:
                break
            peer.hear(command)
            refused = refused or (text if command == phase else "")
            peer.say(refused or YES[command])
        peer.rest()

    with (
        Scripted(script) as server,
        server.connected(pipelining=pipelining) as connection,
        pytest.raises(Unreachable, match=r"^mail\.example\.org:25: takes nothing") as caught,
    ):
        connection.send(a_message())

    assert caught.value.is_final
    assert text[:3] in str(caught.value)
    assert not connection.is_open


@PIPELINING
def test_an_invalid_sender_address_is_final(pipelining: bool) -> None:
    with (
        Scripted(silence) as server,
        server.connected(pipelining=pipelining) as connection,
        pytest.raises(
            Unreachable, match=r"^mail\.example\.org:25: .*can't be written"
        ) as caught,
    ):
        connection.send(a_message(sender="x" * 65 + "@example.org"))

    assert caught.value.is_final
    assert not connection.is_open


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("554 5.7.1 Spam message rejected", SendStatus.REFUSED),
        ("451 4.3.0 Try again", SendStatus.DEFERRED),
    ],
)
@PIPELINING
def test_a_message_refused_at_its_end_was_not_accepted(
    pipelining: bool, text: str, status: SendStatus
) -> None:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        peer.say(text)
        take(peer)
        part(peer)

    with (
        Scripted(script) as server,
        server.connected(pipelining=pipelining) as connection,
    ):
        refused = connection.send(a_message(1))
        accepted = connection.send(a_message(2))

    assert refused.status is status
    assert accepted is ACCEPTED_OUTCOME


@pytest.mark.parametrize("end", [close, saying("421 bye"), silence])
def test_a_refusal_counts_though_the_connection_is_lost_after_it(end: End) -> None:
    def script(peer: Peer) -> None:
        peer.hear_all(*PHASES)
        peer.say(YES["MAIL"], "550 5.1.1 User unknown", YES["DATA"])
        peer.hear_bytes(3)
        end(peer)

    outcome, _ = sent_to(script, timeout=TOO_SOON)

    assert outcome.status is SendStatus.REFUSED
    assert outcome.is_dead_address


def test_no_empty_message_is_sent_after_a_refused_sender() -> None:
    rests: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.hear_all(*PHASES)
        peer.say("451 4.3.0 not now", YES["RCPT"], YES["DATA"])
        rests.append(peer.rest())

    outcome, is_open = sent_to(script)

    assert outcome.status is SendStatus.DEFERRED
    assert not is_open
    assert rests == [b""]


# --- a message is called back


@PIPELINING
def test_a_message_is_not_ended_when_the_lease_is_lost(pipelining: bool) -> None:
    rests: list[bytes] = []

    def script(peer: Peer) -> None:
        begin(peer)
        rests.append(peer.rest())

    outcome, is_open = sent_to(script, pipelining=pipelining, holds_lease=lambda: False)

    assert outcome.status is SendStatus.NOT_SENT
    assert not is_open
    assert rests == [CONTENT]


def test_a_failing_lease_check_sends_nothing() -> None:
    def holds_lease() -> bool:
        raise KeyError("no ledger")

    def script(peer: Peer) -> None:
        begin(peer)
        assert peer.rest() == CONTENT

    with (
        Scripted(script) as server,
        server.connected(holds_lease=holds_lease) as connection,
        pytest.raises(KeyError),
    ):
        connection.send(a_message())

    assert not connection.is_open


# --- addresses, and parting


@pytest.mark.parametrize("end", [close, Peer.drop, saying("Ärger"), saying("500 what")])
def test_closing_never_fails(end: End) -> None:
    def script(peer: Peer) -> None:
        peer.hear("QUIT")
        end(peer)

    with Scripted(script) as server:
        connection = server.connect()
        connection.close()

    assert not connection.is_open


def test_closing_does_not_take_long() -> None:
    def script(peer: Peer) -> None:
        peer.hear("QUIT")
        peer.rest()

    with Scripted(script) as server:
        connection = server.connect(timeout=600, patience=600)
        connection.close()

    assert not connection.is_open
