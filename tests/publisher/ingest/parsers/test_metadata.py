"""An article's metadata, under the names that sites use, and what a wrong value is told."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from publisher.articles.model import ArticleStatus, Byline, ParsedArticle, Picture
from publisher.errors import ArticleError
from publisher.ingest.parsers.metadata import read_metadata

A, B = Byline(name="Ada Example"), Byline(name="Bo Example")


def of(author: Byline, affiliation: str) -> Byline:
    return replace(author, affiliation=affiliation)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": " A \n title "}, {"title": "A title"}),
        ({"date": "2026-01-09"}, {"published": date(2026, 1, 9)}),
        ({"published": "2026-01-09"}, {"published": date(2026, 1, 9)}),
        ({"published": "true", "published_at": "2026-01-09"}, {"published": date(2026, 1, 9)}),
        ({"date": "", "published_at": "2026-01-09"}, {"published": date(2026, 1, 9)}),
        ({"published": "false"}, {"is_draft": True}),
        ({"draft": "yes"}, {"is_draft": True}),
        ({"draft": "off"}, {}),
        ({"status": "Draft"}, {"is_draft": True}),
        ({"status": "published"}, {}),
        ({"status": "stale"}, {"status": ArticleStatus.STALE}),
        ({"untranslated": "true"}, {"status": ArticleStatus.UNTRANSLATED}),
        ({"lastmod": "2026/1/9"}, {"updated": date(2026, 1, 9)}),
        ({"author": "Ada Example"}, {"bylines": (A,)}),
        ({"by": ["Ada Example", "", "Bo Example"]}, {"bylines": (A, B)}),
        ({"author": {"Name": "Ada Example", "affiliation": "A, B"}}, {"bylines": (of(A, "A, B"),)}),
        ({"authors": [{"name": "Ada Example", "role": "Y"}, "Bo Example"], "affiliation": "X"}, {"bylines": (of(A, "Y"), of(B, "X"))}),
        ({"by": ["Ada Example", "Bo Example"], "affiliations": ["X", None]}, {"bylines": (of(A, "X"), B)}),
        ({"translator": "Cy，Di Example"}, {"translators": ("Cy", "Di Example")}),
        ({"dek": "Short."}, {"summary": "Short."}),
        ({"category": "News"}, {"section": "News"}),
        ({"tags": "a, b,a", "categories": ["c", "b"]}, {"topics": ("a", "b", "c")}),
        ({"cover": "a.png"}, {"picture": Picture(src="a.png")}),
        ({"image": {"URL": "a.png", "alt": "A", "width": "4", "height": None}}, {"picture": Picture(src="a.png", alt="A", width=4)}),
        ({"cover": {"image": "a.png", "Caption": " Low\ntide", "credit": "Ann"}}, {"picture": Picture(src="a.png", caption="Low tide", credit="Ann")}),
        ({"locale": "zh_TW"}, {"language": "zh_TW"}),
        ({"translation_key": "k"}, {"key": "k"}),
        ({"url": " "}, {}),
        ({"translation_of": "/en/x/"}, {"translation_of": "/en/x/"}),
        ({"permalink": "/x/"}, {"permalink": "/x/"}),
        ({"url": "https://example.org/x"}, {"url": "https://example.org/x"}),
        ({"canonical_url": "https://example.org/x"}, {"canonical": "https://example.org/x"}),
        ({"languages": "en, fr ar"}, {"offered": ("en", "fr", "ar")}),
        ({"translations": {"fr": "/fr/", "ar": "/ar/"}}, {"offered": ("fr", "ar")}),
        ({"blog_available_in_languages": ["en", "fr"]}, {"offered": ("en", "fr")}),
        ({"name": "x", "whatever": {"a": ["b"]}}, {}),
    ],
)  # fmt: skip
def test_fields_are_read_under_all_their_names(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert read_metadata(fields) == ParsedArticle(**expected)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"date": "x"}, "^date: 'x' is not a date; write 2026-01-09 or 2026-01-09 08:00$"),
        ({"title": {"a": "b"}}, "^title: a mapping is not a text; write one line$"),
        ({"author": {"affiliation": "X"}}, "^author: a mapping is not an author"),
        ({"author": [["x"]]}, "^author: a list is not a text"),
        ({"authors": ["A", "B"], "affiliation": ["X"]}, "^affiliation: 1 for 2 authors"),
        ({"affiliation": "X"}, "^affiliation: 1 for 0 authors"),
        ({"draft": "perhaps"}, "^draft: 'perhaps' is not a yes or no; write true or false"),
        ({"status": "odd"}, "^status: 'odd' is not a status; write one of ready, "),
        ({"tags": {"a": "b"}}, "^tags: a mapping is not a list"),
        ({"url": "/x"}, "^url: '/x' is not an absolute address; write one like https://"),
        ({"url": "http://[x"}, "^url: .* is not an absolute address"),
        ({"url": "ftp://example.org"}, "^url: .* is not an absolute address"),
        ({"date": "x" * 500}, r"^date: 'x{59}\.\.\. is not a date"),
    ],
)
def test_errors_state_the_wrong_value_and_a_right_one(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArticleError, match=reason):
        read_metadata(fields)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        *(({"tittle": "A"}, ["tittle title"]), ({"Titel": "A"}, [])),
        ({"titel": "A", "dtae": "2026-01-09"}, ["titel title", "dtae date"]),
        ({"titel": "A", "title": "B"}, []),
        ({"auhtor": "A", "author": "", "topcis": "x", "topics": []}, ["auhtor author", "topcis topics"]),
        ({"auhtor": "A", "sumary": "B", "tag": "c"}, ["auhtor author", "sumary summary", "tag tags"]),
        ({"langauge": "fr", "darft": "true"}, ["langauge language", "darft draft"]),
        ({"staus": "draft", "unlsited": "true"}, ["staus status", "unlsited unlisted"]),
        ({"published_at": "2026-01-09", "dates": "x"}, []),
        ({"layout": "post", "subtitle": "B", "data": "x", "weight": "3", "series": "s"}, []),
        ({"publishdate": "2026-01-09", "languages": "en", "slug": "x", "rate": "1"}, []),
    ],
)  # fmt: skip
def test_a_key_that_is_nearly_a_known_one_is_named(
    fields: dict[str, Any], named: list[str]
) -> None:
    problems = [one.what for one in read_metadata(fields).problems]
    pairs = (one.split() for one in named)
    assert problems == [f"{key} is not read; did you mean {meant}?" for key, meant in pairs]


@pytest.mark.parametrize("value", ["2019-04-11T:12:30+08:00", ["2026-01-09"]])
def test_a_change_without_a_date_is_named_and_costs_only_itself(value: Any) -> None:
    found = read_metadata({"title": "A", "date": "2026-01-09", "last_modified_at": value})
    assert (found.title, found.published, found.updated) == ("A", date(2026, 1, 9), None)
    assert [one.what.split(":")[0] for one in found.problems] == ["last_modified_at"]


def test_stated_metadata_counts_before_other_metadata() -> None:
    said = ParsedArticle(title="Said", published=datetime(2026, 1, 9))  # noqa: DTZ001  # any value
    other = ParsedArticle(title="Other", summary="Other")
    merged = said.or_else(other)
    assert (merged.title, merged.summary) == ("Said", "Other")
    assert merged.published == said.published


@pytest.mark.parametrize("title", ["Qui est là\u00a0?", "第一章\u3000开始", "10\u202f000 pas"])
def test_no_break_spaces_stay(title: str) -> None:
    assert read_metadata({"title": f"\u3000{title}\u00a0\n"}).title == title


def test_spaces_of_any_kind_are_read_and_a_header_needs_no_picture() -> None:
    assert read_metadata({"title": "a \t\n\u2028 b"}).title == "a b"
    assert read_metadata({"title": "\u3000"}).title == ""
    assert read_metadata({"date": "2026-01-09\u00a008:00"}).published == datetime(2026, 1, 9, 8)  # noqa: DTZ001 - front matter has no zone
    article = read_metadata({"header": {"title": "x"}})
    assert (article.picture, article.problems) == (None, ())


@pytest.mark.parametrize(
    ("front_matter", "key"),
    [({"url": "https://ü..de/a"}, "url: "), ({"url": "https://example.org/a\u00a0b"}, "url: ")],
)
def test_an_invalid_host_is_refused_by_name(front_matter: dict[str, Any], key: str) -> None:
    with pytest.raises(ArticleError) as caught:
        read_metadata(front_matter)
    assert str(caught.value).startswith(key)
    assert "https://example.org/a" in str(caught.value)


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ({"alt": "x"}, "image: a mapping is not a picture; write its address as src"),
        (
            {"src": "a.png", "width": "wide"},
            "image.width: 'wide' is not a size in pixels; write a whole number like 640",
        ),
        ({"src": "a.png", "height": "0"}, "image.height: '0' is not a size in pixels; write"),
        ("https://ü..de/a.jpg", "image: 'https://ü..de/a.jpg' is not a picture's address"),
        ({"url": "https://[x]/a.jpg"}, "image.src: 'https://[x]/a.jpg' is not a picture's"),
    ],
)
def test_a_value_that_is_no_picture_costs_the_picture_only(image: Any, problem: str) -> None:
    article = read_metadata({"title": "T", "image": image, "thumbnail": "b.png"})
    assert (article.title, article.picture) == ("T", Picture(src="b.png"))
    (found,) = article.problems
    assert found.kind == "unknown-field"
    assert found.what.startswith(problem)


@pytest.mark.parametrize(
    "fields",
    [
        *({"images": ["a.png", "b.png"]}, {"featured_image": "a.png"}),
        *({"featuredimage": "a.png"}, {"cover": {"image": "a.png", "relative": "true"}}),
        *({"cover": "true", "hero_image": "a.png"}, {"header": {"overlay_image": "a.png"}}),
        *({"thumbnail": "a.png"}, {"og_image": "a.png"}),
    ],
)
def test_themes_call_the_picture_by_many_names(fields: dict[str, Any]) -> None:
    article = read_metadata(fields)
    assert (article.picture, article.problems) == (Picture(src="a.png"), ())


@pytest.mark.parametrize("src", ["https://straße.de/ä b.jpg", "//ü.de/a.jpg", "a b.jpg"])
def test_a_picture_s_address_is_taken_as_it_is(src: str) -> None:
    picture = read_metadata({"image": src}).picture
    assert picture is not None
    assert picture.src == src
