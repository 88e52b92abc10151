"""All links of a small publication lead to files: in pages, mails and feeds."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from lxml import html

from publisher.database import open_database
from publisher.testing import make_publication
from publisher.urls import GONE_NAME
from tests.databases import at_database, copy_test_database
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.printing import URL, pipeline_of, public, stamps

NEWSLETTERS: list[dict[str, Any]] = [
    {
        "name": "weekly",
        "edition": {
            "zh-Hant": {"missing": "convert"},
            "ar": {"missing": "fallback", "fallback": ["en"]},
        },
    },
    {"name": "monthly", "schedule": "0 8 1 * *", "languages": ["en", "ar"]},
]


@pytest.fixture(scope="module")
def printed(
    tmp_path_factory: pytest.TempPathFactory, empty_database: Path
) -> Iterator[PublicationFolder]:
    """Two weeks of a publication with all kinds of links."""
    root = tmp_path_factory.mktemp("printed")
    settings = make_publication(root, newsletters=NEWSLETTERS)
    settings.folders.var.mkdir()
    copy_test_database(empty_database, settings.folders.database)
    settings = at_database(settings)
    with closing(open_database(settings.database)) as database:
        publication = PublicationFolder(settings, database)
        print_two_weeks(publication)
        yield publication


def print_two_weeks(publication: PublicationFolder) -> None:
    note = "Text.[^1] And [a heading](#harbour).\n\n## Harbour\n\nMore.\n\n[^1]: A note."
    for day, name in ((5, "tides"), (6, "maps"), (7, "clocks"), (8, "lamps")):
        about = {
            "title": f"About {name}",
            "date": f"2026-01-0{day}",
            "topics": "[Rivers]",
            "author": "Ann",
        }
        publication.write(f"en/{name}.md", note, **about)
    publication.write("zh-Hans/tides.md", "潮水会等。", title="潮水", date="2026-01-05")
    publication.write("ar/tides.md", "المدّ ينتظر.", title="المدّ", date="2026-01-06")
    elsewhere = {"title": "Elsewhere", "date": "2026-01-06", "url": "https://example.net/x"}
    publication.write("en/elsewhere.md", "Words.", **elsewhere)
    subscribe(publication, ("ann@example.com", "en"), ("bob@example.com", "ar"))
    subscribe(publication, ("cyd@example.com", "zh-TW"))
    pipeline_of(publication).run()
    (publication.articles / "zh-Hans/tides.md").unlink()
    (publication.articles / "en/maps.md").unlink()
    publication.write("en/late.md", "Words.", title="Late", date="2026-01-15")
    assert pipeline_of(publication.at(NOW + timedelta(days=7))).run().problems == []


def links_of(document: str) -> Iterator[str]:
    for element in html.fromstring(document).iter():
        for name in ("href", "src"):
            if element.get(name):
                yield str(element.get(name))


def answer(root: Path, address: str) -> Path | None:
    """Return the file that a web server sends for an address."""
    path = unquote(urldefrag(address)[0].partition("?")[0].removeprefix(URL)).lstrip("/")
    file = root / path
    file = file / "index.html" if not path or path.endswith("/") else file
    return next((one for one in (file, file.with_name(GONE_NAME)) if one.is_file()), None)


def anchors(file: Path) -> set[str]:
    return {str(element.get("id")) for element in html.parse(file).iter() if element.get("id")}


def dead_links(root: Path, source: str, document: str, page: Path | None) -> Iterator[str]:
    for link in links_of(document):
        if link.startswith(("mailto:", "https://example.net/")):
            continue
        internal = link.startswith((f"{URL}/", "/", "#")) or link == URL
        target = page if link.startswith("#") else answer(root, link)
        if not internal or target is None:
            yield f"{source}: {link}"
        elif (anchor := urldefrag(link).fragment) and unquote(anchor) not in anchors(target):
            yield f"{source}: no anchor {link}"


def test_every_link_of_a_page_leads_to_a_file_and_an_anchor(printed: PublicationFolder) -> None:
    root = public(printed)
    pages = sorted(root.rglob("*.html"))
    assert len(pages) > 25
    dead = [
        line
        for page in pages
        for line in dead_links(root, str(page.relative_to(root)), page.read_text("utf-8"), page)
    ]
    # An issue is kept as it was sent: what was withdrawn since is all that it may miss.
    gone = re.compile(r"(en/stories/maps|zh-Han[st]/stories/tides)/$")
    old = re.compile(r"[\w-]+/weekly/2026-01-09/index.html: ")
    assert [line for line in dead if not (old.match(line) and gone.search(line))] == []


# Of what a crawler reads: links to follow, and addresses of translations.
LINK = re.compile(
    r"""<(?:a|script|img)\b[^>]*?\s(?:href|src)="([^"]*)"|content="0; url=([^"]*)"""
)
TRANSLATION = re.compile(r'<link rel="alternate" hreflang="[^"]*" href="([^"]*)">')
# Mails and visitors with an old address come to these pages.
APART = re.compile(r'<meta (?:name="robots" content="noindex|http-equiv="refresh")')


def crawl(root: Path) -> tuple[set[Path], list[str]]:
    """Follow all links from the first page; return the files that were reached, and the dead links."""
    reached, dead, todo = set[Path](), list[str](), [root / "index.html"]
    while todo:
        page = todo.pop()
        reached.add(page)
        if page.suffix != ".html":
            continue
        for link in {one or other for one, other in LINK.findall(page.read_text("utf-8"))}:
            if not link.startswith((f"{URL}/", "/")):
                continue
            target = answer(root, link)
            if target is None:
                dead.append(f"{page.relative_to(root)}: {link}")
            elif target not in reached:
                todo.append(target)
    return reached, dead


def unreached(root: Path, reached: set[Path]) -> list[str]:
    """Return the pages that no link leads to, but for those that mails lead to."""
    return sorted(
        page.relative_to(root).as_posix()
        for page in {*root.rglob("index.html")} - reached
        if not APART.search(page.read_text("utf-8"))
    )


def one_sided(root: Path, pages: Iterable[Path]) -> list[str]:
    """Return the translations that pages name and that do not name them (`hreflang`)."""
    named = {
        page: {answer(root, url) for url in TRANSLATION.findall(page.read_text("utf-8"))}
        for page in pages
        if page.suffix == ".html"
    }
    # The first page, where a visitor chooses, is no translation.
    return [
        f"{page.relative_to(root)}: {other}"
        for page, others in named.items()
        for other in others
        if page != root / "index.html" and page not in named.get(other or page, set())
    ]


def test_a_crawler_reaches_every_page_from_the_first_one(printed: PublicationFolder) -> None:
    root = public(printed)
    reached, _dead = crawl(root)
    assert unreached(root, reached) == []
    assert {path.relative_to(root).parts[1] for path in reached if "en" in path.parts} >= {
        *("archive", "authors", "feeds", "search", "stories", "topics", "weekly", "monthly"),
    }
    assert one_sided(root, reached) == []


def test_every_link_of_a_mail_leads_to_a_file_before_it_is_sent(
    printed: PublicationFolder,
) -> None:
    publication = printed
    mails = {path: mail for path, mail in outbox(publication).items() if "2026-01-16" in path}
    assert {path.split("/")[1] for path in mails} == {"en", "ar"}
    for path, content in mails.items():
        message = message_from_bytes(content, policy=policy.default)
        body = message.get_body(("html",))
        assert body is not None
        document = body.get_content()
        own = {f"#{found}" for found in re.findall(r'id="([^"]+)"', document)}
        dead = list(dead_links(public(publication), path, document, None))
        assert [line for line in dead if line.partition(": ")[2] not in own] == []
        archived = str(message["Archived-At"]).strip("<>")
        assert answer(public(publication), archived) is not None
        leave = str(message["List-Unsubscribe"]).partition(">")[0].lstrip("<")
        assert answer(public(publication), leave) is not None


def test_every_address_in_a_feed_leads_to_a_file(printed: PublicationFolder) -> None:
    root = public(printed)
    for path, (_time, content) in stamps(root / "feeds").items():
        if not path.endswith(".json"):
            continue
        feed = json.loads(content)
        found = [feed["home_page_url"], feed["feed_url"]]
        for item in feed["items"]:
            found += [
                item["url"],
                *(link["url"] for link in item.get("_publisher", {}).get("translations", [])),
            ]
        local = [url for url in found if not url.startswith("https://example.net/")]
        assert [url for url in local if answer(root, url) is None] == []
