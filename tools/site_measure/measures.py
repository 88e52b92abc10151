"""Compare what should have arrived of a site with what is there."""

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from tools.site_measure.dead_links import (
    NOTICES,
    dead_links,
    false_notices,
    is_copied,
    last_name,
    linked_files,
)
from tools.site_measure.documents import Expected, letters, without_tags
from tools.site_measure.fragments import Fragments, fragments_of, plain_text, template_links
from tools.site_measure.generators import same_language
from tools.site_measure.published import PublishedPage, PublishedSite

_RESIDUE = re.compile(
    r"\{\{|\{%|^\s*:::|\{: |<!--|-->|^import .+ from ['\"]|^export (?:const|default|function) "
    r"|\*\*|\[[^\[\]]+\]\[[\w -]*\]|\[[^\]\n]+\]\((?:https?:|/|\.)[^)\n]*\)|\{#[\w-]+\}|^```",
    re.MULTILINE,
)
_CONNECTORS = frozenset({"", "and", "by", "und", "et", "y", "和", "von"})
# Kinds of problems that say why words are missing.
_WORDS = frozenset({"missing-include", "unknown-tag", "unknown-component", "removed-element",
                    "unknown-shortcode", "empty-value", "template-error", "undefined-reference"})  # fmt: skip


@dataclass
class Measure:
    """One line of the table: how many of how many, and what failed."""

    name: str
    aim: float
    at_most: bool = False
    found: int = 0
    expected: int = 0
    failed: list[str] = field(default_factory=list)

    def count(self, is_right: bool, what: str) -> None:
        """Count one case; `what` names it if it failed."""
        self.expected += 1
        self.found += is_right != self.at_most
        if not is_right:
            self.failed.append(what)

    @property
    def percent(self) -> float:
        """The share that was found."""
        return 100 * self.found / self.expected if self.expected else 100 * (not self.at_most)

    @property
    def is_met(self) -> bool:
        """Whether the aim is reached."""
        return self.percent <= self.aim if self.at_most else self.percent >= self.aim


@dataclass(frozen=True)
class Match:
    """A document with its article and its page."""

    expected: Expected
    article: dict[str, Any]
    page: PublishedPage
    problems: list[dict[str, Any]]

    @property
    def file(self) -> str:
        """The document's path."""
        return str(self.expected.file.path)

    def has_problem(self, what: str, *kinds: str) -> bool:
        """Return whether a problem of one of some kinds names a value."""
        return any(
            one["kind"] in kinds and (what in unquote(one["what"]) or one["what"].endswith("…"))
            for one in self.problems
        )

    def number_of(self, *kinds: str) -> int:
        """Return how many problems of some kinds the document has."""
        return sum(one["kind"] in kinds for one in self.problems)


def measure(expected: list[Expected], site: PublishedSite, root: Path) -> list[Measure]:
    """Return all measures of a site in the folder `root`."""
    recall = Measure("articles recall", 99)
    precision = Measure("articles precision", 99)
    matches = list(_matches(expected, site, recall, precision))
    lost = Measure("lost without a notice", 0, at_most=True)
    for match in matches:
        _count_losses(match, fragments_of(match.expected.file), lost, site)
    links, dead = _count_links(matches, site)
    return [
        recall,
        precision,
        *_count_metadata(matches),
        _count_linked(matches),
        _count_residue(matches),
        links,
        dead,
        *_count_dead_links(matches, site, root),
        _count_addresses(matches, site),
        lost,
    ]


# Articles


def _matches(
    expected: list[Expected], site: PublishedSite, recall: Measure, precision: Measure
) -> Iterator[Match]:
    """Yield each document that has a page; pair by language and title, then by date and words."""
    free = list(site.articles)
    pairs: list[tuple[Expected, dict[str, Any]]] = []
    for is_alike in (_same_title_and_day, _same_title, _same_words):
        rest = [one for one in expected if not any(one is done for done, _ in pairs)]
        for one in rest:
            found = next((each for each in free if is_alike(one, each)), None)
            if found is not None:
                free.remove(found)
                pairs.append((one, found))
    originals = {_body_letters(one) for one, _article in pairs}
    for one in expected:
        article = next((each for done, each in pairs if done is one), None)
        if article is None and _body_letters(one) in originals:
            continue  # a copy in another language that is not translated
        page = site.page(article) if article else None
        held = [each for each in site.problems.get(str(one.file.path), []) if each["holds"]]
        why = f" (held back: {held[0]['kind']}: {held[0]['what']})" if held else ""
        recall.count(page is not None, f"{one.file.path}: {one.title}{why}")
        if article and page:
            yield Match(one, article, page, site.problems.get(str(one.file.path), []))
    for article in site.articles:
        precision.count(article not in free, f"{article['language']} {article['title']}")


def _body_letters(one: Expected) -> str:
    return letters(re.sub(r"\A\s*#[^\n]*\n", "", one.file.body))


def _same_title(one: Expected, article: dict[str, Any]) -> bool:
    plain = re.sub(r":\w+:|\[([^\]]*)\]\([^)]*\)|\{#[^}]*\}", r"\1", one.title)
    alike = letters(without_tags(plain)) == letters(
        re.sub(r"[\U0001f000-\U0001ffff]", "", article["title"])
    )
    return alike and same_language(one, article["language"])


def _same_title_and_day(one: Expected, article: dict[str, Any]) -> bool:
    return article["date"] in {str(day) for day in one.days} and _same_title(one, article)


def _same_words(one: Expected, article: dict[str, Any]) -> bool:
    """Return whether most sentences of a document are in an article of its language."""
    if not same_language(one, article["language"]):
        return False
    sentences = [letters(each) for each in fragments_of(one.file).sentences[:8]]
    text = letters(article["text"])
    return bool(sentences) and sum(each in text for each in sentences) * 2 > len(sentences)


def _count_metadata(matches: list[Match]) -> Iterator[Measure]:
    dates, authors = Measure("dates", 99), Measure("authors", 99)
    tags, languages = Measure("tags", 99), Measure("languages", 99)
    for match in matches:
        want, got = match.expected, match.article
        if want.days:
            days = sorted(map(str, want.days))
            dates.count(got["date"] in days, f"{match.file}: {got['date']}, not {days}")
        if want.authors:
            right = _are_authors(want.authors, got["authors"])
            authors.count(right, f"{match.file}: {got['authors']}, not {want.authors}")
        if want.tags:
            topics = {letters(one) for one in [*got["topics"], got["section"] or ""]}
            right = {letters(one) for one in want.tags} - {""} <= topics
            tags.count(right, f"{match.file}: {got['topics']}, not {want.tags}")
        if want.language:
            languages.count(same_language(want, got["language"]), f"{match.file}")
    yield from (dates, authors, tags, languages)


def _are_authors(written: Iterable[str], got: list[dict[str, str | None]]) -> bool:
    """Return whether names and affiliations together are what the document says."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ; ".join(written))
    rest = text
    for one in got:
        for part in (one["name"], one["affiliation"]):
            if part and part in rest:
                rest = rest.replace(part, " ", 1)
            elif part and part is one["name"]:
                return False
    words = {letters(one) for one in re.split(r"[\W_]+", rest)}
    return bool(got) and words <= _CONNECTORS


def _count_linked(matches: list[Match]) -> Measure:
    """Count stories in several languages whose documents are one story, and no other's."""
    linked = Measure("linked stories", 98)
    groups: defaultdict[str, list[Match]] = defaultdict(list)
    stories: defaultdict[str, set[str]] = defaultdict(set)
    for match in matches:
        groups[match.expected.group].append(match)
        stories[match.article["story"]].add(match.expected.group)
    for name, members in groups.items():
        found = {one.article["story"] for one in members}
        if len({one.article["language"] for one in members}) > 1:
            alone = all(len(stories[one]) == 1 for one in found)
            linked.count(len(found) == 1 and alone, f"{name}: {sorted(found)}")
    return linked


def _count_residue(matches: list[Match]) -> Measure:
    residue = Measure("pages with residue", 0.5, at_most=True)
    for match in matches:
        found = _RESIDUE.search(match.page.prose)
        around = (
            match.page.prose[max(0, found.start() - 30) : found.end() + 50] if found else ""
        )
        # Stars that CommonMark itself leaves are a fault of the document.
        stars = found is not None and found[0] == "**"
        is_written = stars and "**" in plain_text(match.expected.file)
        residue.count(not found or is_written, f"{match.file}: {around!r}")
    return residue


# Losses


def _count_losses(match: Match, parts: Fragments, lost: Measure, site: PublishedSite) -> None:
    page, links = match.page, Counter(_bare(one) for one in match.page.links)
    for href in parts.links:
        right = not _is_outside(href) or _bare(href) in links
        right = (
            right
            or (_is_on(href, site.home) and _is_kept(href, match, site))
            or match.has_problem(unquote(href), *NOTICES, "removed-element")
        )
        lost.count(right, f"{match.file}: link {href}")
    pictures = len(list(page.whole.iter("img"))) + match.number_of(
        "missing-picture", "unsupported-picture", "removed-element"
    )
    short = len(parts.pictures) - pictures
    lost.count(short <= 0, f"{match.file}: {short} pictures of {parts.pictures}")
    for address in parts.frames:
        name = urlsplit(address).path.rpartition("/")[2]
        right = any(name in one for one in page.links) or any(
            name in str(one.get("src")) for one in page.whole.iter("audio", "video", "source")
        )
        right = (
            right or match.number_of("removed-frame", "removed-element", "missing-picture") > 0
        )
        lost.count(right, f"{match.file}: frame {address}")
    for what, number, tag in (
        ("code", parts.code_blocks, "pre"),
        ("table", parts.tables, "table"),
    ):
        there = len(list(page.body.iter(tag))) + match.number_of("removed-element")
        lost.count(there >= number, f"{match.file}: {what} {there} of {number}")
    text = letters(page.text)
    for sentence in parts.sentences:
        right = letters(sentence) in text or match.number_of(*_WORDS) > 0
        lost.count(right, f"{match.file}: words {sentence!r}")


def _is_kept(href: str, match: Match, site: PublishedSite) -> bool:
    """Return whether a page has a link to a page or a file of its site, wherever that stands now.

    It may be the copy of a file, or the story in the language of the page.
    """
    path = urlsplit(href).path.removeprefix(urlsplit(site.home).path)
    names = {last_name(path), last_name(site.leads_to(path) or path)}
    # Copies have hyphens for dots in their names.
    names |= {re.sub(r"\.(?=.*\.)", "-", one) for one in names}
    return any(last_name(one) in names for one in match.page.links)


def _bare(href: str) -> str:
    return unquote(href).removesuffix("/").replace("&amp;", "&")


def _is_outside(href: str) -> bool:
    return href.startswith(("http://", "https://"))


def _is_on(href: str, base: str) -> bool:
    return bool(base) and urlsplit(href).netloc.removeprefix("www.") == urlsplit(
        base
    ).netloc.removeprefix("www.")


# Links and addresses


def _count_links(matches: list[Match], site: PublishedSite) -> tuple[Measure, Measure]:
    """Count links whose target is an article, and links of pages that lead to nothing."""
    links, dead = Measure("links between articles", 99), Measure("links of pages", 99)
    by_key = _targets(matches)
    places = {match.page.path: match.expected.file.body for match in matches}
    for match in matches:
        for href in _inside_links(match, site.home):
            target = next(
                (by_key[key] for key in _keys_of(href, match, site.home) if key in by_key), None
            )
            if target is not None:
                slug = f"/stories/{target.article['slug']}/"
                right = any(slug in one for one in match.page.links)
                right = right or (target.page.path == match.page.path and "#" in href)
                links.count(right, f"{match.file}: {href} -> {target.file}")
        for one in match.page.links:
            if one.startswith("#"):
                right = one in {"#", "#top"} or one[1:] in match.page.ids
                dead.count(right, f"{match.file}: {one}")
            elif one.startswith("/media/") or ("/stories/" in one and not _is_outside(one)):
                # What else begins with a slash is counted by `_count_dead_links`.
                right = site.file_at(one) is not None and _has_place(site, one, places)
                dead.count(right, f"{match.file}: {one}")
    return links, dead


def _count_dead_links(
    matches: list[Match], site: PublishedSite, root: Path
) -> Iterator[Measure]:
    """Count copies of linked files; dead links without a notice; and notices without a dead link."""
    files, unnoted = Measure("links to files", 99), Measure("dead links noted", 100)
    false = Measure("dead links right", 99)
    known = _targets(matches)
    for match in matches:
        for href, file in linked_files(match, root, site.home):
            files.count(is_copied(match, href, file, site), f"{match.file}: {href}")
        for href, is_noted in dead_links(match, site):
            unnoted.count(is_noted, f"{match.file}: {href}")
        for href, is_right in false_notices(match, site, root, known):
            false.count(is_right, f"{match.file}: {href}")
    yield from (files, unnoted, false)


def _has_place(site: PublishedSite, href: str, sources: dict[str, str]) -> bool:
    """Return whether a place in a page is there, unless its document does not name it either."""
    path, mark, place = href.partition("#")
    page = site.page_at(path) if mark and "/stories/" in path else None
    written = re.search(rf"[#\"'= ]{re.escape(place)}[\"'}} ]", sources.get(path, ""))
    return page is None or place in page.ids or not written


def _inside_links(match: Match, base: str) -> Iterator[str]:
    for href in fragments_of(match.expected.file).links:
        outside = urlsplit(href).scheme or href.startswith(("//", "#", "{", "%7B"))
        if not outside or (_is_on(href, base) and _is_outside(href)):
            yield href
    yield from (f"name:{one}" for one in template_links(match.expected.file))


def _targets(matches: list[Match]) -> dict[str, Match]:
    """Return documents by everything that a link may call them."""
    found: dict[str, Match] = {}
    counted: Counter[str] = Counter()
    for match in matches:
        names = {PurePosixPath(match.file).stem, match.expected.group}
        counted.update(names)
        keys = {
            f"file:{match.file}",
            *(f"address:{_page(one)}" for one in match.expected.addresses),
        }
        keys |= {f"name:{one}" for one in names}
        for key in keys:
            found.setdefault(key, match)
    ambiguous = {f"name:{one}" for one, number in counted.items() if number > 1}
    return {
        key: one
        for key, one in found.items()
        if key not in ambiguous or not key.startswith("name:index")
    }


def _keys_of(href: str, match: Match, base: str) -> Iterator[str]:
    """Yield what a link may mean, as its generator would read it."""
    if href.startswith("name:"):
        name = href[5:].partition("#")[0].strip("/")
        bare = re.sub(r"\.(md|markdown|html)$", "", name)
        yield from (f"file:{name}", f"name:{bare}", f"name:{bare.rpartition('/')[2]}")
        return
    path = unquote(urlsplit(href).path)
    if _is_outside(href):
        path = path.removeprefix(urlsplit(base).path.rstrip("/"))
    if not path:
        return
    folder = str(PurePosixPath(match.file).parent)
    if path.endswith((".md", ".mdx", ".markdown")):
        yield f"file:{posixpath.normpath(path.lstrip('/') if path[0] == '/' else f'{folder}/{path}')}"
    elif path.startswith("/"):
        yield f"address:{_page(path)}"
        yield f"address:{_page(path.removeprefix(urlsplit(base).path.rstrip('/')))}"
    else:
        own = next(iter(match.expected.addresses), None)
        if own:
            yield f"address:{_page(posixpath.normpath(posixpath.join(posixpath.dirname(own), path)))}"


def _page(path: str) -> str:
    bare = unquote(path)
    for ending in ("/index.html", ".html"):
        bare = bare.removesuffix(ending)
    return bare.strip("/")


def _count_addresses(matches: list[Match], site: PublishedSite) -> Measure:
    """Count old addresses at which the article stands, or that lead to it."""
    kept = Measure("old addresses", 99)
    prefix = urlsplit(site.base).path.rstrip("/")
    for match in matches:
        for address in match.expected.addresses:
            there = site.leads_to(address) or site.leads_to(f"{prefix}/{address.lstrip('/')}")
            right = there is not None and f"/stories/{match.article['slug']}/" in there
            right = right or match.has_problem(address, "lost-address")
            kept.count(right, f"{match.file}: {address} leads to {there}")
    return kept
