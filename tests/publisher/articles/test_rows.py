"""Between a draft and the columns of its row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.articles.model import Attachment, Byline, ParsedArticle, Picture
from publisher.articles.store import content_columns, content_hash, publication_time

HONG_KONG = ZoneInfo("Asia/Hong_Kong")
DRAFT = ParsedArticle(title="T", html="<p>Some words.</p>", text="Some words.")
DAY = date(2026, 1, 9)
SOUND = Attachment(src="/media/x.mp3", media_type="audio/mpeg", length=17)


def test_a_bare_date_begins_at_the_publications_midnight() -> None:
    found = publication_time(DAY, HONG_KONG)
    assert found.day == DAY
    assert found.at == datetime(2026, 1, 8, 16, tzinfo=UTC)


def test_a_time_without_an_offset_is_the_publications() -> None:
    found = publication_time(datetime(2026, 1, 9, 7, 30), HONG_KONG)  # noqa: DTZ001  # as it is written
    assert (found.day, found.at) == (DAY, datetime(2026, 1, 8, 23, 30, tzinfo=UTC))


def test_a_time_with_an_offset_is_that_instant_on_the_publications_calendar() -> None:
    written = datetime(2026, 1, 8, 20, 0, 0, 999, tzinfo=timezone(timedelta(hours=-1)))
    found = publication_time(written, HONG_KONG)
    assert (found.day, found.at) == (DAY, datetime(2026, 1, 8, 21, tzinfo=UTC))


def test_a_summary_is_made_where_there_is_none() -> None:
    assert content_columns(DRAFT, "en", DAY)["summary"] == "Some words."
    assert content_columns(replace(DRAFT, summary="Mine."), "en", DAY)["summary"] == "Mine."


@pytest.mark.parametrize(
    "other",
    [
        replace(DRAFT, title="U"),
        replace(DRAFT, html="<p>Some <b>words</b>.</p>"),
        replace(DRAFT, bylines=(Byline(name="Ann Example"),)),
        replace(DRAFT, topics=("maps",)),
        replace(DRAFT, picture=Picture(src="/media/x.png", alt="X")),
        replace(DRAFT, url="https://example.org/t"),
        replace(DRAFT, attachments=(SOUND,)),
    ],
)
def test_every_visible_column_counts_in_the_hash(other: ParsedArticle) -> None:
    mine, its = content_columns(DRAFT, "en", DAY), content_columns(other, "en", DAY)
    assert mine["content_hash"] != its["content_hash"]


def test_invisible_columns_do_not_count_in_the_hash() -> None:
    other = replace(DRAFT, key="k", permalink="/p/")
    assert content_columns(other, "en", DAY) == content_columns(DRAFT, "en", DAY)


def test_every_field_of_an_attachment_counts_in_the_hash() -> None:
    changes: list[dict[str, Any]] = [{"src": "/media/y.mp3"}, {"media_type": "audio/mp4"}]
    changes += [{}, {"length": 18}, {"title": "A talk"}, {"duration": 60}]
    drafts = [replace(DRAFT, attachments=(replace(SOUND, **one),)) for one in changes]
    hashes = {content_columns(one, "en", DAY)["content_hash"] for one in drafts}
    assert len(hashes) == len(changes)


def test_an_empty_list_of_attachments_does_not_change_the_hash() -> None:
    assert content_hash({"a": 1, "attachments": []}) == content_hash({"a": 1})


def test_the_hash_does_not_depend_on_the_order_of_columns() -> None:
    assert content_hash({"a": 1, "b": DAY}) == content_hash({"b": DAY, "a": 1})
