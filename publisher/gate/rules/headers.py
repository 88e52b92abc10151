"""The header of a message: who writes to whom, when and about what, and how it is encoded.

Looks at the octets as well as at what a mail program makes of them. Fields of lists are
another module's (`publisher.gate.rules.lists`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from email.errors import MessageError
from email.header import decode_header
from email.headerregistry import Address, AddressHeader, BaseHeader
from email.policy import SMTP
from email.utils import parsedate_to_datetime

from publisher.gate import bidi
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.header_fields import Field, decode_words, fields_named, header_fields
from publisher.gate.mail import CheckedMail
from publisher.gate.text_layout import columns

# RFC 2047 section 2: of an encoded word, and of a line that holds one.
LONGEST_WORD = 75
LONGEST_ENCODED_LINE = 76
# Phones show about 40 columns of a subject, desktops about 70.
SUBJECT_COLUMNS = 65

ONCE = ("From", "To", "Date", "Subject", "Message-ID", "MIME-Version")
# RFC 5322 section 3.6 and the documents that define the others: at most once.
NEVER_TWICE = (
    *("Sender", "Reply-To", "Cc", "Content-Type", "Content-Transfer-Encoding"),
    *("Content-Language", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("Feedback-ID", "Auto-Submitted", "Archived-At"),
)
WORD = re.compile(rb"=\?([^?\s]+)\?([BbQq])\?([^?\s]*)\?=")
MESSAGE_ID = re.compile(r"<[^\s<>@]+@([^\s<>@]+)>")
# What mail programs put before an answer or a forwarded mail, in English, German, Chinese, Arabic.
REPLY = re.compile(
    r"\s*(?:re|fwd?|aw|wg|回复|回覆|答复|答覆|转发|轉寄|轉發|رد|إعادة توجيه)"
    r"\s*(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)

FIELD_COUNT = Rule(
    code="field-count",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="write each of these fields exactly once, with something in it",
    why="RFC 5322 section 3.6; Gmail refuses mail in which From or Date is missing or doubled.",
)
ADDRESS = Rule(
    code="one-address",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="name one sender and one reader, each with a whole address",
    why="Gmail refuses several senders; several readers would see each other's addresses.",
)
DATE = Rule(
    code="date",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="write the date as RFC 5322 section 3.3 does, with its offset from UTC",
    why="A mail without a readable date counts as spam, and is sorted anywhere.",
)
MESSAGE_ID_SHAPE = Rule(
    code="message-id",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="write <something@the sender's own domain>",
    why="RFC 5322 section 3.6.4; Google's guidelines for senders ask for a valid one.",
)
ENCODED_WORD = Rule(
    code="encoded-word",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="encode whole characters in UTF-8, in words of at most 75 characters",
    why="RFC 2047 sections 2 and 5; other words are shown as they stand, or as question marks.",
)
ROUND_TRIP = Rule(
    code="round-trip",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="write the field as its own grammar has it",
    why="What one program has to mend, another reads otherwise, or takes for an attack.",
)
CONTROL = Rule(
    code="field-control",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="take control characters and line ends out of the field",
    why="A line end within a field makes a field of what follows it (CWE-93).",
)
DIRECTION = Rule(
    code="field-direction",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="close every isolate and embedding within the field, and override nothing",
    why="What a subject leaves open turns the line of the inbox around (UAX 9).",
)
SUBJECT_LENGTH = Rule(
    code="subject-length",
    severity=Severity.WARNING,
    part=MailPart.HEADERS,
    fix=f"shorten the subject to {SUBJECT_COLUMNS} columns; a Chinese character takes two",
    why="Phones show about 40 columns of a subject, desktops about 70.",
)
SUBJECT_REPLY = Rule(
    code="subject-reply",
    severity=Severity.WARNING,
    part=MailPart.HEADERS,
    fix="let the subject not begin like an answer or a forwarded mail",
    why="Google's guidelines for senders forbid Re: and Fwd: where nothing was written before.",
)
RULES = (
    *(FIELD_COUNT, ADDRESS, DATE, MESSAGE_ID_SHAPE, ENCODED_WORD, ROUND_TRIP, CONTROL),
    *(DIRECTION, SUBJECT_LENGTH, SUBJECT_REPLY),
)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at the header, field by field."""
    found = header_fields(mail.content)
    read = dict(_read(mail))
    yield from _counts(found)
    yield from _addresses(read)
    yield from _date(found)
    yield from _message_id(found, read)
    for field in found:
        yield from _encoded_words(field)
    yield from _round_trip(mail, found, read)
    for name in ("From", "To", "Subject"):
        yield from _text_of(name, read.get(name.lower()))
    yield from _subject(read.get("subject"))


def _read(mail: CheckedMail) -> Iterator[tuple[str, BaseHeader]]:
    """Give each field as the standard library reads it, the first of a name where it is doubled."""
    seen = set()
    for name in mail.message.keys():  # noqa: SIM118  # a message is no mapping
        if name.lower() not in seen:
            seen.add(name.lower())
            try:
                yield name.lower(), mail.message[name]
            except Exception:  # noqa: BLE001, S112  # its parser raises whatever it likes
                continue


def _counts(found: tuple[Field, ...]) -> Iterator[Finding]:
    for name in ONCE:
        same = fields_named(found, name)
        if not same:
            yield FIELD_COUNT.broken("the field is missing", where=name)
        elif not same[0].value:
            yield FIELD_COUNT.broken("the field is empty", where=name, line=same[0].number)
    for name in (*ONCE, *NEVER_TWICE):
        same = fields_named(found, name)
        if len(same) > 1:
            problem = f"the field is there {len(same)} times"
            yield FIELD_COUNT.broken(problem, where=name, line=same[1].number)


def _addresses(read: dict[str, BaseHeader]) -> Iterator[Finding]:
    for name in ("From", "To"):
        header = read.get(name.lower())
        if header is None:
            continue
        addresses = _mailboxes(header)
        if len(addresses) != 1:
            yield ADDRESS.broken(f"there are {len(addresses)} addresses in it", where=name)
        elif not (addresses[0].username and addresses[0].domain):
            yield ADDRESS.broken(f"{str(addresses[0])!r} is no whole address", where=name)


def _mailboxes(header: object) -> tuple[Address, ...]:
    # A header's class is made up of BaseHeader and one of these.
    return header.addresses if isinstance(header, AddressHeader) else ()


def _date(found: tuple[Field, ...]) -> Iterator[Finding]:
    for field in fields_named(found, "Date")[:1]:
        try:
            instant: datetime | None = parsedate_to_datetime(field.value)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            problem = f"{field.value!r} is no date with an offset from UTC"
            yield DATE.broken(problem, where="Date", line=field.number)


def _message_id(found: tuple[Field, ...], read: dict[str, BaseHeader]) -> Iterator[Finding]:
    senders = _mailboxes(read.get("from"))
    own = senders[0].domain.lower() if senders else ""
    for field in fields_named(found, "Message-ID")[:1]:
        shape = MESSAGE_ID.fullmatch(field.value)
        if not shape:
            problem = f"{field.value!r} is not of the form <left@right>"
            yield MESSAGE_ID_SHAPE.broken(problem, where="Message-ID", line=field.number)
        elif own and shape[1].lower() != own:
            problem = f"it is of {shape[1]}, and the sender of {own}"
            yield MESSAGE_ID_SHAPE.broken(problem, where="Message-ID", line=field.number)


def _encoded_words(field: Field) -> Iterator[Finding]:
    for number, line in enumerate(field.lines, field.number):
        words = list(WORD.finditer(line))
        faults = [fault for word in words if (fault := _word_fault(word))]
        if b"=?" in WORD.sub(b"", line):
            faults.append("what looks like an encoded word is none")
        if words and len(line) > LONGEST_ENCODED_LINE:
            faults.append(
                f"a line with encoded words has {len(line)} characters, "
                f"and may have {LONGEST_ENCODED_LINE}"
            )
        for fault in faults[:1]:
            yield ENCODED_WORD.broken(fault, where=field.name, line=number)


def _word_fault(word: re.Match[bytes]) -> str | None:
    if len(word[0]) > LONGEST_WORD:
        return f"an encoded word has {len(word[0])} characters, and may have {LONGEST_WORD}"
    if word[1].lower() != b"utf-8":
        return f"an encoded word is in {word[1].decode('ascii', 'replace')}, not in utf-8"
    try:
        (octets, _charset), *rest = decode_header(word[0].decode("ascii"))
        octets.decode("utf-8")
    except (ValueError, AttributeError, MessageError):
        return "an encoded word does not hold whole characters"
    return "an encoded word is not one" if rest else None


def _round_trip(
    mail: CheckedMail, found: tuple[Field, ...], read: dict[str, BaseHeader]
) -> Iterator[Finding]:
    for field in found:
        header = read.get(field.name.lower())
        if header is None:
            yield ROUND_TRIP.broken("it can't be read", where=field.name, line=field.number)
            continue
        for defect in header.defects[:1]:
            problem = str(defect) or type(defect).__name__
            yield ROUND_TRIP.broken(problem, where=field.name, line=field.number)
    for part in mail.message.walk():
        for defect in part.defects[:1]:
            problem = f"the message is damaged: {str(defect) or type(defect).__name__}"
            yield ROUND_TRIP.broken(problem, where="message")
    for field in fields_named(found, "Subject")[:1]:
        ours, theirs = decode_words(field.value), str(read.get("subject", ""))
        if ours != theirs:
            problem = f"it reads {ours!r} to one program and {theirs!r} to another"
            yield ROUND_TRIP.broken(problem, where="Subject", line=field.number)
    if _written_again(mail) != mail.content:
        yield ROUND_TRIP.broken(
            "read and written again, it is another message", where="message"
        )


def _written_again(mail: CheckedMail) -> bytes | None:
    try:
        return mail.message.as_bytes(policy=SMTP.clone(refold_source="none"))
    except Exception:  # noqa: BLE001  # its generator raises whatever it likes
        return None


def _text_of(name: str, header: BaseHeader | None) -> Iterator[Finding]:
    # Of addresses, what people read of them.
    names = " ".join(address.display_name for address in _mailboxes(header))
    text = names or str(header or "")
    control = next((sign for sign in text if unicodedata.category(sign) == "Cc"), None)
    if control:
        yield CONTROL.broken(f"it holds U+{ord(control):04X}", where=name)
    override = next((sign for sign in text if sign in bidi.OVERRIDES), None)
    fault = f"it holds {bidi.named(override)}" if override else bidi.fault(text)
    if fault:
        yield DIRECTION.broken(fault, where=name)


def _subject(header: BaseHeader | None) -> Iterator[Finding]:
    subject = str(header or "")
    width = columns(subject)
    if width > SUBJECT_COLUMNS:
        yield SUBJECT_LENGTH.broken(f"it takes {width} columns", where="Subject")
    if found := REPLY.match(subject):
        yield SUBJECT_REPLY.broken(f"it begins with {found[0].strip()!r}", where="Subject")
