"""Two verifiers of DKIM signatures: dkimpy, and one written by hand from the RFCs.

dkimpy needs PyNaCl for Ed25519, and accepts bare line feeds. The verifier here supports both
algorithms and reads bytes as they are. A test compares it with the example of RFC 8463.
"""

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from publisher.mail.dkim import DkimSigner
from publisher.mail.dkim_keys import dns_record

# TXT records: name and value.
Records = Mapping[str, str]


def records(*signers: DkimSigner) -> Records:
    """Return the DNS records of some signers."""
    return {record.name: record.value for record in map(dns_record, signers)}


def dkimpy_accepts(message: bytes, known: Records, number: int = 0) -> bool:
    """Verify a signature with dkimpy (RSA only); signatures are numbered from the top."""

    def txt(name: bytes, timeout: int) -> bytes:
        assert timeout > 0
        return known[name.decode().removesuffix(".")].encode()

    try:
        return bool(dkim.DKIM(message).verify(number, dnsfunc=txt))
    except dkim.ValidationError:
        return False


def dkimpy_signs(message: bytes, domain: str, selector: str, pem: bytes) -> bytes:
    """Return the signature field that dkimpy makes."""
    canonical = (b"relaxed", b"simple")
    names = selector.encode(), domain.encode()
    return bytes(dkim.sign(message, *names, pem, canonicalize=canonical))


def accepts(message: bytes, known: Records) -> list[bool]:
    """Verify each signature of a message, from the top."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = re.findall(rb"(?ms)^([!-9;-~]+)[ \t]*:(.*?)(?:\r\n(?![ \t])|\Z)", head)
    return [
        _holds(fields, value, body, known)
        for name, value in fields
        if name.lower() == b"dkim-signature"
    ]


def _holds(
    fields: list[tuple[bytes, bytes]], signature: bytes, body: bytes, known: Records
) -> bool:
    tags = _tags(signature.decode())
    record = _tags(known[f"{tags['s']}._domainkey.{tags['d']}"])
    assert (tags["v"], record["v"]) == ("1", "DKIM1")
    head_form, body_form = tags["c"].split("/")
    assert head_form == "relaxed"
    if hashlib.sha256(_body(body, body_form)).digest() != b64decode(tags["bh"]):
        return False
    bare = re.sub(rb"(;[ \t\r\n]*b[ \t\r\n]*=)[^;]*", rb"\1", signature)
    chosen = b"".join(f"{line}\r\n".encode("latin-1") for line in _chosen(fields, tags["h"]))
    signed = chosen + _line(b"dkim-signature", bare).encode("latin-1")
    return _verified(tags["a"], record, b64decode(tags["b"]), signed)


def _tags(text: str) -> dict[str, str]:
    """Read `name=value; ...` (RFC 6376 section 3.2); blanks within our values mean nothing."""
    pairs = [pair.split("=", 1) for pair in text.split(";") if pair.strip()]
    return {name.strip(): re.sub(r"\s", "", value) for name, value in pairs}


def _chosen(fields: list[tuple[bytes, bytes]], names: str) -> Iterator[str]:
    left = [(name.lower().decode(), _line(name, value)) for name, value in fields]
    for wanted in names.lower().split(":"):
        places = [place for place, (name, _line) in enumerate(left) if name == wanted]
        if places:
            yield left.pop(places[-1])[1]


def _line(name: bytes, value: bytes) -> str:
    text = re.sub(r"[ \t]+", " ", value.decode("latin-1").replace("\r\n", ""))
    return f"{name.decode().lower()}:{text.strip(' ')}"


def _body(body: bytes, form: str) -> bytes:
    if form == "relaxed":
        body = re.sub(rb"[ \t]+", b" ", re.sub(rb"[ \t]+(?=\r\n)", b"", body))
    return re.sub(rb"(\r\n)*\Z", b"", body, count=1) + b"\r\n"


def _verified(algorithm: str, record: dict[str, str], sealed: bytes, signed: bytes) -> bool:
    kind, hashed = algorithm.split("-")
    assert (kind, hashed) == (record["k"], "sha256")
    octets = b64decode(record["p"], validate=True)
    try:
        if kind == "ed25519":
            digest = hashlib.sha256(signed).digest()
            Ed25519PublicKey.from_public_bytes(octets).verify(sealed, digest)
        else:
            public = load_der_public_key(octets)
            assert isinstance(public, RSAPublicKey)
            public.verify(sealed, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
