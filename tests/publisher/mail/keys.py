"""Keys for the tests of DKIM, generated in each run."""

from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from publisher.mail.dkim import DkimSigner
from publisher.mail.dkim_key_files import read_key

Private = RSAPrivateKey | Ed25519PrivateKey | EllipticCurvePrivateKey


def pem(
    key: Private, password: bytes = b"", form: PrivateFormat = PrivateFormat.PKCS8
) -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, lock)


def an_rsa_key(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65_537, bits)


RSA = pem(an_rsa_key())
ED25519 = pem(Ed25519PrivateKey.generate())


def signer(
    content: bytes, *, domain: str = "news.example.org", selector: str = "news-2026"
) -> DkimSigner:
    """Return a signer with the key of a PEM file."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "dkim.pem")
        path.write_bytes(content)
        return DkimSigner(domain, selector, read_key(path, ("publication.toml", "key")))
