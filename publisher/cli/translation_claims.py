"""`publisher translations claim`, `start`, `give-up`, `release`, `dismiss`: verbs of translators."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Annotated

import typer

from publisher.cli.common import CURRENT_FOLDER, ActorOption, FolderArgument, editing
from publisher.cli.terminal_text import echo
from publisher.cli.translation_output import minute
from publisher.errors import UsageError

StoryArgument = Annotated[
    str, typer.Argument(metavar="STORY", help="The key of a story, as the list shows it.")
]
LanguageOption = Annotated[
    str, typer.Option("--lang", metavar="TAG", help="The language of the translation.")
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="DATE",
        help="A date, until its end, or an instant like 2026-01-09T12:00:00Z.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command, more in (
        ("claim", claim_command, " --until 2026-01-09"),
        ("start", start_command, ""),
        ("give-up", give_up_command, " --note 'no time'"),
        ("release", release_command, ""),
        ("dismiss", dismiss_command, ""),
    ):
        example = f"Example: publisher translations {name} ferry --lang ar{more}"
        app.command(name, epilog=example)(command)


def claim_command(
    story: StoryArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: LanguageOption,
    until: UntilOption = None,
    account: ActorOption = None,
) -> None:
    """Promise a translation by a time. Issues that wait for translations wait for it."""
    end = _instant(until)
    if end is None:
        raise UsageError("say by when: --until 2026-01-09")
    with editing(directory, account) as (state, actor):
        from publisher.app.translation_claims import claim_translation

        claim = claim_translation(state, actor, story, language, end)
    echo(f"{story} in {language}: promised by {claim.by} until {minute(claim.until)}")


def start_command(
    story: StoryArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: LanguageOption,
    until: UntilOption = None,
    account: ActorOption = None,
) -> None:
    """Say that a translation is in work; without --until your earlier date is kept."""
    end = _instant(until)
    with editing(directory, account) as (state, actor):
        from publisher.app.translation_claims import start_translation

        claim = start_translation(state, actor, story, language, end)
    by_when = f" until {minute(claim.until)}" if claim.until else ""
    echo(f"{story} in {language}: in work by {claim.by}{by_when}")


def give_up_command(
    story: StoryArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: LanguageOption,
    reason: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why.")],
    account: ActorOption = None,
) -> None:
    """Say that a story will not be translated into a language, and why."""
    with editing(directory, account) as (state, actor):
        from publisher.app.translation_claims import give_up_translation

        give_up_translation(state, actor, story, language, reason)
    echo(f"{story} in {language}: given up")


def release_command(
    story: StoryArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: LanguageOption,
    account: ActorOption = None,
) -> None:
    """Remove what was said of a translation, so that anybody can claim it."""
    with editing(directory, account) as (state, actor):
        from publisher.app.translation_claims import release_translation

        release_translation(state, actor, story, language)
    echo(f"{story} in {language}: can be claimed by anybody")


def dismiss_command(
    story: StoryArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: LanguageOption,
    account: ActorOption = None,
) -> None:
    """Let a translation count as up to date until its original changes again."""
    with editing(directory, account) as (state, actor):
        from publisher.app.translation_claims import dismiss_staleness

        dismiss_staleness(state, actor, story, language)
    echo(f"{story} in {language}: up to date until the original changes again")


def _instant(text: str | None) -> date | datetime | None:
    if text is None:
        return None
    with suppress(ValueError):
        return date.fromisoformat(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--until: {text!r} is no date; write one like 2026-01-09, or 2026-01-09T12:00:00Z"
        ) from None
    if found.tzinfo is None:
        raise UsageError(f"--until: {text!r} has no time zone; add Z for UTC, or an offset")
    return found
