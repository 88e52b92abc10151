"""The transport as the settings make it, against a whole mail server."""

import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, SendStatus, ThrottleScope
from publisher.delivery.smtp.transport import SmtpTransport
from publisher.delivery.transports.base import Unreachable
from publisher.testing import (
    Behaviour,
    Drop,
    MailServer,
    Phase,
    Reply,
    Stall,
    addressed,
    always,
    first,
)
from tests.publisher.delivery.smtp.dialogues import CONTENT, a_parcel
from tests.publisher.delivery.smtp.scripted import SOON, TOO_SOON

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
    # Settings count in whole seconds; nobody wants to wait for that here.
    wanted = settings(server, tls, **changes).model_copy(update={"timeout": timeout})
    secret = SecretStr(password) if password else None
    return SmtpTransport(wanted, Path("/nowhere"), secret, patience=patience)


def yes() -> bool:
    return True


@EVERY_TLS
@pytest.mark.parametrize("pipelining", [True, False])
def test_messages_arrive_as_they_are(tls: Tls, pipelining: bool) -> None:
    contents = [CONTENT, LARGE, b".\r\n", b"a\r\n.\r\nb\r\n", LARGE]
    parcels = [a_parcel(number, content=content) for number, content in enumerate(contents)]

    with MailServer(Behaviour(tls=tls, pipelining=pipelining)) as server:
        connection = a_transport(server, tls).connect(0, yes)
        outcomes = [
            connection.send(outgoing, next_message)
            for outgoing, next_message in zip(parcels, [*parcels[1:], None], strict=True)
        ]
        connection.close()
        messages = server.messages

    assert outcomes == [ACCEPTED_OUTCOME] * 5
    assert [message.content for message in messages] == contents
    assert {message.recipient for message in messages} == {"ann@example.com"}
    assert {message.sender for message in messages} == {"digest@news.example.org"}
    assert [bool(message.tls) for message in messages] == [tls is not Tls.NONE] * 5
    assert server.hasty == 0
    assert server.connections == 1


def test_two_threads_use_two_connections() -> None:
    failures: list[BaseException] = []

    def courier(number: int) -> None:
        try:
            connection = transport.connect(number, yes)
            both.wait(SOON)
            for turn in range(20):
                recipient = f"reader{turn}@{number}.example"
                assert connection.send(a_parcel(turn, recipient=recipient)) is ACCEPTED_OUTCOME
            connection.close()
        except BaseException as failure:  # noqa: BLE001  # raised again below
            failures.append(failure)

    both = threading.Barrier(2)
    with MailServer() as server:
        transport = a_transport(server)
        threads = [threading.Thread(target=courier, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(4 * SOON)
        recipients = server.recipients()

    assert not failures
    assert recipients == {
        f"reader{turn}@{n}.example": 1 for turn in range(20) for n in range(2)
    }
    assert server.most_at_once == 2


@EVERY_TLS
def test_who_logs_in_may_send(tls: Tls) -> None:
    behaviour = Behaviour(tls=tls, users=USERS, demands_login=True)
    with MailServer(behaviour) as server:
        transport = a_transport(server, tls, user="news", password=PASSWORD)
        connection = transport.connect(0, yes)
        outcome = connection.send(a_parcel())
        connection.close()
        messages = server.messages

    assert outcome is ACCEPTED_OUTCOME
    assert [message.user for message in messages] == ["news"]


def test_who_does_not_log_in_is_told_that_nothing_can_be_sent() -> None:
    with MailServer(Behaviour(users=USERS, demands_login=True)) as server:
        connection = a_transport(server).connect(0, yes)
        with pytest.raises(Unreachable, match=r"the server requires a login \(530") as caught:
            connection.send(a_parcel())

    assert caught.value.is_final
    assert str(caught.value).startswith(f"127.0.0.1:{server.port}: ")


def test_a_password_without_a_user_is_not_used() -> None:
    with MailServer(Behaviour(users=USERS)) as server:
        connection = a_transport(server, password="never said").connect(0, yes)
        assert connection.send(a_parcel()) is ACCEPTED_OUTCOME
        connection.close()
        assert [message.user for message in server.messages] == [""]


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_client_shows_its_certificate_where_that_is_demanded(tls: Tls) -> None:
    with MailServer(Behaviour(tls=tls, demands_certificate=True)) as server:
        pair = server.client_certificate()
        transport = a_transport(
            server, tls, certificate=str(pair.certificate), key=str(pair.key)
        )
        connection = transport.connect(0, yes)
        outcome = connection.send(a_parcel())
        connection.close()

    assert outcome is ACCEPTED_OUTCOME


# --- the faults of a whole server, with and without TLS


@EVERY_TLS
@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.CONTENT])
@pytest.mark.parametrize("action", [Drop(), Stall()], ids=["drop", "stall"])
def test_what_is_lost_before_the_dot_can_be_sent_again(
    tls: Tls, pipelining: bool, phase: Phase, action: Drop | Stall
) -> None:
    # Larger than all buffers on the way, so that it can't be out before the server acts.
    content = LARGE * 40 if phase is Phase.CONTENT else CONTENT
    outgoing = a_parcel(content=content)
    behaviour = Behaviour(tls=tls, pipelining=pipelining, faults=(first(1, phase, action),))

    with MailServer(behaviour) as server:
        transport = a_transport(server, tls, timeout=TOO_SOON)
        connection = transport.connect(0, yes)
        lost = connection.send(outgoing)
        is_open = connection.is_open
        connection.close()
        server.release()
        again = a_transport(server, tls).connect(0, yes)
        sent = again.send(a_parcel())
        again.close()
        server.wait_for(1)
        server.wait_for_quiet()
        messages = server.messages

    assert lost.status is SendStatus.NOT_SENT
    assert not is_open
    assert sent is ACCEPTED_OUTCOME
    assert len(messages) == 1


@EVERY_TLS
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("action", [Drop, Stall])
def test_what_is_lost_after_the_dot_may_have_been_taken(
    tls: Tls, kept: bool, action: type[Drop] | type[Stall]
) -> None:
    fault = first(1, Phase.DOT, action(kept=kept))
    with MailServer(Behaviour(tls=tls, faults=(fault,))) as server:
        connection = a_transport(server, tls, patience=TOO_SOON).connect(0, yes)
        outcome = connection.send(a_parcel())
        messages = server.messages

    assert outcome.status is SendStatus.UNKNOWN
    assert not connection.is_open
    assert len(messages) == kept


@EVERY_TLS
def test_a_message_that_is_called_back_does_not_arrive(tls: Tls) -> None:
    with MailServer(Behaviour(tls=tls)) as server:
        connection = a_transport(server, tls).connect(0, lambda: False)
        outcome = connection.send(a_parcel(), a_parcel(2))
        connection.close()
        server.wait_for_quiet()
        messages = server.messages

    assert outcome.status is SendStatus.NOT_SENT
    assert not messages


@EVERY_TLS
@pytest.mark.parametrize("pipelining", [True, False])
def test_refusals_in_a_row_hurt_nobody_else(tls: Tls, pipelining: bool) -> None:
    fault = addressed(
        {
            "dead@example.com": Reply("550 5.1.1 User unknown"),
            "later@example.com": Reply("450 4.7.1 Slow down"),
        }
    )
    names = ["ann", "dead", "bea", "later", "dead", "later", "cleo"]
    parcels = [a_parcel(n, recipient=f"{name}@example.com") for n, name in enumerate(names)]

    with MailServer(Behaviour(tls=tls, pipelining=pipelining, faults=(fault,))) as server:
        connection = a_transport(server, tls).connect(0, yes)
        outcomes = [
            connection.send(outgoing, next_message)
            for outgoing, next_message in zip(parcels, [*parcels[1:], None], strict=True)
        ]
        connection.close()
        recipients = server.recipients()

    verdicts = {"dead": SendStatus.REFUSED, "later": SendStatus.DEFERRED}
    assert [outcome.status for outcome in outcomes] == [
        verdicts.get(name, SendStatus.ACCEPTED) for name in names
    ]
    assert {outcome.throttle for outcome in outcomes} == {
        ThrottleScope.NONE,
        ThrottleScope.DOMAIN,
    }
    assert recipients == {f"{name}@example.com": 1 for name in ("ann", "bea", "cleo")}
    assert server.connections == 1
    assert server.hasty == 0


def test_a_message_is_not_begun_that_the_server_would_not_take() -> None:
    with MailServer(Behaviour(size=1000)) as server:
        connection = a_transport(server).connect(0, yes)
        small = connection.send(a_parcel())
        large = connection.send(a_parcel(content=b"x" * 998 + b"\r\n" * 2))
        connection.close()
        another = a_transport(server).connect(0, yes)
        with pytest.raises(Unreachable, match="it has 1002 bytes, and the limit is 1000"):
            another.send(a_parcel(content=b"x" * 998 + b"\r\n" * 2))

    assert small is ACCEPTED_OUTCOME
    assert large.status is SendStatus.REFUSED
    assert not server.refused


def test_a_storm_defers_and_passes() -> None:
    fault = first(3, Phase.MAIL, Reply("421 4.7.0 Too much mail"))
    with MailServer(fault) as server:
        transport = a_transport(server)
        outcomes = []
        for _ in range(4):
            connection = transport.connect(0, yes)
            outcomes.append(connection.send(a_parcel()))
            connection.close()

    assert [outcome.status for outcome in outcomes] == [SendStatus.DEFERRED] * 3 + [
        SendStatus.ACCEPTED
    ]
    assert [outcome.throttle for outcome in outcomes[:3]] == [ThrottleScope.TRANSPORT] * 3


def test_a_connection_that_is_one_too_many_may_be_made_later() -> None:
    with MailServer(Behaviour(most_connections=1)) as server:
        transport = a_transport(server)
        one = transport.connect(0, yes)
        with pytest.raises(Unreachable, match="421") as caught:
            transport.connect(1, yes)
        one.close()

    assert not caught.value.is_final


def test_a_server_that_went_away_meanwhile_has_not_heard_of_the_message() -> None:
    with MailServer() as server:
        connection = a_transport(server).connect(0, yes)
        assert connection.send(a_parcel()) is ACCEPTED_OUTCOME
        server.stop()
        outcome = connection.send(a_parcel(2))

    assert outcome.status is SendStatus.NOT_SENT
    assert not connection.is_open


def test_no_reason_shows_an_address_or_a_token() -> None:
    token = "WzcsIndlZWtseSJd.kQ0mZ5v9q3K7cYy2vXbHc1n8JtA"
    text = f"554 5.7.1 ann@example.com: see https://x.example/u?t={token} and {token}"
    with MailServer(always(Phase.DOT, Reply(text))) as server:
        connection = a_transport(server).connect(0, yes)
        outcome = connection.send(a_parcel())
        connection.close()

    assert outcome.status is SendStatus.REFUSED
    assert "ann" not in outcome.reason
    assert token not in outcome.reason


def test_it_is_asked_anew_for_each_message_whether_it_may_go() -> None:
    asked: list[int] = []

    def holds_lease() -> bool:
        asked.append(len(asked))
        return len(asked) < 3

    parcels = [a_parcel(number) for number in range(3)]
    with MailServer() as server:
        connection = a_transport(server).connect(0, holds_lease)
        verdicts = [connection.send(outgoing).status for outgoing in parcels]
        connection.close()

    assert verdicts == [SendStatus.ACCEPTED, SendStatus.ACCEPTED, SendStatus.NOT_SENT]
    assert asked == [0, 1, 2]
