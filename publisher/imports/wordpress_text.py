"""The text of a post as WordPress stores it: shortcodes, blocks and paragraphs without tags become HTML. Pure.

See https://developer.wordpress.org/apis/shortcode/ and wpautop() in wp-includes/formatting.php.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import html as lxml_html
from lxml.html import HtmlElement

from publisher.imports.model import figure_html, inner_html, link_paragraph, parsed_fragment

_BLOCKS = frozenset(
    "address article aside audio blockquote center dd details div dl dt fieldset figcaption figure footer form h1 h2 "  # noqa: SIM905  # one a line would fill the page
    "h3 h4 h5 h6 header hr iframe li main nav object ol p pre section summary table ul video".split()
)
# Their own text gets paragraphs, too.
_CONTAINERS = frozenset({"div", "blockquote", "section", "article", "center", "main", "aside"})
_BLANK_LINE = re.compile(r"[ \t]*\n[ \t]*(?:\n[ \t]*)+")
_CODE = re.compile(
    r"(<(pre|code|textarea)\b[^>]*>.{0,100000}?</\2>)", re.IGNORECASE | re.DOTALL
)
_CODE_SHORTCODE = re.compile(
    r"\[(code|sourcecode)\b[^\[\]]{0,500}\](.{0,100000}?)\[/\1\]", re.DOTALL
)
# Characters between the parts of one shortcode, at most.
_PAIR = re.compile(
    r"\[(?P<name>caption|wp_caption|embed|audio|video)(?P<given>[ =][^\[\]]{0,2000})?\](?P<inside>.{0,20000}?)\[/(?P=name)\]",
    re.DOTALL,
)
_TAG = re.compile(
    r"(?P<before>\[?)\[(?P<end>/?)(?P<name>[A-Za-z][\w-]{0,60})(?P<given>(?:[\s=:][^\[\]]{0,2000})?)\](?P<after>\]?)"
)
_VALUE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/]+))""")
_ADDRESS = re.compile(r"""https?://[^\s"'<>\[\]|]+""")
# Shortcodes of WordPress and its usual plugins that are written without a value and without an end.
_BARE = frozenset(
    "gallery playlist audio video embed caption wp_caption archives sitemap contact-form contact-form-7 more "  # noqa: SIM905  # one a line would fill the page
    "googlemaps portfolio recipe slideshow toc jetpack_subscription_form".split()
)
_SOUNDS = ("src", "mp3", "m4a", "ogg", "wav", "mp4", "m4v", "webm", "ogv", "flv")
_BLOCK_NOTE = re.compile(r"<!--\s*wp:([a-z][\w/-]*)\s[^>]*?/-->")


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFile:
    """A file that a site has, with the post that it was uploaded for."""

    url: str
    alt: str = ""
    caption: str = ""
    parent: str = ""

    @property
    def is_picture(self) -> bool:
        return bool(re.search(r"\.(?:jpe?g|png|gif|webp|avif)(?:\?|$)", self.url.lower()))


@dataclass(slots=True)
class WordpressText:
    """Makes HTML of texts; `library` has the site's files by id. `lost` names what has nothing to show."""

    library: dict[str, LibraryFile] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def to_html(self, content: str, post: str) -> str:
        """Return the text of the post with this id as HTML that nobody has cleaned."""
        is_blocks = "<!-- wp:" in content
        self.lost += [f"block {name}" for name in _BLOCK_NOTE.findall(content)]
        text = re.sub(r"<!--.*?(?:-->|\Z)", "", content.replace("\r\n", "\n"), flags=re.DOTALL)
        text = _CODE_SHORTCODE.sub(_code, text)
        pieces = _CODE.split(text)
        # Each code is followed by the name of its element.
        kept = (self._without_shortcodes(pieces[0], post), *self._after(pieces[1:], post))
        body = parsed_fragment("".join(kept))
        if not is_blocks:
            _add_paragraphs(body)
        _add_links(body)
        return inner_html(body)

    def _after(self, pieces: list[str], post: str) -> Iterator[str]:
        for start in range(0, len(pieces), 3):
            yield pieces[start]
            yield self._without_shortcodes(pieces[start + 2], post)

    def _without_shortcodes(self, text: str, post: str) -> str:
        text = _PAIR.sub(self._pair, text)
        ended = {name.lower() for name in re.findall(r"\[/([A-Za-z][\w-]*)\]", text)}

        def replaced(found: re.Match[str]) -> str:
            if found["before"] and found["after"]:
                return found[0][1:-1]
            return f"{found['before']}{self._single(found, ended, post)}{found['after']}"

        return _TAG.sub(replaced, text)

    def _pair(self, found: re.Match[str]) -> str:
        name, inside = found["name"], found["inside"].strip()
        values = _values(found["given"] or "")
        if name == "embed":
            return f"\n\n{link_paragraph(html.unescape(inside))}\n\n"
        if name in {"audio", "video"}:
            address = _sound(values, found["given"] or "") or inside
            return _player(name, address)
        picture = re.search(r"(?:<a\b[^>]*>\s*)?<img\b[^>]*>(?:\s*</a>)?", inside)
        shown = picture[0] if picture else ""
        caption = (inside.replace(shown, "", 1).strip() if shown else inside) or values.get(
            "caption", ""
        )
        return f"\n\n<figure>{shown}<figcaption>{caption}</figcaption></figure>\n\n"

    def _single(self, found: re.Match[str], ended: set[str], post: str) -> str:
        """Return what a shortcode shows, and what is none as it is: words of an editor stand in brackets, too."""
        name, given = found["name"].lower(), found["given"]
        is_shortcode = (
            *(found["end"], name in _BARE, name in ended, "_" in name, given[:1] in {"=", ":"}),
            *(given.endswith("/"), _VALUE.search(given)),
        )
        if not any(is_shortcode):
            return (
                found[0]
                .removeprefix("[" * len(found["before"]))
                .removesuffix("]" * len(found["after"]))
            )
        values, address = _values(given), _ADDRESS.search(html.unescape(given))
        if name in {"gallery", "playlist"}:
            return self._files(values.get("ids") or values.get("include", ""), post, name)
        if name in {"audio", "video"}:
            return _player(name, _sound(values, given))
        if found["end"] or name in ended:
            return ""
        if address:
            return f"\n\n{link_paragraph(address[0])}\n\n"
        self.lost.append(f"shortcode {name}")
        return ""

    def _files(self, ids: str, post: str, name: str) -> str:
        chosen = [self.library.get(one) for one in re.findall(r"\d+", ids)]
        if not ids:
            chosen = [one for one in self.library.values() if post and one.parent == post]
        files = [one for one in chosen if one]
        if name == "playlist":
            return "".join(_player("audio", one.url) for one in files if not one.is_picture)
        shown = (figure_html(one.url, one.alt, one.caption) for one in files if one.is_picture)
        return "".join(f"\n\n{one}\n\n" for one in shown)


def _code(found: re.Match[str]) -> str:
    code = html.escape(html.unescape(found[2].strip("\n")), quote=False)
    return f"\n\n<pre><code>{code}</code></pre>\n\n"


def _values(given: str) -> dict[str, str]:
    return {
        one[1].lower(): html.unescape(one[2] or one[3] or one[4] or "")
        for one in _VALUE.finditer(given)
    }


def _sound(values: dict[str, str], given: str) -> str:
    named = next((values[key] for key in _SOUNDS if values.get(key)), "")
    address = _ADDRESS.search(html.unescape(given))
    return named or (address[0] if address else "")


def _player(name: str, address: str) -> str:
    source = html.escape(address)
    return f'\n\n<{name} src="{source}"></{name}>\n\n' if address else ""


def _add_paragraphs(container: HtmlElement) -> None:
    """Put what stands outside of blocks into paragraphs, which empty lines separate; other line ends stay as such."""
    paragraph: HtmlElement | None = None
    children, text = [*container], container.text or ""
    container.text = None
    for child in (*children, None):
        first, *others = _BLANK_LINE.split(text)
        for part in (first, *others):
            paragraph = None if part is not first else paragraph
            is_end = (
                part is not (others or [first])[-1] or child is None or child.tag in _BLOCKS
            )
            paragraph = _with_lines(container, paragraph, part.rstrip() if is_end else part)
        if child is None:
            break
        text, child.tail = child.tail or "", None
        if child.tag in _BLOCKS:
            paragraph = None
            container.append(child)  # behind the paragraphs before it
            if child.tag in _CONTAINERS:
                _add_paragraphs(child)
        else:
            if paragraph is None:
                paragraph = _new_paragraph(container)
            paragraph.append(child)


def _new_paragraph(container: HtmlElement) -> HtmlElement:
    paragraph = lxml_html.Element("p")
    container.append(paragraph)
    return paragraph


def _with_lines(
    container: HtmlElement, paragraph: HtmlElement | None, text: str
) -> HtmlElement | None:
    """Add text to a paragraph, or to a new one if there is any text; return the paragraph."""
    if paragraph is None:
        text = text.lstrip()
        if not text:
            return None
        paragraph = _new_paragraph(container)
    elif len(paragraph) and paragraph[-1].tag == "br" and not paragraph[-1].tail:
        text = text.lstrip()
    for number, line in enumerate(text.split("\n")):
        if number:
            paragraph.append(lxml_html.Element("br"))
        _append_text(paragraph, line)
    return paragraph


def _append_text(element: HtmlElement, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _add_links(body: HtmlElement) -> None:
    """Make links of addresses that stand alone, which WordPress shows as what is there."""
    for one in [*body.iter("p", "div")]:
        address = (one.text or "").strip()
        if not len(one) and _ADDRESS.fullmatch(address):
            one.text = None
            link = lxml_html.Element("a", {"href": address})
            link.text = address
            one.append(link)
    for one in [*body.iter("figure")]:
        if "wp-block-embed" in (one.get("class") or "") or one.find(".//figure") is not None:
            one.tag = "div"
