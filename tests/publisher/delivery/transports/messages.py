"""Messages, and what a consumer does with an outbox. No ledger and no publication needed."""

from collections.abc import Callable, Collection, Sequence
from datetime import date
from glob import glob
from pathlib import Path

from publisher.config.delivery import OutboxLayoutKind
from publisher.delivery.transports.base import OutgoingMessage
from publisher.mail import Message

Key = tuple[int, int]

FOLDER = "weekly/en/2026-01-09"


def a_message(
    recipient: int = 1,
    issue: int = 7,
    newsletter: str = "weekly",
    name: str = "",
    day: date | None = date(2026, 1, 9),
) -> OutgoingMessage:
    message = Message(
        recipient, name or f"issue-{issue}.{recipient:04}", content_of(issue, recipient)
    )
    return OutgoingMessage(
        issue,
        f"{newsletter}/en/{day or 'test'}",
        "sender@example.org",
        f"reader-{recipient}@example.org",
        message,
    )


def content_of(issue: int, recipient: int) -> bytes:
    """Give a message that is longer than what a file takes in one go."""
    return f"Subject: {issue}\r\n\r\nDear {recipient}\r\n".encode() + b"words\r\n" * 3000


def yes() -> bool:
    return True


def only(*keys: Key) -> Callable[[Sequence[Key]], Collection[Key]]:
    """Make a ledger that has these rows as sent."""
    return lambda asked: [key for key in asked if key in keys]


def tree(folder: Path) -> dict[str, bytes]:
    """Give every file below a folder, hidden or not."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def visible(outbox: Path) -> list[Path]:
    """List what consumers find, of either layout: as in a shell, a star is no hidden name."""
    patterns = ("*/*/*/*.eml", "new/*")
    found = [name for one in patterns for name in glob(one, root_dir=outbox)]  # noqa: PTH207
    return sorted(outbox / name for name in found)


def take_away(outbox: Path) -> list[bytes]:
    """Take everything away that is there now, as a consumer does."""
    taken = []
    for path in visible(outbox):
        taken.append(path.read_bytes())
        path.unlink()
    return taken


LAYOUTS = [*OutboxLayoutKind]
