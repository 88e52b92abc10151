"""`publisher issues pause`, `resume` and `cancel`: the issues of a day that are being sent.

`publisher pause`, `resume` and `cancel` do the same with one issue, by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    editing,
)
from publisher.cli.issue_arguments import IssueDayArgument, LanguagesOption, NewsletterArgument
from publisher.cli.issue_control import ReasonOption, cancel_one, pause_one, resume_one
from publisher.cli.issue_verbs import find_names
from publisher.cli.terminal_text import echo
from publisher.errors import IssueError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("pause", issues_pause_command),
        ("resume", issues_resume_command),
        ("cancel", issues_cancel_command),
    ):
        epilog = f"Example: publisher issues {name} weekly 2026-01-09 --lang ar"
        app.command(name, epilog=epilog)(command)


def issues_pause_command(
    newsletter: NewsletterArgument,
    day: IssueDayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    why: ReasonOption = None,
    acting: ActorOption = None,
) -> None:
    """Stop sending until `resume`. Mails that are being sent are completed.

    `publisher pause ISSUE` does so by an issue's name, also with a correction.
    """
    _each(directory, acting, (newsletter, day, lang), partial(pause_one, why=why))


def issues_resume_command(
    newsletter: NewsletterArgument,
    day: IssueDayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
) -> None:
    """Continue what is paused where it stopped; deferred mail is tried at once.

    `publisher resume ISSUE` does so by an issue's name, also with a correction.
    """
    _each(directory, acting, (newsletter, day, lang), resume_one)


def issues_cancel_command(
    newsletter: NewsletterArgument,
    day: IssueDayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    why: ReasonOption = None,
    acting: ActorOption = None,
) -> None:
    """End sending for good. Subscribers who have not got the issue yet will not get it.

    `publisher cancel ISSUE` does so by an issue's name, also with a correction.
    """
    _each(directory, acting, (newsletter, day, lang), partial(cancel_one, why=why))


def _each(
    directory: Path,
    acting: str | None,
    which: tuple[str, str, list[str] | None],
    verb: Callable[..., str],
) -> None:
    """Do it with each language. One that refuses keeps no other one from being stopped."""
    problems = []
    with editing(directory, acting) as (state, actor):
        for name in find_names(*which)(state):
            try:
                echo(verb(state, actor, name))
            except IssueError as error:
                problems.append(str(error))
    if problems:
        raise IssueError("; ".join(problems))
