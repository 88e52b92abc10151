"""`publisher preview`: an edition's next issue, as a file or as screenshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    NowOption,
    count_noun,
    editing,
    parse_now,
    read_settings,
    writing_file,
)
from publisher.cli.gate_report import count_findings
from publisher.cli.preview_options import DayOption, SubscriberOption, explain_old, preview_for
from publisher.cli.terminal_text import echo
from publisher.clock import Clock
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.issue_preview import MailPreview
    from publisher.app.screenshots import Screenshot
    from publisher.config import Edition, Settings

_DEFAULT_OUT = Path("preview.html")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "preview",
        epilog="Example: publisher preview weekly --lang zh-Hant --out digest.html my-publication",
    )(preview_command)


def preview_command(  # noqa: PLR0913  # the options of the command
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
            help="Where to write it; .txt for plain text, .eml for the whole message.",
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
    day: DayOption = None,
    subscriber: SubscriberOption = None,
    account: ActorOption = None,
    now: NowOption = None,
) -> None:
    """Write what the next issue would be if it were made now, or one that is there.

    Plans and sends nothing.
    """
    clock, settings = parse_now(now), read_settings(directory)

    from publisher.app.dry_run import open_preview
    from publisher.app.editions import choose_editions, find_edition

    if screenshots is not None and (out or day or subscriber):
        raise UsageError(
            "--screenshots shows the next issue; give it without --out and the others"
        )
    if screenshots is None:
        edition = find_edition(settings, newsletter, lang)
        if day or subscriber or account:
            with (
                editing(directory, account, clock) as (state, actor),
                open_preview(state, picks_up=day is None, subscriber=subscriber) as seen,
            ):
                mail = preview_for(*seen, actor, edition, day, subscriber)
            _write_mail(mail, out or _DEFAULT_OUT)
        else:
            _write(settings, clock, edition, out or _DEFAULT_OUT)
    else:
        editions = choose_editions(settings, newsletter, lang)
        _write_screenshots(settings, clock, editions, screenshots)


def _write(settings: Settings, clock: Clock, edition: Edition, out: Path) -> None:
    from publisher.app.dry_run import preview_edition

    preview = preview_edition(settings, clock, edition)
    mail = preview.gate_run.mail
    parts: dict[str, str | bytes] = {".txt": mail.text, ".eml": mail.content}
    size = _write_file(out, parts.get(out.suffix, mail.html))
    echo(f"{preview.subject}\n{count_noun(preview.articles, 'article')}, {size} bytes: {out}")
    explain_old(preview.why_not_new)
    echo(count_findings(preview.findings))


def _write_mail(mail: MailPreview, out: Path) -> None:
    parts: dict[str, str | bytes] = {".txt": mail.text, ".eml": mail.message}
    size = _write_file(out, parts.get(out.suffix, mail.html))
    echo(f"{mail.subject}\n{size} bytes: {out}")
    explain_old(mail.source.why_not_new)
    if mail.not_sent:
        echo(f"It is not sent: {mail.not_sent.sentence}.")
    echo(count_findings(mail.findings))


def _write_file(out: Path, content: str | bytes) -> int:
    """Write a file, text with LF, and return its size."""
    if isinstance(content, str):
        content = content.replace("\r\n", "\n").encode()
    with writing_file(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    return len(content)


def _write_screenshots(
    settings: Settings, clock: Clock, editions: list[Edition], folder: Path
) -> None:
    from publisher.app.screenshots import photograph_editions, write_screenshots

    taken: list[Screenshot] = []
    for one in photograph_editions(settings, editions, clock):
        echo(one.problem or f"{one.language}: {one.subject}", err=bool(one.problem))
        taken += one.taken
    write_screenshots(folder, taken)
    echo(f"{count_noun(len(taken), 'screenshot')} and a sheet of all of them: {folder}")
