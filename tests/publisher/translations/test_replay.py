"""The replay of a site's translations, and its tables."""

from datetime import UTC, date, datetime

import pytest

from tools.translation_replay.dates import approvals, day_of_issue
from tools.translation_replay.replay import RULES, Played, play
from tools.translation_replay.tables import full_table, summary_table

FIRST, SECOND = date(2025, 1, 3), date(2025, 1, 10)
# The first translation came on the day of its issue, the other one a week late.
DATES = {("ja", FIRST): FIRST, ("ja", SECOND): date(2025, 1, 17)}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    site = tmp_path_factory.mktemp("site")
    for language in ("en", "ja"):
        (site / language).mkdir()
        for day in (FIRST, SECOND):
            text = f"---\ntitle: News of {day}\n---\nWords in {language} of {day}.\n"
            (site / language / f"{day}-newsletter.md").write_text(text)
    folder = tmp_path_factory.mktemp("played")
    chosen = [one for one in RULES if "days" not in one.name]
    return {one.name: play(site, DATES, one, folder / one.name) for one in chosen}


def test_each_rule_sends_each_story_once_at_its_time(played: dict[str, Played]) -> None:
    found = {
        rule: [
            (one.at.isoformat()[:13], one.language)
            for key, one in sorted(sent.items())
            if key[0] == "ja"
        ]
        for rule, sent in played.items()
    }
    assert found == {
        "go without": [("2025-01-10T13", "ja"), ("2025-01-24T13", "ja")],
        "fall back": [("2025-01-03T13", "en"), ("2025-01-10T13", "en")],
        "wait 12 hours": [("2025-01-03T23", "ja"), ("2025-01-17T23", "ja")],
    }
    for sent in played.values():
        assert sent["en", FIRST].at == datetime(2025, 1, 3, 13, tzinfo=UTC)


def test_the_tables_count_what_was_sent(played: dict[str, Played]) -> None:
    summary = summary_table(DATES, played)
    assert summary[2:] == [
        "| ja | go without | 2 | 1 | 0 | 1 | 0 | 2 | 0 | 7 d | 14 d |",
        "| ja | fall back | 2 | 2 | 0 | 0 | 0 | 0 | 2 | 0 h | 0 h |",
        "| ja | wait 12 hours | 2 | 0 | 1 | 1 | 1 | 1 | 0 | 11 h | 7 d |",
    ]
    assert full_table(DATES, played)[2:] == [
        "| 2025-01-03 | ja | 03 Jan | 10 Jan | 03 Jan (en) | 03 Jan |",
        "| 2025-01-10 | ja | 17 Jan | 24 Jan | 10 Jan (en) | 17 Jan |",
    ]


def test_no_translation_was_approved_before_its_issue() -> None:
    found = approvals()
    assert day_of_issue(360) == date(2025, 6, 27)
    assert len(found) > 60
    assert [key for key, day in found.items() if day < key[1]] == []
