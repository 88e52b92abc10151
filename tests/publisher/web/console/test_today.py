"""What the first page says of issues that come next: those that are made ahead, and the others."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from publisher.app.issue_sending import hold_issue
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.app.approving import (
    DUE,
    HOUR,
    TERMINAL,
    approve,
    cycle,
    fill,
    newsletter,
    person,
)
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.web.console.conftest import begin, browser
from tests.publisher.web.console.test_console_sending import words

ENGLISH, ARABIC = "weekly-en-2026-01-09", "weekly-ar-2026-01-09"


@pytest.fixture
def made_ahead(
    publication: PublicationFolder, console_context: ConsoleContext
) -> PublicationFolder:
    """Issues in two languages that are made a day before they are due; one of them is approved."""
    publication.reload(languages=["en", "ar"], newsletters=[newsletter(lead=24)])
    assert console_context.current_settings() is publication.settings
    fill(publication, "en", "ar")
    cycle(publication, DUE - HOUR)
    approve(publication, person(publication, "ann"), ARABIC)
    return publication


def coming(publication: PublicationFolder, context: ConsoleContext) -> list[str]:
    """Give what the page lists, at the time to which the publication has come."""
    clock = publication.clock
    token = begin(publication, "viewer", None, "en", clock.now())
    page = browser(create_console(replace(context, clock=clock)), token).get("/").text
    agenda = page.partition('<ol class="agenda">')[2].partition("</ol>")[0]
    return re.findall(r"<li>(.*?)</li>", agenda, re.DOTALL)


def test_issues_that_are_made_ahead_come_next_with_state_and_link(
    made_ahead: PublicationFolder, console_context: ConsoleContext
) -> None:
    first, second = coming(made_ahead, console_context)[:2]
    assert "English · awaits approval" in words(first)
    assert "العربية · ready" in words(first)
    assert f'href="/issues/{ENGLISH}/"' in first
    assert f'href="/issues/{ARABIC}/"' in first
    assert DUE.isoformat() in first
    # The one after it is not made yet.
    assert 'href="/next/weekly/"' in second
    assert "·" not in words(second)


def test_an_issue_that_is_held_says_so(
    made_ahead: PublicationFolder, console_context: ConsoleContext
) -> None:
    hold_issue(editing_state(made_ahead), TERMINAL, ARABIC)
    assert "العربية · held" in words(coming(made_ahead, console_context)[0])
