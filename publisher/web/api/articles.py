"""Operations about articles, what is wrong with them, and who is who in people.toml."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import AliasPath, Field

from publisher.app import articles
from publisher.app.editing_state import Permission
from publisher.articles.model import ArticleStatus, Origin
from publisher.web.api import operations
from publisher.web.api.problems import refused_values
from publisher.web.api.requests import ApiRequest

OPERATIONS = operations.OperationTable()


class ArticleValue(operations.ApiValue):
    """An article: a story in a language."""

    id: int
    story: str = Field(validation_alias="story_key")
    story_id: int = Field(description="By which edits of issues name the story.")
    language: str
    title: str
    origin: Origin
    status: ArticleStatus
    url: str
    published_at: operations.Instant
    available_at: operations.Instant
    updated_at: operations.Instant


class ArticleList(operations.ApiValue):
    """Articles, the latest first."""

    articles: list[ArticleValue]
    next_cursor: str | None


class FileProblem(operations.ApiValue):
    """What is wrong with a file: the value. If it `holds`, its article is held back."""

    source: str
    file: str
    line: int | None = Field(validation_alias=AliasPath("problem", "line"))
    what: str = Field(validation_alias=AliasPath("problem", "what"))
    holds: bool


class ProblemKindValue(operations.ApiValue):
    """A kind of problem, and the files that have it."""

    kind: str
    meaning: str
    remedy: str
    problems: list[FileProblem]


class ArticleProblems(operations.ApiValue):
    """What was wrong when the files were last read, the most frequent kind first."""

    kinds: list[ProblemKindValue]


@OPERATIONS.add("GET /articles", Permission.VIEW, about=operations.About.EACH)
def _list_articles(request: ApiRequest, query: operations.PageInLanguage) -> ArticleList:
    """List articles, the latest first."""
    before = operations.read_cursor(query.cursor)
    languages = request.languages(Permission.VIEW, query.language)
    found, has_more = articles.list_article_page(request.state, languages, before, query.limit)
    last = found[-1] if has_more else None
    cursor = operations.write_cursor(last.published_at, last.id) if last else None
    listed = [
        ArticleValue.of(article, url=articles.address_of_article(request.state, article))
        for article in found
    ]
    return ArticleList(articles=listed, next_cursor=cursor)


@OPERATIONS.add("GET /articles/problems", Permission.VIEW)
def _list_article_problems(request: ApiRequest) -> ArticleProblems:
    """List what is wrong with articles and files."""
    return ArticleProblems.of(kinds=articles.list_article_problems(request.state.database))


PersonText = Annotated[str, Field(max_length=200)]
# A language tag (BCP 47), or nothing for a text in any language.
Texts = dict[
    Annotated[str, Field(pattern="^([A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8}){0,5})?$")], PersonText
]


class PersonValue(operations.ApiValue):
    """A person. Names and affiliations are by language; "" is any language."""

    key: str
    name: dict[str, str]
    affiliation: dict[str, str]
    aliases: list[str]
    url: str


class ReadPerson(PersonValue):
    """A person as the file has it now."""

    revision: str = Field(description="Of the whole file; the ETag begins with it.")


class PersonList(operations.ApiValue):
    """All people of the file, by key."""

    revision: str = Field(
        validation_alias="content_hash",
        description="Of the whole file; the ETag begins with it.",
    )
    people: list[PersonValue]


class PersonChanges(operations.ApiValue):
    """What is changed of a person; what is not named stays. An empty text removes that of a language."""

    name: Texts = Field(default_factory=dict)
    affiliation: Texts = Field(default_factory=dict)
    aliases: Annotated[tuple[operations.Name, ...], Field(max_length=50)] | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None


@OPERATIONS.add("GET /people", Permission.VIEW, tagged=True)
def _list_people(request: ApiRequest) -> PersonList:
    """List authors and translators."""
    return PersonList.of(articles.read_person_entries(request.state))


@OPERATIONS.add("GET /people/<person>", Permission.VIEW, tagged=True)
def _read_person(request: ApiRequest, person: str) -> ReadPerson:
    """Read a person."""
    found = articles.read_person_entries(request.state)
    return ReadPerson.of(found.find(person), revision=found.content_hash)


@OPERATIONS.add("POST /people", Permission.MANAGE_PEOPLE, tagged=True)
def _add_person(
    request: ApiRequest,
    *,
    key: Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)],
    name: operations.Name,
) -> ReadPerson:
    """Add a person with one name."""
    with refused_values("/key"):
        request.call(articles.add_person, key, name)
    return _read_person(request, key)


@OPERATIONS.add("PATCH /people/<person>", Permission.MANAGE_PEOPLE, tagged=True, guarded=True)
def _change_person(request: ApiRequest, person: str, body: PersonChanges) -> ReadPerson:
    """Change a person's names, affiliations, spellings or page."""
    found = articles.read_person_entries(request.state)
    request.require_revision(found.content_hash)
    given: dict[str, Any] = {name: value for name, value in body if value is not None}
    wanted = replace(found.find(person), **given)
    with refused_values():
        request.call(articles.change_person, wanted, request.revision)
    return _read_person(request, person)


@OPERATIONS.add("DELETE /people/<person>", Permission.MANAGE_PEOPLE, guarded=True)
def _remove_person(request: ApiRequest, person: str) -> None:
    """Remove a person; articles keep their bylines."""
    request.call(articles.remove_person, person, request.revision)
