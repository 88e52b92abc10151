"""What an issue has, what editors changed in it, and what it was before. Reads only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issues.edits import stories_without_room
from publisher.app.issues.lookup import choose_languages, next_day, require_issue
from publisher.app.operation.status import IssueStatus, with_numbers
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.articles.store import list_articles_before
from publisher.config import Edition
from publisher.config.newsletters import MOST_ARTICLES
from publisher.delivery.states import summarise_counts
from publisher.errors import IssueError, UsageError
from publisher.i18n.messages import message
from publisher.issues import digests, editing, store
from publisher.issues import editing as issue_edits
from publisher.issues.approvals import changed_parts, read_manifest
from publisher.issues.digests import DigestRevision, RevisionDiff
from publisher.issues.model import SELECTED_STATES, Issue, issue_name
from publisher.issues.planner import EditionIssue, list_overdue
from publisher.issues.selection import best_article, rules_of_edition
from publisher.issues.store import IssueFilter, list_issues

# Articles, the latest first, among which somebody searches a story, and stories that are shown of them.
_SEARCHED, _FOUND = 2_000, 20
_ISSUES_BACK = 50  # issues of an edition whose left-out stories are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutStory:
    """A story that somebody left out of an issue; the edit's value is why. `is_carried`: another issue of the edition has it."""

    issue: Issue
    story: Article
    edit: issue_edits.IssueEdit
    is_carried: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOverview:
    """An issue with its stories in order, each as the article that shows it; `further` had no room. `findings` are warnings of the gate."""

    issue: Issue
    stories: tuple[Article, ...]
    left_out: tuple[LeftOutStory, ...]
    further: tuple[Article, ...]
    edits: tuple[issue_edits.IssueEdit, ...]
    combined: issue_edits.IssueEdits
    revisions: tuple[DigestRevision, ...]
    findings: tuple[dict[str, Any], ...] = ()

    def changes(self, kind: str) -> int:
        """Return how often it was changed what an edit of a kind changes: what its form has seen."""
        return issue_edits.count_changes(self.edits, issue_edits.EditKind(kind))

    def last_change(self, kind: str) -> issue_edits.IssueEdit | None:
        """Return the edit of the same that was made or taken back last."""
        same = issue_edits.edits_of_same(self.edits, issue_edits.EditKind(kind))
        return max(same, key=lambda edit: (edit.undone_at or edit.at, edit.id), default=None)


def read_issue_overview(state: EditingState, actor: Actor, name: str) -> IssueOverview:
    actor.require(Permission.VIEW)
    with state.database.reading() as connection:
        issue = require_issue(connection, name)
        edits = editing.edits_of(connection, issue.id)
        chosen = store.article_ids_of(connection, issue)
        shown = articles.articles_by_id(connection, chosen)
        return IssueOverview(
            issue=issue,
            stories=tuple(shown[number] for number in chosen if number in shown),
            left_out=tuple(_left_out(connection, [issue])),
            further=tuple(_further(connection, state, issue, chosen)),
            edits=tuple(edits),
            combined=issue_edits.combine_edits(edits),
            revisions=tuple(digests.revisions_of(connection, issue)),
            findings=tuple(digests.findings_of(connection, issue)),
        )


@dataclass(frozen=True, slots=True)
class StoryCell:
    """A story in the issue of one language: its place, counted from 1, or 0; the language of the article that shows it, or would; the edit that left it out, or 0."""

    place: int = 0
    language: str = ""
    left_out: int = 0

    @property
    def is_missing(self) -> bool:
        """Whether nothing can show it: it is not translated, and no other language may stand in its place."""
        return not (self.language or self.left_out)


@dataclass(frozen=True, slots=True)
class StoryRow:
    """A story of an issue, as its first language shows it, without text; and its cell in each language."""

    story: Article
    cells: Mapping[str, StoryCell]


@dataclass(frozen=True, slots=True)
class StoryMatrix:
    """The stories of an issue in all its languages, in the order of the first. `changes`: how often each language's order was changed."""

    rows: tuple[StoryRow, ...]
    changes: Mapping[str, int]

    def missing(self, language: str) -> int:
        """Return how many stories of the other languages can't be shown in one."""
        has = (any(cell.place for cell in row.cells.values()) for row in self.rows)
        return sum(
            row.cells[language].is_missing and shown
            for row, shown in zip(self.rows, has, strict=True)
        )

    def elsewhere(self, language: str) -> Counter[str]:
        """Return how many stories the issue of a language shows in which other one."""
        cells = (row.cells[language] for row in self.rows)
        return Counter(one.language for one in cells if one.place and one.language != language)


@dataclass(frozen=True, slots=True)
class _InLanguage:
    """An issue in one language: the articles of its stories in their order, and the edits that left some out."""

    edition: Edition | None
    shown: Mapping[int, Article]
    left_out: Mapping[int, int]

    def article(self, story: int, variants: Sequence[Article]) -> Article | None:
        """Return the article that shows a story, or that would if there were room."""
        if self.edition is None or story in self.shown:
            return self.shown.get(story)
        return best_article(rules_of_edition(self.edition), variants)

    def cell(self, story: int, article: Article | None) -> StoryCell:
        place = [*self.shown].index(story) + 1 if story in self.shown else 0
        language = article.language if article else ""
        return StoryCell(place, language, self.left_out.get(story, 0))


def read_story_matrix(
    state: EditingState, actor: Actor, issues: Sequence[Issue]
) -> StoryMatrix:
    """Return which stories an issue has in its languages, which it lacks, and which were left out."""
    actor.require(Permission.VIEW)
    order = issue_edits.EditKind.MOVE
    with state.database.reading() as connection:
        read = {one.language: _in_language(connection, state, one) for one in issues}
        edits = {one.language: editing.edits_of(connection, one.id) for one in issues}
        stories = {story for one in read.values() for story in (*one.shown, *one.left_out)}
        variants = articles.variants(connection, stories, state.clock.now())
    rows = []
    for story in stories:
        of_story = variants.get(story, [])
        found = {tag: one.article(story, of_story) for tag, one in read.items()}
        cells = {tag: one.cell(story, found[tag]) for tag, one in read.items()}
        first = next(filter(None, (*found.values(), *of_story)), None)
        rows += [StoryRow(first, cells)] if first else []
    changes = {tag: issue_edits.count_changes(many, order) for tag, many in edits.items()}
    return StoryMatrix(tuple(sorted(rows, key=_rank)), changes)


def _in_language(connection: Connection, state: EditingState, issue: Issue) -> _InLanguage:
    chosen = store.chosen_articles(connection, issue)
    numbers = [article for _story, article in chosen]
    # Also those that are not published by now.
    found = articles.articles_by_id(connection, numbers, with_texts=False)
    left = editing.left_out_of(connection, [issue.id])
    return _InLanguage(
        edition=state.settings.edition(issue.newsletter, issue.language),
        shown={story: found[number] for story, number in chosen if number in found},
        left_out={edit.story_id: edit.id for edit in left if edit.story_id is not None},
    )


def _rank(row: StoryRow) -> tuple[int, ...]:
    """Order stories as the first language has them; what it lacks follows, as the second has it, and so on."""
    return tuple(cell.place or MOST_ARTICLES + 1 for cell in row.cells.values())


def edit_text(edit: issue_edits.IssueEdit) -> str:
    return (
        issue_edits.opening_markdown(edit.value)
        if edit.kind is issue_edits.EditKind.OPENING
        else edit.value
    )


def list_of_newsletter(
    state: EditingState, actor: Actor, newsletter: str, languages: Sequence[str] = ()
) -> list[Issue]:
    """Return the latest issues of a newsletter or digest, by language, the latest first."""
    actor.require(Permission.VIEW)
    editions = choose_languages(state.settings, newsletter, languages)
    with state.database.reading() as connection:
        return [
            issue
            for edition in editions
            for issue in store.latest_of_edition(
                connection, edition.newsletter, edition.language, _ISSUES_BACK
            )
        ]


def overdue_of_newsletter(
    state: EditingState, actor: Actor, newsletter: str, languages: Sequence[str] = ()
) -> list[EditionIssue]:
    """Return the issues of a newsletter whose hour has passed, and that no cycle has made."""
    actor.require(Permission.VIEW)
    with state.database.reading() as connection:
        overdue = list_overdue(connection, state.settings, state.clock.now())
    return [
        one
        for one in overdue
        if one.issue.newsletter == newsletter
        and (not languages or one.issue.language in languages)
    ]


def list_left_out(
    state: EditingState, actor: Actor, newsletter: str, language: str
) -> list[LeftOutStory]:
    """Return the stories that were left out of an edition's latest issues, the latest first."""
    actor.require(Permission.VIEW)
    with state.database.reading() as connection:
        latest = store.latest_of_edition(connection, newsletter, language, _ISSUES_BACK)
        return _left_out(connection, latest)


def compare_revisions(
    state: EditingState, actor: Actor, name: str, old: int | None = None, new: int | None = None
) -> RevisionDiff:
    """Compare two revisions of an issue, by default the last two. Raise IssueError if it has no such revisions."""
    actor.require(Permission.VIEW)
    with state.database.reading() as connection:
        issue = require_issue(connection, name)
        revisions = digests.revisions_of(connection, issue, old_texts=True)
    by_number = {revision.revision: revision for revision in revisions}
    numbers = [*by_number]
    new = new if new is not None else next(iter(numbers), None)
    before = (number for number in numbers if new is not None and number < new)
    old = old if old is not None else next(before, None)
    if old is None or new is None or not {old, new} <= by_number.keys():
        known = [*map(str, sorted(numbers))] or [message("none")]
        raise IssueError.saying(
            "%(issue)s: no two such revisions; it has %(known)s", issue=name, known=known
        )
    before_and_after = by_number[old], by_number[new]
    manifests = [
        read_manifest(revision.manifest) for revision in before_and_after if revision.manifest
    ]
    diff = digests.diff_revisions(*before_and_after)
    is_known = len(manifests) == len(before_and_after)
    return replace(diff, parts=tuple(changed_parts(*manifests))) if is_known else diff


def issue_names(
    state: EditingState,
    newsletter: str,
    day: date | None,
    languages: Sequence[str] = (),
    suffix: str = "",
) -> list[str]:
    """Return the names of a day's issues (None: of the next), in some languages or all; with a `suffix`, of that correction or announcement."""
    editions = choose_languages(state.settings, newsletter, languages)
    with state.database.reading() as connection:
        day = day or next_day(connection, state.settings, editions, state.clock.now())
        names = [
            issue_name(edition.newsletter, edition.language, day, suffix)
            for edition in editions
        ]
        existing = [name for name in names if store.issue_by_name(connection, name)]
    missing = next((name for name in names if name not in existing), None)
    if missing and (languages or not existing):
        raise UsageError(f"{missing}: no such issue; `publisher status` lists them")
    return existing


def find_story_id(state: EditingState, text: str) -> int:
    """Return the id of a story by its key, or as it stands in its address; raise UsageError."""
    with state.database.reading() as connection:
        numbers = articles.story_ids(connection, text)
    if len(numbers) != 1:
        problem = "no such story" if not numbers else f"the stories {numbers} are called so"
        raise UsageError(f"{text}: {problem}; `publisher issues show` lists those of an issue")
    return numbers[0]


def search_stories(state: EditingState, actor: Actor, name: str, words: str) -> list[Article]:
    """Return recent stories, with `words` in a title, that an issue could have, as its edition shows them, latest first."""
    actor.require(Permission.VIEW)
    settings, wanted = state.settings, words.casefold()
    with state.database.reading() as connection:
        issue = require_issue(connection, name)
        edition = settings.edition(issue.newsletter, issue.language)
        if edition is None or issue.for_profiles_only:
            return []
        recent = list_articles_before(
            connection, settings.publication.languages, None, _SEARCHED
        )
        stories = dict.fromkeys(
            one.story_id for one in recent if wanted in one.title.casefold()
        )
        own = {story for story, _article in store.chosen_articles(connection, issue)}
        sent = store.stories_sent(connection, issue.newsletter, issue.language, [*stories])
        able = [one for one in stories if one not in own | sent][:_FOUND]
        variants = articles.variants(connection, able, state.clock.now())
        best = (
            best_article(rules_of_edition(edition), variants.get(story, [])) for story in able
        )
        return [one for one in best if one is not None]


def _left_out(connection: Connection, issues: Sequence[Issue]) -> list[LeftOutStory]:
    by_id = {issue.id: issue for issue in issues}
    edits = editing.left_out_of(connection, by_id)
    stories = [edit.story_id for edit in edits if edit.story_id is not None]
    shown = _articles_of_stories(connection, issues, stories)
    where = {(issue.newsletter, issue.language) for issue in issues}
    carried = {s for place in where for s in store.stories_sent(connection, *place, stories)}
    return [
        LeftOutStory(
            issue=by_id[edit.issue_id],
            story=shown[edit.issue_id, edit.story_id],
            edit=edit,
            is_carried=edit.story_id in carried,
        )
        for edit in edits
        if edit.story_id is not None and (edit.issue_id, edit.story_id) in shown
    ]


def _articles_of_stories(
    connection: Connection, issues: Iterable[Issue], stories: Sequence[int]
) -> dict[tuple[int, int], Article]:
    places = {
        (issue.id, story): article
        for issue in issues
        for story, article in editing.first_selection(connection, issue)[0]
        if story in stories
    }
    shown = articles.articles_by_id(connection, [*places.values()])
    return {place: shown[number] for place, number in places.items() if number in shown}


def _further(
    connection: Connection, state: EditingState, issue: Issue, chosen: Sequence[int]
) -> list[Article]:
    edition = state.settings.edition(issue.newsletter, issue.language)
    if edition is None or issue.state not in SELECTED_STATES or issue.for_profiles_only:
        return []
    if issue.serial:
        return []
    first = {story for story, _article in editing.first_selection(connection, issue)[0]}
    others = stories_without_room(connection, state.settings, edition, issue, first)
    return [article for article in others if article.id not in chosen]


@dataclass(frozen=True, slots=True)
class ReadIssue:
    """An issue with its numbers. Subject and preheader are None until it is assembled."""

    status: IssueStatus
    subject: str | None = None
    preheader: str | None = None
    digest_hash: str | None = None

    @property
    def deliveries(self) -> Mapping[str, int]:
        return summarise_counts(self.status.deliveries)


def list_issue_page(
    state: EditingState, wanted: IssueFilter, limit: int
) -> tuple[list[IssueStatus], bool]:
    with state.database.reading() as connection:
        issues = list_issues(connection, wanted, limit + 1)
        return with_numbers(connection, issues[:limit]), len(issues) > limit


def read_issue(state: EditingState, name: str) -> ReadIssue:
    with state.database.reading() as connection:
        issue = require_issue(connection, name)
        (status,) = with_numbers(connection, [issue])
        digest = digests.find_digest(connection, issue)
    words = (digest.subject, digest.preheader, digest.sha256) if digest else ()
    return ReadIssue(status, *words)
