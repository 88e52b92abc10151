"""The content of an article inside a mail, as HTML for mail programs and as plain text.

Both parts are made from the same blocks (`publisher.articles.content`), so they have the same words in the same order.
"""

from publisher.rendering.prose.mail_content import (
    BodyLink,
    body_links,
    content_opening,
    mail_content,
    omitted_pictures,
)
from publisher.rendering.prose.mail_html import mail_html
from publisher.rendering.prose.plain_text import plain_text

__all__ = ["BodyLink", "body_links", "content_opening", "mail_content", "mail_html"]
__all__ += ["omitted_pictures", "plain_text"]
