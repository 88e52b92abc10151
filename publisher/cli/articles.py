"""`publisher articles`: the articles in the database, what is wrong with them, and announcing an archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.exit_codes import echo, escape_line

if TYPE_CHECKING:
    from publisher.app.articles import ProblemGroup, StoredArticles
    from publisher.app.operation.status import PublicationStatus
    from publisher.articles.model import Article
    from publisher.ingest.problems import ItemProblem


# Kinds that are named in one line, examples of a kind, and files in quarantine that are named.
_KINDS_SHOWN = 3
_EXAMPLES = 3
_QUARANTINED_SHOWN = 20
_GROUPS_SHOWN = 5  # groups that are named of each reason for which files are left out


def summarise_articles(facts: PublicationStatus) -> Iterator[str]:
    """Yield one line about problems and one about what is rightly held back, if there are any."""
    for failure in facts.unreadable_sources:
        since = common.rfc3339_or_none(failure.since)
        yield f"Source {failure.source} can't be read since {since}: {failure.reason}"
    for source in facts.held_sources:
        yield (
            f"Source {source.source} is held: {source.lost:,} of {source.articles:,} articles are gone, and stay "
            f"published. Bring them back, or withdraw them: publisher api acceptLostArticles source={source.source} lost={source.lost}"
        )
    for tag, count in facts.elsewhere.items():
        yield (
            f"{common.count_noun(count, 'article')} in {tag}, which is not one of the languages, so nobody sees "
            f'it. To publish it, add "{tag}" to languages in publication.toml'
        )
    counts = facts.article_problems
    if counts:
        named = list(counts.items())[:_KINDS_SHOWN]
        parts = [f"{number:,} {kind}" for kind, number in named]
        if rest := sum(counts.values()) - sum(number for _kind, number in named):
            parts.append(f"{rest:,} others")
        held = len(facts.quarantine)
        holding = f"; {common.count_noun(held, 'file')} held back" if held else ""
        yield (
            f"Problems of articles: {', '.join(parts)}{holding}. "
            "publisher articles problems lists them"
        )
    if facts.held_back:
        held_back = ", ".join(f"{n:,} {reason}" for reason, n in facts.held_back.items())
        yield f"Not published on purpose: {held_back}. publisher articles lists them"
    if facts.left_out:
        yield f"Left out by name: {', '.join(left_out_parts(facts.left_out))}"


def left_out_parts(counts: Iterable[tuple[str, str, int]]) -> Iterator[str]:
    """Yield for each reason how many files are left out, and the most frequent groups of them."""
    reasons: dict[str, list[tuple[str, int]]] = {}
    for reason, group, number in counts:
        reasons.setdefault(reason, []).append((group, number))
    for reason, groups in reasons.items():
        total = sum(number for _group, number in groups)
        named = [f"{group} {number:,}" for group, number in groups if group][:_GROUPS_SHOWN]
        yield f"{total:,} {reason}" + (f" ({', '.join(named)})" if named else "")


def quarantine_lines(facts: PublicationStatus) -> Iterator[str]:
    for path, reason in facts.quarantine[:_QUARANTINED_SHOWN]:
        yield quarantine_line(path, reason)
    if (more := len(facts.quarantine) - _QUARANTINED_SHOWN) > 0:
        yield f"Quarantined: {more:,} more, which publisher articles lists"


def quarantine_line(path: str, reason: str) -> str:
    return f"Quarantined: {escape_line(path)}: {escape_line(reason)}"


def unpublished_lines(found: StoredArticles) -> Iterator[str]:
    """Yield a line for each file in quarantine, and for the first of those that are held back on purpose."""
    yield from (quarantine_line(*file) for file in found.quarantine)
    for reason, rows in groupby(found.held_back, key=itemgetter(0)):
        held = list(rows)
        yield f"Not published on purpose, {reason}: {len(held):,}"
        for _reason, path, title in held[:_QUARANTINED_SHOWN]:
            yield escape_line(f"  {path}: {title}".removesuffix(": "))
        if (more := len(held) - _QUARANTINED_SHOWN) > 0:
            yield f"  and {more:,} more, which --json lists"


def problem_lines(groups: list[ProblemGroup]) -> Iterator[str]:
    for group in groups:
        number, files = len(group.problems), common.count_noun(group.files, "file")
        holding = f", {group.held} of them held back" if group.held else ""
        yield f"{group.kind}: {number:,} in {files}{holding}"
        yield f"  {group.meaning}; {group.remedy}"
        for item in group.problems[:_EXAMPLES]:
            yield escape_line(f"    {_place(item)}: {item.problem.what}".removesuffix(": "))
        if (more := number - _EXAMPLES) > 0:
            yield f"    and {more:,} more, which --json lists"
    if not groups:
        yield "No problems"


def _place(one: ItemProblem) -> str:
    line = one.problem.line
    return f"{one.source}/{one.file}{f':{line}' if line else ''}"


@common.command("articles announce", "old-site my-publication", takes="DIR --now")
def announce_articles_command(given: common.Given, source_story: str) -> None:
    """Have the next issues carry an archive: what a source had at its first import, or one story.

    Newest first, as many as an issue holds. Nobody gets an article twice, and repeating this changes
    nothing.

    SOURCE|STORY: A source's name, or a story's.
    """
    from publisher.app.articles import announce_articles, count_mailed_articles

    with given.editing() as (state, actor):
        count = announce_articles(state, actor, source_story)
        mailed = count_mailed_articles(state.database, source_story)
    done = f"{common.count_noun(count, 'article')} announced: the next issues carry them"
    echo(f"{source_story}: {done if count else _nothing_announced(mailed)}")


def _nothing_announced(mailed: Mapping[str, int]) -> str:
    """Say why nothing was announced: what is there is news, or was announced before."""
    news, before = mailed.get("news", 0), mailed.get("announced", 0)
    parts = ["nothing of it is an archive"]
    if news:
        verb = "is" if news == 1 else "are"
        parts.append(
            f"{common.count_noun(news, 'article')} {verb} news, which issues carry without this command,"
            " if max_age allows it"
        )
    if before:
        verb = "was" if before == 1 else "were"
        parts.append(f"{common.count_noun(before, 'article')} {verb} announced before")
    if not mailed:
        parts.append("nothing of it is published yet; `publisher run --once` picks articles up")
    return "; ".join(parts)


@common.command("articles list", "my-publication", takes="DIR --json")
def articles_command(given: common.Given) -> None:
    """List the articles, story by story, and the files that could not be read or are held back on purpose."""
    from publisher.app.articles import list_articles

    with open_state(given.settings) as database:
        stored = list_articles(database)
    if given.as_json:
        bad = [{"file": path, "reason": reason} for path, reason in stored.quarantine]
        held = [{"file": p, "reason": r, "title": t} for r, p, t in stored.held_back]
        listed = [_as_json(article) for article in stored.articles]
        common.print_json({"articles": listed, "quarantine": bad, "held_back": held})
        return
    table = common.make_table(_COLUMNS, _rows(stored.articles))
    common.stdout_console().print(table, *unpublished_lines(stored), sep="\n")


@common.command("articles problems", "--json my-publication", takes="DIR --json")
def article_problems_command(given: common.Given) -> None:
    """List what was lost of articles or looks wrong: how often, what to do, and the first places.

    The articles of a folder with the name problems are listed by: publisher articles ./problems
    """
    from publisher.app.articles import list_article_problems

    with given.editing() as (state, actor):
        if given.as_json:
            common.print_json(answer_of(state, actor, "listArticleProblems"))
            return
        groups = list_article_problems(state.database)
    echo("\n".join(problem_lines(groups)))


def _as_json(article: Article) -> dict[str, Any]:
    return {
        "story": article.story_key,
        **common.fields_as_json(
            article, "slug", "language", "origin", "status", "mailing", "title"
        ),
        "date": article.published_on.isoformat(),
        "published": common.rfc3339_or_none(article.published_at),
        "available": common.rfc3339_or_none(article.available_at),
        "updated": common.rfc3339_or_none(article.updated_at),
        "authors": [common.fields_as_json(x, "name", "affiliation") for x in article.bylines],
        "languages_offered": list(article.offered),
        **common.fields_as_json(article, "section", "topics", "summary", "url", "text"),
    }


_COLUMNS = ("Story", "Language", "Date", "Title", "By", "Is")


def _rows(articles: list[Article]) -> Iterator[tuple[str, ...]]:
    story = None
    for article in articles:
        yield (
            article.story_key if article.story_key != story else "",
            article.language,
            article.published_on.isoformat(),
            article.title,
            ", ".join(byline.name for byline in article.bylines),
            article.origin if article.status == "ready" else article.status,
        )
        story = article.story_key
