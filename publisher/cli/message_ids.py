"""Reads a file of Message-IDs for `publisher doubt`, one a line."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from publisher.errors import UsageError

MessageIdsOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Only these Message-IDs, one a line; - reads standard input. Empty lines and "
        "lines that begin with # are ignored.",
    ),
]
DoubtToOption = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        help="Only this subscriber; may be repeated.",
        show_default="all of them",
    ),
]
# RFC 5322 section 3.6.4, as far as ours go.
_MESSAGE_ID = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True, slots=True)
class MessageIdLines:
    """The lines of a file that are not empty and no comment, by their numbers from 1."""

    lines: Mapping[int, str]

    @property
    def message_ids(self) -> list[str]:
        """The Message-IDs, without angle brackets."""
        return list(filter(_MESSAGE_ID.fullmatch, map(_without_brackets, self.lines.values())))

    def problems(self, unknown: Collection[str], issue: str) -> Iterator[str]:
        """Yield why lines decided nothing: no Message-ID, or one of `unknown`."""
        for number, text in self.lines.items():
            message_id = _without_brackets(text)
            if not _MESSAGE_ID.fullmatch(message_id):
                example = "write one a line, like <5f1c.42@news.example.org>"
                yield f"line {number}: {text}: is not a Message-ID; {example}"
            elif message_id in unknown:
                yield f"line {number}: {text}: is not in doubt in {issue}"


def read_message_ids(file: Path) -> MessageIdLines:
    """Read a file, or standard input for `-`; raise UsageError if it can't be read."""
    if str(file) == "-" and sys.stdin is None:
        raise UsageError("--from -: standard input is closed")
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"--from: {file}: can't be read: {error.strerror or error}") from None
    lines = enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1)
    found = {number: line.strip() for number, line in lines}
    return MessageIdLines(
        {number: text for number, text in found.items() if text and not text.startswith("#")}
    )


def _without_brackets(text: str) -> str:
    return text.removeprefix("<").removesuffix(">")
