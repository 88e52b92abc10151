"""Render digests, system mails, web pages and feed entries from templates.

Content comes in as frozen values (`model`, made by `views`); the results are strings.
"""

from publisher.rendering.model import (
    ArticleView,
    Digest,
    HomeContent,
    IssueContent,
    IssueLine,
    LanguageLink,
    PublicationView,
    SystemMail,
)
from publisher.rendering.renderer import Renderer

__all__ = ["ArticleView", "Digest", "HomeContent", "IssueContent", "IssueLine", "LanguageLink"]
__all__ += ["PublicationView", "Renderer", "SystemMail"]
