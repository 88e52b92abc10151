"""Verify signatures of webhooks: RSA with a certificate, ECDSA with a public key. Slow to import (`cryptography`)."""

from base64 import b64decode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import load_pem_x509_certificate


def is_signed_with_rsa(pem: bytes, signature: str, content: bytes, *, sha1: bool) -> bool:
    try:
        key = load_pem_x509_certificate(pem).public_key()
        if not isinstance(key, RSAPublicKey):
            return False
        # SHA-1 is what SignatureVersion 1 of SNS has.
        digest = SHA1() if sha1 else SHA256()  # noqa: S303
        key.verify(b64decode(signature), content, PKCS1v15(), digest)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def is_signed_with_ecdsa(public_key: str, signature: str, content: bytes) -> bool:
    try:
        key = load_der_public_key(b64decode(public_key))
        if not isinstance(key, EllipticCurvePublicKey):
            return False
        key.verify(b64decode(signature), content, ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
