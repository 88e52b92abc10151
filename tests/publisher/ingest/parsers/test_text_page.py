"""Pages of bare text: the title, language, authors and date that their first lines say."""

from datetime import date

import pytest

from publisher.articles.model import Byline
from publisher.errors import ArticleError
from publisher.ingest.parsers.text_page import (
    language_by_script,
    languages_named,
)
from publisher.languages.detection import main_script
from tests.publisher.ingest.helpers import read_text

PAGE = """Language : English 简体 繁體

The harbour: a plain title

Apr 10 , 2017
  • Ada Example

    Member, Committee for Examples, CPE

The first paragraph says “i.e.” and
goes on, as of Sept. 19, 2005.

<b>Not</b> markup & {{ not }} a template.

You might also like
Another article
Back to Top
"""


def test_a_page_is_taken_apart() -> None:
    draft = read_text("a.txt", PAGE)
    assert draft.title == "The harbour: a plain title"
    assert draft.published == date(2017, 4, 10)
    assert draft.bylines == (
        Byline(name="Ada Example", affiliation="Member, Committee for Examples, CPE"),
    )
    assert draft.language == "en"
    assert draft.offered == ("en", "zh-Hans", "zh-Hant")
    assert draft.text == (
        "The first paragraph says “i.e.” and goes on, as of Sept. 19, 2005.\n\n"
        "<b>Not</b> markup & {{ not }} a template."
    )
    assert "&lt;b&gt;Not&lt;/b&gt;" in draft.html


def test_without_a_switch_there_is_no_language_and_with_front_matter_all_else_is_text() -> None:
    draft = read_text("a.txt", "Title\nwrapped once\n\nBody text.\n")
    assert (draft.title, draft.language, draft.offered) == ("Title wrapped once", None, ())
    assert (draft.published, draft.bylines) == (None, ())
    assert draft.text == "Body text."
    draft = read_text("a.txt", "---\ntitle: T\nlang: en\n---\nApr 10, 2017\n\n- not a *list*\n")
    assert (draft.title, draft.published) == ("T", None)
    assert draft.text == "Apr 10, 2017\n\n- not a *list*"
    assert read_text("a.txt", "\ufeff" + PAGE.replace("\n", "\r\n")) == read_text("a.txt", PAGE)


def test_several_authors_with_and_without_affiliation() -> None:
    draft = read_text(
        "a.txt",
        "T\n• Ada Example\n\n    Fellow of a very\n    long institute\n• Bo Example\n"
        "  • Cy Example, Senior Fellow, Elsewhere\n• Di Example, Jr.\n10 April 2017\n\nBody text.",
    )
    assert draft.bylines == (
        Byline(name="Ada Example", affiliation="Fellow of a very long institute"),
        Byline(name="Bo Example"),
        Byline(name="Cy Example", affiliation="Senior Fellow, Elsewhere"),
        Byline(name="Di Example, Jr."),
    )
    assert draft.published == date(2017, 4, 10)
    assert draft.text == "Body text."


def test_neither_an_indented_paragraph_nor_a_list_of_points_names_authors() -> None:
    draft = read_text(
        "a.txt", "T\n• Ada Example\n\n    This is a whole sentence of the text.\n"
    )
    assert draft.bylines == (Byline(name="Ada Example"),)
    assert draft.text == "This is a whole sentence of the text."
    draft = read_text("a.txt", "T\n\n• A point that is made here, at length.\n• Another one!\n")
    assert draft.bylines == ()
    assert draft.text.count("\n\n") == 1


def test_a_chinese_page() -> None:
    draft = read_text(
        "a.txt",
        "语言：English 简体中文 繁體中文\n\n港口的灯笼\n\n2017年4月10日\n• 示例\n\n"
        "　　这个国家的港口\n在夜里很安静。\n\n　　后来发生了别的事。\n\n您可能还喜欢：\n别的\n返回顶部\n",
    )
    assert draft.title == "港口的灯笼"
    assert draft.published == date(2017, 4, 10)
    assert draft.bylines == (Byline(name="示例"),)
    assert draft.language == "zh-Hans"
    assert draft.text == "这个国家的港口在夜里很安静。\n\n后来发生了别的事。"


@pytest.mark.parametrize("label", ["Back to Top", "回到頁首", "返回顶部", "[Back to top]"])
def test_links_to_the_top_are_removed_everywhere(label: str) -> None:
    assert read_text("a.txt", f"T\n\nOne.\n\n{label}\n\nTwo.").text == "One.\n\nTwo."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(("", "^no title"), ("\n \n", "^no title"), ("Language : English\n", "^no title")),
        ("Title alone\n", "^no text after the title"),
        ("Title\nApr 10, 2017\n• Ada Example\n", "^no text after the title"),
        ("Title\n\nYou might also like\nmore\n", "^no text after the title"),
        ("---\nlang: en\n---\ntext\n", "^no title"),
    ],
)
def test_pages_without_title_or_text(text: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        read_text("a.txt", text)


@pytest.mark.parametrize(
    ("labels", "tags"),
    [
        ("English 简体 繁體", ("en", "zh-Hans", "zh-Hant")),
        ("EN | 简 | 繁 | EN", ("en", "zh-Hans", "zh-Hant")),
        ("العربية Français Deutsch Español", ("ar", "fr", "de", "es")),
        ("日本語、한국어、Русский / Português", ("ja", "ko", "ru", "pt")),
        ("Tiếng Việt · Bahasa Indonesia", ("vi", "id")),
        ("pt-BR Klingonese zh_TW Italiano", ("pt-BR", "zh-Hant", "it")),
        ("中文 English", ("zh", "en")),
    ],
)
def test_labels_of_a_switch(labels: str, tags: tuple[str, ...]) -> None:
    assert languages_named(labels) == tags


@pytest.mark.parametrize(
    ("text", "script"),
    [
        *(("The harbour", "Latn"), ("港口这个国家", "Hans"), ("港口這個國家", "Hant"), ("港口", "Hani")),
        *(("この国の港はとても静かです", "Jpan"), ("ひらがな", "Jpan"), ("항구는 조용하다 OK", "Kore")),
        *(("الميناء هادئ", "Arab"), ("Гавань тиха", "Cyrl"), ("他在 GitHub 上发布了新版本的说明", "Hans")),
        ("12 345", "Zyyy"),
    ],
)  # fmt: skip
def test_the_script_of_a_text(text: str, script: str) -> None:
    assert main_script(text) == script


@pytest.mark.parametrize(
    ("text", "offered", "own", "tags"),
    [
        ("Text", ("zh-Hans", "fr", "en"), "fr", ("zh-Hans", "fr", "en")),
        ("這個國家", ("en", "zh"), "zh-Hant", ("en", "zh-Hant")),
        ("Text", ("en", "zh"), "en", ("en", "zh-Hans")),
        ("港口", ("en", "zh-Hant"), "zh-Hant", ("en", "zh-Hant")),
        *(("这个国家", ("en", "zh-Hant"), None, ("en", "zh-Hant")), ("Text", (), None, ())),
        ("静かです", ("en", "ja"), "ja", ("en", "ja")),
    ],
)
def test_the_offered_language_with_the_texts_script_is_chosen(
    text: str, offered: tuple[str, ...], own: str | None, tags: tuple[str, ...]
) -> None:
    assert language_by_script(text, offered) == (own, tags)
