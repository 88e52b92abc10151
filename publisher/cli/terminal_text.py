"""Text that commands print: control characters become escapes.

A title, a file's name or an error could otherwise move the cursor, hide lines, or reverse what follows. The escapes
are those of JSON, so that JSON means what it did. Files that commands write have the characters themselves.
"""

from __future__ import annotations

import re

import typer

# C0 without tab and line feed, DEL, C1, separators of lines, embeddings and overrides of the
# direction, and what stands for bytes of a file's name that are no UTF-8: no stream can write those.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]")


def escape_controls(text: str) -> str:
    """Return a text of one or more lines without characters that control a terminal."""
    return _CONTROLS.sub(_escape, text)


def escape_line(text: str) -> str:
    """Return what belongs into one line of several, such as the name of a file."""
    return escape_controls(text).replace("\n", "\\n")


def echo(message: object = "", *, nl: bool = True, err: bool = False) -> None:
    """Print a message to standard output, or to standard error."""
    typer.echo(escape_controls(str(message)), nl=nl, err=err)  # noqa: TID251  # the one place


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
