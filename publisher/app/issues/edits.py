"""Editors' changes of an issue: order and choice of its stories, and its words.

An edit may be made until the ledger of the issue is opened. Whether it is possible, and the value that is
stored, is decided by pure functions. It has the issue assembled again, at once or soon after in a thread, so that
whoever made it sees what comes of it. What the issue contained before is kept as a revision.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from sqlalchemy import Connection

from publisher.accounts.model import program_actor
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issues.lookup import require_edition, require_issue
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.assembly.assemble import assemble_issue
from publisher.config import Edition, Settings
from publisher.config.newsletters import MOST_ARTICLES
from publisher.delivery.ledger.audience import profile_selector
from publisher.errors import ArticleError, EditConflictError, IssueError
from publisher.i18n.messages import Sentence, joined, message, untranslated
from publisher.ingest.parsers.markdown import opening_html
from publisher.issues import editing, model, store
from publisher.issues.digests import reopen_issue
from publisher.issues.editing import (
    EditKind,
    IssueEdits,
    NewEdit,
    StoryPlace,
    arrange,
    combine_edits,
    count_changes,
    edits_of_same,
    first_selection,
    opening_value,
)
from publisher.issues.late_translations import LateTranslations, find_late_translations
from publisher.issues.selection import best_article, rules_of_edition
from publisher.languages.locales import bidi_control_in
from publisher.mail_limits import MAX_SUBJECT_COLUMNS
from publisher.rendering import Renderer
from publisher.rendering.digest import PREHEADER_COLUMNS
from publisher.rendering.digest_stories import QUOTATION_CHARACTERS
from publisher.rendering.plaintext import display_width

_MAX_REASON, _MOST_DIGITS = 500, 9  # of a reason, of a number


def bidi_problem(sign: str) -> Sentence:
    """Return what is wrong with a subject that has a control of direction, such as "U+202E"."""
    return message(
        "leave out %(sign)s: it turns the direction of letters, which mail programs find out themselves",
        sign=sign,
    )


@dataclass(frozen=True, slots=True)
class EditRequest:
    """What somebody wants to change: `value` is a place, a reason, words or a number, as text.

    Words without any are those that the issue has by itself. An opening is Markdown. `seen` is how often
    what it changes had been changed when it was read; None for whoever does not say so.
    """

    kind: EditKind
    value: str = ""
    story_id: int | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class _Check:
    """An edit that is wanted. A kind of edits is checked by the method of its name."""

    connection: Connection
    settings: Settings
    edition: Edition
    issue: model.Issue
    request: EditRequest
    now: datetime

    def checked(self) -> str:
        """Return the value to store of an edit; raise IssueError if it is not possible."""
        is_announcement = self.issue.kind == model.IssueKind.ANNOUNCEMENT
        if is_announcement and self.request.kind not in _WORDS_OF_ANNOUNCEMENT:
            raise self.saying("an announcement has no articles")
        if is_announcement and not self.value and self.request.kind is not EditKind.PREHEADER:
            raise self.saying("an announcement has a subject and a text")
        if self.request.kind in _ABOUT_NO_STORY and self.request.story_id is not None:
            raise self.saying("this is about the issue; name no story")
        check: Callable[[], str] = getattr(self, self.request.kind.name.lower())
        return check()

    def refuse(self, problem: str) -> IssueError:
        return self.issue.saying("%(issue)s: %(problem)s", problem=problem)

    def saying(self, template: str, **values: object) -> IssueError:
        return self.refuse(message(template, **values))

    @property
    def story(self) -> int:
        if self.request.story_id is None:
            raise self.saying("name a story")
        return self.request.story_id

    @property
    def value(self) -> str:
        # Forms send two characters for a line feed.
        return self.request.value.strip().replace("\r\n", "\n")

    def stories(self) -> set[int]:
        return {story for story, _article in store.chosen_articles(self.connection, self.issue)}

    def chosen(self) -> int:
        chosen = dict(store.chosen_articles(self.connection, self.issue))
        if self.story not in chosen:
            raise self.saying("the story is not in this issue")
        return chosen[self.story]

    def pin(self) -> str:
        place = self.place()
        if self.story in self.stories():
            return place
        if self.issue.for_profiles_only:
            raise self.saying("only subscribers with a profile get it; nothing can be added")
        found = articles.variants(self.connection, [self.story], self.now).get(self.story, [])
        if best_article(rules_of_edition(self.edition), found) is None:
            raise self.saying("the story has no published article that this edition may show")
        where = (self.issue.newsletter, self.issue.language)
        first, _more = first_selection(self.connection, self.issue)
        is_own = self.story in {story for story, _article in first}
        if not is_own and store.stories_sent(self.connection, *where, [self.story]):
            raise self.saying("an issue of this edition has the story already")
        return place

    def move(self) -> str:
        if self.story not in self.stories():
            raise self.saying("the story is not in this issue; pin it")
        return self.place()

    def place(self) -> str:
        # Python reads no number of thousands of digits.
        is_number = self.value.isdecimal() and len(self.value) <= _MOST_DIGITS
        if not is_number or not 1 <= int(self.value) <= MOST_ARTICLES:
            raise self.saying("%(value)s is no place, from 1 on", value=repr(self.value))
        return str(int(self.value))

    def leave_out(self) -> str:
        self.chosen()
        if not self.value or len(self.value) > _MAX_REASON:
            raise self.saying("say why, in at most %(most)s characters", most=_MAX_REASON)
        return self.value

    def subject(self) -> str:
        return self.line(MAX_SUBJECT_COLUMNS)

    def preheader(self) -> str:
        return self.line(PREHEADER_COLUMNS)

    def line(self, most: int) -> str:
        if len(self.value.splitlines()) > 1:
            raise self.saying("it has to be one line")
        if sign := bidi_control_in(self.value):
            raise self.refuse(bidi_problem(sign))
        if display_width(self.value) > most:
            raise self.saying(
                "longer than %(most)s columns, which is what mail programs show", most=most
            )
        return self.value

    def opening(self) -> str:
        if not self.value:
            return ""
        try:
            html = opening_html(self.value, self.settings.publication.url)
        except ArticleError as error:
            raise self.refuse(untranslated(str(error))) from error
        return opening_value(self.value, html)

    def quotation(self) -> str:
        if not self.value:
            if self.request.story_id is not None:
                self.chosen()
            return ""
        text = " ".join(self.value.split())
        if len(text) not in QUOTATION_CHARACTERS:
            least, most = QUOTATION_CHARACTERS[0], QUOTATION_CHARACTERS[-1]
            raise self.saying(
                "a quotation has %(least)s to %(most)s characters", least=least, most=most
            )
        number = self.chosen()
        article = articles.articles_by_id(self.connection, [number])[number]
        if text not in " ".join(article.text.split()):
            raise self.saying("these words are not in the article")
        return text

    def translation(self) -> str:
        found = find_late_translations(self.connection, self.edition, self.issue, self.now)
        if self.story not in found:
            raise self.saying("no translation of the story has come that this issue could show")
        return found[self.story]

    def number(self) -> str:
        return self.place() if self.value else ""


_ABOUT_NO_STORY = frozenset(
    {EditKind.SUBJECT, EditKind.PREHEADER, EditKind.OPENING, EditKind.NUMBER}
)
_WORDS_OF_ANNOUNCEMENT = frozenset({EditKind.SUBJECT, EditKind.PREHEADER, EditKind.OPENING})


@dataclass(frozen=True, slots=True)
class EditedIssue:
    """An issue after a change, and why it could not be assembled with it; None if it was."""

    issue: model.Issue
    problem: str | None = None


class RefusedEditsError(IssueError):
    """None of several changes was made; `refused` has those that are not possible, each with the reason."""

    def __init__(self, refused: Sequence[tuple[EditRequest | int, IssueError]]) -> None:
        super().__init__(joined(*(str(error) for _request, error in refused)))
        self.refused = refused


def edit_issue(
    state: EditingState,
    actor: Actor,
    name: str,
    request: EditRequest | int,
    renderer: Renderer | None = None,
) -> EditedIssue:
    """Change an issue, or take an edit back by its number, and have it assembled again. Raise IssueError; EditConflictError if the same was changed since it was read."""
    (issue,) = arrange_issues(state, actor, [(name, request)])
    if issue.state is not model.IssueState.ASSEMBLING:
        return EditedIssue(issue)
    return render_again(state, issue, renderer)


def arrange_issues(
    state: EditingState, actor: Actor, changes: Sequence[tuple[str, EditRequest | int]]
) -> list[model.Issue]:
    """Change issues, such as one day's in several languages: all of them, or none. A number is that of an edit to take back.

    Return the issues, which wait to be assembled: the caller has it done, or the next cycle does it. Raise
    RefusedEditsError if several changes are not possible, else as `edit_issue`.
    """
    done: dict[str, model.Issue] = {}
    refused: list[tuple[EditRequest | int, IssueError]] = []
    with state.together() as together:
        for name, request in changes:
            try:
                if isinstance(request, int):
                    done[name] = _undo(together, actor, name, request)
                else:
                    done[name] = _edit(together, actor, name, request)
            except IssueError as error:
                refused.append((request, error))
        if refused:
            raise refused[0][1] if len(changes) == 1 else RefusedEditsError(refused)
    return [*done.values()]


def take_translations(state: EditingState, late: Iterable[LateTranslations]) -> None:
    """Have issues show stories in their own language that were selected in another one."""
    for issue, stories in late:
        edits = [
            (issue.name, EditRequest(EditKind.TRANSLATION, tag, story))
            for story, tag in stories.items()
        ]
        # Its sending has begun meanwhile.
        with suppress(IssueError):
            arrange_issues(state, program_actor(), edits)


def _edit(state: EditingState, actor: Actor, name: str, request: EditRequest) -> model.Issue:
    details = {"kind": request.kind, "story": request.story_id, "value": request.value}
    with state.changing(actor, "edit", name, details) as change:
        connection = change.connection
        issue, edition = _editable_issue(connection, state.settings, actor, name)
        new = make_edit(state, connection, actor, edition, issue, request)
        if _is_last_edit(connection, issue, new):
            change.is_repeated = True
            return issue
        _require_seen(connection, issue, request)
        editing.add_edit(connection, issue, new)
        return _apply(state, connection, edition, issue)


def make_edit(  # who edits what where
    state: EditingState,
    connection: Connection,
    actor: Actor,
    edition: Edition,
    issue: model.Issue,
    request: EditRequest,
) -> NewEdit:
    """Return an edit as it is stored; raise IssueError if it is not possible."""
    now = state.clock.now()
    return NewEdit(
        kind=request.kind,
        value=_Check(connection, state.settings, edition, issue, request, now).checked(),
        story_id=request.story_id,
        actor=actor.name,
        account_id=actor.account_id,
        at=now,
    )


def _is_last_edit(connection: Connection, issue: model.Issue, new: NewEdit) -> bool:
    """Return whether the last edit that counts is the same, by the same person: it was posted twice."""
    same = edits_of_same(editing.edits_of(connection, issue.id), new.kind)
    edits = [edit for edit in same if edit.undone_at is None]
    facts = attrgetter("kind", "value", "story_id", "actor", "account_id")
    return bool(edits) and facts(edits[-1]) == facts(new)


def _require_seen(connection: Connection, issue: model.Issue, request: EditRequest) -> None:
    edits = editing.edits_of(connection, issue.id)
    if request.seen not in {None, count_changes(edits, request.kind)}:
        raise EditConflictError.saying(
            "%(issue)s: somebody has changed it meanwhile; read it again", issue=issue.name
        )


def _undo(state: EditingState, actor: Actor, name: str, edit_id: int) -> model.Issue:
    with state.changing(actor, "undo-edit", name, {"edit": edit_id}) as change:
        connection, now = change.connection, state.clock.now()
        issue, edition = _editable_issue(connection, state.settings, actor, name)
        if not editing.mark_edit_undone(connection, issue, edit_id, now):
            raise issue.saying("%(issue)s: no edit %(edit_id)s that counts", edit_id=edit_id)
        return _apply(state, connection, edition, issue)


def _editable_issue(
    connection: Connection, settings: Settings, actor: Actor, name: str
) -> tuple[model.Issue, Edition]:
    issue = require_issue(connection, name)
    actor.require(Permission.EDIT_ISSUE, issue.language)
    edition = require_edition(settings, issue)
    if issue.kind == model.IssueKind.CORRECTION:
        raise issue.saying("%(issue)s: is a correction; cancel it, and write another one")
    if issue.state is model.IssueState.SCHEDULED:
        raise issue.saying(
            "%(issue)s: its articles are not selected yet; the next cycle does it"
        )
    if issue.state not in model.SELECTED_STATES:
        raise issue.saying("%(issue)s: is %(state)s; it can't be changed any more")
    return issue, edition


def render_again(
    state: EditingState, issue: model.Issue, renderer: Renderer | None = None
) -> EditedIssue:
    """Assemble an issue that was changed, and return it. A cycle does the same if this fails."""
    folder = state.settings.folders.templates
    with nullcontext(renderer) if renderer else closing(Renderer(folder)) as used:
        problem = assemble_issue(state.settings, state.database, used, issue)
    with state.database.reading() as connection:
        (issue,) = store.issues_by_ids(connection, [issue.id])
    return EditedIssue(issue, problem or None)


def _apply(
    state: EditingState, connection: Connection, edition: Edition, issue: model.Issue
) -> model.Issue:
    edits = combine_edits(editing.edits_of(connection, issue.id))
    # The digest is kept with the articles that it has.
    issue = reopen_issue(connection, issue, state.clock.now())
    if issue.kind == model.IssueKind.ANNOUNCEMENT:
        if not (edits.subject and edits.opening):
            why = message("an announcement has a subject and a text")
            raise issue.saying("%(issue)s: %(problem)s", problem=why)
        return issue
    chosen, before = editing.first_selection(connection, issue)
    further = _further(state.settings, connection, edition, issue, edits, chosen)
    arranged = arrange(edits, chosen, further, _pinned(connection, edition, issue, edits))
    if not arranged:
        raise issue.saying("%(issue)s: no story would be left; skip the issue instead")
    own = {story for story, _article in (*chosen, *further)}
    _check_change(connection, issue, edits, own, {story for story, _article in arranged})
    left = sum(story not in edits.left_out for story, _article in chosen)
    more = max(0, left + before - sum(story in own for story, _article in arranged))
    editing.rearrange(connection, issue, arranged, more)
    (issue,) = store.issues_by_ids(connection, [issue.id])
    return issue


def _check_change(
    connection: Connection, issue: model.Issue, edits: IssueEdits, own: set[int], new: set[int]
) -> None:
    """Refuse a story that another issue took meanwhile, and free one that was added and is not any more."""
    old = {story for story, _article in store.chosen_articles(connection, issue)}
    where = (issue.newsletter, issue.language)
    if store.stories_sent(connection, *where, sorted(new - old)):
        raise issue.saying("%(issue)s: another issue of this edition has the story by now")
    if old - new - own - edits.left_out.keys():
        store.consider_again(connection, issue, issue.assembled_at)


def _pinned(
    connection: Connection, edition: Edition, issue: model.Issue, edits: IssueEdits
) -> dict[int, StoryPlace]:
    at = max(issue.assembled_at or issue.due_at, edits.pinned_at or issue.due_at)
    found = articles.variants(connection, edits.pinned, at)
    best = {s: best_article(rules_of_edition(edition), many) for s, many in found.items()}
    return {story: (story, one.id) for story, one in best.items() if one}


def _further(
    settings: Settings,
    connection: Connection,
    edition: Edition,
    issue: model.Issue,
    edits: IssueEdits,
    chosen: list[StoryPlace],
) -> list[StoryPlace]:
    """Return the stories that had no room, if editors want more than were chosen."""
    if issue.for_profiles_only or (edits.number or 0) <= len(chosen) - len(edits.left_out):
        return []
    known = {story for story, _article in chosen}
    others = stories_without_room(connection, settings, edition, issue, known)
    return [(one.story_id, one.id) for one in others]


def stories_without_room(
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: model.Issue,
    chosen: Container[int],
) -> list[Article]:
    """Return the articles of stories that were considered for an issue, but not `chosen`, nor sent since."""
    found = profile_selector(connection, settings, edition, issue).considered_own()
    others = [article for article in found if article.story_id not in chosen]
    stories = [article.story_id for article in others]
    sent = store.stories_sent(connection, issue.newsletter, issue.language, stories)
    return [article for article in others if article.story_id not in sent]
