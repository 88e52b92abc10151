"""What the settings make of the transport, and what is wrong with them before anything is sent."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr

from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.errors import ConfigError
from publisher.testing.certificates import CertificateAuthority

PASSWORD = "correct horse"


def test_a_user_needs_a_password_in_the_environment() -> None:
    with pytest.raises(ConfigError, match="PUBLISHER_SMTP_PASSWORD: missing") as caught:
        SmtpTransport(SmtpSettings(user="news"), Path(), None)

    assert "[delivery.smtp]" in str(caught.value)


@pytest.mark.parametrize(
    ("user", "password"), [("news", "Pferdestärke"), ("zeitüng", PASSWORD)]
)
def test_a_login_with_other_characters_than_ascii_is_refused(user: str, password: str) -> None:
    with pytest.raises(ConfigError, match="characters that can't be sent") as caught:
        SmtpTransport(SmtpSettings(user=user), Path(), SecretStr(password))

    assert password not in str(caught.value)


def test_the_transport_never_shows_the_password() -> None:
    transport = SmtpTransport(SmtpSettings(user="news"), Path(), SecretStr(PASSWORD))

    assert PASSWORD not in repr(transport) + repr(vars(transport)) + str(vars(transport))


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
