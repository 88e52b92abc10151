"""Which article stands at an address that pages had on their own site."""

import pytest

from publisher.ingest.links.link_store import OldAddress, choose_owners, path_below_root

OWN = {"languages": ["en", "zh-Hans"], "newsletters": ["Weekly"]}


def address(number: int, path: str, story: int = 0) -> OldAddress:
    return OldAddress(number, story or number, path, is_current=True, order=0)


@pytest.mark.parametrize(
    ("addresses", "kept", "lost"),
    [
        # A disk may not tell them apart.
        ([address(1, "/Tide/"), address(2, "/tide/")], {"/Tide/": 1}, [(2, "/tide/")]),
        ([address(1, "/Tide/"), address(1, "/tide/")], {"/Tide/": 1, "/tide/": 1}, []),
        # A file can't be a folder, too.
        (
            [address(1, "/one.html"), address(2, "/ONE.html/two.html"), address(3, "/one/")],
            {"/one.html": 1, "/one/": 3},
            [(2, "/ONE.html/two.html")],
        ),
        ([address(1, "/a/"), address(2, "/a/b.html")], {"/a/": 1, "/a/b.html": 2}, []),
    ],
)
def test_addresses_that_no_disk_can_have_beside_each_other_are_lost_with_a_reason(
    addresses: list[OldAddress], kept: dict[str, int], lost: list[tuple[int, str]]
) -> None:
    owners, missing = choose_owners(addresses)
    assert {path: one.article_id for path, one in owners.items()} == kept
    assert [(one.article_id, one.path) for one in missing] == lost


@pytest.mark.parametrize(
    "path",
    [
        *("/robots.txt", "/favicon.ico", "/sitemap.xml", "/sw.js", "/api/v1/x", "/healthz"),
        *("/confirm/", "/INDEX.HTML", "/EN/index.html", "/Feeds/en.atom.xml/"),
        "/zh-hans/weekly/",
    ],
)
def test_no_article_stands_where_the_program_or_a_browser_looks(path: str) -> None:
    reason = "a page of this publication stands there"
    assert path_below_root(path, "https://news.example.org", OWN) == (None, reason)


def test_other_names_at_the_root_are_free() -> None:
    for path in ("/robots/", "/apis/", "/en/tides/", "/about.html"):
        assert path_below_root(path, "https://news.example.org", OWN) == (path[1:], "")
