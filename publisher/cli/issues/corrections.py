"""`publisher issues correct`: correct an issue that was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.issues.corrections import CorrectionPlan


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = 'correct weekly 2026-01-09 --lang ar --subject "A date" --text erratum.md'
    app.command("correct", epilog=f"Example: publisher issues {example}")(
        issues_correct_command
    )


def issues_correct_command(  # noqa: PLR0913  # options
    newsletter: arguments.NewsletterArgument,
    day: arguments.DayArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    subject: Annotated[
        str, typer.Option("--subject", metavar="TEXT", help="What is corrected, in a line.")
    ] = "",
    text: Annotated[
        Path | None,
        typer.Option("--text", metavar="FILE", help="The words of the correction, Markdown."),
    ] = None,
    web_only: Annotated[
        bool, typer.Option("--web-only", help="Only on the issue's page; nobody gets a mail.")
    ] = False,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Correct an issue by a mail to those who got it and still want it, or on its page alone.

    Without --text, only show whom a correction would reach. The issue itself is never sent again.
    """
    from publisher.app.issues.corrections import (
        CorrectionRequest,
        correct_issue,
        plan_correction,
    )

    of_day, languages = arguments.parse_day(day), tuple(lang or ())
    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        plans = plan_correction(state, newsletter, of_day, languages)
        if text is None:
            _print_correction(plans, as_json=as_json)
            return
        request = CorrectionRequest(
            newsletter=newsletter,
            day=of_day,
            languages=languages,
            subject=subject,
            text=_read_corrections(text),
            web_only=web_only,
        )
        done = correct_issue(state, actor, request)
    names = [one.mailed.name if one.mailed else f"{one.first.name} (page)" for one in done]
    if as_json:
        common.print_json({"corrected": [one.first.name for one in done], "issues": names})
    else:
        echo("\n".join(f"{name}: the next cycle makes it" for name in names))


def _read_corrections(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--text: {file} can't be read: {error}") from None


def _print_correction(plans: list[CorrectionPlan], *, as_json: bool) -> None:
    if as_json:
        common.print_json([_as_json(one) for one in plans])
    else:
        echo("\n".join(line for one in plans for line in _lines(one)))


def _as_json(plan: CorrectionPlan) -> dict[str, object]:
    return {
        "issue": plan.issue.name,
        "subject": plan.subject,
        "sent_as": plan.sent_as,
        "audience": dict(sorted(plan.audience.items())),
        "corrections": len(plan.corrections),
    }


def _lines(plan: CorrectionPlan) -> Iterator[str]:
    reached = common.count_noun(plan.recipients, "subscriber")
    yield f"{plan.issue.name}: a correction reaches {reached}"
    for standing, number in sorted(plan.audience.items()):
        if standing != "recipient":
            yield f"    {number} {standing}"
    yield f"    sent as {plan.sent_as}: {plan.subject}"
