"""The checker finds each fault, and our documents have none."""

import json
from pathlib import Path

import pytest

import feeds
from feeds import FEED_FORMATS, Channel, FeedFormat
from feeds.formats import format_named
from tests.feeds import conformance_cases, hostile
from tools.feed_validator import Kind, faults

HERE = Path(__file__).parent
KINDS: dict[str, Kind] = {".rss.xml": "rss", ".atom.xml": "atom", ".json": "json"}
GOLDEN = sorted(
    (path, kind)
    for suffix, kind in KINDS.items()
    for path in (HERE / "data").glob(f"*{suffix}")
)


def changed(document: str, old: str, new: str) -> bytes:
    assert old in document
    return document.replace(old, new, 1).encode()


def expect(found: list[str], fault: str | None) -> None:
    if fault is None:
        assert found == []
    else:
        assert any(fault in one for one in found), found


def test_titles_may_have_numeric_references_and_content_comes_after_the_description() -> None:
    assert faults(conformance_cases.OPML.encode(), "opml") == []
    title = b"<title>5 &#x3C; 6 &#x26; a &#x3C;b&gt;</title>"
    assert (
        faults(conformance_cases.RSS.encode().replace(b"<title>Short</title>", title), "rss")
        == []
    )
    description = "      <description>Deep &amp;amp; wide.</description>\n"
    late = conformance_cases.RSS.replace(description, "").replace(
        "      <enclosure", f"{description}<enclosure"
    )
    expect(faults(late.encode(), "rss"), "content:encoded stands before description (19)")


@pytest.mark.parametrize(
    ("kind", "document", "old", "new", "fault"),
    [
        *(("rss", conformance_cases.RSS, *case) for case in conformance_cases.BROKEN_RSS),
        *(("atom", conformance_cases.ATOM, *case) for case in conformance_cases.BROKEN_ATOM),
        *(("opml", conformance_cases.OPML, *case) for case in conformance_cases.BROKEN_OPML),
    ],
)
def test_faults_of_xml_are_found(
    kind: Kind, document: str, old: str, new: str, fault: str | None
) -> None:
    expect(faults(changed(document, old, new), kind), fault)


@pytest.mark.parametrize(("members", "fault"), conformance_cases.BROKEN_FEED)
def test_faults_of_a_json_feed_are_found(members: dict[str, object], fault: str) -> None:
    expect(faults(json.dumps(conformance_cases.JSON | members).encode(), "json"), fault)


@pytest.mark.parametrize(("members", "fault"), conformance_cases.BROKEN_ITEM)
def test_faults_of_a_json_item_are_found(members: dict[str, object], fault: str | None) -> None:
    feed = json.loads(json.dumps(conformance_cases.JSON))
    feed["items"][0].update(members)
    expect(faults(json.dumps(feed).encode(), "json"), fault)


@pytest.mark.parametrize(("path", "fault"), conformance_cases.MISSING)
def test_missing_members_are_found(path: tuple[str | int, ...], fault: str | None) -> None:
    feed = json.loads(json.dumps(conformance_cases.JSON))
    parent = feed
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    expect(faults(json.dumps(feed).encode(), "json"), fault)


@pytest.mark.parametrize(("html", "fault"), conformance_cases.HTML)
def test_faults_of_html_are_found(html: str, fault: str | None) -> None:
    feed = json.loads(json.dumps(conformance_cases.JSON))
    feed["items"][0]["content_html"] = html
    found = faults(json.dumps(feed).encode(), "json")
    assert found == ([] if fault is None else [f"items 1/content_html: {fault}"])


@pytest.mark.parametrize(
    ("document", "kind", "fault"),
    [
        (b"[]", "json", "document: is no object (45)"),
        (b"{", "json", "document: is no JSON in UTF-8"),
        (b'"\xff"', "json", "document: is no JSON in UTF-8"),
        (conformance_cases.RSS.encode(), "atom", "document: its root is rss (1)"),
        (b" " * 5_000_001, "json", "document: 5000001 bytes are more than readers take (41)"),
        (b'<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0"><head/><body/></opml>\n',
         "opml", "body: has no outline (39)"),
    ],
)  # fmt: skip
def test_other_documents_are_refused(document: bytes, kind: Kind, fault: str) -> None:
    expect(faults(document, kind), fault)


@pytest.mark.parametrize(
    ("path", "kind"), GOLDEN, ids=lambda value: getattr(value, "name", value)
)
def test_expected_documents_have_no_faults(path: Path, kind: Kind) -> None:
    assert faults(path.read_bytes(), kind) == []


@pytest.fixture(scope="module", params=hostile.CLEAN)
def clean(request: pytest.FixtureRequest) -> Channel:
    return hostile.CLEAN[request.param]()


@pytest.mark.parametrize("style", FEED_FORMATS, ids=lambda style: style.name)
def test_hostile_channels_have_no_faults(clean: Channel, style: FeedFormat) -> None:
    kind = KINDS[f".{style.suffix}"]
    assert faults(feeds.render(style, clean), kind) == []


def test_a_hostile_archive_document_has_no_faults() -> None:
    document = feeds.render(format_named(feeds.ARCHIVE_FORMAT), hostile.archive())
    assert faults(document, "atom") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<title>Wells</title>", ""),
        ("<title>Wells</title>", "<title>a</title><title>b</title>"),
        ("<title>Wells</title>", "<title><b/></title>"),
        ("<title>Wells</title>", '<title type="CDATA">Wells</title>'),
        ("<id>tag:example.org,2026:wells/en</id>", "<id>wells</id>"),
        ("<updated>2026-01-07T12:00:00Z", "<updated>2026-01-07t12:00:00z"),
        ("<updated>2026-01-07T12:00:00Z", "<updated>2026-01-07T12:00:00"),
        ("<updated>2026-01-07T12:00:00Z", "<updated>2026-02-30T12:00:00Z"),
        ('href="https://example.org/en/short"', ""),
        ('href="https://example.org/en/short"', 'href="https://example.org/" media="x"'),
        ('term="water"', ""),
        ("<published>", "<issued>x</issued><published>"),
        ("<name>The Lantern</name>", ""),
        ('xml:lang="en"', 'xml:lang="pt_BR"'),
        ("<published>", "<source><content/></source><published>"),
        ("<id>tag:example.org,2026:feed/en</id>", ""),
        ("<summary>Deep.</summary>", "<summary>Deep.</summary><summary>Deep.</summary>"),
        ("<published>", '<x xmlns="">y</x><published>x'),
    ],
)
def test_broken_atom_breaks_the_grammar(old: str, new: str) -> None:
    expect(faults(changed(conformance_cases.ATOM, old, new), "atom"), "(RFC 4287)")
