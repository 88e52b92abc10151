"""What becomes of a message because of a reply. Pure.

Knows no socket and no ledger; what a reply means is told by `publisher.delivery.smtp.bounces.classify`.
"""

from __future__ import annotations

from publisher.delivery.outcomes import Outcome, SendStatus, ThrottleScope
from publisher.delivery.smtp.bounces import categories
from publisher.delivery.smtp.bounces.categories import BounceCategory, BounceSubject
from publisher.delivery.smtp.bounces.classify import CLOSING, FOR_GOOD, classify_reply
from publisher.delivery.smtp.redact import redact_reply, truncate
from publisher.delivery.smtp.replies import ConnectionLost, SmtpPhase, SmtpReply
from publisher.delivery.transports.base import Unreachable

# Log in first (RFC 4954 section 6): it is the same for whoever is written to.
LOGIN_CODES = frozenset({530, 534, 535, 538})
# Characters of a reason: a line in a table of doubts or bounces.
LONGEST_REASON = 200


def outcome_of_reply(
    reply: SmtpReply, phase: SmtpPhase, recipient: str, *, has_taken: bool
) -> Outcome:
    """Say what became of a message that was refused; `has_taken`: this connection's server has taken others.

    Raises Unreachable, for good, where the reply is not about this reader: nothing that we send
    would be taken. Its words follow the server's name.
    """
    cause = classify_reply(reply, phase, recipient.rpartition("@")[2])
    said = describe_reply(cause, reply, recipient)
    if cause is categories.SESSION_OVER and phase is not SmtpPhase.DOT:
        # It has nothing against the message, nor against the next connection.
        return Outcome(SendStatus.NOT_SENT, said)
    is_for_now = reply.code < FOR_GOOD or cause.about is BounceSubject.ALLOWANCE
    if is_for_now:
        return Outcome(SendStatus.DEFERRED, said, throttle=_throttle_scope(reply, phase, cause))
    if _is_about_us(reply, phase, cause, has_taken=has_taken):
        raise Unreachable(f"takes nothing from us: {said}", is_final=True)
    blames_sender = cause.about is BounceSubject.ACCOUNT or cause is categories.TOO_LARGE
    return Outcome(
        SendStatus.REFUSED,
        said,
        is_dead_address=cause.is_dead_address,
        blames_sender=blames_sender,
    )


def ends_session(reply: SmtpReply, phase: SmtpPhase) -> bool:
    """Say whether a server takes no more by this connection, even if it leaves it open."""
    return classify_reply(reply, phase) is categories.SESSION_OVER


def outcome_of_loss(trouble: ConnectionLost) -> Outcome:
    """Say why a message was not tried: the connection was lost before its end was sent."""
    if trouble.reply is None or trouble.reply.code != CLOSING:
        return Outcome(SendStatus.NOT_SENT, f"the server {trouble}")
    cause = classify_reply(trouble.reply, SmtpPhase.MAIL)
    throttle = _throttle_scope(trouble.reply, SmtpPhase.MAIL, cause)
    return Outcome(SendStatus.NOT_SENT, describe_reply(cause, trouble.reply), throttle=throttle)


def describe_reply(cause: BounceCategory, reply: SmtpReply, recipient: str = "") -> str:
    """Say why in one line of at most LONGEST_REASON characters, with the server's own words."""
    code = f"{reply.code} {reply.enhanced or ''}".strip()
    words = redact_reply(reply.text, recipient)
    room = LONGEST_REASON - len(f"{cause.sentence} ({code}: )")
    said = f"{code}: {truncate(words, room)}" if words else code
    return f"{cause.sentence} ({said})"


def _is_about_us(
    reply: SmtpReply, phase: SmtpPhase, cause: BounceCategory, *, has_taken: bool
) -> bool:
    """Say whether a refusal for good would meet every message.

    Before the content a server knows nothing of a message but its size. What is said of a reader
    may be said of her alone, even that we may not relay: one address can look like another's. That
    all are refused is noticed elsewhere (`publisher.delivery.circuit_breaker`).
    """
    if reply.code in LOGIN_CODES:
        return True
    match phase:
        case SmtpPhase.MAIL:
            return cause is not categories.TOO_LARGE
        case SmtpPhase.DATA:
            is_this_one = has_taken and cause.about is BounceSubject.MESSAGE
            is_known = cause.about is BounceSubject.READER or cause is categories.TOO_LARGE
            return not (is_this_one or is_known)
        case SmtpPhase.RCPT | SmtpPhase.DOT:
            return False


def _throttle_scope(reply: SmtpReply, phase: SmtpPhase, cause: BounceCategory) -> ThrottleScope:
    """Say who asks to be sent less: nobody, where it is one reader's mailbox alone."""
    if cause is categories.SESSION_OVER:
        return ThrottleScope.NONE
    if reply.code == CLOSING or phase is SmtpPhase.MAIL:
        return ThrottleScope.TRANSPORT
    if cause.about in {BounceSubject.SERVER, BounceSubject.ACCOUNT, BounceSubject.ALLOWANCE}:
        return ThrottleScope.TRANSPORT
    return ThrottleScope.NONE if cause.about is BounceSubject.READER else ThrottleScope.DOMAIN
