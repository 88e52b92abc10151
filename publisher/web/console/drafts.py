"""Write: drafts, an article or a translation beside its original, its pictures, its preview; and publishing it."""

from collections.abc import Mapping

import flask

from publisher import errors
from publisher.app import drafts
from publisher.app.draft_previews import preview_draft
from publisher.app.editing_state import Permission
from publisher.app.issues.preview_pages import LOOKS
from publisher.app.machine_drafts import make_machine_draft
from publisher.drafts.store import FIELDS, Draft
from publisher.errors import DraftError
from publisher.web.api.operations import About
from publisher.web.console import MAX_DRAFT_BYTES
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable

WRITE_PATH = "/write/"
_DRAFT = "/write/<language>/<int:number>/"
_REFUSED = (DraftError, errors.ArticleError, errors.TranslationError, errors.CommandError)


ROUTES = RouteTable()


@ROUTES.add("GET /write/", Permission.TRANSLATE, about=About.EACH, menu="write")
def _list(
    request: ConsoleRequest, problem: str = "", not_committed: str = ""
) -> flask.Response:
    languages = request.settings.publication.languages
    return request.page(
        "write.html",
        422 if problem else 200,
        drafts=request.call(drafts.list_drafts),
        articles=request.call(drafts.list_written_articles),
        sources=[one.name for one in request.settings.editable_sources],
        served=[tag for tag in languages if request.permits(Permission.EDIT_ISSUE, tag)],
        given={name: request.field(name) for name in ("title", "language", "source")},
        problem=problem,
        not_committed=not_committed,
    )


@ROUTES.add("POST /write/", Permission.EDIT_ISSUE, about=About.EACH)
def _begin(request: ConsoleRequest) -> flask.Response:
    """Begin an article, or to edit the one whose number the form has."""
    number = request.number("article")
    given = (request.field(name) for name in ("source", "language", "title"))
    try:
        if number is not None:
            draft = request.call(drafts.begin_edit, number)
        else:
            draft = request.call(drafts.begin_article, *given)
    except _REFUSED as error:
        return _list(request, str(error))
    return request.see_other(_path(draft.language, draft.id))


@ROUTES.add("POST /translations/<language>/<int:story>/write/", Permission.TRANSLATE)
def _translate(request: ConsoleRequest, language: str, story: int) -> flask.Response:
    draft = request.call(drafts.begin_translation, story, language)
    return request.see_other(_path(language, draft.id))


def _path(language: str, number: int) -> str:
    return f"{WRITE_PATH}{language}/{number}/"


@ROUTES.add(f"GET {_DRAFT}", Permission.TRANSLATE)
def _show(
    request: ConsoleRequest,
    language: str,
    number: int,
    *,
    problem: str = "",
    conflict: str = "",
    given: Mapping[str, str] | None = None,
) -> flask.Response:
    """Show a draft; what was typed and is refused stays in its fields, beside what is there now."""
    found = _read(request, language, number)
    return request.page(
        "draft.html",
        409 if conflict else 422 if problem else 200,
        found=found,
        given={**found.draft.fields, **(given or {})},
        has_machine=found.original and request.settings.translation.command,
        problem=problem or found.problem,
        conflict=conflict,
        place=_path(language, number),
    )


def _read(request: ConsoleRequest, language: str, number: int) -> drafts.DraftDetails:
    try:
        found = request.call(drafts.read_draft, number)
    except DraftError:
        # What somebody typed into one that is gone is shown once more.
        if flask.request.method == "POST":
            raise
        flask.abort(404)
    if found.draft.language != language:
        flask.abort(404)
    return found


@ROUTES.add(f"POST {_DRAFT}", Permission.TRANSLATE, max_body=MAX_DRAFT_BYTES)
def _save(request: ConsoleRequest, language: str, number: int) -> flask.Response:
    """Store a draft, then do what its button says."""
    form, is_read = flask.request.form, request.field("read") == "yes"
    given = {name: form.get(name, "").replace("\r\n", "\n") for name in FIELDS if name in form}
    version = request.number("version") or 0
    try:
        draft = request.call(drafts.save_draft, number, version, given, is_read=is_read)
        return _go_on(request, draft)
    except errors.DraftConflictError as error:
        return _show(request, language, number, conflict=error.kind, given=given)
    except (*_REFUSED, errors.StorageError) as error:
        return _show(request, language, number, problem=str(error), given=given)


def _go_on(request: ConsoleRequest, draft: Draft) -> flask.Response:
    """Do what the button of a form says whose fields are stored."""
    path = _path(draft.language, draft.id)
    match request.field("how"):
        case "publish":
            seen = {name: request.field(name) for name in ("base", "original")}
            file = request.call(drafts.publish_draft, draft.id, draft.version, **seen)
            if file.not_committed:
                return _list(request, not_committed=file.not_committed)
            return request.see_other(WRITE_PATH, "published")
        case "preview" | "pictures" as part:
            return request.see_other(f"{path}{part}/")
        case "machine" if draft.has_words:
            return _show(request, draft.language, draft.id, conflict="machine")
        case "machine" | "replace":
            request.call(make_machine_draft, draft.id, draft.version, replace=True)
    return request.see_other(path, "saved")


@ROUTES.add(f"POST {_DRAFT}discard/", Permission.TRANSLATE)
def _discard(request: ConsoleRequest, language: str, number: int) -> flask.Response:
    _read(request, language, number)
    request.call(drafts.discard_draft, number)
    return request.see_other(WRITE_PATH, "removed")


@ROUTES.add(f"GET {_DRAFT}preview/", Permission.TRANSLATE)
def _preview(request: ConsoleRequest, language: str, number: int) -> flask.Response:
    found, opened = _read(request, language, number), request.context.opened
    try:
        preview, parsed = preview_draft(request.state, opened.renderer, request.actor, number)
    except _REFUSED as error:
        return _show(request, language, number, problem=str(error))
    return request.page(
        "draft_preview.html",
        found=found,
        place=_path(language, number),
        key=opened.previews.keep(preview),
        problems=parsed.problems,
        looks=LOOKS[:2],
    )


@ROUTES.add(f"GET {_DRAFT}pictures/", Permission.TRANSLATE)
def _pictures(
    request: ConsoleRequest, language: str, number: int, problem: str = ""
) -> flask.Response:
    return request.page(
        "draft_pictures.html",
        422 if problem else 200,
        found=_read(request, language, number),
        place=_path(language, number),
        problem=problem,
        alt=request.field("alt"),
        most=drafts.MAX_PICTURE_BYTES // 1_000_000,
    )


@ROUTES.add(
    f"POST {_DRAFT}pictures/",
    Permission.TRANSLATE,
    max_body=drafts.MAX_PICTURE_BYTES + 64 * 1024,
)
def _add_picture(request: ConsoleRequest, language: str, number: int) -> flask.Response:
    _read(request, language, number)
    file = flask.request.files.get("picture")
    name, content = (file.filename or "", file.read()) if file else ("", b"")
    alt = request.field("alt")
    try:
        request.call(drafts.add_draft_picture, number, name, alt=alt, content=content)
    except errors.PublisherError as error:
        return _pictures(request, language, number, str(error))
    return request.see_other(f"{_path(language, number)}pictures/", "added")
