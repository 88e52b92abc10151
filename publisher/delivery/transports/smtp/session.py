"""One SMTP session: send messages command by command, so that each result is known.

Before the final dot, the server can't have accepted a message; after it, without a reply, it may have (RFC 1047).
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field

from publisher.delivery import causes
from publisher.delivery.causes import BounceCategory, BounceSubject
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Outcome,
    OutgoingMessage,
    SendStatus,
    ThrottleScope,
    Unreachable,
)
from publisher.delivery.transports.smtp import classify, protocol
from publisher.delivery.transports.smtp.protocol import ConnectionLost, SmtpPhase, SmtpReply

MAX_REASON = 200  # characters of a reason: one line in a table


def outcome_of_reply(
    reply: SmtpReply, phase: SmtpPhase, recipient: str, *, has_accepted: bool
) -> Outcome:
    """Return the outcome of a refused message; raise Unreachable if the reply is about every message."""
    category = classify.classify_reply(reply, phase, recipient.rpartition("@")[2])
    words = words_of_reply(category, reply, recipient)
    if category is causes.SESSION_OVER and phase is not SmtpPhase.DOT:
        # It is about neither the message nor the next connection.
        return Outcome(SendStatus.NOT_SENT, words, category)
    is_temporary = reply.code < classify.PERMANENT or category.subject is BounceSubject.QUOTA
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
    return classify.classify_reply(reply, phase) is causes.SESSION_OVER


def outcome_of_loss(loss: ConnectionLost) -> Outcome:
    if loss.reply is None or loss.reply.code != classify.CLOSING:
        return Outcome(SendStatus.NOT_SENT, str(loss), causes.CONNECTION_LOST)
    category = classify.classify_reply(loss.reply, SmtpPhase.MAIL)
    throttle = _throttle_scope(loss.reply, SmtpPhase.MAIL, category)
    words = words_of_reply(category, loss.reply)
    return Outcome(SendStatus.NOT_SENT, words, category, throttle=throttle)


def words_of_reply(category: BounceCategory, reply: SmtpReply, recipient: str = "") -> str:
    """Return the server's words. With the sentence, they have at most MAX_REASON characters."""
    code = f"{reply.code} {reply.enhanced or ''}".strip()
    text = protocol.redact_reply(reply.text, recipient)
    room = MAX_REASON - len(category.explain(f"{code}: "))
    return f"{code}: {protocol.truncate(text, room)}" if text else code


def _refuses_every_message(
    reply: SmtpReply, phase: SmtpPhase, category: BounceCategory, *, has_accepted: bool
) -> bool:
    """Return whether a permanent refusal would meet every message: before the content, a server has seen only its size.

    That of a recipient may be about this one alone, even "relaying denied": the circuit breaker notices if all are
    refused.
    """
    if reply.code in classify.LOGIN_CODES:
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
    if category is causes.SESSION_OVER:
        return ThrottleScope.NONE
    if reply.code == classify.CLOSING or phase is SmtpPhase.MAIL:
        return ThrottleScope.TRANSPORT
    if category.subject in {BounceSubject.SERVER, BounceSubject.ACCOUNT, BounceSubject.QUOTA}:
        return ThrottleScope.TRANSPORT
    if category.subject is BounceSubject.RECIPIENT:
        return ThrottleScope.NONE
    return ThrottleScope.DOMAIN


_GO_AHEAD = 354
_CRLF = b"\r\n"
_FINAL_DOT = b".\r\n"
_DOT_AT_LINE_START = re.compile(rb"\n\.")  # faster than bytes.find, which looks for both bytes

_Refusal = tuple[SmtpPhase, SmtpReply]


@dataclass(slots=True)
class SmtpConnection:
    """A session with `server`, for one thread. `patience` is the time limit for the reply to the final dot."""

    socket: protocol.SmtpSocket
    capabilities: protocol.Capabilities
    holds_lease: Callable[[], bool]
    _: KW_ONLY
    server: str
    patience: float
    is_open: bool = field(init=False, default=True)
    # The commands that went out with the last dot. Their replies are still to be read.
    _pipelined: protocol.EnvelopeCommands | None = field(init=False, default=None)
    # A transaction was begun and refused: RSET has to go before the next one.
    _needs_reset: bool = field(init=False, default=False)
    _has_accepted: bool = field(init=False, default=False)

    def send(
        self, outgoing: OutgoingMessage, next_message: OutgoingMessage | None = None
    ) -> Outcome:
        """Send one message. With PIPELINING, start the next one at its final dot."""
        if not self.is_open:
            return Outcome(SendStatus.NOT_SENT, cause=causes.CONNECTION_CLOSED)
        try:
            commands = protocol.envelope_commands(
                outgoing, self.capabilities, has_accepted=self._has_accepted
            )
            if isinstance(commands, Outcome):
                return commands
            return self._send(outgoing, commands, next_message)
        except ConnectionLost as loss:
            self._drop()
            return outcome_of_loss(loss)
        except Unreachable as refusal:
            self._drop()
            reason = f"{self.server}: {refusal}"
            raise Unreachable(reason, is_final=refusal.is_final) from None
        except BaseException:
            # It is unknown how much was sent, so the session can't go on.
            self._drop()
            raise

    def close(self) -> None:
        if self.is_open and self._pipelined is None:
            self.socket.quit()
        self._drop()

    def _send(
        self,
        outgoing: OutgoingMessage,
        commands: protocol.EnvelopeCommands,
        next_message: OutgoingMessage | None,
    ) -> Outcome:
        refusal = self._start_content(commands)
        if refusal is None:
            content = _dot_stuffed(outgoing.message.content)
            if refusal := self._write_content(content):
                self._drop()
            elif not self.holds_lease():
                self._drop()
                return Outcome(SendStatus.NOT_SENT, cause=causes.LEASE_LOST)
            else:
                end = _FINAL_DOT if content.endswith(_CRLF) else _CRLF + _FINAL_DOT
                return self._end_content(outgoing, end, next_message)
        return self._refused(refusal, outgoing)

    def _refused(self, refusal: _Refusal, outgoing: OutgoingMessage) -> Outcome:
        phase, reply = refusal
        if ends_session(reply, phase):
            # The server would refuse the next message on this connection, too.
            self._drop()
        return outcome_of_reply(
            reply, phase, outgoing.recipient, has_accepted=self._has_accepted
        )

    # --- up to the content

    def _start_content(self, commands: protocol.EnvelopeCommands) -> _Refusal | None:
        """Send the envelope. Returns None at the go-ahead for the content, or the refusal."""
        if self._pipelined is not None and self._pipelined != commands:
            self._abandon_pipelined()
        if self._pipelined is None:
            if farewell := self.socket.unsolicited():
                raise ConnectionLost("sent a reply that no command asked for", farewell)
            if not self.capabilities.pipelining:
                return self._send_one_by_one(commands)
            self.socket.write((protocol.RSET if self._needs_reset else b"") + commands.group)
            self._read_reset()
        self._pipelined = None
        return self._read_group()

    def _send_one_by_one(self, commands: protocol.EnvelopeCommands) -> _Refusal | None:
        if self._needs_reset:
            self.socket.write(protocol.RSET)
            self._read_reset()
        self._needs_reset = True
        steps = ((SmtpPhase.MAIL, commands.mail), (SmtpPhase.RCPT, commands.rcpt))
        for phase, command in steps:
            self.socket.write(command)
            reply = self._read_reply(phase)
            if not reply.is_good:
                return phase, reply
        self.socket.write(protocol.DATA_COMMAND)
        reply = self._read_reply(SmtpPhase.DATA)
        return None if reply.code == _GO_AHEAD else (SmtpPhase.DATA, reply)

    def _read_group(self) -> _Refusal | None:
        self._needs_reset = True
        refusal: _Refusal | None = None
        has_recipient = False
        for phase in (SmtpPhase.MAIL, SmtpPhase.RCPT, SmtpPhase.DATA):
            reply = self._read_reply(phase)
            if reply.is_refusal:
                refusal = refusal or (phase, reply)
            if not self.is_open:
                return refusal
            has_recipient = has_recipient or (phase is SmtpPhase.RCPT and reply.is_good)
        if reply.code == _GO_AHEAD and refusal:
            self._send_no_content(has_recipient=has_recipient)
        return refusal

    def _read_reply(self, phase: SmtpPhase) -> SmtpReply:
        """Read the reply to a command. 421 closes the connection."""
        reply = self.socket.reply()
        is_data = phase is SmtpPhase.DATA
        expected = reply.code == _GO_AHEAD if is_data else reply.is_good
        if not (expected or reply.is_refusal):
            raise ConnectionLost(f"sent {reply.code} in reply to {phase}")
        if reply.code == _GO_AHEAD and self.socket.has_leftovers:
            raise ConnectionLost("sent a reply that no command asked for")
        if reply.code == classify.CLOSING:
            self._drop()
        return reply

    def _read_reset(self) -> None:
        if self._needs_reset:
            reply = self.socket.reply()
            if not reply.is_good:
                raise ConnectionLost(f"sent {reply.code} in reply to RSET", reply)
            self._needs_reset = False

    def _abandon_pipelined(self) -> None:
        """Get out of the transaction that was begun: another message is to be sent."""
        self._pipelined = None
        refusal = self._read_group()
        if refusal is None or not self.is_open:
            last = refusal[1] if refusal else None
            raise ConnectionLost("expected another message", last)

    def _send_no_content(self, *, has_recipient: bool) -> None:
        if has_recipient:
            # Even an empty message would be delivered.
            self._drop()
            return
        try:
            self.socket.write(_FINAL_DOT)
            self.socket.reply()
        except ConnectionLost:
            self._drop()
        self._needs_reset = False

    # --- the content and its end

    def _write_content(self, content: bytes) -> _Refusal | None:
        try:
            self.socket.write_more(content)
            reply = self.socket.unsolicited()
        except ConnectionLost:
            # The server may have said why.
            reply = self.socket.unsolicited()
            if reply is None:
                raise
        if reply and not reply.is_refusal:
            raise ConnectionLost("sent a reply that no command asked for")
        if reply and ends_session(reply, SmtpPhase.DOT):
            # This is not about the message, whose end the server has not seen.
            raise ConnectionLost("has ended the connection", reply)
        return (SmtpPhase.DOT, reply) if reply else None

    def _end_content(
        self, outgoing: OutgoingMessage, end: bytes, next_message: OutgoingMessage | None
    ) -> Outcome:
        """Write the final dot. From here on the message can't be taken back."""
        pipelined = self._next_commands(next_message) if next_message else None
        rest = self.socket.write_some(end + pipelined.group if pipelined else end)
        try:
            if rest:
                self.socket.write(rest)
            reply = self.socket.reply(self.patience)
            if not (reply.is_good or reply.is_refusal):
                raise ConnectionLost(f"sent {reply.code} in reply to its end")  # noqa: TRY301  # as any loss
        except ConnectionLost as loss:
            self._drop()
            return Outcome(SendStatus.UNKNOWN, str(loss), causes.UNANSWERED)
        self._pipelined = pipelined
        self._needs_reset = False
        if reply.is_good:
            self._has_accepted = True
            return ACCEPTED_OUTCOME
        if reply.code == classify.CLOSING:
            self._drop()
        return self._refused((SmtpPhase.DOT, reply), outgoing)

    def _next_commands(self, next_message: OutgoingMessage) -> protocol.EnvelopeCommands | None:
        """Return the next message's commands. What is wrong with it is reported at its turn."""
        if not self.capabilities.pipelining:
            return None
        with suppress(Unreachable):
            commands = protocol.envelope_commands(
                next_message, self.capabilities, has_accepted=self._has_accepted
            )
            return commands if isinstance(commands, protocol.EnvelopeCommands) else None
        return None

    def _drop(self) -> None:
        self.is_open = False
        self._pipelined = None
        self.socket.close()


def _dot_stuffed(content: bytes) -> bytes:
    if content.startswith(b".") or _DOT_AT_LINE_START.search(content):
        return (b"." if content.startswith(b".") else b"") + content.replace(b"\n.", b"\n..")
    return content
