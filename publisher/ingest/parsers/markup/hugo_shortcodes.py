"""Hugo's own shortcodes: what each becomes in an article.

Films and frames become links: mails and feeds can't show them. Addresses of other documents are
written as Hugo has them, and followed with all other links.
https://gohugo.io/shortcodes/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from publisher.article_problems import ProblemKind
from publisher.ingest.parsers.markup.html_parts import code_block, link_html, summary_html
from publisher.ingest.parsers.markup.shortcode_call import ShortcodeCall


def _figure(call: ShortcodeCall) -> str:
    source = call.argument("src", 0)
    attributes = {name: call.argument(name) for name in ("alt", "width", "height")}
    title, caption = call.argument("title"), call.argument("caption")
    attributes["alt"] = attributes["alt"] or title or caption
    written = "".join(
        f' {name}="{escape(value)}"' for name, value in attributes.items() if value
    )
    shown = f'<img src="{escape(source)}"{written}>'
    if address := call.argument("link"):
        shown = f'<a href="{escape(address)}">{shown}</a>'
    texts = [f"<strong>{title}</strong>"] if title else []
    line = call.context.line_html
    texts += [line(caption)] if caption else []
    if text := call.argument("attr"):
        texts.append(link_html(call.argument("attrlink"), line(text)))
    below = f"<figcaption>{' '.join(texts)}</figcaption>" if texts else ""
    return f"<figure>{shown}{below}</figure>"


def _reference(call: ShortcodeCall) -> str:
    path = call.argument("path", 0)
    if path:
        return call.context.reference(path, call.argument("lang", 1))
    return call.missing(ProblemKind.EMPTY_VALUE, f"{{{{< {call.name} >}}}}")


def _param(call: ShortcodeCall) -> str:
    name = call.argument("name", 0)
    value = call.context.value(name)
    if value is None:
        return call.missing(ProblemKind.EMPTY_VALUE, f"{{{{< param {name} >}}}}")
    return str(value)


def _highlight(call: ShortcodeCall) -> str:
    return code_block(call.inside, call.argument("lang", 0), in_html=call.context.in_html)


def _details(call: ShortcodeCall) -> str:
    return f"{summary_html(call.argument('summary', 'title', 0))}\n\n{call.inside}\n\n"


def _film(address: str) -> Callable[[ShortcodeCall], str]:
    def link(call: ShortcodeCall) -> str:
        number = call.argument("id", 0)
        if not number:
            return call.missing(ProblemKind.REMOVED_FRAME, f"{{{{< {call.name} >}}}}")
        where = address.format(escape(number))
        return link_html(where, escape(call.argument("title", "caption")) or where)

    return link


def _gist(call: ShortcodeCall) -> str:
    where = "https://gist.github.com/" + "/".join(map(escape, call.positional[:2]))
    file = f" {escape(call.positional[2])}" if call.positional[2:] else ""
    return link_html(where, f"{where}{file}")


def _post(call: ShortcodeCall) -> str:
    user, number = call.argument("user"), call.argument("id", 0)
    where = f"https://x.com/{escape(user or 'i')}/status/{escape(number)}"
    return link_html(where, f"@{escape(user)}: {where}" if user else where)


def _qr(call: ShortcodeCall) -> str:
    text = (call.argument("text") or call.inside).strip()
    return link_html(text if "://" in text else "", escape(text))


def _nothing(_call: ShortcodeCall) -> str:
    return ""


HUGO_SHORTCODES: Mapping[str, Callable[[ShortcodeCall], str]] = {
    "comment": _nothing,
    "details": _details,
    "figure": _figure,
    "gist": _gist,
    "highlight": _highlight,
    "instagram": _film("https://www.instagram.com/p/{}/"),
    "instagram_simple": _film("https://www.instagram.com/p/{}/"),
    "param": _param,
    "qr": _qr,
    "ref": _reference,
    "relref": _reference,
    "tweet": _post,
    "twitter": _post,
    "twitter_simple": _post,
    "vimeo": _film("https://vimeo.com/{}"),
    "vimeo_simple": _film("https://vimeo.com/{}"),
    "x": _post,
    "x_simple": _post,
    "youtube": _film("https://www.youtube.com/watch?v={}"),
}
