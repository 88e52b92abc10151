"""Test mails: to whom they go, what they look like, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from publisher.accounts import audit
from publisher.accounts.actor import Actor, terminal_actor
from publisher.app import send_test_mails
from publisher.app.dry_run import open_preview
from publisher.app.editing_state import EditingState, Grant, Role
from publisher.app.issue_preview import (
    MailPreview,
    find_viewer,
    preview_mail,
    viewer_with_profile,
)
from publisher.app.send_test_mails import TEST_MAIL_LIMIT, SentTest, send_tests
from publisher.clock import FixedClock
from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import Unreachable
from publisher.errors import DeliveryError, ForbiddenError, LimitError, UsageError
from publisher.mail.signed_links import read_link
from publisher.rendering import Renderer
from publisher.testing import SECRET, MemoryTransport
from tests.publisher.app.reading import Reading, titles
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.mail.samples import parsed

DAILY = {"name": "daily", "schedule": "0 8 * * *"}
LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")
EVE, DAN = "eve@example.org", "dan@example.org"
EDITOR = Actor(name=EVE, via="console", account_id=7, grants=(Grant(Role.EDITOR),))


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> MemoryTransport:
    found = MemoryTransport()
    monkeypatch.setattr(send_test_mails, "create_transport", lambda _settings: found)
    return found


@pytest.fixture
def reading(new_publication: Callable[..., PublicationFolder]) -> Reading:
    found = Reading(new_publication(languages=LANGUAGES, newsletters=(DAILY,)))
    found.write(1, *LANGUAGES)
    found.write(2, "en")
    found.join("ann", "ar", "en")
    found.publication.pick_up()
    return found


@pytest.fixture
def state(reading: Reading) -> EditingState:
    publication = reading.publication
    return EditingState(
        settings=publication.settings,
        database=publication.database,
        secret=SECRET,
        clock=FixedClock(NOW),
    )


def next_issues(state: EditingState, renderer: Renderer, *languages: str) -> list[MailPreview]:
    found = []
    for language in languages:
        edition = state.settings.edition("daily", language)
        assert edition is not None
        viewer = viewer_with_profile(language)
        found.append(preview_mail(state, renderer, terminal_actor(), edition, viewer))
    return found


def send(
    state: EditingState, renderer: Renderer, *to: str, languages: tuple[str, ...] = ("en",)
) -> list[SentTest]:
    return send_tests(state, renderer, EDITOR, next_issues(state, renderer, *languages), to)


def test_all_languages_go_to_all_addresses_marked_in_their_language(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    sent = send(state, renderer, EVE, DAN, EVE, languages=LANGUAGES)
    assert [(one.language, one.address, one.problem) for one in sent] == [
        (language, address, None) for language in LANGUAGES for address in (EVE, DAN)
    ]
    subjects = [parsed(one.message.content)["Subject"] for one in transport.taken]
    marks = ["[Test] ", "[测试] ", "[測試] ", "[اختبار] "]
    assert subjects == [
        f"{mark}{one.subject}" for mark, one in zip(marks, sent[::2], strict=True) for _ in "12"
    ]
    assert len({parsed(one.message.content)["Message-ID"] for one in transport.taken}) == 8


def test_a_test_is_in_the_audit_log_without_addresses_and_in_no_ledger(
    state: EditingState, renderer: Renderer, reading: Reading, transport: MemoryTransport
) -> None:
    send(state, renderer, EVE, DAN, languages=("en", "ar"))
    assert len(transport.taken) == 4
    assert reading.publication.rows(delivery) == []
    with state.database.reading() as connection:
        ((_number, entry),) = audit.read_log(connection)
    assert (entry.actor, entry.verb, entry.object) == (EVE, "send-test", "daily")
    assert entry.details["addresses"] == 2
    assert entry.details["issues"] == ["daily-en-2026-01-10", "daily-ar-2026-01-10"]
    assert DAN not in str(entry.details)


def test_a_test_is_what_a_subscriber_would_get_and_unsubscribes_nobody(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    edition = state.settings.edition("daily", "ar")
    assert edition is not None
    viewer = find_viewer(state, terminal_actor(), "ann@example.com")
    preview = preview_mail(state, renderer, terminal_actor(), edition, viewer)
    send_tests(state, renderer, terminal_actor(), [preview], [EVE])
    (outgoing,) = transport.taken
    content = outgoing.message.content
    message = parsed(content)
    assert titles(content) == ["Story 1 in ar", "Story 2 in en"]
    assert (message["To"], "ann@example.com" in str(message)) == (EVE, False)
    token = message["List-Unsubscribe"].partition("?t=")[2].partition(">")[0]
    with pytest.raises(DeliveryError, match="damaged or was not made here"):
        read_link(SECRET, "unsubscribe", token)


def test_an_account_sends_thirty_an_hour(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    (preview,) = next_issues(state, renderer, "en")
    many = [f"a{number}@example.org" for number in range(TEST_MAIL_LIMIT.per)]
    send_tests(state, renderer, EDITOR, [preview], many[:-1])
    with pytest.raises(LimitError, match="at most 30 test mails an hour"):
        send_tests(state, renderer, EDITOR, [preview], [EVE, DAN])
    # What was refused does not count.
    send_tests(state, renderer, EDITOR, [preview], [EVE])
    with pytest.raises(LimitError) as refused:
        send_tests(state, renderer, EDITOR, [preview], [EVE])
    assert len(transport.taken) == TEST_MAIL_LIMIT.per
    # Others are not held up, nor is whoever has the machine.
    send_tests(state, renderer, terminal_actor(), [preview], many)
    later = FixedClock(NOW + timedelta(seconds=refused.value.retry_after))
    moved = EditingState(
        settings=state.settings, database=state.database, secret=SECRET, clock=later
    )
    assert send_tests(moved, renderer, EDITOR, [preview], [EVE])[0].problem is None


def test_only_who_may_send_tests_in_a_language_does(
    state: EditingState, renderer: Renderer, transport: MemoryTransport
) -> None:
    arab = Actor(name=EVE, via="console", account_id=7, grants=(Grant(Role.EDITOR, "ar"),))
    previews = next_issues(state, renderer, "ar", "en")
    with pytest.raises(ForbiddenError, match="send-test in en"):
        send_tests(state, renderer, arab, previews, [EVE])
    assert transport.taken == []
    send_tests(state, renderer, arab, previews[:1], [EVE])
    assert len(transport.taken) == 1


@pytest.mark.parametrize("to", [[], ["nobody"], [f"{EVE}\r\nBcc: {DAN}"]])
def test_no_address_or_a_wrong_one_sends_nothing(
    state: EditingState, renderer: Renderer, transport: MemoryTransport, to: list[str]
) -> None:
    with pytest.raises(UsageError):
        send(state, renderer, *to)
    assert transport.taken == []
    with state.database.reading() as connection:
        assert audit.read_log(connection) == []


def test_what_is_refused_is_told_and_the_others_go(
    state: EditingState, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Outcome(SendStatus.REFUSED, "there is no such mailbox")
    transport = MemoryTransport(outcomes={EVE: refused})
    monkeypatch.setattr(send_test_mails, "create_transport", lambda _settings: transport)
    sent = send(state, renderer, EVE, DAN)
    assert [(one.address, one.problem) for one in sent] == [
        (EVE, "there is no such mailbox"),
        (DAN, None),
    ]


def test_a_server_that_is_away_is_asked_once(
    state: EditingState, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def away(outgoing: object) -> Outcome:
        asked.append(outgoing)
        raise Unreachable("no server listens there")

    transport = MemoryTransport(outcomes=away)
    monkeypatch.setattr(send_test_mails, "create_transport", lambda _settings: transport)
    sent = send(state, renderer, EVE, DAN)
    assert [one.problem for one in sent] == ["no server listens there"] * 2
    assert len(asked) == 1


def test_a_preview_of_a_copy_has_articles_that_were_not_picked_up_yet(
    state: EditingState, reading: Reading
) -> None:
    reading.write(3, "en")
    before = reading.publication.everything()
    edition = state.settings.edition("daily", "en")
    assert edition is not None
    found = []
    for picks_up in (False, True):
        with open_preview(state, picks_up=picks_up) as (seen, renderer):
            viewer = viewer_with_profile("en")
            preview = preview_mail(seen, renderer, terminal_actor(), edition, viewer)
            found.append(len(titles(preview.message)))
    assert found == [2, 3]
    assert reading.publication.everything() == before
