"""Write Markdown documents into the folder of a source: fields in front matter, and names as its site has them.

Only the keys of changed fields are written; the others, their order and their comments stay. A key has the name that
the document has for it, else that of another article. What was written is read again and compared. Where files stand
follows from those that are there: a new article as the latest one, a translation beside its original as others. Each
name is read as a pick-up reads it; the first counts that is in the right language and story.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise, product
from pathlib import Path, PurePosixPath

import yaml

from publisher.articles.model import ParsedArticle
from publisher.config import Settings
from publisher.config.setting_keys import ABSENT
from publisher.config.sources import FolderSourceSettings
from publisher.config.toml_edit import change_text
from publisher.errors import ArticleError, LanguageError, UsageError
from publisher.i18n.messages import message
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers.document import parse_document
from publisher.ingest.parsers.fields import FALSE_WORDS, TRUE_WORDS
from publisher.ingest.parsers.front_matter import YamlValue, normal_key, split_front_matter
from publisher.ingest.pickup.story_keys import article_language, story_key
from publisher.ingest.sites import base as sites
from publisher.ingest.sites.common_front_matter import TRANSLATION_KEYS
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.detect import open_site
from publisher.ingest.sources.folder import document_of_site

# The names of front matter that mean a field; the first is written where no article has another one.
_NAMES = {
    "title": ["title"],
    "summary": ["summary", "description", "excerpt", "dek"],
    "byline": ["authors", "author", "by", "byline"],
    "date": ["date", "published", "published_at"],
    "topics": ["topics", "tags", "categories", "keywords"],
    "section": ["section", "category"],
    "translator": ["translator", "translators"],
}
# What generators other than this program read.
_NAMES_OF_SITES = {"summary": "description", "topics": "tags"}
_COMMAS = re.compile(r"[,，、،;；\n]")
_PERSON = re.compile(r"(?P<name>[^()（）]+?)\s*[(（](?P<affiliation>[^()（）]+)[)）]")


_LOSSY = message("its front matter can't be changed here without loss; change the file itself")


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document with line feeds: its front matter as it is written, its values by normalised keys, its text."""

    head: str = ""
    values: Mapping[str, YamlValue] = field(default_factory=dict)
    body: str = ""

    @classmethod
    def of(cls, content: bytes | None) -> "DocumentText":
        """Take a file apart. Raise ArticleError for what is not UTF-8, and front matter that can't be read."""
        try:
            text = (content or b"").decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise ArticleError.saying("not UTF-8; save it as UTF-8") from None
        parts = split_front_matter(text)
        return cls(text[: len(text) - len(parts.body)], parts.fields or {}, parts.body)

    @property
    def fields(self) -> dict[str, str]:
        """The fields as people see them: people one a line, topics with commas."""
        found = {name: _lines(self.values.get(self.key(name))) for name in _NAMES}
        shown = {name: "\n" if name == "byline" else ", " for name in found}
        texts = {name: shown[name].join(lines) for name, lines in found.items()}
        return {**texts, "text": self.body.strip("\n")}

    def key(
        self, name: str, others: Sequence["DocumentText"] = (), *, is_site: bool = False
    ) -> str:
        """Return the key of a field in this document: its own, else one of others."""
        for values in (self.values, *(one.values for one in others)):
            for key in _NAMES[name]:
                word = str(values.get(key) or "").strip().lower()
                if word and word not in TRUE_WORDS | FALSE_WORDS:
                    return key
        return (_NAMES_OF_SITES.get(name) if is_site else None) or _NAMES[name][0]

    def with_fields(
        self,
        changed: Mapping[str, str],
        more: Mapping[str, object],
        key_of: Callable[[str], str],
    ) -> str:
        """Return the document with changed fields, and `more` keys as they are. Raise ArticleError if that would spoil it."""
        keys = {name: key_of(name) for name in changed if name != "text"}
        values = {key: self._value(name, changed[name], key) for name, key in keys.items()}
        values |= more
        head, body = _changed_head(self.head, values) if values else self.head, self.body
        if "text" in changed:
            gap = "\n" if head and body[:1] in {"\n", ""} else ""
            body = f"{gap}{changed['text'].rstrip()}\n"
        touched, now = {*map(normal_key, values)}, split_front_matter(head + body).fields or {}
        if any(now.get(key) != self.values.get(key) for key in {*now, *self.values} - touched):
            raise ArticleError(_LOSSY)
        return head + body

    def _value(self, name: str, text: str, key: str) -> object:
        """Return what is written for a field; an author as before, if the line is the same."""
        parts = [one for part in _COMMAS.split(text) if (one := part.strip())]
        if not parts:
            return ABSENT
        if name == "topics":
            return parts
        if name == "byline":
            old = self.values.get(key)
            known = {
                _person_line(one): one for one in (old if isinstance(old, list) else [old])
            }
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            named = {
                line: found.groupdict() for line in lines if (found := _PERSON.fullmatch(line))
            }
            people = [known.get(line) or named.get(line, line) for line in lines]
            is_alone = len(people) == 1 and key != "authors" and not isinstance(old, list)
            return people[0] if is_alone else people
        return _moment(text.strip()) if name == "date" else " ".join(text.split())


def _lines(value: YamlValue) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    return [line for one in entries if (line := _person_line(one))]


def _person_line(entry: YamlValue) -> str:
    if not isinstance(entry, dict):
        return entry if isinstance(entry, str) else ""
    name, about = (str(entry.get(key) or "") for key in ("name", "affiliation"))
    return f"{name} ({about})" if about else name


def _moment(text: str) -> object:
    for kind in (date, datetime):
        try:
            return kind.fromisoformat(text)
        except ValueError:
            continue
    return text


def _changed_head(head: str, values: Mapping[str, object]) -> str:
    first, *lines = head.splitlines(keepends=True) if head else ("---\n", "---\n")
    if first.strip() not in {"---", "---yaml", "+++"}:
        raise ArticleError(_LOSSY)
    last = lines.pop()
    if not first.startswith("+++"):
        return first + "".join(_changed_lines(lines, values)) + last
    inner = "".join(lines)
    try:
        for key, value in values.items():
            inner = change_text(inner, [key], value)
    except ValueError:
        raise ArticleError(_LOSSY) from None
    return first + inner + last


def _changed_lines(lines: list[str], values: Mapping[str, object]) -> list[str]:
    """Return lines of YAML with the lines of some keys replaced, and those of new keys at the end."""
    found, end, done = dict(_spans(lines)), len(lines), [*lines]
    spans = [(*found.get(normal_key(key), (key, end, end)), key) for key in values]
    # From the end on, so that the numbers of lines above stay true.
    spans.sort(key=lambda one: one[1])
    for written, start, after, key in spans[::-1]:
        pair = {} if values[key] is ABSENT else {written: values[key]}
        text = yaml.safe_dump(pair, allow_unicode=True, sort_keys=False, width=10_000)
        done[start:after] = [text] if pair else []
    return done


def _spans(lines: Sequence[str]) -> Iterator[tuple[str, tuple[str, int, int]]]:
    """Yield of each key its spelling, its first line, and the one behind its last; comments between keys are of none."""
    node = yaml.compose("".join(lines), Loader=yaml.SafeLoader)
    if node is not None and (not isinstance(node, yaml.MappingNode) or node.flow_style):
        raise ArticleError(_LOSSY)
    keys = [key for key, _value in node.value] if node else []
    starts = [*(key.start_mark.line for key in keys), len(lines)]
    for key, (start, following) in zip(keys, pairwise(starts), strict=True):
        end = following
        while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1][0] == "#"):
            end -= 1
        yield normal_key(key.value), (key.value, start, end)


# Where the translation of a file stands is set up in their scripts, which are not run.
_UNWRITTEN_SITES = frozenset({"eleventy", "vitepress"})
WRITTEN_SUFFIXES = frozenset({".md", ".markdown", ".mdx"})
# The folder of pictures on sites whose generators serve none from beside a text.
_PICTURES = {"jekyll": "assets/articles", "hugo": "articles"}
_DATED_NAME = re.compile(r"\d{4}-\d{2}-\d{2}-")
# Where the first article of a site stands below the folder that its generator reads.
_FIRST = {"jekyll": "_posts/{1}-{0}.md", "hugo": "posts/{0}.md", "docusaurus": "{1}-{0}.md"}
_MOST_MODELS = 5  # existing files after which a new one may be named

# Paths of articles that a source has, with their languages, the latest first; and keys of front matter with values.
KnownPaths = Sequence[tuple[PurePosixPath, str]]
MoreKeys = Mapping[str, object]


class SiteFolder:
    """A source's folder. Raises UsageError if its site can't be written, SourceError if its configuration can't be read."""

    def __init__(self, settings: Settings, source: FolderSourceSettings) -> None:
        self.folder = settings.folders.root / source.path
        self.is_committed = source.git_commit
        self._publication = settings.publication
        self._default = source.language or settings.publication.default_language
        options = sites.SiteOptions(source, settings.publication.languages)
        self._site = open_site(ConfigurationFiles(self.folder), options)
        self.generator = self._site.generator
        if self.generator in _UNWRITTEN_SITES:
            raise UsageError(
                f"{source.name}: is a site of {self.generator}, which can't be written; take editable = true out of its table"
            )

    def content(self, path: PurePosixPath) -> bytes | None:
        """Return what is in a file; None if there is none. Raise ArticleError if it can't be read."""
        place = self.place(path)
        try:
            return place.read_bytes() if place.is_file() else None
        except OSError as error:
            raise ArticleError.saying(
                "%(file)s: can't be read: %(reason)s", file=path, reason=error.strerror or ""
            ) from None

    def place(self, path: PurePosixPath) -> Path:
        """Return a file's path on the disk. Raise ArticleError for a link, and for one that leads elsewhere."""
        place, root = self.folder / path, os.path.realpath(self.folder)
        if place.is_symlink() or not Path(os.path.realpath(place.parent)).is_relative_to(root):
            raise ArticleError.saying(
                "%(file)s: is a link, or in a folder that is one; it can't be written",
                file=path,
            )
        return place

    def read_as(self, path: PurePosixPath, content: bytes) -> tuple[str, str] | None:
        """Return the language and the story that a document has at a path; None if it is no article there."""
        if isinstance(self._site.classify(path), sites.LeftOut):
            return None
        document = document_of_site(self._site, path, content)
        try:
            parsed = document.describe(DocumentText.of(content).values)
            language = article_language(parsed, path, self._publication, self._default)
        except (sites.LeftOutError, ArticleError, LanguageError):
            return None
        return language, story_key(parsed, path, self._publication)

    def parsed(
        self, path: PurePosixPath, content: bytes, library: MediaLibrary
    ) -> ParsedArticle:
        """Read a document as a pick-up does. Raise ArticleError."""
        try:
            return parse_document(document_of_site(self._site, path, content), library)
        except sites.LeftOutError as error:
            reason = error.left_out.reason.value
            raise ArticleError.saying("is left out: %(reason)s", reason=reason) from None

    def picture_place(self, path: PurePosixPath, name: str) -> tuple[PurePosixPath, str]:
        """Return where a picture of the article at `path` stands, and its address in the text."""
        folder = _PICTURES.get(self.generator)
        if folder is None:
            return path.parent / name, name
        return self._site.static[0] / folder / name, f"/{folder}/{name}"

    # Names

    def new_places(
        self, slug: str, language: str, day: date, known: KnownPaths
    ) -> Iterator[PurePosixPath]:
        """Yield where a new article may stand, the likeliest first."""
        models = sorted(known[: 10 * _MOST_MODELS], key=lambda one: one[1] != language)
        named = [(_named_like(path, slug, day), tag) for path, tag in models[:_MOST_MODELS]]
        first = _FIRST.get(self.generator, "{0}.md").format(slug, day)
        root = PurePosixPath() if self.generator == "jekyll" else next(iter(self._site.folders))
        for place, tag in (*named, (root / first, self._default)):
            yield place
            yield from self.translated_places(place, tag, language, known)

    def translated_places(
        self, path: PurePosixPath, written_in: str, language: str, known: KnownPaths
    ) -> list[PurePosixPath]:
        """Return where the translation of a file may stand, the likeliest first."""
        page = self._site.classify(path)
        beside = page.beside if isinstance(page, sites.SitePage) else ()
        found = [folder / path.name for folder in beside]
        own = [one for one, tag in known if tag == language]
        for code in self._codes(language, own):
            found += _with_code(path, code, written_in)
        usual = {(one.parent, "." in one.stem) for one in own}
        return sorted(
            dict.fromkeys(found), key=lambda one: (one.parent, "." in one.stem) not in usual
        )

    def _codes(self, language: str, own: Sequence[PurePosixPath]) -> list[str]:
        """Return how a site may write a language in names: as it does, else in all ways."""
        parts = (part for one in own for part in (*one.parts[:-1], one.stem.rpartition(".")[2]))
        served = self._publication.serves
        used = (one for one in parts if (tag := _tag(one)) and (served(tag) or tag) == language)
        usual = [language, language.lower(), language.replace("-", "_"), language[:2]]
        # Hugo's codes have small letters.
        usual = usual[1:] if self.generator == "hugo" else usual
        return [*dict.fromkeys((*used, *usual))]

    def choose_place(
        self,
        places: Iterable[PurePosixPath],
        more: Iterable[MoreKeys],
        content_of: Callable[[MoreKeys], bytes],
        is_wanted: Callable[[tuple[str, str]], bool],
    ) -> tuple[PurePosixPath, bytes] | None:
        """Return the first free place where a document is read as wanted, with the first of some further keys by which it is."""
        for content, path in product(map(content_of, more), dict.fromkeys(places)):
            place = self.folder / path
            if os.path.lexists(place):
                continue
            if (found := self.read_as(path, content)) and is_wanted(found):
                return path, content
        return None

    def linking_keys(self, original: DocumentText, language: str, key: str) -> list[MoreKeys]:
        """Return front matter that may join a translation to its original: what both share, then its language, then the story."""
        values = original.values
        shared = {one: values[one] for one in TRANSLATION_KEYS if one in values}
        with_language = {**shared, "lang": language}
        last: dict[str, object] = {"key": key} if self.generator == "plain" else {}
        if self.generator == "jekyll" and "permalink" in values:
            last = {"permalink": values["permalink"]}
        return [shared, with_language, {**with_language, **last}]


def _named_like(model: PurePosixPath, slug: str, day: date) -> PurePosixPath:
    """Return a name as an existing file has it: in the same folder, with a date or a suffix if that has one."""
    bare, dot, suffix = model.stem.partition(".")
    is_bundle = bare == "index" and len(model.parts) > 1
    is_dated = _DATED_NAME.match(model.parent.name if is_bundle else bare)
    name = f"{day}-{slug}" if is_dated else slug
    if is_bundle:
        return model.parent.with_name(name) / model.name
    return model.with_name(f"{name}{dot}{suffix}{model.suffix}")


def _with_code(path: PurePosixPath, code: str, written_in: str) -> Iterator[PurePosixPath]:
    """Yield a path with a language's code instead of the one that it has, in a folder, and as a suffix."""

    def is_own(part: str) -> bool:
        return (_tag(part) or "").partition("-")[0] == written_in.partition("-")[0]

    folders = [code if is_own(one) else one for one in path.parts[:-1]]
    if folders != [*path.parts[:-1]]:
        yield PurePosixPath(*folders, path.name)
    yield PurePosixPath(code, path)
    if len(path.parts) > 1:
        yield PurePosixPath(path.parts[0], code, *path.parts[1:])
    stem, _dot, suffix = path.stem.rpartition(".")
    yield path.with_name(
        f"{stem if stem and is_own(suffix) else path.stem}.{code}{path.suffix}"
    )


def _tag(part: str) -> str | None:
    return sites.tag_of(part) if sites.is_language_code(part) else None
