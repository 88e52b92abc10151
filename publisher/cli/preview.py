"""`publisher preview`: an edition's next issue, as a file or as screenshots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.app.dry_run import (
    find_edition,
    open_dry_run,
    preview_next,
    preview_subject,
)
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    NowOption,
    count_noun,
    parse_now,
    read_settings,
)
from publisher.cli.gate_report import gate_summary
from publisher.clock import Clock
from publisher.errors import IssueError, UsageError

if TYPE_CHECKING:
    from publisher.app.pipeline import Pipeline
    from publisher.config import Edition, Settings
    from publisher.screenshots import Screenshot

_DEFAULT_OUT = Path("preview.html")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "preview",
        epilog="Example: publisher preview weekly --lang zh-Hant --out digest.html my-publication",
    )(preview_command)


def preview_command(
    newsletter: Annotated[str, typer.Argument(help="The newsletter's name.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang", metavar="TAG", help="The language; else the first, for screenshots all."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where to write it; .txt for plain text.",
            show_default=str(_DEFAULT_OUT),
        ),
    ] = None,
    screenshots: Annotated[
        Path | None,
        typer.Option(
            "--screenshots",
            metavar="DIR",
            help="Photograph it instead, in every language, light and dark, 600 and 320 pixels "
            "wide; needs Chromium.",
        ),
    ] = None,
    now: NowOption = None,
) -> None:
    """Write what the next issue would be if it were made now; plans and sends nothing."""
    clock = parse_now(now)
    settings = read_settings(directory)
    edition = find_edition(settings, newsletter, lang)
    if screenshots is None:
        _write(settings, clock, edition, out or _DEFAULT_OUT)
    elif out is not None:
        raise UsageError("--out and --screenshots: give one of them")
    else:
        editions = [one for one in _all(settings, newsletter) if lang is None or one == edition]
        _take_screenshots(settings, clock, editions, screenshots)


def _write(settings: Settings, clock: Clock, edition: Edition, out: Path) -> None:
    with open_dry_run(settings, clock) as machine:
        rehearsal = preview_next(machine, edition, clock.now())
    proof = rehearsal.gate_run
    content = proof.mail.text if out.suffix == ".txt" else proof.mail.html
    content = content.replace("\r\n", "\n")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(content, "utf-8")
    except OSError as error:
        raise UsageError(f"{out}: can't be written: {error.strerror or error}") from None
    typer.echo(
        f"{preview_subject(rehearsal)}\n{count_noun(rehearsal.articles, 'article')}, "
        f"{len(content.encode())} bytes: {out}"
    )
    typer.echo(gate_summary(proof.report))


def _all(settings: Settings, newsletter: str) -> list[Edition]:
    return [
        edition
        for one in settings.newsletters
        if one.name == newsletter
        for edition in settings.editions(one)
    ]


def _take_screenshots(
    settings: Settings, clock: Clock, editions: list[Edition], folder: Path
) -> None:
    from publisher.cli.screenshots import write_screenshots
    from publisher.screenshots import find_chromium

    program = find_chromium()
    with open_dry_run(settings, clock) as machine:
        taken = [
            one
            for edition in editions
            for one in _views(program, settings, machine, edition, clock)
        ]
    if not taken:
        raise IssueError("there is no issue to take a screenshot of: no edition has an article")
    write_screenshots(folder, taken)
    typer.echo(f"{count_noun(len(taken), 'screenshot')} and a sheet of all of them: {folder}")


def _views(
    program: str, settings: Settings, machine: Pipeline, edition: Edition, clock: Clock
) -> Iterator[Screenshot]:
    """Photograph an edition's next issue, or what its newest articles would make, and say so.

    One without articles does not stop the others.
    """
    from publisher.cli.screenshots import take_screenshots
    from publisher.screenshots import MailPage

    try:
        rehearsal = preview_next(machine, edition, clock.now(), or_newest=True)
    except IssueError as error:
        typer.echo(f"{error}", err=True)
        return
    mail = MailPage(language=edition.language, html=rehearsal.gate_run.mail.html)
    typer.echo(f"{edition.language}: {preview_subject(rehearsal)}")
    # What was only now picked up lies in the copy.
    roots = [machine.settings.folders.public, settings.folders.public]
    yield from take_screenshots(program, mail, settings.publication.url, roots)
