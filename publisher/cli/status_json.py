"""The state of a publication as JSON, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from publisher.cli.common import rfc3339_or_none
from publisher.cli.issue_lines import causes_as_json
from publisher.delivery.states import summarise_counts

if TYPE_CHECKING:
    from publisher.app.status import IssueStatus, PublicationStatus
    from publisher.config import Settings


def status_as_json(settings: Settings, facts: PublicationStatus) -> dict[str, Any]:
    """Return the values of `publisher status --json`."""
    publication = settings.publication
    return {
        "title": publication.title(publication.default_language),
        "url": publication.url,
        "last_cycle": rfc3339_or_none(facts.worked_at),
        "old_database": facts.old_database,
        "clock_problem": facts.clock_problem,
        "stories": facts.stories,
        "languages": {
            line.language: {
                "articles": line.articles,
                "converted": line.conversions,
                "held_back": line.held_back,
                "subscribers": line.subscribers,
            }
            for line in facts.languages
        },
        "articles_in_other_languages": facts.elsewhere,
        "subscribers_in_other_languages": facts.unserved,
        "feeds": facts.feeds,
        "pings": _pings_as_json(facts),
        "joining_stopped": facts.joining_stopped,
        "returned_mail": facts.returned_mail | {"of_nobody": facts.returned_mail_of_nobody},
        "notices": facts.notices,
        "notices_rejected": facts.notices_rejected,
        "received_mail": facts.received_mail,
        "stale_translations": facts.stale_translations,
        "expired_promises": facts.expired_promises,
        **_machines_as_json(facts),
        **_copies_as_json(facts),
        "quarantine": [{"file": path, "reason": reason} for path, reason in facts.quarantine],
        **_sources_as_json(facts),
        "article_problems": facts.article_problems,
        "held_back": facts.held_back,
        "issues": [_issue_as_json(made) for line in facts.languages for made in line.issues],
    }


def _sources_as_json(facts: PublicationStatus) -> dict[str, Any]:
    return {
        "problems": [
            {"turn": one.turn, "since": rfc3339_or_none(one.since), "problem": one.problem}
            for one in facts.problems
        ],
        "held_sources": [
            {"source": one.source, "lost": one.lost, "articles": one.articles}
            for one in facts.held_sources
        ],
        "unreadable_sources": [
            {"source": one.source, "since": rfc3339_or_none(one.since), "reason": one.reason}
            for one in facts.unreadable_sources
        ],
    }


def _machines_as_json(facts: PublicationStatus) -> dict[str, Any]:
    return {
        "processes": [
            {"host": one.host, "pid": one.pid, "epoch": one.epoch} for one in facts.processes
        ],
        "turns": [
            {"turn": one.name, "state": one.state, "seconds": one.seconds, "count": one.count}
            for one in facts.turns
        ],
        "senders": [asdict(x) | {"until": rfc3339_or_none(x.until)} for x in facts.senders],
        "full_disk": facts.full_disk,
        "overdue": [
            {"issue": x.name, "at": x.at.isoformat(), "reason": x.reason} for x in facts.overdue
        ],
    }


def _pings_as_json(facts: PublicationStatus) -> dict[str, Any]:
    return {
        "waiting": facts.pings_waiting,
        "failed": [
            {"hub": hub, "feed": topic, "answer": answer}
            for hub, topic, answer in facts.pings_failed
        ],
    }


def _copies_as_json(facts: PublicationStatus) -> dict[str, Any]:
    return {
        "bucket": _bucket_as_json(facts),
        "backup": _backup_as_json(facts),
        "has_no_second_witness": facts.has_no_second_witness,
    }


def _bucket_as_json(facts: PublicationStatus) -> dict[str, Any] | None:
    if (bucket := facts.bucket) is None:
        return None
    return {
        "problem": bucket.problem,
        "complete_at": rfc3339_or_none(bucket.complete_at),
    }


def _backup_as_json(facts: PublicationStatus) -> dict[str, Any] | None:
    if (backup := facts.backup) is None:
        return None
    return {
        "problem": backup.problem,
        "tried_at": rfc3339_or_none(backup.tried_at),
        "made_at": rfc3339_or_none(backup.made_at),
    }


def _issue_as_json(made: IssueStatus) -> dict[str, Any]:
    issue, count = made.issue, made.deliveries
    return {
        "name": issue.name,
        "newsletter": issue.newsletter,
        "language": issue.language,
        "day": issue.day.isoformat(),
        "due": rfc3339_or_none(issue.due_at),
        "state": issue.state.value,
        "reason": issue.reason,
        "reason_key": issue.reason_key,
        "articles": made.articles,
        "warnings": made.warnings,
        "deliveries": {"planned": count.total(), **summarise_counts(count)},
        "causes": causes_as_json(made.causes),
    }
