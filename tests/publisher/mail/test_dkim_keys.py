"""The keys of DKIM: domains, selectors and files that are accepted, and records for the DNS."""

from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.errors import ConfigError
from publisher.mail import dkim_key_files
from publisher.mail.dkim import dkim_fields
from publisher.mail.dkim_keys import dns_record, load_signers
from tests.publisher.config.samples import TEXT, write
from tests.publisher.mail.dkim_verification import accepts, records
from tests.publisher.mail.keys import ED25519, RSA, an_rsa_key, pem, signer


def table(
    key: str = "dkim.pem", domain: str = "news.example.org", selector: str = "news-2026"
) -> str:
    values = {"domain": domain, "selector": selector, "key": key}
    lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
    return f"\n[[delivery.dkim]]\n{lines}"


def settings(folder: Path, *tables: str, content: bytes = RSA, text: str = TEXT) -> Settings:
    write(folder, text + "".join(tables))
    (folder / "dkim.pem").write_bytes(content)
    return load_settings(folder, {})


def refusal(folder: Path, *tables: str, content: bytes = RSA) -> ConfigError:
    """Load settings that must be refused, check the form of the error, and return it."""
    given = settings(folder, *tables, content=content)
    with pytest.raises(ConfigError) as caught:
        load_signers(given)
    error = caught.value
    assert error.file == str(folder.resolve() / SETTINGS_FILE)
    assert "PRIVATE" not in str(error)
    assert error.__cause__ is None
    assert len(str(error).splitlines()) == 1
    return error


def key_refusal(folder: Path, content: bytes) -> str:
    """Load a key that must be refused; return the error's text, with IT for the file's path."""
    error = refusal(folder, table(), content=content)
    assert error.key == "delivery.dkim[0].key"
    return f"{error.problem}; {error.remedy}".replace(str(folder.resolve() / "dkim.pem"), "IT")


def test_each_table_makes_a_signer_in_order(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "ed25519.pem"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(ED25519)
    tables = (table(), table(str(elsewhere), selector="a.b-2"))
    signers = load_signers(settings(tmp_path / "publication", *tables))
    assert [one.key.algorithm for one in signers] == ["rsa-sha256", "ed25519-sha256"]
    assert [one.selector for one in signers] == ["news-2026", "a.b-2"]
    fields, body = [(b"From", b" digest@news.example.org")], [b"x\r\n"]
    message = dkim_fields(signers, fields, body) + b"From: digest@news.example.org\r\n\r\nx\r\n"
    assert accepts(message, records(*signers)) == [True, True]


def test_keys_in_the_traditional_openssl_form_are_read(tmp_path: Path) -> None:
    content = pem(an_rsa_key(), form=PrivateFormat.TraditionalOpenSSL)
    assert content.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    (one,) = load_signers(settings(tmp_path, table(), content=content))
    assert one.key.algorithm == "rsa-sha256"


@pytest.mark.parametrize("domain", ["news.example.org", "example.org", "News.Example.Org."])
def test_a_domain_signs_for_itself_and_its_subdomains(tmp_path: Path, domain: str) -> None:
    (one,) = load_signers(settings(tmp_path, table(domain=domain)))
    assert one.domain == domain.lower().rstrip(".")


@pytest.mark.parametrize(
    "domain", ["example.net", "mail.news.example.org", "org", "ews.example.org", "le.org"]
)
def test_a_domain_that_is_not_the_sender_s_is_refused(tmp_path: Path, domain: str) -> None:
    error = refusal(tmp_path, table(), table(domain=domain, selector="second"))
    assert error.key == "delivery.dkim[1].domain"
    assert error.problem == f"{domain} can't sign for a sender at news.example.org"
    assert error.remedy == 'write domain = "news.example.org", or one above it that is yours'


@pytest.mark.parametrize("selector", ["2026", "a", "A-b", "a.b.c", "x" * 63])
def test_valid_selectors_are_accepted(tmp_path: Path, selector: str) -> None:
    (one,) = load_signers(settings(tmp_path, table(selector=selector)))
    assert dns_record(one).name == f"{selector}._domainkey.news.example.org"


@pytest.mark.parametrize(
    "selector", ["a_b", "-a", "a-", ".a", "a.", "a..b", "ä", "a b", "a;b", "a\\n", "x" * 64]
)
def test_malformed_selectors_are_refused(tmp_path: Path, selector: str) -> None:
    error = refusal(tmp_path, table(selector=selector))
    assert error.key == "delivery.dkim[0].selector"
    assert error.problem.endswith("is not a selector")
    assert error.remedy == "write letters, digits and hyphens, like news-2026"


def test_a_selector_that_is_used_twice_or_too_long_for_dns_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, table(selector=".".join(["x" * 60] * 4)))
    assert error.key == "delivery.dkim[0].selector"
    assert error.problem == "its name in DNS would have 271 characters"
    assert error.remedy == "shorten the selector; DNS allows 253"
    error = refusal(tmp_path, table(), table(selector="NEWS-2026"))
    assert error.key == "delivery.dkim[1].selector"
    assert error.problem == "NEWS-2026 of news.example.org is there twice"
    assert error.remedy == "give each key a selector of its own"


def test_a_key_file_that_is_missing_unreadable_or_no_name_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, table("none.pem"))
    assert error.key == "delivery.dkim[0].key"
    assert error.problem == f"there is no file {tmp_path.resolve() / 'none.pem'}"
    assert error.remedy == "make one: openssl genrsa -out dkim.pem 2048"
    error = refusal(tmp_path, table("."))
    assert error.problem == f"{tmp_path.resolve()} can't be read: Is a directory"
    assert error.remedy == "name a file that this user can read"
    error = refusal(tmp_path, table("a\\u0000b"))
    assert error.problem.endswith("a\\x00b' is no file's name")
    assert error.remedy == "write one like dkim.pem"


@pytest.mark.parametrize(
    "named", ["public/dkim.pem", "articles/../public/dkim.pem", "beside.pem", "public/link.pem"]
)
def test_a_key_below_public_is_refused(tmp_path: Path, named: str) -> None:
    for folder in ("public", "articles"):
        (tmp_path / folder).mkdir()
    (tmp_path / "public" / "dkim.pem").write_bytes(RSA)
    (tmp_path / "beside.pem").symlink_to("public/dkim.pem")
    (tmp_path / "public" / "link.pem").symlink_to("../dkim.pem")
    error = refusal(tmp_path, table(named))
    assert error.key == "delivery.dkim[0].key"
    assert error.problem == (
        f"{tmp_path.resolve() / named} lies below public/, where anybody can fetch it"
    )
    assert (
        error.remedy
        == "make a new key elsewhere, with a new DNS record: somebody may have copied this one"
    )


def test_a_key_beside_public_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "publication").mkdir()
    (tmp_path / "publication" / "dkim.pem").write_bytes(RSA)
    assert len(load_signers(settings(tmp_path, table("publication/dkim.pem")))) == 1
    second = table("public/../dkim.pem", selector="second")
    assert len(load_signers(settings(tmp_path, second))) == 1


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    assert key_refusal(tmp_path, pem(an_rsa_key(), b"password")) == (
        "IT is locked with a password; "
        "keep it without one: openssl pkey -in dkim.pem -out plain.pem"
    )


PUBLIC = Ed25519PrivateKey.generate().public_key()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        RSA[: len(RSA) // 2],
        RSA.replace(b"M", b"N", 1),
        PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["empty", "text", "half", "damaged", "public"],
)
def test_a_file_without_a_private_key_is_refused(tmp_path: Path, content: bytes) -> None:
    assert key_refusal(tmp_path, content) == (
        "IT holds no private key in PEM that can be used; "
        "make one: openssl genrsa -out dkim.pem 2048"
    )


# Ed25519 is 1.3.101.112; this one is not assigned.
UNKNOWN = b64encode(
    Ed25519PrivateKey.generate()
    .private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    .replace(b"\x2b\x65\x70", b"\x2b\x65\x7f")
)


@pytest.mark.parametrize(
    "content",
    [
        pem(ec.generate_private_key(ec.SECP256R1())),
        b"-----BEGIN PRIVATE KEY-----\n" + UNKNOWN + b"\n-----END PRIVATE KEY-----\n",
    ],
    ids=["EC", "unknown"],
)
def test_a_key_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    assert key_refusal(tmp_path, content) == (
        "IT is neither an RSA nor an Ed25519 key; use RSA of 2048 bits, or Ed25519"
    )


@pytest.mark.parametrize(
    ("bits", "problem"),
    [
        (1024, "IT has only 1024 bits; such keys have been broken"),
        (2056, "IT has 2056 bits, more than receivers have to verify"),
    ],
)
def test_an_rsa_key_too_short_or_too_long_is_refused(
    tmp_path: Path, bits: int, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    least, most = dkim_key_files._RSA_BITS
    assert most == 4096
    # To make a key that is too long takes seconds.
    monkeypatch.setattr(dkim_key_files, "_RSA_BITS", (least, most // 2))
    remedy = "use RSA of 2048 bits, or Ed25519"
    assert key_refusal(tmp_path, pem(an_rsa_key(bits))) == f"{problem}; {remedy}"


def test_an_rsa_record_is_cut_into_strings_of_255_characters() -> None:
    record = dns_record(signer(RSA))
    assert record.name == "news-2026._domainkey.news.example.org"
    assert record.value.startswith("v=DKIM1; k=rsa; p=")
    load_der_public_key(b64decode(record.value.partition("p=")[2], validate=True))
    head, *strings, tail = record.zone_line().split('"')
    assert head == "news-2026._domainkey.news.example.org. IN TXT ( "
    assert tail == " )"
    assert strings[1::2] == [" "]
    assert "".join(strings[::2]) == record.value
    assert max(map(len, strings)) == 255


def test_an_ed25519_record_has_the_bare_key() -> None:
    record = dns_record(signer(ED25519, domain="example.org"))
    assert record.name == "news-2026._domainkey.example.org"
    assert record.value.startswith("v=DKIM1; k=ed25519; p=")
    assert len(b64decode(record.value.partition("p=")[2], validate=True)) == 32
    assert record.zone_line().endswith(f'IN TXT ( "{record.value}" )')
