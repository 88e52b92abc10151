"""Operations about sources: what there is to know of each, and tests of them."""

from typing import Annotated, Literal

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.source_tests import SourceTest
from publisher.app.sources import WholeState, accept_source_loss, read_sources
from publisher.ingest.reports.source_survey import SourceSurvey
from publisher.web.api.operations import ApiValue, Instant, OperationTable
from publisher.web.api.problems import ProblemError
from publisher.web.api.requests import ApiRequest

OPERATIONS = OperationTable()


class SourceNoticeValue(ApiValue):
    """What the engine says of a source, and what to do; `kind` is for programs."""

    kind: str
    what: str
    remedy: str
    urgent: bool = Field(validation_alias="is_urgent")
    since: Instant | None
    until: Instant | None


class PollValue(ApiValue):
    """When a source on the web was read last, when it is asked again, and what came of the last time."""

    last_read_at: Instant | None
    next_at: Instant
    paused: bool = Field(validation_alias="is_paused")
    result: str
    reason: str


class SourceValue(ApiValue):
    """A source. With `lost_articles`, nothing of it is withdrawn until somebody accepts that."""

    name: str
    kind: str
    language: str | None
    articles: int
    archived: int = Field(description="Of these, in no issue: an archive.")
    lost_articles: int
    state: WholeState
    polled: PollValue | None
    notices: list[SourceNoticeValue]


class QuarantinedItem(ApiValue):
    """An item that could not be read."""

    path: str
    reason: str


class SourceList(ApiValue):
    """The sources of the settings, and what of them could not be read."""

    sources: list[SourceValue]
    quarantine: list[QuarantinedItem]


class FoundArticleValue(ApiValue):
    """A new or changed article, as its document states it."""

    file: str
    title: str
    language: str
    published_at: Instant
    is_new: bool


class RefusedFile(ApiValue):
    """A document that can't be an article, and why."""

    file: str
    reason: str


class SourceSurveyValue(ApiValue):
    """What a source would bring now, in numbers of documents."""

    place: str
    documents: int
    new: int
    changed: int
    moved: int
    unchanged: int
    gone: int = Field(
        description="Withdrawn by the next cycle, unless it would hold the source."
    )
    would_be_held: bool = Field(validation_alias="is_held")
    unread: int = Field(description="Not looked at: too many, or the time was over.")
    seconds: float
    languages: dict[str, int] = Field(description="New and changed articles.")
    articles: list[FoundArticleValue] = Field(description="The first of them.")
    refused: list[RefusedFile]
    left_out: dict[str, int] = Field(
        description="Files that are rightly no articles, by reason."
    )
    problems: dict[str, int] = Field(description="By kind, of new and changed articles.")


class SourceTestValue(ApiValue):
    """A test of a source: it runs, has failed for a reason, or has a result."""

    state: Literal["running", "failed", "done"]
    started_at: Instant
    problem: str
    result: SourceSurveyValue | None


def survey_value(survey: "SourceSurvey") -> SourceSurveyValue:
    refused = [RefusedFile(file=file, reason=reason) for file, reason in survey.refused]
    return SourceSurveyValue.of(survey, refused=refused)


@OPERATIONS.add("GET /sources", Permission.VIEW)
def _list_sources(request: ApiRequest) -> SourceList:
    """List the sources, and what of them could not be read."""
    found = read_sources(request.state)
    sources = [
        SourceValue.of(
            source, source.settings, lost_articles=source.held.lost if source.held else 0
        )
        for source in found.sources
    ]
    items = [QuarantinedItem(path=path, reason=reason) for path, reason in found.quarantine]
    return SourceList(sources=sources, quarantine=items)


@OPERATIONS.add("POST /sources/<source>/accept-loss", Permission.MANAGE_SOURCES)
def _accept_lost_articles(
    request: ApiRequest,
    source: str,
    *,
    lost: Annotated[int, Field(ge=1, description="How many are gone, as was seen.")],
) -> None:
    """Let the next cycle withdraw the articles that a source has lost."""
    request.call(accept_source_loss, source, lost)


# While one runs, it is the answer. A second one harms nobody, and tests are limited.
@OPERATIONS.add("POST /sources/<source>/test", Permission.MANAGE_SOURCES, repeatable=True)
def _begin_source_test(request: ApiRequest, source: str) -> SourceTestValue:
    """Begin to look at what a source would bring now, storing nothing of it."""
    return _test_value(request.call(request.opened.source_tests.begin, source))


@OPERATIONS.add("GET /sources/<source>/test", Permission.VIEW)
def _read_source_test(request: ApiRequest, source: str) -> SourceTestValue:
    """Read the latest test of a source."""
    found = request.opened.source_tests.find(request.actor, source)
    if found is None:
        raise ProblemError(404, f"{source}: was not tested since the console began")
    return _test_value(found)


def _test_value(test: SourceTest) -> SourceTestValue:
    state = "running" if test.is_running else "failed" if test.problem else "done"
    result = survey_value(test.survey) if test.survey else None
    return SourceTestValue.of(test, state=state, result=result)
