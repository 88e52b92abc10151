"""`publisher translations`: stories by languages, who translates what by when, and how late translations come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    DEFAULT_COMMAND,
    ActorOption,
    FolderArgument,
    JsonOption,
    ListByDefault,
    count_noun,
    editing,
    make_table,
    print_json,
    rfc3339_or_none,
    stdout_console,
)
from publisher.cli.exit_codes import echo
from publisher.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.operation.status import PublicationStatus
    from publisher.app.translations import (
        Cell,
        ServedShare,
        StoryLine,
        TranslationPage,
        TranslationStatistics,
    )


def minute(instant: datetime | None) -> str:
    """Return an instant, as lines and tables show it."""
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else ""


def translation_table(page: TranslationPage) -> Table:
    """Return a table with a column for each language."""
    table = make_table("Story", "Date", "Title", *page.languages)
    for line in page.stories:
        cells = (_words(cell) for cell in line.cells)
        table.add_row(line.key, line.published_on.isoformat(), line.title, *cells)
    return table


def _words(cell: Cell) -> str:
    """Return a cell in words: its state, whose it is, and until when."""
    claim, words = cell.claim, cell.state.value.replace("-", " ")
    if claim is None:
        by = ", ".join(cell.by)
        return f"{words} by {by}" if by else words
    until = f" until {minute(claim.until)}" if claim.until else ""
    why = f": {claim.reason}" if claim.reason else ""
    said = f"{claim.state.replace('-', ' ')} by {claim.by}{until}{why}"
    return said if said.startswith(words) else f"{words} ({said})"


def translation_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield lines of `publisher status` about translations that need somebody."""
    show = "publisher translations --lang"
    for tag, count in facts.expired_promises.items():
        number = count_noun(count, "promised translation")
        yield f"{number} into {tag} did not come in time: {show} {tag} --state missing"
    for tag, count in facts.stale_translations.items():
        number = count_noun(count, "translation")
        yield f"{number} into {tag} whose original has changed: {show} {tag} --state stale"


def story_as_json(line: StoryLine) -> dict[str, Any]:
    """Return a story as JSON values."""
    return {
        "story": line.key,
        "language": line.language,
        "title": line.title,
        "published": rfc3339_or_none(line.published_at),
        "languages": {cell.language: _cell_as_json(cell) for cell in line.cells},
    }


def _cell_as_json(cell: Cell) -> dict[str, Any]:
    claim = cell.claim
    said = claim and {
        "state": claim.state.value,
        "by": claim.by,
        "until": rfc3339_or_none(claim.until),
        "reason": claim.reason,
        "since": rfc3339_or_none(claim.changed_at),
    }
    return {
        "state": cell.state.value,
        "title": cell.title or None,
        "translators": list(cell.by),
        "available": rfc3339_or_none(cell.available_at),
        "original_changed": rfc3339_or_none(cell.changed_at),
        "claim": said,
    }


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


def _register_translation_claims(app: typer.Typer) -> None:
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
        from publisher.app.translations import claim_translation

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
        from publisher.app.translations import start_translation

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
        from publisher.app.translations import give_up_translation

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
        from publisher.app.translations import release_translation

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
        from publisher.app.translations import dismiss_staleness

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


def _register_translation_statistics(app: typer.Typer) -> None:
    """Add the command."""
    epilog = "Example: publisher translations stats --days 365 my-publication"
    app.command("stats", epilog=epilog)(stats_command)


def stats_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    days: Annotated[
        int, typer.Option("--days", min=1, max=36500, help="How old originals may be.")
    ] = 60,
    as_json: JsonOption = False,
) -> None:
    """Show states and lags by language, and how many subscribers are served in theirs."""
    with editing(directory, None) as (state, actor):
        from publisher.app.translations import read_statistics

        found = read_statistics(state, actor, days=days)
    if as_json:
        print_json(_as_json(found))
        return
    table = make_table("Language", "States", "Translations", "Median lag", "95 % within")
    for tag, lag in found.lags.items():
        states = found.states[tag]
        counts = ", ".join(f"{n} {one.replace('-', ' ')}" for one, n in sorted(states.items()))
        table.add_row(tag, counts, str(lag.count), _span(lag.median), _span(lag.p95))
    stdout_console().print(table)
    echo(f"Subscribers: {_shares(found.subscribers)}")
    echo(f"Stories for each of them: {_shares(found.readings)}")


def _span(span: timedelta | None) -> str:
    if span is None:
        return ""
    hours = span.total_seconds() / 3600
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"  # noqa: PLR2004


def _shares(share: ServedShare) -> str:
    if not share.total:
        return "none"
    parts = (
        (share.first, "in their first language"),
        (share.other, "in another of theirs"),
        (share.none, "in none of theirs"),
    )
    return ", ".join(f"{100 * number / share.total:.1f} % {what}" for number, what in parts)


def _as_json(found: TranslationStatistics) -> dict[str, Any]:
    languages = {
        tag: {
            "states": {one.value: n for one, n in sorted(found.states[tag].items())},
            "translations": lag.count,
            "median_lag_seconds": lag.median and int(lag.median.total_seconds()),
            "p95_lag_seconds": lag.p95 and int(lag.p95.total_seconds()),
        }
        for tag, lag in found.lags.items()
    }
    return {
        "since": rfc3339_or_none(found.since),
        "languages": languages,
        "subscribers": _share_as_json(found.subscribers),
        "stories_of_subscribers": _share_as_json(found.readings),
    }


def _share_as_json(share: ServedShare) -> dict[str, int]:
    return {"first": share.first, "other": share.other, "none": share.none}


def _register_translator_choices(app: typer.Typer) -> None:
    """Add the commands."""
    example = "Example: publisher translations"
    account = "--as omar@example.org"
    app.command("mails", epilog=f"{example} mails --off {account}")(mails_command)
    app.command("feeds", epilog=f"{example} feeds --renew {account}")(feeds_command)


def mails_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    wanted: Annotated[
        bool | None,
        typer.Option("--on/--off", help="Whether the account is told what came in."),
    ] = None,
    account: ActorOption = None,
) -> None:
    """Show or choose whether an account gets mails about what is to be translated."""
    with editing(directory, account) as (state, actor):
        from publisher.app.translators import choose_translator_mails, read_translator_choices

        if wanted is not None:
            choose_translator_mails(state, actor, wanted=wanted)
        found = read_translator_choices(state, actor)
    languages = ", ".join(found.mail_languages)
    echo(f"mails about {languages}" if found.wants_mail else "no mails")
    for mail in found.mails:
        reason = f": {mail.reason}" if mail.reason else ""
        echo(f"{mail.due_at:%Y-%m-%d %H:%M} UTC {mail.state}{reason}")


def feeds_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    renew: Annotated[
        bool, typer.Option("--renew", help="Give all private feeds other addresses first.")
    ] = False,
    account: ActorOption = None,
) -> None:
    """Print the addresses of an account's own feeds of what is to be translated.

    Whoever has such an address can read the feed. `publisher console` serves it.
    """
    with editing(directory, account) as (state, actor):
        from publisher.app.issues.calendar import renew_private_addresses
        from publisher.app.translators import read_translator_choices

        if renew:
            renew_private_addresses(state, actor)
        found = read_translator_choices(state, actor)
    for language, addresses in found.feeds.items():
        for address in addresses.values():
            echo(f"{language} {address}")


app = typer.Typer(
    cls=ListByDefault,
    help="List stories by languages; claim translations, and give them up.",
    epilog="Example: publisher translations --lang ar --state missing my-publication",
)


@app.command(DEFAULT_COMMAND, epilog="Example: publisher translations --state missing")
def list_command(  # noqa: PLR0913  # options
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: Annotated[
        str | None, typer.Option("--lang", metavar="TAG", help="Only this language.")
    ] = None,
    states: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only stories with this state in a language, like missing. Can be repeated.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=36500, help="How far back stories are listed.")
    ] = 60,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1000, help="How many stories to list.")
    ] = 50,
    cursor: Annotated[
        str | None,
        typer.Option("--after", metavar="PLACE", help="Continue where the list before ended."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List stories, the newest first, with the state of each in each language."""
    with editing(directory, None) as (state, actor):
        from publisher.app.translations import CellState, list_translations

        known = [one.value for one in CellState]
        for one in states or []:
            if one not in known:
                raise UsageError(f"--state: {one!r} is none; choose from {', '.join(known)}")
        page = list_translations(
            state,
            actor,
            language=language,
            states=[CellState(one) for one in states or []],
            days=days,
            cursor=cursor,
            limit=limit,
        )
    if as_json:
        stories = [story_as_json(line) for line in page.stories]
        print_json({"stories": stories, "next": page.next_cursor})
        return
    stdout_console().print(translation_table(page))
    if page.next_cursor:
        echo(f"There are more: --after {page.next_cursor}")


@app.command("changes", epilog="Example: publisher translations changes ferry --lang ar")
def changes_command(
    story: StoryArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: LanguageOption,
) -> None:
    """Show what changed in the original since this translation was made."""
    with editing(directory, None) as (state, actor):
        from publisher.app.translations import original_changes

        found = original_changes(state, actor, story, language)
    marks = {"same": " ", "removed": "-", "added": "+"}
    for one in found:
        echo(f"{marks[one.kind]} {one.text}")


_register_translation_claims(app)
_register_translation_statistics(app)
_register_translator_choices(app)
