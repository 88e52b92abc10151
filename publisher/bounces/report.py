"""Read a mail about another mail: which sort it is, and what it says of whom. Pure; never raises.

The order of the readers: feedback reports, delivery status, then text for people. Without a
report, a mail is an automatic reply or something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from publisher.bounces.automatic import is_automatic, is_challenge, is_vacation_subject
from publisher.bounces.bounce_text import (
    ADDRESS,
    FailedRecipient,
    failed_recipients,
    guessed_addresses,
    is_about_delay,
    is_about_failure,
    text_before_original,
)
from publisher.bounces.delivery_status import DELIVERY_STATUS_TYPES, status_recipients
from publisher.bounces.diagnosis import diagnose_refusal
from publisher.bounces.feedback_report import FEEDBACK_TYPE, feedback_recipients
from publisher.bounces.incoming_mail import (
    MAX_MAIL,
    field,
    fields,
    leaf_parts,
    parse_mail,
    part_content,
    part_text,
)
from publisher.bounces.model import BounceKind, MailKind, MailReport, RecipientVerdict

# Transfer encodings that leave a text as it is (RFC 2045 section 6.2), and none.
_NOT_ENCODED = frozenset({"", "7bit", "8bit", "binary"})
_DISPOSITION_TYPE = "message/disposition-notification"
_DAEMONS = (
    "mailer-daemon",
    "postmaster",
    "mail delivery",
    "mail administrator",
    "mailerdaemon",
)
# Recipients that are read of one mail. Ours have one each.
_MAX_RECIPIENTS = 20


def read_report(raw: bytes) -> MailReport:
    """Return what a mail says."""
    message = parse_mail(raw)
    parts = list(leaf_parts(message))
    kind, verdicts = _read(message, parts)
    return MailReport(
        kind,
        tuple(_without_repetition(verdicts))[:_MAX_RECIPIENTS],
        _date(message),
        _identifiers(raw, parts),
    )


def _read(
    message: Message, parts: Sequence[Message]
) -> tuple[MailKind, Sequence[RecipientVerdict]]:
    notice = text_before_original(_text(parts))
    found = _machine_report(parts, notice)
    if found is not None:
        return found
    if _is_failure(message, parts, notice):
        return MailKind.BOUNCE, _text_verdicts(message, notice)
    if is_automatic(message) or is_vacation_subject(message):
        return _automatic(BounceKind.AUTO_REPLY)
    if is_challenge(message, notice):
        return _automatic(BounceKind.CHALLENGE)
    if _is_from_daemon(message):
        return MailKind.BOUNCE, [RecipientVerdict("", BounceKind.UNKNOWN)]
    return MailKind.OTHER, []


def _machine_report(
    parts: Sequence[Message], notice: str
) -> tuple[MailKind, Sequence[RecipientVerdict]] | None:
    types = {part.get_content_type(): part for part in reversed(parts)}
    if FEEDBACK_TYPE in types:
        return MailKind.COMPLAINT, feedback_recipients(types[FEEDBACK_TYPE])
    for name in DELIVERY_STATUS_TYPES & types.keys():
        verdicts = list(status_recipients(types[name], notice))
        if verdicts:
            return MailKind.BOUNCE, verdicts
    return _automatic(BounceKind.AUTO_REPLY) if _DISPOSITION_TYPE in types else None


def _automatic(kind: BounceKind) -> tuple[MailKind, Sequence[RecipientVerdict]]:
    return MailKind.AUTO_REPLY, [RecipientVerdict("", kind)]


def _text(parts: Sequence[Message]) -> str:
    """Return the text for people: the plain parts at the start, else those of HTML."""
    plain = [one for one in parts if one.get_content_type() == "text/plain"]
    shown = plain or [one for one in parts if one.get_content_type() == "text/html"]
    return "\n".join(part_text(one) for one in shown[:3])


def _is_from_daemon(message: Message) -> bool:
    path = message.get("Return-Path")
    is_empty = path is not None and str(path).strip() in {"<>", ""}
    return _is_named_daemon(message) or is_empty


def _is_named_daemon(message: Message) -> bool:
    sender = field(message, "From").lower()
    return sender == "<>" or any(name in sender for name in _DAEMONS)


def _is_failure(message: Message, parts: Sequence[Message], notice: str) -> bool:
    if message.get("X-Failed-Recipients"):
        return True
    subject = field(message, "Subject")
    has_signs = is_automatic(message), is_vacation_subject(message)
    # Replies for persons have an empty return path, too, and may say anything of mailboxes.
    if all(has_signs) or (any(has_signs) and not _is_named_daemon(message)):
        return False
    if _is_named_daemon(message):
        return is_about_failure(subject) or is_about_failure(notice)
    if _is_from_daemon(message) and any(
        one.get_content_maintype() == "message" for one in parts
    ):
        return is_about_failure(subject) or is_about_failure(notice)
    if not is_about_failure(subject):
        return False
    has_address = is_about_failure(notice) and bool(ADDRESS.search(notice))
    return _is_from_daemon(message) or has_address


def _text_verdicts(message: Message, notice: str) -> Sequence[RecipientVerdict]:
    named = _addresses_in(message, "X-Failed-Recipients")
    ours = frozenset(one.lower() for one in _addresses_in(message, "To", "From"))
    ours -= {one.lower() for one in named}
    found = list(failed_recipients(notice, ours))
    known = {one.address.lower() for one in found}
    addresses = [one for one in named if one.lower() not in known]
    if not (found or addresses):
        addresses = guessed_addresses(message) or [""]
    found += [FailedRecipient(address, notice, "") for address in addresses]
    return [_text_verdict(one, notice) for one in found]


def _text_verdict(recipient: FailedRecipient, notice: str) -> RecipientVerdict:
    address, words = recipient.address, recipient.after
    if is_about_delay(notice):
        return RecipientVerdict(address, BounceKind.DELAYED, None, "", words)
    domain = address.rpartition("@")[2]
    found = diagnose_refusal("", words, domain)
    if found.is_vague and recipient.before:
        other = diagnose_refusal("", recipient.before, domain)
        found = found if other.is_vague else other
    return RecipientVerdict(address, found.kind, found.cause, found.status, words)


def _addresses_in(message: Message, *names: str) -> list[str]:
    values = (value for name in names for value in fields(message, name))
    return [found[0] for value in values for found in ADDRESS.finditer(value)]


def _without_repetition(verdicts: Iterable[RecipientVerdict]) -> Iterable[RecipientVerdict]:
    seen = set()
    for one in verdicts:
        if one.address.lower() not in seen:
            seen.add(one.address.lower())
            yield one


def _date(message: Message) -> datetime | None:
    try:
        date = parsedate_to_datetime(field(message, "Date"))
    except (ValueError, TypeError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def _identifiers(raw: bytes, parts: Sequence[Message]) -> str:
    """Return all text of a mail in which a token of ours may stand, decoded where it is encoded."""
    encoded = [part_content(one) for one in parts if _is_encoded(one)]
    return "\n".join([raw[:MAX_MAIL].decode("latin-1"), *encoded])


def _is_encoded(part: Message) -> bool:
    """Return whether the text of a part is not in the mail as it is."""
    named = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    return named not in _NOT_ENCODED
