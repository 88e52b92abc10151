"""`publisher sources` and `publisher feeds`: where articles come from, and who reads the feeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.exit_codes import echo, escape_line

if TYPE_CHECKING:
    from publisher.app.sources import SourceStatus
    from publisher.ingest.reports.source_survey import SourceSurvey


# Files that can't be articles are named so far; --json has all.
_REFUSED_SHOWN = 20


def source_lines(one: SourceStatus) -> Iterator[str]:
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


@common.command("sources test", "articles my-publication", takes="DIR --as --now --json")
def sources_test_command(given: common.Given, source: str) -> None:
    """Look at what a source would bring now. Nothing of it is stored.

    At most 500 new or changed files are read, for at most 20 seconds.

    SOURCE: The name of a source.
    """
    from publisher.app.sources import run_source_test

    with given.editing() as (state, actor):
        survey = run_source_test(state, actor, source)
    if given.as_json:
        from publisher.web.api.sources import survey_value

        common.print_json(survey_value(survey).model_dump(mode="json"))
    else:
        echo("\n".join(survey_lines(survey)))
