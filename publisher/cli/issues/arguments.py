"""Arguments that name an issue by newsletter, day and language; and a verb for each issue of a day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from publisher.cli.api import answer_of
from publisher.cli.common import CURRENT_FOLDER, Given, print_json
from publisher.cli.exit_codes import echo
from publisher.errors import IssueError, UsageError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState
    from publisher.issues.model import Issue


NewsletterArgument = Annotated[str, typer.Argument(metavar="NEWSLETTER", help="Its name.")]
DayArgument = Annotated[
    str, typer.Argument(metavar="DAY", help="The date of its schedule, like 2026-01-09.")
]
IssueDayArgument = Annotated[
    str,
    typer.Argument(
        metavar="DAY",
        help='The date of its schedule, like 2026-01-09, or "next"; of its correction or of an announcement, 2026-01-09-correction.',
    ),
]
IssueArgument = Annotated[
    str, typer.Argument(metavar="ISSUE", help="An issue's name, like weekly-en-2026-01-09.")
]
NEXT = "next"  # in the place of a day: that of the next issue
# The end of a name of an issue; `issues show` prints names.
_ISSUE_DAY = re.compile(r"(.+?)(?:-((?:correction|announcement)(?:-[0-9]+)?))?")
LanguagesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--lang",
        metavar="TAG",
        help="Only this language; may be repeated.",
        show_default="all of them",
    ),
]


def split_folder(value: str, directory: Path) -> tuple[str, Path]:
    """Return an argument that may be left out, and the publication's folder, which may stand in its place."""
    from publisher.config import SETTINGS_FILE

    if value and directory == CURRENT_FOLDER and (Path(value) / SETTINGS_FILE).is_file():
        return "", Path(value)
    return value, directory


def refuse_folder(directory: Path, name: str) -> None:
    """Raise UsageError if a publication's folder stands where the name of an issue belongs."""
    from publisher.config import SETTINGS_FILE

    if directory == CURRENT_FOLDER and (Path(name) / SETTINGS_FILE).is_file():
        raise UsageError(
            f"{name}: is a publication; name an issue of it first, like weekly-en-2026-01-09 "
            f"{name}; `publisher status {name}` lists them"
        )


def parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"DAY: {text!r} is no date; write one like 2026-01-09") from None


def parse_issue_day(text: str) -> tuple[date, str]:
    """Return the date of an issue, and the suffix of its name if it is outside the schedule."""
    named = _ISSUE_DAY.fullmatch(text)
    if named is None:
        return parse_day(text), ""
    return parse_day(named[1]), named[2] or ""


def parse_local_time(text: str, option: str = "--to") -> datetime:
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        local = None
    if local is None or local.tzinfo is not None or len(text) <= len("2026-01-10"):
        raise UsageError(
            f'{option}: {text!r} is no local time; write one like "2026-01-10 09:00"'
        )
    return local


_Names = Callable[["EditingState"], list[str]]


def find_names(newsletter: str, day: str, lang: list[str] | None) -> _Names:
    """Return what finds the names of a day's issues, once the database is open."""
    of_day, suffix = (None, "") if day == NEXT else parse_issue_day(day)

    def find(state: EditingState) -> list[str]:
        from publisher.app.issues.overview import issue_names

        return issue_names(state, newsletter, of_day, tuple(lang or ()), suffix)

    return find


class ChosenIssues(NamedTuple):
    """What was named: an issue, or a newsletter with a day or else in some states."""

    which: str
    day: str
    languages: list[str] | None
    states: tuple[str, ...] = ()

    def names(self, state: EditingState, actor: Actor) -> list[str]:
        from publisher.app.issues.overview import list_of_newsletter

        if self.day:
            return find_names(self.which, self.day, self.languages)(state)
        if not state.settings.editions_of(self.which):
            if self.languages:
                raise UsageError(
                    f"--lang: {self.which} is the name of an issue, in one language"
                )
            return [self.which]
        if not self.states:
            raise UsageError(f"{self.which}: name the day of the issue, like 2026-01-09")
        issues = list_of_newsletter(state, actor, self.which, self.languages or ())
        if names := [issue.name for issue in issues if issue.state in self.states]:
            return names
        raise UsageError(f"{self.which}: none of its issues is {' or '.join(self.states)}")


def run_verb(
    given: Given, names: _Names, verb: Callable[[EditingState, Actor, str], Issue]
) -> None:
    """Do something with each issue, or with none if one refuses."""
    with given.editing() as (state, actor):
        issues = names(state)
        with all_or_none(state, issues) as together:
            done = [verb(together, actor, name) for name in issues]
        print_issues(given, state, actor, done)


@contextmanager
def all_or_none(state: EditingState, names: Sequence[str]) -> Iterator[EditingState]:
    """Yield what changes all of some issues or, if one refuses, none; the error says so."""
    try:
        with state.together() as together:
            yield together
    except IssueError as error:
        if len(names) == 1:
            raise
        others = ", ".join(names)
        raise IssueError(
            f"{error}. Nothing was changed in {others}; --lang names some"
        ) from None


def print_issues(given: Given, state: EditingState, actor: Actor, done: list[Issue]) -> None:
    if given.as_json:
        print_json([answer_of(state, actor, "readIssue", issue=issue.name) for issue in done])
        return
    for issue in done:
        when = f"goes out at {issue.send_at:%Y-%m-%d %H:%M:%S} UTC" if issue.send_at else "held"
        rest = issue.reason or (when if issue.state == "ready" else "")
        echo(f"{issue.name}: {issue.state.replace('_', ' ')}" + (f", {rest}" if rest else ""))
