"""Render digests, system mails, web pages and feed entries from templates.

Content comes in as frozen values (`model`, made by `views`); the results are strings.
"""

from publisher.rendering.model import (
    ArticleView,
    CorrectionNote,
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
    StoryToTranslate,
    SystemMail,
    WaitingIssue,
)
from publisher.rendering.renderer import RENDERING_VERSION, Renderer

__all__ = [
    "RENDERING_VERSION",
    "ArticleView",
    "CorrectionNote",
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
    "StoryToTranslate",
    "SystemMail",
    "WaitingIssue",
]
