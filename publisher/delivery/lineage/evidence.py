"""What is known outside the database about what came after it: from witnesses, journals and stories beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.delivery.lineage.issue_stories import read_recorded_stories
from publisher.delivery.lineage.journal import JournalContent, read_journals
from publisher.delivery.lineage.recovered_rows import meaning_of
from publisher.delivery.lineage.state import LedgerPage, Lineage, lost_pages
from publisher.delivery.lineage.witness import read_pages
from publisher.delivery.states import DeliveryState


@dataclass(slots=True)
class RecoveryEvidence:
    """What is known outside the database about what came after it."""

    found: Lineage
    content: JournalContent
    witness: LedgerPage | None
    # Whether nothing can be missing: all witnesses and journals were there.
    is_complete: bool
    # The keys of the stories of issues that were sent, by the issues' names.
    stories: Mapping[str, Collection[str]]

    @property
    def last_page(self) -> int:
        """The last page that is known."""
        return max(
            self.found.page, self.content.last, self.witness.number if self.witness else 0
        )

    def begun(self) -> frozenset[str]:
        """Return the names of issues of which mail has left, or may have; none if something is missing."""
        left = {DeliveryState.SENT, DeliveryState.IN_DOUBT}
        words = self.content.words if self.is_complete else {}
        return frozenset(
            name
            for name, last in words.items()
            if any(meaning_of(word.state) in left for word in last.values())
        )

    @property
    def missing_pages(self) -> int:
        """How many pages are known to be in no journal."""
        return self.content.missing + lost_pages(self.content.last, self.last_page + 1)


def read_evidence(
    found: Lineage, folders: Iterable[Path], *, all_given: bool
) -> RecoveryEvidence:
    """Read witnesses and journals; `all_given` says that no other process has written elsewhere."""
    places = list(folders)
    known = [page for folder in places for page in read_pages(folder)]
    ours = [page for page in known if page.incarnation == found.incarnation]
    witness = max(ours or known, key=lambda page: page.number, default=None)
    content = read_journals(places, found.incarnation, found.page)
    unwritten = max(0, (witness.number if ours and witness else 0) - content.last)
    is_complete = bool(ours) and all_given and not (content.missing or unwritten)
    stories = read_recorded_stories(places, found.incarnation)
    return RecoveryEvidence(found, content, witness, is_complete, stories)
