"""Read a private DKIM key from a PEM file; no error contains key material. Slow to import (`cryptography`)."""

from base64 import b64encode
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from publisher.errors import ConfigError
from publisher.mail.dkim import DkimKey

# Bits of RSA keys: the minimum for signers, and the maximum that all receivers verify (RFC 8301 section 3.2).
_RSA_BITS = (2048, 4096)
_GOOD_KEYS = "use RSA of 2048 bits, or Ed25519"
_MAKE_ONE = "make one: openssl genrsa -out dkim.pem 2048"
# The file with the settings, and the key in it that names the PEM file.
_SettingPlace = tuple[str, str]


def read_key(path: Path, place: _SettingPlace) -> DkimKey:
    key = _private_key(path, place)
    if isinstance(key, Ed25519PrivateKey):
        # The digest is what is signed, and DNS has the bare key (RFC 8463 sections 3 and 4).
        return DkimKey("ed25519-sha256", _text(key.public_key().public_bytes_raw()), key.sign)
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError(*place, f"{path} is neither an RSA nor an Ed25519 key", _GOOD_KEYS)
    least, most = _RSA_BITS
    if key.key_size < least:
        problem = f"{path} has only {key.key_size} bits; such keys have been broken"
        raise ConfigError(*place, problem, _GOOD_KEYS)
    if key.key_size > most:
        problem = f"{path} has {key.key_size} bits, more than receivers have to verify"
        raise ConfigError(*place, problem, _GOOD_KEYS)
    return _rsa(key)


def _private_key(path: Path, place: _SettingPlace) -> object:
    content = _content(path, place)
    try:
        return load_pem_private_key(content, None)
    except TypeError:
        problem = f"{path} is locked with a password"
        remedy = f"keep it without one: openssl pkey -in {path.name} -out plain.pem"
        raise ConfigError(*place, problem, remedy) from None
    except ValueError:
        problem = f"{path} holds no private key in PEM that can be used"
        raise ConfigError(*place, problem, _MAKE_ONE) from None
    except UnsupportedAlgorithm:
        return None  # a key of a kind that DKIM does not use


def _content(path: Path, place: _SettingPlace) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(*place, f"there is no file {path}", _MAKE_ONE) from None
    except OSError as error:
        problem = f"{path} can't be read: {error.strerror}"
        raise ConfigError(*place, problem, "name a file that this user can read") from None
    except ValueError:  # a NUL character in the name
        problem = f"{str(path)!r} is no file's name"
        raise ConfigError(*place, problem, "write one like dkim.pem") from None


def _rsa(key: RSAPrivateKey) -> DkimKey:
    scheme, hashed = PKCS1v15(), Prehashed(SHA256())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return DkimKey("rsa-sha256", _text(public), lambda digest: key.sign(digest, scheme, hashed))


def _text(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")
