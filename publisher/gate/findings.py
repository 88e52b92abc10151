"""Findings of the gate: each has a stable code, a place and a remedy."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Severity(StrEnum):
    """Whether a finding keeps an issue from being sent."""

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
    """One thing that a check looks for.

    `code` is stable: settings and documents refer to it. `fix` is an imperative that says what
    to do; `why` is the reason, with its source. `clients` are the mail clients that suffer, by their usual
    names; empty for all, and if a finding says which.
    """

    code: str
    severity: Severity
    part: MailPart
    fix: str
    why: str
    clients: tuple[str, ...] = ()


def _read_rules(text: str) -> dict[str, Rule]:
    return {
        code: Rule(
            code=code,
            severity=Severity(row.pop("severity")),
            part=MailPart(row.pop("part")),
            clients=tuple(row.pop("clients", ())),
            **row,
        )
        for code, row in tomllib.loads(text).items()
    }


# All rules, by their codes.
RULES = _read_rules(
    (Path(__file__).parent / "rules" / "rules.toml").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A place in which a mail breaks a rule.

    `where` is an element (`td.item`) or a header field's name; `line` counts from 1 in the
    decoded part. `clients` are the affected mail clients, by their usual names; empty for all.
    `places` is the number of places with the same problem; `where` and `line` are the first.
    """

    rule: Rule
    problem: str
    where: str
    line: int | None = None
    clients: tuple[str, ...] = ()
    places: int = 1

    @property
    def code(self) -> str:
        return self.rule.code

    @property
    def severity(self) -> Severity:
        return self.rule.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """All findings of one mail: errors first, each kind in document order."""

    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the issue from being sent."""
        return tuple(f for f in self.findings if f.severity == Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that an editor should read."""
        return tuple(f for f in self.findings if f.severity == Severity.WARNING)


def finding_data(finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    return {
        "code": rule.code,
        "severity": rule.severity.value,
        "part": rule.part.value,
        "where": finding.where,
        "line": finding.line,
        "places": finding.places,
        "problem": finding.problem,
        "clients": list(finding.clients),
        "fix": rule.fix,
    }
