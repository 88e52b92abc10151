"""Articles of which each field and each file name is a hostile text, and whether it became more than text anywhere.

Each text has a mark of its own. No tests.
"""

import email
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import lxml.etree
import lxml.html

from publisher.articles.model import Article
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.hostile_texts import MARK

DAY = timedelta(days=1)
# So many texts a day: a mail shows about forty articles, the newest first, and links to the page for the others.
BATCH = 20
DAILY = {"title": {"en": "Every day"}, "schedule": "0 9 * * *", "max_articles": 100}
# Attributes that browsers neither load nor run, and that are of a text.
_HARMLESS = {
    "title",
    "content",
    "alt",
    "value",
    "aria-label",
    "term",
    "label",
    "text",
    "description",
}
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]")


def marked(texts: Sequence[str]) -> dict[str, str]:
    marks = [f"{MARK}{number}x" for number in range(len(texts))]
    return {mark: text.replace(MARK, mark) for mark, text in zip(marks, texts, strict=True)}


def write_people(publication: PublicationFolder, texts: Mapping[str, str]) -> None:
    """Have a person of each name; settings refuse those of several lines, or with control characters."""
    people = [
        f"[{mark}]\nname = {json.dumps(text)}\naffiliation = {json.dumps(text)}\n"
        for mark, text in texts.items()
        if text.isprintable()
    ]
    (publication.settings.folders.root / "people.toml").write_text("\n".join(people))


def write_hostile(publication: PublicationFolder, texts: Mapping[str, str]) -> set[str]:
    """Write articles with each text in all fields, and such of which the file has it for a name.

    Give the marks of those that are no title: what looks like a template is refused there, and is in the others.
    """
    for mark, text in texts.items():
        _write_article(publication, mark, text, title=text)
        # A slash makes folders, whose names have the rest.
        publication.write(f"en/{text}.md", "Words.", title=f"File {mark}", date="2026-01-04")
    publication.pick_up()
    refused = {
        path: reason for path, reason in publication.quarantine().items() if MARK in path
    }
    assert all("template code" in one for one in refused.values()), refused
    marks = {mark for mark in texts if f"en/{mark}.md" in refused}
    for mark in marks:
        _write_article(publication, mark, texts[mark], title=f"Title {mark}")
    return marks


def _write_article(publication: PublicationFolder, mark: str, text: str, title: str) -> None:
    written, byline = json.dumps(text), json.dumps({"name": text, "affiliation": text})
    fields = {"title": json.dumps(title), "summary": json.dumps(title), "section": written}
    lists = {"authors": f"[{byline}, {mark}]", "topics": f"[{written}]"}
    about = {"date": "2026-01-05", "key": mark}
    publication.write(f"en/{mark}.md", "Words.", **fields, **lists, **about)


@dataclass
class Played:
    """What became of hostile articles: files, mails, and articles by their marks."""

    publication: PublicationFolder
    texts: Mapping[str, str]
    # Marks of texts that are no title.
    untitled: set[str] = field(default_factory=set)
    mails: list[EmailMessage] = field(default_factory=list)

    def articles(self) -> dict[str, Article]:
        found = self.publication.all()
        return {mark: found[mark, "en"] for mark in self.texts}

    def files(self, *patterns: str) -> list[Path]:
        """Return files but the index of the search: plain text, shown as text (tests/slow/browser/test_search.py)."""
        public = self.publication.settings.folders.public
        found = [one for pattern in patterns for one in sorted(public.rglob(pattern))]
        return [one for one in found if one.parts[-2:] != ("search", f"{one.stem}.json")]


def play(publication: PublicationFolder, texts: Mapping[str, str]) -> Played:
    """Publish and mail hostile articles, each day as many as a mail shows."""
    write_people(publication, texts)
    publication.reload(languages=["en"], newsletters=[DAILY])
    subscribe(publication, ("ann@example.com", "en"))
    played, left = Played(publication, texts), [*texts]
    while left:
        batch, left = left[:BATCH], left[BATCH:]
        played.untitled |= write_hostile(publication, {mark: texts[mark] for mark in batch})
        pipeline_of(publication).run()
        publication.at(publication.clock.now() + DAY)
    for content in outbox(publication).values():
        parsed = email.message_from_bytes(content, policy=default)
        assert isinstance(parsed, EmailMessage)
        played.mails.append(parsed)
    return played


# --- what is active, and what is shown


def active(root: Any) -> Iterator[str]:
    """Give elements and attributes that a marked text has become."""
    for one in root.iter():
        if not isinstance(one.tag, str):
            yield from [f"comment {one.text}"] if MARK in (one.text or "") else []
            continue
        data = "ld+json" in str(one.get("type"))
        if lxml.etree.QName(one).localname in {"script", "style"} and not data:
            yield from [f"{one.tag} {one.text}"] if MARK in (one.text or "") else []
        for name, value in one.attrib.items():
            if MARK in f"{name}{value}" and name not in _HARMLESS and not _is_own(name, value):
                yield f"<{one.tag} {name}={value}>"


def _is_own(name: str, value: str) -> bool:
    """Say if an address or a name of ours has a mark in it, and nothing else of its text."""
    if name in {"action", "href", "src", "url", "xmlUrl", "htmlUrl"}:
        return bool(re.fullmatch(r"(?:https://news\.example\.org/)?[\w/.#?=%&~+-]*", value))
    return name == "id" and bool(re.fullmatch(r"[\w-]*", value))


def active_in(path: Path) -> list[str]:
    """Give what is active in a page or in a feed, also in the HTML that a feed carries as text."""
    content = path.read_bytes()
    if path.suffix == ".html":
        return [*active(lxml.html.document_fromstring(content))]
    if path.suffix == ".json":
        carried = [one.get("content_html", "") for one in json.loads(content)["items"]]
        return [line for one in carried for line in active_in_html(one)]
    root = lxml.etree.fromstring(content)
    found = [*active(root)]
    for one in root.iter("*"):
        if one.text and "<" in one.text and one.tag != "title":
            found += active_in_html(one.text) if _is_html(one) else []
    return found


def _is_html(element: Any) -> bool:
    """Say if an element's text is HTML by its format; a channel's description is plain text."""
    name, parent = lxml.etree.QName(element).localname, element.getparent()
    of_item = parent is not None and lxml.etree.QName(parent).localname == "item"
    return element.get("type") == "html" or (of_item and name in {"description", "encoded"})


def active_in_html(text: str) -> list[str]:
    return [*active(lxml.html.document_fromstring(f"<p>{text}"))]


def controls(text: str) -> list[str]:
    """Give characters that a terminal or a log would take for more than text."""
    return _CONTROLS.findall(text)


def squeezed(text: str) -> str:
    return " ".join(text.split())


# --- what is looked at


def faults(played: Played) -> Iterator[str]:
    """Say where a text is more than text, or where its article does not show it."""
    yield from _faults_of_files(played)
    yield from _faults_of_feeds(played)
    yield from _faults_of_mails(played)


def _faults_of_files(played: Played) -> Iterator[str]:
    files = played.files("*.html", "*.xml", "*.json", "*.opml")
    looked_at = 0
    for path in files:
        if MARK in path.read_text("utf-8"):
            looked_at += 1
            yield from (f"{path.name}: {one}" for one in active_in(path))
    if looked_at < 2 * len(played.texts):
        yield f"only {looked_at} files have texts"
    for mark, one in played.articles().items():
        lists = {"topics", "authors", "sections"}
        (page,) = (
            path
            for path in files
            if path.parts[-2:] == (one.slug, "index.html") and lists.isdisjoint(path.parts)
        )
        document: Any = lxml.html.document_fromstring(page.read_bytes())
        yield from _unless(mark, document.xpath("//h1")[0].text_content(), one.title, "page")


def _faults_of_feeds(played: Played) -> Iterator[str]:
    """Compare titles, authors and topics of feeds with those of the articles."""
    titles = {mark: one.title for mark, one in played.articles().items()}
    for kind in ("rss.xml", "atom.xml", "json"):
        seen = [squeezed(one) for path in played.files(f"*.{kind}") for one in _titles(path)]
        for mark, title in titles.items():
            if squeezed(title) not in seen:
                yield f"{kind} has no title {title!r} ({mark})"


def _titles(path: Path) -> Iterator[str]:
    if path.suffix == ".json":
        for item in json.loads(path.read_bytes())["items"]:
            yield item["title"].replace("\u202c", "")
        return
    root: Any = lxml.etree.fromstring(path.read_bytes())
    for one in root.iter("{*}title"):
        text = "".join(one.itertext())
        html: Any = lxml.html.fromstring(f"<p>{text}")
        shown = html.text_content() if _is_html(one) else text
        # An invisible sign keeps readers that look for tags in plain text from finding one, and another one
        # ends what would reverse the text behind it.
        yield shown.replace("\u2060", "").replace("\u202c", "")


def _faults_of_mails(played: Played) -> Iterator[str]:
    headers = {tuple(mail.keys()) for mail in played.mails}
    if len(headers) != 1:
        yield f"mails have other fields: {headers}"
    for mail in played.mails:
        html, plain = mail.get_body(("html",)), mail.get_body(("plain",))
        assert html is not None
        assert plain is not None
        yield from active_in_html(html.get_content())
        words = plain.get_content().replace("\r\n", "\n")
        yield from (f"plain text has {one!r}" for one in controls(words))
        if controls(str(mail["Subject"])):
            yield f"subject {mail['Subject']!r}"
    yield from _faults_of_titles_in_mails(played)


def _faults_of_titles_in_mails(played: Played) -> Iterator[str]:
    """Say which title no mail shows: each article is in one of them."""
    shown = [_shown_by(mail) for mail in played.mails]
    for mark, one in played.articles().items():
        title = _without_directions(one.title)
        if not any(title in text for text in shown):
            yield f"no mail has the title {title!r} ({mark})"


def _shown_by(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    html: Any = lxml.html.document_fromstring(body.get_content())
    return _without_directions(html.text_content())


def _without_directions(text: str) -> str:
    return squeezed(re.sub("[\u200b-\u200f\u2028-\u202e\u2060-\u2069]", "", text))


def _unless(mark: str, shown: str, wanted: str, where: str) -> Iterator[str]:
    if squeezed(shown) != squeezed(wanted):
        yield f"{where} of {mark} shows {shown!r} for {wanted!r}"
