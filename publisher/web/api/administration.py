"""Operations of the terminal alone, which no key does: accounts, keys, the audit log, webhooks, and what translators get."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from publisher.app.accounts import administration
from publisher.app.accounts.keys import list_keys, revoke_key
from publisher.app.editing_state import Permission
from publisher.app.issues.calendar import renew_private_addresses
from publisher.app.operation import webhooks
from publisher.app.subscribers import actions
from publisher.app.translators import choose_translator_mails, read_translator_choices
from publisher.web.api import operations
from publisher.web.api.problems import ProblemError
from publisher.web.api.requests import ApiRequest
from publisher.web.api.subscribers import SubscriberAnswer
from publisher.web.pages.responses import LARGEST_ID


class AccountValue(operations.ApiValue):
    """An account: what it may do, and how its owner signs in."""

    id: int
    address: str = Field(validation_alias="email")
    name: str
    language: str
    roles: list[str] = Field(description="Like editor, or editor:ar for one language.")
    passkey: bool = Field(validation_alias="has_passkey")
    password: bool = Field(description="With a one-time password.")
    recovery_codes: int
    sessions: int
    created_at: operations.Instant
    disabled_at: operations.Instant | None
    invited_until: operations.Instant | None


class AccountList(operations.ApiValue):
    """All accounts, by address."""

    accounts: list[AccountValue]


class NewRoles(operations.ApiValue):
    """All roles that an account has from now on, separated by spaces."""

    roles: Annotated[str, Field(min_length=1, max_length=2000)]


class KeyValue(operations.ApiValue):
    """A key of the API, without its secret."""

    id: int
    label: str
    scopes: Annotated[list[str], BeforeValidator(sorted)]
    languages: list[str] | None = Field(description="None for all of the account.")
    created_at: operations.Instant
    expires_at: operations.Instant
    used_at: operations.Instant | None
    revoked_at: operations.Instant | None


class OwnedKey(operations.ApiValue):
    """A key, and the address of its account."""

    address: str
    key: KeyValue


class KeyList(operations.ApiValue):
    """Keys of one's own account, or all for administrators; also those that are over."""

    keys: list[OwnedKey]


class AuditQuery(operations.ApiValue):
    """Which entries are read."""

    before: int | None = Field(
        default=None, ge=1, le=LARGEST_ID, description="Only those before this number."
    )
    limit: int = Field(default=100, ge=1, le=10_000, description="At most so many.")


class AuditEntryValue(operations.ApiValue):
    """What somebody did."""

    at: operations.Instant
    actor: str
    verb: str
    object: str
    details: dict[str, Any]
    network: str


class NumberedEntry(operations.ApiValue):
    """An entry of the audit log."""

    number: int
    entry: AuditEntryValue


class AuditEntries(operations.ApiValue):
    """Entries, the latest first."""

    entries: list[NumberedEntry]


class VerifiedLog(operations.ApiValue):
    """No entry was changed, and none is missing, up to the last one. The end may have been cut off."""

    last: int = Field(description="Its number: compare it with that of a backup.")


class WebhookValue(operations.ApiValue):
    """A webhook, without its secret. `events` is empty for all."""

    id: int
    url: str
    events: list[str]
    created_at: operations.Instant
    disabled_at: operations.Instant | None
    disabled_reason: str | None


class CountedWebhook(operations.ApiValue):
    """A webhook, and its deliveries of the last 30 days by state."""

    webhook: WebhookValue
    deliveries: dict[str, int]


class WebhookList(operations.ApiValue):
    """All webhooks."""

    webhooks: list[CountedWebhook]


class NewWebhook(operations.ApiValue):
    """Where requests go, and of which events."""

    url: Annotated[str, Field(max_length=2000)]
    events: Annotated[str, Field(max_length=2000)] = Field(
        default="", description="Types like issue.sent, separated by spaces; none for all."
    )


class WebhookSecret(operations.ApiValue):
    """A webhook's new secret. It is not shown again."""

    webhook: int
    secret: str


class DueEvents(operations.ApiValue):
    """How many events that had failed are sent again."""

    events: int


class WebhookTestAnswer(operations.ApiValue):
    """What the receiver of a test answered."""

    is_accepted: bool
    text: str


class WebhookDeliveryQuery(operations.ApiValue):
    """Which deliveries are listed."""

    state: Literal["pending", "delivered", "failed"] | None = None
    limit: int = Field(default=20, ge=1, le=1000, description="At most so many.")


class WebhookDeliveryValue(operations.ApiValue):
    """An event for a webhook, and the last answer to it. A pending one is sent at `due_at`."""

    event_id: str
    type: str
    data: dict[str, Any]
    occurred_at: operations.Instant | None
    due_at: operations.Instant | None
    state: str
    attempts: int
    last_answer: str | None


class WebhookDeliveryList(operations.ApiValue):
    """Events for a webhook, the latest first. They are kept for 30 days."""

    deliveries: list[WebhookDeliveryValue]


class TranslatorMailValue(operations.ApiValue):
    """A mail about what is to be translated."""

    due_at: operations.Instant
    state: str
    reason: str | None


class TranslatorChoicesValue(operations.ApiValue):
    """What an account is told, and the addresses of its own feeds. Whoever has one can read the feed."""

    wants_mail: bool
    mail_languages: list[str] = Field(description="Of which it is told what came in.")
    feeds: dict[str, dict[str, str]] = Field(description="By language and format.")
    mails: list[TranslatorMailValue]


class MailsWanted(operations.ApiValue):
    """Whether an account gets mails about what is to be translated."""

    wanted: bool


class Revival(operations.ApiValue):
    """An address that works again, and how that is known."""

    address: operations.Name
    note: operations.Text = ""


class AddressesOfOne(operations.ApiValue):
    """Two addresses of one person: the record of `former` ends, `kept` stays."""

    former: operations.Name
    kept: operations.Name


class ForgedMail(operations.ApiValue):
    """From when on mails without a token of ours count as forged."""

    since: operations.Moment


class UndoneDepartures(operations.ApiValue):
    """Who is subscribed again, and who could not be, with the reason."""

    subscribed: list[str]
    refused: list[str]


OPERATIONS = operations.OperationTable(terminal=True)


@OPERATIONS.add("GET /accounts", Permission.MANAGE_ACCOUNTS)
def _list_accounts(request: ApiRequest) -> AccountList:
    """List the accounts: roles, ways to sign in, sessions, and links that wait."""
    records = request.call(administration.read_accounts)
    return AccountList(accounts=[_account(record) for record in records])


def _account(record: administration.AccountRecord) -> AccountValue:
    account, factors = record.account, record.factors
    return AccountValue.of(
        *(record, account, factors),
        roles=[administration.written_grant(grant) for grant in account.grants],
        password=factors.has_password and factors.has_totp,
    )


@OPERATIONS.add("POST /accounts/<address>/roles", Permission.MANAGE_ACCOUNTS)
def _set_roles(request: ApiRequest, address: str, body: NewRoles) -> None:
    """Replace all roles of an account; they count from its next request."""
    grants = administration.parse_roles(request.state.settings.publication, body.roles.split())
    request.call(administration.change_roles, address, grants)


@OPERATIONS.add("POST /accounts/<address>/disable", Permission.MANAGE_ACCOUNTS)
def _disable_account(request: ApiRequest, address: str) -> None:
    """Let nobody use an account: its sessions end, and its keys are refused."""
    request.call(administration.close_account, address)


@OPERATIONS.add("POST /accounts/<address>/enable", Permission.MANAGE_ACCOUNTS)
def _enable_account(request: ApiRequest, address: str) -> None:
    """Let the owner of a disabled account sign in again, as before."""
    request.call(administration.reopen_account, address)


@OPERATIONS.add("POST /accounts/<address>/end-sessions", Permission.MANAGE_ACCOUNTS)
def _end_sessions(request: ApiRequest, address: str) -> None:
    """End all sessions of an account; its owner may sign in again."""
    request.call(administration.end_account_sessions, address)


@OPERATIONS.add("GET /keys", operations.AnyKey.ANY_KEY)
def _list_keys(request: ApiRequest) -> KeyList:
    """List keys with what they permit, also those that are over."""
    found = request.call(list_keys)
    return KeyList.of(keys=[{"address": address, "key": key} for address, key in found])


@OPERATIONS.add("DELETE /keys/<key>", operations.AnyKey.ANY_KEY)
def _revoke_key(request: ApiRequest, key: int) -> None:
    """Refuse a key from now on."""
    request.call(revoke_key, key)


@OPERATIONS.add("GET /audit", Permission.SEE_AUDIT_LOG)
def _read_audit_log(request: ApiRequest, query: AuditQuery) -> AuditEntries:
    """Read who did what, the latest first."""
    found = request.call(administration.read_audit_log, **dict(query))
    entries = [{"number": number, "entry": entry} for number, entry in found]
    return AuditEntries.of(entries=entries)


_AUDIT_FAULTS = {
    "changed": "is not as it was written",
    "missing": "does not follow the one before: entries are missing",
}


@OPERATIONS.add("GET /audit/verify", Permission.SEE_AUDIT_LOG)
def _verify_audit_log(request: ApiRequest) -> VerifiedLog:
    """Check each entry of the audit log against its hash, and that none is missing."""
    check = request.call(administration.verify_audit_log)
    if check.fault is not None:
        raise ProblemError(409, f"entry {check.fault.row} {_AUDIT_FAULTS[check.fault.fault]}")
    return VerifiedLog.of(check)


@OPERATIONS.add("GET /webhooks", Permission.MANAGE_WEBHOOKS)
def _list_webhooks(request: ApiRequest) -> WebhookList:
    """List the webhooks, with their deliveries of the last 30 days."""
    return WebhookList.of(webhooks=request.call(webhooks.list_webhooks))


@OPERATIONS.add("POST /webhooks", Permission.MANAGE_WEBHOOKS)
def _add_webhook(request: ApiRequest, body: NewWebhook) -> WebhookSecret:
    """Add a webhook; the answer has its secret, which is shown once."""
    number, secret = request.call(webhooks.add_webhook, body.url, body.events.split())
    return WebhookSecret(webhook=number, secret=secret)


@OPERATIONS.add("DELETE /webhooks/<webhook>", Permission.MANAGE_WEBHOOKS)
def _remove_webhook(request: ApiRequest, webhook: int) -> None:
    """Remove a webhook with what waits for it."""
    request.call(webhooks.remove_webhook, webhook)


@OPERATIONS.add("POST /webhooks/<webhook>/rotate", Permission.MANAGE_WEBHOOKS)
def _rotate_webhook(request: ApiRequest, webhook: int) -> WebhookSecret:
    """Replace a webhook's secret; for 24 hours the old one signs, too."""
    return WebhookSecret(webhook=webhook, secret=request.call(webhooks.rotate_webhook, webhook))


@OPERATIONS.add("POST /webhooks/<webhook>/enable", Permission.MANAGE_WEBHOOKS)
def _enable_webhook(request: ApiRequest, webhook: int) -> DueEvents:
    """Send to a disabled webhook again, first what failed."""
    return DueEvents(events=request.call(webhooks.enable_webhook, webhook))


@OPERATIONS.add("POST /webhooks/<webhook>/disable", Permission.MANAGE_WEBHOOKS)
def _disable_webhook(request: ApiRequest, webhook: int) -> None:
    """Send nothing more to a webhook; waiting events are marked as failed."""
    request.call(webhooks.disable_webhook, webhook)


@OPERATIONS.add("POST /webhooks/<webhook>/test", Permission.MANAGE_WEBHOOKS)
def _test_webhook(request: ApiRequest, webhook: int) -> WebhookTestAnswer:
    """Send an event of the type webhook.test, and read the answer."""
    return WebhookTestAnswer.of(request.call(webhooks.send_test_event, webhook))


@OPERATIONS.add("GET /webhooks/<webhook>/deliveries", Permission.MANAGE_WEBHOOKS)
def _list_webhook_deliveries(
    request: ApiRequest, webhook: int, query: WebhookDeliveryQuery
) -> WebhookDeliveryList:
    """List the latest events for a webhook, with the last answer."""
    found = request.call(webhooks.list_webhook_deliveries, webhook, query.state, query.limit)
    return WebhookDeliveryList.of(deliveries=found)


@OPERATIONS.add("GET /translator", operations.AnyKey.ANY_KEY)
def _read_translator_choices(request: ApiRequest) -> TranslatorChoicesValue:
    """Read which mails an account gets about translations, and the addresses of its feeds."""
    return TranslatorChoicesValue.of(request.call(read_translator_choices))


@OPERATIONS.add("POST /translator/mails", operations.AnyKey.ANY_KEY)
def _choose_translator_mails(request: ApiRequest, body: MailsWanted) -> TranslatorChoicesValue:
    """Choose whether an account gets mails about translations."""
    request.call(choose_translator_mails, wanted=body.wanted)
    return _read_translator_choices(request)


@OPERATIONS.add("POST /translator/feeds", operations.AnyKey.ANY_KEY)
def _renew_private_feeds(request: ApiRequest) -> TranslatorChoicesValue:
    """Give all private feeds of an account other addresses; those of before end."""
    request.call(renew_private_addresses)
    return _read_translator_choices(request)


@OPERATIONS.add("POST /subscribers/revive", Permission.MANAGE_SUBSCRIBERS)
def _revive_subscriber(request: ApiRequest, body: Revival) -> SubscriberAnswer:
    """Write again to an address that bounced, because it works now; refused after a complaint."""
    _require_owner(request)
    change = request.call(actions.revive_address, body.address, body.note)
    return SubscriberAnswer.of(change.after)


@OPERATIONS.add("POST /subscribers/merge", Permission.MANAGE_SUBSCRIBERS)
def _merge_subscribers(request: ApiRequest, body: AddressesOfOne) -> SubscriberAnswer:
    """Make one subscriber of two addresses of the same person, for good; what either left stays left."""
    _require_owner(request)
    change = request.call(actions.merge_addresses, body.former, body.kept)
    return SubscriberAnswer.of(change.after)


@OPERATIONS.add("POST /mailbox/undo", Permission.MANAGE_SUBSCRIBERS)
def _undo_left_by_mail(request: ApiRequest, body: ForgedMail) -> UndoneDepartures:
    """Subscribe again all whom forged mails have unsubscribed since an instant."""
    _require_owner(request)
    changes, refused = request.call(actions.undo_left_by_mail, body.since)
    subscribed = [change.after.address for change in changes]
    return UndoneDepartures(subscribed=subscribed, refused=refused)


def _require_owner(request: ApiRequest) -> None:
    if request.actor.account_id is not None:
        raise ProblemError(403, "only the machine's owner does this: leave out --as")
