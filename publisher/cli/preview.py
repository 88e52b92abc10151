"""`publisher preview`: what an edition's next issue would look like now."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Directory, Now, clock_of, counted
from publisher.config import Edition, Settings, load
from publisher.errors import IssueError, LanguageError, UsageError
from publisher.languages import match, normalise

if TYPE_CHECKING:
    from publisher.cycle import Press
    from publisher.rendering import Digest


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "preview",
        epilog="Example: publisher preview weekly --lang zh-Hant --out digest.html my-publication",
    )(preview)


def preview(
    newsletter: Annotated[str, typer.Argument(help="The newsletter's name.")],
    directory: Directory = HERE,
    *,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="TAG", help="The language; else the first.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="Where to write it; .txt for plain text."),
    ] = Path("preview.html"),
    now: Now = None,
) -> None:
    """Write what the next issue would be if it were made now; plans and sends nothing."""
    clock = clock_of(now)
    settings = load(directory)
    edition = _edition(settings, newsletter, lang)

    from publisher.cycle import press

    with (
        tempfile.TemporaryDirectory() as name,
        press(_copy(settings, Path(name)), clock) as machine,
    ):
        machine.pick_up(clock.now())
        digest, articles = _render(machine, edition, clock.now())
    content = digest.text if out.suffix == ".txt" else digest.html
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(content, "utf-8")
    except OSError as error:
        raise UsageError(f"{out}: can't be written: {error.strerror or error}") from None
    typer.echo(
        f"{digest.subject}\n{counted(articles, 'article')}, {len(content.encode())} bytes: {out}"
    )


def _edition(settings: Settings, name: str, lang: str | None) -> Edition:
    newsletter = settings.newsletter(name)
    if newsletter is None:
        names = ", ".join(n.name for n in settings.newsletters) or "none"
        raise UsageError(f"{name}: no such newsletter; there are: {names}")
    editions = settings.editions(newsletter)
    if lang is None:
        return editions[0]
    try:
        found = match(normalise(lang), [edition.language for edition in editions])
    except LanguageError as error:
        raise UsageError(f"--lang: {error}") from None
    for edition in editions:
        if edition.language == found:
            return edition
    languages = ", ".join(edition.language for edition in editions)
    raise UsageError(f"--lang: {name} has no edition in {lang}; there are: {languages}")


def _copy(settings: Settings, folder: Path) -> Settings:
    """Give the settings of a copy to try things on: what a preview reads is not picked up."""
    from publisher.database.upgrading import back_up

    copy = replace(settings, folders=replace(settings.folders, root=folder))
    copy.folders.var.mkdir()
    if settings.folders.database.exists():
        back_up(settings.folders.database, copy.folders.database)
    # Templates and sources stay where they are, under the names that the database knows.
    for name in (copy.folders.templates.name, *(source.path for source in settings.sources)):
        place = settings.folders.root / name
        if place.exists() and not Path(name).is_absolute() and ".." not in Path(name).parts:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(place)
    sources = [
        source
        if (folder / source.path).is_symlink()
        else source.model_copy(update={"path": str(settings.folders.root / source.path)})
        for source in settings.sources
    ]
    return replace(copy, sources=tuple(sources))


def _render(machine: Press, edition: Edition, now: datetime) -> tuple[Digest, int]:
    from publisher.assembly import content_of, preview_selection
    from publisher.issues.planning import HORIZON
    from publisher.recurrence import occurrences

    coming = next(occurrences(edition.schedule, edition.zone, now, now + HORIZON), None)
    day = coming.day if coming else now.astimezone(edition.zone).date()
    with machine.database.reading() as connection:
        selection = preview_selection(connection, edition, now)
        if not selection.chosen:
            raise IssueError(
                f"{edition.newsletter} in {edition.language} would have nothing to say: "
                f"{selection.reason_if_empty()}"
            )
        content = content_of(
            connection,
            machine.settings,
            edition,
            selection.chosen,
            day=day,
            now=now,
            more=selection.more,
        )
    return machine.renderer.digest(content), len(selection.chosen)
