"""What is read of sitemaps, and what is refused as one."""

import gzip

import pytest

from publisher.polling.model import AnswerError
from publisher.polling.sitemap import MAX_PAGES, SitemapEntry, is_chosen, read_sitemap

URL = "https://example.org/sitemap.xml"
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def test_of_50000_pages_the_newest_are_kept_and_the_others_counted() -> None:
    listed = "".join(
        f"<url><loc>/{number}</loc><lastmod>2026-01-01T{number:06}</lastmod></url>"
        for number in range(50_000)
    )
    read = read_sitemap(gzip.compress(f"<urlset {SPACE}>{listed}</urlset>".encode()), URL)
    assert read.pages[0].url == "https://example.org/49999"
    assert len({one.url for one in read.pages}) == len(read.pages) == MAX_PAGES
    assert read.left_out == 50_000 - MAX_PAGES


def test_a_page_has_its_translations_and_is_there_once() -> None:
    links = '<x:link rel="alternate" hreflang="fr" href="/fr/"/><x:link hreflang="x-default" href="/"/>'
    one = f"<url><!-- first --><loc> https://example.org/a </loc>{links}</url>"
    body = f'<urlset {SPACE} xmlns:x="http://www.w3.org/1999/xhtml">{one}{one}<url><loc>javascript:x</loc></url></urlset>'
    pages = read_sitemap(body.encode(), URL).pages
    assert pages == (
        SitemapEntry("https://example.org/a", "", (("fr", "https://example.org/fr/"),)),
    )


def test_lines_are_a_sitemap_and_so_is_a_list_of_sitemaps() -> None:
    assert len(read_sitemap(b"https://example.org/a\nhttps://example.org/b\n", URL).pages) == 2
    part = "<sitemap><loc>/{0}.xml</loc><lastmod>2026-01-{0}</lastmod></sitemap>"
    listed = "".join(part.format(number) for number in range(10, 90))
    read = read_sitemap(f"<sitemapindex {SPACE}>{listed}</sitemapindex>".encode(), URL)
    assert (len(read.parts), read.parts[0].mark, read.left_out) == (50, "2026-01-89", 30)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!DOCTYPE html><html></html>", "document type"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>', "type"),
        (b"<html><p>Home</p></html>", "no sitemap"),
        (b"<urlset><url>", "malformed XML"),
        (b"just words", "no sitemap"),
        (b"\x1f\x8bbroken", "packed"),
        (gzip.compress(b" " * 50_000_001), "50 MB"),
    ],
)
def test_what_is_no_sitemap_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(AnswerError, match=why):
        read_sitemap(body, URL)


@pytest.mark.parametrize(
    ("path", "is_taken"),
    [("/news/a", True), ("/news/a/b", True), ("/news/tag/x", False), ("/", False), ("/n%65ws/c", True)],
)  # fmt: skip
def test_patterns_choose_paths(path: str, is_taken: bool) -> None:  # a value of the table
    assert is_chosen(path, ["/news/*"], ["*/tag/*"]) is is_taken
