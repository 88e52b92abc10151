"""Render an issue that passes the gate, without the articles that fail on their own.

One article that can't be mailed must not hold back all others. It is left out of the mail, stays
on the web, and the editor gets a warning. If every article fails, the cause is the template, and
the whole issue waits.
"""

from __future__ import annotations

from dataclasses import replace

from publisher.assembly.gate_run import GateRun, check_digest, finding_of_note, finding_text
from publisher.config import Publication
from publisher.errors import PublisherError
from publisher.gate.findings import GateReport
from publisher.issues.model import Issue
from publisher.rendering import ArticleView, Digest, DigestNote, IssueContent, Renderer

_Attempt = tuple[Digest, GateRun] | PublisherError


def render_passing_digest(
    publication: Publication, renderer: Renderer, issue: Issue, content: IssueContent
) -> tuple[Digest, GateRun]:
    """Return an issue's digest and what the gate found in it.

    The gate's errors are in the report only if no choice of articles passes. Raise RenderingError
    or DeliveryError if no mail can be made at all.
    """

    def attempt(items: tuple[ArticleView, ...]) -> _Attempt:
        try:
            digest = renderer.digest(replace(content, items=items))
            return digest, check_digest(publication, issue, digest)
        except PublisherError as error:
            return error

    whole = attempt(content.items)
    if _failure(whole) is None or len(content.items) == 1:
        return _result(whole)
    alone = {item: attempt((item,)) for item in content.items}
    passing = tuple(item for item in content.items if _failure(alone[item]) is None)
    if not passing or len(passing) == len(content.items):
        return _result(whole)
    rest = alone[passing[0]] if len(passing) == 1 else attempt(passing)
    if isinstance(rest, PublisherError) or _failure(rest) is not None:
        return _result(whole)
    digest, run = rest
    left_out = [_left_out(item, alone[item]) for item in content.items if item not in passing]
    findings = (*run.report.findings, *map(finding_of_note, left_out))
    return digest, replace(run, report=GateReport(findings=findings))


def _result(attempt: _Attempt) -> tuple[Digest, GateRun]:
    if isinstance(attempt, PublisherError):
        raise attempt
    return attempt


def _left_out(item: ArticleView, attempt: _Attempt) -> DigestNote:
    text = f"“{item.article.title}”, {item.url}: {_failure(attempt)}"
    return DigestNote(code="article-left-out", text=text)


def _failure(attempt: _Attempt) -> str | None:
    """Return why a mail can't be sent; None if it can."""
    if isinstance(attempt, PublisherError):
        return str(attempt)
    _digest, run = attempt
    return finding_text(run.report.errors[0]) if run.report.errors else None
