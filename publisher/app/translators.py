"""What translators get: mails about what came in for them, at most once an hour, and feeds.

A cycle queues mails, in one transaction with the note of what each translator was told. They are sent
as mails about subscriptions are: a few a day, to people who work here. Mails that remind of
approvals are sent with them. A feed's address has a token of the account, and ends when its owner asks for
another. It shows what everybody sees in the list of translations.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, select

import feeds
from publisher import urls
from publisher.accounts.api_keys import feed_token, read_feed_token
from publisher.accounts.model import Account, Actor, Permission, permitted_languages
from publisher.accounts.store import account_by_id, list_accounts
from publisher.accounts.tables import account_table
from publisher.app.editing_state import EditingState
from publisher.articles.model import Article
from publisher.articles.store import articles_by_id
from publisher.clock import Clock
from publisher.config import Publication, Settings
from publisher.database import Database, retry_queue
from publisher.database.retry_queue import QueueItem, Settlement, queue_item
from publisher.delivery.causes import cause_of
from publisher.delivery.transports.base import Outcome, SendStatus, Transport
from publisher.errors import DeliveryError, TranslationError
from publisher.fault_isolation import Report, isolated, unreported
from publisher.languages import autonym, match
from publisher.log import log
from publisher.mail import Message, SubscriptionMail, compose_subscription_message
from publisher.mail.dkim import DkimSigner
from publisher.notices.sender import PersonalMail, PersonalMails, PersonalMailSender
from publisher.rendering import Renderer, SystemMail
from publisher.rendering.console import CONSOLE_LANGUAGES, ConsolePages
from publisher.rendering.model import Digest, StoryToTranslate, WaitingIssue
from publisher.rendering.views import publication_view
from publisher.secrets import unseal
from publisher.syndication.feed_index import publication_tag
from publisher.translations import translators
from publisher.translations.listing import StoryFilter, StoryLine, read_stories
from publisher.translations.model import TO_BE_DONE
from subscribers.model import Recipient

BETWEEN_MAILS: Final = timedelta(hours=1)  # at most one mail to a person in this time
_MOST_STORIES: Final = 50  # stories that a mail names; further ones are in the list


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
    """Return what came in for an account; None if it gets no mail now, [] if it was not looked at before."""
    chosen = translators.load_translator(connection, account.id)
    wants = chosen.wants_mail if chosen else None
    languages = translators.languages_to_mail(account, wants, settings.publication.languages)
    if chosen is None:
        return [] if languages else None
    if not languages or now - chosen.told_until < BETWEEN_MAILS:
        return None
    return translators.what_came_in(connection, languages, chosen.told_until, now) or None


def _queue(connection: Connection, settings: Settings, account: Account, now: datetime) -> int:
    news = _news(connection, settings, account, now)
    if news is None:
        return 0  # another process has queued it meanwhile
    chosen = translators.load_translator(connection, account.id)
    told = replace(chosen or translators.Translator(account.id, now), told_until=now)
    translators.store_translator(connection, told)
    if not news:
        return 0
    shown = news[:_MOST_STORIES]
    originals = articles_by_id(connection, [entry.story.original_id for entry in shown])
    stories = [
        {
            "title": entry.story.title,
            "language": entry.story.language,
            "url": urls.article_url(settings.publication, originals[entry.story.original_id]),
            "into": entry.language,
            "is_changed": entry.kind == "changed",
        }
        for entry in shown
    ]
    content = {"stories": stories, "has_more": len(news) > len(shown)}
    translators.enqueue_staff_mail(connection, account.id, content, now)
    return 1


def send_translator_mails(  # noqa: PLR0913  # the parts of the program that mails use
    settings: Settings,
    database: Database,
    transport: Transport,
    secret: str,
    clock: Clock,
    renderer: Renderer,
    *,
    signers: Sequence[DkimSigner] = (),
) -> list[str]:
    """Send what is due; return what went wrong. Several processes may do so at once."""
    with database.reading() as connection:
        if not retry_queue.has_work(connection, translators.STAFF_POLICY, clock.now()):
            return []
    mails = _StaffMails(settings, transport, secret, renderer, signers)
    return PersonalMailSender(settings, database, transport, mails, clock).send_due().problems


@dataclass(frozen=True)
class _StaffMails(PersonalMails):
    secret: str = field(repr=False)
    renderer: Renderer
    signers: Sequence[DkimSigner]
    what = "mail to somebody with an account"
    folder = "translators"
    policy = translators.STAFF_POLICY

    def cancel_unwanted(self, connection: Connection, now: datetime) -> None:
        disabled = select(account_table.c.id).where(account_table.c.disabled_at.is_not(None))
        end = Settlement(retry_queue.FAILED, reason="the account is disabled", payload={})
        retry_queue.end_items(
            connection, queue_item.c.account_id.in_(disabled) & retry_queue.IS_WAITING, end, now
        )

    def load(self, connection: Connection, items: Sequence[QueueItem]) -> list[PersonalMail]:
        accounts = {account.id: account for account in list_accounts(connection)}
        return [self._mail(item, accounts[item.account_id or 0]) for item in items]

    def note_end(
        self, _connection: Connection, mail: PersonalMail, outcome: Outcome, _now: datetime
    ) -> str | None:
        if outcome.status is SendStatus.ACCEPTED:
            return None
        reason = outcome.reason or outcome.status.value
        log.error("a mail was not sent", what=self.what, mail=mail.item.id, reason=reason)
        return f"a {self.what} was not sent: {reason}"

    def _mail(self, item: QueueItem, account: Account) -> PersonalMail:
        compose = partial(self._message, item, account)
        return PersonalMail(item, account.email, account.language, self.sender, compose)

    def _message(self, mail: QueueItem, account: Account) -> Message:
        publication, language = self.settings.publication, account.language
        is_invitation = translators.INVITATION_MAIL in mail.payload
        digest = (self._invitation if is_invitation else self._news)(mail.payload, account)
        signature = hmac.new(self.secret.encode(), b"translator\n%d" % mail.id, "sha256")
        composed = SubscriptionMail(
            publication=publication,
            language=language,
            digest=digest,
            date=mail.date,
            recipient=Recipient(
                id=0, address=account.email, name=account.name, language=language, timezone=None
            ),
            values={},
            name=f"translator.{mail.id}.{signature.hexdigest()[:24]}",
            number=mail.id,
        )
        return compose_subscription_message(composed, self.signers)

    def _news(self, content: Mapping[str, Any], account: Account) -> Digest:
        console = self.settings.console
        waiting = tuple(WaitingIssue(**one) for one in content.get("issues", ()))
        return self.renderer.system_mail(
            SystemMail(
                kind="approval" if waiting else "translations",
                publication=publication_view(self.settings.publication, account.language),
                stories=tuple(StoryToTranslate(**one) for one in content["stories"]),
                has_more=content.get("has_more", False),
                list_url=f"{console.url}/translations/" if console.enabled else "",
                waiting=waiting,
            )
        )

    def _invitation(self, content: Mapping[str, Any], account: Account) -> Digest:
        """Return the mail with an invitation's link, in words of the console."""
        sealed = content[translators.INVITATION_MAIL]
        link = unseal(self.secret, translators.INVITATION_MAIL, sealed)
        if link is None:
            raise DeliveryError(
                "the invitation was made under another secret; make another one"
            )
        values = {
            "publication": publication_view(self.settings.publication, account.language),
            "link": link,
            "until": datetime.fromisoformat(content["until"]),
            "zone": self.settings.publication.timezone,
        }
        language = match(account.language, CONSOLE_LANGUAGES) or CONSOLE_LANGUAGES[0]
        pages = ConsolePages()
        subject, html, text = (
            pages.render(f"invitation_mail.{part}", language, values)
            for part in ("subject.txt", "html", "txt")
        )
        return Digest(subject=subject.strip(), preheader="", html=html, text=text)


_PURPOSE: Final = "translations"  # which of an account's private feeds a token is of
# How old stories of a feed may be, and how many it has.
_DAYS: Final = 60
_ENTRIES: Final = 50
_LATEST: Final = 10  # mails that are shown


@dataclass(frozen=True, slots=True)
class StaffMail:
    """A mail to an account: pending, attempting, sent or failed, and why."""

    due_at: datetime | None
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class TranslatorChoices:
    """What an account chose; it is told what came in of `mail_languages`. `feeds` has addresses by language and format."""

    wants_mail: bool
    mail_languages: tuple[str, ...]
    feeds: Mapping[str, Mapping[str, str]] = field(repr=False)
    mails: tuple[StaffMail, ...]


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
        sent = translators.latest_mails(connection, account.id, _LATEST)
        token = feed_token(connection, state.secret, _PURPOSE, account.id)
    offered = permitted_languages(account.grants, Permission.TRANSLATE, languages)
    told = translators.languages_to_mail(account, chosen.wants_mail, languages)
    addresses = {tag: _addresses(state, token, tag) for tag in offered}
    return TranslatorChoices(bool(told), told, addresses, tuple(map(_staff_mail, sent)))


def _staff_mail(item: QueueItem) -> StaffMail:
    cause = cause_of(item.reason_key) if item.reason_key else None
    reason = cause.explain(item.reason or "") if cause else item.reason
    shown = {"deferred": "pending", "bounced": "failed", "in_doubt": "failed"}
    if item.state == "in_doubt":
        reason = f"it may or may not have arrived: {reason}"
    return StaffMail(item.due_at, shown.get(item.state, item.state), reason)


def choose_translator_mails(state: EditingState, actor: Actor, *, wanted: bool) -> None:
    """Turn the mails on or off. What came in while they were off is not told."""
    with state.changing(actor, "choose translator mails", actor.name) as change:
        _account, chosen = _chosen(state, change.connection, actor)
        change.details["wanted"] = wanted
        now = state.clock.now()
        translators.store_translator(
            change.connection, replace(chosen, wants_mail=wanted, told_until=now)
        )


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


def _chosen(
    state: EditingState, connection: Connection, actor: Actor
) -> tuple[Account, translators.Translator]:
    """Return an actor's account and what it chose; raise TranslationError if there is no account."""
    if actor.account_id is None:
        raise TranslationError(
            "the terminal is no translator; say --as with the address of one"
        )
    account = account_by_id(connection, actor.account_id)
    languages = state.settings.publication.languages
    if not permitted_languages(account.grants, Permission.TRANSLATE, languages):
        raise TranslationError(f"{account.email}: has no role that translates")
    found = translators.load_translator(connection, account.id)
    return account, found or translators.Translator(account.id, state.clock.now())


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
