"""Describe an article to machines as schema.org has it (JSON-LD), for the head of its page. Pure.

Templates write it with `tojson`, which escapes what could end the element.
"""

from __future__ import annotations

import re
from typing import Any

from publisher.articles.model import Byline, KnownByline, Origin, Picture, Provenance
from publisher.rendering.filters import absolute_url
from publisher.rendering.model import ArticleView, LanguageLink, PublicationView
from publisher.urls import author_page_path

# How the text was made, in the words of the International Press Telecommunications Council (IPTC).
_DIGITAL_SOURCES = {
    Provenance.MACHINE: "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
    Provenance.SCRIPT: "https://schema.org/AlgorithmicallyEnhancedDigitalSource",
}
_TITLE = re.compile(
    r"\b(member|maintainer|contributor|committer|founder|editor|author|engineer|developer|fellow|director|lead)\b",
    re.IGNORECASE,
)


def article_data(publication: PublicationView, item: ArticleView) -> dict[str, Any]:
    """Return the description of an article; what is not known is left out."""
    article, base = item.article, publication.url
    return {"@context": "https://schema.org"} | _known(
        "Article",
        url=item.url,
        mainEntityOfPage=item.url,
        headline=article.title,
        description=article.summary,
        datePublished=item.published.isoformat(),
        dateModified=max(article.updated_at, item.published).isoformat(),
        inLanguage=article.language,
        articleSection=article.section,
        keywords=list(article.topics),
        image=_image(article.picture, base) if article.picture else None,
        author=[_author(one, base, article.language) for one in article.bylines],
        translator=[_known("Person", name=name) for name in article.translators],
        editor=_known("Person", name=article.editor) if article.editor else None,
        creditText=article.translated_with,
        digitalSourceType=_DIGITAL_SOURCES.get(article.provenance),
        publisher=_publisher(publication),
        **_translations(item),
    )


def _author(byline: Byline, base: str, language: str) -> dict[str, Any]:
    company = byline.affiliation
    known: dict[str, Any] = {}
    if isinstance(byline, KnownByline):
        known = {
            # The same in every language, so that programs know that it is one person.
            "@id": f"{base}/#{byline.key}",
            "url": absolute_url(author_page_path(language, byline.key), base),
            "sameAs": byline.website,
            "knowsLanguage": list(byline.languages),
        }
    # "Member of OpenKruise", "drawing": what somebody does is no organisation.
    title = company if company and (company.islower() or _TITLE.search(company)) else None
    affiliation = _known("Organization", name=company) if company and not title else None
    return _known("Person", name=byline.name, jobTitle=title, affiliation=affiliation, **known)


def _translations(item: ArticleView) -> dict[str, Any]:
    """Return the link to the original, or from the original to its translations."""
    if item.original_url:
        found = [_work(one) for one in item.translations if one.url == item.original_url]
        return {"translationOfWork": found[0] if found else None}
    is_original = item.article.origin is Origin.ORIGINAL
    return {"workTranslation": [_work(one) for one in item.translations] if is_original else []}


def _work(link: LanguageLink) -> dict[str, Any]:
    return _known("Article", url=link.url, inLanguage=link.language)


def _publisher(publication: PublicationView) -> dict[str, Any]:
    logo = _image(publication.logo, publication.url) if publication.logo else None
    return _known("Organization", name=publication.title, url=f"{publication.url}/", logo=logo)


def _image(picture: Picture, base: str) -> dict[str, Any]:
    return _known(
        "ImageObject",
        url=absolute_url(picture.src, base),
        width=picture.width,
        height=picture.height,
        caption=picture.alt,
    )


def _known(kind: str, **properties: Any) -> dict[str, Any]:
    """Return a thing of a kind with the properties that have a value."""
    return {"@type": kind} | {name: value for name, value in properties.items() if value}
