"""Turn a server's refusal into an outcome: bounce, retry, pause, or slow a domain down. Pure.

`bounces.classify` says what a reply means; this module, what follows for the message.
"""

from __future__ import annotations

from publisher.delivery import causes
from publisher.delivery.causes import BounceCategory, BounceSubject
from publisher.delivery.outcomes import Outcome, SendStatus, ThrottleScope
from publisher.delivery.transports.base import Unreachable
from publisher.delivery.transports.smtp.classify import (
    CLOSING,
    LOGIN_CODES,
    PERMANENT,
    classify_reply,
)
from publisher.delivery.transports.smtp.redact import redact_reply, truncate
from publisher.delivery.transports.smtp.replies import ConnectionLost, SmtpPhase, SmtpReply

# Characters of a reason: one line in a table.
MAX_REASON = 200


def outcome_of_reply(
    reply: SmtpReply, phase: SmtpPhase, recipient: str, *, has_accepted: bool
) -> Outcome:
    """Return the outcome of a refused message.

    `has_accepted` says that the server has accepted other messages on this connection. Raises
    Unreachable, for good, if the reply is not about this recipient, so that the server would
    refuse every message. The text of the error goes after the server's name.
    """
    category = classify_reply(reply, phase, recipient.rpartition("@")[2])
    words = words_of_reply(category, reply, recipient)
    if category is causes.SESSION_OVER and phase is not SmtpPhase.DOT:
        # It is about neither the message nor the next connection.
        return Outcome(SendStatus.NOT_SENT, words, category)
    is_temporary = reply.code < PERMANENT or category.subject is BounceSubject.QUOTA
    if is_temporary:
        throttle = _throttle_scope(reply, phase, category)
        return Outcome(SendStatus.DEFERRED, words, category, throttle=throttle)
    if _refuses_every_message(reply, phase, category, has_accepted=has_accepted):
        raise Unreachable(f"takes nothing from us: {category.explain(words)}", is_final=True)
    is_about_sender = category.subject is BounceSubject.ACCOUNT or category is causes.TOO_LARGE
    return Outcome(
        SendStatus.REFUSED,
        words,
        category,
        is_dead_address=category.is_dead_address,
        is_about_sender=is_about_sender,
    )


def ends_session(reply: SmtpReply, phase: SmtpPhase) -> bool:
    """Return whether a server accepts no more on this connection, even if it leaves it open."""
    return classify_reply(reply, phase) is causes.SESSION_OVER


def outcome_of_loss(loss: ConnectionLost) -> Outcome:
    """Return the outcome of a message whose connection was lost before its end was sent."""
    if loss.reply is None or loss.reply.code != CLOSING:
        return Outcome(SendStatus.NOT_SENT, str(loss), causes.CONNECTION_LOST)
    category = classify_reply(loss.reply, SmtpPhase.MAIL)
    throttle = _throttle_scope(loss.reply, SmtpPhase.MAIL, category)
    words = words_of_reply(category, loss.reply)
    return Outcome(SendStatus.NOT_SENT, words, category, throttle=throttle)


def words_of_reply(category: BounceCategory, reply: SmtpReply, recipient: str = "") -> str:
    """Return the server's words. With the sentence, they have at most MAX_REASON characters."""
    code = f"{reply.code} {reply.enhanced or ''}".strip()
    text = redact_reply(reply.text, recipient)
    room = MAX_REASON - len(category.explain(f"{code}: "))
    return f"{code}: {truncate(text, room)}" if text else code


def _refuses_every_message(
    reply: SmtpReply, phase: SmtpPhase, category: BounceCategory, *, has_accepted: bool
) -> bool:
    """Return whether a permanent refusal would meet every message.

    Before the content, a server has seen nothing of a message but its size. A refusal of a
    recipient may be about this one alone, even "relaying denied". The circuit breaker notices if
    all are refused.
    """
    if reply.code in LOGIN_CODES:
        return True
    match phase:
        case SmtpPhase.MAIL:
            return category is not causes.TOO_LARGE
        case SmtpPhase.DATA:
            is_this_one = has_accepted and category.subject is BounceSubject.MESSAGE
            is_recipient = category.subject is BounceSubject.RECIPIENT
            return not (is_this_one or is_recipient or category is causes.TOO_LARGE)
        case SmtpPhase.RCPT | SmtpPhase.DOT:
            return False


def _throttle_scope(
    reply: SmtpReply, phase: SmtpPhase, category: BounceCategory
) -> ThrottleScope:
    """Return what to slow down: nothing if it is about one recipient's mailbox."""
    if category is causes.SESSION_OVER:
        return ThrottleScope.NONE
    if reply.code == CLOSING or phase is SmtpPhase.MAIL:
        return ThrottleScope.TRANSPORT
    if category.subject in {BounceSubject.SERVER, BounceSubject.ACCOUNT, BounceSubject.QUOTA}:
        return ThrottleScope.TRANSPORT
    if category.subject is BounceSubject.RECIPIENT:
        return ThrottleScope.NONE
    return ThrottleScope.DOMAIN
