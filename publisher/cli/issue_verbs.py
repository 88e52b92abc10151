"""Do the same with each issue of a day, and print what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.cli.common import editing, parse_now, print_json, rfc3339_or_none
from publisher.cli.issue_arguments import parse_issue_day
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.issues import Issue

_Names = Callable[["EditingState"], list[str]]


def find_names(newsletter: str, day: str, lang: list[str] | None) -> _Names:
    """Return what finds the names of a day's issues, once the database is open."""
    of_day, suffix = parse_issue_day(day)

    def find(state: EditingState) -> list[str]:
        from publisher.app.issue_overview import issue_names

        return issue_names(state, newsletter, of_day, tuple(lang or ()), suffix)

    return find


def run_verb(  # what all these commands take
    directory: Path,
    acting: str | None,
    now: str | None,
    names: _Names,
    verb: Callable[[EditingState, Actor, str], Issue],
    *,
    as_json: bool,
) -> None:
    """Do something with each issue; the first that refuses ends it, and says so."""
    done = []
    with editing(directory, acting, parse_now(now)) as (state, actor):
        try:
            done += [verb(state, actor, name) for name in names(state)]
        finally:
            _print(done, as_json=as_json)


def _print(done: list[Issue], *, as_json: bool) -> None:
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
