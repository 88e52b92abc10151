"""A story's words are its article's words, in both parts of a mail, in every language."""

import re
import shutil
import unicodedata
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.articles.content.blocks import ArticleContent
from publisher.articles.content.parser import parse_content
from publisher.articles.model import Origin
from publisher.config import load_settings
from publisher.database import open_database
from publisher.languages.locales import BIDI_CONTROLS, is_balanced
from publisher.rendering.placeholders import ALL_PLACEHOLDERS, NON_JOINER
from publisher.rendering.plaintext import wrap_text
from publisher.rendering.prose import content_opening, mail_content, mail_html, plain_text
from tests.databases import at_database
from tests.publisher.conftest import PublicationFolder
from tests.publisher.rendering.prose.helpers import (
    BASE,
    FRAGMENTS,
    bare,
    missing,
    safe,
    text_of,
)

# Lines of text fence off what would turn them, and close and open fences where they are broken;
# what an article leaves open is taken out.
TURNED = re.compile(f"[{''.join(BIDI_CONTROLS)}]")


def check(prose: ArticleContent, text: str, language: str) -> None:
    said = prose.passages
    assert unfenced(bare("".join(said))) == unfenced(bare(text))
    assert bare(text_of(mail_html(prose, language=language, base_url=BASE))) == bare(text)
    plain = wrap_text(plain_text(prose, language=language))
    assert missing(map(unfenced, said), unfenced(plain)) is None


def unfenced(text: str) -> str:
    return unicodedata.normalize("NFC", TURNED.sub("", text))


@given(FRAGMENTS, st.sampled_from(["en", "ar", "zh-Hant"]))
def test_both_parts_have_the_text_of_any_article(source: str, language: str) -> None:
    html = safe(source)
    prose = mail_content(html)
    said = prose.passages
    assert all(passage.strip() for passage in said)
    # Where readings are left out a token may come together, and is broken once more.
    assert unfenced(bare("".join(said)).replace(NON_JOINER, "")) == unfenced(
        bare(parse_content(html).text).replace(NON_JOINER, "")
    )
    assert all(is_balanced(line) for passage in said for line in passage.split("\n"))
    check(prose, "".join(said), language)


@given(FRAGMENTS)
def test_no_article_can_read_subscribers_values(source: str) -> None:
    prose = mail_content(safe(source))
    mail = mail_html(prose, language="en", base_url=BASE)
    for part in (mail, text_of(mail), plain_text(prose, language="en")):
        assert not any(token in part for token in ALL_PLACEHOLDERS)


def test_rubies_and_direction_controls_that_are_cut_do_no_harm() -> None:
    prose = mail_content("<p><ruby>@<rt>x</rt>@UNSUBSCRIBE@@</ruby></p>")
    assert "@@UNSUBSCRIBE@@" not in "".join(prose.passages)
    assert missing(prose.passages, mail_html(prose, language="en", base_url=BASE)) is None
    prose = mail_content(safe("<p>One \u2067two. Three\u2069 four.</p>"))
    beginning, _cut = content_opening(prose, 12)
    assert beginning.passages == ("One two.",)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<p>a \u202bb</p><p>c \u2067d\u2069</p>", ["a b", "c \u2067d\u2069"]),
        ("<p>a \u2068b <b>c</b>\u2069 \u2069d</p>", ["a b c d"]),
        ("<p>a\u202e<br>b\u202c</p>", ["a\nb"]),
        ("<p>a \u2068b\u202dc\u202c\u2069</p>", ["a \u2068b\u202dc\u202c\u2069"]),
        ("<p>e\u2066\u0301</p>", ["é"]),
        ("<ul><li>\u202a</li><li>x</li></ul><pre>\u202ey\nz\u202c</pre>", ["x", "y\nz"]),
    ],
)
def test_direction_controls_stay_only_where_they_are_balanced(
    source: str, said: list[str]
) -> None:
    prose = mail_content(safe(source))
    assert list(prose.passages) == said
    mail = mail_html(prose, language="en", base_url=BASE)
    plain = plain_text(prose, language="en")
    for part in (text_of(mail), plain):
        assert TURNED.findall(part) == TURNED.findall("".join(said))


def test_every_article_of_the_demo(tmp_path: Path) -> None:
    with as_file(files("publisher") / "demo" / "data") as data:
        shutil.copytree(data, tmp_path, dirs_exist_ok=True)
        for day in sorted((data / "days").iterdir()):
            shutil.copytree(day, tmp_path, dirs_exist_ok=True)
    settings = at_database(load_settings(tmp_path))
    settings.folders.var.mkdir(exist_ok=True)
    with closing(open_database(settings.database)) as database:
        demo = PublicationFolder(settings, database)
        demo.pick_up()
        articles = demo.all().values()
    assert {article.language for article in articles} == {"ar", "en", "zh-Hans", "zh-Hant"}
    assert any(article.origin == Origin.CONVERTED for article in articles)
    for article in articles:
        check(mail_content(article.html), article.text, article.language)


def test_the_seed_article(publication: PublicationFolder, corpus: Path) -> None:
    publication.pick_up_file("seed-article.txt", (corpus / "seed-article.txt").read_bytes())
    (article,) = publication.all().values()
    assert article.text
    check(mail_content(article.html), article.text, article.language)
