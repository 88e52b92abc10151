"""A local mail server for tests (SMTP, RFC 5321) that misbehaves on demand.

`MailServer` runs in a thread of the test's process. `python -m tools.servers --help`
runs it as a process of its own, for tests that kill the client. That one writes each accepted
message as a line of JSON before the reply. So the file has all accepted messages, even if the
client was killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import signal
import socket
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from publisher.config.delivery import Tls
from tools.servers.behaviour import (
    Behaviour,
    Fault,
    Received,
    ServerRecord,
)
from tools.servers.certificates import CertificateAuthority, CertificateFiles
from tools.servers.smtp_session import ServerRun, ServerSession


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; print the address once it listens."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        behaviour = Behaviour(slow=options.slow)
    except (argparse.ArgumentTypeError, ValueError) as error:
        parser.error(str(error))
    with _log(parser, options.log) as log, _blocked_signals():
        try:
            server = _server(behaviour, options.port, log)
        except OSError as error:
            parser.error(f"port {options.port}: {error.strerror}")
        with server:
            print(f"listening on {server.host}:{server.port}", flush=True)  # noqa: T201  # the parent process reads it
            signal.sigwait(_ENDINGS)


_ENDINGS = {signal.SIGTERM, signal.SIGINT}


@contextlib.contextmanager
def _blocked_signals() -> Iterator[None]:
    """Block the signals that end the server before it starts threads, which inherit the mask."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _server(behaviour: Behaviour, port: int, log: TextIO) -> MailServer:
    return MailServer(
        behaviour,
        port=port,
        on_message=lambda received: _write_received(log, received),
        keeps_content=False,
    )


def _write_received(log: TextIO, received: Received) -> None:
    """Log a message, one line for each recipient, and flush."""
    fingerprint = hashlib.sha256(received.content).hexdigest()
    for recipient in received.recipients:
        line = {
            "recipient": recipient,
            "message-id": received.message_id,
            "sha256": fingerprint,
            "connection": received.connection,
            # Seconds of a clock that nobody sets.
            "at": time.monotonic(),
        }
        log.write(json.dumps(line) + "\n")
    log.flush()


# Of TCP.
_LAST_PORT = 65_535


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tools.servers", description=main.__doc__)
    add = parser.add_argument
    add("--port", type=_port, default=0, help="by default any free one")
    add("--log", type=Path, default=Path("/dev/null"), help="the file to append to")
    add("--slow", type=float, default=0.0, metavar="SECONDS", help="before each dot's reply")
    return parser


def _port(word: str) -> int:
    if not word.isdecimal() or int(word) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{word!r} is no port; they go up to {_LAST_PORT}")
    return int(word)


@contextlib.contextmanager
def _log(parser: argparse.ArgumentParser, path: Path) -> Iterator[TextIO]:
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        parser.error(f"{path}: can't be written: {error.strerror}")
    with file:
        yield file


_HOST = "127.0.0.1"
# Seconds that the waiting functions wait by default.
_PATIENCE = 10.0
_BACKLOG = 128
_TURNS = 5


class MailServer:
    """Accepts mail at `host` and `port` inside a `with`, with a Behaviour or a single fault.

    `on_message` is called in the server's thread with each accepted message, before the reply.
    `keeps_content=False` keeps messages without their content, for long runs. An exception in a
    fault or in `on_message` ends that connection, and is raised again at the end of the `with`.
    """

    host = _HOST

    def __init__(
        self,
        behaviour: Behaviour | Fault | None = None,
        *,
        port: int = 0,
        on_message: Callable[[Received], None] | None = None,
        keeps_content: bool = True,
    ) -> None:
        self._behaviour = _whole(behaviour)
        self._record = ServerRecord(on_message, keeps_content=keeps_content)
        self._run: ServerRun | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = asyncio.Event()
        self._resources = contextlib.ExitStack()
        self._authority: CertificateAuthority | None = None
        # Bound for the whole life and never listening: it reserves the port while stopped.
        self._place = self._resources.enter_context(_bound(port))
        self.port: int = self._place.getsockname()[1]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if error is None and self._record.failures:
            raise self._record.failures[0]

    def start(self) -> None:
        """Start to listen; after `stop`, at the same port again."""
        if self._thread:
            raise RuntimeError("the server is running")
        ready = threading.Event()
        listener = _bound(self.port)
        run = ServerRun(self._behaviour, self._record, self._context())
        main = self._serve(run, listener, ready)
        self._thread = threading.Thread(target=asyncio.run, args=(main,), daemon=True)
        self._thread.start()
        if not ready.wait(_PATIENCE):
            raise TimeoutError("the server did not start")

    def stop(self) -> None:
        """Close all connections and stop listening. Twice does no harm."""
        if self._thread and self._loop:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                raise TimeoutError("the server did not stop")
            self._thread = None

    def close(self) -> None:
        """Stop for good, and remove the certificates."""
        try:
            self.stop()
        finally:
            self._resources.close()

    def release(self) -> None:
        """End all stalls."""
        if self._run and self._loop and self._thread:
            self._loop.call_soon_threadsafe(self._run.release)

    @property
    def behaviour(self) -> Behaviour:
        """The behaviour; can be set at any time.

        What EHLO offers changes for new connections, TLS and certificates at the next `start`.
        """
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour | Fault | None) -> None:
        self._behaviour = _whole(behaviour)
        if self._run:
            self._run.behaviour = self._behaviour

    @property
    def authority(self) -> Path:
        """The certificate that clients must trust, a PEM file."""
        return self._signer.path

    def client_certificate(
        self, name: str = "client", *, expired: bool = False
    ) -> CertificateFiles:
        """Return a certificate that the server accepts if it has `demands_certificate`."""
        return self._signer.issue(name, expired=expired)

    @property
    def messages(self) -> list[Received]:
        """The accepted messages, in order."""
        with self._record.changed:
            return list(self._record.messages)

    def recipients(self) -> Counter[str]:
        """Return the number of accepted messages for each address."""
        return Counter(address for one in self.messages for address in one.recipients)

    @property
    def refused(self) -> Counter[int]:
        """The number of replies by 4xx and 5xx code."""
        with self._record.changed:
            return self._record.refused.copy()

    @property
    def connections(self) -> int:
        """The number of connections so far."""
        return self._record.connections

    @property
    def hasty(self) -> int:
        """How often a client did not wait for a reply though PIPELINING was not offered."""
        return self._record.hasty

    def wait_for(self, count: int, seconds: float = _PATIENCE) -> list[Received]:
        """Wait until `count` messages are accepted. Raise TimeoutError."""
        record = self._record
        what = f"{count} messages"
        record.wait(lambda: len(record.messages) >= count, seconds, what)
        return self.messages

    def wait_for_quiet(self, seconds: float = _PATIENCE) -> None:
        """Wait until no connection is open. Raise TimeoutError."""
        self._record.wait(lambda: self._record.at_once == 0, seconds, "no connection")

    @property
    def _signer(self) -> CertificateAuthority:
        if not self._authority:
            folder = tempfile.TemporaryDirectory(prefix="mail-server-")
            self._authority = CertificateAuthority(Path(self._resources.enter_context(folder)))
        return self._authority

    def _context(self) -> ssl.SSLContext | None:
        if self._behaviour.tls is Tls.NONE:
            return None
        pair = self._signer.issue(
            "server", self._behaviour.hosts, expired=self._behaviour.expired
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        if self._behaviour.demands_certificate:
            context.load_verify_locations(self.authority)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    async def _serve(
        self, run: ServerRun, listener: socket.socket, ready: threading.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        self._run, self._loop, self._stopping = run, loop, asyncio.Event()
        context = run.context if self._behaviour.tls is Tls.IMPLICIT else None
        server = await loop.create_server(
            lambda: ServerSession(run, loop), sock=listener, ssl=context, backlog=_BACKLOG
        )
        ready.set()
        await self._stopping.wait()
        # Accept no more, but finish what was accepted: those sockets would stay open for ever.
        loop.remove_reader(listener)
        await _turns()
        server.close()
        await run.end()
        await _turns()


async def _turns() -> None:
    """Let the event loop finish: accepting and closing take it some iterations."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _whole(behaviour: Behaviour | Fault | None) -> Behaviour:
    if isinstance(behaviour, Behaviour):
        return behaviour
    return Behaviour(faults=(behaviour,) if behaviour else ())


def _bound(port: int) -> socket.socket:
    """Return a socket bound to a port; several may be, as long as at most one listens."""
    # With IPPROTO_TCP asyncio turns off Nagle's algorithm, which costs 40 ms for each pipelined reply.
    place = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((_HOST, port))
    except BaseException:
        place.close()
        raise
    return place
