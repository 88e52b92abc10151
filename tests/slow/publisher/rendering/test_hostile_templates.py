"""Templates that do, or reach for, what they may not: each ends in one clear error, and soon.

The limits of the process in which they run protect the machine on which these tests do.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.errors import RenderingError
from publisher.rendering import Renderer, template_files
from publisher.rendering.sandbox.protocol import MAX_MAIL_CHARACTERS, MAX_PAGE_CHARACTERS
from tests.publisher.rendering import sample
from tests.publisher.rendering.sandbox_helpers import (
    ENTRY,
    HELLO,
    StrictRenderer,
    child,
    content,
    each_refused,
    reason_of,
    write,
)
from tests.sizes import by_lane, only_at_night

DOUBLED = "{{% for i in range(99) %}}{{% set n.s = {} %}}{{% endfor %}}"
MEMORY = "it takes more than 512 MB of memory"
# For a machine that is far too busy.
BY_THE_CLOCK = "it takes more than 60 seconds"
TIME = f"(it takes more than 5 seconds|{BY_THE_CLOCK})"
LENGTH = "it makes more than 8,000,000 characters"
ENDLESSLY = "it is nested too deeply, or calls itself without end (recursion)"
# Each of them fills 512 MB: while it renders, while it is compiled, step by step, and in other ways.
TAKES_MEMORY = [
    "{{ item.article.title * 10 ** 9 }}",
    "{{ 'x' * 10 ** 9 }}",
    "{% set n = namespace(s=[1]) %}" + DOUBLED.format("n.s + n.s"),
    "{{ '{:>999999999}'.format(item.article.id) }}",
    "{% filter indent(10 ** 9) %}a\nb{% endfilter %}",
    "{% set n = namespace(s='x') %}" + DOUBLED.format("n.s ~ n.s"),
    "{{ '%999999999d' % item.article.id }}",
    "{{ item.article.title|center(10 ** 9) }}",
    "{{ item.article.title.rjust(10 ** 9) }}",
    "{{ item.article.title.replace('e', 'x' * 10 ** 8) }}",
    "{{ ([0] * 10 ** 9)|length }}",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "secret.html", "a secret")
    write(tmp_path / "templates", ENTRY, HELLO)
    return tmp_path / "templates"


@pytest.fixture
def renderer(folder: Path) -> Iterator[Renderer]:
    with closing(StrictRenderer(folder)) as made:
        yield made


def refused(renderer: Renderer, folder: Path, source: str) -> str:
    """Give the reason that is given; the next page must be none the worse for it."""
    write(folder, ENTRY, source)
    with pytest.raises(RenderingError) as caught:
        content(renderer)
    return reason_of(renderer, caught.value)


@pytest.mark.parametrize("source", by_lane(TAKES_MEMORY[:3], TAKES_MEMORY))
def test_what_takes_too_much_memory(renderer: Renderer, folder: Path, source: str) -> None:
    reason = refused(renderer, folder, f"\n\n{source}")
    assert re.fullmatch(rf"templates/{ENTRY}, line [34]: {MEMORY}", reason)


TAKES_LONG = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{{ (item.article.id + 10) ** (10 ** 9) }}",
]


@pytest.mark.parametrize("source", by_lane(TAKES_LONG[:1], TAKES_LONG))
def test_what_takes_too_long(renderer: Renderer, folder: Path, source: str) -> None:
    reason = refused(renderer, folder, f"\n\n{source}")
    soon = rf"templates/{ENTRY}, line 3: it takes more than 5 seconds"
    assert re.fullmatch(rf"{soon}|templates/{ENTRY}: {BY_THE_CLOCK}", reason)


@only_at_night
def test_what_takes_too_long_in_a_single_step_of_python_s(
    renderer: Renderer, folder: Path
) -> None:
    # Each of so many sums copies what came before; nothing can interrupt it but the kernel.
    source = "{{ (([[item.article.id] * 1000] * 50000)|sum(start=[]))|length }}"
    reason = refused(renderer, folder, source)
    assert re.fullmatch(rf"templates/{ENTRY}: {TIME}", reason)


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999) %}{{ item.article.title * 100 }}{% endfor %}",
        "{% for a in range(99999) %}{% include 'feed/long.html' %}{% endfor %}",
        "{{ item.article.title * 1000000 }}",
    ],
)
def test_what_makes_too_much(renderer: Renderer, folder: Path, source: str) -> None:
    write(folder, "feed/long.html", "\n" + "x" * 1000)
    reason = refused(renderer, folder, f"\n{source}")
    assert reason.endswith(LENGTH)
    assert re.match(r"templates/feed/(entry|long)\.html, line \d+: ", reason)


def test_a_page_may_be_as_long_as_that(renderer: Renderer, folder: Path) -> None:
    write(folder, ENTRY, f"{{{{ '字' * {MAX_PAGE_CHARACTERS} }}}}")
    assert len(content(renderer)) == MAX_PAGE_CHARACTERS


def test_a_mail_may_be_less_long(renderer: Renderer, folder: Path) -> None:
    write(folder, "email/digest/body.html", f"\n{{{{ issue.title * {MAX_MAIL_CHARACTERS} }}}}")
    with pytest.raises(RenderingError) as caught:
        renderer.digest(sample.issue("en"))
    where = "templates/email/digest/body.html, line 2"
    assert str(caught.value) == f"{where}: it makes more than 1,000,000 characters"


def test_a_mail_whose_styles_take_too_long_to_inline(renderer: Renderer, folder: Path) -> None:
    """Inlining is done apart too: it takes its time by elements and rules."""
    source = (
        "<!DOCTYPE html><html><head><style>"
        "{% for i in range(5000) %}.a{{ i }} p { color:#000000 }\n{% endfor %}</style></head>"
        "<body>{% for i in range(20000) %}<p class=a{{ i }}>x</p>{% endfor %}</body></html>"
    )
    write(folder, "email/digest/body.html", source)
    with pytest.raises(RenderingError) as caught:
        renderer.digest(sample.issue("en"))
    where = r"templates/email/digest/body\.html"
    assert re.fullmatch(rf"{where}: ({TIME}|{MEMORY})", str(caught.value))


def test_what_never_ends(renderer: Renderer, folder: Path) -> None:
    write(folder, "feed/a.html", "{% extends 'feed/b.html' %}")
    write(folder, "feed/b.html", "{% extends 'feed/a.html' %}")
    write(folder, "feed/c.html", "{% include 'feed/c.html' %}")
    endless = {
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}": f"{ENTRY}, line 2",
        "{% extends 'feed/1.html' %}": f"{ENTRY}, line 2",
        "{% extends 'feed/a.html' %}": "feed/[ab].html, line 1",
        "{% include 'feed/c.html' %}": "feed/c.html, line 1",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}": ENTRY,
        "{% if a %}" * 5000 + "{% endif %}" * 5000: ENTRY,
    }
    reasons = each_refused(renderer, folder, *(f"\n{source}" for source in endless))
    for reason, where in zip(reasons, endless.values(), strict=True):
        assert re.fullmatch(f"templates/{where}: {re.escape(ENDLESSLY)}", reason)


BEHIND = (
    *("{{ ''.__class__.__mro__ }}", "{{ ''|attr('__class__') }}"),
    *("{{ '{0.__class__}'.format('') }}", "{{ [item]|map(attribute='__class__')|first }}"),
    *("{{ lipsum.__globals__ }}", "{{ self._TemplateReference__context }}"),
    *("{{ translations._catalogue }}", "{{ item.related.__add__ }}"),
    "{% set found = [] %}{{ found.append(1) }}",
    "{% set found = {} %}{{ found.update(a=1) }}",
)
CHANGING = (
    *("{{ translations.install() }}", "{{ translations.add_fallback(translations) }}"),
    "{{ item.article.delete() }}",
    "{% set item.url = 'https://elsewhere.example.org' %}",
    "{{ undefined() }}",
)


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (BEHIND, r"line 2: .*(is unsafe|not safely callable)"),
        (CHANGING, "line [12]: .*(has no attribute|undefined|namespace)"),
    ],
    ids=["behind", "changing"],
)
def test_what_reaches_behind_its_values_or_would_change_anything_is_refused(
    renderer: Renderer, folder: Path, sources: tuple[str, ...], said: str
) -> None:
    for reason in each_refused(renderer, folder, *(f"\n{source}" for source in sources)):
        assert re.match(f"templates/{ENTRY}, {said}", reason)


def including(names: Iterable[str]) -> list[str]:
    return [f"\n{{% include '{name}' %}}" for name in names]


def test_what_lies_outside_the_folder_or_is_no_template_is_refused_with_the_reason(
    renderer: Renderer, folder: Path
) -> None:
    write(folder, ".hidden.html", "hidden")
    write(folder, ".git/x.html", "hidden")
    (folder / "link.html").symlink_to(folder.parent / "secret.html")
    (folder / "up").symlink_to(folder.parent)
    with (folder / "large.html").open("wb") as file:
        file.truncate(100_000_000)
    write(folder, "bytes.html", b"GIF\xff\xfe")
    write(folder, "null.html", b"ab\0")
    (folder / "folder.html").mkdir()
    os.mkfifo(folder / "pipe.html")
    (folder / "round.html").symlink_to("round.html")
    (folder / "gone.html").symlink_to("nowhere.html")
    outside = ("/etc/passwd", "../secret.html", "feed/../../secret.html")
    expected = {
        name: f"there is no template {name}"
        for name in (*outside, ".hidden.html", ".git/x.html")
    } | {
        "link.html": "link.html is a link that leads out of templates/",
        "up/secret.html": "up/secret.html is a link that leads out of templates/",
        "large.html": "large.html has more than 1,000,000 bytes",
        "bytes.html": "bytes.html is not text in UTF-8 (byte 3)",
        "null.html": "null.html is not text (byte 2 is null)",
        "folder.html": "folder.html is not a file",
        "pipe.html": "pipe.html is not a file",
        "round.html": "round.html can't be read: ",
        "gone.html": "gone.html can't be read: No such file or directory",
    }
    reasons = each_refused(renderer, folder, *including(expected))
    for reason, known in zip(reasons, expected.values(), strict=True):
        assert reason.startswith(f"templates/{ENTRY}, line 2: {known}")


def test_a_link_within_the_folder_is_followed(renderer: Renderer, folder: Path) -> None:
    write(folder, "web/part.html", "part")
    (folder / "feed/part.html").symlink_to("../web/part.html")
    write(folder, ENTRY, "{% include 'feed/part.html' %}")
    assert content(renderer) == "part"


def test_a_folder_called_like_a_template_hides_no_shipped_one(
    renderer: Renderer, folder: Path
) -> None:
    (folder / "feed/style.css").mkdir()
    with pytest.raises(RenderingError, match=r"^templates/feed/style\.css: .* is not a file$"):
        renderer.feed_style(sample.publication("en"))


def test_a_folder_that_can_t_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "templates").symlink_to("templates")
    with pytest.raises(RenderingError, match=r"templates: can't be read: Too many levels of"):
        content(StrictRenderer(tmp_path / "templates"))


def test_half_a_surrogate_pair_is_no_text(renderer: Renderer, folder: Path) -> None:
    reason = refused(renderer, folder, r"{{ '\ud83d' }}")
    assert reason == f"templates/{ENTRY}: it makes half a surrogate pair"


def test_a_reason_neither_fills_a_screen_nor_steers_it(
    renderer: Renderer, folder: Path
) -> None:
    long = "{{ {}['x' * 1000000] }}"
    wild = each_refused(renderer, folder, long, "{{ item['\x1b]0;taken\x07\\u202e'] }}")[1]
    assert "\x1b" not in wild
    assert "\u202e" not in wild


@only_at_night
def test_a_million_small_things_take_no_process_with_them(
    renderer: Renderer, folder: Path
) -> None:
    """A template as large as may be, of nothing but places to fill: compiling it has limits too."""
    source = "{{a}}" * (template_files.MAX_TEMPLATE_BYTES // 5)
    reason = refused(renderer, folder, source)
    assert reason.startswith("templates/feed/entry.html")
    assert re.search(rf"{TIME}|{MEMORY}|'a' is undefined", reason)


# Catalogues

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset={}\\nPlural-Forms: {}\\n"\n\n'
USUAL = HEAD.format("utf-8", "nplurals=2; plural=n!=1;")
WORDS = 'msgid "Choose a language"\nmsgstr "{}"\n'


FORMS = 'msgid "%(num)s article"\nmsgid_plural "%(num)s articles"\nmsgstr[0] "x"\n'
CATALOGUES: dict[str, tuple[str | bytes, str]] = {
    "ar": (USUAL + WORDS.format("%(none)s"), r"po, line \d+: .* other placeholders"),
    "de": (USUAL + WORDS.format("%0999999999.0f"), r"po, line \d+: .* other placeholders"),
    "fr": ("nonsense", r"po: not a catalogue: "),
    "hi": (b"\xff\xfe\0", r"po: not a catalogue: "),
    "ja": (HEAD.format("utf-7-or-so", "nplurals=2; plural=0") + WORDS, r"not a catalogue: "),
    "ko": (HEAD.format("utf-8", "nplurals=1000000000; plural=0;") + FORMS, "po"),
    "ru": (USUAL + "# x\n" * 300_000, r"po has more than 1,000,000 bytes"),
}


def test_a_catalogue_that_is_none_is_named_and_costs_no_page(
    renderer: Renderer, folder: Path
) -> None:
    for language, (catalogue, _reason) in CATALOGUES.items():
        write(folder, f"locale/{language}/LC_MESSAGES/messages.po", catalogue)
        assert renderer.has_catalogue(language)
    for language in CATALOGUES:
        publication = replace(sample.publication("en"), language=language)
        assert renderer.chooser_page(publication, ())
    renderer.note_faults()
    faults = renderer.take_faults()
    for fault, (language, (_catalogue, reason)) in zip(faults, CATALOGUES.items(), strict=True):
        assert re.search(f"{language}/LC_MESSAGES/messages.*{reason}", fault)


def test_a_catalogue_that_lies_elsewhere_is_refused(renderer: Renderer, folder: Path) -> None:
    elsewhere = write(folder.parent, "messages.po", USUAL)
    place = folder / "locale/ar/LC_MESSAGES/messages.po"
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere)
    renderer.note_faults()
    assert "is a link that leads out of templates/" in renderer.take_faults()[0]


def test_a_catalogue_alone_is_used_apart_too(tmp_path: Path) -> None:
    write(tmp_path, "locale/de/LC_MESSAGES/messages.po", USUAL + WORDS.format("Sprache"))
    with closing(Renderer(tmp_path)) as renderer:
        assert "Sprache" in renderer.chooser_page(sample.publication("de"), ())
        assert child(renderer).is_alive


def test_the_fingerprint_of_a_folder_with_a_film_in_it_is_soon_made(folder: Path) -> None:
    with (folder / "film.html").open("wb") as file:
        file.truncate(50_000_000_000)
    assert len(StrictRenderer(folder).fingerprint()) == 64


def test_the_fingerprint_of_a_folder_names_what_can_t_be_read(folder: Path) -> None:
    (folder / "memory.html").symlink_to("/proc/self/mem")
    with pytest.raises(RenderingError, match=r"^templates/memory\.html: can't be read: Input"):
        StrictRenderer(folder).fingerprint()
