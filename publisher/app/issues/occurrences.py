"""Move or skip one occurrence of a newsletter, in one language or all, and undo that. It keeps its day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from publisher.accounts.model import Actor, Permission
from publisher.app.editing_state import EditingState
from publisher.app.issues.lookup import choose_languages
from publisher.app.issues.sending import skip_issue
from publisher.config import Edition, Settings
from publisher.config.choices import DigestKey
from publisher.errors import UsageError
from publisher.issues import schedule, store
from publisher.issues.model import SELECTED_STATES, Issue, IssueState, issue_name
from publisher.issues.planner import PlanningRecord, read_planning, upcoming_of
from publisher.recurrence import Occurrence, at_local_time

# From the day of its schedule.
_FARTHEST = timedelta(days=366)
_MOVABLE = SELECTED_STATES | {IssueState.SCHEDULED}


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceKey:
    """An occurrence of a newsletter on a day of its schedule, in some languages or, without, in all."""

    newsletter: str
    day: date
    languages: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.newsletter}-{self.day}"


@dataclass(frozen=True, slots=True)
class ChangedOccurrence:
    """When an occurrence is due now, and what was changed of it."""

    edition: Edition
    occurrence: Occurrence
    change: schedule.OccurrenceChange


def move_occurrence(
    state: EditingState, actor: Actor, key: OccurrenceKey, to: datetime
) -> list[ChangedOccurrence]:
    """Move an occurrence to a local date and time, in the time zone of each edition."""

    def moved(one: _OccurrenceFacts) -> schedule.OccurrenceChange:
        # What was computed with an hour at the ends of the calendar could be none of UTC.
        if abs(to.date() - one.day) > _FARTHEST:
            raise one.saying("%(issue)s: %(local)s is too far away", local=str(to))
        instant = at_local_time(to.date(), to.time(), one.edition.zone).due_at
        return one.changed(due_at=instant, skip_reason=None)

    return _change(state, actor, "move occurrence", key, moved)


def skip_occurrence(
    state: EditingState, actor: Actor, key: OccurrenceKey, reason: str
) -> list[ChangedOccurrence]:
    """Have no issue made of an occurrence; the next one has its articles. An issue that is made already is refused."""
    why = " ".join(reason.split()) or f"skipped by {actor.name}"

    def skipped(one: _OccurrenceFacts) -> schedule.OccurrenceChange:
        if one.issue is not None:
            raise one.issue.saying("%(issue)s: is %(state)s already, and not to come")
        return one.changed(due_at=None, skip_reason=why)

    return _change(state, actor, "skip occurrence", key, skipped)


def restore_occurrence(
    state: EditingState, actor: Actor, key: OccurrenceKey
) -> list[ChangedOccurrence]:
    """Undo what was changed of an occurrence, or skipped for its time or too few articles alone, if it is not too late."""

    def restored(one: _OccurrenceFacts) -> schedule.OccurrenceChange:
        if not (one.is_changed or one.comes_back):
            raise one.saying("%(issue)s: was neither moved nor skipped")
        return one.changed(due_at=None, skip_reason=None)

    return _change(state, actor, "restore occurrence", key, restored)


@dataclass(frozen=True, slots=True)
class _OccurrenceFacts:
    """An occurrence of one edition, with all that decides what may be changed of it."""

    edition: Edition
    day: date
    record: PlanningRecord
    issues: Sequence[Issue]
    actor: str
    now: datetime

    @property
    def name(self) -> str:
        return issue_name(self.edition.newsletter, self.edition.language, self.day)

    @property
    def issue(self) -> Issue | None:
        return next((one for one in self.issues if one.day == self.day), None)

    @property
    def before(self) -> schedule.OccurrenceChange | None:
        return self.record.change_of(self.edition.newsletter, self.edition.language, self.day)

    @property
    def is_changed(self) -> bool:
        old = self.before
        return old is not None and (old.due_at is not None or old.skip_reason is not None)

    @property
    def comes_back(self) -> bool:
        """Whether it was skipped for its time or too few articles alone, and is not too late now."""
        return self.issue is not None and schedule.may_come_back(
            self.edition, self.issue, self.now
        )

    def saying(self, template: str, **values: object) -> UsageError:
        return UsageError.saying(template, issue=self.name, **values)

    def changed(
        self, *, due_at: datetime | None, skip_reason: str | None
    ) -> schedule.OccurrenceChange:
        return schedule.OccurrenceChange(
            newsletter=self.edition.newsletter,
            language=self.edition.language,
            day=self.day,
            due_at=due_at,
            skip_reason=skip_reason,
            revision=self.before.revision + 1 if self.before else 1,
            actor=self.actor,
            changed_at=self.now,
        )

    def neighbours(self) -> tuple[datetime | None, datetime | None]:
        """Return when the issues before and after this one are due, if they still come."""
        made = [(one.day, one.due_at) for one in self.issues if one.state in _MOVABLE]
        earlier = [due for day, due in made if day < self.day]
        later = [due for day, due in made if day > self.day]
        for one in upcoming_of(self.edition, self.record, self.now):
            if one.issue.day > self.day:
                later.append(one.issue.due_at)
                break
            if one.issue.day < self.day:
                earlier.append(one.issue.due_at)
        return max(earlier, default=None), min(later, default=None)


def _change(
    state: EditingState,
    actor: Actor,
    verb: str,
    key: OccurrenceKey,
    decide: Callable[[_OccurrenceFacts], schedule.OccurrenceChange],
) -> list[ChangedOccurrence]:
    """Change an occurrence in all languages that are meant, or in none."""
    editions = _editions(state.settings, key)
    for edition in editions:
        actor.require(Permission.MOVE_ISSUE, edition.language)
    with state.changing(actor, verb, str(key)) as change:
        connection, now = change.connection, state.clock.now()
        record = read_planning(connection, state.settings)
        done = []
        for edition in editions:
            made = schedule.issues_of_edition(connection, edition, now, key.day)
            facts = _OccurrenceFacts(edition, key.day, record, made, actor.name, now)
            done.append(_store(connection, facts, decide(facts)))
        change.details["languages"] = {
            one.edition.language: {
                "due_at": one.change.due_at.isoformat() if one.change.due_at else None,
                "skipped": one.change.skip_reason,
            }
            for one in done
        }
    return done


def _editions(settings: Settings, key: OccurrenceKey) -> list[Edition]:
    newsletter = settings.newsletter(key.newsletter)
    if newsletter is None or DigestKey.parse(key.newsletter).cadence:
        raise UsageError.saying(
            "%(newsletter)s: no newsletter whose issues can be moved; name a newsletter of publication.toml",
            newsletter=key.newsletter,
        )
    found = {one.language: one for one in settings.editions(newsletter)}
    for language in key.languages:
        if language not in found:
            raise UsageError.saying(
                "%(issue)s: has no edition in %(language)s",
                issue=newsletter.name,
                language=language,
            )
    wanted = [found[one] for one in key.languages or found]
    scheduled = [one for one in wanted if one.occurrence_on(key.day)]
    if not scheduled or (key.languages and len(scheduled) < len(wanted)):
        raise UsageError.saying(
            "%(issue)s: its schedule has no %(day)s; `publisher plan` lists them",
            issue=newsletter.name,
            day=key.day,
        )
    return scheduled


def _store(
    connection: Connection, place: _OccurrenceFacts, change: schedule.OccurrenceChange
) -> ChangedOccurrence:
    """Store a change if it is possible, and move the issue if there is one."""
    occurrence = schedule.changed_occurrence(place.edition, change)
    assert occurrence is not None  # noqa: S101  # only days of the schedule are changed
    if place.comes_back and change.due_at is None:
        # The planner takes one that is changed, and has no row, from its change.
        schedule.forget_skipped(connection, [one for one in (place.issue,) if one])
        schedule.save_occurrence_change(connection, change)
        return ChangedOccurrence(place.edition, occurrence, change)
    _check_issue(place)
    if change.due_at is not None and place.edition.local_time:
        raise place.saying(
            "%(issue)s: goes out at each subscriber's local time, so it can't be moved; skip it, or change the schedule"
        )
    if change.skip_reason is None:
        _check_instant(place, occurrence.due_at)
    schedule.save_occurrence_change(connection, change)
    if place.issue is not None:
        schedule.move_in_time(connection, place.issue, occurrence.due_at, place.now)
    return ChangedOccurrence(place.edition, occurrence, change)


def _check_issue(place: _OccurrenceFacts) -> None:
    """Raise an error unless an occurrence is still to come, or its issue not due yet."""
    issue, change = place.issue, place.before
    if issue is None:
        scheduled = place.edition.occurrence_on(place.day)
        start = place.record.start_of(place.edition, place.now)
        if change is None and scheduled and scheduled.due_at <= start:
            raise place.saying("%(issue)s: has passed")
        return
    if issue.state not in _MOVABLE:
        raise issue.saying("%(issue)s: is %(state)s, and can't be moved any more")
    if issue.due_at <= place.now:
        raise issue.saying("%(issue)s: was due already, and can't be moved any more")


def _check_instant(place: _OccurrenceFacts, due_at: datetime) -> None:
    earlier, later = place.neighbours()
    local = f"{due_at.astimezone(place.edition.zone):%Y-%m-%d %H:%M} ({place.edition.timezone})"
    if due_at <= place.now:
        raise place.saying("%(issue)s: %(local)s has passed; choose a later time", local=local)
    if earlier is not None and due_at <= earlier:
        raise place.saying("%(issue)s: %(local)s is not after the issue before it", local=local)
    if later is not None and due_at >= later:
        raise place.saying("%(issue)s: %(local)s is not before the issue after it", local=local)


@dataclass(frozen=True, slots=True)
class SkippedIssue:
    """An issue that is never sent. `was_made` says whether there was one; if not, `restore` undoes it."""

    name: str
    reason: str
    was_made: bool


def skip_day(
    state: EditingState, actor: Actor, key: OccurrenceKey, reason: str = ""
) -> list[SkippedIssue]:
    """Skip a day's issues, and occurrences where no issue is made: all or none. Raise as `skip_issue`, `skip_occurrence`."""
    why = " ".join(reason.split()) or f"skipped by {actor.name}"
    wanted = choose_languages(state.settings, key.newsletter, key.languages)
    names = {one.language: issue_name(one.newsletter, one.language, key.day) for one in wanted}
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
