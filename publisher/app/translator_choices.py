"""What a translator chooses, and the feeds of what is to be translated.

A feed's address has a token of the account, and ends when its owner asks for another. It shows what
everybody sees in the list of translations: stories that lack a language, or whose original changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

import feeds
from publisher import urls
from publisher.accounts.feed_tokens import feed_token, read_feed_token
from publisher.accounts.model import Permission, permitted_languages
from publisher.accounts.store import account_by_id
from publisher.articles.model import Article
from publisher.articles.store import articles_by_id
from publisher.errors import TranslationError
from publisher.languages import autonym
from publisher.syndication.tag_uris import publication_tag
from publisher.translations.listing import StoryFilter, StoryLine, read_stories
from publisher.translations.mails import TranslatorMail, latest_mails
from publisher.translations.model import TO_BE_DONE
from publisher.translations.translators import (
    Translator,
    languages_to_mail,
    load_translator,
    store_translator,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.accounts.actor import Actor
    from publisher.accounts.model import Account
    from publisher.app.editing_state import EditingState
    from publisher.config import Publication

# Which of an account's private feeds a token is of.
_PURPOSE: Final = "translations"
# How old stories of a feed may be, and how many it has.
_DAYS: Final = 60
_ENTRIES: Final = 50
# Mails that are shown.
_LATEST: Final = 10


@dataclass(frozen=True, slots=True)
class TranslatorChoices:
    """What an account chose. `mail_languages` are those of which it is told what came in.

    `feeds` has the addresses by language and name of the format.
    """

    wants_mail: bool
    mail_languages: tuple[str, ...]
    feeds: Mapping[str, Mapping[str, str]] = field(repr=False)
    mails: tuple[TranslatorMail, ...]


@dataclass(frozen=True, slots=True)
class TranslationFeed:
    """A document, its media type, and a value that changes with it."""

    content: bytes
    media_type: str
    etag: str


def read_translator_choices(state: EditingState, actor: Actor) -> TranslatorChoices:
    """Return what the actor's account chose. Raise TranslationError for the terminal alone."""
    languages = state.settings.publication.languages
    with state.database.reading() as connection:
        account, chosen = _chosen(state, connection, actor)
        sent = latest_mails(connection, account.id, _LATEST)
        token = feed_token(connection, state.secret, _PURPOSE, account.id)
    offered = permitted_languages(account.grants, Permission.TRANSLATE, languages)
    told = languages_to_mail(account, chosen.wants_mail, languages)
    addresses = {tag: _addresses(state, token, tag) for tag in offered}
    return TranslatorChoices(bool(told), told, addresses, tuple(sent))


def choose_translator_mails(state: EditingState, actor: Actor, *, wanted: bool) -> None:
    """Turn the mails on or off. What came in while they were off is not told."""
    with state.changing(actor, "choose translator mails", actor.name) as change:
        _account, chosen = _chosen(state, change.connection, actor)
        change.details["wanted"] = wanted
        now = state.clock.now()
        store_translator(change.connection, replace(chosen, wants_mail=wanted, told_until=now))


def read_translation_feed(
    state: EditingState, token: str, language: str, name: str
) -> TranslationFeed | None:
    """Return a feed of what is to be translated into a language, in the format of a name.

    None for a token that is wrong or was renewed, for an account that may not translate into the language
    any more, and for an unknown language or format.
    """
    form = next((one for one in feeds.FEED_FORMATS if one.name == name), None)
    with state.database.reading() as connection:
        account = _account_of(state, connection, token, language)
        if form is None or account is None:
            return None
        channel = _channel(state, connection, account, token, language)
    content = feeds.render(form, channel)
    return TranslationFeed(content, form.media_type, hashlib.sha256(content).hexdigest()[:32])


def _chosen(
    state: EditingState, connection: Connection, actor: Actor
) -> tuple[Account, Translator]:
    """Return an actor's account and what it chose; raise TranslationError if there is no account."""
    if actor.account_id is None:
        raise TranslationError(
            "the terminal is no translator; say --as with the address of one"
        )
    account = account_by_id(connection, actor.account_id)
    languages = state.settings.publication.languages
    if not permitted_languages(account.grants, Permission.TRANSLATE, languages):
        raise TranslationError(f"{account.email}: has no role that translates")
    found = load_translator(connection, account.id)
    return account, found or Translator(account.id, state.clock.now())


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
    state: EditingState,
    connection: Connection,
    account: Account,
    token: str,
    language: str,
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
