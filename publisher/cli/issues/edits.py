"""`publisher issues edit`, `undo-edit` and `correct`: change an issue before it is sent, and correct it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
    count_noun,
    editing,
    parse_now,
    print_json,
)
from publisher.cli.exit_codes import echo
from publisher.cli.issues.arguments import (
    DayArgument,
    LanguagesOption,
    NewsletterArgument,
    all_or_none,
    parse_day,
    require_one_language,
    split_folder,
)
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.issues.corrections import CorrectionPlan
    from publisher.app.issues.edits import EditedIssue


_NAME = "weekly 2026-01-09"


class EditVerb(StrEnum):
    """What can be edited: the values of `publisher.app.issues.edits.EditKind`, which loads the database."""

    PIN = "pin"
    MOVE = "move"
    LEAVE_OUT = "leave-out"
    SUBJECT = "subject"
    PREHEADER = "preheader"
    OPENING = "opening"
    QUOTATION = "quotation"
    NUMBER = "number"


def _register_issues_edit(app: typer.Typer) -> None:
    """Add the commands."""
    example = f'Example: publisher issues edit {_NAME} leave-out "not ours" --story tides'
    app.command("edit", epilog=f"{example} --lang en")(edit_command)
    app.command("undo-edit", epilog=f"Example: publisher issues undo-edit {_NAME} 3 --lang en")(
        undo_edit_command
    )


def edit_command(  # noqa: PLR0913  # arguments and options
    newsletter: NewsletterArgument,
    day: DayArgument,
    what: Annotated[EditVerb, typer.Argument(metavar="WHAT", help="What to change.")],
    value: Annotated[
        str,
        typer.Argument(metavar="VALUE", help="A place from 1, a reason, words or a number."),
    ] = "",
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    story: Annotated[
        str, typer.Option("--story", metavar="KEY", help="The story, as `issues show` has it.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="A file with the words.")
    ] = None,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change stories or words of an issue, in all languages or none, and make it again at once.

    WHAT is pin, move or leave-out, with --story; subject, preheader or opening, which is Markdown;
    quotation, from the article of --story; or number. Words without any are the issue's own.
    """
    from publisher.app.issues.edits import EditKind, EditRequest, edit_issue
    from publisher.app.issues.overview import find_story_id, issue_names

    value, directory = split_folder(value, directory)
    if value and file:
        raise UsageError("give the words once: as VALUE or by --file")
    words = _read(file) if file else value
    with editing(directory, acting, parse_now(now)) as (state, actor):
        number = find_story_id(state, story) if story else None
        request = EditRequest(EditKind(what.value), words, number)
        names = issue_names(state, newsletter, parse_day(day), tuple(lang or ()))
        require_one_language(what, () if lang or not words else names)
        with all_or_none(state, names) as together:
            found = [edit_issue(together, actor, name, request) for name in names]
    _print(found, as_json=as_json)


def undo_edit_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: DayArgument,
    edit: Annotated[int, typer.Argument(metavar="EDIT", help="Its number in `issues show`.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an edit of an issue back, and make the issue again."""
    from publisher.app.issues.edits import undo_edit
    from publisher.app.issues.overview import issue_names

    of_day = parse_day(day)
    with editing(directory, acting, parse_now(now)) as (state, actor):
        names = issue_names(state, newsletter, of_day, tuple(lang or ()))
        if len(names) != 1:
            raise UsageError(f"name one language: an edit is of one of {', '.join(names)}")
        found = [undo_edit(state, actor, names[0], edit)]
    _print(found, as_json=as_json)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--file: {file} can't be read: {error}") from None


def _print(found: list[EditedIssue], *, as_json: bool) -> None:
    if as_json:
        lines = [
            {
                "issue": one.issue.name,
                "state": one.issue.state,
                "revision": one.issue.revision,
                "problem": one.problem,
            }
            for one in found
        ]
        print_json(lines)
        return
    for one in found:
        state = one.issue.state.replace("_", " ")
        problem = f", can't be made: {one.problem}" if one.problem else ""
        echo(f"{one.issue.name}: revision {one.issue.revision}, {state}{problem}")


def _register_issues_correct(app: typer.Typer) -> None:
    """Add the command."""
    example = 'correct weekly 2026-01-09 --lang ar --subject "A date" --text erratum.md'
    app.command("correct", epilog=f"Example: publisher issues {example}")(
        issues_correct_command
    )


def issues_correct_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: DayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    subject: Annotated[
        str, typer.Option("--subject", metavar="TEXT", help="What is corrected, in a line.")
    ] = "",
    text: Annotated[
        Path | None,
        typer.Option("--text", metavar="FILE", help="The words of the correction, Markdown."),
    ] = None,
    web_only: Annotated[
        bool, typer.Option("--web-only", help="Only on the issue's page; nobody gets a mail.")
    ] = False,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Correct an issue by a mail to those who got it and still want it, or on its page alone.

    Without --text, only show whom a correction would reach. The issue itself is never sent again.
    """
    from publisher.app.issues.corrections import (
        CorrectionRequest,
        correct_issue,
        plan_correction,
    )

    of_day, languages = parse_day(day), tuple(lang or ())
    with editing(directory, acting, parse_now(now)) as (state, actor):
        plans = plan_correction(state, newsletter, of_day, languages)
        if text is None:
            _print_correction(plans, as_json=as_json)
            return
        request = CorrectionRequest(
            newsletter=newsletter,
            day=of_day,
            languages=languages,
            subject=subject,
            text=_read_corrections(text),
            web_only=web_only,
        )
        done = correct_issue(state, actor, request)
    names = [one.mailed.name if one.mailed else f"{one.first.name} (page)" for one in done]
    if as_json:
        print_json({"corrected": [one.first.name for one in done], "issues": names})
    else:
        echo("\n".join(f"{name}: the next cycle makes it" for name in names))


def _read_corrections(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--text: {file} can't be read: {error}") from None


def _print_correction(plans: list[CorrectionPlan], *, as_json: bool) -> None:
    if as_json:
        print_json([_as_json(one) for one in plans])
    else:
        echo("\n".join(line for one in plans for line in _lines(one)))


def _as_json(plan: CorrectionPlan) -> dict[str, object]:
    return {
        "issue": plan.issue.name,
        "subject": plan.subject,
        "sent_as": plan.sent_as,
        "audience": dict(sorted(plan.audience.items())),
        "corrections": len(plan.corrections),
    }


def _lines(plan: CorrectionPlan) -> Iterator[str]:
    reached = count_noun(plan.recipients, "subscriber")
    yield f"{plan.issue.name}: a correction reaches {reached}"
    for standing, number in sorted(plan.audience.items()):
        if standing != "recipient":
            yield f"    {number} {standing}"
    yield f"    sent as {plan.sent_as}: {plan.subject}"


def register(app: typer.Typer) -> None:
    """Add what this module has."""
    _register_issues_edit(app)
    _register_issues_correct(app)
