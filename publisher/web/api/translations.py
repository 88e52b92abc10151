"""Operations about translations: what there is of each story, and who makes what."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from publisher.app import translations
from publisher.app.editing_state import Permission
from publisher.app.translations import DAYS_LISTED
from publisher.errors import TranslationError
from publisher.translations.delays import ServedShare, TranslationStatistics
from publisher.translations.model import Cell, CellState, ChangedParagraph
from publisher.web.api import operations
from publisher.web.api.problems import ProblemError
from publisher.web.api.requests import ApiRequest

OPERATIONS = operations.OperationTable()

_MOST_DAYS = 3660
Days = Annotated[int, Field(ge=1, le=_MOST_DAYS, description="How old they may be.")]
StoryKey = Annotated[str, Field(min_length=1, max_length=500, description="The story's key.")]
UntilTime = Annotated[
    date | operations.Moment,
    Field(description="Of a day its end counts, in the publication's time zone."),
]


class StoryInLanguage(operations.ApiValue):
    """What there is of a story in a language."""

    language: str
    state: CellState
    title: str
    by: list[str] = Field(description="Who translated it.")
    available_at: operations.Instant | None
    changed_at: operations.Instant | None = Field(
        description="When the original of a stale one changed."
    )
    claimed_by: str | None
    claimed_until: operations.Instant | None
    claim_reason: str | None = Field(description="Why it was given up.")


class Story(operations.ApiValue):
    """A story, by its original."""

    story: str = Field(validation_alias="key")
    language: str
    title: str
    published_at: operations.Instant
    languages: list[StoryInLanguage]


class StoryList(operations.ApiValue):
    """Stories, the newest first."""

    stories: list[Story]
    next_cursor: str | None


class StoryQuery(operations.PageInLanguage):
    """Which stories are listed."""

    state: CellState | None = Field(default=None, description="In one of the languages.")
    days: Days = DAYS_LISTED


class LanguageStatistics(operations.ApiValue):
    """How many stories are in each state, and how long people's translations took."""

    language: str
    states: dict[CellState, int]
    translations: int
    median_lag_seconds: int | None
    p95_lag_seconds: int | None


class StatisticsValue(operations.ApiValue):
    """Sums over stories and subscribers: none is about one person."""

    since: operations.Instant
    languages: list[LanguageStatistics]
    subscribers: ServedShare
    stories_of_subscribers: ServedShare = Field(
        validation_alias="readings", description="Each story once for each subscriber."
    )


class OriginalChanges(operations.ApiValue):
    """What changed in an original since it was translated."""

    paragraphs: list[ChangedParagraph]


@OPERATIONS.add("GET /translations", Permission.VIEW, about=operations.About.EACH)
def _list_translations(request: ApiRequest, query: StoryQuery) -> StoryList:
    """List stories with the state of each language."""
    languages = request.languages(Permission.VIEW, query.language)
    states = () if query.state is None else (query.state,)
    asked = query.model_dump(exclude={"state"})
    try:
        page = request.call(translations.list_translations, states=states, **asked)
    except TranslationError as error:
        raise ProblemError(422, str(error)) from error
    stories = [
        Story.of(line, languages=[_cell(x) for x in line.cells if x.language in languages])
        for line in page.stories
    ]
    return StoryList(stories=stories, next_cursor=page.next_cursor)


def _cell(cell: Cell) -> StoryInLanguage:
    claim = cell.claim
    return StoryInLanguage.of(
        cell,
        claimed_by=claim and claim.by,
        claimed_until=claim and claim.until,
        claim_reason=claim and claim.reason,
    )


@OPERATIONS.add("GET /translations/statistics", Permission.VIEW, about=operations.About.EACH)
def _read_translation_statistics(
    request: ApiRequest, *, days: Days = DAYS_LISTED
) -> StatisticsValue:
    """Read how late translations come, and who is served in which language."""
    languages = request.languages(Permission.VIEW, None)
    found = request.call(translations.read_statistics, days=days)
    counts = [_language_statistics(found, language) for language in languages]
    return StatisticsValue.of(found, languages=counts)


def _language_statistics(found: TranslationStatistics, language: str) -> LanguageStatistics:
    lag = found.lags[language]
    return LanguageStatistics(
        language=language,
        states=dict(found.states[language]),
        translations=lag.count,
        median_lag_seconds=_seconds(lag.median),
        p95_lag_seconds=_seconds(lag.p95),
    )


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


@OPERATIONS.add("GET /translations/<language>/changes", Permission.VIEW)
def _read_original_changes(
    request: ApiRequest, language: str, *, story: StoryKey
) -> OriginalChanges:
    """Read what changed in an original since it was translated."""
    found = request.call(translations.original_changes, story, language)
    return OriginalChanges.of(paragraphs=found)


@OPERATIONS.add("POST /translations/<language>/claim", Permission.TRANSLATE)
def _claim_translation(
    request: ApiRequest,
    language: str,
    *,
    story: StoryKey,
    until: UntilTime,
    person: Annotated[
        str,
        Field(max_length=320, description="Whom an editor assigns it to; empty for oneself."),
    ] = "",
) -> None:
    """Promise a translation by a day, or assign it to somebody."""
    request.call(translations.claim_translation, story, language, until, person)


@OPERATIONS.add("POST /translations/<language>/start", Permission.TRANSLATE)
def _start_translation(
    request: ApiRequest, language: str, *, story: StoryKey, until: UntilTime | None = None
) -> None:
    """Say that a translation is in work."""
    request.call(translations.start_translation, story, language, until)


@OPERATIONS.add("POST /translations/<language>/give-up", Permission.TRANSLATE)
def _give_up_translation(
    request: ApiRequest, language: str, *, story: StoryKey, reason: operations.Text
) -> None:
    """Say that a translation will not come, and why."""
    request.call(translations.give_up_translation, story, language, reason)


@OPERATIONS.add("POST /translations/<language>/release", Permission.TRANSLATE)
def _release_translation(request: ApiRequest, language: str, *, story: StoryKey) -> None:
    """Remove what was said of a translation."""
    request.call(translations.release_translation, story, language)


@OPERATIONS.add("POST /translations/<language>/dismiss", Permission.TRANSLATE)
def _dismiss_staleness(request: ApiRequest, language: str, *, story: StoryKey) -> None:
    """Let a translation count as up to date until its original changes again."""
    request.call(translations.dismiss_staleness, story, language)
