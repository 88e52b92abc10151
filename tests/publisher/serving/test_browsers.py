"""What browsers get for a feed, and what everybody else does; asked of both servers."""

import pytest

from tests.publisher.serving.samples import AFTER, BEFORE, HOST, LAST_MODIFIED, PACKED
from tools.servers.web_servers import Server, steady

XML = "application/xml; charset=utf-8"
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
BROWSERS = (
    CHROMIUM,
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html",
    "Text/HTML;q=0.9, */*;q=0.1",
    "image/png,text/html;level=1",
)
READERS = (
    "",
    "*/*",
    "application/rss+xml",
    "application/rss+xml, application/atom+xml;q=0.9, text/html;q=0.1",
    "text/html, Application/Atom+XML;q=0.5",
    "text/html,application/rss+xml",
    "application/xml, text/xml;q=0.9",
    "text/htmlish, not-text/html",
    "text/*",
)
TYPES = {
    "feeds/en.rss.xml": "application/rss+xml; charset=utf-8",
    "feeds/en.atom.xml": "application/atom+xml; charset=utf-8",
    "feeds/zh-Hans/topics/gang-kou.rss.xml": "application/rss+xml; charset=utf-8",
    "feeds/en/archive/3.atom.xml": "application/atom+xml; charset=utf-8",
}
FEED = "feeds/en.rss.xml"


def test_a_browser_is_given_xml(server: Server) -> None:
    for path, media_type in TYPES.items():
        as_feed = server.ask(path)
        assert as_feed.headers["content-type"] == media_type
        for accept in BROWSERS:
            page = server.ask(path, Accept=accept)
            assert (page.status, page.body) == (200, PACKED[path]), (path, accept)
            assert page.headers["content-type"] == XML, (path, accept)
            assert page.headers["vary"] == "Accept, Accept-Encoding", (path, accept)
            but = {"content-type", "etag"}
            assert steady(page, but) == steady(as_feed, but), (path, accept)


def test_other_clients_than_browsers_get_a_feed(server: Server) -> None:
    for path, media_type in TYPES.items():
        for accept in READERS:
            headers = server.ask(path, Accept=accept).headers
            assert headers["content-type"] == media_type, (path, accept)
            assert headers["vary"] == "Accept, Accept-Encoding", (path, accept)


def test_no_other_document_is_any_different(server: Server) -> None:
    for path in (
        "feeds/en.json",
        "feeds/index.opml",
        "feeds/style.ar.css",
        "en/",
        "robots.txt",
    ):
        assert steady(server.ask(path, Accept=CHROMIUM)) == steady(server.ask(path)), path


def test_a_browser_is_given_the_encoding_that_it_takes_and_head_says_the_same(
    server: Server,
) -> None:
    for coding in ("gzip", *(["br"] if server.brotli else [])):
        as_feed = server.ask(FEED, Accept_Encoding=coding)
        page = server.ask(FEED, Accept=CHROMIUM, Accept_Encoding=coding)
        head = server.ask(FEED, "HEAD", Accept=CHROMIUM, Accept_Encoding=coding)
        assert page.headers["content-encoding"] == coding
        assert (page.headers["content-type"], page.body) == (XML, as_feed.body)
        assert page.headers["vary"] == "Accept, Accept-Encoding"
        assert (head.status, head.body, steady(head)) == (200, b"", steady(page))


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_what_a_browser_has_is_not_sent_again(server: Server, coding: str) -> None:
    asked = {"Accept": CHROMIUM, "Accept_Encoding": coding}
    whole = server.ask(FEED, **asked)
    own = {"If_None_Match": etag} if (etag := whole.headers.get("etag")) else {}
    for condition in (
        {"If_Modified_Since": LAST_MODIFIED},
        {"If_Modified_Since": AFTER},
        {"If_Modified_Since": LAST_MODIFIED, **own},
    ):
        for method in ("GET", "HEAD"):
            answer = server.ask(FEED, method, **asked, **condition)
            assert (answer.status, answer.body) == (304, b""), (method, condition)
            for name in ("cache-control", "vary", "link", "access-control-allow-origin"):
                assert answer.headers.get(name) == whole.headers[name], (condition, name)
            assert not {"content-type", "content-encoding"} & set(answer.headers), condition
    assert server.ask(FEED, **asked, If_Modified_Since=BEFORE).status == 200


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_the_tag_of_a_feed_is_none_of_what_a_browser_gets(server: Server, coding: str) -> None:
    """Else a browser to which a script gave it as a feed would be told to show just that."""
    tag = server.ask(FEED, Accept_Encoding=coding).headers["etag"]
    page = server.ask(FEED, Accept=CHROMIUM, Accept_Encoding=coding, If_None_Match=tag)
    assert page.status == 200
    assert page.headers["content-type"] == XML
    assert page.headers.get("etag") != tag


def test_a_browser_may_ask_for_a_part_or_with_a_query(server: Server) -> None:
    part = server.ask(FEED, Accept=CHROMIUM, Range="bytes=5-9")
    beyond = server.ask(FEED, Accept=CHROMIUM, Range="bytes=99999-")
    assert (part.status, part.body) == (206, PACKED[FEED][5:10])
    assert part.headers["content-type"] == XML
    assert beyond.status == 416
    answer = server.ask(f"{FEED}?again=1", Accept=CHROMIUM)
    assert (answer.status, answer.headers["content-type"]) == (200, XML)
    assert f"{HOST}{server.prefix}/{FEED}>" in answer.headers["link"]


def test_what_is_hidden_or_missing_is_so_for_browsers_too(server: Server) -> None:
    for path in (
        "feeds/fr.rss.xml",
        "feeds/.git/x.rss.xml",
        "feeds/.en.rss.xml.part",
        "feeds/en.rss.xml.gz",
        "feeds/../../publication.toml",
        ".page/feeds/en.rss.xml",
    ):
        answer = server.ask(path, Accept=CHROMIUM)
        assert answer.status in {400, 404}, path
        assert not {"cache-control", "link", "etag", "vary"} & set(answer.headers), path
