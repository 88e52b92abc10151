"""What front matter says: fields, dates, authors and attachments."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from publisher.articles.model import AttachmentField, Byline
from publisher.errors import ArticleError
from publisher.ingest.parsers.fields import (
    date_in_name,
    date_in_permalink,
    parse_date,
    split_bylines,
)
from publisher.ingest.parsers.front_matter import split_front_matter
from publisher.ingest.parsers.metadata import read_metadata

# What an alias stands for in some cases.
A = {"b": "x", "c": "x"}


@pytest.mark.parametrize(
    ("text", "fields", "body"),
    [
        ("no front matter", None, "no front matter"),
        ("---\n---\nx", {}, "x"),
        ("---\na: b\n...\nx\n---\n", {"a": "b"}, "x\n---\n"),
        ("--- \na: b\n---\t", {"a": "b"}, ""),
        ("---\nlang: no\ny: 1984\nd: 2026-13-01\n---\n", {"lang": "no", "y": "1984", "d": "2026-13-01"}, ""),
        ("---\na:\nb: ~\nc: null\nd: 'null'\n---\n", {"a": None, "b": None, "c": None, "d": "null"}, ""),
        ("---\nBlog-In Language: [a, {b: c}]\n---\n", {"blog_in_language": ["a", {"b": "c"}]}, ""),
        ('---\na: "\\uD800\\u0007e\\u0301"\n---\n', {"a": "é"}, ""),
        ("---\n<<: x\n1: y\n---\n", {"<<": "x", "1": "y"}, ""),
        ("---\na: &a {b: &u x, c: *u}\nd: [*u, *a]\n---\n", {"a": A, "d": ["x", A]}, ""),
        ("---\na: &a {b: x, c: y}\n<<: *a\nc: z\n---\n", {"a": A | {"c": "y"}, "b": "x", "c": "z"}, ""),
    ],
)  # fmt: skip
def test_front_matter_is_plain_data(text: str, fields: object, body: str) -> None:
    parts = split_front_matter(text)
    assert parts.fields == fields
    assert parts.body == body


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\na: b\n", "line 1: `---` is never closed"),
        ("---\nx: 1\na: b: c\n---\n", "line 3: .* put the value in quotes"),
        ("---\na: `x`\n---\n", "line 2: .* put the value in quotes"),
        ("---\na: 'x\n---\n", "line 3: found unexpected end of stream"),
        *(("---\n- a\n---\n", "not of the form"), ("---\njust text\n---\n", "not of the form")),
        ("---\na: *a\n---\n", "line 2: found undefined alias"),
        ("---\na: &a [*a]\n---\n", "nested more than 10 deep"),
        ("---\na: !!python/object/apply:os.system [x]\n---\n", "line 2: the tag .* is refused"),
        ("---\na: !!binary aGk=\n---\n", "the tag .* is refused"),
        ("---\n? [a]\n: b\n---\n", "line 2: found unhashable key"),
        ("---\n" + "[" * 5000 + "\n---\n", "nested more than 10 deep"),
        ("---\na: " + "x" * 70_000 + "\n---\n", "longer than 64,000 characters"),
        ("---\n%YAML 9.0\n---\n", "line"),
    ],
)
def test_errors_in_front_matter_name_the_line(text: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason) as caught:
        split_front_matter(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("count", "reason"), [(6, "64,000 characters"), (2_000, "10 deep")])
def test_yaml_aliases_that_stand_for_too_much_are_refused_at_once(
    count: int, reason: str
) -> None:
    times = 9 if count < 10 else 1
    levels = "".join(
        f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * times)}]\n" for n in range(1, count)
    )
    with pytest.raises(ArticleError, match=reason):
        split_front_matter(f"---\nl0: &l0 [x]\n{levels}---\n")


def zone(hours: int, minutes: int = 0) -> timezone:
    return timezone(timedelta(hours=hours, minutes=minutes))


DAY = date(2017, 4, 10)


@pytest.mark.parametrize(
    "text",
    [
        *("Apr 10 , 2017", "April 10, 2017", "10 April 2017", "2017-04-10", "2017/4/10"),
        *("2017.04.10", "2017年4月10日", "2017 年 4 月 10 日 星期一", "2017年4月10日（月）"),
        *("2017년 4월 10일", "Monday, April 10, 2017", "Mon, 10 Apr 2017", "April 10th, 2017"),
        *("10 avril 2017", "10 de abril de 2017", "10. April 2017", "10 أبريل 2017"),
        *("10 апреля 2017 г.", "٢٠١٧-٠٤-١٠", "  Apr. 10,  2017 "),
    ],
)
def test_a_date_is_read_in_all_its_notations(text: str) -> None:
    assert parse_date(text) == DAY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-09 08:00", datetime(2026, 1, 9, 8)),  # noqa: DTZ001  # naive is the fact
        ("2026-01-09T08:00:30.5Z", datetime(2026, 1, 9, 8, 0, 30, tzinfo=UTC)),
        ("2026-01-09 08:00:00 +0530", datetime(2026, 1, 9, 8, tzinfo=zone(5, 30))),
        ("2026-01-09T08:00:00-05:00", datetime(2026, 1, 9, 8, tzinfo=zone(-5))),
        ("Fri, 09 Jan 2026 08:00:00 GMT", datetime(2026, 1, 9, 8, tzinfo=UTC)),
    ],
)
def test_times_keep_their_offset(text: str, expected: datetime) -> None:
    found = parse_date(text)
    assert found == expected
    assert isinstance(found, datetime)
    assert found.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        *("soon", "", "10/04/2017", "2026-13-01", "2026-02-30", "May 2017", "2026-01-09 25:00"),
        *("9999-12-31", "0001-01-01", "2026-01-09 08:00 +9900", "Foo 10, 2017", "10 " * 100),
    ],
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert parse_date(text) is None


def test_dates_stand_in_addresses_and_file_names_and_sept_is_september() -> None:
    assert parse_date("Sept. 19, 2005") == date(2005, 9, 19)
    assert date_in_permalink("/cs/newsletters/2025/01/03/") == date(2025, 1, 3)
    assert date_in_permalink("/2025/13/03/") is None
    assert date_in_permalink("/about/") is None
    assert date_in_name("2025-01-03-a.md") == date(2025, 1, 3)
    assert date_in_name("2025-01.md") is None


# Lines of authors as people write them. The names are invented.


def written(text: str) -> list[str]:
    """Give each author as name, or as name and affiliation with a bar between."""
    pairs = ((one.name, one.affiliation) for one in split_bylines(text))
    return [" | ".join(filter(None, pair)) for pair in pairs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("Ada Lark", ["Ada Lark"]), ("By Ada Lark", ["Ada Lark"])),
        ("Ada Lark and Ben Ruiz", ["Ada Lark", "Ben Ruiz"]),
        ("Ada Lark & Ben Ruiz", ["Ada Lark", "Ben Ruiz"]),
        ("Ada Lark, Ben Ruiz and Cy van der Moor", ["Ada Lark", "Ben Ruiz", "Cy van der Moor"]),
        ("Ada Lark, Ben Ruiz, and Cy Moor", ["Ada Lark", "Ben Ruiz", "Cy Moor"]),
        ("Ada Lark, Ben Ruiz, Cy Moor", ["Ada Lark", "Ben Ruiz", "Cy Moor"]),
        ("Ada Lark, Jr. and Ben Ruiz, PhD", ["Ada Lark, Jr.", "Ben Ruiz, PhD"]),
        *(("José Ortega y Lark", ["José Ortega y Lark"]), ("Ada and Ben", ["Ada", "Ben"])),
        *(("张三、李四", ["张三", "李四"]), ("张三，李四", ["张三", "李四"]), ("张三 李四", ["张三", "李四"])),
        ("آدا لارك، بن رويز", ["آدا لارك", "بن رويز"]),
        ("[Ada Lark](https://example.org/ada)", ["Ada Lark"]),
        ("[Ada Lark](/ada), [Ben Ruiz](/ben)", ["Ada Lark", "Ben Ruiz"]),
        ("Ada Lark; Ada Lark", ["Ada Lark"]),
        ("**Authors:** *Ada Lark*, Ben Ruiz", ["Ada Lark", "Ben Ruiz"]),
        *(("**作者**：张三", ["张三"]), ("ada_lark_b", ["ada_lark_b"])),
        ("ada,ben,holger, cy", ["ada", "ben", "holger", "cy"]),
        ("ada / Benny", ["ada", "Benny"]),
        ("olgax, r10s, L, and dkg, ...", ["olgax", "r10s", "L", "dkg"]),
        *(("ada and cy", ["ada", "cy"]), ("Kim, phd", ["Kim, phd"])),
        ("[Ada Lark](/a) [Ben Ruiz](/b)", ["Ada Lark", "Ben Ruiz"]),
        ('"[Ada Lark](/a), Ben Ruiz"', ["Ada Lark", "Ben Ruiz"]),
        ("Ada Lark (fluffyada)", ["Ada Lark (fluffyada)"]),
        ("Ada Lark (ada-l) and ben23", ["Ada Lark (ada-l)", "ben23"]),
        ("Ada Lark (ada_) / ben23 / cy", ["Ada Lark (ada_)", "ben23", "cy"]),
    ],
)  # fmt: skip
def test_people_in_one_line_are_people(text: str, expected: list[str]) -> None:
    assert written(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wu Lark, former ambassador", ["Wu Lark | former ambassador"]),
        ("Wu Lark, Member on Foreign Affairs Committee, Example Conference", ["Wu Lark | Member on Foreign Affairs Committee, Example Conference"]),
        ("Ada Lark, director and editor of the Harbour Review", ["Ada Lark | director and editor of the Harbour Review"]),
        ("Ada Lark, Harbour Institute", ["Ada Lark | Harbour Institute"]),
        ("Ada Lark, Senior Fellow", ["Ada Lark | Senior Fellow"]),
        ("Dr. Ada Lark, Harbour Institute; Ben Ruiz, Example University", ["Dr. Ada Lark | Harbour Institute", "Ben Ruiz | Example University"]),
        ("Ada Lark and Ben Ruiz, Harbour Institute", ["Ada Lark | Harbour Institute", "Ben Ruiz | Harbour Institute"]),
        ("Ada Lark (Harbour Institute)", ["Ada Lark | Harbour Institute"]),
        ("特德·卡彭特(Ted Lark) 研究员", ["特德·卡彭特 (Ted Lark) | 研究员"]),
        ("Ted Lark（特德）", ["Ted Lark (特德)"]),
        ("张三（港口大学）", ["张三 | 港口大学"]),
        ("张三，港口大学教授", ["张三 | 港口大学教授"]),
        ("张三 教授", ["张三 | 教授"]),
        (
            "Ada Lark (Harbour, Example City), Ben Ruiz, and Cy Moor (Example University)",
            ["Ada Lark | Harbour, Example City", "Ben Ruiz", "Cy Moor | Example University"],
        ),
        ("Ada Lark (Pier) and Ben Ruiz (Quay)", ["Ada Lark | Pier", "Ben Ruiz | Quay"]),
        ("Ada Lark (Pier) Ben Ruiz (Quay)", ["Ada Lark | Pier", "Ben Ruiz | Quay"]),
        ("[Ada Lark](/a)(Pier) [Ben Ruiz](/b)(Quay)", ["Ada Lark | Pier", "Ben Ruiz | Quay"]),
        ("Ada Lark, New Quay", ["Ada Lark | New Quay"]),
        ("ada, paula (drawing)", ["ada", "paula | drawing"]),
    ],
)  # fmt: skip
def test_what_is_said_of_people_is_their_affiliation(text: str, expected: list[str]) -> None:
    assert written(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("Lark, Ada", "Johnson & Johnson", "Ministry of Science and Technology"),
        *("The Harbour Team and contributors", "张 三", "()", "x" * 2000),
    ],
)
def test_what_is_not_understood_stays_as_it_was_written(text: str) -> None:
    assert written(text) == [text]


def test_front_matter_has_people_in_all_these_forms() -> None:
    ada, ben = Byline(name="Ada Lark"), Byline(name="Ben Ruiz", affiliation="Editor")
    authors = ["[Ada Lark](/ada)", {"name": "Ben Ruiz", "title": "Editor"}]
    assert read_metadata({"authors": authors}).bylines == (ada, ben)
    both = {"author": "Ada Lark and Ben Ruiz", "author_title": "Editor"}
    assert read_metadata(both).bylines == (replace(ada, affiliation="Editor"), ben)


# What front matter says of attachments, in the forms that people write.


def read(**fields: Any) -> tuple[AttachmentField, ...]:
    return read_metadata(fields).attachment_fields


def one(key: str, src: str = "a.mp3", **said: Any) -> tuple[AttachmentField, ...]:
    return (AttachmentField(key=key, src=src, **said),)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"audio": "a.mp3"}, one("audio")),
        ({"video": " a.mp4 "}, one("video", "a.mp4")),
        ({"audio": ["a.mp3", None, ""]}, one("audio")),
        ({"attachments": "a.mp3"}, one("attachments")),
        ({"attachments": ["a.mp3", {"file": "b.pdf", "title": "The plan"}]}, (*one("attachments"), *one("attachments", "b.pdf", title="The plan"))),
        ({"enclosure": {"URL": "a.mp3", "Type": "Audio/MPEG", "length": "17"}}, one("enclosure", media_type="audio/mpeg", length=17)),
        ({"enclosure": {"href": "a.mp3", "mime-type": "audio/mpeg", "bytes": "17"}}, one("enclosure", media_type="audio/mpeg", length=17)),
        ({"enclosure": "https://example.org/a.mp3\n17\naudio/mpeg\na:1:{}\n"}, one("enclosure", "https://example.org/a.mp3", media_type="audio/mpeg", length=17)),
        ({"enclosure": "a.mp3\n"}, one("enclosure")),
        ({"podcast": {"mp3": "a.mp3", "duration": "01:00"}}, one("podcast", duration=60)),
        ({"podcast": {"file": "a.mp3"}}, one("podcast")),
        ({"podcast_link": "a.mp3", "podcast_file_size": "17", "podcast_duration": "1:02:03"}, one("podcast_link", length=17, duration=3723)),
        ({"audio": {"src": "a.mp3", "length": "0", "duration": "0"}}, one("audio")),
    ],
)  # fmt: skip
def test_attachments_are_read_in_all_their_forms(
    fields: dict[str, Any], expected: tuple[AttachmentField, ...]
) -> None:
    assert read(**fields) == expected


@pytest.mark.parametrize(
    "fields",
    [
        *({"audio": "true"}, {"video": "no"}, {"audio": None}, {"attachments": []}),
        *({"podcast": "The Lantern"}, {"podcast": {"season": "2", "episode": "3"}}),
        {"podcast_duration": "10:00"},
    ],
)
def test_other_uses_of_the_keys_are_ignored(fields: dict[str, Any]) -> None:
    assert read(**fields) == ()


def test_the_order_is_always_the_same_with_the_enclosure_first() -> None:
    others = {"video": "d.mp4", "audio": "c.mp3", "podcast": {"mp3": "b.mp3"}}
    found = read(attachments=["e.pdf"], **others, enclosure="a.mp3")
    assert [each.src for each in found] == ["a.mp3", "b.mp3", "c.mp3", "d.mp4", "e.pdf"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        *(("90", 90), ("89.6", 90), ("1:30", 90), ("01:30", 90)),
        *(("90:00", 5400), ("1:30:00", 5400), ("100:00:01", 360_001)),
    ],
)
def test_a_duration_is_written_in_seconds_or_as_hours_and_minutes(
    written: str, seconds: int
) -> None:
    (found,) = read(audio={"src": "a.mp3", "duration": written})
    assert found.duration == seconds


@pytest.mark.parametrize("written", ["half an hour", "1:60", "1:60:00", "1:2:3:4"])
def test_a_duration_that_is_none_is_named_with_what_to_write(written: str) -> None:
    with pytest.raises(ArticleError) as caught:
        read(audio={"src": "a.mp3", "duration": written})
    assert str(caught.value) == (
        f"audio.duration: '{written}' is not a duration; write seconds, MM:SS or HH:MM:SS"
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"audio": {"title": "x"}}, "^audio: a mapping is not an attachment; write its path or address as src$"),
        ({"audio": [["a.mp3"]]}, "^audio: a list is not a text; write one line$"),
        ({"audio": {"src": "a.mp3", "length": "12 MB"}}, "^audio.length: '12 MB' is not a size in bytes; write a whole number like 34216300$"),
        ({"audio": {"src": "a.mp3", "length": "-1"}}, "^audio.length: '-1' is not a size"),
        ({"video": {"src": "a.mp4", "type": "film"}}, "^video.type: 'film' is not a media type; write one like audio/mpeg$"),
        ({"enclosure": "a\nmany\naudio/mpeg"}, "^enclosure, second line: 'many' is not a size"),
        ({"enclosure": "a\n1\nsound"}, "^enclosure, third line: 'sound' is not a media type"),
        ({"podcast_link": "a", "podcast_file_size": "x"}, "^podcast_file_size: 'x' is not a"),
        ({"podcast_link": "a", "podcast_duration": "x"}, "^podcast_duration: 'x' is not a"),
    ],
)  # fmt: skip
def test_errors_state_the_wrong_value_and_a_right_one(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArticleError, match=reason):
        read(**fields)
