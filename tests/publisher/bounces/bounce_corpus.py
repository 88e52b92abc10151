"""Real bounces beside the project, and what another program says of each (see its README)."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from publisher.bounces.model import BounceKind
from publisher.bounces.report import read_report

CORPUS = Path(__file__).resolve().parents[3] / "../shared/corpus/bounces"
# The other program's reasons that mean that the mailbox is not there.
_DEAD_REASONS = frozenset({"userunknown", "hostunknown", "hasmoved", "filtered"})
# Those for which nobody may be taken for dead.
HARMLESS_REASONS = frozenset(
    {"spamdetected", "blocked", "badreputation", "policyviolation", "vacation", "feedback"}
)


@dataclass
class CorpusFigures:
    """How often we say the same."""

    recipients: int = 0
    addresses: int = 0
    dead: int = 0
    dead_rightly: int = 0
    hard: int = 0
    hard_dead: int = 0
    hard_scored: int = 0
    # Our kinds, by the other program's reason.
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        return self.dead_rightly / self.dead

    @property
    def recall(self) -> float:
        return self.hard_dead / self.hard

    @property
    def scored(self) -> float:
        """The share of dead mailboxes that are called dead, or whose failures add up."""
        return self.hard_scored / self.hard


def corpus_mails() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((CORPUS / "mails").iterdir())}


def compare_with_corpus() -> CorpusFigures:
    """Read every mail, and compare the verdicts recipient by recipient."""
    figures = CorpusFigures()
    for line in (CORPUS / "verdicts.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        report = read_report((CORPUS / "mails" / entry["file"]).read_bytes())
        ours = {one.address.lower(): one.kind for one in report.recipients}
        sole = report.recipients[0].kind if report.recipients else None
        for expected in entry["recipients"]:
            kind = ours.get(expected["address"].lower())
            figures.addresses += kind is not None
            if kind is None and len(entry["recipients"]) == 1:
                kind = sole
            _count(figures, expected, kind)
    return figures


def _count(figures: CorpusFigures, expected: dict[str, Any], kind: BounceKind | None) -> None:
    figures.recipients += 1
    figures.kinds[expected["reason"], str(kind)] += 1
    if kind is BounceKind.DEAD:
        figures.dead += 1
        figures.dead_rightly += expected["reason"] in _DEAD_REASONS
    if expected["hard"]:
        figures.hard += 1
        figures.hard_dead += kind is BounceKind.DEAD
        figures.hard_scored += kind in {BounceKind.DEAD, BounceKind.SOFT}
