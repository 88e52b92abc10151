"""The list in numbers: its page, files, operation and command, and the count of a large list."""

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.subscribers import numbers
from publisher.bounces.model import BounceEvent, BounceKind, Evidence
from publisher.bounces.store import add_event
from publisher.delivery.states import DeliveryState
from subscribers.numbers import load_list_numbers
from subscribers.store import erase
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import OpenLedger, open_test_ledger
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.console.conftest import SignIn
from tests.subscribers.leaving import unsubscribe

PATH = "/subscribers/numbers/"
ADDRESSES = [f"reader.{number}@mail.example" for number in range(4)]
S = DeliveryState


def words(page: str) -> str:
    """Give what a page says, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    """An issue that three got and one did not; of the three one left after it, and one complained."""
    ledger = open_test_ledger(publication, *ADDRESSES)
    ledger.settle(ledger.begin(3), S.SENT)
    ledger.settle(ledger.begin(1), S.BOUNCED)
    assert ledger.finish() is not None
    later = publication.clock.now() + timedelta(hours=1)
    with publication.database.writing() as connection:
        unsubscribe(connection, ADDRESSES[0], "weekly", later)
        # Nothing of this mail arrived.
        unsubscribe(connection, ADDRESSES[3], "weekly", later)
        complaint = BounceEvent(
            *("arf", "1", BounceKind.COMPLAINT, later, later),
            subscriber_id=2,
            issue_id=ledger.number,
            evidence=Evidence.VERP,
        )
        assert add_event(connection, complaint)
    return ledger


def test_the_page_says_how_many_and_what_became_of_issues_and_names_nobody(
    ledger: OpenLedger, publication: PublicationFolder, sign_in: SignIn
) -> None:
    subscribe(publication, ("eve@mail.example", "fr"))
    page = sign_in("viewer").get(PATH)
    assert page.status_code == 200
    said = words(page.text)
    assert "active 5" in said
    # Who has chosen French gets nothing, since there is no edition of it.
    assert "Français 1 0 0 0 1" in said
    assert "English 2 0 2 0 0" in said
    assert "Fri, Jan 9 English 4 3 1 0 1 1" in said
    assert "no openings and no clicks" in said
    assert "@" not in said.replace("@example.org", "")
    assert "style=" not in page.text
    report = words(sign_in("editor").get(f"/issues/{ledger.issue.name}/report/").text)
    assert "4 3 1 1" in report


@pytest.mark.usefixtures("ledger")
def test_a_plot_has_a_bar_for_each_count_and_runs_as_the_language_is_read(
    sign_in: SignIn,
) -> None:
    bars = {}
    for language in ("en", "ar"):
        page = sign_in("viewer", pages=language).get(PATH).text
        plot = page.partition('<figure class="plot">')[2].partition("</figure>")[0]
        whole = plot.partition('role="img"')[2]
        bars[language] = [
            tuple(map(float, one))
            for one in re.findall(
                r'x="([\d.]+)" y="[\d.]+" width="[\d.]+" height="([\d.]+)"', whole
            )
        ]
    # Four joined and two of them left, in the last week.
    assert [height for _x, height in bars["en"]] == [98, 49]
    assert all(x > 510 for x, _height in bars["en"])
    assert all(x < 10 for x, _height in bars["ar"])


@pytest.mark.usefixtures("ledger")
def test_newsletter_and_language_are_chosen_and_unknown_ones_have_no_rows(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    subscribe(publication, ("eve@mail.example", "fr"))
    client = sign_in("viewer")
    chosen = words(client.get(f"{PATH}?newsletter=weekly&language=fr").text)
    assert "Français 1 0 0 0 1" in chosen
    assert "No issue was sent in the last year." in chosen
    assert "Nobody gets it." in words(client.get(f"{PATH}?newsletter=<b>").text)


def test_each_table_is_a_file_with_the_same_numbers_and_there_is_no_other(
    ledger: OpenLedger, sign_in: SignIn
) -> None:
    client = sign_in("viewer")
    (row,) = csv.DictReader(io.StringIO(client.get(f"{PATH}issues.csv").text))
    assert row == {
        "issue": ledger.issue.name,
        "newsletter": "weekly",
        "language": "en",
        "day": "2026-01-09",
        "week": "2026-01-05",
        "planned": "4",
        "sent": "3",
        "bounced": "1",
        "returned": "0",
        "complaints": "1",
        "unsubscribed": "1",
    }
    (week,) = csv.DictReader(io.StringIO(client.get(f"{PATH}weeks.csv").text))
    assert (week["joined"], week["left"], week["bounced"]) == ("4", "2", "0")
    answer = client.get(f"{PATH}subscriptions.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="subscriptions.csv"'
    assert client.get(f"{PATH}people.csv").status_code == 404


def test_who_left_after_the_next_issue_was_due_or_is_erased_does_not_count(
    publication: PublicationFolder, state: EditingState
) -> None:
    ledger = open_test_ledger(publication, *ADDRESSES)
    ledger.settle(ledger.begin(4), S.SENT)
    assert ledger.finish() is not None
    now = publication.clock.now() + timedelta(hours=1)
    with publication.database.writing() as connection:
        unsubscribe(connection, ADDRESSES[0], "weekly", now + timedelta(days=32))
        unsubscribe(connection, ADDRESSES[1], "weekly", now)
        unsubscribe(connection, ADDRESSES[2], "weekly", now)
        erase(connection, ADDRESSES[2], lambda _identity: "hash", now)
    (issue,) = numbers.read_numbers(state)["issues"]
    assert issue["unsubscribed"] == 1


def test_a_large_list_is_counted_by_a_cycle_once_an_hour(
    publication: PublicationFolder, state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, database = publication.settings, publication.database
    subscribe(publication, (ADDRESSES[0], "en"), (ADDRESSES[1], "en"))
    assert not numbers.count_large_list(settings, database, NOW)
    # Instead of 50,000 subscribers, for the sake of time.
    monkeypatch.setattr(numbers, "_MOST_COUNTED_AT_ONCE", 1)
    assert numbers.count_large_list(settings, database, NOW)
    subscribe(publication, (ADDRESSES[2], "en"))
    assert not numbers.count_large_list(settings, database, NOW + timedelta(minutes=59))
    assert numbers.read_numbers(state)["statuses"]["active"] == 2
    assert numbers.count_large_list(settings, database, NOW + timedelta(hours=1))
    assert numbers.read_numbers(state)["statuses"]["active"] == 3
    with database.reading() as connection:
        assert load_list_numbers(connection) is not None
