"""All documents of whole publications conform to their formats, and feed readers parse them."""

import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import atoma
import feedparser
import pytest

from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import syndicated
from tests.publisher.syndication.walking import short, walk
from tools.feed_validator import faults

KINDS = {".rss.xml": "rss", ".atom.xml": "atom", ".json": "json", ".opml": "opml"}
# What an article may be made of and still come out; none may hurt its neighbours.
WORST = {
    "controls": "A \x00bell\x07 and \x0b a \x1b[31mred\x1b[0m word, \ufffe and \uffff.",
    "cdata": "Here ]]> it ends, <![CDATA[ and ]]&gt; again.",
    "unbalanced": "<p><b>Bold <i>and</b> not</i><table><tr><td>open <div>" * 20,
    "nested": "<div>" * 300 + "deep" + "</div>" * 300,
    "relative": '<a href="../other.html">there</a> <a href="#note">note</a> <img src="https://example.org/a.png" alt="">',
    "script": "<script>alert(1)</script><iframe src='https://example.org'></iframe>"
    '<p style="position:fixed" onclick="x()">words</p><svg><text>picture</text></svg>',
    "separators": "One\u2028two\u2029three\u0085four.",
    "bidi": "\u202eabc\u202d \u2066open \u2067twice\n\nThe next paragraph.",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 \U0001f9ff e\u0301",
    "entities": "&nbsp; &copy 2026 &amp;amp; &lt;b&gt; &#x80; &#0; &unknown; R&D, AT&T?a=1&lang=en",
    "long": "A word, and another. " * 50_000,
}


def documents(public: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted((public / "feeds").rglob("*")):
        for suffix, kind in KINDS.items():
            if path.name.endswith(suffix):
                yield path, kind


def found_faults(public: Path) -> list[str]:
    return [
        f"{path.name}: {fault}"
        for path, kind in documents(public)
        for fault in faults(path.read_bytes(), kind)  # type: ignore[arg-type]  # one of KINDS
    ]


@pytest.fixture(scope="session")
def lantern(demo: Path) -> Path:
    """The web root of the demo."""
    return demo / "public"


def test_all_documents_of_the_demo_conform(lantern: Path) -> None:
    kinds = Counter(kind for _path, kind in documents(lantern))
    # Archives are in Atom alone, and the demo has some.
    assert kinds["atom"] > kinds["rss"] == kinds["json"] > 60
    # The list of all feeds, and one per language.
    assert kinds["opml"] == 5
    assert found_faults(lantern) == []


def test_enclosures_of_the_demo_have_the_length_of_their_files(lantern: Path) -> None:
    feed = feedparser.parse((lantern / "feeds/en/recordings.rss.xml").read_bytes())
    (enclosure,) = chain.from_iterable(entry.enclosures for entry in feed.entries)
    file = lantern / enclosure.href.removeprefix("https://news.example.org/")
    assert (int(enclosure.length), enclosure.type) == (file.stat().st_size, "audio/mpeg")
    assert feed.feed.itunes_type == "episodic"


def test_feed_followers_agree_on_all_feeds_of_the_demo(lantern: Path) -> None:
    for path, kind in documents(lantern):
        if kind != "rss":
            continue
        stem = path.name.removesuffix(".rss.xml")
        rss, atom, json = (
            (path.parent / f"{stem}.{suffix}").read_bytes()
            for suffix in ("rss.xml", "atom.xml", "json")
        )
        theirs = [feedparser.parse(rss), feedparser.parse(atom)]
        assert not any(feed.bozo for feed in theirs)
        read: list[list[tuple[Any, ...]]] = [
            *[[(e.id, e.link, e.title) for e in feed.entries] for feed in theirs],
            [(i.guid, i.link, i.title) for i in atoma.parse_rss_bytes(rss).items],
            [
                (e.id_, _own(e.links), e.title.value)
                for e in atoma.parse_atom_bytes(atom).entries
            ],
            [(i.id_, i.url, i.title) for i in atoma.parse_json_feed_bytes(json).items],
        ]
        assert all(one == read[0] for one in read)


def _own(links: Any) -> str:
    return str(next(link.href for link in links if link.rel == "alternate"))


def test_hostile_articles_break_neither_feeds_nor_other_entries(
    publication: PublicationFolder,
) -> None:
    for number, (name, text) in enumerate(sorted(WORST.items()), 1):
        title = f"'{text[:60].replace(chr(39), '')} <b>&amp; {name}'"
        publication.write(f"en/{name}.html", _page(title, text, number))
        publication.write(f"en/{name}-neighbour.md", "Plain words.", title=f"Next to {name}")
    assert syndicated(publication)[1] == []
    assert found_faults(publication.settings.folders.public) == []
    shown = short(walk(publication, "en", "atom"))
    assert {f"{name}-neighbour/en" for name in WORST} <= set(shown)
    assert len(shown) >= 2 * len(WORST) - 1


def _page(title: str, text: str, day: int) -> bytes:
    head = f"<html lang=en><head><title>{title}</title></head>"
    body = f"<body><time datetime='2026-01-{day:02}'></time><p>Begin.</p>{text}</body></html>"
    return (head + body).encode("utf-8", "replace")


def test_all_documents_of_a_real_publication_conform(
    publication: PublicationFolder, corpus: Path
) -> None:
    publication.reload(languages=["en", "fr", "ja", "zh-Hans", "cs", "es", "de", "it", "pl"])
    shutil.copytree(corpus / "optech", publication.articles, dirs_exist_ok=True)
    assert syndicated(publication)[1] == []
    assert found_faults(publication.settings.folders.public) == []
