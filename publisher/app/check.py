"""Run the gate on each edition's next issue, without storing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from publisher.app.check_result import CheckResult
from publisher.app.dry_run import open_dry_run, preview_held, preview_next
from publisher.app.pipeline import Pipeline
from publisher.assembly.preview import IssuePreview
from publisher.clock import Clock
from publisher.config import Edition, Settings
from publisher.errors import IssueError, PublisherError


def check_editions(
    settings: Settings, editions: Iterable[Edition], clock: Clock
) -> Iterator[CheckResult]:
    """Yield the results of editions: first of issues that were due and wait, then of the next one.

    An edition without articles, or whose mail can't be made, stops no other.
    """
    with open_dry_run(settings, clock) as pipeline:
        for edition in editions:
            yield from _check_held(pipeline, edition)
            yield _check_next(pipeline, edition)


def _check_held(pipeline: Pipeline, edition: Edition) -> Iterator[CheckResult]:
    """Check the issues that were due and are held back by an error."""
    try:
        for preview in preview_held(pipeline, edition):
            yield _result(preview, "was due, and waits until this is mended")
    except PublisherError as error:
        yield replace(_without_mail(edition), problem=f"was due, and waits: {error}")


def _check_next(pipeline: Pipeline, edition: Edition) -> CheckResult:
    try:
        preview = preview_next(pipeline, edition, or_newest=True)
    except IssueError as error:
        return replace(_without_mail(edition), remark=str(error))
    except PublisherError as error:
        return replace(_without_mail(edition), problem=str(error))
    remark = None
    if preview.why_not_new:
        remark = f"with its newest articles, since there are {preview.why_not_new}"
    return _result(preview, remark)


def _without_mail(edition: Edition) -> CheckResult:
    return CheckResult(newsletter=edition.newsletter, language=edition.language)


def _result(preview: IssuePreview, remark: str | None) -> CheckResult:
    return replace(
        _without_mail(preview.edition),
        day=preview.issue.day,
        subject=preview.subject,
        articles=preview.articles,
        remark=remark,
        proof=preview.gate_run,
    )
