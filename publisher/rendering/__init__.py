"""COMPOSE: an issue in, a digest, pages and feed entries out.

Content comes as frozen values with everything decided; templates lay it out; what comes back
is text. Knows no reader, no file below the web root, and no database.
"""

from publisher.rendering.model import (
    Digest,
    FeedAddress,
    FeedContent,
    FeedGroup,
    FeedLine,
    FeedPageLink,
    FeedTexts,
    HomeContent,
    House,
    IssueContent,
    IssueLine,
    Item,
    LanguageLink,
    Note,
    Related,
    SystemMail,
    Told,
)
from publisher.rendering.renderer import RENDERING_VERSION, Renderer

__all__ = [
    "RENDERING_VERSION",
    "Digest",
    "FeedAddress",
    "FeedContent",
    "FeedGroup",
    "FeedLine",
    "FeedPageLink",
    "FeedTexts",
    "HomeContent",
    "House",
    "IssueContent",
    "IssueLine",
    "Item",
    "LanguageLink",
    "Note",
    "Related",
    "Renderer",
    "SystemMail",
    "Told",
]
