"""`publisher articles`: the articles in the database, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.app.state import open_state
from publisher.cli.articles_announce import announce_articles_command
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    count_noun,
    make_table,
    parse_now,
    print_json,
    read_settings,
    rfc3339_or_none,
    stdout_console,
)
from publisher.cli.default_command import DEFAULT_COMMAND, ListByDefault
from publisher.cli.problem_lines import problem_lines, problems_as_json, unpublished_lines
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.articles import Article


_group = typer.Typer(
    cls=ListByDefault,
    help="List the articles, and what is wrong with them.",
    epilog="Example: publisher articles my-publication",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example = "Example: publisher articles"
    _group.command(DEFAULT_COMMAND, epilog=f"{example} my-publication")(articles_command)
    _group.command("problems", epilog=f"{example} problems --json my-publication")(
        article_problems_command
    )
    _group.command("accept", epilog=f"{example} accept articles my-publication")(
        accept_articles_command
    )
    _group.command("announce", epilog=f"{example} announce old-site my-publication")(
        announce_articles_command
    )
    app.add_typer(_group, name="articles")


def articles_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List the articles, story by story, and the files that could not be read or are held back on purpose."""
    settings = read_settings(directory)

    from publisher.app.articles import list_articles

    with open_state(settings) as database:
        found = list_articles(database)
    if as_json:
        bad = [{"file": path, "reason": reason} for path, reason in found.quarantine]
        held = [{"file": p, "reason": r, "title": t} for r, p, t in found.held_back]
        listed = [_as_json(article) for article in found.articles]
        print_json({"articles": listed, "quarantine": bad, "held_back": held})
        return
    stdout_console().print(_table(found.articles), *unpublished_lines(found), sep="\n")


def article_problems_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List what was lost of articles or looks wrong: how often, what to do, and the first places.

    The articles of a folder with the name problems are listed by: publisher articles ./problems
    """
    settings = read_settings(directory)

    from publisher.app.articles import list_article_problems

    with open_state(settings) as database:
        groups = list_article_problems(database)
    if as_json:
        print_json(problems_as_json(groups))
        return
    echo("\n".join(problem_lines(groups)))


def accept_articles_command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The name of a source.")],
    directory: FolderArgument = CURRENT_FOLDER,
) -> None:
    """Confirm that the missing articles of a source were removed on purpose.

    The next cycle withdraws them. Until then they stay published; `publisher status` lists such
    sources.
    """
    settings = read_settings(directory)

    from publisher.app.articles import accept_lost_articles

    with open_state(settings) as database:
        held = accept_lost_articles(settings, database, source, parse_now(None).now())
    lost = count_noun(held.lost, "article")
    echo(f"{source}: the next cycle withdraws {lost} of {held.articles:,}")


def _as_json(article: Article) -> dict[str, Any]:
    return {
        "story": article.story_key,
        "slug": article.slug,
        "language": article.language,
        "origin": article.origin.value,
        "status": article.status.value,
        "mailing": article.mailing.value,
        "title": article.title,
        "date": article.published_on.isoformat(),
        "published": rfc3339_or_none(article.published_at),
        "available": rfc3339_or_none(article.available_at),
        "updated": rfc3339_or_none(article.updated_at),
        "authors": [{"name": b.name, "affiliation": b.affiliation} for b in article.bylines],
        "languages_offered": list(article.offered),
        "section": article.section,
        "topics": list(article.topics),
        "summary": article.summary,
        "url": article.url,
        "text": article.text,
    }


def _table(found: list[Article]) -> Table:
    table = make_table("Story", "Language", "Date", "Title", "By", "Is")
    story = None
    for article in found:
        table.add_row(
            article.story_key if article.story_key != story else "",
            article.language,
            article.published_on.isoformat(),
            article.title,
            ", ".join(byline.name for byline in article.bylines),
            article.origin if article.status == "ready" else article.status,
        )
        story = article.story_key
    return table
