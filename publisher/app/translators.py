"""What translators get: mails about what came in for them, at most once an hour, and feeds.

A cycle tells them, in one transaction with the note of what each was told. A feed's address has a token of the
account, and ends when its owner asks for another. It shows what everybody sees in the list of translations.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import Connection

import feeds
from publisher import urls
from publisher.accounts.api_keys import feed_token, read_feed_token
from publisher.accounts.mails import MOST_LINES, StaffMailKind, tell
from publisher.accounts.model import Account, Actor, Permission, permitted_languages
from publisher.accounts.store import account_by_id, list_accounts
from publisher.app.editing_state import EditingState
from publisher.articles.model import Article
from publisher.articles.store import articles_by_id
from publisher.config import Publication, Settings
from publisher.database import Database
from publisher.errors import TranslationError
from publisher.fault_isolation import Report, isolated, unreported
from publisher.languages import autonym
from publisher.syndication.feed_index import publication_tag
from publisher.translations import translators
from publisher.translations.listing import StoryFilter, StoryLine, read_stories
from publisher.translations.model import TO_BE_DONE

BETWEEN_MAILS: Final = timedelta(hours=1)  # at most one mail to a person in this time


def queue_translator_mails(
    settings: Settings, database: Database, now: datetime, report: Report = unreported
) -> int:
    """Queue a mail for each translator for whom something came in since it was looked at. Return how many."""
    with database.reading() as connection:
        accounts = list_accounts(connection)
        if all(_news(connection, settings, account, now) is None for account in accounts):
            return 0
    count = 0
    with database.writing() as connection:
        for account in list_accounts(connection):
            with isolated(f"mail to account {account.id}", report, connection):
                count += _queue(connection, settings, account, now)
    return count


def _news(
    connection: Connection, settings: Settings, account: Account, now: datetime
) -> list[translators.ToTranslate] | None:
    """Return what came in for an account; None if it is told nothing now, [] if it was not looked at before."""
    languages = translators.languages_to_mail(account, settings.publication.languages)
    since = translators.notified_until(connection, account.id)
    if since is None:
        return [] if languages else None
    if not languages or now - since < BETWEEN_MAILS:
        return None
    return translators.what_came_in(connection, languages, since, now) or None


def _queue(connection: Connection, settings: Settings, account: Account, now: datetime) -> bool:
    news = _news(connection, settings, account, now)
    if news is None:
        return False  # another process has queued it meanwhile
    translators.set_notified_until(connection, account.id, now)
    news = news[: MOST_LINES + 1]  # one more says that there are others
    originals = articles_by_id(connection, [entry.story.original_id for entry in news])
    lines = [
        story_line(settings, originals[entry.story.original_id], entry.language)
        | {"is_changed": entry.kind == "changed"}
        for entry in news
    ]
    return tell(connection, account, StaffMailKind.TRANSLATIONS, {"translate": lines}, now)


def story_line(settings: Settings, original: Article, into: str) -> dict[str, str]:
    """Return a line of a mail about a story that is to be translated."""
    url = urls.article_url(settings.publication, original)
    return {"title": original.title, "language": original.language, "url": url, "into": into}


_PURPOSE: Final = "translations"  # which of an account's private feeds a token is of
# How old stories of a feed may be, and how many it has.
_DAYS: Final = 60
_ENTRIES: Final = 50


@dataclass(frozen=True, slots=True)
class TranslationFeed:
    """A document, its media type, and a value that changes with it."""

    content: bytes
    media_type: str
    etag: str


def read_feed_addresses(state: EditingState, actor: Actor) -> dict[str, dict[str, str]]:
    """Return the actor's own feeds, by language and format. Raise TranslationError for the terminal alone."""
    if actor.account_id is None:
        raise TranslationError(
            "the terminal is no translator; say --as with the address of one"
        )
    with state.database.reading() as connection:
        account = account_by_id(connection, actor.account_id)
        languages = state.settings.publication.languages
        offered = permitted_languages(account.grants, Permission.TRANSLATE, languages)
        if not offered:
            raise TranslationError(f"{account.email}: has no role that translates")
        token = feed_token(connection, state.secret, _PURPOSE, account.id)
    return {tag: _addresses(state, token, tag) for tag in offered}


def read_translation_feed(
    state: EditingState, token: str, language: str, name: str
) -> TranslationFeed | None:
    """Return the feed of a token; None if it is wrong or renewed, or nobody may have this language or format."""
    form = next((one for one in feeds.FEED_FORMATS if one.name == name), None)
    with state.database.reading() as connection:
        account = _account_of(state, connection, token, language)
        if form is None or account is None:
            return None
        channel = _channel(state, connection, account, token, language)
    content = feeds.render(form, channel)
    return TranslationFeed(content, form.media_type, hashlib.sha256(content).hexdigest()[:32])


def _account_of(
    state: EditingState, connection: Connection, token: str, language: str
) -> Account | None:
    account = read_feed_token(connection, state.secret, _PURPOSE, token)
    if account is None:
        return None
    served = state.settings.publication.languages
    permitted = permitted_languages(account.grants, Permission.TRANSLATE, served)
    return account if language in permitted else None


def _addresses(state: EditingState, token: str, language: str) -> dict[str, str]:
    root = f"{state.settings.console.url}/translations/feeds/{token}"
    return {one.name: f"{root}/{language}.{one.name}" for one in feeds.FEED_FORMATS}


def _channel(
    state: EditingState, connection: Connection, account: Account, token: str, language: str
) -> feeds.Channel:
    publication, now = state.settings.publication, state.clock.now()
    since = now - timedelta(days=_DAYS)
    wanted = StoryFilter(languages=[language], states=TO_BE_DONE, since=since)
    found = (one for one in read_stories(connection, wanted, now) if one.available_at <= now)
    lines = list(islice(found, _ENTRIES))
    originals = articles_by_id(connection, [one.original_id for one in lines])
    entries = [_entry(publication, one, originals[one.original_id]) for one in lines]
    title = f"{publication.title(account.language)} → {autonym(language)}"
    return feeds.Channel(
        id=publication_tag(publication, f"to-translate/{language}/{account.id}"),
        title=title,
        description=title,
        site_url=f"{state.settings.console.url}/translations/",
        addresses=_addresses(state, token, language),
        language=account.language,
        mixed=True,
        entries=tuple(entries),
        author=feeds.Author(name=publication.title(account.language)),
        updated=account.created_at,
    )


def _entry(publication: Publication, line: StoryLine, original: Article) -> feeds.Entry:
    (cell,) = line.cells
    at: datetime = cell.changed_at or line.available_at
    name = f"to-translate/{cell.language}/{line.story_id}/{at:%Y%m%dT%H%M%SZ}"
    return feeds.Entry(
        id=publication_tag(publication, name),
        url=urls.article_url(publication, original),
        title=line.title,
        language=line.language,
        published=at,
        updated=at,
        summary=original.summary,
        authors=tuple(feeds.Author(name=one.name) for one in original.bylines),
        topics=(cell.state.value,),
    )
