"""Run the gate on each edition's next issue and on mails about subscriptions; try templates. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.app.check_result import CheckResult
from publisher.app.dry_run import open_dry_run, preview_held, preview_next
from publisher.app.pipeline import Pipeline
from publisher.assembly.gate_run import SAMPLE_SECRET
from publisher.assembly.preview import IssuePreview
from publisher.clock import Clock
from publisher.config import SETTINGS_FILE, Edition, Settings
from publisher.errors import IssueError, PublisherError
from publisher.fault_isolation import isolated
from publisher.notices.gate_samples import sample_notices
from publisher.rendering.template_files import misspelt_templates
from publisher.site.own_templates import try_templates

if TYPE_CHECKING:
    from publisher.notices.composer import NoticeComposer
    from publisher.notices.ledger import QueuedNotice


def check_editions(
    settings: Settings, editions: Iterable[Edition], clock: Clock, *, notices: bool = False
) -> Iterator[CheckResult]:
    """Yield the results of editions: first of issues that were due and wait, then of the next one.

    After the editions of a language, `notices` adds the mails about subscriptions in it, and before all
    what is wrong with settings and with templates of pages. An edition without articles, or whose mail
    can't be made, stops no other.
    """
    with open_dry_run(settings, clock) as pipeline:
        if notices:
            yield from _check_files(settings, pipeline)
        for language, of_language in groupby(editions, key=lambda one: one.language):
            for edition in of_language:
                yield from _check_held(pipeline, edition)
                yield _check_next(pipeline, edition)
            if notices:
                yield from _check_notices(pipeline, language)


def _check_files(settings: Settings, pipeline: Pipeline) -> Iterator[CheckResult]:
    """Check what is not of one mail: the settings, templates of pages, and catalogues."""
    publication = settings.publication
    about = CheckResult(language=publication.default_language, file=Path(SETTINGS_FILE))
    for key, value in publication.examples().items():
        what = f"{key} is still an example: {value!r}. Write your own before mail is sent"
        yield replace(about, remark=what)
    sender = publication.sender
    if sender.name and len(publication.languages) > 1:
        what = f"the name of sender, {sender.name!r}, is the same in every language. Without it, as"
        what += f" {sender.address!r} alone, the name is the title in the language of the mail"
        yield replace(about, remark=what)
    about = replace(about, file=Path("templates"))
    renderer, now = pipeline.renderer, pipeline.clock.now()
    faults, misspelt = list[str](), list[str]()
    with isolated("templates", faults.append):
        misspelt += misspelt_templates(settings.folders.root)
        try_templates(pipeline.settings, pipeline.database, renderer, now)
    for what in misspelt:
        yield replace(about, remark=what)
    for fault in faults + renderer.take_faults():
        yield replace(about, problem=fault)


def _check_notices(pipeline: Pipeline, language: str) -> Iterator[CheckResult]:
    """Check each kind of mail about a subscription, with sample values.

    Kinds that this publication has neither a page nor a mailbox for are left out: none is sent.
    """
    from publisher.notices.composer import NoticeComposer

    settings = pipeline.settings
    composer = NoticeComposer(settings, pipeline.renderer.system_mail, SAMPLE_SECRET)
    names = [one.name for one in settings.newsletters if settings.edition(one.name, language)]
    for row in sample_notices(names, language):
        if composer.can_send(row.kind):
            yield _check_notice(pipeline, composer, row)


def _check_notice(
    pipeline: Pipeline, composer: NoticeComposer, row: QueuedNotice
) -> CheckResult:
    result = CheckResult(language=row.language, notice=row.kind.value)
    try:
        with pipeline.database.reading() as connection:
            proof = composer.check(connection, row)
    except PublisherError as error:
        return replace(result, problem=str(error))
    return replace(result, subject=proof.mail.decoded_header("Subject"), proof=proof)


def _check_held(pipeline: Pipeline, edition: Edition) -> Iterator[CheckResult]:
    """Check the issues that were due and are held back by an error."""
    try:
        for preview in preview_held(pipeline, edition):
            yield _result(preview, "was due, and waits until this is mended")
    except PublisherError as error:
        yield replace(_without_mail(edition), problem=f"was due, and waits: {error}")


def _check_next(pipeline: Pipeline, edition: Edition) -> CheckResult:
    try:
        preview = preview_next(pipeline, edition)
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
