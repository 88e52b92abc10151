"""The parts of a message: which there are, in which order, and how they are encoded.

Knows no word of what they say.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.mail import CheckedMail
from publisher.languages import script

KINDS = ("text/plain", "text/html")
# RFC 2045 sections 6.7 and 6.8: of a line of quoted-printable or base64.
LONGEST_ENCODED_LINE = 76
SAFE = frozenset({"7bit", "quoted-printable", "base64"})
# Quoted-printable suits scripts that are mostly ASCII. In others a letter takes six characters
# or nine, and in base64 four.
FITTING = {True: frozenset({"quoted-printable", "7bit"}), False: frozenset({"base64"})}

STRUCTURE = Rule(
    code="mime-structure",
    severity=Severity.ERROR,
    part=MailPart.MESSAGE,
    fix="send multipart/alternative with text/plain first and text/html second, and nothing else",
    why="Mail programs show the last part that they can (RFC 2046 section 5.1.4), and filters "
    "distrust mail without text or with attachments.",
)
CHARSET = Rule(
    code="mime-charset",
    severity=Severity.ERROR,
    part=MailPart.MESSAGE,
    fix="write both parts in utf-8, and say so",
    why="Gmail clips mails in other charsets early, and their letters may be lost.",
)
EMPTY = Rule(
    code="mime-empty",
    severity=Severity.ERROR,
    part=MailPart.MESSAGE,
    fix="give both parts something to say",
    why="Watches and screen readers show the text part; filters take an empty one for a trick.",
)
ENCODING = Rule(
    code="transfer-encoding",
    severity=Severity.ERROR,
    part=MailPart.MESSAGE,
    fix="encode the part as base64 or quoted-printable, in lines of at most 76 characters",
    why="8bit and binary parts are recoded on the way, which breaks signatures (RFC 2045).",
)
COSTLY = Rule(
    code="transfer-encoding-size",
    severity=Severity.WARNING,
    part=MailPart.MESSAGE,
    fix="encode Latin scripts as quoted-printable and all others as base64",
    why="A Chinese mail is half as large again in quoted-printable as in base64.",
)
FLOWED = Rule(
    code="format-flowed",
    severity=Severity.WARNING,
    part=MailPart.TEXT,
    fix="leave format=flowed out of Content-Type",
    why="It joins lines with spaces (RFC 3676), which Chinese and Japanese don't have.",
)
RULES = (STRUCTURE, CHARSET, EMPTY, ENCODING, COSTLY, FLOWED)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at the parts, from the whole to each."""
    # Not the message of the mail: its policy stumbles over malformed fields.
    message = message_from_bytes(mail.content)
    parts = [part for part in message.walk() if not part.is_multipart()]
    found = tuple(part.get_content_type() for part in parts)
    if message.get_content_type() != "multipart/alternative" or found != KINDS:
        problem = f"it is {message.get_content_type()} with {', '.join(found) or 'nothing'}"
        yield STRUCTURE.broken(problem, where="message")
    for part in parts:
        if part.get_content_type() in KINDS:
            yield from _part(part, latin=script(mail.language) == "Latn")


def _part(part: Message, *, latin: bool) -> Iterator[Finding]:
    kind = part.get_content_type()
    charset = part.get_content_charset("us-ascii")
    if not _is_utf8(charset):
        yield CHARSET.broken(f"it is said to be in {charset}", where=kind)
    octets = part.get_payload(decode=True)
    if not isinstance(octets, bytes) or not octets.strip():
        yield EMPTY.broken("there is nothing in it", where=kind)
    elif _is_utf8(charset) and (fault := _damage(octets)):
        yield CHARSET.broken(fault, where=kind)
    yield from _encoding(part, kind, latin=latin)
    if part.get_param("format", "") == "flowed":
        yield FLOWED.broken("its lines are said to flow", where=kind)


def _is_utf8(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name == "utf-8"
    except LookupError:
        return False


def _damage(octets: bytes) -> str | None:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"octet {octets[error.start]:#04x} at {error.start} is not utf-8"
    return None


def _encoding(part: Message, kind: str, *, latin: bool) -> Iterator[Finding]:
    encoding = str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower()
    if encoding not in SAFE:
        yield ENCODING.broken(f"it is sent as {encoding}", where=kind)
    elif encoding not in FITTING[latin]:
        yield COSTLY.broken(f"it is sent as {encoding}", where=kind)
    longest = max(map(len, str(part.get_payload()).splitlines()), default=0)
    if encoding != "7bit" and longest > LONGEST_ENCODED_LINE:
        problem = f"a line of {encoding} has {longest} characters"
        yield ENCODING.broken(problem, where=kind)
