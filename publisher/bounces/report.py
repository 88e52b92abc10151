"""Read a mail about another mail: which sort it is, and what it says of whom. Pure; never raises.

Tried in this order: feedback reports (ARF, RFC 5965), delivery status notifications (RFC 3464, RFC 6533), text for
people, and last a mail that a machine wrote in a person's place.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Final

from publisher.bounces import incoming_mail
from publisher.bounces.diagnosis import Diagnosis, diagnose_refusal
from publisher.bounces.model import BounceKind, MailKind, MailReport, RecipientVerdict
from publisher.delivery import causes

_ORIGINAL = re.compile(
    r"[ \t>]*(?:"
    r"[-=_*+. ]{2,80}.{0,40}\b(?:copy of|original|returned|unsent|undelivered|header of|headers"
    r"|message text|below this line)\b"
    r"|(?:this is |here is |below is )?(?:a |the )?(?:copy of )?(?:the |your )?"
    r"(?:original|returned|undelivered) (?:message|mail)\b.{0,30}(?:follows|below|:|headers?)\W*$"
    r"|message headers? follows?\W*$|original message(?: headers?)?\W*$"
    r"|below is a copy of |body of message generated response\W*$"
    r"|received: (?:from|by|\()|return-path:"
    r")",
    re.IGNORECASE,
)
# Characters of a line that are looked at, and of a text that tell whether it is about a failure.
_MAX_LINE, _MAX_START = 200, 4_000
ADDRESS = re.compile(
    r"(?<![\w.+=-])(\"[^\"\n@]{1,64}\"|[\w.!#$%&'*+/=?^`{|}~-]{1,64})@((?:[\w-]{1,63}\.)+[\w-]{1,63})"
)
_LEADING = re.compile(
    r"^[ \t>*\"'(-]*"
    r"(?:(?:rcpt )?to:? *|recipients?(?: address)?: *|user: *|unknown user: *|undeliverable to "
    r"|[^\n<>@]{0,60} (?:to|failed|recipient|address|adresse|user)s?:? |e-?mail(?: address)?:? *)?"
    r"<?(?=[^\s<>@]{1,64}@)",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"(?:un|not be |non ?-?)deliver|delivery (?:has |to |of |status |notification )*(?:fail|error|problem|status)"
    r"|deliver(?:ing|y) (?:errors|problems|your)|could ?n[o']t (?:be )?(?:deliver|send)"
    r"|(?:was|were|is|has been|been) (?:not |blocked|rejected|returned|refused)"
    r"|fail(?:ed|ure)|returned (?:mail|to sender)|permanent (?:fatal )?error|rejected|bounce"
    r"|did not reach|user unknown|unknown user|no such user|mailbox|quota|expired"
    r"|\b5\d\d[ -]\d\.\d\.\d|\b55\d\b"
    r"|退信|退回|无法投递|投递失败|発信不能|配信(?:不能|できません)|送信できません|エラー|届け|недостав|не доставл"
    r"|nicht zugestellt|unzustellbar|non remis|no se (?:pudo|ha podido) entregar",
    re.IGNORECASE,
)
_DELAY = re.compile(
    r"(?:has |have |is |been |message )delayed|delivery (?:of .{1,40} )?(?:is )?(?:temporarily )?(?:delayed|suspended)"
    r"|will (?:be |continue |keep |try|retry)[^\n.]{0,40}(?:retr|try|deliver|attempt)"
    r"|still (?:being|trying)|temporary failure report|only a warning|do not need to (?:re-?send|retry)"
    r"|(?:could not be delivered|undeliverable) for \d+ |not yet been delivered|warning: ",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(
    r"giv(?:en|ing) (?:it )?up|not going to try|permanent|too long|expired|gave up|5\.\d\.\d|\b55\d\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]{3}")


def text_before_original(text: str) -> str:
    end = 0
    for line in text.split("\n"):
        if _ORIGINAL.match(line[:_MAX_LINE]):
            return text[:end]
        end += len(line) + 1
    return text


def is_about_failure(text: str) -> bool:
    return _FAILURE.search(text[:_MAX_START]) is not None


def is_about_delay(text: str) -> bool:
    start = text[:_MAX_START]
    return _DELAY.search(start) is not None and not _GAVE_UP.search(start)


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """An address that a text is about. Some servers name the reason first, some the address."""

    address: str
    after: str  # the words from the address on
    before: str  # those before the first address


def failed_recipients(text: str, ours: frozenset[str]) -> Iterator[FailedRecipient]:
    """Yield the addresses that a report's text is about, but not `ours`: those it was sent from or to, in lower case."""
    places = list(_places(text, ours))
    for number, (start, address) in enumerate(places):
        end = places[number + 1][0] if number + 1 < len(places) else None
        words = text[start:end]
        if not _LETTER.search(ADDRESS.sub("", words)):
            # A list of addresses; the reason is after the last.
            words = text[start:]
        yield FailedRecipient(address, words, text[: places[0][0]])


def _places(text: str, ours: frozenset[str]) -> Iterator[tuple[int, str]]:
    seen = set()
    start = 0
    for line in text.split("\n"):
        start_of_line = line[:_MAX_LINE]
        lead = _LEADING.match(start_of_line)
        found = ADDRESS.match(start_of_line, lead.end()) if lead else None
        if found and found[0].lower() not in ours and found[0].lower() not in seen:
            seen.add(found[0].lower())
            yield start, found[0]
        start += len(line) + 1


def guessed_addresses(message: Message) -> list[str]:
    """Return the addresses that flufl.bounce finds. It never says what is wrong with them."""
    # Imported with the first mail: the web server has a webhook, which seldom gets one.
    from flufl.bounce import all_failures

    # It logs each detector, and its errors with the mail's content.
    logging.getLogger("flufl.bounce").disabled = True
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001  # its detectors raise IndexError and others for unusual mails
        return []
    found = (one.decode("utf-8", "replace") for one in {*temporary, *permanent})
    return sorted(one for one in found if ADDRESS.fullmatch(one))


DELIVERY_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_STATUS_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_LOCAL_PROGRAM = re.compile(r"x-unix\b", re.IGNORECASE)
_DONE = frozenset({"delivered", "relayed", "expanded"})


def status_recipients(part: Message, notice: str) -> Iterator[RecipientVerdict]:
    """Yield what a machine-readable part says of each recipient, or `notice`, the text for people, where it says nothing."""
    found = [(group, _address(group)) for group in incoming_mail.status_groups(part)]
    about = [(group, name) for group, name in found if name or group.get("Action")]
    for group, address in about:
        yield _verdict(group, address, notice if len(about) == 1 else "")


def _address(group: Message) -> str:
    """Return the address that we sent to; a forwarding server names another one as the final."""
    for name in ("Original-Recipient", "Final-Recipient", "X-Actual-Recipient"):
        value = incoming_mail.field(group, name).rpartition(";")[2].strip(" <>\"'")
        if "@" in value:
            return value
    return ""


def _verdict(group: Message, address: str, notice: str) -> RecipientVerdict:
    action = incoming_mail.field(group, "Action").lower().split(" ")[0].strip(";,")
    status = next(iter(_STATUS_CODE.findall(incoming_mail.field(group, "Status"))), "")
    said = (incoming_mail.field(group, n) for n in ("Diagnostic-Code", "X-Supplementary-Info"))
    words = " ".join(filter(None, said))
    if action in _DONE or (not action and status.startswith("2")):
        return RecipientVerdict(address, BounceKind.DELIVERED, None, status, words)
    if action == "delayed":
        return RecipientVerdict(address, BounceKind.DELAYED, None, status, words)
    found = _diagnosis(status, words, notice, address.rpartition("@")[2])
    return RecipientVerdict(address, found.kind, found.cause, found.status, words or notice)


def _diagnosis(status: str, words: str, notice: str, domain: str) -> Diagnosis:
    found = diagnose_refusal(status, words, domain)
    if found.kind is BounceKind.DEAD and _LOCAL_PROGRAM.match(words):
        # A program that delivers on the server failed; its words may be about anything.
        return Diagnosis(BounceKind.SOFT, causes.NOT_KNOWN, found.status)
    if found.is_vague and notice:
        other = diagnose_refusal(status, notice, domain)
        if not other.is_vague:
            return other
    return found


FEEDBACK_TYPE: Final = "message/feedback-report"
# Reports about authentication (RFC 6591) are no complaints, and neither is "not-spam".
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list", "virus", "other", ""})


def feedback_recipients(part: Message) -> list[RecipientVerdict]:
    groups = incoming_mail.status_groups(part)
    if not groups:
        return []
    name = incoming_mail.field(groups[0], "Feedback-Type").lower()
    kind = BounceKind.COMPLAINT if name in _COMPLAINTS else BounceKind.UNKNOWN
    kind = BounceKind.NOT_SPAM if name == "not-spam" else kind
    values = (
        *incoming_mail.fields(groups[0], "Original-Rcpt-To"),
        *incoming_mail.fields(groups[0], "Removal-Recipient"),
    )
    named = dict.fromkeys(value.strip(" <>") for value in values if "@" in value)
    return [RecipientVerdict(address, kind) for address in named or [""]]


_AUTOMATIC_FIELDS = (
    *("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Mail-Autoreply"),
    *("X-Auto-Reply-From", "X-AutoReply-From", "X-Cron-Env", "X-Apple-Action"),
)
_PRECEDENCES = frozenset({"auto_reply", "auto-reply", "autoreply", "vacation"})
# A weak sign: people write about holidays, too.
_SUBJECT = re.compile(
    r"^(?:re: *|fwd?: *|aw: *|sv: *|antw: *)*"
    r"(?:\[?auto(?:matic|matische|matique|mated|m[aá]tica)?[- ]?(?:reply|reply\]|response|responder|antwort|r[eé]ponse)"
    r"|out of (?:the )?office|on (?:vacation|leave|holiday)|away from|vacation"
    r"|abwesenheit|absence|absent|r[eé]ponse automatique|respuesta autom[aá]tica|fuera de la oficina"
    r"|en cong[eé]|urlaub|risposta automatica|resposta autom[aá]tica"
    r"|автоответ|автоматический ответ|(?:я )?в отпуске|отпуск|自動(?:応答|返信|回覆|回复)|自动(?:回复|答复|回覆)"
    r"|不在|休暇|休假|外出|(?:ال)?رد (?:ال)?(?:تلقائي|آلي)|خارج المكتب|في إجازة|إجازة|자동 ?(?:회신|응답)|부재)",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"(?:confirm|verify) (?:that )?(?:you (?:are|sent)|your (?:message|e-?mail|identity))"
    r"|\bspam ?arrest|challenge[/-]response|\btmda\b|sender verification|prove (?:that )?you(?:'re| are) (?:human|a person)"
    r"|has been (?:held|quarantined)[^\n]{0,80}until you",
    re.IGNORECASE,
)


def is_automatic(message: Message) -> bool:
    """Return whether the header says that a machine has replied (RFC 3834 section 5)."""
    submitted = incoming_mail.field(message, "Auto-Submitted").lower().partition(";")[0].strip()
    return (
        submitted not in {"", "no"}
        or any(message.get(name) for name in _AUTOMATIC_FIELDS)
        or incoming_mail.field(message, "Precedence").lower() in _PRECEDENCES
        or incoming_mail.field(message, "X-Precedence").lower() in _PRECEDENCES
        or incoming_mail.field(message, "Delivered-To").lower() == "autoresponder"
    )


def is_vacation_subject(message: Message) -> bool:
    return _SUBJECT.match(incoming_mail.field(message, "Subject")) is not None


# Transfer encodings that leave a text as it is (RFC 2045 section 6.2), and none.
_NOT_ENCODED = frozenset({"", "7bit", "8bit", "binary"})
_DISPOSITION_TYPE = "message/disposition-notification"
_DAEMONS = re.compile("mailer-?daemon|postmaster|mail (?:delivery|administrator)")
_MAX_RECIPIENTS = 20  # Recipients that are read of one mail. Ours have one each.


def read_report(raw: bytes) -> MailReport:
    message = incoming_mail.parse_mail(raw)
    parts = list(incoming_mail.leaf_parts(message))
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
    if _CHALLENGE.search(f"{incoming_mail.field(message, 'Subject')}\n{notice[:4_000]}"):
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
    plain = [one for one in parts if one.get_content_type() == "text/plain"]
    shown = plain or [one for one in parts if one.get_content_type() == "text/html"]
    return "\n".join(incoming_mail.part_text(one) for one in shown[:3])


def _is_from_daemon(message: Message) -> bool:
    path = message.get("Return-Path")
    is_empty = path is not None and str(path).strip() in {"<>", ""}
    return _is_named_daemon(message) or is_empty


def _is_named_daemon(message: Message) -> bool:
    sender = incoming_mail.field(message, "From").lower()
    return sender == "<>" or _DAEMONS.search(sender) is not None


def _is_failure(message: Message, parts: Sequence[Message], notice: str) -> bool:
    if message.get("X-Failed-Recipients"):
        return True
    subject = incoming_mail.field(message, "Subject")
    has_signs = is_automatic(message), is_vacation_subject(message)
    # Replies for persons have an empty return path, too, and may say anything of mailboxes.
    if all(has_signs) or (any(has_signs) and not _is_named_daemon(message)):
        return False
    has_message = any(one.get_content_maintype() == "message" for one in parts)
    if _is_named_daemon(message) or (_is_from_daemon(message) and has_message):
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
    values = (value for name in names for value in incoming_mail.fields(message, name))
    return [found[0] for value in values for found in ADDRESS.finditer(value)]


def _without_repetition(verdicts: Iterable[RecipientVerdict]) -> Iterable[RecipientVerdict]:
    seen = set()
    for one in verdicts:
        if one.address.lower() not in seen:
            seen.add(one.address.lower())
            yield one


def _date(message: Message) -> datetime | None:
    try:
        date = parsedate_to_datetime(incoming_mail.field(message, "Date"))
    except (ValueError, TypeError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def _identifiers(raw: bytes, parts: Sequence[Message]) -> str:
    """Return all text of a mail in which a token of ours may stand, decoded where it is encoded."""
    encoded = [
        incoming_mail.part_content(one)
        for one in parts
        if str(one.get("Content-Transfer-Encoding", "")).strip().lower() not in _NOT_ENCODED
    ]
    return "\n".join([raw[: incoming_mail.MAX_MAIL].decode("latin-1"), *encoded])
