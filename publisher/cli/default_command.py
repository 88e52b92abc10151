"""Groups of commands in which one command may be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Context

# The command that may be left out.
DEFAULT_COMMAND = "list"


class ListByDefault(TyperGroup):
    """A group where `deliveries ISSUE` is `deliveries list ISSUE`, for example."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Put the command in that was left out."""
        is_left_out = (
            args[0] not in {*self.commands, "--help"} if args else not self.no_args_is_help
        )
        if is_left_out:
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)
