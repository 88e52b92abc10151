"""What the heads of pages say to machines; of articles, issues, lists and front pages in JSON-LD (schema.org). Pure.

Templates write it with `tojson`, which escapes what could end the element. What is not known is left out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from publisher.articles.model import Byline, KnownByline, Origin, Picture, Provenance
from publisher.languages.locales import territory_locale
from publisher.rendering import model
from publisher.rendering.filters import absolute_url
from publisher.urls import author_page_path, icon_path

# How the text was made, in the words of the International Press Telecommunications Council (IPTC).
_DIGITAL_SOURCES = {
    Provenance.MACHINE: "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
    Provenance.SCRIPT: "https://schema.org/AlgorithmicallyEnhancedDigitalSource",
}
_TITLE = re.compile(
    r"\b(member|maintainer|contributor|committer|founder|editor|author|writer|engineer|developer|fellow|director|lead"
    r"|keeper|reporter|correspondent|professor)\b",
    re.IGNORECASE,
)
_SCHEMA = {"@context": "https://schema.org"}


def page_head(
    publication: model.PublicationView,
    url: str | None,
    sisters: Sequence[model.LanguageLink] = (),
    picture: Picture | None = None,
    data: Mapping[str, Any] | None = None,
) -> model.PageHead:
    """Return what the head of a page says to machines; the root is there for readers of other languages than front pages have."""
    pages = {publication.language: url} | {link.language: link.url for link in sisters}
    first = next((tag for tag in publication.languages if tag in pages), publication.language)
    is_front_page = pages[first] == f"{publication.url}/{first}/"
    return model.PageHead(
        fallback_url=f"{publication.url}/" if is_front_page else pages[first] or "",
        locales=tuple(territory_locale(tag) for tag in pages),
        picture=picture,
        data=data,
    )


def article_data(publication: model.PublicationView, item: model.ArticleView) -> dict[str, Any]:
    article, base = item.article, publication.url
    return _SCHEMA | _known(
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


def issue_data(issue: model.IssueContent, picture: Picture | None) -> dict[str, Any]:
    """Return the description of an issue's page; `picture` is its lead's."""
    publication, language = issue.publication, issue.publication.language
    lines = [
        _known("ListItem", position=number, url=item.url, name=item.article.title)
        for number, item in enumerate(issue.items, 1)
    ]
    series = _known("Periodical", name=issue.title, url=issue.archive_url, inLanguage=language)
    return _SCHEMA | _known(
        "CollectionPage",
        url=issue.web_url,
        name=issue.subject or issue.title,
        inLanguage=language,
        datePublished=issue.day.isoformat(),
        image=_image(picture, publication.url) if picture else None,
        publisher=_publisher(publication),
        isPartOf=_known(
            "PublicationIssue",
            issueNumber=issue.number,
            datePublished=issue.day.isoformat(),
            isPartOf=series,
        ),
        mainEntity=_known("ItemList", numberOfItems=len(lines), itemListElement=lines),
    )


def list_data(
    publication: model.PublicationView, content: model.ArchiveContent
) -> dict[str, Any]:
    """Return the description of a list; sitemaps and the pages themselves say what articles there are."""
    month = f"{content.day:%Y-%m}" if content.day else ""
    return _SCHEMA | _known(
        "CollectionPage",
        url=content.url,
        name=content.title or month or publication.title,
        inLanguage=publication.language,
        isPartOf={"@id": f"{publication.url}/#site"},
    )


def home_data(content: model.HomeContent, *, is_front_page: bool) -> dict[str, Any]:
    publication = content.publication
    if is_front_page:
        return site_data(publication)
    return _SCHEMA | _known(
        "CollectionPage",
        url=content.url,
        name=content.title,
        description=content.description,
        inLanguage=publication.language,
        isPartOf={"@id": f"{publication.url}/#site"},
        about=_known("Periodical", name=content.title, url=content.url),
    )


def site_data(publication: model.PublicationView) -> dict[str, Any]:
    return _SCHEMA | {"@graph": [_site(publication), _publisher(publication)]}


def _site(publication: model.PublicationView) -> dict[str, Any]:
    base = publication.url
    return _known(
        "WebSite",
        **{"@id": f"{base}/#site"},
        url=f"{base}/",
        name=publication.title,
        description=publication.description,
        inLanguage=list(publication.languages),
        publisher={"@id": f"{base}/#publisher"},
    )


def _author(byline: Byline, base: str, language: str) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if isinstance(byline, KnownByline):
        known = {
            # The same in every language, so that programs know that it is one person.
            "@id": f"{base}/#{byline.key}",
            "url": absolute_url(author_page_path(language, byline.key), base),
            "sameAs": byline.website,
            "knowsLanguage": list(byline.languages),
        }
    return _known("Person", name=byline.name, **_affiliation(byline.affiliation), **known)


def _affiliation(words: str | None) -> dict[str, Any]:
    """Return what is behind a name as an organisation or a job only if it can be told which it is.

    "Member of OpenKruise", "drawing": what somebody does is no organisation. "Keeper of Clocks, Museum of Time" is
    both, and "Office, City" is not: that is a description.
    """
    if not words:
        return {}
    if re.search("[,،、，]", words):
        return {"description": words}
    if words.islower() or _TITLE.search(words):
        return {"jobTitle": words}
    if words.isascii():
        return {"affiliation": _known("Organization", name=words)}
    return {"description": words}


def _translations(item: model.ArticleView) -> dict[str, Any]:
    """Return the link to the original, or from the original to its translations."""
    if item.original_url:
        found = [_work(one) for one in item.translations if one.url == item.original_url]
        return {"translationOfWork": found[0] if found else None}
    is_original = item.article.origin is Origin.ORIGINAL
    return {"workTranslation": [_work(one) for one in item.translations] if is_original else []}


def _work(link: model.LanguageLink) -> dict[str, Any]:
    return _known("Article", url=link.url, inLanguage=link.language)


def _publisher(publication: model.PublicationView) -> dict[str, Any]:
    base = publication.url
    icon = _known("ImageObject", url=absolute_url(icon_path(), base), width=192, height=192)
    return _known(
        "NewsMediaOrganization",
        **{"@id": f"{base}/#publisher"},
        name=publication.title,
        url=f"{base}/",
        logo=_image(publication.logo, base) if publication.logo else icon,
    )


def _image(picture: Picture, base: str) -> dict[str, Any]:
    return _known(
        "ImageObject",
        url=absolute_url(picture.src, base),
        width=picture.width,
        height=picture.height,
        caption=picture.caption or picture.alt,
        creditText=picture.credit,
    )


def _known(kind: str, **properties: Any) -> dict[str, Any]:
    """Return a thing of a kind with the properties that have a value."""
    return {"@type": kind} | {name: value for name, value in properties.items() if value}
