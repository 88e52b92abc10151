"""One subscriber by a number: who may, and what is on record of it."""

from __future__ import annotations

import pytest

from publisher.accounts import audit
from publisher.accounts.actor import account_actor, key_actor, terminal_actor
from publisher.accounts.api_keys import ApiKey, KeyHolder
from publisher.accounts.model import Account, Grant, Permission, Role
from publisher.app.editing_state import Actor
from publisher.app.subscriber_numbers import (
    erase_number,
    find_subscriber_number,
    read_subscriber,
    unsubscribe_number,
)
from publisher.app.subscribers import check_newsletter
from publisher.errors import ForbiddenError, UsageError
from subscribers import SubscriberStatus
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe

ANN = "ann@example.com"


@pytest.fixture
def list_of_one(publication: PublicationFolder) -> PublicationFolder:
    subscribe(publication, (ANN, "en"))
    return publication


def actor_of(role: Role, *languages: str) -> Actor:
    """Give an account with a role; with languages, a key of it for these."""
    account = Account(
        id=1,
        email="bob@example.org",
        name="Bob",
        language="en",
        created_at=NOW,
        grants=(Grant(role),),
    )
    if not languages:
        return account_actor(account, "")
    scopes = frozenset({Permission.SEE_SUBSCRIBERS, Permission.MANAGE_SUBSCRIBERS})
    key = ApiKey(
        id=1,
        account_id=1,
        label="ci",
        scopes=scopes,
        languages=languages,
        created_at=NOW,
        expires_at=NOW,
        used_at=None,
        revoked_at=None,
    )
    return key_actor(KeyHolder(key, account), "")


def test_a_subscriber_is_found_by_the_address_and_read_by_the_number(
    list_of_one: PublicationFolder,
) -> None:
    state, actor = editing_state(list_of_one), actor_of(Role.SUBSCRIBER_DESK)
    person = find_subscriber_number(state, actor, "Ann@Example.com")
    assert read_subscriber(state, actor, person.id) == person
    with pytest.raises(UsageError, match="no subscriber has this address"):
        find_subscriber_number(state, actor, "cyd@example.com")
    with pytest.raises(UsageError, match="99: no such subscriber"):
        read_subscriber(state, actor, 99)


def test_unsubscribing_is_in_the_history_and_in_the_audit_log_without_the_address(
    list_of_one: PublicationFolder,
) -> None:
    state, actor = editing_state(list_of_one), actor_of(Role.SUBSCRIBER_DESK)
    person = unsubscribe_number(state, actor, 1, "weekly", "by telephone")
    assert person.subscriptions == {"weekly": SubscriberStatus.UNSUBSCRIBED}
    assert unsubscribe_number(state, actor, 1, None, "").status is SubscriberStatus.UNSUBSCRIBED
    with pytest.raises(UsageError, match="no such newsletter"):
        unsubscribe_number(state, actor, 1, "hourly", "")
    with state.database.reading() as connection:
        log = audit.read_log(connection)
    assert [(one.verb, one.object) for _number, one in log] == [
        ("unsubscribe", "subscriber 1")
    ] * 2
    assert ANN not in str(log)


def test_erasing_leaves_nobody(list_of_one: PublicationFolder) -> None:
    state = editing_state(list_of_one)
    erase_number(state, terminal_actor(), 1)
    for verb in (read_subscriber, erase_number):
        with pytest.raises(UsageError, match="1: no such subscriber"):
            verb(state, terminal_actor(), 1)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.APPROVER, Role.TRANSLATOR, Role.VIEWER])
def test_other_roles_may_not(list_of_one: PublicationFolder, role: Role) -> None:
    state, actor = editing_state(list_of_one), actor_of(role)
    with pytest.raises(ForbiddenError):
        read_subscriber(state, actor, 1)
    with pytest.raises(ForbiddenError):
        unsubscribe_number(state, actor, 1, None, "")
    with pytest.raises(ForbiddenError):
        erase_number(state, actor, 1)
    with pytest.raises(UsageError):
        find_subscriber_number(state, actor, ANN)
    assert read_subscriber(state, terminal_actor(), 1).status is SubscriberStatus.ACTIVE


def test_a_key_for_some_languages_is_about_their_subscribers_only(
    list_of_one: PublicationFolder,
) -> None:
    state = editing_state(list_of_one)
    arabic, english = (actor_of(Role.SUBSCRIBER_DESK, tag) for tag in ("ar", "en"))
    assert read_subscriber(state, english, 1).email == ANN
    with pytest.raises(UsageError):
        find_subscriber_number(state, arabic, ANN)
    with pytest.raises(ForbiddenError):
        read_subscriber(state, arabic, 1)
    with pytest.raises(ForbiddenError):
        erase_number(state, arabic, 1)


def test_a_newsletter_is_one_of_the_settings_or_of_the_subscriber(
    list_of_one: PublicationFolder,
) -> None:
    person = read_subscriber(editing_state(list_of_one), terminal_actor(), 1)
    for known in (None, "weekly"):
        check_newsletter(list_of_one.settings, person, known)
    with pytest.raises(UsageError, match="hourly: no such newsletter; there are: weekly"):
        check_newsletter(list_of_one.settings, person, "hourly")
