"""Sources and their tests, in lines and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from publisher.cli.common import count_noun, rfc3339_or_none
from publisher.cli.terminal_text import escape_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.app.source_status import SourceStatus
    from publisher.app.source_tests import SourceSurvey

# Files that can't be articles are named so far; --json has all.
_REFUSED_SHOWN = 20


def source_lines(one: SourceStatus) -> Iterator[str]:
    """Yield a line about a source, and two about each notice."""
    archive = f", {one.archived:,} of them an archive" if one.archived else ""
    articles = count_noun(one.articles, "article")
    yield f"{one.settings.name} ({one.settings.kind}): {one.state}, {articles}{archive}"
    for notice in one.notices:
        since = f" since {rfc3339_or_none(notice.since)}" if notice.since else ""
        until = f", the first {rfc3339_or_none(notice.until)}" if notice.until else ""
        yield f"  {notice.what}{since}{until}"
        if notice.remedy:
            yield f"    {notice.remedy}"


def source_as_json(one: SourceStatus) -> dict[str, Any]:
    """Return an element of `publisher sources --json`."""
    return {
        "name": one.settings.name,
        "kind": one.settings.kind,
        "state": one.state,
        "articles": one.articles,
        "archived": one.archived,
        "notices": [
            {
                "kind": notice.kind,
                "what": notice.what,
                "remedy": notice.remedy,
                "urgent": notice.is_urgent,
                "since": rfc3339_or_none(notice.since),
                "until": rfc3339_or_none(notice.until),
            }
            for notice in one.notices
        ],
    }


def survey_lines(found: SourceSurvey) -> Iterator[str]:
    """Yield lines on what a source would bring."""
    yield (
        f"{found.place or found.kind}: {count_noun(found.documents, 'file')} in {found.seconds:.1f} s: "
        f"{found.new:,} new, {found.changed:,} changed, {found.moved:,} moved, "
        f"{found.unchanged:,} unchanged, {len(found.refused):,} refused, {found.gone:,} gone"
    )
    if found.unread:
        unread = count_noun(found.unread, "file")
        yield f"Not looked at: {unread}; there are too many, or it would take too long"
    if found.is_held:
        yield "So many are gone that the next cycle would withdraw nothing, and hold the source"
    for one in found.articles:
        kind = "new" if one.is_new else "changed"
        at = rfc3339_or_none(one.published_at)
        yield f"  {kind} {one.language} {at} {escape_line(one.file)}: {one.title}"
    if (more := found.new + found.changed - len(found.articles)) > 0:
        yield f"  and {more:,} more"
    for file, reason in found.refused[:_REFUSED_SHOWN]:
        yield f"Refused: {escape_line(file)}: {escape_line(reason)}"
    if (more := len(found.refused) - _REFUSED_SHOWN) > 0:
        yield f"Refused: {more:,} more, which --json lists"
    for title, counts in (("Left out", found.left_out), ("Problems", found.problems)):
        if counts:
            yield f"{title}: {', '.join(f'{n:,} {key}' for key, n in counts.most_common())}"


def survey_as_json(found: SourceSurvey) -> dict[str, Any]:
    """Return the value of `publisher sources test --json`."""
    numbers = ("documents", "new", "changed", "moved", "unchanged", "gone", "unread", "seconds")
    articles = [
        asdict(one) | {"published_at": rfc3339_or_none(one.published_at)}
        for one in found.articles
    ]
    return {
        "kind": found.kind,
        "place": found.place,
        **{name: getattr(found, name) for name in numbers},
        "would_be_held": found.is_held,
        "languages": dict(found.languages),
        "articles": articles,
        "refused": [{"file": file, "reason": reason} for file, reason in found.refused],
        "left_out": dict(found.left_out),
        "problems": dict(found.problems),
    }
