"""Mails to people with accounts: what each chose to be told, and when; of sources that fail; how they are sent.

Other use cases tell what they are about (`accounts.mails`). The mails are sent as those about subscriptions are: a few
a day, in the words and languages of the console.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, select

from publisher.accounts import mails
from publisher.accounts.mails import MailTime, StaffMailKind
from publisher.accounts.model import Account, Actor
from publisher.accounts.store import account_by_id, list_accounts, set_mails
from publisher.accounts.tables import account_table
from publisher.app.editing_state import EditingState
from publisher.clock import Clock
from publisher.config import Settings
from publisher.database import Database, retry_queue
from publisher.database.retry_queue import QueueItem, Settlement, queue_item
from publisher.delivery.causes import cause_of
from publisher.delivery.transports.base import Outcome, SendStatus, Transport
from publisher.errors import AccountError, DeliveryError
from publisher.i18n.messages import packed, unpacked
from publisher.ingest import problems
from publisher.languages import match
from publisher.log import log
from publisher.mail import Message, SubscriptionMail, compose_subscription_message
from publisher.mail.dkim import DkimSigner
from publisher.notices.sender import PersonalMail, PersonalMails, PersonalMailSender
from publisher.polling.schedule import MISSING_AFTER, PollResult
from publisher.polling.store import list_polled
from publisher.rendering.console import CONSOLE_LANGUAGES, ConsolePages
from publisher.rendering.model import Digest
from publisher.rendering.views import publication_view
from publisher.secrets import unseal
from publisher.translations.translators import set_notified_until
from subscribers.model import Recipient

_LATEST: Final = 10  # mails that are shown
# Of a folder, before people are told: one that is replaced, or is there by turns, would be many mails.
_FAILS_FOR: Final = timedelta(minutes=30)
# What a line of a mail may have besides its title.
_LINE: Final = dict.fromkeys(
    ("url", "language", "into", "when", "state", "is_changed", "reason", "names", "words"), ""
)


@dataclass(frozen=True, slots=True)
class StaffMail:
    """A mail to an account: pending, attempting, sent or failed, and why."""

    due_at: datetime | None
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class MailChoices:
    """When an account is told of what: the kinds that it can act on. The latest mails come first."""

    times: Mapping[StaffMailKind, MailTime]
    mails: tuple[StaffMail, ...]


def read_mail_choices(state: EditingState, actor: Actor) -> MailChoices:
    with state.database.reading() as connection:
        account = _account(connection, actor)
        sent = mails.latest_mails(connection, account.id, _LATEST)
    return MailChoices(_times(state.settings, account), tuple(map(_staff_mail, sent)))


def choose_mails(
    state: EditingState, actor: Actor, chosen: Mapping[StaffMailKind, MailTime]
) -> None:
    """Change when the actor is told of some kinds. What came in to be translated until then is not told."""
    given = {kind.value: at.value for kind, at in chosen.items()}
    with state.changing(actor, "choose-mails", actor.name, given) as change:
        account = _account(change.connection, actor)
        offered = _times(state.settings, account)
        if unknown := [*chosen.keys() - offered.keys()]:
            raise AccountError.saying(
                "%(kind)s: your roles get no such mails", kind=", ".join(sorted(unknown))
            )
        set_mails(change.connection, account.id, {**account.mails, **given})
        kind = StaffMailKind.TRANSLATIONS
        if kind in chosen and chosen[kind] is not offered[kind]:
            set_notified_until(change.connection, account.id, state.clock.now())


def _account(connection: Connection, actor: Actor) -> Account:
    if actor.account_id is None:
        raise AccountError(
            "the terminal gets no mails; say --as with the address of an account"
        )
    return account_by_id(connection, actor.account_id)


def _times(settings: Settings, account: Account) -> dict[StaffMailKind, MailTime]:
    languages = (None, *settings.publication.languages)
    return {
        kind: mails.mail_time(account, kind)
        for kind in StaffMailKind
        if any(mails.may_get(account, kind, one) for one in languages)
    }


def _staff_mail(item: QueueItem) -> StaffMail:
    cause = cause_of(item.reason_key) if item.reason_key else None
    reason = cause.explain(item.reason or "") if cause else item.reason
    shown = {"deferred": "pending", "bounced": "failed", "in_doubt": "failed"}
    if item.state == "in_doubt":
        reason = f"it may or may not have arrived: {reason}"
    return StaffMail(item.due_at, shown.get(item.state, item.state), reason)


def queue_source_mails(settings: Settings, database: Database, now: datetime) -> int:
    """Tell who can mend them of sources that fail for good, and that work again: each once. Return how many are told."""
    with database.reading() as connection:
        told = problems.reported_sources(connection)
        if not any(_source_news(connection, settings, told, now)):
            return 0
    with database.writing() as connection:
        told = problems.reported_sources(connection)
        failing, works = _source_news(connection, settings, told, now)
        problems.set_reported_sources(connection, (told | failing.keys()) - works)
        url = f"{settings.console.url}/sources/" if settings.console.enabled else ""
        lines = {
            "source-fails": [
                {"title": name, "url": url, "reason": packed(why)}
                for name, why in failing.items()
            ],
            "source-works": [
                {"title": name, "url": url} for name in sorted(works & _names(settings))
            ],
        }
        accounts = list_accounts(connection)
        return sum(
            mails.tell(connection, one, StaffMailKind.SOURCES, lines, now) for one in accounts
        )


def _names(settings: Settings) -> set[str]:
    return {one.name for one in settings.sources}


def _source_news(
    connection: Connection, settings: Settings, told: frozenset[str], now: datetime
) -> tuple[dict[str, str], set[str]]:
    """Return why sources fail of which nobody was told, and those of the told that work again or are gone."""
    failing = dict(_failing(connection, now))
    polled = list_polled(connection).values()
    # One that is paused, or was resumed and not asked yet, does not work yet.
    is_read = {PollResult.NEW, PollResult.UNCHANGED}
    broken = {one.name for one in polled if one.is_paused or one.result not in is_read}
    broken |= {one.source for one in problems.list_failures(connection)}
    names = _names(settings)
    new = {name: why for name, why in failing.items() if name in names - told}
    return new, {*told} - (broken & names)


def _failing(connection: Connection, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what fails for good: no cycle could read it for so long, or it is not asked any more, or has failed for a week."""
    for failure in problems.list_failures(connection):
        if now - failure.since >= _FAILS_FOR:
            yield failure.source, failure.reason
    for one in list_polled(connection).values():
        since = one.state.failing_since
        is_long = since is not None and now - since >= MISSING_AFTER
        if not one.is_paused and (one.state.is_stopped or is_long):
            yield one.name, one.reason


def send_staff_mails(  # the parts of the program that mails use
    settings: Settings,
    database: Database,
    transport: Transport,
    secret: str,
    clock: Clock,
    *,
    signers: Sequence[DkimSigner] = (),
) -> list[str]:
    """Send what is due; return what went wrong. Several processes may do so at once."""
    with database.reading() as connection:
        if not retry_queue.has_work(connection, mails.STAFF_POLICY, clock.now()):
            return []
    staff = _StaffMails(settings, transport, secret, signers)
    return PersonalMailSender(settings, database, transport, staff, clock).send_due().problems


@dataclass(frozen=True)
class _StaffMails(PersonalMails):
    secret: str = field(repr=False)
    signers: Sequence[DkimSigner]
    what = "mail to somebody with an account"
    folder = "staff"
    policy = mails.STAFF_POLICY

    def cancel_unwanted(self, connection: Connection, now: datetime) -> None:
        disabled = select(account_table.c.id).where(account_table.c.disabled_at.is_not(None))
        end = Settlement(retry_queue.FAILED, reason="the account is disabled", payload={})
        waits = queue_item.c.kind.in_(self.policy.kinds) & retry_queue.IS_WAITING
        retry_queue.end_items(
            connection, queue_item.c.account_id.in_(disabled) & waits, end, now
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
        signature = hmac.new(self.secret.encode(), b"staff\n%d" % mail.id, "sha256")
        composed = SubscriptionMail(
            publication=publication,
            language=language,
            digest=self._digest(mail.payload, account),
            date=mail.date,
            recipient=Recipient(
                id=0, address=account.email, name=account.name, language=language, timezone=None
            ),
            values={},
            name=f"staff.{mail.id}.{signature.hexdigest()[:24]}",
            number=mail.id,
        )
        return compose_subscription_message(composed, self.signers)

    def _digest(self, content: Mapping[str, Any], account: Account) -> Digest:
        """Return subject and words, in the language that the account has in the console."""
        console = self.settings.console
        values = {
            "publication": publication_view(self.settings.publication, account.language),
            "zone": self.settings.publication.timezone,
            "unpacked": unpacked,
            "console_url": console.url if console.enabled else "",
            "most": mails.MOST_LINES,
            "is_digest": False,
            **content,
            "lines": {
                about: [{**_LINE, **one} for one in some]
                for about, some in content.get("lines", {}).items()
            },
        }
        template = "staff_mail"
        if sealed := content.get(mails.INVITATION_MAIL):
            template = "invitation_mail"
            values["link"] = unseal(self.secret, mails.INVITATION_MAIL, sealed)
            values["until"] = datetime.fromisoformat(content["until"])
            if values["link"] is None:
                raise DeliveryError(
                    "the invitation was made under another secret; make another one"
                )
        language = match(account.language, CONSOLE_LANGUAGES) or CONSOLE_LANGUAGES[0]
        pages = ConsolePages()
        subject, html, text = (
            pages.render(f"{template}.{part}", language, values)
            for part in ("subject.txt", "html", "txt")
        )
        return Digest(subject=" ".join(subject.split()), preheader="", html=html, text=text)
