"""The body of an article inside a mail: as HTML that mail programs understand, and as text.

Both are made of the same blocks, so that both say the article's words, in its order. Knows no
template: whoever puts them into a mail says whose mail it is.
"""

from publisher.rendering.prose.addresses import Link, links, unshown
from publisher.rendering.prose.mail_html import mail_html
from publisher.rendering.prose.plain import plain_text
from publisher.rendering.prose.prose import Prose, parse, passages, quotations

__all__ = [
    "Link",
    "Prose",
    "links",
    "mail_html",
    "parse",
    "passages",
    "plain_text",
    "quotations",
    "unshown",
]
