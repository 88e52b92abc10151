"""Article pages describe their article to machines (schema.org), whatever its texts are."""

from __future__ import annotations

import json
from typing import Any

import lxml.html
import pytest

from publisher.articles.model import Article, Byline, KnownByline, Origin, Picture, Provenance
from publisher.config import Publication
from publisher.rendering import Renderer, views
from publisher.testing import SAMPLE_PUBLICATION, sample_article

PUBLICATION = Publication(**SAMPLE_PUBLICATION)
URL = "https://news.example.org"


def described(article: Article, *variants: Article) -> dict[str, Any]:
    """Render an article's page, and read its description as a browser would."""
    house = views.publication_view(PUBLICATION, article.language)
    item = views.article_view(PUBLICATION, article, article.language, variants)
    page = Renderer().article_page(house, item, ())
    (script,) = lxml.html.document_fromstring(page).iter("script")
    assert script.items() == [("type", "application/ld+json")]
    text = script.text or ""
    assert not set("<>&\u2028") & set(text)
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_description_has_what_is_known_of_an_article() -> None:
    known = KnownByline(
        name="Ada Lark", key="ada-lark", website="https://ada.example.com/", languages=("en",)
    )
    other = Byline(name="Ben Ruiz", affiliation="Harbour Institute")
    article = sample_article(
        bylines=(known, other),
        picture=Picture(src="/media/1/a.png", alt="A pier", width=640, height=480),
    )
    translation = sample_article(id=2, language="ar", origin=Origin.TRANSLATION)
    found = described(article, article, translation)
    assert (found["@context"], found["@type"]) == ("https://schema.org", "Article")
    assert found["headline"] == article.title
    assert found["datePublished"] == article.published_at.isoformat()
    assert found["image"]["url"] == f"{URL}/media/1/a.png"
    assert found["publisher"]["name"] == PUBLICATION.title("en")
    assert found["author"] == [
        {
            "@type": "Person",
            "@id": f"{URL}/#ada-lark",
            "name": "Ada Lark",
            "url": f"{URL}/en/feeds/authors/ada-lark/",
            "sameAs": "https://ada.example.com/",
            "knowsLanguage": ["en"],
        },
        {
            "@type": "Person",
            "name": "Ben Ruiz",
            "affiliation": {"@type": "Organization", "name": "Harbour Institute"},
        },
    ]
    work = {"@type": "Article", "url": f"{URL}/ar/stories/{article.slug}/", "inLanguage": "ar"}
    assert found["workTranslation"] == [work]
    assert not {"translationOfWork", "translator", "digitalSourceType"} & found.keys()


def test_a_machine_translation_names_its_original_its_tool_and_its_editor() -> None:
    original = sample_article()
    article = sample_article(
        id=2,
        language="ar",
        origin=Origin.TRANSLATION,
        provenance=Provenance.MACHINE,
        translated_with="Babel & Co",
        editor="Ada Lark",
    )
    found = described(article, original, article)
    assert found["translationOfWork"]["url"] == f"{URL}/en/stories/{article.slug}/"
    assert found["digitalSourceType"].endswith("/TrainedAlgorithmicMediaDigitalSource")
    assert (found["creditText"], found["editor"]["name"]) == ("Babel & Co", "Ada Lark")
    assert "workTranslation" not in found


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!-- <script>", "a\u2028b & 'c' \"d\""]
)
def test_no_text_ends_the_description_or_runs(text: str) -> None:
    article = sample_article(
        title=text, summary=text, topics=(text,), bylines=(Byline(name=text),)
    )
    found = described(article)
    assert (found["headline"], found["description"]) == (text, text)
    assert (found["keywords"], found["author"][0]["name"]) == ([text], text)
