"""Find or render what is mailed of an issue to one viewer: its digest or a variant. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from publisher.assembly.assemble import digest_hash
from publisher.assembly.gate_run import render_passing_digest
from publisher.assembly.preview import IssuePreview, preview_held_issue, preview_issue
from publisher.assembly.variants import variant_content
from publisher.config import Edition
from publisher.delivery.causes import ARTICLES_WITHDRAWN, Cause
from publisher.delivery.ledger.choices import Choice, MailContent, own_choice
from publisher.delivery.ledger.expected import AudienceOfIssue, Viewer
from publisher.errors import IssueError
from publisher.gate.findings import finding_data
from publisher.issues.model import EDITION_REMOVED, Issue, IssueState
from publisher.issues.tables import digest_table, issue_variant_table, revised_page_table
from publisher.issues.variants import IssueVariant, article_ids_of_variant
from publisher.messages import message
from publisher.rendering import Renderer, views

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.assembly.gate_run import GateRun
    from publisher.config import Settings
    from publisher.rendering import Digest

# Issues whose articles are not selected yet: their mail is what would be selected now.
_UNSELECTED = (IssueState.SCHEDULED, IssueState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSource:
    """What is mailed, with placeholders. `sha256` is the hash of the digest or variant.

    `is_frozen` says that exactly this is sent; otherwise it is rendered as of now. `is_variant` says
    that most subscribers get something else. `not_sent` is why the viewer gets nothing.
    """

    issue: Issue
    subject: str
    preheader: str
    html: str
    text: str
    page: str
    sha256: str
    findings: Sequence[dict[str, Any]]
    due_at: datetime
    is_frozen: bool
    is_variant: bool = False
    not_sent: Cause | None = None
    why_not_new: str | None = None


def find_source(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    what: Issue | Edition,
    viewer: Viewer,
    now: datetime,
) -> MailSource:
    """Return what a viewer gets of an issue, or of an edition's next one.

    Raise IssueError if there is no mail, and RenderingError or DeliveryError if none can be made.
    """
    maker = _Maker(connection, settings, renderer, viewer, now)
    if isinstance(what, Edition):
        return maker.of_next(what)
    edition = settings.edition(what.newsletter, what.language)
    if edition is None:
        raise IssueError(message("%(issue)s: %(why)s", issue=what.name, why=EDITION_REMOVED))
    if what.state in _UNSELECTED:
        return maker.of_next(edition, what)
    return maker.of_issue(edition, what)


@dataclass(frozen=True, slots=True)
class _Maker:
    connection: Connection
    settings: Settings
    renderer: Renderer
    viewer: Viewer
    now: datetime

    def of_next(self, edition: Edition, issue: Issue | None = None) -> MailSource:
        """Return the mail of an issue whose articles are not selected yet."""
        preview = preview_issue(
            self.connection, self.settings, self.renderer, edition, self.now
        )
        if issue is not None:
            since, more = preview.issue.available_since, preview.issue.more
            found = replace(issue, assembled_at=self.now, available_since=since, more=more)
            preview = replace(preview, issue=found)
        chosen = [(one.article.story_id, one.article.id) for one in preview.content.items]
        own = Choice(tuple(chosen), edition.max_articles, preview.issue.more)
        return self._of_viewer(edition, preview.issue, own, self._rendered(preview))

    def of_issue(self, edition: Edition, issue: Issue) -> MailSource:
        """Return the mail of an issue whose articles are selected."""
        audience = AudienceOfIssue(self.connection, self.settings, edition, issue, self.now)
        row = audience.row(self.viewer)
        own = self._frozen(issue) or self._held(edition, issue)
        if row is None:
            return self._of_viewer(edition, issue, own_choice(self.connection, issue), own)
        source = own if row.variant_id is None else self._variant(issue, own, row.variant_id)
        return replace(source, due_at=row.due_at, not_sent=row.cause)

    def _frozen(self, issue: Issue) -> MailSource | None:
        revised = revised_page_table.c
        query = select(digest_table, revised.page.label("revised")).outerjoin(
            revised_page_table, revised.issue_id == digest_table.c.issue_id
        )
        row = self.connection.execute(
            query.where(digest_table.c.issue_id == issue.id)
        ).one_or_none()
        if row is None or issue.state is IssueState.ASSEMBLING:
            return None
        return MailSource(
            issue=issue,
            subject=row.subject,
            preheader=row.preheader,
            html=row.html,
            text=row.text,
            page=row.revised or row.page,
            sha256=row.sha256,
            findings=row.findings,
            due_at=issue.due_at,
            is_frozen=True,
        )

    def _held(self, edition: Edition, issue: Issue) -> MailSource:
        place = (self.connection, self.settings, self.renderer, edition, issue)
        preview = preview_held_issue(*place)
        if preview is None:
            raise IssueError(
                message("%(issue)s: all its articles were withdrawn", issue=issue.name)
            )
        return self._rendered(preview)

    def _rendered(self, preview: IssuePreview) -> MailSource:
        feeds = views.feed_lines(self.settings.publication, preview.issue.language)
        page = self.renderer.issue_page(preview.content, feeds)
        source = _made(preview.issue, (preview.digest, preview.gate_run), page)
        sha256 = digest_hash(preview.digest, page)
        return replace(source, sha256=sha256, why_not_new=preview.why_not_new)

    def _of_viewer(
        self, edition: Edition, issue: Issue, own: Choice, digest: MailSource
    ) -> MailSource:
        """Return what somebody without a row in the ledger would get."""
        audience = AudienceOfIssue(self.connection, self.settings, edition, issue, self.now)
        excluded = audience.exclusion(self.viewer)
        content = audience.content(own, self.viewer)
        if isinstance(content, Cause):
            return replace(digest, not_sent=excluded or content)
        if own.is_digest(content):
            return replace(digest, not_sent=excluded)
        return replace(self._expected(issue, digest, content), not_sent=excluded)

    def _expected(self, issue: Issue, digest: MailSource, content: MailContent) -> MailSource:
        numbers = [article for _story, article in content.articles]
        return self._other(replace(issue, more=content.more), digest, numbers, content.length)

    def _variant(self, issue: Issue, digest: MailSource, number: int) -> MailSource:
        """Return a variant as it is stored, or rendered if it is not yet."""
        query = select(issue_variant_table).where(issue_variant_table.c.id == number)
        row = self.connection.execute(query).one()
        if row.sha256 is None:
            variant = IssueVariant(row.id, row.issue_id, row.length, row.more)
            numbers = article_ids_of_variant(self.connection, variant)
            return self._other(replace(issue, more=row.more), digest, numbers, row.length)
        return replace(
            digest,
            subject=row.subject,
            preheader=row.preheader,
            html=row.html,
            text=row.text,
            sha256=row.sha256,
            findings=row.findings,
            is_variant=True,
        )

    def _other(
        self, issue: Issue, digest: MailSource, numbers: Sequence[int], length: str | None
    ) -> MailSource:
        content = variant_content(self.connection, self.settings, issue, numbers, length)
        if not content.items:
            return replace(digest, not_sent=ARTICLES_WITHDRAWN)
        found = render_passing_digest(self.settings.publication, self.renderer, issue, content)
        # Its mails lead to the issue's own page.
        return replace(_made(issue, found, digest.page), is_variant=True)


def _made(issue: Issue, found: tuple[Digest, GateRun], page: str) -> MailSource:
    digest, gate_run = found
    return MailSource(
        issue=issue,
        subject=digest.subject,
        preheader=digest.preheader,
        html=digest.html,
        text=digest.text,
        page=page,
        sha256=digest_hash(digest, ""),
        findings=[finding_data(one) for one in gate_run.report.findings],
        due_at=issue.due_at,
        is_frozen=False,
    )
