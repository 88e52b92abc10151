"""Parse HTML pages, with metadata from front matter first, then from the page's head.

The body is the page's only `article`, else `main`, else `body` without the site's header, footer
and asides. It is not sanitised here; `document.build_article` does that.
"""

from dataclasses import replace

from lxml import etree
from lxml import html as lxml_html

from publisher.articles.model import ParsedArticle
from publisher.errors import ArticleError, EmptyArticleError
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers import document as documents
from publisher.ingest.parsers import fields, front_matter
from publisher.ingest.parsers.markup.common import ProblemLog
from publisher.ingest.parsers.markup.templating import run_templates
from publisher.urls import absolute_link

# Elements of the site on a page without `article` or `main`.
_SITE_ELEMENTS = ("header", "footer", "aside")
_PUBLISHED = ("article:published_time", "date", "dcterms.date", "dc.date")
_UPDATED = ("article:modified_time", "dcterms.modified")


def parse(document: documents.SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse an HTML document; raises ArticleError if it can't be read."""
    text = documents.decode_document(document)
    parts = front_matter.split_front_matter(text)
    stated = document.describe(parts.fields or {})
    document = replace(document, values=document.values.of_article(stated))
    log = ProblemLog.of_body(text, parts.body)
    page = _parse(run_templates(document, parts.fields or {}, log, str))
    metadata = stated.or_else(_head(page))
    metadata = replace(metadata, problems=(*metadata.problems, *log.found))
    container = _container(page)
    with_title = _inner(container)
    title = _take_heading(container)
    metadata = metadata.or_else(ParsedArticle(title=title or _text(page.find("head/title"))))
    body = documents.DocumentBody(
        html=_inner(container), title=title, html_with_title=with_title
    )
    return documents.build_article(metadata, body, document, library)


def _parse(source: str) -> lxml_html.HtmlElement:
    # lxml refuses text that declares an encoding, so it gets bytes.
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    try:
        page = lxml_html.document_fromstring(source.encode("utf-8"), parser=parser)
    except etree.ParserError:  # nothing but comments
        raise EmptyArticleError.saying("no text; there is nothing to publish in it") from None
    # libxml2 drops what is nested too deep and reports no error otherwise.
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise ArticleError.saying("elements are nested too deep; simplify it")
    return page


def _head(page: lxml_html.HtmlElement) -> ParsedArticle:
    metas = _metas(page)

    def first(*names: str) -> str:
        return next((metas[name][0] for name in names if metas.get(name)), "")

    published = next((name for name in _PUBLISHED if first(name)), _PUBLISHED[0])
    updated = next((name for name in _UPDATED if first(name)), _UPDATED[0])
    alternates = [link.get("hreflang") or "" for link in _links(page, "alternate")]
    return ParsedArticle(
        language=page.get("lang") or page.get("xml:lang") or None,
        published=fields.read_date(published, first(published)),
        updated=fields.read_date(updated, first(updated)),
        bylines=tuple(
            byline
            for names in fields.unique_texts(metas.get("author", []))
            for byline in fields.split_bylines(names)
        ),
        summary=first("description", "og:description"),
        section=first("article:section") or None,
        topics=fields.unique_texts(metas.get("article:tag", []))
        or fields.read_list("keywords", first("keywords")),
        url=_canonical(page),
        offered=fields.unique_texts(tag for tag in alternates if tag.lower() != "x-default"),
    )


def _metas(page: lxml_html.HtmlElement) -> dict[str, list[str]]:
    metas: dict[str, list[str]] = {}
    for element in page.iter("meta"):
        name = (element.get("property") or element.get("name") or "").strip().lower()
        content = " ".join((element.get("content") or "").split())
        if name and content:
            metas.setdefault(name, []).append(content)
    return metas


def _links(page: lxml_html.HtmlElement, relation: str) -> list[lxml_html.HtmlElement]:
    links = page.iter("link")
    return [link for link in links if relation in (link.get("rel") or "").lower().split()]


def _canonical(page: lxml_html.HtmlElement) -> str | None:
    addresses = (link.get("href") or "" for link in _links(page, "canonical"))
    absolute = (absolute_link(href.strip(), None) for href in addresses)
    found = next(filter(None, absolute), None)
    return None if found and found.startswith("mailto:") else found


def _container(page: lxml_html.HtmlElement) -> lxml_html.HtmlElement:
    articles = page.xpath(".//article[not(ancestor::article)]")
    mains = list(page.iter("main"))
    # Several articles are a list of teasers, unless the page has nothing else.
    choices = articles if len(articles) == 1 else [*mains, *articles]
    body = page.find("body")
    if choices or body is None:
        return choices[0] if choices else page
    return _without_site(body)


def _without_site(body: lxml_html.HtmlElement) -> lxml_html.HtmlElement:
    for name in _SITE_ELEMENTS:
        for element in body.findall(name):
            if element.find(".//h1") is None:
                element.drop_tree()
    return body


def _take_heading(container: lxml_html.HtmlElement) -> str:
    """Remove the first h1 from the container and return its text."""
    heading = container.find(".//h1")
    if heading is None:
        return ""
    text = _text(heading)
    heading.drop_tree()
    return text


def _text(element: lxml_html.HtmlElement | None) -> str:
    return "" if element is None else " ".join(element.text_content().split())


def _inner(element: lxml_html.HtmlElement) -> str:
    text = etree.tostring(element, method="html", encoding="unicode", with_tail=False)
    return text[text.index(">") + 1 :]
