"""`publisher issues plan`: who gets an issue when, and why others get nothing, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    NowOption,
    editing,
    make_table,
    parse_now,
    print_json,
    stdout_console,
)
from publisher.cli.issue_arguments import (
    LanguagesOption,
    NewsletterArgument,
    parse_day,
    split_folder,
)
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.audience_plan import AudiencePlan, EditionPlan

# Mail providers that are listed by name.
_PROVIDERS = 10


def register(app: typer.Typer) -> None:
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
        from publisher.app.audience_plan import plan_audience, plan_hash

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
    from publisher.app.audience_plan import REASONS

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
