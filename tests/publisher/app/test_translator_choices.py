"""What translators choose, and their feeds of what is to be translated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import feedparser
import pytest

from publisher.accounts.actor import Actor, account_actor, terminal_actor
from publisher.accounts.store import NewAccount, add_account, disable_account, set_grants
from publisher.app.calendar_file import (
    calendar_of_token,
    calendar_token,
    renew_private_addresses,
)
from publisher.app.editing_state import EditingState, Grant, Role, open_editing_state
from publisher.app.translation_claims import start_translation
from publisher.app.translator_choices import (
    choose_translator_mails,
    read_translation_feed,
    read_translator_choices,
)
from publisher.app.translator_mails import queue_translator_mails
from publisher.errors import TranslationError
from tests.publisher.conftest import NOW, PublicationFolder

FORMATS = ("rss", "atom", "json")


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    publication.at(NOW + timedelta(days=1))
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


def add(state: EditingState, name: str, *grants: Grant) -> Actor:
    new = NewAccount(f"{name}@example.org", name, "en", grants)
    with state.database.writing() as connection:
        return account_actor(add_account(connection, new, NOW), "")


@pytest.fixture
def omar(state: EditingState) -> Actor:
    add(state, "root", Grant(Role.ADMINISTRATOR))
    return add(state, "omar", Grant(Role.TRANSLATOR, "ar"))


def write(publication: PublicationFolder, language: str, key: str, text: str) -> None:
    by = {} if language == "en" else {"translator": "Omar"}
    publication.write(f"{language}/{key}.md", text, title=key, date="2026-01-08", **by)


def token_of(state: EditingState, actor: Actor, language: str = "ar") -> str:
    address = read_translator_choices(state, actor).feeds[language]["atom"]
    root, token, name = address.rsplit("/", 2)
    assert root == "http://localhost:8090/translations/feeds"
    assert name == f"{language}.atom"
    return token


def titles(state: EditingState, token: str) -> dict[str, str]:
    """Give the state of each entry by its title, the same in each format."""
    found = {name: read_translation_feed(state, token, "ar", name) for name in FORMATS}
    documents = [feedparser.parse(one.content) for one in found.values() if one is not None]
    entries = [
        {entry.title: entry.tags[0].term for entry in one.entries} for one in documents[:2]
    ]
    assert found["json"] is not None
    items = json.loads(found["json"].content)["items"]
    entries.append({one["title"]: one["tags"][0] for one in items})
    assert entries[0] == entries[1] == entries[2]
    return entries[0]


def test_a_feed_has_what_lacks_the_language_or_has_changed_and_nobody_does(
    state: EditingState, omar: Actor, publication: PublicationFolder
) -> None:
    for key in ("ferry", "bridge", "kites", "tides"):
        write(publication, "en", key, "First.")
    for key in ("bridge", "tides"):
        write(publication, "ar", key, "Words.")
    publication.at(NOW).pick_up()
    write(publication, "en", "bridge", "Other.")
    publication.at(NOW + timedelta(hours=1)).pick_up()
    token = token_of(state, omar)
    assert titles(state, token) == {"ferry": "missing", "kites": "missing", "bridge": "stale"}
    start_translation(state, omar, "kites", "ar")
    before = read_translation_feed(state, token, "ar", "atom")
    assert titles(state, token) == {"ferry": "missing", "bridge": "stale"}
    again = read_translation_feed(state, token, "ar", "atom")
    assert before is not None
    assert again is not None
    assert (again.etag, again.media_type) == (before.etag, "application/atom+xml")


def test_a_feed_s_address_ends_when_it_is_renewed_or_its_owner_may_translate_no_more(
    state: EditingState, omar: Actor
) -> None:
    token = token_of(state, omar)
    assert titles(state, token) == {}
    for wrong in (
        f"{token}0",
        token[:-1],
        "1-x",
        "x",
        "",
        f"9{token}",
        token.replace("2-", "²-"),
    ):
        assert read_translation_feed(state, wrong, "ar", "atom") is None
    # A token is of one feed only.
    assert read_translation_feed(state, calendar_token(state, omar), "ar", "atom") is None
    assert calendar_of_token(state, token) is None
    for language, name in (("en", "atom"), ("xx", "atom"), ("ar", "pdf")):
        assert read_translation_feed(state, token, language, name) is None
    renew_private_addresses(state, omar)
    new = token_of(state, omar)
    assert read_translation_feed(state, token, "ar", "atom") is None
    assert read_translation_feed(state, new, "ar", "atom") is not None
    assert omar.account_id is not None
    with state.database.writing() as connection:
        set_grants(connection, omar.account_id, [Grant(Role.VIEWER)])
    assert read_translation_feed(state, new, "ar", "atom") is None
    with state.database.writing() as connection:
        set_grants(connection, omar.account_id, [Grant(Role.TRANSLATOR)])
    assert read_translation_feed(state, new, "ar", "atom") is not None
    with state.database.writing() as connection:
        disable_account(connection, omar.account_id, NOW)
    assert read_translation_feed(state, new, "ar", "atom") is None


def test_mails_are_on_for_translators_and_for_others_who_turn_them_on(
    state: EditingState, omar: Actor, publication: PublicationFolder
) -> None:
    editor = add(state, "ed", Grant(Role.EDITOR, "zh-Hans"))
    assert read_translator_choices(state, omar).mail_languages == ("ar",)
    assert not read_translator_choices(state, editor).wants_mail
    choose_translator_mails(state, editor, wanted=True)
    choose_translator_mails(state, omar, wanted=False)
    assert read_translator_choices(state, editor).mail_languages == ("zh-Hans",)
    assert not read_translator_choices(state, omar).wants_mail
    write(publication, "en", "ferry", "First.")
    later = NOW + timedelta(days=2)
    publication.at(later).pick_up()
    assert queue_translator_mails(publication.settings, publication.database, later) == 1
    (mail,) = read_translator_choices(state, editor).mails
    assert (mail.state, mail.content["stories"][0]["title"]) == ("pending", "ferry")


def test_the_terminal_and_those_who_may_not_translate_have_no_choices(
    state: EditingState, omar: Actor
) -> None:
    with pytest.raises(TranslationError, match="say --as"):
        read_translator_choices(state, terminal_actor())
    viewer = add(state, "view", Grant(Role.VIEWER))
    with pytest.raises(TranslationError, match="no role that translates"):
        choose_translator_mails(state, viewer, wanted=True)
    assert omar.account_id == 2
