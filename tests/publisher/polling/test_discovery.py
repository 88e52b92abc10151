"""What a page says of its site, and what is found from it."""

import pytest

from publisher.polling.discovery import FeedLink, read_front_page, read_opml
from publisher.polling.model import AnswerError

PAGE = """<!DOCTYPE html><html lang="fr-CA"><head><title>Le Port &amp; la Mer</title>
<meta name="Generator" content="WordPress 6.8">
<link rel="alternate" type="application/rss+xml" title="Le Port » Flux" href="/feed/">
<link rel="alternate" type="application/rss+xml" title="Le Port » Flux des commentaires" href="/comments/feed/">
<link rel="ALTERNATE" type="application/atom+xml; charset=utf-8" hreflang="en" href="en/atom.xml">
<link rel="alternate" hreflang="en" href="https://example.org/en/">
<link rel="alternate" hreflang="x-default" href="https://example.org/">
<link rel="https://api.w.org/" href="https://example.org/wp-json/">
<link rel="alternate" type="application/rss+xml" href="javascript:x">
</head><body><!-- <link rel="alternate" type="application/rss+xml" href="/no"> --></body></html>"""


def test_a_page_names_feeds_languages_generator_and_api() -> None:
    page = read_front_page(PAGE.encode(), "https://example.org/")
    assert (page.title, page.language) == ("Le Port & la Mer", "fr-CA")
    assert (page.generator, page.api) == ("WordPress 6.8", "https://example.org/wp-json/")
    assert page.feeds == (
        FeedLink("https://example.org/feed/"),
        FeedLink("https://example.org/en/atom.xml", "en"),
    )
    assert page.others == (("en", "https://example.org/en/"),)


def test_a_list_of_feeds_is_read_whatever_its_folders() -> None:
    body = b"""<opml version="2.0"><body><outline text="All"><outline text="One" xmlUrl="https://a.example/feed"/>
    <outline xmlUrl="https://a.example/feed"/><outline xmlUrl="javascript:x"/></outline></body></opml>"""
    assert read_opml(body) == (FeedLink("https://a.example/feed"),)
    with pytest.raises(AnswerError, match="no list of feeds"):
        read_opml(b"words")


def test_what_is_empty_is_no_page() -> None:
    with pytest.raises(AnswerError, match="no page of HTML"):
        read_front_page(b"", "https://example.org/")
    assert read_front_page(b"just words", "https://example.org/").feeds == ()
