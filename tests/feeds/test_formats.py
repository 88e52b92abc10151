"""What must be true of all formats together: they agree, never break and never waver."""

import hashlib
import json
import os
import subprocess
import sys
import time
from calendar import timegm
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from feeds import FORMATS, Channel, Format, render_atom, render_json, render_rss
from tests.feeds.data import lantern, mixed
from tests.feeds.samples import NOON, channel, entry

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = [
    "\x00\x01\x0b\x0c\x1f",
    "\ud800 \udfff",
    "\ufffe\uffff",
    "]]>",
    "<![CDATA[x]]>",
    "<!-- -- -->",
    "\u2028 \u2029",
    "\u202e\u2066abc\u2069\u202c\u200f",
    "\U0001f469\u200d\U0001f4bb\U0001f1ed\U0001f1f0",
    "&amp; &#x0; &nbsp; &bogus;",
    "</title></entry></item>",
    "\r\n\r",
    "%s {} \\u0000 \\",
    "e\u0301 >\u0338",
]


def facts(parsed: Any) -> list[tuple[Any, ...]]:
    return [
        (
            item.id,
            item.link,
            item.published_parsed,
            item.get("language") or item.title_detail.language or parsed.feed.get("language"),
            item.get("authors") and item.authors[0]["name"],
            [tag.term for tag in item.get("tags", [])],
        )
        for item in parsed.entries
    ]


@pytest.mark.parametrize("made", [lantern.CHANNEL, mixed.CHANNEL], ids=["lantern", "mixed"])
def test_rss_and_atom_read_alike(made: Channel) -> None:
    rss, atom = (feedparser.parse(render(made)) for render in (render_rss, render_atom))

    assert not rss.bozo
    assert not atom.bozo
    assert rss.feed.link == atom.feed.link == made.site_url
    assert rss.feed.title == atom.feed.title
    assert rss.feed.updated_parsed == atom.feed.updated_parsed
    assert [fact[:4] for fact in facts(rss)] == [fact[:4] for fact in facts(atom)]
    assert [fact[5] for fact in facts(rss)] == [fact[5] for fact in facts(atom)]


@pytest.mark.parametrize("made", [lantern.CHANNEL, mixed.CHANNEL], ids=["lantern", "mixed"])
def test_readers_see_what_the_channel_holds(made: Channel) -> None:
    expected = [(item.id, item.url, item.published, item.language) for item in made.entries]

    for render in (render_rss, render_atom):
        parsed = feedparser.parse(render(made))
        read = [
            (key, link, datetime.fromtimestamp(timegm(published), UTC), language)
            for key, link, published, language, *_ in facts(parsed)
        ]
        assert read == expected
    items = json.loads(render_json(made))["items"]
    assert [
        (
            item["id"],
            item["url"],
            datetime.fromisoformat(item["date_published"]),
            item["language"],
        )
        for item in items
    ] == expected


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("style", FORMATS, ids=lambda style: style.name)
def test_hostile_text_breaks_no_feed(style: Format, text: str) -> None:
    made = channel(
        entry("a", title=text, summary=text, content_html=text, topics=(text,)),
        entry("b"),
        title=f"x{text}",
        description=text,
        rights=text,
    )

    assert titles(style, style.render(made)) == [item.title for item in made.entries]


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_comes_back_as_the_model_has_it(text: str) -> None:
    made = channel(entry(title=text, content_html=text))

    for style in FORMATS:
        assert titles(style, style.render(made)) == [made.entries[0].title]


def titles(style: Format, document: bytes) -> list[str]:
    if style.name == "json":
        return [item["title"] for item in json.loads(document)["items"]]
    root = etree.fromstring(document)
    kind = {"rss": "item", "atom": "entry"}[style.name]
    return [title.text or "" for title in root.iterfind(f".//{{*}}{kind}/{{*}}title")]


@pytest.mark.parametrize("style", FORMATS, ids=lambda style: style.name)
def test_two_builds_are_equal(style: Format) -> None:
    made = channel(entry("a"), entry("b"))
    again = channel(entry("b"), entry("a"))

    assert style.render(made) == style.render(again) == style.render(made)


def test_bytes_depend_on_no_zone_locale_or_hash_seed() -> None:
    here = hashlib.sha256(b"".join(style.render(lantern.CHANNEL) for style in FORMATS))
    program = (
        "import hashlib, locale; locale.setlocale(locale.LC_ALL, '')\n"
        "from feeds import FORMATS\n"
        "from tests.feeds.data.lantern import CHANNEL\n"
        "print(hashlib.sha256(b''.join(f.render(CHANNEL) for f in FORMATS)).hexdigest())"
    )
    elsewhere = {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7"}

    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | elsewhere,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.strip() == here.hexdigest()


def test_formats_differ_in_name_suffix_and_media_type() -> None:
    assert [(style.name, style.suffix, style.media_type) for style in FORMATS] == [
        ("rss", "rss.xml", "application/rss+xml"),
        ("atom", "atom.xml", "application/atom+xml"),
        ("json", "json", "application/feed+json"),
    ]


def test_fifty_entries_are_written_within_a_tenth_of_a_second() -> None:
    long = "<p>A paragraph of some words &amp; 字.</p>" * 60
    entries = (
        entry(str(number), published=NOON + timedelta(hours=number), content_html=long)
        for number in range(50)
    )
    made = channel(*entries)
    spent = []
    for _ in range(5):
        start = time.process_time()
        for style in FORMATS:
            style.render(made)
        spent.append(time.process_time() - start)

    assert min(spent) < 0.1
