"""The transport as the settings make it, against a whole mail server."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, SendStatus
from publisher.delivery.transports.base import Unreachable
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.testing import (
    Behaviour,
    Drop,
    MailServer,
    Phase,
    Reply,
    Stall,
    always,
    first,
)
from tests.publisher.delivery.transports.smtp.dialogues import CONTENT, a_message
from tests.publisher.delivery.transports.smtp.scripted import SOON, TOO_SOON

PASSWORD = "correct horse"
USERS = {"news": PASSWORD}
EVERY_TLS = pytest.mark.parametrize("tls", Tls)
LARGE = (
    CONTENT + b".News upon news, line by line, until buffers and records are full.\r\n" * 5_000
)


def settings(server: MailServer, tls: Tls = Tls.NONE, **changes: Any) -> SmtpSettings:
    trusted: dict[str, str] = {} if tls is Tls.NONE else {"authorities": str(server.authority)}
    values = {
        "host": "127.0.0.1",
        "port": server.port,
        "tls": tls,
        "hello": "client.example.org",
    }
    return SmtpSettings.model_validate(values | trusted | changes)


def a_transport(
    server: MailServer,
    tls: Tls = Tls.NONE,
    *,
    timeout: float = SOON,
    patience: float = SOON,
    password: str | None = None,
    **changes: Any,
) -> SmtpTransport:
    # Settings count in whole seconds, which is too long for a test.
    wanted = settings(server, tls, **changes).model_copy(update={"timeout": timeout})
    secret = SecretStr(password) if password else None
    return SmtpTransport(wanted, Path("/nowhere"), secret, patience=patience)


def yes() -> bool:
    return True


@EVERY_TLS
@pytest.mark.parametrize("pipelining", [True, False])
def test_messages_arrive_unchanged(tls: Tls, pipelining: bool) -> None:
    contents = [CONTENT, LARGE, b".\r\n", b"a\r\n.\r\nb\r\n", LARGE]
    messages = [a_message(number, content=content) for number, content in enumerate(contents)]

    with MailServer(Behaviour(tls=tls, pipelining=pipelining)) as server:
        connection = a_transport(server, tls).connect(0, yes)
        outcomes = [
            connection.send(outgoing, next_message)
            for outgoing, next_message in zip(messages, [*messages[1:], None], strict=True)
        ]
        connection.close()
        received = server.messages

    assert outcomes == [ACCEPTED_OUTCOME] * 5
    assert [message.content for message in received] == contents
    assert {message.recipient for message in received} == {"ann@example.com"}
    assert {message.sender for message in received} == {"digest@news.example.org"}
    assert [bool(message.tls) for message in received] == [tls is not Tls.NONE] * 5
    assert server.hasty == 0
    assert server.connections == 1


@EVERY_TLS
def test_mail_is_sent_after_a_login(tls: Tls) -> None:
    behaviour = Behaviour(tls=tls, users=USERS, demands_login=True)
    with MailServer(behaviour) as server:
        transport = a_transport(server, tls, user="news", password=PASSWORD)
        connection = transport.connect(0, yes)
        outcome = connection.send(a_message())
        connection.close()
        received = server.messages

    assert outcome is ACCEPTED_OUTCOME
    assert [message.user for message in received] == ["news"]


def test_a_missing_login_is_a_final_error() -> None:
    with MailServer(Behaviour(users=USERS, demands_login=True)) as server:
        connection = a_transport(server).connect(0, yes)
        with pytest.raises(Unreachable, match=r"the server requires a login \(530") as caught:
            connection.send(a_message())

    assert caught.value.is_final
    assert str(caught.value).startswith(f"127.0.0.1:{server.port}: ")


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_the_client_certificate_is_shown_on_demand(tls: Tls) -> None:
    with MailServer(Behaviour(tls=tls, demands_certificate=True)) as server:
        pair = server.client_certificate()
        transport = a_transport(
            server, tls, certificate=str(pair.certificate), key=str(pair.key)
        )
        connection = transport.connect(0, yes)
        outcome = connection.send(a_message())
        connection.close()

    assert outcome is ACCEPTED_OUTCOME


# --- the faults of a whole server, with and without TLS


@EVERY_TLS
@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.CONTENT])
@pytest.mark.parametrize("action", [Drop(), Stall()], ids=["drop", "stall"])
def test_a_message_lost_before_the_dot_can_be_sent_again(
    tls: Tls, pipelining: bool, phase: Phase, action: Drop | Stall
) -> None:
    # Larger than all buffers on the way, so that it can't be out before the server acts.
    content = LARGE * 40 if phase is Phase.CONTENT else CONTENT
    outgoing = a_message(content=content)
    behaviour = Behaviour(tls=tls, pipelining=pipelining, faults=(first(1, phase, action),))

    with MailServer(behaviour) as server:
        # Connecting has to succeed within the same time.
        timeout = SOON if isinstance(action, Drop) else 3 * TOO_SOON
        connection = a_transport(server, tls, timeout=timeout).connect(0, yes)
        lost = connection.send(outgoing)
        is_open = connection.is_open
        connection.close()
        server.release()
        again = a_transport(server, tls).connect(0, yes)
        sent = again.send(a_message())
        again.close()
        server.wait_for(1)
        server.wait_for_quiet()
        received = server.messages

    assert lost.status is SendStatus.NOT_SENT
    assert not is_open
    assert sent is ACCEPTED_OUTCOME
    assert len(received) == 1


@EVERY_TLS
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("action", [Drop, Stall])
def test_a_message_lost_after_the_dot_may_have_been_accepted(
    tls: Tls, kept: bool, action: type[Drop] | type[Stall]
) -> None:
    fault = first(1, Phase.DOT, action(kept=kept))
    with MailServer(Behaviour(tls=tls, faults=(fault,))) as server:
        connection = a_transport(server, tls, patience=TOO_SOON).connect(0, yes)
        outcome = connection.send(a_message())
        received = server.messages

    assert outcome.status is SendStatus.UNKNOWN
    assert not connection.is_open
    assert len(received) == kept


def test_no_reason_shows_an_address_or_a_token() -> None:
    token = "WzcsIndlZWtseSJd.kQ0mZ5v9q3K7cYy2vXbHc1n8JtA"
    text = f"554 5.7.1 ann@example.com: see https://x.example/u?t={token} and {token}"
    with MailServer(always(Phase.DOT, Reply(text))) as server:
        connection = a_transport(server).connect(0, yes)
        outcome = connection.send(a_message())
        connection.close()

    assert outcome.status is SendStatus.REFUSED
    assert "ann" not in outcome.reason
    assert token not in outcome.reason
