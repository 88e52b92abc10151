import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.transports.base import Unreachable
from publisher.delivery.transports.smtp.commands import (
    Capabilities,
    EnvelopeCommands,
    envelope_commands,
)
from tests.publisher.delivery.transports.smtp.dialogues import CONTENT, a_message

PLAIN = Capabilities()


LARGER = "the message is larger than the server accepts (it has 28 bytes, and the limit is 27)"


def test_a_message_above_the_size_limit_is_refused_before_sending() -> None:
    exact = replace(PLAIN, sizes=True, max_size=len(CONTENT))
    less = replace(PLAIN, sizes=True, max_size=len(CONTENT) - 1)

    assert isinstance(envelope_commands(a_message(), exact), EnvelopeCommands)
    refused = envelope_commands(a_message(), less, has_accepted=True)
    assert isinstance(refused, Outcome)
    assert (refused.status, refused.reason) == (SendStatus.REFUSED, LARGER)


def test_a_first_message_above_the_size_limit_pauses_the_issue() -> None:
    less = replace(PLAIN, sizes=True, max_size=len(CONTENT) - 1)

    with pytest.raises(Unreachable, match=f"^{re.escape(LARGER)}$") as caught:
        envelope_commands(a_message(), less)

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
    assert isinstance(envelope_commands(a_message(recipient=address), PLAIN), EnvelopeCommands)


BAD = [
    "",
    "ann",
    "@example.com",
    "ann@",
    "ann@b@example.com",
    "ann@example.com>\r\nRCPT TO:<bea@example.com",
    "ann@example.com\n",
    "ann\r@example.com",
    "ann\x00@example.com",
    "ann @example.com",
    "ann@example.com SIZE=1",
    "<ann@example.com>",
    "änn@example.com",
    "ann@bücher.example",
    "a" * 65 + "@example.com",
    "ann@" + "a" * 254,
    '"a b"@example.com',
]


@pytest.mark.parametrize("address", BAD)
def test_invalid_addresses_get_into_no_command(address: str) -> None:
    refusal = envelope_commands(a_message(recipient=address), PLAIN)

    assert isinstance(refusal, Outcome)
    assert refusal.status is SendStatus.REFUSED
    assert not refusal.is_dead_address
    assert not address or address not in refusal.reason


@pytest.mark.parametrize("address", BAD)
def test_an_invalid_sender_address_pauses_the_issue(address: str) -> None:
    with pytest.raises(Unreachable, match="the sender's address is refused") as caught:
        envelope_commands(a_message(sender=address), PLAIN, has_accepted=True)

    assert caught.value.is_final
    assert not address or address not in str(caught.value)


@given(st.text(), st.text())
def test_commands_are_single_lines_of_ascii(sender: str, recipient: str) -> None:
    outgoing = a_message(sender=f"a{sender}@b.example", recipient=recipient)
    try:
        written = envelope_commands(outgoing, PLAIN)
    except Unreachable:
        return

    if isinstance(written, EnvelopeCommands):
        assert written.group.count(b"\r\n") == 3
        assert written.group.count(b"\r") == written.group.count(b"\n") == 3
        assert written.group.isascii()
        assert b"\x00" not in written.group
