"""A form to subscribe, for pages of other sites."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from publisher import urls
from publisher.errors import LanguageError, UsageError
from publisher.languages import normalise
from publisher.rendering import Renderer
from publisher.rendering.views import publication_view

if TYPE_CHECKING:
    from publisher.config import Settings


def subscription_form(settings: Settings, newsletter: str | None, language: str | None) -> str:
    """Return HTML of a form for other pages, which leads to the page to subscribe.

    It is for one newsletter or for all, in one of the publication's languages. Raise UsageError if
    there is no such newsletter or language.
    """
    publication = settings.publication
    try:
        tag = publication.serves(normalise(language or publication.default_language))
    except LanguageError as error:
        raise UsageError(str(error)) from None
    if tag is None:
        raise UsageError(
            f"{language}: no such language; there is {', '.join(publication.languages)}"
        )
    names = [one.name for one in settings.newsletters]
    if newsletter is not None and newsletter not in names:
        raise UsageError(f"{newsletter}: no such newsletter; there is {', '.join(names)}")
    page = urls.public_url(publication, urls.subscriber_page_path(tag, "subscribe"))
    with closing(Renderer(settings.folders.templates)) as renderer:
        return renderer.subscriber_page(
            "web/subscriber/snippet.html",
            publication_view(publication, tag),
            action=page if newsletter is None else f"{page}?newsletter={newsletter}",
            newsletter=newsletter or (names[0] if len(names) == 1 else ""),
        )
