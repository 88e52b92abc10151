"""Have no issue on a day, whether it is made already or still to come. One verb for both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publisher.app.editions import choose_editions
from publisher.app.issue_sending import skip_issue
from publisher.app.occurrences import OccurrenceKey, skip_occurrence
from publisher.issues import store

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState

# What callers import, with the values of other packages that they get.
__all__ = ["OccurrenceKey", "SkippedIssue", "skip_day"]


@dataclass(frozen=True, slots=True)
class SkippedIssue:
    """An issue that is never sent. `was_made` says whether there was one; if not, `restore` undoes it."""

    name: str
    reason: str
    was_made: bool


def skip_day(
    state: EditingState, actor: Actor, key: OccurrenceKey, reason: str = ""
) -> list[SkippedIssue]:
    """Skip the issues of a day that are made, and the occurrences of the other languages: all or none.

    Raise as `skip_issue` and `skip_occurrence` do.
    """
    why = " ".join(reason.split()) or f"skipped by {actor.name}"
    wanted = [
        one
        for tag in key.languages or (None,)
        for one in choose_editions(state.settings, key.newsletter, tag)
    ]
    names = {one.language: f"{one.newsletter}-{one.language}-{key.day}" for one in wanted}
    with state.database.reading() as connection:
        made = {tag for tag, name in names.items() if store.issue_by_name(connection, name)}
    coming = tuple(
        one.language
        for one in wanted
        if one.language not in made and (key.languages or one.occurrence_on(key.day))
    )
    with state.together() as together:
        if coming or not made:
            skip_occurrence(together, actor, replace(key, languages=coming), why)
        for language in made:
            skip_issue(together, actor, names[language], why)
    skipped = {*coming, *made} or names.keys()
    return [
        SkippedIssue(name, why, was_made=language in made)
        for language, name in names.items()
        if language in skipped
    ]
