"""Valid documents, and for each check a change that breaks it: cases of test_conformance.

A case replaces one text by another and names the fault that this makes; None where it makes
none.
"""

import json
from pathlib import Path
from typing import Any

from feeds.opml import Outline, OutlineGroup, render_opml
from tests.feeds import hostile

_DATA = Path(__file__).with_name("data")
RSS = (_DATA / "valid.rss.xml").read_text("utf-8")
ATOM = (_DATA / "valid.atom.xml").read_text("utf-8")
JSON: dict[str, Any] = json.loads((_DATA / "valid.json").read_text("utf-8"))

OPML = render_opml(
    "The Lantern",
    [
        OutlineGroup(
            text="English",
            outlines=(
                Outline(
                    text="The Lantern",
                    xml_url="https://example.org/en.rss.xml",
                    html_url="https://example.org/en/",
                    language="en",
                ),
            ),
        )
    ],
    updated=hostile.START,
).decode()

SELF = (
    '<atom:link rel="self" type="application/rss+xml" href="https://example.org/en.rss.xml"/>'
)
CURRENT = '<atom:link rel="current" href="https://example.org/now.rss.xml"/>'
GUID = '<guid isPermaLink="false">tag:example.org,2026:wells/en</guid>'
SHORT_GUID = '<guid isPermaLink="false">tag:example.org,2026:short/en</guid>'
PUB_DATE = "<pubDate>Fri, 09 Jan 2026 12:00:00 GMT</pubDate>"
ENCLOSURE = '<enclosure url="https://example.org/a.mp3" length="9" type="audio/mpeg"/>'

# Old text, new text, expected fault.
BROKEN_RSS = [
    ('"?>\n<?xml-s', '"?><?xml-s', "document: begins without an XML declaration"),
    ("<channel>", "<channel><unclosed>", "is not well-formed"),
    ("<rss ", "<!DOCTYPE rss><rss ", "document: has a DOCTYPE"),
    ("<rss ", f"<!--{'x' * 500}--><rss ", "not within the first 512 bytes"),
    ("text/css", "text/xsl", "xml-stylesheet: is not text/css"),
    ("/feeds/style", "feeds/style", "xml-stylesheet: its address is relative"),
    ('version="2.0"', 'version="0.91"', "document: is no <rss version=2.0>"),
    ("<rss ", '<rss xmlns:x="https://example.org/x" ', "xmlns:x: validators do not know"),
    ("xmlns:dc=", 'xmlns:c="http://purl.org/dc/elements/1.1/" xmlns:dc=', "usually called dc"),
    ("<title>The Lantern</title>\n", "", "channel: has 0 title (rule: one) (14)"),
    ("<title>Short</title>", "<title> </title>", "item 2/title: is blank (22)"),
    ("en/</link>\n    <desc", "en.rss.xml</link>\n    <desc", "link is the feed and not the site"),
    ("<description>Short.</description>", "", "item 2: has no description (16)"),
    (GUID, "", "item 1: has 0 guid (rule: one) (16)"),
    (GUID, SHORT_GUID, "guid: two items have tag:example.org,2026:short/en (17)"),
    (GUID, GUID.replace(' isPermaLink="false"', ""), "so isPermaLink=false is due (17)"),
    ("tag:example.org,2026:wells", "https://Example.org/wells", "is not canonical (17)"),
    ("tag:example.org,2026:wells", "https://example.org/%7Ewells", "needs no encoding (17)"),
    ("tag:example.org,2026:wells", "https://example.org/?utm_a=1", "a mark of a campaign (17)"),
    ("Fri, 09 Jan", "Sat, 09 Jan", "is a Fri (15)"),
    ("Fri, 09 Jan 2026", "Fri, 9 Jan 26", "is no date of RFC 822"),
    ("Fri, 09 Jan 2026 12:00:00 GMT</pub", "Mon, 09 Jan 1989 12:00:00 GMT</pub", "plausible (6)"),
    (SELF, "", "channel: has 0 atom:link rel=self (rule: one) (18)"),
    (SELF, SELF.replace("rss+xml", "json"), "rel=self has type application/json (18)"),
    ('rel="related"', 'rel="canonical"', "rel=canonical is not registered (4)"),
    ('rel="related"', 'rel="alternate"', "channel: has 1 atom:link rel=alternate (rule: 0) (4)"),
    ('rel="prev-archive"', 'rel="current"', "two links with rel=current (43)"),
    (CURRENT, "", "is an archive without rel=current (43)"),
    ("https://example.org/now", "https://example.org/en", "rel=current is itself (43)"),
    ('rel="prev-archive"', 'rel="up"', "without rel=prev-archive or next-archive (43)"),
    ("<fh:archive/>", "<fh:archive>1</fh:archive>", "fh:archive: is not empty (43)"),
    (GUID, GUID + CURRENT, "item 1/atom:link: rel=current belongs to the feed (43)"),
    ('href="https://example.org/en.atom.xml"', 'href="/en.atom.xml"', "no absolute address (4)"),
    ('hreflang="en"', 'hreflang="pt_BR"', "atom:link/hreflang: 'pt_BR' is no language tag"),
    ('hreflang="en"', 'hreflang="en" title=" "', "atom:link: its title is blank (4)"),
    ('hreflang="en"', 'hreflang="en" media="x"', "media is no attribute of a link (4)"),
    ('type="application/atom+xml"', 'type="atom"', "type=atom is no media type (4)"),
    ("<language>en</language>", "", "channel: says no language (24)"),
    ("<dc:language>en<", "<dc:language>yue<", "item 1/dc:language: 'yue' begins with a code"),
    ("<ttl>60", "<ttl>0", "ttl: '0' is no number above 0 (23)"),
    ("<width>144", "<width>145", "image: its width is not from 1 to 144 (26)"),
    ("i.png", "i.svg", "image: is no GIF, JPEG or PNG (26)"),
    ("png</url><title>The", "png</url><title>A", "image: its title is not the channel's (26)"),
    ("<title>Short<", "<title>&lt;b>Short<", "that is not written as a hexadecimal reference"),
    ("<title>Short<", "<title>&lt;b>Short&lt;/b><", "holds </b>, so it looks like HTML (22)"),
    ("<title>Short<", "<title>Sho\ufffdrt<", "item 2/title: holds U+FFFD (35)"),
    ("<title>Short<", "<title>e\u0301<", "item 2/title: is not in NFC (35)"),
    (ENCLOSURE, ENCLOSURE * 2, "item 1: has 2 enclosures (rule: one) (20)"),
    (' length="9"', "", "enclosure: length=None is no number (20)"),
    ("https://example.org/a.mp3", "ftp://example.org/a.mp3", "is no http(s) address with a dotted"),
    ("https://example.org/a.mp3", "https://example.org/[a", "holds what a URI must encode (20)"),
    (GUID, f"{GUID}<comment>x</comment>", "comment does not belong in item (28)"),
    ("    <item>\n      <title>Short", "<ttl>1</ttl><item><title>Short", "behind an item"),
    (GUID, f"{GUID}<itunes:order>1</itunes:order>", "itunes:order: does not belong here (60)"),
    (">false<", ">no<", "itunes:explicit: 'no' is none of ['false', 'true'] (60)"),
    ("1:02:03", "1:2", "itunes:duration: '1:2' is no duration (60)"),
    ('text="News"', 'text="Gossip"', "'Gossip' is no category of Apple's (60)"),
    ('<itunes:category text="News"/>', "", "has podcast tags and no itunes:category (60)"),
    ("post@example.org", "post", "itunes:owner: has no itunes:email (60)"),
    (GUID, f"{GUID}<itunes:author>{'x' * 256}</itunes:author>", "longer than 255 characters"),
    ('width="9"', 'width="0"', "media:thumbnail: width=0 is no number above 0 (60)"),
    ('width="9"', 'size="9"', "media:thumbnail: size is no attribute of it (60)"),
    ('medium="document"', 'medium="paper"', "media:content: medium=paper (60)"),
    ('<media:title type="plain">', '<media:title type="text">', "media:title: type=text (60)"),
    ('type="plain">A', 'type="html">&lt;b>', "media:title: has <b> that is never closed (32)"),
]  # fmt: skip

BROKEN_ATOM = [
    ("<feed ", "<x:feed xmlns:x='https://example.org/' ", "is not well-formed"),
    ("<title>Wells</title>", "", "entry 1: has 0 atom:title (rule: one) (1)"),
    ("<title>Wells</title>", "<title/>", "entry 1: its atom:title is blank (1)"),
    ("<title>Wells<", "<title>Wells &lt;b>&lt;/b><", "atom:title: holds </b>, so it looks like"),
    ("<title>Wells<", '<title type="html">A &lt; B<', "entry 1/atom:title: has a stray < before"),
    ("<id>tag:example.org,2026:wells/en", "<id>wells", "'wells' is no absolute IRI (1)"),
    ("2026:short/en", "2026:wells/en", "atom:id: two entries have tag:example.org,2026:wells/en"),
    ("<updated>2026-01-07T", "<updated>2026-01-09T", "atom:updated: two entries have 2026-01-09"),
    ("<updated>2026-01-07T", "<updated>1970-01-07T", "is not plausible (6)"),
    ("<published>2026-01-08", "<published>2026-01-10", "entry 1: published after it was updated"),
    ("<updated>2026-01-09T12:00:00Z</updated>\n  <author>", "<updated>2026-01-01T00:00:00Z</updated>\n  <author>", "atom:feed: updated before what is in it (5)"),
    ("<name>The Lantern</name>", "", "atom:author: has 0 atom:name (rule: one) (3)"),
    (' xml:lang="en"', "", "entry 1/atom:title: no xml:lang says its language (11)"),
    ('rel="self"', 'rel="related"', "has 0 atom:link rel=self (rule: one) (4)"),
    ('<link href="https://example.org/en/short"/>', '<link href="https://example.org/1"/><link href="https://example.org/2"/>', "entry 2: has 2 atom:link rel=alternate (rule: 1) (4)"),
    ('/en/short"/>', '/en/short">x</link>', "entry 2/atom:link: holds text (4)"),
    ('rel="enclosure" type="audio/mpeg"', 'rel="enclosure"', "an enclosure without type and length (12)"),
    ('<content type="html">&lt;p&gt;Short.&lt;/p&gt;</content>', "", "entry 2: has neither content nor summary (9)"),
    ('term="water"', 'term=" "', "atom:category: its term is blank (10)"),
    ("<published>", "<issued/><published>", "atom:issued does not belong in atom:entry (28)"),
    ("</entry>\n</feed>", "</entry>\n<rights>x</rights>\n</feed>", "atom:rights: stands behind an entry"),
    ("<fh:archive/>", "", "has rel=next-archive and is no archive (43)"),
    ('rel="next-archive"', 'rel="prev-archive" title="x"', None),
    ('<at:deleted-entry ref="tag:example.org,2026:gone/en" when="2026-01-09T11:00:00Z"/>', "", "xmlns:at: is declared and not used (28)"),
    ("2026:gone/en", "2026:wells/en", None),
    ('2026:gone/en" when="2026-01-09T11:', '2026:wells/en" when="2026-01-09T12:', "2026:wells/en is deleted and an entry at the"),
    ('when="2026-01-09T11:00:00Z"', 'when="today"', "when=today is no date of RFC 3339 (44)"),
    ('11:00:00Z"/>', '11:00:00Z"/><at:deleted-entry ref="tag:example.org,2026:gone/en" when="2026-01-09T11:00:00Z"/>', "at:deleted-entry: two say tag:example.org,2026:gone/en"),
    ("xmlns:fh=", 'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:fh=', "has two prefixes (28)"),
]  # fmt: skip

BROKEN_OPML = [
    ('version="2.0"', 'version="3.0"', "document: is no <opml version=2.0>"),
    ("</body>", "</body><body/>", "document: has not one head and one body (39)"),
    ("<title>The Lantern</title>", "", "head: has 0 title (rule: one) (39)"),
    ("<title>The Lantern</title>", "<title>R&amp;D</title>", "title: has a bare & before 'D'"),
    ("Thu, 01 Jan 2026 08:00:00 GMT", "2026-01-09", "dateModified: '2026-01-09' is no date"),
    ('text="English"', 'text=" "', "outline 1: has no text (39)"),
    ('text="English"', 'text="English" title="x"', "outline 1: describes a feed and has no type"),
    ('text="English"', 'text="English" hreflang="en"', "outline 1: hreflang is no attribute of it"),
    (' title="The Lantern"', "", "outline 2: has no title (39)"),
    (' xmlUrl="https://example.org/en.rss.xml"', "", "outline 2: xmlUrl: '' is no absolute"),
    ('language="en"', 'language="e"', "outline 2: language: 'e' is no language tag"),
    ('version="RSS2"', 'version="ATOM1"', "outline 2: version=ATOM1 is no version of RSS (39)"),
]  # fmt: skip

BROKEN_FEED = [
    ({"version": "https://jsonfeed.org/version/1"}, "version: is 'https://jsonfeed.org/version/1'"),
    ({"title": None}, "feed/title: is not a text (45)"),
    ({"title": "a\nb"}, "feed/title: is more than one line (46)"),
    ({"title": "a\ud800"}, "document/title: holds U+D800 (35)"),
    ({"items": {}}, "feed/items: is not a list of objects (45)"),
    ({"items": [JSON["items"][0]] * 2}, "id: two items have tag:example.org,2026:wells/en (7)"),
    ({"author": {"name": "x"}}, "feed/author: JSON Feed 1.1 has no such member (45)"),
    ({"authors": [{}]}, "feed/authors: one says nothing (3)"),
    ({"authors": [{"url": "x"}]}, "feed/authors/url: 'x' is no absolute address (3)"),
    ({"language": "zh_Hant"}, "feed/language: 'zh_Hant' is no language tag"),
    ({"next_url": "https://example.org/en.json"}, "next_url: is the feed itself (47)"),
    ({"hubs": [{"type": "WebSub"}]}, "hubs: has no url (47)"),
    ({"_publisher": None}, "feed/_publisher: is no extension (48)"),
]  # fmt: skip
BROKEN_ITEM = [
    ({"id": 7}, "items 1/id: is not a text (46)"),
    ({"id": "wells"}, "items 1/id: 'wells' is no absolute IRI (1)"),
    ({"content_html": "<p>"}, None),
    ({"content_html": "<b>"}, "items 1/content_html: has <b> that is never closed (32)"),
    ({"date_published": "2026-01-08"}, "items 1/date_published: '2026-01-08' is no date of RFC"),
    ({"date_published": "2026-02-08T00:00:00Z"}, "items 1: published after it was modified (6)"),
    ({"tags": [""]}, "items 1/tags: is not a list of texts (46)"),
    ({"attachments": [{"url": "https://example.org/a"}]}, "items 1/attachments: has no mime_type"),
    ({"attachments": [{"size_in_bytes": "9"}]}, "attachments/size_in_bytes: is not a number (46)"),
]  # fmt: skip
MISSING = [
    (("title",), "title: is missing (45)"),
    (("items",), "items: is missing (45)"),
    (("items", 0, "id"), "items 1: has no id (46)"),
    (("items", 0, "date_published"), "items 1: has no date_published (46)"),
    (("items", 0, "content_html"), "items 1: has neither content_html nor content_text (46)"),
    (("items", 0, "date_modified"), None),
]

HTML = [
    ("<p>a<p>b<ul><li>c<li>d</ul><table><tr><td>e<td>f</table>", None),
    ("<p>a<br>b<img src='https://example.org/' alt=''></p><!-- c -->", None),
    ("R & D &amp; &#8212; &nbsp;", None),
    ("<p style='color: red; text-align: left'>a</p>", None),
    ("<a href=mailto:post@example.org>a</a>", None),
    ("<b>", "has <b> that is never closed (32)"),
    ("</b>", "has </b> where nothing is open (32)"),
    ("<b><i></b>", "has </b> where i is open (32)"),
    ("<p>a<div>b</div></p>", "has </p> where nothing is open (32)"),
    ("<a href='https://a.org/'><a href='https://b.org/'></a></a>", "has <a> inside <a> (32)"),
    ("<b/>a</b>", "has <b/>, which closes nothing (32)"),
    ("<b id=a id=b></b>", "has id twice in <b> (32)"),
    ("1 < 2", "has a stray < before ' 2' (32)"),
    ("<!-- a -- b -->", "has -- inside a comment (32)"),
    ("AT&T", "has a bare & before 'T' (32)"),
    ("&copy 2026", "has a bare & before 'copy 2026' (32)"),
    ("<a href='https://example.org/?a=1&b=2'>x</a>", "has a bare & before 'b=2' (32)"),
    ("&#150;", "has &#150; which is no character (32)"),
    ("<x-y>a</x-y>", "has <x-y>, which HTML does not know (32)"),
    ("<script>a</script>", "has <script> (30)"),
    ("<b onclick='a'>b</b>", "has onclick in <b> (30)"),
    ("<a href='javascript:a'>b</a>", "has a script as href of <a> (30)"),
    ("<p style='max-width: 1px'>a</p>", "has CSS that readers refuse in <p>: max-width: 1px (31)"),
    ("<a href='/a'>b</a>", "has a relative href in <a>: '/a' (25)"),
    ("<img src='//example.org/' alt=''>", "has a relative src in <img>: '//example.org/' (25)"),
    ("<source srcset='https://a.org/b 1x, c 2x'>", "has a relative srcset in <source>: 'c 2x' (25)"),
    ("<img src='https://example.org/'>", "has <img> without alt (33)"),
    ("<img alt=''>", "has <img> without src (33)"),
    ("<img src='https://a.org/' alt='' width=1 height=1>", "has <img> of one pixel (33)"),
    ("<p lang=ar>a</p>", "has <p lang=ar> without dir=rtl (34)"),
]  # fmt: skip
