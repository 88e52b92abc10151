"""The body of an article inside a mail: as HTML that mail programs understand, and as text.

Both are made of the same blocks, so that both say the article's words, in its order. Knows no
template: whoever puts them into a mail says whose mail it is.
"""

from publisher.rendering.prose.addresses import BodyLink, body_links, omitted_pictures
from publisher.rendering.prose.mail_html import mail_html
from publisher.rendering.prose.plain import plain_text
from publisher.rendering.prose.prose import ArticleContent, parse_content, passages, quotations

__all__ = [
    "ArticleContent",
    "BodyLink",
    "body_links",
    "mail_html",
    "omitted_pictures",
    "parse_content",
    "passages",
    "plain_text",
    "quotations",
]
