"""Announce something outside the schedule: one text to a newsletter, in words of its own in each language.

An announcement is an issue without articles. Its words are edits, so they are changed, approved, held, scheduled and sent
as those of any issue. Who gets it is counted before it is stored, by the plan of an issue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issues import lookup
from publisher.app.issues.audience_plan import AudiencePlan, make_plan
from publisher.app.issues.edits import EditedIssue, EditRequest, make_edit, render_again
from publisher.app.issues.sending import FARTHEST
from publisher.config import DigestKey, Edition
from publisher.errors import UsageError
from publisher.issues import store
from publisher.issues.editing import EditKind, add_edit
from publisher.issues.model import Issue, IssueKind, IssueState
from publisher.issues.planner import EditionIssue
from publisher.issues.tables import issue_table
from publisher.rendering import Renderer
from subscribers.errors import english


@dataclass(frozen=True, slots=True)
class AnnouncementWords:
    """What is said in one language. `text` is Markdown; without a first line, the mail's is the beginning of it."""

    subject: str
    text: str
    preheader: str = ""


class AnnouncementTime(StrEnum):
    """When it is sent: once somebody says so, once it is approved (after the time for undoing), or at an instant."""

    HELD = "held"
    NOW = "now"
    AT = "at"


_NEEDS = {
    AnnouncementTime.HELD: Permission.EDIT_ISSUE,
    AnnouncementTime.NOW: Permission.CONTROL_SENDING,
    AnnouncementTime.AT: Permission.MOVE_ISSUE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementRequest:
    """What is announced to a newsletter, or a digest, by language. `at` is of `AnnouncementTime.AT`."""

    newsletter: str
    words: Mapping[str, AnnouncementWords]
    when: AnnouncementTime = AnnouncementTime.HELD
    at: datetime | None = None
    only: tuple[str, ...] = ()  # conditions that limit who gets it
    listed: bool | None = (
        None  # in lists of issues and in feeds; None: as the newsletter's are, if it is to all
    )


def plan_announcement(
    state: EditingState, actor: Actor, request: AnnouncementRequest
) -> AudiencePlan:
    """Return who would get an announcement if it were sent now, or at its instant. Nothing is stored."""
    chosen, now = _chosen(state, actor, request), state.clock.now()
    with state.database.reading() as connection:
        place = _place(connection, state, request, chosen[0][0].newsletter)
        made = [
            EditionIssue(one, Issue(**place, language=one.language, due_at=request.at or now))
            for one, _words in chosen
        ]
        return make_plan(connection, state.settings, made, request.at or now)


def announce(
    state: EditingState,
    actor: Actor,
    request: AnnouncementRequest,
    renderer: Renderer | None = None,
) -> list[EditedIssue]:
    """Store an announcement in the languages of its words, in all of these or in none; return its issues, as they are made.

    Raise IssueError for words that no mail can have.
    """
    chosen, now = _chosen(state, actor, request), state.clock.now()
    details = {
        "languages": [*request.words],
        "when": request.when.value,
        "only": [*request.only],
        "listed": request.listed,
    }
    with state.changing(actor, "announce", request.newsletter, details) as change:
        place = _place(change.connection, state, request, chosen[0][0].newsletter)
        made = []
        for edition, words in chosen:
            send_at = _send_at(request, edition, now)
            times = {"due_at": send_at or now, "send_at": send_at, "assembled_at": now}
            new = place | times | {"language": edition.language}
            issue = store.insert_unscheduled(change.connection, **new)
            _write(state, change.connection, actor, edition, issue, words)
            made.append(issue)
        change.details["issues"] = [one.name for one in made]
    return [render_again(state, issue, renderer) for issue in made]


def _chosen(
    state: EditingState, actor: Actor, request: AnnouncementRequest
) -> Sequence[tuple[Edition, AnnouncementWords]]:
    """Return the editions of an announcement with its words; raise UsageError."""
    now, at = state.clock.now(), request.at
    if (request.when is AnnouncementTime.AT) != (at is not None):
        raise UsageError.saying("say when the announcement is to be sent")
    if at is not None and not now < at <= now + FARTHEST:
        raise UsageError.saying("the time of an announcement is to come, within a year")
    names = [one.name for one in state.settings.newsletters]
    if why := state.settings.subscribers.problem_of(request.only, names):
        raise UsageError.saying("the audience of the announcement: %(why)s", why=english(why))
    name, found = request.newsletter, {}
    for tag, words in request.words.items():
        edition = lookup.find_edition(state.settings, name, tag)
        actor.require(Permission.EDIT_ISSUE, edition.language)
        actor.require(_NEEDS[request.when], edition.language)
        if edition.language in found:
            raise UsageError(f"{tag}: the words of {edition.language} are there twice")
        found[edition.language] = edition, words
    if not found:
        raise UsageError.saying("write the announcement in at least one language")
    return [*found.values()]


def _place(
    connection: Connection, state: EditingState, request: AnnouncementRequest, name: str
) -> dict[str, Any]:
    """Return what an announcement has in common in all languages; `name` is the newsletter's present one."""
    day = (request.at or state.clock.now()).astimezone(state.settings.zone()).date()
    table = issue_table.c
    same = (table.newsletter == name) & (table.day == day)
    last = connection.execute(select(func.max(table.serial)).where(same)).scalar_one()
    newsletter = state.settings.newsletter(DigestKey.parse(name).newsletter)
    by_default = newsletter is not None and newsletter.list_announcements and not request.only
    return {
        "newsletter": name,
        "day": day,
        "kind": IssueKind.ANNOUNCEMENT,
        "serial": (last or 0) + 1,
        "audience": "\n".join(" ".join(one.split()) for one in request.only) or None,
        "is_listed": by_default if request.listed is None else request.listed,
        "state": IssueState.ASSEMBLING,
    }


def _send_at(request: AnnouncementRequest, edition: Edition, now: datetime) -> datetime | None:
    if request.when is AnnouncementTime.NOW:
        # As any issue that is sent at once, it can be held before the first mail.
        return now + edition.undo_now
    return request.at


def _write(  # who writes what where
    state: EditingState,
    connection: Connection,
    actor: Actor,
    edition: Edition,
    issue: Issue,
    words: AnnouncementWords,
) -> None:
    for kind, value in (
        (EditKind.SUBJECT, words.subject),
        (EditKind.PREHEADER, words.preheader),
        (EditKind.OPENING, words.text),
    ):
        new = make_edit(state, connection, actor, edition, issue, EditRequest(kind, value))
        add_edit(connection, issue, new)
