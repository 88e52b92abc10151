"""Choose the picture that stands for a whole article in digests, feeds and on pages."""

from __future__ import annotations

from dataclasses import replace

from lxml import html as lxml_html

from publisher.article_problems import ArticleProblem, ProblemKind
from publisher.articles.model import ParsedArticle, Picture
from publisher.ingest.parsers.media import DocumentMedia

# CSS pixels. Smaller pictures of a text are icons, badges and faces.
_MIN_WIDTH = 200


def choose_picture(
    metadata: ParsedArticle, html: str, media: DocumentMedia
) -> tuple[Picture | None, tuple[ArticleProblem, ...]]:
    """Return the picture of the front matter, or else the first of the text that is no icon.

    `html` is sanitised. The problems are those of the front matter's picture.
    """
    stated = metadata.picture
    if stated is None:
        return _first_picture(html), ()
    found = media.own_picture(stated)
    if isinstance(found, ArticleProblem):
        return _first_picture(html), (found,)
    if found.alt:
        return found, ()
    in_text = next((one.alt for one in _pictures(html) if one.src == found.src), "")
    if in_text:
        return replace(found, alt=in_text), ()
    return found, (ArticleProblem(ProblemKind.PICTURE_WITHOUT_ALT, None, stated.src),)


def _first_picture(html: str) -> Picture | None:
    large = (one for one in _pictures(html) if one.width is None or one.width >= _MIN_WIDTH)
    return next(large, None)


def _pictures(html: str) -> list[Picture]:
    if "<img" not in html:
        return []
    tree = lxml_html.fragment_fromstring(html, create_parent="div")
    return [
        Picture(
            src=image.get("src", ""),
            alt=image.get("alt", "").strip(),
            width=int(image.get("width", 0)) or None,
            height=int(image.get("height", 0)) or None,
        )
        for image in tree.iter("img")
    ]
