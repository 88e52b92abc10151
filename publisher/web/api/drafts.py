"""Operations for writing: drafts of articles and translations, which become files of a source."""

from typing import Annotated

from pydantic import AliasChoices, AliasPath, Base64Bytes, Field

from publisher.app import drafts
from publisher.app.editing_state import Permission
from publisher.app.machine_drafts import make_machine_draft
from publisher.drafts.store import Draft
from publisher.web.api import operations
from publisher.web.api.requests import ApiRequest
from publisher.web.pages.responses import LARGEST_ID

_EACH = operations.About.EACH
OPERATIONS = operations.OperationTable()

# In JSON, a character of another script may take six bytes, and a byte of a picture four thirds.
_DRAFT_BYTES = 6 * drafts.MAX_DRAFT_TEXT + 64 * 1024
_PICTURE_BYTES = drafts.MAX_PICTURE_BYTES * 4 // 3 + 64 * 1024
_ArticleText = Annotated[str, Field(max_length=drafts.MAX_DRAFT_TEXT)]
_Hash = Annotated[str, Field(max_length=64)]


class WrittenDraft(operations.ApiValue):
    """A draft."""

    id: int
    version: int = Field(description="The ETag begins with it.")
    source: str
    language: str
    story: str = Field(description="The key of what it translates; empty for an original.")
    path: str = Field(
        description="Of its file, below the source's folder; empty for a new one."
    )
    title: str = Field(validation_alias=AliasChoices("title", AliasPath("fields", "title")))
    by: str
    changed_at: operations.Instant


class WrittenDrafts(operations.ApiValue):
    """Drafts, one's own first."""

    drafts: list[WrittenDraft]


class DraftOriginal(operations.ApiValue):
    """What a draft translates."""

    language: str
    title: str
    summary: str
    paragraphs: list[str] = Field(description="In Markdown.")
    sha256: str


class ReadDraft(WrittenDraft):
    """A draft with what it stands beside."""

    machine: str = Field(description="Who wrote it, if that was a machine.")
    is_unread: bool = Field(
        description="Whether nobody has read a machine's; then it can't be published."
    )
    fields: dict[str, str] = Field(
        description="Authors are one a line, topics have commas between them, the text is Markdown."
    )
    pictures: list[str]
    file: str = Field(description="SHA-256 of its file now; empty if there is none.")
    changed_file: dict[str, str] | None = Field(
        description="The fields of its file, if somebody has changed that since."
    )
    original: DraftOriginal | None


class ChangedFields(operations.ApiValue):
    """Fields of a draft; what is not named stays. A machine's draft that was changed, or `is_read`, may be published."""

    is_read: bool = False

    title: operations.Text | None = None
    summary: operations.Text | None = None
    byline: operations.Text | None = None
    date: operations.Text | None = None
    topics: operations.Text | None = None
    section: operations.Text | None = None
    translator: operations.Text | None = None
    text: _ArticleText | None = None


class PublishedDraft(operations.ApiValue):
    """The file of a draft that was published."""

    path: str = Field(description="Below the source's folder.")
    not_committed: str = Field(
        description="Why git has not committed it, if the source has `git_commit`."
    )


@OPERATIONS.add("GET /writing", Permission.TRANSLATE, about=_EACH)
def _list_written_drafts(request: ApiRequest) -> WrittenDrafts:
    """List the drafts that the key may change."""
    return WrittenDrafts.of(drafts=request.call(drafts.list_drafts))


@OPERATIONS.add("POST /writing", Permission.EDIT_ISSUE, about=_EACH, tagged=True)
def _write_article(
    request: ApiRequest,
    *,
    source: operations.Name,
    language: operations.Name,
    title: operations.Text,
) -> ReadDraft:
    """Begin an article."""
    return _read(request, request.call(drafts.begin_article, source, language, title))


@OPERATIONS.add(
    "POST /articles/<article>/write", Permission.EDIT_ISSUE, about=_EACH, tagged=True
)
def _edit_article(request: ApiRequest, article: int) -> ReadDraft:
    """Begin to edit an article in its file, or go on with its draft."""
    return _read(request, request.call(drafts.begin_edit, article))


@OPERATIONS.add("POST /translations/<language>/write", Permission.TRANSLATE, tagged=True)
def _write_translation(
    request: ApiRequest, language: str, *, story_id: Annotated[int, Field(ge=1, le=LARGEST_ID)]
) -> ReadDraft:
    """Begin a translation, which claims it, or go on with its draft."""
    return _read(request, request.call(drafts.begin_translation, story_id, language))


@OPERATIONS.add("GET /writing/<draft>", Permission.TRANSLATE, about=_EACH, tagged=True)
def _read_draft(request: ApiRequest, draft: int) -> ReadDraft:
    """Read a draft, beside the original of a translation."""
    found = request.call(drafts.read_draft, draft)
    original = found.original
    return ReadDraft.of(
        found.draft,
        pictures=[one.name for one in found.pictures],
        file=found.disk,
        changed_file=found.on_disk,
        original=original
        and DraftOriginal.of(original.row, original, summary=original.text.fields["summary"]),
    )


def _read(request: ApiRequest, draft: Draft) -> ReadDraft:
    return _read_draft(request, draft.id)


@OPERATIONS.add(
    "PATCH /writing/<draft>",
    Permission.TRANSLATE,
    about=_EACH,
    tagged=True,
    guarded=True,
    max_body=_DRAFT_BYTES,
)
def _change_draft(request: ApiRequest, draft: int, body: ChangedFields) -> ReadDraft:
    """Change fields of a draft."""
    given = body.model_dump(exclude_none=True, exclude={"is_read"})
    save, version = drafts.save_draft, _version(request)
    return _read(request, request.call(save, draft, version, given, is_read=body.is_read))


def _version(request: ApiRequest) -> int:
    text = request.revision or ""
    return min(int(text), LARGEST_ID) if text.isdecimal() else -1


@OPERATIONS.add("DELETE /writing/<draft>", Permission.TRANSLATE, about=_EACH, guarded=True)
def _discard_draft(request: ApiRequest, draft: int) -> None:
    """Discard a draft."""
    request.call(drafts.discard_draft, draft, _version(request))


@OPERATIONS.add(
    "POST /writing/<draft>/machine",
    Permission.TRANSLATE,
    about=_EACH,
    tagged=True,
    guarded=True,
)
def _make_machine_draft(
    request: ApiRequest,
    draft: int,
    *,
    replace: Annotated[bool, Field(description="Whether words may be replaced.")] = False,
) -> ReadDraft:
    """Have title, summary and text of a translation written by the publication's own machine."""
    version = _version(request)
    return _read(request, request.call(make_machine_draft, draft, version, replace=replace))


@OPERATIONS.add(
    "POST /writing/<draft>/publish", Permission.TRANSLATE, about=_EACH, guarded=True
)
def _publish_draft(
    request: ApiRequest,
    draft: int,
    *,
    file: Annotated[_Hash, Field(description="`file` of the draft, as it was read.")] = "",
    original: Annotated[_Hash, Field(description="`sha256` of its original.")] = "",
) -> PublishedDraft:
    """Write a draft into its source's folder, which ends it."""
    seen = {"base": file, "original": original}
    done = request.call(drafts.publish_draft, draft, _version(request), **seen)
    return PublishedDraft.of(done, path=str(done.path))


@OPERATIONS.add(
    "POST /writing/<draft>/pictures",
    Permission.TRANSLATE,
    about=_EACH,
    tagged=True,
    max_body=_PICTURE_BYTES,
)
def _add_draft_picture(
    request: ApiRequest,
    draft: int,
    *,
    name: operations.Name,
    alt: Annotated[operations.Text, Field(description="What it shows, for who can't see it.")],
    content: Base64Bytes,
) -> ReadDraft:
    """Add a picture at the end of a draft's text; `content` is in Base64."""
    add = drafts.add_draft_picture
    return _read(request, request.call(add, draft, name, alt=alt, content=content))
