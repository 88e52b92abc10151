"""Render an edition's next issue without storing it. Reads the database and changes nothing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from publisher.articles import store as articles
from publisher.assembly.assemble import issue_content, stored_issue_content
from publisher.assembly.gate_run import GateRun, render_passing_digest
from publisher.assembly.select import preview_selection
from publisher.config import Edition, Settings
from publisher.errors import IssueError
from publisher.gate.findings import finding_data
from publisher.i18n.messages import message
from publisher.issues import selection as selections
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.issues.planner import next_issue, planned_issue
from publisher.recurrence import Occurrence
from publisher.rendering import Digest, IssueContent, Renderer

_ANY_AGE = timedelta(days=36500)  # no article is too old for a sample: it shows the templates


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePreview:
    """A rendered issue that is not stored, and what the gate found in its mail.

    `why_not_new` is the reason why it shows old articles, None if they are new. `is_held` marks
    an issue that was due and waits until its fault is mended.
    """

    edition: Edition
    issue: Issue
    digest: Digest
    gate_run: GateRun
    content: IssueContent
    why_not_new: str | None = None
    waiting: str = ""
    is_held: bool = False

    @property
    def articles(self) -> int:
        return len(self.content.items)

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What the gate found, as objects of `--json`."""
        return [finding_data(one) for one in self.gate_run.report.findings]

    @property
    def subject(self) -> str:
        """The subject as a subscriber sees it, with personal values filled in."""
        return self.gate_run.mail.decoded_header("Subject")


def preview_issue(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    edition: Edition,
    now: datetime,
) -> IssuePreview:
    """Render the issue that an edition would have next.

    If it would have no articles, it has the newest ones that the edition may show. Raise IssueError if there are none at all, and RenderingError as rendering does.
    """
    selection, why_not = next_selection(connection, settings, edition, now)
    issue = _next_issue(connection, edition, now, selection.more)
    content = issue_content(connection, settings, edition, issue, selection.chosen, now=now)
    preview = _rendered(settings, renderer, edition, issue, content)
    return replace(preview, why_not_new=why_not, waiting=selection.reason_to_wait())


def next_selection(
    connection: Connection, settings: Settings, edition: Edition, now: datetime
) -> tuple[selections.Selection, str | None]:
    """Return the articles that an edition would have next, or the newest ones and why none is new. Raise IssueError if there are none."""
    selection = preview_selection(connection, settings, edition, now)
    why_not = None if selection.chosen else selection.reason_if_empty()
    if why_not:
        selection = _newest(connection, edition, now)
    if not selection.chosen:
        name = f"{edition.newsletter} in {edition.language}"
        raise IssueError(
            message(
                "%(issue)s has %(why)s; add an article in its language", issue=name, why=why_not
            )
        )
    return selection, why_not


def held_issues(connection: Connection, edition: Edition) -> list[Issue]:
    """Return an edition's issues that were due and could not be made."""
    return [
        issue
        for issue in issues.issues_in_state(connection, IssueState.ASSEMBLING)
        if (issue.newsletter, issue.language) == (edition.newsletter, edition.language)
    ]


def preview_held_issue(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    edition: Edition,
    issue: Issue,
) -> IssuePreview | None:
    """Render a held issue as the next cycle will; None if all its articles were withdrawn."""
    content = stored_issue_content(connection, settings, edition, issue)
    if not content.items:
        return None
    return replace(_rendered(settings, renderer, edition, issue, content), is_held=True)


def _rendered(
    settings: Settings,
    renderer: Renderer,
    edition: Edition,
    issue: Issue,
    content: IssueContent,
) -> IssuePreview:
    digest, gate_run = render_passing_digest(settings.publication, renderer, issue, content)
    return IssuePreview(
        edition=edition, issue=issue, digest=digest, gate_run=gate_run, content=content
    )


def _newest(connection: Connection, edition: Edition, now: datetime) -> selections.Selection:
    """Choose articles as if the edition had carried none yet and none were too old."""
    found = [
        article
        for language in selections.languages_to_search(edition)
        for article in articles.newest_articles(connection, language, now, edition.max_articles)
    ]
    variants = articles.variants(connection, {article.story_id for article in found}, now)
    candidates = selections.Candidates(articles=found, variants=variants, sent=())
    any_age = replace(edition, max_age=_ANY_AGE)
    selection = selections.choose_articles(
        any_age, candidates, selections.SelectionWindow(until=now)
    )
    return selections.Selection(selection.chosen, 0, selection.excluded)


def _next_issue(connection: Connection, edition: Edition, now: datetime, more: int) -> Issue:
    today = Occurrence(now.astimezone(edition.zone).date(), now)
    return replace(
        next_issue(connection, edition, now, now + edition.lead)
        or planned_issue(edition, today),
        state=IssueState.ASSEMBLING,
        more=more,
        assembled_at=now,
        available_since=issues.cutoff(connection, edition.newsletter, edition.language),
    )
