"""Operations of the terminal alone, which no key does: accounts, keys, the audit log, webhooks, and what translators get."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from publisher.accounts.mails import MailTime, StaffMailKind
from publisher.accounts.model import ApiKey
from publisher.app.accounts import administration
from publisher.app.accounts.keys import list_keys, revoke_key
from publisher.app.editing_state import Permission
from publisher.app.issues.calendar import renew_private_addresses
from publisher.app.operation import webhooks
from publisher.app.staff_mails import choose_mails, read_mail_choices
from publisher.app.subscribers import actions
from publisher.app.translators import read_feed_addresses
from publisher.web.api import operations
from publisher.web.api.problems import ProblemError
from publisher.web.api.requests import ApiRequest
from publisher.web.api.subscribers import SubscriberAnswer
from publisher.web.pages.responses import LARGEST_ID


class JsonAnswer(RootModel[dict[str, Any]]):
    """A JSON object. Its fields have the names that the program has for them."""

    model_config = ConfigDict(frozen=True)


def json_answer(**values: Any) -> JsonAnswer:
    return JsonAnswer(values)


def fields_of(value: object, *names: str, **renamed: str) -> dict[str, Any]:
    """Return attributes of a value, those of `renamed` under another name."""
    named = dict(zip(names, names, strict=True)) | renamed
    return {name: getattr(value, own) for name, own in named.items()}


OPERATIONS = operations.OperationTable(terminal=True)


@OPERATIONS.add("GET /accounts", Permission.MANAGE_ACCOUNTS)
def _list_accounts(request: ApiRequest) -> JsonAnswer:
    """List the accounts: roles, ways to sign in, sessions, and links that wait."""
    return json_answer(accounts=[*map(_account, request.call(administration.read_accounts))])


def _account(record: administration.AccountRecord) -> dict[str, Any]:
    account, factors = record.account, record.factors
    return {
        **fields_of(account, "id", address="email"),
        **fields_of(account, "name", "language"),
        "roles": [administration.written_grant(grant) for grant in account.grants],
        "passkey": factors.has_passkey,
        "password": factors.has_password and factors.has_totp,
        "openid": factors.has_openid,
        "recovery_codes": factors.recovery_codes,
        "sessions": record.sessions,
        **fields_of(account, "created_at", "disabled_at"),
        "invited_until": record.invited_until,
    }


@OPERATIONS.add("POST /accounts/<address>/roles", Permission.MANAGE_ACCOUNTS)
def _set_roles(
    request: ApiRequest,
    address: str,
    *,
    roles: Annotated[str, Field(min_length=1, max_length=2000, description="All, by spaces.")],
) -> None:
    """Replace all roles of an account; they count from its next request."""
    grants = administration.parse_roles(request.state.settings.publication, roles.split())
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
def _list_keys(request: ApiRequest) -> JsonAnswer:
    """List keys with what they permit, also those that are over."""
    return json_answer(
        keys=[{"address": owner, "key": _key(key)} for owner, key in request.call(list_keys)]
    )


def _key(key: ApiKey) -> dict[str, Any]:
    times = fields_of(key, "languages", "created_at", "expires_at", "used_at", "revoked_at")
    return {**fields_of(key, "id", "label"), "scopes": sorted(key.scopes), **times}


@OPERATIONS.add("DELETE /keys/<key>", operations.AnyKey.ANY_KEY)
def _revoke_key(request: ApiRequest, key: int) -> None:
    """Refuse a key from now on."""
    request.call(revoke_key, key)


@OPERATIONS.add("GET /audit", Permission.SEE_AUDIT_LOG)
def _read_audit_log(
    request: ApiRequest,
    *,
    before: Annotated[
        int | None, Field(ge=1, le=LARGEST_ID, description="Only those before this number.")
    ] = None,
    limit: Annotated[int, Field(ge=1, le=10_000, description="At most so many.")] = 100,
) -> JsonAnswer:
    """Read who did what, the latest first."""
    found = request.call(administration.read_audit_log, before=before, limit=limit)
    return json_answer(entries=[{"number": number, "entry": entry} for number, entry in found])


_AUDIT_FAULTS = {
    "changed": "is not as it was written",
    "missing": "does not follow the one before: entries are missing",
}


@OPERATIONS.add("GET /audit/verify", Permission.SEE_AUDIT_LOG)
def _verify_audit_log(request: ApiRequest) -> JsonAnswer:
    """Check each entry of the audit log against its hash, and that none is missing."""
    check = request.call(administration.verify_audit_log)
    if check.fault is not None:
        raise ProblemError(409, f"entry {check.fault.row} {_AUDIT_FAULTS[check.fault.fault]}")
    # Compare it with that of a backup: the end of a log may have been cut off.
    return json_answer(last=check.last)


@OPERATIONS.add("GET /webhooks", Permission.MANAGE_WEBHOOKS)
def _list_webhooks(request: ApiRequest) -> JsonAnswer:
    """List the webhooks, with their deliveries of the last 30 days."""
    found = request.call(webhooks.list_webhooks)
    shown = ("id", "url", "events", "created_at", "disabled_at", "disabled_reason")
    rows = [
        {"webhook": fields_of(x.webhook, *shown), "deliveries": x.deliveries} for x in found
    ]
    return json_answer(webhooks=rows)


@OPERATIONS.add("POST /webhooks", Permission.MANAGE_WEBHOOKS)
def _add_webhook(
    request: ApiRequest,
    *,
    url: operations.Text,
    events: Annotated[
        operations.Text, Field(description="Types like issue.sent, by spaces; none for all.")
    ] = "",
) -> JsonAnswer:
    """Add a webhook; the answer has its secret, which is shown once."""
    number, secret = request.call(webhooks.add_webhook, url, events.split())
    return json_answer(webhook=number, secret=secret)


@OPERATIONS.add("DELETE /webhooks/<webhook>", Permission.MANAGE_WEBHOOKS)
def _remove_webhook(request: ApiRequest, webhook: int) -> None:
    """Remove a webhook with what waits for it."""
    request.call(webhooks.remove_webhook, webhook)


@OPERATIONS.add("POST /webhooks/<webhook>/rotate", Permission.MANAGE_WEBHOOKS)
def _rotate_webhook(request: ApiRequest, webhook: int) -> JsonAnswer:
    """Replace a webhook's secret; for 24 hours the old one signs, too."""
    return json_answer(webhook=webhook, secret=request.call(webhooks.rotate_webhook, webhook))


@OPERATIONS.add("POST /webhooks/<webhook>/enable", Permission.MANAGE_WEBHOOKS)
def _enable_webhook(request: ApiRequest, webhook: int) -> JsonAnswer:
    """Send to a disabled webhook again, first what failed."""
    return json_answer(events=request.call(webhooks.enable_webhook, webhook))


@OPERATIONS.add("POST /webhooks/<webhook>/disable", Permission.MANAGE_WEBHOOKS)
def _disable_webhook(request: ApiRequest, webhook: int) -> None:
    """Send nothing more to a webhook; waiting events are marked as failed."""
    request.call(webhooks.disable_webhook, webhook)


@OPERATIONS.add("POST /webhooks/<webhook>/test", Permission.MANAGE_WEBHOOKS)
def _test_webhook(request: ApiRequest, webhook: int) -> JsonAnswer:
    """Send an event of the type webhook.test, and read the answer."""
    return json_answer(
        **fields_of(request.call(webhooks.send_test_event, webhook), "is_accepted", "text")
    )


@OPERATIONS.add("GET /webhooks/<webhook>/deliveries", Permission.MANAGE_WEBHOOKS)
def _list_webhook_deliveries(
    request: ApiRequest,
    webhook: int,
    *,
    state: Literal["pending", "delivered", "failed"] | None = None,
    limit: Annotated[int, Field(ge=1, le=1000, description="At most so many.")] = 20,
) -> JsonAnswer:
    """List the latest events for a webhook, with the last answer."""
    found = request.call(webhooks.list_webhook_deliveries, webhook, state, limit)
    shown = ("event_id", "type", "data", "occurred_at", "due_at", "state", "attempts")
    return json_answer(deliveries=[fields_of(one, *shown, "last_answer") for one in found])


@OPERATIONS.add("GET /account/mails", operations.AnyKey.ANY_KEY)
def _read_mail_choices(request: ApiRequest) -> JsonAnswer:
    """Read when the account is told of what by mail, and the latest mails to it."""
    found = request.call(read_mail_choices)
    mails = [fields_of(one, "due_at", "state", "reason") for one in found.mails]
    return json_answer(times=found.times, mails=mails)


@OPERATIONS.add("POST /account/mails", operations.AnyKey.ANY_KEY)
def _choose_mails(request: ApiRequest, *, kind: StaffMailKind, time: MailTime) -> JsonAnswer:
    """Choose when the account is told of a kind by mail: now, daily or never."""
    request.call(choose_mails, {kind: time})
    return _read_mail_choices(request)


@OPERATIONS.add("GET /translator/feeds", operations.AnyKey.ANY_KEY)
def _read_translation_feeds(request: ApiRequest) -> JsonAnswer:
    """Read the addresses of the account's feeds of what is to be translated."""
    return json_answer(feeds=request.call(read_feed_addresses))


@OPERATIONS.add("POST /translator/feeds", operations.AnyKey.ANY_KEY)
def _renew_private_feeds(request: ApiRequest) -> JsonAnswer:
    """Give all private feeds of an account other addresses; those of before end."""
    request.call(renew_private_addresses)
    return _read_translation_feeds(request)


@OPERATIONS.add("POST /subscribers/revive", Permission.MANAGE_SUBSCRIBERS)
def _revive_subscriber(
    request: ApiRequest, *, address: operations.Name, note: operations.Text = ""
) -> SubscriberAnswer:
    """Write again to an address that bounced, because it works now; refused after a complaint."""
    _require_owner(request)
    change = request.call(actions.revive_address, address, note)
    return SubscriberAnswer.of(change.after)


@OPERATIONS.add("POST /subscribers/merge", Permission.MANAGE_SUBSCRIBERS)
def _merge_subscribers(
    request: ApiRequest, *, former: operations.Name, kept: operations.Name
) -> SubscriberAnswer:
    """Make one subscriber of two addresses of the same person, for good; what either left stays left."""
    _require_owner(request)
    change = request.call(actions.merge_addresses, former, kept)
    return SubscriberAnswer.of(change.after)


@OPERATIONS.add("POST /mailbox/undo", Permission.MANAGE_SUBSCRIBERS)
def _undo_left_by_mail(request: ApiRequest, *, since: operations.Moment) -> JsonAnswer:
    """Subscribe again all whom forged mails have unsubscribed since an instant."""
    _require_owner(request)
    changes, refused = request.call(actions.undo_left_by_mail, since)
    subscribed = [change.after.address for change in changes]
    return json_answer(subscribed=subscribed, refused=refused)


def _require_owner(request: ApiRequest) -> None:
    if request.actor.account_id is not None:
        raise ProblemError(403, "only the machine's owner does this: leave out --as")
