"""Operations about articles, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from publisher.app.article_reading import (
    ArticleStatus,
    Origin,
    address_of_article,
    list_article_page,
)
from publisher.app.articles import list_article_problems
from publisher.app.editing_state import Permission
from publisher.web.api.models import (
    ApiValue,
    Instant,
    PageInLanguage,
    read_cursor,
    write_cursor,
)
from publisher.web.api.operations import About, Operation

if TYPE_CHECKING:
    from publisher.app.article_reading import ArticleSummary
    from publisher.app.editing_state import EditingState
    from publisher.web.api.context import ApiRequest


class ArticleValue(ApiValue):
    """An article: a story in a language."""

    id: int
    story: str
    story_id: int = Field(description="By which edits of issues name the story.")
    language: str
    title: str
    origin: Origin
    status: ArticleStatus
    url: str
    published_at: Instant
    available_at: Instant
    updated_at: Instant


class ArticleList(ApiValue):
    """Articles, the latest first."""

    articles: list[ArticleValue]
    next_cursor: str | None


class FileProblem(ApiValue):
    """What is wrong with a file: the value. If it `holds`, its article is held back."""

    source: str
    file: str
    line: int | None
    what: str
    holds: bool


class ProblemKindValue(ApiValue):
    """A kind of problem, and the files that have it."""

    kind: str
    meaning: str
    remedy: str
    problems: list[FileProblem]


class ArticleProblems(ApiValue):
    """What was wrong when the files were last read, the most frequent kind first."""

    kinds: list[ProblemKindValue]


def _list(request: ApiRequest) -> ArticleList:
    query: PageInLanguage = request.query
    before = None
    if query.cursor is not None:
        at, number = read_cursor(query.cursor, int, int)
        before = (datetime.fromtimestamp(at, UTC), number)
    languages = request.languages(Permission.VIEW, query.language)
    found, has_more = list_article_page(request.state, languages, before, query.limit)
    last = found[-1] if has_more else None
    cursor = write_cursor(int(last.published_at.timestamp()), last.id) if last else None
    articles = [_article(request.state, one) for one in found]
    return ArticleList(articles=articles, next_cursor=cursor)


def _article(state: EditingState, one: ArticleSummary) -> ArticleValue:
    return ArticleValue(
        id=one.id,
        story=one.story,
        story_id=one.story_id,
        language=one.language,
        title=one.title,
        origin=one.origin,
        status=one.status,
        url=address_of_article(state, one),
        published_at=one.published_at,
        available_at=one.available_at,
        updated_at=one.updated_at,
    )


def _problems(request: ApiRequest) -> ArticleProblems:
    kinds = [
        ProblemKindValue(
            kind=group.kind,
            meaning=group.meaning,
            remedy=group.remedy,
            problems=[
                FileProblem(
                    source=one.source,
                    file=one.file,
                    line=one.problem.line,
                    what=one.problem.what,
                    holds=one.holds,
                )
                for one in group.problems
            ],
        )
        for group in list_article_problems(request.state.database)
    ]
    return ArticleProblems(kinds=kinds)


OPERATIONS = (
    Operation(
        method="GET",
        path="/articles",
        id="listArticles",
        summary="List articles, the latest first",
        access=Permission.VIEW,
        about=About.EACH,
        query=PageInLanguage,
        answer=ArticleList,
        run=_list,
    ),
    Operation(
        method="GET",
        path="/articles/problems",
        id="listArticleProblems",
        summary="List what is wrong with articles and files",
        access=Permission.VIEW,
        answer=ArticleProblems,
        run=_problems,
    ),
)
