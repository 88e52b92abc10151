"""`publisher sources` and `publisher feeds`: where articles come from, and who reads the feeds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.exit_codes import echo, escape_line
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.sources import SourceStatus
    from publisher.ingest.reports.source_survey import SourceSurvey


# Files that can't be articles are named so far; --json has all.
_REFUSED_SHOWN = 20


def source_lines(one: SourceStatus) -> Iterator[str]:
    """Yield a line about a source, and two about each notice."""
    archive = f", {one.archived:,} of them an archive" if one.archived else ""
    articles = common.count_noun(one.articles, "article")
    yield f"{one.settings.name} ({one.settings.kind}): {one.state}, {articles}{archive}"
    for notice in one.notices:
        since = f" since {common.rfc3339_or_none(notice.since)}" if notice.since else ""
        until = f", the first {common.rfc3339_or_none(notice.until)}" if notice.until else ""
        yield f"  {notice.what}{since}{until}"
        if notice.remedy:
            yield f"    {notice.remedy}"


def survey_lines(found: SourceSurvey) -> Iterator[str]:
    """Yield lines on what a source would bring."""
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
    for one in found.articles:
        kind = "new" if one.is_new else "changed"
        at = common.rfc3339_or_none(one.published_at)
        yield f"  {kind} {one.language} {at} {escape_line(one.file)}: {one.title}"
    if (more := found.new + found.changed - len(found.articles)) > 0:
        yield f"  and {more:,} more"
    for file, reason in found.refused[:_REFUSED_SHOWN]:
        yield f"Refused: {escape_line(file)}: {escape_line(reason)}"
    if (more := len(found.refused) - _REFUSED_SHOWN) > 0:
        yield f"Refused: {more:,} more, which --json lists"
    for title, counts in (("Left out", found.left_out), ("Problems", found.problems)):
        if counts:
            yield f"{title}: {', '.join(f'{n:,} {key}' for key, n in counts.most_common())}"


app = typer.Typer(
    cls=common.ListByDefault,
    help="Show the sources and what is to be said of them, or test one.",
    epilog="Example: publisher sources my-publication",
)


@app.command(common.DEFAULT_COMMAND, epilog="Example: publisher sources my-publication")
def sources_list_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    as_json: common.JsonOption = False,
) -> None:
    """List the sources, each with its notices: what is wrong or left out, and what to do."""
    from publisher.app.sources import read_sources

    with common.editing(directory, None) as (state, actor):
        if as_json:
            common.print_json(answer_of(state, actor, "listSources"))
            return
        found = read_sources(state)
    for one in found.sources:
        echo("\n".join(source_lines(one)))


@app.command("test", epilog="Example: publisher sources test articles my-publication")
def sources_test_command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The name of a source.")],
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Look at what a source would bring now. Nothing of it is stored.

    At most 500 new or changed files are read, for at most 20 seconds.
    """
    from publisher.app.sources import run_source_test

    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        survey = run_source_test(state, actor, source)
    if as_json:
        from publisher.web.api.sources import survey_value

        common.print_json(survey_value(survey).model_dump(mode="json"))
    else:
        echo("\n".join(survey_lines(survey)))


_EXAMPLE = "Example: publisher feeds readers /var/log/nginx/access.log my-publication"
feeds_app = typer.Typer(
    no_args_is_help=True, help="Count the readers of feeds.", epilog=_EXAMPLE
)


@feeds_app.callback()
def _group() -> None:
    """Count the readers of feeds."""  # keeps `readers` a command of a group


@feeds_app.command("readers", epilog=_EXAMPLE)
def followers_command(
    log: Annotated[
        str,
        typer.Argument(
            metavar="ACCESS_LOG",
            help="Of nginx (combined) or Caddy (JSON); - is standard input.",
        ),
    ],
    directory: common.FolderArgument = common.CURRENT_FOLDER,
) -> None:
    """Count the readers of each feed and day in an access log. No address is stored.

    Aggregators state how many people they read for; any other client counts once a day. Read each log
    as a whole: of a day in two logs, the larger number counts.
    """
    settings = common.read_settings(directory)

    from publisher.app.opening import open_state
    from publisher.app.subscribers.feeds import count_feed_followers

    with _opened(log) as lines, open_state(settings) as database:
        found = count_feed_followers(database, lines)
    days = f", {found.first} to {found.last}" if found.first else ""
    echo(
        f"stored: {common.count_noun(found.stored, 'number', 'numbers')} of a feed and day{days}"
    )
    if found.unread:
        echo(f"{common.count_noun(found.unread, 'line')} not understood", err=True)


@contextmanager
def _opened(log: str) -> Iterator[TextIO]:
    if log == "-":
        yield sys.stdin
        return
    try:
        opened = Path(log).open(encoding="utf-8", errors="replace")  # noqa: SIM115  # closed below
    except OSError as error:
        raise UsageError(f"{log}: can't be read: {error.strerror}") from None
    with opened:
        yield opened
