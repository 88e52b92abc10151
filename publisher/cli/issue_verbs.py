"""Do the same with each issue of a day, and print what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publisher.cli.common import editing, parse_now, print_json, rfc3339_or_none
from publisher.cli.issue_arguments import NEXT, parse_issue_day
from publisher.cli.terminal_text import echo
from publisher.errors import IssueError, UsageError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.issues import Issue

_Names = Callable[["EditingState"], list[str]]


# Edits that are words.
_IN_A_LANGUAGE = frozenset({"subject", "preheader", "opening", "quotation"})


def find_names(newsletter: str, day: str, lang: list[str] | None) -> _Names:
    """Return what finds the names of a day's issues, once the database is open."""
    of_day, suffix = (None, "") if day == NEXT else parse_issue_day(day)

    def find(state: EditingState) -> list[str]:
        from publisher.app.issue_overview import issue_names

        return issue_names(state, newsletter, of_day, tuple(lang or ()), suffix)

    return find


class ChosenIssues(NamedTuple):
    """What was named: an issue, or a newsletter with a day or else in some states."""

    which: str
    day: str
    languages: list[str] | None
    states: tuple[str, ...] = ()

    def names(self, state: EditingState, actor: Actor) -> list[str]:
        """Return the names of the issues. Raise UsageError for none, or for all of a newsletter without states."""
        from publisher.app.issue_overview import list_of_newsletter

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
        found = list_of_newsletter(state, actor, self.which, self.languages or ())
        if names := [one.name for one in found if one.state in self.states]:
            return names
        raise UsageError(f"{self.which}: none of its issues is {' or '.join(self.states)}")


def run_verb(  # what all these commands take
    directory: Path,
    acting: str | None,
    now: str | None,
    names: _Names,
    verb: Callable[[EditingState, Actor, str], Issue],
    *,
    as_json: bool,
) -> None:
    """Do something with each issue, or with none if one refuses."""
    with editing(directory, acting, parse_now(now)) as (state, actor):
        found = names(state)
        with all_or_none(state, found) as together:
            done = [verb(together, actor, name) for name in found]
    print_issues(done, as_json=as_json)


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


def require_one_language(what: str, names: Sequence[str]) -> None:
    """Raise UsageError for words of a language that would be those of several issues."""
    if what in _IN_A_LANGUAGE and len(names) > 1:
        raise UsageError(
            f"--lang: {what} would be the same in {', '.join(names)}; name the language that it is in"
        )


def print_issues(done: list[Issue], *, as_json: bool) -> None:
    """Print the state of each issue."""
    if as_json:
        lines = [
            {
                "issue": one.name,
                "state": one.state,
                "reason": one.reason,
                "send_at": rfc3339_or_none(one.send_at),
            }
            for one in done
        ]
        print_json(lines)
        return
    for one in done:
        when = f"goes out at {one.send_at:%Y-%m-%d %H:%M:%S} UTC" if one.send_at else "held"
        words = one.state.replace("_", " ")
        rest = one.reason or (when if one.state == "ready" else "")
        echo(f"{one.name}: {words}" + (f", {rest}" if rest else ""))
