"""Drafts of articles and translations: list, begin, read, store, discard, and add pictures.

An original is written by those who may edit issues in its language, a translation by those who may translate into
it. A file has one draft at a time, which all of them share. To publish it, pictures are written first, then the text,
by rename, and over nothing that has changed. A transaction holds the draft meanwhile: of two that publish at once, one
is refused. After a kill on the way, pictures may be there, or the file, and the draft as well: to publish it again
writes into the same file, and ends it.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa

from publisher.accounts.audit import AuditEntry, read_log
from publisher.accounts.model import Actor, Permission
from publisher.accounts.store import account_by_id
from publisher.app.editing_state import EditingState
from publisher.app.git_commits import commit_files
from publisher.app.translations import TranslationDetails, read_translation, start_translation
from publisher.articles.content.text import clean_characters
from publisher.articles.model import ArticleStatus, Origin, ParsedArticle, Provenance
from publisher.articles.tables import article, story
from publisher.config import Settings
from publisher.config.setting_keys import ABSENT
from publisher.drafts import store
from publisher.drafts.store import FIELDS, Draft, draft_table
from publisher.errors import (
    ArticleError,
    CommandError,
    DraftConflictError,
    DraftError,
    SourceError,
    TranslationError,
    UsageError,
)
from publisher.files import storage_errors, write_over
from publisher.ingest.media.document_media import FolderFiles
from publisher.ingest.parsers.fields import date_in_name
from publisher.ingest.tables import source_item
from publisher.ingest.writing import WRITTEN_SUFFIXES, DocumentText, MoreKeys, SiteFolder
from publisher.translations.listing import offered_languages
from publisher.translations.model import CellState
from publisher.urls import story_slug

# Characters of the text, a long chapter, and of each other field.
MAX_DRAFT_TEXT, _MAX_LINE = 300_000, 2_000
# Bytes of a picture before it is encoded again, and how many a draft may have.
MAX_PICTURE_BYTES, _MOST_PICTURES = 20_000_000, 30
_MOST_LISTED = 40
_KNOWN_FILES = 500  # files of a source whose names say how others are named
# A line that opens or closes a block of code.
_FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """An article that stands in a file that can be written: its row (`written_rows`), and the file's folder."""

    row: sa.Row[Any]
    folder: SiteFolder

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.row.path)

    @property
    def text(self) -> DocumentText:
        return DocumentText.of(self.folder.content(self.path))

    @property
    def sha256(self) -> str:
        return sha256_of(self.folder.content(self.path))

    @property
    def paragraphs(self) -> list[str]:
        """The paragraphs of its text; a block of code is one."""
        found: list[str] = []
        for piece in re.split(r"\n[ \t]*\n", self.text.body.strip("\n")):
            if found and len(_FENCE.findall(found[-1])) % 2:
                found[-1] += f"\n\n{piece}"
            else:
                found.append(piece)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftDetails:
    """A draft with what is shown beside it: `on_disk` are the fields of a file that has changed since, `disk` is its hash.

    `problem` is why not all of it can be shown, such as a file that can't be read, or an original that is gone.
    """

    draft: Draft
    pictures: Sequence[sa.Row[Any]]
    history: Sequence[AuditEntry]
    disk: str = ""
    on_disk: Mapping[str, str] | None = None
    problem: str = ""
    original: WrittenFile | None = None  # of a translation
    story: TranslationDetails | None = None


def require_written_sites(settings: Settings) -> None:
    """Raise UsageError for an editable source whose site can't be written."""
    for source in settings.editable_sources:
        SiteFolder(settings, source)


def open_folder(settings: Settings, name: str) -> SiteFolder:
    """Return the folder of an editable source; raise DraftError for another one."""
    for source in settings.editable_sources:
        if source.name == name:
            return SiteFolder(settings, source)
    raise DraftError.saying(
        "%(source)s: can't be written; set editable = true in its table", source=name
    )


def _permission(story_key: str) -> Permission:
    return Permission.TRANSLATE if story_key else Permission.EDIT_ISSUE


def list_drafts(state: EditingState, actor: Actor) -> list[sa.Row[Any]]:
    """Return the drafts that the actor may change, without their texts, the actor's own first."""
    with state.database.reading() as connection:
        found = store.draft_lines(connection)
    own = (one for one in found if actor.permits(_permission(one.story), one.language))
    return sorted(own, key=lambda one: one.by != actor.name)


def list_written_articles(state: EditingState, actor: Actor) -> list[sa.Row[Any]]:
    """Return the latest articles that the actor may edit in their files: `id`, `language`, `title`, `published_on`."""
    tags = state.settings.publication.languages
    own = [tag for tag in tags if actor.permits(Permission.EDIT_ISSUE, tag)]
    with state.database.reading() as connection:
        return written_rows(state, connection, article.c.language.in_(own))[:_MOST_LISTED]


def written_rows(
    state: EditingState, connection: sa.Connection, *where: sa.ColumnElement[bool]
) -> list[sa.Row[Any]]:
    """Return the latest articles whose files can be written, with source, path and the story's key."""
    place = source_item.c.source, source_item.c.key.label("path"), story.c.key.label("story")
    own = article.c[
        "id", "story_id", "language", "title", "origin", "published_on", "published_at"
    ]
    names = [one.name for one in state.settings.editable_sources]
    shown = (article.c.status != ArticleStatus.WITHDRAWN, article.c.origin != Origin.CONVERTED)
    query: sa.Select[Any] = sa.select(*own, *place).join_from(source_item, article).join(story)
    query = query.where(source_item.c.source.in_(names), *shown, *where).limit(_KNOWN_FILES)
    rows = connection.execute(
        query.order_by(article.c.published_at.desc(), article.c.id.desc())
    )
    return [one for one in rows if PurePosixPath(one.path).suffix.lower() in WRITTEN_SUFFIXES]


def _file_of(
    state: EditingState, connection: sa.Connection, *where: sa.ColumnElement[bool]
) -> WrittenFile:
    """Return an article's file; raise DraftError if there is none that can be written."""
    for row in written_rows(state, connection, *where):
        return WrittenFile(row, open_folder(state.settings, row.source))
    raise DraftError.saying(
        "its file can't be written: it is no Markdown in a source with editable = true"
    )


def find_original(
    state: EditingState, connection: sa.Connection, draft: Draft
) -> WrittenFile | None:
    """Return what a draft translates; None for an original."""
    where = (story.c.key == draft.story, article.c.origin == Origin.ORIGINAL)
    return _file_of(state, connection, *where) if draft.story else None


def sha256_of(content: bytes | None) -> str:
    """Return the hash of a file's content; empty for a file that is not there."""
    return hashlib.sha256(content).hexdigest() if content is not None else ""


def begin_article(
    state: EditingState, actor: Actor, source: str, language: str, title: str
) -> Draft:
    """Begin a new article, dated today."""
    actor.require(Permission.EDIT_ISSUE, language)
    offered_languages(state.settings, language)
    open_folder(state.settings, source)
    if not (title := clean_field("title", title)):
        raise DraftError.saying("write a title")
    day = str(state.clock.now().astimezone(state.settings.zone()).date())
    given = {"title": title, "date": day, "byline": None}
    return _begun(state, actor, given, source=source, language=language)


def begin_edit(state: EditingState, actor: Actor, number: int) -> Draft:
    """Begin to edit an article, by its id; return the draft of its file, if there is one."""
    with state.database.reading() as connection:
        file = _file_of(state, connection, article.c.id == number)
    actor.require(Permission.EDIT_ISSUE, file.row.language)
    is_translation = file.row.origin == Origin.TRANSLATION
    return _of_file(state, actor, file, file.row.story if is_translation else "")


def begin_translation(state: EditingState, actor: Actor, number: int, language: str) -> Draft:
    """Begin a translation of a story, by its id, or go on with one; it is claimed, if one is wanted."""
    actor.require(Permission.TRANSLATE, language)
    with state.together() as inner:
        details = read_translation(inner, actor, number, language)
        key, cell = details.story.key, details.cell
        if cell.state is not CellState.TRANSLATION:
            start_translation(inner, actor, key, language)
        with inner.database.reading() as connection:
            original = _file_of(inner, connection, article.c.id == details.story.original_id)
            there = written_rows(inner, connection, article.c.id == (cell.article_id or 0))
        if there:
            folder = open_folder(inner.settings, there[0].source)
            return _of_file(inner, actor, WrittenFile(there[0], folder), key)
        shared = original.text.fields
        given = {name: shared[name] for name in ("byline", "date", "topics", "section")}
        place = {"source": original.row.source, "language": language, "story": key}
        return _begun(inner, actor, {**given, "translator": None}, **place)


def _of_file(state: EditingState, actor: Actor, file: WrittenFile, story_key: str) -> Draft:
    place = {name: getattr(file.row, name) for name in ("source", "language", "path")}
    read = {"base": file.sha256, "began": file.text.fields, "story": story_key}
    return _begun(state, actor, file.text.fields, **place, **read)


def _begun(
    state: EditingState, actor: Actor, given: Mapping[str, str | None], **values: Any
) -> Draft:
    """Return the draft of a file or a translation, if there is one, else a new one. None is the actor's own name."""
    about, columns = values.get("path") or values.get("story"), draft_table.c
    names = ("story", "language") if values.get("story") else ("source", "path")
    same = [columns[name] == values.get(name) for name in names]
    what = about or given["title"] or ""
    with state.changing(actor, "begin draft", what, {"language": values["language"]}) as change:
        if about and (known := store.drafts_where(change.connection, *same)):
            change.is_repeated = True
            return known[0]
        name = _own_name(change.connection, actor)
        typed = {key: name if text is None else text for key, text in given.items()}
        fields = {**dict.fromkeys(FIELDS, ""), **typed}
        more = {"began": {}, "by": actor.name, "changed_at": state.clock.now(), **values}
        return store.insert_draft(change.connection, Draft(fields=fields, **more))


def _own_name(connection: sa.Connection, actor: Actor) -> str:
    """Return the name of the actor's account; empty for the terminal's."""
    return account_by_id(connection, actor.account_id).name if actor.account_id else ""


def require_draft(connection: sa.Connection, actor: Actor, number: int) -> Draft:
    """Return a draft that the actor may change; raise DraftError or ForbiddenError."""
    draft = store.find_draft(connection, number)
    actor.require(_permission(draft.story), draft.language)
    return draft


def read_draft(state: EditingState, actor: Actor, number: int) -> DraftDetails:
    with state.database.reading() as connection:
        draft = require_draft(connection, actor, number)
        about = (f"draft {number}", draft.path or "-")
        found = DraftDetails(
            draft=draft,
            pictures=store.pictures_of_draft(connection, draft),
            history=[entry for _number, entry in read_log(connection, about=about)],
        )
        try:
            for name, value in _beside(state, actor, connection, draft):
                found = replace(found, **{name: value})
        except _UNSHOWN as error:
            found = replace(found, problem=str(error))
    return found


_UNSHOWN = (ArticleError, DraftError, SourceError, TranslationError, UsageError)


def _beside(
    state: EditingState, actor: Actor, connection: sa.Connection, draft: Draft
) -> Iterator[tuple[str, Any]]:
    """Yield what is shown beside a draft, by its name in `DraftDetails`; raise `_UNSHOWN` for the rest."""
    content = None
    if draft.path:
        folder = open_folder(state.settings, draft.source)
        content = folder.content(PurePosixPath(draft.path))
    yield "disk", sha256_of(content)
    if sha256_of(content) != draft.base:
        yield "on_disk", DocumentText.of(content).fields
    original = find_original(state, connection, draft)
    # Its text is read for pages, which can't deal with what is not text.
    if original is not None and original.text.fields:
        yield "original", original
        yield "story", read_translation(state, actor, original.row.story_id, draft.language)


def save_draft(
    state: EditingState,
    actor: Actor,
    number: int,
    version: int,
    given: Mapping[str, str],
    *,
    is_read: bool = False,
) -> Draft:
    """Store fields of a draft, and that a machine's was read. Raise DraftConflictError if somebody else has stored others since `version`."""
    with state.changing(actor, "save draft", f"draft {number}") as change:
        draft = require_draft(change.connection, actor, number)
        fields = {
            name: clean_field(name, given.get(name, draft.fields[name])) for name in FIELDS
        }
        changed = [name for name in FIELDS if fields[name] != draft.fields[name]]
        is_read = draft.is_unread and (is_read or bool(changed))
        if not changed and not is_read:
            change.is_repeated = True
            return draft
        change.details["fields"] = changed
        by = _own_name(change.connection, actor) or actor.name
        more, now = {"read_by": by} if is_read else {}, state.clock.now()
        return store.change_draft(change.connection, draft, version, now, fields, **more)


def clean_field(name: str, text: str) -> str:
    cleaned = clean_characters(text.replace("\r\n", "\n"))
    cleaned = cleaned.strip("\n").rstrip() if name == "text" else cleaned.strip()
    most = MAX_DRAFT_TEXT if name == "text" else _MAX_LINE
    if len(cleaned) > most:
        raise DraftError.saying(
            "%(field)s: is longer than %(most)s characters; write less", field=name, most=most
        )
    return cleaned


def discard_draft(
    state: EditingState, actor: Actor, number: int, version: int | None = None
) -> None:
    """Delete a draft. Raise DraftConflictError if it has another version than the one that was read, if that is given."""
    with state.changing(actor, "discard draft", f"draft {number}") as change:
        draft = require_draft(change.connection, actor, number)
        if version not in {None, draft.version}:
            raise DraftConflictError("draft")
        change.details["title"] = draft.fields["title"]
        store.delete_draft(change.connection, draft)


def add_draft_picture(  # noqa: PLR0913  # what a form says
    state: EditingState,
    actor: Actor,
    number: int,
    name: str,
    *,
    alt: str,
    content: bytes,
    convert: Callable[[bytes], tuple[str, str]] | None = None,
) -> Draft:
    """Add a picture at the end of a draft's text. `convert` encodes it again, by default in a process with limits."""
    alt = clean_field("alt", " ".join(alt.split())).translate({91: "(", 92: r"\\", 93: ")"})
    if not alt:
        raise DraftError.saying("write what the picture shows, for those who do not see it")
    if not 0 < len(content) <= MAX_PICTURE_BYTES:
        most = MAX_PICTURE_BYTES // 1_000_000
        raise DraftError.saying("choose a picture of at most %(most)s MB", most=most)
    with state.database.reading() as connection:
        folder = open_folder(state.settings, require_draft(connection, actor, number).source)
    ending, encoded = (convert or _encoded)(content)
    copy = base64.b64decode(encoded)
    file = f"{story_slug(PurePosixPath(name).stem)[:40]}-{sha256_of(copy)[:8]}.{ending}"
    line = f"![{alt}]({folder.picture_place(PurePosixPath(), file)[1]})"
    with state.changing(actor, "add picture", f"draft {number}", {"name": file}) as change:
        draft = require_draft(change.connection, actor, number)
        known = [one.name for one in store.pictures_of_draft(change.connection, draft)]
        if file in known:
            change.is_repeated = True
            return draft
        if len(known) >= _MOST_PICTURES:
            raise DraftError.saying(
                "a draft has at most %(most)s pictures", most=_MOST_PICTURES
            )
        store.insert_draft_picture(change.connection, draft, name=file, alt=alt, content=copy)
        fields = {**draft.fields, "text": f"{draft.fields['text']}\n\n{line}".lstrip("\n")}
        now = state.clock.now()
        return store.change_draft(change.connection, draft, draft.version, now, fields)


def _encoded(content: bytes) -> tuple[str, str]:
    from publisher.polling.foreign_pictures import copied_picture
    from publisher.polling.parser_process import ParserProcess

    with ParserProcess() as parser:
        return parser.run(copied_picture, content)


_MOST_NAMES = 100  # names that are tried for a new article


class DraftLibrary(FolderFiles):
    """The folder of a source with a draft's pictures, which are not in it yet."""

    def __init__(self, folder: Path, own: Mapping[PurePosixPath, bytes]) -> None:
        super().__init__(folder)
        self.own = own

    def picture_bytes(self, path: PurePosixPath) -> bytes | None:
        there = super().picture_bytes(path)
        return self.own.get(path, there)


@dataclass(frozen=True, slots=True)
class PlannedArticle:
    """The file that a draft would become, and how it is read. `disk` is what stands there now."""

    folder: SiteFolder
    path: PurePosixPath
    content: bytes
    disk: bytes | None
    parsed: ParsedArticle
    library: DraftLibrary

    @property
    def pictures(self) -> set[PurePosixPath]:
        """The draft's pictures that its text shows."""
        return {*self.library.own} & {*map(PurePosixPath, self.library.requested)}


def plan_article(
    state: EditingState, connection: sa.Connection, draft: Draft
) -> PlannedArticle:
    """Return the file that a draft would become. Raise DraftError, TranslationError, or ArticleError if it could not be read."""
    offered_languages(state.settings, draft.language)
    planner = _Planner(state, connection, draft)
    folder, (path, content) = planner.folder, planner.plan()
    pictures = store.pictures_of_draft(connection, draft)
    own = {folder.picture_place(path, one.name)[0]: one.content for one in pictures}
    library = DraftLibrary(folder.folder, own)
    parsed = folder.parsed(path, content, library)
    return PlannedArticle(folder, path, content, folder.content(path), parsed, library)


class _Planner:
    """Says where a draft's file stands, and writes its changed fields by the keys that it and its neighbours have."""

    def __init__(self, state: EditingState, connection: sa.Connection, draft: Draft) -> None:
        self._state, self._connection, self._draft = state, connection, draft
        self.folder = open_folder(state.settings, draft.source)
        rows = written_rows(state, connection, source_item.c.source == draft.source)
        self._known = [(PurePosixPath(one.path), one.language) for one in rows]
        self.disk = self.folder.content(PurePosixPath(draft.path)) if draft.path else None

    def plan(self) -> tuple[PurePosixPath, bytes]:
        """Return path and content of the file. Raise DraftError if no name for it is known."""
        draft = self._draft
        if draft.base or (self.disk is not None and self._is_left_by_kill()):
            return PurePosixPath(draft.path), self._content({})
        self.disk = None
        found = self._translation() if draft.story else self._original()
        if found is None:
            raise DraftError.saying(
                "no file of this site would be read as this article in this language"
            )
        return found

    def _is_left_by_kill(self) -> bool:
        """Whether nobody has published the file of a new article, though the draft was about to be."""
        return not read_log(self._connection, about=[self._draft.path], limit=1)

    def _content(self, more: MoreKeys) -> bytes:
        draft, document = self._draft, DocumentText.of(self.disk)
        others = [*islice(self._others(), 2)]
        is_site, began = self.folder.generator != "plain", draft.began
        if draft.machine:
            by = {"translated_with": draft.machine, "editor": draft.read_by or ABSENT}
            more = {**more, "provenance": Provenance.MACHINE.value, **by}
        key_of = partial(document.key, others=others, is_site=is_site)
        # A new article's file is there after a kill only.
        changed = {k: v for k, v in draft.fields.items() if not draft.base or v != began[k]}
        text = document.with_fields(changed, more, key_of)
        return (text.replace("\n", "\r\n") if b"\r\n" in (self.disk or b"") else text).encode()

    def _others(self) -> Iterator[DocumentText]:
        """Yield articles of the draft's language, but those that can't be read: they are other people's."""
        for path, tag in self._known:
            if tag == self._draft.language:
                with suppress(ArticleError):
                    yield DocumentText.of(self.folder.content(path))

    def _original(self) -> tuple[PurePosixPath, bytes] | None:
        language, fields = self._draft.language, self._draft.fields
        day = date_in_name(f"{fields['date'][:10]}-") or self._state.clock.now().date()
        query = sa.select(story.c.key).join(article).where(article.c.language == language)
        taken = {*self._connection.execute(query).scalars()}
        slug = story_slug(fields["title"])
        tries = (
            self.folder.choose_place(
                self.folder.new_places(name, language, day, self._known),
                [{}, {"lang": language}],
                self._content,
                lambda read: read[0] == language and read[1] not in taken,
            )
            for name in (slug, *(f"{slug}-{number}" for number in range(2, _MOST_NAMES)))
        )
        return next(filter(None, tries), None)

    def _translation(self) -> tuple[PurePosixPath, bytes] | None:
        draft, folder = self._draft, self.folder
        original = find_original(self._state, self._connection, draft)
        assert original is not None  # noqa: S101  # it translates a story
        read = folder.read_as(original.path, folder.content(original.path) or b"")
        wanted = (draft.language, read[1] if read else draft.story)
        place = (original.path, original.row.language, draft.language, self._known)
        return folder.choose_place(
            folder.translated_places(*place),
            folder.linking_keys(original.text, draft.language, draft.story),
            self._content,
            lambda found: found == wanted,
        )


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file that was written, and why it is not committed, if it should be."""

    path: PurePosixPath
    not_committed: str = ""


def publish_draft(
    state: EditingState, actor: Actor, number: int, version: int, *, base: str, original: str
) -> PublishedFile:
    """Write a draft's file, which ends the draft. Raise DraftConflictError if draft, file (`base`) or original are not those that were seen (SHA-256)."""
    _keep_place(state, actor, number)
    with state.changing(actor, "publish draft", f"draft {number}") as change:
        draft = require_draft(change.connection, actor, number)
        shown = find_original(state, change.connection, draft)
        if draft.version != version or (shown is not None and shown.sha256 != original):
            raise DraftConflictError("draft" if draft.version != version else "original")
        if draft.is_unread:
            raise DraftError.saying(
                "a machine wrote this draft, and nobody has read it yet; change it, or say that you have read it"
            )
        plan = plan_article(state, change.connection, draft)
        _write(plan, base if draft.base or plan.disk else "")
        author = _own_name(change.connection, actor)
        change.details["file"] = str(plan.path)
        state.record(change.connection, actor, "write file", str(plan.path), {"draft": number})
        store.delete_draft(change.connection, draft)
    if not plan.folder.is_committed:
        return PublishedFile(plan.path)
    names, problem = [str(one) for one in (*plan.pictures, plan.path)], ""
    try:
        title = draft.fields["title"] or str(plan.path)
        commit_files(plan.folder.folder, names, title, (author, actor.name) if author else ())
    except CommandError as error:
        problem = str(error)
    with state.changing(actor, "commit file", str(plan.path)) as change:
        change.details |= {"problem": problem} if problem else {}
    return PublishedFile(plan.path, problem)


def _keep_place(state: EditingState, actor: Actor, number: int) -> None:
    """Store where a new article is written: after a kill its file is known by it, whatever title it has then."""
    with state.database.writing() as connection:
        draft = require_draft(connection, actor, number)
        if not draft.base:
            path, _content = _Planner(state, connection, draft).plan()
            kept = sa.update(draft_table).where(draft_table.c.id == number)
            connection.execute(kept.values(path=str(path)))


def _write(plan: PlannedArticle, base: str) -> None:
    """Write pictures, then the text. Raise DraftConflictError if another file stands there than the one that was seen."""
    # After a kill behind the rename, the file is there already.
    if plan.disk == plan.content:
        return
    if sha256_of(plan.disk) != base:
        raise DraftConflictError("file")
    folder, own = plan.folder, plan.library.own
    with storage_errors(folder.folder):
        for path in plan.pictures:
            # Its name has its hash, so one that is there is the same.
            write_over(folder.place(path), own[path], None)
        if not write_over(folder.place(plan.path), plan.content, plan.disk):
            raise DraftConflictError("file")
