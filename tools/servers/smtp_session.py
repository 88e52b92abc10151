"""One SMTP session of the test mail server, with its faults. The only importer of aiosmtpd.

A message's content is read from the connection up to the final dot, and its form is checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, TLSSetupException
from aiosmtpd.smtp import Session as Login

from publisher.config.delivery import Tls
from tools.servers.behaviour import (
    Action,
    Behaviour,
    Drop,
    Moment,
    Phase,
    Received,
    Reply,
    ServerRecord,
    Stall,
)

_END = b"\r\n.\r\n"
# Characters of a line without its end (RFC 5321 section 4.5.3.1.6).
_MAX_LINE = 998


class ContentRefused(Exception):  # noqa: N818  # an answer, not a failure
    """A content that is refused; its text is the reply."""


async def read_content(reader: asyncio.StreamReader, start: bytes, size: int | None) -> bytes:
    """Return the content that begins with `start`, without stuffed dots (section 4.5.2).

    Raise ContentRefused for more than `size` bytes, for lines that are too long, and for bare line
    ends.
    """
    data = bytearray(start)
    is_too_large = False
    # A line with a single dot ends it, even the first.
    while not (data.endswith(_END) or data == _END[2:]):
        data += await _piece(reader, data)
        if size is not None and len(data) - len(_END) + 2 > size:
            is_too_large = True
            del data[: -len(_END)]
    if is_too_large:
        raise ContentRefused("552 5.3.4 Message too large")
    content = bytes(data[: -len(_END) + 2]).replace(b"\r\n.", b"\r\n").removeprefix(b".")
    _check_lines(content)
    return content


async def _piece(reader: asyncio.StreamReader, data: bytearray) -> bytes:
    """Read up to the next line with a single dot, or what fits into the buffer."""
    if data.endswith((b".", b".\r")):
        # The end may be half read already, and the next piece would not show it.
        return await reader.readexactly(1)
    try:
        return await reader.readuntil(_END[2:])
    except asyncio.LimitOverrunError as error:
        return await reader.read(max(error.consumed, 1))


def _check_lines(content: bytes) -> None:
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        raise ContentRefused("550 5.5.2 Bare newline (RFC 5321 section 2.3.8)")
    if max(map(len, content.split(b"\r\n"))) > _MAX_LINE:
        raise ContentRefused("500 5.5.2 Line too long (RFC 5321 section 4.5.3.1.6)")


_HOST_NAME = "localhost"
# Seconds that a closing server waits for the client to close.
_LINGER_SECONDS = 2.0
_ACCEPTED = ("2", "3")


@dataclass(slots=True, eq=False)
class ServerRun:
    """What all sessions share, from a server's start to its stop."""

    behaviour: Behaviour
    record: ServerRecord
    context: ssl.SSLContext | None
    released: asyncio.Event = field(default_factory=asyncio.Event)
    sessions: set[ServerSession] = field(default_factory=set)

    def release(self) -> None:
        """End all stalls."""
        self.released.set()
        self.released = asyncio.Event()

    async def end(self) -> None:
        """Close all sessions and wait until they have ended."""
        tasks = [session.cut() for session in self.sessions]
        await asyncio.gather(*tasks, return_exceptions=True)


class ServerSession(SMTP):
    """A session with one client: aiosmtpd's, with faults added."""

    # The size of the read buffer; `read_content` checks the length of lines.
    line_length_limit = 2**16

    def __init__(self, run: ServerRun, loop: asyncio.AbstractEventLoop) -> None:
        behaviour = run.behaviour
        is_upgradable = behaviour.tls is Tls.STARTTLS
        super().__init__(
            _Hooks(),
            data_size_limit=behaviour.size,
            hostname=_HOST_NAME,
            ident="ESMTP",
            tls_context=run.context if is_upgradable else None,
            auth_require_tls=is_upgradable,
            authenticator=self._authenticate,
            loop=loop,
        )
        self._run = run
        self._connection = self._message = self._message_here = 0
        self._addresses = ("", "")
        self._is_in_content = False

    def cut(self) -> asyncio.Task[None]:
        """Close without a reply. Return the task that then ends."""
        self._writer.transport.abort()
        task = cast("asyncio.Task[None]", self._handler_coroutine)
        task.cancel()
        return task

    def data_received(self, data: bytes) -> None:
        """Count commands that do not wait for replies."""
        is_free = self._run.behaviour.pipelining or self._is_in_content
        if not is_free and data.count(b"\n") > 1:
            self._run.record.hurry()
        super().data_received(data)

    async def push(self, status: str | bytes) -> None:
        """Send a reply, and count it if it is a 4xx or 5xx."""
        text = status.decode() if isinstance(status, bytes) else status
        if text.startswith(("4", "5")):
            self._run.record.refuse(int(text[:3]))
        await super().push(text)

    async def check_auth_needed(self, caller_method: str) -> bool:
        """Refuse commands before AUTH, with `demands_login` (RFC 4954 section 6)."""
        login = cast(Login, self.session)
        if not self._run.behaviour.demands_login or login.authenticated:
            return await super().check_auth_needed(caller_method)
        await self.push("530 5.7.0 Authentication required")
        return True

    async def handle_exception(self, error: Exception) -> str:
        """Store an error of a test's fault; a failed TLS handshake is no such error."""
        if not isinstance(error, TLSSetupException):
            self._run.record.fail(error)
            await self._close_without_reply()
        return "454 4.7.0 TLS not available"

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's name
        """Begin TLS (RFC 3207), unless there is a fault."""
        if reply := await self.meet(Phase.STARTTLS, ""):
            await self.push(reply)
            return
        await super().smtp_STARTTLS(arg)
        if cast(asyncio.Transport, self._original_transport).is_closing():
            # The client closed during the handshake; aiosmtpd would wait for its next command.
            raise ConnectionResetError

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's name
        """Read a message in large pieces; aiosmtpd reads lines, too slowly for long runs."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        envelope = cast(Envelope, self.envelope)
        if arg or not envelope.rcpt_tos:
            await self.push("501 5.5.4 DATA" if arg else "503 5.5.1 No valid recipient")
            return
        reply = await self.meet(Phase.DATA, "354 End data with <CR><LF>.<CR><LF>")
        self._is_in_content = reply.startswith("3")
        await self.push(reply)
        if self._is_in_content:
            await self.push(await self._content(envelope))

    async def meet(self, phase: Phase, usual: str) -> str:
        """Come to a phase: give the reply to it, or never return."""
        return await self._act(self._action(phase), usual)

    async def mail(self, sender: str) -> str:
        """Reply to MAIL."""
        self._message = self._run.record.number()
        self._message_here += 1
        self._addresses = (sender, "")
        return await self.meet(Phase.MAIL, "250 2.1.0 Ok")

    async def rcpt(self, recipient: str, *, is_first: bool) -> str:
        """Reply to RCPT."""
        sender, known = self._addresses
        self._addresses = (sender, recipient)
        reply = await self.meet(Phase.RCPT, "250 2.1.5 Ok")
        if not (is_first and reply.startswith(_ACCEPTED)):
            self._addresses = (sender, known)
        return reply

    def offers(self, usual: Sequence[str]) -> list[str]:
        """Return the lines of the reply to EHLO."""
        host, *rest = usual
        if not self._run.behaviour.users:
            rest = [line for line in rest if not line.startswith("250-AUTH")]
        pipelining = ["250-PIPELINING"] if self._run.behaviour.pipelining else []
        return [host, *pipelining, "250-ENHANCEDSTATUSCODES", *rest]

    async def _handle_client(self) -> None:
        self._connection = self._run.record.open()
        self._run.sessions.add(self)
        try:
            await self._greet()
            await super()._handle_client()
        except (ConnectionError, EOFError):
            # The client closed the connection.
            return
        except Exception as error:  # noqa: BLE001  # raised again at the end of the test's `with`
            self._run.record.fail(error)
        finally:
            self._writer.close()
            self._run.sessions.discard(self)
            self._run.record.close()

    async def _greet(self) -> None:
        if reply := await self.meet(Phase.CONNECT, ""):
            await self._reply_and_close(reply)

    async def _content(self, envelope: Envelope) -> str:
        """Read the content. Return the reply to the final dot."""
        start = await self._reader.readexactly(1)
        if reply := await self.meet(Phase.CONTENT, ""):
            await self._reply_and_close(reply)
        try:
            content = await read_content(self._reader, start, self._run.behaviour.size)
        except ContentRefused as problem:
            return str(problem)
        finally:
            self._is_in_content = False
            self.envelope = self._create_envelope()
        await asyncio.sleep(self._run.behaviour.slow)
        return await self._accepted(self._received(envelope, content))

    async def _accepted(self, received: Received) -> str:
        action = self._action(Phase.DOT)
        is_kept = _takes(action)
        if is_kept:
            self._run.record.keep(received)
        reply = await self._act(action, "250 2.0.0 Ok: queued")
        if not is_kept and reply.startswith("2"):
            self._run.record.keep(received)
        return reply

    def _received(self, envelope: Envelope, content: bytes) -> Received:
        spoken = self._writer.get_extra_info("ssl_object")
        known: LoginPassword | None = cast(Login, self.session).auth_data
        return Received(
            envelope.mail_from or "",
            tuple(envelope.rcpt_tos),
            content,
            self._connection,
            user=known.login.decode() if known else "",
            tls=spoken.version() if spoken else "",
        )

    def _action(self, phase: Phase) -> Action | None:
        turn = self._run.record.turn(phase)
        numbers = (self._connection, self._message, self._message_here)
        moment = Moment(phase, turn, *numbers, *self._addresses)
        return self._run.behaviour.action(moment)

    async def _act(self, action: Action | None, usual: str) -> str:
        match action:
            case Drop():
                await self._close_without_reply()
            case Stall():
                await self._stall(action.seconds)
            case Reply():
                if action.hangs_up or action.text.startswith("421"):
                    await self._reply_and_close(action.text)
                return action.text
        return usual

    async def _stall(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._run.released.wait(), seconds)

    async def _close_without_reply(self) -> None:
        self._writer.transport.abort()
        await self._wait_for_end()

    async def _reply_and_close(self, reply: str) -> None:
        """Reply and close after reading the input: unread input would reset the connection."""
        await self.push(reply)
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while await self._reader.read(2**16):
                    pass
        self._writer.close()
        await self._wait_for_end()

    async def _wait_for_end(self) -> None:
        """Wait until the end of this session cancels the task."""
        await self.loop.create_future()

    def _authenticate(self, *arguments: Any) -> AuthResult:
        known: LoginPassword = arguments[-1]
        password = self._run.behaviour.users.get(known.login.decode("utf-8", "replace"))
        is_right = password is not None and password.encode() == known.password
        return AuthResult(success=is_right, handled=False, auth_data=known)


def _takes(action: Action | None) -> bool:
    """Return whether a message is accepted before the action at its dot."""
    if isinstance(action, Reply):
        return action.text.startswith("2")
    return action is None or action.kept


class _Hooks:
    """The handlers that aiosmtpd calls for valid commands."""

    async def handle_HELO(  # noqa: N802
        self, server_session: ServerSession, login: Login, _: Envelope, name: str
    ) -> str:
        reply = await server_session.meet(Phase.HELLO, f"250 {_HOST_NAME}")
        login.host_name = name if reply.startswith("2") else None
        return reply

    async def handle_EHLO(  # noqa: N802
        self,
        server_session: ServerSession,
        login: Login,
        _: Envelope,
        name: str,
        usual: list[str],
    ) -> list[str]:
        reply = await server_session.meet(Phase.HELLO, "")
        login.host_name = name if not reply or reply.startswith("2") else None
        return [reply] if reply else server_session.offers(usual)

    async def handle_AUTH(  # noqa: N802
        self, server_session: ServerSession, _: Login, __: Envelope, ___: list[str]
    ) -> Any:
        return await server_session.meet(Phase.AUTH, "") or MISSING

    async def handle_MAIL(  # noqa: N802
        self,
        server_session: ServerSession,
        _: Login,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        reply = await server_session.mail(address)
        if reply.startswith(_ACCEPTED):
            envelope.mail_from = address
            envelope.mail_options += options
        return reply

    async def handle_RCPT(  # noqa: N802
        self,
        server_session: ServerSession,
        _: Login,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        reply = await server_session.rcpt(address, is_first=not envelope.rcpt_tos)
        if reply.startswith(_ACCEPTED):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options += options
        return reply
