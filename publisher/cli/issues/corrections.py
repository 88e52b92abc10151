"""`publisher issues correct`: correct an issue that was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.issues.corrections import CorrectionPlan


@common.command(
    "issues correct",
    'weekly 2026-01-09 --lang ar --subject "A date" --text erratum.md',
    takes="DIR --as --now --json",
)
def issues_correct_command(  # noqa: PLR0913  # options
    given: common.Given,
    newsletter: arguments.NewsletterArgument,
    day: arguments.DayArgument,
    *,
    lang: arguments.LanguagesOption = None,
    subject: str = "",
    text: Path | None = None,
    web_only: bool = False,
) -> None:
    """Correct an issue by a mail to those who got it and still want it, or on its page alone.

    Without --text, only show whom a correction would reach. The issue itself is never sent again.

    --subject TEXT: What is corrected, in a line.
    --text FILE: The words of the correction, Markdown.
    --web-only: Only on the issue's page; nobody gets a mail.
    """
    from publisher.app.issues.corrections import (
        CorrectionRequest,
        correct_issue,
        plan_correction,
    )

    of_day, languages = arguments.parse_day(day), tuple(lang or ())
    with given.editing() as (state, actor):
        plans = plan_correction(state, newsletter, of_day, languages)
        if text is None:
            _print_plans(given, plans)
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
    names = [x.mailed.name if x.mailed else f"{x.first.name} (page)" for x in done]
    if given.as_json:
        common.print_json({"corrected": [x.first.name for x in done], "issues": names})
    else:
        echo("\n".join(f"{name}: the next cycle makes it" for name in names))


def _read_corrections(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--text: {file} can't be read: {error}") from None


def _print_plans(given: common.Given, plans: list[CorrectionPlan]) -> None:
    if given.as_json:
        common.print_json([_as_json(plan) for plan in plans])
    else:
        echo("\n".join(line for plan in plans for line in _lines(plan)))


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
