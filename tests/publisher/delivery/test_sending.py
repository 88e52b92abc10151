import shutil
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from publisher.composing import Message
from publisher.delivery import sending
from publisher.delivery.sending import outcome
from publisher.delivery.tables import DeliveryState
from publisher.issues import store as issues
from publisher.issues.life import State
from publisher.testing import MemoryTransport
from subscribers import unsubscribe
from tests.publisher.composing.letters import parsed
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.mailing import (
    Interrupted,
    KilledTransport,
    counts,
    erase,
    number_of,
    outbox,
    ready,
    reasons,
    send,
    spoil,
    state_of,
    subscribe,
)

ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"


def recipients(house: House) -> list[str]:
    """Give who was written to, one address for each message."""
    return sorted(
        parsed(content)["To"].addresses[0].addr_spec for content in outbox(house).values()
    )


def test_every_reader_gets_one_message_and_the_issue_is_sent(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"))
    issue = ready(house)
    sent = send(house)
    assert (sent.messages, sent.issues, sent.problems) == (2, ["weekly-en-2026-01-09"], [])
    assert recipients(house) == [ANN, BOB]
    assert counts(house, issue) == {"sent": 2}
    assert state_of(house) == State.SENT


def test_files_lie_below_their_issue_and_are_named_from_the_message_id(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    send(house)
    ((path, content),) = outbox(house).items()
    name = parsed(content)["Message-ID"].partition("@")[0].removeprefix("<")
    assert path == f"weekly/en/2026-01-09/{name}.eml"


def test_a_second_turn_sends_nothing(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    send(house)
    before = outbox(house)
    again = send(house)
    assert (again.messages, again.issues) == (0, [])
    assert outbox(house) == before


def test_what_a_consumer_took_away_is_not_written_again(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    send(house)
    shutil.rmtree(house.settings.folders.outbox)
    send(house.at(NOW + timedelta(days=1)))
    assert outbox(house) == {}


@pytest.mark.parametrize(
    ("tag", "edition"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-CN", "zh-Hans"),
        ("ar-EG", "ar"),
    ],
)
def test_a_reader_gets_the_edition_that_she_can_read_and_no_other(
    house: House, tag: str, edition: str
) -> None:
    subscribe(house, (ANN, tag))
    for language in ("en", "zh-Hans", "zh-Hant", "ar"):
        ready(house, language)
    send(house)
    (path,) = outbox(house)
    assert path.startswith(f"weekly/{edition}/")
    assert state_of(house, edition) == State.SENT


def test_an_issue_without_readers_is_sent_to_nobody(house: House) -> None:
    ready(house)
    assert send(house).issues == ["weekly-en-2026-01-09"]
    assert outbox(house) == {}


def test_an_issue_of_a_newsletter_that_is_no_more_goes_to_nobody(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    house.reload(newsletters=[{"name": "daily"}])
    send(house)
    assert outbox(house) == {}


def test_no_mail_goes_out_before_its_page_is_on_the_web(house: House) -> None:
    subscribe(house, (ANN, "en"))
    issue = ready(house, page=False)
    assert send(house).messages == 0
    assert state_of(house) == State.READY
    with house.database.writing() as connection:
        issues.page_written(connection, issue, "0")
    assert send(house).messages == 1


@pytest.mark.parametrize(
    "changes",
    [{"newsletters": []}, {"languages": ["ar"]}, {"newsletters": [{"languages": ["ar"]}]}],
)
def test_a_ready_issue_whose_edition_is_gone_is_cancelled(
    house: House, changes: dict[str, Any]
) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    house.reload(**changes)
    assert send(house).messages == 0
    assert outbox(house) == {}
    with house.database.reading() as connection:
        (issue,) = issues.latest(connection, 9)
    assert (issue.state, issue.reason) == (State.CANCELLED, "no longer in publication.toml")


def test_who_leaves_before_sending_gets_nothing(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    issue = ready(house)
    send(house, MemoryTransport(fail_after=0))
    with house.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
    erase(house.database, BOB)
    send(house)
    assert recipients(house) == [CYD]
    assert counts(house, issue) == {"sent": 1, "suppressed": 2}
    assert reasons(house)["no longer subscribed"] == 2
    assert state_of(house) == State.SENT


def test_who_leaves_while_others_are_written_to_gets_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PORTION", 1)
    subscribe(house, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    issue = ready(house)

    class Leaving(MemoryTransport):
        def take(self, messages: Sequence[Message], folder: str) -> None:
            super().take(messages, folder)
            if len(self.taken) == 1:
                erase(house.database, CYD)
                with house.database.writing() as connection:
                    unsubscribe(connection, BOB, None, NOW)

    transport = Leaving()
    sent = send(house, transport)
    assert [m.subscriber_id for m in transport.messages] == [1]
    assert sent.messages == 1
    assert counts(house, issue) == {"sent": 1, "suppressed": 2}


def test_a_reader_who_can_t_be_written_to_fails_alone(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    issue = ready(house)
    spoil(house.database, BOB)
    with capture_logs() as logs:
        sent = send(house)
    assert recipients(house) == [ANN, CYD]
    assert sent.messages == 2
    assert counts(house, issue) == {"sent": 2, "failed": 1}
    assert state_of(house) == State.PARTIAL
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["subscriber"] == number_of(house.database, BOB)
    assert any("no message can be written" in (reason or "") for reason in reasons(house))


def test_an_issue_that_reached_nobody_has_failed(house: House) -> None:
    subscribe(house, (ANN, "en"))
    issue = ready(house)
    spoil(house.database, ANN)
    send(house)
    assert counts(house, issue) == {"failed": 1}
    assert state_of(house) == State.FAILED


def test_a_body_that_can_t_be_encoded_fails_readers_and_not_the_turn(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "ar"))
    ready(house, html="x" + chr(0xE9) * 3, text="words")
    broken = ready(house, "ar")
    spoil(house.database, BOB)
    send(house)
    assert state_of(house) == State.SENT
    assert counts(house, broken) == {"failed": 1}


def test_a_transport_that_gives_up_leaves_the_rest_for_the_next_turn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PORTION", 2)
    subscribe(house, *((f"reader{n}@example.com", "en") for n in range(5)))
    issue = ready(house)
    transport = MemoryTransport(fail_after=3)
    sent = send(house, transport)
    assert sent.problems == ["weekly-en-2026-01-09: took 3 messages and no more"]
    assert sum(counts(house, issue).values()) == 5
    assert counts(house, issue) == {"sent": 2, "claimed": 2, "pending": 1}
    assert state_of(house) == State.SENDING
    transport.fail_after = None
    assert send(house, transport).issues == ["weekly-en-2026-01-09"]
    assert counts(house, issue) == {"sent": 5}
    assert len({message.name for message in transport.messages}) == 5


def test_a_full_disk_is_one_line_and_stops_no_other_issue(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "ar"))
    issue = ready(house)
    ready(house, "ar")
    outbox_folder = house.settings.folders.outbox
    (outbox_folder / "weekly").mkdir(parents=True)
    (outbox_folder / "weekly" / "en").write_bytes(b"a file where a folder should be")
    (problem,) = send(house).problems
    assert problem.startswith("weekly-en-2026-01-09: ")
    assert "can't be written" in problem
    assert "\n" not in problem
    assert state_of(house, "ar") == State.SENT
    (outbox_folder / "weekly" / "en").unlink()
    assert send(house).messages == 1
    assert counts(house, issue) == {"sent": 1}


@pytest.mark.parametrize("written", [0, 1, 3])
def test_killed_between_writing_and_settling_every_reader_still_has_one_file(
    house: House, written: int
) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    issue = ready(house)
    with pytest.raises(Interrupted):
        send(house, KilledTransport(house.settings.folders.outbox, written))
    before = outbox(house)
    assert len(before) == written
    send(house.at(NOW + timedelta(minutes=1)))
    assert recipients(house) == [ANN, BOB, CYD]
    assert before.items() <= outbox(house).items()
    assert counts(house, issue) == {"sent": 3}


def test_progress_counts_readers_portion_by_portion(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PORTION", 2)
    subscribe(house, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    ready(house)
    told: list[tuple[str, int, int]] = []
    send(house, progress=lambda *step: told.append(step))
    assert told == [("weekly-en-2026-01-09", 2, 3), ("weekly-en-2026-01-09", 3, 3)]


def test_rows_that_wait_for_another_day_keep_an_issue_open(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    send(house, MemoryTransport(fail_after=0))
    sent = send(house.at(NOW - timedelta(hours=1)))
    assert (sent.messages, sent.issues) == (0, [])
    assert state_of(house) == State.SENDING


@pytest.mark.parametrize(
    ("count", "state"),
    [
        ({}, State.SENT),
        ({DeliveryState.SUPPRESSED: 2, DeliveryState.CANCELLED: 1}, State.SENT),
        ({DeliveryState.SENT: 9, DeliveryState.SUPPRESSED: 1}, State.SENT),
        ({DeliveryState.SENT: 9, DeliveryState.BOUNCED: 1}, State.PARTIAL),
        ({DeliveryState.SENT: 1, DeliveryState.IN_DOUBT: 9}, State.PARTIAL),
        ({DeliveryState.FAILED: 1, DeliveryState.SUPPRESSED: 9}, State.FAILED),
    ],
)
def test_what_an_issue_came_to_follows_from_the_counts(
    count: dict[str, int], state: State
) -> None:
    assert outcome(count) == state
