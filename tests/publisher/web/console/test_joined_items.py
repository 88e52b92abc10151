"""What needs somebody in several languages is one line on the first page."""

from __future__ import annotations

from publisher.app.attention import AttentionItem
from publisher.web.console.today import join_items


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
