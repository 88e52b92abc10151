"""The transport as the settings make it, against a whole mail server."""

from contextlib import closing
from itertools import product, zip_longest
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr

from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.transports import base as transports
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.errors import ConfigError
from tests.publisher.delivery.transports.messages import yes
from tests.publisher.delivery.transports.smtp import scripted
from tests.sizes import by_lane
from tools.servers import Behaviour, Drop, MailServer, Phase, Stall, first
from tools.servers.certificates import CertificateAuthority

EVERY_TLS = pytest.mark.parametrize("tls", Tls)
LARGE = (
    scripted.CONTENT
    + b".News upon news, line by line, until buffers and records are full.\r\n" * 5_000
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
    timeout: float = scripted.SOON,
    patience: float = scripted.SOON,
    password: str | None = None,
    **changes: Any,
) -> SmtpTransport:
    # Settings count in whole seconds, which is too long for a test.
    wanted = settings(server, tls, **changes).model_copy(update={"timeout": timeout})
    secret = SecretStr(password) if password else None
    return SmtpTransport(wanted, Path("/nowhere"), secret, patience=patience)


def handed_over(
    transport: SmtpTransport, *messages: transports.OutgoingMessage
) -> list[transports.Outcome]:
    """Send messages by one connection, each of which announces the next one."""
    with closing(transport.connect(0, yes)) as connection:
        return [
            connection.send(outgoing, following)
            for outgoing, following in zip_longest(messages, messages[1:])
        ]


@EVERY_TLS
@pytest.mark.parametrize("pipelining", [True, False])
def test_messages_arrive_unchanged(tls: Tls, pipelining: bool) -> None:
    contents = [scripted.CONTENT, LARGE, b".\r\n", b"a\r\n.\r\nb\r\n", LARGE]
    messages = [
        scripted.a_message(number, content=content) for number, content in enumerate(contents)
    ]
    with MailServer(Behaviour(tls=tls, pipelining=pipelining)) as server:
        outcomes = handed_over(a_transport(server, tls), *messages)
        received = server.messages
    assert outcomes == [transports.ACCEPTED_OUTCOME] * 5
    assert [message.content for message in received] == contents
    assert {message.recipient for message in received} == {"ann@example.com"}
    assert {message.sender for message in received} == {"digest@news.example.org"}
    assert [bool(message.tls) for message in received] == [tls is not Tls.NONE] * 5
    assert server.hasty == 0
    assert server.connections == 1


@EVERY_TLS
def test_mail_is_sent_after_a_login(tls: Tls) -> None:
    behaviour = Behaviour(tls=tls, users=scripted.USERS, demands_login=True)
    with MailServer(behaviour) as server:
        transport = a_transport(server, tls, user="news", password=scripted.PASSWORD)
        outcomes = handed_over(transport, scripted.a_message())
        received = server.messages
    assert outcomes == [transports.ACCEPTED_OUTCOME]
    assert [message.user for message in received] == ["news"]


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_the_client_certificate_is_shown_on_demand(tls: Tls) -> None:
    with MailServer(Behaviour(tls=tls, demands_certificate=True)) as server:
        pair = server.client_certificate()
        certificate, key = str(pair.certificate), str(pair.key)
        transport = a_transport(server, tls, certificate=certificate, key=key)
        outcomes = handed_over(transport, scripted.a_message())
    assert outcomes == [transports.ACCEPTED_OUTCOME]


# --- the faults of a whole server, with and without TLS


LOSSES = [*product(Tls, [Phase.RCPT, Phase.CONTENT], [Drop(), Stall()])]


# By day each kind of TLS, each phase and each action, once at least.
@pytest.mark.parametrize(("tls", "phase", "action"), by_lane(LOSSES[::3], LOSSES))
def test_a_message_lost_before_the_dot_can_be_sent_again(
    tls: Tls, phase: Phase, action: Drop | Stall
) -> None:
    # Larger than all buffers on the way, so that it can't be out before the server acts.
    content = LARGE * 40 if phase is Phase.CONTENT else scripted.CONTENT
    outgoing = scripted.a_message(content=content)
    behaviour = Behaviour(tls=tls, faults=(first(1, phase, action),))
    with MailServer(behaviour) as server:
        # Connecting has to succeed within the same time.
        timeout = scripted.SOON if isinstance(action, Drop) else 3 * scripted.TOO_SOON
        connection = a_transport(server, tls, timeout=timeout).connect(0, yes)
        lost = connection.send(outgoing)
        is_open = connection.is_open
        connection.close()
        server.release()
        sent = handed_over(a_transport(server, tls), scripted.a_message())
        server.wait_for(1)
        server.wait_for_quiet()
        received = server.messages
    assert lost.status is transports.SendStatus.NOT_SENT
    assert not is_open
    assert sent == [transports.ACCEPTED_OUTCOME]
    assert len(received) == 1


# --- what the settings make of the transport, and what is wrong with them before anything is sent


def test_a_user_needs_a_password_in_the_environment() -> None:
    with pytest.raises(ConfigError, match="PUBLISHER_SMTP_PASSWORD: missing") as caught:
        SmtpTransport(SmtpSettings(user="news"), Path(), None)
    assert "[delivery.smtp]" in str(caught.value)


@pytest.mark.parametrize(
    ("user", "password"), [("news", "Pferdestärke"), ("zeitüng", scripted.PASSWORD)]
)
def test_a_login_with_other_characters_than_ascii_is_refused(user: str, password: str) -> None:
    with pytest.raises(ConfigError, match="characters that can't be sent") as caught:
        SmtpTransport(SmtpSettings(user=user), Path(), SecretStr(password))
    assert password not in str(caught.value)


def test_the_transport_never_shows_the_password() -> None:
    transport = SmtpTransport(SmtpSettings(user="news"), Path(), SecretStr(scripted.PASSWORD))
    assert scripted.PASSWORD not in repr(transport) + repr(vars(transport)) + str(
        vars(transport)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A publication's folder, with an authority and two pairs in it."""
    authority = CertificateAuthority(tmp_path)
    for name in ("client", "other"):
        authority.issue(name)
    (tmp_path / "text.pem").write_text("no certificate")
    key = serialization.load_pem_private_key((tmp_path / "client.key").read_bytes(), None)
    (tmp_path / "locked.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"horse"),
        )
    )
    return tmp_path


def test_tls_files_are_relative_to_the_publication_s_folder(folder: Path) -> None:
    named = SmtpSettings(
        authorities="authority.pem", certificate="client.pem", key="client.key"
    )
    SmtpTransport(named, folder, None)
    with pytest.raises(ConfigError, match=r"authorities: .*authority\.pem can't be read"):
        SmtpTransport(named, folder / "elsewhere", None)


@pytest.mark.parametrize(
    ("files", "key", "problem"),
    [
        ({"authorities": "none.pem"}, "authorities", "No such file"),
        ({"authorities": "."}, "authorities", "Is a directory"),
        ({"authorities": "text.pem"}, "authorities", "holds no certificate"),
        ({"certificate": "none.pem"}, "certificate", "No such file"),
        ({"certificate": "text.pem"}, "certificate", "is no certificate with its key"),
        ({"certificate": "client.pem"}, "certificate", "is no certificate with its key"),
        ({"certificate": "client.pem", "key": "none.key"}, "key", "No such file"),
        ({"certificate": "client.pem", "key": "text.pem"}, "certificate", "with its key"),
        ({"certificate": "client.pem", "key": "other.key"}, "certificate", "mismatch"),
        ({"certificate": "client.pem", "key": "locked.key"}, "certificate", "with its key"),
    ],
)
def test_an_unusable_tls_file_is_named(
    folder: Path, files: dict[str, str], key: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        SmtpTransport(SmtpSettings(**files), folder, None)  # type: ignore[arg-type]
    assert caught.value.key == f"delivery.smtp.{key}"
    assert caught.value.file == str(folder / "publication.toml")
    assert "\n" not in str(caught.value)


def test_tls_files_are_not_read_without_tls(folder: Path) -> None:
    SmtpTransport(SmtpSettings(tls=Tls.NONE, authorities="none.pem"), folder, None)
    with pytest.raises(ConfigError, match=r"none\.pem"):
        SmtpTransport(SmtpSettings(authorities="none.pem"), folder, None)
