"""All checks of the gate, and the report on one mail."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from publisher.gate.findings import Finding, GateReport, MailPart, Severity
from publisher.gate.mail import CheckedMail
from publisher.gate.rules import (
    client_support,
    html_structure,
    inbox_and_text,
    layout,
    links_and_images,
    story_text,
    template_leftovers,
    typography,
)
from publisher.i18n.messages import counted

# Modules with a function `check`, which returns the findings of one mail.
CHECKS = (
    html_structure,
    template_leftovers,
    layout,
    links_and_images,
    typography,
    client_support,
    story_text,
    inbox_and_text,
)

_ORDER = (MailPart.MESSAGE, MailPart.HEADERS, MailPart.HTML, MailPart.TEXT)
# Findings of one rule that are reported. People don't read more, and mending these shows the rest.
MOST_OF_A_RULE = 8


def check_mail(mail: CheckedMail) -> GateReport:
    """Return all findings, errors first, each kind in document order; one problem in many places is one, with their number."""
    found = [finding for module in CHECKS for finding in module.check(mail)]
    found.sort(key=_place)
    return GateReport(findings=tuple(_limited(_merged(found))))


def _merged(found: Iterable[Finding]) -> list[Finding]:
    """Merge findings that differ only in their place into the first of them."""
    same: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        same.setdefault((finding.code, finding.problem), []).append(finding)
    return [replace(alike[0], places=len(alike)) for alike in same.values()]


def _limited(found: Iterable[Finding]) -> Iterator[Finding]:
    """Limit the findings of each rule; the last one says how many more there are."""
    by_code: dict[str, list[Finding]] = {}
    for finding in found:
        by_code.setdefault(finding.code, []).append(finding)
    for alike in by_code.values():
        if len(alike) <= MOST_OF_A_RULE:
            yield from alike
            continue
        yield from alike[: MOST_OF_A_RULE - 1]
        rest = alike[MOST_OF_A_RULE - 1 :]
        problem = counted(
            "and %(count)s more of this kind, such as: %(first)s",
            "and %(count)s more of this kind, such as: %(first)s",
            len(rest),
            first=rest[0].problem,
        )
        yield replace(rest[0], problem=problem, places=sum(one.places for one in rest))


def _place(finding: Finding) -> tuple[bool, int, int]:
    rule = finding.rule
    return rule.severity != Severity.ERROR, _ORDER.index(rule.part), finding.line or 0
