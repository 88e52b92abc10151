"""What sanitising takes away from readers is returned; films and sounds become links."""

from __future__ import annotations

import pytest

from publisher.articles.content.template_code import code_in_html, leftover_code
from publisher.ingest.problem_lines import with_lines
from publisher.ingest.sanitise import sanitise
from tests.cpu_time import at_most


def losses(source: str) -> list[tuple[str, str]]:
    found = sanitise(source, base_url=None).problems
    assert all(one.line is None for one in found)
    return [(one.kind, one.what) for one in found]


@pytest.mark.parametrize(
    ("source", "html"),
    [
        (
            '<iframe src="https://www.youtube-nocookie.com/embed/aB3-x?rel=0" title="A pier">x</iframe>',
            '<a href="https://www.youtube.com/watch?v=aB3-x">A pier</a>',
        ),
        (
            '<p>a <iframe src="//player.vimeo.com/video/123?h=1"></iframe> b</p>',
            '<p>a <a href="https://vimeo.com/123">vimeo.com/123</a> b</p>',
        ),
        (
            '<video src="https://example.org/a.mp4"><track src=x>No video</video>',
            '<a href="https://example.org/a.mp4">example.org/a.mp4</a>',
        ),
        (
            "<audio controls><source src='https://example.org/a.mp3'><source src=b>No</audio>x",
            '<a href="https://example.org/a.mp3">example.org/a.mp3</a>x',
        ),
    ],
)
def test_films_and_sounds_become_links_and_are_no_loss(source: str, html: str) -> None:
    assert sanitise(source, base_url=None)[:2] == (html, ())


def test_a_local_recording_is_linked_where_it_was_copied() -> None:
    found = sanitise(
        '<video src="a.mp4" title="A pier"></video><video src="b.mp4"></video>',
        base_url=None,
        find_file={"a.mp4": "/media/1/a.mp4"}.get,
    )
    assert found.html == '<a href="/media/1/a.mp4">A pier</a>'
    assert [(one.kind, one.what) for one in found.problems] == [("removed-element", "b.mp4")]


@pytest.mark.parametrize(
    ("source", "kind", "what"),
    [
        (
            '<iframe src="https://maps.example.org/?q=1"></iframe>',
            "removed-frame",
            "https://maps.example.org/?q=1",
        ),
        (
            '<iframe src="https://www.youtube.com/embed/videoseries?list=x"></iframe>',
            "removed-frame",
            "https://www.youtube.com/embed/videoseries?list=x",
        ),
        (
            "<object data='https://example.org/a.swf'>x</object>",
            "removed-frame",
            "https://example.org/a.swf",
        ),
        ("<iframe srcdoc='<p>x'></iframe>", "removed-frame", "<iframe"),
        ('<form action="/x"><p>a</p></form>', "removed-element", '<form action="/x">'),
        ('<p>a <svg width="2"><path/></svg></p>', "removed-element", '<svg width="2">'),
        ("<canvas>x</canvas>", "removed-element", "<canvas>"),
        (
            '<script async src="https://gist.example.org/1.js"></script>',
            "removed-element",
            "https://gist.example.org/1.js",
        ),
        ('<a href="second.md">x</a>', "removed-link", "second.md"),
        ('<a href="javascript:go()">Go on</a>', "removed-link", "Go on"),
        ('<a href="#nowhere">x</a>', "broken-link", "#nowhere"),
        ('<img src="a.png" alt="A">', "missing-picture", "a.png"),
        ('<img src="data:image/png;base64,AA" alt="A pier">', "unsupported-picture", "A pier"),
        (
            '<img src="https://example.org/a.png">',
            "picture-without-alt",
            "https://example.org/a.png",
        ),
    ],
)
def test_each_loss_is_named(source: str, kind: str, what: str) -> None:
    assert losses(source) == [(kind, what)]


@pytest.mark.parametrize(
    "source",
    [
        "<style>p{}</style><p>x</p><script>alert(1)</script>",
        "<!-- <form> <svg> --><p>x</p>",
        "<pre>&lt;iframe src=x&gt;&lt;svg&gt;</pre>",
        '<a id="x"></a><p>x</p><a href="#x">y</a> <a href="#">top</a>',
        '<p>note <a href="#r1">↩︎</a></p>',
    ],
)
def test_what_readers_do_not_miss_is_no_problem(source: str) -> None:
    assert losses(source) == []


def test_the_line_of_a_loss_is_where_its_value_stands_in_the_file() -> None:
    text = "one\n[x](second.md)\n[y](second.md)\n![](a%20b.png)\n"
    found = sanitise(
        '<a href="second.md">x</a><a href="second.md">y</a><img src="a%20b.png"><form></form>',
        base_url=None,
    ).problems
    lined = with_lines(found, text.encode())
    assert [one.line for one in lined] == [2, 3, 4, None]


def test_much_template_code_takes_no_longer_than_reading_it() -> None:
    prose = " ".join(f"{{{{ a{number} }}}}" for number in range(100_000))
    code = " ".join(f"{{{{ b{number} }}}}" for number in range(100_000))
    with at_most(10):
        assert len(leftover_code([prose], code_in_html(f"<pre>{code}</pre>"))) == 100_000


def test_many_losses_take_no_longer_than_reading_them() -> None:
    source = "<iframe src=a></iframe><form></form>" * 20_000
    with at_most(10):
        found = sanitise(source, base_url=None).problems
        assert len(with_lines(found, source.encode())) == 40_000
