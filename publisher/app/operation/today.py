"""The console's first page by role: what waits for whoever reads it, what for others, and what the machine says.

`attention` finds what needs somebody. Here it is given to those who can do it: an approval to those whose approval
would count, a change that was asked for to the issue's editors, a translation to the translators of its language. What
is nobody's task is the machine's word, which a person can put aside until it says something else.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from publisher.accounts import store
from publisher.accounts.model import Account, Grant, Permission, Role, permits
from publisher.app.editing_state import Actor, EditingState
from publisher.app.issues.listing import count_of_editions
from publisher.app.operation.attention import APPROVALS, AttentionItem, list_attention
from publisher.app.operation.status import PublicationStatus
from publisher.issues import approvals
from publisher.issues.model import IssueKind, IssueState
from publisher.issues.planner import all_editions
from publisher.translations.listing import StoryFilter, read_stories
from publisher.translations.model import CellState
from publisher.translations.records import claims_by

# How old stories are that a translator is asked for: as on the page of translations.
_STORIES = timedelta(days=60)
_TRANSLATIONS = frozenset({"waits", "promises", "stale"})
_TOGETHER = APPROVALS | {"changes"}  # one line for all languages, though the reasons differ
# Who deals with an item, by its kind. What has no permission is nobody's task.
_TASKS = {
    **dict.fromkeys(APPROVALS, Permission.APPROVE),
    **dict.fromkeys(_TRANSLATIONS, Permission.TRANSLATE),
    **dict.fromkeys(("late", "paused"), Permission.CONTROL_SENDING),
    **dict.fromkeys(("lost", "unreadable"), Permission.MANAGE_SOURCES),
    "changes": Permission.EDIT_ISSUE,
    "unscheduled": Permission.MOVE_ISSUE,
    "in-doubt": Permission.DECIDE_DOUBTS,
}
_Counts = Mapping[tuple[str, str], int]  # subscribers, by newsletter and language of an edition


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayLine:
    """The same in several languages of an issue: `item` has the sums. `waits_for` are the addresses of those who can do it."""

    item: AttentionItem
    items: tuple[AttentionItem, ...]
    waits_for: tuple[str, ...]
    subscribers: int

    @property
    def fingerprint(self) -> str:
        """What a person puts aside: another count, reason or object is another line."""
        said = [(one.kind, one.name, one.language, one.count, one.text) for one in self.items]
        return hashlib.sha256(repr((said, self.item.at)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The page: `lines` by part: mine, others, machine, and aside. `own` are languages that somebody has a role for."""

    snapshot: PublicationStatus
    lines: Mapping[str, Sequence[TodayLine]]
    subscribers: _Counts
    own: frozenset[str]


@dataclass(frozen=True, slots=True)
class TodayTask:
    """An item, and who can do it; None if it is nobody's task."""

    item: AttentionItem
    doers: Sequence[Account] | None


def read_today(state: EditingState, actor: Actor) -> Today:
    """Return what waits for the actor, for others, and what the machine says. Counts the subscribers of all newsletters."""
    snapshot, items = list_attention(state, actor)
    with state.database.reading() as connection:
        tasks = [*_tasks(connection, state, snapshot, items)]
        own_items = [*_own_translations(connection, state, actor)]
        names = {one.newsletter for one in all_editions(state.settings)}
        subscribers = count_of_editions(connection, state, names)
        aside = store.read_aside(connection, actor.account_id)
    parts: dict[str, list[TodayTask]] = {"mine": [], "others": [], "machine": []}
    parts["mine"] += [TodayTask(item, ()) for item in own_items]
    for task in tasks:
        numbers = {None, *(one.id for one in task.doers or ())}
        # Whoever uses the terminal may do everything.
        part = "mine" if actor.account_id in numbers else "others"
        parts["machine" if task.doers is None else part].append(task)
    own = frozenset(one.language for one in actor.grants if one.language)
    lines = {part: today_lines(found, subscribers, own) for part, found in parts.items()}
    lines["aside"] = [one for one in lines["machine"] if one.fingerprint in aside]
    lines["machine"] = [one for one in lines["machine"] if one.fingerprint not in aside]
    return Today(snapshot=snapshot, lines=lines, subscribers=subscribers, own=own)


def put_aside(state: EditingState, actor: Actor, fingerprint: str, *, again: bool) -> None:
    """Hide a line of the machine from the actor's page, or show it `again`. One that is not there or is urgent stays as it is."""
    lines = read_today(state, actor).lines
    shown = (one for part in ("machine", "aside") for one in lines[part])
    able = {one.fingerprint for one in shown if not one.item.urgent}
    if actor.account_id is None or fingerprint not in able:
        return
    kept = {one.fingerprint for one in lines["aside"]} - {fingerprint}
    with state.changing(actor, "put-aside", actor.name, {"again": again}) as change:
        # Those of lines that are gone end with it.
        kept |= set() if again else {fingerprint}
        store.store_aside(change.connection, actor.account_id, kept)


def _tasks(
    connection: Connection,
    state: EditingState,
    snapshot: PublicationStatus,
    items: Iterable[AttentionItem],
) -> Iterator[TodayTask]:
    accounts = [one for one in store.list_accounts(connection) if one.disabled_at is None]
    names = {one.email: one.name for one in accounts}
    waiting = {
        one.issue.name: approvals.approval_facts(connection, one.issue, edition.approval)
        for one in snapshot.latest
        if one.issue.state is IssueState.AWAITING_APPROVAL
        if (edition := state.settings.edition(one.issue.newsletter, one.issue.language))
    }
    for item in items:
        facts = waiting.get(item.name)
        asked = approvals.verdict(facts).count.changes if facts else ()
        if asked and item.kind == "approval":
            said = (note.partition(": ") for note in asked)
            text = "; ".join(f"{names.get(who, who)}: {note}" for who, _colon, note in said)
            item = replace(item, kind="changes", urgent=True, text=text)  # noqa: PLW2901  # it waits for others
        yield TodayTask(item, _doers(item, accounts, facts) if item.kind in _TASKS else None)


def _doers(
    item: AttentionItem, accounts: Sequence[Account], facts: approvals.ApprovalFacts | None
) -> Sequence[Account]:
    able = [one for one in accounts if permits(one.grants, _TASKS[item.kind], item.language)]
    if item.kind in _TRANSLATIONS:
        return [one for one in able if _translates(one.grants, item.language)] or able
    if facts and item.kind == "changes":
        return [one for one in able if one.id in facts.editors] or able
    if facts and item.kind in APPROVALS:
        names = {*facts.able_to_approve()} - {*approvals.verdict(facts).count.approvers}
        return [one for one in able if one.email in names]
    return able


def _translates(grants: Iterable[Grant], language: str | None) -> bool:
    """Return whether it is the task of these roles, and not only permitted, to translate into a language."""
    languages = {one.language for one in grants if one.role is Role.TRANSLATOR}
    return bool(languages & {None, language})


def _own_translations(
    connection: Connection, state: EditingState, actor: Actor
) -> Iterator[AttentionItem]:
    """Yield what the actor has promised, and what is missing in the languages of a translator."""
    now = state.clock.now()
    for language, ends in claims_by(connection, actor.name).items():
        at = min((one for one in ends if one), default=None)
        yield AttentionItem(kind="claimed", language=language, count=len(ends), at=at)
    served = state.settings.publication.languages
    own = [one for one in served if _translates(actor.grants, one)]
    wanted = StoryFilter(languages=own, states={CellState.MISSING}, since=now - _STORIES)
    lines = read_stories(connection, wanted, now) if own else ()
    cells = Counter((one.language, one.state) for line in lines for one in line.cells)
    for language in own:
        if count := cells[language, CellState.MISSING]:
            yield AttentionItem(kind="missing", language=language, count=count)


def today_lines(
    tasks: Iterable[TodayTask], subscribers: _Counts, own: frozenset[str]
) -> list[TodayLine]:
    """Return one line for what is the same in several languages of an issue, however many approvals each needs."""
    groups: dict[object, list[TodayTask]] = defaultdict(list)
    for task in tasks:
        item = task.item
        says = () if item.kind in _TOGETHER else (item.urgent, item.text)
        groups[item.kind, says, item.group or item].append(task)
    found = [_line(many, subscribers, own) for many in groups.values()]
    # Stable: what was changed after approval comes first, then what is urgent.
    return sorted(
        found, key=lambda one: (not one.item.urgent, one.items[0].language not in own)
    )


def _line(many: Sequence[TodayTask], subscribers: _Counts, own: frozenset[str]) -> TodayLine:
    items = sorted((one.item for one in many), key=lambda one: one.language not in own)
    doers = {one.email: one for task in many for one in task.doers or ()}
    # Administrators may do all of it: it waits for them if there is nobody else.
    manage = {Grant(Role.ADMINISTRATOR)}
    others = [email for email, one in doers.items() if not manage & {*one.grants}]
    whole = replace(
        items[0],
        urgent=any(one.urgent for one in items),
        count=sum(one.count for one in items),
        of=sum(one.of for one in items),
        at=min((one.at for one in items if one.at), default=None),
        text=items[0].text if len({one.text for one in items}) == 1 else "",
    )
    # Others go to those who got an issue, or to an audience of their own.
    keys = [
        (one.newsletter, one.language or "")
        for one in items
        if one.issue_kind == IssueKind.REGULAR
    ]
    count = whole.of or sum(subscribers.get(key, 0) for key in keys)
    return TodayLine(
        item=whole, items=tuple(items), waits_for=tuple(others or doers), subscribers=count
    )
