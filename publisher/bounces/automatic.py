"""Tell mail that a machine wrote in a person's place from reports and from people's mail. Pure."""

from __future__ import annotations

import re
from email.message import Message

from publisher.bounces.incoming_mail import field

_AUTOMATIC_FIELDS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Auto-Reply-From",
    "X-Autoresponder",
    "X-Mail-Autoreply",
    "X-AutoReply-From",
    "X-Cron-Env",
    "X-Apple-Action",
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
    submitted = field(message, "Auto-Submitted").lower().partition(";")[0].strip()
    return (
        submitted not in {"", "no"}
        or any(message.get(name) for name in _AUTOMATIC_FIELDS)
        or field(message, "Precedence").lower() in _PRECEDENCES
        or field(message, "X-Precedence").lower() in _PRECEDENCES
        or field(message, "Delivered-To").lower() == "autoresponder"
    )


def is_vacation_subject(message: Message) -> bool:
    """Return whether the subject is one of a vacation notice."""
    return _SUBJECT.match(field(message, "Subject")) is not None


def is_challenge(message: Message, text: str) -> bool:
    """Return whether a mail asks its reader to prove to be a person."""
    return _CHALLENGE.search(f"{field(message, 'Subject')}\n{text[:4_000]}") is not None
