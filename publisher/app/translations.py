"""Translations as they stand, and what translators say of them: claims, releases, ignored changes.

A claim holds until the translation comes, its time is over, or it is released. Somebody else's can be released by
those who may edit issues in that language, who can also assign a translation to somebody. Both are told to whom they concern.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from publisher.accounts.mails import StaffMailKind, may_get, tell
from publisher.accounts.model import Account, Actor
from publisher.accounts.store import find_account, list_accounts
from publisher.app.editing_state import Change, EditingState, Permission
from publisher.app.translators import story_line
from publisher.articles.store import articles_by_id
from publisher.config import Settings
from publisher.errors import TranslationError
from publisher.i18n.messages import message
from publisher.translations import listing, model, records
from publisher.translations.delays import TranslationStatistics, statistics_of
from publisher.urls import article_url

# How far back stories are listed, if it is not said.
DAYS_LISTED = 60
STORIES_LISTED = 50
# Nobody plans a translation further ahead; a wrong year is found by it.
_FURTHEST_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class TranslationPage:
    """Stories by languages, the newest first. `next_cursor` leads to further ones, None for none."""

    languages: tuple[str, ...]
    stories: tuple[listing.StoryLine, ...]
    next_cursor: str | None


def list_translations(  # noqa: PLR0913  # what can be asked for
    state: EditingState,
    actor: Actor,
    *,
    language: str | None = None,
    states: Collection[model.CellState] = (),
    days: int = DAYS_LISTED,
    cursor: str | None = None,
    limit: int = STORIES_LISTED,
) -> TranslationPage:
    """Return stories with originals of some days, and the state in each language; or those of one `language`, or in some `states`."""
    actor.require(Permission.VIEW)
    now = state.clock.now()
    languages = listing.offered_languages(state.settings, language)
    before = _place(cursor) if cursor else None
    wanted = listing.StoryFilter(
        languages=languages, states=states, since=now - timedelta(days=days), before=before
    )
    with state.database.reading() as connection:
        found = list(islice(listing.read_stories(connection, wanted, now), limit + 1))
    shown = found[:limit]
    more = None
    if len(found) > limit:
        more = f"{shown[-1].published_at:%Y%m%dT%H%M%SZ}-{shown[-1].original_id}"
    return TranslationPage(languages, tuple(shown), more)


@dataclass(frozen=True, slots=True)
class TranslationDetails:
    """A story in a language. `changes` are those of the original since; empty if none are known."""

    story: listing.StoryLine
    cell: model.Cell
    original_url: str
    changes: tuple[model.ChangedParagraph, ...] = ()

    @property
    def marked(self) -> list[list[model.ChangedParagraph]]:
        """Each paragraph as pieces that stayed, were removed or were added."""
        return model.marked_changes(self.changes)


def read_translation(
    state: EditingState, actor: Actor, number: int, language: str
) -> TranslationDetails:
    actor.require(Permission.VIEW)
    languages = listing.offered_languages(state.settings, language)
    with state.database.reading() as connection:
        found = listing.stories_by_id(connection, [number], languages, state.clock.now())
        line = next(found, None)
        if line is None:
            raise TranslationError.saying(
                "%(number)s: no story has this number and an original", number=number
            )
        original = articles_by_id(connection, [line.original_id])[line.original_id]
    cell = line.cells[0]
    changes: tuple[model.ChangedParagraph, ...] = ()
    if cell.changed_at is not None:
        changes = tuple(original_changes(state, actor, line.key, language))
    url = article_url(state.settings.publication, original)
    return TranslationDetails(line, cell, url, changes)


def original_changes(
    state: EditingState, actor: Actor, key: str, language: str
) -> list[model.ChangedParagraph]:
    """Return paragraphs changed since a translation. Raise TranslationError if not stale, or the old words are unknown."""
    actor.require(Permission.VIEW)
    with state.database.reading() as connection:
        line, cell = listing.require_story(
            *(connection, state.settings, key, language, state.clock.now())
        )
        made_from = listing.source_of_stale(connection, line, cell)
        old = records.words_by_hash(connection, made_from)
        new = records.current_words(connection, [line.original_id])[line.original_id]
    if old is None:
        raise TranslationError.saying(
            "%(key)s in %(language)s: what its original said before is not kept",
            key=key,
            language=language,
        )
    return model.changes_between(old, new)


def read_statistics(
    state: EditingState, actor: Actor, *, days: int = DAYS_LISTED
) -> TranslationStatistics:
    """Return how late translations came of originals of some days, and who is served in which language."""
    actor.require(Permission.VIEW)
    now = state.clock.now()
    languages = tuple(state.settings.publication.languages)
    with state.database.reading() as connection:
        return statistics_of(connection, languages, now - timedelta(days=days), now)


def _place(cursor: str) -> tuple[datetime, int]:
    instant, _, number = cursor.partition("-")
    try:
        return datetime.fromisoformat(instant), int(number)
    except ValueError:
        raise TranslationError.saying(
            "%(cursor)s: is no place in the list", cursor=repr(cursor)
        ) from None


_LAST_MINUTE = time(23, 59)  # of a day, as people read it


def claim_translation(  # who promises what, and by when
    state: EditingState,
    actor: Actor,
    key: str,
    language: str,
    until: date | datetime,
    person: str = "",
) -> model.TranslationClaim:
    """Promise a translation by an instant, or the end of a day. Raise TranslationError if it is up to date, or claimed by others.

    Who may edit issues in the language can assign it to a `person`, by address, also if others have claimed it.
    """
    return _take(state, actor, model.ClaimState.PROMISED, key, language, until, person)


def start_translation(
    state: EditingState,
    actor: Actor,
    key: str,
    language: str,
    until: date | datetime | None = None,
) -> model.TranslationClaim:
    """Say that a translation is in work. Without `until`, an own earlier date is kept."""
    return _take(state, actor, model.ClaimState.IN_WORK, key, language, until)


def give_up_translation(
    state: EditingState, actor: Actor, key: str, language: str, reason: str
) -> model.TranslationClaim:
    if not reason.strip():
        raise TranslationError.saying("say why the translation is given up")
    with _changing(state, actor, "give up translation", key, language) as (change, line, cell):
        _require_wanted(cell, key)
        now, why = state.clock.now(), reason.strip()
        _require_own(actor, cell, now)
        change.details["reason"] = why
        said = (line.story_id, language, model.ClaimState.GIVEN_UP, actor.name)
        claim = model.TranslationClaim(*said, until=None, reason=why, changed_at=now)
        records.store_claim(change.connection, claim)
    return claim


def release_translation(state: EditingState, actor: Actor, key: str, language: str) -> None:
    """Remove what was said of a translation: the promise, that it is in work, or that it is given up."""
    with _changing(state, actor, "release translation", key, language) as (change, line, cell):
        if cell.claim is None:
            raise TranslationError.saying(
                "%(key)s in %(language)s: nobody has claimed it", key=key, language=language
            )
        _require_own(actor, cell, state.clock.now())
        change.details["was"] = f"{cell.claim.state} by {cell.claim.by}"
        records.end_claim(change.connection, line.story_id, language)
        _tell_others(state, change.connection, actor, line, cell)


def _tell_others(  # what is told, and to whom
    state: EditingState,
    connection: Connection,
    actor: Actor,
    line: listing.StoryLine,
    before: model.Cell,
    claim: model.TranslationClaim | None = None,
) -> None:
    """Tell whoever was given a translation, and whoever has it no more; not the actor."""
    original = articles_by_id(connection, [line.original_id])[line.original_id]
    told = story_line(state.settings, original, before.language)
    old, by = before.claim, {}
    if old is not None and old.state != model.ClaimState.GIVEN_UP:
        by[old.by] = {"taken": [told]}
    if claim is not None:
        zone = ZoneInfo(state.settings.publication.timezone)
        when = claim.until.astimezone(zone).isoformat(" ", "minutes") if claim.until else ""
        by[claim.by] = {"assigned": [{**told, "when": when}]}
    for email, lines in by.items():
        if email != actor.name and (account := find_account(connection, email)):
            tell(connection, account, StaffMailKind.CLAIMS, lines, state.clock.now())


def dismiss_staleness(state: EditingState, actor: Actor, key: str, language: str) -> None:
    """Let a translation count as up to date until its original changes again."""
    with _changing(state, actor, "dismiss change", key, language) as (change, line, cell):
        listing.source_of_stale(change.connection, line, cell)
        assert cell.article_id is not None  # noqa: S101  # a stale translation is an article
        words = records.current_words(change.connection, [line.original_id])
        number = words[line.original_id].hash
        change.details["words"] = number
        records.dismiss(change.connection, cell.article_id, number)


def _take(  # noqa: PLR0913, PLR0917  # a claim
    state: EditingState,
    actor: Actor,
    kind: model.ClaimState,
    key: str,
    language: str,
    until: date | datetime | None,
    person: str = "",
) -> model.TranslationClaim:
    person = person.strip().lower() or actor.name
    verb = "claim translation" if kind is model.ClaimState.PROMISED else "start translation"
    with _changing(state, actor, verb, key, language) as (change, line, cell):
        now, old = state.clock.now(), cell.claim
        _require_wanted(cell, key)
        is_given = person != actor.name
        if is_given:
            _require_translator(change.connection, actor, language, person)
        elif old is not None and old.is_active(now) and old.by != actor.name:
            raise TranslationError.saying(
                "%(key)s in %(language)s: %(claim)s",
                key=key,
                language=language,
                claim=_claimed(old),
            )
        end = old.until if old is not None and old.is_active(now) else None
        if until is not None:
            end = _end(state.settings, until, now)
        said = (line.story_id, language, kind, person)
        claim = model.TranslationClaim(*said, until=end, reason=None, changed_at=now)
        change.details["until"] = claim.until.isoformat() if claim.until else None
        change.details |= {"for": person} if is_given else {}
        records.store_claim(change.connection, claim)
        _tell_others(state, change.connection, actor, line, cell, claim)
    return claim


def _require_translator(
    connection: Connection, actor: Actor, language: str, person: str
) -> None:
    actor.require(Permission.EDIT_ISSUE, language)
    account = find_account(connection, person)
    if account is None or not may_get(account, StaffMailKind.CLAIMS, language):
        raise TranslationError.saying(
            "%(person)s: nobody with this address translates into %(language)s",
            person=person,
            language=language,
        )


def read_assignable(state: EditingState, actor: Actor, language: str) -> list[Account]:
    """Return to whom the actor may assign a translation into a language."""
    if not actor.permits(Permission.EDIT_ISSUE, language):
        return []
    with state.database.reading() as connection:
        accounts = list_accounts(connection)
    return [one for one in accounts if may_get(one, StaffMailKind.CLAIMS, language)]


@contextmanager
def _changing(
    state: EditingState, actor: Actor, verb: str, key: str, language: str
) -> Iterator[tuple[Change, listing.StoryLine, model.Cell]]:
    actor.require(Permission.TRANSLATE, language)
    with state.changing(actor, verb, f"{key} ({language})") as change:
        place = (change.connection, state.settings, key, language, state.clock.now())
        yield change, *listing.require_story(*place)


def _require_wanted(cell: model.Cell, key: str) -> None:
    if cell.state in {model.CellState.ORIGINAL, model.CellState.TRANSLATION}:
        is_original = cell.state is model.CellState.ORIGINAL
        what = message("is the original") if is_original else message("is there already")
        raise TranslationError.saying(
            "%(key)s in %(language)s: %(what)s", key=key, language=cell.language, what=what
        )


def _require_own(actor: Actor, cell: model.Cell, now: datetime) -> None:
    claim = cell.claim
    if claim is None or claim.by == actor.name or not claim.is_active(now):
        return
    if not actor.permits(Permission.EDIT_ISSUE, cell.language):
        raise TranslationError.saying(
            "%(claim)s; who may edit issues in %(language)s can release it",
            claim=_claimed(claim),
            language=cell.language,
        )


def _claimed(claim: model.TranslationClaim) -> str:
    name, is_in_work = claim.by, claim.state is model.ClaimState.IN_WORK
    if claim.until is None:
        if is_in_work:
            return message("in work by %(name)s", name=name)
        return message("promised by %(name)s", name=name)
    until = f"{claim.until:%Y-%m-%d %H:%M} UTC"
    if is_in_work:
        return message("in work by %(name)s until %(until)s", name=name, until=until)
    return message("promised by %(name)s until %(until)s", name=name, until=until)


def _end(settings: Settings, until: date | datetime, now: datetime) -> datetime:
    """Return the instant of a promise. Raise TranslationError if it is over, or too far away."""
    if isinstance(until, datetime):
        end = until.astimezone(UTC)
    else:
        zone = ZoneInfo(settings.publication.timezone)
        end = datetime.combine(until, _LAST_MINUTE, tzinfo=zone).astimezone(UTC)
    if end <= now:
        raise TranslationError.saying(
            "%(until)s: is over; promise it for a later time", until=until
        )
    if end - now > _FURTHEST_AHEAD:
        raise TranslationError.saying("%(until)s: is more than a year ahead", until=until)
    return end
