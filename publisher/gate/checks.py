"""All checks together, over one mail. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from publisher.gate.findings import Finding, GateReport, MailPart, Rule, Severity
from publisher.gate.mail import CheckedMail
from publisher.gate.rules import (
    bodies,
    box_model,
    client_support,
    contrast,
    document_head,
    elements,
    footer,
    headers,
    images,
    lang_and_dir,
    layout_tables,
    link_parity,
    links,
    lists,
    preheader,
    size,
    stories,
    style_blocks,
    template_leftovers,
    text_part,
    typography,
    wire,
)


class Check(Protocol):
    """A module of checks."""

    @property
    def RULES(self) -> tuple[Rule, ...]:  # noqa: N802  # a constant of the module
        """What it looks for."""
        ...

    @property
    def check(self) -> Callable[[CheckedMail], Iterator[Finding]]:
        """Its function that looks through a mail."""
        ...


CHECKS: tuple[Check, ...] = (
    wire,
    headers,
    lists,
    bodies,
    size,
    document_head,
    lang_and_dir,
    elements,
    template_leftovers,
    style_blocks,
    layout_tables,
    box_model,
    images,
    links,
    typography,
    contrast,
    footer,
    client_support,
    preheader,
    stories,
    link_parity,
    text_part,
)
RULES: tuple[Rule, ...] = tuple(rule for module in CHECKS for rule in module.RULES)

# A message is read from its envelope to its last part.
ORDER = (MailPart.MESSAGE, MailPart.HEADERS, MailPart.HTML, MailPart.TEXT)
# Of one rule; nobody reads on after as many, and mending some shows the rest.
MOST_OF_A_KIND = 8


def check_mail(mail: CheckedMail) -> GateReport:
    """Give everything that is wrong with a mail: errors first, each kind in document order.

    What is wrong in the same way in many places comes once, with their number.
    """
    found = (finding for module in CHECKS for finding in module.check(mail))
    return GateReport(findings=tuple(_few(_together(sorted(found, key=_place)))))


def _together(found: Iterable[Finding]) -> Iterable[Finding]:
    """Put what differs in its place only into the first of its kind."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        kinds.setdefault((finding.code, finding.problem), []).append(finding)
    return (replace(alike[0], places=len(alike)) for alike in kinds.values())


def _few(found: Iterable[Finding]) -> Iterator[Finding]:
    """Let a rule speak a few times; the last of them says how many more there would be."""
    by_code: dict[str, list[Finding]] = {}
    for finding in found:
        by_code.setdefault(finding.code, []).append(finding)
    for alike in by_code.values():
        if len(alike) <= MOST_OF_A_KIND:
            yield from alike
            continue
        yield from alike[: MOST_OF_A_KIND - 1]
        rest = alike[MOST_OF_A_KIND - 1 :]
        problem = f"and {len(rest)} more of this kind, such as: {rest[0].problem}"
        yield replace(rest[0], problem=problem, places=sum(one.places for one in rest))


def _place(finding: Finding) -> tuple[bool, int, int]:
    rule = finding.rule
    return rule.severity != Severity.ERROR, ORDER.index(rule.part), finding.line or 0
