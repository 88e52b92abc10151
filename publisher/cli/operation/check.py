"""`publisher check`: run the gate on the next issues and system mails, or on a mail in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from publisher.cli import common
from publisher.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from publisher.app.operation.check import CheckResult
    from publisher.gate.findings import Finding


_MAX_SUBJECT_SHOWN = 300  # Characters; a foreign mail's may be much longer
# Columns, in however narrow a window.
_MIN_COLUMNS = 20
_STYLES = {"error": "bold red", "warning": "yellow"}


def report_as_json(results: Sequence[CheckResult]) -> dict[str, Any]:
    return {
        "errors": sum(len(result.errors) for result in results),
        "warnings": sum(len(result.warnings) for result in results),
        "failed": any(result.failed for result in results),
        "mails": [_mail_as_json(result) for result in results if result.is_mail],
        "files": [_mail_as_json(result) for result in results if not result.is_mail],
    }


def _mail_as_json(result: CheckResult) -> dict[str, Any]:
    from publisher.gate.findings import finding_data

    return {
        **common.fields_as_json(result, "newsletter", "notice", "language", "day", "file"),
        **common.fields_as_json(result, "subject", "articles", "remark", "problem"),
        "bytes": result.sizes,
        "findings": [finding_data(f) for f in (*result.errors, *result.warnings)],
    }


def count_findings(findings: Sequence[Mapping[str, Any]]) -> str:
    if not findings:
        return "The gate found nothing wrong with it."
    errors = sum(finding["severity"] == "error" for finding in findings)
    return (
        f"The gate found {common.count_noun(errors, 'error')} and "
        f"{common.count_noun(len(findings) - errors, 'warning')}: publisher check shows them."
    )


def print_report(console: Console, results: Sequence[CheckResult]) -> None:
    from rich.text import Text

    from publisher.languages import autonym

    for language, mails in groupby(results, key=lambda result: result.language):
        console.print(Text(f"{autonym(language)} ({language})", style="bold"))
        for mail in mails:
            _show_one(console, mail)
        console.print()
    errors = sum(len(result.errors) for result in results)
    warnings = sum(len(result.warnings) for result in results)
    made = [result for result in results if result.is_mail]
    broken = sum(result.problem is not None for result in made)
    summary = (
        f"{common.count_noun(len(made), 'mail')} checked: {common.count_noun(errors, 'error')}, "
        f"{common.count_noun(warnings, 'warning')}"
    )
    if broken:
        summary += f"; {broken} can't be made"
    if wrong := sum(result.failed for result in results if not result.is_mail):
        summary += f"; {common.count_noun(wrong, 'fault')} of templates"
    console.print(Text(summary))


def _show_one(console: Console, mail: CheckResult) -> None:
    from rich.text import Text

    from publisher.gate.mail import clip_text

    _print(console, 2, _heading(mail))
    if mail.subject:
        _print(console, 4, Text(clip_text(mail.subject, _MAX_SUBJECT_SHOWN)))
    if mail.remark:
        _print(console, 4, Text(mail.remark, style="dim"))
    if mail.problem:
        _print(console, 4, Text.assemble(("error ", _STYLES["error"]), mail.problem))
    kinds: dict[str, list[Finding]] = {}
    for finding in (*mail.errors, *mail.warnings):
        kinds.setdefault(finding.code, []).append(finding)
    for same in kinds.values():
        _show_kind(console, same)


def _heading(mail: CheckResult) -> Text:
    from rich.text import Text

    parts = [common.count_noun(mail.articles, "article")] if mail.articles else []
    if size := mail.sizes:
        html = f"HTML {size['html']:,} bytes"
        whole = (f"{html} ({size['html_sent']:,} as sent)", f"text {size['text']:,}")
        parts += [html] if mail.is_page else whole
        if not (mail.errors or mail.warnings):
            parts.append("nothing wrong")
    return Text(f"{mail.name}: {', '.join(parts)}" if parts else mail.name)


def _show_kind(console: Console, findings: list[Finding]) -> None:
    """Print the findings of one rule: the remedy once, then the places."""
    from rich.text import Text

    rule = findings[0].rule
    style = _STYLES[rule.severity.value]
    _print(console, 4, Text.assemble((f"{rule.severity.value} {rule.code}: ", style), rule.fix))
    for finding in findings:
        line = f" line {finding.line}" if finding.line else ""
        where = f"{rule.part.value}{line}, {finding.where}: {finding.problem}"
        elsewhere = f", and {finding.places - 1} more like it" if finding.places > 1 else ""
        clients = f" ({', '.join(finding.clients)})" if finding.clients else ""
        _print(console, 8, Text.assemble(where, elsewhere, (clients, "dim")))


def _print(console: Console, indent: int, text: Text) -> None:
    """Print wrapped text that keeps its indent in every line."""
    from rich.text import Text

    for line in text.wrap(console, max(console.width - indent, _MIN_COLUMNS)):
        line.rstrip()
        console.print(Text(" " * indent) + line)


@common.command("check", "--lang ar my-publication", takes="DIR --json --now")
def check_command(
    given: common.Given,
    *,
    newsletter: str | None = None,
    lang: str | None = None,
    file: Path | None = None,
) -> None:
    """Check every edition's next mail, and mails about subscriptions; exit code 1 for an error.

    --newsletter NAME: Only this newsletter.
    --lang TAG: Only this language; with --file, its own.
    --file MAIL: Check a message (.eml) or a page (.html).
    """
    if file is not None:
        if newsletter is not None or given.directory != common.CURRENT_FOLDER:
            raise UsageError(
                "--file: a mail in a file belongs to no publication; leave out the folder and --newsletter"
            )
        from publisher.app.operation.check import check_file

        results = [check_file(file, lang)]
    else:
        settings, clock = given.settings, given.clock
        from publisher.app.issues.lookup import choose_editions
        from publisher.app.operation.check import check_editions

        editions = choose_editions(settings, newsletter, lang)
        results = list(check_editions(settings, editions, clock, notices=newsletter is None))
    if given.as_json:
        common.print_json(report_as_json(results))
    else:
        print_report(common.stdout_console(), results)
    if any(result.failed for result in results):
        raise typer.Exit(1)
