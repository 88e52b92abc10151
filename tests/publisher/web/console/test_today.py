"""What the first page says: issues that come next, and what needs somebody in several languages."""

import re

import pytest
from flask.testing import FlaskClient

from publisher.app.issues.sending import hold_issue
from publisher.app.operation.attention import AttentionItem
from publisher.web.console.operation import join_items
from tests.publisher.app.approving import DUE, HOUR, TERMINAL, approve, person
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.starting_points import Point, StartingPoint
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.console.test_console_sending import words

ENGLISH, ARABIC = "weekly-en-2026-01-09", "weekly-ar-2026-01-09"


@pytest.fixture
def publication(starting_point: StartingPoint) -> PublicationFolder:
    """Issues in two languages that are made a day before they are due; one of them is approved."""
    made = starting_point(Point.WAITING, "en", "ar", before=HOUR, lead=24)
    approve(made, person(made, "ann"), ARABIC)
    return made


def coming(client: FlaskClient) -> list[str]:
    agenda = client.get("/").text.partition('<ol class="agenda">')[2].partition("</ol>")[0]
    return re.findall(r"<li>(.*?)</li>", agenda, re.DOTALL)


def test_issues_that_are_made_ahead_come_next_with_state_and_link(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("viewer")
    first, second = coming(client)[:2]
    assert "English · awaits approval" in words(first)
    assert "العربية · ready" in words(first)
    assert f'href="/issues/{ENGLISH}/"' in first
    assert f'href="/issues/{ARABIC}/"' in first
    assert DUE.isoformat() in first
    # The one after it is not made yet.
    assert 'href="/next/weekly/"' in second
    assert "·" not in words(second)
    hold_issue(editing_state(publication), TERMINAL, ARABIC)
    assert "العربية · held" in words(coming(client)[0])


def item(language: str, count: int = 1, day: str = "2026-01-09") -> AttentionItem:
    return AttentionItem(
        kind="warnings",
        name=f"weekly-{language}-{day}",
        group=f"weekly {day}",
        language=language,
        count=count,
    )


def test_the_same_warning_in_several_languages_is_one_line_with_a_page_for_each() -> None:
    (joined,) = join_items([item("en", 2), item("ar", 3)])
    assert (joined.item.name, joined.item.count) == ("weekly 2026-01-09", 5)
    assert joined.pages == (
        ("en", "/issues/weekly-en-2026-01-09/"),
        ("ar", "/issues/weekly-ar-2026-01-09/"),
    )


def test_other_days_kinds_and_reasons_stay_lines_of_their_own() -> None:
    service = AttentionItem(kind="service", urgent=True)
    hubs = [AttentionItem(kind="hub", name=one, text="410") for one in ("a", "b")]
    items = [service, item("en"), item("en", day="2026-01-16"), *hubs]
    assert [one.item for one in join_items(items)] == items
