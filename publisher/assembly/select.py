"""Select the articles of due issues: all issues of a cycle in one transaction.

An issue links to the same issue in other languages, so all are selected before one is rendered.
The selection is stored: after a crash, issues are only rendered again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from publisher.articles import store as articles
from publisher.articles.model import Article, Mailing
from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.fault_isolation import Report, isolated, unreported
from publisher.i18n.messages import counted, message
from publisher.ingest.pickup.source_items import sources_of_stories
from publisher.issues import model, schedule
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.issues.planner import next_issue
from publisher.issues.recovered_issues import lacks_recovered_stories
from publisher.issues.selection import (
    Candidates,
    Selection,
    SelectionWindow,
    choose_articles,
    languages_to_search,
    order_key,
    original_date,
)
from publisher.issues.subscriber_selection import ProfileSelector
from publisher.log import log
from publisher.translations.delays import claimed_stories, wait_of
from subscribers.preferences import profile_from_text

_Key = tuple[str, str]  # a newsletter and a language


def select_due(
    settings: Settings, database: Database, now: datetime, report: Report = unreported
) -> int:
    """Move due issues to assembling or skipped; return how many assemble. `report` gets errors, which are tried again."""
    filled, lacking, count = dict[_Key, datetime](), dict[_Key, datetime | None](), 0
    with database.writing() as connection:
        issues.reset_future_cutoffs(connection, now)
        for issue in issues.issues_in_state(connection, model.IssueState.SCHEDULED):
            with isolated(issue.name, report, connection):
                if _waits(connection, settings, issue, lacking, now):
                    continue
                window = _window(connection, issue, now)
                if (until := _fill(connection, settings, issue, window)) is not None:
                    count += 1
                    # What has come since an issue was sent, before a restore, is left to the next one.
                    if window.stories is None:
                        filled[issue.newsletter, issue.language] = until
        for (newsletter, language), until in filled.items():
            issues.set_cutoff(connection, newsletter, language, until)
    return count


def _waits(
    connection: Connection,
    settings: Settings,
    issue: Issue,
    lacking: dict[_Key, datetime | None],
    now: datetime,
) -> bool:
    """Return whether an issue waits; store for what and until when.

    `lacking` has until when an earlier issue of an edition waits for its stories, None for one that is held; it
    gets this one's time.
    """
    edition = settings.edition(issue.newsletter, issue.language)
    found = _wait(connection, edition, issue, lacking, now) if edition else None
    if found is None:
        return False
    key, reason = found
    issues.set_reason(connection, issue, reason, key)
    if issue.reason_key != key:
        log.info("issue waits", issue=issue.name, reason=reason)
    return True


def _wait(
    connection: Connection,
    edition: Edition,
    issue: Issue,
    lacking: dict[_Key, datetime | None],
    now: datetime,
) -> tuple[model.IssueReason, str] | None:
    made_at = issue.due_at - edition.lead
    if made_at > now:
        # What it is to have is dated later.
        reason = message(
            "waits until %(until)s: when it was planned, the clock was ahead or the lead longer",
            until=_local(edition, made_at),
        )
        return model.IssueReason.WAITS_FOR_TIME, reason
    this, languages = (issue.newsletter, issue.language), languages_to_search(edition)
    late = schedule.lateness_of(edition, issue, now) if issue.send_at else timedelta()
    until = now + edition.max_lateness - late
    if until > now and lacks_recovered_stories(connection, issue.name, languages):
        lacking.setdefault(this, until if issue.send_at else None)
    # Each issue waits with the one before: it would bring that one's stories, also to those who have got them.
    if this in lacking and (end := lacking[this] or until) > now:
        reason = message(
            "waits until %(until)s for stories of before the restore: no source has them now",
            until=_local(edition, end),
        )
        return model.IssueReason.WAITS_FOR_STORIES, reason
    return _wait_for_translations(connection, edition, issue, now)


def _wait_for_translations(
    connection: Connection, edition: Edition, issue: Issue, now: datetime
) -> tuple[model.IssueReason, str] | None:
    if not edition.wait_for_translations:
        return None
    claimed = claimed_stories(connection, edition.language, now)
    stories = [story.story_id for _claim, story in claimed]
    sent = issues.stories_sent(connection, edition.newsletter, edition.language, stories)
    wait = wait_of(edition, claimed, sent, issue.due_at, now)
    if wait is None:
        return None
    reason = counted(
        "waits for %(count)s translation until %(until)s",
        "waits for %(count)s translations until %(until)s",
        wait.count,
        until=_local(edition, wait.until),
    )
    return model.IssueReason.WAITS_FOR_TRANSLATIONS, reason


def _local(edition: Edition, instant: datetime) -> str:
    return f"{instant.astimezone(edition.zone):%a %Y-%m-%d %H:%M %Z}"


def _window(connection: Connection, issue: Issue, now: datetime) -> SelectionWindow:
    return SelectionWindow(
        since=issues.cutoff(connection, issue.newsletter, issue.language),
        until=now,
        published_until=issue.published_until,
        stories=issues.recovered_stories(connection, issue.name),
    )


def _fill(
    connection: Connection, settings: Settings, issue: Issue, window: SelectionWindow
) -> datetime | None:
    """Select an issue's articles. Return until when those that came are considered; None if it is skipped without any."""
    edition, now = settings.edition(issue.newsletter, issue.language), window.until
    if edition is None:
        _skip(connection, issue, model.IssueReason.EDITION_REMOVED, model.EDITION_REMOVED, now)
        return None
    selection = _select(connection, settings, edition, window)
    own = bool(selection.chosen)
    if not own:
        selection = _select_for_profiles(connection, settings, edition, window, selection)
    why = _reason_to_skip(connection, edition, issue, selection, now)
    # One that was sent before a restore is made of what it had.
    if why and not (selection.chosen and window.stories):
        _skip(connection, issue, *why, now)
        return None
    if waits := selection.reason_to_wait():
        log.info("articles wait", issue=issue.name, reason=waits)
    chosen = [(article.story_id, article.id) for article in selection.chosen]
    issues.select_articles(connection, issue, chosen)
    issues.move_issue(
        connection,
        issue,
        model.IssueState.ASSEMBLING,
        reason=None,
        more=selection.more,
        assembled_at=now,
        available_since=window.since,
        for_profiles_only=not own,
        send_at=_send_at(issue, now),
    )
    return selection.considered_until(now)


def _reason_to_skip(
    connection: Connection, edition: Edition, issue: Issue, found: Selection, now: datetime
) -> tuple[model.IssueReason, str] | None:
    """Return why an issue is not made of a selection: it has no articles, or so few that they can wait."""
    if not (count := len(found.chosen)):
        return model.IssueReason.NO_ARTICLES, found.reason_if_empty()
    if count >= min(edition.min_articles, edition.max_articles):
        return None
    coming = next_issue(connection, edition, now, max(issue.due_at, now))
    changes = schedule.changes_of(schedule.read_changes(connection), edition)
    # An editor has taken back that it is skipped.
    is_wanted = any(o.day == issue.day and not (o.due_at or o.skip_reason) for o in changes)
    if coming is None or is_wanted:
        return None
    aging = [one for one in found.chosen if one.mailing is not Mailing.ANNOUNCED]
    variants = articles.variants(connection, {one.story_id for one in aging}, now)
    dates = [original_date(one, variants.get(one.story_id, ())) for one in aging]
    # It would be too old for the next issue: waiting would lose it.
    if any(coming.due_at - one > edition.max_age for one in dates):
        return None
    return model.IssueReason.TOO_FEW_ARTICLES, counted(
        "%(count)s article, and min_articles is %(least)s: it waits for the next issue",
        "%(count)s articles, and min_articles is %(least)s: they wait for the next issue",
        count,
        least=edition.min_articles,
    )


def _send_at(issue: Issue, now: datetime) -> datetime | None:
    """Return from when on an issue may be sent. One that had to wait is not late by its wait."""
    waited = issue.reason_key in model.WAIT_REASONS - {model.IssueReason.WAITS_FOR_TIME}
    return max(issue.send_at, now) if waited and issue.send_at else issue.send_at


def _skip(
    connection: Connection, issue: Issue, key: model.IssueReason, reason: str, now: datetime
) -> None:
    issues.give_up_issue(connection, issue, reason, key, now)
    log.info("issue skipped", issue=issue.name, reason=reason)


def _select(
    connection: Connection, settings: Settings, edition: Edition, window: SelectionWindow
) -> Selection:
    now, languages = window.until, languages_to_search(edition)
    oldest = now - edition.max_age
    found, too_old = articles.became_available(connection, languages, window.since, now, oldest)
    stories = sorted({article.story_id for article in found})
    candidates = Candidates(
        articles=found,
        too_old=too_old,
        archived=articles.count_archived(connection, languages, window.since, now),
        variants=articles.variants(connection, stories, now),
        sent=issues.stories_sent(connection, edition.newsletter, edition.language, stories),
        # One that was sent before a restore is made of what it had.
        places={} if window.stories else _places(connection, settings, edition, stories),
    )
    return choose_articles(edition, candidates, window)


def _places(
    connection: Connection, settings: Settings, edition: Edition, stories: Sequence[int]
) -> dict[int, tuple[str, int]]:
    """Return the sources of stories that may fill a part of an issue alone, one place at least; see `Candidates`."""
    shares = {one.name: one.max_share for one in settings.sources if one.max_share < 1}
    return {
        # 0.29 of a hundred are 29.
        story: (source, max(int(shares[source] * edition.max_articles + 1e-9), 1))
        for story, source in sources_of_stories(connection, stories, shares)
    }


def _select_for_profiles(
    connection: Connection,
    settings: Settings,
    edition: Edition,
    window: SelectionWindow,
    empty: Selection,
) -> Selection:
    """Return all that subscribers with a profile want, where others get nothing.

    A story that the edition has carried before is no reason for an issue of its own.
    """
    selector = ProfileSelector(connection, settings, edition, window)
    found: dict[int, Article] = {}
    for language, text in selector.profiles(window.until):
        for article in selector.choose(language, profile_from_text(text)):
            found.setdefault(article.story_id, article)
    sent = issues.stories_sent(
        connection, edition.newsletter, edition.language, sorted(found), for_profiles=True
    )
    new = [article for story, article in found.items() if story not in sent]
    new.sort(key=order_key)
    chosen = tuple(new[: edition.max_articles])
    return Selection(chosen, len(new) - len(chosen), empty.excluded)


def preview_selection(
    connection: Connection, settings: Settings, edition: Edition, now: datetime
) -> Selection:
    """Return what an edition's next issue would carry if it were made now."""
    since = issues.cutoff(connection, edition.newsletter, edition.language)
    return _select(connection, settings, edition, SelectionWindow(since=since, until=now))
