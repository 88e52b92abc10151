"""`publisher new`: a folder to start from, with an example or for a site that is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import count_noun
from publisher.cli.problem_lines import left_out_parts
from publisher.cli.terminal_text import echo
from publisher.clock import SystemClock

if TYPE_CHECKING:
    from publisher.app.site_publication import SiteSurvey

# Documents that can't be read, of which the reasons are printed.
_UNREADABLE_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = "Example: publisher new my-publication --from ../our-site"
    app.command("new", epilog=example)(new_command)


def new_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    site: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="SITE",
            help="The folder of a site (Jekyll, Hugo, Docusaurus, Eleventy, VitePress) or of files.",
        ),
    ] = None,
) -> None:
    """Write a commented publication.toml and an example article into a new folder.

    With --from, write one for a site that is there, and print what was understood of it.
    """
    from publisher.app.new import create_publication
    from publisher.app.site_publication import create_from_site
    from publisher.config import SETTINGS_FILE

    if site:
        survey = create_from_site(directory, site)
        for line in _survey_lines(survey, site):
            echo(line)
        echo(f"Made {directory / SETTINGS_FILE}")
        echo(_examples_line(directory))
        echo(f"Next: publisher run --once {directory}")
        return
    create_publication(directory, SystemClock().now().date())
    echo(f"Made {directory / SETTINGS_FILE} and an example article.")
    echo(_examples_line(directory))
    echo(
        f"Next: publisher preview weekly --out digest.html {directory}\n"
        f"      publisher subscribers import {directory / 'subscribers.csv'} {directory}\n"
        f"      publisher run {directory}"
    )


def _examples_line(directory: Path) -> str:
    """Return a line that names the settings that nobody but the owner knows."""
    from publisher.config import load_settings

    examples = load_settings(directory, {}).publication.examples()
    return f"Examples that you have to replace before mail is sent: {', '.join(examples)}"


def _survey_lines(survey: SiteSurvey, site: Path) -> Iterator[str]:
    """Yield what was understood of a site, and what was not."""
    from publisher.languages import autonym

    what = "a plain folder" if survey.generator == "plain" else f"a site of {survey.generator}"
    yield f"{site}: {what}{f', which stands at {survey.url}' if survey.url else ''}"
    for language, number in survey.languages.items():
        yield f"  {autonym(language)} ({language}): {count_noun(number, 'article')}"
    if missing := [one for one in survey.declared if one not in survey.languages]:
        names = ", ".join(f"{autonym(one)} ({one})" for one in missing)
        yield f"  Declared by the site, and without an article: {names}"
        yield "    If there are some: name their folder in a source of its own, by include and language"
    total = len(survey.stories)
    yield f"  {count_noun(total, 'story', 'stories')}, {survey.linked:,} in several languages"
    if survey.undated:
        dating = "dated by the history of the repository, else by the first run"
        yield f"Without a date: {survey.undated:,}; they are {dating}"
    if survey.held_back:
        parts = (f"{number:,} {reason}" for reason, number in survey.held_back.most_common())
        yield f"Not published on purpose: {', '.join(parts)}"
    if survey.left_out:
        rows = [(str(one.reason), one.group, number) for one, number in survey.left_out.items()]
        rows.sort(key=lambda row: (-row[2], row))
        yield f"Left out by name: {', '.join(left_out_parts(rows))}"
        yield "  To take other files, name them in publication.toml: include, exclude"
    if survey.unreadable:
        yield f"Could not be read: {count_noun(len(survey.unreadable), 'file')}"
        yield from (f"  {path}: {why}" for path, why in survey.unreadable[:_UNREADABLE_SHOWN])
