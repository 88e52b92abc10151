"""What the gate says of a mail: findings, each with a stable code, a place and a remedy.

Knows no check; every check yields these, and whoever shows them needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a finding holds an issue back."""

    ERROR = "error"
    WARNING = "warning"


class MailPart(StrEnum):
    """The part of a message that a finding is about."""

    HTML = "html"
    TEXT = "text"
    HEADERS = "headers"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a check looks for.

    `code` is stable: people write it into settings and look it up. `fix` says what to do, as
    an order; `why` is one sentence with its source.
    """

    code: str
    severity: Severity
    part: MailPart
    fix: str
    why: str

    def broken(
        self,
        problem: str,
        *,
        where: str,
        line: int | None = None,
        clients: tuple[str, ...] = (),
    ) -> Finding:
        """Say that a mail breaks this rule: how, and in which element or header."""
        return Finding(rule=self, problem=problem, where=where, line=line, clients=clients)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that one mail breaks in one place.

    `where` is an element (`td.item`) or a header's name, `line` counts from 1 in the decoded
    part, `clients` are the mail programs that suffer, as people call them; empty for all.
    `places` counts where else the very same is wrong; `where` and `line` are the first.
    """

    rule: Rule
    problem: str
    where: str
    line: int | None = None
    clients: tuple[str, ...] = ()
    places: int = 1

    @property
    def code(self) -> str:
        """The rule's code."""
        return self.rule.code

    @property
    def severity(self) -> Severity:
        """Whether it holds the issue back."""
        return self.rule.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """Everything that was found in one mail, errors first, in document order."""

    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What holds the issue back."""
        return tuple(f for f in self.findings if f.severity == Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What the editor should know."""
        return tuple(f for f in self.findings if f.severity == Severity.WARNING)
