"""When an issue is sent: `publisher pause`, `resume`, `cancel`, `publisher issues send-now`, `hold`, `skip` ...

They take an issue's name, or a newsletter and a day; `pause` and `resume` also a newsletter alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.errors import IssueError, UsageError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState
    from publisher.issues.model import Issue


_EXAMPLE = "Example: publisher issues"
_DAY = "weekly 2026-01-09 --lang ar"


def _send_now(state: EditingState, actor: Actor, name: str) -> Issue:
    """Send an issue that is ready, after the time to undo it."""
    from publisher.app.issues.sending import send_now

    return send_now(state, actor, name)


def _hold(state: EditingState, actor: Actor, name: str) -> Issue:
    """Keep an issue from being sent until it is scheduled or sent now."""
    from publisher.app.issues.sending import hold_issue

    return hold_issue(state, actor, name)


def _command(verb: Callable[[EditingState, Actor, str], Issue]) -> Callable[..., None]:
    def command(  # noqa: PLR0913  # options
        newsletter: arguments.NewsletterArgument,
        day: arguments.IssueDayArgument,
        directory: common.FolderArgument = common.CURRENT_FOLDER,
        *,
        lang: arguments.LanguagesOption = None,
        acting: common.ActorOption = None,
        now: common.NowOption = None,
        as_json: common.JsonOption = False,
    ) -> None:
        names = arguments.find_names(newsletter, day, lang)
        arguments.run_verb(directory, acting, now, names, verb, as_json=as_json)

    return command


def schedule_command(  # noqa: PLR0913  # options
    newsletter: arguments.NewsletterArgument,
    day: arguments.IssueDayArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    at: Annotated[
        str, typer.Option("--at", metavar="INSTANT", help="Like 2026-01-10T09:00:00Z.")
    ],
    lang: arguments.LanguagesOption = None,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Have an issue sent at an instant, once it is approved."""
    from publisher.app.issues.sending import schedule_issue

    instant = _instant(at)

    def schedule(state: EditingState, actor: Actor, name: str) -> Issue:
        return schedule_issue(state, actor, name, instant)

    names = arguments.find_names(newsletter, day, lang)
    arguments.run_verb(directory, acting, now, names, schedule, as_json=as_json)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"--at: {text!r} is no instant; write one like 2026-01-10T09:00:00Z")


def issues_skip_command(  # noqa: PLR0913  # options
    newsletter: arguments.NewsletterArgument,
    day: arguments.DayArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    why: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="The reason; `calendar` shows it.")
    ] = "",
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Have no issue on a date, whether it is made already or still to come.

    The next issue may have its articles. `restore` undoes it while the issue is not made. One that is being
    sent is stopped by `cancel`.
    """
    from publisher.app.issues.occurrences import OccurrenceKey, skip_day

    key = OccurrenceKey(
        newsletter=newsletter, day=arguments.parse_day(day), languages=tuple(lang or ())
    )
    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        done = skip_day(state, actor, key, why)
    if as_json:
        common.print_json(
            [
                {
                    "issue": one.name,
                    "state": "skipped",
                    "reason": one.reason,
                    "was_made": one.was_made,
                }
                for one in done
            ]
        )
        return
    for one in done:
        echo(f"{one.name} is skipped: {one.reason}")


_NoteOption = Annotated[
    str | None, typer.Option("--note", metavar="TEXT", help="The reason; `status` shows it.")
]


def register_pauses(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("pause", pause_command),
        ("resume", resume_command),
        ("cancel", cancel_command),
    ):
        app.command(name, epilog=f"Example: publisher {name} weekly 2026-01-09 --lang ar")(
            command
        )


def pause_command(  # options
    which: arguments.WhichArgument,
    day: arguments.PerhapsDayArgument = "",
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    note: _NoteOption = None,
    acting: common.ActorOption = None,
) -> None:
    """Stop sending until `resume`: an issue by its name, those of a day, or all of a newsletter.

    Mails that are being sent are completed.
    """
    chosen = arguments.ChosenIssues(which, day, lang, ("sending",))
    _each(directory, acting, chosen, partial(pause_one, why=note))


def resume_command(
    which: arguments.WhichArgument,
    day: arguments.PerhapsDayArgument = "",
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    acting: common.ActorOption = None,
) -> None:
    """Continue what is paused where it stopped; deferred mail is tried at once. Takes what `pause` takes."""
    _each(directory, acting, arguments.ChosenIssues(which, day, lang, ("paused",)), resume_one)


def cancel_command(  # options
    which: arguments.WhichArgument,
    day: arguments.PerhapsDayArgument = "",
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    note: _NoteOption = None,
    acting: common.ActorOption = None,
) -> None:
    """End sending an issue, or those of a day, for good: who has not got it will not get it."""
    _each(
        directory,
        acting,
        arguments.ChosenIssues(which, day, lang),
        partial(cancel_one, why=note),
    )


def pause_one(state: EditingState, actor: Actor, name: str, why: str | None) -> str:
    """Pause an issue; return what is said about it."""
    from publisher.app.issues.sending import pause_sending

    stopped = pause_sending(state, actor, name, why)
    sent, under_way, waiting = (f"{count:,}" for count in stopped)
    return f"{name} is paused: {sent} sent, {under_way} under way, {waiting} waiting"


def resume_one(state: EditingState, actor: Actor, name: str) -> str:
    """Resume an issue; return what is said about it."""
    from publisher.app.issues.sending import resume_sending

    resume_sending(state, actor, name)
    return f"{name} continues with the next run of delivery"


def cancel_one(state: EditingState, actor: Actor, name: str, why: str | None) -> str:
    """Cancel an issue; return what is said about it."""
    from publisher.app.issues.sending import cancel_sending

    return f"{name} is cancelled: {_who_got_it(cancel_sending(state, actor, name, why))}"


def _each(
    directory: Path,
    acting: str | None,
    chosen: arguments.ChosenIssues,
    verb: Callable[..., str],
) -> None:
    """Do it with each issue. One that refuses keeps no other one from being stopped."""
    day, directory = arguments.split_folder(chosen.day, directory)
    arguments.refuse_folder(directory, chosen.which)
    problems = []
    with common.editing(directory, acting) as (state, actor):
        for name in chosen._replace(day=day).names(state, actor):
            try:
                echo(verb(state, actor, name))
            except IssueError as error:
                problems.append(str(error))
    if problems:
        raise IssueError("; ".join(problems))


def _who_got_it(count: Mapping[str, int]) -> str:
    """Return how many got a cancelled issue. Mails that are being sent are completed."""
    if not any(count.values()):
        return "no mail of it was planned"
    done = f"{count['sent']} had it already, {count['cancelled']} won't get it"
    under_way = count["waiting"]
    return f"{done}, {under_way} being sent just now may" if under_way else done


def register(app: typer.Typer) -> None:
    """Add what this module has."""
    for name, verb in (("send-now", _send_now), ("hold", _hold)):
        epilog = f"{_EXAMPLE} {name} {_DAY}"
        app.command(name, help=verb.__doc__, epilog=epilog)(_command(verb))
    app.command("schedule", epilog=f"{_EXAMPLE} schedule {_DAY} --at 2026-01-10T09:00:00Z")(
        schedule_command
    )
    example = 'skip weekly 2026-01-09 --lang ar --note "a holiday"'
    app.command("skip", epilog=f"Example: publisher issues {example}")(issues_skip_command)
