"""Subscribe by oneself: a request, a mail that asks for the confirmation, and the confirmation.

Whoever makes a request learns nothing from the answer about who has an address: it is the same for
all, and takes the same work. What differs is the mail that the address gets, if any. Use cases for
pages and for mail that comes in take the connection of a transaction that writes. Each cycle reminds once,
and forgets those who do not confirm. Other sites get a form for their pages.
"""

import hmac
import secrets
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from publisher import urls
from publisher.app.subscribers import join_protection
from publisher.app.subscribers.personal_tables import forget_address
from publisher.app.subscribers.records import address_digest
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import LanguageError, UsageError
from publisher.languages import normalise
from publisher.log import log
from publisher.mail.compose import notice_message_name
from publisher.mail.signed_addresses import find_link
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import cancel_notices, enqueue_notice
from publisher.rendering import Renderer
from publisher.rendering.views import publication_view
from publisher.request_limits import Limit, LimitKeys, check_limit, rewrite_bucket
from publisher.secrets import load_secret
from subscribers import consent_records, joining
from subscribers.addresses import INBOXES, Address, mask_address, normalise_address
from subscribers.consent import JoinAnswer
from subscribers.consent_records import ConsentOrigin
from subscribers.model import JoinWish, Subscriber, SubscriberStatus
from subscribers.pending_requests import (
    JoinRequest,
    RequestState,
    find_request,
    insert_request,
    requests_due_for_reminder,
)
from subscribers.store import load_subscriber

# Keeps these hashes apart from what else the secret signs.
_CODE_PREFIX = b"code to confirm:"
_CODES = 1_000_000
# Codes that are tried for an address, known or not.
_TRIES = Limit(per=20, burst=20, period=timedelta(hours=1))
_NO_EVIDENCE = join_protection.FormEvidence()
# Mails that a refusal makes pointless.
_ASKING = frozenset({NoticeKind.CONFIRM, NoticeKind.REMINDER})


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """A request to subscribe. `client` is the IP address that it came from; only a network is stored, which `origin` has."""

    address: str
    wish: JoinWish
    origin: ConsentOrigin
    client: str = ""
    evidence: join_protection.FormEvidence = _NO_EVIDENCE


class RequestAnswer(StrEnum):
    """What the form's page shows: look into the mailbox, or the form once more."""

    ACCEPTED = "accepted"
    ONCE_MORE = "once more"


class ConfirmationState(StrEnum):
    """What a link or a code to confirm did, or can do."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ConfirmationView:
    """What the page of a confirmation shows; `address` is masked. `subscribed`: other newsletters come already, and stay."""

    state: ConfirmationState
    address: str = ""
    newsletters: tuple[str, ...] = ()
    subscribed: bool = False
    request: JoinRequest | None = field(default=None, repr=False)


def request_subscription(
    connection: Connection, settings: Settings, request: SubscriptionRequest, now: datetime
) -> RequestAnswer:
    """Ask an address to confirm a request, if it may be asked. Raise BadAddressError for one that can get no mail."""
    address = join_protection.personal_address(settings, request.address)
    by_form = request.origin.source is consent_records.ConsentChannel.FORM
    if by_form and not join_protection.check_form(
        connection, settings, request.evidence, now, request.client
    ):
        return RequestAnswer.ONCE_MORE
    reason = "trap" if request.evidence.trap else ""
    reason = reason or join_protection.refusal_reason(
        connection, settings, address.identity, request.client, now
    )
    answer, person = joining.prepare_answer(
        connection, address.identity, request.wish.newsletters, address_digest(settings), now
    )
    if reason:
        # Without the address: a log is read by many.
        log.info("a request to subscribe is not answered by a mail", reason=reason)
        answer = JoinAnswer.NOTHING
    _answer(connection, settings, _Decision(address, answer, person), request, now)
    return RequestAnswer.ACCEPTED


@dataclass(frozen=True, slots=True)
class _Decision:
    address: Address
    leads_to: JoinAnswer
    person: Subscriber | None

    @property
    def is_new(self) -> bool:
        return self.person is None and self.leads_to is JoinAnswer.CONFIRM


def _answer(
    connection: Connection,
    settings: Settings,
    decision: _Decision,
    request: SubscriptionRequest,
    now: datetime,
) -> None:
    """Store and enqueue what an answer needs; the rest is done for nobody, and undone, so that each answer takes the same time."""
    savepoint = connection.begin_nested()
    if decision.is_new:
        number = joining.add_pending(connection, decision.address, request.wish, now)
        savepoint.commit()
    else:
        number = joining.add_nobody(connection, request.wish, now)
    if decision.person is not None and decision.leads_to is not JoinAnswer.NOTHING:
        savepoint.rollback()
        number = decision.person.id
    _ask(connection, settings, number, decision, request, now)
    if savepoint.is_active:
        savepoint.rollback()


def _ask(
    connection: Connection,
    settings: Settings,
    subscriber_id: int,
    decision: _Decision,
    request: SubscriptionRequest,
    now: datetime,
) -> None:
    wish, code = request.wish, f"{secrets.randbelow(_CODES):06}"
    digest = _code_digest(settings, decision.address.identity, code)
    kind: NoticeKind = NoticeKind.CONFIRM
    language: str | None = wish.language
    values: dict[str, object] = {"newsletters": list(wish.newsletters)}
    if decision.leads_to is JoinAnswer.ALREADY_SUBSCRIBED:
        # In the language of the subscriber: anybody may have chosen the other.
        kind, language = NoticeKind.ALREADY_SUBSCRIBED, None
    else:
        number = insert_request(connection, subscriber_id, wish, digest, now)
        values |= {"number": number, "code": code}
    mail = enqueue_notice(
        connection, kind, subscriber_id, now, language=language, values=values
    )
    name = notice_message_name(load_secret(settings), mail)
    message_id = f"<{name}@{settings.publication.sender.domain}>"
    origin = replace(request.origin, message_id=message_id)
    consent_records.append_consent_record(
        connection, subscriber_id, consent_records.ConsentEvent.REQUESTED, wish, origin, now
    )


def read_confirmation(
    connection: Connection, settings: Settings, token: str, now: datetime
) -> ConfirmationView:
    """Return what a link to confirm would do. Writes nothing."""
    link = find_link(load_secret(settings), "confirm", token)
    if link is None:
        return ConfirmationView(ConfirmationState.UNKNOWN)
    request = find_request(connection, link.number)
    person = load_subscriber(connection, link.subscriber_id)
    if request is None or person is None or request.subscriber_id != person.id:
        return ConfirmationView(ConfirmationState.UNKNOWN)
    if link.has_ended(person.generation) and request.state(now) is not RequestState.OPEN:
        # Of a mailbox that the subscriber had before, or refused all mail from.
        return ConfirmationView(ConfirmationState.UNKNOWN)
    return _view(request, person, now)


def confirm_by_link(
    connection: Connection, settings: Settings, token: str, origin: ConsentOrigin, now: datetime
) -> ConfirmationView:
    """Confirm a request by the link of its mail. Doing so twice is no error."""
    view = read_confirmation(connection, settings, token, now)
    return _confirm(connection, settings, view, origin, now)


def confirm_by_code(
    connection: Connection,
    settings: Settings,
    address: str,
    code: str,
    origin: ConsentOrigin,
    now: datetime,
) -> ConfirmationView:
    """Confirm a request by its address and the code of its mail.

    A wrong code, an unknown address and a code that was tried too often are the same: unknown. Each
    runs the same statements and writes as many rows, so that its time does not tell who is on record.
    Raise BadAddressError for an address that cannot be written to.
    """
    identity = normalise_address(address).identity
    digest = _code_digest(settings, identity, code)
    key = LimitKeys(load_secret(settings)).key("codes by address", identity)
    if check_limit(connection, key, _TRIES, now) is not None:
        return ConfirmationView(ConfirmationState.UNKNOWN)
    request, has_counted = joining.match_code(connection, identity, digest, now)
    rewrite_bucket(connection, key, writes=not has_counted)
    person = load_subscriber(connection, request.subscriber_id) if request else None
    if request is None or person is None:
        return ConfirmationView(ConfirmationState.UNKNOWN)
    return _confirm(connection, settings, _view(request, person, now), origin, now)


def refuse(
    connection: Connection, settings: Settings, token: str, origin: ConsentOrigin, now: datetime
) -> ConfirmationView:
    """End a request that the mailbox's owner did not make; see `subscribers.refuse_request`."""
    view = read_confirmation(connection, settings, token, now)
    request = view.request
    if request is None or view.state is ConfirmationState.CONFIRMED:
        return view
    person = load_subscriber(connection, request.subscriber_id)
    cancel_notices(connection, request.subscriber_id, _ASKING, now)
    refused = joining.refuse_request(connection, request, address_digest(settings), origin, now)
    if refused and person:
        forget_address(connection, person.email)
    state = ConfirmationState.REFUSED if refused else ConfirmationState.CANCELLED
    return replace(view, state=state, request=None)


def inbox_url(address: str) -> str:
    """Return the page of an address's inbox, if its domain is a large webmail service; else empty."""
    return INBOXES.get(normalise_address(address).identity.rpartition("@")[2], "")


def _confirm(
    connection: Connection,
    settings: Settings,
    view: ConfirmationView,
    origin: ConsentOrigin,
    now: datetime,
) -> ConfirmationView:
    request = view.request
    if request is None or view.state is not ConfirmationState.OPEN:
        return view
    if not joining.confirm_request(connection, request, address_digest(settings), origin, now):
        return ConfirmationView(ConfirmationState.CANCELLED)
    cancel_notices(connection, request.subscriber_id, [NoticeKind.REMINDER], now)
    values = {"newsletters": list(request.wish.newsletters)}
    enqueue_notice(connection, NoticeKind.WELCOME, request.subscriber_id, now, values=values)
    return replace(view, state=ConfirmationState.CONFIRMED, request=None)


def _view(request: JoinRequest, person: Subscriber, now: datetime) -> ConfirmationView:
    state = request.state(now)
    if person.status is SubscriberStatus.COMPLAINED and state is RequestState.OPEN:
        state = RequestState.CANCELLED
    return ConfirmationView(
        ConfirmationState(state),
        mask_address(person.address),
        request.wish.newsletters,
        person.status is SubscriberStatus.ACTIVE,
        request,
    )


def _code_digest(settings: Settings, identity: str, code: str) -> str:
    text = _CODE_PREFIX + f"{identity}\n{code}".encode("utf-8", "surrogatepass")
    return hmac.digest(load_secret(settings).encode(), text, "sha256").hex()


def send_reminders(settings: Settings, database: Database, now: datetime) -> int:
    """Remind those who have not confirmed after a day, once. Return how many."""
    if not settings.joining.reminder:
        return 0
    with database.writing() as connection:
        if join_protection.joining_stopped(connection, settings, now):
            return 0
        due = requests_due_for_reminder(connection, now)
        for one in due:
            enqueue_notice(
                connection,
                NoticeKind.REMINDER,
                one.subscriber_id,
                now,
                language=one.wish.language,
                values={"newsletters": list(one.wish.newsletters), "number": one.id},
            )
    return len(due)


def delete_expired_requests(database: Database, now: datetime) -> int:
    """Delete those who did not confirm within 30 days. Return how many."""
    with database.writing() as connection:
        count = len(joining.delete_unconfirmed(connection, now))
    if count:
        log.info("subscribers who did not confirm within 30 days were deleted", count=count)
    return count


def subscription_form(settings: Settings, newsletter: str | None, language: str | None) -> str:
    """Return HTML of a form for other pages, which leads to the page to subscribe. Raise UsageError for an unknown newsletter or language."""
    publication = settings.publication
    try:
        tag = publication.serves(normalise(language or publication.default_language))
    except LanguageError as error:
        raise UsageError(str(error)) from None
    if tag is None:
        raise UsageError(
            f"{language}: no such language; there is {', '.join(publication.languages)}"
        )
    names = [one.name for one in settings.newsletters]
    if newsletter is not None and newsletter not in names:
        raise UsageError(f"{newsletter}: no such newsletter; there is {', '.join(names)}")
    page = urls.public_url(publication, urls.subscriber_page_path(tag, "subscribe"))
    with closing(Renderer(settings.folders.templates)) as renderer:
        return renderer.subscriber_page(
            "web/subscriber/snippet.html",
            publication_view(publication, tag),
            action=page if newsletter is None else f"{page}?newsletter={newsletter}",
            newsletter=newsletter or (names[0] if len(names) == 1 else ""),
        )
