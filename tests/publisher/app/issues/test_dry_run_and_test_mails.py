"""The copy on which issues are previewed, and test mails: to whom they go, and what they leave behind."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from publisher import errors
from publisher.accounts.model import Actor, Grant, Role, terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.issues import dry_run, send_test_mails
from publisher.app.issues import preview as use_cases
from publisher.app.issues.dry_run import open_dry_run, open_preview, preview_next
from publisher.app.issues.lookup import find_edition
from publisher.app.issues.send_test_mails import TEST_MAIL_LIMIT, SentTest, send_tests
from publisher.app.subscribers.actions import unsubscribe_somebody
from publisher.app.subscribers.personal_tables import OTHER_TABLES, PERSONAL_TABLES, own_numbers
from publisher.clock import FixedClock
from publisher.database import Database, engine, open_database
from publisher.database.copy import read_all_tables
from publisher.database.dialect.sql import last_ids
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import Outcome, SendStatus, Unreachable
from publisher.mail.signed_addresses import find_link
from publisher.rendering import Renderer
from publisher.testing import SECRET, MemoryTransport
from subscribers.store import find_subscriber
from subscribers.tables import subscriber_alias
from tests.databases import wait_for_locks
from tests.publisher.app.editing import audit_log
from tests.publisher.app.reading import DAY, Reading, titles
from tests.publisher.conftest import NOW, Make, PublicationFolder, by_owner, editing_state
from tests.publisher.mail.samples import parsed

pytestmark = pytest.mark.usefixtures("issue_pages_only")
DAILY = {"name": "daily", "schedule": "0 8 * * *"}
PERSONAL = {one.name for one in (*(one.table for one in PERSONAL_TABLES), *OTHER_TABLES)}
SCENES = ("most", "brief", "arab", "away", "left")


@pytest.fixture
def reading(prepared_publication: Make) -> Reading:
    """Subscribers who have got different stories, and stories that came since."""
    made = prepared_publication(send_stories, languages=("en", "ar"), newsletters=(DAILY,))
    return Reading(made.at(NOW + DAY))


def send_stories(publication: PublicationFolder) -> None:
    found = Reading(publication)
    found.write(1, "en", "ar")
    found.write(2, "en")
    found.join("most", "en")
    found.join("brief", "en", topics=("tides",))
    found.join("arab", "ar", "en")
    found.join("away", "en", hour=23)
    found.join("left", "en")
    found.run()
    found.next_day()
    unsubscribe_somebody(*by_owner(publication), "left@example.com", None)
    found.write(3, "en", "ar")


def counts(database: Database) -> dict[str, int]:
    """Return how many rows each table has."""
    with database.reading() as connection:
        return {name: one.rows for name, one in read_all_tables(connection).items()}


def test_the_copy_has_what_issues_are_made_from_and_of_subscribers_the_one_who_is_asked_for(
    reading: Reading,
) -> None:
    publication = reading.publication
    publication.pick_up()
    of_all = counts(publication.database)
    left_out = {"subscriber", "issue_variant", "issue_variant_article", *PERSONAL}
    left_out |= {*dry_run._LEFT_OUT}
    assert min(of_all[name] for name in ("subscriber", "delivery", "digest")) > 1
    assert of_all.keys() >= left_out
    with open_dry_run(publication.settings, publication.clock) as pipeline:
        found = counts(pipeline.database)
    assert {name for name in left_out if found[name]} == set()
    # The copy has a secret of its own.
    kept = of_all.keys() - left_out - {"secret_fingerprint"}
    assert {name: found[name] for name in kept} == {name: of_all[name] for name in kept}
    arguments = (publication.settings, publication.clock, "arab@example.com")
    with open_dry_run(*arguments) as pipeline:
        found = counts(pipeline.database)
    assert (found["subscriber"], found["subscription"], found["preference"]) == (1, 1, 1)
    assert 0 < found["delivery"] < of_all["delivery"]


def test_what_went_to_a_record_that_was_merged_is_in_the_copy(reading: Reading) -> None:
    publication = reading.publication
    with publication.database.writing() as connection:
        most, former = (
            find_subscriber(connection, f"{name}@example.com") for name in ("most", "brief")
        )
        assert most is not None
        assert former is not None
        merged = {"former_id": former.id, "subscriber_id": most.id}
        merged_at = publication.clock.now()
        connection.execute(insert(subscriber_alias).values(**merged, merged_at=merged_at))
        numbers = own_numbers(connection, most.id)
        assert numbers == [most.id, former.id]
        counted = select(func.count()).where(delivery.c.subscriber_id.in_(numbers))
        wanted = connection.execute(counted).scalar_one()
    arguments = (publication.settings, publication.clock, "most@example.com")
    with open_dry_run(*arguments) as pipeline:
        assert counts(pipeline.database)["delivery"] == wanted > 1


@pytest.mark.parametrize("name", SCENES)
def test_a_subscriber_s_preview_on_the_copy_is_that_of_the_publication(
    reading: Reading, name: str
) -> None:
    reading.publication.pick_up()
    state, actor = editing_state(reading.publication), terminal_actor()
    address = f"{name}@example.com"
    edition = find_edition(state.settings, "daily", "en")
    found = []
    for picks_up in (False, True):
        with open_preview(state, picks_up=picks_up, subscriber=address) as (seen, renderer):
            viewer = use_cases.find_viewer(seen, actor, address)
            preview = use_cases.preview_mail(seen, renderer, actor, edition, viewer)
            found.append((preview.text, preview.html, preview.source.not_sent))
    assert found[0] == found[1]


def test_a_preview_waits_for_no_sender_and_no_sender_for_it(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever waits at all fails.
    wait_for_locks(monkeypatch, 50)
    publication = reading.publication
    edition = find_edition(publication.settings, "daily", "en")
    with publication.database.reading() as connection:
        before = (read_all_tables(connection), last_ids(connection))
    with closing(open_database(publication.settings.database)) as sender:
        with (
            sender.writing(),
            open_dry_run(publication.settings, publication.clock) as pipeline,
        ):
            assert "Story 3" in preview_next(pipeline, edition).gate_run.mail.text
        with open_dry_run(publication.settings, publication.clock), sender.writing():
            pass
    with publication.database.reading() as connection:
        assert (read_all_tables(connection), last_ids(connection)) == before


@pytest.mark.sqlite("a database on a server is upgraded by `publisher run` first")
def test_a_file_of_an_older_version_is_not_upgraded(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = publication.settings.folders.database
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    monkeypatch.setattr(engine, "HEAD", "0999")
    files = {one.name for one in file.parent.iterdir()}
    with open_dry_run(publication.settings, publication.clock) as pipeline:
        assert counts(pipeline.database)["article"] == 1
    with pytest.raises(errors.DatabaseError, match="has to be upgraded first"):
        open_database(file, upgrade=False)
    assert {one.name for one in file.parent.iterdir()} == files


# --- test mails


LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")
EVE, DAN = "eve@example.org", "dan@example.org"
EDITOR = Actor(name=EVE, via="console", account_id=7, grants=(Grant(Role.EDITOR),))


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> MemoryTransport:
    found = MemoryTransport()
    monkeypatch.setattr(send_test_mails, "create_transport", lambda _settings: found)
    return found


@pytest.fixture
def two_stories(prepared_publication: Make) -> Reading:
    return Reading(
        prepared_publication(write_stories, languages=LANGUAGES, newsletters=(DAILY,))
    )


def write_stories(publication: PublicationFolder) -> None:
    found = Reading(publication)
    found.write(1, *LANGUAGES)
    found.write(2, "en")
    found.join("ann", "ar", "en")
    publication.pick_up()


@pytest.fixture
def state(two_stories: Reading) -> EditingState:
    return editing_state(two_stories.publication)


def next_issues(
    state: EditingState, renderer: Renderer, *languages: str
) -> list[use_cases.MailPreview]:
    found = []
    for language in languages:
        edition = find_edition(state.settings, "daily", language)
        viewer = use_cases.viewer_with_profile(language)
        found.append(use_cases.preview_mail(state, renderer, terminal_actor(), edition, viewer))
    return found


def send(
    state: EditingState, renderer: Renderer, *to: str, languages: tuple[str, ...] = ("en",)
) -> list[SentTest]:
    return send_tests(state, renderer, EDITOR, next_issues(state, renderer, *languages), to)


def test_all_languages_go_to_all_addresses_marked_in_their_language(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    sent = send(state, renderer, EVE, DAN, EVE, languages=LANGUAGES)
    assert [(one.preview.issue.language, one.address, one.problem) for one in sent] == [
        (language, address, None) for language in LANGUAGES for address in (EVE, DAN)
    ]
    subjects = [parsed(one.message.content)["Subject"] for one in transport.taken]
    marks = ["[Test] ", "[测试] ", "[測試] ", "[اختبار] "]
    assert subjects == [
        f"{mark}{one.preview.subject}"
        for mark, one in zip(marks, sent[::2], strict=True)
        for _ in "12"
    ]
    assert len({parsed(one.message.content)["Message-ID"] for one in transport.taken}) == 8


def test_a_test_is_in_the_audit_log_without_addresses_and_in_no_ledger(
    state: EditingState, renderer: Renderer, two_stories: Reading, transport: MemoryTransport
) -> None:
    send(state, renderer, EVE, DAN, languages=("en", "ar"))
    assert len(transport.taken) == 4
    assert two_stories.publication.rows(delivery) == []
    (entry,) = audit_log(state)
    assert (entry.actor, entry.verb, entry.object) == (EVE, "send-test", "daily")
    assert entry.details["addresses"] == 2
    assert entry.details["issues"] == ["daily-en-2026-01-10", "daily-ar-2026-01-10"]
    assert DAN not in str(entry.details)


def test_a_test_is_what_a_subscriber_would_get_and_unsubscribes_nobody(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    edition = find_edition(state.settings, "daily", "ar")
    viewer = use_cases.find_viewer(state, terminal_actor(), "ann@example.com")
    preview = use_cases.preview_mail(state, renderer, terminal_actor(), edition, viewer)
    send_tests(state, renderer, terminal_actor(), [preview], [EVE])
    (outgoing,) = transport.taken
    content = outgoing.message.content
    message = parsed(content)
    assert titles(content) == ["Story 1 in ar", "Story 2 in en"]
    assert (message["To"], "ann@example.com" in str(message)) == (EVE, False)
    token = message["List-Unsubscribe"].partition("?t=")[2].partition(">")[0]
    assert find_link(SECRET, "unsubscribe", token) is None


def test_an_account_sends_thirty_an_hour(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    (preview,) = next_issues(state, renderer, "en")
    many = [f"a{number}@example.org" for number in range(TEST_MAIL_LIMIT.per)]
    send_tests(state, renderer, EDITOR, [preview], many[:-1])
    with pytest.raises(errors.LimitError, match="at most 30 test mails an hour"):
        send_tests(state, renderer, EDITOR, [preview], [EVE, DAN])
    # What was refused does not count.
    send_tests(state, renderer, EDITOR, [preview], [EVE])
    with pytest.raises(errors.LimitError) as refused:
        send_tests(state, renderer, EDITOR, [preview], [EVE])
    assert len(transport.taken) == TEST_MAIL_LIMIT.per
    # Others are not held up, nor is whoever has the machine.
    send_tests(state, renderer, terminal_actor(), [preview], many)
    later = FixedClock(NOW + timedelta(seconds=refused.value.retry_after))
    moved = replace(state, clock=later)
    assert send_tests(moved, renderer, EDITOR, [preview], [EVE])[0].problem is None


def test_only_who_may_send_tests_in_a_language_does(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    arab = Actor(name=EVE, via="console", account_id=7, grants=(Grant(Role.EDITOR, "ar"),))
    previews = next_issues(state, renderer, "ar", "en")
    with pytest.raises(errors.ForbiddenError, match="send-test in en"):
        send_tests(state, renderer, arab, previews, [EVE])
    assert transport.taken == []
    send_tests(state, renderer, arab, previews[:1], [EVE])
    assert len(transport.taken) == 1


def test_no_address_or_a_wrong_one_sends_nothing(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    for to in ((), ("nobody",), (f"{EVE}\r\nBcc: {DAN}",)):
        with pytest.raises(errors.UsageError):
            send(state, renderer, *to)
    assert transport.taken == []
    assert audit_log(state) == []


def test_what_is_refused_is_told_and_a_server_that_is_away_is_asked_once(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    transport.outcomes = {EVE: Outcome(SendStatus.REFUSED, "there is no such mailbox")}
    sent = send(state, renderer, EVE, DAN)
    found = [(one.address, one.problem) for one in sent]
    assert found == [(EVE, "there is no such mailbox"), (DAN, None)]
    asked = []

    def away(outgoing: object) -> Outcome:
        asked.append(outgoing)
        raise Unreachable("no server listens there")

    transport.outcomes = away
    sent = send(state, renderer, EVE, DAN)
    assert [one.problem for one in sent] == ["no server listens there"] * 2
    assert len(asked) == 1


def test_a_preview_of_a_copy_has_articles_that_were_not_picked_up_yet(
    state: EditingState, two_stories: Reading
) -> None:
    two_stories.write(3, "en")
    before = two_stories.publication.everything()
    edition = find_edition(state.settings, "daily", "en")
    found = []
    for picks_up in (False, True):
        with open_preview(state, picks_up=picks_up) as (seen, renderer):
            viewer = use_cases.viewer_with_profile("en")
            preview = use_cases.preview_mail(seen, renderer, terminal_actor(), edition, viewer)
            found.append(len(titles(preview.message)))
    assert found == [2, 3]
    assert two_stories.publication.everything() == before
