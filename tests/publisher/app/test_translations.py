"""Who may claim, start, give up and release translations, what is said of changes, and the feeds of it."""

import json
from dataclasses import replace
from datetime import date, timedelta

import feedparser
import pytest

from publisher.accounts.mails import MailTime, StaffMailKind
from publisher.accounts.model import Actor, Grant, Role
from publisher.accounts.store import disable_account, set_grants
from publisher.app import translations
from publisher.app.editing_state import EditingState
from publisher.app.issues.calendar import (
    calendar_of_token,
    calendar_token,
    renew_private_addresses,
)
from publisher.app.operation.status import take_snapshot
from publisher.app.staff_mails import choose_mails, read_mail_choices
from publisher.app.translators import (
    queue_translator_mails,
    read_feed_addresses,
    read_translation_feed,
)
from publisher.database.retry_queue import queue_item
from publisher.errors import ForbiddenError, TranslationError
from publisher.translations.model import CellState
from tests.publisher.app.editing import ROOT, account, audit_log
from tests.publisher.conftest import NOW, PublicationFolder, editing_state

FRIDAY = date(2026, 1, 9)


@pytest.fixture
def state(publication: PublicationFolder) -> EditingState:
    publication.write("en/ferry.md", "First.", title="Ferry", date="2026-01-08")
    publication.pick_up_file("en/bridge.md", "Words.", title="Bridge", date="2026-01-07")
    return editing_state(publication)


def translator(state: EditingState, name: str) -> Actor:
    return account(state, f"{name}@example.org", Grant(Role.TRANSLATOR, "ar"))


def at(state: EditingState, publication: PublicationFolder, days: int) -> EditingState:
    return replace(state, clock=publication.at(NOW + timedelta(days=days)).clock)


def cell(state: EditingState, key: str = "ferry", language: str = "ar") -> tuple[str, str]:
    page = translations.list_translations(state, ROOT, language=language)
    (found,) = next(one for one in page.stories if one.key == key).cells
    return found.state.value, found.claim.by if found.claim else ""


def test_a_promise_is_kept_for_its_translator_until_its_time_is_over(
    state: EditingState, publication: PublicationFolder
) -> None:
    li, omar = (translator(state, name) for name in ("li", "omar"))
    claim = translations.claim_translation(state, li, "ferry", "ar", FRIDAY)
    # The end of the day in the time zone of the publication, UTC.
    assert claim.until is not None
    assert claim.until.isoformat() == "2026-01-09T23:59:00+00:00"
    with pytest.raises(TranslationError, match=r"promised by li@example\.org until 2026-01-09"):
        translations.claim_translation(state, omar, "ferry", "ar", FRIDAY)
    assert cell(state) == ("promised", "li@example.org")
    translations.start_translation(state, li, "ferry", "ar")
    with pytest.raises(TranslationError, match=r"in work by li@example\.org"):
        translations.start_translation(state, omar, "ferry", "ar")
    assert cell(state) == ("in-work", "li@example.org")
    later = at(state, publication, 1)
    assert cell(later) == ("missing", "li@example.org")
    translations.start_translation(later, omar, "ferry", "ar")
    assert cell(later) == ("in-work", "omar@example.org")


def test_a_translation_ends_its_claim(
    state: EditingState, publication: PublicationFolder
) -> None:
    translations.claim_translation(state, ROOT, "ferry", "ar", FRIDAY)
    translations.start_translation(state, ROOT, "bridge", "ar")
    publication.pick_up_file(
        "ar/ferry.md", "Words.", title="F", date="2026-01-09", translator="Li"
    )
    assert cell(state) == ("translation", "")
    assert cell(state, "bridge") == ("in-work", "terminal")
    with pytest.raises(TranslationError, match="ferry in ar: is there already"):
        translations.claim_translation(state, ROOT, "ferry", "ar", FRIDAY)
    with pytest.raises(TranslationError, match="ferry in en: is the original"):
        translations.claim_translation(state, ROOT, "ferry", "en", FRIDAY)


def test_only_its_translator_and_those_who_edit_issues_release_a_claim(
    state: EditingState,
) -> None:
    li, omar = (translator(state, name) for name in ("li", "omar"))
    editor = account(state, "ed@example.org", Grant(Role.EDITOR, "ar"))
    with pytest.raises(TranslationError, match="nobody has claimed it"):
        translations.release_translation(state, li, "ferry", "ar")
    for actor in (li, editor):
        translations.start_translation(state, li, "ferry", "ar")
        with pytest.raises(TranslationError, match="who may edit issues in ar can release it"):
            translations.release_translation(state, omar, "ferry", "ar")
        translations.release_translation(state, actor, "ferry", "ar")
        assert cell(state) == ("missing", "")


def test_giving_up_needs_a_reason_and_is_no_claim(state: EditingState) -> None:
    li, omar = (translator(state, name) for name in ("li", "omar"))
    with pytest.raises(TranslationError, match="say why"):
        translations.give_up_translation(state, li, "ferry", "ar", "  ")
    given_up = translations.give_up_translation(
        state, li, "ferry", "ar", "no interest in ferries"
    )
    assert given_up.reason == "no interest in ferries"
    assert cell(state) == ("given-up", "li@example.org")
    translations.claim_translation(state, omar, "ferry", "ar", FRIDAY)
    assert cell(state) == ("promised", "omar@example.org")


def test_a_translator_of_one_language_claims_nothing_in_another(state: EditingState) -> None:
    li = translator(state, "li")
    desk = account(state, "desk@example.org", Grant(Role.SUBSCRIBER_DESK))
    with pytest.raises(ForbiddenError):
        translations.claim_translation(state, li, "ferry", "zh-Hans", FRIDAY)
    with pytest.raises(ForbiddenError):
        translations.start_translation(state, desk, "ferry", "ar")
    assert cell(state, language="zh-Hans") == ("missing", "")


def test_unknown_stories_languages_places_and_impossible_times_are_refused(
    state: EditingState,
) -> None:
    for key, language, wrong in (("fery", "ar", "fery"), ("ferry", "eo", "eo")):
        with pytest.raises(TranslationError, match=f"^{wrong}"):
            translations.start_translation(state, ROOT, key, language)
    with pytest.raises(TranslationError, match="eo: the publication"):
        translations.read_translation(state, ROOT, 1, "eo")
    for cursor in ("x", "20260108T000000Z-", "2026-01"):
        with pytest.raises(TranslationError, match="no place in the list"):
            translations.list_translations(state, ROOT, cursor=cursor)
    for day, problem in ((date(2026, 1, 8), "is over"), (date(2126, 1, 8), "a year ahead")):
        with pytest.raises(TranslationError, match=problem):
            translations.claim_translation(state, ROOT, "ferry", "ar", day)


def test_pages_follow_each_other(state: EditingState) -> None:
    first = translations.list_translations(state, ROOT, limit=1)
    assert [one.key for one in first.stories] == ["ferry"]
    second = translations.list_translations(state, ROOT, limit=1, cursor=first.next_cursor)
    assert [one.key for one in second.stories] == ["bridge"]
    assert second.next_cursor is None
    translations.start_translation(state, ROOT, "bridge", "ar")
    at_work = translations.list_translations(state, ROOT, states=[CellState.IN_WORK])
    assert [one.key for one in at_work.stories] == ["bridge"]


def test_a_dismissed_change_counts_again_when_the_original_changes_again(
    state: EditingState, publication: PublicationFolder
) -> None:
    for language in ("ar", "zh-Hans"):
        publication.write(f"{language}/ferry.md", "W.", title="F", translator="Li")
    at(state, publication, 1)
    publication.pick_up()
    with pytest.raises(TranslationError, match="ferry in ar: is not stale"):
        translations.original_changes(state, ROOT, "ferry", "ar")
    for day, text in ((2, "Second."), (3, "Third.")):
        later = at(state, publication, day)
        publication.pick_up_file("en/ferry.md", text, title="Ferry", date="2026-01-08")
        assert cell(later)[0] == "stale"
        said = [
            (one.kind, one.text)
            for one in translations.original_changes(later, ROOT, "ferry", "ar")
        ]
        assert said == [("same", "Ferry"), ("removed", "First."), ("added", text)]
        translations.dismiss_staleness(later, ROOT, "ferry", "ar")
        assert (cell(later)[0], cell(later, language="zh-Hans")[0]) == ("translation", "stale")


def test_the_status_counts_outdated_translations_and_promises_that_were_not_kept(
    state: EditingState, publication: PublicationFolder
) -> None:
    translations.claim_translation(state, ROOT, "bridge", "ar", FRIDAY)
    publication.write("ar/ferry.md", "W.", title="F", date="2026-01-09", translator="Li")
    later = at(state, publication, 1)
    publication.pick_up()
    publication.write("en/ferry.md", "Second.", title="Ferry", date="2026-01-08")
    at(state, publication, 2)
    publication.pick_up()
    facts = take_snapshot(state.settings, state.database, publication.clock.now())
    assert (facts.stale_translations, facts.expired_promises) == ({"ar": 1}, {"ar": 1})
    translations.dismiss_staleness(later, ROOT, "ferry", "ar")
    translations.release_translation(later, ROOT, "bridge", "ar")
    facts = take_snapshot(state.settings, state.database, publication.clock.now())
    assert (facts.stale_translations, facts.expired_promises) == ({}, {})


def test_each_verb_is_in_the_audit_log(state: EditingState) -> None:
    translations.claim_translation(state, ROOT, "ferry", "ar", FRIDAY)
    translations.give_up_translation(state, ROOT, "ferry", "ar", "no time")
    translations.release_translation(state, ROOT, "ferry", "ar")
    entries = audit_log(state)
    assert {one.object for one in entries} == {"ferry (ar)"}
    assert [(one.verb, one.details) for one in reversed(entries)] == [
        ("claim translation", {"until": "2026-01-09T23:59:00+00:00", "via": "terminal"}),
        ("give up translation", {"reason": "no time", "via": "terminal"}),
        ("release translation", {"was": "given-up by terminal", "via": "terminal"}),
    ]


# --- what translators choose, and their feeds of what is to be translated


FORMATS = ("rss", "atom", "json")


@pytest.fixture
def next_day(publication: PublicationFolder) -> EditingState:
    return editing_state(publication.at(NOW + timedelta(days=1)))


@pytest.fixture
def omar(next_day: EditingState) -> Actor:
    account(next_day, "root@example.org", Grant(Role.ADMINISTRATOR))
    return account(next_day, "omar@example.org", Grant(Role.TRANSLATOR, "ar"))


def write(publication: PublicationFolder, language: str, key: str, text: str) -> None:
    by = {} if language == "en" else {"translator": "Omar"}
    publication.write(f"{language}/{key}.md", text, title=key, date="2026-01-08", **by)


def token_of(next_day: EditingState, actor: Actor, language: str = "ar") -> str:
    address = read_feed_addresses(next_day, actor)[language]["atom"]
    root, token, name = address.rsplit("/", 2)
    assert root == "http://localhost:8090/translations/feeds"
    assert name == f"{language}.atom"
    return token


def titles(next_day: EditingState, token: str) -> dict[str, str]:
    """Give the state of each entry by its title, the same in each format."""
    found = {name: read_translation_feed(next_day, token, "ar", name) for name in FORMATS}
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
    next_day: EditingState, omar: Actor, publication: PublicationFolder
) -> None:
    for key in ("ferry", "bridge", "kites", "tides"):
        write(publication, "en", key, "First.")
    for key in ("bridge", "tides"):
        write(publication, "ar", key, "Words.")
    publication.at(NOW).pick_up()
    write(publication, "en", "bridge", "Other.")
    publication.at(NOW + timedelta(hours=1)).pick_up()
    token = token_of(next_day, omar)
    assert titles(next_day, token) == {
        "ferry": "missing",
        "kites": "missing",
        "bridge": "stale",
    }
    translations.start_translation(next_day, omar, "kites", "ar")
    before = read_translation_feed(next_day, token, "ar", "atom")
    assert titles(next_day, token) == {"ferry": "missing", "bridge": "stale"}
    again = read_translation_feed(next_day, token, "ar", "atom")
    assert before is not None
    assert again is not None
    assert (again.etag, again.media_type) == (before.etag, "application/atom+xml")


def test_a_feed_s_address_ends_when_it_is_renewed_or_its_owner_may_translate_no_more(
    next_day: EditingState, omar: Actor
) -> None:
    token = token_of(next_day, omar)
    assert titles(next_day, token) == {}
    for wrong in (token[:-1], token.replace("2-", "²-")):
        assert read_translation_feed(next_day, wrong, "ar", "atom") is None
    # A token is of one feed only.
    assert read_translation_feed(next_day, calendar_token(next_day, omar), "ar", "atom") is None
    assert calendar_of_token(next_day, token) is None
    for language, name in (("en", "atom"), ("xx", "atom"), ("ar", "pdf")):
        assert read_translation_feed(next_day, token, language, name) is None
    renew_private_addresses(next_day, omar)
    new = token_of(next_day, omar)
    assert read_translation_feed(next_day, token, "ar", "atom") is None
    assert read_translation_feed(next_day, new, "ar", "atom") is not None
    assert omar.account_id is not None
    with next_day.database.writing() as connection:
        set_grants(connection, omar.account_id, [Grant(Role.VIEWER)])
    assert read_translation_feed(next_day, new, "ar", "atom") is None
    with next_day.database.writing() as connection:
        set_grants(connection, omar.account_id, [Grant(Role.TRANSLATOR)])
    assert read_translation_feed(next_day, new, "ar", "atom") is not None
    with next_day.database.writing() as connection:
        disable_account(connection, omar.account_id, NOW)
    assert read_translation_feed(next_day, new, "ar", "atom") is None


def test_mails_are_on_for_translators_and_for_others_who_turn_them_on(
    next_day: EditingState, omar: Actor, publication: PublicationFolder
) -> None:
    editor = account(next_day, "ed@example.org", Grant(Role.EDITOR, "zh-Hans"))
    choose_mails(next_day, editor, {StaffMailKind.TRANSLATIONS: MailTime.NOW})
    choose_mails(next_day, omar, {StaffMailKind.TRANSLATIONS: MailTime.NEVER})
    write(publication, "en", "ferry", "First.")
    later = NOW + timedelta(days=2)
    publication.at(later).pick_up()
    assert queue_translator_mails(publication.settings, publication.database, later) == 1
    (mail,) = read_mail_choices(next_day, editor).mails
    (row,) = publication.rows(queue_item)
    (line,) = row["payload"]["lines"]["translate"]
    assert (mail.state, line["title"], line["into"]) == ("pending", "ferry", "zh-Hans")


def test_the_terminal_and_those_who_may_not_translate_have_no_feeds(
    next_day: EditingState, omar: Actor
) -> None:
    with pytest.raises(TranslationError, match="say --as"):
        read_feed_addresses(next_day, ROOT)
    viewer = account(next_day, "view@example.org", Grant(Role.VIEWER))
    with pytest.raises(TranslationError, match="no role that translates"):
        read_feed_addresses(next_day, viewer)
    assert omar.account_id == 2
