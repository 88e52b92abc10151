"""Histories of feeds: each is two documents, and what of the second one is new."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.polling.identity import EntryMarks, bare_link, key_for, recognise
from publisher.polling.model import WebEntry

DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def entry(number: int, **changes: object) -> WebEntry:
    usual = WebEntry(
        id=f"http://old.example/?p={number}0",
        url=f"http://old.example/2026/story-{number}",
        title=f"The long story number {number}",
        html=f"<p>Words of story {number}.</p>",
        published=DAY + timedelta(days=number),
        topics=(str(number),),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]  # fields of an entry


def each(numbers: Sequence[int], **changes: str) -> list[WebEntry]:
    """Give entries whose texts have their number in place of a star."""
    return [
        entry(n, **{k: v.replace("*", str(n)) for k, v in changes.items()}) for n in numbers
    ]


OLD = each(range(1, 6))
ANEW = [*each(range(2, 6)), entry(6)]
OTHER_SITE = {"id": "urn:new:*", "url": "https://new.example/posts/*"}


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        pytest.param(OLD, ANEW, [6], id="a window that moves on"),
        pytest.param(OLD, OLD[::-1], [], id="another order"),
        pytest.param(OLD, [], [], id="nothing"),
        pytest.param(
            OLD,
            each(range(1, 6), id="https://old.example/?p=*0"),
            [],
            id="another scheme in ids",
        ),
        pytest.param(
            OLD,
            each(range(1, 6), id="https://www.new.example/?p=*0"),
            [],
            id="another host in ids",
        ),
        pytest.param(OLD, each(range(1, 6), id="urn:x:*"), [], id="other ids, the same links"),
        pytest.param(
            OLD,
            each(
                range(1, 6), id="", url="https://www.old.example/2026/story-*/?utm_source=rss#x"
            ),
            [],
            id="tracking in links, and no ids",
        ),
        pytest.param(OLD, each(range(1, 7), **OTHER_SITE), [6], id="another site"),
        pytest.param(
            OLD,
            [replace(one, published=DAY + timedelta(days=90)) for one in OLD],
            [],
            id="new dates",
        ),
        pytest.param(
            OLD,
            [
                replace(one, published=DAY + timedelta(days=90))
                for one in each(range(1, 6), **OTHER_SITE)
            ],
            [],
            id="another site with new dates",
        ),
        pytest.param(
            OLD,
            each(range(1, 6), title="Another title for *", html="Other words"),
            [],
            id="edits",
        ),
        pytest.param(
            each(range(1, 6), id="all the same"),
            each(range(2, 7), id="all the same"),
            [6],
            id="one id for all",
        ),
        pytest.param(
            each(range(1, 6), url="http://old.example/"),
            each(range(2, 7), url="http://old.example/"),
            [6],
            id="one link for all",
        ),
        pytest.param(
            each([1, 2], id="", url="http://old.example/"),
            each([1, 2, 3], id="", url="http://old.example/"),
            [3],
            id="one link for all, and no ids",
        ),
        pytest.param(
            each([1, 2], id="", url="http://old.example/*?token=1"),
            each([1, 2, 3], id="", url="http://old.example/*?token=2"),
            [3],
            id="links that change with each poll, and no ids",
        ),
        pytest.param(
            each([1], id="a", url="http://old.example/today"),
            each([2], id="b", url="http://old.example/today"),
            [2],
            id="a page that has something new each day",
        ),
        pytest.param(
            [entry(1, title="Weekly"), entry(2, title="Weekly")],
            [entry(2, title="Weekly"), entry(3, title="Weekly")],
            [3],
            id="titles that come again",
        ),
        pytest.param(
            [entry(1, id="", url="", title="", html="<p>a</p>")],
            [entry(1, id="", url="", title="", html="<p>b</p>")],
            [1],
            id="nothing that names it",
        ),
        pytest.param([], [entry(1), entry(1)], [1], id="an entry that is there twice"),
        pytest.param(
            [entry(n, id="", title="", url="http://old.example/") for n in (1, 2)],
            [entry(n, id="", title="", url="http://old.example/") for n in (1, 2, 3)],
            [3],
            id="notes without titles and ids at one address",
        ),
        pytest.param(
            [entry(n, title="") for n in (1, 2)],
            [*(entry(n, title="", html="edited") for n in (1, 2)), entry(3, title="")],
            [3],
            id="edits of notes without titles",
        ),
        pytest.param(OLD, [replace(one, id=one.url) for one in OLD], [], id="links as ids"),
        pytest.param(OLD, each(range(1, 6), id=""), [], id="no ids any more"),
        pytest.param(each(range(1, 6), id=""), OLD, [], id="ids for the first time"),
        pytest.param(OLD, each(range(1, 6), url=""), [], id="no links any more"),
        pytest.param(
            each(range(1, 6), url="http://old.example/?p=*0"),
            each(range(1, 6), id="urn:*", url="http://old.example/2026/story-*"),
            [],
            id="permalinks with words, and other ids",
        ),
        pytest.param(
            OLD,
            [replace(one, id=f"x{one.id}", title=f"{one.title}!") for one in OLD],
            [],
            id="other ids, and titles that were mended",
        ),
        pytest.param(
            [replace(one, published=None) for one in OLD],
            [replace(one, id=f"n{one.id}", published=None) for one in ANEW],
            [6],
            id="other ids, and no dates",
        ),
        pytest.param(
            [entry(1), entry(2, url="http://old.example/2026/story-1")],
            [entry(1), entry(2, url="http://old.example/2026/story-1"), entry(3)],
            [3],
            id="one link for two",
        ),
        pytest.param(OLD, [entry(6), entry(7)], [6, 7], id="a window that has moved away"),
    ],
)
def test_what_is_known_is_not_new_under_another_name(
    before: list[WebEntry], after: list[WebEntry], new: list[int]
) -> None:
    known: dict[str, EntryMarks] = {}
    for one in recognise(before, {}):
        known[key_for(one.marks, known)] = one.marks
    assert len(known) == len(before)
    found = recognise(after, known)
    assert [int(one.entry.topics[0]) for one in found if one.key is None] == new
    keys = [one.key for one in found if one.key]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("http://a.example/x", "https://www.a.example/x/", True),
        ("https://a.example/x?utm_medium=rss&id=3", "https://a.example/x?id=3&fbclid=z", True),
        ("https://a.example/x?id=3", "https://a.example/x?id=4", False),
        ("https://a.example/#one", "https://a.example/#two", False),
        ("https://a.example/x#utm_source=rss", "https://a.example/x", True),
        ("https://a.example/x", "https://b.example/x", False),
    ],
)
def test_two_links_lead_to_one_page_or_not(one: str, other: str, *, is_same: bool) -> None:
    assert (bare_link(one) == bare_link(other)) is is_same


def test_keys_are_what_people_know_and_each_is_there_once() -> None:
    marks = EntryMarks.of(entry(1))
    assert key_for(marks, []) == "http://old.example/?p=10"
    assert key_for(marks, [key_for(marks, [])]).startswith("http://old.example/?p=10 ")
    assert len(key_for(replace(marks, entry_id="x" * 2000), [])) < 400
    assert key_for(EntryMarks("", "", "", "", "h"), [])
