"""Whether an edit of an issue is possible, and the value that is stored of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from publisher.articles import store as articles
from publisher.config import Edition, Settings
from publisher.config.newsletters import MOST_ARTICLES
from publisher.errors import ArticleError, IssueError
from publisher.ingest.editors_text import opening_html
from publisher.issues import store
from publisher.issues.edit_store import first_selection
from publisher.issues.edits import EditKind, opening_value
from publisher.issues.model import Issue
from publisher.issues.selection import best_article, rules_of_edition
from publisher.languages.bidi import bidi_control_in
from publisher.mail_limits import MAX_SUBJECT_COLUMNS
from publisher.messages import Sentence, message, untranslated
from publisher.rendering.digest import PREHEADER_COLUMNS
from publisher.rendering.digest_layout import QUOTATION_CHARACTERS
from publisher.rendering.plaintext import display_width

_MAX_REASON = 500


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
    connection: Connection
    settings: Settings
    edition: Edition
    issue: Issue
    request: EditRequest
    now: datetime

    def refuse(self, problem: str) -> IssueError:
        return IssueError(
            message("%(issue)s: %(problem)s", issue=self.issue.name, problem=problem)
        )

    @property
    def story(self) -> int:
        if self.request.story_id is None:
            raise self.refuse(message("name a story"))
        return self.request.story_id

    @property
    def value(self) -> str:
        return self.request.value.strip()

    def stories(self) -> set[int]:
        return {story for story, _article in store.chosen_articles(self.connection, self.issue)}

    def pin(self) -> str:
        place = self.place()
        if self.story in self.stories():
            return place
        if self.issue.for_profiles_only:
            raise self.refuse(
                message("only subscribers with a profile get it; nothing can be added")
            )
        found = articles.variants(self.connection, [self.story], self.now).get(self.story, [])
        if best_article(rules_of_edition(self.edition), found) is None:
            raise self.refuse(
                message("the story has no published article that this edition may show")
            )
        where = (self.issue.newsletter, self.issue.language)
        first, _more = first_selection(self.connection, self.issue)
        is_own = self.story in {story for story, _article in first}
        if not is_own and store.stories_sent(self.connection, *where, [self.story]):
            raise self.refuse(message("an issue of this edition has the story already"))
        return place

    def move(self) -> str:
        if self.story not in self.stories():
            raise self.refuse(message("the story is not in this issue; pin it"))
        return self.place()

    def place(self) -> str:
        if not self.value.isdecimal() or not 1 <= int(self.value) <= MOST_ARTICLES:
            raise self.refuse(
                message("%(value)s is no place, from 1 on", value=repr(self.value))
            )
        return str(int(self.value))

    def leave_out(self) -> str:
        if self.story not in self.stories():
            raise self.refuse(message("the story is not in this issue"))
        if not self.value or len(self.value) > _MAX_REASON:
            raise self.refuse(
                message("say why, in at most %(most)s characters", most=_MAX_REASON)
            )
        return self.value

    def subject(self) -> str:
        return self.line(MAX_SUBJECT_COLUMNS)

    def preheader(self) -> str:
        return self.line(PREHEADER_COLUMNS)

    def line(self, most: int) -> str:
        if len(self.value.splitlines()) > 1:
            raise self.refuse(message("it has to be one line"))
        if sign := bidi_control_in(self.value):
            raise self.refuse(bidi_problem(sign))
        if display_width(self.value) > most:
            raise self.refuse(
                message(
                    "longer than %(most)s columns, which is what mail programs show", most=most
                )
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
            if self.request.story_id is not None and self.story not in self.stories():
                raise self.refuse(message("the story is not in this issue"))
            return ""
        text = " ".join(self.value.split())
        if len(text) not in QUOTATION_CHARACTERS:
            least, most = QUOTATION_CHARACTERS[0], QUOTATION_CHARACTERS[-1]
            raise self.refuse(
                message(
                    "a quotation has %(least)s to %(most)s characters", least=least, most=most
                )
            )
        chosen = dict(store.chosen_articles(self.connection, self.issue))
        if self.story not in chosen:
            raise self.refuse(message("the story is not in this issue"))
        number = chosen[self.story]
        article = articles.articles_by_id(self.connection, [number])[number]
        if text not in " ".join(article.text.split()):
            raise self.refuse(message("these words are not in the article"))
        return text

    def number(self) -> str:
        return self.place() if self.value else ""


_ABOUT_NO_STORY = frozenset(
    {EditKind.SUBJECT, EditKind.PREHEADER, EditKind.OPENING, EditKind.NUMBER}
)
_CHECKS: dict[EditKind, Callable[[_Check], str]] = {
    EditKind.PIN: _Check.pin,
    EditKind.MOVE: _Check.move,
    EditKind.LEAVE_OUT: _Check.leave_out,
    EditKind.SUBJECT: _Check.subject,
    EditKind.PREHEADER: _Check.preheader,
    EditKind.OPENING: _Check.opening,
    EditKind.QUOTATION: _Check.quotation,
    EditKind.NUMBER: _Check.number,
}


def checked_edit(  # all that a check reads
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    request: EditRequest,
    now: datetime,
) -> str:
    """Return the value to store of an edit; raise IssueError if it is not possible."""
    check = _Check(connection, settings, edition, issue, request, now)
    if request.kind in _ABOUT_NO_STORY and request.story_id is not None:
        raise check.refuse(message("this is about the issue; name no story"))
    return _CHECKS[request.kind](check)
