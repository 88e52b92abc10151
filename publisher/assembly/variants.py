"""Render a variant of an issue: the same steps as for its digest, the gate included.

Nothing is stored here. A variant has no page of its own: its mails lead to the issue's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from publisher.assembly.assemble import content_of_articles, digest_hash
from publisher.assembly.gate_run import finding_text, render_passing_digest
from publisher.config import Settings
from publisher.config.newsletters import Content
from publisher.database import Database
from publisher.errors import GateError, IssueError
from publisher.gate.findings import finding_data
from publisher.issues.model import EDITION_REMOVED, Issue
from publisher.issues.variants import IssueVariant, article_ids_of_variant
from publisher.rendering import Renderer


def render_variant(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    issue: Issue,
    variant: IssueVariant,
) -> dict[str, Any] | None:
    """Return what is stored of a rendered variant; None if all its articles were withdrawn.

    Raise GateError if the gate rejects it, and RenderingError, DeliveryError or IssueError if no
    mail can be made.
    """
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None:
        raise IssueError(EDITION_REMOVED)
    if variant.length:
        edition = replace(edition, content=Content(variant.length))
    with database.reading() as connection:
        numbers = article_ids_of_variant(connection, variant)
        content = content_of_articles(
            connection, settings, edition, replace(issue, more=variant.more), numbers
        )
    if not content.items:
        return None
    digest, gate_run = render_passing_digest(settings.publication, renderer, issue, content)
    report = gate_run.report
    if report.errors:
        raise GateError(issue.name, len(report.errors), finding_text(report.errors[0]))
    return {
        "subject": digest.subject,
        "preheader": digest.preheader,
        "html": digest.html,
        "text": digest.text,
        "sha256": digest_hash(digest, ""),
        "findings": [finding_data(finding) for finding in report.warnings],
    }
