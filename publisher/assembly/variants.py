"""Render a variant of an issue: the same steps as for its digest, the gate included.

Nothing is stored here. A variant has no page of its own: its mails lead to the issue's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from publisher.assembly.assemble import content_of_articles, digest_hash
from publisher.assembly.gate_run import finding_text, render_passing_digest
from publisher.config import Settings
from publisher.config.policies import Content
from publisher.database import Database
from publisher.errors import GateError, IssueError
from publisher.gate.findings import finding_data
from publisher.issues.approvals import stored_manifest
from publisher.issues.manifest import changed_parts, make_manifest, read_manifest
from publisher.issues.model import EDITION_REMOVED, Issue
from publisher.issues.variants import IssueVariant, article_ids_of_variant
from publisher.rendering import IssueContent, Renderer


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
    with database.reading() as connection:
        numbers = article_ids_of_variant(connection, variant)
        if changes := _changes_of_basis(connection, settings, renderer, issue, numbers):
            raise IssueError(
                f"changed since the issue was approved: {', '.join(changes)}; not sent without approval"
            )
        content = variant_content(
            connection, settings, replace(issue, more=variant.more), numbers, variant.length
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


def _changes_of_basis(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    issue: Issue,
    numbers: Sequence[int],
) -> list[str]:
    """Return in words what a variant would have that approvers did not see.

    Articles that were withdrawn are none of it. Those of a catch-up are of earlier issues.
    """
    stored = stored_manifest(connection, issue)
    edition = settings.edition(issue.newsletter, issue.language)
    if stored is None or edition is None:
        return []
    old, templates = read_manifest(stored), renderer.fingerprint()
    new = make_manifest(connection, settings, edition, issue, old["digest"], templates)
    known, present = old["articles"], new["articles"]
    used = {str(number) for number in numbers} & present.keys()
    shown = {number: present[number] for number in used}
    signed = {number: known.get(number) for number in used}
    return changed_parts({**old, "articles": signed}, {**new, "articles": shown})


def variant_content(
    connection: Connection,
    settings: Settings,
    issue: Issue,
    numbers: Sequence[int],
    length: str | None,
) -> IssueContent:
    """Return the content of an issue with other articles, or another length than the newsletter's.

    Raise IssueError if there is no such edition any more.
    """
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None:
        raise IssueError(EDITION_REMOVED)
    if length:
        edition = replace(edition, content=Content(length))
    return content_of_articles(connection, settings, edition, issue, numbers)
