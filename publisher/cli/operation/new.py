"""`publisher new`, `demo` and `dkim`: a folder to start from, and what a domain's name server has to hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.articles import left_out_parts
from publisher.cli.exit_codes import echo
from publisher.clock import SystemClock

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.app.operation.cycle import CycleReport
    from publisher.ingest.reports.site_survey import SiteSurvey


_UNREADABLE_SHOWN = 5  # documents that can't be read, of which the reasons are printed

_FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")]


@common.command("new", "my-publication --from ../our-site")
def new_command(directory: _FolderArgument, *, from_: str | None = None) -> None:
    """Write a commented publication.toml and an example article into a new folder.

    With --from, write one for a site that is there, and print what was understood of it.

    --from SITE: The address of a site or a feed, or the folder of a site (Jekyll, Hugo, Docusaurus, Eleventy, VitePress), of the HTML that any other generator has built, or of files.
    """
    from publisher.app.operation.new import create_publication
    from publisher.config import SETTINGS_FILE

    if from_:
        for line in _lines_from(directory, from_):
            echo(line)
        echo(f"Made {directory / SETTINGS_FILE}")
        for line in _unfinished_lines(directory):
            echo(line)
        echo(f"Next: publisher run --once {directory}")
        return
    create_publication(directory, SystemClock().now().date())
    echo(f"Made {directory / SETTINGS_FILE} and an example article.")
    for line in _unfinished_lines(directory):
        echo(line)
    echo(
        f"Next: publisher preview weekly --out digest.html {directory}\n"
        f"      publisher subscribers import {directory / 'subscribers.csv'} {directory}\n"
        f"      publisher run {directory}"
    )


def _lines_from(directory: Path, place: str) -> Iterator[str]:
    """Make a publication of a site, and yield what is understood of it."""
    from publisher.app.operation import new
    from publisher.cli.sources import probe_lines

    site = Path(place)
    if place.partition("://")[0] in {"http", "https"}:
        return probe_lines(new.create_from_address(directory, place), shows_tables=False)
    if new.holds_built_pages(site) and (found := new.create_from_built_site(directory, site)):
        return probe_lines(found, shows_tables=False)
    return _survey_lines(new.create_from_site(directory, site), site)


def _unfinished_lines(directory: Path) -> Iterator[str]:
    """Yield lines that name settings that nobody but the owner knows, and words that some readers would miss."""
    from publisher.app.operation.check import missing_words
    from publisher.config import load_settings

    settings = load_settings(directory, {})
    examples = ", ".join(settings.publication.examples())
    yield f"Examples that you have to replace before mail is sent: {examples}"
    for what in missing_words(settings):
        yield f"Words: {what}"


def _survey_lines(survey: SiteSurvey, site: Path) -> Iterator[str]:
    from publisher.languages import autonym

    what = "a plain folder" if survey.generator == "plain" else f"a site of {survey.generator}"
    yield f"{site}: {what}{f', which stands at {survey.url}' if survey.url else ''}"
    if survey.generator == "plain":
        yield "  No generator that is known. If one builds pages of it, give their folder or address instead"
    for language, number in survey.languages.items():
        yield f"  {autonym(language)} ({language}): {common.count_noun(number, 'article')}"
    if missing := [one for one in survey.declared if one not in survey.languages]:
        names = ", ".join(f"{autonym(one)} ({one})" for one in missing)
        yield f"  Declared by the site, and without an article: {names}"
        yield "    If there are some: name their folder in a source of its own, by include and language"
    total = len(survey.stories)
    yield f"  {common.count_noun(total, 'story', 'stories')}, {survey.linked:,} in several languages"
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
        yield f"Could not be read: {common.count_noun(len(survey.unreadable), 'file')}"
        yield from (f"  {path}: {why}" for path, why in survey.unreadable[:_UNREADABLE_SHOWN])


@common.command("demo", "build/demo")
def demo_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder, or that of an earlier demo.")
    ],
    *,
    live: bool = False,
) -> int:
    """Publish two weeks of the demo publication and show what went where.

    --live: Then pick up what three sites on this machine publish, which run meanwhile.
    """
    from publisher.app.operation.cycle import add_reports
    from publisher.app.operation.status import take_snapshot
    from publisher.cli.operation import cycle_summary
    from publisher.demo import publish_demo

    screen = common.stdout_console()
    reports: list[CycleReport] = []

    def show(now: datetime, report: CycleReport) -> None:
        reports.append(report)
        picked = report.picked_up
        screen.print(
            f"{now:%A %Y-%m-%d}: {picked.new} new articles, {report.issues} issues made, "
            f"{report.sent.messages} mails written, {report.feeds} feeds changed"
        )

    settings, now = publish_demo(directory, show, is_live=live)
    total = add_reports(reports)
    with open_state(settings) as database:
        snapshot = take_snapshot(settings, database, now)
    cycle_summary.print_summary(screen, settings, snapshot, total)
    path = urlsplit(settings.publication.url).path
    screen.print(
        f"Look at it: publisher web {directory}, then http://{settings.web.address}{path}/",
        soft_wrap=True,
    )
    return 1 if total.problems else 0


@common.command("dkim", "my-publication")
def dkim_command(given: common.Given) -> None:
    """Print the TXT records that belong to the keys of the tables delivery.dkim, for a zone file."""
    settings = given.settings
    from publisher.app.operation.check import dkim_records

    records = dkim_records(settings)
    for record in records:
        echo(record)
    if not records:
        echo("publication.toml has no [[delivery.dkim]]: nothing is signed", err=True)
