"""One connection to a mail server: messages go out, phase by phase, and each fate is known.

Until the final dot nobody can have taken a message; after it, without an answer, nobody knows
(RFC 1047). Knows no ledger; what a refusal means is told by `publisher.delivery.smtp.reply_outcome`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.smtp.bounces.classify import CLOSING
from publisher.delivery.smtp.commands import (
    DATA,
    RSET,
    Capabilities,
    EnvelopeCommands,
    envelope_commands,
)
from publisher.delivery.smtp.replies import ConnectionLost, SmtpPhase, SmtpReply
from publisher.delivery.smtp.reply_outcome import (
    ends_session,
    outcome_of_loss,
    outcome_of_reply,
)
from publisher.delivery.smtp.socket_io import SmtpSocket
from publisher.delivery.transports.base import OutgoingMessage, Unreachable

GO_AHEAD = 354
LINE_END = b"\r\n"
END = b".\r\n"
# Finds what begins a line faster than bytes.find, which looks for both bytes at every place.
DOTTED = re.compile(rb"\n\.")

Refusal = tuple[SmtpPhase, SmtpReply]


class SmtpConnection:
    """A connection to `server`, a host and a port in words; for one thread at a time.

    `may_go` is asked before each final dot; `patience` is for how many seconds the reply to that
    dot is waited for.
    """

    def __init__(
        self,
        wire: SmtpSocket,
        offers: Capabilities,
        holds_lease: Callable[[], bool],
        *,
        server: str,
        patience: float,
    ) -> None:
        self._wire = wire
        self._offers = offers
        self._holds_lease = holds_lease
        self._server = server
        self._patience = patience
        self._is_open = True
        # Whose commands went out with the dot before; their replies are still to be read.
        self._begun: EnvelopeCommands | None = None
        # A transaction was begun and refused, so that RSET has to go before the next.
        self._is_half_done = False
        self._has_taken = False

    @property
    def is_open(self) -> bool:
        """Whether it can be used again."""
        return self._is_open

    def send(
        self, outgoing: OutgoingMessage, next_message: OutgoingMessage | None = None
    ) -> Outcome:
        """Hand over one message; with PIPELINING, begin with the following one at its dot.

        Raises Unreachable, for good, where the server takes nothing from us.
        """
        if not self._is_open:
            return Outcome(SendStatus.NOT_SENT, "the connection is closed")
        try:
            addressed = envelope_commands(outgoing, self._offers, has_taken=self._has_taken)
            if isinstance(addressed, Outcome):
                return addressed
            return self._sent(outgoing, addressed, next_message)
        except ConnectionLost as trouble:
            self._drop()
            return outcome_of_loss(trouble)
        except Unreachable as refusal:
            self._drop()
            reason = f"{self._server}: {refusal}"
            raise Unreachable(reason, is_final=refusal.is_final) from None
        except BaseException:
            # Nobody knows how far it came; it can't be gone on with.
            self._drop()
            raise

    def close(self) -> None:
        """Part in good manners, unless the server waits for a content; never raises."""
        if self._is_open and self._begun is None:
            self._wire.part()
        self._drop()

    def _sent(
        self,
        outgoing: OutgoingMessage,
        addressed: EnvelopeCommands,
        next_message: OutgoingMessage | None,
    ) -> Outcome:
        refusal = self._opened(addressed)
        if refusal is None:
            content = _without_dots(outgoing.message.content)
            if refusal := self._written(content):
                self._drop()
            elif not self._holds_lease():
                self._drop()
                return Outcome(SendStatus.NOT_SENT, "it was called back")
            else:
                end = END if content.endswith(LINE_END) else LINE_END + END
                return self._ended(outgoing, end, next_message)
        return self._judged(refusal, outgoing)

    def _judged(self, refusal: Refusal, outgoing: OutgoingMessage) -> Outcome:
        phase, reply = refusal
        if ends_session(reply, phase):
            # The next one goes by another; this one would only refuse it, too.
            self._drop()
        return outcome_of_reply(reply, phase, outgoing.recipient, has_taken=self._has_taken)

    # --- up to the content

    def _opened(self, addressed: EnvelopeCommands) -> Refusal | None:
        """Come as far as the go-ahead for the content, or to a refusal."""
        if self._begun is not None and self._begun != addressed:
            self._take_back()
        if self._begun is None:
            if farewell := self._wire.unasked():
                raise ConnectionLost("spoke out of turn", farewell)
            if not self._offers.pipelining:
                return self._asked(addressed)
            self._wire.write((RSET if self._is_half_done else b"") + addressed.group)
            self._reset()
        self._begun = None
        return self._collected()

    def _asked(self, addressed: EnvelopeCommands) -> Refusal | None:
        """Send one command after the other."""
        if self._is_half_done:
            self._wire.write(RSET)
            self._reset()
        self._is_half_done = True
        for phase, command in (
            (SmtpPhase.MAIL, addressed.mail),
            (SmtpPhase.RCPT, addressed.rcpt),
        ):
            self._wire.write(command)
            reply = self._answer(phase)
            if not reply.is_good:
                return phase, reply
        self._wire.write(DATA)
        reply = self._answer(SmtpPhase.DATA)
        return None if reply.code == GO_AHEAD else (SmtpPhase.DATA, reply)

    def _collected(self) -> Refusal | None:
        """Read the replies to commands that went out together."""
        self._is_half_done = True
        refusal: Refusal | None = None
        is_addressed = False
        for phase in (SmtpPhase.MAIL, SmtpPhase.RCPT, SmtpPhase.DATA):
            reply = self._answer(phase)
            if reply.is_refusal:
                refusal = refusal or (phase, reply)
            if not self._is_open:
                return refusal
            is_addressed = is_addressed or (phase is SmtpPhase.RCPT and reply.is_good)
        if reply.code == GO_AHEAD and refusal:
            self._end_nothing(is_addressed=is_addressed)
        return refusal

    def _answer(self, phase: SmtpPhase) -> SmtpReply:
        """Read the reply to a command: yes, or no, and after that perhaps no more."""
        reply = self._wire.reply()
        expected = reply.code == GO_AHEAD if phase is SmtpPhase.DATA else reply.is_good
        if not (expected or reply.is_refusal):
            raise ConnectionLost(f"said {reply.code} to {phase}")
        if reply.code == GO_AHEAD and self._wire.has_leftovers:
            raise ConnectionLost("spoke out of turn")
        if reply.code == CLOSING:
            self._drop()
        return reply

    def _reset(self) -> None:
        if self._is_half_done:
            reply = self._wire.reply()
            if not reply.is_good:
                raise ConnectionLost(f"said {reply.code} to RSET", reply)
            self._is_half_done = False

    def _take_back(self) -> None:
        """Get out of what was begun, since something else is to be sent."""
        self._begun = None
        refusal = self._collected()
        if refusal is None or not self._is_open:
            said = refusal[1] if refusal else None
            raise ConnectionLost("had been told of another message", said)

    def _end_nothing(self, *, is_addressed: bool) -> None:
        """End a content that nobody is to get."""
        if is_addressed:
            # Even an empty message would be delivered.
            self._drop()
            return
        try:
            self._wire.write(END)
            self._wire.reply()
        except ConnectionLost:
            self._drop()
        self._is_half_done = False

    # --- the content and its end

    def _written(self, content: bytes) -> Refusal | None:
        """Write the content; a server that speaks meanwhile does not want it."""
        try:
            self._wire.begin(content)
            reply = self._wire.unasked()
        except ConnectionLost:
            # Perhaps it has said why.
            reply = self._wire.unasked()
            if reply is None:
                raise
        if reply and not reply.is_refusal:
            raise ConnectionLost("spoke out of turn")
        if reply and ends_session(reply, SmtpPhase.DOT):
            # It has nothing against the message, of which it has not seen the end.
            raise ConnectionLost("has ended the connection", reply)
        return (SmtpPhase.DOT, reply) if reply else None

    def _ended(
        self, outgoing: OutgoingMessage, end: bytes, next_message: OutgoingMessage | None
    ) -> Outcome:
        """Write the final dot; from here on the message can't be called back."""
        begun = self._next(next_message) if next_message and self._offers.pipelining else None
        rest = self._wire.write_some(end + begun.group if begun else end)
        try:
            if rest:
                self._wire.write(rest)
            reply = self._wire.reply(self._patience)
            if not (reply.is_good or reply.is_refusal):
                raise ConnectionLost(f"said {reply.code} to its end")  # noqa: TRY301  # as any loss
        except ConnectionLost as trouble:
            self._drop()
            return Outcome(SendStatus.UNKNOWN, f"all of it was sent, but the server {trouble}")
        self._begun = begun
        self._is_half_done = False
        if reply.is_good:
            self._has_taken = True
            return ACCEPTED_OUTCOME
        if reply.code == CLOSING:
            self._drop()
        return self._judged((SmtpPhase.DOT, reply), outgoing)

    def _next(self, next_message: OutgoingMessage) -> EnvelopeCommands | None:
        """Write the commands for what comes next; what is wrong with it is told at its turn."""
        with suppress(Unreachable):
            written = envelope_commands(next_message, self._offers, has_taken=self._has_taken)
            return written if isinstance(written, EnvelopeCommands) else None
        return None

    def _drop(self) -> None:
        self._is_open = False
        self._begun = None
        self._wire.close()


def _without_dots(content: bytes) -> bytes:
    """Double the dots that begin lines (RFC 5321 section 4.5.2); the same bytes if none does."""
    if content.startswith(b".") or DOTTED.search(content):
        return (b"." if content.startswith(b".") else b"") + content.replace(b"\n.", b"\n..")
    return content
