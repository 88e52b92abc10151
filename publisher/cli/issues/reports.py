"""`publisher issues list`, `show`, `diff`, `plan` and `report`: what issues have, who gets them, what became of mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
    editing,
    make_table,
    parse_now,
    print_json,
    stdout_console,
)
from publisher.cli.exit_codes import echo
from publisher.cli.issues.arguments import (
    DayArgument,
    IssueDayArgument,
    LanguagesOption,
    NewsletterArgument,
    find_names,
    parse_day,
    split_folder,
)
from publisher.cli.issues.output import (
    diff_json,
    diff_lines,
    left_out_json,
    list_json,
    list_lines,
    overdue_line,
    shown_json,
    shown_lines,
)

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.issues.audience_plan import AudiencePlan, EditionPlan
    from publisher.app.issues.deliveries import DayReport, IssueReport


_EXAMPLE = "Example: publisher issues"
_RevisionOption = Annotated[
    int | None,
    typer.Option("--from", metavar="N", help="The older revision.", show_default="the last"),
]


def _register_issues_show(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list", epilog=f"{_EXAMPLE} list weekly --lang en")(list_issues_command)
    app.command("show", epilog=f"{_EXAMPLE} show weekly 2026-01-09 --lang en")(
        show_issue_command
    )
    app.command("diff", epilog=f"{_EXAMPLE} diff weekly 2026-01-09 --lang en")(
        diff_issue_command
    )


def list_issues_command(  # options
    newsletter: NewsletterArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the latest issues of a newsletter, and the stories that were left out of them."""
    from publisher.app.issues.overview import (
        list_left_out,
        list_of_newsletter,
        overdue_of_newsletter,
    )

    with editing(directory, acting, parse_now(now)) as (state, actor):
        found = list_of_newsletter(state, actor, newsletter, tuple(lang or ()))
        overdue = overdue_of_newsletter(state, actor, newsletter, tuple(lang or ()))
        languages = dict.fromkeys(one.language for one in found)
        left = [x for tag in languages for x in list_left_out(state, actor, newsletter, tag)]
    if as_json:
        missed = [
            {"issue": x.name, "at": x.at.isoformat(), "reason": x.reason} for x in overdue
        ]
        shown = {"overdue": missed, "issues": list_json(found)}
        print_json(shown | {"left_out": [left_out_json(x) for x in left]})
    else:
        echo("\n".join([*map(overdue_line, overdue), *list_lines(found, left)]))
        if overdue:
            echo("publisher status says why no cycle has made it")


def show_issue_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: IssueDayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an issue: its stories, edits, approvals, the manifest to approve, and who did not get it, and why."""
    from publisher.app.issues.approvals import read_approvals, read_plan_to_sign
    from publisher.app.issues.deliveries import report_issue
    from publisher.app.issues.overview import read_issue_overview

    with editing(directory, acting, parse_now(now)) as (state, actor):
        found = []
        for name in find_names(newsletter, day, lang)(state):
            approvals = read_approvals(state, actor, name)
            plan = read_plan_to_sign(state, approvals)
            overview, report = (
                read_issue_overview(state, actor, name),
                report_issue(state, name),
            )
            found.append((overview, approvals, plan, report))
    if as_json:
        print_json([shown_json(one) for one in found])
    else:
        echo("\n".join(line for one in found for line in shown_lines(one)))


def diff_issue_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: IssueDayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    old: _RevisionOption = None,
    new: Annotated[
        int | None,
        typer.Option("--to", metavar="N", help="The newer one.", show_default="today's"),
    ] = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed between two revisions of an issue."""
    from publisher.app.issues.overview import compare_revisions

    with editing(directory, acting, parse_now(now)) as (state, actor):
        names = find_names(newsletter, day, lang)(state)
        found = {name: compare_revisions(state, actor, name, old, new) for name in names}
    if as_json:
        print_json([diff_json(name, one) for name, one in found.items()])
    else:
        echo("\n".join(x for name, one in found.items() for x in diff_lines(name, one)))


# Mail providers that are listed by name.
_PROVIDERS = 10


def _register_issues_plan(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan", epilog="Example: publisher issues plan weekly 2026-01-09 --lang ar")(
        issues_plan_command
    )


def issues_plan_command(  # options
    newsletter: NewsletterArgument,
    day: Annotated[
        str,
        typer.Argument(metavar="DAY", help='The date of its schedule, or "next".'),
    ] = "next",
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    languages: LanguagesOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who would get an issue when, and why others get nothing; adds up to all subscribers."""
    day, directory = split_folder(day, directory, "next")
    with editing(directory, None, parse_now(now)) as (state, _actor):
        from publisher.app.issues.audience_plan import plan_audience, plan_hash

        date = None if day == "next" else parse_day(day)
        plan = plan_audience(state, newsletter, date, languages or ())
        signed = plan_hash(plan, state.secret)
    if as_json:
        print_json({**plan.as_dict(), "hash": signed})
        return
    console = stdout_console()
    echo(f"{plan.newsletter} {plan.day}: {plan.subscribers:,} subscribers on record")
    console.print(_editions_table(plan))
    console.print(_reasons_table(plan))
    console.print(_providers_table(plan))
    echo(f"hash {signed}")


def _editions_table(plan: AudiencePlan) -> Table:
    table = make_table("Edition", "Get it", "By choices", "From (UTC)", "Until")
    for one in plan.editions:
        table.add_row(one.language, f"{one.recipients:,}", _variants(one), *_times(one))
    return table


def _variants(one: EditionPlan) -> str:
    if "undecided" in one.kinds:
        return "not known yet"
    count = one.kinds["variant"]
    return f"{count:,} in {one.variants:,} variants" if count else "none"


def _times(one: EditionPlan) -> tuple[str, str]:
    first, last = min(one.instants, default=one.due_at), max(one.instants, default=one.due_at)
    return f"{first:%a %Y-%m-%d %H:%M}", f"{last:%a %H:%M}" if last != first else ""


def _reasons_table(plan: AudiencePlan) -> Table:
    from publisher.app.issues.audience_plan import REASONS

    table = make_table("Get nothing", "Why")
    languages = {"other-edition": plan.elsewhere, "no-edition": plan.unserved}
    for reason, count in plan.reasons.most_common():
        noted = _noted(languages[reason]) if reason in languages else ""
        table.add_row(f"{count:,}", REASONS[reason] + noted)
    return table


def _noted(counts: Mapping[str, int]) -> str:
    return (
        f" ({', '.join(f'{name} {n:,}' for name, n in sorted(counts.items()))})"
        if counts
        else ""
    )


def _providers_table(plan: AudiencePlan) -> Table:
    from collections import Counter

    found = sum((one.providers for one in plan.editions), Counter[str]())
    table = make_table("Get it", "Mail provider")
    for name, count in found.most_common(_PROVIDERS):
        table.add_row(f"{count:,}", name)
    if rest := found.total() - sum(count for _name, count in found.most_common(_PROVIDERS)):
        table.add_row(f"{rest:,}", f"{len(found) - _PROVIDERS:,} others")
    return table


_WORDS = {"in_doubt": "in doubt", "suppressed": "not wanted"}


def _register_issues_report(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "report", epilog="Example: publisher issues report weekly 2026-01-09 --lang ar"
    )(issues_report_command)


def issues_report_command(
    newsletter: NewsletterArgument,
    day: DayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    languages: LanguagesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what became of every planned mail: by language, mail provider and cause."""
    with editing(directory, None) as (state, _actor):
        from publisher.app.issues.deliveries import report_day

        report = report_day(state, newsletter, parse_day(day), languages or ())
    if as_json:
        print_json(report.as_dict())
        return
    console = stdout_console()
    echo(f"{report.newsletter} {report.day}: {report.planned:,} mails planned")
    console.print(_counts_table("Edition", _by_edition(report)))
    if report.planned:
        console.print(_counts_table("Mail provider", _by_provider(report)))
    for one in report.issues:
        if one.reason:
            echo(f"{one.name} is {one.state.replace('_', ' ')}: {one.reason}")
        if one.only_counts:
            echo(f"{one.name}: who got it was deleted since; these counts stay")
        if one.causes:
            console.print(_causes_table(one))
        for kind, count in one.returned.items():
            echo(f"{one.name}: {count:,} came back later, {kind}")


def _by_edition(report: DayReport) -> dict[str, Mapping[str, int]]:
    return {f"{one.language} ({one.state})": one.counts for one in report.issues}


def _by_provider(report: DayReport) -> dict[str, Mapping[str, int]]:
    found = report.providers
    largest = sorted(found, key=lambda name: (-found[name].total(), name))
    shown: dict[str, Mapping[str, int]] = {
        name or "(erased subscribers)": found[name] for name in largest[:_PROVIDERS]
    }
    if others := largest[_PROVIDERS:]:
        shown[f"{len(others):,} others"] = sum((found[one] for one in others), Counter[str]())
    return shown


def _counts_table(heading: str, lines: Mapping[str, Mapping[str, int]]) -> Table:
    """Return a table of counts by state; states of which there are none are left out."""
    states = [*dict.fromkeys(state for line in lines.values() for state in line)]
    used = [state for state in states if any(line[state] for line in lines.values())]
    table = make_table(heading, "planned", *(_WORDS.get(one, one) for one in used))
    for name, line in lines.items():
        counts = (sum(line.values()), *(line[state] for state in used))
        table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def _causes_table(one: IssueReport) -> Table:
    table = make_table(one.name, "state", "why")
    for cause in one.causes:
        why = [cause.sentence, *_said(cause.words)]
        table.add_row(f"{cause.count:,}", _WORDS.get(cause.state, cause.state), "\n".join(why))
    return table


def _said(words: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in words]


def register(app: typer.Typer) -> None:
    """Add what this module has."""
    _register_issues_show(app)
    _register_issues_plan(app)
    _register_issues_report(app)
