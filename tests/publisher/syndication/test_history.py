"""RFC 5005: archive documents can be walked through, and change only for what was withdrawn or revised."""

from datetime import date, timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config.publication import FeedSettings
from publisher.syndication import feed_writer
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.printing import URL, public, stamps, syndicated
from tests.publisher.syndication.walking import short, walk

# A JSON feed leads to no archive.
FORMS = ("rss", "atom")
HOUR = timedelta(hours=1)
TWO = ["en", "ar"]


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    """A publication in two languages: more of them make more documents, and no other ones."""
    return new_publication(languages=TWO)


def limit(publication: PublicationFolder, **limits: Any) -> None:
    """Set [feeds] of publication.toml."""
    object.__setattr__(publication.settings, "feeds", FeedSettings(**limits))


def write(publication: PublicationFolder, first: int, last: int, **matter: Any) -> None:
    """Write stories, one a day."""
    for number in range(first, last + 1):
        day = date(2025, 1, 1) + timedelta(days=number)
        values = {"title": f"Story {number}", "date": day.isoformat()} | matter
        publication.write(f"en/s{number:03}.md", f"Words of {number}.", **values)


def archives(publication: PublicationFolder) -> dict[str, tuple[int, bytes]]:
    return {
        path: stamp
        for path, stamp in stamps(public(publication)).items()
        if "/archive/" in path
    }


def names(first: int, last: int) -> list[str]:
    """Return the ids of some stories, newest first."""
    return [f"s{number:03}/en" for number in range(last, first - 1, -1)]


def test_the_newest_twenty_entries_are_in_the_subscription_document(
    publication: PublicationFolder,
) -> None:
    write(publication, 1, 20)
    syndicated(publication)
    for form in (*FORMS, "json"):
        (only,) = walk(publication, "en", form)
        assert len(only.ids) == 20
    assert archives(publication) == {}
    write(publication, 21, 57)
    assert syndicated(publication)[1] == []
    for form in FORMS:
        pages = walk(publication, "en", form)
        assert [len(page.ids) for page in pages] == [20, 18, 19]
        assert short(pages) == names(1, 57)
    (polled,) = walk(publication, "en", "json")
    assert short([polled]) == names(38, 57)


def test_walking_back_through_a_feed_finds_every_entry_once(
    publication: PublicationFolder,
) -> None:
    limit(publication, entries=10)
    for first in (1, 14, 22, 23, 41):
        write(publication, first, first + 17, topics="[Sea]", author="Ann Example")
        syndicated(publication)
        publication.at(publication.clock.now() + HOUR)
    for name in ("en", "all", "en/topics/sea", "en/authors/ann-example"):
        for form in FORMS:
            assert short(walk(publication, name, form)) == names(1, 58)


def test_the_subscription_document_has_four_fifths_of_its_limit_and_archives_do_not_change(
    publication: PublicationFolder,
) -> None:
    limit(publication, entries=10)
    write(publication, 1, 10)
    syndicated(publication)
    seen: dict[str, tuple[int, bytes]] = {}
    for number in range(11, 20):
        write(publication.at(publication.clock.now() + HOUR), number, number)
        syndicated(publication)
        pages = walk(publication, "en", "atom")
        assert 8 < len(pages[0].ids) <= 10
        assert short(pages) == names(1, number)
        now = archives(publication)
        assert {path: now[path] for path in seen} == seen
        seen = now
    for form in FORMS:
        polled, *closed = walk(publication, "en", form)
        assert polled.links["prev-archive"] == closed[0].links["self"]
        assert "next-archive" not in polled.links
        for newer, older in pairwise(closed):
            assert newer.links["prev-archive"] == older.links["self"]
            assert older.links["next-archive"] == newer.links["self"]
        assert {page.links["current"] for page in closed} == {f"{URL}/feeds/en.atom.xml"}
        assert all(page.is_archive for page in closed)
        assert not polled.is_archive
        assert "prev-archive" not in closed[-1].links


def test_settings_do_not_change_archive_documents(publication: PublicationFolder) -> None:
    limit(publication, entries=5)
    write(publication, 1, 12)
    syndicated(publication)
    before = archives(publication)
    publication.reload(languages=TWO, title="Another name")
    limit(publication, entries=5, ttl=60)
    syndicated(publication.at(NOW + HOUR))
    assert archives(publication) == before
    assert b"Another name" in (public(publication) / "feeds/en.rss.xml").read_bytes()


def test_documents_do_not_exceed_max_bytes(publication: PublicationFolder) -> None:
    limit(publication, max_bytes=30_000, content="archives")
    for number in range(1, 12):
        day = f"2025-01-{number:02}"
        text = "<b>&</b> Words. " * 500
        publication.write(f"en/s{number:03}.md", text, title=f"Story {number}", date=day)
    syndicated(publication)
    for form in FORMS:
        pages = walk(publication, "en", form)
        assert len(pages) > 3
        assert max(len(page.content) for page in pages) <= 30_000
        assert short(pages) == names(1, 11)


def test_an_article_larger_than_max_bytes_does_not_push_others_out(
    publication: PublicationFolder,
) -> None:
    limit(publication, max_bytes=20_000)
    write(publication, 1, 3)
    publication.write("en/s004.md", "Words. " * 10_000, title="Long", date="2025-02-01")
    syndicated(publication)
    assert short(walk(publication, "en", "atom")[:1]) == names(1, 4)
    write(publication.at(NOW + HOUR), 5, 16)
    syndicated(publication)
    assert sorted(short(walk(publication, "en", "atom"))) == sorted(names(1, 16))


def test_edits_and_new_topics_of_old_articles_push_no_newer_one_out(
    publication: PublicationFolder,
) -> None:
    limit(publication, entries=5)
    write(publication, 1, 6)
    write(publication, 7, 12, topics="[Sea]")
    syndicated(publication)
    before, polled = archives(publication), walk(publication, "en", "atom")[0].content
    for number in range(1, 7):
        day = (date(2025, 1, 1) + timedelta(days=number)).isoformat()
        matter = {"title": f"Story {number}", "date": day, "topics": "[Sea]"}
        publication.write(f"en/s{number:03}.md", f"Better {number}.", **matter)
    syndicated(publication.at(NOW + HOUR))
    for form in FORMS:
        first, *closed = pages = walk(publication, "en", form)
        assert short([first]) == names(8, 12)
        assert short(pages) == names(1, 12)
        assert sum(page.content.count(b"Better ") for page in closed) >= 6
        assert not any(b"Words of 2." in page.content for page in pages)
        first, *closed = pages = walk(publication, "en/topics/sea", form)
        assert short([first]) == names(8, 12)
        assert sorted(short(pages)) == sorted(names(1, 12))
    assert walk(publication, "en", "atom")[0].content == polled
    # No archive document got another number.
    assert {path for path in before if "/topics/" not in path} <= archives(publication).keys()


@pytest.mark.parametrize("content", ["full", "archives"])
def test_archives_have_summaries_unless_texts_are_wanted(
    publication: PublicationFolder, content: str
) -> None:
    limit(publication, entries=5, content=content)
    for day in range(1, 13):
        matter = {"title": f"Tide {day}", "date": f"2026-01-{day:02}", "summary": "Short."}
        publication.write(f"en/s{day:03}.md", f"The sea of {day} waits.", **matter)
    syndicated(publication.at(NOW + timedelta(days=5)))
    polled, *closed = pages = walk(publication, "en", "atom")
    assert short(pages) == names(1, 12)
    assert polled.content.count(b" waits.") == len(polled.ids)
    for page in closed:
        assert page.content.count(b"Short.") >= len(page.ids)
        assert page.content.count(b" waits.") == (content == "archives") * len(page.ids)


def test_an_archive_document_names_no_translation(publication: PublicationFolder) -> None:
    limit(publication, entries=5, content="archives")
    for name in ("s002", "s012"):
        publication.write(f"ar/{name}.md", "كلمات.", title="عنوان", date="2025-01-03")
    write(publication, 1, 12)
    syndicated(publication)
    polled, *closed = [page.content.decode() for page in walk(publication, "en", "atom")]
    assert "/ar/stories/s012/" in polled
    assert not any("/ar/stories/" in text for text in closed)


def test_ten_of_the_withdrawn_articles_that_only_archives_had_leave_a_sentence(
    publication: PublicationFolder,
) -> None:
    limit(publication, entries=5)
    write(publication, 1, 40)
    syndicated(publication)
    for number in (*range(1, 13), 40):
        (publication.articles / f"en/s{number:03}.md").unlink()
    syndicated(publication.at(NOW + HOUR))
    (polled, *_closed) = walk(publication, "en", "atom")
    shown = short([polled])
    left = [name for name in shown if name not in names(13, 39)]
    assert sorted({*shown} - {*left}) == sorted(names(36, 39))
    assert len(left) == 11
    assert "s040/en" in left


def test_a_withdrawn_article_leaves_archive_documents(publication: PublicationFolder) -> None:
    limit(publication, entries=5)
    write(publication, 1, 12)
    syndicated(publication)
    before = archives(publication)
    (publication.articles / "en/s002.md").unlink()
    syndicated(publication.at(NOW + HOUR))
    for form in FORMS:
        polled, *closed = pages = walk(publication, "en", form)
        assert short([polled]) == [*names(8, 12), "s002/en"]
        assert short(closed) == [name for name in names(1, 7) if name != "s002/en"]
        assert not any(b"tory 2<" in p.content or b"Words of 2." in p.content for p in pages)
    changed = {
        path for path, stamp in archives(publication).items() if before.get(path) != stamp
    }
    (number,) = {path.rpartition("/")[2].split(".")[0] for path in changed if "/en/" in path}
    polled, *closed = walk(publication, "en", "atom")
    (deleted,) = polled.deleted
    assert deleted.endswith(":s002/en")
    assert [page.deleted for page in closed if page.path.endswith(f"/{number}.atom.xml")] == [
        [deleted]
    ]


def test_a_withdrawn_article_leaves_its_id_with_a_sentence_for_thirty_days_until_the_feed_changes_and_a_tombstone(
    publication: PublicationFolder,
) -> None:
    write(publication, 1, 3, author="Ann Example", topics="[Sea]")
    syndicated(publication)
    words = (publication.articles / "en/s002.md").read_text()
    (publication.articles / "en/s002.md").unlink()
    for days, left in ((1, names(1, 3)), (30.9, names(1, 3)), (31, ["s003/en", "s001/en"])):
        publication.at(NOW + timedelta(days=days))
        if len(left) < 3:
            write(publication, 1, 1, author="Ann Example", topics="[Sea]", summary="New.")
        syndicated(publication)
        for name, form in product(
            ("en", "all", "en/topics/sea", "en/authors/ann-example"), FORMS
        ):
            (polled,) = walk(publication, name, form)
            assert short([polled]) == left
            assert (b"This article was withdrawn." in polled.content) == (len(left) == 3)
            assert b"Words of 2." not in polled.content
        (polled,) = walk(publication, "en", "atom")
        assert [one.rpartition(":")[2] for one in polled.deleted] == ["s002/en"]
        assert b'when="2026-01-10T12:00:00+00:00"' in polled.content
        # The sentence is older than the tombstone, and later than the article.
        assert (b"<updated>2026-01-10T11:59:59+00:00<" in polled.content) == (len(left) == 3)
    (publication.articles / "en/s002.md").write_text(words)
    syndicated(publication.at(NOW + timedelta(days=32)))
    (polled,) = walk(publication, "en", "atom")
    assert polled.deleted == []
    assert short([polled]) == names(1, 3)


def test_the_feeds_of_languages_have_compressed_copies_with_content_and_time_of_their_document(
    publication: PublicationFolder,
) -> None:
    import gzip

    import brotli

    limit(publication, entries=5)
    write(publication, 1, 12, topics="[Sea]")
    syndicated(publication)
    folder = public(publication) / "feeds"
    ends = (".rss.xml", ".atom.xml", ".json")
    documents = [path for path in folder.rglob("*") if path.name.endswith(ends)]
    assert {
        path.parent for path in documents if path.with_suffix(f"{path.suffix}.gz").exists()
    } == {folder}
    assert len(documents) > 12
    for path in folder.glob("*.xml"):
        packed = path.with_name(f"{path.name}.gz"), path.with_name(f"{path.name}.br")
        assert gzip.decompress(packed[0].read_bytes()) == path.read_bytes()
        assert brotli.decompress(packed[1].read_bytes()) == path.read_bytes()
        assert {one.stat().st_mtime_ns for one in (path, *packed)} == {path.stat().st_mtime_ns}


def test_feeds_lose_their_compressed_copies_when_they_shall_have_none_and_get_them_again(
    publication: PublicationFolder,
) -> None:
    def copies() -> set[str]:
        folder = public(publication) / "feeds"
        return {path.name for path in folder.glob("en.*") if path.suffix in {".gz", ".br"}}

    write(publication, 1, 2)
    syndicated(publication)
    before = copies()
    assert len(before) == 6
    limit(publication, precompressed=False)
    write(publication, 3, 4)
    syndicated(publication)
    assert copies() == set()
    limit(publication, precompressed=True)
    syndicated(publication)
    assert copies() == before


def test_a_document_holds_what_fits_by_entries_and_bytes_and_at_least_one() -> None:
    assert feed_writer.count_fitting([10] * 30, most=50, most_bytes=1000) == 30
    assert feed_writer.count_leaving(30, fit=30) == 0
    assert feed_writer.count_fitting([10] * 80, most=50, most_bytes=10_000) == 50
    assert feed_writer.count_fitting([400, 400, 400], most=50, most_bytes=1000) == 2
    assert feed_writer.count_fitting([5000], most=50, most_bytes=1000) == 1
    assert feed_writer.count_fitting([10, 5000, 10, 980, 10], most=50, most_bytes=1000) == 4


def test_entries_leave_together_but_never_the_newest() -> None:
    assert feed_writer.count_leaving(137, fit=50) == 87
    assert feed_writer.count_leaving(51, fit=50) == 10
    assert feed_writer.count_leaving(11, fit=10) == 2
    assert feed_writer.count_leaving(4, fit=3) == 1
    assert feed_writer.count_leaving(2, fit=1) == 1
    assert feed_writer.count_leaving(1, fit=1) == 0
    assert feed_writer.count_leaving(2, fit=1) == 1


def test_archive_documents_are_nearly_equal_and_divided_where_bytes_exceed_the_limit() -> None:
    assert feed_writer.split_evenly(87, 50) == [44, 43]
    assert feed_writer.split_evenly(51, 50) == [26, 25]
    assert feed_writer.split_evenly(10, 50) == [10]
    assert feed_writer.split_evenly(0, 50) == []
    assert feed_writer.split_by_size([400, 400, 400, 100], 1000) == [2, 2]
    assert feed_writer.split_by_size([5000, 10, 10], 1000) == [1, 2]
    assert feed_writer.split_by_size([10, 5000, 10], 1000) == [1, 1, 1]
    assert feed_writer.split_by_size([], 1000) == []


@given(sizes=st.lists(st.integers(0, 500)), most=st.integers(1, 600))
def test_divided_entries_are_complete_and_fit(sizes: list[int], most: int) -> None:
    found, start = feed_writer.split_by_size(sizes, most), 0
    assert sum(found) == len(sizes)
    for length in found:
        run = sizes[start : start + length]
        assert length == 1 or sum(run) <= most
        start += length


@given(count=st.integers(1, 2000), most=st.integers(1, 120), share=st.floats(0, 1))
def test_no_entry_is_lost_and_no_document_exceeds_its_limit(
    count: int, most: int, share: float
) -> None:
    fit = max(1, min(count, round(most * share)))
    left = feed_writer.count_leaving(count, fit)
    assert sum(feed_writer.split_evenly(left, most)) == left
    assert all(0 < lot <= most for lot in feed_writer.split_evenly(left, most))
    assert 1 <= count - left <= fit
