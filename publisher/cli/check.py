"""`publisher check`: run the gate on each edition's next issue, or on a mail in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.app.check import CheckResult
from publisher.app.dry_run import (
    match_language,
    open_dry_run,
    preview_held,
    preview_next,
    preview_subject,
)
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    NowOption,
    parse_now,
    print_json,
    read_settings,
    stdout_console,
)
from publisher.cli.gate_report import print_report, report_as_json
from publisher.clock import Clock
from publisher.errors import IssueError, PublisherError, UsageError

if TYPE_CHECKING:
    from publisher.app.pipeline import Pipeline
    from publisher.assembly.preview import IssuePreview
    from publisher.config import Edition, Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", epilog="Example: publisher check --lang ar my-publication")(
        check_command
    )


def check_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    newsletter: Annotated[
        str | None, typer.Option("--newsletter", metavar="NAME", help="Only this newsletter.")
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="TAG", help="Only this language; with --file, its own."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="MAIL", help="Check a message (.eml) or a page (.html)."
        ),
    ] = None,
    as_json_: JsonOption = False,
    now: NowOption = None,
) -> None:
    """Check the next mail of every edition; exit code 1 if any has an error."""
    if file is not None:
        if newsletter is not None or directory != CURRENT_FOLDER:
            raise UsageError(
                "--file: a mail in a file belongs to no publication; leave out the folder and --newsletter"
            )
        from publisher.app.eml_input import check_file

        results = [check_file(file, lang)]
    else:
        settings = read_settings(directory)
        editions = _editions(settings, newsletter, lang)
        results = list(_checked(settings, editions, parse_now(now)))
    if as_json_:
        print_json(report_as_json(results))
    else:
        print_report(stdout_console(), results)
    if any(result.failed for result in results):
        raise typer.Exit(1)


def _editions(settings: Settings, newsletter: str | None, lang: str | None) -> list[Edition]:
    """Return the chosen editions, language by language; raise UsageError."""
    if newsletter is not None and settings.newsletter(newsletter) is None:
        names = ", ".join(n.name for n in settings.newsletters) or "none"
        raise UsageError(f"{newsletter}: no such newsletter; there are: {names}")
    found = [
        edition
        for one in settings.newsletters
        if newsletter in (None, one.name)
        for edition in settings.editions(one)
    ]
    if lang is not None:
        languages = list(dict.fromkeys(edition.language for edition in found))
        wanted = match_language(lang, languages)
        if wanted is None:
            listed = ", ".join(languages) or "none"
            raise UsageError(f"--lang: there is no edition in {lang}; there are: {listed}")
        found = [edition for edition in found if edition.language == wanted]
    order = settings.publication.languages
    return sorted(found, key=lambda edition: order.index(edition.language))


def _checked(
    settings: Settings, editions: list[Edition], clock: Clock
) -> Iterator[CheckResult]:
    if not editions:
        raise UsageError("there is no newsletter; add a table [[newsletter]]")
    with open_dry_run(settings, clock) as machine:
        for edition in editions:
            yield from _held(machine, edition)
            yield _next(machine, edition, clock)


def _held(machine: Pipeline, edition: Edition) -> Iterator[CheckResult]:
    """Check the issues that were due and are held back by an error."""
    try:
        for rehearsal in preview_held(machine, edition):
            yield _checked_edition(rehearsal, "was due, and waits until this is mended")
    except PublisherError as error:
        yield replace(_unmade(edition), problem=f"was due, and waits: {error}")


def _next(machine: Pipeline, edition: Edition, clock: Clock) -> CheckResult:
    try:
        rehearsal = preview_next(machine, edition, clock.now(), or_newest=True)
    except IssueError as error:
        return replace(_unmade(edition), remark=str(error))
    except PublisherError as error:
        return replace(_unmade(edition), problem=str(error))
    remark = None
    if rehearsal.why_not_new:
        remark = f"with its newest articles, since there are {rehearsal.why_not_new}"
    return _checked_edition(rehearsal, remark)


def _unmade(edition: Edition) -> CheckResult:
    return CheckResult(newsletter=edition.newsletter, language=edition.language)


def _checked_edition(rehearsal: IssuePreview, remark: str | None) -> CheckResult:
    return replace(
        _unmade(rehearsal.edition),
        day=rehearsal.issue.day,
        subject=preview_subject(rehearsal),
        articles=rehearsal.articles,
        remark=remark,
        proof=rehearsal.gate_run,
    )
