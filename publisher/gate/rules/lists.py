"""The fields that say what list a mail is from, in which language, and how to leave it.

Mail programs make buttons of them, and take them as they stand on the wire. Knows no list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.header_fields import Field, fields_named, header_fields
from publisher.gate.mail import CheckedMail

ONE_CLICK = "List-Unsubscribe=One-Click"
INSECURE = "the first address goes by http"
# RFC 5322 section 3.2.3.
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# A publication that is tried out at home may have an IPv6 address for a host.
HOST = rf"(?:{ATOM}|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]?)"
LIST_ID = re.compile(rf"(?:[^<>]*\s)?<({ATOM}(?:\.{ATOM})*\.{HOST})>")
# RFC 2919 section 2.
LONGEST_LIST_ID = 255
# Up to three names of the sender's own, then an identifier of 5 to 15 characters.
FEEDBACK_ID = re.compile(r"(?:[^\s:]*:){0,3}[^\s:]{5,15}")
AUTOMATIC = re.compile(r"auto-generated\s*(?:;.*)?", re.IGNORECASE)

UNSUBSCRIBE = Rule(
    code="list-unsubscribe",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="write <https://…> first, in ASCII as it is, folded only between addresses",
    why="Gmail and Yahoo ask it of everybody who mails many (RFC 2369, RFC 8058); "
    "none of them decodes it.",
)
UNSUBSCRIBE_HTTP = Rule(
    code="list-unsubscribe-http",
    severity=Severity.WARNING,
    part=MailPart.HEADERS,
    fix="serve the publication by https before it has readers",
    why="Gmail and Yahoo take https only (RFC 8058 section 3.1); a publication that is tried out "
    "at home may have nothing but http.",
)
UNSUBSCRIBE_POST = Rule(
    code="list-unsubscribe-post",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix=f"write {ONE_CLICK}, letter by letter",
    why="RFC 8058 section 3.1; without it there is no button to leave with one click.",
)
LIST_ID_SHAPE = Rule(
    code="list-id",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="write <list.language.your.domain>, the same in every mail of the list",
    why="RFC 2919; readers file by it, and Google's guidelines for senders ask for it.",
)
FEEDBACK = Rule(
    code="feedback-id",
    severity=Severity.WARNING,
    part=MailPart.HEADERS,
    fix="write up to three names and an identifier of 5 to 15 characters, with colons between",
    why="Gmail's feedback loop counts complaints by it and passes over what it can't read; "
    "it must say nothing of the reader.",
)
AUTO_SUBMITTED = Rule(
    code="auto-submitted",
    severity=Severity.WARNING,
    part=MailPart.HEADERS,
    fix="write auto-generated",
    why="Programs that tell of an absence don't answer such mail (RFC 3834 section 5).",
)
LANGUAGE = Rule(
    code="content-language",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="write the edition's language tag",
    why="Mail programs choose fonts and offer translations by it (RFC 3282).",
)
RULES = (
    UNSUBSCRIBE,
    UNSUBSCRIBE_HTTP,
    UNSUBSCRIBE_POST,
    LIST_ID_SHAPE,
    FEEDBACK,
    AUTO_SUBMITTED,
    LANGUAGE,
)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at the fields of a list."""
    found = header_fields(mail.content)
    checks = (
        (UNSUBSCRIBE, "List-Unsubscribe", _unsubscribe),
        (UNSUBSCRIBE_POST, "List-Unsubscribe-Post", _post),
        (LIST_ID_SHAPE, "List-Id", _list_id),
        (FEEDBACK, "Feedback-ID", lambda value: _feedback(value, _readers(found))),
        (AUTO_SUBMITTED, "Auto-Submitted", _automatic),
        (LANGUAGE, "Content-Language", lambda value: _language(value, mail.language)),
    )
    for rule, name, fault_of in checks:
        same = fields_named(found, name)
        if not same:
            yield rule.broken("the field is missing", where=name)
        for field in same[:1]:
            if fault := fault_of(field.value):
                insecure = rule is UNSUBSCRIBE and fault == INSECURE
                broken = UNSUBSCRIBE_HTTP if insecure else rule
                yield broken.broken(fault, where=name, line=field.number)


def _unsubscribe(value: str) -> str | None:
    if "=?" in value or "\\x" in value:
        return "it is encoded, or not ASCII"
    addresses = re.split(r",\s*(?=<)", value)
    whole = [re.fullmatch(r"<([!-;=?-~]+)>", address) for address in addresses]
    for address, found in zip(addresses, whole, strict=True):
        if not found:
            return f"{address!r} is no address in angle brackets"
    first = whole[0][1] if whole[0] else ""
    try:
        parts = urlsplit(first)
    except ValueError:  # a bracket that is left open, or no IPv6 address between two
        return f"the first address, {first!r}, can't be read"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"the first address is {first!r}, not of https"
    return INSECURE if parts.scheme == "http" else None


def _post(value: str) -> str | None:
    return None if value == ONE_CLICK else f"it says {value!r}"


def _list_id(value: str) -> str | None:
    found = LIST_ID.fullmatch(value)
    if not found:
        return f"{value!r} is not of the form <label.domain>"
    if len(found[1]) > LONGEST_LIST_ID:
        return f"it has {len(found[1])} characters, and may have {LONGEST_LIST_ID}"
    return None


def _feedback(value: str, readers: list[str]) -> str | None:
    if not FEEDBACK_ID.fullmatch(value):
        return f"{value!r} does not end with an identifier of 5 to 15 characters"
    told = next((address for address in readers if address in value.lower()), None)
    return f"it tells the reader's address, {told}" if told else None


def _readers(found: tuple[Field, ...]) -> list[str]:
    values = (field.value.lower() for field in fields_named(found, "To"))
    return [
        address
        for value in values
        for address in re.findall(r"[^\s<>@,;\"]+@[^\s<>,;]+", value)
    ]


def _automatic(value: str) -> str | None:
    return None if AUTOMATIC.fullmatch(value) else f"it says {value!r}"


def _language(value: str, wanted: str) -> str | None:
    if value.lower() == wanted.lower():
        return None
    return f"it says {value!r}, and the edition is in {wanted}"
