"""`publisher issues correct` and `announce`: mails of an editor's words outside the schedule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.issues.announcements import AnnouncementWords
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


@common.command(
    "issues announce",
    'weekly --text en=closed.md --at "2026-01-10 09:00"',
    takes="DIR --as --now --json",
)
def issues_announce_command(  # noqa: PLR0913  # options
    given: common.Given,
    newsletter: arguments.NewsletterArgument,
    *,
    text: list[str] | None = None,
    only: list[str] | None = None,
    at: str = "",
    send: bool = False,
    listed: bool = False,
    unlisted: bool = False,
    dry_run: bool = False,
) -> None:
    """Announce something to all who get a newsletter, outside its schedule.

    A file begins with lines like "Subject: Closed" and "First line: Until Monday"; after an empty line comes the
    text, Markdown. It is held until somebody schedules it or sends it now.

    --text TAG=FILE: A language and its words; may be repeated.
    --only CONDITION: Like "city is Berlin"; may be repeated.
    --at TIME: Send it at this date and time, in the publication's time zone.
    --send: Send it at once or, if it needs approvals, when it has them.
    --listed: Have it in lists of issues and in feeds, though it has conditions.
    --unlisted: Have it there not: who has the link reads its page.
    --dry-run: Only count who would get it.
    """
    from publisher.app.issues.announcements import (
        AnnouncementRequest,
        AnnouncementTime,
        announce,
        plan_announcement,
    )

    when = AnnouncementTime.NOW if send else AnnouncementTime.HELD
    zone = given.settings.zone()
    request = AnnouncementRequest(
        newsletter=newsletter,
        words=dict(_read_announcement(one) for one in text or ()),
        only=tuple(only or ()),
        listed=listed or (False if unlisted else None),
        when=AnnouncementTime.AT if at else when,
        at=arguments.parse_local_time(at, "--at").replace(tzinfo=zone) if at else None,
    )
    with given.editing() as (state, actor):
        plan = plan_announcement(state, actor, request)
        done = [] if dry_run else announce(state, actor, request)
    if given.as_json:
        names = [one.issue.name for one in done]
        common.print_json({"issues": names, "plan": plan.as_dict()})
        return
    for language, number in plan.recipients.items():
        echo(f"{language}: {common.count_noun(number, 'subscriber')}")
    for reason, number in plan.reasons.most_common():
        echo(f"    {number} {reason}")
    for one in done:
        echo(f"{one.issue.name}: {one.problem or one.issue.state.replace('_', ' ')}")


def _read_announcement(named: str) -> tuple[str, AnnouncementWords]:
    """Return the language and the words of a file that an option names."""
    from publisher.app.issues.announcements import AnnouncementWords

    tag, sign, name = named.partition("=")
    if not sign:
        raise UsageError(f"--text: {named!r} names no language; write it like en=closed.md")
    head, _empty, text = _read_corrections(Path(name)).replace("\r\n", "\n").partition("\n\n")
    values = dict(line.partition(":")[::2] for line in head.splitlines())
    lines = {key.strip().casefold(): value.strip() for key, value in values.items()}
    if not {"subject"} <= lines.keys() <= {"subject", "first line"}:
        raise UsageError(
            f'--text: {name} begins with "Subject: ...", perhaps "First line: ...", and an empty line'
        )
    return tag, AnnouncementWords(lines["subject"], text, lines.get("first line", ""))
