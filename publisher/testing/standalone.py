"""The tests' mail server as a process of its own, for clients that are killed.

Each accepted message is one line of JSON in a file, written out before the reply: what stands
there was accepted, whatever became of the client. Knows no test.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from publisher.testing.behaviour import Behaviour, Drop, Fault, Phase, Reply, Stall, every
from publisher.testing.records import Received
from publisher.testing.servers import MailServer


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; prints the address once it listens."""
    options = _parser().parse_args(arguments)
    # Blocked before the server's thread is made, so that they wait for us in every thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    with _log(options.log) as log:
        server = MailServer(
            behaviour_of(options),
            port=options.port,
            on_message=lambda received: write(log, received),
            keeps_content=False,
        )
        with server:
            print(f"listening on {server.host}:{server.port}", flush=True)  # noqa: T201  # whoever started us reads it
            signal.sigwait(ENDINGS)


ENDINGS = {signal.SIGTERM, signal.SIGINT}


def write(log: TextIO, received: Received) -> None:
    """Write a message down, one line for each recipient, and flush."""
    fingerprint = hashlib.sha256(received.content).hexdigest()
    for recipient in received.recipients:
        line = {
            "recipient": recipient,
            "message-id": received.message_id,
            "sha256": fingerprint,
            "connection": received.connection,
        }
        log.write(json.dumps(line) + "\n")
    log.flush()


def behaviour_of(options: argparse.Namespace) -> Behaviour:
    """Make a behaviour of the command line's words."""
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
        yield every(int(count), Phase(phase), Drop())
    for phase, count, text in options.reply:
        yield every(int(count), Phase(phase), Reply(text))
    for phase, count, seconds in options.stall:
        yield every(int(count), Phase(phase), Stall(float(seconds)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("publisher.testing.servers", description=main.__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="any free one unless given")
    add("--log", type=Path, default=Path("/dev/null"), help="the file; appended to")
    add("--drop-after-dot-every", type=int, metavar="N", help="hang up; the message is kept")
    add("--lose-after-dot-every", type=int, metavar="N", help="hang up; it is not kept")
    add("--drop", nargs=2, default=[], metavar=("PHASE", "N"), action="append")
    add("--reply", nargs=3, default=[], metavar=("PHASE", "N", "TEXT"), action="append")
    add("--stall", nargs=3, default=[], metavar=("PHASE", "N", "SECONDS"), action="append")
    add("--slow", type=float, default=0.0, metavar="SECONDS", help="before each dot's reply")
    add("--most-connections", type=int, metavar="N", help="421 for those beyond")
    add("--no-pipelining", action="store_true")
    return parser


@contextlib.contextmanager
def _log(path: Path) -> Iterator[TextIO]:
    with path.open("a", encoding="utf-8") as file:
        yield file
