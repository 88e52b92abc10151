"""What the tests of prose share: sanitised HTML of every shape, and its words for comparison."""

import html
from collections.abc import Iterable

from hypothesis import strategies as st
from lxml import html as lxml_html

from publisher.articles.content.blocks import ArticleContent
from publisher.ingest.sanitise import ALLOWED_ELEMENTS, sanitise
from publisher.rendering.prose import mail_content, mail_html, plain_text

BASE = "https://news.example.org"
VOID = ("br", "hr", "img")

PIECES = st.sampled_from(
    [
        *(
            "word",
            "two words",
            " ",
            "\n",
            "  \n ",
            "\u00a0",
            "a<b & c>d",
            "end. Next one.",
            "x:",
        ),
        *(
            "漢字",
            "字\n字",
            "，",
            "한국어",
            "مرحبا",
            "שלום",
            "e\u0301",
            "\u0301",
            "\u1161",
            "ᄀ",
        ),
        *(
            "\u2068",
            "\u2069",
            "\u200c",
            "👩\u200d🚀",
            "@",
            "@@UNSUBSCRIBE@@",
            "SUBSCRIBE@@",
            "w" * 90,
        ),
    ]
)
ATTRIBUTES = st.sampled_from(
    [
        *("", "", "", ' lang="ar"', ' lang="zh-TW"', ' lang="xx"', ' dir="rtl"'),
        *(' dir="auto"', ' title="@@ADDRESS@@ <b>"', ' start="7"', ' colspan="3"'),
        *(' rowspan="99999"', ' href="https://example.org/ü?a=b&amp;c=d"', ' href="/en/x/"'),
    ]
)
IMAGES = st.sampled_from(
    [
        '<img src="/media/a.png" alt="A chart" width="900" height="300">',
        '<img src="/media/x.gif" alt="x" width="12" height="12">',
        '<img src="https://elsewhere.example/p.png" alt="p" width="1" height="1">',
        '<img src="/media/b.svg" alt="">',
    ]
)
# Tables are often in articles and never by themselves, so that chance would hardly make one.
WHOLE = ("<table><tr><td>", "</td><td>", "</td></tr><tr><th>", "</th></tr></table>")


def element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tags = st.sampled_from(sorted(ALLOWED_ELEMENTS - set(VOID)))
    return st.builds(
        lambda tag, said, parts: f"<{tag}{said}>{''.join(parts)}</{tag}>",
        tags,
        ATTRIBUTES,
        st.lists(inner, max_size=5),
    )


def table(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(inner, min_size=3, max_size=3).map(
        lambda parts: "".join(
            f"{mark}{part}" for mark, part in zip(WHOLE, [*parts, ""], strict=True)
        )
    )


FRAGMENTS = st.lists(
    st.recursive(
        st.one_of(PIECES.map(html.escape), IMAGES, st.sampled_from(["<br>", "<hr>"])),
        lambda inner: st.one_of(element(inner), element(inner), table(inner)),
        max_leaves=25,
    ),
    max_size=6,
).map("".join)


def safe(source: str) -> str:
    return sanitise(source, base_url=f"{BASE}/en/story/").html


def read(source: str) -> ArticleContent:
    return mail_content(safe(source))


def in_mail(source: str, language: str = "en") -> str:
    return mail_html(read(source), language=language, base_url=BASE)


def in_text(source: str, language: str = "en") -> str:
    return plain_text(read(source), language=language)


def text_of(mail: str) -> str:
    """Give what a mail's HTML says, without the heads of columns beside each cell and the bars between heads."""
    root = lxml_html.fragment_fromstring(mail, create_parent="div")
    for label in root.find_class("prose-label"):
        label.drop_tree()
    return str(root.text_content()).replace(" | ", " ")


def bare(text: str) -> str:
    """Give a text without its white space."""
    return "".join(text.split())


def missing(passages: Iterable[str], text: str) -> str | None:
    """Give the first passage that a text does not hold behind the others; None if it has all."""
    said, at = bare(text), 0
    for passage in passages:
        found = said.find(bare(passage), at)
        if found < 0:
            return passage
        at = found + len(bare(passage))
    return None
