"""`publisher translations stats`: how late translations come, and who is served in which language."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    editing,
    make_table,
    print_json,
    rfc3339_or_none,
    stdout_console,
)
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from publisher.app.translations import ServedShare, TranslationStatistics


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = "Example: publisher translations stats --days 365 my-publication"
    app.command("stats", epilog=epilog)(stats_command)


def stats_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    days: Annotated[
        int, typer.Option("--days", min=1, max=36500, help="How old originals may be.")
    ] = 60,
    as_json: JsonOption = False,
) -> None:
    """Show states and lags by language, and how many subscribers are served in theirs."""
    with editing(directory, None) as (state, actor):
        from publisher.app.translations import read_statistics

        found = read_statistics(state, actor, days=days)
    if as_json:
        print_json(_as_json(found))
        return
    table = make_table("Language", "States", "Translations", "Median lag", "95 % within")
    for tag, lag in found.lags.items():
        states = found.states[tag]
        counts = ", ".join(f"{n} {one.replace('-', ' ')}" for one, n in sorted(states.items()))
        table.add_row(tag, counts, str(lag.count), _span(lag.median), _span(lag.p95))
    stdout_console().print(table)
    echo(f"Subscribers: {_shares(found.subscribers)}")
    echo(f"Stories for each of them: {_shares(found.readings)}")


def _span(span: timedelta | None) -> str:
    if span is None:
        return ""
    hours = span.total_seconds() / 3600
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"  # noqa: PLR2004


def _shares(share: ServedShare) -> str:
    if not share.total:
        return "none"
    parts = (
        (share.first, "in their first language"),
        (share.other, "in another of theirs"),
        (share.none, "in none of theirs"),
    )
    return ", ".join(f"{100 * number / share.total:.1f} % {what}" for number, what in parts)


def _as_json(found: TranslationStatistics) -> dict[str, Any]:
    languages = {
        tag: {
            "states": {one.value: n for one, n in sorted(found.states[tag].items())},
            "translations": lag.count,
            "median_lag_seconds": lag.median and int(lag.median.total_seconds()),
            "p95_lag_seconds": lag.p95 and int(lag.p95.total_seconds()),
        }
        for tag, lag in found.lags.items()
    }
    return {
        "since": rfc3339_or_none(found.since),
        "languages": languages,
        "subscribers": _share_as_json(found.subscribers),
        "stories_of_subscribers": _share_as_json(found.readings),
    }


def _share_as_json(share: ServedShare) -> dict[str, int]:
    return {"first": share.first, "other": share.other, "none": share.none}
