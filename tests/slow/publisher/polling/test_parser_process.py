"""Feeds are parsed in a process with limits: what one of them costs, and that the next is none the worse for it."""

import gzip
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from publisher.errors import SourceError
from publisher.polling.feed_reader import read_feed
from publisher.polling.model import MAX_WEB_ENTRIES, AnswerError, WebFeed
from publisher.polling.page_reader import read_web_page
from publisher.polling.parser_process import ParserProcess
from publisher.polling.sitemap import read_sitemap
from tests.publisher.polling.test_page_reader import linked

GOOD = b"<rss><channel><ttl>90</ttl><item><title>Good</title><pubDate>1 Jul 2026 08:00 GMT</pubDate></item></channel></rss>"
TOO_MUCH = "this takes too long or too much memory to read"


@pytest.fixture
def parser() -> Iterator[ParserProcess]:
    with ParserProcess() as started:
        yield started


def read(parser: ParserProcess, body: bytes = GOOD) -> WebFeed:
    return parser.run(read_feed, body, "https://example.org/feed", "text/xml")


def item(inner: str) -> bytes:
    return f"<rss><channel><item>{inner}</item></channel></rss>".encode()


def number(parser: ParserProcess) -> int:
    assert parser._process is not None
    return parser._process.pid


# Functions that the process calls.


def environment() -> list[str]:
    return [*os.environ, str(os.getpid())]


def use_memory(size: int) -> int:
    return len(bytearray(size))


def lie() -> list[str]:
    return 1  # type: ignore[return-value]


def fail() -> str:
    raise ZeroDivisionError("a fault")


def leave() -> str:
    os._exit(3)


def test_the_process_reads_a_feed_as_the_program_would(parser: ParserProcess) -> None:
    assert read(parser) == read_feed(GOOD, "https://example.org/feed", "text/xml")
    assert number(parser) != os.getpid()


def test_hostile_feeds_are_read_or_refused_by_one_process(
    parser: ParserProcess, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("SECRET")
    laughs = "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    external = f'<!ENTITY j SYSTEM "file://{tmp_path}/secret"><!ENTITY a "ha">'
    entities = f"<!DOCTYPE r [{external}{laughs}]>".encode() + item("<title>x&i;&j;</title>")
    assert "SECRET" not in read(parser, entities).entries[0].title
    with pytest.raises(AnswerError, match="more than a thousand attributes"):
        read(parser, item("<title " + " ".join(f"a{n}='>'" for n in range(100_000)) + "/>"))
    assert len(read(parser, item("<a>" * 50_000)).entries) == 1
    many = read(parser, item("</item><item>" * 20_000))
    assert (len(many.entries), many.left_out) == (MAX_WEB_ENTRIES, 19_001)
    before = number(parser)
    # The process ends after the larger one.
    assert (
        len(
            read(parser, item("<description>" + "&lt;!--" * 200_000 + "</description>")).entries
        )
        == 1
    )
    assert read(parser).entries[0].title == "Good"
    assert number(parser) != before


def test_hostile_pages_and_sitemaps_are_read_or_refused(parser: ParserProcess) -> None:
    url, words = (
        "https://example.org/a",
        "<p>Ship 4 has come into the harbour this morning.</p>",
    )

    def page(body: bytes) -> str:
        try:
            found = parser.run(read_web_page, b"<html><body>" + body, url)
        except AnswerError as error:
            return str(error)
        return found.problem or found.entry.html

    many = b" ".join(b"a%d=x" % number for number in range(100_000))
    assert "thousands of attributes" in page(b"<p " + many + b">x")
    assert "thousands of attributes" in page(b'<p a="b"' + b'c="d"' * 100_000 + b">x")
    nested = b'<script type="application/ld+json">' + b"[" * 50_000 + b"</script>"
    for bomb in (b"<div>" * 100_000, b"<!--x" * 200_000, b"<script>" * 200_000, nested):
        assert page(bomb + words.encode()) in {
            "have no text",
            "have no date",
            "have little text",
        }
    assert "larger than 10 MB" in page(words.encode() * 250_000)
    with pytest.raises(AnswerError, match="50 MB"):
        parser.run(read_sitemap, gzip.compress(b" " * 60_000_000), url)
    said = linked({"@type": "Article", "headline": "Ship 4"})
    assert page(f"{said}<article><h1>Ship 4</h1>{words}</article>".encode()) == words


def test_a_feed_that_takes_too_long_costs_its_process_and_the_next_is_read(
    parser: ParserProcess,
) -> None:
    # feedparser looks for addresses in quadratic time.
    bomb = item("<author>a@" + "a." * 60_000 + "!</author>")
    with pytest.raises(AnswerError, match=TOO_MUCH):
        read(parser, bomb)
    assert read(parser).entries[0].title == "Good"


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lie, "the process replied something else"),
        (fail, "this can't be read: ZeroDivisionError: a fault"),
        (leave, TOO_MUCH),
    ],
)
def test_a_function_that_breaks_fails_alone(
    parser: ParserProcess, function: object, problem: str
) -> None:
    with pytest.raises(AnswerError, match=problem):
        parser.run(function)  # type: ignore[arg-type]
    assert read(parser).entries[0].title == "Good"


def test_memory_is_limited(parser: ParserProcess) -> None:
    assert parser.run(use_memory, 100_000_000) == 100_000_000
    with pytest.raises(AnswerError, match=TOO_MUCH):
        parser.run(use_memory, 700_000_000)
    assert read(parser).entries[0].title == "Good"


def test_the_process_knows_no_secrets_and_ends_with_the_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HARBOUR_TOKEN", "secret")
    with ParserProcess() as parser:
        *names, process = parser.run(environment)
    assert "HARBOUR_TOKEN" not in names
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)


def test_signals_from_the_keyboard_are_for_the_program_and_a_killed_process_is_replaced(
    parser: ParserProcess,
) -> None:
    read(parser)
    before = number(parser)
    os.kill(before, signal.SIGINT)
    assert read(parser).entries
    assert number(parser) == before
    os.kill(before, signal.SIGKILL)
    assert parser._process
    parser._process._process.wait()
    assert read(parser).entries
    assert number(parser) != before


def test_several_threads_share_a_process(parser: ParserProcess) -> None:
    bodies = [item(f"<title>{number}</title>") for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        feeds = list(pool.map(lambda body: read(parser, body), bodies))
    assert [feed.entries[0].title for feed in feeds] == [str(number) for number in range(40)]


def test_a_process_that_cannot_start_is_no_fault_of_the_answer(
    parser: ParserProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(SourceError, match=r"can't be started: No such file") as caught:
        read(parser)
    assert not isinstance(caught.value, AnswerError)
