"""What becomes of a message because of a reply. Pure.

Knows no socket and no ledger; what a reply means is told by `publisher.delivery.smtp.diagnosis`.
"""

from __future__ import annotations

from publisher.delivery.outcomes import Outcome, Slow, Verdict
from publisher.delivery.smtp import causes
from publisher.delivery.smtp.causes import About, Cause
from publisher.delivery.smtp.diagnosis import CLOSING, FOR_GOOD, cause_of
from publisher.delivery.smtp.replies import BrokenError, Phase, Reply
from publisher.delivery.smtp.words import clean, shorten
from publisher.delivery.transports.base import Unreachable

# Log in first (RFC 4954 section 6): it is the same for whoever is written to.
LOGIN_CODES = frozenset({530, 534, 535, 538})
# Characters of a reason: a line in a table of doubts or bounces.
LONGEST_REASON = 200


def judge(reply: Reply, phase: Phase, recipient: str, *, has_taken: bool) -> Outcome:
    """Say what became of a message that was refused; `has_taken`: this connection's server has taken others.

    Raises Unreachable, for good, where the reply is not about this reader: nothing that we send
    would be taken. Its words follow the server's name.
    """
    cause = cause_of(reply, phase, recipient.rpartition("@")[2])
    said = reason(cause, reply, recipient)
    if cause is causes.SESSION_OVER and phase is not Phase.DOT:
        # It has nothing against the message, nor against the next connection.
        return Outcome(Verdict.UNTRIED, said)
    is_for_now = reply.code < FOR_GOOD or cause.about is About.ALLOWANCE
    if is_for_now:
        return Outcome(Verdict.DEFERRED, said, slow=_slow(reply, phase, cause))
    if _is_about_us(reply, phase, cause, has_taken=has_taken):
        raise Unreachable(f"takes nothing from us: {said}", is_final=True)
    is_about_us = cause.about is About.ACCOUNT or cause is causes.TOO_LARGE
    return Outcome(Verdict.REFUSED, said, is_dead=cause.is_dead, is_about_us=is_about_us)


def ends_session(reply: Reply, phase: Phase) -> bool:
    """Say whether a server takes no more by this connection, even if it leaves it open."""
    return cause_of(reply, phase) is causes.SESSION_OVER


def untried(trouble: BrokenError) -> Outcome:
    """Say why a message was not tried: the connection was lost before its end was sent."""
    if trouble.reply is None or trouble.reply.code != CLOSING:
        return Outcome(Verdict.UNTRIED, f"the server {trouble}")
    cause = cause_of(trouble.reply, Phase.MAIL)
    slow = _slow(trouble.reply, Phase.MAIL, cause)
    return Outcome(Verdict.UNTRIED, reason(cause, trouble.reply), slow=slow)


def reason(cause: Cause, reply: Reply, recipient: str = "") -> str:
    """Say why in one line of at most LONGEST_REASON characters, with the server's own words."""
    code = f"{reply.code} {reply.enhanced or ''}".strip()
    words = clean(reply.text, recipient)
    room = LONGEST_REASON - len(f"{cause.sentence} ({code}: )")
    said = f"{code}: {shorten(words, room)}" if words else code
    return f"{cause.sentence} ({said})"


def _is_about_us(reply: Reply, phase: Phase, cause: Cause, *, has_taken: bool) -> bool:
    """Say whether a refusal for good would meet every message.

    Before the content a server knows nothing of a message but its size. What is said of a reader
    may be said of her alone, even that we may not relay: one address can look like another's. That
    all are refused is noticed elsewhere (`publisher.delivery.suspicion`).
    """
    if reply.code in LOGIN_CODES:
        return True
    match phase:
        case Phase.MAIL:
            return cause is not causes.TOO_LARGE
        case Phase.DATA:
            is_this_one = has_taken and cause.about is About.MESSAGE
            is_known = cause.about is About.READER or cause is causes.TOO_LARGE
            return not (is_this_one or is_known)
        case Phase.RCPT | Phase.DOT:
            return False


def _slow(reply: Reply, phase: Phase, cause: Cause) -> Slow:
    """Say who asks to be sent less: nobody, where it is one reader's mailbox alone."""
    if cause is causes.SESSION_OVER:
        return Slow.NOBODY
    if reply.code == CLOSING or phase is Phase.MAIL:
        return Slow.TRANSPORT
    if cause.about in {About.SERVER, About.ACCOUNT, About.ALLOWANCE}:
        return Slow.TRANSPORT
    return Slow.NOBODY if cause.about is About.READER else Slow.DOMAIN
