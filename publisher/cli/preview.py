"""`publisher preview`: an edition's next issue, as a file or as screenshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.screenshots import Screenshot
    from publisher.config import Edition, Settings

_DEFAULT_OUT = Path("preview.html")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "preview",
        epilog="Example: publisher preview weekly --lang zh-Hant --out digest.html my-publication",
    )(preview_command)


def preview_command(
    newsletter: Annotated[
        str, typer.Argument(metavar="NEWSLETTER", help="The newsletter's name.")
    ],
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
    clock, settings = parse_now(now), read_settings(directory)

    from publisher.app.editions import choose_editions, find_edition

    if screenshots is None:
        edition = find_edition(settings, newsletter, lang)
        _write(settings, clock, edition, out or _DEFAULT_OUT)
    elif out is not None:
        raise UsageError("--out and --screenshots: give one of them")
    else:
        editions = choose_editions(settings, newsletter, lang)
        _write_screenshots(settings, clock, editions, screenshots)


def _write(settings: Settings, clock: Clock, edition: Edition, out: Path) -> None:
    from publisher.app.dry_run import preview_edition

    preview = preview_edition(settings, clock, edition)
    proof = preview.gate_run
    content = proof.mail.text if out.suffix == ".txt" else proof.mail.html
    content = content.replace("\r\n", "\n")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(content, "utf-8")
    except OSError as error:
        raise UsageError(f"{out}: can't be written: {error.strerror or error}") from None
    typer.echo(
        f"{preview.subject}\n{count_noun(preview.articles, 'article')}, "
        f"{len(content.encode())} bytes: {out}"
    )
    typer.echo(gate_summary(proof.report))


def _write_screenshots(
    settings: Settings, clock: Clock, editions: list[Edition], folder: Path
) -> None:
    from publisher.app.screenshots import photograph_editions, write_screenshots

    taken: list[Screenshot] = []
    for one in photograph_editions(settings, editions, clock):
        typer.echo(one.problem or f"{one.language}: {one.subject}", err=bool(one.problem))
        taken += one.taken
    write_screenshots(folder, taken)
    typer.echo(f"{count_noun(len(taken), 'screenshot')} and a sheet of all of them: {folder}")
