"""What the engine has to say about a source, as sentences with what to do, the urgent first.

`notices_of` is pure: all of it was stored by the last cycle. It writes no sentence about what is in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.ingest.sites.base import LeftOutReason
from publisher.messages import Sentence, counted, message, untranslated

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.ingest.held_sources import HeldSource, SourceFailure
    from publisher.ingest.source_facts import SourceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNotice:
    """A sentence about a source. `kind` is a key for programs; `remedy` is what to do, empty for nothing.

    It is so since `since`, if that is known, or until `until`.
    """

    kind: str
    what: str
    remedy: str = ""
    is_urgent: bool = False
    since: datetime | None = None
    until: datetime | None = None


_BY_SETTINGS = message("`include` of the source names what is an article all the same")
_BY_FRONT_MATTER = message("the front matter of each says so; change it there")
_WITHOUT_REMEDY = message("nothing, unless it is a mistake")
# Why files are rightly no articles, and how they become some.
_LEFT_OUT: dict[str, tuple[Sentence, Sentence]] = {
    LeftOutReason.HIDDEN: (
        message("names that begin with . or _, or end with ~"),
        _WITHOUT_REMEDY,
    ),
    LeftOutReason.FOLDER: (
        message("folders that the site's generator does not read"),
        _BY_SETTINGS,
    ),
    LeftOutReason.README: (message("README, and files about a repository"), _BY_SETTINGS),
    LeftOutReason.ENDING: (message("endings of no document and no picture"), _WITHOUT_REMEDY),
    LeftOutReason.UNWATCHED: (
        message("too many pictures: a change of one is noticed only with its article"),
        message("keep pictures that no article shows in another folder"),
    ),
    LeftOutReason.EXCLUDED: (
        message("`exclude` of the source names them, or `include` does not"),
        _BY_SETTINGS,
    ),
    LeftOutReason.PAGE: (message("pages of the site that are no articles"), _BY_SETTINGS),
    LeftOutReason.LIST: (message("pages that list others"), _BY_SETTINGS),
    LeftOutReason.TEMPLATE: (message("parts of the site's design"), _BY_SETTINGS),
    LeftOutReason.DRAFT: (message("drafts"), _BY_FRONT_MATTER),
    LeftOutReason.UNLISTED: (message("they are not listed on the site"), _BY_FRONT_MATTER),
    LeftOutReason.EXPIRED: (message("their time is over"), _BY_FRONT_MATTER),
    LeftOutReason.SCHEDULED: (message("they wait for their time"), _BY_FRONT_MATTER),
    LeftOutReason.UNTRANSLATED: (
        message("copies of an original that nobody has translated yet"),
        message("translate them"),
    ),
}


def left_out_reason(reason: str) -> str:
    """Return why files are left out, as a sentence."""
    return _left_out(reason)[0]


def _left_out(reason: str) -> tuple[Sentence, str]:
    # Another version of the program may have stored a reason that this one does not know.
    return _LEFT_OUT.get(reason, (untranslated(reason), ""))


def notices_of(
    facts: SourceFacts | None, failure: SourceFailure | None, held: HeldSource | None
) -> tuple[SourceNotice, ...]:
    """Return what is to be said of a source. Without `facts` it was never read."""
    found = [*_of_failure(failure), *_of_loss(held)]
    if facts is not None:
        found += [*_of_files(facts), *_of_languages_and_dates(facts)]
        found += _of_left_out(facts.left_out)
    elif failure is None:
        found.append(
            SourceNotice(
                kind="never-read",
                what=message("it was not read yet"),
                remedy=message("the next cycle of the service reads it"),
            )
        )
    return tuple(found)


def _of_failure(failure: SourceFailure | None) -> Iterator[SourceNotice]:
    if failure is not None:
        yield SourceNotice(
            kind="unreadable",
            what=failure.reason,
            remedy=message(
                "its articles stay as they are; mend what is named, or its table in publication.toml"
            ),
            is_urgent=True,
            since=failure.since,
        )


def _of_loss(held: HeldSource | None) -> Iterator[SourceNotice]:
    if held is None:
        return
    values = {"lost": held.lost, "articles": held.articles}
    if held.accepted < held.lost:
        yield SourceNotice(
            kind="held",
            what=message(
                "%(lost)s of %(articles)s articles are gone. A checkout that failed or a disk that is missing looks like that; nothing is withdrawn until somebody accepts it",
                **values,
            ),
            remedy=message("bring the files back, or accept that they are gone"),
            is_urgent=True,
            since=held.since,
        )
    else:
        yield SourceNotice(
            kind="loss-accepted",
            what=message(
                "%(lost)s of %(articles)s articles are gone, which is accepted", **values
            ),
            remedy=message("the next cycle withdraws them"),
            since=held.since,
        )


def _of_files(facts: SourceFacts) -> Iterator[SourceNotice]:
    if facts.quarantined:
        yield SourceNotice(
            kind="quarantine",
            what=counted(
                "%(count)s file can't be read as an article",
                "%(count)s files can't be read as articles",
                facts.quarantined,
            ),
            remedy=message(
                "each is listed with its reason; what was published of it before, stays"
            ),
        )
    if facts.problems:
        yield SourceNotice(
            kind="problems",
            what=counted(
                "%(count)s problem in its articles",
                "%(count)s problems in its articles",
                facts.problems,
            ),
            remedy=message("they are listed by kind, with what to do"),
        )


def _of_languages_and_dates(facts: SourceFacts) -> Iterator[SourceNotice]:
    if facts.elsewhere:
        yield SourceNotice(
            kind="other-languages",
            what=counted(
                "%(count)s article is in a language that the publication does not have: %(languages)s",
                "%(count)s articles are in languages that the publication does not have: %(languages)s",
                facts.elsewhere.total(),
                languages=list(facts.elsewhere),
            ),
            remedy=message(
                "add the language to publication.toml, or correct the one that the files state"
            ),
        )
    if facts.in_future:
        yield SourceNotice(
            kind="future",
            what=counted(
                "%(count)s article has a date in the future",
                "%(count)s articles have dates in the future",
                facts.in_future,
            ),
            remedy=message("each is published at its date; correct one that is a mistake"),
            until=facts.next_at,
        )


def _of_left_out(counts: Counter[str]) -> Iterator[SourceNotice]:
    for reason, count in counts.most_common():
        why, remedy = _left_out(reason)
        yield SourceNotice(
            kind=f"left-out {reason}",
            what=counted(
                "%(count)s file is left out: %(why)s",
                "%(count)s files are left out: %(why)s",
                count,
                why=why,
            ),
            remedy=remedy,
        )
