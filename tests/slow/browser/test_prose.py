"""Articles told in full fit into every window, however long their words and wide their tables."""

import pytest

from publisher.languages import direction
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from publisher.rendering.prose import mail_html
from tests.publisher.rendering import sample
from tests.publisher.rendering.prose.helpers import BASE, read
from tests.publisher.rendering.prose.test_documents import SOURCES
from tools.browser.accessibility import violations
from tools.browser.chromium import Chromium, Window, drop_style_blocks
from tools.browser.layout import misfits, misfits_without_style
from tools.browser.styles import differences, styles

WORD = "w" * 250
LINK = f'<a href="https://example.org/">https://example.org/{WORD}</a>'
CELLS = (
    "<tr><th>one</th><th>two</th><th>three</th></tr><tr><td>1</td><td>22</td><td>333</td></tr>"
)
PICTURE = '<img src="/media/a.png" alt="A chart" width="1600" height="400">'
ARTICLES = {
    "words": f"<h2>{WORD}</h2><h4>{WORD}</h4><p>{WORD} {LINK} <code>{WORD}</code></p><p>{LINK}</p>",
    "code": f"<pre>{WORD}\n    {WORD}\n{'x = 1; ' * 40}</pre>",
    "lists": f"<ul><li>{WORD}<ol><li>{LINK}<ul><li>{WORD}<p>{WORD}</p></li></ul></li></ol></li></ul>",
    "quotations": f"<blockquote><p>{WORD}</p><blockquote><ul><li>{WORD}{PICTURE}</li></ul></blockquote></blockquote>",
    "deep": "<blockquote>" * 9 + "<ul><li>" * 9 + f"{WORD}<pre>{WORD}</pre>" + "</li></ul>" * 9,
    "tables": (
        f"<table>{CELLS}</table><table><tr><td>{WORD}</td><td>{LINK}</td></tr></table>"
        f"<table><tr>{'<td>words in a cell</td>' * 8}</tr></table>"
        f"<blockquote><blockquote><table>{CELLS}</table></blockquote></blockquote>"
    ),
    "pictures": f"<figure>{PICTURE}<figcaption>{WORD}</figcaption></figure><p>a<img src='/media/b.png' alt='b' width='400' height='20'>b</p>",
    "terms": f"<dl><dt>{WORD}</dt><dd>{WORD}<dl><dt>x</dt><dd>{LINK}</dd></dl></dd></dl>",
    "turned": f"<div lang='ar'><p>مرحبا {WORD}</p><ul><li>{WORD}</li></ul><blockquote>{WORD}</blockquote><table>{CELLS}</table></div>",
}
FRAME = (
    '<!DOCTYPE html><html lang="{language}" dir="{towards}"><head><meta charset="utf-8">'
    "<title>x</title><style>{style}</style><style data-premailer='ignore'>{kept}</style>"
    "<style data-premailer='ignore'>{dark}</style></head>"
    '<body class="backdrop"><table role="presentation" width="100%"><tr><td align="center">'
    '<table role="presentation" width="600" class="container"><tr><td class="card">'
    '<table role="presentation" width="100%" class="story"><tr><td class="item next">{body}</td>'
    "</tr></table></td></tr></table></td></tr></table></body></html>"
)


def mail(source: str, language: str) -> str:
    """Frame an article as mails do, before inlining."""
    templates, values = Templates(None), {"publication": sample.publication(language)}
    sheets = {
        name: templates.render(f"email/_base/{name}.css", language, values)
        for name in ("style", "kept", "dark")
    }
    return FRAME.format(
        language=language,
        towards=direction(language),
        **sheets,
        body=mail_html(read(source), language=language, base_url=BASE),
    )


@pytest.mark.parametrize("language", ["en", "ar", "zh-Hant"])
@pytest.mark.parametrize("name", ARTICLES)
def test_an_article_fits_with_and_without_its_style_blocks(
    chromium: Chromium, name: str, language: str
) -> None:
    def look(window: Window) -> list[str]:
        return [*misfits(window), *misfits_without_style(window)]

    assert chromium.visit(inline(mail(ARTICLES[name], language)), look) == []


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("alt", ["A chart", "A chart of many things " * 8, WORD])
def test_pictures_that_are_off_keep_no_page_wide(
    chromium: Chromium, alt: str, language: str
) -> None:
    picture = PICTURE.replace("A chart", alt)
    source = (
        f'{picture}<a href="https://example.org/">{picture}</a><p>words {picture} words</p>'
        f"<ul><li>item{picture}</li></ul><table><tr><td>a</td><td>{picture}</td></tr></table>"
    )

    def look(window: Window) -> list[int]:
        drop_style_blocks(window)
        wide = []
        for width in (320, 375):
            window.show(width)
            wide.append(window.page.evaluate("document.scrollingElement.scrollWidth"))
        return wide

    html = inline(mail(source, language))
    assert html.count("width:100%;max-width:528px") == 4
    assert chromium.visit(html, look) == [320, 375]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_an_article_looks_as_its_style_sheet_says(chromium: Chromium, language: str) -> None:
    source = mail("".join(ARTICLES.values()), language)
    before, after = (chromium.visit(html, styles) for html in (source, inline(source)))
    assert differences(before, after) == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_an_article_reads_well_in_light_and_in_dark(chromium: Chromium, language: str) -> None:
    source = "".join(f.read_text("utf-8") for f in SOURCES if f".{language}." in f.name)
    assert chromium.visit(inline(mail(source, language)), violations) == []
