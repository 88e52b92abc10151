"""The text of a post as WordPress stores it: shortcodes, blocks and paragraphs without tags become HTML. Pure.

See https://developer.wordpress.org/apis/shortcode/ and wpautop() in wp-includes/formatting.php.
"""

import html
import re
from dataclasses import dataclass, field

from lxml import etree
from lxml import html as lxml_html

from publisher.imports.model import figure_html, link_paragraph, parsed_fragment
from publisher.polling.foreign_pictures import inner_html
from publisher.polling.foreign_values import PICTURE_NAME

_BLOCKS = frozenset(
    "address article aside audio blockquote center dd details div dl dt fieldset figcaption figure footer form h1 h2 "  # noqa: SIM905  # one a line would fill the page
    "h3 h4 h5 h6 header hr iframe li main nav object ol p pre section summary table ul video".split()
)
# Their own text gets paragraphs, too.
_CONTAINERS = frozenset({"div", "blockquote", "section", "article", "center", "main", "aside"})
_BLANK_LINE = re.compile(r"[ \t]*\n[ \t]*(?:\n[ \t]*)+")
# A tag, or a line end; one behind a line break of HTML is that one.
_TAG_OR_LINE_END = re.compile(r"<br>[ \t]*\n|<[^<>]*>|\n")
_CODE = re.compile(
    r"(<(pre|code|textarea)\b[^>]*>(?:(?!<\2\b).){0,100000}?</\2>)", re.IGNORECASE | re.DOTALL
)
_CODE_SHORTCODE = re.compile(
    r"\[(code|sourcecode)\b[^\[\]]{0,500}\](.{0,100000}?)\[/\1\]", re.DOTALL
)
# Characters between the parts of one shortcode, at most. One that does not end reaches to the next of its name: the time
# for a text would grow with its square.
_PAIR = re.compile(
    r"\[(?P<name>caption|wp_caption|embed|audio|video)(?P<given>[ =][^\[\]]{0,2000})?\](?P<inside>(?:(?!\[(?P=name)\b).){0,20000}?)\[/(?P=name)\]",
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
_BLOCK_NOTE = re.compile(r"<!--\s*wp:([a-z][\w/-]*)\s[^<>]*?/-->")


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFile:
    """A file that a site has, with the post that it was uploaded for."""

    url: str
    alt: str = ""
    caption: str = ""
    parent: str = ""


@dataclass(slots=True)
class WordpressText:
    """Makes HTML of texts; `library` has the site's files by id. `lost` names what has nothing to show."""

    library: dict[str, LibraryFile] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def to_html(self, content: str, post: str) -> str:
        """Return the text of the post with this id as HTML that nobody has cleaned."""
        self.lost += [f"block {name}" for name in _BLOCK_NOTE.findall(content)]
        text = re.sub(r"<!--.*?(?:-->|\Z)", "", content.replace("\r\n", "\n"), flags=re.DOTALL)
        text = _CODE_SHORTCODE.sub(_code, text)
        # Each code is followed by the name of its element.
        pieces = [one for n, one in enumerate(_CODE.split(text)) if n % 3 != 2]  # noqa: PLR2004
        pieces[::2] = [self._without_shortcodes(one, post) for one in pieces[::2]]
        body = parsed_fragment("".join(pieces))
        if "<!-- wp:" not in content:
            body = parsed_fragment(_with_paragraphs(body))
        _add_links(body)
        return inner_html(body)

    def _without_shortcodes(self, text: str, post: str) -> str:
        text = _PAIR.sub(self._pair, text)
        ended = {name.lower() for name in re.findall(r"\[/([A-Za-z][\w-]*)\]", text)}
        return _TAG.sub(lambda found: self._single(found, ended, post), text)

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
        before, after = found["before"], found["after"]
        if before and after:
            return found[0][1:-1]
        name, given, is_end = found["name"].lower(), found["given"], found["end"]
        is_formal = given.startswith(("=", ":")) or given.endswith("/") or "_" in name
        if not (is_end or is_formal or name in _BARE or name in ended or _VALUE.search(given)):
            return found[0]
        values, address = _values(given), _ADDRESS.search(html.unescape(given))
        if name in {"gallery", "playlist"}:
            shown = self._files(values.get("ids") or values.get("include", ""), post, name)
        elif name in {"audio", "video"}:
            shown = _player(name, _sound(values, given))
        elif is_end or name in ended or not address:
            shown = ""
            self.lost += [] if is_end or name in ended else [f"shortcode {name}"]
        else:
            shown = f"\n\n{link_paragraph(address[0])}\n\n"
        return f"{before}{shown}{after}"

    def _files(self, ids: str, post: str, name: str) -> str:
        uploaded = (one for one in self.library.values() if post and one.parent == post)
        named = (self.library[one] for one in re.findall(r"\d+", ids) if one in self.library)
        files = [*(named if ids else uploaded)]
        pictures = [one for one in files if PICTURE_NAME.search(one.url)]
        if name == "playlist":
            return "".join(_player("audio", one.url) for one in files if one not in pictures)
        shown = (figure_html(one.url, one.alt, one.caption) for one in pictures)
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


def _with_paragraphs(container: lxml_html.HtmlElement) -> str:
    """Return the inside of an element; what stands outside of blocks gets paragraphs."""
    done, run = list[str](), html.escape(container.text or "", quote=False)
    for child in container:
        shown = etree.tostring(child, encoding="unicode", method="html", with_tail=False)
        if child.tag in _CONTAINERS:
            end = len(shown) - len(f"</{child.tag}>")
            start = end - len(inner_html(child))
            shown = shown[:start] + _with_paragraphs(child) + shown[end:]
        if child.tag in _BLOCKS:
            done += [_in_paragraphs(run), shown]
            run = ""
        else:
            run += shown
        run += html.escape(child.tail or "", quote=False)
    return "".join((*done, _in_paragraphs(run)))


def _in_paragraphs(run: str) -> str:
    """Return paragraphs, which empty lines separate; other line ends stay as such."""
    parts = (one for one in _BLANK_LINE.split(run.strip()) if one)
    return "".join(f"<p>{_TAG_OR_LINE_END.sub(_broken, part)}</p>" for part in parts)


def _broken(found: re.Match[str]) -> str:
    return "<br>" if found[0].endswith("\n") else found[0]


def _add_links(body: lxml_html.HtmlElement) -> None:
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
