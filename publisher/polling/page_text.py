"""The text of an article in a page of a site: without its navigation, but with pictures, tables and code. Pure.

trafilatura says which words belong to the article, and loses much of their markup: so the elements of the page that
have these words are kept, with the pictures, tables and code among them.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy

from lxml import etree
from lxml.html import HtmlElement, document_fromstring

_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer h1 h2 "  # noqa: SIM905  # one a line would fill the page
    "h3 h4 h5 h6 header hgroup hr li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
# No article has its words in these.
_FURNITURE = (
    *("script", "style", "template", "nav", "button", "input", "select", "textarea", "svg"),
    *("canvas", "dialog", "menu", "link", "meta"),
)
# What is kept among the words, though trafilatura often leaves it out.
_FIGURES = frozenset({"figure", "figcaption"})
_SHOWN = _FIGURES | {"table", "pre", "picture", "img", "video", "audio", "iframe"}
_LONG = 40  # letters of a block that stands in one place of a text only
_MOST = 0.9  # of an article's letters, so many are in its element
# Of the letters of a page: with fewer, trafilatura tries its other ways, which take twice the time.
_FEW = 0.15
_NO_LETTERS = re.compile(r"[\W_]+")
_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_ITEMS = frozenset({"li", "dt", "dd"})
_MOST_LINKED = 2  # with more of its letters in links, an item belongs to a list of pages
_ANCHOR = re.compile(r"[#¶§🔗\s\u200b\ufeff]*")  # a link beside a heading that leads to itself

# An element, the letters of its own text, and whether that is all that it has: it holds no blocks.
_Part = tuple[HtmlElement, str, bool]


def article_text(page: HtmlElement, select: str = "") -> str:
    """Return the HTML of an article's text; empty if there is none. `select` is a CSS selector of it."""
    body = page.find("body")
    body = deepcopy(page if body is None else body)
    _remove_furniture(body)
    if select:
        return "".join(html_inside(one) for one in _outermost(body.cssselect(select)))
    own = _own_article(body)
    if own is not body:
        page = document_fromstring(etree.tostring(own, encoding="unicode"))
    parts = [*_parts(own)]
    words = letters(_words(page, fast=True))
    if len(words) < _FEW * sum(len(text) for _block, text, _is_leaf in parts):
        words = letters(_words(page))
    good = _good(parts, words)
    if not good:
        return _words(page, as_html=True)
    container = _container(own, [parts[number] for number in good])
    _drop_others(parts, good, container)
    return html_inside(container)


def _own_article(body: HtmlElement) -> HtmlElement:
    """Return the element of a page's article, the only one that has a heading of the page; else the page."""
    headed = [one for one in body.iter("article") if one.find(".//h1") is not None]
    outer = [
        one for one in headed if not any(up in headed for up in one.iterancestors("article"))
    ]
    return outer[0] if len(outer) == 1 else body


def _words(page: HtmlElement, *, fast: bool = False, as_html: bool = False) -> str:
    from trafilatura import extract  # takes a second to load

    text = extract(
        deepcopy(page),
        output_format="html" if as_html else "txt",
        include_comments=False,
        fast=fast,
        include_images=as_html,
        include_links=as_html,
        include_formatting=as_html,
    )
    return text or ""


def letters(text: str) -> str:
    """Return a text without white space and signs, in small letters."""
    return _NO_LETTERS.sub("", text).casefold()


def _remove_furniture(body: HtmlElement) -> None:
    for one in [*body.iter(*_FURNITURE, etree.Comment, etree.ProcessingInstruction)]:
        if one is not body and one.getparent() is not None:
            one.drop_tree()
    for one in body.xpath(".//*[@hidden or @style or @aria-hidden='true']"):
        is_hidden = one.get("style") is None or _HIDDEN.search(one.get("style"))
        if is_hidden and one.getparent() is not None and one.find(".//img") is None:
            one.drop_tree()
    for link in [*body.iter("a")]:
        to_itself = (link.get("href") or "").startswith("#")
        if to_itself and _ANCHOR.fullmatch(link.text_content()) and not len(link):
            link.drop_tree()


def _parts(body: HtmlElement) -> Iterator[_Part]:
    """Yield the blocks that have text of their own, in the order of the page."""
    for one in body.iter():
        if one.tag not in _BLOCKS:
            continue
        if not any(child.tag in _BLOCKS for child in one.iterdescendants()):
            yield one, letters(one.text_content()), True
        elif own := letters("".join(_own_texts(one))):
            yield one, own, False


def _own_texts(block: HtmlElement) -> Iterator[str]:
    """Yield the text of a block that is in no block inside it."""
    yield block.text or ""
    for child in block:
        if child.tag not in _BLOCKS:
            yield from _own_texts(child)
        yield child.tail or ""


def _good(parts: Sequence[_Part], words: str) -> list[int]:
    """Return the numbers of the parts whose letters are in `words`: short ones at their place among the long ones."""
    places = dict[int, int]()
    for number, (_block, own, _is_leaf) in enumerate(parts):
        if len(own) >= _LONG and (place := words.find(own)) >= 0:
            places[number] = place
    start, good = 0, list[int]()
    following = [*sorted(places)]
    for number, (_block, own, _is_leaf) in enumerate(parts):
        if number in places:
            start = max(start, places[number] + len(own))
            following.pop(0)
            good.append(number)
        elif own and len(own) < _LONG:
            end = places[following[0]] if following else len(words)
            place = words.find(own, start, max(end, start))
            if place >= 0:
                start = place + len(own)
                good.append(number)
    return good


def _container(body: HtmlElement, parts: Sequence[_Part]) -> HtmlElement:
    """Return the smallest element with blocks that has most of the letters."""
    inside = dict[HtmlElement, int]()
    for block, own, _is_leaf in parts:
        for one in (block, *block.iterancestors()):
            inside[one] = inside.get(one, 0) + len(own)
    enough = _MOST * sum(len(own) for _block, own, _is_leaf in parts)
    container = body
    leaves = {block for block, _own, is_leaf in parts if is_leaf}
    while best := [
        one for one in container if inside.get(one, 0) >= enough and one not in leaves
    ]:
        container = best[0]
    return container


def _drop_others(parts: Sequence[_Part], good: Sequence[int], container: HtmlElement) -> None:
    """Drop what is not of the article: blocks without its words, unless they are shown with it."""
    chosen = {*good}
    kept = set[HtmlElement]()
    ends = {parts[good[0]][0].getparent(), parts[good[-1]][0].getparent()}
    for number, (block, own, is_leaf) in enumerate(parts):
        # A text may begin or end with a picture.
        is_beside = not own and block.tag == "p" and block.getparent() in ends
        is_among = good[0] < number < good[-1] or is_beside
        # trafilatura leaves out many headings, and parts of lists.
        is_item = is_among and block.tag in _ITEMS and len(own) > _MOST_LINKED * _linked(block)
        is_heading = is_among and block.tag in _HEADINGS and number + 1 in chosen
        if (
            number in chosen
            or is_heading
            or is_item
            or _is_shown(block, _SHOWN if is_among else _FIGURES)
        ):
            kept |= {block, *block.iterancestors()}
        elif not is_leaf:
            _clear_text(block)
    for block in [*container.iter(*_BLOCKS)]:
        if block is not container and block not in kept:
            block.drop_tree()


def _linked(block: HtmlElement) -> int:
    """Return how many of a block's letters are in links."""
    return sum(len(letters(link.text_content())) for link in block.iter("a"))


def _is_shown(block: HtmlElement, shown: Collection[str]) -> bool:
    around = (one.tag in shown for one in (block, *block.iterancestors()))
    return any(around) or any(one.tag in shown for one in block.iterdescendants())


def _clear_text(block: HtmlElement) -> None:
    """Remove the text of a block that is in no block inside it."""
    block.text = None
    for child in [*block]:
        child.tail = None
        if child.tag not in _BLOCKS and not any(one.tag in _BLOCKS for one in child.iter()):
            child.drop_tree()


def _outermost(found: Sequence[HtmlElement]) -> Iterator[HtmlElement]:
    chosen = {*found}
    yield from (one for one in found if not any(up in chosen for up in one.iterancestors()))


def html_inside(element: HtmlElement) -> str:
    text = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    return text[text.index(">") + 1 : text.rindex("<")]
