"""Render an issue that corrects another one: an editor's words, checked by the gate as any mail."""

from __future__ import annotations

from sqlalchemy import Connection

from publisher import urls
from publisher.assembly.gate_run import GateRun, check_digest
from publisher.config import Edition, Settings
from publisher.issues.corrections import correction_by
from publisher.issues.digests import digest_of
from publisher.issues.model import Issue
from publisher.rendering import Digest, Renderer, views
from publisher.rendering.correction import CorrectionContent
from publisher.rendering.placeholders import neutralise_placeholders


def render_correction_issue(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    edition: Edition,
    issue: Issue,
) -> tuple[Digest, GateRun, str]:
    """Return a correction's mail, what the gate found in it, and its page.

    Raise RenderingError or DeliveryError if no mail can be made.
    """
    content = correction_content(connection, settings, edition, issue)
    digest = renderer.correction(content)
    page = renderer.correction_page(
        content, views.feed_lines(settings.publication, issue.language)
    )
    return digest, check_digest(settings.publication, issue, digest), page


def correction_content(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> CorrectionContent:
    """Return what a correction says. Nothing in it is taken for a placeholder."""
    correction, first = correction_by(connection, issue)
    publication, language = settings.publication, issue.language

    def address(one: Issue) -> str:
        path = urls.issue_path(language, one.newsletter, one.day, one.serial)
        return urls.public_url(publication, path)

    return CorrectionContent(
        publication=views.site_view(settings, language),
        title=edition.title(language),
        subject=neutralise_placeholders(correction.subject),
        html=neutralise_placeholders(correction.html),
        day=correction.created_at.astimezone(settings.zone()).date(),
        first_day=first.day,
        first_subject=neutralise_placeholders(digest_of(connection, first).subject),
        first_url=address(first),
        web_url=address(issue),
    )
