"""`publisher sources` and `publisher feeds`: where articles come from, and who reads the feeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.exit_codes import echo, escape_line
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.imports import ExportReport
    from publisher.app.sources import SourceStatus
    from publisher.imports.files import PlannedFile
    from publisher.ingest.reports.source_survey import SourceSurvey
    from publisher.polling.model import WebEntry
    from publisher.polling.probe import Probe
    from publisher.polling.store import PolledSource


_REFUSED_SHOWN = 20  # files that can't be articles are named so far; --json has all
_ENTRIES_SHOWN = 5  # of each feed at an address that is looked at


def source_lines(one: SourceStatus) -> Iterator[str]:
    archive = f", {one.archived:,} of them an archive" if one.archived else ""
    articles = common.count_noun(one.articles, "article")
    yield f"{one.settings.name} ({one.settings.kind}): {one.state}, {articles}{archive}"
    if one.polled:
        yield f"  {poll_line(one.polled)}"
        if getattr(one.settings, "websub", False) and (line := push_line(one.polled)):
            yield f"  {line}"
    for notice in one.notices:
        since = f" since {common.rfc3339_or_none(notice.since)}" if notice.since else ""
        until = f", the first {common.rfc3339_or_none(notice.until)}" if notice.until else ""
        yield f"  {notice.what}{since}{until}"
        if notice.remedy:
            yield f"    {notice.remedy}"


def poll_line(one: PolledSource) -> str:
    read = common.rfc3339_or_none(one.last_read_at) or "never"
    next_at = one.next_at.replace(microsecond=0)
    again = common.rfc3339_or_none(next_at) if one.is_asked else "not by itself"
    return f"last read {read}, next try {again}; {escape_line(one.reason)}"


def push_line(one: PolledSource) -> str:
    """Say whether the hub of a source pushes; empty before the source was read."""
    push = one.state.push
    if not push.hub:
        return "its feed names no hub" if one.first_read_at else ""
    until = f"pushes until {common.rfc3339_or_none(push.until)}" if push.until else ""
    said = "; ".join(filter(None, (until, escape_line(push.reason)))) or "is asked next time"
    return f"its hub {urlsplit(push.hub).hostname} {said}"


def survey_lines(found: SourceSurvey) -> Iterator[str]:
    yield (
        f"{found.place or found.kind}: {common.count_noun(found.documents, 'file')} in {found.seconds:.1f} s: "
        f"{found.new:,} new, {found.changed:,} changed, {found.moved:,} moved, "
        f"{found.unchanged:,} unchanged, {len(found.refused):,} refused, {found.gone:,} gone"
    )
    if found.unread:
        unread = common.count_noun(found.unread, "file")
        yield f"Not looked at: {unread}; there are too many, or it would take too long"
    if found.is_held:
        yield "So many are gone that the next cycle would withdraw nothing, and hold the source"
    for article in found.articles:
        kind = "new" if article.is_new else "changed"
        at = common.rfc3339_or_none(article.published_at)
        yield f"  {kind} {article.language} {at} {escape_line(article.file)}: {article.title}"
    if (more := found.new + found.changed - len(found.articles)) > 0:
        yield f"  and {more:,} more"
    for file, reason in found.refused[:_REFUSED_SHOWN]:
        yield f"Refused: {escape_line(file)}: {escape_line(reason)}"
    if (more := len(found.refused) - _REFUSED_SHOWN) > 0:
        yield f"Refused: {more:,} more, which --json lists"
    for title, counts in (("Left out", found.left_out), ("Problems", found.problems)):
        if counts:
            yield f"{title}: {', '.join(f'{n:,} {key}' for key, n in counts.most_common())}"


@common.command("sources list", "my-publication", takes="DIR --json")
def sources_list_command(given: common.Given) -> None:
    """List the sources, each with its notices: what is wrong or left out, and what to do."""
    from publisher.app.sources import read_sources

    with given.editing() as (state, actor):
        if given.as_json:
            common.print_json(answer_of(state, actor, "listSources"))
            return
        listed = read_sources(state)
    for source in listed.sources:
        echo("\n".join(source_lines(source)))


def _entry_line(entry: WebEntry, language: str) -> str:
    """Say what an entry would be, its size counted in HTML that is not parsed: it is of others."""
    date = f"{entry.published:%F}" if entry.published else "no date"
    html = entry.text or entry.summary
    words = re.findall(r"[^\W_]+", re.sub("<[^<>]*>", " ", html))
    pictures = max(html.lower().count("<img"), int(bool(entry.picture)))
    size = f"{common.count_noun(len(words), 'word')}, {common.count_noun(pictures, 'picture')}"
    others = sorted({tag for tag, _url in entry.translations} - {language, "x-default"})
    also = f", also in {', '.join(others)}" if others else ""
    return escape_line(
        f"{language or '?'} {date} {entry.title}: {size}{also} ({entry.url or 'no address'})"
    )


def probe_lines(found: Probe, *, shows_tables: bool = True) -> Iterator[str]:
    yield f"{found.url}: {found.what}, {found.title!r}"
    for one in found.feeds:
        entries = common.count_noun(len(one.feed.entries), "entry", "entries")
        yield f"{one.url}: {one.feed.title!r} in {one.language or 'no stated language'}, {entries}"
        for entry in one.feed.entries[:_ENTRIES_SHOWN]:
            yield f"  {_entry_line(entry, entry.language or one.language)}"
        yield from (f"  Missing: {sentence}" for sentence in one.missing)
    yield from (f"Also: {escape_line(note)}" for note in found.notes)
    if not shows_tables:
        return
    if found.feeds:
        yield "\nFor publication.toml, or by `publisher sources add`:"
    for one in found.feeds:
        yield "\n[[source]]"
        yield from (f"{key} = {json.dumps(value)}" for key, value in one.table.items())


@common.command("sources test", "articles my-publication", takes="DIR --as --now --json")
def sources_test_command(given: common.Given, source: str) -> None:
    """Look at what a source would bring now, or at an address of the web. Nothing of it is stored.

    At most 500 new or changed files are read, for at most 20 seconds; at most 10 seconds for an address.

    SOURCE: The name of a source, or an address: of a feed, or of a site whose feeds are looked for.
    """
    from publisher.app.source_polls import probe_address, probe_as_json
    from publisher.app.source_tests import run_source_test

    if source.partition("://")[0] in {"http", "https"}:
        is_there = (given.directory / "publication.toml").exists()
        found = probe_address(given.settings if is_there else None, source)
        if given.as_json:
            common.print_json(probe_as_json(found))
        else:
            echo("\n".join(probe_lines(found)))
        return
    with given.editing() as (state, actor):
        survey = run_source_test(state, actor, source)
    if given.as_json:
        from publisher.web.api.sources import survey_value

        common.print_json(survey_value(survey).model_dump(mode="json"))
    else:
        echo("\n".join(survey_lines(survey)))


@common.command("sources add", "https://example.org my-publication", takes="DIR --as --now")
def sources_add_command(given: common.Given, address: str) -> None:
    """Add the feeds at an address to publication.toml. What is there today is an archive; what comes later is news.

    ADDRESS: Of a feed, or of a site, whose feeds are added; or a file with a list of feeds (OPML).
    """
    from publisher.app.source_polls import add_listed_sources, add_web_source

    with given.editing() as (state, actor):
        if Path(address).is_file():
            added = add_listed_sources(state, actor, Path(address).read_bytes())
        else:
            added = add_web_source(state, actor, address)
    for name in added:
        echo(f"{name}: added")
    if not added:
        echo(f"{address}: is a source already")


@common.command(
    "sources poll", "example.org/feed.xml my-publication", takes="DIR --as --now --json"
)
def sources_poll_command(given: common.Given, source: str) -> int:
    """Ask a source on the web now, due or not. The next cycle makes articles of what is new.

    SOURCE: The name of a source.
    """
    from publisher.app.source_polls import poll_source_now

    with given.editing() as (state, actor):
        done = poll_source_now(state, actor, source)
    if given.as_json:
        common.print_json(asdict(done))
    else:
        echo(f"{done.new:,} new, {done.changed:,} changed, {done.withdrawn:,} withdrawn")
        for problem in done.problems:
            echo(escape_line(problem), err=True)
    return 1 if done.problems else 0


@common.command("sources pause", "example.org/feed.xml my-publication", takes="DIR --as --now")
def sources_pause_command(given: common.Given, source: str) -> None:
    """Ask a source on the web no more until it is resumed. Its articles stay.

    SOURCE: The name of a source.
    """
    from publisher.app.source_polls import pause_source

    with given.editing() as (state, actor):
        pause_source(state, actor, source, is_paused=True)
    echo(f"{source}: paused")


@common.command("sources resume", "example.org/feed.xml my-publication", takes="DIR --as --now")
def sources_resume_command(given: common.Given, source: str) -> None:
    """Ask a source on the web again, also one that is asked no more since it is gone or refuses.

    SOURCE: The name of a source.
    """
    from publisher.app.source_polls import pause_source

    with given.editing() as (state, actor):
        pause_source(state, actor, source, is_paused=False)
    echo(f"{source}: is asked in the next cycle")


@common.command("import", "wordpress.xml my-publication --dry-run", takes="DIR --now --json")
def import_command(  # noqa: PLR0913  # options, each by its name
    given: common.Given,
    file: Path,
    *,
    into: str = "",
    types: str = "",
    language_map: str = "",
    site: str = "",
    pictures: Literal["copy", "link", "none"] = "copy",
    dry_run: bool = False,
) -> int:
    """Make files of an export of another publishing system, below the folder of a source.

    They are yours: nothing is written over, also if it runs again. What was published before is an archive, which no
    issue carries. Pictures are copied, at most 1,200 pixels wide. The exit code is 1 if a post that is for everybody became no file.
    A list of feeds (OPML): `publisher sources add`.

    FILE: The export of WordPress (XML or zip), Ghost (JSON or zip), Substack, Medium, Buttondown or Mailchimp (zip).
    --into FOLDER (the only source that is a folder): Where the files go, seen from the publication's folder.
    --types TYPES (articles): Further types of posts, like page,portfolio.
    --language-map TAGS (as the export says): Languages for those of the export, like pt=pt-BR,cn=zh-Hans.
    --site ADDRESS: Where the site stood, for exports that do not say it: Ghost, Substack, Buttondown.
    --pictures HOW (copy): copy, or link (they stay where they are, and mails show none), or none.
    --dry-run: Show what would be written, and write nothing.
    """
    from publisher.app.imports import import_export
    from publisher.cli.progress import show_progress
    from publisher.imports.model import ExportWishes

    pairs = [one.split("=") for one in language_map.split(",") if one]
    if any(len(pair) != 2 for pair in pairs):  # noqa: PLR2004  # a language and its tag
        raise UsageError(f"--language-map: {language_map!r}; write it like pt=pt-BR,cn=zh-Hans")
    options = ExportWishes(
        into=into,
        kinds=frozenset(one.strip() for one in types.split(",") if one.strip()),
        languages={code.strip(): tag.strip() for code, tag in pairs},
        site=site,
        pictures=pictures,
        is_dry_run=dry_run,
    )
    with show_progress() as progress:
        report = import_export(given.settings, given.clock.now(), file, options, progress)
    return _print_report(given, report, is_dry_run=dry_run)


def _print_report(given: common.Given, report: ExportReport, *, is_dry_run: bool) -> int:
    """Print what became of the posts of an export; return the exit code."""
    rows = [import_row(one) for one in report.files]
    code = 1 if not is_dry_run and any(one.is_refused for one in report.files) else 0
    if given.as_json:
        common.print_json({"system": report.system, "posts": rows, "notes": report.notes})
        return code
    console, names = common.stdout_console(), [*rows[0]] if rows else []
    console.print(
        common.make_table(names, (row.values() for row in rows), {"words", "pictures"})
    )
    for note in report.notes:
        echo(f"Note: {escape_line(note)}")
    written = sum(not one.left_out for one in report.files)
    posts, others = common.count_noun(written, "post"), len(rows) - written
    verb = "would write" if is_dry_run else "wrote"
    echo(f"{report.system}: {verb} {posts} to {report.folder}, left out {others}")
    return code


def import_row(one: PlannedFile) -> dict[str, str]:
    """Return what is said of a post of an export."""
    entry = one.post.entry
    return {
        "language": one.language,
        "date": f"{entry.published:%F}" if entry.published else "",
        "title": escape_line(entry.title),
        "file": one.name,
        "words": str(one.words or ""),
        "pictures": str(len(one.pictures) or ""),
        "left out": one.left_out,
    }


@common.command("sources opml", "my-publication")
def sources_opml_command(given: common.Given) -> None:
    """Print the sources on the web as a list of feeds (OPML), for feed readers and other publications."""
    from publisher.app.source_polls import list_sources_as_opml

    with given.editing() as (state, _actor):
        echo(list_sources_as_opml(state).decode(), nl=False)
