"""Check whether the bytes of a composed message conform to the RFCs on mail.

`python -m tools.mail_validator FILE...` prints the rules that messages break; the exit code is 1 if there is one.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

# RFC 5322 section 2.1.1, RFC 2047 section 2, RFC 2045 sections 6.7 and 6.8; without line ends.
LONGEST_LINE, LONGEST_WORD, LONGEST_ENCODED_LINE = 998, 75, 76
# RFC 5322 section 3.6: each exactly once. No other field may be there twice.
REQUIRED = ("from", "to", "date", "subject", "message-id", "mime-version")
KINDS = ["text/plain", "text/html"]
WORD = re.compile(rb"=\?([^?\s]+)\?([BbQq])\?([^?\s]*)\?=")
# Where a mail program begins to decode. An address may begin with `=?` and be none.
WORD_START = re.compile(rb"=\?[^?\s]+\?[BbQq]\?")
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# A publication on a machine at home may have an IPv6 address for a host.
HOST = rf"(?:{ATOM}|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]?)"
SHAPES = {
    "message-id": re.compile(r"<[^\s<>@]+@[^\s<>@]+>"),
    # RFC 8058 section 3.1.
    "list-unsubscribe-post": re.compile("List-Unsubscribe=One-Click"),
    # RFC 2919 section 2.
    "list-id": re.compile(rf"(?:[^<>]*\s)?<(?=.{{1,255}}>){ATOM}(?:\.{ATOM})*\.{HOST}>"),
    # Gmail: up to three names, then an identifier of 5 to 15 characters.
    "feedback-id": re.compile(r"(?:[^\s:]*:){0,3}[^\s:]{5,15}"),
    # RFC 3834 section 5.
    "auto-submitted": re.compile("auto-generated"),
}


def violations(content: bytes) -> Iterator[str]:
    """Describe each rule that a message breaks."""
    yield from _lines(content)
    message = message_from_bytes(content, policy=policy.default)
    fields = _raw_fields(content)
    yield from _fields(message, fields)
    yield from _addresses_and_date(message, fields)
    yield from _encoded_words(content.partition(b"\r\n\r\n")[0])
    if "list-unsubscribe" in fields:
        is_one_click = "list-unsubscribe-post" in fields
        yield from _unsubscribe(fields["list-unsubscribe"][0], is_one_click=is_one_click)
    yield from _parts(message)
    again = message.as_bytes(policy=policy.SMTP.clone(refold_source="none"))
    # The library writes a space into an empty field.
    if again.replace(b": \r\n", b":\r\n") != content:
        yield "read and written again, it is another message"


def _lines(content: bytes) -> Iterator[str]:
    if re.search(rb"(?<!\r)\n|\r(?!\n)", content):
        yield "a line ends with a bare CR or LF (RFC 5321 section 2.3.8)"
    if not content.isascii():
        yield "a byte is beyond ASCII"
    for line in content.split(b"\r\n"):
        if len(line) > LONGEST_LINE:
            yield f"a line has {len(line)} bytes"


def _raw_fields(content: bytes) -> dict[str, list[str]]:
    """Return the values of each field, unfolded and not decoded."""
    head = re.sub(rb"\r\n(?=[ \t])", b"", content.partition(b"\r\n\r\n")[0])
    found: dict[str, list[str]] = {}
    for line in head.decode("ascii", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        found.setdefault(name.lower(), []).append(value.strip())
    return found


def _fields(message: EmailMessage, fields: dict[str, list[str]]) -> Iterator[str]:
    for name in REQUIRED:
        if not fields.get(name) or not (fields[name][0] or name == "subject"):
            yield f"{name} is missing or empty"
    for name, values in fields.items():
        if len(values) > 1 and name != "dkim-signature":
            yield f"{name} is there {len(values)} times"
        if name in SHAPES and not SHAPES[name].fullmatch(values[0]):
            yield f"{name} is {values[0]!r}"
        header = message[name]
        if header is None or header.defects:
            yield f"{name} has defects: {header and header.defects}"


def _addresses_and_date(message: EmailMessage, fields: dict[str, list[str]]) -> Iterator[str]:
    for name in ("from", "to"):
        addresses: tuple[Address, ...] = getattr(message[name], "addresses", ())
        if len(addresses) != 1 or not (addresses[0].username and addresses[0].domain):
            yield f"{name} is not one address"
    # Google's guidelines: the Message-ID belongs to the sender's domain.
    sender = str(message["from"]).rpartition("@")[2].strip("<> ").lower()
    if any(f"@{sender}>" not in value.lower() for value in fields.get("message-id", [])):
        yield "the Message-ID is not of the sender's domain"
    for value in fields.get("date", []):
        try:
            has_offset = parsedate_to_datetime(value).tzinfo is not None
        except ValueError:
            has_offset = False
        if not has_offset:
            yield f"{value!r} is not a date with an offset (RFC 5322 section 3.3)"


def _encoded_words(head: bytes) -> Iterator[str]:
    for line in head.split(b"\r\n"):
        words = list(WORD.finditer(line))
        if words and len(line) > LONGEST_ENCODED_LINE:
            yield f"a line with encoded words has {len(line)} bytes"
        if WORD_START.search(WORD.sub(b"", line)):
            yield "a part of a line looks like an encoded word and is not one"
        for word in words:
            if len(word[0]) > LONGEST_WORD or word[1].lower() != b"utf-8":
                yield f"{word[0]!r} is too long or not in UTF-8"
            try:
                ((octets, _charset),) = decode_header(word[0].decode("ascii"))
                octets.decode("utf-8")
            except (ValueError, AttributeError, MessageError):
                yield f"{word[0]!r} does not contain whole characters"


def _unsubscribe(value: str, *, is_one_click: bool) -> Iterator[str]:
    """Check List-Unsubscribe: plain ASCII, an address of http first (RFC 2369, RFC 8058).

    Where no one-click unsubscribing is announced, one of mail may be the only one.
    """
    addresses = re.split(r",\s*(?=<)", value)
    if not all(re.fullmatch(r"<[!-;=?-~]+>", address) for address in addresses):
        yield f"List-Unsubscribe is {value!r}"
        return
    first = urlsplit(addresses[0].strip("<>"))
    if not is_one_click and len(addresses) == 1 and first.scheme == "mailto":
        return
    if first.scheme not in {"http", "https"} or not first.hostname:
        yield f"List-Unsubscribe begins with {addresses[0]!r}"


def _parts(message: EmailMessage) -> Iterator[str]:
    """Check the parts (RFC 2046 section 5.1.4) and their encodings (RFC 2045)."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    kinds = [part.get_content_type() for part in parts]
    if message.get_content_type() != "multipart/alternative" or kinds != KINDS:
        yield f"it is {message.get_content_type()} with {kinds}"
    for part in message.walk():
        for defect in part.defects:
            yield f"{part.get_content_type()} has a defect: {defect!r}"
    for part in parts:
        yield from _part(part)


def _part(part: Message) -> Iterator[str]:
    kind = part.get_content_type()
    encoding = str(part.get("Content-Transfer-Encoding", "7bit")).lower()
    if encoding not in {"7bit", "quoted-printable", "base64"}:
        yield f"{kind} is sent as {encoding}"
    longest = max(map(len, str(part.get_payload()).splitlines()), default=0)
    if encoding != "7bit" and longest > LONGEST_ENCODED_LINE:
        yield f"{kind} has an encoded line of {longest} characters"
    if part.get_content_charset() != "utf-8" or part.get_param("format"):
        yield f"{kind} is {part['Content-Type']}"
    octets = part.get_payload(decode=True)
    try:
        octets.decode("utf-8")  # type: ignore[union-attr]  # not of a part without parts
    except UnicodeDecodeError as error:
        yield f"{kind} is not UTF-8: {error}"


def main() -> int:
    """Check the files of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.mail_validator")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    broken = [
        f"{path}: {rule}\n"
        for path in parser.parse_args().files
        for rule in violations(path.read_bytes())
    ]
    sys.stdout.writelines(broken)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
