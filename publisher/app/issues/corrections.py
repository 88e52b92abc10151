"""Correct an issue that was sent: on its page alone, or by a mail to those who got the error. It stays stored as it was."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from publisher import urls
from publisher.accounts.model import Actor, Permission
from publisher.app.editing_state import EditingState
from publisher.app.issues.edits import bidi_problem
from publisher.app.issues.lookup import choose_languages, require_issue, require_rows
from publisher.config import Settings
from publisher.delivery.ledger import correction_audience, lifecycle
from publisher.errors import ArticleError, IssueError, UsageError
from publisher.i18n.messages import untranslated
from publisher.ingest.parsers.markdown import opening_html
from publisher.issues import editing, store
from publisher.issues.digests import digest_of, mark_pages_outdated
from publisher.issues.model import Issue, IssueState, issue_name
from publisher.languages.locales import bidi_control_in

# Its sending has ended: all who get it have got it.
_SENT = frozenset({IssueState.SENT, IssueState.PARTIAL, IssueState.FAILED})
# Some mail may be deferred for days.
_UNDER_WAY = frozenset({IssueState.SENDING, IssueState.PAUSED})
# Nobody got a correction that ended so.
_NOT_MAILED = frozenset({IssueState.CANCELLED, IssueState.SKIPPED})
_MOST_CHARACTERS = 200  # A subject beyond this is shortened in any inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRequest:
    """What is corrected, in some languages, and how. `text` is Markdown."""

    newsletter: str
    day: date
    languages: tuple[str, ...]
    subject: str
    text: str
    web_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionPlan:
    """Whom a correction would reach now, by standing; `sent_as` is the hash of what was sent. `corrections`: earlier ones."""

    issue: Issue
    subject: str
    sent_as: str
    audience: Mapping[correction_audience.CorrectionStanding, int]
    corrections: tuple[editing.Correction, ...]

    @property
    def recipients(self) -> int:
        return self.audience.get(correction_audience.CorrectionStanding.RECIPIENT, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCorrection:
    """A correction that was stored: the issue with the error, and the one that mails it, if any."""

    first: Issue
    mailed: Issue | None


def plan_correction(
    state: EditingState, newsletter: str, day: date, languages: Collection[str] = ()
) -> list[CorrectionPlan]:
    """Return whom a correction of a day's issues would reach, in some languages or in all."""
    with state.database.reading() as connection:
        return [
            _plan(connection, one, state.clock.now())
            for one in _issues(connection, state.settings, newsletter, day, languages)
        ]


def _plan(connection: Connection, issue: Issue, now: datetime) -> CorrectionPlan:
    digest = digest_of(connection, issue)
    return CorrectionPlan(
        issue=issue,
        subject=digest.subject,
        sent_as=digest.sha256,
        audience=correction_audience.count_correction_audience(connection, issue, now),
        corrections=tuple(one for one, _issue in editing.corrections_of(connection, issue)),
    )


def correct_issue(
    state: EditingState, actor: Actor, request: CorrectionRequest
) -> list[StoredCorrection]:
    """Correct a day's issues in the languages of a request, in all of these or in none. The next cycle assembles what is mailed."""
    if not request.languages:
        raise UsageError.saying("name the languages of the correction: each has its own words")
    for language in request.languages:
        actor.require(Permission.CORRECT, language)
    what = f"{request.newsletter}-{request.day}"
    details = {
        "languages": [*request.languages],
        "subject": request.subject,
        "text": request.text,
        "web_only": request.web_only,
    }
    with state.changing(actor, "correct", what, details) as change:
        day = request.newsletter, request.day
        found = _issues(change.connection, state.settings, *day, request.languages)
        done = [_correct(state, change.connection, actor, request, one) for one in found]
        change.details["issues"] = [one.mailed.name for one in done if one.mailed]
    return done


def _correct(
    state: EditingState,
    connection: Connection,
    actor: Actor,
    request: CorrectionRequest,
    first: Issue,
) -> StoredCorrection:
    now = state.clock.now()
    new = editing.NewCorrection(
        subject=_subject(request.subject),
        markdown=request.text,
        html=_html(state.settings, first, request.text),
        actor=actor.name,
        created_at=now,
    )
    _refuse_again(connection, first, new, is_mailed=not request.web_only)
    if request.web_only:
        editing.store_correction(connection, first, new)
        mark_pages_outdated(connection, [first.id])
        return StoredCorrection(first=first, mailed=None)
    require_rows(connection, state.settings, first)
    if not _plan(connection, first, now).recipients:
        raise first.saying(
            "%(issue)s: nobody who got it still wants it; correct its page alone (--web-only)"
        )
    edition = state.settings.edition(first.newsletter, first.language)
    # As any issue that is sent at once, it can be held before the first mail.
    send_at = now + edition.undo_now if edition else now
    mailed = editing.add_correction_issue(connection, first, new, send_at)
    return StoredCorrection(first=first, mailed=mailed)


def _refuse_again(
    connection: Connection, first: Issue, new: editing.NewCorrection, *, is_mailed: bool
) -> None:
    """Raise IssueError if the same words correct an issue already: a form was posted twice."""
    for old, issue in editing.corrections_of(connection, first):
        is_same = (old.subject, old.html) == (new.subject, new.html)
        is_ended = issue is not None and issue.state in _NOT_MAILED
        if is_same and (old.issue_id is not None) == is_mailed and not is_ended:
            raise first.saying(
                "%(issue)s: is corrected with these words already; change them to correct it once more"
            )


def _subject(text: str) -> str:
    line = " ".join(text.split())
    if not line or len(line) > _MOST_CHARACTERS:
        raise UsageError.saying(
            "a correction has a subject of 1 to %(most)s characters", most=_MOST_CHARACTERS
        )
    if sign := bidi_control_in(line):
        raise UsageError(bidi_problem(sign))
    return line


def _html(settings: Settings, first: Issue, text: str) -> str:
    path = urls.issue_path(first.language, first.newsletter, first.day)
    try:
        html = opening_html(text, urls.public_url(settings.publication, path))
    except ArticleError as error:
        raise UsageError.saying(
            "the text of the correction: %(error)s", error=untranslated(str(error))
        ) from None
    if not html.strip():
        raise UsageError.saying("a correction has a text, in Markdown")
    return html


def _issues(
    connection: Connection,
    settings: Settings,
    newsletter: str,
    day: date,
    languages: Collection[str],
) -> list[Issue]:
    """Return the issues of a day that were sent; raise UsageError or IssueError for one that was not."""
    found = []
    for edition in choose_languages(settings, newsletter, languages):
        name = issue_name(edition.newsletter, edition.language, day)
        issue = store.issue_by_name(connection, name)
        if issue is not None and _was_sent(connection, issue):
            found.append(issue)
        elif languages:
            raise _unsent(connection, name, issue)
    if not found:
        raise IssueError.saying(
            "%(newsletter)s: no issue of %(day)s was sent", newsletter=newsletter, day=day
        )
    return found


def _unsent(connection: Connection, name: str, issue: Issue | None) -> IssueError:
    """Return why an issue can't be corrected, None for one that is not there."""
    if issue is None:
        return IssueError.saying(
            "%(issue)s: no such issue; only an issue that was sent is corrected", issue=name
        )
    if issue.state in _UNDER_WAY:
        untried = correction_audience.count_untried(connection, issue)
        return issue.saying(
            "%(issue)s: mails that were not tried yet: %(count)s; correct it when all were, or cancel it first",
            count=untried,
        )
    return issue.saying("%(issue)s: is %(state)s; only an issue that was sent is corrected")


def can_be_corrected(state: EditingState, issue: Issue) -> bool:
    """Return whether an issue of the schedule was sent to all who get it but deferred ones."""
    with state.database.reading() as connection:
        return not issue.serial and _was_sent(connection, issue)


def _was_sent(connection: Connection, issue: Issue) -> bool:
    """Return whether all mail was tried once. A cancelled issue counts if somebody got it."""
    if issue.state in _UNDER_WAY:
        return not correction_audience.count_untried(connection, issue)
    if issue.state is IssueState.CANCELLED:
        return bool(lifecycle.count_deliveries(connection, [issue.id])[issue.id].get("sent"))
    return issue.state in _SENT


def list_corrections(
    state: EditingState, name: str
) -> list[tuple[editing.Correction, Issue | None]]:
    """Return the corrections of an issue, each with the issue that mails it, the oldest first."""
    with state.database.reading() as connection:
        return editing.corrections_of(connection, require_issue(connection, name))
