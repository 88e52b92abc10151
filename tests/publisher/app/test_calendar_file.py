"""The calendar file, as another library reads it, and the addresses that accounts have for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.accounts.store import disable_account
from publisher.app.calendar_file import (
    calendar_of_token,
    calendar_token,
    fold_line,
    renew_private_addresses,
    write_calendar,
)
from publisher.app.editing_state import Actor, EditingState, Grant, Role, find_terminal_actor
from publisher.app.occurrences import OccurrenceKey, move_occurrence, skip_occurrence
from publisher.errors import AccountError
from tests.publisher.app.editing import account, audit_log, editing_state
from tests.publisher.conftest import NOW, PublicationFolder

FIRST, LAST = date(2026, 1, 10), date(2026, 2, 10)


@pytest.fixture
def state(new_publication: Callable[..., PublicationFolder]) -> EditingState:
    title = {"en": "Weekly; news, views", "zh-Hant": "新聞週刊" * 12}
    weekly = {"name": "weekly", "timezone": "UTC", "schedule": "0 8 * * FRI", "title": title}
    return editing_state(new_publication(languages=["en", "zh-Hant"], newsletters=[weekly]))


def events(content: bytes) -> dict[str, Any]:
    calendar = icalendar.Calendar.from_ical(content)
    assert calendar.errors == []
    return {str(one["UID"]): one for one in calendar.walk("VEVENT")}


def test_another_library_reads_the_file_and_events_keep_their_identity(
    state: EditingState,
) -> None:
    before = events(write_calendar(state, FIRST, LAST))
    actor = find_terminal_actor(state, None)
    weekly = [OccurrenceKey(newsletter="weekly", day=date(2026, 1, day)) for day in (16, 23)]
    move_occurrence(state, actor, weekly[0], datetime.fromisoformat("2026-01-17 09:00"))
    skip_occurrence(state, actor, weekly[1], "a holiday; all are away")
    content = write_calendar(state, FIRST, LAST)
    after = events(content)
    assert before.keys() == after.keys()
    assert len(after) == 8
    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    moved = after["weekly-en-2026-01-16@news.example.org"]
    assert moved["DTSTART"].dt == datetime(2026, 1, 17, 9, tzinfo=UTC)
    assert (int(moved["SEQUENCE"]), str(moved["STATUS"])) == (1, "TENTATIVE")
    assert str(moved["SUMMARY"]) == "Weekly; news, views (en)"
    skipped = after["weekly-zh-Hant-2026-01-23@news.example.org"]
    assert (str(skipped["STATUS"]), str(skipped["DESCRIPTION"])) == (
        "CANCELLED",
        "a holiday; all are away",
    )
    assert str(skipped["SUMMARY"]) == "新聞週刊" * 12 + " (zh-Hant)"
    assert all(
        one.errors == [] and one["DTSTAMP"].dt.tzinfo is not None for one in after.values()
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=300))
def test_folded_lines_are_short_and_unfold_to_the_same_text(text: str) -> None:
    folded = fold_line(text)
    assert all(len(line) <= 75 for line in folded.split(b"\r\n"))
    assert folded.replace(b"\r\n ", b"").decode() == text + "\r\n"


def test_an_address_shows_the_calendar_until_it_is_renewed_or_its_account_disabled(
    state: EditingState,
) -> None:
    account(state, "root@example.org", Grant(Role.ADMINISTRATOR))
    ann = account(state, "ann@example.org", Grant(Role.VIEWER))
    token = calendar_token(state, ann)
    assert calendar_token(state, ann) == token
    found = calendar_of_token(state, token)
    assert found is not None
    assert "weekly-en-2026-01-16@news.example.org" in events(found)
    renew_private_addresses(state, ann)
    assert audit_log(state)[0].verb == "renew private addresses"
    assert calendar_of_token(state, token) is None
    token = calendar_token(state, ann)
    assert calendar_of_token(state, token) is not None
    with state.database.writing() as connection:
        disable_account(connection, ann.account_id or 0, NOW)
    assert calendar_of_token(state, token) is None


def test_no_other_token_shows_the_calendar(state: EditingState) -> None:
    ann = account(state, "ann@example.org", Grant(Role.ADMINISTRATOR))
    token = calendar_token(state, ann)
    number, generation, signature = token.split("-", 2)
    wrong = [
        "",
        token[:-1],
        f"{token}x",
        f"{int(number) + 1}-{generation}-{signature}",
        f"{number}-1-{signature}",
        f"{number}-{generation}-{signature.swapcase()}",
        f"{number}-{generation}-" + "é" * 43,
    ]
    assert [calendar_of_token(state, one) for one in wrong] == [None] * len(wrong)


def test_only_somebody_with_an_account_has_an_address(state: EditingState) -> None:
    terminal: Actor = find_terminal_actor(state, None)
    with pytest.raises(AccountError, match="only somebody with an account"):
        calendar_token(state, terminal)
    with pytest.raises(AccountError, match="only somebody with an account"):
        renew_private_addresses(state, terminal)
