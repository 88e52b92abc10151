"""`publisher issues list`, `show` and `report`: what issues have, and what became of mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.cli.issues.output import list_lines, overdue_as_json, overdue_line, shown_lines

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.issues.deliveries import DayReport, IssueReport
    from publisher.app.issues.overview import LeftOutStory


@common.command("issues list", "weekly --lang en", takes="DIR --as --now --json")
def list_issues_command(
    given: common.Given,
    newsletter: arguments.NewsletterArgument,
    *,
    lang: arguments.LanguagesOption = None,
) -> None:
    """List the latest issues of a newsletter, and the stories that were left out of them."""
    from publisher.app.issues import overview

    tags = tuple(lang or ())
    with given.editing() as (state, actor):
        issues = overview.list_of_newsletter(state, actor, newsletter, tags)
        overdue = overview.overdue_of_newsletter(state, actor, newsletter, tags)
        left_out = [
            story
            for language in dict.fromkeys(issue.language for issue in issues)
            for story in overview.list_left_out(state, actor, newsletter, language)
        ]
        if given.as_json:
            common.print_json(
                {
                    "issues": _summaries(state, actor, newsletter, tags),
                    "overdue": [overdue_as_json(late) for late in overdue],
                    "left_out": [_left_out_as_json(story) for story in left_out],
                }
            )
            return
    echo("\n".join([*map(overdue_line, overdue), *list_lines(issues, left_out)]))
    if overdue:
        echo("publisher status says why no cycle has made it")


def _left_out_as_json(story: LeftOutStory) -> dict[str, Any]:
    from publisher.web.api.issues.overview import LeftOutValue

    value = LeftOutValue.of(story.story, story.edit, reason=story.edit.value)
    return {
        "issue": story.issue.name,
        **value.model_dump(mode="json"),
        "is_carried": story.is_carried,
    }


def _summaries(
    state: EditingState, actor: Actor, newsletter: str, languages: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the latest issues, as `listIssues` answers for each language."""
    queries = [{"newsletter": newsletter, "language": tag} for tag in languages or (None,)]
    return [x for q in queries for x in answer_of(state, actor, "listIssues", q)["issues"]]


@common.command("issues show", "weekly 2026-01-09 --lang en", takes="DIR --as --now --json")
def show_issue_command(
    given: common.Given,
    newsletter: arguments.NewsletterArgument,
    day: arguments.IssueDayArgument,
    *,
    lang: arguments.LanguagesOption = None,
) -> None:
    """Show an issue: its stories, edits, approvals, the manifest to approve, and who did not get it, and why."""
    from publisher.app.issues.approvals import read_approvals, read_plan_to_sign
    from publisher.app.issues.deliveries import report_issue
    from publisher.app.issues.overview import read_issue_overview

    with given.editing() as (state, actor):
        shown, names = [], arguments.find_names(newsletter, day, lang)(state)
        if given.as_json:
            common.print_json([_whole(state, actor, name) for name in names])
            return
        for name in names:
            approvals = read_approvals(state, actor, name)
            plan = read_plan_to_sign(state, approvals)
            overview = read_issue_overview(state, actor, name)
            shown.append((overview, approvals, plan, report_issue(state, name)))
    echo("\n".join(line for issue in shown for line in shown_lines(issue)))


# What `show --json` prints of an issue, by the operation that answers it.
_OPERATIONS = {
    "issue": "readIssue",
    "contents": "readContents",
    "approvals": "readApprovals",
    "report": "readReport",
}


def _whole(state: EditingState, actor: Actor, name: str) -> dict[str, Any]:
    from publisher.app.issues.approvals import read_approvals, read_plan_to_sign

    answers = {
        key: answer_of(state, actor, operation, issue=name)
        for key, operation in _OPERATIONS.items()
    }
    plan = read_plan_to_sign(state, read_approvals(state, actor, name))
    signed = plan and {"hash": plan.hash, "recipients": plan.recipients, "moved": plan.moved}
    return answers | {"plan": signed}


_PROVIDERS = 10  # mail providers that are listed by name

_WORDS = {"in_doubt": "in doubt", "suppressed": "not wanted"}


@common.command("issues report", "weekly 2026-01-09 --lang ar", takes="DIR --json")
def issues_report_command(
    given: common.Given,
    newsletter: arguments.NewsletterArgument,
    day: arguments.IssueDayArgument,
    *,
    lang: arguments.LanguagesOption = None,
) -> None:
    """Show what became of every planned mail: by language, mail provider and cause."""
    with given.editing() as (state, _actor):
        from publisher.app.issues.deliveries import report_day

        of_day, suffix = arguments.parse_issue_day(day)
        report = report_day(state, newsletter, of_day, lang or (), suffix)
    if given.as_json:
        common.print_json(report.as_dict())
        return
    console = common.stdout_console()
    echo(f"{report.newsletter} {report.day}: {report.planned:,} mails planned")
    console.print(_counts_table("Edition", _by_edition(report)))
    if report.planned:
        console.print(_counts_table("Mail provider", _by_provider(report)))
    for one in report.issues:
        issue = one.issue
        if issue.reason:
            echo(f"{issue.name} is {issue.state.replace('_', ' ')}: {issue.reason}")
        if one.only_counts:
            echo(f"{issue.name}: who got it was deleted since; these counts stay")
        if one.causes:
            console.print(_causes_table(one))
        for kind, count in one.returned.items():
            echo(f"{issue.name}: {count:,} came back later, {kind}")


def _by_edition(report: DayReport) -> dict[str, Mapping[str, int]]:
    return {f"{one.issue.language} ({one.issue.state})": one.counts for one in report.issues}


def _by_provider(report: DayReport) -> dict[str, Mapping[str, int]]:
    counts = [*report.providers.items()]
    shown: dict[str, Mapping[str, int]] = {
        name or "(erased subscribers)": count for name, count in counts[:_PROVIDERS]
    }
    if others := [count for _name, count in counts[_PROVIDERS:]]:
        shown[f"{len(others):,} others"] = sum(others, Counter[str]())
    return shown


def _counts_table(heading: str, lines: Mapping[str, Mapping[str, int]]) -> Table:
    """Return a table of counts by state; states of which there are none are left out."""
    from publisher.app.issues.deliveries import used_states

    used = used_states(lines.values())
    rows = (
        (name, *(f"{count:,}" for count in (sum(line.values()), *(line[x] for x in used))))
        for name, line in lines.items()
    )
    return common.make_table((heading, "planned", *(_WORDS.get(x, x) for x in used)), rows)


def _causes_table(report: IssueReport) -> Table:
    rows = (
        (
            f"{cause.count:,}",
            _WORDS.get(cause.state, cause.state),
            "\n".join([cause.sentence, *(f"  {line}" for line in cause.words)]),
        )
        for cause in report.causes
    )
    return common.make_table((report.issue.name, "state", "why"), rows)
