"""The header fields of a document, by its path."""

from dataclasses import replace
from pathlib import Path

import pytest

from publisher.config import Settings
from publisher.config.publication import FeedSettings
from publisher.serving.headers import document_kind, headers_for, is_hidden, media_type
from tests.publisher.serving.samples import make_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("feeds/en.rss.xml", "feed"),
        ("feeds/en/authors/a-writer.json", "feed"),
        ("feeds/en/topics/archive.atom.xml", "feed"),
        ("feeds/en/archive/12.json", "archive"),
        ("feeds/en/topics/archive/archive/1.rss.xml", "archive"),
        ("feeds/en/archive/latest.json", "feed"),
        ("feeds/index.opml", "list"),
        ("feeds/style.zh-Hant.css", "list"),
        ("feeds/index.html", "page"),
        ("feeds/", "page"),
        ("en/feeds/index.html", "page"),
        ("en/data.json", "page"),
        ("media/0a1b2c/feeds.json", "media"),
        ("assets/style.0a1b2c.css", "media"),
        ("media", "page"),
        ("feeds/en\r\nSet-Cookie: a=b.json", "page"),
        ("feeds/<x>.json", "page"),
    ],
)
def test_a_path_tells_the_kind(settings: Settings, path: str, name: str) -> None:
    assert document_kind(path, settings).name == name


def test_a_type_goes_by_the_end_of_the_name() -> None:
    assert media_type("data/table.json") == "application/json; charset=utf-8"
    assert media_type("en.rss.xml") == "application/xml; charset=utf-8"
    assert media_type("media/0a/LICENCE") == "application/octet-stream"
    assert media_type("feeds/rss.xml") == "application/xml; charset=utf-8"


def test_there_may_be_many_hubs_or_none(settings: Settings) -> None:
    hubs = ("https://one.example.net/", "https://two.example.net/?a=b&c=d")
    path = "feeds/en.json"
    many = replace(settings, feeds=FeedSettings(hubs=hubs))
    none = replace(settings, feeds=FeedSettings())
    own = '<https://news.example.org/feeds/en.json>; rel="self"'
    assert dict(headers_for(path, many))["Link"] == (
        f'<{hubs[0]}>; rel="hub", <{hubs[1]}>; rel="hub", {own}'
    )
    assert dict(headers_for(path, none))["Link"] == own


def test_no_address_can_add_to_a_header(settings: Settings) -> None:
    hub = 'https://hub.example.net/?a="b">, <https://x.example.com>;\r\nSet-Cookie: $c{d}\\'
    hostile = replace(settings, feeds=settings.feeds.model_copy(update={"hubs": (hub,)}))
    link = dict(headers_for("feeds/en.json", hostile))["Link"]
    assert link.count("<") == link.count(">") == 2
    assert link.count('"') == 4
    assert not set("\r\n\\${}") & set(link)


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        (".secret", True),
        ("en/.git/config", True),
        ("feeds/.en.json.part", True),
        ("en/page.part", True),
        ("feeds/en.json.gz", True),
        ("feeds/en/archive/1.json.br", True),
        ("..", True),
        (".well-known/security.txt", False),
        ("media/0a/data.tar.gz", False),
        ("en/apart/", False),
        ("feeds/en.json", False),
        ("", False),
    ],
)
def test_what_is_half_written_or_private_is_hidden(path: str, hidden: bool) -> None:
    assert is_hidden(path) is hidden
