"""Find the faults of one document: RSS 2.0, Atom 1.0, JSON Feed 1.1 or OPML 2.0.

A checker that shares no code with the writers, so that a writer's mistake is not forgiven by
itself. It holds what a single document can show of the specifications, of the RSS Board's
profile and of the checks that public validators make, as far as we write it: any other element
is a fault. Each fault names the element and, in
round brackets, the rule; the RELAX NG grammar of RFC 4287 is one, too:

    1 ids, titles       11 language             23 ttl                  35 characters
    3 authors           12 enclosures in Atom   24 language of RSS      39 OPML
    4 links             13 generator, icon      25 relative addresses   43 archives
    5 updated           14 channel of RSS       26 image                44 tombstones
    6 plausible dates   15 dates of RSS         28 namespaces           45 JSON: feed
    7 uniqueness        16 items of RSS         30 dangerous markup     46 JSON: items
    8 kinds of text     17 guid                 31 CSS                  47 JSON: chain, hubs
    9 summary           18 self link of RSS     32 balanced HTML        48 JSON: extensions
    10 categories       19 order of content     33 images               59 stylesheet
    22 plain titles     20 enclosures of RSS    34 direction            60 podcasts, media
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from lxml import etree

from tools.feed_validator import atom, json_feed, opml, rss
from tools.feed_validator.xml import Document, document_faults, read

Kind = Literal["rss", "atom", "json", "opml"]

# The public validator and many feed readers do not read more.
MOST_BYTES = 5_000_000
_GRAMMAR = etree.RelaxNG(etree.parse(Path(__file__).with_name("atom.rng")))


def faults(document: bytes, kind: Kind) -> list[str]:
    """Return one line for each fault of the document; an empty list if there is none."""
    return [*_size(document), *_checked(document, kind)]


def _checked(document: bytes, kind: Kind) -> Iterator[str]:
    if kind == "json":
        yield from json_feed.check(document)
        return
    made = read(document)
    if not isinstance(made, Document):
        yield made
        return
    yield from document_faults(made)
    check = {"rss": rss.check, "atom": atom.check, "opml": opml.check}[kind]
    yield from check(made)
    if kind == "atom" and not _GRAMMAR.validate(made.root):
        yield f"document: {_GRAMMAR.error_log.last_error} (RFC 4287)"


def _size(document: bytes) -> Iterator[str]:
    if len(document) > MOST_BYTES:
        yield f"document: {len(document)} bytes are more than readers take (41)"
