"""COMPOSE: an issue in, a digest, pages and feed entries out.

Content comes as frozen values with everything decided; templates lay it out; what comes back
is text. Knows no reader, no file below the web root, and no database.
"""

from publisher.rendering.model import (
    ArticleView,
    Digest,
    DigestNote,
    FeedAddress,
    FeedContent,
    FeedGroup,
    FeedLine,
    FeedPageLink,
    FeedTexts,
    HomeContent,
    IssueContent,
    IssueLine,
    LanguageLink,
    PublicationView,
    RelatedArticle,
    StoryText,
    SystemMail,
)
from publisher.rendering.renderer import RENDERING_VERSION, Renderer

__all__ = [
    "RENDERING_VERSION",
    "ArticleView",
    "Digest",
    "DigestNote",
    "FeedAddress",
    "FeedContent",
    "FeedGroup",
    "FeedLine",
    "FeedPageLink",
    "FeedTexts",
    "HomeContent",
    "IssueContent",
    "IssueLine",
    "LanguageLink",
    "PublicationView",
    "RelatedArticle",
    "Renderer",
    "StoryText",
    "SystemMail",
]
