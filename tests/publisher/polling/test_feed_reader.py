"""What is read of feeds: formats, times, people, languages, links; and what is refused."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest

from publisher.polling.feed_reader import read_feed
from publisher.polling.foreign_pictures import with_pictures
from publisher.polling.model import MAX_WEB_ENTRIES, AnswerError, WebEntry, WebFeed

URL = "https://example.org/news/feed.xml"
_NAMESPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" '
    'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
)
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://example.org/"><title>Bay</title></channel>
 <item rdf:about="https://example.org/1"><title>Crane</title><link>https://example.org/1</link>
 <dc:date>2026-11-02T08:00:00+01:00</dc:date></item></rdf:RDF>"""
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Harbour",
    "language": "en",
    "home_page_url": "https://example.org/",
    "feed_url": "https://example.org/feed.json",
    "next_url": "/feed.json?page=2",
    "hubs": [
        {"type": "rssCloud", "url": "x"},
        {"type": "WebSub", "url": "https://hub.example/"},
    ],
    "authors": [{"name": "Ann"}],
    "items": [
        {
            "id": 7,
            "url": "/7",
            "title": "A <b>crane</b>\n\u0008fell",
            "content_html": "<p>Text</p>",
            "summary": "Short & plain",
            "date_published": "2026-11-02T08:00:00.5+01:00",
            "tags": ["port", "port", 3],
            "attachments": [{"url": "/7.png", "mime_type": "image/png"}],
            "language": "nl",
            "authors": [{"name": "Bo"}, {"name": "bo@example.org"}, 4],
        },
        {"id": "8", "content_text": "One\n\nTwo < 3", "image": "javascript:alert(1)"},
        "nothing",
    ],
}


def rss(items: str, channel: str = "") -> WebFeed:
    text = f'<rss version="2.0" {_NAMESPACES}><channel>{channel}{items}</channel></rss>'
    return read_feed(text.encode(), URL, "application/rss+xml")


def atom(entries: str, attributes: str = "") -> WebFeed:
    text = f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}>{entries}</feed>'
    return read_feed(text.encode(), URL, "application/atom+xml")


def item(inner: str) -> WebEntry:
    return rss(f"<item>{inner}</item>").entries[0]


def entry(inner: str, attributes: str = "") -> WebEntry:
    return atom(f"<entry {attributes}>{inner}</entry>", 'xml:lang="en"').entries[0]


def names(read: WebEntry) -> list[str]:
    return [author.name for author in read.authors]


def test_rss_1_has_one_date_which_is_that_of_publication() -> None:
    feed = read_feed(RDF.encode(), URL, "text/xml")
    assert feed.title == "Bay"
    assert [(e.id, e.url, e.published) for e in feed.entries] == [
        ("https://example.org/1", "https://example.org/1", datetime(2026, 11, 2, 7, tzinfo=UTC))
    ]


def test_a_json_feed_is_read_and_values_of_wrong_types_are_left_out() -> None:
    feed = read_feed(b"\xef\xbb\xbf" + json.dumps(JSON_FEED).encode(), URL, "text/plain")
    assert (feed.title, feed.language, feed.hub) == ("Harbour", "en", "https://hub.example/")
    assert feed.following == "https://example.org/feed.json?page=2"
    first, second = feed.entries
    assert (first.id, first.url, first.title) == (
        "7",
        "https://example.org/7",
        "A <b>crane</b> fell",
    )
    assert (first.html, first.summary) == ("<p>Text</p>", "<p>Short &amp; plain</p>")
    assert first.published == datetime(2026, 11, 2, 7, tzinfo=UTC)
    assert (first.topics, names(first), first.language) == (("port",), ["Bo"], "nl")
    assert first.picture == "https://example.org/7.png"
    assert (second.html, second.picture) == ("<p>One</p>\n<p>Two &lt; 3</p>", "")
    assert (names(second), second.published) == (["Ann"], None)


@pytest.mark.parametrize(
    ("dates", "published", "updated"),
    [
        ("<pubDate>Mon, 02 Nov 2026 08:00:00 +0100</pubDate>", "2026-11-02 07:00", None),
        ("<dc:date>2026-11-02</dc:date>", "2026-11-02 00:00", "2026-11-02 00:00"),
        ("<pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate>", None, None),
        ("<pubDate>yesterday</pubDate>", None, None),
        (
            "<pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate><atom:updated>2026-11-01T00:00:00Z</atom:updated>",
            "2026-11-02 08:00",
            "2026-11-02 08:00",
        ),
    ],
)
def test_times_are_in_utc_and_no_update_comes_before_publication(
    dates: str, published: str | None, updated: str | None
) -> None:
    read = item(dates)
    times = [f"{time:%F %R}" if time else None for time in (read.published, read.updated)]
    assert times == [published, updated]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("AT&amp;T &amp;amp; co", "AT&T & co"),
        ("Use &lt;code&gt;x&lt;/code&gt;", "Use x"),
        ("5 &lt; 6", "5 < 6"),
        ("One&lt;br/&gt;two&lt;b&gt; three&lt;/b&gt;", "One two three"),
        ("  two\n lines\t ", "two lines"),
        ("a\u0085b\ufeffc", "a…bc"),  # C1 is what windows-1252 has there
        ("x" * 600, "x" * 499 + "…"),
        ("", ""),
    ],
)
def test_titles_are_plain_text_in_one_line(written: str, title: str) -> None:
    assert item(f"<title>{written}</title>").title == title


def test_titles_in_atom_are_of_the_type_that_they_state() -> None:
    assert entry("<title>1 &amp;lt; 2</title>").title == "1 &lt; 2"
    assert entry('<title type="html">1 &amp;lt; &lt;i&gt;2&lt;/i&gt;</title>').title == "1 < 2"
    xhtml = '<div xmlns="http://www.w3.org/1999/xhtml">A <em>b</em></div>'
    assert entry(f'<title type="xhtml">{xhtml}</title>').title == "A b"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<author>ann@example.org (Ann Ba)</author>", ["Ann Ba"]),
        ("<author>ann@example.museum (Ann)</author>", ["Ann"]),
        ("<author>Ann &lt;ann@example.org&gt;</author>", ["Ann"]),
        ("<author>ann@example.org</author>", []),
        ("<author>Ann (Reuters)</author>", ["Ann (Reuters)"]),
        ("<dc:creator>Ann</dc:creator><dc:creator>Bo</dc:creator>", ["Ann", "Bo"]),
        ("<itunes:author>Ann</itunes:author><dc:creator>Ann</dc:creator>", ["Ann"]),
    ],
)
def test_authors_are_names_without_addresses(inner: str, expected: list[str]) -> None:
    assert names(item(inner)) == expected


def test_an_atom_entry_without_authors_has_those_of_its_source_or_feed() -> None:
    own = "<author><name>Own</name><email>o@example.org</email></author>"
    source = "<source><author><name>Source</name></author></source>"
    feed = atom(
        f"<author><name>Feed</name></author><entry>{own}</entry><entry>{source}</entry><entry/>"
    )
    assert [names(read) for read in feed.entries] == [["Own"], ["Source"], ["Feed"]]
    assert (
        names(rss("<item/>", "<managingEditor>m@example.org (M)</managingEditor>").entries[0])
        == []
    )


NOTES = "<description>&lt;p&gt;Notes&lt;/p&gt;</description>"
FULL = "<content:encoded>&lt;p&gt;Full&lt;/p&gt;</content:encoded>"


@pytest.mark.parametrize(
    ("inner", "html", "summary"),
    [
        (NOTES, "<p>Notes</p>", ""),
        (f"<description>Short</description>{FULL}", "<p>Full</p>", "Short"),
        (f"{FULL}<description>Short</description>", "<p>Full</p>", "Short"),
        (f"{FULL}<description>&lt;p&gt;Full&lt;/p&gt;</description>", "<p>Full</p>", ""),
        (f"{NOTES}<itunes:summary>Notes, plain</itunes:summary>", "<p>Notes</p>", ""),
        (
            f"{NOTES}<media:description type='plain'>Of the picture</media:description>",
            "<p>Notes</p>",
            "",
        ),
        (
            "<description>1\n2\n\n3 &amp;amp; 4</description>",
            "<p>1<br>\n2</p>\n<p>3 &amp; 4</p>",
            "",
        ),
        (
            "<description>&lt;a href='/x'&gt;&lt;/a&gt;</description>",
            '<a href="https://example.org/x"></a>',
            "",
        ),
    ],
)
def test_the_full_text_comes_before_the_summary(inner: str, html: str, summary: str) -> None:
    read = item(inner)
    assert (read.html, read.summary) == (html, summary)


def test_links_to_notes_of_a_text_stay_in_it() -> None:
    text = (
        '<description>&lt;a href="#n"&gt;1&lt;/a&gt;&lt;p id="n"&gt;N&lt;/p&gt;</description>'
    )
    feed = read_feed(f"<rss><channel><item>{text}".encode(), f"{URL}?a=1&b=2", "")
    assert feed.entries[0].html == '<a href="#n">1</a><p id="n">N</p>'
    xhtml = '<div xmlns="http://www.w3.org/1999/xhtml" xml:base="/b"><a href="#n">1</a></div>'
    assert entry(f'<content type="xhtml">{xhtml}</content>').html == '<a href="#n">1</a>'


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('<a href="/b?c&amp;d">x</a>', '<a href="https://e.example/b?c&amp;d">x</a>'),
        ("<img alt='' src = b.png>", '<img alt="" src="https://e.example/dir/b.png" />'),
        ('<a href="//f.example/">x</a>', '<a href="https://f.example/">x</a>'),
        ("<A HREF=b.html>x</A>", '<a href="https://e.example/dir/b.html">x</a>'),
        ("<video poster=p.png src=https://e.example/v.mp4>", 'src="https://e.example/v.mp4"'),
        # These need nothing, and stay as they are written.
        ("<A HREF='https://f.example/'>x</A>", "<A HREF='https://f.example/'>x</A>"),
        ("<a href=mailto:a@e.example>x</a>", "<a href=mailto:a@e.example>x</a>"),
        ("x<br/>y<hr />", "x<br/>y<hr />"),
        # Browsers would go on with the element.
        ("<b/>not bold", "<b></b>not bold"),
    ],
)
def test_links_of_a_text_are_resolved_by_the_base_of_the_text(written: str, shown: str) -> None:
    text = f'<content type="html" xml:base="https://e.example/dir/">{escape(written)}</content>'
    assert shown in entry(text).html


def test_plain_text_in_atom_is_escaped_and_pictures_are_no_text() -> None:
    assert entry("<content>1 &lt; 2</content>").html == "<p>1 &lt; 2</p>"
    read = entry('<summary>S</summary><content type="image/png">iVBORw0KGgo=</content>')
    assert (read.html, read.summary) == ("<p>S</p>", "")


@pytest.mark.parametrize(
    ("inner", "url"),
    [
        (
            "<link>https://example.org/a?b=1&amp;copy=2</link>",
            "https://example.org/a?b=1&copy=2",
        ),
        ("<link> /a b\n</link>", "https://example.org/a%20b"),
        ("<link>javascript:alert(1)</link>", ""),
        ("<link>at://did:plc:x/post</link>", ""),
        ("<guid>https://example.org/g</guid>", "https://example.org/g"),
        ("<guid>episode-7</guid>", ""),
        ("<guid isPermaLink='false'>https://example.org/g</guid>", ""),
        (
            "<link>https://feeds.example/~r/1</link><feedburner:origLink>https://example.org/1</feedburner:origLink>",
            "https://example.org/1",
        ),
    ],
)
def test_links_lead_to_the_web(inner: str, url: str) -> None:
    assert item(inner).url == url


def test_an_id_stays_as_it_is_written() -> None:
    assert item("<guid>episode-7</guid>").id == "episode-7"
    assert entry("<id>Tag:x,2026:/É</id>").id == "Tag:x,2026:/É"


@pytest.mark.parametrize(
    ("own", "url", "language", "translations"),
    [
        ('xml:lang="de"', "de", "de", (("fr", "fr"), ("zh-Hant", "hant"))),
        ('xml:lang="fr-CA"', "fr", "fr-CA", (("de", "de"), ("zh-Hant", "hant"))),
        (
            'xml:lang="zh-Hans"',
            "x",
            "zh-Hans",
            (("de", "de"), ("fr", "fr"), ("zh-Hant", "hant")),
        ),
    ],
)
def test_alternates_in_other_languages_are_translations(
    own: str, url: str, language: str, translations: tuple[tuple[str, str], ...]
) -> None:
    links = {"de": "de", "fr": "fr", "x-default": "x", "zh-Hant": "hant"}
    written = [f'<link hreflang="{tag}" href="{to}"/>' for tag, to in links.items()]
    read = entry("<title>T</title>" + "".join(written), own)
    at = "https://example.org/news/"
    assert (read.url, read.language) == (at + url, language)
    assert read.translations == tuple((tag, at + to) for tag, to in translations)


@pytest.mark.parametrize(
    ("inner", "language"),
    [
        ("<dc:language>zh_TW</dc:language><title>T</title>", "zh_TW"),
        ('<title>T</title><description xml:lang="fr">D</description>', "fr"),
        ("<title>T</title>", ""),
    ],
)
def test_an_entry_may_have_a_language_of_its_own(inner: str, language: str) -> None:
    feed = rss(f"<item>{inner}</item>", "<language>en-us</language>")
    assert (feed.language, feed.entries[0].language) == ("en-us", language)


def test_topics_are_labels_without_schemes() -> None:
    assert item('<category domain="x">Port</category><dc:subject>Sea</dc:subject>').topics == (
        "Port",
        "Sea",
    )
    assert entry(
        '<category term="p1" label="Port" scheme="s"/><category term="Sea"/>'
    ).topics == ("Port", "Sea")


JPEG = '<media:content url="/{0}.jpg" width="{0}"/>'


@pytest.mark.parametrize(
    ("inner", "picture"),
    [
        (JPEG.format(140) + JPEG.format(1400), "1400.jpg"),
        ('<media:content url="/v" type="video/mp4"/><media:thumbnail url="/t"/>', "t"),
        ('<media:group><media:content url="/g" medium="image"/></media:group>', "g"),
        ('<enclosure url="/e" type="image/png" length="1"/>', "e"),
        ('<enclosure url="/e" type="audio/mpeg" length="1"/><itunes:image href="/i"/>', "i"),
        ('<media:content url="data:image/png;base64,AA==" medium="image"/>', ""),
    ],
)
def test_an_entry_has_the_widest_picture_that_it_names(inner: str, picture: str) -> None:
    assert item(inner).picture.removeprefix("https://example.org/") == picture


def test_a_feed_says_where_it_pushes_and_goes_on() -> None:
    feed = rss(
        "",
        '<atom:link rel="self" href="https://example.org/f"/><atom:link rel="hub" href="https://hub.example/"/>'
        '<atom:link rel="next" href="?page=2"/><link>https://example.org/</link>',
    )
    assert (feed.topic, feed.hub) == ("https://example.org/f", "https://hub.example/")
    assert feed.following == f"{URL}?page=2"
    archived = '<link rel="next" href="/n"/><link rel="prev-archive" href="/a"/>'
    assert atom(archived).following == "https://example.org/a"


@pytest.mark.parametrize(
    ("channel", "interval"),
    [
        ("<ttl>90</ttl>", timedelta(minutes=90)),
        ("<ttl>99999</ttl>", timedelta(days=1)),
        ("<ttl>often</ttl>", None),
        (
            "<sy:updatePeriod> hourly </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            timedelta(minutes=15),
        ),
        ("<sy:updatePeriod>weekly</sy:updatePeriod>", timedelta(days=1)),
        ("", None),
    ],
)
def test_a_feed_says_how_often_it_is_read(channel: str, interval: timedelta | None) -> None:
    assert rss("", channel).interval == interval


def test_a_feed_says_in_which_hours_it_is_not_read() -> None:
    skips = (
        "<skipHours><hour>0</hour><hour> 23 </hour><hour>24</hour></skipHours>"
        "<skipDays><day>Sunday</day><day>Someday</day></skipDays>"
    )
    hours = {day * 24 + hour for day in range(6) for hour in (0, 23)}
    assert {*rss("", skips).skipped} == hours | {*range(6 * 24, 7 * 24)}
    assert rss("<hour>3</hour>").skipped == ()


def test_deleted_entries_are_expired_unless_they_are_back() -> None:
    deleted = '<at:deleted-entry ref="{}" when="2026-11-02T00:00:00Z"/>'
    feed = atom(
        "<entry><id>b</id></entry>" + deleted.format("a") + deleted.format("b"),
        'xmlns:at="http://purl.org/atompub/tombstones/1.0"',
    )
    assert [(read.id, read.expired) for read in feed.entries] == [("b", False), ("a", True)]
    assert feed.entries[1].updated == datetime(2026, 11, 2, tzinfo=UTC)


def test_entries_beyond_the_limit_are_counted() -> None:
    feed = rss("<item><title>T</title></item>" * (MAX_WEB_ENTRIES + 3))
    assert (len(feed.entries), feed.left_out) == (MAX_WEB_ENTRIES, 3)


@pytest.mark.parametrize(
    ("mark", "encoding", "content_type"),
    [
        ("", "utf-8", "text/xml"),
        ("", "latin-1", "text/xml; charset=ISO-8859-1"),
        ("\ufeff", "utf-8", "text/html; charset=ISO-8859-1"),
        ("\ufeff", "utf-16-be", "application/rss+xml; charset=utf-8"),
        ("\ufeff", "utf-32-le", ""),
    ],
)
def test_a_byte_order_mark_comes_before_the_charset_and_this_before_a_guess(
    mark: str, encoding: str, content_type: str
) -> None:
    text = f"{mark}<rss><channel><item><title>Grüße</title></item></channel></rss>"
    assert read_feed(text.encode(encoding), URL, content_type).entries[0].title == "Grüße"


def test_a_feed_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    body = b"<rss><channel><item><title>A</title></item><item><title>B"
    assert read_feed(body, URL, "text/html").entries[0].title == "A"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b" \n", "this is empty"),
        (b"<!doctype html><title>x</title>", "this is an HTML page, not a feed"),
        (b"<?xml version='1.0'?><!-- <rss> --><html/>", "this is an HTML page, not a feed"),
        (b"\x89PNG\r\n\x1a\n<", "this is a picture, not a feed"),
        (b"/etc/hostname", "this is neither XML nor JSON, so it is no feed"),
        (b"<?xml version='1.0'?>\n<rss>\n<channel>&x</rss>", "this is malformed XML in line 3"),
        (b"<rss>\n<channel>&x</rss>", "this is malformed XML in line 2"),
        (b"<urlset><url/></urlset>", "this is XML with the root urlset, not a feed"),
        (
            b"<?xml version='1.0' encoding='undefined'?><rss/>",
            "this breaks feedparser: UnicodeError",
        ),
        (b'{"items": {}}', "this is JSON, but no JSON Feed"),
        (b'{"items":\n[}', "this is malformed JSON in line 2"),
        (b"[" * 100_000, "this is JSON that is nested too deeply"),
        (
            b"<rss " + b"a='>' " * 1_001,
            "this has an element with more than a thousand attributes",
        ),
        (b" " * 10_000_001, "this is larger than 10 MB"),
    ],
)
def test_what_is_no_feed_is_named(body: bytes, problem: str) -> None:
    with pytest.raises(AnswerError) as caught:
        read_feed(body, URL, "application/rss+xml")
    assert str(caught.value) == problem


def test_an_external_entity_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    entity = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
    body = f"{entity}<rss><channel><item><title>a&x;b</title></item></channel></rss>"
    assert "SECRET" not in read_feed(body.encode(), URL, "").entries[0].title


def corpus_files(corpus: Path, pattern: str) -> list[Path]:
    files = sorted((corpus / "sources").glob(pattern))
    if not files:
        pytest.skip("no feeds in the corpus beside the project")
    return [path for path in files if not path.name.endswith(("_expected.json", ".serde.json"))]


def test_no_feed_of_the_corpus_breaks_the_reader_whole_or_cut(corpus: Path) -> None:
    feeds, refused = [], []
    for path in corpus_files(corpus, "*/**/*.[xj][ms]*"):
        body = path.read_bytes()
        for part in (
            body,
            body[: len(body) // 2],
            body[: len(body) // 3] + body[len(body) // 2 :],
        ):
            try:
                feeds.append(read_feed(part, URL, ""))
            except AnswerError:
                refused += [path] if part is body else []
    entries = [read for feed in feeds for read in feed.entries]
    texts = "".join(f"{e.id}{e.url}{e.title}{e.html}{e.summary}" for e in entries)
    assert re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", texts) is None
    # Feeds without entries that are not well-formed, and exports of other programs.
    assert [path for path in refused if "migrate" not in path.parts][7:] == []
    assert len(entries) >= 300


def test_undeclared_encodings_of_the_corpus_are_detected(corpus: Path) -> None:
    for path in corpus_files(corpus, "feedparser/illformed/chardet/*.xml"):
        body = path.read_bytes()
        stated = re.search(rb"encoding == '([\w-]+)'", body)
        assert stated
        as_utf8 = body.decode(stated[1].decode()).encode()
        assert read_feed(body, URL, "text/xml") == read_feed(as_utf8, URL, "text/xml"), path


def test_languages_of_the_corpus_are_those_of_feedparser_by_part(corpus: Path) -> None:
    wrong = []
    for path in corpus_files(corpus, "feedparser/lang/*.xml"):
        body = path.read_bytes()
        stated = re.search(
            rb"(?:feed|entries\[(\d)\](?:\['\w+'\](?:\[0\])?)?)\['language'\] == (?:'(.*?)'|None)",
            body,
        )
        if stated:
            feed = read_feed(body, URL, "")
            language = feed.entries[int(stated[1])].language if stated[1] else feed.language
            wrong += [path.name] if language != (stated[2] or b"").decode() else []
    # Titles in another language than their texts, and languages of header fields.
    assert len(wrong) <= 5, wrong


def test_other_readers_read_the_same_in_the_corpus(corpus: Path) -> None:
    right, wrong = 0, []
    for path in corpus_files(corpus, "gofeed/*/*/*.xml"):
        gold: dict[str, Any] = json.loads(path.with_suffix(".json").read_text("utf-8"))
        items = gold.get("items") or []
        if not items:
            continue
        feed = read_feed(path.read_bytes(), URL, "")
        pairs = [(feed.title, gold.get("title")), (feed.language, gold.get("language"))]
        for read, theirs in zip(feed.entries, items, strict=True):
            pairs += _facts(read, theirs)
        right += sum(ours == theirs for ours, theirs in pairs if theirs)
        wrong += [(path.name, pair) for pair in pairs if pair[1] and pair[0] != pair[1]]
    assert right >= 44
    # Of several links in RSS gofeed takes the last, and pictures it takes of texts, too.
    assert len(wrong) <= 3, wrong


def _facts(read: WebEntry, theirs: dict[str, Any]) -> list[tuple[Any, Any]]:
    authors = [author.get("name") for author in theirs.get("authors", ()) if author.get("name")]
    return [
        (read.id, theirs.get("guid")),
        (read.url, theirs.get("link")),
        (read.title, theirs.get("title")),
        (names(read), authors),
        (list(read.topics), theirs.get("categories")),
        (read.picture, (theirs.get("image") or {}).get("url")),
        (f"{read.published:%FT%TZ}" if read.published else "", theirs.get("publishedParsed")),
        (f"{read.updated:%FT%TZ}" if read.updated else "", theirs.get("updatedParsed")),
    ]


def test_films_keep_their_files_beside_pictures() -> None:
    film = '<video><source src="https://e.example/a.mp4"></video>'
    picture = '<picture><source srcset="/a.webp"><img src="https://e.example/a.png"></picture>'
    shown = with_pictures(film + picture, "", str)
    assert "a.mp4" in shown
    assert "a.webp" not in shown
