"""What is wrong with articles, in lines and as JSON, for `run`, `status` and `articles problems`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from publisher.cli.common import count_noun, rfc3339_or_none
from publisher.cli.terminal_text import escape_line

if TYPE_CHECKING:
    from publisher.app.articles import ItemProblem, ProblemGroup, StoredArticles
    from publisher.app.status import PublicationStatus

# Kinds that are named in one line, examples of a kind, and files in quarantine that are named.
_KINDS_SHOWN = 3
_EXAMPLES = 3
_QUARANTINED_SHOWN = 20
# Groups that are named of each reason for which files are left out.
_GROUPS_SHOWN = 5


def summarise_articles(facts: PublicationStatus) -> Iterator[str]:
    """Yield one line about problems and one about what is rightly held back, if there are any."""
    for failure in facts.unreadable_sources:
        since = rfc3339_or_none(failure.since)
        yield f"Source {failure.source} can't be read since {since}: {failure.reason}"
    for one in facts.held_sources:
        yield (
            f"Source {one.source} is held: {one.lost:,} of {one.articles:,} articles are gone, and stay "
            f"published. Bring them back, or withdraw them: publisher articles accept {one.source}"
        )
    for tag, count in facts.elsewhere.items():
        yield (
            f"{count_noun(count, 'article')} in {tag}, which is not one of the languages, so nobody sees "
            f'it. To publish it, add "{tag}" to languages in publication.toml'
        )
    counts = facts.article_problems
    if counts:
        named = list(counts.items())[:_KINDS_SHOWN]
        parts = [f"{number:,} {kind}" for kind, number in named]
        if rest := sum(counts.values()) - sum(number for _kind, number in named):
            parts.append(f"{rest:,} others")
        held = len(facts.quarantine)
        holding = f"; {count_noun(held, 'file')} held back" if held else ""
        yield (
            f"Problems of articles: {', '.join(parts)}{holding}. "
            "publisher articles problems lists them"
        )
    if facts.held_back:
        held_back = ", ".join(f"{n:,} {reason}" for reason, n in facts.held_back.items())
        yield f"Not published on purpose: {held_back}. publisher articles lists them"
    if facts.left_out:
        yield f"Left out by name: {', '.join(left_out_parts(facts.left_out))}"


def left_out_parts(counts: Iterable[tuple[str, str, int]]) -> Iterator[str]:
    """Yield for each reason how many files are left out, and the most frequent groups of them."""
    reasons: dict[str, list[tuple[str, int]]] = {}
    for reason, group, number in counts:
        reasons.setdefault(reason, []).append((group, number))
    for reason, groups in reasons.items():
        total = sum(number for _group, number in groups)
        named = [f"{group} {number:,}" for group, number in groups if group][:_GROUPS_SHOWN]
        yield f"{total:,} {reason}" + (f" ({', '.join(named)})" if named else "")


def quarantine_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield a line for each of the first files in quarantine, and one that counts the others."""
    for path, reason in facts.quarantine[:_QUARANTINED_SHOWN]:
        yield quarantine_line(path, reason)
    if (more := len(facts.quarantine) - _QUARANTINED_SHOWN) > 0:
        yield f"Quarantined: {more:,} more, which publisher articles lists"


def quarantine_line(path: str, reason: str) -> str:
    """Return the line about a file that has no article, whatever its name is."""
    return f"Quarantined: {escape_line(path)}: {escape_line(reason)}"


def unpublished_lines(found: StoredArticles) -> Iterator[str]:
    """Yield a line for each file in quarantine, and for the first of those that are held back on purpose."""
    yield from (quarantine_line(*one) for one in found.quarantine)
    for reason, rows in groupby(found.held_back, key=itemgetter(0)):
        held = list(rows)
        yield f"Not published on purpose, {reason}: {len(held):,}"
        for _reason, path, title in held[:_QUARANTINED_SHOWN]:
            yield escape_line(f"  {path}: {title}".removesuffix(": "))
        if (more := len(held) - _QUARANTINED_SHOWN) > 0:
            yield f"  and {more:,} more, which --json lists"


def problem_lines(groups: list[ProblemGroup]) -> Iterator[str]:
    """Yield lines on each kind: how many, what it means, what to do, and the first places."""
    for group in groups:
        number, files = len(group.problems), count_noun(group.files, "file")
        holding = f", {group.held} of them held back" if group.held else ""
        yield f"{group.kind}: {number:,} in {files}{holding}"
        yield f"  {group.meaning}; {group.remedy}"
        for one in group.problems[:_EXAMPLES]:
            yield escape_line(f"    {_place(one)}: {one.problem.what}".removesuffix(": "))
        if (more := number - _EXAMPLES) > 0:
            yield f"    and {more:,} more, which --json lists"
    if not groups:
        yield "No problems"


def _place(one: ItemProblem) -> str:
    line = one.problem.line
    return f"{one.source}/{one.file}{f':{line}' if line else ''}"


def problems_as_json(groups: list[ProblemGroup]) -> list[dict[str, Any]]:
    """Return the values of `publisher articles problems --json`."""
    return [
        {
            "kind": group.kind,
            "count": len(group.problems),
            "files": group.files,
            "held_back": group.held,
            "meaning": group.meaning,
            "remedy": group.remedy,
            "problems": [
                {
                    "source": one.source,
                    "file": one.file,
                    "line": one.problem.line,
                    "what": one.problem.what,
                    "held_back": one.holds,
                }
                for one in group.problems
            ],
        }
        for group in groups
    ]
