"""The test mail server as a process of its own, for tests that kill the client.

It writes each accepted message as a line of JSON before the reply. So the file has all accepted
messages, even if the client was killed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn, TextIO

from publisher.testing.behaviour import Behaviour, Drop, Fault, Phase, Reply, Stall, every
from publisher.testing.server_record import Received
from publisher.testing.servers import MailServer


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; print the address once it listens."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        behaviour = _behaviour_of(options)
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


def _behaviour_of(options: argparse.Namespace) -> Behaviour:
    """Return the behaviour that the options ask for."""
    return Behaviour(
        faults=tuple(_faults(options)),
        pipelining=not options.no_pipelining,
        slow=options.slow,
        most_connections=options.most_connections,
    )


def _faults(options: argparse.Namespace) -> Iterable[Fault]:
    if options.drop_after_dot_every:
        yield every(options.drop_after_dot_every, Phase.DOT, Drop(kept=True))
    if options.lose_after_dot_every:
        yield every(options.lose_after_dot_every, Phase.DOT, Drop())
    for phase, count in options.drop:
        yield every(_count(count), _phase(phase), Drop())
    for phase, count, text in options.reply:
        yield every(_count(count), _phase(phase), Reply(text))
    for phase, count, seconds in options.stall:
        yield every(_count(count), _phase(phase), Stall(float(seconds)))


_PHASES = ", ".join(Phase)
# Of TCP.
_LAST_PORT = 65_535


class _StandaloneParser(argparse.ArgumentParser):
    """Reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _StandaloneParser(
        "publisher.testing.servers",
        description=main.__doc__,
        epilog=f"PHASE is one of {_PHASES}; N: every Nth time that it is reached.",
    )
    add = parser.add_argument
    add("--port", type=_port, default=0, help="by default any free one")
    add("--log", type=Path, default=Path("/dev/null"), help="the file to append to")
    add("--drop-after-dot-every", type=_count, metavar="N", help="hang up; the message is kept")
    add("--lose-after-dot-every", type=_count, metavar="N", help="hang up; it is not kept")
    add("--drop", nargs=2, default=[], metavar=("PHASE", "N"), action="append")
    add("--reply", nargs=3, default=[], metavar=("PHASE", "N", "TEXT"), action="append")
    add("--stall", nargs=3, default=[], metavar=("PHASE", "N", "SECONDS"), action="append")
    add("--slow", type=float, default=0.0, metavar="SECONDS", help="before each dot's reply")
    add("--most-connections", type=int, metavar="N", help="421 for those beyond")
    add("--no-pipelining", action="store_true")
    return parser


def _port(word: str) -> int:
    if not word.isdecimal() or int(word) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{word!r} is no port; they go up to {_LAST_PORT}")
    return int(word)


def _phase(word: str) -> Phase:
    if word not in list(Phase):
        raise argparse.ArgumentTypeError(f"{word!r} is no phase; there are {_PHASES}")
    return Phase(word)


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is no count; write one like 3")
    return int(word)


@contextlib.contextmanager
def _log(parser: argparse.ArgumentParser, path: Path) -> Iterator[TextIO]:
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        parser.error(f"{path}: can't be written: {error.strerror}")
    with file:
        yield file
