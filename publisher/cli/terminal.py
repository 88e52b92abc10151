"""Output by rich: tables and coloured lines of texts that are shown as they are."""

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from publisher.cli.exit_codes import escape_controls

_WIDTH_WITHOUT_TERMINAL = 132  # columns, for output to a file or a pipe


class PlainConsole(Console):
    """Prints texts and cells as they are: brackets, `:names:` and control characters do nothing."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
        super().__init__(
            width=width, highlight=False, soft_wrap=False, markup=False, emoji=False
        )

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(escape_controls(text), **options)
