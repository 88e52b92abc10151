"""A digest that is fit to be sent: made, put before the gate, and made again without what spoils it.

An article that can't be sent even by itself must not hold back all others: it is left out of
the mail, stays on the web, and the editor is told. Where every article fails, the fault is the
template's, and the issue waits. Knows no row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from publisher.assembly.gate_run import GateRun, check_digest, finding_of_note, finding_text
from publisher.config import Publication
from publisher.errors import PublisherError
from publisher.gate.findings import GateReport
from publisher.issues.model import Issue
from publisher.rendering import ArticleView, Digest, DigestNote, IssueContent, Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A digest, and what the gate says of it: without errors, if there is any way to that."""

    digest: Digest
    proof: GateRun


def render_passing_digest(
    publication: Publication, renderer: Renderer, issue: Issue, content: IssueContent
) -> Fit:
    """Make the digest of an issue, without articles that can't be sent.

    Raises RenderingError or DeliveryError where no mail can be made at all.
    """

    def attempt(items: tuple[ArticleView, ...]) -> Fit | PublisherError:
        try:
            digest = renderer.digest(replace(content, items=items))
            return Fit(digest=digest, proof=check_digest(publication, issue, digest))
        except PublisherError as error:
            return error

    whole = attempt(content.items)
    if _fault(whole) is None or len(content.items) == 1:
        return _given(whole)
    faults = {item: fault for item in content.items if (fault := _fault(attempt((item,))))}
    sound = tuple(item for item in content.items if item not in faults)
    rest = attempt(sound) if faults and sound else whole
    if isinstance(rest, PublisherError) or _fault(rest) is not None:
        return _given(whole)
    notes = [
        DigestNote(code="article-left-out", text=f"“{item.article.title}”, {item.url}: {fault}")
        for item, fault in faults.items()
    ]
    findings = (*rest.proof.report.findings, *map(finding_of_note, notes))
    return replace(rest, proof=replace(rest.proof, report=GateReport(findings=findings)))


def _given(attempted: Fit | PublisherError) -> Fit:
    if isinstance(attempted, PublisherError):
        raise attempted
    return attempted


def _fault(attempted: Fit | PublisherError) -> str | None:
    """Say why a mail can't be sent, None if it can."""
    if isinstance(attempted, PublisherError):
        return str(attempted)
    errors = attempted.proof.report.errors
    return finding_text(errors[0]) if errors else None
